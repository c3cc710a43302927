"""The parts that a gateway is decided by: its set, its lists, its coordinator, its hosts, each seen as it is."""

from __future__ import annotations

import base64
import dataclasses
import json
from typing import TYPE_CHECKING, Any

import pytest

from mcpg_operator.controllers.gateway.claims import owner, scope, see_routes
from mcpg_operator.controllers.gateway.coordinators import SeenCluster, see_cluster
from mcpg_operator.controllers.gateway.hosts import contested
from mcpg_operator.controllers.gateway.lists import Lists
from mcpg_operator.controllers.gateway.running import LEAVING, Loaded, leaving_of, loaded_by, notes, unserviceable
from mcpg_operator.controllers.gateway.sets import NOT_ALLOWED, REVOKED, SeenSet, see_set
from mcpg_operator.controllers.plugin_set.seal import Sealer
from mcpg_operator.controllers.plugin_set.sources import Sources
from mcpg_operator.indexes import register
from mcpg_operator.ledger import Standing
from mcpg_operator.render.cluster_block import block_hash
from mcpg_operator.render.gateway.dialect import Dialect, dialect_of
from mcpg_operator.render.gateway.inputs import TenantScope
from mcpg_operator.resources import (
    CLUSTER,
    CONFIG_MAP,
    DEPLOYMENT,
    GATEWAY,
    PLUGIN,
    PLUGIN_SET,
    REVOCATION_LIST,
    ROUTE,
    SECRET,
    TENANT,
    Key,
    Resource,
)
from mcpg_operator.runtime.store import Store
from supplychain.api import parse_spec
from supplychain.api.gateway import GatewaySpec
from supplychain.digest import ArtifactHash
from supplychain.errors import ApplyForbiddenError, ClusterUnavailableError
from supplychain.revocation import RevocationSet, from_spec
from supplychain.rules.tenancy import Identity
from tests.operators.gateway.test_running import deployment
from tests.operators.gateway.world import GatewayWorld
from tests.operators.plugin_set.world import TEAM, entry
from tests.support.testdata.admission.rules.case import tenant

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mcpg_operator.resources import Kind

COUNTS = ("replicas", "updatedReplicas", "availableReplicas")
OTHER = ArtifactHash.of(b"another library")
AUDIT, METER = "dev.example.audit", "dev.example.meter"


def gateway(spec: Any = None, *, name: str = "shop", namespace: str = TEAM, created: Any = "2026-01-01T00:00:00Z") -> Resource:
    metadata = {"name": name, "namespace": namespace, "uid": f"{namespace}/{name}", "creationTimestamp": created}
    return Resource(GATEWAY, {"metadata": metadata, "spec": spec or {}})


def revoking(*hashes: str) -> RevocationSet:
    spec = {"revocations": [{"artifactSha256": one, "reason": "stolen key"} for one in hashes]}
    return RevocationSet((from_spec(spec, name="list"),))


# --- the set ------------------------------------------------------------------------------------------------------------------------


def see(world: GatewayWorld, *hashes: str, tenant_of: Mapping[str, Any] | None = None) -> SeenSet:
    return see_set(world.services, Sealer(world.services), gateway(), "main", revocations=revoking(*hashes), tenant=tenant_of)


def resolved() -> GatewayWorld:
    world = GatewayWorld()
    world.with_set("audit", "meter", plugin_class="audit_sink")
    return world


def rewrite(world: GatewayWorld, *entries: Any) -> None:
    """Change the set; its controller does not get to it."""
    world.cluster.edit(Key(PLUGIN_SET, "main", TEAM), lambda one: one.update(spec={"entries": list(entries)}))


def said(found: SeenSet) -> tuple[str, str, str, bool, bool, bool]:
    one = found.dependency
    return (one.type, one.kind, one.reason, one.ready, one.usable, one.missing)


def test_a_set_that_is_resolved_is_served_whole() -> None:
    found = see(resolved())
    assert said(found) == ("PluginSetReady", "MCPGPluginSet", "PluginSetResolved", True, True, False)
    assert found.document is not None
    assert ([one.id for one in found.document.entries], found.document.complete) == ([AUDIT, METER], True)
    assert (found.withdrawn, found.unresolved) == ({}, ())


