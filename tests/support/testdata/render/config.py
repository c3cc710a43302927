"""Gateways whose configuration shows something: dialects, plugins, coordinators, routes, tenants."""

from __future__ import annotations

import json
from typing import Any, Final

from tests.support.rendering import plugin
from tests.support.testdata.render.case import LIST, RenderCase, case, cluster, credential, refused, route, with_set

__all__ = ["CASES"]

AUDIT = plugin("dev.acme.audit", "audit_sink", config={"path": "/var/lib/mcpg/audit.log", "rotate": True})
POLICY = plugin(
    "dev.acme.policy",
    "policy_engine",
    capabilities=("network_outbound", {"type": "secrets_read", "schemes": ["vault"]}),
)
SHADOW = plugin("dev.acme.gate", "tool_gate", enforce=False)
PROMETHEUS = plugin("dev.mcpg.observability.prometheus", "metrics_sink")
REDIS = plugin(
    "dev.mcpg.cluster.redis",
    "cluster",
    capabilities=("cluster_lock_acquire", "cluster_peer_read", "network_outbound", "metric_emit"),
)
SET: Final = {"pluginSetRef": {"name": "base"}}
BOUND: Final = {"clusterRef": {"name": "redis"}}
FLAT: Final = {"mcpg.dev/config-dialect": "flat"}
DENY: Final = {"mcpg.dev/unclaimed-tools": "deny"}
NORTH: Final = {"name": "north", "identityAttribute": {"key": "tenant", "value": "north"}}
SOUTH: Final = {"name": "south", "identityAttribute": {"key": "org.id", "value": "south"}}
NAMELESS: Final = {"name": "east"}


def tool(name: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "description": f"The tool {name}.", "backend": {"kind": "http", "url": "https://example.org"}, **more}


def tools(*names: str) -> dict[str, Any]:
    return {"mcp": {"capabilities": {"tools": [tool(name) for name in names]}}}


def access(**rule: Any) -> dict[str, Any]:
    return {"governance": {"policy": {"tool_access": rule}}}


def rules(*ones: dict[str, Any]) -> dict[str, Any]:
    return access(rules=list(ones))


HOSTILE: Final = 'a"b\\c\nd\te\x00\u2028\u202e${env.HOME}'

PLUGIN_CASES: Final = (
    case("smallest", "a gateway that says nothing gets every default"),
    case("config_untouched", "what the operator does not know stays as it was written", spec={"config": {
        "later": {"on": "on", "exponent": "1e3", "octal": "0o17", "number": 1e300, "nothing": None, "empty": {}, "none": [], "ä": "ö😀"},
        "mcp": {"capabilities": {"tools": [tool("stock.read", timeout_ms=1500, ratio=0.5)]}},
    }}, bootable=False),
    case("set_seed", "the plugins of a set, in the dialect `seed`", spec=SET, revocations=LIST, **with_set(AUDIT, POLICY)),
    case("set_flat_by_annotation", "the same in the dialect `flat`, chosen by annotation", spec=SET, annotations=FLAT,
         revocations=LIST, **with_set(AUDIT, POLICY)),
    case("set_flat_by_default", "the operator's own dialect counts where nobody says", spec=SET, defaults={"dialect": "flat"},
         **with_set(SHADOW)),
    case("dialect_by_the_authors_form", "the author's list of plugins tells the dialect, and the set replaces it",
         spec={**SET, "config": {"plugins": [{"id": "dev.acme.own", "kind": "native"}]}}, **with_set(AUDIT)),
    case("dialect_by_annotation_over_form", "the annotation counts more than the author's form",
         spec={**SET, "config": {"plugins": []}}, annotations={"mcpg.dev/config-dialect": "seed"}, **with_set(AUDIT)),
    case("plugins_of_the_author", "without a set the author's own plugins stay",
         spec={"config": {"plugins": {"entries": [], "later": 1}}}, bootable=False),
    case("shadow_mode", "an entry that is not enforced, without grants", spec=SET, **with_set(SHADOW)),
    case("set_of_nothing", "a set whose entries are all disabled", spec=SET, **with_set()),
    case("sharded_plugin", "a plugin of many shards is one volume, and the folder has room for it", spec=SET, revocations=LIST,
         **with_set(plugin("dev.acme.large", "backend", shards=55), AUDIT)),
    case("volume_names_that_would_be_equal", "ids that differ in punctuation or late get a hash in the name of their volume",
         spec=SET, **with_set(plugin("dev.acme.a-b"), plugin("dev.acme.a_b"), plugin("dev.acme.long." + "x" * 180 + "1"),
                              plugin("dev.acme.long." + "x" * 180 + "2"))),
    case("raised_limits", "limits of the operator reach the init container", spec=SET, **with_set(AUDIT),
         defaults={"limits": {"artifact": 1073741824, "delivery": 104857600}}),
    case("revocations_alone", "a list without plugins is mounted all the same", revocations=LIST, spec={"config": {
        "gateway": {"plugin_registry": {"revocation_list_path": "/elsewhere", "cache_dir": "/var/lib/mcpg/cache"}}}}),
    case("revoked_and_recreated", "after a revocation old pods end before new ones start, without the plugin", spec=SET,
         revocations=LIST, handling="recreate", **with_set(AUDIT, complete=False)),
    case("revoked_and_stopped", "without a plugin that guards it the gateway stops", spec={
        **SET, "autoscaling": {"enabled": True, "maxReplicas": 4}}, revocations=LIST, handling="stop",
        **with_set(complete=False)),
    refused("set_not_given", "a set that is referred to and not there", spec=SET),
    refused("set_incomplete", "a set that lacks a plugin nobody revoked", spec=SET, **with_set(AUDIT, complete=False)),
    refused("operator_image_unknown", "plugins without an image that puts them together", spec=SET,
            defaults={"operatorImage": ""}, **with_set(AUDIT)),
    refused("dialect_unknown", "an annotation that names no dialect", annotations={"mcpg.dev/config-dialect": "toml"}),
    refused("too_deep", "a configuration that nobody could read", spec={"config": {"later": json.loads("[" * 70 + "]" * 70)}}),
    refused("section_in_the_way", "a text where the operator has to write", spec={"config": {"gateway": "none"}}),
)  # fmt: skip

