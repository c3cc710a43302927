"""Registries, mirrors and the API server away, back, and lying; what was verified stays."""

from dataclasses import replace
from datetime import timedelta

import httpx
import pytest

from mcpg_operator.keeping.evidence import encode
from mcpg_operator.keeping.secrets import evidence_secret
from mcpg_operator.ledger import Standing
from mcpg_operator.resources import PLUGIN, PLUGIN_MIRROR, SECRET, Key
from mcpg_operator.services import Outcome
from supplychain.digest import ArtifactHash
from supplychain.errors import ApplyForbiddenError, ApplyRejectedError, ClusterUnavailableError
from tests.operators.plugin.world import (
    HOST,
    KEYLESS,
    LIBRARY,
    PACKAGE,
    REPOSITORY,
    TAG,
    build_elf,
    build_package,
    docker_config,
    operator,
    secret,
)
from tests.operators.world import NAMESPACE
from tests.support import scenario
from tests.support.fake_registry import FakeInternet, FakeRegistry

MIRROR = "harbor.mirrors.svc.cluster.local:8080"


def ready(**settings):
    op = operator(**settings)
    op.publish()
    return op.apply(trust=KEYLESS).provenance().settle()


def test_a_verified_plugin_outlives_an_outage_and_says_since_when():
    op = ready()
    op.away()
    op.resync()
    assert op.ready() == ("True", "Reconciled")
    assert op.conditions()["Fresh"] == ("False", "RegistryUnavailable")
    assert "since 2026-01-31T12:10:00Z" in op.message("Fresh")
    assert sorted(op.world.events()) == [("Normal", "Pulled"), ("Warning", "PullFailed")]
    op.world.writes()
    for _ in range(4):
        op.resync()
    assert op.world.writes() == []  # the time of day stays what it is
    op.back()
    op.resync()
    assert op.conditions()["Fresh"] == ("True", "Reconciled")


def test_a_download_that_fails_by_a_defect_is_tried_again_like_an_outage_and_not_at_once(monkeypatch, caplog):
    tries = []

    def broken(*_: object, **__: object) -> None:
        tries.append(1)
        raise ZeroDivisionError("a defect")

    with monkeypatch.context() as patch:
        patch.setattr("supplychain.verifier.PluginVerifier.verify", broken)
        op = ready()
        assert op.ready() == ("False", "PullFailed")
        assert "`ZeroDivisionError`" in op.message("Ready")
        assert len(tries) == 1
    assert "a download failed unexpectedly" in caplog.text
    op.resync()
    assert op.ready() == ("True", "Reconciled")


def test_an_outage_goes_on_under_the_same_date_after_a_restart():
    op = ready()
    op.away()
    op.resync()
    op.world.later(1000)
    op.world.writes()
    again = op.restart()
    assert "since 2026-01-31T12:10:00Z" in again.message("Fresh")
    assert again.world.writes() == []


def test_what_was_never_verified_is_not_ready_and_is_tried_again_ever_more_seldom():
    op = operator()
    op.away()
    op.apply().settle()
    assert op.ready() == ("False", "PullFailed")
    pauses: list[float] = []
    for _ in range(5):
        pauses.append(op.results[Key(PLUGIN, "echo")].after or 0.0)
        op.resync(pauses[-1])
    assert pauses == [60, 120, 240, 300, 300]
    op.back()
    op.publish()
    op.resync(300)
    assert op.ready() == ("True", "Reconciled")


def test_what_was_never_pulled_says_so_and_an_outage_that_goes_on_is_written_once():
    op = operator().away()
    op.apply().settle()
    assert op.ready() == ("False", "PullFailed")
    assert "pulledAt" not in op.status()
    op.world.writes()
    for _ in range(6):
        op.resync()
    assert op.world.writes() == []
    op.publish()
    op.back().resync()
    assert "pulledAt" in op.status()


def test_whatever_wakes_a_failing_plugin_does_not_make_it_ask_more_often():
    op = operator()
    op.away()
    op.apply().settle()
    requests = len(op.registry.requests)
    for _ in range(5):
        op.resync(1)
    assert len(op.registry.requests) == requests


