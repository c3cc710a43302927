"""The controller of MCPGPlugin: one pass over one plugin, and the housekeeping that belongs to none."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from mcpg_operator import revocations
from mcpg_operator.controllers.plugin.clients import Clients
from mcpg_operator.controllers.plugin.decide import decide
from mcpg_operator.controllers.plugin.enact import Enactor
from mcpg_operator.controllers.plugin.lanes import Lanes
from mcpg_operator.controllers.plugin.model import Memory, Running, Step
from mcpg_operator.controllers.plugin.observe import Observer
from mcpg_operator.controllers.plugin.publish import Publisher
from mcpg_operator.controllers.plugin.verdict import refusal
from mcpg_operator.controllers.plugin.watches import Reverse
from mcpg_operator.controllers.watches import Dependants, Own
from mcpg_operator.keeping import Keeper, Sweeper
from mcpg_operator.ledger import Standing
from mcpg_operator.resources import CONFIG_MAP, PLUGIN, PLUGIN_MIRROR, REVOCATION_LIST, SECRET, Key
from mcpg_operator.services import Outcome, Result
from mcpg_operator.trust import Trust
from supplychain.findings import problem as problem_of
from supplychain.freshness import Subject
from supplychain.mirror.transport import RegistryClient

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from mcpg_operator.controllers.plugin.fetch import Arrival
    from mcpg_operator.controllers.plugin.model import Decision, Observation
    from mcpg_operator.resources import Resource
    from mcpg_operator.services import Services, Watch

__all__ = ["HOUSEKEEPING", "PluginReconciler"]

_ROUNDS: Final = 8
"""Steps of one pass; more would mean that two rules contradict each other."""
_SWEEP: Final = Key(PLUGIN, "*sweep")
_TRUST: Final = Key(PLUGIN, "*trust")
HOUSEKEEPING: Final = (_SWEEP, _TRUST)
"""Keys of no object: their passes sweep the namespace and look after the trust root. To be woken once at the start."""


class PluginReconciler:
    """Brings one MCPGPlugin after the other to the state that was decided."""

    name = "plugin"

    def __init__(
        self,
        services: Services,
        *,
        trust: Trust | None = None,
        keeper: Keeper | None = None,
        lanes: Lanes[Arrival] | None = None,
        connect: Callable[..., RegistryClient] = RegistryClient,
    ) -> None:
        settings, limits = services.settings, services.settings.limits
        self._services = services
        self._trust = trust or Trust.of(settings, now=services.now)
        self.keeper = keeper or Keeper(services, limits=limits)
        self._lanes: Lanes[Arrival] = lanes or Lanes(
            threads=settings.pull_concurrency, ready=self._wake, began=self._wake, release=lambda arrival: arrival.close()
        )
        self._clients = Clients(settings, limits=limits, connect=connect)
        self._observer = Observer(services=services, keeper=self.keeper, trust=self._trust)
        self._enactor = Enactor(
            services=services,
            keeper=self.keeper,
            trust=self._trust,
            clients=self._clients,
            lanes=self._lanes,
            limits=limits,
        )
        self._publisher = Publisher(services, controller=self.name)
        self._sweeper = Sweeper(services, self.keeper)
        self._reverse = Reverse(services.store, namespace=settings.namespace)
        self._lock = threading.Lock()
        self._memories: dict[str, Memory] = {}
        self._waiting: set[str] = set()
        """Plugins that wait until it is known what is revoked."""

    @property
    def first(self) -> tuple[Key, ...]:
        """Plugins to judge before all others after a start: what they stand for is revoked, and their status does not say so."""
        return revocations.suspects(self._services)

    @property
    def watches(self) -> tuple[Watch, ...]:
        """Plugins, and everything that one can name; what a list revokes is looked up elsewhere."""
        return (
            Own(kind=PLUGIN),
            Dependants(kind=PLUGIN_MIRROR, of=self._reverse.users),
            Dependants(kind=SECRET, of=self._reverse.users),
            Dependants(kind=CONFIG_MAP, of=lambda one: {*self._reverse.users(one), *self._waiters(one)}),
            Dependants(kind=REVOCATION_LIST, of=self._waiters),
        )

    def reconcile(self, key: Key) -> Result:
        """Make one pass.

        Raises:
            ClusterUnavailableError, ConflictError, ApplyForbiddenError, ApplyRejectedError: the API server failed us.
        """
        if key == _SWEEP:
            return self._sweep()
        if key == _TRUST:
            return self._refresh_trust()
        plugin = self._services.store.get(PLUGIN, key.name)
        if plugin is None or plugin.deleting:
            return self._gone(key)
        return self._pass(plugin)

    def close(self) -> None:
        """End the downloads and close every connection."""
        self._lanes.close()
        self._clients.close()
        self.keeper.shelf.close()

    def _pass(self, plugin: Resource) -> Result:
        memory = self._memories.get(plugin.name, Memory())
        ticket = self._lanes.find(plugin.name)
        arrival = ticket.result if ticket is not None and ticket.done else None
        running = None
        if ticket is not None and not ticket.done:
            running = Running(attempt=ticket.attempt, seconds=self._lanes.seconds(ticket), waiting=ticket.began is None)
        seen = self._observer.observe(plugin, memory=memory, arrival=arrival, running=running)
        for _ in range(_ROUNDS):
            decision = decide(seen, self._services.settings)
            if decision.step.final:
                break
            seen = self._enactor.enact(decision, seen)
            self._remember(plugin.name, seen.memory)
        else:
            raise AssertionError(f"the rules go in circles about {plugin.key}, at {decision.step.name}")
        return self._end(seen, decision)

    def _end(self, seen: Observation, decision: Decision) -> Result:
        """Conclude what a final step concludes, and write status and ledger."""
        name = seen.plugin.name
        if decision.step is Step.WAIT:
            with self._lock:
                self._waiting.add(name)
            return Result(outcome=Outcome.DEPENDENCY_PENDING, after=decision.after)
        with self._lock:
            self._waiting.discard(name)
        if decision.step in {Step.REFUSE, Step.HOLD} and decision.error is not None:
            standing = Standing.REFUSED if decision.step is Step.REFUSE else Standing.UNAVAILABLE
            concluded = refusal(problem_of(decision.error), seen=seen, standing=standing)
            seen = replace(seen, memory=replace(seen.memory, past=concluded))
        seen = self._publisher.dated(seen)
        self._remember(name, seen.memory)
        return self._publisher.publish(seen, decision, warning=self._trust.warning)

    def _gone(self, key: Key) -> Result:
        """Forget a plugin that is gone; nothing that is still under way about it will be stored."""
        self._memories.pop(key.name, None)
        with self._lock:
            self._waiting.discard(key.name)
        self._lanes.drop(key.name)
        self.keeper.forget(key.name)
        self._observer.forget(key.name)
        self._services.ledger.drop(key.name)
        self._publisher.forget(key)
        self._services.wake(_SWEEP)
        return Result()

    def _sweep(self) -> Result:
        settings = self._services.settings
        if not self._services.store.synced(PLUGIN):
            return Result(outcome=Outcome.DEPENDENCY_PENDING, after=settings.resync_interval / 10)
        gone = self._sweeper.sweep()
        return Result(after=settings.resync_interval, changed=gone > 0)

    def _refresh_trust(self) -> Result:
        if self._trust.refresh():
            for key in sorted(self._services.store.keys(PLUGIN), key=lambda one: one.name):
                self._services.wake(key)
        settings = self._services.settings
        self._services.metrics.freshness(self._trust.freshness, subject=Subject.TRUST_ROOT)
        # A file costs nothing to look at; a repository is asked as seldom as it wants.
        longest = settings.resync_interval if settings.trust_root is not None else self._trust.pause
        return Result(after=min(self._trust.pause, longest))

    def _remember(self, name: str, memory: Memory) -> None:
        self._memories[name] = memory

    def _waiters(self, resource: Resource) -> Iterable[Key]:
        """Plugins that wait for a list, when one comes in or the last known one does."""
        if resource.kind == CONFIG_MAP and resource.name != revocations.KEPT:
            return ()
        with self._lock:
            return {Key(PLUGIN, name) for name in self._waiting}

    def _wake(self, name: str) -> None:
        self._services.wake(Key(PLUGIN, name))
