"""A gateway from its spec to its pods, and through everything that may happen to what it depends on."""

from __future__ import annotations

from mcpg_operator.resources import CONFIG_MAP, DEPLOYMENT, PLUGIN_SET, SECRET, SERVICE, Key
from tests.operators.gateway.world import GatewayWorld
from tests.operators.plugin_set.world import TEAM


def test_a_gateway_without_anything_gets_its_children_and_is_ready_when_its_pods_are() -> None:
    world = GatewayWorld()
    key = world.gateway()
    world.settle_gateway(key)
    assert world.child(SERVICE, "shop") is not None
    assert world.says(key) == ("False", "Progressing")
    world.roll_out(key)
    world.settle_gateway(key)
    assert world.says(key) == ("True", "AllReplicasAvailable")
    assert world.says(key, "Available") == ("True", "PodsReady")
    assert world.says(key, "Degraded") == ("False", "AsExpected")
    assert world.says(key, "RevocationListReady") == ("True", "RevocationListResolved")


def test_an_idle_pass_writes_nothing() -> None:
    world = GatewayWorld()
    key = world.with_set("audit", "meter")
    world.serve(key)
    world.quiet()
    world.step_gateway(key)
    assert world.cluster.writes == []


def test_the_plugins_of_a_set_reach_the_pods() -> None:
    world = GatewayWorld()
    key = world.with_set("audit", "meter")
    world.serve(key)
    assert world.loaded(key) == ["dev.example.audit", "dev.example.meter"]
    assert world.says(key, "PluginSetReady") == ("True", "PluginSetResolved")
    assert "dev.example.audit" in world.config(key)


def test_without_the_set_that_it_names_there_are_no_pods() -> None:
    world = GatewayWorld()
    key = world.gateway(pluginSetRef={"name": "main"})
    world.settle_gateway(key)
    assert world.child(DEPLOYMENT, "shop-gateway") is None
    assert world.says(key) == ("False", "DependencyMissing")
    assert world.says(key, "PluginSetReady") == ("False", "PluginSetNotFound")


def test_a_set_that_vanishes_leaves_the_pods_as_they_are() -> None:
    world = GatewayWorld()
    key = world.with_set("audit")
    world.serve(key)
    before = world.deployment(key).body["spec"], world.config(key)
    world.cluster.delete(PLUGIN_SET, "main", namespace=TEAM)
    world.settle_gateway(key)
    assert (world.deployment(key).body["spec"], world.config(key)) == before
    assert world.says(key, "Degraded") == ("True", "DependencyMissing")
    assert world.says(key)[0] == "True"


def test_a_document_that_somebody_else_wrote_is_not_believed() -> None:
    world = GatewayWorld()
    key = world.with_set("audit")
    world.cluster.edit(
        Key(SECRET, "main-resolved", TEAM), lambda one: one["metadata"]["annotations"].update({"mcpg.dev/seal": "0" * 64})
    )
    world.settle_gateway(key)
    assert world.child(DEPLOYMENT, "shop-gateway") is None
    assert world.says(key, "PluginSetReady") == ("False", "ResolvedConfigMapParseFailed")


def test_a_revoked_guard_takes_all_pods_away() -> None:
    world = GatewayWorld()
    key = world.with_set("audit", "meter", plugin_class="audit_sink")
    world.serve(key)
    world.revoke(world.artifact("audit"), ledger=True)
    world.settle_gateway(key)
    assert world.replicas(key) == 0
    assert world.deployment(key).body["spec"]["strategy"] == {"type": "Recreate"}
    assert world.says(key) == ("False", "PluginRevoked")
    assert "dev.example.audit" in world.explains(key)


def test_a_revoked_plugin_that_guards_nothing_leaves_and_the_pods_are_made_anew() -> None:
    world = GatewayWorld()
    key = world.with_set("audit", "meter", plugin_class="backend")
    world.serve(key)
    world.revoke(world.artifact("audit"), ledger=True)
    world.settle_gateway(key)
    assert world.loaded(key) == ["dev.example.meter"]
    assert world.replicas(key) == 1
    assert world.deployment(key).body["spec"]["strategy"] == {"type": "Recreate"}
    assert world.says(key, "Degraded") == ("True", "PluginRevoked")


def test_the_annotation_lets_a_gateway_go_on_without_a_revoked_guard() -> None:
    world = GatewayWorld()
    key = world.with_set("audit", "meter", plugin_class="audit_sink")
    world.gateway(metadata={"annotations": {"mcpg.dev/on-revoked": "continue"}}, pluginSetRef={"name": "main"})
    world.serve(key)
    world.revoke(world.artifact("audit"), ledger=True)
    world.settle_gateway(key)
    assert (world.replicas(key), world.loaded(key)) == (1, ["dev.example.meter"])


def test_a_revoked_plugin_does_not_run_on_because_its_set_is_gone() -> None:
    world = GatewayWorld()
    key = world.with_set("audit", plugin_class="backend")
    world.serve(key)
    world.cluster.delete(PLUGIN_SET, "main", namespace=TEAM)
    world.settle_gateway(key)
    world.revoke(world.artifact("audit"), ledger=True)
    world.settle_gateway(key)
    assert world.replicas(key) == 0
    assert world.says(key) == ("False", "PluginRevoked")


def test_a_stranger_in_the_way_is_left_alone_and_named() -> None:
    world = GatewayWorld()
    world.cluster.put(CONFIG_MAP, {"metadata": {"name": "shop-config", "namespace": TEAM}, "data": {"mine": "1"}})
    key = world.gateway()
    world.step_gateway(key)
    assert world.says(key) == ("False", "NameConflict")
    found = world.child(CONFIG_MAP, "shop-config")
    assert found is not None
    assert found.body["data"] == {"mine": "1"}
    assert world.child(DEPLOYMENT, "shop-gateway") is None
