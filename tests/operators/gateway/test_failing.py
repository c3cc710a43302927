"""Gateways in bad weather: specs that an older schema let in, refusals of the API server, hands that change children."""

from __future__ import annotations

from typing import Any

import pytest

from mcpg_operator.resources import (
    AUTOSCALER,
    CONFIG_MAP,
    DEPLOYMENT,
    GATEWAY,
    INGRESS,
    NETWORK_POLICY,
    PROMETHEUS_RULE,
    SECRET,
    SERVICE,
    SERVICE_ACCOUNT,
    SERVICE_MONITOR,
    Key,
    Kind,
)
from supplychain.errors import ApplyForbiddenError, ApplyRejectedError, ClusterUnavailableError, ConflictError
from tests.operators.gateway.world import GatewayWorld
from tests.operators.plugin_set.world import TEAM
from tests.operators.world import LABELLED

ODD: tuple[Any, ...] = (None, 1, "text", [], {"replicas": 0}, {"replicas": "two"}, {"config": []}, {"unknown": True})


@pytest.mark.parametrize("spec", ODD, ids=repr)
def test_a_spec_that_cannot_be_read_changes_nothing_and_says_so(spec: Any) -> None:
    world = GatewayWorld()
    key = world.with_set("audit")
    world.serve(key)
    before = world.deployment(key).body["spec"], world.config(key)
    world.cluster.edit(key, lambda one: one.update(spec=spec))
    world.settle_gateway(key)
    assert (world.deployment(key).body["spec"], world.config(key)) == before
    assert world.says(key) == ("False", "PermanentError")
    assert world.says(key, "Degraded") == ("True", "PermanentError")
    assert world.gateway_status(key)["configHash"] is not None


def test_a_configuration_that_cannot_be_rendered_changes_nothing() -> None:
    world = GatewayWorld()
    key = world.gateway()
    world.serve(key)
    before = world.config(key)
    world.gateway(metadata={"annotations": {"mcpg.dev/unclaimed-tools": "perhaps"}})
    world.settle_gateway(key)
    assert world.config(key) == before
    assert world.says(key) == ("False", "PermanentError")
    assert "mcpg.dev/unclaimed-tools" in world.explains(key)


@pytest.mark.parametrize("kind", [CONFIG_MAP, SERVICE_ACCOUNT, SERVICE, DEPLOYMENT], ids=str)
@pytest.mark.parametrize(
    "error", [ApplyForbiddenError("no right"), ApplyRejectedError("422: bad"), ApplyRejectedError("too large")], ids=repr
)
def test_a_child_that_is_refused_is_named_and_nothing_after_it_is_written(error: Exception, kind: Kind) -> None:
    world = GatewayWorld()
    key = world.gateway()
    world.cluster.fail_with(error, on="apply", kind=kind)
    result = world.step_gateway(key)
    assert result.backoff
    assert world.says(key) == ("False", "ApplyFailed")
    assert kind.name in world.explains(key)
    assert world.child(DEPLOYMENT, "shop-gateway") is None
    world.cluster.heal()
    world.serve(key)
    assert world.says(key) == ("True", "AllReplicasAvailable")


@pytest.mark.parametrize("error", [ClusterUnavailableError("429"), ClusterUnavailableError("503")], ids=repr)
def test_an_api_server_that_is_away_ends_the_pass_and_nothing_is_said(error: Exception) -> None:
    world = GatewayWorld()
    key = world.gateway()
    world.serve(key)
    before = world.gateway_status(key)
    world.gateway(config={"a": "b"})
    world.cluster.fail_with(error, on=("apply", "get"))
    with pytest.raises(ClusterUnavailableError):
        world.step_gateway(key)
    world.cluster.heal()
    assert world.gateway_status(key) == before


def test_a_conflict_is_tried_again_at_once() -> None:
    world = GatewayWorld()
    key = world.gateway()
    world.cluster.fail_with(ConflictError("409"), on="apply", kind=DEPLOYMENT, times=1)
    world.step_gateway(key)
    assert world.child(DEPLOYMENT, "shop-gateway") is not None


def test_a_child_that_somebody_changed_is_put_right() -> None:
    world = GatewayWorld()
    key = world.gateway()
    world.serve(key)
    deployment = world.deployment(key)
    world.cluster.edit(
        deployment.key, lambda one: one["spec"]["template"]["spec"]["containers"][0].update(image="registry.example/evil:1")
    )
    assert key in world.woken_gateways
    world.settle_gateway(key)
    assert "evil" not in str(world.deployment(key).body["spec"])


@pytest.mark.parametrize(
    ("kind", "name"), [(SERVICE, "shop"), (NETWORK_POLICY, "shop-gateway"), (CONFIG_MAP, "shop-config")], ids=str
)
def test_a_child_that_somebody_deleted_comes_back(kind: Kind, name: str) -> None:
    world = GatewayWorld()
    key = world.gateway(networkPolicy={"enabled": True})
    world.serve(key)
    world.cluster.remove(Key(kind, name, TEAM))
    world.settle_gateway(key)
    assert world.child(kind, name) is not None


def test_a_child_of_an_earlier_gateway_of_the_name_is_waited_for() -> None:
    world = GatewayWorld()
    key = world.gateway()
    world.serve(key)
    world.cluster.remove(key)
    world.gateway()
    world.step_gateway(key)
    assert world.says(key) == ("False", "NameConflict")
    assert "earlier" in world.explains(key)
    world.cluster.collect_garbage()
    world.serve(key)
    assert world.says(key) == ("True", "AllReplicasAvailable")


