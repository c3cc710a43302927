"""What a signing certificate says about a GitHub build: Fulcio's claims, read once and checked against each other.

Follows fulcio/docs/oid-info.md. Certificates before 2023 have the claims 1 to 6 alone; newer ones say the same twice, and then
both must agree. The subject alternative name is the workflow that asked for the certificate (a reusable one, where one is
called), and 18 is the workflow that was started.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Self

from supplychain.errors import BuilderMismatchError, CertificateError
from supplychain.wire import MalformedError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from supplychain.identity import SignerIdentity

__all__ = ["BuildCertificate", "Workflow"]

_WORKFLOW: Final = re.compile(
    r"(https://[A-Za-z0-9.:-]+/[A-Za-z0-9._-]+/[A-Za-z0-9._-]+)/(\.github/workflows/[^@\s/]+\.ya?ml)@([^@\s]+)"
)
_SAME: Final = ((1, 8), (2, 20), (3, 13), (13, 19), (6, 14))
"""Claims that say the same thing in the older and in the newer set; all of a GitHub job's commits are one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Workflow:
    """A workflow file at a ref: `https://github.com/owner/repository/.github/workflows/file.yml@ref`."""

    repository: str
    path: str
    ref: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read one.

        Raises:
            MalformedError: it names no workflow file, or not exactly one ref.
        """
        match = _WORKFLOW.fullmatch(text)
        if match is None:
            raise MalformedError(f"`{text[:200]}` names no workflow at a ref")
        return cls(repository=match[1], path=match[2], ref=match[3])

    @property
    def name(self) -> str:
        """All but the ref."""
        return f"{self.repository}/{self.path}"

    def __str__(self) -> str:
        return f"{self.name}@{self.ref}"


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildCertificate:
    """The part of a certificate that a build is judged by. None: the certificate is too old to say."""

    signer: Workflow
    repository: str
    ref: str
    commit: str
    event: str
    caller: Workflow | None
    claims: Mapping[int, str]

    @classmethod
    def read(cls, identity: SignerIdentity, *, issuer: str) -> Self:
        """Read the claims of a GitHub Actions job.

        Raises:
            BuilderMismatchError: vouched for by another issuer, signed by something other than a workflow, or not on a runner
                that GitHub hosts.
            CertificateError: a claim is missing, or two of them contradict each other.
        """
        if identity.issuer != issuer:
            raise BuilderMismatchError(
                "another issuer vouches for the builder", expected=f"`{issuer}`", got=f"`{identity.issuer}`"
            )
        runner = identity.claims.get(11)
        if runner is not None and runner != "github-hosted":
            raise BuilderMismatchError("the build ran on a machine of its own", expected="`github-hosted`", got=f"`{runner}`")
        claims = _Claims(identity.claims)
        claims.agree(_SAME)
        signer = _workflow(identity.subject, "subject alternative name") if identity.subject_kind == "uri" else None
        if signer is None:
            raise BuilderMismatchError("the signer is no workflow", got=f"`{identity.subject}`")
        repository = _repository(claims)
        certificate = cls(
            signer=signer,
            repository=repository,
            ref=claims.one_of(14, 6),
            commit=claims.one_of(13, 3),
            event=claims.one_of(20, 2),
            caller=_workflow(caller, "claim 18") if (caller := identity.claims.get(18)) is not None else None,
            claims=identity.claims,
        )
        claims.demand(9, str(signer))
        claims.demand(16, repository.rpartition("/")[0])
        if certificate.caller is not None:
            claims.demand(18, f"{repository}/{certificate.caller.path}@{certificate.ref}")
        return certificate


class _Claims:
    def __init__(self, claims: Mapping[int, str]) -> None:
        self._claims = claims

    def one_of(self, newer: int, older: int) -> str:
        value = self._claims.get(newer) or self._claims.get(older)
        if not value:
            raise CertificateError("the certificate lacks a claim about the build", expected=f"claim {newer} or {older}")
        return value

    def agree(self, pairs: tuple[tuple[int, int], ...]) -> None:
        for older, newer in pairs:
            if older in self._claims:
                self.demand(newer, self._claims[older])

    def demand(self, number: int, value: str) -> None:
        """Refuse a claim that says something else; a certificate without it is fine."""
        if self._claims.get(number, value) != value:
            raise CertificateError(
                "the certificate contradicts itself",
                expected=f"`{value[:200]}`",
                got=f"`{self._claims[number][:200]}`",
                where=f"claim {number}",
            )


def _repository(claims: _Claims) -> str:
    """Claim 12 is a URI, the older claim 5 only `owner/name` on github.com."""
    value = claims.one_of(12, 5)
    if value.startswith("https://"):
        claims.demand(5, "/".join(value.split("/")[3:]))
        return value
    return f"https://github.com/{value}"


def _workflow(text: str, where: str) -> Workflow:
    try:
        return Workflow.parse(text)
    except MalformedError as exc:
        raise BuilderMismatchError("the signer is no workflow", got=f"`{text[:200]}`", where=where) from exc
