"""What every replica knows of the cluster, leader or not: one store, the watch and the full lists that fill it.

Nothing here writes to the cluster. Whoever leads attaches its controllers to this store; there is no second one.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Protocol

from mcpg_operator.runtime.relist import Relist
from mcpg_operator.runtime.store import Store
from mcpg_operator.runtime.watching import Watching, watched

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Coroutine, Sequence

    from mcpg_operator.cluster import Cluster
    from mcpg_operator.resources import Key, Kind, Resource
    from mcpg_operator.runtime.watching import Watched
    from mcpg_operator.settings import Settings

__all__ = ["Caches", "Watch"]


class Watch(Protocol):
    """Watches until `ends` is set, and tells what it sees: objects that exist, that went, and kinds that came in a fresh list."""

    def __call__(
        self,
        targets: Sequence[Watched],
        ends: asyncio.Event,
        *,
        put: Callable[[Resource], None],
        remove: Callable[[Key], None],
        listed: Callable[[Kind], None],
    ) -> Coroutine[None, None, None]:
        """See the class."""
        ...


class Caches:
    """Filled from `start` to `stop`, by threads of its own."""

    def __init__(self, settings: Settings, cluster: Cluster, watch: Watch) -> None:
        """Prepare.

        Args:
            settings: where to look, and how often
            cluster: is only read from
            watch: is started again whenever it ends
        """
        self.store = Store()
        self.targets = watched(settings)
        self._watch = watch
        self.watching = Watching(self._run)
        self.relist = Relist(cluster, self.store, self.targets, interval=settings.resync_interval, served=self.watching.aim)
        self._started = threading.Event()

    @property
    def started(self) -> bool:
        """Whether `start` was called."""
        return self._started.is_set()

    @property
    def synced(self) -> bool:
        """Whether everything has been listed once; stays true, however the API server fares afterwards."""
        return self.relist.synced

    @property
    def failed(self) -> str:
        """Name the thread that died, if one did."""
        parts = {"the watch": self.watching.alive, "the relist": self.relist.alive}
        return next((name for name, alive in parts.items() if not alive), "") if self.started else ""

    @property
    def idle(self) -> float:
        """Seconds since the loop of the watch last got round; 0 before it began."""
        return time.monotonic() - self.watching.beat if self.started else 0.0

    def start(self) -> None:
        """Begin to list and to watch."""
        self.watching.start([one for one in self.targets if not one.optional])
        self.relist.start()
        self._started.set()

    def stop(self) -> bool:
        """End both threads; says whether they ended in time."""
        return not self.started or all([self.relist.stop(2), self.watching.stop(3)])

    async def _run(self, targets: Sequence[Watched], ends: asyncio.Event) -> None:
        await self._watch(targets, ends, put=self.store.put, remove=self.store.remove, listed=lambda _: self.relist.soon())
