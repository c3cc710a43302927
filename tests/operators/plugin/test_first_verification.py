"""From a new MCPGPlugin to verified bytes in a Secret, and everything that keeps one out."""

import httpx
import pytest

from mcpg_operator.ledger import Standing
from mcpg_operator.resources import PLUGIN, REVOCATION_LIST, SECRET, Key
from mcpg_operator.services import Outcome
from supplychain.digest import ArtifactHash
from supplychain.limits import Limits
from tests.operators.plugin.world import (
    HOST,
    KEYLESS,
    LIBRARY,
    PACKAGE,
    REPOSITORY,
    TAG,
    big_library,
    build_descriptor,
    build_package,
    docker_config,
    operator,
    secret,
)
from tests.operators.world import body
from tests.support import scenario
from tests.support.builders import public_key

HASH = ArtifactHash.of(LIBRARY)


def outcome(op, name="echo"):
    return op.results[Key(PLUGIN, name)].outcome


def test_a_good_plugin_becomes_ready_with_every_layer_true_and_one_status_write():
    op = operator()
    digest = op.publish()
    op.apply(trust=KEYLESS).provenance().settle()
    assert set(op.conditions().values()) == {("True", "Reconciled"), ("False", "Reconciled")}
    assert list(op.conditions()) == ["Pulled", "Verified", "Revoked", "Fresh", "Ready"]
    status = op.status()
    assert (status["resolvedDigest"], status["manifestDigest"]) == (HASH.hex, str(digest))
    assert [status[name] for name in ("signatureValid", "cosignVerified", "slsaVerified", "revokedBySha")] == [
        True,
        True,
        True,
        False,
    ]
    assert op.library() == LIBRARY
    assert [verb for verb, kind in op.world.writes() if kind == PLUGIN] == ["apply", "apply_status"]
    assert op.world.events() == [("Normal", "Pulled")]
    assert outcome(op) is Outcome.SUCCESS


def test_the_ledger_says_what_was_proven_and_where_the_bytes_lie():
    op = operator()
    op.publish()
    op.apply().settle()
    entry = op.entry()
    assert (entry.standing, entry.generation, entry.artifact_hash) == (Standing.VERIFIED, 1, HASH)
    assert (entry.plugin_id, entry.version, entry.plugin_class) == ("dev.mcpg.example.echo", "1.2.3", "tool_gate")
    assert entry.package.signature is not None
    assert entry.stored.secret == op.status()["artefactSecretName"]
    assert len(entry.keys) == 1


def test_layers_that_are_not_configured_leave_no_field():
    op = operator()
    op.publish()
    op.apply().settle()
    assert not {"cosignVerified", "slsaVerified"} & set(op.status())


def test_without_a_keyless_layer_no_trust_root_is_asked_for():
    op = operator()
    op.publish()
    op.apply().settle()
    op.resync().refresh_trust()
    assert op.roots == 0
    assert op.ready() == ("True", "Reconciled")


def test_the_stored_secret_is_immutable_and_owned_by_nobody():
    op = operator()
    op.publish()
    op.apply().settle()
    (stored,) = op.secrets("plugin")
    assert stored.body["immutable"] is True
    assert {"ownerReferences", "finalizers"} & set(stored.metadata) == set()
    assert stored.annotations["mcpg.dev/plugin-object"] == "echo"
    assert sorted(stored.data() or ()) == ["plugin.sig", "plugin.so", "plugin.yaml"]


@pytest.mark.parametrize(
    ("package", "reason", "field"),
    [
        (build_package(artifact=LIBRARY, signature=b"0" * 64), "SignatureInvalid", False),
        (build_package(artifact=LIBRARY, signature=None), "SignatureMissing", False),
        (build_package(artifact=LIBRARY, descriptor=build_descriptor(id="dev.mcpg.example.other")), "PluginIdMismatch", None),
        (build_package(artifact=LIBRARY, descriptor=build_descriptor(**{"class": "audit_sink"})), "PluginClassMismatch", None),
    ],
)
def test_a_bad_package_is_refused_with_its_own_reason_and_nothing_is_stored(package, reason, field):
    op = operator()
    op.publish(package)
    op.apply().settle()
    assert op.conditions()["Verified"] == ("False", reason)
    assert op.ready() == ("False", "VerificationFailed")
    assert op.status().get("signatureValid") is field
    assert op.secrets() == []
    assert "artefactSecretName" not in op.status()
    assert "resolvedDigest" not in op.status()
    assert op.world.events() == [("Warning", "TrustGateFailed")]
    assert op.entry().standing is Standing.REFUSED
    assert outcome(op) is Outcome.PERMANENT_ERROR


