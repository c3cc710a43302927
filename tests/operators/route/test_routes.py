"""The controller of routes over a cluster in memory."""

from __future__ import annotations

from typing import Any

import pytest

from mcpg_operator.controllers.route import RouteReconciler
from mcpg_operator.resources import EVENT, GATEWAY, PLUGIN_SET, ROUTE, TENANT, Key
from mcpg_operator.services import Outcome
from mcpg_operator.settings import Settings
from supplychain.errors import ApplyForbiddenError, ApplyRejectedError, ClusterUnavailableError, ConflictError
from tests.operators.world import NAMESPACE, World, body, edited, listener

R = Key(ROUTE, "stock", "team")
SHOP = Key(GATEWAY, "shop", "team")
SPEC: dict[str, Any] = {"gatewayRef": {"name": "shop"}, "match": {"tools": [{"id": "stock.read"}]}}


@pytest.fixture
def world() -> World:
    world = World()
    world.cluster.put(GATEWAY, body("shop", {}, namespace="team"))
    world.cluster.put(ROUTE, body("stock", SPEC, namespace="team"))
    return world.watch()


@pytest.fixture
def services(world):
    return world.services()


@pytest.fixture
def routes(services) -> RouteReconciler:
    return RouteReconciler(services)


def applied(world: World, *, status: str = "True", key: Key = SHOP) -> None:
    """As the gateway's controller says it."""

    def change(found: dict[str, Any]) -> None:
        generation = found["metadata"]["generation"]
        one = {"type": "RoutesApplied", "status": status, "reason": "RoutesResolved", "observedGeneration": generation}
        found["status"] = {"conditions": [one]}

    world.cluster.edit(key, change)


def woken(routes: RouteReconciler, world: World, change: Any) -> list[Key]:
    found: list[Key] = []
    for watch in routes.watches:
        world.store.subscribe(watch.kind, listener(watch, found))
    change()
    return sorted(set(found))


def test_a_route_is_ready_when_its_gateway_has_applied_it(world, routes):
    assert routes.reconcile(R).outcome is Outcome.DEPENDENCY_PENDING
    assert world.ready(*R) == ("False", "DependencyPending")
    assert world.status(*R)["matchedTools"] == 0
    applied(world)
    result = routes.reconcile(R)
    assert world.ready(*R) == ("True", "Reconciled")
    assert (world.status(*R)["matchedTools"], world.status(*R)["boundGateway"]) == (1, "team/shop")
    assert (result.outcome, result.after) == (Outcome.SUCCESS, 600)
    assert world.events() == [("Normal", "Reconciled")], "waiting for the gateway is no event"
    world.later(600)
    assert not routes.reconcile(R).changed


def test_a_gateway_that_goes_and_comes_is_told(world, routes):
    applied(world)
    routes.reconcile(R)
    world.cluster.remove(SHOP)
    routes.reconcile(R)
    assert world.ready(*R) == ("False", "GatewayNotFound")
    assert "boundGateway" not in world.status(*R)
    assert ("Warning", "GatewayNotFound") in world.events()
    assert {one.body["action"] for one in world.cluster.objects(EVENT)} == {"Bind"}


def test_a_route_stays_ready_while_its_gateway_gets_round_to_a_new_spec(world, routes):
    applied(world)
    routes.reconcile(R)
    world.cluster.edit(SHOP, edited(replicas=2))
    world.cluster.writes.clear()
    assert not routes.reconcile(R).changed
    assert world.ready(*R) == ("True", "Reconciled")
    world.cluster.edit(R, edited(attributes={"tenant": "north"}))
    routes.reconcile(R)
    assert world.ready(*R) == ("False", "DependencyPending"), "of the new route nothing is known yet"


def test_a_rendering_that_is_known_counts(world, services, routes):
    applied(world)
    gateway = services.renderings
    gateway.note(SHOP, [])
    routes.reconcile(R)
    assert world.ready(*R) == ("False", "DependencyPending")
    gateway.note(SHOP, [world.store.get(*R)])
    assert world.woken == [R]
    routes.reconcile(R)
    assert world.ready(*R) == ("True", "Reconciled")
    world.cluster.edit(R, edited(attributes={"tenant": "north"}))
    routes.reconcile(R)
    assert world.ready(*R) == ("False", "DependencyPending")
    gateway.forget(SHOP)
    assert gateway.holds(SHOP, world.store.get(*R)) is None


