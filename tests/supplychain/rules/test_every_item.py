"""Every item of a list counts, what is stored may have any shape, and nothing is looked up that no rule needs."""

from __future__ import annotations

from types import MappingProxyType
from typing import Any

import pytest

from supplychain.rules import Documents, Severity, admit, check
from supplychain.rules.binding import target_of, tenant_of
from supplychain.rules.coordinator import ceiling
from supplychain.rules.inline_plugins import foreign_keys, inline_entries, unallowed, weak_policies
from supplychain.rules.reading import at, mapping, namespace_of
from supplychain.rules.secrets import inline_secrets, references
from supplychain.rules.tenancy import admits_image, owner_of
from tests.support.rules_world import PulledDocuments, UnreachableWorld
from tests.support.testdata.admission.rules.case import document, gateway, namespace, plugin, route, tenant

ENTRIES: list[dict[str, Any]] = [{"id": f"dev.acme.{name}", "pluginRef": {"name": name}} for name in ("audit", "gate", "last")]


def plugin_set(*entries: Any, **spec: Any) -> dict[str, Any]:
    return document("MCPGPluginSet", "base", {"entries": list(entries or ENTRIES), **spec})


def plugins(**facts: Any) -> list[dict[str, Any]]:
    """The three plugins of the set, with their own ids."""
    return [plugin(one["pluginRef"]["name"], **{"pluginId": one["id"], **facts}) for one in ENTRIES]


def every_entry(field: str) -> list[str]:
    return [f"spec.entries[{index}].{field}" for index in range(3)]


def cluster(**config: Any) -> dict[str, Any]:
    return document("MCPGCluster", "shared", {"backend": "redis", "config": {"url": "rediss://redis.infra", **config}})


GRANTS = {one["id"]: ["metric_emit", "network_outbound"] for one in ENTRIES}
NOT_READY = {"conditions": [{"type": "Ready", "status": "False", "reason": "Pulling"}]}
GUARD = {"pluginClass": "policy_engine"}
SHADOWED = plugin_set(*({**one, "enforce": False} for one in ENTRIES))
OVER = [route("a"), route("b"), document("MCPGPluginSet", "x", {}), document("MCPGPluginSet", "y", {})]