@pytest.mark.parametrize(
    ("change", "reason", "missing"),
    [
        (lambda world: world.cluster.delete(PLUGIN_SET, "main", namespace=TEAM), "PluginSetNotFound", True),
        (lambda world: rewrite(world, {"id": 7}), "PluginSetNotReady", False),
        (lambda world: world.cluster.delete(SECRET, "main-resolved", namespace=TEAM), "ResolvedConfigMapMissing", False),
        (
            lambda world: world.cluster.fail_with(ApplyForbiddenError("403"), on="get", kind=SECRET),
            "PluginSetNotReady",
            False,
        ),
        (
            lambda world: world.cluster.edit(
                Key(SECRET, "main-resolved", TEAM),
                lambda one: one.update(data={"plugins.json": base64.b64encode(b"{}").decode()}),
            ),
            "ResolvedConfigMapParseFailed",
            False,
        ),
    ],
)
def test_a_set_that_cannot_be_used_says_why(change: Any, reason: str, *, missing: bool) -> None:
    world = resolved()
    Sealer(world.services).seal(namespace=TEAM, name="x", text="x")
    sealer = Sealer(world.services)
    sealer.seal(namespace=TEAM, name="x", text="x")
    change(world)
    found = see_set(world.services, sealer, gateway(), "main", revocations=revoking(), tenant=None)
    assert said(found) == ("PluginSetReady", "MCPGPluginSet", reason, False, False, missing)
    assert (found.document, found.withdrawn, found.unresolved) == (None, {}, ())


def withdrawn(found: SeenSet) -> dict[str, tuple[str, str, str]]:
    return {name: (one.reason, one.plugin, one.plugin_class) for name, one in found.withdrawn.items()}


@pytest.mark.parametrize("ledger", ["the same", "nothing", "a newer one"])
def test_what_a_list_revokes_of_the_document_is_taken_out_whatever_the_ledger_says(ledger: str) -> None:
    world = resolved()
    digest = world.artifact("audit").hex
    if ledger == "a newer one":
        world.judge("audit", artifact_hash=OTHER)
    if ledger == "nothing":
        world.ledger.drop("audit")
        world.cluster.edit(Key(PLUGIN, "audit"), lambda one: one["spec"].update(pluginClass="audit_sink"))
    found = see(world, digest)
    assert withdrawn(found) == {AUDIT: (REVOKED, "audit", "audit_sink")}
    assert found.document is not None
    assert ([one.id for one in found.document.entries], found.document.complete) == ([METER], False)
    assert found.unresolved == ()
    assert said(found) == ("PluginSetReady", "MCPGPluginSet", "PluginSetNotReady", False, True, False)


def test_what_stands_revoked_is_taken_out_although_no_list_names_its_artifact() -> None:
    world = resolved()
    world.judge("audit", standing=Standing.REVOKED)
    assert withdrawn(see(world)) == {AUDIT: (REVOKED, "audit", "audit_sink")}


def test_an_entry_that_is_not_in_the_document_waits_or_is_withdrawn() -> None:
    world = resolved()
    for name in ("listed", "judged", "waiting", "refused"):
        world.plugin(name, plugin_class="tool_gate")
    world.judge("judged", standing=Standing.REVOKED)
    world.refuse("refused")
    world.judge("refused", artifact_hash=None)
    names = ("audit", "meter", "listed", "judged", "waiting", "refused", "nobody")
    rewrite(world, *(entry(one) for one in names), entry("off", enabled=False))
    found = see(world, world.artifact("listed").hex)
    assert withdrawn(found) == {
        "dev.example.listed": (REVOKED, "listed", "tool_gate"),
        "dev.example.judged": (REVOKED, "judged", "tool_gate"),
    }
    assert found.unresolved == ("dev.example.waiting", "dev.example.refused", "dev.example.nobody")
    assert said(found) == ("PluginSetReady", "MCPGPluginSet", "PluginSetNotReady", False, False, False)


def test_what_the_tenant_does_not_allow_is_taken_out_unless_nobody_can_tell() -> None:
    world = resolved()
    acme = tenant("acme", allowedPlugins=[{"name": "meter"}])
    assert withdrawn(see(world, tenant_of=acme)) == {AUDIT: (NOT_ALLOWED, "audit", "audit_sink")}
    assert withdrawn(see(world, tenant_of=tenant("acme"))) == {}
    assert withdrawn(see(world)) == {}
    world.cluster.delete(PLUGIN, "audit")
    assert withdrawn(see(world, tenant_of=acme)) == {}
    revoked = see(resolved(), world.artifact("audit").hex, tenant_of=tenant("acme", allowedPlugins=[]))
    assert {name: one.reason for name, one in revoked.withdrawn.items()} == {AUDIT: REVOKED, METER: NOT_ALLOWED}


