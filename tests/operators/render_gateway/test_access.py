"""Who may call which tool, part by part: what is closed, what is narrowed, and what a coordinator's plugin may need."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import pytest

from mcpg_operator.render.gateway import cel
from mcpg_operator.render.gateway.credentials import credentials_hash, render_credentials, variables
from mcpg_operator.render.gateway.dialect import Dialect, dialect_of
from mcpg_operator.render.gateway.inputs import ClusterBlock, Credential, GatewayInputs, RouteClaim, defaults_of
from mcpg_operator.render.gateway.materialise import render_materialise
from mcpg_operator.render.gateway.plugins import add_coordinator, folder, render_plugin
from mcpg_operator.render.gateway.routes import Claims, claims_of
from mcpg_operator.render.gateway.tool_access import apply_claims, close_unclaimed
from mcpg_operator.settings import Settings
from supplychain.api import parse_spec
from supplychain.api.gateway import GatewaySpec
from supplychain.errors import InvalidManifestError
from tests.support.rendering import plugin

FALSE = "false"


def claims(**tools: str) -> Claims:
    return Claims(tools=tools, foreign=frozenset(), applied=frozenset(), notes=())


def bound(*names: Any, rules: Any = None, **surfaces: Any) -> dict[str, Any]:
    config: dict[str, Any] = {"mcp": {"capabilities": {"tools": [{"name": one} for one in names], **surfaces}}}
    return config if rules is None else {**config, "governance": {"policy": {"tool_access": {"rules": rules}}}}


def rules_of(config: dict[str, Any]) -> list[Any]:
    found: list[Any] = config.get("governance", {}).get("policy", {}).get("tool_access", {}).get("rules", [])
    return found


def closed(name: str) -> dict[str, Any]:
    return {"tool_name": name, "minimum_trust": "verified", "cel_allow_if": FALSE}


def test_every_tool_that_nobody_names_is_closed_once() -> None:
    config = bound("claimed", "a", "ruled", "b", "a", rules=["stray", {"tool_name": "ruled"}], resources=[{"name": "file"}])
    close_unclaimed(config, claims(claimed="x"), Dialect.SEED)
    assert rules_of(config) == ["stray", {"tool_name": "ruled"}, closed("a"), closed("b")]


def test_where_bindings_have_their_own_rules_these_are_closed_and_nothing_else() -> None:
    config = bound("claimed", "a", "ruled", "b", rules=[{"tool_name": "ruled"}], resources=[{"name": "file"}])
    config["mcp"]["capabilities"]["tools"].append({"name": "mine", "governance": {"allow_if": "x == 1"}})
    close_unclaimed(config, claims(claimed="x"), Dialect.FLAT)
    tools = {one["name"]: one.get("governance") for one in config["mcp"]["capabilities"]["tools"]}
    shut = {"allow_if": FALSE, "minimum_trust": "verified"}
    assert tools == {"claimed": None, "a": shut, "ruled": None, "b": shut, "mine": {"allow_if": "x == 1"}}
    assert config["mcp"]["capabilities"]["resources"] == [{"name": "file"}]
    assert rules_of(config) == [{"tool_name": "ruled"}]


@pytest.mark.parametrize("trust", [["verified"], {"a": 1}, 7, "attested"])
def test_a_trust_of_no_known_kind_is_left_to_the_gateway_to_refuse(trust: Any) -> None:
    config = bound(rules=[{"tool_name": "t", "minimum_trust": trust}])
    assert apply_claims(config, claims(t="x"), Dialect.SEED) == ()
    assert rules_of(config) == [{"tool_name": "t", "minimum_trust": trust, "cel_allow_if": "x"}]


def test_every_claimed_tool_gets_its_rule_or_narrows_those_that_there_are() -> None:
    config = bound("t", rules=[{"tool_name": "t", "cel_allow_if": "a"}, {"tool_name": "o", "cel_allow_if": "b"}, 7])
    notes = apply_claims(config, claims(t="x", u="y"), Dialect.SEED)
    assert notes == ()
    assert rules_of(config) == [
        {"tool_name": "t", "cel_allow_if": "(a) && (x)", "minimum_trust": "verified"},
        {"tool_name": "o", "cel_allow_if": "b"},
        7,
        {"tool_name": "u", "minimum_trust": "verified", "cel_allow_if": "y"},
    ]


REDIS = "dev.mcpg.cluster.redis"


def coordinator(*capabilities: Any) -> ClusterBlock:
    entry = plugin(REDIS, "cluster")
    body = {**entry.body, "requiredCapabilities": list(capabilities)}
    return ClusterBlock(backend="redis", config={}, config_hash="0" * 64, credentials=(), plugin=type(entry)(body))


OUTBOUND = {"type": "network_outbound", "hosts": ["redis"]}


def test_a_coordinator_s_plugin_is_granted_what_coordinating_needs_and_nothing_else() -> None:
    config: dict[str, Any] = {}
    entry = add_coordinator(config, coordinator("metric_emit", OUTBOUND), Dialect.FLAT)
    assert entry is not None
    (written,) = config["plugins"]
    assert (written["id"], written["class"], written["enforce"]) == (REDIS, "cluster", True)
    assert written["granted_capabilities"] == ["metric_emit", OUTBOUND]
    config = {}
    add_coordinator(config, coordinator(), Dialect.FLAT)
    assert "granted_capabilities" not in config["plugins"][0]
    for excess in ("secrets_read", {"type": "secrets_read", "schemes": ["vault"]}):
        with pytest.raises(InvalidManifestError) as caught:
            add_coordinator({}, coordinator("metric_emit", excess), Dialect.FLAT)
        assert caught.value.got == "`secrets_read`"


SHOP = GatewayInputs(
    name="shop",
    namespace="team-a",
    uid="u",
    spec=parse_spec(GatewaySpec, {}, where="here"),
    annotations={},
    defaults=defaults_of(Settings()),
)


def secret(value: bytes) -> dict[str, Any]:
    block = ClusterBlock(
        backend="redis",
        config={},
        config_hash="0" * 64,
        credentials=(Credential(name="pw", value=value, uid="u", resource_version="1"),),
        plugin=None,
    )
    found = render_credentials(dataclasses.replace(SHOP, cluster=block))
    assert found is not None
    data: dict[str, Any] = found["data"]
    return data


@pytest.mark.parametrize(
    ("value", "kept"),
    [(b"p", "cA=="), (b"p\n", "cA=="), (b"p\r\n", "cA=="), (b"p\n\n", "cAo="), (b"p\r", "cA0="), (b"\r\n", ""), (b"", "")],
)
def test_one_line_end_of_a_credential_is_an_editor_s(value: bytes, kept: str) -> None:
    assert secret(value) == {"pw": kept}


def test_the_hash_of_credentials_tells_versions_apart_and_not_their_order() -> None:
    one, other = (Credential(name=name, value=b"", uid="u", resource_version="1") for name in "ab")
    again = Credential(name="a", value=b"x", uid="u", resource_version="2")
    assert credentials_hash([one, other]) == credentials_hash([other, one])
    assert credentials_hash([one, other]) != credentials_hash([again, other])


def test_the_platform_of_the_settings_is_the_one_that_pods_are_made_for() -> None:
    assert defaults_of(Settings(platform="linux/arm64/musl")).platform == "linux/arm64/musl"


def test_tools_that_could_not_be_written_or_read_again_are_left_out() -> None:
    longest = "x" * 256
    tools = ("a\u2028b", "a\u2029b", "a\ud800b", "a\x00b", "a${b", "a://b", "x" * 257, " ", longest, " plain ", "é")
    route = RouteClaim(namespace="team-a", name="r", tools=tools, attribute="north", tenant=None)
    found = claims_of(dataclasses.replace(SHOP, routes=(route,)), Dialect.SEED)
    assert set(found.tools) == {longest, "plain", "é"}
    assert [one.topic for one in found.notes] == ["ToolIgnored"]


def test_every_character_is_written_so_that_it_is_read_again() -> None:
    assert cel.literal("\ud7ff\ue000\uffff\U00010000\U0010ffff") == '"\\ud7ff\\ue000\\uffff\U00010000\\U0010ffff"'
    for text in ("\ud800", "\udfff"):
        with pytest.raises(InvalidManifestError):
            cel.literal(text)


@pytest.mark.parametrize("author", [None, "", "  ", "true", " true "])
def test_what_an_author_leaves_open_is_the_predicate_alone(author: str | None) -> None:
    config = bound(rules=[{"tool_name": "t", "cel_allow_if": author}])
    apply_claims(config, claims(t="x"), Dialect.SEED)
    assert rules_of(config) == [{"tool_name": "t", "cel_allow_if": "x", "minimum_trust": "verified"}]


@pytest.mark.parametrize("there", [{"id": REDIS}, {"id": "a.b", "ref": REDIS}])
def test_a_coordinator_s_plugin_that_the_author_loads_is_not_loaded_twice(there: dict[str, Any]) -> None:
    config: dict[str, Any] = {"plugins": ["stray", {"id": "a.b"}, there]}
    assert add_coordinator(config, coordinator(), Dialect.FLAT) is None
    assert config["plugins"] == ["stray", {"id": "a.b"}, there]


def test_only_the_plugin_that_the_backend_needs_is_loaded_for_it() -> None:
    block = coordinator()
    assert block.plugin is not None
    other = dataclasses.replace(block, plugin=type(block.plugin)({**block.plugin.body, "id": "dev.mcpg.cluster.nats"}))
    for one, got in ((other, "`dev.mcpg.cluster.nats`"), (dataclasses.replace(block, plugin=None), "none")):
        with pytest.raises(InvalidManifestError) as caught:
            add_coordinator({}, one, Dialect.FLAT)
        assert (caught.value.expected, caught.value.got) == (f"`{REDIS}`", got)


def test_names_of_variables_are_plain_unless_they_would_be_equal() -> None:
    def named(*names: str) -> dict[str, str]:
        return variables(Credential(name=one, value=b"", uid="u", resource_version="1") for one in names)

    assert named("pw", "user.name") == {"CLUSTER_CRED_PW": "pw", "CLUSTER_CRED_USER_NAME": "user.name"}
    equal = named("a-b", "a_b", "c")
    assert sorted(equal.values()) == ["a-b", "a_b", "c"]
    assert equal["CLUSTER_CRED_C"] == "c"
    assert "CLUSTER_CRED_A_B" not in equal


@pytest.mark.parametrize(
    ("dialect", "plugins", "field"),
    [
        (Dialect.FLAT, "none", "plugins"),
        (Dialect.SEED, [], "plugins"),
        (Dialect.SEED, {"entries": "none"}, "plugins.entries"),
    ],
)
def test_plugins_of_another_form_are_named_by_their_field(dialect: Dialect, plugins: Any, field: str) -> None:
    with pytest.raises(InvalidManifestError) as caught:
        dialect.plugins({"plugins": plugins})
    assert caught.value.where == f"field `spec.config.{field}`"


@pytest.mark.parametrize(("secret_name", "content"), [("mcpg-plugin-x-" + "ab" * 16, "ab" * 16), ("of-another-age", None)])
def test_the_content_of_a_plugin_is_pinned_where_its_name_tells_it(secret_name: str, content: str | None) -> None:
    entry = plugin("dev.acme.x", "backend")
    named = type(entry)({**entry.body, "artefactSecretName": secret_name})
    defaults = dataclasses.replace(SHOP.defaults, operator_image="registry.example/operator:1")
    found = render_materialise(dataclasses.replace(SHOP, defaults=defaults), [named], {"dev.acme.x": "v"})
    order = json.loads(found["args"][found["args"].index("--order") + 1].replace("$$", "$"))
    assert order.get("content") == content
    assert (order["pluginId"], order["digest"]) == ("dev.acme.x", f"sha256:{entry.digest}")
    assert order["publicKeys"] == [pem for _, pem in entry.keys]


def test_the_dialect_is_the_author_s_form_or_else_the_operator_s() -> None:
    assert dialect_of({}, {"plugins": {}}, default=Dialect.FLAT) is Dialect.SEED
    assert dialect_of({}, {"plugins": []}, default=Dialect.SEED) is Dialect.FLAT
    assert dialect_of({}, {}, default=Dialect.FLAT) is Dialect.FLAT
    assert dialect_of({"mcpg.dev/config-dialect": "flat"}, {"plugins": {}}, default=Dialect.SEED) is Dialect.FLAT


def test_every_surface_that_a_claimed_name_is_bound_to_is_narrowed() -> None:
    config = bound("t", "t", resources=[{"name": "t"}])
    apply_claims(config, claims(t="x"), Dialect.FLAT)
    capabilities = config["mcp"]["capabilities"]
    found = [one.get("governance", {}).get("allow_if") for kind in ("tools", "resources") for one in capabilities[kind]]
    assert found == ["x", "x", "x"]


@pytest.mark.parametrize("name", ["../x", "a/b", "", ".", "a\nb"])
def test_a_plugin_s_folder_is_nowhere_else(name: str) -> None:
    entry = plugin("dev.acme.x", "backend")
    assert folder(entry).endswith("/dev.acme.x")
    with pytest.raises(InvalidManifestError):
        folder(type(entry)({**entry.body, "id": name}))


@pytest.mark.parametrize(("library", "kind"), [("plugin.so", "native"), ("plugin.wasm", "wasm")])
def test_a_library_is_loaded_as_what_it_is(library: str, kind: str) -> None:
    entry = plugin("dev.acme.x", "backend")
    written = render_plugin(type(entry)({**entry.body, "artifactName": library}))
    assert (written["kind"], written["source"]["path"].endswith(f"/dev.acme.x/{library}")) == (kind, True)


def test_a_route_that_does_not_count_hides_no_other_one() -> None:
    names = (("elsewhere", "a", None), ("team-b", "b", None), ("team-b", "c", "north"), ("team-a", "d", None))
    routes = tuple(
        RouteClaim(namespace=namespace, name=name, tools=(name,), attribute=attribute, tenant=None)
        for namespace, name, attribute in names
    )
    spec = parse_spec(GatewaySpec, {"acceptedRouteNamespaces": ["team-b"]}, where="here")
    found = claims_of(dataclasses.replace(SHOP, spec=spec, routes=routes), Dialect.SEED)
    assert (set(found.tools), set(found.applied)) == ({"c", "d"}, {("team-b", "c"), ("team-a", "d")})
    assert sorted(one.topic for one in found.notes) == ["NamespaceNotAccepted", "TenantRequired"]
