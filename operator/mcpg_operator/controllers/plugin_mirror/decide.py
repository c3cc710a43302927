"""Every rule about a mirror's status; pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from mcpg_operator.conditions import Condition, Truth
from mcpg_operator.services import Outcome
from supplychain.errors import ApplyForbiddenError
from supplychain.mirror.probe import Finding

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mcpg_operator.controllers.plugin_mirror.observe import Observation
    from supplychain.mirror.probe import Probe

__all__ = ["Decision", "decide"]

_AUTH: Final = frozenset({Finding.CREDENTIALS_REFUSED, Finding.CREDENTIALS_UNPROVEN})


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What the status is to say, and how the pass ends."""

    ready: Condition
    fields: Mapping[str, Any]
    outcome: Outcome


def decide(seen: Observation) -> Decision:
    """Judge one mirror: the first thing that keeps a pull from working is the answer."""
    fields: dict[str, Any] = {"proxiedReferences": seen.proxied}
    if seen.rule is None:
        return _unready(fields, "InvalidSpec", str(seen.trouble), outcome=Outcome.PERMANENT_ERROR)
    fields["endpointHost"] = seen.rule.host
    if seen.service_found is False:
        message = f"Service `{seen.rule.namespace}/{seen.rule.service}` does not exist"
        return _unready({**fields, "reachable": False}, "MirrorServiceNotFound", message)
    if seen.probe is None:
        reason = seen.trouble.reason if isinstance(seen.trouble, ApplyForbiddenError) else "MirrorUnreachable"
        return _unready(fields, reason, f"the mirror could not be asked: {seen.trouble}")
    return _answered(seen, seen.probe, fields={**fields, "reachable": seen.probe.reachable})


def _answered(seen: Observation, probe: Probe, *, fields: Mapping[str, Any]) -> Decision:
    if seen.secret_error is not None:
        return _unready(fields, "PullSecretInvalid", str(seen.secret_error))
    if probe.finding in _AUTH:
        return _unready(fields, "MirrorAuthFailed", probe.message)
    if not probe.reachable:
        return _unready(fields, "MirrorUnreachable", f"{probe.finding}: {probe.message}")
    ready = Condition(type="Ready", status=Truth.TRUE, reason="Reconciled", message=probe.message)
    return Decision(ready=ready, fields=fields, outcome=Outcome.SUCCESS)


def _unready(fields: Mapping[str, Any], reason: str, message: str, *, outcome: Outcome = Outcome.DEPENDENCY_PENDING) -> Decision:
    ready = Condition(type="Ready", status=Truth.FALSE, reason=reason, message=message)
    return Decision(ready=ready, fields=fields, outcome=outcome)