@pytest.mark.parametrize(
    ("judged", "spec", "word"),
    [
        ("tool_gate", {"pluginClass": "backend"}, "tool_gate"),
        ("", {"pluginClass": "backend"}, "backend"),
        (None, {"pluginClass": "backend"}, "backend"),
        (None, {"pluginClass": 7}, ""),
        (None, {}, ""),
        (None, None, ""),
    ],
)
def test_the_class_is_the_one_that_was_judged_or_else_the_one_that_is_declared(judged: str | None, spec: Any, word: str) -> None:
    world = resolved()
    digest = world.artifact("audit").hex
    if judged is None:
        world.ledger.drop("audit")
    else:
        world.judge("audit", plugin_class=judged)
    world.cluster.edit(Key(PLUGIN, "audit"), lambda one: one.update(spec=spec))
    assert see(world, digest).withdrawn[AUDIT].plugin_class == word
    world.cluster.delete(PLUGIN, "audit")
    assert see(world, digest).withdrawn[AUDIT].plugin_class == (judged or "")


# --- the lists ----------------------------------------------------------------------------------------------------------------------

EXTRA: dict[str, Any] = {"revocationListRef": {"name": "extra"}}


def name_list(world: GatewayWorld, *hashes: ArtifactHash, name: str = "extra") -> None:
    entries = [{"artifactSha256": one.hex, "reason": "not here"} for one in hashes]
    world.cluster.put(REVOCATION_LIST, {"metadata": {"name": name}, "spec": {"revocations": entries}})


def lists_of(world: GatewayWorld) -> Lists:
    return Lists(world.services, Sealer(world.services))


def counted(lists: Lists, one: Resource) -> list[tuple[str, list[str]]]:
    return [(each.name, sorted(each.entries)) for each in lists.counted(one)]


def test_a_named_list_counts_whatever_is_wrong_with_the_gateway() -> None:
    world = GatewayWorld()
    world.revoke(OTHER)
    name_list(world, ArtifactHash.of(b"x"))
    lists = lists_of(world)
    default = ("cluster-default", [OTHER.hex])
    assert counted(lists, gateway(EXTRA)) == [default, ("extra", [ArtifactHash.of(b"x").hex])]
    assert counted(lists, gateway({"revocationListRef": {"name": 7}})) == [default]
    assert counted(lists, gateway({"revocationListRef": {"name": ["extra"]}})) == [default]
    assert counted(lists, gateway({"revocationListRef": {"name": "gone"}})) == [default]
    world.cluster.delete(REVOCATION_LIST, "extra")
    assert counted(lists, gateway(EXTRA))[1:] == [("extra", [ArtifactHash.of(b"x").hex])]


def test_a_list_that_changes_is_read_again_beside_one_that_does_not() -> None:
    world = GatewayWorld()
    world.revoke(OTHER)
    name_list(world, ArtifactHash.of(b"x"))
    lists = lists_of(world)

    def rendered() -> list[str]:
        found = lists.see(gateway(EXTRA), "extra").rendered
        return [one["artifact_sha256"] for one in json.loads(found or b"")["revocations"]]

    def sorted_hashes(*texts: bytes) -> list[str]:
        return sorted([*(ArtifactHash.of(one).hex for one in texts), OTHER.hex])

    assert rendered() == sorted_hashes(b"x")
    name_list(world, ArtifactHash.of(b"y"))
    assert rendered() == sorted_hashes(b"y")
    assert counted(lists, gateway(EXTRA))[1:] == [("extra", [ArtifactHash.of(b"y").hex])]
    world.revoke(OTHER, ArtifactHash.of(b"z"))
    assert rendered() == sorted_hashes(b"y", b"z")
    first = lists.see(gateway(EXTRA), "extra")
    assert lists.see(gateway(EXTRA), "extra") is first
    assert lists.see(gateway(), None) is not first


def test_no_list_is_taken_for_absent_before_all_were_seen() -> None:
    world = GatewayWorld()
    world.revoke(OTHER)
    default = world.cluster.get(REVOCATION_LIST, "cluster-default")
    assert default is not None
    store = Store()
    assert Lists(dataclasses.replace(world.services, store=store), Sealer(world.services)).counted(gateway()) == ()
    store.replace(CONFIG_MAP, [])
    store.put(default)
    lists = Lists(dataclasses.replace(world.services, store=store), Sealer(world.services))
    with pytest.raises(ClusterUnavailableError):
        lists.see(gateway(EXTRA), "extra")
    listed = Store()
    listed.replace(REVOCATION_LIST, [])
    with pytest.raises(ClusterUnavailableError):
        Lists(dataclasses.replace(world.services, store=listed), Sealer(world.services)).see(gateway(), None)
    store.replace(REVOCATION_LIST, [default])
    found = lists.see(gateway(EXTRA), "extra").dependency
    assert found is not None
    assert found.missing


