"""What objects say of each other, kept by the store so that nobody has to look through all of them in a pass.

Every reader copes with objects of any shape: an older schema may have let anything in, and one odd object must not hide others.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mcpg_operator.resources import CLUSTER, GATEWAY, PLUGIN_SET, RESOURCE_QUOTA, ROUTE, TENANT, Key
from supplychain.rules.reading import at, items, texts

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mcpg_operator.resources import Kind, Resource
    from mcpg_operator.runtime.store import Store

__all__ = [
    "CLAIMED",
    "CREDENTIAL",
    "GATEWAY_OF",
    "HOST",
    "PLACE",
    "PLUGIN_OF",
    "SET_OF",
    "SHARED_CLUSTER",
    "claimants",
    "claimed",
    "cluster_of",
    "credential_secrets",
    "gateway_of",
    "gateway_place",
    "gateways_of_cluster",
    "gateways_of_host",
    "gateways_of_set",
    "hosts_asked",
    "in_place",
    "register",
    "routes_of_gateway",
    "set_of",
]

CLAIMED: Final = "claimed"
"""MCPGTenants by the namespaces that they declare."""
GATEWAY_OF: Final = "gateway"
"""MCPGRoutes by `<namespace>/<name>` of their gateway."""
SHARED_CLUSTER: Final = "cluster"
"""MCPGGateways by the MCPGCluster that they name."""
SET_OF: Final = "set"
"""MCPGGateways by `<namespace>/<name>` of their set."""
HOST: Final = "host"
"""MCPGGateways by the hosts that they ask for, in lower case."""
PLACE: Final = "namespace"
"""Gateways, sets, routes and quotas by namespace."""
PLUGIN_OF: Final = "plugin"
"""MCPGClusters by the MCPGPlugin that they name."""
CREDENTIAL: Final = "secret"
"""MCPGClusters by the Secrets that they name."""


def register(store: Store) -> None:
    """Have a store keep all of these; doing so again changes nothing."""
    store.index(TENANT, CLAIMED, claimed)
    store.index(ROUTE, GATEWAY_OF, lambda one: (gateway_place(one),))
    store.index(GATEWAY, SHARED_CLUSTER, lambda one: filter(None, (cluster_of(one),)))
    store.index(GATEWAY, SET_OF, lambda one: filter(None, (set_of(one),)))
    store.index(GATEWAY, HOST, hosts_asked)
    store.index(CLUSTER, PLUGIN_OF, lambda one: filter(None, (_name(one, "pluginRef.name"),)))
    store.index(CLUSTER, CREDENTIAL, credential_secrets)
    for kind in (GATEWAY, PLUGIN_SET, RESOURCE_QUOTA, ROUTE):
        store.index(kind, PLACE, lambda one: (one.namespace or "",))


def claimants(store: Store, namespace: str) -> tuple[Resource, ...]:
    """The tenants that declare a namespace, of which one owns it."""
    return store.find(TENANT, CLAIMED, namespace)


def in_place(store: Store, kind: Kind, namespace: str) -> tuple[Resource, ...]:
    """Gateways, sets or routes of one namespace."""
    return store.find(kind, PLACE, namespace)


def routes_of_gateway(store: Store, gateway: Key) -> tuple[Resource, ...]:
    """The routes of all namespaces that name a gateway, accepted or not."""
    return store.find(ROUTE, GATEWAY_OF, f"{gateway.namespace}/{gateway.name}")


def gateways_of_cluster(store: Store, cluster: str) -> tuple[Resource, ...]:
    """The gateways of all namespaces that name an MCPGCluster."""
    return store.find(GATEWAY, SHARED_CLUSTER, cluster)


def gateways_of_set(store: Store, plugin_set: Key) -> tuple[Resource, ...]:
    """The gateways that name a set; they are in its namespace."""
    return store.find(GATEWAY, SET_OF, f"{plugin_set.namespace}/{plugin_set.name}")


def gateways_of_host(store: Store, host: str) -> tuple[Resource, ...]:
    """The gateways of all namespaces that ask for a host, given in lower case."""
    return store.find(GATEWAY, HOST, host)


def claimed(tenant: Resource) -> tuple[str, ...]:
    """The namespaces that a tenant declares."""
    return texts(at(tenant.spec, "namespaces"))


def gateway_of(route: Resource) -> Key:
    """The gateway that a route names, in the route's own namespace unless it says another; an unreadable name is empty."""
    namespace = _name(route, "gatewayRef.namespace") or route.namespace
    return Key(GATEWAY, _name(route, "gatewayRef.name") or "", namespace)


def gateway_place(route: Resource) -> str:
    """The same as one text."""
    key = gateway_of(route)
    return f"{key.namespace}/{key.name}"


def cluster_of(gateway: Resource) -> str | None:
    """The MCPGCluster that a gateway names."""
    return _name(gateway, "clusterRef.name")


def set_of(gateway: Resource) -> str | None:
    """The set that a gateway names, as `<namespace>/<name>`."""
    name = _name(gateway, "pluginSetRef.name")
    return None if name is None else f"{gateway.namespace}/{name}"


def hosts_asked(gateway: Resource) -> tuple[str, ...]:
    """The hosts that a gateway asks for, in lower case."""
    return tuple(str(at(one, "host")).lower() for one in items(at(gateway.spec, "ingress.hosts")))


def credential_secrets(cluster: Resource) -> Iterable[str]:
    """The Secrets of the operator's namespace that an MCPGCluster names."""
    names = (at(one, "secretName") for one in items(at(cluster.spec, "credentialRefs")))
    return tuple(one for one in names if isinstance(one, str) and one)


def _name(resource: Resource, path: str) -> str | None:
    value = at(resource.spec, path)
    return value if isinstance(value, str) and value else None
