"""The reference of the kinds' fields for people, made from the same models as the definitions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from mcpg_operator.api import Condition
from mcpg_operator.crds.kinds import CATEGORY, KINDS
from mcpg_operator.crds.schema import structural

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from mcpg_operator.crds.kinds import Column, Definition

__all__ = ["render_reference"]

_INTRODUCTION: Final = f"""\
# The resources of `mcpg.dev/v1alpha2`

<!-- Made from the models by `make crds`; edits are overwritten. -->

The definitions in [`charts/mcpg-operator/crds`](../charts/mcpg-operator/crds) come from the models that `supplychain verify -f`
reads manifests with, so a cluster and the command line refuse the same documents. What the API server cannot judge by itself, for
example whether an identity pattern is safe or whether a list names a hash twice, is left to the operator and to admission.

- `kubectl get {CATEGORY}` lists all kinds; `kubectl explain mcpgplugin.spec.trust` shows this page's words.
- An unknown field is refused. An optional field that has no value is left out; `null` is refused.
- A Secret or ConfigMap that a field names is looked up in the operator's namespace, unless the field says otherwise.
- What is *any object* is passed on as it is. Of a gateway's `config`, only the sections that the operator adds to have a type.
- Columns marked *wide* are printed by `kubectl get -o wide`.

A revocation list holds up to 5,000 entries. Above about 1,500 it needs `kubectl apply --server-side`: plain `kubectl apply` keeps
a copy of the whole object in one annotation, which may have 262,144 bytes at most.
"""


def render_reference() -> str:
    """Write the page, in Markdown."""
    conditions = _table(("field of a condition", "type", "meaning"), structural(Condition, path="status.conditions[]"))
    return "\n".join([_INTRODUCTION, *(_kind(one) for one in KINDS), "## Conditions", "", *conditions, ""])


def _kind(one: Definition) -> str:
    scope = "namespaced" if one.kind.namespaced else "cluster-scoped"
    lines = [
        f"## {one.kind.name}",
        "",
        f"{one.description} Short name `{one.short_name}`, {scope}.",
        "",
        f"Columns: {', '.join(_column(column) for column in one.columns)}.",
        "",
        *_table(("field of `spec`", "type", "required", "meaning"), structural(one.spec, path="spec")),
        "",
        *_table(("field of `status`", "type", "meaning"), structural(one.status, path="status")),
        "",
    ]
    return "\n".join(lines)


def _column(column: Column) -> str:
    return f"{column.name} *(wide)*" if column.wide else column.name


def _table(head: tuple[str, ...], schema: Mapping[str, Any]) -> Iterator[str]:
    """Write one row a field; the column `required` is left out where `head` has none."""
    yield f"| {' | '.join(head)} |"
    yield f"| {' | '.join('---' for _ in head)} |"
    for path, node, required in _fields(schema, path=""):
        if path.startswith("conditions[]"):
            continue  # they have a table of their own
        default = f"default `{_literal(node['default'])}`" if "default" in node else "no"
        need = ["yes" if required else default] if "required" in head else []
        yield f"| {' | '.join([f'`{path}`', _type(node), *need, str(node['description'])])} |"


def _fields(schema: Mapping[str, Any], *, path: str) -> Iterator[tuple[str, Mapping[str, Any], bool]]:
    """Walk all fields in the order of the models, each with its path and whether its parent must have it."""
    for name, node in schema.get("properties", {}).items():
        at = f"{path}.{name}" if path else name
        yield at, node, name in schema.get("required", ())
        match node.get("type"):
            case "object":
                yield from _fields(node, path=at)
            case "array":
                yield from _fields(node["items"], path=f"{at}[]")


def _type(node: Mapping[str, Any]) -> str:
    if node.get("x-kubernetes-int-or-string"):
        return "integer or string"
    if "type" not in node:
        return "anything"
    bound = next((f" ≤ {node[key]:,}" for key in ("maxLength", "maxItems", "maxProperties") if key in node), "")
    text = f"{node['type']}{bound}"
    match node:
        case {"type": "array", "items": items}:
            text = f"list{bound} of {_type(items)}"
        case {"type": "object", "additionalProperties": values}:
            text = f"map{bound} to {_type(values)}"
        case {"x-kubernetes-preserve-unknown-fields": True}:
            text = "any object"
        case {"minimum": low, "maximum": high}:
            text = f"integer {low}–{high}"
        case {"format": "date-time"}:
            text = "time"
        case {"enum": words}:
            text = "one of " + ", ".join(f"`{word}`" for word in words)
    return text


def _literal(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
