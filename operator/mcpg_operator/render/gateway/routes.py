"""Which tools routes claim, and whom they let in.

Whoever may write a route in an accepted namespace writes texts into the policy of a gateway that others use. A claim therefore
only ever narrows, and what could stop the gateway or be replaced when it starts is left out.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from mcpg_operator.render.gateway import cel
from mcpg_operator.render.gateway.inputs import Note
from supplychain.rules.tenancy import TENANT_ATTRIBUTE

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mcpg_operator.render.gateway.dialect import Dialect
    from mcpg_operator.render.gateway.inputs import GatewayInputs, RouteClaim

__all__ = ["Claims", "claims_of"]

_LONGEST_ID: Final = 256
_REPLACED: Final = ("${", "://")
"""What the gateway looks for in the texts of its configuration: variables, credentials, secrets."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claims:
    """What all routes of a gateway come to."""

    tools: dict[str, str]
    """The predicate of each claimed tool, in the order of their ids."""
    foreign: frozenset[str]
    """Tools that are claimed from outside the tenant of the gateway."""
    applied: frozenset[tuple[str, str]]
    """Namespace and name of the routes that count."""
    notes: tuple[Note, ...]


def claims_of(inputs: GatewayInputs, dialect: Dialect) -> Claims:
    """Put all routes together; the order in which they come means nothing."""
    predicates: dict[str, set[str]] = {}
    foreign: set[str] = set()
    applied: set[tuple[str, str]] = set()
    notes: list[Note] = []
    accepted = {inputs.namespace, *inputs.spec.accepted_route_namespaces}
    for route in sorted(inputs.routes, key=lambda one: (one.namespace, one.name)):
        place = f"MCPGRoute `{route.namespace}/{route.name}`"
        predicate = _predicate(route, gateway_namespace=inputs.namespace, variable=dialect.identity)
        if route.namespace not in accepted:
            notes.append(Note("NamespaceNotAccepted", f"{place}: its namespace is not in `acceptedRouteNamespaces`"))
            continue
        if predicate is None:
            notes.append(Note("TenantRequired", f"{place} names no tenant, which a route from another namespace has to"))
            continue
        usable = _usable(route.tools)
        if len(usable) < len({one.strip() for one in route.tools}):
            notes.append(Note("ToolIgnored", f"{place} names what cannot be the name of a tool"))
        for tool in usable:
            predicates.setdefault(tool, set()).add(predicate)
        applied.add((route.namespace, route.name))
        if _tenant(route) != (None if inputs.tenant is None else inputs.tenant.name):
            foreign.update(usable)
    return Claims(
        tools={tool: cel.either(predicates[tool]) for tool in sorted(predicates)},
        foreign=frozenset(foreign),
        applied=frozenset(applied),
        notes=tuple(notes),
    )


def _predicate(route: RouteClaim, *, gateway_namespace: str, variable: str) -> str | None:
    """Whom a route lets in: its tenant's callers, and of these whom its attribute names. None: it may let in nobody."""
    wanted = []
    identity = None if route.tenant is None else route.tenant.identity
    if identity is not None:
        wanted.append(cel.equals(variable, identity.key, identity.value))
    if route.attribute is not None and (route.attribute.strip() or route.namespace == gateway_namespace):
        wanted.append(cel.equals(variable, TENANT_ATTRIBUTE, route.attribute))
    if wanted:
        return cel.every(wanted)
    return cel.TRUE if route.namespace == gateway_namespace else None


def _tenant(route: RouteClaim) -> str | None:
    return None if route.tenant is None else route.tenant.name


def _usable(tools: Iterable[str]) -> list[str]:
    trimmed = dict.fromkeys(tool.strip() for tool in tools)
    return [one for one in trimmed if 0 < len(one) <= _LONGEST_ID and not _harmful(one)]


def _harmful(tool: str) -> bool:
    hidden = any(unicodedata.category(character) in {"Cc", "Cs", "Zl", "Zp"} for character in tool)
    return hidden or any(mark in tool for mark in _REPLACED)
