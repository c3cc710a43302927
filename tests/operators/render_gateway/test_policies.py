"""Policies: whatever a text is, it stays one text; whatever an author writes, nobody gets past it or widens it."""

from __future__ import annotations

import dataclasses
import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mcpg_operator.render.gateway import RouteClaim, TenantScope, cel, render_gateway
from mcpg_operator.render.gateway.dialect import Dialect
from supplychain.errors import InvalidManifestError
from supplychain.rules.tenancy import Identity
from tests.support.cel import CelError, evaluate, tokens
from tests.support.gateway_reader import boot
from tests.support.rendering import inputs_of

ANY = st.text(st.characters(exclude_categories=["Cs"]), max_size=20) | st.sampled_from(
    [
        'a"b',
        "a\\",
        '\\"',
        "\n",
        "\r\n",
        "\x00\x1f\x7f",
        "\u2028\u2029\u202e",
        "${env.HOME}",
        '" || true || "',
        "//",
        "'",
        "😀\U000e0001",
    ]
)


@settings(max_examples=500, deadline=None)
@given(ANY)
def test_a_text_is_one_literal_that_means_it(text):
    written = cel.literal(text)
    assert tokens(written, dollar=True) == [("string", text)]
    assert written.isprintable()
    assert "$" not in written


def test_a_text_that_is_no_unicode_is_refused():
    with pytest.raises(InvalidManifestError, match=r"got U\+D800"):
        cel.literal("a\ud800")


@settings(max_examples=300, deadline=None)
@given(ANY, ANY, ANY)
def test_a_predicate_holds_for_exactly_its_value(key, value, other):
    predicate = cel.equals("$identity", key, value)
    who = {"$identity": {"attributes": {key: other}}}
    assert evaluate(predicate, who, dollar=True) is (other == value)
    assert evaluate(predicate, {"$identity": {"attributes": {key: value}}}, dollar=True) is True


@pytest.mark.parametrize(
    ("key", "written"),
    [
        ("tenant", 'identity.attributes.tenant == "v"'),
        ("_t1", 'identity.attributes._t1 == "v"'),
        ("org.id", 'identity.attributes["org.id"] == "v"'),
        ("in", 'identity.attributes["in"] == "v"'),
        ("1a", 'identity.attributes["1a"] == "v"'),
        ("", 'identity.attributes[""] == "v"'),
    ],
)
def test_only_a_plain_name_is_a_member(key, written):
    assert cel.equals("identity", key, "v") == written


@pytest.mark.parametrize(
    ("predicates", "either", "every"),
    [
        (["a"], "a", "a"),
        (["b", "a", "b"], "(a) || (b)", "(b) && (a)"),
        (["a", "true"], "true", "a"),
        (["true"], "true", "true"),
    ],
)
def test_predicates_are_joined_once_each(predicates, either, every):
    assert (cel.either(predicates), cel.every(predicates)) == (either, every)


PIECES = [
    "true",
    "false",
    "(",
    ")",
    "[",
    "]",
    "||",
    "&&",
    '"',
    "'",
    "//",
    "\n",
    "\\",
    "r",
    'r"',
    '"""',
    "x",
    " ",
    "==",
    "{",
    "}",
    "b",
]


@settings(max_examples=2000, deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=9).map("".join))
def test_an_authors_expression_never_gets_out_of_its_parentheses(expression):
    confined = cel.whole(expression)
    if confined is None:
        return
    try:
        result = evaluate(f"({confined}) && (false)", {"x": True})
    except (CelError, ValueError):
        return
    assert result is False


@pytest.mark.parametrize(
    "expression",
    [
        "true) || (true",
        "true) || true || (true",
        "(",
        "[)]",
        "{]}",
        '"',
        "'",
        '"\n"',
        'r"\\" ) || ("',
        '"""a',
        "",
        "   ",
        "b'",
    ],
)
def test_what_is_no_whole_expression_is_told(expression):
    assert cel.whole(expression) is None


@pytest.mark.parametrize(
    "expression",
    [
        'a.exists(r, r == ")")',
        "'(' == \"[\"",
        'r"\\" == x',
        '"\\"" == x',
        '"""a"b\n"""',
        "R'''\n'''",
        "br'\\'",
        "[1, {2: 3}][0] > 1 ? true : false",
        "$identity.attributes.a == `b`",
    ],
)
def test_what_is_whole_stays_as_it_is(expression):
    assert cel.whole(expression) == expression


def test_a_comment_gets_a_line_end():
    assert cel.whole("a // (") == "a // (\n"
    assert cel.whole("a // c\n == b") == "a // c\n == b\n"
    assert cel.whole('"// (" == a') == '"// (" == a'


# -- what it comes to ---------------------------------------------------------------------------------------------------


NORTH = TenantScope(name="north", identity=Identity(key="tenant", value="north"))
SOUTH = TenantScope(name="south", identity=Identity(key="tenant", value="south"))


