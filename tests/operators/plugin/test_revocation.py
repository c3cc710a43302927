"""Revoked, taken off the list again, and lists that cannot be read."""

from dataclasses import replace

import pytest

from mcpg_operator.ledger import Standing
from mcpg_operator.resources import PLUGIN, REVOCATION_LIST, Key
from supplychain.digest import ArtifactHash
from tests.operators.plugin.world import KEYLESS, LIBRARY, build_package, operator
from tests.operators.world import body

HASH = ArtifactHash.of(LIBRARY)


def ready(name="echo", **settings):
    op = operator(**settings)
    op.publish()
    return op.apply(name, trust=KEYLESS).provenance().settle()


def bad_list(op, *hashes):
    entries = [{"artifactSha256": str(one), "reason": "CVE"} for one in hashes] + [{"artifactSha256": "nonsense", "reason": "x"}]
    op.world.cluster.put(REVOCATION_LIST, body("cluster-default", {"version": 1, "revocations": entries}))
    return op


def test_a_revoked_plugin_leaves_at_once_without_being_judged_or_pulled():
    op = ready()
    requests = len(op.registry.requests)
    op.revoke(HASH).settle()
    assert op.ready() == ("False", "ArtefactRevoked")
    assert op.conditions()["Revoked"] == ("True", "ArtefactRevoked")
    assert op.status()["revokedBySha"] is True
    assert op.status()["resolvedDigest"] == HASH.hex
    assert "artefactSecretName" not in op.status()
    entry = op.entry()
    assert (entry.standing, entry.artifact_hash) == (Standing.REVOKED, HASH)
    assert len(op.registry.requests) == requests
    assert ("Warning", "ArtefactRevoked") in op.world.events()


def test_the_hit_is_counted_once():
    op = ready()
    op.revoke(HASH).settle()
    op.resync().resync()
    (hits,) = [
        one.value
        for one in op.world.metrics.registry.collect()
        if one.name.endswith("revocation_hit")
        for one in one.samples
        if one.name.endswith("_total")
    ]
    assert hits == 1


def test_a_revocation_concerns_nobody_else():
    op = ready()
    library = LIBRARY + b"other"
    op.publish(build_package(artifact=library), "1.2.3-linux-arm64")
    op.apply("other", oci={"image": "registry.example/acme/plugins/echo:1.2.3-linux-arm64"}).settle()
    op.world.writes()
    op.revoke(ArtifactHash.of(library)).settle()
    assert op.ready("other") == ("False", "ArtefactRevoked")
    assert op.ready("echo") == ("True", "Reconciled")
    assert [kind for _, kind in op.world.writes()] == [PLUGIN]


def test_off_the_list_again_it_comes_back_without_a_registry():
    op = ready()
    op.revoke(HASH).settle()
    op.away()
    op.revoke().settle()
    assert op.ready() == ("True", "Reconciled")
    assert op.status()["revokedBySha"] is False
    assert op.library() == LIBRARY


def test_a_revoked_plugin_stays_revoked_over_a_restart_and_comes_back_after_it():
    op = ready()
    op.revoke(HASH).settle()
    op.away()
    op.world.writes()
    again = op.restart()
    assert again.ready() == ("False", "ArtefactRevoked")
    assert again.world.writes() == []
    again.revoke().settle()
    assert again.ready() == ("True", "Reconciled")


def test_what_was_revoked_while_nobody_looked_is_judged_before_all_others_after_the_start():
    op = ready()
    op.apply("other", trust=KEYLESS).settle()
    assert op.reconciler.first == ()
    op.reconciler.close()
    op.revoke(HASH)
    again = replace(op, world=op.world.restarted(), results={}, errors=[], postponed=set())
    assert sorted(again.reconciler.first) == [Key(PLUGIN, "echo"), Key(PLUGIN, "other")]
    again.settle()
    assert again.reconciler.first == ()
    assert again.restart().reconciler.first == (), "its status says so by now"


def test_what_was_revoked_before_it_was_ever_verified_is_pulled_when_it_is_off_the_list():
    op = operator()
    op.revoke(HASH)
    op.publish()
    op.apply().settle()
    assert op.ready() == ("False", "ArtefactRevoked")
    assert op.status()["revokedBySha"] is True
    assert op.secrets() == []
    op.revoke().settle()
    assert op.ready() == ("True", "Reconciled")


def test_a_bad_entry_leaves_the_good_entries_and_the_verified_plugins_in_force():
    op = ready()
    bad_list(op).settle()
    assert op.ready() == ("True", "Reconciled")
    again = op.restart()
    assert again.ready() == ("True", "Reconciled")
    again.resync()
    assert again.conditions()["Revoked"] == ("Unknown", "RevocationListInvalid")
    bad_list(again, HASH).settle()
    assert again.ready() == ("False", "ArtefactRevoked")


def test_a_plugin_that_was_not_verified_stays_out_while_the_list_is_bad():
    op = operator()
    bad_list(op)
    op.publish()
    op.apply().settle()
    assert op.ready() == ("False", "RevocationListInvalid")
    assert "revocations[0]" in op.message("Ready")
    assert op.registry.requests == []
    op.revoke().settle()
    assert op.ready() == ("True", "Reconciled")


def test_a_tag_that_moves_is_not_followed_while_the_list_is_bad():
    op = ready()
    bad_list(op).settle()
    op.publish(build_package(artifact=LIBRARY + b"new"))
    op.resync()
    assert op.library() == LIBRARY
    assert op.conditions()["Fresh"] == ("False", "RevocationListInvalid")
    op.revoke().settle()
    op.resync()
    assert op.conditions()["Fresh"][0] == "True"


def test_a_list_that_is_deleted_lets_nothing_in():
    op = ready()
    op.revoke(HASH).settle()
    op.world.cluster.remove(Key(REVOCATION_LIST, "cluster-default"))
    op.settle()
    op.resync()
    assert op.ready() == ("False", "ArtefactRevoked")


@pytest.mark.parametrize("spec", [None, [], "text", {"revocations": {}}, {"version": 2, "revocations": []}])
def test_a_list_of_any_shape_lets_nothing_new_in(spec):
    op = operator()
    op.world.cluster.put(REVOCATION_LIST, {"metadata": {"name": "cluster-default"}, "spec": spec})
    op.publish()
    op.apply().settle()
    assert op.ready() == ("False", "RevocationListInvalid")
    assert op.secrets() == []
