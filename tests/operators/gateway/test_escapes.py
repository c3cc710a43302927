"""What people of a namespace try against their tenant's bounds and against the operator, where no API server is needed to see it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from mcpg_operator.resources import (
    CLUSTER,
    CONFIG_MAP,
    DEPLOYMENT,
    GATEWAY,
    INGRESS,
    NETWORK_POLICY,
    PLUGIN_SET,
    SECRET,
    SERVICE,
    SERVICE_ACCOUNT,
    TENANT,
    Key,
)
from tests.operators.gateway.test_dependencies import comes_from
from tests.operators.gateway.world import GatewayWorld
from tests.operators.plugin_set.world import HOME, TEAM

if TYPE_CHECKING:
    from mcpg_operator.resources import Kind

INGRESS_SPEC = {"ingressClassName": "web", "hosts": [{"host": "a.example", "paths": [{"path": "/", "pathType": "Prefix"}]}]}
REDIS: dict[str, Any] = {
    "backend": "redis",
    "config": {"url": "rediss://coordinator.example"},
    "pluginRef": {"name": "redis"},
    "credentialRefs": [{"name": "password", "secretName": "coordinator", "key": "password"}],
}


def tenant(world: GatewayWorld, *allowed: dict[str, str]) -> None:
    body = {"metadata": {"name": "acme"}, "spec": {"namespaces": [TEAM], "allowedPlugins": list(allowed)}}
    world.cluster.put(TENANT, body)


def running(world: GatewayWorld) -> Key:
    key = world.with_set("audit", "meter", plugin_class="backend")
    for name in ("audit", "meter"):
        comes_from(world, name, f"registry.example/{name}/x:1.0.0")
    world.serve(key)
    assert world.replicas(key) == 1
    return key


@pytest.mark.parametrize("how", ["set deleted", "another set named", "being deleted"])
def test_what_the_tenant_no_longer_allows_does_not_run_on_behind_a_dependency_that_is_gone(how: str) -> None:
    world = GatewayWorld()
    key = running(world)
    if how == "set deleted":
        world.cluster.delete(PLUGIN_SET, "main", namespace=TEAM)
    elif how == "another set named":
        world.gateway(pluginSetRef={"name": "nowhere"})
    else:
        world.cluster.edit(key, lambda one: one["metadata"].update(finalizers=["example.test/never"]))
        world.cluster.delete(PLUGIN_SET, "main", namespace=TEAM)
        world.cluster.delete(GATEWAY, "shop", namespace=TEAM)
    tenant(world, {"name": "*"})
    world.settle_gateway(key)
    assert world.replicas(key) == 1
    tenant(world, {"registryPrefix": "registry.example/meter/"})
    world.settle_gateway(key)
    assert world.replicas(key) == 0
    if how != "being deleted":
        assert world.says(key) == ("False", "PluginNotAllowed")


def test_an_allowed_id_on_another_plugin_is_not_served() -> None:
    world = GatewayWorld()
    key = running(world)
    tenant(world, {"name": "dev.example.meter"})
    world.cluster.edit(
        Key(PLUGIN_SET, "main", TEAM),
        lambda one: one["spec"].update(entries=[{"id": "dev.example.meter", "pluginRef": {"name": "audit"}}]),
    )
    world.settle(Key(PLUGIN_SET, "main", TEAM))
    world.settle_gateway(key)
    assert world.artifact("audit").hex not in world.config(key)
    assert world.artifact("audit").hex not in str(world.deployment(key).body["spec"]) or world.replicas(key) == 0


CHILDREN: tuple[tuple[Kind, str], ...] = (
    (CONFIG_MAP, "shop-config"),
    (CONFIG_MAP, "shop-revocations"),
    (SECRET, "shop-cluster-credentials"),
    (SERVICE, "shop"),
    (SERVICE_ACCOUNT, "shop-gateway"),
    (NETWORK_POLICY, "shop-gateway"),
    (DEPLOYMENT, "shop-gateway"),
    (INGRESS, "shop"),
)


@pytest.mark.parametrize("owned", [False, True])
@pytest.mark.parametrize(("kind", "name"), CHILDREN, ids=str)
def test_an_object_that_waits_under_a_child_s_name_is_neither_used_nor_touched(kind: Kind, name: str, *, owned: bool) -> None:
    """Also one that calls itself the operator's, and names the gateway as an owner that does not control it."""
    world = GatewayWorld()
    world.plugin("redis", plugin_id="dev.mcpg.cluster.redis", plugin_class="cluster")
    world.cluster.put(SECRET, {"metadata": {"name": "coordinator", "namespace": HOME}, "data": {"password": "aHVudGVyMg=="}})
    world.cluster.put(CLUSTER, {"metadata": {"name": "shared"}, "spec": REDIS})
    key = world.gateway(clusterRef={"name": "shared"}, networkPolicy={"enabled": True}, ingress=INGRESS_SPEC)
    found = world.cluster.get(GATEWAY, "shop", namespace=TEAM)
    assert found is not None
    metadata: dict[str, Any] = {"name": name, "namespace": TEAM}
    if owned:
        owner = {"apiVersion": GATEWAY.api_version, "kind": GATEWAY.name, "name": "shop", "uid": found.uid, "controller": False}
        metadata |= {"labels": {"app.kubernetes.io/managed-by": "mcpg-operator"}, "ownerReferences": [owner]}
    before = world.cluster.put(kind, {"metadata": metadata, "spec": {"mine": True}})
    world.settle_gateway(key)
    assert world.says(key) == ("False", "NameConflict"), world.explains(key)
    assert "hunter2" not in world.explains(key)
    after = world.child(kind, name)
    assert after is not None
    assert after.body == before.body