def test_another_image_is_tried_at_once():
    op = operator()
    op.registry.faults = [httpx.Response(404)]
    op.apply(oci={"image": f"{HOST}/{REPOSITORY}:1.2.3-musl"}).settle()
    assert op.conditions()["Pulled"] == ("False", "NotFound")
    op.publish()
    op.apply().settle()
    assert op.ready() == ("True", "Reconciled")


def test_a_registry_that_serves_other_bytes_the_second_time_changes_nothing():
    op = ready()
    other = build_package(artifact=build_elf() + b"evil")
    op.publish(other, "elsewhere")
    op.registry.swap = {PACKAGE: other}
    op.publish(build_package(artifact=build_elf() + b"new"), "new")
    op.registry.manifests[REPOSITORY, TAG] = (
        op.registry.manifests[REPOSITORY, TAG][0] + b" ",
        "application/vnd.oci.image.manifest.v1+json",
    )
    op.resync()
    assert op.ready() == ("True", "Reconciled")
    assert op.conditions()["Fresh"] == ("False", "DigestMismatch")
    assert op.library() == LIBRARY


def test_a_tag_that_moves_to_a_good_plugin_is_followed_and_the_old_bytes_stay_for_a_while():
    op = ready()
    old = op.status()["artefactSecretName"]
    library = build_elf() + b"better"
    digest = op.publish(build_package(artifact=library))
    op.provenance(scenario.provenance_bundle(), scenario.provenance_bundle(ArtifactHash.of(library)))
    op.resync()
    assert op.ready() == ("True", "Reconciled")
    assert op.status()["manifestDigest"] == str(digest)
    assert op.library() == library
    assert old in {one.name for one in op.secrets("plugin")}


def test_a_tag_that_moves_to_a_bad_plugin_takes_it_down_and_back_brings_it_up_without_a_pull():
    op = operator()
    good = op.publish()
    op.apply().settle()
    bad = op.publish(build_package(artifact=LIBRARY + b"evil", signature=b"0" * 64))
    op.resync()
    assert op.ready() == ("False", "VerificationFailed")
    assert op.status()["manifestDigest"] == str(bad)
    assert "resolvedDigest" not in op.status()
    assert {one.annotations["mcpg.dev/digest"] for one in op.secrets("plugin")} == {ArtifactHash.of(LIBRARY).hex}
    op.registry.manifests[REPOSITORY, TAG] = op.registry.manifests[REPOSITORY, str(good)]
    requests = len(op.registry.requests)
    op.resync()
    assert op.ready() == ("True", "Reconciled")
    assert len(op.registry.requests) == requests + 1


def test_what_was_refused_for_its_bytes_is_not_pulled_again_while_the_tag_stays():
    op = operator()
    op.publish(build_package(artifact=LIBRARY, signature=b"0" * 64))
    op.apply().settle()
    blobs = sum("/blobs/" in path for path in op.registry.paths)
    op.resync()
    assert sum("/blobs/" in path for path in op.registry.paths) == blobs
    op.publish()
    op.resync()
    assert op.ready() == ("True", "Reconciled")


def test_a_verification_that_nobody_could_renew_ends_after_the_age_that_is_allowed():
    op = ready(max_verification_age=3000.0)
    op.away()
    op.resync().resync()
    assert op.ready() == ("True", "Reconciled")
    op.resync(2000)
    assert op.ready() == ("False", "VerificationExpired")
    assert op.conditions()["Verified"] == ("True", "Reconciled")
    assert (op.entry().standing, op.entry().package) == (Standing.UNAVAILABLE, None)
    again = op.restart()
    assert again.ready() == ("False", "VerificationExpired")
    op.back()
    again.resync(700)
    assert again.ready() == ("True", "Reconciled")


def test_looks_that_succeed_keep_a_verification_young_also_across_restarts():
    op = ready(max_verification_age=3000.0)
    for _ in range(10):
        op.resync()
    again = op.restart()
    again.away()
    again.resync()
    assert again.ready() == ("True", "Reconciled")


