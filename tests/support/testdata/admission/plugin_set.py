"""Cases of `MCPGPluginSet`."""

from __future__ import annotations

from typing import Any, Final

from supplychain.descriptor import CAPABILITIES
from tests.support.testdata.admission.case import ABSENT, Case, accepted, changed, differing, null, refused

__all__ = ["CASES"]

_KIND: Final = "MCPGPluginSet"
_ID: Final = "dev.acme.audit"
_ENTRY: Final = {"id": _ID, "pluginRef": {"name": "acme-audit"}}
_BASE: Final = {"entries": [_ENTRY]}
_COSTLY: Final = "comparing so long a list would cost a cluster too much"


def _yes(title: str, changes: dict[str, Any], *, why: str) -> Case:
    return accepted(_KIND, title, changed(_BASE, changes), why=why)


def _no(title: str, field: str, value: Any, *, why: str, schema: str, at: str | None = None) -> Case:
    return refused(_KIND, title, changed(_BASE, {field: value}), why=why, schema=schema, field=field if at is None else at)


def _entry(title: str, field: str, value: Any, *, why: str, schema: str, at: str | None = None) -> Case:
    return _no(title, f"entries.0.{field}", value, why=why, schema=schema, at=f"entries[0].{field if at is None else at}")


def _many(count: int) -> list[dict[str, Any]]:
    return [{"id": f"dev.acme.plugin-{number}", "pluginRef": {"name": f"acme-{number}"}} for number in range(count)]


def _long() -> list[dict[str, Any]]:
    return [{"id": f"dev.acme.{number:0191d}", "pluginRef": {"name": "acme"}} for number in range(256)]


