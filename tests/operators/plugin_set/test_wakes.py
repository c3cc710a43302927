"""What wakes a set, and how much it costs that nothing does."""

from __future__ import annotations

from typing import Any

import pytest

from mcpg_operator.controllers.plugin_set.references import ReverseIndex, named_plugins, used_secrets
from mcpg_operator.controllers.plugin_set.sources import Sources
from mcpg_operator.ledger import Standing
from mcpg_operator.resources import DEPLOYMENT, PLUGIN, PLUGIN_SET, POD, REPLICA_SET, REVOCATION_LIST, SECRET, Key, Resource
from supplychain.digest import ArtifactHash
from tests.operators.plugin_set.world import HOME, TEAM, World, entry

FIRST, SECOND = Key(PLUGIN_SET, "first", TEAM), Key(PLUGIN_SET, "second", TEAM)


def _world(**changes: Any) -> tuple[World, Key]:
    world = World(**changes)
    world.plugin("audit")
    key = world.make(entry("audit"))
    world.settle(key)
    world.queue.clear()
    world.woken.clear()
    return world, key


def test_a_set_is_woken_by_its_spec_and_not_by_its_status():
    world, key = _world()
    world.cluster.edit(key, lambda body: body["status"].update(resolvedEntries=0))
    assert world.queue == []
    world.cluster.edit(key, lambda body: body["spec"]["entries"][0].update(enforce=False))
    assert world.queue == [key]


def test_a_set_is_woken_when_it_is_deleted():
    world, key = _world()
    world.cluster.delete(PLUGIN_SET, key.name, namespace=key.namespace)
    assert world.queue == [key]


def test_a_set_is_woken_by_plugins_that_come_and_go_and_not_by_what_they_say():
    world, key = _world()
    world.cluster.edit(Key(PLUGIN, "audit"), lambda body: body.update(status={"ready": True}))
    assert world.queue == []
    world.cluster.remove(Key(PLUGIN, "audit"))
    assert world.queue == [key]
    world.cluster.put(PLUGIN, {"metadata": {"name": "audit"}, "spec": {}})
    assert world.queue == [key, key]
    world.cluster.put(PLUGIN, {"metadata": {"name": "unrelated"}, "spec": {}})
    assert world.queue == [key, key]


def test_a_set_is_woken_by_a_plugin_that_was_made_anew():
    world, key = _world()
    old = next(one for one in world.cluster.objects(PLUGIN) if one.name == "audit")
    world.store.put(Resource(PLUGIN, {**old.body, "metadata": {**old.metadata, "uid": "new", "resourceVersion": "x"}}))
    assert world.queue == [key]


def test_a_set_is_woken_by_the_standing_of_its_plugins_alone():
    world, key = _world()
    world.plugin("unrelated")
    assert world.woken == []
    world.refuse("audit")
    assert world.woken == [key]


def test_a_set_whose_plugin_is_revoked_is_urgent_and_one_whose_plugin_is_refused_is_not():
    urged: list[Key] = []
    world, key = _world(hurry=urged.append)
    world.judge("audit", standing=Standing.REVOKED, reason="ArtefactRevoked", message="revoked", stored=None)
    assert (urged, [one for one in world.woken if one == key]) == ([key], [])
    world.refuse("audit")
    assert (urged, [one for one in world.woken if one == key]) == ([key], [key])


def test_what_the_list_says_is_urgent_for_sets():
    world, _ = _world()
    assert [one.kind for one in world.sets.watches if getattr(one, "urgent", False)] == [REVOCATION_LIST]


def test_the_plugins_that_a_set_names_no_longer_leave_it_alone():
    world, key = _world()
    world.plugin("gate")
    world.cluster.edit(key, lambda body: body["spec"].update(entries=[entry("gate")]))
    world.settle(key)
    world.woken.clear()
    world.refuse("audit")
    assert world.woken == []
    world.refuse("gate")
    assert world.woken == [key]


def test_a_set_that_is_gone_is_woken_by_no_plugin():
    world, key = _world()
    world.cluster.delete(PLUGIN_SET, key.name, namespace=key.namespace)
    world.step(key)
    world.refuse("audit")
    assert world.woken == []


def test_sets_are_woken_by_the_list_that_counts_when_it_says_something_else():
    world, key = _world()
    world.revoke(ArtifactHash.of(b"x"))
    assert world.queue == [key]
    world.cluster.edit(Key(REVOCATION_LIST, "cluster-default"), lambda body: body.update(status={"a": 1}))
    assert world.queue == [key]
    world.cluster.put(REVOCATION_LIST, {"metadata": {"name": "another"}, "spec": {}})
    assert world.queue == [key]
    world.cluster.remove(Key(REVOCATION_LIST, "cluster-default"))
    assert world.queue == [key, key]


def test_sets_of_other_namespaces_are_not_woken_by_the_list():
    world = World(watch_namespace="team-b")
    world.make(entry("audit"))
    mine = world.make(entry("audit"), namespace="team-b")
    world.queue.clear()
    world.revoke(ArtifactHash.of(b"x"))
    assert world.queue == [mine]


# --- the index ---------------------------------------------------------------------------------------------------------------


def test_the_index_knows_what_is_named_and_what_is_held():
    index = ReverseIndex()
    index.name(FIRST, ["a", "b"])
    index.name(SECOND, ["b"])
    index.hold(FIRST, ["c"])
    assert {name: index.sets(name) for name in "abcd"} == {"a": (FIRST,), "b": (FIRST, SECOND), "c": (FIRST,), "d": ()}
    index.hold(FIRST, ["a"])
    index.name(FIRST, [])
    assert {name: index.sets(name) for name in "abc"} == {"a": (FIRST,), "b": (SECOND,), "c": ()}
    index.hold(FIRST, [])
    assert index.sets("a") == ()


