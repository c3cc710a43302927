"""What a gateway is rendered from, one dependency after the other: usable, not usable, gone, and back."""

from __future__ import annotations

import json
from typing import Any

import pytest

from mcpg_operator.resources import (
    AUTOSCALER,
    CLUSTER,
    CONFIG_MAP,
    DEPLOYMENT,
    PLUGIN,
    PLUGIN_SET,
    REVOCATION_LIST,
    ROUTE,
    SECRET,
    SERVICE,
    TENANT,
    Key,
    Resource,
)
from supplychain.digest import ArtifactHash
from supplychain.errors import ConflictError
from tests.operators.gateway.world import GatewayWorld
from tests.operators.plugin_set.world import HOME, TEAM, entry

REDIS: dict[str, Any] = {"backend": "redis", "config": {"url": "rediss://coordinator.example"}}
OTHER = ArtifactHash.of(b"another library")


def cluster(world: GatewayWorld, name: str = "shared", **spec: Any) -> None:
    world.cluster.put(CLUSTER, {"metadata": {"name": name}, "spec": {**REDIS, **spec}})


def tenant(world: GatewayWorld, **spec: Any) -> None:
    spec = {"namespaces": [TEAM], "allowedPlugins": [{"name": "*"}], **spec}
    body = {"metadata": {"name": "acme", "creationTimestamp": "2026-01-01T00:00:00Z"}, "spec": spec}
    world.cluster.put(TENANT, body)


def route(world: GatewayWorld, name: str = "north", *, namespace: str = TEAM, tool: str = "stock.read", **spec: Any) -> Key:
    spec = {"gatewayRef": {"name": "shop", "namespace": TEAM}, "match": {"tools": [{"id": tool}]}, **spec}
    return world.cluster.put(ROUTE, {"metadata": {"name": name, "namespace": namespace}, "spec": spec}).key


def comes_from(world: GatewayWorld, plugin: str, image: str) -> None:
    world.cluster.edit(Key(PLUGIN, plugin), lambda one: one["spec"].update(oci={"image": image}))


def child(world: GatewayWorld, kind: Any, name: str) -> Resource:
    found = world.child(kind, name)
    assert found is not None
    return found


# --- revocation lists ----------------------------------------------------------------------------------------------------------


def revoked_in(world: GatewayWorld) -> list[str]:
    text = child(world, CONFIG_MAP, "shop-revocations").body["data"]["list.json"]
    return [one["artifact_sha256"] for one in json.loads(text)["revocations"]]


def named_list(world: GatewayWorld, *hashes: ArtifactHash, name: str = "extra") -> None:
    entries = [{"artifactSha256": one.hex, "reason": "not here"} for one in hashes]
    world.cluster.put(REVOCATION_LIST, {"metadata": {"name": name}, "spec": {"revocations": entries}})


def test_a_named_list_adds_to_the_cluster_s_and_cannot_replace_it() -> None:
    world = GatewayWorld()
    world.revoke(OTHER)
    named_list(world, ArtifactHash.of(b"third"))
    key = world.gateway(revocationListRef={"name": "extra"})
    world.settle_gateway(key)
    assert sorted(revoked_in(world)) == sorted([OTHER.hex, ArtifactHash.of(b"third").hex])


def test_a_named_list_that_is_not_there_stops_a_first_rendering() -> None:
    world = GatewayWorld()
    key = world.gateway(revocationListRef={"name": "extra"})
    world.settle_gateway(key)
    assert world.child(DEPLOYMENT, "shop-gateway") is None
    assert world.says(key, "RevocationListReady") == ("False", "RevocationListNotFound")
    assert world.says(key) == ("False", "DependencyMissing")


