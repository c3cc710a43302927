"""What fails around the operator costs nobody a verified plugin: registries, the API server, etcd, a restore."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from mcpg_operator.resources import PLUGIN, PLUGIN_SET, REVOCATION_LIST, SECRET
from tests.support.cluster import NAMESPACE as HOME
from tests.support.cluster import definitions
from tests.support.cluster.objects import condition
from tests.support.cluster.publishing import key_secret
from tests.support.sigstore.keys import pem
from tests.support.testdata.release import OTHER_SIGSTORE, SIGSTORE, signing_key

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tests.e2e.world import World
    from tests.support.cluster.operator_process import OperatorProcess


@pytest.fixture
def registry_down(world: World) -> Iterator[None]:
    world.gate.shut()
    yield
    world.gate.open()


@pytest.mark.usefixtures("operator")
def test_a_plugin_that_was_verified_is_judged_again_after_a_restart_without_a_request(
    world: World, operator: OperatorProcess
) -> None:
    tenant = world.namespace("judged-again")
    world.add("lasting")
    operator.stop()
    before = world.gate.requests
    operator.start()
    operator.wait_until_ready()
    world.add_set(tenant, "main", "lasting")
    world.set_ready(tenant, "main")
    assert world.gate.requests == before


def test_everything_stays_while_the_registry_is_down_and_the_operator_starts_anew(
    world: World, operator: OperatorProcess, request: pytest.FixtureRequest
) -> None:
    tenant = world.namespace("registry-down")
    by_tag = world.publish("by-tag")
    world.install("by-tag", by_tag, image=by_tag.tagged)
    world.ready("by-tag")
    world.add("by-digest", size=2 << 20)
    world.add_set(tenant, "main", "by-tag", "by-digest")
    document = world.set_ready(tenant, "main")["resolvedHash"]
    copies = world.versions(SECRET, tenant)
    request.getfixturevalue("registry_down")
    operator.restart()
    world.add_set(tenant, "judged", "by-tag", "by-digest")  # can only be resolved from what was judged since the start
    assert world.set_ready(tenant, "judged")["resolvedHash"]
    world.until(lambda: condition(world.plugin("by-tag"), "Fresh")[0] == "False", what="the look at the tag to fail")
    for name in ("by-tag", "by-digest"):
        assert world.said(name)[0] == "True"
    assert world.set_ready(tenant, "main")["resolvedHash"] == document
    assert {key: uid for key, (uid, _) in world.versions(SECRET, tenant).items() if key in copies} == {
        key: uid for key, (uid, _) in copies.items()
    }


@pytest.mark.usefixtures("operator", "registry_down")
def test_a_new_key_and_a_new_trust_root_are_judged_without_the_registry(world: World) -> None:
    world.ready("by-tag")
    world.api.apply(key_secret("by-tag-key", pem(signing_key("somebody else"))))
    assert world.refused("by-tag", "SignatureInvalid")["signatureValid"] is False
    world.api.apply(key_secret("by-tag-key", pem(signing_key())))
    world.ready("by-tag")
    world.trust_root.write_bytes(OTHER_SIGSTORE.trusted_root())
    try:
        assert world.refused("by-tag", "LogEntryInvalid")["cosignVerified"] is False
        world.refused("by-digest", "LogEntryInvalid")
    finally:
        world.trust_root.write_bytes(SIGSTORE.trusted_root())
    assert world.ready("by-tag")["cosignVerified"] is True
    world.ready("by-digest")


@pytest.mark.usefixtures("operator")
def test_a_restart_of_the_api_server_changes_nothing_and_ends_nothing(world: World) -> None:
    before = world.add("through-the-restart")
    world.cluster.stop_api_server()
    world.cluster.start_api_server()
    world.add("after-the-restart")
    assert world.ready("through-the-restart")["resolvedDigest"] == before.release.artifact_hash
    world.api.delete(PLUGIN, "after-the-restart")
    world.until(lambda: not world.stored_for("after-the-restart"), what="the Secrets of the deleted plugin to go")


@pytest.mark.usefixtures("operator")
def test_a_restart_of_etcd_changes_nothing_and_ends_nothing(world: World) -> None:
    before = world.add("through-etcd")
    world.cluster.stop_etcd()
    world.cluster.start_etcd()
    world.add("after-etcd")
    assert world.ready("through-etcd")["resolvedDigest"] == before.release.artifact_hash


def test_what_was_deleted_while_nobody_could_tell_is_noticed(world: World, operator: OperatorProcess) -> None:
    tenant = world.namespace("unseen")
    world.add("unseen")
    world.add_set(tenant, "main", "unseen")
    world.set_ready(tenant, "main")
    operator.freeze()
    try:
        world.cluster.stop_api_server()  # no watch outlives this, and no cache can tell what happened since
        world.cluster.start_api_server()
        assert world.api.delete(PLUGIN, "unseen")
    finally:
        operator.thaw()
    world.until(
        lambda: [one["reason"] for one in world.the_set(tenant, "main")["status"].get("failedEntries", ())] == ["PluginNotFound"],
        what="the set to miss the plugin",
    )
    assert "dev.acme.unseen" in world.resolved(tenant, "main")


def test_a_restore_from_a_backup_brings_everything_back_from_the_evidence(
    world: World, operator: OperatorProcess, request: pytest.FixtureRequest
) -> None:
    tenant = world.namespace("restored")
    published = world.add("restored", size=2 << 20)
    world.add_set(tenant, "main", "restored")
    world.set_ready(tenant, "main")
    saved = backup(world, tenant)
    request.getfixturevalue("registry_down")
    operator.stop()
    lose(world, saved)
    restore(world, saved)
    operator.start()
    operator.wait_until_ready()
    assert world.ready("restored")["resolvedDigest"] == published.release.artifact_hash
    world.set_ready(tenant, "main")
    uid = world.the_set(tenant, "main")["metadata"]["uid"]
    entry = world.resolved(tenant, "main")["dev.acme.restored"]
    names = [one["name"] for one in entry["secrets"]] + ["main-resolved"]
    world.until(lambda: all(owned_by(world, tenant, one, uid) for one in names), seconds=60, what="the copies to be owned anew")


def backup(world: World, tenant: str) -> list[dict[str, Any]]:
    """Whatever a backup tool saves: whole objects with their owners, as they are."""
    secrets = [*world.api.list(SECRET, namespace=HOME), *world.api.list(SECRET, namespace=tenant)]
    ours = [one for one in secrets if one["metadata"].get("labels", {}).get("app.kubernetes.io/managed-by") == "mcpg-operator"]
    kinds = {"MCPGPlugin": [world.plugin("restored")], "MCPGPluginSet": [world.the_set(tenant, "main")], "Secret": ours}
    version = {"Secret": "v1"}
    return [
        {"apiVersion": version.get(kind, PLUGIN.api_version), "kind": kind, **one}
        for kind, found in kinds.items()
        for one in found
    ]


def lose(world: World, saved: list[dict[str, Any]]) -> None:
    kinds = {"MCPGPlugin": PLUGIN, "MCPGPluginSet": PLUGIN_SET, "Secret": SECRET}
    for one in saved:
        kind, metadata = kinds[one["kind"]], one["metadata"]
        world.api.delete(kind, metadata["name"], namespace=metadata.get("namespace"))
    left = [
        lambda one=one: world.api.get(kinds[one["kind"]], one["metadata"]["name"], namespace=one["metadata"].get("namespace"))
        for one in saved
    ]
    world.until(lambda: not any(get() for get in left), what="everything to be lost")


def restore(world: World, saved: list[dict[str, Any]]) -> None:
    dropped = {"uid", "resourceVersion", "creationTimestamp", "managedFields", "generation"}
    for one in saved:
        metadata = {key: value for key, value in one["metadata"].items() if key not in dropped}
        world.api.create({**one, "metadata": metadata})


def owned_by(world: World, namespace: str, name: str, uid: str) -> bool:
    found: Mapping[str, Any] = world.api.get(SECRET, name, namespace=namespace) or {"metadata": {}}
    return [one["uid"] for one in found["metadata"].get("ownerReferences", ())] == [uid]


def test_an_operator_without_its_definitions_waits_for_them(world: World, operator: OperatorProcess) -> None:
    operator.stop()
    world.cluster.undefine(REVOCATION_LIST)
    operator.start()
    try:
        world.until(lambda: operator.answers("/healthz"), what="the operator to be up")
        world.until(lambda: waits(operator), what="the operator to say what it waits for")
        assert not operator.answers("/readyz")
    finally:
        world.cluster.define(definitions())
    operator.wait_until_ready()
    world.add("after-the-definitions")


def waits(operator: OperatorProcess) -> bool:
    return any("mcpgrevocationlists" in str(one.get("message")) for one in operator.new_lines())
