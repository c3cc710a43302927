"""Reads of the API server for reviews: one at a time for each question, shared by all who asked before it began."""

from __future__ import annotations

import threading
from concurrent.futures import Future
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from mcpg_operator.resources import Key, Kind
from supplychain.errors import LookupFailedError, SupplyChainError

if TYPE_CHECKING:
    from collections.abc import Callable

    from mcpg_operator.cluster import Cluster
    from mcpg_operator.resources import Resource

__all__ = ["Live"]

_MOST: Final = 8
"""Reads at the same time; whoever comes then waits for nothing and is refused, so that threads are left for other reviews."""
_PATIENCE: Final = 6.0
"""Seconds for which somebody waits for an answer that others asked for."""


class Live:
    """The API server as reviews ask it; may be called from any thread."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._lock = threading.Lock()
        self._running: dict[Key | Kind, Future[Any]] = {}
        self._next: dict[Key | Kind, Future[Any]] = {}
        self._places = threading.BoundedSemaphore(_MOST)

    def one(self, key: Key) -> Resource | None:
        """Read one object; None where there is none.

        Raises:
            LookupFailedError: it could not be read.
        """
        found: Resource | None = self._ask(key, lambda: self._cluster.get(key.kind, key.name, namespace=key.namespace))
        return found

    def all(self, kind: Kind) -> tuple[Resource, ...]:
        """Read all objects of a kind.

        Raises:
            LookupFailedError: they could not be read.
        """
        found: tuple[Resource, ...] = self._ask(kind, lambda: tuple(self._cluster.list(kind)))
        return found

    def _ask(self, question: Key | Kind, read: Callable[[], Any]) -> Any:
        """Take part in a read that begins after this moment: what one that already runs will say may be older than the review."""
        with self._lock:
            before = self._running.get(question)
            mine = self._next.get(question) if before is not None else None
            leading = mine is None
            if mine is None:
                mine = Future()
                (self._running if before is None else self._next)[question] = mine
        try:
            if leading:
                if before is not None:
                    self._await(before)
                    with self._lock:
                        self._running[question] = self._next.pop(question)
                self._read(question, read, mine)
            return mine.result(timeout=_PATIENCE)
        except (SupplyChainError, TimeoutError) as exc:
            kind = question.kind if isinstance(question, Key) else question
            raise LookupFailedError(
                f"{kind.name} cannot be looked up", got=exc.reason if isinstance(exc, SupplyChainError) else "no answer in time"
            ) from exc

    @staticmethod
    def _await(before: Future[Any]) -> None:
        with suppress(TimeoutError):
            before.exception(timeout=_PATIENCE)  # its failure is of no matter here

    def _read(self, question: Key | Kind, read: Callable[[], Any], mine: Future[Any]) -> None:
        try:
            mine.set_result(self._bounded(read))
        except BaseException as exc:  # noqa: BLE001 — whoever waits is told, whatever it was
            mine.set_exception(exc)
        finally:
            with self._lock:
                self._running.pop(question, None)

    def _bounded(self, read: Callable[[], Any]) -> Any:
        if not self._places.acquire(blocking=False):
            raise LookupFailedError("too many look-ups are under way")
        try:
            return read()
        finally:
            self._places.release()