@pytest.mark.parametrize("restarted", [False, True])
def test_a_named_list_that_is_deleted_goes_on_revoking(*, restarted: bool) -> None:
    world = GatewayWorld()
    named_list(world, OTHER)
    key = world.gateway(revocationListRef={"name": "extra"})
    world.serve(key)
    world.cluster.delete(REVOCATION_LIST, "extra")
    if restarted:
        world.restart()
    world.settle_gateway(key)
    assert revoked_in(world) == [OTHER.hex]
    assert world.says(key, "Degraded") == ("True", "DependencyMissing")
    world.revoke(ArtifactHash.of(b"third"))
    world.settle_gateway(key)
    assert sorted(revoked_in(world)) == sorted([OTHER.hex, ArtifactHash.of(b"third").hex])


def test_a_plugin_that_only_the_named_list_revokes_is_not_loaded() -> None:
    world = GatewayWorld()
    key = world.with_set("audit", "meter", plugin_class="backend")
    named_list(world, world.artifact("audit"))
    world.gateway(pluginSetRef={"name": "main"}, revocationListRef={"name": "extra"})
    world.settle_gateway(key)
    assert world.loaded(key) == ["dev.example.meter"]


# --- the set -------------------------------------------------------------------------------------------------------------------


def test_a_plugin_that_was_never_resolved_keeps_the_pods_from_starting() -> None:
    world = GatewayWorld()
    world.plugin("audit")
    world.plugin("late", judged=False)
    world.step(world.make(entry("audit"), entry("late")))
    key = world.gateway(pluginSetRef={"name": "main"})
    world.settle_gateway(key)
    assert world.child(DEPLOYMENT, "shop-gateway") is None
    assert world.says(key) == ("False", "DependencyPending")


def test_an_entry_that_joins_and_fails_changes_nothing_that_runs() -> None:
    world = GatewayWorld()
    key = world.with_set("audit")
    world.serve(key)
    before = world.config(key)
    world.plugin("bad")
    world.refuse("bad")
    world.settle(world.make(entry("audit"), entry("bad")))
    world.settle_gateway(key)
    assert world.config(key) == before
    assert world.says(key, "PluginSetReady") == ("False", "PluginSetNotReady")
    assert world.says(key, "Degraded") == ("True", "DependencyPending")


def test_a_revocation_is_not_held_up_by_another_entry_that_fails() -> None:
    world = GatewayWorld()
    key = world.with_set("audit", "meter", plugin_class="backend")
    world.serve(key)
    world.plugin("bad")
    world.refuse("bad")
    world.settle(world.make(entry("audit"), entry("meter"), entry("bad")))
    world.settle_gateway(key)
    world.revoke(world.artifact("audit"), ledger=True)
    world.settle(Key(PLUGIN_SET, "main", TEAM))
    world.settle_gateway(key)
    assert world.loaded(key) == ["dev.example.meter"]
    assert world.replicas(key) == 1


def test_while_something_is_held_what_stands_around_the_pods_follows_the_spec() -> None:
    world = GatewayWorld()
    key = world.with_set("audit")
    world.serve(key)
    world.cluster.delete(PLUGIN_SET, "main", namespace=TEAM)
    world.gateway(
        pluginSetRef={"name": "main"},
        service={"port": 9000},
        replicas=3,
        config={"cluster": {"kind": "redis", "url": "rediss://x.example"}},
    )
    before = world.config(key)
    world.settle_gateway(key)
    assert child(world, SERVICE, "shop").body["spec"]["ports"][0]["port"] == 9000
    assert world.replicas(key) == 3
    assert world.config(key) == before


# --- the coordinator -----------------------------------------------------------------------------------------------------------


def test_a_coordinator_whose_plugin_is_in_the_set_is_rendered() -> None:
    world = GatewayWorld()
    cluster(world)
    world.plugin("redis", plugin_id="dev.mcpg.cluster.redis", plugin_class="cluster")
    world.settle(world.make(entry("redis", "dev.mcpg.cluster.redis")))
    key = world.gateway(pluginSetRef={"name": "main"}, clusterRef={"name": "shared"}, replicas=2)
    world.serve(key)
    assert world.says(key, "ClusterReady") == ("True", "ClusterResolved")
    assert "rediss://coordinator.example" in world.config(key)
    assert world.replicas(key) == 2


