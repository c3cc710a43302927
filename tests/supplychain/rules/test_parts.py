"""The small parts: problems, names, readers, look-ups within documents."""

from __future__ import annotations

from typing import Any

import pytest

from supplychain.rules import Documents, Problem
from supplychain.rules.binding import accepts, target_of, tenant_of, tool_ids
from supplychain.rules.gateway_names import GatewayNames, service_name_problem
from supplychain.rules.inline_plugins import inline_entries, unallowed
from supplychain.rules.reading import annotation, at, condition, items, mapping, name_of, namespace_of, spec_of, texts
from supplychain.rules.secrets import inline_secrets, references
from supplychain.rules.tenant import protected
from supplychain.rules.tools import enabled_entries, served_tools
from tests.support.testdata.admission.rules.case import document, gateway, namespace, plugin, route, tenant


def problem(**fields):
    return Problem(**{"rule": "Schema", "field": "spec.x", "what": "it is wrong"} | fields)


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({}, "spec.x: it is wrong"),
        ({"expected": "`1`"}, "spec.x: it is wrong: expected `1`"),
        ({"got": "`2`"}, "spec.x: it is wrong: got `2`"),
        ({"expected": "`1`", "got": "`2`", "hint": "mend it"}, "spec.x: it is wrong: expected `1`, got `2`; mend it"),
        ({"field": "spec.a\nb", "got": "`\x1b[31m\t\r\u2028\x9b`"}, r"spec.a\nb: it is wrong: got `\x1b[31m\t\r\u2028\x9b`"),
    ],
)
def test_a_problem_is_one_line_with_the_field_in_front(fields, text):
    assert problem(**fields).text == text


def test_a_warning_is_cut_to_what_clients_show():
    assert problem().warning == problem().text
    assert len(problem(what="x" * 300).warning) == 256
    assert problem(what="x" * 300).warning.endswith("…")
    assert problem(what="x" * (256 - len("spec.x: "))).warning.endswith("x")


@pytest.mark.parametrize(
    ("name", "base"), [("shop", "shop"), ("1x", "mcpg-1x"), ("mcpg-1x", "mcpg-1x"), ("0a1b", "mcpg-0a1b"), ("éx", "mcpg-éx")]
)
def test_names_of_children_begin_with_a_letter(name, base):
    names = GatewayNames(name)
    assert (names.base, names.service, names.ingress) == (base, base, base)
    assert (names.config, names.workload, names.credentials) == (
        f"{base}-config",
        f"{base}-gateway",
        f"{base}-cluster-credentials",
    )
    assert names.revocations == f"{name}-revocations"


def test_a_name_that_no_service_can_have_is_told():
    assert service_name_problem("shop") is None
    assert service_name_problem("a" * 63) is None
    assert "more than the 63" in str(service_name_problem("a" * 64))
    assert service_name_problem("1" * 58) is None
    assert "more than the 58" in str(service_name_problem("1" * 59))
    assert all(service_name_problem(name) for name in ("a.b", "a_b", "A", "a-"))


def test_readers_cope_with_any_shape():
    assert at({"a": {"b": 1}}, "a.b") == 1
    assert (at({"a": 1}, "a.b"), at(None, "a")) == (None, None)
    assert (mapping([]), items({}), texts(["a", 1])) == ({}, [], ("a",))
    assert (name_of({}), name_of({"metadata": {"name": 7}}), namespace_of({}), namespace_of(gateway())) == (
        "",
        "",
        "default",
        "team-a",
    )
    assert (spec_of(None), spec_of({"spec": []})) == ({}, {})
    assert annotation({"metadata": {"annotations": {"a": 1, "b": "x"}}}, "a") is None
    assert annotation({"metadata": {"annotations": {"a": 1, "b": "x"}}}, "b") == "x"
    assert condition({"status": {"conditions": ["x", {"type": "A"}, {"type": "B"}]}}, "B") == {"type": "B"}
    assert condition({"status": []}, "B") is None


def test_documents_answer_by_kind_and_place():
    objects = {
        "plugins": plugin(), "tenants": tenant(), "gateways": gateway(), "routes": route(),
        "plugin_sets": document("MCPGPluginSet", "base", {}),
    }  # fmt: skip
    world = Documents(
        [*objects.values(), namespace(), document("MCPGCluster", "c", {}), document("MCPGRevocationList", "l", {}), {}]
    )
    for name, expected in objects.items():
        assert list(getattr(world, name)()) == [expected]
    assert world.plugin("audit") is objects["plugins"]
    assert world.gateway("team-a", "shop") is objects["gateways"]
    assert world.plugin_set("team-a", "base") is objects["plugin_sets"]
    assert (world.gateway("team-b", "shop"), world.plugin("x"), world.descriptor("audit")) == (None, None, None)
    assert world.cluster("c")
    assert world.revocation_list("l")
    assert world.namespace("team-a")
    assert Documents([]).tenants() == ()


def test_of_two_documents_of_one_name_the_later_one_counts():
    later = gateway(replicas=2)
    assert list(Documents([gateway(), later]).gateways()) == [later]


