"""Every rule about whether and how a gateway is rendered; pure.

* A dependency that is named and cannot be used never changes what runs: the last rendering stays, and without one there is none.
* What a list revokes, or the tenant no longer allows, is the exception. It leaves the rendering at once and the pods are made
  anew; where it guards access or evidence, no pod runs without it, unless the gateway's annotation says otherwise.
* Where such a plugin runs and nothing can be rendered without it, no pod runs.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Final

from mcpg_operator.conditions import some
from mcpg_operator.controllers.gateway.claims import scope
from mcpg_operator.controllers.gateway.dependencies import Dependency, Fault
from mcpg_operator.controllers.gateway.report import rolled_out
from mcpg_operator.controllers.gateway.running import pods_wanted, unserviceable
from mcpg_operator.controllers.gateway.sets import NOT_ALLOWED, REVOKED
from mcpg_operator.render.gateway.inputs import GatewayInputs, Handling
from supplychain.rules.coordinator import ceiling_of, has_coordinator
from supplychain.rules.tenancy import replica_cap

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mcpg_operator.controllers.gateway.observe import Observation
    from mcpg_operator.controllers.gateway.sets import Withdrawn
    from mcpg_operator.resources import Resource

__all__ = ["CONTINUE", "Course", "Decision", "decide"]

CONTINUE: Final = "mcpg.dev/on-revoked"
"""Annotation of the gateway: `continue` lets it run without a guarding plugin that was revoked."""
_SHOWN: Final = 5
_GUARDS: Final = frozenset({"identity_provider", "policy_engine", "tool_gate", "audit_sink"})


class Course(Enum):
    """What a pass does to the children."""

    RENDER = "render"
    HOLD = "hold"
    """Leaves what runs as it is; only what stands around the pods follows the spec."""
    STOP = "stop"
    """Takes all pods away and changes nothing else."""
    WAIT = "wait"
    """Nothing was ever rendered, and nothing is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What is to be done about one gateway, and what has to be said of it."""

    course: Course
    inputs: GatewayInputs | None = None
    """Of a rendering; when something is held, of what stands around the pods."""
    dependencies: tuple[Dependency, ...] = ()
    unready: Fault | None = None
    """What keeps it from being Ready, whatever its pods do."""
    degraded: Fault | None = None


def decide(seen: Observation) -> Decision:
    """Decide about one gateway."""
    dependencies = tuple(
        one
        for one in (
            None if seen.plugins is None else seen.plugins.dependency,
            seen.lists.dependency,
            None if seen.cluster is None else seen.cluster.dependency,
        )
        if one is not None
    )
    if seen.forbidden:
        return _forbidden(seen, dependencies)
    blocked = next((one for one in dependencies if not one.usable), None)
    if blocked is None:
        return _render(seen, dependencies)
    why = Fault(reason="DependencyMissing" if blocked.missing else "DependencyPending", message=blocked.message)
    if seen.live is None:
        return Decision(course=Course.WAIT, dependencies=dependencies, unready=why)
    endangered = unserviceable(seen.live, seen.lists.revocations.lists, withdrawn=_withdrawn(seen))
    if not endangered:
        return _hold(seen, seen.live, dependencies, why)
    if _separable(seen, dependencies):
        return _render(seen, dependencies, why=why)
    named = some([f"`{one or '?'}`" for one in endangered])
    text = f"runs {named}, which must not be served, and cannot be rendered without: {blocked.message}"
    fault = Fault(reason=NOT_ALLOWED if seen.banned.issuperset(endangered) else REVOKED, message=text)
    return Decision(course=Course.STOP, dependencies=dependencies, unready=fault, degraded=fault)


def _hold(seen: Observation, live: Resource, dependencies: tuple[Dependency, ...], why: Fault) -> Decision:
    """Leave what runs. Where no pod runs, something that must not be served took them away, and none is started on a guess."""
    stopped = f"no pod runs, and none is started meanwhile: {why.message}"
    return Decision(
        course=Course.HOLD,
        inputs=_inputs(seen, Handling.SERVE),
        dependencies=dependencies,
        unready=None if pods_wanted(live) else Fault(reason=why.reason, message=stopped),
        degraded=why,
    )


def _forbidden(seen: Observation, dependencies: tuple[Dependency, ...]) -> Decision:
    """A tenant's gateway never runs what went around the tenant's allowlist, not even what ran before there was one."""
    fault = Fault(reason=NOT_ALLOWED, message="; ".join(seen.forbidden))
    course = Course.WAIT if seen.live is None else Course.STOP
    return Decision(course=course, dependencies=dependencies, unready=fault, degraded=fault)


def _render(seen: Observation, dependencies: tuple[Dependency, ...], *, why: Fault | None = None) -> Decision:
    """Render with what there is; `why` tells what is missing although it can be done without."""
    withdrawn = {} if seen.plugins is None else seen.plugins.withdrawn
    handling = _handling(seen)
    gone = None
    if withdrawn:
        said = ", ".join(f"`{one}` of class `{gone.plugin_class}` ({gone.reason})" for one, gone in sorted(withdrawn.items()))
        stopped = "; no pod runs without it" if handling is Handling.STOP else ""
        gone = Fault(reason=_reason(withdrawn.values()), message=f"not served: {said}{stopped}")
    unready = gone if handling is Handling.STOP else None
    return Decision(
        course=Course.RENDER,
        inputs=_inputs(seen, handling),
        dependencies=dependencies,
        unready=unready,
        degraded=gone or why or _capped(seen) or _lost(dependencies) or _contested(seen),
    )


def _inputs(seen: Observation, handling: Handling) -> GatewayInputs:
    return GatewayInputs(
        name=seen.resource.name,
        namespace=seen.resource.namespace or "",
        uid=seen.resource.uid,
        spec=seen.spec,
        annotations=seen.resource.annotations,
        defaults=seen.defaults,
        plugins=None if seen.plugins is None else seen.plugins.document,
        revocations=seen.lists.rendered,
        cluster=None if seen.cluster is None else seen.cluster.block,
        routes=seen.routes.claims,
        tenant=scope(seen.tenant),
        monitoring=seen.monitoring,
        handling=handling,
        clamp=min(_limits(seen), default=None),
    )


def _handling(seen: Observation) -> Handling:
    withdrawn = () if seen.plugins is None else seen.plugins.withdrawn.values()
    endangered = _endangered(seen)
    if not withdrawn and not endangered:
        return Handling.SERVE
    wanted = () if seen.plugins is None else seen.plugins.unresolved
    lost = [seen.loaded[name].plugin_class for name in endangered if name in wanted and name in seen.loaded]
    if any(one in _GUARDS for one in (*(one.plugin_class for one in withdrawn), *lost)) and not _continues(seen):
        return Handling.STOP
    return Handling.RECREATE


def _continues(seen: Observation) -> bool:
    return seen.resource.annotations.get(CONTINUE) == "continue"


def _limits(seen: Observation) -> list[int]:
    """Say how many replicas there may be at most: for want of a coordinator, and by the tenant."""
    alone = seen.cluster is not None and seen.cluster.alone
    cap = replica_cap(seen.tenant)
    cluster = None if seen.spec.cluster_ref is None else seen.spec.cluster_ref.name
    return [*([1] if alone or not has_coordinator(cluster, seen.spec.config) else []), *([] if cap is None else [cap])]


def _capped(seen: Observation) -> Fault | None:
    """Say what the author does not expect of the number of replicas."""
    cap, wanted = replica_cap(seen.tenant), ceiling_of(seen.resource.spec)
    if wanted.maximum <= min(_limits(seen), default=wanted.maximum):
        return None
    if cap is not None and wanted.maximum > cap:
        text = f"`{wanted.field}` comes to {wanted.maximum} replicas, and the tenant allows {cap}"
        return Fault(reason="ReplicaCapExceeded", message=text)
    text = f"`{wanted.field}` comes to {wanted.maximum} replicas, which share no coordinator, so there is one"
    return Fault(reason="SingleNodeMultiReplica", message=text)


def _contested(seen: Observation) -> Fault | None:
    return Fault(reason="HostConflict", message="; ".join(seen.contested[:_SHOWN])) if seen.contested else None


def _endangered(seen: Observation) -> list[str]:
    """Name the plugins that run, or ran until a roll-out that is not over, and must not be served."""
    withdrawn, lists = _withdrawn(seen), seen.lists.revocations.lists
    old = [] if rolled_out(seen.live) else [(name, digest) for digest, name in seen.leaving.items()]
    found = [*((name, one.digest) for name, one in seen.loaded.items()), *old]
    return sorted({name for name, digest in found if name in withdrawn or any(digest in one.entries for one in lists)})


def _withdrawn(seen: Observation) -> frozenset[str]:
    return seen.banned.union(() if seen.plugins is None else seen.plugins.withdrawn)


def _separable(seen: Observation, dependencies: tuple[Dependency, ...]) -> bool:
    """Whether what runs can go on without what must not be served: all else of it stands in the document as it is."""
    plugins = seen.plugins
    if (
        plugins is None
        or plugins.document is None
        or any(not one.usable for one in dependencies if one is not plugins.dependency)
    ):
        return False
    endangered = set(_endangered(seen))
    present = {one.id: one.digest for one in plugins.document.entries}
    return all(present.get(name) == one.digest for name, one in seen.loaded.items() if name not in endangered)


def _lost(dependencies: tuple[Dependency, ...]) -> Fault | None:
    """A dependency that is not there and was rendered all the same, with what was known of it."""
    lost = next((one for one in dependencies if one.missing), None)
    return None if lost is None else Fault(reason="DependencyMissing", message=lost.message)


def _reason(withdrawn: Iterable[Withdrawn]) -> str:
    reasons = {one.reason for one in withdrawn}
    return REVOKED if REVOKED in reasons else NOT_ALLOWED
