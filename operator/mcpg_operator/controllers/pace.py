"""Keeps a controller from looking at one object again and again while many other objects change."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from mcpg_operator.resources import Key, Resource

__all__ = ["Pace"]


class Pace:
    """Says whether an object is due: when its own spec is new, or when the last pass is `seconds` ago."""

    def __init__(self, now: Callable[[], datetime], *, seconds: float) -> None:
        self._now = now
        self._pause = timedelta(seconds=seconds)
        self._last: dict[Key, tuple[str, int, datetime]] = {}
        self._lock = threading.Lock()

    def due(self, resource: Resource) -> bool:
        """Ask before a pass."""
        with self._lock:
            uid, generation, at = self._last.get(resource.key, ("", -1, self._now()))
        same = (uid, generation) == (resource.uid, resource.generation)
        return not (same and timedelta() <= self._now() - at < self._pause)

    def done(self, resource: Resource) -> None:
        """Enter a pass that was made to its end; one that failed may be made again at once."""
        with self._lock:
            self._last[resource.key] = (resource.uid, resource.generation, self._now())

    def forget(self, key: Key) -> None:
        """Drop an object that is gone."""
        with self._lock:
            self._last.pop(key, None)
