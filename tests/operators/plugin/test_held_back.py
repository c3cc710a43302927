"""A set whose resolved document cannot be read holds back what it could need, and nothing else, and is told so."""

import json

import pytest

from mcpg_operator.resources import EVENT, PLUGIN, PLUGIN_SET, SECRET, Key
from supplychain.errors import ApplyForbiddenError, ClusterUnavailableError
from tests.operators.plugin.world import LIBRARY, build_package, operator, secret, spec
from tests.operators.world import body

ID = "dev.mcpg.example.echo"
SET = Key(PLUGIN_SET, "set", "tenant")


def made(*entries, rubbish=b"rubbish", name="set", **settings):
    """A plugin with three superseded artifacts, and a set whose document says nothing that can be read."""
    op = operator(retain_digests=1, **settings)
    op.publish()
    op.apply().settle()
    op.world.cluster.put(PLUGIN_SET, body(name, {"entries": list(entries)}, namespace="tenant"))
    document(op, rubbish, name=name)
    for number in range(4):
        op.publish(build_package(artifact=LIBRARY + bytes([number])))
        op.resync()
    assert count(op) == 5
    return op


def document(op, text, *, name="set"):
    metadata = {"name": f"{name}-resolved", "namespace": "tenant", "annotations": {"mcpg.dev/seal": "x"}}
    op.world.cluster.put(SECRET, secret("set-resolved", {"plugins.json": text}) | {"metadata": metadata})


def entry(plugin_id, name):
    return {"id": plugin_id, "pluginRef": {"name": name}}


def count(op):
    return len(op.secrets("plugin"))


def held(op):
    return op.world.metrics.registry.get_sample_value("mcpg_operator_secrets_held_back")


def told(op):
    found = [one.body for one in op.world.cluster.objects(EVENT) if one.body["reason"] == "SweepHeldBack"]
    return [(one["type"], one["regarding"]["name"], one["note"]) for one in found]


@pytest.mark.parametrize(
    ("entries", "left"),
    [
        pytest.param([entry("dev.example.other", "other")], 2, id="about other plugins"),
        pytest.param([entry(ID, "another")], 5, id="the id"),
        pytest.param([entry("dev.example.other", "echo")], 5, id="the name"),
        pytest.param([entry("dev.example.other", "other"), entry(ID, "echo")], 5, id="both, further down"),
        pytest.param([], 5, id="a spec that cannot be read"),
    ],
)
def test_a_set_holds_back_the_plugins_that_it_is_about(entries, left):
    op = made(*entries)
    op.sweep()
    assert op.errors == []
    assert count(op) == left
    assert (held(op) > 0) is (left == 5)
    assert len(told(op)) == (left == 5)


def test_a_namespace_that_may_not_be_read_stops_nobody_elses_sweep(monkeypatch):
    op = made(entry("dev.example.other", "other"))
    get = op.world.cluster.get

    def barred(kind, name, *, namespace=None):
        if (kind, namespace) == (SECRET, "tenant"):
            raise ApplyForbiddenError("the operator may not `get` `secrets`")
        return get(kind, name, namespace=namespace)

    monkeypatch.setattr(op.world.cluster, "get", barred)
    op.sweep()
    assert count(op) == 2
    op.delete().settle()
    assert count(op) == 0
    assert held(op) == 0
    assert told(op) == []


def test_it_is_told_once_and_again_when_it_comes_back():
    op = made(entry(ID, "echo"))
    op.sweep().sweep()
    assert held(op) == 3
    [(kind, name, note)] = told(op)
    assert (kind, name) == ("Warning", "set")
    assert note.startswith("3 Secrets of plugins stay that nothing else needs: the resolved document cannot be read")
    document(op, b'{"entries": []}')
    op.sweep()
    assert count(op) == 2
    assert held(op) == 0
    document(op, b"rubbish")
    op.publish(build_package(artifact=LIBRARY + b"x"))
    op.resync().sweep()
    assert held(op) == 1
    assert len(told(op)) == 2


def test_a_set_that_vanishes_while_one_looks_holds_nothing_back(monkeypatch):
    op = made(entry(ID, "echo"))
    get = op.world.cluster.get
    monkeypatch.setattr(
        op.world.cluster, "get", lambda kind, name, **more: None if kind == PLUGIN_SET else get(kind, name, **more)
    )
    op.sweep()
    assert count(op) == 2


def test_what_another_document_names_stays_beside_what_is_held_back():
    op = made(entry("dev.example.other", "other"))
    old = [one.name for one in op.secrets("plugin")]
    named = {"artefactSecretName": old[0], "secrets": [{"name": old[1], "sha256": "", "size": 1}]}
    op.world.cluster.put(PLUGIN_SET, body("readable", {"entries": [entry(ID, "echo")]}, namespace="tenant"))
    document(op, json.dumps({"entries": [named]}).encode(), name="readable")
    op.sweep()
    assert {old[0], old[1]} <= {one.name for one in op.secrets("plugin")}
    assert count(op) <= 4
    assert held(op) == 0


def test_an_api_server_that_is_away_postpones_the_whole_sweep(monkeypatch):
    op = made(entry("dev.example.other", "other"))
    get = op.world.cluster.get

    def away(kind, name, *, namespace=None):
        if (kind, namespace) == (SECRET, "tenant"):
            raise ClusterUnavailableError("the API server cannot answer")
        return get(kind, name, namespace=namespace)

    monkeypatch.setattr(op.world.cluster, "get", away)
    op.sweep()
    assert [type(one) for one in op.errors] == [ClusterUnavailableError]
    assert count(op) == 5


def test_shards_that_no_plugin_names_go_although_a_set_cannot_be_read():
    op = made(entry(ID, "echo"))
    labels = {"app.kubernetes.io/managed-by": "mcpg-operator", "app.kubernetes.io/component": "plugin-shard"}
    stray = secret("mcpg-shard-" + "0" * 32, {"shard": b"x"}, type="mcpg.dev/plugin-shard")
    stray["metadata"]["labels"] = labels
    op.world.cluster.put(SECRET, stray)
    op.sweep()
    assert stray["metadata"]["name"] not in {one.name for one in op.secrets("plugin-shard")}
    op.world.cluster.put(SECRET, stray)
    op.world.cluster.edit(SET, lambda found: found.update(spec={"entries": "rubbish"}))
    op.sweep()
    assert stray["metadata"]["name"] in {one.name for one in op.secrets("plugin-shard")}


def test_a_plugin_that_is_gone_is_held_back_by_a_set_that_still_names_it():
    op = made(entry(ID, "echo"))
    op.delete().settle()
    assert count(op) == 5
    op.world.cluster.remove(SET)
    op.sweep()
    assert count(op) == 0
    assert op.world.cluster.get(PLUGIN, "echo") is None
    assert spec()["pluginId"] == ID
