"""The root of the error tree, its three families, and the changes that would make a refusal pass."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

__all__ = [
    "InputError",
    "NotTrustedError",
    "RejectedCandidate",
    "Remedy",
    "SupplyChainError",
    "UnavailableError",
    "VerificationError",
]


class SupplyChainError(Exception):
    """The root of the tree; raised only through its subclasses.

    `what` says what failed in one clause without a full stop, literals in backticks. `expected` and `got` are the two sides of a
    comparison, `where` is the place (a digest, a member, a file with a field), `hint` the next step for a person. `remedies` are
    the changes that would make this one check pass, those that weaken nothing first. `distance` orders errors of one kind by how
    much would have to change.

    Every class says by itself what its reason means (`meaning`, which becomes its docstring even where Python strips those), what
    happened if the check were not there (`why`), and what to do (`default_hint`). `default_change` is the change of the evidence
    that always helps, for refusals that know no smaller one.
    """

    reason: ClassVar[str] = "Error"
    meaning: ClassVar[str] = "Something failed that no finer word tells."
    why: ClassVar[str] = "It is the root of all errors of this package and is never raised by itself."
    default_hint: ClassVar[str] = ""
    default_change: ClassVar[str] = ""

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        cls.__doc__ = cls.meaning

    def __init__(
        self,
        what: str,
        *,
        expected: str | None = None,
        got: str | None = None,
        where: str | None = None,
        hint: str | None = None,
        candidates: tuple[RejectedCandidate, ...] = (),
        remedies: tuple[Remedy, ...] = (),
        distance: int = 0,
    ) -> None:
        super().__init__(what)
        self.what = what
        self.expected = expected
        self.got = got
        self.where = where
        self.hint = hint if hint is not None else self.default_hint
        self.candidates = candidates
        if not remedies and self.default_change:
            remedies = (Remedy(change=self.default_change, effect="changes the evidence"),)
        self.offer(remedies, distance=distance)

    def offer(self, remedies: tuple[Remedy, ...], *, distance: int = 0) -> None:
        """Say what would make the check pass: what weakens nothing first, else in the order given."""
        self.remedies = tuple(sorted(remedies, key=lambda remedy: remedy.weakens))
        self.distance = distance

    def __str__(self) -> str:
        text = self.what
        match (self.expected, self.got):
            case (None, None):
                pass
            case (expected, None):
                text += f": expected {expected}"
            case (None, got):
                text += f": got {got}"
            case _:
                text += f": expected {self.expected}, got {self.got}"
        return f"{text}, in {self.where}" if self.where else text


@dataclass(frozen=True, slots=True, kw_only=True)
class RejectedCandidate:
    """One piece of evidence that was looked at and did not count, with the error that says why."""

    where: str
    error: SupplyChainError


class Remedy(NamedTuple):
    """One smallest change that would make a check pass. Texts of strangers in it are quoted for a shell, not for a terminal."""

    change: str
    """Flags to copy, or what the evidence would have to be."""
    effect: str
    """What the change trusts, in words."""
    weakens: bool = False
    """Whether the policy would trust something that it did not trust before, besides another release of the same kind."""
    manifest: str | None = None
    """The same change as fields of an `MCPGPlugin`, where it has them."""


class InputError(SupplyChainError):
    reason = "InvalidInput"
    meaning = "The request itself is wrong."
    why = (
        "A wrong request must not look like bad evidence: nobody should search for an attack because of a typing error. And a "
        "policy that nobody could read must never pass for one that is met."
    )


class VerificationError(SupplyChainError):
    reason = "VerificationFailed"
    meaning = "The evidence was examined and refused."
    why = (
        "A plugin is native code with all the rights of the gateway. Whatever is not proven to be good is therefore treated as "
        "bad, whoever is to blame for it."
    )


class UnavailableError(SupplyChainError):
    reason = "Unavailable"
    meaning = "The evidence could not be examined."
    why = (
        "An attacker who can do no more than cut a connection or hide a file must not get a plugin accepted, so what nobody "
        "could look at never counts. It is told apart from bad evidence because trying again may help."
    )
    retry_after: float | None = None
    """Seconds, where the other side named a time."""


class NotTrustedError(SupplyChainError):
    reason = "NotTrusted"
    meaning = "A `VerifiedPlugin` was asked of a report that does not allow one; a defect of the caller, never a verdict."
    why = (
        "Bytes may be stored, mounted or loaded only through a trusted report. Without this check one forgotten `if` in a caller "
        "would hand out a plugin that was refused."
    )
    default_hint = "ask `report.trusted` before `verified()`, and report the defect to whoever wrote the caller"
