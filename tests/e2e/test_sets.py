"""Sets on a real cluster: copies and documents that outlive whatever happens beside them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from mcpg_operator.resources import NAMESPACE, PLUGIN_SET, ROLE_BINDING, SECRET
from tests.support.cluster import OPERATOR

if TYPE_CHECKING:
    from tests.e2e.world import World
    from tests.support.cluster.operator_process import OperatorProcess

pytestmark = pytest.mark.usefixtures("operator")
BINDING = "mcpg-operator-tenant-secrets"


def owners(world: World, namespace: str, name: str) -> list[str]:
    found = world.api.get(SECRET, name, namespace=namespace) or {"metadata": {}}
    return sorted(one["name"] for one in found["metadata"].get("ownerReferences", ()))


def test_two_sets_share_a_copy_and_one_of_them_can_go(world: World) -> None:
    tenant = world.namespace("sharing")
    published = world.add("shared")
    for name in ("one", "two"):
        world.add_set(tenant, name, "shared")
        world.set_ready(tenant, name)
    [part] = world.resolved(tenant, "two")["dev.acme.shared"]["secrets"]
    world.until(lambda: owners(world, tenant, part["name"]) == ["one", "two"], what="both sets to own the copy")
    uid = world.secret(part["name"], tenant)["metadata"]["uid"]
    world.api.delete(PLUGIN_SET, "one", namespace=tenant)
    world.until(lambda: world.api.get(SECRET, "one-resolved", namespace=tenant) is None, what="the first document to go")
    world.until(lambda: owners(world, tenant, part["name"]) == ["two"], what="the copy to belong to the second alone")
    assert world.library("shared", namespace=tenant) == published.release.library
    assert world.secret(part["name"], tenant)["metadata"]["uid"] == uid
    world.set_ready(tenant, "two")


def test_what_the_set_grants_and_configures_stands_in_the_document(world: World) -> None:
    tenant = world.namespace("granting")
    world.add("granted")
    grants = {"dev.acme.granted": ["audit_write"]}
    world.add_set(tenant, "main", "granted", grants=grants, config={"level": "high"}, enforce=False)
    before = world.set_ready(tenant, "main")["resolvedHash"]
    entry = world.resolved(tenant, "main")["dev.acme.granted"]
    assert (entry["capabilityGrants"], entry["config"], entry["enforce"]) == (["audit_write"], {"level": "high"}, False)
    world.add_set(tenant, "main", "granted", grants={"dev.acme.granted": ["network_outbound"]})
    world.until(lambda: failures(world, tenant, "main") == ["GrantNotRequired"], what="the grant to be refused")
    assert world.resolved(tenant, "main")["dev.acme.granted"] == entry
    world.add_set(tenant, "main", "granted", grants=grants, config={"level": "low"})
    assert world.until(lambda: changed_from(world, tenant, "main", before), what="another document")


def failures(world: World, namespace: str, name: str) -> list[str]:
    return [one["reason"] for one in world.the_set(namespace, name).get("status", {}).get("failedEntries", ())]


def changed_from(world: World, namespace: str, name: str, digest: str) -> bool:
    status: dict[str, Any] = world.the_set(namespace, name)["status"]
    return status["resolvedEntries"] == status["totalEntries"] and status["resolvedHash"] != digest


def test_a_plugin_that_turns_unready_leaves_the_set_as_it_was(world: World) -> None:
    tenant = world.namespace("static")
    published = world.add("static")
    world.add_set(tenant, "main", "static")
    digest = world.set_ready(tenant, "main")["resolvedHash"]
    changed = published.plugin("static")
    changed["spec"]["trust"]["signingKeyRef"]["secretName"] = "not-there-yet"
    world.api.apply(changed)
    world.refused("static", "SigningKeyMissing")
    world.until(lambda: failures(world, tenant, "main") == ["PluginNotReady"], what="the set to say so")
    assert world.the_set(tenant, "main")["status"]["resolvedHash"] == digest
    assert world.library("static", namespace=tenant) in {published.release.library, None}
    [part] = world.resolved(tenant, "main")["dev.acme.static"]["secrets"]
    assert world.api.get(SECRET, part["name"], namespace=tenant) is not None
    world.api.apply(published.plugin("static"))
    assert world.set_ready(tenant, "main")["resolvedHash"] == digest


def test_a_namespace_can_be_deleted_and_made_anew(world: World, operator: OperatorProcess) -> None:
    tenant = world.cluster.namespace("reborn")
    published = world.add("reborn")
    world.add_set(tenant, "main", "reborn")
    world.set_ready(tenant, "main")
    world.cluster.drop_namespace(tenant, seconds=60)
    assert world.api.get(NAMESPACE, tenant) is None
    world.namespace(tenant)
    world.add_set(tenant, "main", "reborn")
    world.set_ready(tenant, "main")
    assert world.library("reborn", namespace=tenant) == published.release.library
    assert operator.program.running


def test_a_binding_that_somebody_widened_is_refused_and_gets_no_copy(world: World) -> None:
    tenant = world.namespace("widened")
    world.add("guarded")
    stranger = {"kind": "ServiceAccount", "name": "stranger", "namespace": tenant}
    world.api.apply(
        {
            "apiVersion": ROLE_BINDING.api_version,
            "kind": ROLE_BINDING.name,
            "metadata": {"name": BINDING, "namespace": tenant},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": BINDING},
            "subjects": [stranger],
        }
    )
    world.add_set(tenant, "main", "guarded")
    world.until(lambda: world.the_set(tenant, "main").get("status", {}).get("conditions"), what="an answer about the set")
    assert world.resolved(tenant, "main") == {} or binding_subjects(world, tenant) == [OPERATOR]
    world.api.delete(ROLE_BINDING, BINDING, namespace=tenant)
    world.set_ready(tenant, "main", seconds=60)
    assert binding_subjects(world, tenant) == [OPERATOR]


def binding_subjects(world: World, namespace: str) -> list[str]:
    found = world.api.get(ROLE_BINDING, BINDING, namespace=namespace) or {}
    return [one["name"] for one in found.get("subjects", ())]
