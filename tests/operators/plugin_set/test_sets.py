"""The controller over a cluster in memory: what a set brings about, and what it says."""

from __future__ import annotations

import hashlib

import pytest

from mcpg_operator.names import MANAGED_BY
from mcpg_operator.render.plugin_set import DOCUMENT_KEY, RESOLVED_HASH
from mcpg_operator.resources import PLUGIN_SET, SECRET, Key
from mcpg_operator.services import Outcome, Result
from supplychain.ed25519 import PublicKey
from tests.operators.plugin_set.world import HOME, KEY, World, entry


def test_a_set_of_verified_plugins_gets_its_binding_its_copies_its_document_and_is_ready():
    world = World()
    audit, gate = world.plugin("audit"), world.plugin("gate", shards=3)
    key = world.make(entry("audit", config={"level": 3}), entry("gate", enforce=False))
    result = world.settle(key)
    assert result == Result(outcome=Outcome.SUCCESS, after=30.0)
    assert world.condition(key) == ("True", "Reconciled")
    assert world.condition(key, "EntriesResolved") == ("True", "Reconciled")
    status = world.status(key)
    assert (status["resolvedEntries"], status["totalEntries"], status.get("failedEntries")) == (2, 2, None)
    binding = world.binding()
    assert binding is not None
    assert binding.body["subjects"] == [{"kind": "ServiceAccount", "name": "mcpg-operator", "namespace": HOME}]
    copies = world.copies()
    assert copies.keys() == {*audit.stored.digests, *gate.stored.digests}
    for name, copy in copies.items():
        source = world.secret(name, HOME)
        assert copy.data() == source.data()
        assert copy.body["type"] == source.body["type"]
        assert copy.body["immutable"] is True
        (owner,) = copy.metadata["ownerReferences"]
        assert (owner["kind"], owner["name"], owner["controller"], owner["blockOwnerDeletion"]) == (
            "MCPGPluginSet",
            "main",
            False,
            False,
        )
        assert owner["apiVersion"] == "mcpg.dev/v1alpha2"
    secret = world.secret("main-resolved")
    text = secret.data()[DOCUMENT_KEY]
    assert secret.annotations[RESOLVED_HASH] == status["resolvedHash"] == hashlib.sha256(text).hexdigest()
    assert secret.labels[RESOLVED_HASH] == status["resolvedHash"][:32]
    assert secret.body["type"] == "mcpg.dev/resolved-set"
    assert world.events() == [("Normal", "Reconciled")]


def test_the_document_says_everything_a_gateway_needs():
    world = World()
    capabilities = ("network_outbound", {"type": "secrets_read", "schemes": ["vault", "aws"]})
    plugin = world.plugin("store", shards=2, capabilities=capabilities, plugin_class="cluster", version="1.0.0+build.7")
    key = world.make(
        entry("store", config={"b": 1, "a": [True]}), capabilityGrants={"dev.example.store": ["secrets_read", "network_outbound"]}
    )
    world.settle(key)
    document = world.document(key)
    (one,) = document["entries"]
    public = PublicKey(raw=KEY, name="store")
    expected_parts = [
        {"name": name, "sha256": digest, "size": sum(map(len, world.secret(name, HOME).data().values()))}
        for name, digest in sorted(plugin.stored.digests.items())
    ]
    assert document["version"] == 1
    assert one == {
        "id": "dev.example.store",
        "pluginName": "store",
        "pluginVersion": "1.0.0+build.7",
        "pluginClass": "cluster",
        "artefactSecretName": plugin.stored.secret,
        "resolvedDigest": plugin.artifact_hash.hex,
        "artifactName": "plugin.so",
        "artifactSize": 16,
        "config": {"a": [True], "b": 1},
        "capabilityGrants": ["network_outbound", {"type": "secrets_read", "schemes": ["vault", "aws"]}],
        "requiredCapabilities": ["network_outbound", {"type": "secrets_read", "schemes": ["vault", "aws"]}],
        "enforce": True,
        "signingKeys": [{"id": public.fingerprint, "pem": public.pem}],
        "secrets": expected_parts,
    }


def test_the_order_of_the_set_is_the_order_of_the_document():
    world = World()
    names = ["zeta", "alpha", "mid"]
    for name in names:
        world.plugin(name)
    key = world.make(*(entry(name) for name in names))
    world.settle(key)
    assert world.ids(key) == [f"dev.example.{name}" for name in names]


def test_a_disabled_entry_counts_as_resolved_and_brings_nothing():
    world = World()
    world.plugin("audit")
    key = world.make(entry("audit"), entry("not-there", enabled=False))
    world.settle(key)
    assert world.condition(key) == ("True", "Reconciled")
    status = world.status(key)
    assert (status["resolvedEntries"], status["totalEntries"]) == (2, 2)
    assert world.ids(key) == ["dev.example.audit"]
    assert world.document(key)["complete"] is True


def test_a_set_of_disabled_entries_has_an_empty_complete_document():
    world = World()
    key = world.make(entry("audit", enabled=False))
    world.settle(key)
    assert world.document(key) == {"version": 1, "entries": [], "complete": True}
    assert world.condition(key) == ("True", "Reconciled")


def test_disabling_an_entry_takes_it_out_although_its_plugin_fails():
    world = World()
    world.plugin("audit")
    key = world.make(entry("audit"))
    world.settle(key)
    world.refuse("audit")
    world.cluster.edit(key, lambda body: body["spec"]["entries"][0].update(enabled=False))
    world.settle(key)
    assert world.ids(key) == []
    assert world.condition(key) == ("True", "Reconciled")