def test_a_coordinator_without_its_plugin_is_not_rendered() -> None:
    world = GatewayWorld()
    cluster(world)
    key = world.gateway(clusterRef={"name": "shared"})
    world.settle_gateway(key)
    assert world.says(key, "ClusterReady") == ("False", "ClusterPluginMissing")
    assert world.child(DEPLOYMENT, "shop-gateway") is None


def test_the_plugin_that_a_coordinator_names_is_brought_along() -> None:
    world = GatewayWorld()
    world.plugin("redis", plugin_id="dev.mcpg.cluster.redis", plugin_class="cluster", shards=1)
    cluster(world, pluginRef={"name": "redis"})
    key = world.gateway(clusterRef={"name": "shared"})
    world.serve(key)
    assert world.loaded(key) == ["dev.mcpg.cluster.redis"]
    copies = world.copies()
    assert len(copies) == 2
    uid = world.cluster.get(key.kind, key.name, namespace=key.namespace).uid  # type: ignore[union-attr]
    for one in copies.values():
        assert [owner["uid"] for owner in one.metadata["ownerReferences"]] == [uid]
    assert world.says(key) == ("True", "AllReplicasAvailable")


def test_a_copy_of_the_coordinator_s_plugin_that_was_changed_is_replaced() -> None:
    world = GatewayWorld()
    world.plugin("redis", plugin_id="dev.mcpg.cluster.redis", plugin_class="cluster")
    cluster(world, pluginRef={"name": "redis"})
    key = world.gateway(clusterRef={"name": "shared"})
    world.serve(key)
    (copy,) = world.copies().values()
    genuine = copy.data()
    world.cluster.edit(copy.key, lambda one: one["data"].update({"plugin.so": "ZXZpbA=="}))
    world.settle_gateway(key)
    (copy,) = world.copies().values()
    assert copy.data() == genuine


def test_bytes_that_the_api_server_did_not_keep_are_not_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    world = GatewayWorld()
    stored = world.plugin("redis", plugin_id="dev.mcpg.cluster.redis", plugin_class="cluster").stored
    cluster(world, pluginRef={"name": "redis"})
    key = world.gateway(clusterRef={"name": "shared"})
    create = world.cluster.create

    def mutate(manifest: dict[str, Any]) -> Resource:
        evil = manifest["metadata"]["name"] == stored.secret
        return create({**manifest, "data": {"plugin.so": "ZXZpbA=="}} if evil else manifest)

    monkeypatch.setattr(world.cluster, "create", mutate)
    with pytest.raises(ConflictError):
        world.step_gateway(key)
    assert world.copies() == {}
    assert world.child(DEPLOYMENT, "shop-gateway") is None


def test_the_coordinator_s_plugin_is_never_loaded_from_somebody_else_s_secret() -> None:
    world = GatewayWorld()
    verified = world.plugin("redis", plugin_id="dev.mcpg.cluster.redis", plugin_class="cluster")
    cluster(world, pluginRef={"name": "redis"})
    body = {"metadata": {"name": verified.stored.secret, "namespace": TEAM}, "type": "Opaque", "data": {"plugin.so": "ZXZpbA=="}}
    world.cluster.put(SECRET, body)
    key = world.gateway(clusterRef={"name": "shared"})
    world.step_gateway(key)
    assert world.says(key) == ("False", "NameConflict")
    assert world.child(DEPLOYMENT, "shop-gateway") is None


