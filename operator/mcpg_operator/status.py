"""Writes the status of one kind: whole and truthful, only when it says something new, with an event for what changed.

The store may lag behind what this process wrote a moment ago. An object whose status still looks as it did before the last write
is therefore compared with that write, so that no transition time moves and no event comes twice because the watch is slow.
"""

from __future__ import annotations

import hashlib
import json
import threading
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from mcpg_operator.conditions import Condition, Truth, changes, merge, same_status, timestamp
from mcpg_operator.names import manager
from supplychain.errors import ApplyRejectedError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mcpg_operator.resources import Key, Kind, Resource
    from mcpg_operator.services import Services

__all__ = ["Announcement", "StatusWriter"]

_LAG: Final = timedelta(seconds=30)
"""After that long without seeing the own write, what the store says counts again."""
_SHOWN: Final = 500
"""Characters of a condition's message in an event that stands for it."""
_MEASURED: Final = frozenset({"Ready", "Degraded"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Announcement:
    """The event that tells of a condition's change; what is left out comes from the condition."""

    action: str
    reason: str | None = None
    warning: bool | None = None
    """None: a warning unless the condition is true, which is wrong for conditions that are bad when true."""
    note: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Written:
    """The last write to one object: what its status was before, what it is since, and when that was."""

    uid: str
    seen: bytes
    wanted: bytes
    conditions: tuple[Mapping[str, Any], ...]
    at: datetime


class StatusWriter:
    """Status writes of one controller; threads may share it as long as each object has one at a time."""

    def __init__(self, services: Services, controller: str, kind: Kind) -> None:
        self._services = services
        self._controller = controller
        self._kind = kind
        self._written: dict[Key, _Written] = {}
        self._unwritten: dict[Key, tuple[object, ...]] = {}
        """What was told by an event because no status could be written."""
        self._lock = threading.Lock()

    def write(
        self,
        resource: Resource,
        status_fields: Mapping[str, Any],
        conditions: Sequence[Condition],
        *,
        announce: Mapping[str, Announcement] = MappingProxyType({}),
    ) -> bool:
        """Write the status if it differs from the present one, and say whether that was so.

        Args:
            resource: the object that was judged; its generation becomes `observedGeneration`.
            status_fields: every other field; those that are None are absent.
            conditions: every condition that holds now; one that is missing here vanishes.
            announce: by condition type, the event to publish when its status or reason is not what it was.

        Raises:
            ClusterUnavailableError, ConflictError, ApplyForbiddenError, ApplyRejectedError: as `Cluster.apply_status`.
        """
        at = self._services.now()
        self._measure(resource.key, conditions)
        last = self._last(resource, at=at)
        previous = resource.conditions if last is None else last.conditions
        rendered = merge(previous, [_clean(one) for one in conditions], generation=resource.generation, at=at)
        wanted = {key: value for key, value in status_fields.items() if value is not None}
        wanted |= {"conditions": rendered, "observedGeneration": resource.generation}
        if same_status(resource.status, wanted) if last is None else last.wanted == _print(wanted):
            return False
        if self._apply(resource, {**wanted, "lastReconcileTime": timestamp(at)}) is None:
            return False
        self._remember(resource, wanted=wanted, rendered=rendered, at=at)
        self._announce(resource, changes(previous, rendered), announce)
        return True

    def forget(self, key: Key) -> None:
        """Take an object that is gone out of the metrics."""
        self._services.metrics.forget(key.kind.name, key.namespace, key.name)
        self._unwritten.pop(key, None)

    def _announce(self, resource: Resource, changed: Sequence[Mapping[str, Any]], announce: Mapping[str, Announcement]) -> None:
        for one in changed:
            if one["type"] in announce:
                self._publish(resource, one, announce[one["type"]])

    def _apply(self, resource: Resource, status: Mapping[str, Any]) -> Resource | None:
        try:
            return self._services.cluster.apply_status(
                self._kind, resource.name, namespace=resource.namespace, status=status, manager=manager(self._controller)
            )
        except ApplyRejectedError as exc:
            self._complain(resource, status, exc)
            raise

    def _complain(self, resource: Resource, status: Mapping[str, Any], error: ApplyRejectedError) -> None:
        """Tell by an event, once, what a status could not tell: a server takes none for a spec that breaks its present schema."""
        ready: Mapping[str, Any] = next((one for one in status["conditions"] if one["type"] == "Ready"), {})
        said = (resource.uid, resource.generation, ready.get("reason"))
        if self._unwritten.get(resource.key) == said:
            return
        self._unwritten[resource.key] = said
        note = f"{ready.get('reason')}: {str(ready.get('message'))[:_SHOWN]}; the status cannot be written: {error}"
        self._services.recorder.publish(
            resource, controller=self._controller, warning=True, reason="StatusRejected", action="WriteStatus", note=note
        )

    def _measure(self, key: Key, conditions: Sequence[Condition]) -> None:
        for one in conditions:
            if one.type in _MEASURED:
                value = {Truth.TRUE: 1.0, Truth.FALSE: 0.0}.get(one.status)
                self._services.metrics.condition(key.kind.name, key.namespace, key.name, one.type, value)

    def _last(self, resource: Resource, *, at: datetime) -> _Written | None:
        """The last write, if `resource` is from before it."""
        with self._lock:
            last = self._written.get(resource.key)
            if last is None:
                return None
            if last.uid == resource.uid and at - last.at < _LAG and last.seen == _print(resource.status):
                return last
            del self._written[resource.key]
        return None

    def _remember(
        self, resource: Resource, *, wanted: Mapping[str, Any], rendered: Sequence[Mapping[str, Any]], at: datetime
    ) -> None:
        kept = ("type", "status", "reason", "lastTransitionTime")
        entry = _Written(
            uid=resource.uid,
            seen=_print(resource.status),
            wanted=_print(wanted),
            conditions=tuple({key: one[key] for key in kept} for one in rendered),
            at=at,
        )
        with self._lock:
            self._written.pop(resource.key, None)  # so that the oldest stand in front
            self._written[resource.key] = entry
            while at - self._written[oldest := next(iter(self._written))].at >= _LAG:
                del self._written[oldest]

    def _publish(self, resource: Resource, condition: Mapping[str, Any], announcement: Announcement) -> None:
        warning = announcement.warning
        self._services.recorder.publish(
            resource,
            controller=self._controller,
            warning=condition["status"] != "True" if warning is None else warning,
            reason=announcement.reason or condition["reason"],
            action=announcement.action,
            note=announcement.note or condition["message"] or condition["reason"],
        )


def _clean(condition: Condition) -> Condition:
    """Replace what is no text in UTF-8: the API server would store something else, and every pass would see a difference."""
    return Condition(
        type=condition.type,
        status=condition.status,
        reason=condition.reason,
        message=condition.message.encode("utf-8", "replace").decode("utf-8"),
    )


def _print(status: Mapping[str, Any]) -> bytes:
    return hashlib.sha256(json.dumps(status, sort_keys=True).encode()).digest()
