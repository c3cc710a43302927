"""A level-triggered work queue: which objects want a pass, each at most once, never two passes over one object at a time.

The rules are those of client-go's work queue: a key that is added while it waits is the same wish; a key that is added while it
is being worked on gets another pass afterwards; of several delays for one key the earliest counts. In addition a wish may be
urgent: it overtakes those that are not, also where the key waits among these already.
"""

from __future__ import annotations

import heapq
import itertools
import threading
import time
from collections import OrderedDict
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

    from mcpg_operator.resources import Key

__all__ = ["WorkQueue"]

_ROW: Final = 16
"""Urgent keys that are given out in a row while another one waits; then it is its turn, so that none waits for ever."""


class WorkQueue:
    """Keys in the order in which they were wished for, urgent ones first; every method may be called from any thread."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._changed = threading.Condition()
        self._ready: OrderedDict[Key, None] = OrderedDict()
        self._urgent: OrderedDict[Key, None] = OrderedDict()
        """Keys that wait stand in one of these two."""
        self._row = 0
        """Urgent keys that were given out since the last other one."""
        self._working: dict[Key, bool] = {}
        """Keys that are being worked on, and whether the wish was urgent."""
        self._again: dict[Key, bool] = {}
        """Keys that were added while they are worked on, and whether that is urgent."""
        self._due: dict[Key, float] = {}
        self._later: list[tuple[float, int, Key, bool]] = []
        self._order = itertools.count()
        self._closed = False

    @property
    def depth(self) -> int:
        """Keys that wait for a worker now."""
        with self._changed:
            return len(self._ready) + len(self._urgent)

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

    @property
    def hurried(self) -> bool:
        """Whether an urgent key waits or is being worked on."""
        with self._changed:
            return bool(self._urgent) or any(self._working.values())

    def urgent(self, key: Key) -> bool:
        """Whether a key is being worked on because of an urgent wish."""
        with self._changed:
            return self._working.get(key, False)

    def add(self, key: Key, *, urgent: bool = False) -> None:
        """Wish for a pass as soon as possible; after `shutdown` nothing is taken any more."""
        with self._changed:
            self._add(key, urgent=urgent)

    def add_after(self, key: Key, seconds: float, *, urgent: bool = False) -> None:
        """Wish for a pass in so many seconds, `urgent` from then on; a wish for an earlier time stands."""
        with self._changed:
            if self._closed:
                return
            if seconds <= 0:
                self._add(key, urgent=urgent)
                return
            at = self._clock() + seconds
            if at >= self._due.get(key, float("inf")):
                return
            self._due[key] = at
            heapq.heappush(self._later, (at, next(self._order), key, urgent))
            self._changed.notify()

    def get(self, timeout: float | None = None) -> Key | None:
        """Take the next key, waiting up to `timeout` seconds; None when there was none, or after `shutdown`."""
        end = None if timeout is None else time.monotonic() + timeout
        with self._changed:
            while not self._closed:
                pause = self._promote()
                if self._ready or self._urgent:
                    return self._take()
                left = None if end is None else end - time.monotonic()
                if left is not None and left <= 0:
                    return None
                self._changed.wait(min((one for one in (pause, left) if one is not None), default=None))
            return None

    def done(self, key: Key) -> None:
        """Give a key back; if it was added meanwhile it is ready again."""
        with self._changed:
            self._working.pop(key, None)
            again = self._again.pop(key, None)
            if again is not None:
                self._add(key, urgent=again)

    def shutdown(self) -> None:
        """Give out nothing more; waiting workers return at once."""
        with self._changed:
            self._closed = True
            self._ready.clear()
            self._urgent.clear()
            self._again.clear()
            self._due.clear()
            self._later.clear()
            self._changed.notify_all()

    def _take(self) -> Key:
        hurry = bool(self._urgent) and (self._row < _ROW or not self._ready)
        key, _ = (self._urgent if hurry else self._ready).popitem(last=False)
        self._row = self._row + 1 if hurry else 0
        self._working[key] = hurry
        return key

    def _add(self, key: Key, *, urgent: bool) -> None:
        if self._closed or key in self._urgent or (key in self._ready and not urgent):
            return
        if key in self._working:
            self._again[key] = urgent or self._again.get(key, False)
            return
        self._ready.pop(key, None)
        (self._urgent if urgent else self._ready)[key] = None
        self._changed.notify()

    def _promote(self) -> float | None:
        """Make every key ready whose time has come; give the seconds until the next one."""
        while self._later:
            at, _, key, urgent = self._later[0]
            if self._due.get(key) != at:  # an earlier wish replaced this one, or took it along
                heapq.heappop(self._later)
                continue
            pause = at - self._clock()
            if pause > 0:
                return pause
            heapq.heappop(self._later)
            del self._due[key]
            self._add(key, urgent=urgent)
        return None
