"""The stored Secrets: edited, deleted, taken by others, superseded and swept."""

import json

import pytest

from mcpg_operator.controllers.plugin import HOUSEKEEPING
from mcpg_operator.keeping import KeptSource
from mcpg_operator.ledger import Standing
from mcpg_operator.resources import PLUGIN_SET, SECRET, Key
from supplychain.artifact import Platform
from supplychain.digest import ArtifactHash
from supplychain.errors import DeliveryInvalidError, ShardMismatchError, ShardMissingError
from supplychain.spool import Spool
from tests.operators.plugin.world import KEYLESS, LIBRARY, big_library, build_package, operator, secret
from tests.operators.world import NAMESPACE, body


def ready(library=LIBRARY, **settings):
    op = operator(**settings)
    op.publish(build_package(artifact=library))
    return op.apply().settle()


def names(op, kind):
    return sorted(one.name for one in op.secrets(kind))


def key_of(name):
    return Key(SECRET, name, NAMESPACE)


@pytest.mark.parametrize("kind", ["plugin", "plugin-shard", "plugin-evidence"])
def test_a_secret_that_is_deleted_comes_back_with_the_same_bytes_and_no_registry(kind):
    op = ready(big_library())
    before = {one.name: one.data() for one in op.secrets()}
    op.away()
    for name in names(op, kind):
        op.world.cluster.remove(key_of(name))
        op.resync()
        assert {one.name: one.data() for one in op.secrets()} == before
        assert op.ready() == ("True", "Reconciled")


@pytest.mark.parametrize("kind", ["plugin", "plugin-shard", "plugin-evidence"])
def test_a_secret_that_is_edited_by_hand_is_put_right(kind):
    op = ready(big_library())
    before = {one.name: one.data() for one in op.secrets()}
    op.away()
    for name in names(op, kind):
        op.world.cluster.edit(key_of(name), lambda found: found.update(data={"plugin.so": "ZXZpbA=="}))
        op.resync()
        assert {one.name: one.data() for one in op.secrets()} == before


def test_one_secret_that_was_replaced_by_another_with_the_same_name_is_put_right():
    op = ready()
    (name,) = names(op, "plugin")
    op.world.cluster.remove(key_of(name))
    op.world.cluster.put(
        SECRET, secret(name, {"plugin.so": b"evil"}, metadata={"labels": {"app.kubernetes.io/managed-by": "mcpg-operator"}})
    )
    op.resync()
    assert op.library() == LIBRARY
    assert op.ready() == ("True", "Reconciled")


def test_bytes_that_are_gone_after_a_restart_are_pulled_again():
    op = ready()
    for one in op.secrets("plugin"):
        op.world.cluster.remove(one.key)
    again = op.restart()
    assert again.ready() == ("True", "Reconciled")
    assert again.library() == LIBRARY


def test_bytes_that_are_gone_for_good_are_no_reason_to_believe_a_status():
    op = ready()
    for one in op.secrets("plugin"):
        op.world.cluster.remove(one.key)
    op.away()
    again = op.restart()
    assert again.ready() == ("False", "PullFailed")
    assert "artefactSecretName" not in again.status()
    op.back()
    again.resync()
    assert again.ready() == ("True", "Reconciled")


def test_a_shard_of_a_neighbour_that_is_gone_is_found_although_the_library_is_at_hand():
    op = operator()
    op.publish(build_package(artifact=big_library()))
    op.apply("one").apply("two").settle()
    gone = op.status("two")["artefactSecretName"]
    op.world.cluster.remove(key_of(gone))
    again = op.restart()
    assert again.ready("two") == ("True", "Reconciled")
    assert again.library("two") == big_library()


def test_bytes_that_are_lost_with_the_registry_away_are_told():
    op = ready()
    op.away()
    op.reconciler.keeper.shelf.close()
    for one in op.secrets("plugin"):
        op.world.cluster.remove(one.key)
    op.resync()
    assert op.ready() == ("False", "MaterialiseFailed")
    assert op.conditions()["Verified"] == ("True", "Reconciled")
    op.back()
    op.resync()
    assert op.ready() == ("True", "Reconciled")
    assert op.library() == LIBRARY


