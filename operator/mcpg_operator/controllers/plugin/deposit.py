"""Stores what was proven, and says what that came to."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from mcpg_operator.controllers.plugin.model import Failure
from mcpg_operator.ledger import Standing
from supplychain.errors import (
    ArtifactTooLargeError,
    ClusterUnavailableError,
    ConflictError,
    MaterialiseFailedError,
    NameConflictError,
    SupplyChainError,
)
from supplychain.findings import problem as problem_of

if TYPE_CHECKING:
    from datetime import datetime

    from mcpg_operator.controllers.plugin.model import Conclusion, Observation
    from mcpg_operator.keeping import Acceptance, Keeper, KeptPlugin
    from supplychain.report import Problem
    from supplychain.verifier import Verification

__all__ = ["concluded", "deposit", "failed", "renew"]


def deposit(
    seen: Observation,
    conclusion: Conclusion,
    verification: Verification,
    *,
    keeper: Keeper,
    acceptance: Acceptance,
    looked_at: datetime | None,
) -> Observation:
    """Store a plugin whose report is trusted, and conclude that it is verified; or that it cannot be handed out.

    Raises:
        ClusterUnavailableError, ConflictError: it could not be written now; nothing is concluded.
    """
    verified = verification.verified()
    try:
        kept = keeper.store(verified, acceptance=acceptance)
    except (ClusterUnavailableError, ConflictError):
        raise
    except SupplyChainError as exc:
        return _unstored(seen, conclusion, exc, looked_at=looked_at)
    conclusion = replace(conclusion, package=keeper.packages.one(verified.package), stored=kept.stored, pulled_at=kept.pulled_at)
    after = concluded(seen, conclusion, looked_at=looked_at)
    return replace(after, kept=kept, memory=replace(after.memory, kept_broken=None, lost=(), checked_at=seen.now))


def renew(seen: Observation, conclusion: Conclusion, *, keeper: Keeper, kept: KeptPlugin, needed: frozenset[str]) -> Observation:
    """Write for whom a kept plugin is accepted now, and conclude that it is verified; or that it cannot be handed out.

    Raises:
        ClusterUnavailableError, ConflictError: as `deposit`.
    """
    try:
        kept = keeper.write(kept, needed=needed)
    except (ClusterUnavailableError, ConflictError):
        raise
    except SupplyChainError as exc:
        return _unstored(seen, conclusion, exc, looked_at=None)
    return replace(concluded(seen, conclusion, looked_at=None), kept=kept)


def concluded(seen: Observation, conclusion: Conclusion, *, looked_at: datetime | None) -> Observation:
    """Enter a conclusion; `looked_at` says when the registry was asked for it, None where it was not."""
    memory = replace(seen.memory, past=conclusion)
    if looked_at is not None:
        memory = replace(memory, looked_at=looked_at, failure=None)
    return replace(seen, memory=memory)


def failed(seen: Observation, problem: Problem) -> Failure:
    """Count one more failure of what is tried now."""
    before = seen.memory.failure
    count = 1 if before is None or before.attempt != seen.attempt else before.count + 1
    return Failure(problem=problem, at=seen.now, count=count, attempt=seen.attempt)


def _unstored(seen: Observation, conclusion: Conclusion, error: SupplyChainError, *, looked_at: datetime | None) -> Observation:
    if not isinstance(error, ArtifactTooLargeError | NameConflictError):
        error = MaterialiseFailedError(error.what, expected=error.expected, got=error.got, where=error.where, hint=error.hint)
    too_large = isinstance(error, ArtifactTooLargeError)
    standing = Standing.REFUSED if too_large else Standing.UNAVAILABLE
    conclusion = replace(conclusion, standing=standing, problem=problem_of(error), from_kept=False)
    after = concluded(seen, conclusion, looked_at=looked_at)
    if too_large:
        return after
    return replace(after, memory=replace(after.memory, failure=failed(seen, problem_of(error))))
