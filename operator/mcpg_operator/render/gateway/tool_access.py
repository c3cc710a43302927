"""The gateway's rules about who may call which tool: what its author wrote, narrowed by routes and by the tenant.

The author's rule is a ceiling that no route widens; a route's claim is one that no author widens. Callers whose identity is only
asserted in a header can claim any tenant, so every tool that is ruled here wants a verified one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from mcpg_operator.render.gateway import cel
from mcpg_operator.render.gateway.dialect import bound_surfaces
from mcpg_operator.render.gateway.inputs import Note
from mcpg_operator.render.gateway.tree import at, section
from supplychain.errors import InvalidManifestError

if TYPE_CHECKING:
    from mcpg_operator.render.gateway.dialect import Dialect
    from mcpg_operator.render.gateway.inputs import TenantScope
    from mcpg_operator.render.gateway.routes import Claims

__all__ = ["UNCLAIMED", "apply_claims", "apply_tenant", "close_unclaimed"]

UNCLAIMED: Final = "mcpg.dev/unclaimed-tools"
"""Annotation: `allow` or `deny` the tools that no route claims."""

_ACCESS: Final = ("governance", "policy", "tool_access")
_TRUST: Final = {"unauthenticated": 0, "header_asserted": 1, "verified": 2}
_VERIFIED: Final = "verified"
_DEFAULT_TRUST: Final = "default_minimum_trust"
_RULE: Final = "cel_allow_if"
_BINDING: Final = "allow_if"


def apply_claims(config: dict[str, Any], claims: Claims, dialect: Dialect) -> tuple[Note, ...]:
    """Write the predicate of every claimed tool.

    Raises:
        InvalidManifestError: what stands where a rule has to go is none, or the author's expression is no whole one.
    """
    notes: list[Note] = []
    for tool, predicate in claims.tools.items():
        bound = [one for _, one in bound_surfaces(config, tool)] if dialect.rules_at_bindings else []
        for one in bound:
            governance = _governance(one, tool)
            _narrow(governance, _BINDING, predicate, where=f"the binding `{tool}`")
        ruled = _narrow_rules(config, tool, predicate)
        if ruled > 1:
            notes.append(
                Note("ToolConflict", f"tool `{tool}` has {ruled} rules; the gateway refuses to start with more than one")
            )
        if not ruled and not bound:
            _rules(config).append({"tool_name": tool, "minimum_trust": _VERIFIED, _RULE: predicate})
    return tuple(notes)


def close_unclaimed(config: dict[str, Any], claims: Claims, dialect: Dialect) -> None:
    """Close every tool that is bound in the configuration and that neither a route nor the author's policy names.

    Raises:
        InvalidManifestError: as `apply_claims`.
    """
    ruled = {one.get("tool_name") for one in _rules_there(config) if isinstance(one, dict)}
    for kind, one in list(bound_surfaces(config)):
        tool = one["name"]
        if kind != "tools" or tool in ruled or tool in claims.tools:
            continue
        if not dialect.rules_at_bindings:
            ruled.add(tool)
            _rules(config).append({"tool_name": tool, "minimum_trust": _VERIFIED, _RULE: cel.FALSE})
        elif not at(one, "governance", _BINDING):
            _narrow(_governance(one, tool), _BINDING, cel.FALSE, where=f"the binding `{tool}`")


def apply_tenant(config: dict[str, Any], tenant: TenantScope | None, claims: Claims, dialect: Dialect) -> None:
    """Demand the tenant's identity for every tool, but for those that routes of others claim: these have rules of their own.

    Raises:
        InvalidManifestError: as `apply_claims`.
    """
    if tenant is None or tenant.identity is None:
        return
    access = section(config, *_ACCESS)
    predicate = cel.equals(dialect.identity, tenant.identity.key, tenant.identity.value)
    if claims.foreign:
        predicate = f"({predicate}) || ({cel.one_of('tool_name', claims.foreign)})"
    access[_RULE] = _both(access.get(_RULE), predicate, where=_place(_RULE))
    if access.get(_DEFAULT_TRUST) is None:
        access[_DEFAULT_TRUST] = _VERIFIED


def _narrow_rules(config: dict[str, Any], tool: str, predicate: str) -> int:
    """Narrow every rule of the author for a tool; gives how many there are."""
    found = [one for one in _rules_there(config) if isinstance(one, dict) and one.get("tool_name") == tool]
    for one in found:
        _narrow(one, _RULE, predicate, where=f"the rule for `{tool}`")
    return len(found)


def _narrow(rule: dict[str, Any], key: str, predicate: str, *, where: str) -> None:
    rule[key] = _both(rule.get(key), predicate, where=where)
    trust = rule.get("minimum_trust")
    if trust is None or _TRUST.get(trust if isinstance(trust, str) else "", 2) < _TRUST[_VERIFIED]:
        rule["minimum_trust"] = _VERIFIED


def _both(author: Any, predicate: str, *, where: str) -> str:
    """Demand what the author demands, and the predicate; what the author leaves open is the predicate alone."""
    if author is None or (isinstance(author, str) and author.strip() in {"", cel.TRUE}):
        return predicate
    if not isinstance(author, str):
        raise InvalidManifestError("a policy is no text", got=type(author).__name__, where=where)
    if predicate == cel.TRUE:
        return author
    enclosed = cel.whole(author)
    if enclosed is None:
        hint = "pair its brackets and end its strings; the operator has to add a condition of its own"
        raise InvalidManifestError("a policy is no whole expression", where=where, hint=hint)
    return f"({enclosed}) && ({predicate})"


def _governance(binding: dict[str, Any], tool: str) -> dict[str, Any]:
    found = binding.get("governance")
    if found is None:
        found = binding["governance"] = {}
    if not isinstance(found, dict):
        where = f"field `governance` of the binding `{tool}`"
        raise InvalidManifestError("the operator has to write into this section", expected="a mapping", where=where)
    return found


def _rules_there(config: dict[str, Any]) -> list[Any]:
    found = at(config, *_ACCESS, "rules")
    if found is not None and not isinstance(found, list):
        raise InvalidManifestError("the operator has to write into this section", expected="a list", where=_place("rules"))
    return found or []


def _rules(config: dict[str, Any]) -> list[Any]:
    """The rules, made where there are none."""
    there = _rules_there(config)
    section(config, *_ACCESS)["rules"] = there
    return there


def _place(key: str) -> str:
    return f"field `spec.config.{'.'.join(_ACCESS)}.{key}`"