@pytest.mark.parametrize(
    "data",
    [{}, {"evidence.json.zst": b"rubbish", "size": b"12"}, {"evidence.json.zst": b"", "size": b"99999999999"}, {"x": b"y"}],
)
def test_evidence_that_is_rubbish_is_no_evidence(data):
    op = ready()
    op.world.cluster.edit(key_of("mcpg-evidence-echo"), lambda found: found.update(data=secret("x", data)["data"]))
    op.away()
    again = op.restart()
    assert again.ready() == ("False", "PullFailed")
    op.back()
    again.resync()
    assert again.ready() == ("True", "Reconciled")
    assert again.restart().ready() == ("True", "Reconciled")


def test_evidence_about_other_bytes_than_those_that_are_stored_is_refused():
    op = ready()
    other = ready(LIBRARY + b"other")
    theirs = other.world.cluster.get(SECRET, "mcpg-evidence-echo", namespace=NAMESPACE)
    op.world.cluster.edit(key_of("mcpg-evidence-echo"), lambda found: found.update(data=theirs.body["data"]))
    again = op.restart()
    assert again.library() == LIBRARY
    assert again.status()["resolvedDigest"] == ArtifactHash.of(LIBRARY).hex


@pytest.mark.parametrize("kind", ["plugin", "plugin-evidence"])
def test_a_secret_of_somebody_else_with_our_name_is_left_alone_and_told(kind):
    probe = ready()
    (name,) = names(probe, kind)
    op = operator()
    op.publish()
    op.world.cluster.put(SECRET, secret(name, {"theirs": b"precious"}))
    op.apply().settle()
    assert op.ready() == ("False", "NameConflict")
    assert op.data(name) == {"theirs": b"precious"}
    op.world.cluster.remove(key_of(name))
    op.resync()
    assert op.ready() == ("True", "Reconciled")


def test_stored_bytes_that_nobody_touched_are_not_read_again():
    op = ready(big_library())
    op.resync()
    op.world.cluster.reads.clear()
    op.resync()
    assert [one for one in op.world.cluster.reads if one[0] == "get" and one[1] == SECRET] == []


# --- sweeping


def test_the_secrets_of_a_plugin_that_is_gone_go_and_those_of_others_stay():
    op = operator()
    op.publish(build_package(artifact=big_library()))
    op.apply("one").apply("two").settle()
    shards = names(op, "plugin-shard")
    op.delete("one").settle()
    assert names(op, "plugin-evidence") == ["mcpg-evidence-two"]
    assert [one.annotations["mcpg.dev/plugin-object"] for one in op.secrets("plugin")] == ["two"]
    assert names(op, "plugin-shard") == shards
    op.delete("two").settle()
    assert op.secrets() == []


def test_what_was_deleted_while_no_operator_ran_is_swept_after_the_start():
    op = ready()
    op.reconciler.close()
    op.delete()
    again = op.restart()
    again.sweep()
    assert again.secrets() == []


def test_a_plugin_that_was_not_judged_yet_loses_nothing():
    op = ready()
    op.reconciler.close()
    op.held = True
    op.world.store._synced.clear()
    fresh = op.restart()
    fresh.world.ledger.drop("echo")
    fresh.sweep()
    assert len(fresh.secrets()) == 3


def test_superseded_bytes_of_a_plugin_that_was_not_judged_yet_all_stay():
    op = ready(retain_digests=0)
    for number in range(3):
        op.publish(build_package(artifact=LIBRARY + bytes([number])))
        op.resync()
    op.world.ledger.drop("echo")
    op.world.woken.clear()
    op.reconciler.reconcile(HOUSEKEEPING[0])
    assert len(op.secrets("plugin")) == 4
    op.resync()
    op.sweep()
    assert len(op.secrets("plugin")) == 1


