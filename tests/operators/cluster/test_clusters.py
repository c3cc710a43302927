"""The controller of coordinators over a cluster in memory."""

from __future__ import annotations

import base64
from dataclasses import replace
from typing import Any

import pytest

from mcpg_operator.controllers.cluster import ClusterReconciler
from mcpg_operator.ledger import Standing, Stored
from mcpg_operator.resources import CLUSTER, EVENT, GATEWAY, PLUGIN, REVOCATION_LIST, SECRET, Key
from mcpg_operator.services import Outcome
from mcpg_operator.settings import Settings
from supplychain.errors import ApplyForbiddenError, ApplyRejectedError, ClusterUnavailableError, ConflictError
from tests.operators.world import NAMESPACE, World, body, edited, listener

SHARED = Key(CLUSTER, "shared")
HASH = "a" * 64
SPEC = {"backend": "redis", "config": {"url": "rediss://redis:6379"}}


@pytest.fixture
def world() -> World:
    world = World()
    world.cluster.put(REVOCATION_LIST, body("cluster-default", {"version": 1, "revocations": []}))
    world.cluster.put(CLUSTER, body("shared", SPEC))
    return world.watch()


@pytest.fixture
def clusters(world: World) -> ClusterReconciler:
    return ClusterReconciler(world.services())


def gateway(world: World, name: str, cluster: str | None, namespace: str = "team") -> Key:
    spec: dict[str, Any] = {} if cluster is None else {"clusterRef": {"name": cluster}}
    return world.cluster.put(GATEWAY, body(name, spec, namespace=namespace)).key


def secret(world: World, name: str = "redis-pass", **more: Any) -> Key:
    data = {"pass": base64.b64encode(b"hunter2").decode()}
    return world.cluster.put(SECRET, body(name, namespace=NAMESPACE, **{"data": data, "type": "Opaque", **more})).key


def with_plugin(world: World, **changes: Any) -> None:
    world.cluster.edit(SHARED, edited(pluginRef={"name": "redis"}))
    plugin = world.cluster.put(PLUGIN, body("redis", {}))
    entry = world.judged("redis", HASH)
    stored = Stored(secret="s", digests={}, size=1)
    parts = {"uid": plugin.uid, "generation": plugin.generation, "plugin_id": "dev.mcpg.cluster.redis", "stored": stored}
    world.ledger.put(replace(entry, **{**parts, **changes}))


def condition(world: World, kind: str) -> tuple[str, str]:
    (one,) = [one for one in world.status(*SHARED)["conditions"] if one["type"] == kind]
    return one["status"], one["reason"]


def woken(clusters: ClusterReconciler, world: World, change: Any) -> list[Key]:
    """The keys that a change of the cluster wakes."""
    found: list[Key] = []
    for watch in clusters.watches:
        world.store.subscribe(watch.kind, listener(watch, found))
    change()
    return sorted(set(found))


def test_a_coordinator_gets_ready_and_is_not_written_again(world, clusters):
    result = clusters.reconcile(SHARED)
    assert world.ready(*SHARED) == ("True", "Reconciled")
    status = world.status(*SHARED)
    assert (status["boundGateways"], status["pluginId"], status["observedGeneration"]) == (0, "dev.mcpg.cluster.redis", 1)
    assert (result.outcome, result.after, result.changed) == (Outcome.SUCCESS, 600, True)
    world.later(600)
    assert not clusters.reconcile(SHARED).changed
    assert world.events() == [("Normal", "Reconciled")]


def test_gateways_of_all_namespaces_are_counted(world, clusters):
    for namespace, name, cluster in (
        ("a", "one", "shared"),
        ("b", "two", "shared"),
        ("b", "three", "other"),
        ("b", "four", None),
    ):
        gateway(world, name, cluster, namespace)
    clusters.reconcile(SHARED)
    assert world.status(*SHARED)["boundGateways"] == 2
    assert condition(world, "InUse") == ("True", "GatewaysBound")


