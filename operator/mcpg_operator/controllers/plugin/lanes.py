"""Downloads beside the passes: a bounded number at a time, with room that large ones never take.

Nobody knows how large a plugin is before the registry says so. A download therefore begins in the lane of small ones; once it
turns out to be large and the room of large ones is taken, it gives up and waits for its turn there. So a small one waits for
small ones only, however many large ones there are.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Lanes", "Ticket"]

_LOG = logging.getLogger(__name__)
_LARGE: Final = 16 * 1024 * 1024
"""Bytes from which on a download is large."""
_UNTAKEN: Final = 16
"""Results that wait to be taken; more work is not begun, because each of them holds disk space."""

T = TypeVar("T")


class _WaitError(BaseException):
    """The download is large, and has to wait for others that are; a base exception, so that no layer takes it for an answer."""


class _CancelledError(BaseException):
    """Nobody wants the result any more."""


@dataclass(slots=True, kw_only=True, eq=False)
class Ticket(Generic[T]):
    """One piece of work by name; `attempt` says what it is an answer to."""

    name: str
    attempt: str
    work: Callable[[Ticket[T]], T]
    large: bool = False
    began: float | None = None
    """When it was begun, by the clock of the lanes; None while it waits."""
    result: T | None = None
    done: bool = False
    cancelled: bool = False
    _enter: Callable[[Ticket[T]], bool] = field(repr=False, default=lambda _: True)

    def progress(self, arrived: int, expected: int) -> None:
        """Take note of how far the download has come; ends it where nobody wants it, or it has to wait for its turn."""
        del arrived
        if self.cancelled:
            raise _CancelledError
        if expected >= _LARGE and not self.large:
            self.large = True
            if not self._enter(self):
                raise _WaitError


class Lanes(Generic[T]):
    """Runs work on `threads` threads, which start when they are needed; every method may be called from any thread.

    With `threads=0` nothing runs by itself: `work_once` does, for tests.
    """

    def __init__(
        self,
        *,
        threads: int,
        ready: Callable[[str], None],
        began: Callable[[str], None] = lambda _: None,
        release: Callable[[T], None] = lambda _: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._ready = ready
        self._began = began
        self._release = release
        self._clock = clock
        self._changed = threading.Condition()
        self._waiting: tuple[deque[Ticket[T]], deque[Ticket[T]]] = (deque(), deque())
        """Small or unknown ones, and large ones."""
        self._tickets: dict[str, Ticket[T]] = {}
        self._large_running = 0
        self._untaken = 0
        self._large_room = max(1, threads // 2)
        self._threads = threads
        self._started: list[threading.Thread] = []
        self._closed = False

    def submit(self, name: str, *, attempt: str, work: Callable[[Ticket[T]], T], large: bool = False) -> None:
        """Ask for a piece of work; what was asked for under this name before is cancelled."""
        ticket = Ticket(name=name, attempt=attempt, work=work, large=large, _enter=self._enter_large)
        self.drop(name)
        with self._changed:
            if self._closed:
                return
            self._tickets[name] = ticket
            self._waiting[large].append(ticket)
            self._start()
            self._changed.notify()

    def find(self, name: str) -> Ticket[T] | None:
        """The piece of work of this name, done or not."""
        with self._changed:
            return self._tickets.get(name)

    def seconds(self, ticket: Ticket[T]) -> float:
        """For how long it has been running; 0 while it waits."""
        return 0.0 if ticket.began is None else self._clock() - ticket.began

    def drop(self, name: str) -> None:
        """Cancel a piece of work, or release its result."""
        with self._changed:
            ticket = self._tickets.pop(name, None)
            if ticket is None:
                return
            ticket.cancelled = True  # one that waits is passed over when its turn comes
            self._untaken -= ticket.done
            result, ticket.result = ticket.result, None
            self._changed.notify_all()
        if result is not None:
            self._release(result)

    def close(self) -> None:
        """Begin nothing more, and cancel what runs."""
        with self._changed:
            self._closed = True
            names = list(self._tickets)
            self._changed.notify_all()
        for name in names:
            self.drop(name)

    def work_once(self) -> bool:
        """Do one piece of work on this thread, if there is one that may begin."""
        with self._changed:
            ticket = self._next()
        if ticket is None:
            return False
        self._do(ticket)
        return True

    def _start(self) -> None:
        if len(self._started) < self._threads:
            thread = threading.Thread(target=self._run, name=f"pull-{len(self._started)}", daemon=True)
            self._started.append(thread)
            thread.start()

    def _run(self) -> None:
        while True:
            with self._changed:
                while (ticket := self._next()) is None:
                    if self._closed:
                        return
                    self._changed.wait()
            self._do(ticket)

    def _next(self) -> Ticket[T] | None:
        """Take what may begin now: a large one only where large ones have room, a small one before it."""
        if self._closed or self._untaken >= _UNTAKEN:
            return None
        small, large = self._waiting
        for lane in (small, large):
            while lane and lane[0].cancelled:
                lane.popleft()
        if small:
            ticket = small.popleft()
        elif large and self._large_running < self._large_room:
            ticket = large.popleft()
            self._large_running += 1
        else:
            return None
        ticket.began = self._clock()
        return ticket

    def _enter_large(self, ticket: Ticket[T]) -> bool:
        """Let a download that turns out to be large go on, if there is room; else it goes to the end of its lane."""
        with self._changed:
            if self._large_running < self._large_room:
                self._large_running += 1
                return True
            ticket.began = None
            return False

    def _do(self, ticket: Ticket[T]) -> None:
        result: T | None = None
        again = False
        self._began(ticket.name)
        try:
            result = ticket.work(ticket)
        except _WaitError:
            again = True
        except _CancelledError:
            pass
        except Exception:  # noqa: BLE001 — a defect in one download must not end the thread; the pass finds no result and asks again
            _LOG.exception("a download failed unexpectedly", extra={"object": ticket.name})
        with self._changed:
            if ticket.large and not again:
                self._large_running -= 1
            wanted = not ticket.cancelled and self._tickets.get(ticket.name) is ticket
            if again and wanted:
                self._waiting[True].append(ticket)
            elif wanted:
                ticket.result, ticket.done, result = result, result is not None, None
                self._untaken += ticket.done
                if not ticket.done:
                    del self._tickets[ticket.name]
            self._changed.notify_all()
        if result is not None:
            self._release(result)
        if wanted and not again:
            self._ready(ticket.name)
