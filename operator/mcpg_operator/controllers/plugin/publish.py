"""Writes what a pass came to: status, events, and the entry in the ledger."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from mcpg_operator.conditions import Truth
from mcpg_operator.controllers.plugin.live import needs_root
from mcpg_operator.controllers.plugin.model import Step
from mcpg_operator.controllers.plugin.render import PROGRESS_AFTER, conditions, fields, stale_problem, stale_since
from mcpg_operator.controllers.plugin.rules import current, outdated
from mcpg_operator.controllers.plugin.words import cut
from mcpg_operator.ledger import Standing, Verified
from mcpg_operator.resources import PLUGIN
from mcpg_operator.services import Outcome, Result
from mcpg_operator.status import Announcement, StatusWriter
from supplychain.errors import MirrorUnresolvedError, RevocationListStaleError

if TYPE_CHECKING:
    from mcpg_operator.conditions import Condition
    from mcpg_operator.controllers.plugin.model import Conclusion, Decision, Observation
    from mcpg_operator.resources import Key
    from mcpg_operator.services import Services

__all__ = ["Publisher"]

_OUTCOMES: Final = {
    Standing.VERIFIED: Outcome.SUCCESS,
    Standing.REVOKED: Outcome.SUCCESS,
    Standing.REFUSED: Outcome.PERMANENT_ERROR,
    Standing.UNAVAILABLE: Outcome.TRANSIENT_ERROR,
}


class Publisher:
    """Writes for one controller; threads may share it, as long as each plugin has one at a time."""

    def __init__(self, services: Services, *, controller: str) -> None:
        self._services = services
        self._controller = controller
        self._writer = StatusWriter(services, controller, PLUGIN)

    def dated(self, seen: Observation) -> Observation:
        """Note since when nobody can look, so that the same words come out of every pass."""
        return replace(seen, memory=replace(seen.memory, stale_since=stale_since(seen)))

    def publish(self, seen: Observation, decision: Decision, *, warning: str | None) -> Result:
        """Enter the conclusion into the ledger, write the status, and say when to come back."""
        past = seen.memory.past
        if past is None or (current(seen) is None and decision.step is Step.REST):
            # A first verdict on this question is under way; a fast one costs a single write.
            if seen.running is None or seen.running.seconds < PROGRESS_AFTER:
                return Result(after=decision.after)
            pending = replace(seen, memory=replace(seen.memory, past=None))
            changed = self._writer.write(seen.plugin, {}, conditions(pending))
            return Result(after=decision.after, changed=changed)
        self._enter(seen, past)
        written = self._noted(seen, warning)
        changed = self._writer.write(seen.plugin, fields(seen), written, announce=_announcements(seen, past, written))
        return Result(outcome=self._outcome(seen, past), after=decision.after, changed=changed)

    def forget(self, key: Key) -> None:
        """Take a plugin that is gone out of the metrics."""
        self._writer.forget(key)

    def _noted(self, seen: Observation, warning: str | None) -> tuple[Condition, ...]:
        """Add what is wrong with the trust root to what was proven by it."""
        found = conditions(seen)
        if warning is None or seen.request is None or not needs_root(seen.request):
            return found
        return tuple(
            replace(one, message=cut(f"{one.message}; {warning}")) if one.type == "Verified" and one.status is Truth.TRUE else one
            for one in found
        )

    def _enter(self, seen: Observation, past: Conclusion) -> None:
        before = self._services.ledger.get(seen.plugin.name)
        if past.standing is Standing.REVOKED and (before is None or before.standing is not Standing.REVOKED):
            self._services.metrics.revocation_hit()
        policy = None if seen.request is None else seen.request.request.policy
        package = past.package
        self._services.ledger.put(
            Verified(
                name=seen.plugin.name,
                uid=seen.plugin.uid,
                generation=seen.plugin.generation,
                standing=past.standing,
                reason="Reconciled" if past.problem is None else past.problem.reason,
                message=next(one.message for one in conditions(seen) if one.type == "Ready"),
                at=seen.now,
                plugin_id="" if policy is None else policy.plugin_id or "",
                version=seen.version,
                plugin_class=package.descriptor.plugin_class
                if package is not None
                else ("" if policy is None else policy.plugin_class or ""),
                artifact_hash=past.examined,
                manifest_digest=past.facts.manifest_digest,
                package=package if past.verified else None,
                stored=past.stored,
                keys=() if policy is None else tuple(key.raw for key in policy.keys),
            )
        )

    def _outcome(self, seen: Observation, past: Conclusion) -> Outcome:
        problem = past.problem if past.problem is not None else stale_problem(seen)
        if problem is not None and problem.reason == MirrorUnresolvedError.reason:
            self._services.metrics.dependency_unresolved(self._controller, "MCPGPluginMirror", problem.reason)
            return Outcome.DEPENDENCY_PENDING
        if past.verified and seen.memory.failure is not None:
            return Outcome.TRANSIENT_ERROR
        return _OUTCOMES[past.standing]


def _announcements(seen: Observation, past: Conclusion, written: tuple[Condition, ...]) -> dict[str, Announcement]:
    """One event for each change: the condition that says most about it carries it."""
    by_type = {one.type: one for one in written}
    note = by_type["Ready"].message
    if past.verified:
        policy = None if seen.request is None else seen.request.request.policy
        artifact = "" if past.examined is None else past.examined.hex[:12]
        pulled = f"{'' if policy is None else policy.plugin_id} {artifact}"
        fresh = by_type["Fresh"]
        found = {"Ready": Announcement(action="PullVerifyMaterialise", reason="Pulled", warning=False, note=pulled)}
        # An old list says so itself, once; every plugin is concerned.
        if fresh.status is Truth.FALSE and fresh.reason != RevocationListStaleError.reason:
            reason = fresh.reason if outdated(seen) is not None else "PullFailed"
            found["Fresh"] = Announcement(action="Pull", reason=reason, note=fresh.message)
        return found
    if past.standing is Standing.REVOKED:
        return {"Revoked": Announcement(action="Revoke", reason="ArtefactRevoked", warning=True)}
    ready = by_type["Ready"].reason
    if ready == MirrorUnresolvedError.reason:
        return {"Ready": Announcement(action="Pull", reason=ready, warning=True, note=note)}
    if by_type["Pulled"].status is Truth.FALSE:
        return {"Pulled": Announcement(action="Pull", reason="PullFailed", warning=True, note=note)}
    if ready == "VerificationFailed":
        return {"Verified": Announcement(action="Verify", reason="TrustGateFailed", warning=True, note=note)}
    return {"Ready": Announcement(action="Verify", warning=True, note=note)}
