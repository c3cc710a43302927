"""`MCPGRoute`: rules of the document by itself."""

import pytest

from supplychain.api import RouteSpec, problems_of
from supplychain.api.common import parse_spec


def spec(*ids, **more):
    return {"gatewayRef": {"name": "shop"}, "match": {"tools": [{"id": one} for one in ids or ("a",)]}} | more


def told(*ids, **more):
    return [(one.path, one.what) for one in problems_of({"spec": spec(*ids, **more)}, RouteSpec)]


def test_the_gateway_is_in_the_namespace_of_the_route_unless_it_is_named():
    read = parse_spec(RouteSpec, spec(), where="here")
    assert (read.gateway_ref.name, read.gateway_ref.namespace) == ("shop", None)
    assert (read.identity_chain, read.policy_chain, read.audit_chain, read.attributes) == ((), (), (), {})


def test_spaces_around_a_tool_do_not_count():
    assert parse_spec(RouteSpec, spec(" b ", "a"), where="here").tool_ids == ("b", "a")
    assert told("b", "a", " b ") == [("spec.match.tools", "two tools have the same id")]
    assert told("a", "A") == []


def test_a_route_is_about_something():
    assert told(match={"tools": []}) == [("spec.match.tools", "the list is empty")]
    assert told(" ") == [("spec.match.tools[0].id", "the field is blank")]


@pytest.mark.parametrize("letter", ["\x00", "\n", "\t", "\x1f", "\x7f", "\x85", "\x9f"])
def test_what_becomes_part_of_a_policy_has_no_control_characters(letter):
    assert told(f"a{letter}b") == [("spec.match.tools[0].id", "a control character")]
    assert told(attributes={"tenant": f"a{letter}b"}) == [("spec.attributes.tenant", "a control character")]


def test_a_quote_and_letters_of_any_language_are_taken():
    assert told('a"b\\c', "é\u00a0東", attributes={"tenant": 'a"b\\é'}) == []


@pytest.mark.parametrize("value", ["", " ", "\u2003"])
def test_a_blank_tenant_is_refused_and_other_attributes_may_be_blank(value):
    assert told(attributes={"tenant": value}) == [("spec.attributes", "the attribute `tenant` is blank")]
    assert told(attributes={"other": value}) == []


@pytest.mark.parametrize("chain", ["identityChain", "policyChain", "auditChain"])
def test_a_blank_plugin_of_a_chain_is_told_by_its_index(chain):
    assert told(**{chain: ["a", " "]}) == [(f"spec.{chain}[1]", "the field is blank")]