def test_without_any_list_there_is_none_to_depend_on() -> None:
    world = GatewayWorld()
    store = Store()
    for kind in (REVOCATION_LIST, CONFIG_MAP):
        store.replace(kind, [])
    found = Lists(dataclasses.replace(world.services, store=store), Sealer(world.services)).see(gateway(), None)
    assert (found.dependency, found.revocations, found.rendered) == (None, RevocationSet(()), None)


@pytest.mark.parametrize("name", [None, "cluster-default"])
def test_one_list_is_mounted_as_it_is_and_once(name: str | None) -> None:
    world = GatewayWorld()
    hashes = sorted((OTHER, ArtifactHash.of(b"x"), ArtifactHash.of(b"y")), key=lambda one: one.hex, reverse=True)
    world.revoke(*hashes)
    found = lists_of(world).see(gateway(), name)
    assert found.dependency is not None
    assert found.dependency.message.startswith("`cluster-default`: 3 entries")
    listed = [one["artifact_sha256"] for one in json.loads(found.rendered or b"")["revocations"]]
    assert listed == [one.hex for one in hashes]
    assert len(found.revocations.lists) == 1


def test_a_list_that_was_never_readable_is_no_reason_to_fail() -> None:
    world = GatewayWorld()
    world.revoke()
    world.cluster.put(REVOCATION_LIST, {"metadata": {"name": "extra"}, "spec": {"revocations": "none"}})
    assert counted(lists_of(world), gateway(EXTRA))[1:] == [("extra", [])]


def test_without_its_config_map_nothing_is_known_of_a_list_that_is_gone() -> None:
    world = GatewayWorld()
    key = kept(world)
    world.cluster.remove(CONFIG)
    assert asked(world, key) == (False, [])


def test_a_list_that_becomes_unreadable_counts_as_it_was() -> None:
    world = GatewayWorld()
    world.revoke()
    name_list(world, OTHER)
    lists = lists_of(world)
    before = counted(lists, gateway(EXTRA))
    world.cluster.put(REVOCATION_LIST, {"metadata": {"name": "extra"}, "spec": {"revocations": "none"}})
    assert counted(lists, gateway(EXTRA)) == before


def test_a_list_that_is_gone_is_remembered_without_any_object() -> None:
    world = GatewayWorld()
    world.revoke()
    name_list(world, OTHER)
    lists = lists_of(world)
    whole = lists.see(gateway(EXTRA), "extra")
    assert whole.dependency is not None
    assert (whole.dependency.kind, whole.dependency.reason) == ("MCPGRevocationList", "RevocationListResolved")
    world.cluster.delete(REVOCATION_LIST, "extra")
    found = lists.see(gateway(EXTRA), "extra")
    assert found.dependency is not None
    assert (found.dependency.kind, found.dependency.reason) == ("MCPGRevocationList", "RevocationListNotFound")
    assert (found.dependency.ready, found.dependency.usable, found.dependency.missing) == (False, True, True)
    assert (found.rendered, found.revocations.lists[-1].name) == (whole.rendered, "extra")


def test_a_list_too_large_to_mount_is_unusable_and_not_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    world = GatewayWorld()
    world.revoke(OTHER)
    monkeypatch.setattr("mcpg_operator.controllers.gateway.lists._render", lambda _: None)
    found = lists_of(world).see(gateway(), None)
    assert found.dependency is not None
    assert found.dependency.reason == "RevocationConfigMapApplyFailed"
    assert (found.dependency.ready, found.dependency.usable, found.dependency.missing) == (False, False, False)
    assert [one.name for one in found.revocations.lists] == ["cluster-default"]


def kept(world: GatewayWorld) -> Key:
    """A gateway whose list is deleted, in the eyes of an operator that was started after that."""
    world.revoke()
    name_list(world, OTHER)
    key = world.gateway(**EXTRA)
    world.serve(key)
    world.cluster.delete(REVOCATION_LIST, "extra")
    world.restart()
    return key


def asked(world: GatewayWorld, key: Key) -> tuple[bool, list[str]]:
    """Whether the list is known well enough to render with, and what counts as revoked."""
    live = world.cluster.get(GATEWAY, key.name, namespace=key.namespace)
    assert live is not None
    found = lists_of(world).see(live, "extra")
    assert found.dependency is not None
    assert found.dependency.missing
    assert {one.name for one in found.revocations.lists} <= {"cluster-default", "extra"}
    return found.dependency.usable, sorted({one for each in found.revocations.lists for one in each.entries})


