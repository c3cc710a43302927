"""Who signs: subjects, issuers and the claims that Fulcio copies from an OIDC token (fulcio/docs/oid-info.md)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.support.sigstore import der
from tests.support.sigstore.certificates import Extension, email_name, uri_name

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["GENERATOR", "GITHUB_ISSUER", "Identity", "generator_identity", "github_identity"]

GITHUB_ISSUER = "https://token.actions.githubusercontent.com"
GENERATOR = "https://github.com/slsa-framework/slsa-github-generator/.github/workflows/generator_generic_slsa3.yml"

_ARC = "1.3.6.1.4.1.57264.1"
_RAW = range(1, 7)
"""Claims 1 to 6 are raw text, all later ones DER UTF8String."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """A signer. Claims 1 and 8 follow from `issuer` unless `claims` says otherwise; None in `claims` leaves one out."""

    subject_uri: str = "https://github.com/acme/plugins/.github/workflows/release.yml@refs/tags/v1.2.3"
    issuer: str = GITHUB_ISSUER
    claims: Mapping[int, str | None] = field(default_factory=dict)
    email: str | None = None
    """Instead of the URI."""
    raw_claims: Mapping[int, bytes] = field(default_factory=dict)
    """Extension values as they are, over everything else."""

    @property
    def subject(self) -> str:
        return self.email if self.email is not None else self.subject_uri

    def name(self) -> bytes:
        return email_name(self.email) if self.email is not None else uri_name(self.subject_uri)

    def extensions(self) -> tuple[Extension, ...]:
        claims: dict[int, str | None] = {1: self.issuer, 8: self.issuer, **self.claims}
        values = {
            number: text.encode() if number in _RAW else der.utf8(text)
            for number, text in sorted(claims.items())
            if text is not None
        }
        values.update(self.raw_claims)
        return tuple(Extension(f"{_ARC}.{number}", value) for number, value in sorted(values.items()))


def github_identity(
    repository: str = "acme/plugins",
    *,
    workflow: str = ".github/workflows/release.yml",
    ref: str = "refs/tags/v1.2.3",
    signer: str | None = None,
    commit: str = "4d329c75e7ec1725f7c9ce917a8799d408d06be3",
    trigger: str = "push",
    runner: str = "github-hosted",
    claims: Mapping[int, str | None] | None = None,
) -> Identity:
    """A GitHub Actions job with all claims that the public Fulcio writes.

    `signer` is the workflow that asked for the certificate, `https://…@ref`; a reusable one differs from the calling `workflow`.
    """
    owner = repository.partition("/")[0]
    own = f"https://github.com/{repository}/{workflow}@{ref}"
    signer = signer or own
    return Identity(
        subject_uri=signer,
        claims={
            2: trigger,
            3: commit,
            4: "release",
            5: repository,
            6: ref,
            9: signer,
            10: commit if signer == own else "f7dd8c54c2067bafc12ca7a55595d5ee9b75204a",
            11: runner,
            12: f"https://github.com/{repository}",
            13: commit,
            14: ref,
            15: "486325809",
            16: f"https://github.com/{owner}",
            17: "80431187",
            18: own,
            19: commit,
            20: trigger,
            21: f"https://github.com/{repository}/actions/runs/13531731005/attempts/1",
            22: "public",
            **(claims or {}),
        },
    )


def generator_identity(
    repository: str = "acme/plugins",
    *,
    ref: str = "refs/tags/v1.2.3",
    generator: str = GENERATOR,
    generator_ref: str = "refs/tags/v2.1.0",
    **options: str,
) -> Identity:
    """The reusable workflow of slsa-github-generator, called from `repository`."""
    return github_identity(repository, ref=ref, signer=f"{generator}@{generator_ref}", **options)  # type: ignore[arg-type]
