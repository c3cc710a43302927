"""The status of a set (pure): how many entries are resolved, which are not and why, and whether the children are in place."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from mcpg_operator.conditions import Condition, Truth
from mcpg_operator.controllers.plugin_set.decide import APPLY_FAILED, NAME_CONFLICT, PENDING, Failure
from mcpg_operator.status import Announcement

if TYPE_CHECKING:
    from collections.abc import Mapping
    from collections.abc import Set as AbstractSet

__all__ = ["Picture", "announcements", "conditions", "fields"]

_SHOWN: Final = 10
_BLOCKING: Final = (NAME_CONFLICT, APPLY_FAILED)
_ACTION: Final = "Resolve"


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """What a pass found."""

    total: int | None
    """All entries, disabled ones included; None where the spec cannot be read."""
    failures: Mapping[str, Failure] = field(default_factory=dict)
    """By entry id, in the order of the set."""
    kept: AbstractSet[str] = frozenset()
    """Failing entries whose last good form stays in the document."""
    warnings: tuple[str, ...] = ()
    blocked: Failure | None = None
    """Why nothing could be done for the set as a whole."""

    @property
    def waiting(self) -> bool:
        """Whether nothing is wrong but that plugins are not judged yet."""
        return bool(self.failures) and all(one.reason == PENDING for one in self.failures.values())


def fields(picture: Picture) -> dict[str, Any]:
    """Write the counts and what fails. `resolvedEntries` equals `totalEntries` exactly when the set is Ready."""
    total = picture.total
    resolved = None if total is None else 0 if picture.blocked else total - len(picture.failures)
    failed = [
        {"id": entry_id, "reason": one.reason, "message": _message(picture, entry_id, one)}
        for entry_id, one in picture.failures.items()
    ]
    return {
        "totalEntries": total,
        "resolvedEntries": resolved,
        "failedEntries": failed or None,
    }


def conditions(picture: Picture) -> tuple[Condition, ...]:
    """Write the conditions."""
    return (_entries(picture), _ready(picture))


def announcements(picture: Picture) -> dict[str, Announcement]:
    """Choose the one condition whose change is told by an event: what blocks the set, else whether its entries are resolved."""
    if picture.blocked is not None:
        return {"Ready": Announcement(action=_ACTION)}
    return {} if picture.waiting else {"EntriesResolved": Announcement(action=_ACTION)}


def _entries(picture: Picture) -> Condition:
    if picture.blocked is not None:
        return Condition("EntriesResolved", Truth.UNKNOWN, picture.blocked.reason, "the set was not resolved")
    if picture.waiting:
        return Condition("EntriesResolved", Truth.UNKNOWN, "DependencyPending", _failed(picture))
    if picture.failures:
        return Condition("EntriesResolved", Truth.FALSE, "EntriesFailed", _failed(picture))
    text = "; ".join((f"{picture.total} of {picture.total} entries are resolved", *picture.warnings))
    return Condition("EntriesResolved", Truth.TRUE, "Reconciled", text)


def _ready(picture: Picture) -> Condition:
    if picture.blocked is not None:
        return Condition("Ready", Truth.FALSE, picture.blocked.reason, picture.blocked.message)
    if not picture.failures:
        return Condition("Ready", Truth.TRUE, "Reconciled", f"{picture.total} of {picture.total} entries are in place")
    found = {one.reason for one in picture.failures.values()}
    reason = next((one for one in _BLOCKING if one in found), "Progressing")
    done = (picture.total or 0) - len(picture.failures)
    return Condition("Ready", Truth.FALSE, reason, f"{done} of {picture.total} entries are in place; {_failed(picture)}")


def _failed(picture: Picture) -> str:
    texts = [f"`{name}`: {one.reason}: {_message(picture, name, one)}" for name, one in picture.failures.items()]
    more = f"; and {len(texts) - _SHOWN} more" if len(texts) > _SHOWN else ""
    return "; ".join(texts[:_SHOWN]) + more


def _message(picture: Picture, entry_id: str, failure: Failure) -> str:
    return failure.message + ("; its last good form stays" if entry_id in picture.kept else "")