CONFIG = Key(CONFIG_MAP, "shop-revocations", TEAM)


def test_after_a_restart_a_list_that_is_gone_is_known_from_the_gateway_s_own_objects() -> None:
    world = GatewayWorld()
    assert asked(world, kept(world)) == (True, [OTHER.hex])


@pytest.mark.parametrize(
    "change",
    [
        lambda one: one.pop("data"),
        lambda one: one.update(data="text"),
        lambda one: one.update(binaryData={"list.json": "no base64"}),
        lambda one: one.update(data={}, binaryData={"list.json": "/w=="}),
        lambda one: one.update(data={"other": "x"}),
        lambda one: one.update(data={"list.json": '{"version":1,"revocations":[]}'}),
        lambda one: one["metadata"]["annotations"].clear(),
        lambda one: one["metadata"]["annotations"].update({"mcpg.dev/seal": "ü"}),
    ],
)
def test_what_the_operator_did_not_write_tells_nothing(change: Any) -> None:
    world = GatewayWorld()
    key = kept(world)
    world.cluster.edit(CONFIG, change)
    assert asked(world, key) == (False, [])


def test_an_older_list_that_somebody_puts_back_counts_and_is_not_rendered() -> None:
    """A seal proves who wrote a list, not that it is the last one; who writes ConfigMaps cannot change the pods' template."""
    world = GatewayWorld()
    world.revoke()
    name_list(world, OTHER)
    key = world.gateway(**EXTRA)
    world.serve(key)
    older = world.cluster.get(CONFIG_MAP, "shop-revocations", namespace=TEAM)
    assert older is not None
    name_list(world, OTHER, ArtifactHash.of(b"later"))
    world.serve(key)
    world.cluster.delete(REVOCATION_LIST, "extra")
    world.cluster.edit(
        CONFIG,
        lambda one: one.update(data=older.body["data"], metadata={**one["metadata"], "annotations": dict(older.annotations)}),
    )
    world.restart()
    assert asked(world, key) == (False, [OTHER.hex])
    before = world.deployment(key).body["spec"]
    world.settle_gateway(key)
    assert world.deployment(key).body["spec"] == before
    assert world.says(key, "Degraded") == ("True", "DependencyMissing")


@pytest.mark.parametrize("how", ["gone", "another's"])
def test_without_pods_of_its_own_nobody_knows_which_list_was_the_last(how: str) -> None:
    world = GatewayWorld()
    key = kept(world)
    if how == "gone":
        world.cluster.delete(DEPLOYMENT, "shop-gateway", namespace=TEAM)
    else:
        world.cluster.edit(Key(DEPLOYMENT, "shop-gateway", TEAM), lambda one: one["metadata"].pop("ownerReferences"))
    assert asked(world, key) == (False, [OTHER.hex])


# --- the coordinator ------------------------------------------------------------------------------------------------------------------

REDIS: dict[str, Any] = {"backend": "redis", "config": {"url": "rediss://coordinator.example"}}
WANTED = "dev.mcpg.cluster.redis"


def look(world: GatewayWorld, config: Any = None, **spec: Any) -> SeenCluster:
    written = {"clusterRef": {"name": "shared"}, **({} if config is None else {"config": config}), **spec}
    resource = gateway(written)
    parsed = parse_spec(GatewaySpec, written, where="here")
    dialect = dialect_of({}, parsed.config, default=Dialect.SEED)
    found = see_cluster(world.services, Sources(world.services), resource, parsed, document=None, dialect=dialect)
    assert found is not None
    assert (found.dependency.type, found.dependency.kind) == ("ClusterReady", "MCPGCluster")
    return found


def with_cluster(**spec: Any) -> GatewayWorld:
    world = GatewayWorld()
    world.cluster.put(CLUSTER, {"metadata": {"name": "shared"}, "spec": spec or REDIS})
    return world


@pytest.mark.parametrize(
    ("config", "loads"),
    [
        ({"plugins": {"entries": [{"id": "a.b"}, {"id": WANTED}]}}, True),
        ({"plugins": {"entries": [{"id": "x.y", "ref": WANTED}]}}, True),
        ({"plugins": [{"id": "a.b"}, {"id": WANTED}]}, True),
        ({"plugins": [{"ref": WANTED}, {"id": "a.b"}]}, True),
        ({"plugins": [{"id": "a.b"}, 7]}, False),
        ({"plugins": {"entries": []}}, False),
        ({"plugins": {"entries": {"a": WANTED}}}, False),
        ({}, False),
        (None, False),
    ],
)
def test_the_author_s_own_list_may_bring_the_coordinator_s_plugin(config: Any, *, loads: bool) -> None:
    found = look(with_cluster(), config)
    assert found.dependency.reason == ("ClusterResolved" if loads else "ClusterPluginMissing")
    assert (found.dependency.usable, found.dependency.missing) == (loads, False)