def test_superseded_bytes_are_kept_up_to_the_number_of_the_settings():
    op = ready(retain_digests=1)
    for number in range(4):
        op.publish(build_package(artifact=LIBRARY + bytes([number])))
        op.resync()
    assert len(op.secrets("plugin")) == 5
    op.sweep()
    assert len(op.secrets("plugin")) == 2
    assert op.status()["artefactSecretName"] in names(op, "plugin")
    assert op.library() == LIBRARY + bytes([3])


def test_what_a_resolved_set_names_is_never_swept():
    op = ready(retain_digests=1)
    old = op.status()["artefactSecretName"]
    named = {"artefactSecretName": old, "secrets": [{"name": old, "sha256": "", "size": 1}]}
    document = b'{"entries": [' + json.dumps(named).encode() + b"]}"
    op.world.cluster.put(PLUGIN_SET, body("set", {}, namespace="tenant"))
    op.world.cluster.put(SECRET, resolved(document))
    for number in range(4):
        op.publish(build_package(artifact=LIBRARY + bytes([number])))
        op.resync()
    op.sweep()
    assert old in names(op, "plugin")
    op.delete().settle()
    assert names(op, "plugin") == [old]


def resolved(document, *, ours=True):
    """The resolved document of a set, or what somebody else keeps under its name."""
    metadata = {"name": "set-resolved", "namespace": "tenant", "annotations": {"mcpg.dev/seal": "x"} if ours else {}}
    return secret("set-resolved", {"plugins.json": document}) | {"metadata": metadata}


@pytest.mark.parametrize("ours", [True, False])
@pytest.mark.parametrize("document", [b"rubbish", b"[" * 100_000, b"{}", b'{"entries": 7}', b'{"entries": [{"secrets": [[]]}]}'])
def test_nothing_superseded_goes_while_a_resolved_document_of_ours_cannot_be_read(document, ours):
    op = ready(retain_digests=1)
    op.world.cluster.put(PLUGIN_SET, body("set", {}, namespace="tenant"))
    op.world.cluster.put(SECRET, resolved(document, ours=ours))
    for number in range(4):
        op.publish(build_package(artifact=LIBRARY + bytes([number])))
        op.resync()
    op.sweep()
    assert op.errors == []
    assert len(op.secrets("plugin")) == (5 if ours else 2)


def test_shards_that_a_crash_left_behind_are_swept():
    op = ready(big_library())
    stray = secret("mcpg-shard-" + "0" * 32, {"shard": b"x"}, type="mcpg.dev/plugin-shard")
    stray["metadata"]["labels"] = {"app.kubernetes.io/managed-by": "mcpg-operator", "app.kubernetes.io/component": "plugin-shard"}
    op.world.cluster.put(SECRET, stray)
    shards = names(op, "plugin-shard")
    op.sweep()
    assert len(names(op, "plugin-shard")) == len(shards) - 1
    assert op.library() == big_library()


def test_secrets_of_others_are_never_swept():
    op = ready()
    op.world.cluster.put(SECRET, secret("theirs", {"x": b"y"}, type="mcpg.dev/plugin"))
    op.delete().settle()
    assert [one.name for one in op.secrets()] == ["theirs"]


def test_a_refused_plugin_keeps_the_bytes_that_its_evidence_speaks_of():
    op = ready(retain_digests=0)
    op.apply(trust={"cosignIdentity": {**KEYLESS["cosignIdentity"], "oidcIssuer": "https://nobody.example"}}).settle()
    assert op.ready() == ("False", "VerificationFailed")
    op.sweep()
    assert len(op.secrets()) == 3


def test_somebody_who_creates_the_same_secret_at_the_same_time_does_no_harm(monkeypatch):
    op = operator()
    op.publish()
    create = op.world.cluster.create
    raced = []

    def overtaken(manifest):
        if manifest["kind"] == "Secret" and manifest["metadata"]["name"] not in raced:
            raced.append(manifest["metadata"]["name"])
            create(manifest)
        return create(manifest)

    monkeypatch.setattr(op.world.cluster, "create", overtaken)
    op.apply().settle()
    assert op.ready() == ("True", "Reconciled")
    assert len(op.secrets()) == len(raced) == 3