CLUSTER_CASES: Final = (
    case("cluster_with_its_plugin_seed", "the coordinator's plugin is appended to those of the set",
         spec={**BOUND, **SET, "replicas": 3}, **with_set(AUDIT), **cluster(plugin=dict(REDIS.body))),
    case("cluster_with_its_plugin_flat", "the same in the dialect `flat`", spec={**BOUND, **SET}, annotations=FLAT,
         **with_set(AUDIT), **cluster(plugin=dict(REDIS.body))),
    case("cluster_plugin_of_the_set", "a set that has the coordinator's plugin keeps its own entry", spec={**BOUND, **SET},
         **with_set(REDIS), **cluster()),
    case("cluster_beside_the_authors_plugins", "the coordinator's plugin is appended to the author's", spec={
        **BOUND, "config": {"plugins": {"entries": []}}}, **cluster(plugin=dict(REDIS.body))),
    case("cluster_replaces_the_authors", "a coordinator that the author wrote gives way", spec={
        **BOUND, **SET, "config": {"cluster": {"kind": "nats", "url": "nats://x"}}}, **with_set(REDIS), **cluster()),
    case("cluster_kind_is_the_backends", "no key in the configuration changes the backend", spec={**BOUND, **SET},
         **with_set(REDIS), **cluster(config={"kind": "single_node", "url": "rediss://redis"})),
    case("cluster_single_node", "a coordinator within the process needs no plugin", spec=BOUND, **cluster("single_node")),
    case("credentials_seed", "credentials are copied and mounted; this dialect resolves them itself", spec={**BOUND, **SET},
         **with_set(REDIS), **cluster(config={"url": "rediss://:${cred://cluster/password}@redis:6379"},
                                      credentials=[credential("password")])),
    case("credentials_flat", "in the dialect `flat` they become files and variables", spec={**BOUND, **SET}, annotations=FLAT,
         **with_set(REDIS), **cluster(
             config={"url": "rediss://:${cred://cluster/pass.word}@redis:6379", "ca": "cred://cluster/ca.pem", "other": "x"},
             credentials=[credential("pass.word"), credential("pass-word"), credential("ca.pem", "PEM", "9")])),
    refused("credential_missing", "a reference to a credential that the cluster does not have", spec={**BOUND, **SET},
            **with_set(REDIS), **cluster(config={"password": "cred://cluster/password"})),
    refused("cluster_plugin_missing", "a coordinator that no plugin speaks to", spec=BOUND, **cluster()),
    refused("cluster_plugin_wants_more", "a coordinator's plugin that wants more than coordinating", spec=BOUND, **cluster(
        plugin=dict(plugin("dev.mcpg.cluster.redis", "cluster", capabilities=("audit_write",)).body))),
    refused("cluster_not_given", "a cluster that is referred to and not there", spec=BOUND),
)  # fmt: skip