CASES: Final = (
    _yes("smallest", {}, why="Only what must be there."),
    _yes(
        "every field",
        {
            "entries.0.enabled": False,
            "entries.0.enforce": False,
            "entries.0.config": {"any": {"thing": [1, 2.5, None, True, "text"]}, "": {}},
            "capabilityGrants": {_ID: ["network_outbound", "secrets_read"]},
        },
        why="All that can be there; what `config` holds is the plugin's own affair.",
    ),
    _yes("every capability", {"capabilityGrants": {_ID: sorted(CAPABILITIES)}}, why="The whole vocabulary."),
    _yes("no grants", {"capabilityGrants": {}}, why="As if it were absent."),
    _yes("id in upper case", {"entries.0.id": "Dev.Acme_2.audit-x"}, why="It can name a folder."),
    _yes("plugin twice under two ids", {"entries": [_ENTRY, {**_ENTRY, "id": "dev.acme.other"}]}, why="Told when it is resolved."),
    _yes("256 entries", {"entries": _many(256)}, why="As many as can be, all ids compared."),
    _yes(
        "256 entries with grants",
        {"entries": _many(256), "capabilityGrants": {one["id"]: ["metric_emit"] for one in _many(256)}},
        why="The costliest comparison that the schema allows.",
    ),
    _yes(
        "256 entries with long ids",
        {"entries": _long(), "capabilityGrants": {one["id"]: ["metric_emit"] for one in _long()}},
        why="As many and as long as can be.",
    ),
    differing(
        _KIND, "256 entries with long ids of which two are the same", {"entries": [*_long()[1:], _long()[1]]},
        why="Which one?", difference=_COSTLY, field="entries",
    ),
    differing(
        _KIND, "grant for nobody among 256 long ids",
        {"entries": _long(), "capabilityGrants": {one["id"].replace("acme", "else"): ["metric_emit"] for one in _long()}},
        why="A misspelt id grants nothing.", difference=_COSTLY, field="",
    ),
    _no("no entries", "entries", ABSENT, why="A set of nothing is a mistake.", schema="entries: Required"),
    _no("empty entries", "entries", [], why="A set of nothing is a mistake.", schema="should have at least 1 items"),
    _no("257 entries", "entries", _many(257), why="Too many to compare.", schema="Too many"),
    _no("entries as a mapping", "entries", {"a": _ENTRY}, why="Another type.", schema='unknown field "spec.entries.a"'),
    _no("id twice", "entries", [_ENTRY, {**_ENTRY, "pluginRef": {"name": "b"}}], why="Which one?", schema="two entries have the same id"),
    _no("field that is misspelt", "capabilityGrant", {}, why="Rights would be dropped.", schema="unknown field"),
    _entry("no id", "id", ABSENT, why="Nothing could be compared.", schema="id: Required"),
    _entry("blank id", "id", " ", why="As good as none.", schema="no plugin id"),
    _entry("id without a dot", "id", "audit", why="No reverse DNS name.", schema="no plugin id: expected reverse DNS"),
    _entry("id with a path", "id", "../etc", why="It names a folder in the pod.", schema="that can name a folder"),
    _entry("id with a slash", "id", "dev.acme/audit", why="It names a folder in the pod.", schema="that can name a folder"),
    _entry("id with a dot in front", "id", ".dev.acme", why="It would be a hidden folder.", schema="that can name a folder"),
    _entry("id with a line break", "id", "dev.acme\n", why="It names a folder in the pod.", schema="that can name a folder"),
    _entry("id of 201 characters", "id", "a." + "b" * 199, why="It names a folder in the pod.", schema="Too long"),
    _entry("no plugin", "pluginRef", ABSENT, why="Nothing to load.", schema="pluginRef: Required"),
    _entry("blank plugin", "pluginRef", {"name": " "}, why="Nothing to load.", schema="no name that an object", at="pluginRef.name"),
    _entry("plugin in a namespace", "pluginRef", {"name": "a", "namespace": "b"}, why="Plugins have none.", schema="unknown field",
           at="pluginRef.namespace"),
    _entry("enabled as text", "enabled", "no", why="Another type; in Python it would even be true.", schema="must be of type boolean"),
    _entry("enforce as a number", "enforce", 0, why="Another type.", schema="must be of type boolean"),
    _entry("config as a list", "config", [], why="A plugin's configuration is a mapping.", schema="must be of type object"),
    _entry("config as text", "config", "level: 1", why="YAML within YAML.", schema="must be of type object"),
    _entry("entry with an unknown field", "order", 1, why="The order is that of the list.", schema="unknown field"),
    _no("grant for nobody", "capabilityGrants", {"dev.acme.other": ["metric_emit"]}, why="A misspelt id grants nothing.",
        schema="names an id that no entry has", at=""),
    _no("grant of nothing", "capabilityGrants", {_ID: []}, why="Leave it out.", schema="should have at least 1 items",
        at=f"capabilityGrants.{_ID}"),
    _no("grant that is unknown", "capabilityGrants", {_ID: ["root"]}, why="No gateway knows it.", schema="Unsupported value",
        at=f"capabilityGrants.{_ID}[0]"),
    _no("grant twice", "capabilityGrants", {_ID: ["metric_emit", "metric_emit"]}, why="A slip that hides another one.",
        schema="a capability is granted twice", at=f"capabilityGrants.{_ID}"),
    _no("grant with arguments", "capabilityGrants", {_ID: [{"type": "secrets_read", "schemes": ["vault"]}]},
        why="The word alone stands for the arguments of the descriptor.", schema="unknown field", at=f"capabilityGrants.{_ID}[0]"),
    _no("grant as text", "capabilityGrants", {_ID: "metric_emit"}, why="Another type.", schema="must be of type array",
        at=f"capabilityGrants.{_ID}"),
    null(_KIND, _BASE, "entries.0.enforce", at="entries[0].enforce", apply=None),
    null(_KIND, _BASE, "entries.0.config", at="entries[0].config", apply='must be of type object: "null"'),
    null(_KIND, _BASE, "capabilityGrants", apply='must be of type object: "null"'),
)  # fmt: skip