def test_kept_evidence_that_says_it_was_confirmed_in_the_future_keeps_nothing_ready():
    op = ready(max_verification_age=3000.0)
    kept = op.reconciler.keeper.load("echo")
    forged = encode(replace(kept, confirmed_at=op.world.at + timedelta(days=3650)))
    op.world.cluster.put(SECRET, evidence_secret("echo", namespace=NAMESPACE, stored=kept.stored.secret, shards=(), data=forged))
    op.away()
    again = op.restart()
    assert again.ready() == ("False", "VerificationExpired")
    assert "which is in the future" in again.message("Ready")
    op.back()
    again.resync()
    assert again.ready() == ("True", "Reconciled")
    assert again.reconciler.keeper.load("echo").confirmed_at == again.world.at  # or the next process would believe it as little
    op.away()
    assert again.restart().ready() == ("True", "Reconciled")


# --- mirrors


def mirrored():
    """A plugin behind a mirror, and an upstream that nobody may ask."""
    op = operator()
    inner = FakeRegistry(MIRROR)
    internet = FakeInternet(inner)
    internet.without_tls.add(MIRROR)
    made = op.restart(registry=inner, internet=internet)
    made.mirror()
    return made


def publish_inside(op):
    digest = op.registry.add_plugin("plugins/echo", PACKAGE, TAG)
    op.registry.attach("plugins/echo", digest, scenario.signature_bundle(digest))
    return digest


def test_through_a_mirror_nothing_ever_goes_upstream():
    op = mirrored()
    publish_inside(op)
    op.apply(oci={"mirrorRef": {"name": "inner"}}, trust={"cosignIdentity": KEYLESS["cosignIdentity"]}).settle()
    assert op.ready() == ("True", "Reconciled")
    op.resync()
    assert {one.partition("://")[2] for one in op.internet.asked} == {MIRROR}


def test_a_mirror_that_does_not_exist_is_no_reason_to_go_upstream():
    op = mirrored()
    publish_inside(op)
    op.apply(oci={"mirrorRef": {"name": "nowhere"}}).settle()
    assert op.ready() == ("False", "MirrorUnresolved")
    assert op.conditions()["Pulled"] == ("False", "MirrorUnresolved")
    assert op.internet.requests == []
    assert op.world.events() == [("Warning", "MirrorUnresolved")]
    assert op.results[Key(PLUGIN, "echo")].outcome is Outcome.DEPENDENCY_PENDING
    op.mirror("nowhere").settle()
    assert op.ready() == ("True", "Reconciled")


def test_an_image_that_the_mirror_does_not_cover_is_no_reason_to_go_upstream():
    op = mirrored()
    publish_inside(op)
    op.apply(oci={"image": "registry.example/others/echo:1.2.3", "mirrorRef": {"name": "inner"}}).settle()
    assert op.ready() == ("False", "MirrorUnresolved")
    assert op.internet.requests == []


def test_a_mirror_that_vanishes_leaves_what_was_verified_alone():
    op = mirrored()
    publish_inside(op)
    op.apply(oci={"mirrorRef": {"name": "inner"}}).settle()
    op.world.cluster.remove(Key(PLUGIN_MIRROR, "inner"))
    op.settle()
    assert op.ready() == ("True", "Reconciled")
    assert op.conditions()["Fresh"] == ("False", "MirrorUnresolved")
    again = op.restart()
    assert again.ready() == ("True", "Reconciled")
    again.mirror().settle()
    again.resync()
    assert again.conditions()["Fresh"] == ("True", "Reconciled")


def test_the_mirrors_credentials_are_demanded_and_awaited():
    op = mirrored()
    op.mirror(auth={"secretRef": {"secretName": "mirror-pull"}})
    publish_inside(op)
    op.registry.users = {"u": "hunter2"}
    op.apply(oci={"mirrorRef": {"name": "inner"}}).settle()
    assert op.conditions()["Pulled"] == ("False", "PullSecretInvalid")
    assert op.internet.requests == []
    config = docker_config(MIRROR)
    op.world.cluster.put(SECRET, secret("mirror-pull", {".dockerconfigjson": config}))
    op.settle()
    assert op.conditions()["Pulled"][1] != "PullSecretInvalid"


