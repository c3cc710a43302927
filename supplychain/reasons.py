"""Every stable reason with what it means, why the check exists and what to do, read off the error tree.

The one source for `supplychain explain` and for docs/reasons.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from supplychain.errors import InputError, NotTrustedError, SupplyChainError, UnavailableError, VerificationError

__all__ = ["GROUPS", "Explanation", "Group", "explained", "find", "nearest"]

_NEAREST: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Reasons that end in the same exit code; None where they end in none."""

    family: type[SupplyChainError]
    title: str
    exit_code: int | None
    note: str


GROUPS: Final = (
    Group(
        family=VerificationError,
        title="Refused",
        exit_code=1,
        note="The evidence was examined and is bad. The same bytes get the same answer.",
    ),
    Group(
        family=InputError,
        title="Wrong request",
        exit_code=2,
        note="Something in the request has to change. Trying again cannot help.",
    ),
    Group(
        family=UnavailableError,
        title="Could not be evaluated",
        exit_code=3,
        note="Nothing was found to be bad; something could not be looked at.",
    ),
    Group(
        family=NotTrustedError,
        title="Never a verdict",
        exit_code=None,
        note="A defect of a program that uses this package.",
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """One reason. `change` is the smallest change of the evidence that helps, for reasons that refuse evidence."""

    reason: str
    group: Group
    meaning: str
    why: str
    what_to_do: str
    change: str | None


def explained(group: Group) -> tuple[Explanation, ...]:
    """Explain all reasons of a group, the coarsest first, in the order of their definition."""
    return tuple(_explanation(error, group) for error in _classes(group.family))


def find(word: str) -> Explanation | None:
    """Look a reason up, in any case of letters."""
    return _all().get(word.strip().casefold())


def nearest(word: str) -> tuple[str, ...]:
    """Up to three reasons that a word may have been meant for."""
    from difflib import get_close_matches  # noqa: PLC0415 — only where somebody mistyped

    known, folded = _all(), word.strip().casefold()
    close = get_close_matches(folded, known, n=_NEAREST, cutoff=0.5)
    within = [name for name in known if folded and folded in name]
    return tuple(known[name].reason for name in dict.fromkeys([*close, *within]))[:_NEAREST]


def _all() -> dict[str, Explanation]:
    return {one.reason.casefold(): one for group in GROUPS for one in explained(group)}


def _classes(family: type[SupplyChainError]) -> list[type[SupplyChainError]]:
    return [family, *(error for child in family.__subclasses__() for error in _classes(child))]


def _explanation(error: type[SupplyChainError], group: Group) -> Explanation:
    finer = ", ".join(f"`{child.reason}`" for child in error.__subclasses__())
    return Explanation(
        reason=error.reason,
        group=group,
        meaning=error.meaning,
        why=error.why,
        what_to_do=error.default_hint or f"see the finer reasons {finer}",
        change=error.default_change or None,
    )
