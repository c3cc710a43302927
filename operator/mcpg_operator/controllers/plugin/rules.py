"""Small questions that several rules ask about one observation (pure)."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from mcpg_operator.ledger import Standing
from supplychain.errors import (
    ArtifactTooLargeError,
    RevocationListInvalidError,
    RevocationListStaleError,
    RevokedError,
    StorageUnavailableError,
    TrustRootUnavailableError,
    VerificationExpiredError,
)
from supplychain.report import Layer

if TYPE_CHECKING:
    from datetime import datetime

    from mcpg_operator.controllers.plugin.model import Conclusion, Failure, Observation
    from mcpg_operator.settings import Settings
    from supplychain.digest import ArtifactHash, ManifestDigest
    from supplychain.errors import SupplyChainError

__all__ = [
    "CLOSED",
    "NOT_THE_REGISTRY",
    "aged",
    "answered",
    "bad_list",
    "closed",
    "current",
    "due",
    "expired",
    "kept_fits",
    "last_look",
    "list_error",
    "listed",
    "may_try",
    "moved_place",
    "outdated",
    "pin",
    "retry_pause",
    "same_question",
    "taken_back",
    "unchanging",
]

_SPREAD: Final = 0.75
"""A pass that comes a little early counts as in time: the queue spreads its delays by 20 %."""
_PROBLEMS_SHOWN: Final = 3
_LEAST_RETRY: Final = 1.0
"""Seconds."""
_LONGEST_RETRY: Final = 0.5
"""Of the resync interval."""
_SKEW: Final = timedelta(minutes=1)
"""What the clocks of two machines, and of one machine before and after a correction, may differ by."""

CLOSED: Final = frozenset({TrustRootUnavailableError.reason, RevocationListInvalidError.reason, RevocationListStaleError.reason})
"""Reasons that let nothing new in and take nothing away."""
NOT_THE_REGISTRY: Final = CLOSED | {StorageUnavailableError.reason, "ClusterUnavailable"}
"""Reasons that no pull can cure."""


def pin(seen: Observation) -> ManifestDigest | None:
    """The digest that the image reference is pinned to."""
    return None if seen.request is None else seen.request.upstream.digest


def same_question(seen: Observation, past: Conclusion) -> bool:
    """Whether the past verdict is about the image that is wanted now, wherever it is read from."""
    asked = seen.asked
    return (
        asked is not None
        and past.uid == seen.plugin.uid
        and (past.asked.image, past.asked.platform) == (asked.image, asked.platform)
    )


def current(seen: Observation) -> Conclusion | None:
    """The past verdict, where it answers today's question on today's terms."""
    past = seen.memory.past
    return past if past is not None and past.terms == seen.terms and same_question(seen, past) else None


def kept_fits(seen: Observation) -> bool:
    """Whether what is kept is what is wanted: the same image, or the very digest that the image is pinned to."""
    kept, asked = seen.kept, seen.asked
    if kept is None or asked is None or seen.memory.kept_broken is not None or kept.asked.platform != asked.platform:
        return False
    wanted = pin(seen)
    return kept.asked.image == asked.image or (wanted is not None and wanted in {kept.top, kept.manifest_digest})


def moved_place(seen: Observation) -> bool:
    """Whether what is kept was read at another place than the one that is named now."""
    kept, asked = seen.kept, seen.asked
    return kept is not None and asked is not None and asked.location is not None and kept.asked.location != asked.location


def bad_list(seen: Observation) -> bool:
    """Whether a revocation list cannot be read in full, so that absence from it proves nothing."""
    return seen.revocations is not None and any(one.problems for one in seen.revocations.lists)


def outdated(seen: Observation) -> SupplyChainError | None:
    """Say what is older than it may be, so that it lets nothing new in: a revocation list, or the trust root that is needed."""
    for one in () if seen.revocations is None else seen.revocations.lists:
        if one.outdated is not None:
            return RevocationListStaleError(
                "a revocation list is too old to say that nothing was revoked since",
                expected=one.outdated.expected,
                got=one.outdated.got,
                where=f"`{one.name}`",
            )
    return seen.root_error


def closed(seen: Observation) -> SupplyChainError | None:
    """Say why nothing new is let in, whatever a registry has; what was let in before is no worse for it."""
    return list_error(seen) if bad_list(seen) else outdated(seen)


def list_error(seen: Observation) -> RevocationListInvalidError:
    """Say what is wrong with the lists, by place."""
    lists = () if seen.revocations is None else seen.revocations.lists
    problems = [f"`{one.name}`: {problem}" for one in lists for problem in one.problems]
    more = len(problems) - _PROBLEMS_SHOWN
    return RevocationListInvalidError(
        "a revocation list cannot be read in full, and this plugin was not verified before",
        got="; ".join(problems[:_PROBLEMS_SHOWN]) + (f"; and {more} more" if more > 0 else ""),
    )


def listed(seen: Observation, past: Conclusion | None) -> bool:
    """Whether an entry of a list names the artifact that was judged."""
    artifact = None if past is None else past.examined
    return artifact is not None and seen.revocations is not None and seen.revocations.find(artifact) is not None


def taken_back(seen: Observation, artifact: ArtifactHash) -> SupplyChainError | None:
    """Say what the lists have against an artifact: an entry names it, or they cannot be read in full or are too old."""
    try:
        if seen.revocations is not None:
            seen.revocations.check(artifact)
    except (RevokedError, RevocationListInvalidError, RevocationListStaleError) as exc:
        return exc
    return None


def answered(seen: Observation) -> bool:
    """Whether what arrived answers what is asked now, on today's terms."""
    arrival = seen.arrival
    return (
        arrival is not None
        and arrival.uid == seen.plugin.uid
        and (arrival.asked, arrival.terms, arrival.attempt) == (seen.asked, seen.terms, seen.attempt)
    )