def test_a_requirement_that_is_not_granted_is_a_warning_in_the_condition():
    world = World()
    world.plugin("net", capabilities=("network_outbound", "audit_write"))
    key = world.make(entry("net"), capabilityGrants={"dev.example.net": ["audit_write"]})
    world.settle(key)
    assert world.condition(key) == ("True", "Reconciled")
    message = world.message(key, "EntriesResolved")
    assert "`dev.example.net` requires `network_outbound`, which the set does not grant" in message
    assert "audit_write" not in message


def test_an_idle_pass_writes_nothing_and_reads_no_secret():
    world = World()
    world.plugin("audit", shards=2)
    key = world.make(entry("audit"))
    world.settle(key)
    world.later(seconds=30)
    world.quiet()
    assert not world.step(key).changed
    assert world.cluster.writes == []
    assert {verb for verb, kind, _ in world.cluster.reads if kind == SECRET} == {"list_metadata"}


def test_a_new_configuration_changes_the_document_and_the_hash():
    world = World()
    world.plugin("audit")
    key = world.make(entry("audit", config={"a": 1}))
    world.settle(key)
    before = world.status(key)["resolvedHash"]
    world.cluster.edit(key, lambda body: body["spec"]["entries"][0].update(config={"a": 2}))
    world.settle(key)
    assert world.document(key)["entries"][0]["config"] == {"a": 2}
    assert world.status(key)["resolvedHash"] != before


def test_a_new_version_of_a_plugin_reaches_the_document_with_its_copy():
    world = World()
    world.plugin("audit")
    key = world.make(entry("audit"))
    world.settle(key)
    newer = world.plugin("audit", library=b"another library", version="2.0.0")
    world.settle(key)
    (one,) = world.document(key)["entries"]
    assert (one["resolvedDigest"], one["pluginVersion"]) == (newer.artifact_hash.hex, "2.0.0")
    assert newer.stored.secret in world.copies()


def test_a_set_in_the_operators_namespace_uses_the_sources_and_never_owns_them():
    world = World()
    plugin = world.plugin("audit", shards=1)
    before = {name: world.secret(name, HOME) for name in plugin.stored.digests}
    key = world.make(entry("audit"), namespace=HOME)
    world.settle(key)
    assert world.condition(key) == ("True", "Reconciled")
    assert {name: world.secret(name, HOME) for name in plugin.stored.digests} == before
    assert world.binding(HOME) is None
    assert world.document(key)["entries"][0]["artefactSecretName"] == plugin.stored.secret


def test_a_lost_source_in_the_operators_namespace_is_noticed():
    world = World()
    plugin = world.plugin("audit")
    key = world.make(entry("audit"), namespace=HOME)
    world.settle(key)
    world.cluster.remove(Key(SECRET, plugin.stored.secret, HOME))
    world.later(minutes=2)
    world.settle(key)
    assert world.failed(key) == {"dev.example.audit": "ArtefactSecretMissing"}
    assert world.ids(key) == []


def test_an_installation_that_looks_more_often_looks_at_sets_as_often():
    world = World(resync_interval=2.0)
    world.plugin("audit")
    key = world.make(entry("audit"))
    assert world.settle(key).after == 2.0
    world.cluster.edit(key, lambda body: body["spec"].update(nonsense=1))
    assert world.settle(key).after == 2.0


def test_only_the_watched_namespace_is_served():
    world = World(watch_namespace="team-b")
    world.plugin("audit")
    key = world.make(entry("audit"))
    assert world.queue == []
    assert world.step(key) == Result()
    assert world.copies() == {}
    assert world.status(key) == {}
    watched = world.make(entry("audit"), namespace="team-b")
    assert world.queue == [watched]
    world.settle(watched)
    assert world.condition(watched) == ("True", "Reconciled")


def test_a_set_that_is_being_deleted_is_left_alone():
    world = World()
    world.plugin("audit")
    key = world.make(entry("audit"))
    world.cluster.edit(key, lambda body: body["metadata"].update(finalizers=["someone/else"]))
    world.cluster.delete(PLUGIN_SET, key.name, namespace=key.namespace)
    assert world.step(key) == Result()
    assert world.copies() == {}


def test_a_key_without_a_namespace_is_nothing():
    assert World().step(Key(PLUGIN_SET, "main")) == Result()


@pytest.mark.parametrize(
    ("set_name", "version", "plugin_id"),
    [
        pytest.param("s" * 253, "1.0.0+" + "b" * 200, "dev." + "p" * 196, id="longest"),
        pytest.param("a.b-c." + "d" * 240, "1.0.0-rc.1+ü", "a." + "9_-" * 60, id="strangest"),
    ],
)
def test_the_longest_and_strangest_names_make_valid_objects(set_name: str, version: str, plugin_id: str):
    world = World()
    world.plugin("p" * 253, plugin_id=plugin_id, version=version, shards=1)
    key = world.make(entry("p" * 253, plugin_id), name=set_name)
    world.settle(key)
    assert world.condition(key) == ("True", "Reconciled")
    copies = [one for one in world.copies().values() if one.body["type"] == "mcpg.dev/plugin"]
    assert [one.annotations["mcpg.dev/version"] for one in copies] == [version]
    assert [one.annotations["mcpg.dev/plugin"] for one in copies] == [plugin_id]
    assert all(one.labels[MANAGED_BY] == "mcpg-operator" for one in world.copies().values())


def test_a_shard_bears_no_plugins_name_because_plugins_may_share_it():
    world = World()
    world.plugin("audit", shards=1)
    key = world.make(entry("audit"))
    world.settle(key)
    (shard,) = [one for one in world.copies().values() if one.body["type"] == "mcpg.dev/plugin-shard"]
    assert "mcpg.dev/plugin" not in shard.labels
    assert "mcpg.dev/plugin" not in shard.annotations
