"""What all clients of a process together may ask of each host in a minute, so that a registry is never stormed.

In any sixty seconds a host gets no more requests than allowed, in the order in which they were wanted. Bytes are counted as they
arrive or leave: when a minute's share is used up nobody reads or sends more, so that at most one piece for each open connection
comes on top. Waiting for one's own budget is no fault of the registry: it counts against nobody's time-out, and is shown.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from supplychain.limits import Limits

__all__ = ["Budget", "Wait", "seconds_waited", "shared", "waits"]

_MINUTE: Final = 60.0
_SHORT: Final = 1.0
"""Seconds. Shorter waits are nobody's concern."""
_GRAIN: Final = 0.25
"""Seconds of which bytes are counted together."""
_HOSTS: Final = 1024
"""Hosts that are remembered although nothing was asked of them in the last minute."""
_LOG: Final = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """Somebody waits for the budget of `host`, for `seconds` more."""

    host: str
    seconds: float


@dataclass(slots=True)
class _Host:
    """The last minute of one host."""

    requests: deque[float] = field(default_factory=deque)
    """When each was or will be sent; never more of them than a minute allows."""
    pieces: deque[tuple[float, int]] = field(default_factory=deque)
    carried: int = 0
    """Bytes of all `pieces`."""
    until: float = 0.0
    """When the last one who waits goes on."""
    logged: float = -_MINUTE

    @property
    def last(self) -> float:
        """When something was last asked or carried, or will be."""
        asked = self.requests[-1] if self.requests else 0.0
        return max(asked, self.pieces[-1][0]) if self.pieces else asked


class Budget:
    """The share of every host; threads may share it, and should.

    Args:
        requests_per_minute: None: no bound.
        bytes_per_minute: None: no bound.
        clock: monotonic, seconds; it and `sleep` are replaced in tests.
    """

    def __init__(
        self,
        *,
        requests_per_minute: int | None = None,
        bytes_per_minute: int | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._requests = requests_per_minute
        self._bytes = bytes_per_minute
        self._clock = clock
        self._sleep = sleep
        self._lock = threading.Lock()
        self._hosts: dict[str, _Host] = {}
        self._waited = 0.0

    @property
    def waited(self) -> float:
        """Seconds that were waited so far, by all together."""
        return self._waited

    def waits(self) -> tuple[Wait, ...]:
        """Say for which hosts somebody waits right now, the longest wait first."""
        with self._lock:
            now = self._clock()
            found = [Wait(host=name, seconds=host.until - now) for name, host in self._hosts.items() if host.until > now]
        return tuple(sorted(found, key=lambda wait: -wait.seconds))

    def request(self, host: str) -> float:
        """Wait until one more request may be sent to `host`; returns the seconds that it took."""
        if self._requests is None and self._bytes is None:
            return 0.0
        # First the room: who had a turn and waited on would go together with those whose turn it is by then.
        waited = self._room(host)
        with self._lock:
            at = self._slot(self._host(host), allowed=self._requests)
            delay = self._reserve(host, at)
        self._pause(delay)
        return waited + delay

    def carried(self, host: str, size: int) -> float:
        """Count bytes, and wait until more of them may come; returns the seconds that it took."""
        if self._bytes is None:
            return 0.0
        with self._lock:
            state, now = self._host(host), self._clock()
            if state.pieces and now - state.pieces[-1][0] < _GRAIN:
                at, before = state.pieces.pop()
                state.pieces.append((at, before + size))
            else:
                state.pieces.append((now, size))
            state.carried += size
        return self._room(host)

    def sending(self, body: Iterable[bytes] | bytes, *, host: str) -> Iterable[bytes] | bytes:
        """Count a request's body: whole bytes at once, pieces as each is taken; its length stays known."""
        if isinstance(body, bytes):
            self.carried(host, len(body))
            return body
        return body if self._bytes is None else _Counted(body, count=lambda size: self.carried(host, size))

    def _slot(self, state: _Host, *, allowed: int | None) -> float:
        now = self._clock()
        if allowed is None:
            return now
        at = now
        if len(state.requests) >= allowed:
            at = max(now, state.requests.popleft() + _MINUTE)
        state.requests.append(at)
        return at

    def _room(self, host: str) -> float:
        """Wait until the bytes of the last minute are less than allowed."""
        total = 0.0
        while True:
            with self._lock:
                delay = self._reserve(host, self._free_at(self._host(host)))
            if delay <= 0:
                return total
            self._pause(delay)
            total += delay

    def _free_at(self, state: _Host) -> float:
        """When there is room; bytes leave the account a minute after the last of their grain came."""
        now, left = self._clock(), _MINUTE + _GRAIN
        while state.pieces and state.pieces[0][0] + left <= now:
            state.carried -= state.pieces.popleft()[1]
        over, at = state.carried, now
        if self._bytes is None:
            return now
        for since, size in state.pieces:
            if over < self._bytes:
                break
            over, at = over - size, since + left
        return at

    def _host(self, host: str) -> _Host:
        if host not in self._hosts:
            if len(self._hosts) >= _HOSTS:  # registries may redirect to any number of names
                long_ago = self._clock() - _MINUTE - _GRAIN
                self._hosts = {name: state for name, state in self._hosts.items() if state.last > long_ago}
            self._hosts[host] = _Host()
        return self._hosts[host]

    def _reserve(self, host: str, at: float) -> float:
        """Note that somebody waits until `at`; returns the seconds until then."""
        state, now = self._host(host), self._clock()
        delay = at - now
        if delay <= 0:
            return 0.0
        state.until = max(state.until, at)
        if delay >= _SHORT and now - state.logged >= _MINUTE:
            state.logged = now
            _LOG.info("waiting %.0f seconds for the budget of registry `%s`", delay, host, extra={"registry": host})
        return delay

    def _pause(self, seconds: float) -> None:
        if seconds > 0:
            self._sleep(seconds)
            with self._lock:
                self._waited += seconds


class _Counted:
    """A body that tells of every piece before it is sent."""

    def __init__(self, body: Iterable[bytes], *, count: Callable[[int], float]) -> None:
        self._body = body
        self._count = count

    def __len__(self) -> int:
        return len(self._body)  # type: ignore[arg-type]  # whoever sends pieces of no known length asks for none

    def __iter__(self) -> Iterator[bytes]:
        for piece in self._body:
            self._count(len(piece))
            yield piece


_SHARED: Final[dict[tuple[int | None, int | None], Budget]] = {}
_LOCK: Final = threading.Lock()


def shared(limits: Limits) -> Budget:
    """Return the one budget that all clients of this process with these rates share."""
    key = (limits.requests_per_minute, limits.bytes_per_minute)
    with _LOCK:
        if key not in _SHARED:
            _SHARED[key] = Budget(requests_per_minute=key[0], bytes_per_minute=key[1])
        return _SHARED[key]


def waits() -> tuple[Wait, ...]:
    """Say for which hosts this process waits right now, the longest wait first."""
    return tuple(sorted((wait for budget in _all() for wait in budget.waits()), key=lambda wait: -wait.seconds))


def seconds_waited() -> float:
    """Return the seconds that this process has waited for its budgets so far."""
    return sum(budget.waited for budget in _all())


def _all() -> tuple[Budget, ...]:
    with _LOCK:
        return tuple(_SHARED.values())