def test_an_api_server_that_stores_other_bytes_than_were_written_is_found_out(monkeypatch):
    op = operator()
    op.publish()
    create = op.world.cluster.create

    def spoiled(manifest):
        if manifest.get("type") == "mcpg.dev/plugin":
            manifest = {**manifest, "data": {**manifest["data"], "plugin.sig": "AAAA"}}
        return create(manifest)

    monkeypatch.setattr(op.world.cluster, "create", spoiled)
    op.apply().settle()
    assert op.ready() == ("False", "MaterialiseFailed")
    assert op.entry().standing is not Standing.VERIFIED


def test_an_evidence_secret_with_more_keys_or_fixed_for_ever_is_written_anew():
    op = ready()
    before = op.data("mcpg-evidence-echo")
    for change in ({"immutable": True, "data": {}}, {"data": {"more": "AA=="}}, {"type": "Opaque"}):
        op.world.cluster.edit(key_of("mcpg-evidence-echo"), lambda found, change=change: found.update(change))
        op.resync()
        assert op.data("mcpg-evidence-echo") == before
        op.world.cluster.edit(key_of("mcpg-evidence-echo"), lambda found: found.pop("immutable", None))


def test_a_store_that_begins_while_a_sweep_runs_keeps_its_shards():
    op = ready(big_library())
    keeper = op.reconciler.keeper
    (shard, *_) = op.secrets("plugin-shard")
    keeper.writers.begin_sweep()
    with keeper.writers.writing(shard.name):
        assert not keeper.delete_unless_written(shard.name, uid=shard.uid)
    assert not keeper.delete_unless_written(shard.name, uid=shard.uid)
    with keeper.writers.writing(shard.name):
        keeper.writers.begin_sweep()  # its listing may show the shard, and not yet what is to refer to it
    assert not keeper.delete_unless_written(shard.name, uid=shard.uid)
    keeper.writers.begin_sweep()
    assert not keeper.delete_unless_written(shard.name, uid="another")
    assert keeper.delete_unless_written(shard.name, uid=shard.uid)


def test_bytes_that_the_ledger_names_stay_even_without_evidence():
    op = ready(retain_digests=0)
    op.world.cluster.remove(key_of("mcpg-evidence-echo"))
    op.sweep()
    assert names(op, "plugin") == [op.status()["artefactSecretName"]]


def test_shards_that_the_ledger_names_stay_even_where_nothing_stored_names_them():
    op = ready(big_library())
    before = names(op, "plugin-shard")
    for one in (*op.secrets("plugin"), *op.secrets("plugin-evidence")):
        op.world.cluster.remove(one.key)
    op.reconciler._sweeper.sweep()
    assert names(op, "plugin-shard") == before


def test_a_payload_that_is_not_what_was_stored_is_refused():
    op = ready()
    kept = op.reconciler.keeper.load("echo")
    assert kept is not None
    (name,) = names(op, "plugin")
    assert op.reconciler.keeper.payload(kept.stored, name)["plugin.so"] == LIBRARY
    op.world.cluster.edit(key_of(name), lambda found: found.update(data={**found["data"], "plugin.sig": "AAAA"}))
    with pytest.raises(ShardMismatchError):
        op.reconciler.keeper.payload(kept.stored, name)
    op.world.cluster.remove(key_of(name))
    with pytest.raises(ShardMissingError):
        op.reconciler.keeper.payload(kept.stored, name)


def test_a_library_that_is_another_one_than_the_evidence_says_is_refused():
    op = ready()
    kept = op.reconciler.keeper.load("echo")
    assert kept is not None
    source = KeptSource(kept=kept, proof=lambda _: None, library=lambda: Spool.of(b"another"), tag=None)
    with pytest.raises(DeliveryInvalidError, match="another library"):
        source.pull(platform=Platform())