@pytest.mark.parametrize(("replicas", "alone"), [(1, False), (2, True), (3, True)])
def test_only_several_replicas_have_to_share_something(replicas: int, *, alone: bool) -> None:
    found = look(with_cluster(backend="single_node"), replicas=replicas)
    assert found.alone is alone
    assert found.dependency.reason == ("SingleNodeMultiReplica" if alone else "ClusterResolved")
    assert (found.dependency.ready, found.dependency.usable) == (not alone, True)
    assert found.block is not None
    assert found.block.config_hash == block_hash({"kind": "single_node"})


def test_a_coordinator_that_shares_something_is_for_any_number() -> None:
    found = look(with_cluster(), {"plugins": [{"id": WANTED}]}, replicas=5)
    assert (found.alone, found.dependency.reason, found.dependency.missing) == (False, "ClusterResolved", False)
    nowhere = look(GatewayWorld()).dependency
    assert (nowhere.reason, nowhere.missing, nowhere.usable) == ("ClusterNotFound", True, False)


def test_a_coordinator_of_some_namespaces_is_for_these_alone() -> None:
    world = with_cluster()
    for names, reason in (("team-b, team-a", "ClusterResolved"), ("team-b", "NamespaceNotAllowed"), ("", "NamespaceNotAllowed")):
        metadata = {"name": "shared", "annotations": {"mcpg.dev/bindable-namespaces": names}}
        world.cluster.put(CLUSTER, {"metadata": metadata, "spec": REDIS})
        found = look(world, {"plugins": [{"id": WANTED}]}).dependency
        assert (found.reason, found.missing) == (reason, False)


def test_a_coordinator_that_is_not_ready_is_not_usable_whatever_its_plugin() -> None:
    world = with_cluster(**REDIS, credentialRefs=[{"name": "p", "secretName": "nowhere"}])
    assert look(world, {"plugins": [{"id": WANTED}]}).dependency.reason == "CredentialMissing"
    world = with_cluster(**REDIS, pluginRef={"name": "nobody"})
    found = look(world, {"plugins": [{"id": WANTED}]})
    assert (found.dependency.reason, found.block) == ("ClusterNotReady", None)


# --- the hosts ------------------------------------------------------------------------------------------------------------------------


def asking(*hosts: str, path: str = "/") -> dict[str, Any]:
    return {
        "ingress": {
            "ingressClassName": "web",
            "hosts": [{"host": one, "paths": [{"path": path, "pathType": "Prefix"}]} for one in hosts],
        }
    }


def at_hosts(world: GatewayWorld, *gateways: Resource) -> None:
    for one in gateways:
        world.store.put(one)


def test_the_older_gateway_has_a_host_and_of_two_of_one_moment_the_first_by_name() -> None:
    world = GatewayWorld()
    young = gateway(asking("A.example", "b.example"), name="a", created="2026-02-01T00:00:00Z")
    old = gateway(asking("a.Example"), name="z")
    twin = gateway(asking("b.example", "a.example"), name="a", namespace="team-0")
    undated = gateway(asking("c.example"), name="zz", created=None)
    dated = gateway(asking("c.example"), name="aa")
    at_hosts(world, young, old, twin, undated, dated)
    assert contested(world.services, young) == (
        "`a.example/` is asked for by MCPGGateway `z`, which is older",
        "`a.example/` is asked for by a gateway of another namespace, which is older",
        "`b.example/` is asked for by a gateway of another namespace, which is older",
    )
    assert contested(world.services, old) == ("`a.example/` is asked for by a gateway of another namespace, which is older",)
    assert contested(world.services, twin) == ()
    assert contested(world.services, undated) == ()
    assert contested(world.services, dated) == ("`c.example/` is asked for by MCPGGateway `zz`, which is older",)
    assert contested(world.services, gateway(asking("a.example", path="/other"), name="zzz")) == ()
    assert contested(world.services, gateway()) == ()
    several = asking("a.example")
    several["ingress"]["hosts"][0]["paths"].insert(0, {"path": "/mine", "pathType": "Prefix"})
    assert len(contested(world.services, gateway(several, name="zzz"))) == 2