EVERY: list[tuple[str, Any, list[Any], str, list[str]]] = [
    ("a set's plugins that the tenant does not allow", plugin_set(), [tenant(allowedPlugins=[]), *plugins()],
     "PluginNotAllowed", every_entry("pluginRef.name")),
    ("those behind one that it allows", plugin_set(), [tenant(allowedPlugins=[{"name": "audit"}]), *plugins()],
     "PluginNotAllowed", every_entry("pluginRef.name")[1:]),
    ("those behind one that is not there", plugin_set(), [tenant(allowedPlugins=[]), *plugins()[1:]],
     "PluginNotAllowed", every_entry("pluginRef.name")[1:]),
    ("entries of another id", plugin_set(), plugins(pluginId="dev.acme.other"), "PluginIdDiffers", every_entry("id")),
    ("entries whose plugin is not there", plugin_set(), [], "PluginNotFound", every_entry("pluginRef.name")),
    ("entries whose plugin is not ready", plugin_set(), plugins(status=NOT_READY), "PluginNotReady", every_entry("pluginRef.name")),
    ("entries whose plugin is revoked", plugin_set(), plugins(status={"revokedBySha": True}),
     "PluginIsRevoked", every_entry("pluginRef.name")),
    ("guards in shadow mode", SHADOWED, plugins(**GUARD), "GuardInShadowMode", every_entry("enforce")),
    ("grants that nobody can check", plugin_set(capabilityGrants=GRANTS), plugins(),
     "GrantsUnchecked", [f"spec.capabilityGrants.{one}" for one in GRANTS]),
    ("grants of a missing plugin are left to the rule that misses it", plugin_set(capabilityGrants=GRANTS), [],
     "GrantsUnchecked", []),
    ("undeclared credentials", cluster(a="cred://cluster/x", b="${cred://cluster/y}:${cred://cluster/z}"), [],
     "CredentialNotDeclared", ["spec.config.a", "spec.config.b", "spec.config.b"]),
    ("credentials in the open", cluster(password="p", api={"x-api-key": "k"}), [],
     "CredentialInline", ["spec.config.password", "spec.config.api.x-api-key"]),
    ("tools that are not served", route(match={"tools": [{"id": "no"}, {"id": "stock.read"}, {"id": "nor"}]}), [gateway()],
     "ToolNotServed", ["spec.match.tools[0].id", "spec.match.tools[2].id"]),
    ("plugins of chains", route(identityChain=["a.b", "c.d"], policyChain=["e.f"], auditChain=["dev.acme.gate"]),
     [gateway(pluginSetRef={"name": "base"}), plugin_set()],
     "ChainPluginMissing", ["spec.identityChain[0]", "spec.identityChain[1]", "spec.policyChain[0]"]),
    ("chains that nobody enforces", route(identityChain=["dev.acme.gate"], auditChain=["dev.acme.gate"]), [],
     "ChainsNotEnforced", ["spec.identityChain", "spec.auditChain"]),
    ("tools that routes of others claim", route(match={"tools": [{"id": one} for one in ("a", "b", "c")]}),
     [route("q", attributes={"tenant": "north"}, match={"tools": [{"id": "a"}]}),
      route("r", attributes={"tenant": "south"}, match={"tools": [{"id": "x"}, {"id": "b"}]}),
      route("s", attributes={"tenant": "south"}, match={"tools": [{"id": "c"}]}),
      route("t", attributes={"tenant": "south"}, match={"tools": [{"id": "a"}]}, gatewayRef={"name": "other"})],
     "ToolShared", ["spec.match.tools[1].id", "spec.match.tools[2].id"]),
    ("a route of this name in another namespace is another route", route(),
     [route(namespace="team-b", gatewayRef={"name": "shop", "namespace": "team-a"}, attributes={"tenant": "south"})],
     "ToolShared", ["spec.match.tools[0].id"]),
    ("namespaces that others have", tenant(namespaces=["free", "x", "y"]), [tenant("east", namespaces=["q"]), tenant("south", namespaces=["z", "x", "y"])],
     "NamespaceTaken", ["spec.namespaces[1]", "spec.namespaces[2]"]),
    ("namespaces that nobody may have", tenant(namespaces=["x", "mcpg-system"]), [],
     "NamespaceProtected", ["spec.namespaces[1]"]),
    ("namespaces that are not there", tenant(namespaces=["x", "team-a", "y"]), [namespace()],
     "NamespaceNotFound", ["spec.namespaces[0]", "spec.namespaces[2]"]),
    ("every quota, in every namespace", tenant(namespaces=["empty", "team-a"], quotas={"maxPluginSets": 1, "maxRoutes": 1}), OVER,
     "QuotaExceeded", ["spec.quotas.maxPluginSets", "spec.quotas.maxRoutes"]),
    ("every gateway above the cap", tenant(quotas={"maxReplicasPerGateway": 1}),
     [gateway("a", replicas=2), gateway("b", namespace="team-b", replicas=2), gateway("c", replicas=3)],
     "QuotaExceeded", ["spec.quotas.maxReplicasPerGateway"] * 2),
    ("prefixes without a slash", tenant(allowedPlugins=[{"registryPrefix": one} for one in ("a.io/b", "a.io/c/", "a.io/d")]), [],
     "PrefixWithoutSlash", ["spec.allowedPlugins[0].registryPrefix", "spec.allowedPlugins[2].registryPrefix"]),
    ("what a pattern leaves open", plugin(trust={"signingKeyRef": {"secretName": "k"}, "cosignIdentity": {
        "certificateIdentityRegexp": r"^.*@acme\.com$|^.*@b\.org$", "oidcIssuer": "https://issuer.example"}}), [],
     "PatternTooWide", ["spec.trust.cosignIdentity.certificateIdentityRegexp"] * 2),
]  # fmt: skip


@pytest.mark.parametrize(("obj", "world", "rule", "fields"), [row[1:] for row in EVERY], ids=[row[0] for row in EVERY])
def test_every_item_that_breaks_a_rule_is_told(obj, world, rule, fields):
    found = check(obj, world=Documents(world))
    assert [one.field for one in found if one.rule == rule] == fields


def test_every_grant_that_a_pulled_plugin_does_not_require_is_told():
    world = PulledDocuments(plugins(), descriptors={"gate": ["metric_emit"], "last": []})
    found = check(plugin_set(capabilityGrants=GRANTS), world=world)
    assert [one.field for one in found if one.rule == "GrantNotRequired"] == [
        "spec.capabilityGrants.dev.acme.gate[1]",
        "spec.capabilityGrants.dev.acme.last[0]",
        "spec.capabilityGrants.dev.acme.last[1]",
    ]