def test_a_gateway_that_turns_to_another_wakes_both(world, clusters):
    key = gateway(world, "one", "shared")
    assert woken(clusters, world, lambda: world.cluster.edit(key, edited(clusterRef={"name": "other"}))) == [
        Key(CLUSTER, "other"),
        SHARED,
    ]


def test_a_gateway_that_changes_something_else_wakes_nobody(world, clusters):
    key = gateway(world, "one", "shared")
    assert woken(clusters, world, lambda: world.cluster.edit(key, edited(replicas=2))) == []


def test_a_plugin_wakes_the_coordinators_that_name_it_and_not_one_that_is_called_so(world, clusters):
    world.cluster.put(CLUSTER, body("redis", SPEC))
    world.cluster.edit(SHARED, edited(pluginRef={"name": "redis"}))
    assert woken(clusters, world, lambda: world.cluster.put(PLUGIN, body("redis", {}))) == [SHARED]


def test_a_standing_wakes_the_coordinators_that_name_the_plugin(world, clusters):
    world.cluster.edit(SHARED, edited(pluginRef={"name": "redis"}))
    world.judged("redis", HASH)
    assert world.woken == [SHARED]


def test_a_list_wakes_those_with_a_plugin(world, clusters):
    world.cluster.put(CLUSTER, body("other", SPEC))
    world.cluster.edit(SHARED, edited(pluginRef={"name": "redis"}))
    change = lambda: world.cluster.edit(Key(REVOCATION_LIST, "cluster-default"), edited(version=2))  # noqa: E731
    assert woken(clusters, world, change) == [SHARED]


def test_a_credential_wakes_the_coordinators_that_name_it_and_only_from_home(world, clusters):
    world.cluster.edit(SHARED, edited(credentialRefs=[{"name": "pass", "secretName": "redis-pass"}]))
    assert woken(clusters, world, lambda: secret(world)) == [SHARED]
    watch = next(one for one in clusters.watches if one.kind == SECRET)
    assert list(watch.keys(None, world.cluster.put(SECRET, body("redis-pass", namespace="elsewhere")))) == []


def test_a_plugin_is_believed_by_the_ledger_and_not_by_its_status(world, clusters):
    world.cluster.edit(SHARED, edited(pluginRef={"name": "redis"}))
    ready = [{"type": "Ready", "status": "True", "reason": "Reconciled"}]
    world.cluster.put(PLUGIN, body("redis", {"pluginId": "dev.mcpg.cluster.redis"}, status={"conditions": ready}))
    clusters.reconcile(SHARED)
    assert world.ready(*SHARED) == ("False", "ClusterPluginNotReady")
    with_plugin(world)
    clusters.reconcile(SHARED)
    assert world.ready(*SHARED) == ("True", "Reconciled")


def test_a_revoked_plugin_ends_it(world, clusters):
    with_plugin(world)
    clusters.reconcile(SHARED)
    entries = [{"artifactSha256": HASH, "reason": "stolen key"}]
    world.cluster.edit(Key(REVOCATION_LIST, "cluster-default"), edited(revocations=entries))
    clusters.reconcile(SHARED)
    assert world.ready(*SHARED) == ("False", "ClusterPluginNotReady")
    assert ("Warning", "ClusterPluginNotReady") in world.events()


def test_after_a_start_the_status_stays_until_the_plugin_was_judged(world, clusters):
    with_plugin(world)
    clusters.reconcile(SHARED)
    again = world.restarted().watch()
    later = ClusterReconciler(again.services())
    again.cluster.writes.clear()
    result = later.reconcile(SHARED)
    assert (result.outcome, result.changed) == (Outcome.DEPENDENCY_PENDING, False)
    assert again.ready(*SHARED) == ("True", "Reconciled")
    again.cluster.edit(SHARED, edited(config={"url": "rediss://other"}))
    later.reconcile(SHARED)
    assert again.ready(*SHARED) == ("False", "ClusterPluginNotReady")