def test_who_waited_for_a_host_is_woken_when_it_becomes_free() -> None:
    world = GatewayWorld()
    first, second = world.gateway("first", **asking("a.example")), world.gateway("second", **asking("a.example", "b.example"))
    world.cluster.edit(first, lambda one: one["metadata"].update(creationTimestamp="2026-01-01T00:00:00Z"))
    world.cluster.edit(second, lambda one: one["metadata"].update(creationTimestamp="2026-01-02T00:00:00Z"))
    world.serve(first)
    world.serve(second)
    assert world.says(second, "Degraded") == ("True", "HostConflict")
    world.woken_gateways.clear()
    world.gateway("first", **asking("c.example"))
    assert set(world.woken_gateways) == {first, second}
    world.settle_gateway(second)
    assert world.says(second, "Degraded") == ("False", "AsExpected")
    world.gateway("first", **asking("a.example"))
    world.woken_gateways.clear()
    world.cluster.delete(GATEWAY, "first", namespace=TEAM)
    assert second in world.woken_gateways
    world.woken_gateways.clear()
    world.gateway("third", **asking("d.example"))
    assert second not in world.woken_gateways


# --- what runs ------------------------------------------------------------------------------------------------------------------------


def test_what_cannot_be_read_of_the_arguments_is_still_told_apart() -> None:
    found = loaded_by(deployment("--order", "{"))[""]
    assert (len(found.digest), found.plugin_class) == (64, "")
    assert loaded_by(deployment("--order", "\ud800"))[""] != found
    order = json.dumps({"pluginId": "a.b", "digest": "sha256:aa"})
    assert loaded_by(deployment("--order", order)) == {"a.b": Loaded(digest="aa", plugin_class="")}
    assert loaded_by(deployment(7, "--order", order, None)) == {"a.b": Loaded(digest="aa")}
    assert loaded_by(deployment("--order", 7)) == {}


def test_the_arguments_of_every_init_container_are_read() -> None:
    live = deployment("--order", json.dumps({"pluginId": "a.b", "digest": "sha256:aa"}))
    second = {"name": "more", "args": ["--order", json.dumps({"pluginId": "c.d", "digest": "sha256:cc"})]}
    live.body["spec"]["template"]["spec"]["initContainers"].append(second)
    assert set(loaded_by(live)) == {"a.b", "c.d"}


def test_older_pods_count_until_the_roll_out_is_over_and_for_every_list() -> None:
    note = {LEAVING: '{"bb":"dev.acme.y"}'}
    rolling = deployment(annotations=note, strategy={"type": "RollingUpdate"})
    over = Resource(DEPLOYMENT, {**rolling.body, "status": {"observedGeneration": 2, **dict.fromkeys(COUNTS, 1)}})
    assert unserviceable(rolling, (), withdrawn={"dev.acme.y"}) == ["dev.acme.y"]
    assert unserviceable(over, (), withdrawn={"dev.acme.y"}) == []
    here, there = revoking("aa" * 32).lists[0], revoking("bb" * 32).lists[0]
    live = deployment("--order", json.dumps({"pluginId": "a.b", "digest": f"sha256:{'bb' * 32}"}))
    assert unserviceable(live, (here, there)) == ["a.b"]
    assert unserviceable(live, (here,)) == []


def test_the_notes_are_compact_and_sorted() -> None:
    assert notes(None, {"c.d": "b", "a.b": "a"}) == {"mcpg.dev/plugin-digests": '{"a.b":"a","c.d":"b"}'}
    assert leaving_of(deployment()) == {}


def broken(world: GatewayWorld, key: Key) -> None:
    world.cluster.edit(key, lambda one: one["spec"].update(replicas="none"))


def test_a_gateway_that_cannot_be_read_asks_about_pods_only_where_they_load_what_is_revoked() -> None:
    world = GatewayWorld()
    key = world.with_set("audit", plugin_class="backend")
    world.serve(key)
    broken(world, key)
    world.quiet()
    world.step_gateway(key)
    assert "Deployment" not in str(world.cluster.reads)
    world.revoke(world.artifact("audit"))
    world.step_gateway(key)
    assert world.replicas(key) == 0
    assert "`dev.example.audit`" in world.explains(key)


def test_a_stranger_s_deployment_is_not_ended_by_a_gateway_that_cannot_be_read() -> None:
    world = GatewayWorld()
    key = world.with_set("audit", plugin_class="backend")
    world.serve(key)
    broken(world, key)
    world.cluster.edit(Key(DEPLOYMENT, "shop-gateway", TEAM), lambda one: one["metadata"].pop("ownerReferences"))
    world.revoke(world.artifact("audit"))
    world.step_gateway(key)
    assert world.replicas(key) == 1


