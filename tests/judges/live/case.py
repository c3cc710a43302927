"""A case: evidence, a question about it, and the right answer, written down before anybody is asked."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from tests.support.sigstore.identities import GENERATOR, GITHUB_ISSUER

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.judges.live.tampering import Change

__all__ = ["GENERATOR_SIGNER", "PERSON", "PROVENANCE", "RELEASE", "SIGNATURE", "Case", "Question", "changed"]

RELEASE = "https://github.com/acme/plugins/.github/workflows/release.yml@refs/tags/v1.2.3"
GENERATOR_SIGNER = f"{GENERATOR}@refs/tags/v2.1.0"
PERSON = "release@acme.example"


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What both are asked."""

    identity: str = RELEASE
    pattern: str | None = None
    """A regular expression for the identity, in its place."""
    issuer: str | None = GITHUB_ISSUER
    """None stands for the issuer of e-mail tokens, whose address changes."""
    provenance: str | None = None
    """cosign's word for the predicate type; None asks for an image signature."""
    key: str | None = None
    """Name of a public key instead of an identity."""
    builder: str | None = None
    """A builder that our policy allows besides the known ones."""
    root: Callable[[Any], None] | None = None
    """Changes the trust root."""
    other_root: bool = False
    """The root of another Sigstore."""
    flags: tuple[str, ...] = ()
    """What cosign needs to look at this form at all."""


SIGNATURE = Question()
PROVENANCE = Question(identity=GENERATOR_SIGNER, provenance="slsaprovenance02")


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One row of the table."""

    name: str
    right: bool
    """Whether it has to be accepted."""
    why: str
    start: str | None = None
    """The form whose evidence is attached, in a new repository; None: nothing is."""
    changes: tuple[tuple[str, Change], ...] = ()
    beside: tuple[str, ...] = ()
    """Further forms whose evidence is attached as it is."""
    in_place: bool = False
    """Judge what cosign wrote where it wrote it."""
    fallback: bool = False
    """List the referrers under the fallback tag of a registry without referrers API."""
    question: Question = SIGNATURE
    cosign: str | None = None
    """Why cosign answers otherwise; None where it does not."""
    ours: str | None = None
    """The same for us: something to mend."""


def changed(
    name: str, start: str, *changes: tuple[str, Change], why: str, right: bool = False, cosign: str | None = None, **asked: Any
) -> Case:
    """A case with changes; a form that attests is asked for provenance."""
    question = PROVENANCE if start.startswith(("attest", ".att")) else SIGNATURE
    return Case(name=name, right=right, why=why, start=start, changes=changes, cosign=cosign, question=replace(question, **asked))
