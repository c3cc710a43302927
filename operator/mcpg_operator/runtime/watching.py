"""What is watched, and the thread that keeps the watch going.

The watch itself is given as a coroutine. It may end at any time: kopf does so when the API server is away for about a minute at
its start, or when a watch answers strangely. It is then started again, in a loop of its own: nothing of the last run is left.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from mcpg_operator.names import COMPONENT, EVIDENCE_TYPE, MANAGER, PLUGIN_TYPE, SHARD_TYPE
from mcpg_operator.resources import (
    AUTOSCALER,
    CLUSTER,
    CONFIG_MAP,
    DEPLOYMENT,
    DISRUPTION_BUDGET,
    GATEWAY,
    INGRESS,
    NAMESPACE,
    NETWORK_POLICY,
    PLUGIN,
    PLUGIN_MIRROR,
    PLUGIN_SET,
    PROMETHEUS_RULE,
    RESOURCE_QUOTA,
    REVOCATION_LIST,
    ROLE_BINDING,
    ROUTE,
    SECRET,
    SERVICE,
    SERVICE_ACCOUNT,
    SERVICE_MONITOR,
    TENANT,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Mapping, Sequence

    from mcpg_operator.resources import Kind
    from mcpg_operator.settings import Settings

    Watch = Callable[["Sequence[Watched]", asyncio.Event], Coroutine[None, None, None]]

__all__ = ["Watched", "Watching", "watched"]

_LOG = logging.getLogger(__name__)
_BEAT: Final = 1.0
_PAUSES: Final = (1.0, 2.0, 5.0, 10.0, 20.0)
_SETTLED: Final = 60.0
"""Seconds after which a run counts as a good one."""
_BULKY: Final = (PLUGIN_TYPE, SHARD_TYPE, EVIDENCE_TYPE, "helm.sh/release.v1")
"""Types of Secrets whose bodies are megabytes: read by name when needed, never kept."""
_TENANCY: Final = {**MANAGER, COMPONENT: "tenant-rbac"}
_QUOTAS: Final = {**MANAGER, COMPONENT: "tenant-quota"}
_CHILD: Final = {**MANAGER, COMPONENT: "gateway"}
_CHILDREN: Final = (DEPLOYMENT, SERVICE, SERVICE_ACCOUNT, NETWORK_POLICY, DISRUPTION_BUDGET, AUTOSCALER, INGRESS)
"""Children of gateways; ConfigMaps and Secrets are large, and read by name when needed."""
_MONITORS: Final = (SERVICE_MONITOR, PROMETHEUS_RULE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """One kind, where, and which of them: a field selector, and labels that they must bear."""

    kind: Kind
    namespace: str | None = None
    """None: the whole cluster."""
    fields: str | None = None
    labels: Mapping[str, str] = field(default_factory=dict, hash=False)
    optional: bool = False
    """Whether the operator also works where the kind is not served."""


def watched(settings: Settings) -> tuple[Watched, ...]:
    """Say what the operator watches: our kinds everywhere or in one namespace, Secrets and ConfigMaps only in its own.

    What a tenant brings into its namespaces is watched where tenants are reconciled, which takes the whole cluster.
    """
    bulky = ",".join(f"type!={one}" for one in _BULKY)
    tenancy = (Watched(kind=RESOURCE_QUOTA, labels=_QUOTAS), Watched(kind=ROLE_BINDING, labels=_TENANCY))
    return (
        Watched(kind=PLUGIN),
        Watched(kind=PLUGIN_MIRROR),
        Watched(kind=REVOCATION_LIST),
        Watched(kind=CLUSTER),
        Watched(kind=TENANT),
        Watched(kind=NAMESPACE),
        Watched(kind=PLUGIN_SET, namespace=settings.watch_namespace),
        Watched(kind=GATEWAY, namespace=settings.watch_namespace),
        Watched(kind=ROUTE, namespace=settings.watch_namespace),
        *(() if settings.watch_namespace else tenancy),
        *(Watched(kind=kind, namespace=settings.watch_namespace, labels=_CHILD) for kind in _CHILDREN),
        *(Watched(kind=kind, namespace=settings.watch_namespace, labels=_CHILD, optional=True) for kind in _MONITORS),
        Watched(kind=SECRET, namespace=settings.namespace, fields=bulky),
        Watched(kind=CONFIG_MAP, namespace=settings.namespace),
    )


class Watching:
    """Runs the watch in a thread of its own until `stop`."""

    def __init__(self, watch: Watch, *, pauses: Sequence[float] = _PAUSES) -> None:
        self._watch = watch
        self._pauses = pauses
        self._targets: tuple[Watched, ...] = ()
        self._thread = threading.Thread(target=self._run, name="watching", daemon=True)
        self._stopping = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ends: asyncio.Event | None = None
        self._lock = threading.Lock()
        self.beat = time.monotonic()
        """When the loop last got round."""
        self.runs = 0
        """How often the watch was started."""

    @property
    def alive(self) -> bool:
        """Whether the thread runs."""
        return self._thread.is_alive()

    def start(self, targets: Sequence[Watched]) -> None:
        """Begin to watch."""
        self._targets = tuple(targets)
        self._thread.start()

    def aim(self, targets: Sequence[Watched]) -> None:
        """Watch something else from now on."""
        if tuple(targets) != self._targets:
            self._targets = tuple(targets)
            self._end()

    def stop(self, timeout: float = 10) -> bool:
        """End the watch and the thread; says whether both ended in time."""
        self._stopping.set()
        self._end()
        if self._thread.is_alive():
            self._thread.join(timeout)
        return not self._thread.is_alive()

    def _end(self) -> None:
        with self._lock:
            if self._loop is not None and self._ends is not None:
                self._loop.call_soon_threadsafe(self._ends.set)

    def _run(self) -> None:
        bad = 0
        while not self._stopping.is_set():
            started, targets = time.monotonic(), self._targets
            self.runs += 1
            try:
                asyncio.run(self._once(targets))
            except Exception as exc:  # noqa: BLE001 — whatever ended it, the watch has to go on
                _LOG.warning("the watch ended, it is started again: %s: %.300s", type(exc).__name__, exc)
            bad = 0 if time.monotonic() - started > _SETTLED or targets != self._targets else bad + 1
            if bad:
                self._rest(self._pauses[min(bad, len(self._pauses)) - 1])

    def _rest(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while not self._stopping.wait(min(_BEAT, max(0.0, end - time.monotonic()))) and time.monotonic() < end:
            self.beat = time.monotonic()

    async def _once(self, targets: Sequence[Watched]) -> None:
        ends = asyncio.Event()
        with self._lock:
            self._loop, self._ends = asyncio.get_running_loop(), ends
            self._loop.set_exception_handler(_left_behind)
        if self._stopping.is_set() or targets != self._targets:
            ends.set()
        heart = asyncio.create_task(self._heart())
        try:
            await self._watch(targets, ends)
        finally:
            with self._lock:
                self._loop = self._ends = None
            heart.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await heart

    async def _heart(self) -> None:
        while True:
            self.beat = time.monotonic()
            await asyncio.sleep(_BEAT)


def _left_behind(_: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Take note of a task that an ended watch left behind; it is no error, and its words may hold whole objects."""
    _LOG.debug("left behind by the watch: %s", type(context.get("exception")).__name__)