def test_a_plugin_that_was_judged_and_is_not_any_more_is_news(world, clusters):
    with_plugin(world)
    clusters.reconcile(SHARED)
    world.ledger.drop("redis")
    clusters.reconcile(SHARED)
    assert world.ready(*SHARED) == ("False", "ClusterPluginNotReady")


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({}, ("True", "Reconciled")),
        ({"data": {}}, ("False", "CredentialMissing")),
        ({"data": {"pass": "%%%"}}, ("False", "CredentialMissing")),
        ({"type": "mcpg.dev/seal-key"}, ("False", "CredentialMissing")),
        ({"metadata": {"labels": {"app.kubernetes.io/managed-by": "mcpg-operator"}}}, ("False", "CredentialMissing")),
    ],
)
def test_a_credential_has_to_be_there_and_not_the_operators_own(world, clusters, more, expected):
    world.cluster.edit(SHARED, edited(credentialRefs=[{"name": "pass", "secretName": "redis-pass"}]))
    clusters.reconcile(SHARED)
    assert world.ready(*SHARED) == ("False", "CredentialMissing")
    secret(world, **more)
    clusters.reconcile(SHARED)
    assert world.ready(*SHARED) == expected
    assert "hunter2" not in str(world.status(*SHARED))
    assert "hunter2" not in str([one.body for one in world.cluster.objects(EVENT)])


def test_a_credential_has_the_key_that_is_named_or_its_own_name(world, clusters):
    world.cluster.edit(SHARED, edited(credentialRefs=[{"name": "other", "secretName": "redis-pass", "key": "pass"}]))
    secret(world)
    clusters.reconcile(SHARED)
    assert world.ready(*SHARED) == ("True", "Reconciled")
    world.cluster.edit(SHARED, edited(credentialRefs=[{"name": "other", "secretName": "redis-pass"}]))
    clusters.reconcile(SHARED)
    assert world.ready(*SHARED) == ("False", "CredentialMissing")


def test_the_value_of_a_credential_is_found_and_shown_nowhere(world):
    from mcpg_operator.controllers.cluster.credentials import find_credentials
    from supplychain.api import parse_spec
    from supplychain.api.cluster import ClusterSpec

    spec = parse_spec(ClusterSpec, {**SPEC, "credentialRefs": [{"name": "pass", "secretName": "redis-pass"}]}, where="here")
    secret(world)
    found = find_credentials(spec, world.store, home=NAMESPACE)
    assert [one.value for one in found.found] == [b"hunter2"]
    assert "hunter2" not in repr(found)


def test_one_that_is_deleted_in_use_tells_by_whom_and_nothing_is_held_up(world, clusters):
    gateway(world, "one", "shared")
    clusters.reconcile(SHARED)
    held = world.cluster.get(CLUSTER, "shared")
    assert held is not None
    assert "finalizers" not in held.metadata
    world.cluster.delete(CLUSTER, "shared")
    assert world.cluster.get(CLUSTER, "shared") is None
    clusters.reconcile(SHARED)
    (event,) = [one.body for one in world.cluster.objects(EVENT) if one.body["reason"] == "DeletedInUse"]
    assert (event["type"], event["action"], event["regarding"]["name"]) == ("Warning", "Delete", "shared")
    assert "`team/one`" in event["note"]
    clusters.reconcile(SHARED)
    assert sum(reason == "DeletedInUse" for _, reason in world.events()) == 1
    assert world.measured("shared") == {}


def test_one_that_somebody_else_holds_back_tells_once_when_its_deletion_begins(world, clusters):
    gateway(world, "one", "shared")
    clusters.reconcile(SHARED)
    world.cluster.edit(SHARED, lambda found: found["metadata"].update(finalizers=["example.com/hold"]))
    world.cluster.delete(CLUSTER, "shared")
    for _ in range(2):
        clusters.reconcile(SHARED)
    world.cluster.remove(SHARED)
    clusters.reconcile(SHARED)
    assert sum(reason == "DeletedInUse" for _, reason in world.events()) == 1