def gateway(tmp_path, *routes, dialect="seed", tenant=None, rules=(), bound=(), unclaimed="allow", **access):
    """Render a gateway that accepts routes from `team-b`, and start it."""
    tools = [{"name": name} for name in bound]
    spec = {
        "acceptedRouteNamespaces": ["team-b"],
        "config": {
            "mcp": {"capabilities": {"tools": tools}},
            "governance": {"policy": {"tool_access": {"rules": list(rules), **access}}},
        },
    }
    metadata = {
        "name": "shop",
        "namespace": "team-a",
        "annotations": {"mcpg.dev/config-dialect": dialect, "mcpg.dev/unclaimed-tools": unclaimed},
    }
    inputs = dataclasses.replace(inputs_of({"gateway": {"metadata": metadata, "spec": spec}}), routes=routes, tenant=tenant)
    return boot(render_gateway(inputs).config, dialect=dialect, root=tmp_path)


def claim(*tools, namespace="team-a", attribute=None, tenant=None, name="r"):
    return RouteClaim(namespace=namespace, name=name, tools=tools, attribute=attribute, tenant=tenant)


def of(tenant):
    return {"attributes": {"tenant": tenant}}


@pytest.mark.parametrize(("dialect", "bound"), list(itertools.product(["seed", "flat"], [(), ("t", "u")])))
def test_a_claimed_tool_is_for_its_tenants_alone_and_wants_proof(tmp_path, dialect, bound):
    routes = (claim("t", attribute="north"), claim("t", attribute="south", name="s"))
    found = gateway(tmp_path, *routes, dialect=dialect, bound=bound)
    assert [found.allows("t", **of(one)) for one in ("north", "south", "east")] == [True, True, False]
    assert not found.allows("t", trust="header_asserted", **of("north"))
    assert not found.allows("t")
    assert found.allows("u", trust="header_asserted")


@pytest.mark.parametrize(("dialect", "bound"), list(itertools.product(["seed", "flat"], [(), ("t",)])))
def test_no_route_widens_what_the_author_allows(tmp_path, dialect, bound):
    variable = Dialect(dialect).identity
    author = {"tool_name": "t", "cel_allow_if": f'{variable}.attributes.role == "ops"'}
    ruled = [author] if dialect == "seed" or not bound else []
    for route in (claim("t"), claim("t", attribute="north"), claim("t", namespace="team-b", attribute="north")):
        found = gateway(tmp_path, route, dialect=dialect, rules=ruled, bound=() if ruled else bound)
        if ruled:
            assert not found.allows("t", **of("north"))
            assert found.allows("t", attributes={"tenant": "north", "role": "ops"})


def test_a_route_speaks_for_its_own_tenant_whatever_it_claims(tmp_path):
    found = gateway(tmp_path, claim("t", namespace="team-b", attribute="south", tenant=NORTH))
    assert [found.allows("t", **of(one)) for one in ("north", "south")] == [False, False]
    found = gateway(tmp_path, claim("t", namespace="team-b", tenant=NORTH))
    assert [found.allows("t", **of(one)) for one in ("north", "south")] == [True, False]


def test_a_route_from_elsewhere_without_tenant_opens_nothing(tmp_path):
    routes = (claim("t", attribute="north"), claim("t", namespace="team-b", name="x"), claim("t", namespace="team-x", name="y"))
    found = gateway(tmp_path, *routes)
    assert [found.allows("t", **of(one)) for one in ("north", "south", "")] == [True, False, False]


@pytest.mark.parametrize("dialect", ["seed", "flat"])
@pytest.mark.parametrize("value", ['a"b', '" || true || "', "\n", "${env.HOME}", "\\", "\x00\u2028"])
def test_a_hostile_tenant_value_is_only_a_value(tmp_path, dialect, value):
    found = gateway(tmp_path, claim("t", attribute=value), dialect=dialect)
    assert found.allows("t", **of(value))
    assert not found.allows("t", **of("north"))


@pytest.mark.parametrize("tool", ["${env.NOPE}", "file:///etc/passwd", "a\nb", "\x7f", "x" * 257, "  ", "\u2028"])
def test_a_tool_that_could_stop_the_gateway_is_left_out(tmp_path, tool):
    found = gateway(tmp_path, claim(tool, "t", attribute="north"))
    assert [one["tool_name"] for one in found.config["governance"]["policy"]["tool_access"]["rules"]] == ["t"]


@pytest.mark.parametrize("dialect", ["seed", "flat"])
def test_a_tenants_gateway_serves_the_tenant_alone_but_for_guests(tmp_path, dialect):
    routes = (claim("own", tenant=NORTH), claim("guest", namespace="team-b", tenant=SOUTH, name="g"))
    found = gateway(tmp_path, *routes, dialect=dialect, tenant=NORTH, bound=("any",))
    assert [found.allows(tool, **of("north")) for tool in ("own", "any", "guest")] == [True, True, False]
    assert [found.allows(tool, **of("south")) for tool in ("own", "any", "guest")] == [False, False, True]
    assert not found.allows("any", trust="header_asserted", **of("north"))


@pytest.mark.parametrize("author", ["true) || (true", "true) || tool_name == ('any'"])
def test_a_tenant_cannot_write_its_way_out(tmp_path, author):
    with pytest.raises(InvalidManifestError, match="no whole expression"):
        gateway(tmp_path, tenant=NORTH, cel_allow_if=author)


