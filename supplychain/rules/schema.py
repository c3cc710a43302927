"""What one document says wrong by itself: its envelope, and every field that its kind's model refuses, all at once."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from supplychain.api import (
    API_VERSION,
    ClusterSpec,
    GatewaySpec,
    PluginMirrorSpec,
    PluginSetSpec,
    PluginSpec,
    RevocationListSpec,
    RouteSpec,
    TenantSpec,
    problems_of,
)
from supplychain.api.shape import SUBDOMAIN
from supplychain.errors import InvalidManifestError
from supplychain.rules.problem import Problem
from supplychain.rules.reading import Document, at, mapping

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from supplychain.api import FieldProblem, Model

__all__ = ["CLUSTER_SCOPED", "MODELS", "SCHEMA", "UNKNOWN_KIND", "UNKNOWN_VERSION", "shape_problems"]

SCHEMA: Final = "Schema"
"""The rule word of what a definition of the kind refuses; finer reasons of the models stand for themselves."""
UNKNOWN_KIND: Final = "UnknownKind"
UNKNOWN_VERSION: Final = "UnknownVersion"

MODELS: Final[Mapping[str, type[Model]]] = {
    "MCPGCluster": ClusterSpec,
    "MCPGGateway": GatewaySpec,
    "MCPGPlugin": PluginSpec,
    "MCPGPluginMirror": PluginMirrorSpec,
    "MCPGPluginSet": PluginSetSpec,
    "MCPGRevocationList": RevocationListSpec,
    "MCPGRoute": RouteSpec,
    "MCPGTenant": TenantSpec,
}
CLUSTER_SCOPED: Final = frozenset(MODELS) - {"MCPGGateway", "MCPGPluginSet", "MCPGRoute"}

_TOP_LEVEL: Final = frozenset({"apiVersion", "kind", "metadata", "spec", "status"})
_LONGEST_NAME: Final = 253
_USERINFO = re.compile(r"://\S*@")


def shape_problems(document: Document) -> tuple[Problem, ...]:
    """Find everything that is wrong with one document by itself."""
    kind, version = document.get("kind"), document.get("apiVersion")
    model = MODELS.get(kind) if isinstance(kind, str) else None
    if model is None:
        known = ", ".join(f"`{one}`" for one in sorted(MODELS))
        return (_problem("kind", "unknown kind", rule=UNKNOWN_KIND, expected=known, got=_shown(kind)),)
    if version != API_VERSION:
        return (
            _problem("apiVersion", "unknown version", rule=UNKNOWN_VERSION, expected=f"`{API_VERSION}`", got=_shown(version)),
        )
    return (*_envelope(document), *(_refusal(one) for one in problems_of(document, model)))


def _envelope(document: Document) -> Iterator[Problem]:
    for key in document:
        if key not in _TOP_LEVEL:
            yield _problem(key, "unknown field", hint="is it indented too little?")
    metadata = mapping(document.get("metadata"))
    name = metadata.get("name")
    if name is None and isinstance(metadata.get("generateName"), str):
        return
    if not isinstance(name, str) or not name.strip():
        yield _problem("metadata.name", "the object has no name")
    elif len(name) > _LONGEST_NAME or re.fullmatch(SUBDOMAIN, name) is None:
        expected = "lower-case letters, digits, `-` and `.` between them"
        yield _problem("metadata.name", "no name that an object can have", expected=expected, got=_shown(name))
    namespace = at(document, "metadata.namespace")
    if namespace is not None and not isinstance(namespace, str):
        yield _problem("metadata.namespace", "the namespace is no text")


def _refusal(found: FieldProblem) -> Problem:
    return Problem(
        rule=SCHEMA if type(found.error) is InvalidManifestError else found.reason,
        field=found.path,
        what=found.what,
        expected=found.expected,
        got=_USERINFO.sub("://…@", found.got) if found.got else None,
        hint=None if found.hint == found.error.default_hint else found.hint,
    )


def _problem(
    field: str, what: str, *, rule: str = SCHEMA, expected: str | None = None, got: str | None = None, hint: str | None = None
) -> Problem:
    return Problem(rule=rule, field=field, what=what, expected=expected, got=got, hint=hint)


def _shown(value: Any) -> str:
    return f"`{value[:80]}`" if isinstance(value, str) else "nothing" if value is None else "no text"
