"""Tenants, coordinators, routes and gateways as a person writes them, and what the cluster then holds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mcpg_operator.resources import CLUSTER, GATEWAY, NAMESPACE, RESOURCE_QUOTA, ROUTE, TENANT
from tests.support.cluster import ApiError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mcpg_operator.resources import Kind
    from tests.e2e.world import World

__all__ = ["clear", "cluster", "gateway", "label_of", "quota", "route", "tenant"]

_API = "mcpg.dev/v1alpha2"


def tenant(name: str, *namespaces: str, **spec: Any) -> dict[str, Any]:
    """A tenant that has these namespaces, and may use any plugin unless it is told otherwise."""
    spec = {"namespaces": list(namespaces), "allowedPlugins": [{"name": "*"}], **spec}
    return {"apiVersion": _API, "kind": TENANT.name, "metadata": {"name": name}, "spec": spec}


def cluster(name: str, backend: str = "redis", **spec: Any) -> dict[str, Any]:
    """A coordinator reached by TLS."""
    spec = {"backend": backend, "config": {"url": "rediss://redis.example:6379"}, **spec}
    return {"apiVersion": _API, "kind": CLUSTER.name, "metadata": {"name": name}, "spec": spec}


def gateway(namespace: str, name: str, **spec: Any) -> dict[str, Any]:
    """A gateway."""
    return {"apiVersion": _API, "kind": GATEWAY.name, "metadata": {"name": name, "namespace": namespace}, "spec": spec}


def route(namespace: str, name: str, gateway_ref: dict[str, str], *tools: str, **spec: Any) -> dict[str, Any]:
    """A route for these tools."""
    spec = {"gatewayRef": gateway_ref, "match": {"tools": [{"id": one} for one in tools]}, **spec}
    return {"apiVersion": _API, "kind": ROUTE.name, "metadata": {"name": name, "namespace": namespace}, "spec": spec}


def quota(world: World, namespace: str, name: str) -> dict[str, Any] | None:
    """What a tenant's quota enforces in a namespace; None where it has none."""
    found = world.api.get(RESOURCE_QUOTA, f"mcpg-tenant-{name}", namespace=namespace)
    return None if found is None else dict(found["spec"]["hard"])


def label_of(world: World, namespace: str) -> str | None:
    """Whose a namespace says it is."""
    found = world.api.get(NAMESPACE, namespace)
    return None if found is None else found["metadata"].get("labels", {}).get("mcpg.dev/tenant")


def clear(world: World) -> None:
    """Delete every object of these kinds."""
    for kind, name, namespace in _existing(world, ROUTE, GATEWAY, CLUSTER, TENANT):
        world.api.delete(kind, name, namespace=namespace)


def _existing(world: World, *kinds: Kind) -> Iterator[tuple[Kind, str, str | None]]:
    for kind in kinds:
        try:
            found = world.api.list(kind)
        except ApiError:
            continue
        for one in found:
            yield kind, one["metadata"]["name"], one["metadata"].get("namespace")