def test_a_package_that_is_no_zip_was_not_pulled():
    op = operator()
    op.publish(b"no zip at all")
    op.apply().settle()
    assert op.conditions()["Pulled"] == ("False", "ArchiveInvalid")
    assert op.ready() == ("False", "PullFailed")
    assert op.conditions()["Verified"][0] == "Unknown"


def test_a_version_that_contradicts_the_tag_is_refused():
    op = operator()
    op.publish()
    op.apply(version="1.2.4").settle()
    assert op.conditions()["Verified"] == ("False", "VersionMismatch")


def test_a_plugin_without_the_signature_that_it_wants_is_refused_and_says_which_layer():
    op = operator()
    op.publish(signed=False)
    op.apply(trust={"cosignIdentity": KEYLESS["cosignIdentity"]}).settle()
    status = op.status()
    assert op.conditions()["Verified"] == ("False", "CosignSignatureMissing")
    assert (status["signatureValid"], status["cosignVerified"]) == (True, False)
    assert "slsaVerified" not in status
    assert op.secrets() == []


def test_bad_provenance_leaves_the_layers_before_it_true():
    op = operator()
    op.publish()
    op.provenance(scenario.provenance_bundle(ArtifactHash.of(b"another")))
    op.apply(trust=KEYLESS).settle()
    status = op.status()
    assert (status["signatureValid"], status["cosignVerified"], status["slsaVerified"]) == (True, True, False)
    assert op.ready() == ("False", "VerificationFailed")


def test_the_message_names_both_sides_and_the_place_and_stays_short():
    op = operator()
    op.publish()
    op.apply(pluginId="dev.mcpg.example.other").settle()
    message = op.message("Ready")
    assert "`dev.mcpg.example.other`" in message
    assert "`dev.mcpg.example.echo`" in message
    assert len(message) <= 1024


def test_a_registry_that_refuses_is_told_apart_from_one_that_is_away():
    op = operator()
    op.publish()
    op.registry.users = {"u": "hunter2"}
    op.apply().settle()
    assert op.conditions()["Pulled"] == ("False", "RegistryAuthFailed")
    assert op.ready() == ("False", "PullFailed")
    assert op.world.events() == [("Warning", "PullFailed")]
    assert outcome(op) is Outcome.TRANSIENT_ERROR


def test_a_pull_secret_is_used_and_its_change_wakes_the_plugin():
    op = operator()
    op.publish()
    op.registry.users = {"u": "hunter2"}
    op.world.cluster.put(SECRET, secret("pull", {".dockerconfigjson": docker_config(HOST, password="wrong")}))
    op.apply(oci={"pullSecretRef": {"name": "pull"}}).settle()
    assert op.ready() == ("False", "PullFailed")
    op.world.cluster.put(SECRET, secret("pull", {".dockerconfigjson": docker_config(HOST)}))
    op.settle()
    assert op.ready() == ("True", "Reconciled")
    everything = repr([one.body for one in (*op.world.cluster.objects(PLUGIN), *op.world.cluster.objects(SECRET))])
    assert "hunter2" not in everything


def test_a_missing_pull_secret_is_never_an_anonymous_pull():
    op = operator()
    op.publish()
    op.apply(oci={"pullSecretRef": {"name": "pull"}}).settle()
    assert op.conditions()["Pulled"] == ("False", "PullSecretInvalid")
    assert op.ready() == ("False", "PullFailed")
    assert op.registry.requests == []
    op.world.cluster.put(SECRET, secret("pull", {".dockerconfigjson": docker_config(HOST)}))
    op.settle()
    assert op.ready() == ("True", "Reconciled")


