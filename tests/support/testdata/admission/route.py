"""Cases of `MCPGRoute`."""

from __future__ import annotations

from typing import Any, Final

from tests.support.testdata.admission.case import ABSENT, Case, accepted, changed, differing, null, refused

__all__ = ["CASES"]

_KIND: Final = "MCPGRoute"
_BASE: Final = {"gatewayRef": {"name": "shop"}, "match": {"tools": [{"id": "stock.read"}]}}


def _yes(title: str, changes: dict[str, Any], *, why: str) -> Case:
    return accepted(_KIND, title, changed(_BASE, changes), why=why)


def _no(title: str, field: str, value: Any, *, why: str, schema: str, at: str | None = None) -> Case:
    return refused(_KIND, title, changed(_BASE, {field: value}), why=why, schema=schema, field=field if at is None else at)


def _tools(*ids: str) -> list[dict[str, str]]:
    return [{"id": one} for one in ids]


CASES: Final = (
    _yes("smallest", {}, why="Only what must be there."),
    _yes("every field", {
        "gatewayRef.namespace": "north", "identityChain": ["dev.acme.identity"], "policyChain": ["dev.acme.policy"], "auditChain": ["dev.acme.audit"],
        "attributes": {"tenant": "north", "": "", "other": ""},
    }, why="All that can be there."),
    _yes("tools of all sorts", {"match.tools": _tools("a", "A", " spaced ", "ünïcode/with.dots:and-more")}, why="The gateway knows its names."),
    _yes("256 tools", {"match.tools": _tools(*(f"{number:060d}" for number in range(256)))}, why="As many as can be, all ids compared."),
    _yes("256 tools with long ids", {"match.tools": _tools(*(f"{number:0256d}" for number in range(256)))}, why="As many and as long as can be."),
    differing(
        _KIND, "256 tools with long ids of which two are the same", changed(_BASE, {"match.tools": _tools(*("a" * 256 for _ in range(256)))}),
        why="A slip that hides another one.", difference="comparing so long a list would cost a cluster too much", field="match.tools",
    ),
    _no("no gateway", "gatewayRef", ABSENT, why="Nobody to serve it.", schema="gatewayRef: Required"),
    _no("blank gateway", "gatewayRef.name", " ", why="No such gateway.", schema="no name that an object can have"),
    _no("gateway without a name", "gatewayRef.name", ABSENT, why="Which one?", schema="name: Required"),
    _no("namespace of the gateway that is empty", "gatewayRef.namespace", "", why="No such namespace; left out it is the route's own.",
        schema="no DNS label"),
    _no("namespace of the gateway with a dot", "gatewayRef.namespace", "a.b", why="No namespace is called so.", schema="no DNS label"),
    _no("no match", "match", ABSENT, why="About what?", schema="match: Required"),
    _no("no tools", "match.tools", ABSENT, why="About what?", schema="tools: Required"),
    _no("empty tools", "match.tools", [], why="About what?", schema="should have at least 1 items"),
    _no("tools as text", "match.tools", ["stock.read"], why="Another type.", schema="must be of type object", at="match.tools[0]"),
    _no("257 tools", "match.tools", _tools(*(f"t{number}" for number in range(257))), why="Too many to compare.", schema="Too many"),
    _no("tool twice", "match.tools", _tools("a", "b", "a"), why="A slip that hides another one.", schema="two tools have the same id"),
    _no("tool twice but for spaces", "match.tools", _tools("a", " a"), why="The spaces do not count.", schema="two tools have the same id"),
    _no("tool without an id", "match.tools", [{}], why="Which one?", schema="id: Required", at="match.tools[0].id"),
    _no("blank tool", "match.tools", _tools(" "), why="Which one?", schema="the field is blank", at="match.tools[0].id"),
    _no("tool with a line break", "match.tools", _tools("a\nb"), why="It becomes part of a policy.", schema="a control character",
        at="match.tools[0].id"),
    _no("tool of 257 characters", "match.tools", _tools("a" * 257), why="It becomes part of a policy.", schema="Too long", at="match.tools[0].id"),
    _no("blank identity plugin", "identityChain", ["a", " "], why="Which one?", schema="the field is blank", at="identityChain[1]"),
    _no("blank policy plugin", "policyChain", [""], why="Which one?", schema="the field is blank", at="policyChain[0]"),
    _no("blank audit plugin", "auditChain", [""], why="Which one?", schema="the field is blank", at="auditChain[0]"),
    _no("chain as text", "auditChain", "dev.acme.audit", why="Another type.", schema="must be of type array"),
    _no("chain of 65 plugins", "policyChain", [f"dev.acme.p{number}" for number in range(65)], why="Too many.", schema="Too many"),
    _no("empty tenant", "attributes", {"tenant": ""}, why="It would be nobody's.", schema="the attribute `tenant` is blank"),
    _no("blank tenant", "attributes", {"tenant": " "}, why="It would be nobody's.", schema="the attribute `tenant` is blank"),
    _no("tenant with a tab", "attributes", {"tenant": "a\tb"}, why="It becomes part of a policy.", schema="a control character", at="attributes.tenant"),
    _no("tenant with a c1 control", "attributes", {"tenant": "a\x9fb"}, why="It becomes part of a policy.", schema="a control character",
        at="attributes.tenant"),
    _no("tenant of 257 characters", "attributes", {"tenant": "a" * 257}, why="It becomes part of a policy.", schema="Too long", at="attributes.tenant"),
    _no("tenant that is a number", "attributes", {"tenant": 1}, why="Another type.", schema="must be of type string", at="attributes.tenant"),
    _no("65 attributes", "attributes", {f"a{number}": "" for number in range(65)}, why="Too many.", schema="Too many"),
    _no("field that is misspelt", "attribute", {"tenant": "a"}, why="Every caller would be let in.", schema="unknown field"),
    refused(_KIND, "no spec", ABSENT, why="Not even an empty one.", schema="spec: Required", field=""),
    null(_KIND, _BASE, "attributes", apply='must be of type object: "null"'),
    null(_KIND, _BASE, "gatewayRef.namespace", apply='must be of type string: "null"'),
)  # fmt: skip
