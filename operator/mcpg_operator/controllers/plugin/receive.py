"""What becomes of a download: a conclusion, a confirmation, or a failure that leaves what was proven alone."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from mcpg_operator.controllers.plugin.deposit import concluded, deposit, failed
from mcpg_operator.controllers.plugin.model import sure
from mcpg_operator.controllers.plugin.rules import CLOSED, same_question, taken_back
from mcpg_operator.controllers.plugin.verdict import conclude, needed, refusal, revoked
from mcpg_operator.keeping import Acceptance
from mcpg_operator.ledger import Standing
from supplychain.errors import RevokedError
from supplychain.findings import problem as problem_of
from supplychain.report import Layer, Outcome

if TYPE_CHECKING:
    from mcpg_operator.controllers.plugin.fetch import Arrival
    from mcpg_operator.controllers.plugin.model import Conclusion, Observation
    from mcpg_operator.keeping import Keeper, RecordingSource
    from mcpg_operator.services import Services
    from supplychain.report import Problem
    from supplychain.verifier import Verification

__all__ = ["Receiver"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Receiver:
    """Draws conclusions from what arrived."""

    services: Services
    keeper: Keeper

    def receive(self, seen: Observation, arrival: Arrival) -> Observation:
        """Take one arrival in.

        Raises:
            ClusterUnavailableError, ConflictError: what was proven could not be stored now.
        """
        if arrival.error is not None:
            self.services.metrics.oci_pull("failed", arrival.seconds)
            return self._missed(seen, problem_of(arrival.error), conclusion=None)
        if arrival.verification is None or arrival.record is None:
            return self._confirmed(seen, arrival)
        return self._judged(seen, arrival, arrival.verification, arrival.record)

    def _judged(self, seen: Observation, arrival: Arrival, verification: Verification, record: RecordingSource) -> Observation:
        report = verification.report
        there = next(one for one in report.layers if one.layer is Layer.PULL).outcome is Outcome.PASSED
        self.services.metrics.oci_pull("success" if there else "failed", arrival.seconds)
        found = conclude(report, seen=seen, asked=arrival.asked, pulled=record.pulled, from_kept=False)
        found = replace(found, pulled_at=arrival.at if there else None)
        if found.standing is Standing.VERIFIED:
            return self._accept(seen, found, arrival, verification, record)
        if found.standing is Standing.REVOKED:
            return concluded(seen, found, looked_at=arrival.at)
        unheard = found.standing is Standing.UNAVAILABLE or found.layer is Layer.PULL
        if found.problem is not None and (unheard or _proven_before(seen, found)):
            return self._missed(seen, found.problem, conclusion=found)
        return concluded(seen, found, looked_at=arrival.at)

    def _confirmed(self, seen: Observation, arrival: Arrival) -> Observation:
        """Note that the reference still names what is known; go back to what is kept where that is what it names again."""
        past, kept = seen.memory.past, seen.kept
        memory = replace(seen.memory, looked_at=arrival.at, failure=None)
        if kept is not None and arrival.named == kept.top:
            if past is not None and past.standing is Standing.REFUSED and past.top != kept.top:
                memory = replace(memory, past=None)
            age = self.services.settings.max_verification_age
            if age is not None and not timedelta() <= arrival.at - kept.confirmed_at <= timedelta(seconds=age / 4):
                kept = self.keeper.confirm(kept, at=arrival.at)
        return replace(seen, memory=memory, kept=kept)

    def _missed(self, seen: Observation, problem: Problem, *, conclusion: Conclusion | None) -> Observation:
        """Note that a look came to nothing. What was concluded on the same terms stays, unless another manifest was pulled.

        It was not to be pulled where root or list became unfit on the way, so that takes nothing away either.
        """
        past = seen.memory.past
        memory = replace(seen.memory, failure=failed(seen, problem))
        another = conclusion is not None and conclusion.top is not None and past is not None and conclusion.top != past.top
        holds = past is not None and past.terms == seen.terms and same_question(seen, past)
        another = another and problem.reason not in CLOSED
        stays = holds and not another and past is not None and (past.standing is not Standing.UNAVAILABLE or bool(past.proof))
        if not stays:
            if conclusion is None:
                conclusion = refusal(problem, seen=seen, layer=Layer.PULL)
            # A registry that contradicts itself, or lacks what was there before, says nothing about the plugin.
            memory = replace(memory, past=replace(conclusion, standing=Standing.UNAVAILABLE))
        return replace(seen, memory=memory)

    def _accept(
        self, seen: Observation, found: Conclusion, arrival: Arrival, verification: Verification, record: RecordingSource
    ) -> Observation:
        """Store what was proven; only then is it verified. The list may have changed while it was judged."""
        against = taken_back(seen, sure(found.examined))
        if isinstance(against, RevokedError):
            return concluded(seen, revoked(found, against, seen=seen), looked_at=arrival.at)
        if against is not None:
            return self._missed(seen, problem_of(against), conclusion=refusal(problem_of(against), seen=seen))
        pulled = sure(record.pulled)
        acceptance = Acceptance(
            plugin=seen.plugin.name,
            uid=seen.plugin.uid,
            asked=arrival.asked,
            version=seen.version,
            pulled=pulled,
            package=pulled.package,
            platform=sure(seen.request).request.platform,
            evidence=record.evidence_set,
            needed=needed(verification.report),
            pulled_at=arrival.at,
        )
        return deposit(seen, found, verification, keeper=self.keeper, acceptance=acceptance, looked_at=arrival.at)


def _proven_before(seen: Observation, found: Conclusion) -> bool:
    """Whether the very manifest that is refused now was proven on the same terms by evidence that was found earlier.

    What is proven stays proven. That another place does not have the evidence, or has other evidence, disproves nothing.
    """
    past = seen.memory.past
    return past is not None and past.verified and past.terms == seen.terms and past.top is not None and past.top == found.top
