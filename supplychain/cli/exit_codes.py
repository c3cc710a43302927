"""Exit codes: 0 trusted, 1 refused, 2 the request is wrong, 3 could not be evaluated. Nothing verified is never 0."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from supplychain.errors import InputError, SupplyChainError, UnavailableError
from supplychain.report import Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["BROKEN_PIPE", "INTERNAL", "INTERRUPTED", "TERMINATED", "code_of", "verdict_of", "worst"]

BROKEN_PIPE: Final = 141
"""As a shell counts SIGPIPE: the report did not reach its reader."""
INTERRUPTED: Final = 130
"""As a shell counts SIGINT."""
TERMINATED: Final = 143
"""As a shell counts SIGTERM."""
INTERNAL: Final = 3
"""A defect of this program: nothing was evaluated."""

_CODES: Final[Mapping[Verdict, int]] = {
    Verdict.TRUSTED: 0,
    Verdict.REFUSED: 1,
    Verdict.INVALID: 2,
    Verdict.UNAVAILABLE: 3,
}
_ORDER: Final = (Verdict.REFUSED, Verdict.INVALID, Verdict.UNAVAILABLE, Verdict.TRUSTED)


def code_of(verdict: Verdict) -> int:
    """Translate one verdict."""
    return _CODES[verdict]


def verdict_of(error: SupplyChainError) -> Verdict:
    """Say what an error means for the target it ended."""
    if isinstance(error, InputError):
        return Verdict.INVALID
    return Verdict.UNAVAILABLE if isinstance(error, UnavailableError) else Verdict.REFUSED


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """Pick what all targets together come to: refused before invalid before unavailable; no target at all is invalid."""
    found = set(verdicts)
    return next((verdict for verdict in _ORDER if verdict in found), Verdict.INVALID)