def test_an_authors_comment_does_not_hide_the_tenant(tmp_path):
    found = gateway(tmp_path, tenant=NORTH, cel_allow_if="1 == 1 // (")
    assert [found.allows("t", **of(one)) for one in ("north", "south")] == [True, False]


@pytest.mark.parametrize("dialect", ["seed", "flat"])
def test_unclaimed_tools_can_be_closed(tmp_path, dialect):
    found = gateway(tmp_path, claim("t"), dialect=dialect, bound=("t", "u"), unclaimed="deny")
    assert [found.allows(one) for one in ("t", "u")] == [True, False]
    found = gateway(tmp_path, dialect=dialect, bound=("t", "u"))
    assert [found.allows(one) for one in ("t", "u")] == [True, True]


def test_two_rules_of_the_author_for_one_tool_are_both_narrowed_and_told():
    rule = {"tool_name": "t", "minimum_trust": 7}
    document = {
        "gateway": {
            "metadata": {"name": "shop", "namespace": "team-a"},
            "spec": {"config": {"governance": {"policy": {"tool_access": {"rules": [rule, dict(rule), "stray"]}}}}},
        },
        "routes": [{"namespace": "team-a", "name": "r", "tools": ["t"], "attribute": "north"}],
    }
    found = render_gateway(inputs_of(document))
    assert found.config.decode().count('$identity.attributes.tenant == \\"north\\"') == 2
    assert [one.topic for one in found.notes] == ["ToolConflict"]


@pytest.mark.parametrize(
    ("trust", "wanted"),
    [
        (None, "verified"),
        ("unauthenticated", "verified"),
        ("header_asserted", "verified"),
        ("verified", "verified"),
        ("attested", "attested"),
    ],
)
def test_a_low_trust_is_raised_and_one_that_is_not_known_stays(trust, wanted):
    rule = {"tool_name": "t", **({} if trust is None else {"minimum_trust": trust})}
    document = {
        "gateway": {
            "metadata": {"name": "shop", "namespace": "team-a"},
            "spec": {"config": {"governance": {"policy": {"tool_access": {"rules": [rule]}}}}},
        },
        "routes": [{"namespace": "team-a", "name": "r", "tools": ["t"]}],
    }
    assert f'"minimum_trust": "{wanted}"' in render_gateway(inputs_of(document)).config.decode()


@pytest.mark.parametrize("governance", ["none", ["a"], 1])
def test_a_binding_whose_policy_is_none_is_refused(governance):
    tool = {"name": "t", "governance": governance}
    metadata = {"name": "shop", "namespace": "team-a", "annotations": {"mcpg.dev/config-dialect": "flat"}}
    document = {
        "gateway": {"metadata": metadata, "spec": {"config": {"mcp": {"capabilities": {"tools": [tool, "stray", {}]}}}}},
        "routes": [{"namespace": "team-a", "name": "r", "tools": ["t"]}],
    }
    with pytest.raises(InvalidManifestError, match="of the binding `t`"):
        render_gateway(inputs_of(document))


@pytest.mark.parametrize(
    ("dialect", "plugins"), [("seed", []), ("seed", {"entries": {}}), ("flat", {"entries": []}), ("flat", "none")]
)
def test_plugins_of_another_form_are_not_appended_to(dialect, plugins):
    metadata = {"name": "shop", "namespace": "team-a", "annotations": {"mcpg.dev/config-dialect": dialect}}
    spec = {"config": {"plugins": plugins}}
    cluster = {"backend": "redis", "config": {"url": "rediss://x"}, "configHash": "0" * 64}
    with pytest.raises(InvalidManifestError, match="the plugins have another form"):
        render_gateway(inputs_of({"gateway": {"metadata": metadata, "spec": spec}, "cluster": cluster}))


@pytest.mark.parametrize(("path", "value"), [(("rules",), {"a": 1}), (("cel_allow_if",), 7)])
def test_what_is_no_policy_is_refused_whatever_admission_let_in(path, value):
    """The model refuses some of it; an object from before the model is rendered all the same."""
    inputs = inputs_of({"gateway": {"metadata": {"name": "shop", "namespace": "team-a"}, "spec": {}}})
    access = {"governance": {"policy": {"tool_access": {path[0]: value}}}}
    spec = inputs.spec.model_copy(update={"config": access})
    with pytest.raises(InvalidManifestError, match=r"tool_access\."):
        render_gateway(dataclasses.replace(inputs, spec=spec, tenant=NORTH, routes=(claim("t"),)))


def test_alerts_without_a_monitor_need_no_hint():
    spec = {"monitoring": {"prometheusRule": {"enabled": True}, "serviceMonitor": {"enabled": False}}}
    document = {"gateway": {"metadata": {"name": "shop", "namespace": "team-a"}, "spec": spec}, "monitoring": True}
    found = render_gateway(inputs_of(document))
    assert (found.notes, [one["kind"] for one in found.children][-1]) == ((), "PrometheusRule")