def test_two_gateways_that_come_to_one_name_do_not_share_its_objects() -> None:
    world = GatewayWorld()
    first = world.gateway("mcpg-1shop")
    world.settle_gateway(first)
    second = world.gateway("1shop")
    world.settle_gateway(second)
    assert world.says(second) == ("False", "NameConflict")
    assert world.says(first)[1] == "Progressing"
    owner = world.deployment(first).metadata["ownerReferences"]
    assert [one["name"] for one in owner] == ["mcpg-1shop"]


def test_a_gateway_in_the_operator_s_own_namespace_gets_its_own_objects_only() -> None:
    world = GatewayWorld()
    key = world.gateway("mcpg-operator-set-seal", namespace=HOME)
    before = {one.key: one.body for one in world.cluster.objects(SECRET) if one.namespace == HOME}
    world.settle_gateway(key)
    after = {one.key: one.body for one in world.cluster.objects(SECRET) if one.namespace == HOME}
    assert before.items() <= after.items()
    assert world.child(DEPLOYMENT, "mcpg-operator-set-seal-gateway", HOME) is not None


@pytest.mark.parametrize(("path", "contested"), [("/", True), ("/other", False)])
def test_a_host_that_an_older_gateway_has_is_told_of(path: str, *, contested: bool) -> None:
    world = GatewayWorld()
    first = world.gateway("first", namespace="team-0", ingress=INGRESS_SPEC)
    hosts = [{"host": "a.example", "paths": [{"path": path, "pathType": "Prefix"}]}]
    second = world.gateway("second", ingress={**INGRESS_SPEC, "hosts": hosts})
    for key in (first, second):
        world.serve(key)
        assert world.says(key)[0] == "True"
    assert world.says(first, "Degraded") == ("False", "AsExpected")
    wanted = ("True", "HostConflict") if contested else ("False", "AsExpected")
    assert world.says(second, "Degraded") == wanted
    assert "team-0" not in world.explains(second, "Degraded")
    assert world.child(INGRESS, "second") is not None
    third = world.gateway("third", ingress={**INGRESS_SPEC, "hosts": hosts})
    world.serve(third)
    assert "`second`" in world.explains(third, "Degraded")
