"""What is revoked or not allowed runs nowhere, whatever else goes wrong at the same time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from mcpg_operator.resources import (
    AUTOSCALER,
    CONFIG_MAP,
    DEPLOYMENT,
    GATEWAY,
    NETWORK_POLICY,
    PLUGIN_SET,
    REVOCATION_LIST,
    SECRET,
    SERVICE,
    SERVICE_ACCOUNT,
    Key,
)
from supplychain.errors import ApplyForbiddenError, ApplyRejectedError, ClusterUnavailableError, ConflictError, SupplyChainError
from tests.operators.gateway.world import GatewayWorld
from tests.operators.plugin_set.world import TEAM, entry

if TYPE_CHECKING:
    from mcpg_operator.resources import Kind
    from supplychain.digest import ArtifactHash

SET: dict[str, Any] = {"pluginSetRef": {"name": "main"}}
SHARED: dict[str, Any] = {"cluster": {"kind": "redis", "url": "rediss://x.example"}}


def running(world: GatewayWorld, plugin_class: str = "backend") -> Key:
    key = world.with_set("audit", "meter", plugin_class=plugin_class)
    world.serve(key)
    assert world.replicas(key) == 1
    return key


def revoke(world: GatewayWorld, plugin: str = "audit") -> ArtifactHash:
    world.revoke(world.artifact(plugin), ledger=True)
    return world.artifact(plugin)


def attempt(world: GatewayWorld, key: Key) -> None:
    """Make a pass that may fail."""
    try:
        world.step_gateway(key)
    except SupplyChainError:
        return


@pytest.mark.parametrize("kind", [CONFIG_MAP, SERVICE, SERVICE_ACCOUNT, DEPLOYMENT], ids=str)
@pytest.mark.parametrize(
    "error",
    [ApplyForbiddenError("403: quota"), ApplyRejectedError("422: bad"), ClusterUnavailableError("500"), ConflictError("409")],
    ids=repr,
)
def test_a_child_that_is_refused_does_not_keep_a_revoked_plugin_running(error: Exception, kind: Kind) -> None:
    world = GatewayWorld()
    key = running(world)
    revoke(world)
    world.gateway(**SET, service={"port": 9000}, workloadIdentity={"gcp": {"googleServiceAccount": "a@b.example"}})
    world.cluster.fail_with(error, on="apply", kind=kind)
    attempt(world, key)
    assert world.replicas(key) == 0
    world.cluster.heal()
    world.serve(key)
    assert (world.replicas(key), world.loaded(key)) == (1, ["dev.example.meter"])


def test_a_refused_child_and_a_revoked_plugin_are_both_told_of() -> None:
    world = GatewayWorld()
    key = running(world)
    revoke(world)
    world.cluster.fail_with(ApplyRejectedError("422: bad"), on="apply", kind=DEPLOYMENT)
    world.step_gateway(key)
    assert world.says(key) == ("False", "PluginRevoked")
    assert world.says(key, "Degraded") == ("True", "ApplyFailed")


def test_a_stranger_in_the_way_does_not_keep_a_revoked_plugin_running() -> None:
    world = GatewayWorld()
    key = running(world)
    world.cluster.put(NETWORK_POLICY, {"metadata": {"name": "shop-gateway", "namespace": TEAM}, "spec": {"podSelector": {}}})
    world.gateway(**SET, networkPolicy={"enabled": True})
    world.settle_gateway(key)
    assert world.says(key) == ("False", "NameConflict")
    assert world.replicas(key) == 1
    revoke(world)
    world.settle_gateway(key)
    assert world.replicas(key) == 0


@pytest.mark.parametrize("spec", [None, {"unknown": True}], ids=repr)
def test_a_spec_that_cannot_be_read_does_not_keep_a_revoked_plugin_running(spec: Any) -> None:
    world = GatewayWorld()
    key = running(world)
    world.cluster.edit(key, lambda one: one.update(spec=spec))
    world.settle_gateway(key)
    assert world.replicas(key) == 1
    revoke(world)
    world.settle_gateway(key)
    assert world.replicas(key) == 0
    assert world.says(key) == ("False", "PluginRevoked")
    assert world.says(key, "Degraded") == ("True", "PermanentError")


@pytest.mark.parametrize("annotation", ["mcpg.dev/unclaimed-tools", "mcpg.dev/config-dialect"])
def test_a_configuration_that_cannot_be_rendered_does_not_keep_a_revoked_plugin_running(annotation: str) -> None:
    world = GatewayWorld()
    key = running(world)
    world.gateway(metadata={"annotations": {annotation: "perhaps"}}, **SET)
    world.settle_gateway(key)
    assert world.replicas(key) == 1
    revoke(world)
    world.settle_gateway(key)
    assert world.replicas(key) == 0
    assert world.says(key) == ("False", "PluginRevoked")


def test_a_gateway_that_is_being_deleted_for_long_does_not_keep_a_revoked_plugin_running() -> None:
    world = GatewayWorld()
    key = running(world)
    world.cluster.edit(key, lambda one: one["metadata"].update(finalizers=["example.test/never"]))
    world.cluster.delete(GATEWAY, "shop", namespace=TEAM)
    world.step_gateway(key)
    assert world.replicas(key) == 1
    revoke(world)
    world.step_gateway(key)
    assert world.replicas(key) == 0


def test_secrets_that_cannot_be_read_do_not_keep_a_revoked_plugin_running() -> None:
    world = GatewayWorld()
    key = running(world)
    revoke(world)
    world.cluster.fail_with(ClusterUnavailableError("500: no key"), on="get", kind=SECRET)
    attempt(world, key)
    assert world.replicas(key) == 0


@pytest.mark.parametrize("then", ["set deleted", "set with an entry that fails", "restart"])
def test_a_gateway_that_was_stopped_for_a_revoked_guard_is_not_started_by_what_fails_next(then: str) -> None:
    world = GatewayWorld()
    key = running(world, "audit_sink")
    revoke(world)
    world.settle_gateway(key)
    assert world.replicas(key) == 0
    if then == "set with an entry that fails":
        world.plugin("bad")
        world.refuse("bad")
        world.settle(world.make(entry("audit"), entry("meter"), entry("bad")))
    else:
        world.cluster.delete(PLUGIN_SET, "main", namespace=TEAM)
    if then == "restart":
        world.restart()
    world.settle_gateway(key)
    assert world.replicas(key) == 0
    assert world.says(key)[0] == "False"


def test_a_gateway_that_was_stopped_while_held_comes_back_with_its_autoscaler() -> None:
    world = GatewayWorld()
    for name in ("audit", "meter"):
        world.plugin(name, plugin_class="backend")
    world.settle(world.make(entry("audit"), entry("meter")))
    scaled = {"enabled": True, "minReplicas": 2, "maxReplicas": 5}
    key = world.gateway(**SET, config=SHARED, autoscaling=scaled)
    world.serve(key)
    world.gateway(**SET, config=SHARED, autoscaling={**scaled, "maxReplicas": 6})
    world.serve(key)
    world.cluster.delete(PLUGIN_SET, "main", namespace=TEAM)
    revoke(world)
    world.settle_gateway(key)
    assert world.replicas(key) == 0
    world.settle(world.make(entry("meter")))
    world.settle_gateway(key)
    assert world.loaded(key) == ["dev.example.meter"]
    assert world.replicas(key) == 1
    assert world.child(AUTOSCALER, "shop-gateway") is not None


def test_the_annotation_of_the_deployment_is_not_asked_what_runs() -> None:
    world = GatewayWorld()
    key = running(world)
    world.cluster.delete(PLUGIN_SET, "main", namespace=TEAM)
    world.settle_gateway(key)
    world.cluster.edit(world.deployment(key).key, lambda one: one["metadata"]["annotations"].pop("mcpg.dev/plugin-digests"))
    revoke(world)
    world.settle_gateway(key)
    assert world.replicas(key) == 0


def test_a_label_that_somebody_takes_off_the_deployment_hides_nothing_that_runs() -> None:
    world = GatewayWorld()
    key = running(world)
    world.cluster.delete(PLUGIN_SET, "main", namespace=TEAM)
    world.settle_gateway(key)
    world.cluster.edit(world.deployment(key).key, lambda one: one["metadata"].update(labels={}))
    revoke(world)
    world.settle_gateway(key)
    assert world.replicas(key) == 0


def test_old_pods_of_a_rollout_that_is_stuck_do_not_go_on_with_what_is_revoked_then() -> None:
    world = GatewayWorld()
    key = running(world)
    old = world.ledger.get("audit")
    assert old is not None
    assert old.artifact_hash is not None
    world.settle(world.make(entry("meter")))
    world.settle_gateway(key)
    world.roll_out(key, available=0)
    assert world.loaded(key) == ["dev.example.meter"]
    assert world.deployment(key).body["spec"]["strategy"]["type"] == "RollingUpdate"
    world.revoke(old.artifact_hash, ledger=True)
    world.settle_gateway(key)
    assert world.deployment(key).body["spec"]["strategy"] == {"type": "Recreate"}
    world.roll_out(key)
    world.settle_gateway(key)
    assert world.deployment(key).body["spec"]["strategy"]["type"] == "RollingUpdate"


def test_new_pods_are_not_taken_away_for_what_older_ones_had() -> None:
    world = GatewayWorld()
    key = running(world)
    revoke(world)
    world.settle_gateway(key)
    assert world.loaded(key) == ["dev.example.meter"]
    world.cluster.delete(PLUGIN_SET, "main", namespace=TEAM)
    world.settle_gateway(key)
    assert world.replicas(key) == 1
    assert world.deployment(key).body["spec"]["strategy"] == {"type": "Recreate"}


def test_a_list_is_not_shortened_by_who_may_write_the_gateway_s_config_map() -> None:
    world = GatewayWorld()
    key = world.with_set("audit", "meter", plugin_class="backend")
    entries = [{"artifactSha256": world.artifact("audit").hex, "reason": "not here"}]
    world.cluster.put(REVOCATION_LIST, {"metadata": {"name": "extra"}, "spec": {"revocations": entries}})
    world.gateway(**SET, revocationListRef={"name": "extra"})
    world.serve(key)
    assert world.loaded(key) == ["dev.example.meter"]
    world.cluster.delete(REVOCATION_LIST, "extra")
    world.cluster.edit(
        Key(CONFIG_MAP, "shop-revocations", TEAM), lambda one: one.update(data={"list.json": '{"version":1,"revocations":[]}'})
    )
    standings = world.ledger.all()
    world.restart()
    for one in standings:
        world.ledger.put(one)
    world.settle_gateway(key)
    assert world.loaded(key) == ["dev.example.meter"]
