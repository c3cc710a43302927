"""A level-triggered work queue: which objects want a pass, each at most once, never two passes over one object at a time.

The rules are those of client-go's work queue: a key that is added while it waits is the same wish; a key that is added while it
is being worked on gets another pass afterwards; of several delays for one key the earliest counts.
"""

from __future__ import annotations

import heapq
import itertools
import threading
import time
from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from mcpg_operator.resources import Key

__all__ = ["WorkQueue"]


class WorkQueue:
    """Keys in the order in which they were wished for; every method may be called from any thread."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._changed = threading.Condition()
        self._ready: deque[Key] = deque()
        self._wanted: set[Key] = set()
        """Keys that want a pass: those in `_ready`, and those that were added while they are worked on."""
        self._working: set[Key] = set()
        self._due: dict[Key, float] = {}
        self._later: list[tuple[float, int, Key]] = []
        self._order = itertools.count()
        self._closed = False

    @property
    def depth(self) -> int:
        """Keys that wait for a worker now."""
        with self._changed:
            return len(self._ready)

    @property
    def delayed(self) -> int:
        """Keys that wait for their time."""
        with self._changed:
            return len(self._due)

    @property
    def working(self) -> int:
        """Keys that are being worked on."""
        with self._changed:
            return len(self._working)

    def add(self, key: Key) -> None:
        """Wish for a pass as soon as possible; after `shutdown` nothing is taken any more."""
        with self._changed:
            self._add(key)

    def add_after(self, key: Key, seconds: float) -> None:
        """Wish for a pass in so many seconds; a wish for an earlier time stands."""
        with self._changed:
            if self._closed:
                return
            if seconds <= 0:
                self._add(key)
                return
            at = self._clock() + seconds
            if at >= self._due.get(key, float("inf")):
                return
            self._due[key] = at
            heapq.heappush(self._later, (at, next(self._order), key))
            self._changed.notify()

    def get(self, timeout: float | None = None) -> Key | None:
        """Take the next key, waiting up to `timeout` seconds; None when there was none, or after `shutdown`."""
        end = None if timeout is None else time.monotonic() + timeout
        with self._changed:
            while not self._closed:
                pause = self._promote()
                if self._ready:
                    key = self._ready.popleft()
                    self._wanted.discard(key)
                    self._working.add(key)
                    return key
                left = None if end is None else end - time.monotonic()
                if left is not None and left <= 0:
                    return None
                self._changed.wait(min((one for one in (pause, left) if one is not None), default=None))
            return None

    def done(self, key: Key) -> None:
        """Give a key back; if it was added meanwhile it is ready again."""
        with self._changed:
            self._working.discard(key)
            if key in self._wanted and not self._closed:
                self._ready.append(key)
                self._changed.notify()

    def shutdown(self) -> None:
        """Give out nothing more; waiting workers return at once."""
        with self._changed:
            self._closed = True
            self._ready.clear()
            self._wanted.clear()
            self._due.clear()
            self._later.clear()
            self._changed.notify_all()

    def _add(self, key: Key) -> None:
        if self._closed or key in self._wanted:
            return
        self._wanted.add(key)
        if key not in self._working:
            self._ready.append(key)
            self._changed.notify()

    def _promote(self) -> float | None:
        """Make every key ready whose time has come; give the seconds until the next one."""
        while self._later:
            at, _, key = self._later[0]
            if self._due.get(key) != at:  # an earlier wish replaced this one, or took it along
                heapq.heappop(self._later)
                continue
            pause = at - self._clock()
            if pause > 0:
                return pause
            heapq.heappop(self._later)
            del self._due[key]
            self._add(key)
        return None
