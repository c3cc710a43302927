"""Conditions as the Kubernetes API conventions want them: one entry a type, a transition time that moves with the status alone.

A status is always written as a whole. `merge` therefore takes every condition that is true of the object now, and looks at the
previous ones only for their transition times.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["Condition", "Truth", "changes", "merge", "same_status", "some", "timestamp"]

_LONGEST: Final = 32_768
"""Characters of a message that the API server takes."""
_TIMES: Final = frozenset({"lastReconcileTime"})


class Truth(StrEnum):
    """The three values of a condition."""

    TRUE = "True"
    FALSE = "False"
    UNKNOWN = "Unknown"

    @classmethod
    def of(cls, value: bool) -> Truth:  # noqa: FBT001 — a truth value is what it converts
        """Write a truth value."""
        return cls.TRUE if value else cls.FALSE


@dataclass(frozen=True, slots=True)
class Condition:
    """One aspect of an object's state; `reason` is a stable CamelCase word, `message` is for people."""

    type: str
    status: Truth
    reason: str
    message: str = ""


def some(texts: Sequence[str], *, shown: int = 10) -> str:
    """Join what a message lists, up to a bound, and say how many more there are."""
    more = f", and {len(texts) - shown} more" if len(texts) > shown else ""
    return ", ".join(texts[:shown]) + more


def timestamp(at: datetime) -> str:
    """Write a time as the API server does: UTC, whole seconds, `Z`."""
    return at.astimezone(UTC).replace(microsecond=0).isoformat().replace("+00:00", "Z")


def merge(
    previous: Sequence[Mapping[str, Any]], wanted: Sequence[Condition], *, generation: int, at: datetime
) -> list[dict[str, Any]]:
    """Render `wanted` in its order; a condition whose status did not change keeps its transition time."""
    before = {one.get("type"): one for one in previous}
    rendered = []
    for one in wanted:
        old = before.get(one.type, {})
        kept = old.get("lastTransitionTime") if old.get("status") == one.status.value else None
        entry: dict[str, Any] = {
            "type": one.type,
            "status": one.status.value,
            "reason": one.reason,
            "message": one.message[:_LONGEST],
            "lastTransitionTime": kept if isinstance(kept, str) and kept else timestamp(at),
            "observedGeneration": generation,
        }
        rendered.append(entry)
    return rendered


def same_status(before: Mapping[str, Any], after: Mapping[str, Any]) -> bool:
    """Say whether two statuses differ in nothing but the time at which somebody looked."""

    def relevant(status: Mapping[str, Any]) -> dict[str, Any]:
        return {key: value for key, value in status.items() if key not in _TIMES}

    return relevant(before) == relevant(after)


def changes(previous: Sequence[Mapping[str, Any]], now: Sequence[Mapping[str, Any]]) -> tuple[Mapping[str, Any], ...]:
    """Give the conditions whose status or reason is not what it was; these are worth an event."""
    before = {one.get("type"): (one.get("status"), one.get("reason")) for one in previous}
    return tuple(one for one in now if before.get(one["type"]) != (one["status"], one["reason"]))
