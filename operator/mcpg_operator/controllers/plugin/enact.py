"""Carries out one step of a pass, and gives what is known afterwards. Status and ledger are written when the pass ends."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Final

from mcpg_operator.conditions import timestamp
from mcpg_operator.controllers.plugin.deposit import concluded, deposit, renew
from mcpg_operator.controllers.plugin.fetch import Errand
from mcpg_operator.controllers.plugin.model import Running, Step, sure
from mcpg_operator.controllers.plugin.receive import Receiver
from mcpg_operator.controllers.plugin.rules import last_look, taken_back, unchanging
from mcpg_operator.controllers.plugin.verdict import conclude, needed, revoked
from mcpg_operator.controllers.plugin.words import say
from mcpg_operator.keeping import Acceptance, RecordingSource
from mcpg_operator.ledger import Standing
from supplychain.errors import (
    ClusterUnavailableError,
    ConflictError,
    DeliveryError,
    MaterialiseFailedError,
    VerificationExpiredError,
    VerifiersDisagreeError,
)
from supplychain.findings import problem as problem_of
from supplychain.proof_memory import ProofMemory
from supplychain.report import Layer, Outcome
from supplychain.revocation import RevocationSet
from supplychain.verifier import PluginVerifier

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mcpg_operator.controllers.plugin.clients import Clients
    from mcpg_operator.controllers.plugin.fetch import Arrival
    from mcpg_operator.controllers.plugin.lanes import Lanes
    from mcpg_operator.controllers.plugin.model import Conclusion, Decision, Observation
    from mcpg_operator.keeping import Keeper
    from mcpg_operator.services import Services
    from mcpg_operator.trust import Trust
    from supplychain.limits import Limits
    from supplychain.report import Problem, VerificationReport
    from supplychain.verifier import Verification

__all__ = ["Enactor"]

_LOG = logging.getLogger(__name__)
_LARGE: Final = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Enactor:
    """Carries out steps; threads may share it, as long as each plugin has one at a time."""

    services: Services
    keeper: Keeper
    trust: Trust
    clients: Clients
    lanes: Lanes[Arrival]
    limits: Limits
    proofs: ProofMemory = field(default_factory=ProofMemory)
    """Objects that share a release share its evidence: what a bundle proves is worked out once for each trust root."""

    def enact(self, decision: Decision, seen: Observation) -> Observation:
        """Carry out a step that is not final.

        Raises:
            ClusterUnavailableError, ConflictError: something could not be read or written; the step is to be repeated.
        """
        act: Mapping[Step, Callable[[Observation], Observation]] = {
            Step.DISCARD: self._discard,
            Step.TAKE: self._take,
            Step.REVOKE: self._revoke,
            Step.JUDGE: self._judge,
            Step.CHECK: self._check,
            Step.EXPIRE: self._expire,
            Step.LOOK: self._send,
            Step.PULL: partial(self._send, anyhow=True),
        }
        return act[decision.step](seen)

    def _discard(self, seen: Observation) -> Observation:
        self.lanes.drop(seen.plugin.name)
        return replace(seen, arrival=None, running=None)

    def _send(self, seen: Observation, *, anyhow: bool = False) -> Observation:
        """Begin a look or, `anyhow`, a pull."""
        past, kept = seen.memory.past, seen.kept
        known = {kept.top} if kept is not None else set()
        if past is not None and past.top is not None and (past.verified or unchanging(past)):
            known.add(past.top)
        errand = Errand(
            uid=seen.plugin.uid,
            asked=sure(seen.asked),
            terms=seen.terms,
            attempt=seen.attempt,
            request=sure(seen.request),
            known=frozenset() if anyhow else frozenset(known),
            at=seen.now,
            clients=self.clients,
            verifier=self._verifier(seen.revocations),
        )
        large = anyhow and kept is not None and kept.stored.size >= _LARGE
        self.lanes.submit(seen.plugin.name, attempt=seen.attempt, work=errand, large=large)
        return replace(seen, running=Running(attempt=seen.attempt, seconds=0.0, waiting=True))

    def _take(self, seen: Observation) -> Observation:
        """Take in what arrived and let go of it; where the API server is away it stays for the next pass."""
        arrival = sure(seen.arrival)
        keep = False
        try:
            if arrival.verification is not None:
                self._measure(arrival.verification.report)
            after = Receiver(services=self.services, keeper=self.keeper).receive(seen, arrival)
        except (ClusterUnavailableError, ConflictError):
            keep = True
            raise
        finally:
            if not keep:
                self.lanes.drop(seen.plugin.name)
        return replace(after, arrival=None, running=None)

    def _revoke(self, seen: Observation) -> Observation:
        past = sure(seen.memory.past)
        found = sure(taken_back(seen, sure(past.examined)))
        return concluded(seen, revoked(past, found, seen=seen), looked_at=None)

    def _judge(self, seen: Observation) -> Observation:
        """Judge what is kept by the very same verification, without asking anybody."""
        kept, request, asked = sure(seen.kept), sure(seen.request), sure(seen.asked)
        source = RecordingSource(self.keeper.open(kept, tag=request.upstream.tag))
        verifier = replace(self._verifier(_readable(seen.revocations)), root=self.trust.whatever_age)
        with verifier.verify(source, request=request.request, at=seen.now) as verification:
            report = verification.report
            self._measure(report)
            opened = next(one for one in report.layers if one.layer is Layer.PULL)
            if opened.outcome is not Outcome.PASSED and report.error is None:
                return self._unopened(seen, opened.problem)
            where = replace(asked, location=kept.asked.location, mirror=kept.asked.mirror)
            found = conclude(report, seen=seen, asked=where, pulled=source.pulled, from_kept=True)
            if found.standing is not Standing.VERIFIED:
                return concluded(seen, replace(found, pulled_at=kept.pulled_at), looked_at=None)
            package = self.keeper.packages.one(verification.verified().package)
            if seen.memory.lost:
                try:
                    return self._restore(seen, replace(found, package=package), verification, source)
                except DeliveryError as exc:  # the package, too, is lost
                    return self._unopened(seen, problem_of(exc))
            current = replace(kept, uid=seen.plugin.uid, version=seen.version, asked=where)
            found = replace(found, package=package, stored=kept.stored, pulled_at=kept.pulled_at)
            if current != kept:
                return renew(seen, found, keeper=self.keeper, kept=current, needed=needed(report))
            return concluded(seen, found, looked_at=None)

    def _restore(self, seen: Observation, found: Conclusion, verification: Verification, source: RecordingSource) -> Observation:
        """Write again what somebody edited or deleted."""
        kept, pulled = sure(seen.kept), sure(source.pulled)
        _LOG.warning(
            "the Secrets %s of %s were changed or deleted; they are written again", ", ".join(seen.memory.lost), seen.plugin.key
        )
        platform = sure(seen.request).request.platform
        with self.keeper.layers.lend(kept, platform=platform) as package:
            acceptance = Acceptance(
                plugin=seen.plugin.name,
                uid=seen.plugin.uid,
                asked=found.asked,
                version=seen.version,
                pulled=pulled,
                package=package,
                platform=platform,
                evidence=kept.evidence,
                needed=needed(verification.report),
                pulled_at=kept.pulled_at,
                confirmed_at=kept.confirmed_at,
            )
            return deposit(seen, found, verification, keeper=self.keeper, acceptance=acceptance, looked_at=None)

    def _unopened(self, seen: Observation, problem: Problem | None) -> Observation:
        """Note that what is kept cannot be opened; what was verified cannot be handed out if the library itself is lost."""
        if problem is None or problem.reason == ClusterUnavailableError.reason:
            raise ClusterUnavailableError("the kept bytes could not be read", got=None if problem is None else problem.message)
        _LOG.warning("what is kept about %s cannot be used: %s: %s", seen.plugin.key, problem.reason, say(problem))
        memory = replace(seen.memory, kept_broken=problem)
        past, missing = memory.past, sure(seen.kept).stored.digests.keys() & set(memory.lost)
        if missing and past is not None and past.verified and past.terms == seen.terms:
            lost = MaterialiseFailedError(problem.message, expected=problem.expected, got=problem.got, where=problem.where)
            memory = replace(memory, past=replace(past, standing=Standing.UNAVAILABLE, problem=problem_of(lost)))
        return replace(seen, memory=memory)

    def _check(self, seen: Observation) -> Observation:
        read = seen.memory.checked_at is not None
        lost = ("the evidence",) if seen.kept is None else self.keeper.broken(seen.kept, read=read)
        return replace(seen, memory=replace(seen.memory, checked_at=seen.now, lost=lost))

    def _expire(self, seen: Observation) -> Observation:
        past, looked = sure(seen.memory.past), sure(last_look(seen))
        age = self.services.settings.max_verification_age
        error = VerificationExpiredError(
            "nobody could look at the registry for too long",
            expected=f"a look within {age:g} seconds",
            got=f"the last one at {timestamp(looked)}" + (", which is in the future" if looked > seen.now else ""),
        )
        return concluded(seen, replace(past, standing=Standing.UNAVAILABLE, problem=problem_of(error)), looked_at=None)

    def _verifier(self, lists: RevocationSet | None) -> PluginVerifier:
        return PluginVerifier(
            root=self.trust,
            revocations=lists,
            limits=self.limits,
            second_opinion=not self.services.settings.single_verifier,
            proofs=self.proofs,
        )

    def _measure(self, report: VerificationReport) -> None:
        metrics = self.services.metrics
        for one in report.layers:
            if one.outcome in {Outcome.PASSED, Outcome.REFUSED, Outcome.UNAVAILABLE}:
                metrics.verification(one.layer.value, one.outcome.value)
            problems = (one.problem, *(candidate.problem for candidate in one.candidates))
            if any(problem is not None and problem.reason == VerifiersDisagreeError.reason for problem in problems):
                metrics.verifiers_disagree()


def _readable(lists: RevocationSet | None) -> RevocationSet | None:
    """Leave aside what cannot be read, and age: what was verified before stays, unless an entry that can be read names it."""
    return None if lists is None else RevocationSet(tuple(replace(one, problems=(), outdated=None) for one in lists.lists))
