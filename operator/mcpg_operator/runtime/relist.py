"""Full lists of everything that is watched: at the start, every resync interval, and whenever the watch began anew.

A watch that was away never tells what was deleted meanwhile. A list does, by what it lacks. Whether a kind counts as synced is
decided here alone, so that nothing is taken for absent before it has been listed once.
"""

from __future__ import annotations

import logging
import random
import threading
from typing import TYPE_CHECKING, Final

from supplychain.errors import SupplyChainError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from mcpg_operator.cluster import Cluster
    from mcpg_operator.runtime.store import Store
    from mcpg_operator.runtime.watching import Watched

__all__ = ["Relist"]

_LOG = logging.getLogger(__name__)
_DEBOUNCE: Final = 1.0
_MOST_DEBOUNCES: Final = 10
_PAUSES: Final = (1.0, 2.0, 5.0, 10.0, 30.0)
_SPREAD: Final = 0.2


class Relist:
    """A thread that lists; `soon` may be called from any other."""

    def __init__(
        self,
        cluster: Cluster,
        store: Store,
        targets: Sequence[Watched],
        *,
        interval: float,
        served: Callable[[Sequence[Watched]], None] = lambda _: None,
        debounce: float = _DEBOUNCE,
    ) -> None:
        """Prepare; `served` is called after every round with those targets whose kind the API server serves."""
        self._cluster = cluster
        self._store = store
        self._targets = tuple(targets)
        self._interval = interval
        self._served = served
        self._debounce = debounce
        self._wanted = threading.Event()
        self._urgent = threading.Event()
        self._lock = threading.Lock()
        self._begun = 0
        self._answered = 0
        """The last round that brought everything; both count rounds."""
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="relist", daemon=True)

    @property
    def alive(self) -> bool:
        """Whether the thread runs."""
        return self._thread.is_alive()

    @property
    def synced(self) -> bool:
        """Whether every kind has been listed once."""
        return all(self._store.synced(one.kind) for one in self._targets)

    def start(self) -> None:
        """Begin with a first round."""
        self._thread.start()

    def soon(self) -> None:
        """Ask for a round; several wishes within the debounce time are one."""
        self._wanted.set()

    def ask(self) -> int:
        """Ask for a round that begins after this moment, without delay; gives what `answered` takes."""
        with self._lock:
            ticket = self._begun + 1
        self._urgent.set()
        self._wanted.set()
        return ticket

    def answered(self, ticket: int) -> bool:
        """Whether a complete round began after `ask` gave this ticket, and has ended."""
        with self._lock:
            return self._answered >= ticket

    def stop(self, timeout: float = 5) -> bool:
        """End the thread; says whether it ended in time."""
        self._stopping.set()
        self._urgent.set()
        self._wanted.set()
        if self._thread.is_alive():
            self._thread.join(timeout)
        return not self._thread.is_alive()

    def round(self) -> bool:
        """List everything once; says whether all of it succeeded."""
        with self._lock:
            self._begun += 1
            number = self._begun
        present: list[Watched] = []
        complete = True
        for target in self._targets:
            try:
                if self._list(target):
                    present.append(target)
            except SupplyChainError as exc:
                complete = False
                present.append(target)
                _LOG.warning("%s could not be listed: %s", target.kind, exc)
        self._served(tuple(present))
        if complete:
            with self._lock:
                self._answered = number
        return complete

    def _list(self, target: Watched) -> bool:
        since = self._store.mark()
        if target.optional and not self._cluster.served(target.kind):
            self._store.replace(target.kind, (), since=since)
            return False
        found = self._cluster.list(target.kind, namespace=target.namespace, labels=target.labels or None, fields=target.fields)
        self._store.replace(target.kind, found, target.namespace, since=since)
        return True

    def _run(self) -> None:
        bad = 0
        while not self._stopping.is_set():
            bad = 0 if self.round() else bad + 1
            spread = random.uniform(1 - _SPREAD, 1 + _SPREAD)  # noqa: S311 — no secret
            self._wanted.wait(_PAUSES[min(bad, len(_PAUSES)) - 1] if bad else self._interval * spread)
            self._settle()

    def _settle(self) -> None:
        """Wait until nobody has asked for a round for the debounce time, within reason, or somebody cannot wait."""
        for _ in range(_MOST_DEBOUNCES):
            if not self._wanted.is_set():
                return
            self._wanted.clear()
            if self._urgent.wait(self._debounce):
                self._urgent.clear()
                self._wanted.clear()
                return