def test_a_mirror_that_moves_is_asked_at_its_new_place_and_the_old_verdict_holds_meanwhile():
    op = mirrored()
    publish_inside(op)
    op.apply(oci={"mirrorRef": {"name": "inner"}}).settle()
    service = {"namespace": "mirrors", "name": "other", "port": 8080}
    op.mirror(endpoint={"service": service, "insecure": True}).settle()
    assert op.ready() == ("True", "Reconciled")
    assert op.conditions()["Fresh"] == ("False", "RegistryUnavailable")


def test_a_mirror_that_redirects_to_upstream_is_not_followed():
    op = mirrored()
    publish_inside(op)
    op.registry.rules = [("/manifests/", lambda _: httpx.Response(307, headers={"location": f"https://{HOST}/v2/acme/echo"}))]
    op.apply(oci={"mirrorRef": {"name": "inner"}}).settle()
    assert op.ready() == ("False", "PullFailed")
    assert HOST not in {one.partition("://")[2] for one in op.internet.asked}


def test_evidence_that_a_new_place_lacks_disproves_nothing_about_the_same_manifest():
    op = mirrored()
    publish_inside(op)
    op.apply(oci={"mirrorRef": {"name": "inner"}}, trust={"cosignIdentity": KEYLESS["cosignIdentity"]}).settle()
    op.registry.attached.clear()
    op.registry.manifests = {("moved/plugins/echo", name): one for (_, name), one in op.registry.manifests.items()}
    op.registry.blobs = {("moved/plugins/echo", name): one for (_, name), one in op.registry.blobs.items()}
    service = {"namespace": "mirrors", "name": "harbor", "port": 8080, "pathPrefix": "moved"}
    op.mirror(endpoint={"service": service, "insecure": True}).settle()
    assert op.ready() == ("True", "Reconciled")
    assert op.conditions()["Fresh"] == ("False", "CosignSignatureMissing")


def test_another_manifest_that_cannot_be_judged_is_not_covered_by_the_old_verdict():
    op = ready()
    digest = op.publish(build_package(artifact=LIBRARY + b"new"), signed=False)
    op.registry.rules = [("referrers", lambda _: httpx.Response(503)), ("sha256-", lambda _: httpx.Response(503))]
    op.resync()
    assert op.ready() == ("False", "RegistryUnavailable")
    assert op.status()["manifestDigest"] == str(digest)
    assert "cosignVerified" not in op.status()


# --- the API server


def test_a_result_survives_an_api_server_that_is_away_for_a_moment():
    op = operator()
    op.publish()
    op.apply()
    op.world.cluster.fail_with(ClusterUnavailableError("away"), on="create", kind=SECRET)
    op.settle()
    assert op.errors
    assert op.secrets() == []
    requests = len(op.registry.requests)
    op.world.cluster.heal()
    op.settle()
    assert op.ready() == ("True", "Reconciled")
    assert len(op.registry.requests) == requests


@pytest.mark.parametrize("error", [ApplyForbiddenError("may not"), ApplyRejectedError("will not")])
def test_bytes_that_cannot_be_stored_are_said_to_be_verified_and_not_ready(error):
    op = operator()
    op.publish()
    op.world.cluster.fail_with(error, on="create", kind=SECRET)
    op.apply().settle()
    assert op.ready() == ("False", "MaterialiseFailed")
    assert op.conditions()["Verified"] == ("True", "Reconciled")
    assert "artefactSecretName" not in op.status()
    op.world.cluster.heal()
    op.resync()
    assert op.ready() == ("True", "Reconciled")


def test_a_write_that_fails_between_bytes_and_evidence_refers_to_nothing_unverified(monkeypatch):
    op = operator()
    op.publish()
    create = op.world.cluster.create

    def cut_off(manifest):
        if manifest.get("type") == "mcpg.dev/plugin-evidence":
            raise ClusterUnavailableError("away")
        return create(manifest)

    monkeypatch.setattr(op.world.cluster, "create", cut_off)
    op.apply().settle()
    assert sorted(one.body["type"] for one in op.secrets()) == ["mcpg.dev/plugin", "mcpg.dev/plugin-shard"]
    assert "artefactSecretName" not in op.status()
    monkeypatch.undo()
    op.settle()
    assert op.ready() == ("True", "Reconciled")
