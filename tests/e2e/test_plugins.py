"""Plugins on a real cluster: what is good gets Ready with its very bytes, what is bad is refused with its reason."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from functools import partial
from typing import TYPE_CHECKING

import pytest

from mcpg_operator.resources import PLUGIN, SECRET
from tests.e2e.world import payload, sha256
from tests.support.cluster import NAMESPACE as HOME
from tests.support.cluster.publishing import key_secret, make_release, publish
from tests.support.sigstore.keys import pem
from tests.support.stored_plugins import Stored, mount
from tests.support.testdata.demo import flip
from tests.support.testdata.release import SIGSTORE, signing_key
from tests.support.virtual_sigstore import github_identity, image_signature, slsa_provenance

if TYPE_CHECKING:
    from pathlib import Path

    from tests.e2e.world import World
    from tests.support.cluster.operator_process import OperatorProcess
    from tests.support.cluster.publishing import Form, Published
    from tests.support.testdata.release import Release

pytestmark = pytest.mark.usefixtures("operator")
TRI_STATE = ("signatureValid", "cosignVerified", "slsaVerified", "revokedBySha")


@pytest.mark.parametrize("form", ["referrer", "fallback", "legacy"])
def test_a_plugin_gets_ready_and_its_secret_holds_the_very_bytes(world: World, form: Form) -> None:
    name = f"good-{form}"
    published = world.add(name, form=form)
    library, status = published.release.library, world.status(name)
    assert world.library(name) == library
    assert (status["resolvedDigest"], status["manifestDigest"]) == (sha256(library), published.digest)
    assert [status[one] for one in TRI_STATE] == [True, True, True, False]
    assert ("Normal", "Pulled") in world.events(name)


def test_a_registry_without_referrers_serves_a_plugin_by_its_fallback_tag(world: World) -> None:
    release = make_release("plain")
    world.install("plain", publish(release, host=world.registries.distribution.host, repository="acme/plain", form="fallback"))
    assert world.ready("plain")["resolvedDigest"] == release.artifact_hash


# -- what is bad -------------------------------------------------------------------------------------------------------


def another_key(release: Release) -> None:
    release.trusted_keys = pem(signing_key("somebody else"))


def another_identity(release: Release) -> None:
    fork = github_identity("stranger/plugins")
    release.sign_image = (lambda digest: SIGSTORE.sign_statement(image_signature(digest), identity=fork),)


def another_builder(release: Release) -> None:
    own = github_identity()
    release.attest_build = (lambda digest: SIGSTORE.sign_statement(slsa_provenance(digest), identity=own),)


def changed_bytes(release: Release) -> None:
    release.signature = release.key.sign(release.library)
    release.library = flip(release.library, len(release.library) - 1)


@pytest.mark.parametrize(
    ("spoil", "reason", "verdicts"),
    [
        pytest.param(another_key, "SignatureInvalid", {"signatureValid": False}, id="key"),
        pytest.param(changed_bytes, "SignatureInvalid", {"signatureValid": False}, id="bytes"),
        pytest.param(another_identity, "IdentityMismatch", {"signatureValid": True, "cosignVerified": False}, id="identity"),
        pytest.param(
            another_builder,
            "BuilderMismatch",
            {"signatureValid": True, "cosignVerified": True, "slsaVerified": False},
            id="builder",
        ),
    ],
)
def test_what_is_bad_is_refused_and_nothing_of_it_is_stored(
    world: World, request: pytest.FixtureRequest, spoil, reason, verdicts
) -> None:
    name = f"bad-{request.node.callspec.id}"
    release = make_release(name)
    spoil(release)
    world.install(name, world.publish(name, release))
    status = world.refused(name, reason)
    said = {one: status[one] for one in TRI_STATE[:3] if one in status}
    assert said == verdicts
    assert "artefactSecretName" not in status
    assert "resolvedDigest" not in status
    assert world.said(name)[:2] == ("False", "VerificationFailed")
    assert ("Warning", "TrustGateFailed") in world.events(name)
    assert world.stored_for(name) == []


# -- what changes ------------------------------------------------------------------------------------------------------


def test_a_signing_key_is_replaced_while_the_artifact_stays(world: World) -> None:
    old = world.add("rotated")
    new = make_release("rotated", key="the next release")
    world.api.apply(key_secret("rotated-key", pem(signing_key()) + pem(signing_key("the next release"))))
    world.install("rotated", republished(world, "rotated", new, keys=pem(signing_key()) + pem(signing_key("the next release"))))
    status = world.until(lambda: moved_to(world, "rotated", new), what="the new signature to count")
    assert status["resolvedDigest"] == old.release.artifact_hash
    world.api.apply(key_secret("rotated-key", pem(signing_key("the next release"))))
    world.until(lambda: world.signature("rotated") == new.key.sign(new.library), what="the new signature to be delivered")
    assert world.ready("rotated")["signatureValid"] is True
    world.api.apply(key_secret("rotated-key", pem(signing_key())))
    assert world.refused("rotated", "SignatureInvalid")["signatureValid"] is False


def test_a_key_that_is_created_later_wakes_the_plugin(world: World) -> None:
    published = world.publish("keyless")
    world.api.apply([one for one in published.policy_objects() if one["kind"] != "Secret"])
    world.api.apply(published.plugin("keyless"))
    world.refused("keyless", "SigningKeyMissing")
    world.api.apply(published.policy_objects())
    world.ready("keyless")


def test_a_tag_that_moves_to_a_good_build_takes_the_plugin_along(world: World) -> None:
    old = world.publish("moved")
    world.install("moved", old, image=old.tagged)
    world.ready("moved")
    new = make_release("moved")
    new.library += b"a later build"
    published = world.publish("moved", new)
    world.api.apply(published.policy_objects())
    world.until(lambda: world.status("moved").get("resolvedDigest") == new.artifact_hash, what="the later build")
    assert world.ready("moved")["manifestDigest"] == published.digest
    assert world.library("moved") == new.library


def test_a_tag_that_moves_to_a_bad_build_makes_the_plugin_unready_and_its_bytes_reach_nobody(world: World) -> None:
    tenant = world.namespace("tag-to-bad")
    old = world.publish("spoilt")
    world.install("spoilt", old, image=old.tagged)
    world.ready("spoilt")
    world.add_set(tenant, "main", "spoilt")
    world.set_ready(tenant, "main")
    bad = make_release("spoilt")
    changed_bytes(bad)
    world.publish("spoilt", bad)
    assert world.refused("spoilt", "SignatureInvalid")["manifestDigest"] != old.digest
    kept = world.resolved(tenant, "main")["dev.acme.spoilt"]
    assert kept["resolvedDigest"] == old.release.artifact_hash
    assert bad.library not in world.all_bytes()
    world.publish("spoilt")
    assert world.ready("spoilt")["manifestDigest"] == old.digest


def test_an_older_version_is_refused_unless_the_annotation_names_it(world: World) -> None:
    world.add("newer", version="2.0.0")
    older = world.install("newer", world.publish("newer", version="1.9.0"))
    world.refused("newer", "VersionRollback")
    world.api.merge(PLUGIN, "newer", {"metadata": {"annotations": {"mcpg.dev/allow-rollback": "1.9.0"}}})
    world.until(lambda: world.status("newer").get("resolvedDigest") == older.release.artifact_hash, what="the rollback")


# -- Secrets -----------------------------------------------------------------------------------------------------------


def test_a_secret_that_somebody_replaced_or_deleted_comes_back_in_both_namespaces(world: World) -> None:
    tenant = world.namespace("edited")
    published = world.add("edited")
    world.add_set(tenant, "main", "edited")
    world.set_ready(tenant, "main")
    name = world.status("edited")["artefactSecretName"]
    for namespace in (HOME, tenant):
        back = partial(holds, world, "edited", namespace, published.release.library)
        found = world.secret(name, namespace)
        world.api.delete(SECRET, name, namespace=namespace)
        metadata = {key: found["metadata"][key] for key in ("name", "namespace", "labels", "annotations")}
        other = {**found, "metadata": metadata, "data": {**found["data"], "plugin.so": found["data"]["plugin.sig"]}}
        world.create_before_it_comes_back(other)
        world.until(back, what="the bytes in place of the other ones")
        world.api.delete(SECRET, name, namespace=namespace)
        world.until(back, what="the bytes in place of nothing")
    world.ready("edited")
    world.set_ready(tenant, "main")


def test_a_plugin_that_is_deleted_while_it_is_pulled_leaves_nothing(world: World, operator: OperatorProcess) -> None:
    published = world.publish("fleeting", size=4 << 20)
    world.gate.hold(after=1 << 20)
    try:
        world.install("fleeting", published)
        world.until(world.gate.held.is_set, what="the download to be half way")
        world.api.delete(PLUGIN, "fleeting")
    finally:
        world.gate.release()
    world.add("afterwards")
    world.until(lambda: settled(operator), what="the operator to have nothing to do")
    assert world.stored_for("fleeting") == []
    assert world.library("afterwards") is not None


@pytest.mark.parametrize(("size", "entropy"), [(20 << 20, 1.0), (100 << 20, 0.2)], ids=["20 MiB", "100 MiB"])
def test_a_large_plugin_reaches_the_pod_in_pieces(world: World, tmp_path: Path, size: int, entropy: float) -> None:
    name = f"large-{size >> 20}"
    tenant = world.namespace(name)
    published = world.install(name, world.publish(name, size=size, entropy=entropy))
    world.ready(name, seconds=60)
    world.add_set(tenant, "main", name)
    world.set_ready(tenant, "main", seconds=60)
    entry = world.resolved(tenant, "main")[f"dev.acme.{name}"]
    copies = {one["name"]: payload(world.secret(one["name"], tenant)) for one in entry["secrets"]}
    index = copies.pop(entry["artefactSecretName"])
    stored = Stored(payload=index, suffix="", shards={key: one["shard"] for key, one in copies.items()})
    (tmp_path / "release.pub").write_text(entry["signingKeys"][0]["pem"])
    words = ["--source", mount(stored, tmp_path / "source"), "--target", tmp_path / "target", "--key", tmp_path / "release.pub"]
    words += ["--digest", f"sha256:{entry['resolvedDigest']}", "--plugin-id", f"dev.acme.{name}", "--output", "json"]
    command = [sys.executable, "-m", "supplychain", "materialise", *map(str, words)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, json.loads(done.stdout)["verdict"]) == (0, "Trusted"), done.stdout + done.stderr
    assert (tmp_path / "target" / "plugin.so").read_bytes() == published.release.library
    shutil.rmtree(tmp_path)


def republished(world: World, name: str, release: Release, *, keys: bytes) -> Published:
    release.trusted_keys = keys
    return world.publish(name, release)


def moved_to(world: World, name: str, release: Release) -> dict | None:
    manifest = release.stored().listed[0]["digest"]
    status = world.status(name)
    return status if status.get("manifestDigest") == manifest and world.said(name)[0] == "True" else None


def holds(world: World, name: str, namespace: str, library: bytes) -> bool:
    return world.library(name, namespace=namespace) == library


def settled(operator: OperatorProcess) -> bool:
    return all(value == 0 for name, value in operator.metrics().items() if name.startswith("mcpg_operator_queue_depth"))
