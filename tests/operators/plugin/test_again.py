"""Judged again from what is kept: after restarts, with other keys, policies and trust roots, and with every registry away."""

import pytest

from mcpg_operator.controllers.plugin.live import platform_of
from mcpg_operator.ledger import Standing
from mcpg_operator.resources import PLUGIN, SECRET, Key
from supplychain.artifact import Platform
from supplychain.errors import TrustRootUnavailableError
from supplychain.trust_root import parse_trust_root
from tests.operators.plugin.world import HOST, KEYLESS, LIBRARY, REPOSITORY, TAG, build_package, operator, spec
from tests.support import scenario
from tests.support.builders import public_key
from tests.support.virtual_sigstore import VirtualSigstore


def ready(**settings):
    """A plugin with every layer, verified."""
    op = operator(**settings)
    op.publish()
    return op.apply(trust=KEYLESS).provenance().settle()


def test_a_restart_with_every_registry_away_changes_nothing_and_writes_nothing():
    op = ready()
    before = op.status()
    op.away()
    op.world.writes()
    again = op.restart()
    assert again.ready() == ("True", "Reconciled")
    assert again.entry().standing is Standing.VERIFIED
    fields = {name: value for name, value in again.status().items() if name not in {"conditions", "lastReconcileTime"}}
    assert fields == {name: before[name] for name in fields}
    assert [kind for _, kind in again.world.writes()] == [PLUGIN]  # Fresh turned False, nothing else
    assert again.conditions()["Fresh"] == ("False", "RegistryUnavailable")


def test_a_restart_without_an_outage_writes_nothing_at_all():
    op = ready()
    op.world.writes()
    again = op.restart()
    assert again.world.writes() == []
    again.resync()
    assert again.world.writes() == []


def test_an_idle_resync_writes_nothing_and_pulls_nothing():
    op = ready()
    op.world.writes()
    for _ in range(3):
        requests = len(op.registry.requests)
        op.resync()
        assert len(op.registry.requests) == requests + 1  # what does the tag name?
    assert op.world.writes() == []


def test_a_pin_that_is_kept_is_never_asked_about_again():
    op = operator()
    digest = op.publish()
    op.apply(oci={"image": f"{HOST}/{REPOSITORY}@{digest}"}).settle()
    requests = len(op.registry.requests)
    op.resync().restart().resync()
    assert len(op.registry.requests) == requests
    assert op.ready() == ("True", "Reconciled")
    assert op.conditions()["Fresh"] == ("True", "Reconciled")


def test_pinning_what_is_verified_already_needs_no_pull():
    op = operator()
    digest = op.publish()
    op.apply().settle()
    requests = len(op.registry.requests)
    op.apply(oci={"image": f"{HOST}/{REPOSITORY}:{TAG}@{digest}"}).settle()
    assert op.ready() == ("True", "Reconciled")
    assert len(op.registry.requests) == requests
    assert op.entry().generation == 2


def test_another_key_is_judged_without_a_registry_and_takes_the_plugin_down():
    op = ready()
    op.away()
    op.key(public_key(seed=b"k" * 32)).settle()
    assert op.ready() == ("False", "VerificationFailed")
    assert op.conditions()["Verified"] == ("False", "SignatureInvalid")
    assert op.status()["signatureValid"] is False
    assert "artefactSecretName" not in op.status()
    assert op.entry().standing is Standing.REFUSED


def test_the_old_key_again_brings_it_back_without_a_registry():
    op = ready()
    op.away()
    op.key(public_key(seed=b"k" * 32)).settle()
    op.key().settle()
    assert op.ready() == ("True", "Reconciled")
    assert op.library() == LIBRARY


def test_a_key_is_rotated_with_an_unchanged_library():
    op = ready()
    new = b"n" * 32
    op.publish(build_package(artifact=LIBRARY, seed=new))
    op.key(public_key(seed=new)).settle()
    assert op.ready() == ("True", "Reconciled")
    assert op.library() == LIBRARY
    assert len(op.secrets("plugin")) == 2  # another signature, another name


def test_a_new_trust_root_is_judged_without_a_registry():
    op = ready()
    op.root = lambda: parse_trust_root(VirtualSigstore(seed=b"other").trusted_root(), name="other")
    op.away()
    op.world.later(86_401)
    op.refresh_trust()
    assert op.ready() == ("False", "VerificationFailed")
    assert op.status()["cosignVerified"] is False
    op.root = None
    op.world.later(86_401)
    op.refresh_trust()
    assert op.ready() == ("True", "Reconciled")


def test_a_trust_root_that_goes_bad_leaves_the_last_good_one_in_force_and_says_so():
    op = ready()

    def bad():
        raise TrustRootUnavailableError("no current trust root")

    op.root = bad
    op.world.later(86_401)
    op.refresh_trust()
    op.resync()
    assert op.ready() == ("True", "Reconciled")
    assert "the last good trust root stays in force" in op.message("Verified")


def test_without_any_trust_root_a_kept_plugin_waits_and_is_judged_when_there_is_one():
    op = ready()

    def bad():
        raise TrustRootUnavailableError("no current trust root")

    again = op.restart(root=bad)
    assert again.ready() == ("False", "TrustRootUnavailable")
    assert again.status()["cosignVerified"] is True  # could not look: the last value stays
    requests = len(again.registry.requests)
    again.resync(60)
    assert len(again.registry.requests) == requests  # the registry cannot help
    again.root = None
    again.world.later(61)
    again.refresh_trust()
    assert again.ready() == ("True", "Reconciled")


