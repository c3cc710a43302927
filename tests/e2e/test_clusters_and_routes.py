"""Shared coordinators and routes on a real API server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from mcpg_operator.resources import CLUSTER, GATEWAY, ROUTE, SECRET, TENANT
from tests.e2e.tenancy import clear, cluster, gateway, route, tenant
from tests.support.cluster import NAMESPACE as HOME
from tests.support.cluster.objects import condition, said

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mcpg_operator.resources import Kind
    from tests.e2e.world import World
    from tests.support.cluster.operator_process import OperatorProcess

pytestmark = pytest.mark.usefixtures("operator", "nothing_left")


@pytest.fixture
def nothing_left(world: World) -> Iterator[None]:
    yield
    clear(world)


def told(world: World, kind: Kind, name: str, wanted: str, *, namespace: str | None = None, of: str = "Ready") -> None:
    """Wait until a condition gives a reason."""

    def found() -> dict[str, Any] | None:
        return world.api.get(kind, name, namespace=namespace)

    world.until(lambda: said(found(), of).reason == wanted, what=lambda: f"{kind} `{name}` to be {wanted}, {found()}")


def bound(world: World, name: str) -> int | None:
    found = world.api.get(CLUSTER, name)
    return None if found is None else found.get("status", {}).get("boundGateways")


def credential(world: World, name: str, **data: str) -> None:
    metadata = {"name": name, "namespace": HOME}
    world.api.apply({"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": data})


def test_a_coordinator_is_ready_with_its_credential_and_not_without(world: World) -> None:
    refs = [{"name": "pass", "secretName": "cl-redis"}]
    config = {"url": "rediss://redis.example:6379", "password": "cred://cluster/pass"}
    world.api.apply(cluster("cl-secret", config=config, credentialRefs=refs))
    told(world, CLUSTER, "cl-secret", "CredentialMissing")
    credential(world, "cl-redis", other="x")
    told(world, CLUSTER, "cl-secret", "CredentialMissing")
    credential(world, "cl-redis", **{"pass": "hunter2"})
    told(world, CLUSTER, "cl-secret", "Reconciled")
    status = world.api.get(CLUSTER, "cl-secret")["status"]  # type: ignore[index]
    assert (status["pluginId"], len(status["configHash"])) == ("dev.mcpg.cluster.redis", 64)
    assert "hunter2" not in str(status)
    assert condition(world.api.get(CLUSTER, "cl-secret"), "TransportSecure") == ("True", "TLS")
    world.api.delete(SECRET, "cl-redis", namespace=HOME)
    told(world, CLUSTER, "cl-secret", "CredentialMissing")


def test_plain_text_is_told_and_still_ready(world: World) -> None:
    world.api.apply(cluster("cl-plain", config={"url": "redis://redis.example:6379"}))
    told(world, CLUSTER, "cl-plain", "Reconciled")
    assert condition(world.api.get(CLUSTER, "cl-plain"), "TransportSecure") == ("False", "PlaintextTransport")


def test_gateways_are_counted_wherever_they_are_and_both_sides_hear_of_one_that_turns(world: World) -> None:
    one, two = world.namespace("cl-one"), world.namespace("cl-two")
    world.api.apply([cluster("cl-a"), cluster("cl-b")])
    for namespace in (one, two):
        world.api.apply(gateway(namespace, "shop", clusterRef={"name": "cl-a"}))
    world.until(lambda: (bound(world, "cl-a"), bound(world, "cl-b")) == (2, 0), what="two gateways")
    world.api.apply(gateway(two, "shop", clusterRef={"name": "cl-b"}))
    world.until(lambda: (bound(world, "cl-a"), bound(world, "cl-b")) == (1, 1), what="one gateway each")
    world.api.delete(GATEWAY, "shop", namespace=one)
    world.until(lambda: bound(world, "cl-a") == 0, what="no gateway")
    assert condition(world.api.get(CLUSTER, "cl-a"), "InUse") == ("False", "NoGateways")


def test_a_coordinator_that_is_deleted_in_use_goes_at_once_and_who_used_it_is_told(world: World) -> None:
    team = world.namespace("cl-orphan")
    world.api.apply([cluster("cl-gone"), gateway(team, "shop", clusterRef={"name": "cl-gone"})])
    world.until(lambda: bound(world, "cl-gone") == 1, what="the gateway")
    world.api.delete(CLUSTER, "cl-gone")
    assert world.api.get(CLUSTER, "cl-gone") is None, "no finalizer holds it"
    world.until(lambda: ("Warning", "DeletedInUse") in world.events("cl-gone"), what="the event")
    world.api.apply(cluster("cl-gone"))
    world.until(lambda: bound(world, "cl-gone") == 1, what="the gateway to be found again")


def test_an_operator_that_is_not_there_holds_no_coordinator_and_no_tenant_back(world: World, operator: OperatorProcess) -> None:
    team = world.namespace("cl-free")
    world.api.apply([cluster("cl-free"), gateway(team, "shop", clusterRef={"name": "cl-free"}), tenant("cl-free", team)])
    world.until(lambda: bound(world, "cl-free") == 1, what="the gateway")
    told(world, TENANT, "cl-free", "Reconciled")
    operator.stop()
    for kind, name, namespace in ((GATEWAY, "shop", team), (CLUSTER, "cl-free", None), (TENANT, "cl-free", None)):
        world.api.delete(kind, name, namespace=namespace)
        world.until(lambda kind=kind, name=name, namespace=namespace: world.api.get(kind, name, namespace=namespace) is None)  # type: ignore[misc]
    operator.start()
    operator.wait_until_ready()


def test_a_plugin_is_bound_to_only_if_it_is_the_backends(world: World) -> None:
    world.add("audit")
    world.api.apply(cluster("cl-plugin", pluginRef={"name": "missing"}))
    told(world, CLUSTER, "cl-plugin", "ClusterPluginNotFound")
    world.api.apply(cluster("cl-plugin", pluginRef={"name": "audit"}))
    told(world, CLUSTER, "cl-plugin", "ClusterPluginIdMismatch")


def test_a_route_hears_of_its_gateway_and_of_its_tenant(world: World) -> None:
    home, far = world.namespace("rt-home"), world.namespace("rt-far")
    to = {"name": "shop", "namespace": home}
    world.api.apply(route(far, "stock", to, "stock.read"))
    told(world, ROUTE, "stock", "GatewayNotFound", namespace=far)
    world.api.apply(gateway(home, "shop"))
    told(world, ROUTE, "stock", "NamespaceNotAccepted", namespace=far)
    found = world.api.get(ROUTE, "stock", namespace=far)
    assert found is not None
    assert found["status"]["matchedTools"] == 0
    assert "boundGateway" not in found["status"]
    world.api.apply(gateway(home, "shop", acceptedRouteNamespaces=[far]))
    told(world, ROUTE, "stock", "TenantRequired", namespace=far)
    world.api.apply(tenant("rt-north", far, identityAttribute={"key": "tenant", "value": "north"}))
    told(world, ROUTE, "stock", "GatewayBound", namespace=far, of="GatewayBound")
    world.until(
        lambda: said(world.api.get(ROUTE, "stock", namespace=far)).reason in {"DependencyPending", "Reconciled"},
        what="the tenant to be heard of",
    )
    world.api.apply(route(far, "stock", to, "stock.read", attributes={"tenant": "south"}))
    told(world, ROUTE, "stock", "TenantMismatch", namespace=far)
    assert condition(world.api.get(ROUTE, "stock", namespace=far), "ChainsEnforced") == ("False", "PerRouteDispatchUnsupported")
    world.api.delete(GATEWAY, "shop", namespace=home)
    told(world, ROUTE, "stock", "GatewayNotFound", namespace=far)
    assert ("Warning", "GatewayNotFound") in world.events("stock")


def test_a_route_asks_for_tools_and_chains_that_are_there(world: World) -> None:
    home = world.namespace("rt-tools")
    config = {"mcp": {"capabilities": {"tools": [{"name": "stock.read"}]}}}
    world.api.apply(gateway(home, "shop", config=config, pluginSetRef={"name": "main"}))
    world.api.apply(route(home, "stock", {"name": "shop"}, "stock.write"))
    told(world, ROUTE, "stock", "ToolNotServed", namespace=home)
    world.api.apply(route(home, "stock", {"name": "shop"}, "stock.read", policyChain=["dev.acme.policy"]))
    world.add_set(home, "main", "audit")
    told(world, ROUTE, "stock", "ChainPluginMissing", namespace=home)
    world.api.apply(route(home, "stock", {"name": "shop"}, "stock.read", policyChain=["dev.acme.audit"]))
    world.until(
        lambda: said(world.api.get(ROUTE, "stock", namespace=home)).reason in {"DependencyPending", "Reconciled"},
        what="tools and chains to be found",
    )
