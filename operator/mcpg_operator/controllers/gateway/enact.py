"""One pass over one gateway: looks, has it decided, brings the children about, and reports, also when that failed."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Final

from mcpg_operator.conditions import Condition, Truth
from mcpg_operator.controllers.gateway.applying import Applying, Memory
from mcpg_operator.controllers.gateway.around import render_around, set_replicas
from mcpg_operator.controllers.gateway.children import Children
from mcpg_operator.controllers.gateway.copies import Copying
from mcpg_operator.controllers.gateway.decide import Course, decide
from mcpg_operator.controllers.gateway.dependencies import Fault, Refused
from mcpg_operator.controllers.gateway.hashes import hashes_of_pods, hashes_of_rendering
from mcpg_operator.controllers.gateway.observe import observe
from mcpg_operator.controllers.gateway.report import Picture, announcements, conditions, counts, rolled_out
from mcpg_operator.controllers.gateway.rescue import end_revoked
from mcpg_operator.controllers.gateway.running import pods_wanted, without_pods
from mcpg_operator.controllers.plugin_set.binding import bind
from mcpg_operator.controllers.plugin_set.decide import Failure
from mcpg_operator.render.gateway.names import names_of
from mcpg_operator.resources import DEPLOYMENT, SECRET, Key, kind_of
from mcpg_operator.services import Outcome, Result
from supplychain.api import parse_spec
from supplychain.api.gateway import GatewaySpec
from supplychain.errors import ApplyForbiddenError, ApplyRejectedError, InputError, SupplyChainError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mcpg_operator.controllers.gateway.children import Applied
    from mcpg_operator.controllers.gateway.decide import Decision
    from mcpg_operator.controllers.gateway.observe import Observation, Tools
    from mcpg_operator.render.gateway.inputs import GatewayInputs, RenderedGateway
    from mcpg_operator.resources import Resource
    from mcpg_operator.status import StatusWriter

__all__ = ["Memory", "Pass"]

_SOON: Final = 5.0
_PATIENCE: Final = 3
"""Passes that end early, one after the other, before it is told."""
_TOPICS: Final = frozenset({"NamespaceNotAccepted", "TenantRequired", "ToolIgnored", "ToolConflict"})
"""Notes of a rendering that are about routes."""


class Pass:
    """Made for one pass."""

    def __init__(self, tools: Tools, applied: Applied, status: StatusWriter, gateway: Resource, memory: Memory) -> None:
        self._tools = tools
        self._services = tools.services
        self._children = Children(tools.services, applied, gateway)
        self._status = status
        self._gateway = gateway
        self._memory = memory
        self._applying = Applying(tools, self._children, memory)
        self._withdrawn: frozenset[str] = frozenset()
        self._decided: tuple[Observation, Decision] | None = None

    def run(self) -> Result:
        """Make it.

        Raises:
            ConflictError: make another one.
            SupplyChainError: nothing could be observed, or the status could not be written.
        """
        try:
            result = self._run()
        except SupplyChainError:
            with suppress(SupplyChainError):
                self._rescue()
            raise
        self._memory.interrupted = 0
        return result

    def complain(self, error: SupplyChainError) -> None:
        """Tell of an API server that does not take something, once that is more than a bad minute."""
        self._memory.interrupted += 1
        if self._memory.interrupted >= _PATIENCE and self._decided is not None:
            seen, decision = self._decided
            with suppress(SupplyChainError):
                self._report(seen, decision, fault=Fault(reason="ApplyFailed", message=str(error)))

    def linger(self) -> Result:
        """Look after a gateway that is being deleted, which may take as long as somebody's finalizer likes.

        Raises:
            ClusterUnavailableError, ConflictError: try again.
        """
        with suppress(InputError, ApplyForbiddenError):
            spec = parse_spec(GatewaySpec, self._gateway.spec, where=f"`{self._gateway.key}`")
            seen = observe(self._tools, self._gateway, spec)
            decision = decide(seen)
            if decision.course is Course.STOP and seen.live is not None:
                self._children.change(seen.live, without_pods)
            self._withdrawn = frozenset(() if seen.plugins is None else seen.plugins.withdrawn)
        self._rescue()
        return Result(changed=self._children.changed)

    def _rescue(self) -> Fault | None:
        return end_revoked(self._tools, self._children, self._gateway, withdrawn=self._withdrawn)

    def _run(self) -> Result:
        try:
            spec = parse_spec(GatewaySpec, self._gateway.spec, where=f"`{self._gateway.key}`")
            seen = observe(self._tools, self._gateway, spec)
        except InputError as exc:
            return self._unusable(exc)
        self._withdrawn = seen.banned.union(() if seen.plugins is None else seen.plugins.withdrawn)
        decision = decide(seen)
        self._decided = seen, decision
        if decision.course is Course.RENDER and decision.inputs is not None:
            return self._render(seen, decision, decision.inputs)
        if decision.course is Course.STOP and seen.live is not None:
            return self._stop(seen, decision, seen.live)
        return self._hold(seen, decision)

    def _unusable(self, error: InputError) -> Result:
        """Leave the children as they are: what cannot be read cannot be rendered, and what ran was read once."""
        fault = Fault(reason="PermanentError", message=str(error))
        unready = self._rescue() or fault
        live = self._live()
        return self._write(
            Picture(live=live, unready=unready, degraded=fault, hashes=hashes_of_pods(live)), Outcome.PERMANENT_ERROR
        )

    def _live(self) -> Resource | None:
        return self._children.latest(Key(DEPLOYMENT, names_of(self._gateway.name).workload, self._gateway.namespace))

    def _render(self, seen: Observation, decision: Decision, inputs: GatewayInputs) -> Result:
        try:
            rendered = self._memory.rendering.render(inputs)
        except InputError as exc:
            unusable = Fault(reason="PermanentError", message=str(exc))
            return self._report(seen, decision, fault=unusable, outcome=Outcome.PERMANENT_ERROR)
        refused = (
            self._expect_rights(inputs, rendered) or self._bring(inputs) or self._applying.apply(seen.live, inputs, rendered)
        )
        fault = None if refused is None else Fault(reason=refused.reason, message=refused.message)
        if fault is None:
            self._services.renderings.note(self._gateway.key, _carried(seen, rendered))
        return self._report(seen, decision, rendered=rendered, fault=fault)

    def _expect_rights(self, inputs: GatewayInputs, rendered: RenderedGateway) -> Refused | None:
        """See to the right on the namespace's Secrets where one has to be written."""
        copied = inputs.cluster is not None and inputs.cluster.plugin is not None
        if not copied and not any(kind_of(one) == SECRET for one in rendered.children):
            return None
        bound = bind(self._services, self._gateway.namespace or "")
        return Refused(reason=bound.reason, message=bound.message) if isinstance(bound, Failure) else None

    def _bring(self, inputs: GatewayInputs) -> Refused | None:
        """Bring the coordinator's plugin, where no set does."""
        plugin = None if inputs.cluster is None else inputs.cluster.plugin
        if plugin is None:
            return None
        copying = Copying(self._services, self._tools.sources, self._gateway)
        refused = copying.bring(plugin)
        self._children.changed = self._children.changed or copying.changed
        return refused

    def _stop(self, seen: Observation, decision: Decision, live: Resource) -> Result:
        try:
            self._children.change(live, without_pods)
        except (ApplyForbiddenError, ApplyRejectedError) as exc:
            return self._report(seen, decision, fault=Fault(reason="ApplyFailed", message=str(exc)))
        return self._report(seen, decision)

    def _hold(self, seen: Observation, decision: Decision) -> Result:
        """Let what stands around the pods follow the spec; the pods stay as they are."""
        inputs, live = decision.inputs, seen.live
        if decision.course is not Course.HOLD or inputs is None or live is None:
            return self._report(seen, decision)
        refused = None
        try:
            for manifest in render_around(inputs):
                refused = refused or self._children.apply(manifest)
            if pods_wanted(live):
                self._children.change(live, lambda body: set_replicas(inputs, body))
        except (InputError, ApplyForbiddenError) as exc:
            refused = Refused(reason="ApplyFailed", message=str(exc))
        fault = None if refused is None else Fault(reason=refused.reason, message=refused.message)
        return self._report(seen, decision, fault=fault)

    def _report(
        self,
        seen: Observation,
        decision: Decision,
        *,
        rendered: RenderedGateway | None = None,
        fault: Fault | None = None,
        outcome: Outcome | None = None,
    ) -> Result:
        unready = decision.unready if fault is None else self._rescue() or fault
        live = self._live()
        picture = Picture(
            live=live,
            dependencies=decision.dependencies,
            unready=unready,
            degraded=fault or decision.degraded or self._unwatched(seen),
            routes=_routes(seen, rendered, fault),
            notes=() if rendered is None else tuple(one.text for one in rendered.notes if one.topic not in _TOPICS),
            hashes=hashes_of_pods(live) if rendered is None or fault is not None else hashes_of_rendering(rendered),
        )
        self._count(decision)
        blocked = any(not one.ready for one in decision.dependencies) or unready is not None
        usual = Outcome.TRANSIENT_ERROR if fault is not None else Outcome.DEPENDENCY_PENDING if blocked else Outcome.SUCCESS
        return self._write(picture, outcome or usual)

    def _unwatched(self, seen: Observation) -> Fault | None:
        """Say that monitoring is wanted where the cluster has no such kinds."""
        wanted = seen.spec.monitoring
        if seen.monitoring or wanted is None:
            return None
        parts = (wanted.service_monitor, wanted.prometheus_rule)
        if not any(one is not None and one.enabled for one in parts):
            return None
        text = "the cluster does not serve the kinds of the Prometheus operator"
        return Fault(reason="MonitoringUnavailable", message=text)

    def _write(self, picture: Picture, outcome: Outcome) -> Result:
        fields = {**counts(picture.live), **picture.hashes}
        wrote = self._status.write(self._gateway, fields, conditions(picture), announce=announcements(picture))
        changed = wrote or self._children.changed
        resync = self._services.settings.resync_interval
        if outcome is Outcome.TRANSIENT_ERROR:
            return Result(outcome=outcome, after=min(_SOON, resync), backoff=True, changed=changed)
        settled = picture.live is None or rolled_out(picture.live)
        return Result(outcome=outcome, after=resync if settled else min(30.0, resync), changed=changed)

    def _count(self, decision: Decision) -> None:
        """Count every dependency that begins to fail, or fails in another way than before."""
        failing = frozenset((one.kind, one.reason) for one in decision.dependencies if not one.ready)
        for kind, reason in failing - self._memory.failing:
            self._services.metrics.dependency_unresolved("gateway", kind, reason)
        self._memory.failing = failing


def _routes(seen: Observation, rendered: RenderedGateway | None, fault: Fault | None) -> Condition | None:
    if rendered is None or fault is not None:
        text = "the routes were not applied" if fault is None else f"the routes were not applied: {fault.message}"
        return Condition(type="RoutesApplied", status=Truth.FALSE, reason="NotRendered", message=text)
    said = [one.text for one in rendered.notes if one.topic in _TOPICS]
    said += [f"MCPGRoute `{one}` cannot be read" for one in seen.routes.unreadable]
    text = "; ".join((f"{len(rendered.applied)} routes, {rendered.rules} rules", *said))
    conflict = any(one.topic == "ToolConflict" for one in rendered.notes)
    reason = "ToolConflict" if conflict else "RoutesResolved"
    return Condition(type="RoutesApplied", status=Truth.of(not conflict), reason=reason, message=text)


def _carried(seen: Observation, rendered: RenderedGateway) -> Iterable[Resource]:
    return [one for one in seen.routes.routes if ((one.namespace or ""), one.name) in rendered.applied]