def test_a_cluster_scoped_document_has_no_namespace_whatever_it_says():
    stray = plugin()
    stray["metadata"]["namespace"] = "team-a"
    assert Documents([stray]).plugin("audit") is stray


def test_routes_are_read_in_any_shape():
    assert target_of(route()) == ("team-a", "shop")
    assert target_of(route(gatewayRef={"name": "shop", "namespace": ""})) == ("team-a", "shop")
    assert target_of(route(gatewayRef={})) is None
    assert tool_ids(route(match={"tools": [{"id": "a"}, {}, 7]})) == ("a", "", "")
    assert (tenant_of(route()), tenant_of(route(attributes=[]))) == ("north", None)
    assert accepts(gateway(), "team-a")
    assert not accepts(gateway(acceptedRouteNamespaces="team-b"), "team-b")


def test_tools_are_known_only_where_no_more_can_come():
    assert served_tools(gateway()) == frozenset({"stock.read", "stock.write"})
    assert served_tools(gateway(config={"config_overlay": "x", "mcp": {"capabilities": {"tools": []}}})) is None
    assert served_tools(gateway(config=None)) is None
    assert enabled_entries({"spec": {"entries": [{"id": "a"}, {"id": "b", "enabled": False}, 7]}}) == {"a", "None"}


@pytest.mark.parametrize(
    ("source", "image"),
    [
        ("ghcr.io/acme/x:1", "ghcr.io/acme/x:1"),
        ({"image": "ghcr.io/acme/x:1"}, "ghcr.io/acme/x:1"),
        ({"reference": "ghcr.io/acme/x:1"}, "ghcr.io/acme/x:1"),
        ({"ref": "ghcr.io/acme/x:1"}, "ghcr.io/acme/x:1"),
        ({"what": "ghcr.io/acme/x:1"}, None),
    ],
)
def test_an_image_of_an_inline_plugin_is_found_in_each_form(source, image):
    acme = tenant(allowedPlugins=[{"registryPrefix": "ghcr.io/acme/"}])
    config = {"plugins": [{"id": "dev.acme.x", "source": {"oci": source}}]}
    assert (not list(unallowed(config, tenant=acme, plugins=()))) is (image is not None)


@pytest.mark.parametrize(
    ("entry", "admitted"),
    [
        ({"id": "dev.acme.x"}, True),
        ({"id": "dev.acme.x", "source": {"path": "/opt/x.so"}}, True),
        ({"id": "dev.acme.x", "source": {"https": "evil.example/x.so"}}, False),
        ({"id": "dev.acme.x", "source": {"path": "/opt/x.so", "https": "evil.example/x.so"}}, False),
        ({"id": "dev.acme.x", "source": "evil.example/x.so"}, False),
        ({"id": "dev.acme.x", "ref": "dev.evil.y"}, False),
        ({"id": "dev.evil.y", "ref": "dev.acme.x"}, True),
    ],
)
def test_an_inline_plugin_cannot_borrow_an_allowed_id_for_something_else(entry, admitted):
    acme = tenant(allowedPlugins=[{"name": "dev.acme.x"}])
    assert (not list(unallowed({"plugins": [entry]}, tenant=acme, plugins=()))) is admitted


def test_an_inline_plugin_of_no_shape_is_not_allowed():
    acme = tenant(allowedPlugins=[{"name": "dev.acme.x"}])
    (finding,) = unallowed({"plugins": ["dev.acme.x"]}, tenant=acme, plugins=())
    assert finding.got == "`no id`"
    assert list(inline_entries({"plugins": 7})) == []
    assert list(inline_entries("x")) == []


def test_credentials_are_found_wherever_they_are():
    deep: dict[str, Any] = {}
    value = deep
    for _ in range(80):
        value["a"] = {}
        value = value["a"]
    value["password"] = "hunter2"
    assert list(inline_secrets(deep, "c")) == []
    config = {"users": [{"name": "a", "Client-Secret": "x"}], "password": None, "tokens": ["a"], "token": ["b", {"token": ""}]}
    assert list(inline_secrets(config, "c")) == ["c.users[0].Client-Secret", "c.token[0]"]
    assert list(inline_secrets({"a": "x://u:p@h", "b": "x://u@h", "c": "x://:@h", "d": "x://h/u:p@"}, "c")) == ["c.a"]
    assert list(references({"a": ["cred://cluster/x", "${cred://cluster/y}", 7]}, "c")) == [("c.a[0]", "x"), ("c.a[1]", "y")]


def test_a_long_text_costs_no_more_than_its_length():
    text = "a" * 1_000_000 + ":" * 1_000_000
    assert list(inline_secrets({"a": text, "b": "://" * 300_000}, "c")) == []


def test_no_tenant_may_own_what_runs_the_cluster():
    assert protected("kube-system", operator_namespace="x")
    assert protected("x", operator_namespace="x")
    assert not protected("mcpg-system", operator_namespace="x")