@pytest.mark.parametrize(
    "spec",
    [
        None,
        [],
        {"entries": None},
        {"entries": [None, {"pluginRef": None}, {"pluginRef": {"name": 7}}, {"pluginRef": {"name": "a"}}]},
    ],
)
def test_the_plugins_of_a_set_are_read_from_whatever_is_there(spec: Any):
    found = named_plugins(Resource(PLUGIN_SET, {"metadata": {"name": "x"}, "spec": spec}))
    assert found == (("a",) if isinstance(spec, dict) and spec["entries"] else ())


@pytest.mark.parametrize(
    ("workload", "used"),
    [
        pytest.param(Resource(POD, {}), set(), id="no spec"),
        pytest.param(
            Resource(POD, {"spec": {"volumes": [None, {}, {"secret": None}, {"secret": {"secretName": 1}}]}}), set(), id="odd"
        ),
        pytest.param(Resource(POD, {"spec": {"volumes": [{"projected": {"sources": None}}]}}), set(), id="odd projection"),
        pytest.param(Resource(POD, {"spec": {"volumes": {"secret": {}}}}), set(), id="volumes that are no list"),
        pytest.param(Resource(POD, {"spec": {"volumes": [{"secret": {"secretName": "a"}}]}}), {"a"}, id="pod"),
        pytest.param(Resource(DEPLOYMENT, {"spec": {"template": {}}}), set(), id="empty Deployment"),
        pytest.param(
            Resource(
                REPLICA_SET, {"spec": {"replicas": 0, "template": {"spec": {"volumes": [{"secret": {"secretName": "a"}}]}}}}
            ),
            set(),
            id="ReplicaSet at zero",
        ),
        pytest.param(
            Resource(
                REPLICA_SET,
                {
                    "spec": {"replicas": 0, "template": {"spec": {"volumes": [{"secret": {"secretName": "a"}}]}}},
                    "status": {"replicas": 1},
                },
            ),
            {"a"},
            id="ReplicaSet that still has a pod",
        ),
        pytest.param(
            Resource(REPLICA_SET, {"spec": {"template": {"spec": {"volumes": [{"secret": {"secretName": "a"}}]}}}}),
            {"a"},
            id="ReplicaSet that does not say how many",
        ),
        pytest.param(
            Resource(SECRET, {"spec": {"template": {"spec": {"volumes": [{"secret": {"secretName": "a"}}]}}}}), set(), id="none"
        ),
    ],
)
def test_the_secrets_of_a_workload(workload: Resource, used: set[str]):
    assert used_secrets([workload]) == used


# --- cost --------------------------------------------------------------------------------------------------------------------


def test_idle_sets_of_fifty_plugins_read_no_secret_and_write_nothing():
    world = World()
    plugins = [f"p{number}" for number in range(50)]
    for name in plugins:
        world.plugin(name)
    keys = [world.make(*map(entry, plugins), name=f"s{number}", namespace=f"team-{number}") for number in range(8)]
    for key in keys:
        world.step(key)
    world.later(minutes=2)
    world.quiet()
    assert not any(world.step(key).changed for key in keys)
    assert world.cluster.writes == []
    assert {(verb, kind.name) for verb, kind, _ in world.cluster.reads} == {("get", "RoleBinding"), ("list_metadata", "Secret")}
    per_set = len([one for one in world.cluster.reads if one[2] != HOME]) / len(keys)
    assert per_set == 2
    assert len([one for one in world.cluster.reads if one[2] == HOME]) == 2, "one look at the sources serves all sets"


def test_a_source_that_is_newer_than_the_last_look_is_read_once():
    world, key = _world()
    world.step(key)
    name = world.plugin("audit", library=b"a newer library").stored.secret
    world.step(key)
    world.quiet()
    world.step(key)
    assert name not in {what for _, _, what in world.cluster.reads}


def test_what_is_known_of_sources_that_are_gone_is_forgotten():
    world = World()
    sources = Sources(world.services)
    digests = {**world.plugin("gate").stored.digests, **world.plugin("audit").stored.digests}
    first, second = digests
    assert all(sources.size(name, digest) for name, digest in digests.items())
    world.cluster.remove(Key(SECRET, first, HOME))
    world.later(minutes=2)
    assert sources.size(second, digests[second])
    assert sources._seen.keys() == {second}
    assert sources.size(first, digests[first]) is None


def test_nothing_is_remembered_of_a_set_that_is_gone():
    world, key = _world()
    labels = {"kind": "MCPGPluginSet", "namespace": TEAM, "name": "main", "type": "Ready"}
    assert world.metrics.registry.get_sample_value("mcpg_operator_condition", labels) == 1
    world.cluster.delete(PLUGIN_SET, key.name, namespace=key.namespace)
    world.step(key)
    assert world.metrics.registry.get_sample_value("mcpg_operator_condition", labels) is None
    assert world.sets._memory == {}


def test_sources_are_read_once_for_all_sets():
    world = World()
    name = world.plugin("audit").stored.secret
    keys = [world.make(entry("audit"), namespace=f"team-{number}") for number in range(5)]
    for key in keys:
        world.settle(key)
    sizes = [what for verb, kind, what in world.cluster.reads if (verb, what) == ("get", name)]
    # One look to judge the source, and one for each copy that is made of it.
    assert len(sizes) == 1 + len(keys)
