"""How far a proven signer is from the one that a policy trusts, and the smallest change that would let it count.

The subject is taken apart as a workflow's identity (`https://host/owner/repository/path@ref`) and compared with examples of what
the pattern matches: the fewest parts that have to be exchanged to make it match are what differs.
"""

from __future__ import annotations

import re
from itertools import combinations
from typing import TYPE_CHECKING, Final, NamedTuple

from supplychain.errors import IdentityMismatchError, InvalidIdentityPatternError
from supplychain.identity_pattern import IdentityPattern
from supplychain.remedies import evidence, policy

if TYPE_CHECKING:
    from supplychain.errors import Remedy
    from supplychain.identity import SignerIdentity

__all__ = ["signer_mismatch"]

_WORKFLOW: Final = re.compile(r"(https://[^/@]+)/([^/@]+)/([^/@]+)/([^@]+)@(.+)", re.DOTALL)
_NAMES: Final = ("host", "owner", "repository", "workflow", "ref")
_VERSION: Final = re.compile(r"refs/tags/v?[0-9]+(?:\.[0-9]+)*(?:[-+][0-9A-Za-z.+-]+)?", re.ASCII)
_RELEASE: Final = re.compile(r"refs/tags/v?[0-9]+(?:\.[0-9]+){2,}(?:[-+][0-9A-Za-z.+-]+)?", re.ASCII)
"""A version of three numbers at least: tags such as `v1` and `v1.2` are moved from release to release."""
_MANIFEST: Final = "spec.trust.cosignIdentity"
_FAR: Final = 1 << len(_NAMES)
"""Farther than any number of parts that differ."""


class _Difference(NamedTuple):
    parts: tuple[int, ...]
    """Places in `_NAMES`; empty where the subject cannot be compared part by part."""
    signed: tuple[str, ...] = ()
    wanted: tuple[str, ...] = ()
    is_only_choice: bool = False
    """Whether the pattern takes nothing else for these parts, as far as its examples show."""

    @property
    def distance(self) -> int:
        return sum(1 << (len(_NAMES) - 1 - place) for place in self.parts) or _FAR

    @property
    def is_another_release(self) -> bool:
        ref = len(_NAMES) - 1
        releases = self.parts == (ref,) and _RELEASE.fullmatch(self.signed[ref]) and _VERSION.fullmatch(self.wanted[ref])
        return bool(releases)


def signer_mismatch(signer: SignerIdentity, *, identity: IdentityPattern, issuer: str, where: str) -> IdentityMismatchError:
    """Describe a proven signer whose issuer is another one, or whose subject the pattern does not match."""
    if signer.issuer != issuer:
        return _issuer_mismatch(signer, identity=identity, issuer=issuer, where=where)
    return _identity_mismatch(signer, identity=identity, where=where)


def _identity_mismatch(signer: SignerIdentity, *, identity: IdentityPattern, where: str) -> IdentityMismatchError:
    difference = _difference(signer.subject, identity)
    return IdentityMismatchError(
        f"the signer is not the trusted one{_words(difference)}",
        expected=f"a match of `{identity}`",
        got=f"`{signer.subject}`",
        where=where,
        remedies=(
            *_trusting(signer, identity, effect=_effect(difference), weakens=not difference.is_another_release),
            evidence(f"an image signature by an identity that matches `{identity}`"),
        ),
        distance=difference.distance,
    )


def _issuer_mismatch(signer: SignerIdentity, *, identity: IdentityPattern, issuer: str, where: str) -> IdentityMismatchError:
    matches = identity.matches(signer.subject)
    difference = None if matches else _difference(signer.subject, identity)
    also = "" if difference is None else f"; besides, the signer is not the trusted one{_words(difference)}"
    return IdentityMismatchError(
        f"another issuer vouches for the signer{also}",
        expected=f"`{issuer}`",
        got=f"`{signer.issuer}`",
        where=where,
        remedies=(
            evidence(f"an image signature by an identity that `{issuer}` vouches for"),
            *_trusting(
                signer,
                None if matches else identity,
                issuer=True,
                effect="another issuer then says who is who" + ("" if difference is None else f", and {_effect(difference)}"),
                weakens=True,
            ),
        ),
        distance=2 * _FAR + (0 if difference is None else difference.distance),
    )


def _difference(subject: str, identity: IdentityPattern) -> _Difference:
    signed = _WORKFLOW.fullmatch(subject)
    examples = [found.groups() for one in identity.examples() if (found := _WORKFLOW.fullmatch(one)) is not None]
    if signed is None:
        return _Difference(())
    for size in range(1, len(_NAMES) + 1):
        for parts in combinations(range(len(_NAMES) - 1, -1, -1), size):
            for wanted in examples:
                exchanged = [wanted[place] if place in parts else part for place, part in enumerate(signed.groups())]
                if identity.matches("{}/{}/{}/{}@{}".format(*exchanged)):
                    same = {tuple(example[place] for place in parts) for example in examples}
                    return _Difference(tuple(sorted(parts)), signed.groups(), wanted, len(same) == 1)
    return _Difference(())


def _words(difference: _Difference) -> str:
    """Say which parts differ, in the order of a subject."""
    if not difference.parts:
        return ""
    asked = "asked for" if difference.is_only_choice else "asked for one such as"
    said = (f"{_NAMES[place]} `{difference.signed[place]}`, {asked} `{difference.wanted[place]}`" for place in difference.parts)
    return ": " + "; ".join(said)


def _effect(difference: _Difference) -> str:
    if not difference.parts:
        return "another signer is trusted"
    if difference.is_another_release:
        return "another release of the same workflow"
    first = difference.parts[0]
    if _NAMES[first] != "ref":
        return f"another {_NAMES[first]} is trusted"
    is_release = _RELEASE.fullmatch(difference.signed[first]) is not None
    return f"`{difference.signed[first]}` is trusted" + ("" if is_release else ", which is no release and can change")


def _trusting(
    signer: SignerIdentity, identity: IdentityPattern | None, *, effect: str, weakens: bool, issuer: bool = False
) -> tuple[Remedy, ...]:
    """Offer the policy that trusts this very signer; `identity` is the pattern that does not match it, if any."""
    flags: list[tuple[str, str]] = []
    manifest: dict[str, str] = {}
    if identity is not None:
        try:
            exact = IdentityPattern.exactly(signer.subject)
        except InvalidIdentityPatternError:  # longer than any pattern
            return ()
        flags.append(("--certificate-identity", signer.subject))
        manifest[f"{_MANIFEST}.certificateIdentityRegexp"] = str(exact)
    if issuer:
        flags.append(("--certificate-oidc-issuer", signer.issuer))
        manifest[f"{_MANIFEST}.oidcIssuer"] = signer.issuer
    return policy(flags, manifest=manifest, effect=effect, weakens=weakens)
