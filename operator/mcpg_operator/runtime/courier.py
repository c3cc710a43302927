"""A thread for what can wait: events are written behind the statuses that they are about, not between them.

While something is urgent they wait altogether, because the API server has only so much processor for both.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Courier"]

_LOG = logging.getLogger(__name__)
_ROOM: Final = 2000
_LOOK: Final = 0.05
_LONGEST: Final = 30.0
"""Seconds for which an errand waits for what is urgent."""


class Courier:
    """Runs errands one after the other on a thread of its own, in their order; `run` may be called from any thread.

    With `room` errands waiting, or after `stop`, whoever brings one more runs it on the spot: nothing is lost or piles up.
    """

    def __init__(
        self, *, room: int = _ROOM, hurried: Callable[[], bool] = lambda: False, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Prepare; while `hurried` says so, errands wait, up to half a minute each and not when there is no room left."""
        self._room = room
        self._hurried = hurried
        self._clock = clock
        self._changed = threading.Condition()
        self._errands: deque[Callable[[], object]] = deque()
        self._running = 0
        self._stopping = False
        self._thread = threading.Thread(target=self._work, name="courier", daemon=True)

    @property
    def alive(self) -> bool:
        """Whether the thread runs."""
        return self._thread.is_alive()

    @property
    def waiting(self) -> int:
        """How many errands are not done yet."""
        with self._changed:
            return len(self._errands) + self._running

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def run(self, errand: Callable[[], object]) -> None:
        """Take an errand, which must not raise."""
        with self._changed:
            taken = not self._stopping and len(self._errands) < self._room
            if taken:
                self._errands.append(errand)
                self._changed.notify()
        if not taken:
            errand()

    def stop(self, timeout: float) -> bool:
        """Finish what waits, for at most so many seconds; says whether all was finished."""
        end = time.monotonic() + timeout
        with self._changed:
            self._stopping = True
            self._changed.notify()
        if self._thread.is_alive():
            self._thread.join(max(0.0, end - time.monotonic()))
        with self._changed:
            return not self._errands and not self._thread.is_alive()

    def _work(self) -> None:
        while True:
            with self._changed:
                while not self._errands:
                    if self._stopping:
                        return
                    self._changed.wait()
                self._let_pass()
                errand = self._errands.popleft()
                self._running = 1
            try:
                errand()
            except Exception:  # noqa: BLE001 — a defect in one errand must not keep the others from being run
                _LOG.exception("an errand failed unexpectedly")
            self._running = 0

    def _let_pass(self) -> None:
        """Wait while something is urgent; others may bring errands meanwhile."""
        end = self._clock() + _LONGEST
        while not self._stopping and len(self._errands) < self._room and self._hurried() and self._clock() < end:
            self._changed.wait(_LOOK)
