"""The threads that make passes: one queue for each controller, errors spaced out, one log line and one observation a pass.

An exception in one object never ends a thread and never keeps other objects waiting. Pauses after errors double from 5 s to at
most 300 s, ±20 %, for each object by itself; a pass that succeeds starts over.
"""

from __future__ import annotations

import logging
import random
import threading
import time
from typing import TYPE_CHECKING, Final

from mcpg_operator.runtime.queue import WorkQueue
from mcpg_operator.services import Outcome, Result
from mcpg_operator.tracing import traced
from supplychain.errors import ConflictError, SupplyChainError, UnavailableError

if TYPE_CHECKING:
    from collections.abc import Callable

    from mcpg_operator.resources import Key, Resource
    from mcpg_operator.services import Reconciler, Services, Watch

__all__ = ["Controller"]

_LOG = logging.getLogger(__name__)
_FIRST_PAUSE: Final = 5.0
_FIRST_SHARE: Final = 10
"""Who resyncs every few seconds also tries again within them: the first pause is at most this part of the interval."""
_LONGEST_PAUSE: Final = 300.0
_MOST_DOUBLINGS: Final = 6
_SPREAD: Final = 0.2
_HEARTBEAT: Final = 5.0


class Controller:
    """Runs one reconciler over its queue; `start` once, `stop` once."""

    def __init__(
        self,
        reconciler: Reconciler,
        services: Services,
        *,
        workers: int | None = None,
        first_pause: float | None = None,
        queue: WorkQueue | None = None,
        spread: Callable[[], float] = lambda: random.uniform(1 - _SPREAD, 1 + _SPREAD),  # noqa: S311 — no secret
    ) -> None:
        self.name = reconciler.name
        self.queue = WorkQueue() if queue is None else queue
        self._reconciler = reconciler
        self._services = services
        self._first_pause = first_pause or min(_FIRST_PAUSE, services.settings.resync_interval / _FIRST_SHARE)
        self._spread = spread
        self._failures: dict[Key, int] = {}
        """Failures in a row; a key is worked on by one thread at a time, so entries do not race."""
        self._threads = tuple(
            threading.Thread(target=self._work, name=f"{self.name}-{number}", daemon=True)
            for number in range(workers or services.settings.reconcile_concurrency)
        )
        self._stopping = False
        services.metrics.watch_queue(self.name, lambda: self.queue.depth)

    @property
    def alive(self) -> bool:
        """Whether every thread that was started still runs."""
        return all(thread.is_alive() for thread in self._threads)

    def start(self) -> None:
        """Listen for changes, and work."""
        for watch in self._reconciler.watches:
            self._services.store.subscribe(watch.kind, self._listener(watch))
        for watch in self._reconciler.watches:
            # What came before the subscription.
            for resource in self._services.store.each(watch.kind):
                self._listener(watch)(None, resource)
        for key in getattr(self._reconciler, "first", ()):
            # Due before all others, whether there is such an object or not.
            self.queue.add(key, urgent=True)
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Take no new work; passes that run go on."""
        self._stopping = True
        self.queue.shutdown()

    def join(self, timeout: float) -> bool:
        """Wait for running passes; says whether all ended in time."""
        end = time.monotonic() + timeout
        for thread in self._threads:
            thread.join(max(0.0, end - time.monotonic()))
        return not any(thread.is_alive() for thread in self._threads)

    def _listener(self, watch: Watch) -> Callable[[Resource | None, Resource | None], None]:
        urgent = bool(getattr(watch, "urgent", False))

        def listen(old: Resource | None, new: Resource | None) -> None:
            for key in watch.keys(old, new):
                self.queue.add(key, urgent=urgent)

        return listen

    def _work(self) -> None:
        while not self._stopping:
            key = self.queue.get(_HEARTBEAT)
            if key is None:
                self._services.metrics.looked(self.name)
                continue
            try:
                with traced():
                    self._pass(key)
            finally:
                self.queue.done(key)

    def _pass(self, key: Key) -> None:
        started = time.monotonic()
        error: SupplyChainError | None = None
        try:
            result = self._reconciler.reconcile(key)
        except SupplyChainError as exc:
            error, result = exc, _after_error(exc, resync=self._services.settings.resync_interval)
        except Exception:  # noqa: BLE001 — a defect in one pass must not end the thread, and shows in log and metric
            _LOG.exception("a pass failed unexpectedly", extra={"controller": self.name, "object": str(key)})
            result = Result(outcome=Outcome.TRANSIENT_ERROR, backoff=True)
        seconds = time.monotonic() - started
        pause = self._pause(key, result, error)
        if pause is not None:
            # What was urgent and failed still is; a look at the next resync is not.
            self.queue.add_after(key, pause, urgent=result.backoff and self.queue.urgent(key))
        self._services.metrics.reconciled(self.name, result.outcome.value, seconds)
        self._report(key, result, seconds, pause, error)

    def _pause(self, key: Key, result: Result, error: SupplyChainError | None) -> float | None:
        if not result.backoff:
            self._failures.pop(key, None)
            return None if result.after is None else result.after * self._spread()
        count = self._failures.get(key, 0)
        self._failures[key] = count + 1
        if isinstance(error, ConflictError) and count == 0:
            return 0
        grown = min(self._first_pause * 2.0 ** min(count, _MOST_DOUBLINGS), _LONGEST_PAUSE)
        return max(grown, result.after or 0) * self._spread()

    def _report(self, key: Key, result: Result, seconds: float, pause: float | None, error: SupplyChainError | None) -> None:
        level = logging.WARNING if error is not None else logging.INFO if result.changed else logging.DEBUG
        if not _LOG.isEnabledFor(level):
            return
        resource = self._services.store.get(*key)
        fields = {
            "controller": self.name,
            "kind": key.kind.name,
            "namespace": key.namespace,
            "object": key.name,
            "generation": resource.generation if resource else None,
            "outcome": result.outcome.value,
            "seconds": round(seconds, 4),
            "failures": self._failures.get(key, 0),
            "again_in": None if pause is None else round(pause, 1),
        }
        if error is not None:
            fields["reason"] = error.reason
        _LOG.log(level, "%s", error or "pass", extra={name: value for name, value in fields.items() if value is not None})


def _after_error(error: SupplyChainError, *, resync: float) -> Result:
    """Try again soon what was unavailable, and at the next resync what will be refused again."""
    if isinstance(error, UnavailableError):
        return Result(outcome=Outcome.TRANSIENT_ERROR, backoff=True, after=error.retry_after)
    return Result(outcome=Outcome.PERMANENT_ERROR, after=resync)