def test_one_that_nobody_uses_goes_without_a_word(world, clusters):
    clusters.reconcile(SHARED)
    world.cluster.delete(CLUSTER, "shared")
    clusters.reconcile(SHARED)
    assert [reason for _, reason in world.events()] == ["Reconciled"]


@pytest.mark.parametrize(
    "spec",
    [
        None,
        7,
        "text",
        [],
        {"backend": "mysql"},
        {"backend": 7},
        {"backend": "redis", "config": []},
        {"backend": "redis", "config": "url"},
        {**SPEC, "extra": 1},
        {**SPEC, "pluginRef": "redis"},
        {**SPEC, "pluginRef": {}},
        {**SPEC, "pluginRef": {"name": "x" * 5000}},
        {**SPEC, "credentialRefs": {}},
        {**SPEC, "credentialRefs": [7]},
        {**SPEC, "credentialRefs": [{"name": "../x", "secretName": "s"}]},
        {**SPEC, "credentialRefs": [{"name": "a", "secretName": ""}]},
        {**SPEC, "credentialRefs": [{"name": f"a{one}", "secretName": "s"} for one in range(5000)]},
    ],
)
def test_a_wrong_spec_is_told_and_tried_again_only_at_a_resync(world, clusters, spec):
    world.cluster.put(CLUSTER, body("shared", spec))
    if spec is None:
        world.cluster.edit(SHARED, lambda found: found.pop("spec", None))
    result = clusters.reconcile(SHARED)
    assert world.ready(*SHARED) == ("False", "InvalidSpec")
    assert (result.outcome, result.after, result.backoff) == (Outcome.PERMANENT_ERROR, 600, False)


def test_a_repaired_spec_takes_the_old_reasons_along(world, clusters):
    world.cluster.put(CLUSTER, body("shared", {"backend": "redis", "config": {"url": "redis://plain"}}))
    clusters.reconcile(SHARED)
    assert condition(world, "TransportSecure") == ("False", "PlaintextTransport")
    world.cluster.put(CLUSTER, body("shared", {"backend": "single_node"}))
    clusters.reconcile(SHARED)
    assert "TransportSecure" not in {one["type"] for one in world.status(*SHARED)["conditions"]}


def test_a_strict_installation_refuses_plain_text(world):
    world.settings = Settings(namespace=NAMESPACE, require_coordinator_tls=True)
    world.cluster.put(CLUSTER, body("shared", {"backend": "redis", "config": {"url": "redis://plain"}}))
    ClusterReconciler(world.services()).reconcile(SHARED)
    assert world.ready(*SHARED) == ("False", "PlaintextTransport")


@pytest.mark.parametrize("error", [ApplyForbiddenError, ApplyRejectedError, ClusterUnavailableError, ConflictError])
def test_a_status_that_cannot_be_written_is_no_success(world, clusters, error):
    world.cluster.fail_with(error("no"), on="apply_status")
    with pytest.raises(error):
        clusters.reconcile(SHARED)


def test_nothing_is_said_before_the_revocations_are_known(world):
    empty = World()
    empty.cluster.put(CLUSTER, body("shared", SPEC))
    empty.watch(REVOCATION_LIST)
    with pytest.raises(ClusterUnavailableError, match="revocations"):
        ClusterReconciler(empty.services()).reconcile(SHARED)


def test_what_is_missing_is_counted(world, clusters):
    world.cluster.edit(SHARED, edited(pluginRef={"name": "redis"}))
    clusters.reconcile(SHARED)
    text = world.metrics.render(None)[0].decode()
    line = (
        'mcpg_operator_dependency_unresolved_total{controller="cluster",dependency="MCPGPlugin",reason="ClusterPluginNotFound"} 1'
    )
    assert line in text


def test_a_refused_plugin_shows_why(world, clusters):
    with_plugin(world, standing=Standing.REFUSED, reason="SignatureInvalid", message="the signature does not verify")
    clusters.reconcile(SHARED)
    (ready,) = [one for one in world.status(*SHARED)["conditions"] if one["type"] == "Ready"]
    assert "SignatureInvalid" in ready["message"]
