"""Revocation on a real cluster: within seconds, whatever is wrong with the list, and for ever unless somebody takes it back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from mcpg_operator.resources import CONFIG_MAP, CRD, GATEWAY, REVOCATION_LIST
from tests.support.cluster import ApiError, definitions
from tests.support.cluster.objects import condition, revocation_list, said

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.e2e.world import World
    from tests.support.cluster.operator_process import OperatorProcess

pytestmark = pytest.mark.usefixtures("operator")
LIST = "cluster-default"


@pytest.fixture(autouse=True)
def _nothing_is_revoked(world: World) -> Iterator[None]:
    yield
    world.revoke()


def the_list(world: World) -> dict[str, Any]:
    return world.api.get(REVOCATION_LIST, LIST) or {}


def status_of_the_list(world: World) -> dict[str, Any]:
    found = the_list(world)
    fresh = found.get("status", {}).get("observedGeneration") == found.get("metadata", {}).get("generation")
    return dict(found["status"]) if fresh else {}


def test_a_new_cluster_gets_an_empty_list(world: World) -> None:
    world.until(lambda: the_list(world), what="the empty list")
    assert the_list(world)["spec"] == {"version": 1, "revocations": []}
    world.until(lambda: condition(the_list(world)) == ("True", "Reconciled"), what="the list to be Ready")


def test_a_running_plugin_is_flagged_and_out_of_its_set_at_once_and_comes_back(world: World) -> None:
    tenant = world.namespace("revoking")
    published, _ = world.add("hit"), world.add("bystander")
    world.add_set(tenant, "main", "hit", "bystander")
    world.set_ready(tenant, "main")
    world.revoke(published.release.artifact_hash)
    world.until(lambda: world.status("hit").get("revokedBySha") is True, what="the plugin to be flagged")
    world.until(lambda: set(world.resolved(tenant, "main")) == {"dev.acme.bystander"}, what="the set to be without it")
    assert world.said("hit")[:2] == ("False", "ArtefactRevoked")
    assert world.said("bystander")[0] == "True"
    world.until(lambda: ("Warning", "ArtefactRevoked") in world.events("hit"), what="an event")
    world.until(lambda: status_of_the_list(world).get("pluginsBlocked") == ["hit"], what="the list to name the plugin")
    world.until(lambda: failed_entries(world, tenant) == [("dev.acme.hit", "PluginRevoked")], what="the set to say so")
    world.revoke()
    world.ready("hit")
    world.set_ready(tenant, "main")
    assert set(world.resolved(tenant, "main")) == {"dev.acme.hit", "dev.acme.bystander"}
    assert world.status("hit")["revokedBySha"] is False


def failed_entries(world: World, namespace: str) -> list[tuple[str, str]]:
    status = world.the_set(namespace, "main")["status"]
    return [(one["id"], one["reason"]) for one in status.get("failedEntries", ())]


def test_a_list_reaches_every_namespace_with_a_gateway(world: World) -> None:
    tenant = world.namespace("served")
    metadata = {"name": "edge", "namespace": tenant}
    world.api.apply({"apiVersion": GATEWAY.api_version, "kind": GATEWAY.name, "metadata": metadata, "spec": {"replicas": 1}})
    world.revoke("a" * 64)
    copy = world.until(lambda: a_copy(world, tenant, "a" * 64), what="the copy of the list")
    [annotation] = [one for one in copy["metadata"]["annotations"] if one.endswith("content-hash")]
    assert copy["metadata"]["annotations"][annotation] == status_of_the_list(world)["contentHash"]
    world.until(lambda: status_of_the_list(world).get("materialisedNamespaces") == 1, what="the count of namespaces")
    world.api.delete(GATEWAY, "edge", namespace=tenant)


def a_copy(world: World, namespace: str, artifact: str) -> dict[str, Any] | None:
    found = world.api.get(CONFIG_MAP, "mcpg-revocation-list", namespace=namespace)
    return found if found is not None and artifact in found["data"]["revocations.json"] else None


@pytest.fixture
def lax(world: World) -> Iterator[None]:
    """An old definition that lets any entry in, as if somebody had written past admission."""
    name = f"{REVOCATION_LIST.plural}.{REVOCATION_LIST.group}"
    [version] = next(one for one in definitions() if one["metadata"]["name"] == name)["spec"]["versions"]
    anything = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    properties = version["schema"]["openAPIV3Schema"]["properties"]
    loose = {"openAPIV3Schema": {"type": "object", "properties": {"spec": anything, "status": properties["status"]}}}
    world.api.merge(CRD, name, {"spec": {"versions": [{**version, "schema": loose}]}})
    yield
    world.revoke()
    world.api.merge(CRD, name, {"spec": {"versions": [version]}})


@pytest.mark.usefixtures("lax")
def test_a_bad_entry_written_past_admission_takes_no_good_one_out_of_force(world: World) -> None:
    hit, _ = world.add("listed"), world.add("unlisted")
    bad = revocation_list(hit.release.artifact_hash)
    bad["spec"]["revocations"].insert(0, {"artifactSha256": "not a hash", "reason": "a slip of the pen"})
    world.until(lambda: written(world, bad), what="the old definition to be in force")
    assert world.refused("listed", "ArtefactRevoked")["revokedBySha"] is True
    world.until(lambda: condition(the_list(world)) == ("False", "RevocationListInvalid"), what="the list to be called bad")
    assert "revocations[0]" in said(the_list(world)).message
    world.install("newcomer", world.publish("newcomer"))
    world.refused("newcomer", "RevocationListInvalid")
    assert world.stored_for("newcomer") == []
    assert world.said("unlisted")[0] == "True"
    world.revoke(hit.release.artifact_hash)
    world.ready("newcomer")
    assert world.said("listed")[:2] == ("False", "ArtefactRevoked")


def written(world: World, manifest: dict[str, Any]) -> bool:
    try:
        world.api.apply(manifest)
    except ApiError as error:
        if error.reason != "Invalid":
            raise
        return False
    return True


def test_nothing_becomes_loadable_when_the_list_is_deleted(world: World, operator: OperatorProcess) -> None:
    tenant = world.namespace("unlisting")
    hit = world.add("condemned")
    world.add("harmless")
    world.add_set(tenant, "main", "condemned", "harmless")
    world.set_ready(tenant, "main")
    world.revoke(hit.release.artifact_hash)
    world.refused("condemned", "ArtefactRevoked")
    world.until(lambda: set(world.resolved(tenant, "main")) == {"dev.acme.harmless"}, what="the set to be without it")
    world.api.delete(REVOCATION_LIST, LIST)
    again = world.publish("condemned-again", release=hit.release)
    world.install("condemned-again", again)
    world.refused("condemned-again", "ArtefactRevoked")
    operator.restart()
    world.add("after-the-list")
    for name in ("condemned", "condemned-again"):
        assert world.refused(name, "ArtefactRevoked")["revokedBySha"] is True
    assert set(world.resolved(tenant, "main")) == {"dev.acme.harmless"}
    assert world.api.get(REVOCATION_LIST, LIST) is None
    world.until(lambda: any(kind == "Warning" for kind, _ in world.events(LIST)), what="an event about the list")