@pytest.mark.parametrize("data", [{"other": b"x"}, {".dockerconfigjson": b"\xff\xfe rubbish"}, {".dockerconfigjson": b"[]"}])
def test_an_unusable_pull_secret_is_never_an_anonymous_pull(data):
    op = operator()
    op.publish()
    op.world.cluster.put(SECRET, secret("pull", data))
    op.apply(oci={"pullSecretRef": {"name": "pull"}}).settle()
    assert op.conditions()["Pulled"] == ("False", "PullSecretInvalid")
    assert op.registry.requests == []


def test_a_missing_key_is_named_and_its_arrival_wakes_the_plugin():
    op = operator()
    op.publish()
    op.world.cluster.remove(Key(SECRET, "release-key", "mcpg-system"))
    op.apply().settle()
    assert op.conditions()["Verified"] == ("False", "SigningKeyMissing")
    assert op.ready() == ("False", "VerificationFailed")
    assert "`mcpg-system/release-key` does not exist" in op.message("Verified")
    op.key().settle()
    assert op.ready() == ("True", "Reconciled")


@pytest.mark.parametrize("data", [b"", b"rubbish", bytes(32), b"\x00" * 31])
def test_an_unusable_key_is_named(data):
    op = operator()
    op.publish()
    op.key(data).apply().settle()
    assert op.conditions()["Verified"][1] in {"SigningKeyInvalid", "SigningKeyMissing"}
    assert op.secrets() == []


def test_one_good_key_among_several_is_enough():
    op = operator()
    op.publish()
    op.key(b"\n".join(key.hex().encode() for key in (public_key(seed=b"7" * 32), public_key())))
    op.apply().settle()
    assert op.ready() == ("True", "Reconciled")


def test_a_large_plugin_is_stored_in_shards_written_before_the_index_and_the_evidence():
    op = operator()
    library = big_library()
    op.publish(build_package(artifact=library))
    op.apply().settle()
    written = [one.key.name for one in op.world.cluster.writes if one.key.kind == SECRET and one.verb in {"create", "apply"}]
    kinds = [name.split("-")[1] for name in written]
    assert kinds == ["shard"] * (len(kinds) - 2) + ["plugin", "evidence"]
    assert len(kinds) >= 5
    assert op.library() == library
    assert op.ready() == ("True", "Reconciled")


def test_two_plugins_with_the_same_library_share_its_shards():
    op = operator()
    package = build_package(artifact=big_library())
    op.publish(package)
    op.apply("one").settle()
    shards = {one.name for one in op.secrets("plugin-shard")}
    op.apply("two").settle()
    assert {one.name for one in op.secrets("plugin-shard")} == shards
    assert op.library("one") == op.library("two")
    assert op.status("one")["artefactSecretName"] != op.status("two")["artefactSecretName"]


def test_the_child_of_an_index_is_pulled_and_both_digests_are_told():
    op = operator()
    child = op.publish(PACKAGE, "child")
    index = op.registry.add_index(REPOSITORY, {child: {"os": "linux", "architecture": "amd64"}}, TAG)
    op.apply().settle()
    assert op.status()["manifestDigest"] == str(child)
    assert str(index) in op.message("Pulled")
    requests = len(op.registry.requests)
    op.resync()
    assert len(op.registry.requests) == requests + 1
    assert op.ready() == ("True", "Reconciled")


def test_a_pull_that_takes_long_is_announced_once_and_a_fast_one_never():
    op = operator()
    op.held = True
    op.publish()
    op.apply().settle()
    assert op.status() == {}
    ticket = op.lanes.find("echo")
    assert ticket is not None
    ticket.began = op.world.at.timestamp()
    op.world.later(3)
    op.world.woken.append(Key(PLUGIN, "echo"))
    op.settle()
    assert op.conditions()["Progressing"] == ("True", "PullingArtefact")
    assert op.ready() == ("False", "Progressing")
    op.held = False
    op.settle()
    assert "Progressing" not in op.conditions()
    assert op.ready() == ("True", "Reconciled")


def test_a_plugin_that_is_deleted_while_it_is_pulled_leaves_nothing():
    op = operator()
    op.held = True
    op.publish()
    op.apply().settle()
    ticket = op.lanes.find("echo")
    op.delete().settle()
    assert ticket is not None
    assert ticket.cancelled
    op.held = False
    op.settle()
    assert op.secrets() == []
    assert op.entry() is None
    assert op.registry.requests == []


