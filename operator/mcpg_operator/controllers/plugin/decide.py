"""Every rule about one plugin: what a pass does next; pure.

`RULES` is the whole of it: the first rule that has an answer gives it. First what needs no evidence (a wrong request, a
rollback), then what is there already (an arrival, kept evidence, the revocation list), then what keeps from asking, then asking.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from mcpg_operator.controllers.plugin.model import Decision, Step
from mcpg_operator.controllers.plugin.rules import (
    NOT_THE_REGISTRY,
    aged,
    answered,
    closed,
    current,
    due,
    expired,
    kept_fits,
    listed,
    may_try,
    moved_place,
    pin,
    retry_pause,
    unchanging,
)
from mcpg_operator.controllers.plugin.semver import older
from mcpg_operator.ledger import Standing
from supplychain.errors import VersionRollbackError

if TYPE_CHECKING:
    from collections.abc import Callable

    from mcpg_operator.controllers.plugin.model import Conclusion, Observation
    from mcpg_operator.settings import Settings

__all__ = ["RULES", "decide"]

_SOON: Final = 5.0
"""Seconds after which to look again for what the process itself still has to learn."""
_PROGRESS: Final = 2.5
"""Seconds after which a pull is worth a condition: more than 2 s, whatever the spread of delays."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Case:
    """One observation, with what most rules ask about it."""

    seen: Observation
    settings: Settings
    past: Conclusion | None
    """The last verdict, where it answers today's question on today's terms."""

    @property
    def stands(self) -> bool:
        """Whether the plugin is verified and its bytes are in place."""
        return self.past is not None and self.past.verified and not self.seen.memory.lost

    @property
    def refused(self) -> bool:
        """Whether somebody looked, and it is bad."""
        return self.past is not None and self.past.standing is Standing.REFUSED

    @property
    def expired(self) -> bool:
        """Whether it was verified, and only the time ran out."""
        return self.past is not None and expired(self.past)

    def rest(self, part: float = 1.0) -> Decision:
        """Come back after a part of the resync interval."""
        return Decision(step=Step.REST, after=self.settings.resync_interval * part)


def decide(seen: Observation, settings: Settings) -> Decision:
    """Say what to do next about one plugin."""
    case = _Case(seen=seen, settings=settings, past=current(seen))
    return next(found for found in (rule(case) for rule in RULES) if found is not None)


def _unknown_list(case: _Case) -> Decision | None:
    """Nothing is judged before it is known what is revoked."""
    return Decision(step=Step.WAIT, after=_SOON) if case.seen.revocations is None else None


def _stray_arrival(case: _Case) -> Decision | None:
    """What arrived for another question is thrown away."""
    if case.seen.arrival is None or (answered(case.seen) and case.seen.error is None and _rollback(case.seen) is None):
        return None
    return Decision(step=Step.DISCARD)


def _wrong_request(case: _Case) -> Decision | None:
    """A request that cannot be understood is refused."""
    if case.seen.error is None:
        return None
    return Decision(step=Step.REFUSE, error=case.seen.error, after=case.settings.resync_interval)


def _older_version(case: _Case) -> Decision | None:
    """An older version of the same object than was accepted before is refused, unless the annotation names it."""
    error = _rollback(case.seen)
    return None if error is None else Decision(step=Step.REFUSE, error=error, after=case.settings.resync_interval)


def _arrival(case: _Case) -> Decision | None:
    """What arrived is taken in."""
    return Decision(step=Step.TAKE) if case.seen.arrival is not None else None


def _kept_first(case: _Case) -> Decision | None:
    """On new terms, or in a new process, what is kept is judged before anybody is asked."""
    return Decision(step=Step.JUDGE) if case.past is None and kept_fits(case.seen) else None


def _newly_revoked(case: _Case) -> Decision | None:
    """A listed artifact is revoked at once, by its hash alone."""
    revoked = case.past is not None and case.past.standing is Standing.REVOKED
    return Decision(step=Step.REVOKE) if listed(case.seen, case.past) and not revoked else None


def _still_revoked(case: _Case) -> Decision | None:
    """A revoked one is left alone while it is listed."""
    return case.rest() if listed(case.seen, case.past) else None


def _revoked_no_more(case: _Case) -> Decision | None:
    """Off the list again, what is kept is judged anew."""
    revoked = case.past is not None and case.past.standing is Standing.REVOKED
    return Decision(step=Step.JUDGE) if revoked and kept_fits(case.seen) else None


def _too_old(case: _Case) -> Decision | None:
    """What nobody could look at for longer than is allowed is no longer good enough."""
    verified = case.past is not None and case.past.verified
    return Decision(step=Step.EXPIRE) if verified and aged(case.seen, case.settings) else None


def _damaged(case: _Case) -> Decision | None:
    """Stored bytes that were edited or deleted are written again from what is kept."""
    verified = case.past is not None and case.past.verified
    return Decision(step=Step.JUDGE) if verified and case.seen.memory.lost and kept_fits(case.seen) else None


