"""How old a trust root is, and what of it is still in force (pure).

An old root is not wrong: signatures of its time verify forever. But it does not know of keys that came later, nor of keys that
were taken back, so its age is always shown and, beyond a limit, warned of.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date, datetime

    from supplychain.trust_root import TrustRoot, Window

__all__ = ["STALE_AFTER_DAYS", "age_in_days", "idle_parts", "period"]

STALE_AFTER_DAYS: Final = 90
"""From this age on a root is warned of; Sigstore instances change keys several times a year."""


def age_in_days(as_of: date, *, at: datetime) -> int:
    """Count whole days from `as_of` to `at`; a day that is still to come, by a clock that went wrong, counts as today."""
    return max(0, (at.date() - as_of).days)


def period(root: TrustRoot, *, at: datetime) -> tuple[datetime | None, datetime | None]:
    """Say when the youngest part in force began and when the first part in force will end, as far as the root names an end.

    A root was certainly written after the first of both, or knew of it in advance; after the second it lacks something.
    """
    now = [window for _, windows in _parts(root) for window in windows if window.contains(at)]
    ends = [window.end for window in now if window.end is not None]
    return max((window.start for window in now), default=None), min(ends, default=None)


def idle_parts(root: TrustRoot, *, at: datetime) -> tuple[str, ...]:
    """Name the kinds of parts that the root has, none of which is in force: nothing that is signed now can verify."""
    return tuple(
        f"none of its {kind} is in force; the last one ended on {max(ends).date().isoformat()}"
        if (ends := [window.end for window in windows if window.end is not None and window.end < at])
        else f"none of its {kind} is in force yet"
        for kind, windows in _parts(root)
        if windows and not any(window.contains(at) for window in windows)
    )


def _parts(root: TrustRoot) -> Iterator[tuple[str, tuple[Window, ...]]]:
    yield "certificate authorities", tuple(one.window for one in root.authorities)
    yield "transparency logs", tuple(one.window for one in root.logs)
    yield "certificate transparency logs", tuple(one.window for one in root.ct_logs)
    yield "timestamp authorities", tuple(one.window for one in root.timestamp_authorities)