def test_what_is_switched_off_goes_unless_it_is_a_stranger_s() -> None:
    world = GatewayWorld()
    key = world.gateway(networkPolicy={"enabled": True})
    world.serve(key)
    world.gateway()
    world.settle_gateway(key)
    assert world.child(NETWORK_POLICY, "shop-gateway") is None
    body = {"metadata": {"name": "shop-gateway", "namespace": TEAM}, "spec": {"podSelector": {}}}
    world.cluster.put(NETWORK_POLICY, body)
    world.settle_gateway(key)
    assert world.child(NETWORK_POLICY, "shop-gateway") is not None


@pytest.mark.parametrize("kind", [NETWORK_POLICY, AUTOSCALER, INGRESS, SECRET], ids=str)
def test_a_stranger_s_object_with_the_operator_s_labels_is_not_taken_for_a_child_to_remove(kind: Kind) -> None:
    world = GatewayWorld()
    name = {INGRESS: "shop", SECRET: "shop-cluster-credentials"}.get(kind, "shop-gateway")
    labels = dict(LABELLED.get(NETWORK_POLICY, {}))
    owner = {"apiVersion": GATEWAY.api_version, "kind": GATEWAY.name, "name": "shop", "uid": "another", "controller": True}
    metadata = {"name": name, "namespace": TEAM, "labels": labels, "ownerReferences": [owner]}
    body = {"metadata": metadata, **({"type": "Opaque", "data": {}} if kind == SECRET else {"spec": {}})}
    world.cluster.put(kind, body)
    key = world.gateway()
    world.serve(key)
    assert world.says(key)[0] == "True"
    assert world.child(kind, name) is not None


def test_monitoring_that_the_cluster_does_not_have_is_told_of_and_comes_when_it_has() -> None:
    world = GatewayWorld()
    world.cluster.unserved = {SERVICE_MONITOR, PROMETHEUS_RULE}
    key = world.gateway(monitoring={"serviceMonitor": {"enabled": True}})
    world.serve(key)
    assert world.says(key, "Degraded") == ("True", "MonitoringUnavailable")
    assert world.says(key)[0] == "True"
    world.cluster.unserved.clear()
    world.later(seconds=61)
    world.settle_gateway(key)
    assert world.child(SERVICE_MONITOR, "shop-gateway") is not None
    assert world.says(key, "Degraded") == ("False", "AsExpected")


def test_pods_that_do_not_come_up_are_told_of() -> None:
    world = GatewayWorld()
    key = world.gateway()
    world.settle_gateway(key)
    world.roll_out(key, available=0)
    stuck = {"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded"}
    world.cluster.edit(world.deployment(key).key, lambda one: one["status"].update(conditions=[stuck]))
    world.settle_gateway(key)
    assert world.says(key, "Progressing") == ("False", "ProgressDeadlineExceeded")
    assert world.says(key, "Degraded") == ("True", "RolloutStuck")
    assert world.says(key, "Available") == ("False", "NoReplicasAvailable")
    assert world.says(key) == ("False", "Progressing")


def test_old_pods_make_a_gateway_available_and_not_ready() -> None:
    world = GatewayWorld()
    key = world.gateway()
    world.serve(key)
    world.gateway(config={"a": "b"})
    world.settle_gateway(key)
    assert world.says(key) == ("False", "Progressing")
    assert world.says(key, "Available") == ("True", "PodsReady")
    assert world.says(key, "Progressing") == ("True", "Progressing")


def test_a_gateway_that_is_gone_or_going_is_left_alone() -> None:
    world = GatewayWorld()
    key = world.gateway()
    assert not world.gateways.reconcile(Key(GATEWAY, "gone", TEAM)).changed
    world.cluster.edit(key, lambda one: one["metadata"].update(finalizers=["example.test/waits"]))
    world.cluster.delete(GATEWAY, "shop", namespace=TEAM)
    world.step_gateway(key)
    assert world.child(DEPLOYMENT, "shop-gateway") is None


def test_a_gateway_outside_of_the_watched_namespace_is_left_alone() -> None:
    world = GatewayWorld(watch_namespace="elsewhere")
    key = world.gateway()
    world.step_gateway(key)
    assert world.child(DEPLOYMENT, "shop-gateway") is None


def test_a_new_leader_changes_nothing_that_is_right() -> None:
    world = GatewayWorld()
    key = world.with_set("audit")
    world.serve(key)
    world.restart()
    world.quiet()
    world.step_gateway(key)
    assert [one for one in world.cluster.writes if one.changed] == []


def test_the_metrics_count_a_dependency_when_it_begins_to_fail_and_not_in_every_pass() -> None:
    world = GatewayWorld()
    key = world.gateway(pluginSetRef={"name": "main"})
    for _ in range(3):
        world.step_gateway(key)
    samples = [one for family in world.metrics.registry.collect() for one in family.samples]
    (found,) = [one for one in samples if one.name == "mcpg_operator_dependency_unresolved_total"]
    assert (found.labels["dependency"], found.labels["reason"], found.value) == ("MCPGPluginSet", "PluginSetNotFound", 1)
