"""What the status of a gateway says: its conditions, and numbers that are all about the same rendering; pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from mcpg_operator.conditions import Condition, Truth
from mcpg_operator.status import Announcement

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mcpg_operator.controllers.gateway.dependencies import Dependency, Fault
    from mcpg_operator.resources import Resource

__all__ = ["Picture", "announcements", "conditions", "counts", "rolled_out"]

_SHOWN: Final = 5
_ACTION: Final = "Reconcile"


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """One gateway at the end of a pass."""

    live: Resource | None
    """Its Deployment."""
    dependencies: tuple[Dependency, ...] = ()
    unready: Fault | None = None
    degraded: Fault | None = None
    routes: Condition | None = None
    """None: nothing can be said of the routes."""
    notes: tuple[str, ...] = ()
    hashes: Mapping[str, str | None] = field(default_factory=dict)


def counts(live: Resource | None) -> dict[str, int]:
    """Copy the numbers of the Deployment; 0 where there is none."""
    status = {} if live is None else live.status
    names = ("replicas", "readyReplicas", "updatedReplicas", "availableReplicas")
    return {name: _number(status.get(name)) for name in names}


def rolled_out(live: Resource | None) -> bool:
    """Whether the Deployment is wholly what its spec says: every wanted pod is new and available, and no old one is left."""
    if live is None:
        return False
    wanted, status = _wanted(live), live.status
    numbers = [_number(status.get(name)) for name in ("replicas", "updatedReplicas", "availableReplicas")]
    return _number(status.get("observedGeneration")) >= live.generation and numbers == [wanted] * 3


def conditions(picture: Picture) -> list[Condition]:
    """Write every condition that is true of the gateway now."""
    found = [_ready(picture), _available(picture.live), _progressing(picture.live), _degraded(picture)]
    found += [one.condition for one in picture.dependencies]
    return found if picture.routes is None else [*found, picture.routes]


def announcements(picture: Picture) -> dict[str, Announcement]:
    """Say which changes are worth an event."""
    told = {"Ready": Announcement(action=_ACTION)} if _ready(picture).reason != "Progressing" else {}
    # It is bad when it is true.
    told["Degraded"] = Announcement(action=_ACTION, warning=picture.degraded is not None or _stuck(picture.live))
    for one in picture.dependencies:
        if not one.ready:
            told[one.type] = Announcement(action=_ACTION)
    return told


def _ready(picture: Picture) -> Condition:
    live = picture.live
    if picture.unready is not None:
        text = picture.unready.message
        left = counts(live)["replicas"]
        if live is not None and _wanted(live) == 0 and left:
            text = f"{text}; {left} pods are still there"
        return Condition("Ready", Truth.FALSE, picture.unready.reason, text)
    if live is None or not rolled_out(live) or _wanted(live) == 0:
        available, wanted = counts(live)["availableReplicas"], 0 if live is None else _wanted(live)
        return Condition("Ready", Truth.FALSE, "Progressing", f"{available}/{wanted} pods are new and available")
    text = "; ".join((f"{_wanted(live)} pods", *picture.notes[:_SHOWN]))
    return Condition("Ready", Truth.TRUE, "AllReplicasAvailable", text)


def _available(live: Resource | None) -> Condition:
    available = counts(live)["availableReplicas"]
    if available:
        return Condition("Available", Truth.TRUE, "PodsReady", f"{available} pods")
    return Condition("Available", Truth.FALSE, "NoReplicasAvailable", "no pod is available")


def _progressing(live: Resource | None) -> Condition:
    if _stuck(live):
        text = "the Deployment makes no progress; look at its pods"
        return Condition("Progressing", Truth.FALSE, "ProgressDeadlineExceeded", text)
    if live is None or rolled_out(live):
        return Condition("Progressing", Truth.FALSE, "RolloutComplete", "nothing is being rolled out")
    return Condition("Progressing", Truth.TRUE, "Progressing", "pods are being replaced")


def _degraded(picture: Picture) -> Condition:
    if picture.degraded is not None:
        return Condition("Degraded", Truth.TRUE, picture.degraded.reason, picture.degraded.message)
    if _stuck(picture.live):
        return Condition("Degraded", Truth.TRUE, "RolloutStuck", "new pods do not come up; old ones go on where there are any")
    return Condition("Degraded", Truth.FALSE, "AsExpected", "what runs is what the spec says")


def _stuck(live: Resource | None) -> bool:
    found = () if live is None else live.conditions
    return any(one.get("type") == "Progressing" and one.get("reason") == "ProgressDeadlineExceeded" for one in found)


def _wanted(live: Resource) -> int:
    """How many pods the Deployment itself wants, which an autoscaler may have decided."""
    spec: Any = live.spec
    value = spec.get("replicas") if isinstance(spec, dict) else None
    return value if type(value) is int else 1


def _number(value: Any) -> int:
    return value if type(value) is int else 0