def test_a_plugin_that_nobody_knows_is_ended_with_what_is_revoked_and_named_by_a_mark() -> None:
    world = GatewayWorld()
    key = world.with_set("audit", plugin_class="backend")
    world.serve(key)
    broken(world, key)

    def spoil(one: Any) -> None:
        args = one["spec"]["template"]["spec"]["initContainers"][0]["args"]
        one["spec"]["template"]["spec"]["initContainers"][0]["args"] = [*args, "--order", "{"]

    world.cluster.edit(Key(DEPLOYMENT, "shop-gateway", TEAM), spoil)
    unknown = loaded_by(world.deployment(key))[""].digest
    world.revoke(ArtifactHash(unknown))
    world.step_gateway(key)
    assert world.replicas(key) == 0
    assert "`?`" in world.explains(key)


def test_a_stranger_s_deployment_is_no_reason_to_stop_anything_and_is_not_stopped() -> None:
    world = GatewayWorld()
    key = world.with_set("audit", plugin_class="backend")
    world.serve(key)
    world.cluster.edit(Key(DEPLOYMENT, "shop-gateway", TEAM), lambda one: one["metadata"].pop("ownerReferences"))
    world.revoke(world.artifact("audit"))
    world.cluster.delete(PLUGIN_SET, "main", namespace=TEAM)
    world.settle_gateway(key)
    assert world.replicas(key) == 1
    assert world.says(key) == ("False", "DependencyMissing")


def test_every_route_counts_but_those_that_go_or_cannot_be_read() -> None:
    world = GatewayWorld()
    for name, change in (("a", {"deletionTimestamp": "2026-01-01T00:00:00Z"}), ("b", {}), ("c", {}), ("d", {})):
        spec = {"gatewayRef": {"name": "shop"}, "match": {"tools": [{"id": f" {name}.x "}] if name != "c" else 7}}
        metadata = {"name": name, "namespace": TEAM, "uid": name, **change}
        world.store.put(Resource(ROUTE, {"metadata": metadata, "spec": spec}))
    found = see_routes(world.services, Key(GATEWAY, "shop", TEAM))
    assert [(one.name, one.namespace, one.tools, one.tenant) for one in found.claims] == [
        ("b", TEAM, ("b.x",), None),
        ("d", TEAM, ("d.x",), None),
    ]
    assert [one.name for one in found.routes] == ["b", "d"]
    assert found.unreadable == (f"{TEAM}/c",)


def test_a_claim_says_for_whom_it_is_and_whose_namespace_it_comes_from() -> None:
    world = GatewayWorld()
    acme = tenant("acme", namespaces=["team-b"], identityAttribute={"key": "tenant", "value": "north"})
    world.store.put(Resource(TENANT, acme))
    for namespace, attributes in ((TEAM, {}), ("team-b", {"tenant": "south"}), ("team-c", {"tenant": "east", "other": "x"})):
        reference = {"name": "shop", "namespace": TEAM}
        spec = {"gatewayRef": reference, "match": {"tools": [{"id": "x"}]}, "attributes": attributes}
        metadata = {"name": "r", "namespace": namespace, "uid": namespace}
        world.store.put(Resource(ROUTE, {"metadata": metadata, "spec": spec}))
    found = see_routes(world.services, Key(GATEWAY, "shop", TEAM)).claims
    north = TenantScope(name="acme", identity=Identity(key="tenant", value="north"))
    assert [(one.namespace, one.attribute, one.tenant) for one in found] == [
        (TEAM, None, None),
        ("team-b", "south", north),
        ("team-c", "east", None),
    ]
    assert scope(None) is None


@pytest.mark.parametrize("kind", [ROUTE, TENANT], ids=str)
def test_no_route_and_no_tenant_is_taken_for_absent_before_all_were_seen(kind: Kind) -> None:
    world = GatewayWorld()
    store = Store()
    register(store)
    store.replace({ROUTE: TENANT, TENANT: ROUTE}[kind], [])
    services = dataclasses.replace(world.services, store=store)
    for look_up in (lambda: see_routes(services, Key(GATEWAY, "shop", TEAM)), lambda: owner(services, TEAM)):
        with pytest.raises(ClusterUnavailableError) as caught:
            look_up()
        assert kind.name in str(caught.value)
    store.replace(kind, [])
    assert see_routes(services, Key(GATEWAY, "shop", TEAM)).claims == ()
    assert owner(services, TEAM) is None
