"""What is judged out of the caches, what is looked at again, and what becomes of a look that fails."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from mcpg_operator.admission.descriptors import Descriptors
from mcpg_operator.admission.live import Live
from mcpg_operator.admission.review import parse
from mcpg_operator.admission.reviewer import Reviewer
from mcpg_operator.admission.world import CachedWorld, Sources
from mcpg_operator.resources import CLUSTER, GATEWAY, NAMESPACE, PLUGIN, PLUGIN_SET, ROUTE, TENANT
from mcpg_operator.runtime.store import Store
from supplychain.errors import ClusterUnavailableError, LookupFailedError
from supplychain.rules.strictness import Strictness
from tests.operators.admission.reviews import filled, review, stored
from tests.support.fake_cluster import FakeCluster

GATEWAY_OBJECT: dict[str, Any] = {
    "apiVersion": "mcpg.dev/v1alpha2",
    "kind": "MCPGGateway",
    "metadata": {"name": "edge", "namespace": "payments"},
    "spec": {},
}
SET: dict[str, Any] = {
    "apiVersion": "mcpg.dev/v1alpha2",
    "kind": "MCPGPluginSet",
    "metadata": {"name": "base", "namespace": "payments"},
    "spec": {"entries": [{"id": "dev.acme.audit", "pluginRef": {"name": "audit"}}]},
}
PLUGIN_OBJECT: dict[str, Any] = {
    "apiVersion": "mcpg.dev/v1alpha2",
    "kind": "MCPGPlugin",
    "metadata": {"name": "audit"},
    "spec": {
        "pluginId": "dev.acme.audit",
        "version": "1.2.3",
        "pluginClass": "audit_sink",
        "oci": {"image": f"ghcr.io/acme/audit@sha256:{'a' * 64}"},
        "trust": {"signingKeyRef": {"secretName": "acme-keys"}},
    },
    "status": {"conditions": [{"type": "Ready", "status": "True"}]},
}


def tenant(name="payments", *namespaces, allowed="*"):
    return {
        "apiVersion": "mcpg.dev/v1alpha2",
        "kind": "MCPGTenant",
        "metadata": {"name": name},
        "spec": {"namespaces": list(namespaces or ("payments",)), "allowedPlugins": [{"name": allowed}]},
    }


def space(name):
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}


class Admitting:
    """A reviewer over a cache of these objects, and an API server that has others besides."""

    def __init__(self, *cached, live=(), **strictness):
        self.store = filled(*cached)
        self.cluster = FakeCluster()
        for one in (*cached, *live):
            found = stored(one)
            self.cluster.put(found.kind, copy.deepcopy(dict(found.body)))
        for kind in (TENANT, PLUGIN, PLUGIN_SET, GATEWAY, CLUSTER, NAMESPACE):
            known = {one.key for one in self.store.list(kind)}
            self.store.replace(kind, [one for one in self.cluster.objects(kind) if one.key in known])
        self.cluster.reads.clear()
        self.failures: list[tuple[str, str]] = []
        live = Live(self.cluster)
        descriptors = Descriptors(self.store, live, namespace="mcpg-system")
        self.reviewer = Reviewer(
            self.store, live, Strictness(**strictness), descriptors, failed=lambda *words: self.failures.append(words)
        )

    def judge(self, document, old=None, kind=PLUGIN_SET):
        asked = parse(review(document, old, kind=kind), kind)
        return self.reviewer.answer(asked, self.reviewer.draft(asked, kind))


def test_a_review_whose_references_exist_asks_nobody():
    world = Admitting(tenant(), PLUGIN_OBJECT, space("payments"))
    given = world.judge(SET)
    assert given.allowed
    assert world.cluster.reads == []


def test_a_missing_object_is_looked_for_once_more_before_its_absence_counts():
    world = Admitting(tenant(), space("payments"), live=[PLUGIN_OBJECT])
    given = world.judge(SET)
    assert given.allowed
    assert not any("there is no" in one for one in given.warnings)
    assert world.cluster.reads


def test_an_object_that_is_really_missing_is_a_warning():
    given = Admitting(tenant(), space("payments")).judge(SET)
    assert given.allowed
    assert any("spec.entries[0].pluginRef.name" in one for one in given.warnings), given.warnings


def test_a_tenant_that_the_cache_does_not_have_yet_restrains_all_the_same():
    world = Admitting(PLUGIN_OBJECT, space("payments"), live=[tenant(allowed="another")])
    given = world.judge(SET)
    assert (given.allowed, given.code) == (False, 403)
    assert "spec.entries[0].pluginRef.name" in given.message or "spec.entries[0]" in given.message


def test_who_was_allowed_a_moment_ago_is_not_refused_by_an_old_cache():
    world = Admitting(tenant(allowed="another"), PLUGIN_OBJECT, space("payments"))
    assert not world.judge(SET).allowed
    world.cluster.edit(stored(tenant()).key, lambda body: body["spec"].update(allowedPlugins=[{"name": "audit"}]))
    assert world.judge(SET).allowed


def test_two_tenants_cannot_take_one_namespace_even_within_the_lag_of_the_cache():
    world = Admitting(space("payments"), live=[tenant("first")])
    given = world.judge(tenant("second"), kind=TENANT)
    assert (given.allowed, given.code) == (False, 403)
    assert "belongs to tenant `first`" in given.message


def test_a_gateway_that_the_cache_does_not_have_yet_keeps_its_coordinator():
    several = copy.deepcopy(GATEWAY_OBJECT)
    several["spec"] = {"replicas": 3, "clusterRef": {"name": "redis"}}
    cluster = {"apiVersion": "mcpg.dev/v1alpha2", "kind": "MCPGCluster", "metadata": {"name": "redis"}}
    before = {**cluster, "spec": {"backend": "redis", "config": {"url": "rediss://redis"}}}
    after = {**cluster, "spec": {"backend": "single_node"}}
    world = Admitting(before, live=[several])
    given = world.judge(after, before, kind=CLUSTER)
    assert not given.allowed
    assert "edge" in given.message


@pytest.mark.parametrize(("lenient", "code"), [(False, 503), (True, 200)])
def test_an_api_server_that_is_away_denies_unless_its_owner_wants_otherwise(lenient, code):
    world = Admitting(PLUGIN_OBJECT, space("payments"), admit_without_lookup=lenient)
    world.cluster.fail_with(ClusterUnavailableError("down"))
    given = world.judge(SET)
    assert (given.allowed, given.code) == (lenient, code)
    words = given.warnings[-1] if lenient else given.message
    assert "MCPGTenant cannot be looked up" in words
    assert "try again" in words
    assert world.failures == [("MCPGPluginSet", "MCPGTenant")]


def test_what_is_refused_stays_refused_when_it_cannot_be_looked_at_again():
    world = Admitting(tenant(allowed="another"), PLUGIN_OBJECT, space("payments"))
    world.cluster.fail_with(ClusterUnavailableError("down"))
    given = world.judge(SET)
    assert (given.allowed, given.code) == (False, 403)


def test_nothing_is_taken_for_absent_that_was_never_listed():
    world = Admitting(tenant(), PLUGIN_OBJECT)
    world.reviewer._store = Store()
    given = world.judge(SET)
    assert (given.allowed, given.code) == (False, 503)
    assert "not filled yet" in given.message
    assert world.failures


def test_an_object_that_is_wrong_by_itself_is_refused_without_a_look():
    world = Admitting(tenant(), PLUGIN_OBJECT, space("payments"))
    document = copy.deepcopy(PLUGIN_OBJECT)
    document["spec"]["version"] = ""
    given = world.judge(document, kind=PLUGIN)
    assert (given.allowed, given.code) == (False, 422)
    assert world.cluster.reads == []


def test_the_gateway_of_a_namespace_without_a_tenant_is_admitted_after_one_look():
    world = Admitting(space("payments"))
    assert world.judge(GATEWAY_OBJECT, kind=GATEWAY).allowed
    assert len(world.cluster.reads) == 1


def test_every_kind_of_object_is_found_in_the_cache_and_its_absence_is_remembered():
    cluster = {"apiVersion": "mcpg.dev/v1alpha2", "kind": "MCPGCluster", "metadata": {"name": "redis"}, "spec": {}}
    listed = {"apiVersion": "mcpg.dev/v1alpha2", "kind": "MCPGRevocationList", "metadata": {"name": "list"}, "spec": {}}
    route = {
        "apiVersion": "mcpg.dev/v1alpha2",
        "kind": "MCPGRoute",
        "metadata": {"name": "r", "namespace": "payments"},
        "spec": {"gatewayRef": {"name": "edge"}},
    }
    known = (tenant(), PLUGIN_OBJECT, SET, GATEWAY_OBJECT, cluster, listed, route, space("payments"))
    admitting = Admitting(*known)
    sources = Sources(store=admitting.store, descriptors=admitting.reviewer._descriptors, failed=lambda _: None)
    world = CachedWorld(sources)
    wholes: tuple[Any, ...] = (world.tenants, world.plugins, world.plugin_sets, world.gateways, world.routes)
    assert [[one["metadata"]["name"] for one in whole()] for whole in wholes] == [
        ["payments"],
        ["audit"],
        ["base"],
        ["edge"],
        ["r"],
    ]
    singles = (
        world.plugin("audit"), world.plugin_set("payments", "base"), world.gateway("payments", "edge"), world.cluster("redis"),
        world.revocation_list("list"), world.namespace("payments"),
    )  # fmt: skip
    assert [one["metadata"]["name"] for one in singles if one] == ["audit", "base", "edge", "redis", "list", "payments"]
    assert list(world.missing) == []
    assert [one["metadata"]["name"] for one in world.routes_of("payments", "edge")] == ["r"]
    assert list(world.routes_of("elsewhere", "edge")) == []
    assert world.gateway("elsewhere", "edge") is None
    assert world.plugin_set("elsewhere", "base") is None
    assert [(one.name, one.namespace) for one in world.missing] == [("edge", "elsewhere"), ("base", "elsewhere")]


def a_route(name, namespace="payments", *, gateway="edge", at=None, tenant="payments"):
    reference = {"name": gateway, **({} if at is None else {"namespace": at})}
    return {
        "apiVersion": "mcpg.dev/v1alpha2",
        "kind": "MCPGRoute",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"gatewayRef": reference, "match": {"tools": [{"id": "a"}]}, "attributes": {"tenant": tenant}},
    }


def test_of_all_routes_only_those_of_the_gateway_are_read(monkeypatch):
    others = [a_route(f"r{number}", gateway=f"g{number}") for number in range(50)]
    here, there = a_route("here", tenant="south"), a_route("there", "other", at="payments", tenant="south")
    admitting = Admitting(GATEWAY_OBJECT, here, there, *others)
    read: list[str] = []

    def find(kind, name, value, *, before=admitting.store.find):
        found = before(kind, name, value)
        read.extend(one.name for one in found)
        return found

    monkeypatch.setattr(admitting.store, "find", find)
    monkeypatch.setattr(
        admitting.store, "list", lambda kind, *, before=admitting.store.list: () if kind == ROUTE else before(kind)
    )
    found = admitting.judge(a_route("new"), kind=ROUTE)
    assert found.allowed
    assert [one for one in found.warnings if "claims" in one] == [
        "spec.match.tools[0].id: a route of another namespace claims tool `a` for other callers; they will share it"
    ]
    assert sorted(read) == ["here", "there"]


def test_a_reference_that_looks_like_another_one_names_no_gateway():
    odd = a_route("odd", gateway="b/edge", at="a")
    admitting = Admitting(odd)
    sources = Sources(store=admitting.store, descriptors=admitting.reviewer._descriptors, failed=lambda _: None)
    assert list(CachedWorld(sources).routes_of("a/b", "edge")) == []
    assert [one["metadata"]["name"] for one in CachedWorld(sources).routes_of("a", "b/edge")] == ["odd"]


def test_routes_that_were_never_listed_are_not_taken_for_none():
    failed: list[Any] = []
    sources = Sources(store=Store(), descriptors=Admitting().reviewer._descriptors, failed=failed.append)
    with pytest.raises(LookupFailedError):
        CachedWorld(sources).routes_of("payments", "edge")
    assert failed == [ROUTE]
