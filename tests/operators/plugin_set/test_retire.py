"""Copies that nobody needs any more, bindings of namespaces without sets."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from mcpg_operator.controllers.plugin_set import PluginSetReconciler
from mcpg_operator.names import COMPONENT, MANAGED_BY
from mcpg_operator.render.plugin_set import BINDING, CHILDREN, PAYLOAD, UNUSED_SINCE
from mcpg_operator.resources import DEPLOYMENT, PLUGIN_SET, POD, REPLICA_SET, ROLE_BINDING, SECRET, Key, Kind
from mcpg_operator.runtime.store import Store
from mcpg_operator.services import Outcome, Result
from supplychain.errors import ApplyForbiddenError, ApplyRejectedError, ClusterUnavailableError
from tests.operators.plugin_set.world import HOME, TEAM, World, entry

(SWEEP,) = PluginSetReconciler.first


def _superseded(**settings: Any) -> tuple[World, Key, str]:
    """A set whose plugin has a new artifact: the copy of the old one is not needed any more."""
    world = World(**settings)
    old = world.plugin("audit").stored.secret
    key = world.make(entry("audit"))
    world.settle(key)
    world.plugin("audit", library=b"a newer library")
    world.settle(key)
    return world, key, old


def _pod(secret: str) -> dict[str, Any]:
    return {"volumes": [{"name": "plugin", "secret": {"secretName": secret}}]}


def test_a_superseded_copy_is_marked_and_stays_owned():
    world, _, old = _superseded()
    copy = world.secret(old)
    assert copy.annotations[UNUSED_SINCE].endswith("Z")
    assert [one["name"] for one in copy.metadata["ownerReferences"]] == ["main"]


def test_a_superseded_copy_goes_after_the_grace_time_and_not_before():
    world, key, old = _superseded()
    world.later(minutes=9)
    world.settle(key)
    assert old in world.copies()
    world.later(minutes=1)
    assert world.step(key).changed
    assert old not in world.copies()
    assert len(world.copies()) == 1


@pytest.mark.parametrize(("grace", "stays", "goes"), [(60.0, 59, 1), (7200.0, 7199, 1)])
def test_the_grace_time_is_a_setting(grace, stays, goes):
    world, key, old = _superseded(unused_copy_grace=grace)
    since = datetime.fromisoformat(world.copies()[old].annotations[UNUSED_SINCE])
    world.at = since + timedelta(seconds=stays - 1)
    world.step(key)  # a second later
    assert old in world.copies()
    world.at = since + timedelta(seconds=stays + goes - 1)
    world.step(key)
    assert old not in world.copies()


def test_waiting_for_the_grace_time_writes_nothing():
    world, key, _ = _superseded()
    world.later(minutes=1)
    world.quiet()
    world.step(key)
    assert world.cluster.writes == []


@pytest.mark.parametrize(
    ("kind", "spec"),
    [
        pytest.param(POD, _pod, id="pod"),
        pytest.param(
            POD,
            lambda name: {"volumes": [{"projected": {"sources": [{"configMap": {}}, {"secret": {"name": name}}]}}]},
            id="pod, projected",
        ),
        pytest.param(REPLICA_SET, lambda name: {"replicas": 1, "template": {"spec": _pod(name)}}, id="ReplicaSet"),
        pytest.param(DEPLOYMENT, lambda name: {"replicas": 0, "template": {"spec": _pod(name)}}, id="Deployment"),
    ],
)
def test_a_copy_that_a_workload_mentions_stays_until_it_does_not(kind: Kind, spec: Any):
    world, key, old = _superseded()
    user = world.cluster.put(kind, {"metadata": {"name": "gateway", "namespace": TEAM}, "spec": spec(old)})
    world.later(hours=2)
    world.settle(key)
    assert old in world.copies()
    world.cluster.remove(user.key)
    world.step(key)
    assert old not in world.copies()


def test_a_replica_set_without_replicas_holds_nothing():
    world, key, old = _superseded()
    spec = {"replicas": 0, "template": {"spec": _pod(old)}}
    world.cluster.put(REPLICA_SET, {"metadata": {"name": "old", "namespace": TEAM}, "spec": spec, "status": {"replicas": 0}})
    world.later(hours=2)
    world.step(key)
    assert old not in world.copies()


def test_a_workload_of_another_namespace_holds_nothing():
    world, key, old = _superseded()
    world.cluster.put(POD, {"metadata": {"name": "gateway", "namespace": "other"}, "spec": _pod(old)})
    world.later(hours=2)
    world.step(key)
    assert old not in world.copies()


def test_nothing_goes_while_the_set_has_failed_entries():
    world, key, old = _superseded()
    world.cluster.edit(key, lambda body: body["spec"]["entries"].append(entry("missing")))
    world.later(hours=2)
    world.settle(key)
    assert old in world.copies()
    world.cluster.edit(key, lambda body: body["spec"]["entries"].pop())
    world.step(key)
    assert old not in world.copies()


def test_nothing_goes_while_the_document_cannot_be_written():
    world, key, old = _superseded()
    world.cluster.edit(key, lambda body: body["spec"]["entries"][0].update(config={"a": 1}))
    world.later(hours=2)
    world.cluster.fail_with(ApplyRejectedError("no"), on="apply", kind=SECRET)
    world.step(key)
    assert old in world.copies()


def test_a_copy_that_is_needed_again_loses_its_mark():
    world, key, old = _superseded()
    world.plugin("audit")
    world.settle(key)
    assert UNUSED_SINCE not in world.secret(old).annotations
    world.later(hours=2)
    world.settle(key)
    assert old in world.copies()


@pytest.mark.parametrize("mark", ["", "yesterday", "2026-11-21T12:00:00"], ids=["empty", "words", "without a zone"])
def test_a_mark_that_cannot_be_read_is_written_anew(mark: str):
    world, key, old = _superseded()
    world.cluster.edit(Key(SECRET, old, TEAM), lambda body: body["metadata"]["annotations"].update({UNUSED_SINCE: mark}))
    world.later(hours=2)
    world.settle(key)
    assert old in world.copies()
    world.later(minutes=10)
    world.step(key)
    assert old not in world.copies()


def test_a_set_waits_while_another_one_still_needs_the_copy():
    world, key, old = _superseded()
    copy = world.secret(old)
    other = world.cluster.put(PLUGIN_SET, {"metadata": {"name": "other", "namespace": TEAM}, "spec": {}})
    reference = {**copy.metadata["ownerReferences"][0], "name": "other", "uid": other.uid}
    world.cluster.edit(copy.key, lambda body: body["metadata"]["ownerReferences"].append(reference))
    world.later(hours=2)
    world.settle(key)
    assert [one["name"] for one in world.secret(old).metadata["ownerReferences"]] == ["other"]


def test_a_set_leaves_the_mark_of_another_one_alone():
    world, key, old = _superseded()
    other = world.make(entry("audit"), name="other")
    world.settle(other)
    mark = world.secret(old).annotations[UNUSED_SINCE]
    world.quiet()
    for one in (key, other, key):
        assert not world.step(one).changed
    assert world.secret(old).annotations[UNUSED_SINCE] == mark


@pytest.mark.parametrize("namespace", ["another", TEAM])
def test_a_set_elsewhere_or_one_that_is_being_deleted_does_not_keep_a_copy(namespace: str):
    world, key, old = _superseded()
    metadata = {"name": "other", "namespace": namespace, "finalizers": ["someone/else"]}
    other = world.cluster.put(PLUGIN_SET, {"metadata": metadata, "spec": {}})
    if namespace == TEAM:
        world.cluster.delete(PLUGIN_SET, "other", namespace=TEAM)
    reference = {"apiVersion": "mcpg.dev/v1alpha2", "kind": "MCPGPluginSet", "name": "other", "uid": other.uid}
    world.cluster.edit(Key(SECRET, old, TEAM), lambda body: body["metadata"]["ownerReferences"].append(reference))
    world.later(minutes=11)
    world.step(key)
    assert old not in world.copies()


def test_a_dead_owner_does_not_keep_a_copy():
    world, key, old = _superseded()
    reference = {"apiVersion": "mcpg.dev/v1alpha2", "kind": "MCPGPluginSet", "name": "gone", "uid": "1-2"}
    world.cluster.edit(Key(SECRET, old, TEAM), lambda body: body["metadata"]["ownerReferences"].append(reference))
    world.later(minutes=11)
    world.step(key)
    assert old not in world.copies()


def test_an_ownerless_copy_that_no_set_needs_goes_as_well():
    world, key, old = _superseded()
    orphan = world.secret(old).body
    metadata = {"name": "mcpg-plugin-orphan", "namespace": TEAM, "labels": dict(CHILDREN), "annotations": {PAYLOAD: "0"}}
    world.cluster.put(SECRET, {**orphan, "metadata": metadata})
    world.settle(key)
    world.later(minutes=11)
    world.settle(key)
    assert "mcpg-plugin-orphan" not in world.copies()


@pytest.mark.parametrize("kind", [POD, REPLICA_SET, DEPLOYMENT])
def test_what_cannot_be_looked_at_keeps_every_copy_and_does_not_harm_the_set(kind: Kind, caplog: pytest.LogCaptureFixture):
    world, key, old = _superseded()
    world.later(hours=2)
    world.cluster.fail_with(ApplyForbiddenError("may not list"), on="list", kind=kind)
    world.settle(key)
    assert old in world.copies()
    assert world.condition(key) == ("True", "Reconciled")
    assert "may not list" in caplog.text


def test_an_api_server_that_does_not_answer_keeps_every_copy():
    world, key, old = _superseded()
    world.later(hours=2)
    world.cluster.fail_with(ClusterUnavailableError("no answer"), on="list", kind=POD)
    with pytest.raises(ClusterUnavailableError):
        world.step(key)
    assert old in world.copies()


# --- the binding -------------------------------------------------------------------------------------------------------------


def _foreign_binding(**changes: Any) -> dict[str, Any]:
    return {
        "metadata": {
            "name": BINDING,
            "namespace": TEAM,
            "labels": {MANAGED_BY: "mcpg-operator", COMPONENT: "tenant-rbac"},
        },
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": BINDING},
        "subjects": [{"kind": "ServiceAccount", "name": "mcpg-operator", "namespace": HOME}],
        **changes,
    }


def test_a_binding_that_says_the_same_is_used():
    world = World()
    world.plugin("audit")
    world.cluster.put(ROLE_BINDING, _foreign_binding())
    key = world.make(entry("audit"))
    world.settle(key)
    assert world.condition(key) == ("True", "Reconciled")


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        pytest.param(
            {"subjects": [{"kind": "ServiceAccount", "name": "mallory", "namespace": TEAM}]},
            "team-a/mallory",
            id="another subject",
        ),
        pytest.param(
            {
                "subjects": [
                    {"kind": "ServiceAccount", "name": "mcpg-operator", "namespace": HOME},
                    {"kind": "User", "name": "mallory"},
                ]
            },
            "User `mallory`",
            id="one subject more",
        ),
        pytest.param({"subjects": [{"kind": "User", "name": "mcpg-operator", "namespace": HOME}]}, "User", id="another kind"),
        pytest.param(
            {"subjects": [{"kind": "ServiceAccount", "name": "mcpg-operator", "namespace": "x"}]},
            "x/mcpg-operator",
            id="elsewhere",
        ),
        pytest.param({"subjects": []}, "nobody", id="nobody"),
        pytest.param({"subjects": None}, "nobody", id="no list"),
        pytest.param(
            {"roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"}},
            "ClusterRole `cluster-admin`",
            id="another role",
        ),
        pytest.param(
            {"roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": BINDING}},
            "Role `",
            id="a namespaced role",
        ),
        pytest.param({"roleRef": None}, "nothing", id="no role"),
    ],
)
def test_a_binding_that_says_something_else_is_neither_used_nor_changed(changes: dict[str, Any], told: str):
    world = World()
    world.plugin("audit")
    foreign = world.cluster.put(ROLE_BINDING, _foreign_binding(**changes))
    key = world.make(entry("audit"))
    result = world.settle(key)
    assert world.binding() == foreign
    assert world.condition(key) == ("False", "NameConflict")
    assert told in world.message(key)
    assert world.copies() == {}
    assert world.status(key)["resolvedEntries"] == 0
    assert result == Result(outcome=Outcome.DEPENDENCY_PENDING, after=30.0)


def test_a_subject_that_is_added_later_stops_the_set_and_leaves_its_children():
    world = World()
    world.plugin("audit")
    key = world.make(entry("audit"))
    world.settle(key)
    copies = world.copies()
    mallory = {"kind": "User", "name": "mallory"}
    world.cluster.edit(Key(ROLE_BINDING, BINDING, TEAM), lambda body: body["subjects"].append(mallory))
    world.settle(key)
    assert world.condition(key) == ("False", "NameConflict")
    assert world.copies() == copies


def test_a_revoked_plugin_leaves_although_the_binding_was_edited():
    world = World()
    bad = world.plugin("audit")
    key = world.make(entry("audit"))
    world.settle(key)
    mallory = {"kind": "User", "name": "mallory"}
    world.cluster.edit(Key(ROLE_BINDING, BINDING, TEAM), lambda body: body["subjects"].append(mallory))
    world.revoke(bad.artifact_hash)
    world.step(key)
    assert world.ids(key) == []
    assert world.condition(key) == ("False", "NameConflict")
    world.revoke()
    world.cluster.edit(Key(ROLE_BINDING, BINDING, TEAM), lambda body: body["subjects"].pop())
    world.settle(key)
    world.cluster.edit(Key(ROLE_BINDING, BINDING, TEAM), lambda body: body["subjects"].append(mallory))
    world.revoke(bad.artifact_hash)
    world.cluster.fail_with(ApplyForbiddenError("may not write"), on="apply", kind=SECRET)
    world.step(key)
    assert world.condition(key) == ("False", "ApplyFailed")


def test_a_binding_that_may_not_be_made_ends_in_a_condition():
    world = World()
    world.plugin("audit")
    key = world.make(entry("audit"))
    error = ApplyForbiddenError("attempting to grant RBAC permissions not currently held")
    world.cluster.fail_with(error, on="create", kind=ROLE_BINDING)
    result = world.step(key)
    assert world.condition(key) == ("False", "ApplyFailed")
    assert "attempting to grant" in world.message(key)
    assert result.backoff is True


def test_a_right_that_takes_a_moment_is_waited_for():
    world = World()
    world.plugin("audit")
    key = world.make(entry("audit"))
    world.cluster.fail_with(ApplyForbiddenError("may not list Secrets"), on="list_metadata", kind=SECRET)
    assert world.step(key) == Result(outcome=Outcome.DEPENDENCY_PENDING, after=1.0, changed=True)
    assert world.status(key) == {}
    world.cluster.heal()
    world.settle(key)
    assert world.condition(key) == ("True", "Reconciled")


def test_a_right_that_does_not_come_ends_in_a_condition():
    world = World()
    world.plugin("audit")
    key = world.make(entry("audit"))
    world.cluster.fail_with(ApplyForbiddenError("may not list Secrets"), on="list_metadata", kind=SECRET)
    world.step(key)
    world.later(seconds=10)
    world.step(key)
    assert world.condition(key) == ("False", "ApplyFailed")
    assert "may not list Secrets" in world.message(key)


def _deserted(world: World) -> Key:
    world.plugin("audit")
    key = world.make(entry("audit"))
    world.settle(key)
    world.cluster.delete(PLUGIN_SET, key.name, namespace=key.namespace)
    return key


def test_the_binding_goes_after_the_last_set_and_the_last_copy():
    world = World()
    key = _deserted(world)
    assert world.step(key).after == 30.0
    assert world.binding() is not None
    assert world.secret("main-resolved") is not None, "what has an owner is the garbage collector's"
    world.cluster.collect_garbage()
    assert world.step(key) == Result(changed=True)
    assert world.binding() is None


def test_a_foreign_binding_stays():
    world = World()
    key = _deserted(world)
    world.cluster.collect_garbage()
    world.cluster.edit(
        Key(ROLE_BINDING, BINDING, TEAM), lambda body: body["subjects"].append({"kind": "User", "name": "mallory"})
    )
    assert world.step(key) == Result()
    assert world.binding() is not None


def test_an_unlabelled_binding_stays():
    world = World()
    key = _deserted(world)
    world.cluster.collect_garbage()
    world.cluster.edit(Key(ROLE_BINDING, BINDING, TEAM), lambda body: body["metadata"].update(labels={}))
    assert world.step(key) == Result()
    assert world.binding() is not None


def test_the_shipped_binding_in_the_operators_namespace_stays():
    world = World()
    world.plugin("audit")
    body = _foreign_binding()
    body["metadata"]["namespace"] = HOME
    world.cluster.put(ROLE_BINDING, body)
    key = world.make(entry("audit"), namespace=HOME)
    world.settle(key)
    world.cluster.delete(PLUGIN_SET, key.name, namespace=HOME)
    world.cluster.collect_garbage()
    assert world.step(key) == Result()
    assert world.binding(HOME) is not None
    world.step(SWEEP)
    assert world.woken == []


def test_an_ownerless_copy_of_a_deserted_namespace_goes_late_and_then_the_binding():
    world = World()
    key = _deserted(world)
    (copy,) = world.copies()
    world.cluster.edit(Key(SECRET, copy, TEAM), lambda body: body["metadata"].update(ownerReferences=[]))
    world.cluster.collect_garbage()
    assert world.step(key) == Result(outcome=Outcome.DEPENDENCY_PENDING, after=30.0, changed=True)
    assert not world.step(key).changed
    pod = world.cluster.put(POD, {"metadata": {"name": "gateway", "namespace": TEAM}, "spec": _pod(copy)})
    world.later(minutes=11)
    world.step(key)
    assert copy in world.copies()
    world.cluster.remove(pod.key)
    world.step(key)
    assert world.copies() == {}
    assert world.binding() is None


def test_the_binding_stays_while_another_set_has_no_children_yet():
    world = World()
    key = _deserted(world)
    world.make(entry("missing"), name="other")
    world.cluster.collect_garbage()
    assert world.step(key) == Result()
    assert world.binding() is not None


def test_a_deserted_namespace_is_cleaned_up_piece_by_piece():
    world = World()
    world.plugin("gate")
    key = world.make(entry("gate"))
    world.settle(key)
    (gate,) = world.copies()
    world.cluster.remove(key)
    key = _deserted(world)
    world.cluster.edit(Key(SECRET, gate, TEAM), lambda body: body["metadata"].update(ownerReferences=[]))
    world.step(key)
    world.quiet()
    assert not world.step(key).changed
    assert POD not in {kind for _, kind, _ in world.cluster.reads}, "nobody asks for workloads before something is due"
    world.later(minutes=11)
    assert world.step(key) == Result(outcome=Outcome.DEPENDENCY_PENDING, after=30.0, changed=True)
    assert gate not in world.copies()
    assert world.binding() is not None


def test_an_ownerless_document_of_a_deserted_namespace_goes_at_once():
    world = World()
    key = _deserted(world)
    world.cluster.edit(Key(SECRET, "main-resolved", TEAM), lambda body: body["metadata"].update(ownerReferences=[]))
    world.cluster.collect_garbage()
    assert world.step(key) == Result(changed=True)
    assert world.secret("main-resolved") is None
    assert world.binding() is None


def test_a_namespace_that_forbids_the_look_is_tried_again():
    world = World()
    key = _deserted(world)
    world.cluster.fail_with(ApplyForbiddenError("the namespace is being terminated"), on="list_metadata")
    assert world.step(key) == Result(outcome=Outcome.TRANSIENT_ERROR, after=30.0, backoff=True)


def test_a_sweep_finds_namespaces_whose_last_set_went_while_nobody_watched():
    world = World()
    key = _deserted(world)
    world.cluster.collect_garbage()
    world.restart()
    assert world.step(SWEEP).after == world.settings.resync_interval
    (woken,) = world.woken
    assert woken.namespace == key.namespace
    world.step(woken)
    assert world.binding() is None


def test_a_sweep_leaves_namespaces_with_sets_alone():
    world = World()
    world.plugin("audit")
    world.settle(world.make(entry("audit")))
    world.step(SWEEP)
    assert world.woken == []


def test_nothing_is_cleaned_up_before_all_sets_are_known():
    world = World()
    world.plugin("audit")
    key = world.make(entry("audit"))
    world.settle(key)
    world.store = Store()
    world.start()
    world.step(SWEEP)
    assert world.woken == []
    assert world.step(key) == Result()
    assert world.binding() is not None