def test_a_plugin_that_is_deleted_before_its_pull_is_taken_leaves_nothing():
    op = operator()
    op.held = True
    op.publish()
    op.apply().settle()
    op.lanes.work_once()
    op.world.cluster.remove(Key(PLUGIN, "echo"))
    op.held = False
    op.settle()
    assert op.secrets() == []


def test_a_spec_that_changes_while_it_is_pulled_makes_the_result_worthless():
    op = operator()
    op.held = True
    op.publish()
    op.apply().settle()
    op.lanes.work_once()
    op.world.woken.clear()
    op.apply(pluginId="dev.mcpg.example.other")
    op.held = False
    op.settle()
    assert op.conditions()["Verified"] == ("False", "PluginIdMismatch")
    assert op.secrets() == []


def test_what_is_revoked_while_it_is_pulled_is_not_stored():
    op = operator()
    op.held = True
    op.publish()
    op.apply().settle()
    op.lanes.work_once()
    op.revoke(HASH)
    op.held = False
    op.settle()
    assert op.ready() == ("False", "ArtefactRevoked")
    assert op.conditions()["Revoked"] == ("True", "ArtefactRevoked")
    assert op.status()["revokedBySha"] is True
    assert op.secrets() == []


def test_nothing_is_judged_before_it_is_known_what_is_revoked():
    op = operator()
    op.world.store._synced.discard(REVOCATION_LIST)
    op.world.cluster.remove(Key(REVOCATION_LIST, "cluster-default"))
    fresh = op.restart()
    fresh.world.store._synced.clear()
    fresh.publish()
    fresh.apply().settle()
    assert fresh.status() == {}
    assert fresh.registry.requests == []
    fresh.revoke()
    fresh.settle()
    assert fresh.ready() == ("True", "Reconciled")


def test_what_is_pulled_while_the_list_goes_bad_is_not_stored():
    op = operator()
    op.held = True
    op.publish()
    op.apply().settle()
    op.lanes.work_once()
    op.world.cluster.put(REVOCATION_LIST, body("cluster-default", {"revocations": ["bad"]}))
    op.held = False
    op.settle()
    assert op.ready() == ("False", "RevocationListInvalid")
    assert op.secrets() == []
    op.revoke()
    op.resync()
    assert op.ready() == ("True", "Reconciled")


def test_evidence_that_could_not_be_had_in_advance_is_had_when_it_is_asked_for():
    op = operator()
    op.publish()
    op.registry.rules = [("referrers", lambda _: httpx.Response(503)), ("sha256-", lambda _: httpx.Response(503))]
    op.apply().settle()
    assert op.ready() == ("True", "Reconciled")
    op.back()
    op.apply(trust={"cosignIdentity": KEYLESS["cosignIdentity"]}).settle()
    assert op.ready() == ("True", "Reconciled")
    assert op.status()["cosignVerified"] is True


def test_an_image_signature_that_cannot_be_looked_for_is_not_said_to_be_bad():
    op = operator()
    op.publish()
    op.registry.rules = [("referrers", lambda _: httpx.Response(503)), ("sha256-", lambda _: httpx.Response(503))]
    op.apply(trust={"cosignIdentity": KEYLESS["cosignIdentity"]}).settle()
    assert op.conditions()["Verified"] == ("Unknown", "RegistryUnavailable")
    assert op.ready() == ("False", "RegistryUnavailable")
    assert op.status()["signatureValid"] is True
    assert "cosignVerified" not in op.status()


def test_a_library_that_is_too_large_to_be_stored_is_told_with_both_numbers_and_not_pulled_again(monkeypatch):
    op = operator()
    op.publish(build_package(artifact=big_library()))
    monkeypatch.setattr(op.reconciler.keeper, "_limits", Limits(delivery=1_000_000))
    op.apply().settle()
    assert op.ready() == ("False", "ArtefactTooLarge")
    assert op.conditions()["Verified"] == ("True", "Reconciled")
    assert "1000000" in op.message("Ready")
    assert op.secrets() == []
    blobs = sum("/blobs/" in path for path in op.registry.paths)
    op.resync()
    assert sum("/blobs/" in path for path in op.registry.paths) == blobs
