"""The routes that name a gateway, and the tenants that own its namespace and theirs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mcpg_operator.indexes import claimants, routes_of_gateway
from mcpg_operator.render.gateway.inputs import RouteClaim, TenantScope
from mcpg_operator.resources import ROUTE, TENANT
from supplychain.api import parse_spec
from supplychain.api.route import RouteSpec
from supplychain.errors import ClusterUnavailableError, InputError
from supplychain.rules.reading import name_of
from supplychain.rules.tenancy import TENANT_ATTRIBUTE, identity_of, owner_of

if TYPE_CHECKING:
    from mcpg_operator.resources import Key, Resource
    from mcpg_operator.services import Services
    from supplychain.rules.reading import Document

__all__ = ["SeenRoutes", "owner", "scope", "see_routes"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenRoutes:
    """The routes that name a gateway."""

    claims: tuple[RouteClaim, ...] = ()
    routes: tuple[Resource, ...] = ()
    """The objects that the claims came from."""
    unreadable: tuple[str, ...] = ()
    """`<namespace>/<name>` of those whose spec cannot be read; they count for nothing."""


def owner(services: Services, namespace: str) -> Document | None:
    """Find the MCPGTenant that owns a namespace.

    Raises:
        ClusterUnavailableError: the tenants have not been seen yet.
    """
    _expect_seen(services)
    return owner_of(namespace, [one.body for one in claimants(services.store, namespace)])


def scope(tenant: Document | None) -> TenantScope | None:
    """Write what of a tenant counts for a rendering."""
    return None if tenant is None else TenantScope(name=name_of(tenant), identity=identity_of(tenant))


def see_routes(services: Services, gateway: Key) -> SeenRoutes:
    """Look at the routes that are not being deleted; raises as `owner`."""
    _expect_seen(services)
    claims, routes, unreadable = [], [], []
    for route in routes_of_gateway(services.store, gateway):
        if route.deleting:
            continue
        namespace = route.namespace or ""
        try:
            spec = parse_spec(RouteSpec, route.spec, where=f"`{route.key}`")
        except InputError:
            unreadable.append(f"{namespace}/{route.name}")
            continue
        routes.append(route)
        claims.append(
            RouteClaim(
                namespace=namespace,
                name=route.name,
                tools=tuple(one.id.strip() for one in spec.match.tools),
                attribute=spec.attributes.get(TENANT_ATTRIBUTE),
                tenant=scope(owner(services, namespace)),
            )
        )
    return SeenRoutes(claims=tuple(claims), routes=tuple(routes), unreadable=tuple(unreadable))


def _expect_seen(services: Services) -> None:
    for kind in (ROUTE, TENANT):
        if not services.store.synced(kind):
            got = f"no full list of {kind.name}"
            raise ClusterUnavailableError("the operator has not seen the whole cluster yet", got=got)