def test_messages_name_what_the_author_may_know():
    refused = check(plugin_set(), world=Documents([tenant(allowedPlugins=[]), *plugins()]))
    assert [one.got for one in refused][:1] == ["`audit` (`dev.acme.audit`)"]
    waiting = check(plugin_set(), world=Documents(plugins(status=NOT_READY)))
    assert {one.what.partition(" is ")[2] for one in waiting} == {"not Ready (`Pulling`)"}
    theirs = route(
        "secret", namespace="team-b", gatewayRef={"name": "shop", "namespace": "team-a"}, attributes={"tenant": "south"}
    )
    mine = route("plain", attributes={"tenant": "south"})
    (one,) = [one for one in check(route(), world=Documents([theirs])) if one.rule == "ToolShared"]
    (other,) = [one for one in check(route(), world=Documents([mine])) if one.rule == "ToolShared"]
    assert ("a route of another namespace" in one.what, "secret" in one.text) == (True, False)
    assert "`plain`" in other.what


STORED: list[tuple[str, Any, list[Any], set[str]]] = [
    ("a plugin's name that is a list", plugin_set({"id": "dev.acme.audit", "pluginRef": {"name": ["audit"]}}), [], {"Schema"}),
    ("a stored plugin without an id", plugin_set(ENTRIES[0]), [plugin(pluginId=None)], set()),
    ("a stored plugin whose class is a number", plugin_set({**ENTRIES[0], "enforce": False}), [plugin(pluginClass=7)], set()),
    ("a stored gateway whose set is a list", route(policyChain=["a.b"]), [gateway(pluginSetRef={"name": ["base"]})],
     {"ChainsNotEnforced"}),
    ("an address without a port", gateway(config={"gateway": {"server": {"bind_address": "9999"}}}), [], set()),
    ("an address with a port by name", gateway(config={"gateway": {"server": {"bind_address": "0.0.0.0:http"}}}), [], set()),
    ("a port in digits of another script", gateway(config={"gateway": {"server": {"bind_address": "0.0.0.0:²"}}}), [], set()),
    ("a host that only begins like the loopback", gateway(config={"gateway": {"server": {"bind_address": "localhostX:8787"}}}),
     [], set()),
    ("no plugins in either form", gateway(annotations={"mcpg.dev/config-dialect": "flat"}), [], set()),
]  # fmt: skip


@pytest.mark.parametrize(("obj", "world", "rules"), [row[1:] for row in STORED], ids=[row[0] for row in STORED])
def test_odd_shapes_are_no_reason_to_fail_or_to_complain(obj, world, rules):
    assert {one.rule for one in check(obj, world=Documents(world))} == rules


def test_all_pods_by_percentage_are_all_pods():
    budget = {"enabled": True, "minAvailable": "100%"}
    for replicas in (2, 200):
        found = check(gateway(replicas=replicas, podDisruptionBudget=budget), world=Documents([]))
        assert "DrainsBlocked" in {one.rule for one in found}


def test_a_list_that_loses_entries_says_so_whatever_the_old_one_looked_like():
    def listed(*hashes: Any) -> dict[str, Any]:
        entries = [{"artifactSha256": one, "reason": "x", "revokedAt": "2026-01-01T00:00:00Z"} for one in hashes]
        return document("MCPGRevocationList", "cluster-default", {"revocations": entries})

    old = listed(7, None, "AB" * 32, f" {'cd' * 32} ")
    (found,) = [one for one in check(listed("cd" * 32), old=old, world=Documents([])) if one.rule == "RevocationRemoved"]
    assert found.got == f"`{'ab' * 8}…`"
    assert found.severity is Severity.WARNING


NEEDLESS: list[tuple[str, Any, list[str]]] = [
    ("a tenant without quotas", tenant(), ["gateways", "plugin_sets", "routes", "plugins"]),
    ("a gateway without references", gateway(), ["cluster", "plugin_set", "revocation_list", "plugins", "routes"]),
    ("a route of a gateway without a set", route(), ["plugin_set", "plugin_sets", "plugins"]),
]


@pytest.mark.parametrize(("obj", "failing"), [row[1:] for row in NEEDLESS], ids=[row[0] for row in NEEDLESS])
def test_what_is_not_needed_is_not_looked_up(obj, failing):
    found = check(obj, world=UnreachableWorld([tenant(), gateway(), namespace()], failing=failing))
    assert "LookupFailed" not in {one.rule for one in found}


def test_rules_that_need_a_part_are_silent_without_it_and_the_others_are_not():
    broken = {**tenant(), "spec": 7}
    assert [one.rule for one in check(broken, world=Documents([]))] == ["Schema"]
    assert [one.rule for one in check(tenant(allowedPlugins="x"), world=Documents([namespace()]))] == ["Schema"]
    nameless = {**gateway("a.b"), "spec": 7}
    assert [one.rule for one in check(nameless, world=Documents([]))] == ["Schema", "NameNotUsable"]
    old = {**gateway("a.b"), "apiVersion": "mcpg.dev/v1"}
    assert [one.rule for one in check(old, world=Documents([]))] == ["UnknownVersion"]


