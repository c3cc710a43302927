"""What is said of a gateway is true, also while writes fail in the middle and watches lag behind."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from mcpg_operator.resources import (
    AUTOSCALER,
    CONFIG_MAP,
    DEPLOYMENT,
    DISRUPTION_BUDGET,
    EVENT,
    GATEWAY,
    INGRESS,
    NETWORK_POLICY,
    PROMETHEUS_RULE,
    SERVICE,
    SERVICE_ACCOUNT,
    SERVICE_MONITOR,
    Key,
)
from supplychain.errors import ApplyForbiddenError, ApplyRejectedError, ClusterUnavailableError, ConflictError, SupplyChainError
from tests.operators.gateway.world import GatewayWorld
from tests.operators.plugin_set.world import TEAM

if TYPE_CHECKING:
    from mcpg_operator.resources import Kind

SHARED: dict[str, Any] = {"cluster": {"kind": "redis", "url": "rediss://x.example"}}
EVERYTHING: dict[str, Any] = {
    "replicas": 2,
    "config": SHARED,
    "networkPolicy": {"enabled": True},
    "podDisruptionBudget": {"enabled": True},
    "autoscaling": {"enabled": True, "minReplicas": 2, "maxReplicas": 4},
    "ingress": {"ingressClassName": "web", "hosts": [{"host": "shop.example", "paths": [{"path": "/", "pathType": "Prefix"}]}]},
    "monitoring": {"serviceMonitor": {"enabled": True}, "prometheusRule": {"enabled": True}},
}
KINDS = (
    CONFIG_MAP, SERVICE_ACCOUNT, SERVICE, NETWORK_POLICY, DISRUPTION_BUDGET, DEPLOYMENT, AUTOSCALER, INGRESS, SERVICE_MONITOR,
    PROMETHEUS_RULE,
)  # fmt: skip


def pods(world: GatewayWorld, key: Key) -> Any:
    return world.deployment(key).body["spec"]["template"]


@pytest.mark.parametrize("kind", KINDS, ids=str)
@pytest.mark.parametrize("error", [ApplyForbiddenError("403"), ApplyRejectedError("422")], ids=repr)
def test_whatever_child_is_refused_the_gateway_says_so_once_and_what_runs_stays_whole(error: Exception, kind: Kind) -> None:
    world = GatewayWorld()
    key = world.gateway(**EVERYTHING)
    world.serve(key)
    before = world.config(key), pods(world, key)
    world.cluster.fail_with(error, on="apply", kind=kind)
    for child in KINDS:
        for one in world.cluster.objects(child):
            if one.namespace == TEAM:
                world.cluster.edit(one.key, lambda body: body["metadata"].update(labels={"mine": "1"}))
    world.gateway(**{**EVERYTHING, "config": {**SHARED, "new": True}, "podAnnotations": {"new": "yes"}})
    results = [world.step_gateway(key) for _ in range(3)]
    assert all(one.backoff for one in results)
    assert not results[-1].changed
    assert world.says(key) == ("False", "ApplyFailed")
    assert kind.name in world.explains(key)
    after = world.config(key), pods(world, key)
    assert (after[0] == before[0]) == (after[1] == before[1])
    assert len([one for one in world.cluster.objects(EVENT) if one.body.get("reason") == "ApplyFailed"]) <= 2
    world.cluster.heal()
    world.serve(key)
    assert world.says(key) == ("True", "AllReplicasAvailable")


@pytest.mark.parametrize("kind", KINDS, ids=str)
@pytest.mark.parametrize("error", [ClusterUnavailableError("429"), ConflictError("409")], ids=repr)
def test_whatever_child_cannot_be_written_now_is_written_later(error: Exception, kind: Kind) -> None:
    world = GatewayWorld()
    key = world.gateway(**EVERYTHING)
    world.cluster.fail_with(error, on="apply", kind=kind)
    with pytest.raises(SupplyChainError):
        world.step_gateway(key)
    world.cluster.heal()
    world.serve(key)
    assert world.says(key) == ("True", "AllReplicasAvailable")


@pytest.mark.parametrize("kind", KINDS, ids=str)
@pytest.mark.parametrize("error", [ClusterUnavailableError("500: a webhook is away"), ConflictError("409")], ids=repr)
def test_a_child_that_cannot_be_written_for_long_is_told_of(error: Exception, kind: Kind) -> None:
    world = GatewayWorld()
    key = world.gateway()
    world.serve(key)
    world.cluster.fail_with(error, on="apply", kind=kind)
    world.gateway(**EVERYTHING, workloadIdentity={"gcp": {"googleServiceAccount": "a@b.example"}}, service={"port": 9000})
    for count in range(5):
        assert (world.says(key)[1] == "ApplyFailed") is (count > 2)
        with pytest.raises(SupplyChainError):
            world.step_gateway(key)
    world.quiet()
    with pytest.raises(SupplyChainError):
        world.step_gateway(key)
    assert [one.key for one in world.cluster.writes if one.changed] == []
    world.cluster.heal()
    world.serve(key)
    assert world.says(key) == ("True", "AllReplicasAvailable")


def test_pods_that_stay_keep_their_configuration_when_newer_ones_are_refused() -> None:
    world = GatewayWorld()
    key = world.gateway()
    world.serve(key)
    before = world.config(key)
    world.cluster.fail_with(ApplyRejectedError("422: bad"), on="apply", kind=DEPLOYMENT)
    world.gateway(config={"new": True})
    for _ in range(3):
        world.step_gateway(key)
        assert world.config(key) == before
    world.quiet()
    world.step_gateway(key)
    assert [one.key for one in world.cluster.writes if one.changed] == []
    world.cluster.heal()
    world.serve(key)
    assert "new" in world.config(key)
    assert world.says(key) == ("True", "AllReplicasAvailable")


def test_a_handover_to_the_autoscaler_that_is_refused_is_told_of() -> None:
    world = GatewayWorld()
    key = world.gateway(config=SHARED)
    world.serve(key)
    world.cluster.fail_with(ApplyForbiddenError("no right"), on="apply", kind=DEPLOYMENT)
    world.gateway(config=SHARED, autoscaling={"enabled": True, "minReplicas": 2, "maxReplicas": 5})
    assert world.step_gateway(key).backoff
    assert world.says(key) == ("False", "ApplyFailed")


def test_pods_that_cannot_be_taken_away_are_told_of() -> None:
    world = GatewayWorld()
    key = world.with_set("audit", plugin_class="backend")
    world.serve(key)
    world.gateway(pluginSetRef={"name": "gone"})
    world.revoke(world.artifact("audit"), ledger=True)
    world.cluster.fail_with(ApplyRejectedError("422: bad"), on="replace", kind=DEPLOYMENT)
    assert world.step_gateway(key).backoff
    assert world.says(key) == ("False", "PluginRevoked")
    assert "cannot be ended" in world.explains(key)
    assert world.says(key, "Degraded") == ("True", "ApplyFailed")


def test_a_watch_that_lags_makes_nothing_ready_before_its_pods() -> None:
    world = GatewayWorld()
    key = world.gateway()
    world.serve(key)
    old = world.gateway_status(key)["configHash"]
    watchers = tuple(world.cluster._watchers)
    world.cluster._watchers.clear()
    world.gateway(config={"new": True})
    found = world.cluster.get(GATEWAY, "shop", namespace=TEAM)
    assert found is not None
    world.store.put(found)
    world.step_gateway(key)
    assert world.gateway_status(key)["configHash"] != old
    assert world.says(key) == ("False", "Progressing")
    world.cluster._watchers.extend(watchers)


@pytest.mark.parametrize("part", ["labels", "annotations", "ownerReferences"])
@pytest.mark.parametrize("kind", [DEPLOYMENT, SERVICE, SERVICE_ACCOUNT, CONFIG_MAP], ids=str)
def test_what_somebody_takes_off_a_child_comes_back_or_is_told_of(kind: Kind, part: str) -> None:
    world = GatewayWorld()
    key = world.gateway(workloadIdentity={"gcp": {"googleServiceAccount": "a@b.example"}})
    world.serve(key)
    name = {SERVICE: "shop", CONFIG_MAP: "shop-config"}.get(kind, "shop-gateway")
    before = world.child(kind, name)
    assert before is not None
    world.cluster.edit(before.key, lambda one: one["metadata"].update({part: [] if part == "ownerReferences" else {}}))
    world.settle_gateway(key)
    if part == "ownerReferences":
        assert world.says(key) == ("False", "NameConflict")
        return
    after = world.child(kind, name)
    assert after is not None
    assert (after.metadata.get(part) or {}) == (before.metadata.get(part) or {})


def test_a_coordinator_s_address_is_in_no_status_and_no_event() -> None:
    world = GatewayWorld()
    secret = "rediss://user:hunter2@coordinator.example"
    key = world.gateway(config={"cluster": {"kind": "redis", "url": secret}, "governance": {"policy": {"tool_access": [secret]}}})
    world.settle_gateway(key)
    world.gateway(config={"cluster": {"kind": "redis", "url": secret}, "plugins": secret})
    world.settle_gateway(key)
    assert "hunter2" not in str(world.gateway_status(key))
    assert "hunter2" not in str([one.body for one in world.cluster.objects(EVENT)])