def _upkeep(case: _Case) -> Decision | None:
    """Stored bytes are looked after in every pass, but not more often than the Secrets are listed: a set may miss them."""
    if not case.stands or not due(case.seen.memory.checked_at, now=case.seen.now, every=case.settings.resync_interval / 4):
        return None
    return Decision(step=Step.CHECK)


def _fresh_again(case: _Case) -> Decision | None:
    """What had become too old is judged again once somebody could look."""
    young = case.expired and not aged(case.seen, case.settings)
    return Decision(step=Step.JUDGE) if young and kept_fits(case.seen) else None


def _pinned(case: _Case) -> Decision | None:
    """A pin that is kept is never asked about again."""
    return case.rest() if case.stands and pin(case.seen) is not None and not moved_place(case.seen) else None


def _closed(case: _Case) -> Decision | None:
    """While a list cannot be read in full, or list or root are too old, nothing new is let in, and what was let in stays."""
    error = closed(case.seen)
    if error is None:
        return None
    if case.past is not None and (case.past.verified or case.refused):
        return case.rest(0.1)
    return Decision(step=Step.HOLD, error=error, after=case.settings.resync_interval)


def _not_the_registry(case: _Case) -> Decision | None:
    """What is missing is not in the registry, so what is kept is judged again after a while."""
    past = case.past
    if past is None or not past.from_kept or past.problem is None or past.problem.reason not in NOT_THE_REGISTRY:
        return None
    if due(past.judged_at, now=case.seen.now, every=case.settings.resync_interval / 10) and kept_fits(case.seen):
        return Decision(step=Step.JUDGE)
    return case.rest(0.1)


def _no_place(case: _Case) -> Decision | None:
    """Without a mirror or without credentials nobody is asked, least of all the upstream."""
    if case.seen.place_error is None:
        return None
    if case.past is not None and (case.past.verified or case.refused):
        return case.rest(0.1)
    return Decision(step=Step.HOLD, error=case.seen.place_error, after=case.settings.resync_interval / 10)


def _under_way(case: _Case) -> Decision | None:
    """A download is waited for; its beginning and its end wake this plugin, and one pass between says that it takes longer."""
    running = case.seen.running
    if running is None or running.attempt != case.seen.attempt:
        return None
    if running.waiting:  # thousands may wait: none of them looks whether it is its turn
        return case.rest()
    return Decision(step=Step.REST, after=_PROGRESS) if running.seconds < _PROGRESS else case.rest()


def _bad_for_good(case: _Case) -> Decision | None:
    """Pinned bytes that are bad by themselves stay bad."""
    return case.rest() if case.past is not None and unchanging(case.past) and pin(case.seen) is not None else None


def _refused_lately(case: _Case) -> Decision | None:
    """What was refused is looked at again at the next resync: a signature may be attached by then, or the tag have moved."""
    if case.past is None or not case.refused or case.past.from_kept:
        return None
    return None if due(case.seen.memory.looked_at, now=case.seen.now, every=case.settings.resync_interval) else case.rest()


def _retry_later(case: _Case) -> Decision | None:
    """What failed is not tried again at once, unless it is something else by now."""
    failure = case.seen.memory.failure
    if failure is None or may_try(case.seen, case.settings):
        return None
    return Decision(step=Step.REST, after=retry_pause(failure, case.settings))


def _looked_lately(case: _Case) -> Decision | None:
    """What stands is asked about once in a resync interval, and at once where it is to come from another place."""
    if not case.stands or moved_place(case.seen) or case.seen.memory.failure is not None:
        return None
    return None if due(case.seen.memory.looked_at, now=case.seen.now, every=case.settings.resync_interval) else case.rest()


def _look(case: _Case) -> Decision | None:
    """Where only another manifest would be news, the registry is asked what the reference names."""
    stands = case.stands and not moved_place(case.seen)
    aged_out = case.expired and kept_fits(case.seen)
    bad = case.past is not None and not case.past.from_kept and unchanging(case.past)
    return Decision(step=Step.LOOK) if stands or aged_out or bad else None


def _pull(case: _Case) -> Decision | None:
    """Everything else is pulled."""
    del case
    return Decision(step=Step.PULL)


RULES: Final[tuple[Callable[[_Case], Decision | None], ...]] = (
    _unknown_list,
    _stray_arrival,
    _wrong_request,
    _older_version,
    _arrival,
    _kept_first,
    _newly_revoked,
    _still_revoked,
    _revoked_no_more,
    _too_old,
    _damaged,
    _upkeep,
    _fresh_again,
    _pinned,
    _closed,
    _not_the_registry,
    _no_place,
    _under_way,
    _bad_for_good,
    _refused_lately,
    _retry_later,
    _looked_lately,
    _look,
    _pull,
)


def _rollback(seen: Observation) -> VersionRollbackError | None:
    kept = seen.kept
    if kept is None or kept.uid != seen.plugin.uid or not older(seen.version, kept.version):
        return None
    if seen.allowed_rollback == seen.version:
        return None
    return VersionRollbackError(
        "the plugin was at a newer version already",
        expected=f"`{kept.version}` or newer",
        got=f"`{seen.version}`",
        where=f"MCPGPlugin `{seen.plugin.name}`, field `spec.version`",
    )
