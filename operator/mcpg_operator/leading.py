"""What only the holder of the Lease runs: the controllers, over the store that every replica fills."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from mcpg_operator.controllers.cluster import ClusterReconciler
from mcpg_operator.controllers.gateway import GatewayReconciler
from mcpg_operator.controllers.plugin import HOUSEKEEPING, PluginReconciler
from mcpg_operator.controllers.plugin_mirror import PluginMirrorReconciler
from mcpg_operator.controllers.plugin_set import PluginSetReconciler
from mcpg_operator.controllers.revocation_list import RevocationListReconciler
from mcpg_operator.controllers.route import RouteReconciler
from mcpg_operator.controllers.tenant import TenantReconciler
from mcpg_operator.controllers.webhook_certificate import WebhookCertificateReconciler
from mcpg_operator.events import Recorder
from mcpg_operator.ledger import Ledger
from mcpg_operator.resources import (
    CLUSTER,
    GATEWAY,
    PLUGIN,
    PLUGIN_MIRROR,
    PLUGIN_SET,
    REVOCATION_LIST,
    ROUTE,
    TENANT,
    WEBHOOK_CONFIGURATION,
)
from mcpg_operator.runtime.controller import Controller
from mcpg_operator.runtime.courier import Courier
from mcpg_operator.runtime.queue import WorkQueue
from mcpg_operator.services import Services

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from mcpg_operator.cluster import Cluster
    from mcpg_operator.resources import Key, Kind
    from mcpg_operator.runtime.caches import Caches
    from mcpg_operator.services import Reconciler
    from mcpg_operator.settings import Settings
    from mcpg_operator.telemetry import Metrics

__all__ = ["Leading"]

_RECONCILERS: Final[dict[Kind, Callable[[Services], Reconciler]]] = {
    REVOCATION_LIST: RevocationListReconciler,
    PLUGIN_MIRROR: PluginMirrorReconciler,
    PLUGIN: PluginReconciler,
    PLUGIN_SET: PluginSetReconciler,
    CLUSTER: ClusterReconciler,
    TENANT: TenantReconciler,
    ROUTE: RouteReconciler,
    GATEWAY: GatewayReconciler,
}
"""The controller of each kind; in this order they are made."""
_SELF_SIGNED: Final[dict[Kind, Callable[[Services], Reconciler]]] = {WEBHOOK_CONFIGURATION: WebhookCertificateReconciler}


class Leading:
    """Everything that only the holder of the Lease runs; the caches are there before it, and stay after it."""

    def __init__(
        self, settings: Settings, cluster: Cluster, caches: Caches, metrics: Metrics, *, now: Callable[[], datetime]
    ) -> None:
        """Prepare; `cluster` takes no write once the Lease is lost."""
        self.settings = settings
        self._makers = {**_RECONCILERS, **(_SELF_SIGNED if settings.tls_self_signed else {})}
        self.queues = {kind: WorkQueue() for kind in self._makers}
        self.courier = Courier(hurried=lambda: any(queue.hurried for queue in self.queues.values()))
        metrics.watch_events(lambda: self.courier.waiting)
        self._caches = caches
        self._ticket = 0
        self.services = Services(
            cluster=cluster,
            store=caches.store,
            ledger=Ledger(),
            recorder=Recorder(cluster=cluster, instance=settings.pod_name, now=now, run=self.courier.run),
            settings=settings,
            metrics=metrics,
            now=now,
            wake=self._wake,
            hurry=self._hurry,
        )
        self.controllers: tuple[Controller, ...] = ()
        self.reconcilers: tuple[Reconciler, ...] = ()
        self.started = False

    @property
    def informed(self) -> bool:
        """Whether everything has been listed since this replica leads: nothing that the last leader wrote is missing."""
        return self._caches.relist.answered(self._ticket)

    @property
    def failed(self) -> str:
        """Name the thread that died, if one did."""
        parts = {"the courier": self.courier.alive}
        parts.update((f"controller {one.name}", one.alive) for one in self.controllers)
        return next((name for name, alive in parts.items() if not alive), "")

    def begin(self) -> None:
        """Ask for full lists, which `informed` tells to have come."""
        self._ticket = self._caches.relist.ask()
        self.courier.start()

    def control(self) -> None:
        """Start the controllers; call it when `informed`."""
        made = {kind: make(self.services) for kind, make in self._makers.items()}
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
        return all([self.courier.stop(max(2.0, deadline - time.monotonic())), *done])

    def _wake(self, key: Key) -> None:
        self.queues[key.kind].add(key)

    def _hurry(self, key: Key) -> None:
        self.queues[key.kind].add(key, urgent=True)
