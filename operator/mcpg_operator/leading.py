"""What only the holder of the Lease runs: the watch, the full lists, and the controllers over what both bring."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from mcpg_operator import handlers
from mcpg_operator.controllers.plugin import HOUSEKEEPING, PluginReconciler
from mcpg_operator.controllers.plugin_mirror import PluginMirrorReconciler
from mcpg_operator.controllers.plugin_set import PluginSetReconciler
from mcpg_operator.controllers.revocation_list import RevocationListReconciler
from mcpg_operator.events import Recorder
from mcpg_operator.ledger import Ledger
from mcpg_operator.resources import PLUGIN, PLUGIN_MIRROR, PLUGIN_SET, REVOCATION_LIST
from mcpg_operator.runtime.controller import Controller
from mcpg_operator.runtime.courier import Courier
from mcpg_operator.runtime.queue import WorkQueue
from mcpg_operator.runtime.relist import Relist
from mcpg_operator.runtime.store import Store
from mcpg_operator.runtime.watching import Watching, watched
from mcpg_operator.services import Services

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from mcpg_operator.cluster import Cluster
    from mcpg_operator.resources import Key, Kind
    from mcpg_operator.runtime.watching import Watched
    from mcpg_operator.services import Reconciler
    from mcpg_operator.settings import Settings
    from mcpg_operator.telemetry import Metrics

__all__ = ["Leading"]

_RECONCILERS: Final[dict[Kind, Callable[[Services], Reconciler]]] = {
    REVOCATION_LIST: RevocationListReconciler,
    PLUGIN_MIRROR: PluginMirrorReconciler,
    PLUGIN: PluginReconciler,
    PLUGIN_SET: PluginSetReconciler,
}
"""The controller of each kind; in this order they are made."""


class Leading:
    """Everything that only the holder of the Lease runs: the watch, the lists and the controllers."""

    def __init__(self, settings: Settings, cluster: Cluster, metrics: Metrics, *, now: Callable[[], datetime]) -> None:
        self.settings = settings
        self.store = Store()
        self.targets = watched(settings)
        self.watching = Watching(self._watch)
        self.courier = Courier()
        self.relist = Relist(cluster, self.store, self.targets, interval=settings.resync_interval, served=self.watching.aim)
        self.services = Services(
            cluster=cluster,
            store=self.store,
            ledger=Ledger(),
            recorder=Recorder(cluster=cluster, instance=settings.pod_name, now=now, run=self.courier.run),
            settings=settings,
            metrics=metrics,
            now=now,
            wake=self._wake,
        )
        self.queues = {kind: WorkQueue() for kind in _RECONCILERS}
        self.controllers: tuple[Controller, ...] = ()
        self.reconcilers: tuple[Reconciler, ...] = ()
        self.started = False

    @property
    def synced(self) -> bool:
        """Whether everything has been listed once, and the controllers run."""
        return self.started and self.relist.synced

    @property
    def failed(self) -> str:
        """Name the thread that died, if one did."""
        parts = {"the watch": self.watching.alive, "the relist": self.relist.alive, "the courier": self.courier.alive}
        parts.update((f"controller {one.name}", one.alive) for one in self.controllers)
        return next((name for name, alive in parts.items() if not alive), "")

    def begin(self) -> None:
        """Start to list and to watch."""
        self.watching.start([one for one in self.targets if not one.optional])
        self.relist.start()
        self.courier.start()

    def control(self) -> None:
        """Start the controllers; call it when everything has been listed once."""
        made = {kind: make(self.services) for kind, make in _RECONCILERS.items()}
        self.reconcilers = tuple(made.values())
        self.controllers = tuple(Controller(one, self.services, queue=self.queues[kind]) for kind, one in made.items())
        for key in HOUSEKEEPING:
            self._wake(key)
        for controller in self.controllers:
            controller.start()
        self.started = True

    def end(self, seconds: float) -> bool:
        """Let running passes finish for at most so long; says whether all did."""
        deadline = time.monotonic() + seconds
        for controller in self.controllers:
            controller.stop()
        done = [one.join(max(0.0, deadline - time.monotonic())) for one in self.controllers]
        for reconciler in self.reconcilers:
            if isinstance(reconciler, PluginReconciler):
                reconciler.close()
        return all([self.courier.stop(max(2.0, deadline - time.monotonic())), self.relist.stop(2), self.watching.stop(3), *done])

    def _wake(self, key: Key) -> None:
        self.queues[key.kind].add(key)

    async def _watch(self, targets: Sequence[Watched], ends: asyncio.Event) -> None:
        await handlers.watch(targets, ends, put=self.store.put, remove=self.store.remove, listed=lambda _: self.relist.soon())