def test_another_order_of_the_same_spec_is_no_change():
    before = gateway("a.b", replicas=1, image="x")
    after = {**before, "spec": dict(reversed(before["spec"].items()))}
    assert list(after["spec"]) != list(before["spec"])
    assert admit(after, old=before, world=Documents([])).allowed
    assert not admit(after, world=Documents([])).allowed


def test_the_envelope_is_judged_to_the_letter():
    def problems(**metadata: Any) -> list[str]:
        return [one.what for one in check({**gateway(), "metadata": metadata}, world=Documents([])) if one.rule == "Schema"]

    assert problems(name="  ") == ["the object has no name"]
    assert problems(name="Bad_", generateName="x-") == ["no name that an object can have"]
    assert problems(name="a" * 253) == []
    assert problems(name="a" * 254) == ["no name that an object can have"]


def test_every_inline_plugin_is_judged():
    acme = tenant(allowedPlugins=[{"name": "dev.acme.audit"}])
    image = "ghcr.io/acme/plugins/audit:1"
    entry = {"id": "dev.acme.x", "source": {"oci": image}, "signature": {"policy": "warn", "trusted_keys": ["k"]}}
    config = {"plugins": {"entries": [entry, entry]}}
    fields = ["spec.config.plugins.entries[0]", "spec.config.plugins.entries[1]"]
    assert [field for field, _ in inline_entries(config)] == fields
    assert [one.field for one in unallowed(config, tenant=acme, plugins=())] == fields
    assert list(unallowed(config, tenant=acme, plugins=[plugin(image=image)])) == []
    other = plugin("other", pluginId="dev.acme.other", image=image)
    assert [one.field for one in unallowed(config, tenant=acme, plugins=[other])] == fields
    assert [one.field for one in weak_policies(config)] == [f"{one}.signature.policy" for one in fields]
    assert [one.field for one in foreign_keys(config)] == [f"{one}.signature.trusted_keys" for one in fields]


def test_a_tenant_with_a_blank_or_odd_date_owns_nothing_that_an_older_one_does():
    dated = tenant("z", created="2026-01-01T00:00:00Z")
    for odd in ("", 7, None):
        fresh = tenant("a")
        fresh["metadata"]["creationTimestamp"] = odd
        assert owner_of("team-a", [fresh, dated]) is dated


def test_a_boundary_is_one_of_the_marks_of_a_reference():
    assert not admits_image("ghcr.io/acme/x:1", "ghcr.io/acme/x:1X")
    assert admits_image("ghcr.io/acme/x", "ghcr.io/acme/x:1X")


def test_readers_take_every_mapping_and_no_odd_name():
    frozen = MappingProxyType({"a": MappingProxyType({"b": 1})})
    assert at(frozen, "a.b") == 1
    assert mapping(frozen) is frozen
    assert [namespace_of({"metadata": {"namespace": one}}) for one in ("", 7, "x")] == ["default", "default", "x"]
    assert target_of(route(gatewayRef={"name": "shop", "namespace": 7})) == ("team-a", "shop")
    assert tenant_of(route(attributes={"tenant": 7})) is None


def test_without_any_field_a_gateway_has_one_replica():
    assert (ceiling().minimum, ceiling().maximum, ceiling().field) == (1, 1, "spec.replicas")
    assert (ceiling(replicas=2).minimum, ceiling(replicas=2).maximum) == (2, 2)


def test_credentials_are_found_down_to_a_depth_and_in_every_spelling():
    def nested(depth: int) -> Any:
        return {"a": nested(depth - 1)} if depth else {"password": "hunter2"}

    assert len(list(inline_secrets(nested(63), "c"))) == 1
    assert list(inline_secrets(nested(64), "c")) == []
    assert list(inline_secrets({"X-API-Key": "k", "Private-Key": "k"}, "c")) == ["c.X-API-Key", "c.Private-Key"]
    text = "${cred://cluster/a}:${cred://cluster/b}"
    assert list(references({"dsn": text}, "c")) == [("c.dsn", "a"), ("c.dsn", "b")]


def test_the_routes_of_one_gateway_are_found_wherever_they_are():
    far = route("far", namespace="team-b", gatewayRef={"name": "shop", "namespace": "team-a"})
    other = route("other", gatewayRef={"name": "else"})
    world = Documents([route(), far, other, route("loose", gatewayRef={})])
    assert [one["metadata"]["name"] for one in world.routes_of("team-a", "shop")] == ["stock", "far"]
    assert list(world.routes_of("team-b", "shop")) == []