def test_routes_hear_of_their_gateway_wherever_they_are(world, routes):
    world.cluster.put(ROUTE, body("far", {**SPEC, "gatewayRef": {"name": "shop", "namespace": "team"}}, namespace="other"))
    world.cluster.put(ROUTE, body("near", SPEC, namespace="other"))
    far = Key(ROUTE, "far", "other")
    assert woken(routes, world, lambda: applied(world)) == [far, R]
    assert woken(routes, world, lambda: world.cluster.edit(SHOP, edited(acceptedRouteNamespaces=["other"]))) == [far, R]


def test_pods_that_come_and_go_wake_no_route(world, routes):
    applied(world)

    def pods(found: dict[str, Any]) -> None:
        found["status"]["readyReplicas"] = 3

    assert woken(routes, world, lambda: world.cluster.edit(SHOP, pods)) == []


def test_a_set_wakes_the_routes_of_the_gateways_that_name_it(world, routes):
    world.cluster.edit(SHOP, edited(pluginSetRef={"name": "main"}))
    plugin_set = body("main", {"entries": []}, namespace="team")
    assert woken(routes, world, lambda: world.cluster.put(PLUGIN_SET, plugin_set)) == [R]
    elsewhere = body("main", {"entries": []}, namespace="other")
    assert woken(routes, world, lambda: world.cluster.put(PLUGIN_SET, elsewhere)) == []


def test_a_tenant_wakes_the_routes_of_the_namespaces_that_it_takes_or_leaves(world, routes):
    world.cluster.put(ROUTE, body("there", SPEC, namespace="other"))
    there = Key(ROUTE, "there", "other")
    key = Key(TENANT, "north")
    assert woken(routes, world, lambda: world.cluster.put(TENANT, body("north", {"namespaces": ["team"]}))) == [R]
    assert woken(routes, world, lambda: world.cluster.edit(key, edited(namespaces=["other"]))) == [R, there]
    assert woken(routes, world, lambda: world.cluster.remove(key)) == [there]


def test_chains_are_held_against_the_gateways_set(world, routes):
    applied(world)
    world.cluster.edit(SHOP, edited(pluginSetRef={"name": "main"}))
    applied(world)
    world.cluster.edit(R, edited(policyChain=["dev.acme.policy"]))
    routes.reconcile(R)
    assert world.ready(*R) == ("True", "Reconciled"), "a set that is not there says nothing"
    entries = [{"id": "dev.acme.policy", "pluginRef": {"name": "policy"}, "enabled": False}]
    world.cluster.put(PLUGIN_SET, body("main", {"entries": entries}, namespace="team"))
    routes.reconcile(R)
    assert world.ready(*R) == ("False", "ChainPluginMissing")
    del entries[0]["enabled"]
    world.cluster.put(PLUGIN_SET, body("main", {"entries": entries}, namespace="team"))
    routes.reconcile(R)
    assert world.ready(*R) == ("True", "Reconciled")


def test_tools_are_held_against_the_gateways_own(world, routes):
    tools = [{"name": "other.tool"}]
    world.cluster.edit(SHOP, edited(config={"mcp": {"capabilities": {"tools": tools}}}))
    applied(world)
    routes.reconcile(R)
    assert world.ready(*R) == ("False", "ToolNotServed")
    tools.append({"name": "stock.read"})
    world.cluster.edit(SHOP, edited(config={"mcp": {"capabilities": {"tools": tools}}}))
    applied(world)
    routes.reconcile(R)
    assert world.ready(*R) == ("True", "Reconciled")


def test_a_foreign_route_speaks_for_the_tenant_of_its_own_namespace_alone(world, routes):
    far = Key(ROUTE, "far", "other")
    spec = {**SPEC, "gatewayRef": {"name": "shop", "namespace": "team"}}
    world.cluster.put(ROUTE, body("far", spec, namespace="other"))
    routes.reconcile(far)
    assert world.ready(*far) == ("False", "NamespaceNotAccepted")
    world.cluster.edit(SHOP, edited(acceptedRouteNamespaces=["other"]))
    applied(world)
    routes.reconcile(far)
    assert world.ready(*far) == ("False", "TenantRequired")
    identity = {"key": "tenant", "value": "north"}
    world.cluster.put(TENANT, body("north", {"namespaces": ["other"], "identityAttribute": identity}))
    routes.reconcile(far)
    assert world.ready(*far) == ("True", "Reconciled")
    world.cluster.edit(far, edited(attributes={"tenant": "south"}))
    routes.reconcile(far)
    assert world.ready(*far) == ("False", "TenantMismatch")