OPS: Final = 'identity.roles.exists(r, r == "ops")'
ROUTE_CASES: Final = (
    case("route_of_a_tenant_seed", "a route narrows a tool to its tenant", spec={"config": tools("stock.read")},
         routes=[route("a", "stock.read", attribute="north")]),
    case("route_of_a_tenant_flat", "a bound tool has its policy at the binding", spec={"config": tools("stock.read")},
         annotations=FLAT, routes=[route("a", "stock.read", "stock.other", attribute="north")]),
    case("routes_of_two_tenants", "either tenant is let in, and the order of the routes means nothing", annotations=FLAT,
         routes=[route("b", "stock.read", attribute="south"), route("a", "stock.read", attribute="north")]),
    case("routes_alike", "the same tenant twice is said once", annotations=FLAT,
         routes=[route("a", "stock.read", attribute="north"), route("b", " stock.read ", attribute="north")]),
    case("route_without_tenant", "a route of the gateway's own namespace may let everybody in", annotations=FLAT,
         routes=[route("a", "stock.read")]),
    case("route_quoted", "whatever a tenant is called, it stays one text", routes=[
        route("a", "stock.read", attribute='a"b'), route("b", "stock.write", attribute=HOSTILE)]),
    case("route_under_the_authors_rule", "the author's rule is a ceiling", annotations=FLAT,
         spec={"config": rules({"tool_name": "stock.read", "cel_allow_if": OPS, "required_scopes": ["stock"]})},
         routes=[route("a", "stock.read", attribute="north")]),
    case("route_over_true", "an author's `true` and a low trust give way",
         spec={"config": rules({"tool_name": "stock.read", "minimum_trust": "header_asserted", "cel_allow_if": "true"})},
         routes=[route("a", "stock.read", attribute="north")]),
    case("open_route_keeps_the_authors_rule", "a route that lets everybody in leaves the author's rule",
         spec={"config": rules({"tool_name": "stock.read", "minimum_trust": "verified", "cel_allow_if": "trust_level == 'verified'"})},
         routes=[route("a", "stock.read")]),
    case("authors_comment", "a comment in the author's rule swallows nothing",
         spec={"config": rules({"tool_name": "stock.read", "cel_allow_if": "1 == 1 // always"})},
         routes=[route("a", "stock.read", attribute="north")]),
    case("binding_with_a_policy_of_its_own", "the policy at a binding is narrowed like a rule", annotations=FLAT,
         spec={"config": {"mcp": {"capabilities": {"tools": [tool("stock.read", governance={"allow_if": "trust_level == 'verified'"})],
                                                  "prompts": [{"name": "ask"}]}}}},
         routes=[route("a", "stock.read", "ask", attribute="north")]),
    case("route_from_elsewhere", "a route from an accepted namespace needs a tenant; others are left out",
         spec={"acceptedRouteNamespaces": ["team-b", "team-c"]},
         routes=[route("a", "stock.read", namespace="team-b", attribute="north"), route("b", "stock.read", namespace="team-c"),
                 route("c", "stock.read", namespace="team-x", attribute="evil"),
                 route("d", "stock.read", namespace="team-b", attribute=" ")]),
    case("route_of_a_tenant_with_identity", "callers must be of the tenant that owns the route's namespace, whatever it claims",
         spec={"acceptedRouteNamespaces": ["team-b", "team-c"]},
         routes=[route("a", "stock.read", namespace="team-b", attribute="north", tenant=NORTH),
                 route("b", "stock.write", namespace="team-c", attribute="north", tenant=SOUTH),
                 route("c", "stock.list", namespace="team-b", tenant=NORTH)]),
    case("tools_that_cannot_be", "names that would be replaced when the gateway starts are left out",
         routes=[route("a", "${env.HOME}", "file:///etc/passwd", "line\nbreak", "x" * 300, "stock.read", attribute="north")]),
    case("unclaimed_closed_seed", "tools that nobody claims are closed on demand", annotations=DENY,
         spec={"config": {**tools("stock.read", "stock.write", "stock.list"), **rules({"tool_name": "stock.list", "cel_allow_if": OPS})}},
         routes=[route("a", "stock.read", attribute="north")]),
    case("unclaimed_closed_flat", "the same at the bindings", annotations={**DENY, **FLAT},
         spec={"config": {"mcp": {"capabilities": {"tools": [tool("stock.read"), tool("stock.write"),
                                                            tool("stock.list", governance={"allow_if": OPS})]}}}},
         routes=[route("a", "stock.read", attribute="north")]),
    case("tenant_of_the_gateway", "every caller of a tenant's gateway shows the tenant's identity", tenant=NORTH,
         routes=[route("a", "stock.read", tenant=NORTH)], spec={"config": tools("stock.read")}),
    case("tenant_over_the_authors_policy", "the author's policy and the tenant's both hold", tenant=SOUTH, annotations=FLAT,
         spec={"config": access(cel_allow_if=OPS, default_minimum_trust="header_asserted")}),
    case("tenant_with_guests", "tools that routes of others claim are ruled by these alone", tenant=NORTH,
         spec={"acceptedRouteNamespaces": ["team-c"]},
         routes=[route("a", "stock.read", tenant=NORTH), route("b", "stock.list", "stock.all", namespace="team-c", tenant=SOUTH)]),
    case("tenant_without_identity", "a tenant that asks nothing of callers changes nothing", tenant=NAMELESS,
         routes=[route("a", "stock.read", tenant=NAMELESS)]),
    refused("rule_that_escapes", "an author's rule that would get out of its parentheses",
            spec={"config": access(cel_allow_if="true) || (true")}, tenant=NORTH),
    refused("rules_that_are_no_list", "something else where the rules have to go",
            spec={"config": access(rules={"a": 1})}, routes=[route("a", "stock.read")]),
    refused("rule_that_is_no_text", "a policy that is no text", spec={"config": access(cel_allow_if=True)}, tenant=NORTH),
    refused("unclaimed_unknown", "an annotation that neither allows nor denies", annotations={"mcpg.dev/unclaimed-tools": "no"}),
)  # fmt: skip

CASES: Final[tuple[RenderCase, ...]] = (*PLUGIN_CASES, *CLUSTER_CASES, *ROUTE_CASES)
