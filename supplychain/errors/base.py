"""The root of the error tree and its three families."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

__all__ = ["InputError", "NotTrustedError", "RejectedCandidate", "SupplyChainError", "UnavailableError", "VerificationError"]


class SupplyChainError(Exception):
    """The root of the tree; raised only through its subclasses.

    `what` says what failed in one clause without a full stop, literals in backticks. `expected` and `got` are the two sides of a
    comparison, `where` is the place (a digest, a member, a file with a field), `hint` the next step for a person.
    """

    reason: ClassVar[str] = "Error"
    default_hint: ClassVar[str] = ""

    def __init__(
        self,
        what: str,
        *,
        expected: str | None = None,
        got: str | None = None,
        where: str | None = None,
        hint: str | None = None,
        candidates: tuple[RejectedCandidate, ...] = (),
    ) -> None:
        super().__init__(what)
        self.what = what
        self.expected = expected
        self.got = got
        self.where = where
        self.hint = hint if hint is not None else self.default_hint
        self.candidates = candidates

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


class InputError(SupplyChainError):
    """The request itself is wrong."""

    reason = "InvalidInput"


class VerificationError(SupplyChainError):
    """The evidence was examined and refused."""

    reason = "VerificationFailed"


class UnavailableError(SupplyChainError):
    """The evidence could not be examined; `retry_after` is in seconds where the other side named a time."""

    reason = "Unavailable"
    retry_after: float | None = None


class NotTrustedError(SupplyChainError):
    """A `VerifiedPlugin` was asked of a report that does not allow one; a defect of the caller."""

    reason = "NotTrusted"