def test_credentials_are_copied_and_a_rotation_rolls_the_pods() -> None:
    world = GatewayWorld()
    world.plugin("redis", plugin_id="dev.mcpg.cluster.redis", plugin_class="cluster")
    world.settle(world.make(entry("redis", "dev.mcpg.cluster.redis")))
    password = {"metadata": {"name": "redis-password", "namespace": HOME}, "type": "Opaque", "data": {"pw": "b25l"}}
    world.cluster.put(SECRET, password)
    cluster(world, credentialRefs=[{"name": "pw", "secretName": "redis-password"}])
    key = world.gateway(pluginSetRef={"name": "main"}, clusterRef={"name": "shared"})
    world.serve(key)
    assert child(world, SECRET, "shop-cluster-credentials").data() == {"pw": b"one"}
    before = world.deployment(key).body["spec"]["template"]["metadata"]["annotations"]
    world.cluster.edit(Key(SECRET, "redis-password", HOME), lambda one: one["data"].update(pw="dHdv"))
    assert key in world.woken_gateways
    world.settle_gateway(key)
    after = world.deployment(key).body["spec"]["template"]["metadata"]["annotations"]
    changed = {name for name in after if after[name] != before.get(name)}
    assert changed == {"mcpg.dev/cluster-credentials-hash"}
    assert child(world, SECRET, "shop-cluster-credentials").data() == {"pw": b"two"}
    world.gateway(pluginSetRef={"name": "main"})
    world.settle_gateway(key)
    assert world.child(SECRET, "shop-cluster-credentials") is None


def test_a_coordinator_that_vanishes_leaves_what_runs() -> None:
    world = GatewayWorld()
    cluster(world)
    world.plugin("redis", plugin_id="dev.mcpg.cluster.redis", plugin_class="cluster")
    world.settle(world.make(entry("redis", "dev.mcpg.cluster.redis")))
    key = world.gateway(pluginSetRef={"name": "main"}, clusterRef={"name": "shared"})
    world.serve(key)
    before = world.config(key)
    world.cluster.delete(CLUSTER, "shared")
    world.settle_gateway(key)
    assert world.config(key) == before
    assert world.says(key, "Degraded") == ("True", "DependencyMissing")


def test_a_cluster_that_does_not_take_the_namespace_is_not_rendered() -> None:
    world = GatewayWorld()
    body = {"metadata": {"name": "shared", "annotations": {"mcpg.dev/bindable-namespaces": "other"}}, "spec": REDIS}
    world.cluster.put(CLUSTER, body)
    key = world.gateway(clusterRef={"name": "shared"})
    world.settle_gateway(key)
    assert world.says(key, "ClusterReady") == ("False", "NamespaceNotAllowed")


def test_replicas_that_would_share_nothing_are_one() -> None:
    world = GatewayWorld()
    cluster(world, "alone", backend="single_node", config={})
    key = world.gateway(clusterRef={"name": "alone"}, replicas=3)
    world.serve(key)
    assert world.replicas(key) == 1
    assert world.says(key, "ClusterReady") == ("False", "SingleNodeMultiReplica")
    assert world.says(key, "Degraded") == ("True", "SingleNodeMultiReplica")


# --- routes and tenants ----------------------------------------------------------------------------------------------------------


def test_routes_are_rendered_and_counted_and_their_own_controller_is_told() -> None:
    world = GatewayWorld()
    key = world.gateway()
    world.serve(key)
    made = route(world, attributes={"tenant": "north"})
    assert key in world.woken_gateways
    world.settle_gateway(key)
    assert "stock.read" in world.config(key)
    assert world.says(key, "RoutesApplied") == ("True", "RoutesResolved")
    found = world.cluster.get(ROUTE, made.name, namespace=made.namespace)
    assert found is not None
    assert world.services.renderings.holds(key, found)
    world.cluster.delete(ROUTE, made.name, namespace=made.namespace)
    world.settle_gateway(key)
    assert "stock.read" not in world.config(key)


def test_a_route_that_is_being_deleted_counts_no_more() -> None:
    world = GatewayWorld()
    key = world.gateway()
    made = route(world, attributes={"tenant": "north"})
    world.serve(key)
    world.cluster.edit(made, lambda one: one["metadata"].update(finalizers=["example.test/waits"]))
    world.cluster.delete(ROUTE, made.name, namespace=made.namespace)
    world.settle_gateway(key)
    assert "stock.read" not in world.config(key)


def test_a_route_that_cannot_be_read_gives_nobody_access_and_is_named() -> None:
    world = GatewayWorld()
    key = world.gateway()
    route(world, "odd", match=None)
    world.serve(key)
    assert "team-a/odd" in world.explains(key, "RoutesApplied")
    assert "stock.read" not in world.config(key)