def expired(past: Conclusion) -> bool:
    """Whether it was verified, and only the time ran out."""
    return past.problem is not None and past.problem.reason == VerificationExpiredError.reason


def unchanging(past: Conclusion) -> bool:
    """Whether the same bytes were bad by themselves, so that no evidence from elsewhere could make them good."""
    by_size = past.problem is not None and past.problem.reason == ArtifactTooLargeError.reason
    return past.standing is Standing.REFUSED and (by_size or past.layer in {Layer.DESCRIPTOR, Layer.ED25519})


def due(at: datetime | None, *, now: datetime, every: float) -> bool:
    """Whether so much time has passed since `at` that it should be done again; a time in the future says nothing."""
    return at is None or not -_SKEW <= now - at < timedelta(seconds=every * _SPREAD)


def retry_pause(failure: Failure, settings: Settings) -> float:
    """Seconds between two tries: a tenth of the resync interval (so 60), twice as long each time, at most half of it."""
    first = max(_LEAST_RETRY, settings.resync_interval / 10)
    return min(first * 2.0 ** min(failure.count - 1, 6), max(_LEAST_RETRY, settings.resync_interval * _LONGEST_RETRY))


def may_try(seen: Observation, settings: Settings) -> bool:
    """Whether the registry may be asked now; what failed is not tried again at once, unless it is something else by now."""
    failure = seen.memory.failure
    if failure is None or failure.attempt != seen.attempt:
        return True
    return due(failure.at, now=seen.now, every=retry_pause(failure, settings))


def last_look(seen: Observation) -> datetime | None:
    """When a registry last confirmed what is kept; after a restart the record says it, a little too early."""
    looked, kept = seen.memory.looked_at, seen.kept
    return looked if looked is not None or kept is None else kept.confirmed_at


def aged(seen: Observation, settings: Settings) -> bool:
    """Whether the last good look is longer ago than is allowed; a pin needs no look.

    A look in the future is none: whoever may edit kept evidence could keep a plugin Ready for years with one.
    """
    if settings.max_verification_age is None or pin(seen) is not None:
        return False
    looked = last_look(seen)
    return looked is not None and not -_SKEW <= seen.now - looked <= timedelta(seconds=settings.max_verification_age)
