"""Every rule about tenants; pure: what a namespace has to bear, and what a tenant's status says."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from mcpg_operator.conditions import Condition, Truth
from mcpg_operator.controllers.tenant.observe import Counts
from mcpg_operator.names import label_value
from mcpg_operator.render.tenant import hard_limits
from mcpg_operator.services import Outcome

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mcpg_operator.controllers.tenant.observe import Place
    from supplychain.api.tenant import TenantSpec

__all__ = ["Decision", "Plan", "Standing", "State", "decide", "plan", "unreadable"]

_PROTECTED: Final = frozenset({"kube-system", "kube-public", "kube-node-lease"})
_SHOWN: Final = 10


class State(StrEnum):
    """How a namespace stands to a tenant; the values but the first two are reasons of `NamespacesBound`."""

    BOUND = "Bound"
    FREE = "Free"
    """It is nobody's: what a tenant left in it goes."""
    CONFLICT = "NamespaceConflict"
    PROTECTED = "NamespaceProtected"
    FAILED = "BindFailed"
    TERMINATING = "NamespaceTerminating"
    MISSING = "NamespaceMissing"


_TROUBLES: Final = (State.CONFLICT, State.PROTECTED, State.FAILED, State.TERMINATING, State.MISSING)
"""From the most to the least telling; the first that is met is the reason."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What has to be true of a namespace."""

    state: State
    message: str = ""
    owner: str | None = None
    """Whose label, right and quota it has to bear; None: nobody's."""
    hard: Mapping[str, str] | None = None
    """Limits of the quota; None or empty: no quota."""
    touch: bool = False
    """Whether anything may be written at all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What became of one namespace of a tenant."""

    state: State
    message: str = ""
    counts: Counts = Counts()  # noqa: RUF009 — frozen


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What a tenant's status is to say, and how the pass ends."""

    conditions: tuple[Condition, ...]
    fields: Mapping[str, Any]
    outcome: Outcome
    reason: str = ""
    """Why not all is well, empty where it is."""


def plan(place: Place) -> Plan:
    """Decide what a namespace has to bear. What cannot be read changes nothing."""
    if place.namespace is None or place.namespace.deleting:
        return Plan(state=State.MISSING if place.namespace is None else State.TERMINATING)
    if place.home or place.name in _PROTECTED:
        return Plan(state=State.PROTECTED, message="no tenant may have it", touch=True)
    if place.owner is None:
        return Plan(state=State.FREE, touch=not place.unreadable)
    if place.spec is None:
        return Plan(state=State.FAILED, message=f"the spec of MCPGTenant `{place.owner}` cannot be read")
    if label_value(place.owner) != place.owner:
        return Plan(state=State.FAILED, message=f"the name `{place.owner}` is too long for a label")
    return Plan(state=State.BOUND, owner=place.owner, hard=hard_limits(place.spec), touch=True)


def unreadable(problem: str) -> Decision:
    """Tell of a spec that cannot be read; the tenant's namespaces stay as they are."""
    return Decision(
        conditions=(
            Condition("Ready", Truth.FALSE, "InvalidSpec", problem),
            Condition("NamespacesBound", Truth.UNKNOWN, "InvalidSpec", "the namespaces stay as they are"),
            Condition("QuotaWithinLimits", Truth.UNKNOWN, "InvalidSpec", "the quotas stay as they are"),
        ),
        fields={},
        outcome=Outcome.PERMANENT_ERROR,
        reason="InvalidSpec",
    )


def decide(spec: TenantSpec, standings: Mapping[str, Standing]) -> Decision:
    """Judge one tenant by what became of each of its namespaces, in the order of its list."""
    bound = {name: one for name, one in standings.items() if one.state is State.BOUND}
    total = sum((one.counts for one in bound.values()), Counts())
    fields = {
        "boundNamespaces": list(bound),
        "observed": {"gateways": total.gateways, "pluginSets": total.plugin_sets, "routes": total.routes},
    }
    namespaces = _bound(standings)
    overage = _overage(spec, bound)
    if namespaces.status is Truth.TRUE:
        ready = Condition("Ready", Truth.TRUE, "Reconciled", f"{len(bound)} namespaces are bound")
        return Decision(conditions=(ready, namespaces, overage), fields=fields, outcome=Outcome.SUCCESS)
    ready = Condition("Ready", Truth.FALSE, "DependencyMissing", namespaces.message)
    failed = any(one.state is State.FAILED for one in standings.values())
    return Decision(
        conditions=(ready, namespaces, overage),
        fields=fields,
        outcome=Outcome.TRANSIENT_ERROR if failed else Outcome.DEPENDENCY_PENDING,
        reason=namespaces.reason,
    )


def _bound(standings: Mapping[str, Standing]) -> Condition:
    by_state = {state: [name for name, one in standings.items() if one.state is state] for state in _TROUBLES}
    reasons = [state for state in _TROUBLES if by_state[state]]
    if not reasons:
        return Condition("NamespacesBound", Truth.TRUE, "AllNamespacesBound", f"{len(standings)} namespaces are bound")
    text = "; ".join(f"{state}: {_named(by_state[state], standings)}" for state in reasons)
    return Condition("NamespacesBound", Truth.FALSE, reasons[0].value, text)


def _named(names: list[str], standings: Mapping[str, Standing]) -> str:
    texts = [f"`{name}`" + (f" ({standings[name].message})" if standings[name].message else "") for name in names]
    more = f", and {len(texts) - _SHOWN} more" if len(texts) > _SHOWN else ""
    return ", ".join(texts[:_SHOWN]) + more


def _overage(spec: TenantSpec, bound: Mapping[str, Standing]) -> Condition:
    """Compare each namespace with the limits of a namespace; what was there before a limit stays."""
    over = []
    for name, one in bound.items():
        for what, count, limit in _measures(spec, one.counts):
            if limit is not None and count > limit:
                over.append(f"`{name}` has {count} {what} of at most {limit}")
    if not over:
        return Condition("QuotaWithinLimits", Truth.TRUE, "WithinLimits", "no namespace has more than its quota")
    more = f", and {len(over) - _SHOWN} more" if len(over) > _SHOWN else ""
    return Condition("QuotaWithinLimits", Truth.FALSE, "PreExistingOverage", ", ".join(over[:_SHOWN]) + more)


def _measures(spec: TenantSpec, counts: Counts) -> tuple[tuple[str, int, int | None], ...]:
    quotas = spec.quotas
    if quotas is None:
        return ()
    return (
        ("gateways", counts.gateways, quotas.max_gateways),
        ("plugin sets", counts.plugin_sets, quotas.max_plugin_sets),
        ("routes", counts.routes, quotas.max_routes),
    )