def test_the_tenant_s_identity_guards_every_tool() -> None:
    world = GatewayWorld()
    tenant(world, identityAttribute={"key": "org", "value": "acme"})
    key = world.gateway()
    world.serve(key)
    assert "$identity.attributes.org" in world.config(key)


def test_the_tenant_s_cap_limits_the_replicas() -> None:
    world = GatewayWorld()
    tenant(world, quotas={"maxReplicasPerGateway": 2})
    key = world.gateway(replicas=5, config={"cluster": {"kind": "redis", "url": "rediss://x.example"}})
    world.serve(key)
    assert world.replicas(key) == 2
    assert world.says(key, "Degraded") == ("True", "ReplicaCapExceeded")


def test_an_inline_plugin_that_the_tenant_does_not_allow_never_starts_and_does_not_run_on() -> None:
    world = GatewayWorld()
    inline = {"plugins": {"entries": [{"id": "dev.evil.x", "source": {"oci": "registry.example/evil/x:1"}}]}}
    key = world.gateway(config=inline)
    world.serve(key)
    assert world.replicas(key) == 1
    tenant(world, allowedPlugins=[{"name": "dev.good.y"}])
    assert key in world.woken_gateways
    world.settle_gateway(key)
    assert world.replicas(key) == 0
    assert world.says(key) == ("False", "PluginNotAllowed")
    world.gateway("other", config=inline)
    other = Key(key.kind, "other", TEAM)
    world.settle_gateway(other)
    assert world.child(DEPLOYMENT, "other-gateway") is None
    world.gateway()
    world.settle_gateway(key)
    assert world.replicas(key) == 1


def test_a_plugin_that_the_tenant_no_longer_allows_leaves_the_pods() -> None:
    world = GatewayWorld()
    key = world.with_set("audit", "meter", plugin_class="backend")
    world.serve(key)
    for name in ("audit", "meter"):
        comes_from(world, name, f"registry.example/{name}/x:1.0.0")
    tenant(world, allowedPlugins=[{"registryPrefix": "registry.example/meter/"}])
    world.settle_gateway(key)
    assert world.loaded(key) == ["dev.example.meter"]
    assert world.says(key, "Degraded") == ("True", "PluginNotAllowed")


# --- scaling -------------------------------------------------------------------------------------------------------------------


def test_an_autoscaler_takes_over_the_number_of_pods_that_there_is() -> None:
    world = GatewayWorld()
    shared = {"cluster": {"kind": "redis", "url": "rediss://x.example"}}
    key = world.gateway(replicas=3, config=shared)
    world.serve(key)
    world.gateway(config=shared, autoscaling={"enabled": True, "minReplicas": 2, "maxReplicas": 5})
    world.settle_gateway(key)
    assert world.replicas(key) == 3
    assert child(world, AUTOSCALER, "shop-gateway").body["spec"]["minReplicas"] == 2
    world.gateway(replicas=2, config=shared)
    world.settle_gateway(key)
    assert world.replicas(key) == 2
    assert world.child(AUTOSCALER, "shop-gateway") is None


def test_a_gateway_that_was_stopped_can_be_scaled_again() -> None:
    """An autoscaler leaves a Deployment alone that wants no pods."""
    world = GatewayWorld()
    shared = {"cluster": {"kind": "redis", "url": "rediss://x.example"}}
    scaled = {"enabled": True, "minReplicas": 2, "maxReplicas": 5}
    key = world.gateway(config=shared, autoscaling=scaled)
    world.serve(key)
    tenant(world, allowedPlugins=[{"name": "dev.good.y"}])
    inline = {"plugins": {"entries": [{"id": "dev.evil.x", "source": {"oci": "registry.example/evil/x:1"}}]}}
    world.gateway(config={**shared, **inline}, autoscaling=scaled)
    world.settle_gateway(key)
    assert world.replicas(key) == 0
    world.gateway(config=shared, autoscaling=scaled)
    world.settle_gateway(key)
    assert world.replicas(key) == 1
