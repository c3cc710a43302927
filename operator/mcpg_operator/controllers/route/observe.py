"""Looks at everything that a route's status depends on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mcpg_operator.indexes import claimants, gateway_of, set_of
from mcpg_operator.resources import PLUGIN_SET, Key
from supplychain.api import parse_spec
from supplychain.api.route import RouteSpec
from supplychain.errors import InputError
from supplychain.rules.tenancy import Identity, identity_of, owner_of
from supplychain.rules.tools import enabled_entries, served_tools

if TYPE_CHECKING:
    from mcpg_operator.resources import Resource
    from mcpg_operator.services import Services

__all__ = ["Observation", "observe"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """One route, its gateway, and what the gateway knows."""

    resource: Resource
    gateway_key: Key
    spec: RouteSpec | None = None
    """None where it cannot be read, as `trouble` says."""
    trouble: InputError | None = None
    gateway: Resource | None = None
    """None where there is none."""
    tenant: str | None = None
    """The tenant that owns the route's namespace."""
    identity: Identity | None = None
    """What that tenant asks of every caller."""
    enabled: frozenset[str] | None = None
    """Ids of the plugins that the gateway's set enables; None where that is not known."""
    served: frozenset[str] | None = None
    """Names of the tools that the gateway serves; None where that is not fully known."""
    rendered: bool | None = None
    """Whether the gateway's last rendering holds the route as it now is; None where no rendering is known."""


def observe(services: Services, resource: Resource) -> Observation:
    """Look once.

    Raises:
        ClusterUnavailableError, ApplyForbiddenError: the gateway could not be looked at.
    """
    gateway_key = gateway_of(resource)
    try:
        spec = parse_spec(RouteSpec, resource.spec, where=f"`{resource.key}`")
    except InputError as exc:
        return Observation(resource=resource, gateway_key=gateway_key, trouble=exc)
    namespace = resource.namespace or ""
    owner = owner_of(namespace, [one.body for one in claimants(services.store, namespace)])
    gateway = _gateway(services, gateway_key)
    return Observation(
        resource=resource,
        gateway_key=gateway_key,
        spec=spec,
        gateway=gateway,
        tenant=None if owner is None else str(owner["metadata"]["name"]),
        identity=identity_of(owner),
        enabled=None if gateway is None else _enabled(services, gateway),
        served=None if gateway is None else served_tools(gateway.body),
        rendered=services.renderings.holds(gateway_key, resource),
    )


def _gateway(services: Services, key: Key) -> Resource | None:
    """Find the gateway; one outside of the namespace that is watched is asked for."""
    if services.settings.watch_namespace in {None, key.namespace}:
        return services.store.get(*key)
    return services.cluster.get(key.kind, key.name, namespace=key.namespace)


def _enabled(services: Services, gateway: Resource) -> frozenset[str] | None:
    place = set_of(gateway)
    if place is None:
        return None
    found = services.store.get(PLUGIN_SET, place.partition("/")[2], gateway.namespace)
    return None if found is None else enabled_entries(found.body)
