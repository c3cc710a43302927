"""Cases of `MCPGTenant`."""

from __future__ import annotations

from typing import Any, Final

from tests.support.testdata.admission.case import ABSENT, Case, accepted, changed, named, null, refused

__all__ = ["CASES"]

_KIND: Final = "MCPGTenant"
_BASE: Final = {"namespaces": ["north"]}


def _yes(title: str, changes: dict[str, Any], *, why: str) -> Case:
    return accepted(_KIND, title, changed(_BASE, changes), why=why)


def _no(title: str, field: str, value: Any, *, why: str, schema: str, at: str | None = None) -> Case:
    return refused(_KIND, title, changed(_BASE, {field: value}), why=why, schema=schema, field=field if at is None else at)


def _namespace(title: str, name: Any, *, why: str, schema: str) -> Case:
    return _no(title, "namespaces", ["north", name], why=why, schema=schema, at="namespaces[1]")


def _allowed(title: str, entry: Any, *, why: str, schema: str, at: str = "") -> Case:
    return _no(title, "allowedPlugins", [entry], why=why, schema=schema, at=f"allowedPlugins[0]{at}")


def _attribute(title: str, key: str, value: str, *, why: str, schema: str, at: str) -> Case:
    return _no(title, "identityAttribute", {"key": key, "value": value}, why=why, schema=schema, at=f"identityAttribute.{at}")


CASES: Final = (
    _yes("smallest", {}, why="No plugin may be used."),
    _yes("every field", {
        "allowedPlugins": [{"name": "dev.acme.audit", "registryPrefix": "ghcr.io/other"}, {"name": "*"}, {"registryPrefix": "ghcr.io/acme/"}],
        "quotas": {"maxGateways": 0, "maxPluginSets": 1, "maxRoutes": 2**53 - 1, "maxReplicasPerGateway": 3},
        "identityAttribute": {"key": "org.unit", "value": 'nor"th'},
    }, why="All that can be there."),
    _yes("256 namespaces", {"namespaces": [f"{number:063d}" for number in range(256)]}, why="As many and as long as can be."),
    _yes("namespace that looks like one of the cluster", {"namespaces": ["kube", "kubernetes", "my-kube-system"]}, why="They are not."),
    _no("no namespaces", "namespaces", ABSENT, why="It would be nobody's.", schema="namespaces: Required"),
    _no("empty namespaces", "namespaces", [], why="It would be nobody's.", schema="should have at least 1 items"),
    _no("namespaces as text", "namespaces", "north", why="Another type.", schema="must be of type array"),
    _no("257 namespaces", "namespaces", [f"n{number}" for number in range(257)], why="Too many.", schema="Too many"),
    _no("namespace twice", "namespaces", ["north", "south", "north"], why="A slip that hides another one.", schema="a namespace is named twice"),
    _namespace("blank namespace", " ", why="No such namespace.", schema="no DNS label"),
    _namespace("namespace that is a star", "*", why="Exact names only.", schema="no DNS label"),
    _namespace("namespace with a dot", "a.b", why="No namespace is called so.", schema="no DNS label"),
    _namespace("namespace in upper case", "South", why="No namespace is called so.", schema="no DNS label"),
    _namespace("namespace with a line break", "south\n", why="No namespace is called so.", schema="no DNS label"),
    _namespace("namespace of 64 characters", "a" * 64, why="No namespace is called so.", schema="Too long"),
    _namespace("namespace of the cluster", "kube-system", why="No tenant may have it.", schema="a namespace of the cluster itself"),
    _namespace("namespace that is a number", 7, why="Another type.", schema="must be of type string"),
    _allowed("entry that allows nothing", {}, why="It matches nothing.", schema="an entry that allows nothing"),
    _allowed("blank plugin", {"name": " "}, why="It matches nothing.", schema="the field is blank", at=".name"),
    _allowed("blank prefix beside a plugin", {"name": "audit", "registryPrefix": ""}, why="Every image begins with it.", schema="the field is blank",
             at=".registryPrefix"),
    _allowed("entry with an unknown field", {"name": "a", "digest": "b"}, why="It would allow more.", schema="unknown field", at=".digest"),
    _allowed("entry as text", "audit", why="Another type.", schema="must be of type object"),
    _no("257 entries", "allowedPlugins", [{"name": "a"}] * 257, why="Too many.", schema="Too many"),
    _no("gateways below zero", "quotas.maxGateways", -1, why="No number.", schema="should be greater than or equal to 0"),
    _no("sets below zero", "quotas.maxPluginSets", -1, why="No number.", schema="should be greater than or equal to 0"),
    _no("routes below zero", "quotas.maxRoutes", -1, why="No number.", schema="should be greater than or equal to 0"),
    _no("replicas below zero", "quotas.maxReplicasPerGateway", -1, why="No number.", schema="should be greater than or equal to 0"),
    _no("quota as text", "quotas.maxRoutes", "3", why="Another type.", schema="must be of type integer"),
    _no("quota beyond what is exact", "quotas.maxRoutes", 2**53, why="Readers of JSON would round it.", schema="should be less than or equal to"),
    _no("quota that is unknown", "quotas.maxTools", 3, why="Nothing would be limited.", schema="unknown field"),
    _attribute("blank key", " ", "north", why="No attribute.", schema="the field is blank", at="key"),
    _attribute("blank value", "tenant", "", why="Nobody has it.", schema="the field is blank", at="value"),
    _attribute("key with a line break", "a\nb", "north", why="It becomes part of a policy.", schema="a control character", at="key"),
    _attribute("value with a delete", "tenant", "a\x7fb", why="It becomes part of a policy.", schema="a control character", at="value"),
    _attribute("value of 257 characters", "tenant", "a" * 257, why="It becomes part of a policy.", schema="Too long", at="value"),
    _no("attribute without a value", "identityAttribute", {"key": "tenant"}, why="Nobody has it.", schema="value: Required",
        at="identityAttribute.value"),
    _no("field that is misspelt", "allowedPlugin", [], why="Nothing would be allowed.", schema="unknown field"),
    refused(_KIND, "no spec", ABSENT, why="Not even an empty one.", schema="spec: Required", field=""),
    named(_KIND, "name of 63 characters", _BASE, name="a" * 63, why="It becomes a label.", schema=None),
    named(_KIND, "name of 64 characters", _BASE, name="a" * 64, why="It becomes a label.", schema="the name is too long for a label"),
    null(_KIND, _BASE, "quotas", apply='must be of type object: "null"'),
    null(_KIND, _BASE, "allowedPlugins", apply='must be of type array: "null"'),
)  # fmt: skip
