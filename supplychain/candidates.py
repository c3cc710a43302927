"""Evidence that did not count, collected candidate by candidate and put into the one error that a layer raises.

One good candidate is enough for a layer, so the others must never decide anything; they are kept to be shown. Where none was
good, the error names the nearest miss, with the changes that would make it pass: what came furthest before it failed, and among
equals what is the least different, is what a person has to mend.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

from supplychain.errors import EvidenceLimitError, RejectedCandidate, UnavailableError

if TYPE_CHECKING:
    from supplychain.errors import SupplyChainError

__all__ = ["Candidates"]


class Candidates:
    """The candidates of one layer. `noun` names them in the plural; `missing` and `invalid` are the layer's errors."""

    def __init__(
        self,
        noun: str,
        *,
        missing: SupplyChainError,
        invalid: type[SupplyChainError],
        nearest: tuple[type[SupplyChainError], ...],
    ) -> None:
        self._noun = noun
        self._missing = missing
        self._invalid = invalid
        self._nearest = nearest
        self._rejected: list[RejectedCandidate] = []
        self._relevant: list[RejectedCandidate] = []

    @property
    def rejected(self) -> tuple[RejectedCandidate, ...]:
        """Everything that did not count, in the order it was looked at."""
        return tuple(self._rejected)

    def reject(self, where: str, error: SupplyChainError) -> None:
        """Record a candidate that should have counted."""
        self._relevant.append(RejectedCandidate(where=where, error=error))
        self._rejected.append(self._relevant[-1])

    def pass_over(self, where: str, error: SupplyChainError) -> None:
        """Record something that was never meant to count here, such as an attestation among signatures."""
        self._rejected.append(RejectedCandidate(where=where, error=error))

    def conclude(self, *, truncated: bool) -> SupplyChainError:
        """Build the error for the case that nothing counted; all candidates are attached to it."""
        refused = [one for one in self._relevant if not isinstance(one.error, UnavailableError)]
        if truncated:
            error: SupplyChainError = EvidenceLimitError(f"none of the {self._noun} within the limits counts, and there are more")
        elif not self._relevant:
            error = self._missing
        elif not refused:
            error = _own(self._relevant[0])
        elif len(refused) == 1:
            error = _own(refused[0])
        else:
            nearest = min(refused, key=self._distance)
            error = self._invalid(
                f"none of {len(self._relevant)} {self._noun} counts; nearest miss: {nearest.error.what}",
                expected=nearest.error.expected,
                got=nearest.error.got,
                where=nearest.where,
                hint=nearest.error.hint,
                remedies=nearest.error.remedies,
                distance=nearest.error.distance,
            )
        error.candidates = self.rejected
        return error

    def _distance(self, candidate: RejectedCandidate) -> tuple[int, int]:
        """How far a candidate is: by how far it came, then by how much would have to change."""
        kinds = (*self._nearest, object)
        place = next(place for place, kind in enumerate(kinds) if isinstance(candidate.error, kind))
        return place, candidate.error.distance


def _own(candidate: RejectedCandidate) -> SupplyChainError:
    """Copy the candidate's error, because the candidate stays attached to what is raised."""
    error = copy.copy(candidate.error)
    error.where = error.where or candidate.where
    return error