def test_a_layer_that_is_asked_for_later_is_judged_from_evidence_that_was_kept_in_advance():
    op = operator()
    op.publish()
    op.apply().settle()
    op.away()
    op.apply(trust={"cosignIdentity": KEYLESS["cosignIdentity"]}).settle()
    assert op.ready() == ("True", "Reconciled")
    assert op.status()["cosignVerified"] is True


def test_evidence_that_comes_later_is_found_when_the_policy_asks_for_it():
    op = operator()
    digest = op.publish(signed=False)
    op.apply().settle()
    op.registry.attach(REPOSITORY, digest, scenario.signature_bundle(digest))
    op.apply(trust={"cosignIdentity": KEYLESS["cosignIdentity"]}).settle()
    assert op.ready() == ("True", "Reconciled")


def test_a_signature_that_is_attached_after_the_refusal_is_found_at_the_next_resync():
    op = operator()
    digest = op.publish(signed=False)
    op.apply(trust={"cosignIdentity": KEYLESS["cosignIdentity"]}).settle()
    assert op.ready() == ("False", "VerificationFailed")
    op.registry.attach(REPOSITORY, digest, scenario.signature_bundle(digest))
    op.resync(60)
    assert op.ready() == ("False", "VerificationFailed")
    op.resync()
    assert op.ready() == ("True", "Reconciled")


def test_provenance_that_changes_is_judged_again_without_a_registry():
    op = ready()
    op.away()
    op.provenance(b"{}").settle()
    assert op.ready() == ("False", "VerificationFailed")
    op.provenance().settle()
    assert op.ready() == ("True", "Reconciled")


def test_a_change_that_weakens_nothing_keeps_the_plugin_ready_for_the_new_generation():
    op = ready()
    op.away()
    op.apply(trust={**KEYLESS, "signingKeyRef": {"secretName": "release-key", "key": "release.pub"}}).settle()
    assert op.ready() == ("True", "Reconciled")
    assert op.entry().generation == 2
    assert op.status()["observedGeneration"] == 2


def test_an_older_version_is_refused_after_a_newer_one_was_verified():
    op = operator()
    op.publish(build_package(artifact=LIBRARY), "1.2.3")
    op.publish(build_package(artifact=LIBRARY), "1.2.2")
    op.apply(oci={"image": f"{HOST}/{REPOSITORY}:1.2.3"}).settle()
    op.apply(version="1.2.2", oci={"image": f"{HOST}/{REPOSITORY}:1.2.2"}).settle()
    assert op.conditions()["Verified"] == ("False", "VersionRollback")
    assert op.ready() == ("False", "VerificationFailed")
    assert "`1.2.3` or newer" in op.message("Verified")
    assert op.restart().ready() == ("False", "VerificationFailed")


def test_the_annotation_allows_exactly_the_version_that_it_names():
    op = operator()
    for version in ("1.2.3", "1.2.2"):
        op.publish(build_package(artifact=LIBRARY), version)
    op.apply(oci={"image": f"{HOST}/{REPOSITORY}:1.2.3"}).settle()
    op.apply(version="1.2.2", oci={"image": f"{HOST}/{REPOSITORY}:1.2.2"})
    op.annotate(**{"mcpg.dev/allow-rollback": "1.2.1"}).settle()
    assert op.ready() == ("False", "VerificationFailed")
    op.annotate(**{"mcpg.dev/allow-rollback": "1.2.2"}).settle()
    assert op.ready() == ("True", "Reconciled")
    op.annotate().settle()
    assert op.ready() == ("True", "Reconciled")  # the older one is the last that was accepted


def test_a_new_object_of_the_same_name_starts_anew():
    op = operator()
    for version in ("1.2.3", "1.2.2"):
        op.publish(build_package(artifact=LIBRARY), version)
    op.apply(oci={"image": f"{HOST}/{REPOSITORY}:1.2.3"}).settle()
    op.delete()
    op.apply(version="1.2.2", oci={"image": f"{HOST}/{REPOSITORY}:1.2.2"}).settle()
    assert op.ready() == ("True", "Reconciled")


def test_a_restored_object_with_another_uid_is_verified_from_its_evidence():
    op = ready()
    whole = spec(trust=KEYLESS)
    op.away()
    op.reconciler.close()
    op.world.cluster.remove(Key(PLUGIN, "echo"))
    restored = op.world.cluster.put(PLUGIN, {"metadata": {"name": "echo", "uid": "restored"}, "spec": whole})
    again = op.restart()
    assert again.ready() == ("True", "Reconciled")
    assert again.entry().uid == restored.uid == "restored"
    assert again.reconciler.keeper.load("echo").uid == "restored"


def test_plugin_a_cannot_be_served_as_plugin_b_by_copying_its_evidence():
    op = operator()
    op.publish()
    op.apply().settle()
    (stolen,) = op.secrets("plugin-evidence")
    op.world.cluster.put(SECRET, {**stolen.body, "metadata": {**stolen.metadata, "name": "mcpg-evidence-other", "uid": "x"}})
    op.away()
    op.world.later(1000)
    op.apply("other").settle()
    assert op.ready("other") == ("False", "PullFailed")


@pytest.mark.parametrize(
    ("text", "platform"),
    [
        ("linux/amd64/gnu", Platform(os="linux", architecture="amd64", libc="gnu")),
        ("linux/arm64", Platform(os="linux", architecture="arm64")),
        ("linux/arm64/musl", Platform(os="linux", architecture="arm64", libc="musl")),
    ],
)
def test_the_platform_of_the_settings_is_read(text, platform):
    assert platform_of(text) == platform