def test_a_gateway_outside_of_the_watched_namespace_is_asked_for(world):
    world.settings = Settings(namespace=NAMESPACE, watch_namespace="other")
    far = Key(ROUTE, "far", "other")
    spec = {**SPEC, "gatewayRef": {"name": "shop", "namespace": "team"}, "attributes": {"tenant": "n"}}
    world.cluster.put(ROUTE, body("far", spec, namespace="other"))
    world.cluster.edit(SHOP, edited(acceptedRouteNamespaces=["other"]))
    applied(world)
    for one in world.store.list(GATEWAY):
        world.store.remove(one.key)
    routes = RouteReconciler(world.services())
    routes.reconcile(far)
    assert world.ready(*far) == ("True", "Reconciled")
    world.cluster.writes.clear()
    assert routes.reconcile(R).changed is False
    assert world.cluster.writes == []


@pytest.mark.parametrize(
    ("spec", "reason"),
    [
        (None, "InvalidSpec"),
        (7, "InvalidSpec"),
        ("text", "InvalidSpec"),
        ({}, "InvalidSpec"),
        ({**SPEC, "gatewayRef": "shop"}, "InvalidSpec"),
        ({**SPEC, "gatewayRef": {}}, "InvalidSpec"),
        ({**SPEC, "gatewayRef": {"name": 7}}, "InvalidSpec"),
        ({**SPEC, "gatewayRef": {"name": "shop", "namespace": "a/b"}}, "InvalidSpec"),
        ({**SPEC, "match": []}, "InvalidSpec"),
        ({**SPEC, "match": {"tools": "x"}}, "InvalidSpec"),
        ({**SPEC, "match": {"tools": [7]}}, "InvalidSpec"),
        ({**SPEC, "match": {"tools": [{"id": "x" * 5000}]}}, "InvalidSpec"),
        ({**SPEC, "match": {"tools": [{"id": f"t{one}"} for one in range(5000)]}}, "InvalidSpec"),
        ({**SPEC, "match": {"tools": []}}, "NoMatchedTools"),
        ({**SPEC, "policyChain": [""]}, "InvalidSpec"),
        ({**SPEC, "policyChain": {}}, "InvalidSpec"),
        ({**SPEC, "attributes": {"tenant": 7}}, "InvalidSpec"),
        ({**SPEC, "attributes": {"tenant": "x" * 5000}}, "InvalidSpec"),
        ({**SPEC, "extra": 1}, "InvalidSpec"),
    ],
)
def test_a_wrong_spec_is_told_and_tried_again_only_at_a_resync(world, routes, spec, reason):
    world.cluster.put(ROUTE, body("stock", spec, namespace="team"))
    if spec is None:
        world.cluster.edit(R, lambda found: found.pop("spec", None))
    result = routes.reconcile(R)
    assert world.ready(*R) == ("False", reason)
    assert (result.outcome, result.after, result.backoff) == (Outcome.PERMANENT_ERROR, 600, False)
    assert world.status(*R)["matchedTools"] == 0


@pytest.mark.parametrize(
    "spec", [7, "x", {"acceptedRouteNamespaces": "team", "pluginSetRef": 7, "config": [7]}, {"config": {"mcp": 7}}]
)
def test_a_gateway_of_any_shape_is_coped_with(world, routes, spec):
    world.cluster.put(GATEWAY, body("shop", spec, namespace="team"))
    applied(world)
    routes.reconcile(R)
    assert world.ready(*R) == ("True", "Reconciled")


@pytest.mark.parametrize("error", [ApplyForbiddenError, ApplyRejectedError, ClusterUnavailableError, ConflictError])
def test_a_status_that_cannot_be_written_is_no_success(world, routes, error):
    world.cluster.fail_with(error("no"), on="apply_status")
    with pytest.raises(error):
        routes.reconcile(R)


def test_one_that_is_gone_leaves_nothing_behind(world, routes):
    routes.reconcile(R)
    assert world.measured("stock") == {"Ready": 0.0}
    world.cluster.remove(R)
    routes.reconcile(R)
    assert world.measured("stock") == {}


def test_what_is_missing_is_counted(world, routes):
    world.cluster.remove(SHOP)
    routes.reconcile(R)
    line = 'mcpg_operator_dependency_unresolved_total{controller="route",dependency="MCPGGateway",reason="GatewayNotFound"} 1'
    assert line in world.metrics.render(None)[0].decode()
