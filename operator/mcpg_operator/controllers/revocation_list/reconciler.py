"""The controller of revocation lists."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mcpg_operator.conditions import Truth, timestamp
from mcpg_operator.controllers.pace import Pace
from mcpg_operator.controllers.revocation_list.decide import advisory, aging, judge, plan
from mcpg_operator.controllers.revocation_list.enact import Enactor
from mcpg_operator.controllers.revocation_list.observe import Observer
from mcpg_operator.controllers.watches import Dependants, Own, References
from mcpg_operator.resources import CONFIG_MAP, GATEWAY, REVOCATION_LIST, Key
from mcpg_operator.revocations import CLUSTER_DEFAULT, KEPT, in_force
from mcpg_operator.services import Outcome, Result
from mcpg_operator.status import Announcement, StatusWriter
from supplychain.freshness import Subject, dated_list
from supplychain.freshness import judge as dates
from supplychain.revocation import from_spec

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mcpg_operator.conditions import Condition
    from mcpg_operator.controllers.revocation_list.decide import Verdict
    from mcpg_operator.resources import Resource
    from mcpg_operator.services import Services, Watch
    from supplychain.freshness import Freshness
    from supplychain.revocation import RevocationList

__all__ = ["RevocationListReconciler"]

_RESYNC: Final = 60.0
"""Seconds between two looks at the copies, which nothing watches."""
_PAUSE: Final = 1.0
"""Seconds between two passes over an unchanged list, and before the next try while the first lists are not in yet."""
_EVENTS: Final = {"Reconciled": "Materialised", "Progressing": "PartialMaterialisation"}


class RevocationListReconciler:
    """Keeps `cluster-default` and its copies; reports on every list."""

    name = "revocation-list"
    first: tuple[Key, ...] = (CLUSTER_DEFAULT,)
    """Keys that are due at the start, whether the objects exist or not."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._writer = StatusWriter(services, self.name, REVOCATION_LIST)
        self._observer = Observer(services)
        self._enactor = Enactor(services=services, controller=self.name, wrote=self._observer.wrote)
        self._pace = Pace(services.now, seconds=_PAUSE)
        self._blocked: frozenset[str] = frozenset()
        """As the last pass saw it."""
        in_force(services)  # from here on the memory of the list and the waking of plugins work
        services.ledger.listen(self._on_standing)
        self.watches: tuple[Watch, ...] = (
            Own(kind=REVOCATION_LIST),
            References(kind=GATEWAY, named=_list_for),
            Dependants(kind=CONFIG_MAP, of=self._kept),
        )

    def reconcile(self, key: Key) -> Result:
        """Make one pass over one list.

        Raises:
            SupplyChainError: nothing could be observed, or something could not be written that the status cannot tell.
        """
        resource = self._services.store.get(REVOCATION_LIST, key.name)
        if key != CLUSTER_DEFAULT:
            return self._advise(key, resource)
        if resource is not None and not self._pace.due(resource):
            return Result(after=_PAUSE)
        seen = self._observer.observe()
        if seen is None:
            return Result(after=_PAUSE)
        self._blocked = frozenset(seen.blocked)
        planned = plan(seen, namespace=self._services.settings.namespace, now=timestamp(self._services.now()))
        done = self._enactor.enact(seen, planned)
        self._observer.settle(seen, right=not (done.failures or seen.occupied))
        changed = planned.writes
        outcome = Outcome.SUCCESS
        age = None if seen.revocations is None else self._age(seen.revocations)
        self._services.metrics.freshness(age, subject=Subject.REVOCATIONS)
        if resource is None or seen.resource is None or seen.revocations is None:
            self._writer.forget(key)
        else:
            verdict = judge(seen, seen.revocations, planned=planned, done=done)
            changed = self._report(seen.resource, verdict, aging(self._age(seen.revocations))) or changed
            outcome = verdict.outcome
            self._pace.done(seen.resource)
        if done.failures:
            return Result(outcome=outcome, backoff=True, changed=changed)
        return Result(outcome=outcome, after=min(_RESYNC, self._services.settings.resync_interval), changed=changed)

    def _advise(self, key: Key, resource: Resource | None) -> Result:
        if resource is None:
            self._writer.forget(key)
            return Result()
        read = from_spec(resource.spec, name=key.name)
        verdict, age = advisory(read), aging(self._age(read))
        conditions = [verdict.ready] if age is None else [verdict.ready, age]
        changed = self._writer.write(resource, verdict.fields, conditions, announce={"Ready": Announcement(action="Read")})
        return Result(outcome=verdict.outcome, after=self._services.settings.resync_interval, changed=changed)

    def _age(self, revocations: RevocationList) -> Freshness:
        (found,) = dates([dated_list(revocations)], budget=self._services.settings.budget, at=self._services.now())
        return found

    def _report(self, resource: Resource, verdict: Verdict, age: Condition | None) -> bool:
        """Write the status of `cluster-default`; new contents are worth an event even where the list was ready before."""
        ready = verdict.ready
        announce = {
            "Ready": Announcement(action="Materialise", reason=_EVENTS.get(ready.reason)),
            "Fresh": Announcement(action="Read"),
        }
        conditions = [ready] if age is None else [ready, age]
        if not self._writer.write(resource, verdict.fields, conditions, announce=announce):
            return False
        before = [(one.get("type"), one.get("reason")) for one in resource.conditions]
        if ("Ready", ready.reason) in before and resource.status.get("contentHash") != verdict.fields.get("contentHash"):
            self._services.recorder.publish(
                resource,
                controller=self.name,
                warning=ready.status is not Truth.TRUE,
                reason=_EVENTS.get(ready.reason, ready.reason),
                action="Materialise",
                note=ready.message,
            )
        return True

    def _on_standing(self, name: str) -> None:
        """Bring `pluginsBlocked` up to date when a plugin joins or leaves."""
        known, entry = in_force(self._services), self._services.ledger.get(name)
        found = entry.artifact_hash if entry is not None else None
        listed = known is not None and found is not None and known.find(found) is not None
        if listed != (name in self._blocked):
            self._services.wake(CLUSTER_DEFAULT)

    def _kept(self, found: Resource) -> Iterable[Key]:
        return (CLUSTER_DEFAULT,) if (found.name, found.namespace) == (KEPT, self._services.settings.namespace) else ()


def _list_for(_: Resource) -> Iterable[Key]:
    return (CLUSTER_DEFAULT,)
