"""Every rule about a route's status; pure.

The gateway's status is asked only whether it has applied its routes. It gives nobody access: what a gateway enforces stands in
what it was given, and that is rendered from the routes themselves.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from mcpg_operator.conditions import Condition, Truth, some
from mcpg_operator.resources import GATEWAY, PLUGIN_SET, TENANT
from mcpg_operator.services import Outcome
from supplychain.rules.binding import accepts
from supplychain.rules.reading import at, condition
from supplychain.rules.tenancy import TENANT_ATTRIBUTE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mcpg_operator.controllers.route.observe import Observation
    from supplychain.api.route import RouteSpec

__all__ = ["PENDING", "Decision", "decide"]

PENDING: Final = "DependencyPending"
_APPLIED: Final = "RoutesApplied"
_CHAINS: Final = Condition(
    type="ChainsEnforced",
    status=Truth.FALSE,
    reason="PerRouteDispatchUnsupported",
    message="chains are recorded; gateways do not choose plugins by route",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What the status is to say, and how the pass ends."""

    conditions: tuple[Condition, ...]
    fields: Mapping[str, Any]
    outcome: Outcome
    dependency: str | None = None
    """The kind of what is missing."""
    lagging: bool = False
    """Whether nothing is wrong but that the gateway has not got round to its own new spec yet."""

    @property
    def ready(self) -> Condition:
        """The condition `Ready`."""
        return self.conditions[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Fault:
    reason: str
    message: str
    dependency: str | None = None
    lagging: bool = False


def decide(seen: Observation) -> Decision:
    """Judge one route: the first thing that keeps it from counting is the answer."""
    if seen.spec is None:
        return _unreadable(seen)
    place = f"{seen.gateway_key.namespace}/{seen.gateway_key.name}"
    unbound = _unbound(seen, place)
    if unbound is not None:
        bound = Condition("GatewayBound", Truth.FALSE, unbound.reason, unbound.message)
        return _decision(unbound, bound, {"matchedTools": 0})
    bound = Condition("GatewayBound", Truth.TRUE, "GatewayBound", f"MCPGGateway `{place}` accepts routes from here")
    fields = {"boundGateway": place, "matchedTools": 0}
    fault = _tenancy(seen, seen.spec) or _chains(seen, seen.spec) or _tools(seen, seen.spec)
    fault = fault or _carried(seen, place)
    if fault is not None:
        return _decision(fault, bound, fields)
    count = len(seen.spec.match.tools)
    tenant = seen.spec.attributes.get(TENANT_ATTRIBUTE)
    whom = f"callers of tenant `{tenant}`" if tenant else "every caller that the gateway admits"
    if not tenant and seen.identity is not None:
        whom = f"callers whose `{seen.identity.key}` is `{seen.identity.value}`"
    ready = Condition("Ready", Truth.TRUE, "Reconciled", f"{count} tools for {whom}")
    return Decision(conditions=(ready, bound, _CHAINS), fields={**fields, "matchedTools": count}, outcome=Outcome.SUCCESS)


def _unreadable(seen: Observation) -> Decision:
    reason, message = "InvalidSpec", str(seen.trouble)
    if at(seen.resource.spec, "match.tools") == []:
        reason, message = "NoMatchedTools", "`spec.match.tools` is empty"
    bound = Condition("GatewayBound", Truth.UNKNOWN, reason, "the route cannot be read")
    ready = Condition("Ready", Truth.FALSE, reason, message)
    return Decision(conditions=(ready, bound, _CHAINS), fields={"matchedTools": 0}, outcome=Outcome.PERMANENT_ERROR)


def _decision(fault: _Fault, bound: Condition, fields: Mapping[str, Any]) -> Decision:
    return Decision(
        conditions=(Condition("Ready", Truth.FALSE, fault.reason, fault.message), bound, _CHAINS),
        fields=fields,
        outcome=Outcome.DEPENDENCY_PENDING,
        dependency=fault.dependency,
        lagging=fault.lagging,
    )


def _unbound(seen: Observation, place: str) -> _Fault | None:
    if seen.gateway is None:
        return _Fault(reason="GatewayNotFound", message=f"there is no MCPGGateway `{place}`", dependency=GATEWAY.name)
    namespace = seen.resource.namespace or ""
    if accepts(seen.gateway.body, namespace):
        return None
    text = f"`spec.acceptedRouteNamespaces` of MCPGGateway `{place}` does not name `{namespace}`"
    return _Fault(reason="NamespaceNotAccepted", message=text, dependency=GATEWAY.name)


def _tenancy(seen: Observation, spec: RouteSpec) -> _Fault | None:
    tenant = spec.attributes.get(TENANT_ATTRIBUTE)
    identity = seen.identity
    if identity is not None and identity.key == TENANT_ATTRIBUTE and tenant is not None and tenant != identity.value:
        text = (
            f"`spec.attributes.tenant` is `{tenant}`, and MCPGTenant `{seen.tenant}` has `{identity.value}`: "
            "a route cannot speak for another tenant"
        )
        return _Fault(reason="TenantMismatch", message=text, dependency=TENANT.name)
    foreign = seen.resource.namespace != seen.gateway_key.namespace
    if foreign and not tenant and identity is None:
        text = "a route to a gateway of another namespace needs `spec.attributes.tenant`, or a tenant with `identityAttribute`"
        return _Fault(reason="TenantRequired", message=text, dependency=TENANT.name)
    return None


def _chains(seen: Observation, spec: RouteSpec) -> _Fault | None:
    if seen.enabled is None:
        return None
    chains = {"identityChain": spec.identity_chain, "policyChain": spec.policy_chain, "auditChain": spec.audit_chain}
    missing = [f"`{one}` of `{name}`" for name, ids in chains.items() for one in ids if one not in seen.enabled]
    if not missing:
        return None
    text = f"the gateway's set does not enable {some(missing)}"
    return _Fault(reason="ChainPluginMissing", message=text, dependency=PLUGIN_SET.name)


def _tools(seen: Observation, spec: RouteSpec) -> _Fault | None:
    if seen.served is None:
        return None
    missing = [f"`{one.id}`" for one in spec.match.tools if one.id.strip() not in seen.served]
    if not missing:
        return None
    return _Fault(reason="ToolNotServed", message=f"the gateway does not serve {some(missing)}", dependency=GATEWAY.name)


def _carried(seen: Observation, place: str) -> _Fault | None:
    """Whether the gateway carries the route: by what its status says of all routes, and its last rendering where one is known."""
    gateway = seen.gateway
    found = {} if gateway is None else condition(gateway.body, _APPLIED) or {}
    if found.get("status") != "True":
        said = f": {found.get('reason')}: {found.get('message', '')}" if found else ""
        text = f"MCPGGateway `{place}` has not applied its routes{said}"
        return _Fault(reason=PENDING, message=text, dependency=GATEWAY.name)
    if seen.rendered is True:
        return None
    current = gateway is not None and found.get("observedGeneration") == gateway.generation
    if seen.rendered is None and current:
        return None
    text = f"MCPGGateway `{place}` does not carry the present route yet"
    return _Fault(reason=PENDING, message=text, dependency=GATEWAY.name, lagging=seen.rendered is None)
