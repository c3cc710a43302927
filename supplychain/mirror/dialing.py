"""Bounded waits below HTTP: for a name, for a connection, for the head of an answer.

The time-outs of the HTTP library begin anew with every packet, hold for each address of a name, and do not hold while the
system's resolver is asked. Here one time is over all of it: a name is looked up in a thread that nobody waits for longer than
that, the addresses share what is left, so that one family that is down leaves time for the other, and the one that worked last
comes first. A server that sends an answer byte by byte gets no more time than one that is silent.
"""

from __future__ import annotations

import ipaddress
import socket
import time
from contextlib import contextmanager
from contextvars import ContextVar
from threading import Event, Lock, Thread
from typing import TYPE_CHECKING, Any, Final

import httpx

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterable, Iterator

    from httpcore import NetworkBackend, NetworkStream

__all__ = ["bound", "within"]

_UNTIL: ContextVar[float] = ContextVar("until")
_NO_LIMIT: Final = float("inf")
_ANOTHER_TRY: Final = 60.0
"""Seconds. A resolver that did not come back by then may never do."""


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """Let no wait of this thread on a bounded connection last beyond `seconds` from now, however many packets come."""
    token = _UNTIL.set(time.monotonic() + seconds)
    try:
        yield
    finally:
        _UNTIL.reset(token)


def bound(client: httpx.Client) -> None:
    """Make all connections of a client obey `within`, those through proxies included; a transport that is no network stays."""
    # The library has no public way to replace what lies below HTTP without giving up its proxies.
    for transport in (client._transport, *client._mounts.values()):  # noqa: SLF001
        if isinstance(transport, httpx.HTTPTransport):
            pool = transport._pool  # noqa: SLF001
            pool._network_backend = _Dialer(pool._network_backend)  # type: ignore[assignment] # noqa: SLF001


class _Dialer:
    """A network backend of the HTTP library."""

    def __init__(self, inner: NetworkBackend) -> None:
        self._inner = inner
        self._worked: dict[tuple[str, int], str] = {}
        """The last good address of each host; written whole, so threads need no lock."""

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> _Stream:
        end = time.monotonic() + _allowed(timeout)
        found = _addresses(host, port, seconds=end - time.monotonic())
        addresses = sorted(found, key=lambda address: address != self._worked.get((host, port)))
        for position, address in enumerate(addresses):
            share = max((end - time.monotonic()) / (len(addresses) - position), 0.001)
            try:
                stream = _Stream(self._inner.connect_tcp(address, port, share, local_address, socket_options))
            except Exception:  # whatever it is: another address may do better
                if position == len(addresses) - 1:
                    raise
            else:
                self._worked[host, port] = address
                return stream
        raise httpx.ConnectError(f"the name `{host[:200]}` has no address")

    def sleep(self, seconds: float) -> None:
        self._inner.sleep(seconds)


class _Stream:
    """A connection of the HTTP library."""

    def __init__(self, inner: NetworkStream) -> None:
        self._inner = inner

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._inner.read(max_bytes, _allowed(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._inner.write(buffer, _allowed(timeout))

    def close(self) -> None:
        self._inner.close()

    def start_tls(self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None) -> _Stream:
        return _Stream(self._inner.start_tls(ssl_context, server_hostname, _allowed(timeout)))

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)


def _allowed(timeout: float | None) -> float:
    """Seconds that a wait may take: what the library says, but not beyond `within`."""
    left = _UNTIL.get(_NO_LIMIT) - time.monotonic()
    if left <= 0:
        raise httpx.ReadTimeout("the time is over")
    return left if timeout is None else min(timeout, left)


def _addresses(host: str, port: int, *, seconds: float) -> tuple[str, ...]:
    """Look a name up; the order is the system's."""
    try:
        ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        pass
    else:
        return (host,)
    asked = _ask(host, port)
    if not asked.over.wait(max(seconds, 0.0)):
        raise httpx.ConnectTimeout(f"the name `{host[:200]}` was not resolved in time")
    if asked.error is None:
        return tuple(dict.fromkeys(asked.found))
    try:
        raise asked.error
    except OSError as exc:
        raise httpx.ConnectError(str(exc)) from exc


class _Question:
    """A name that is being looked up; `found` or `error` when it is over."""

    def __init__(self) -> None:
        self.began = time.monotonic()
        self.over = Event()
        self.found: list[str] = []
        self.error: BaseException | None = None


_OPEN: Final[dict[tuple[str, int], _Question]] = {}
_LOCK: Final = Lock()


def _ask(host: str, port: int) -> _Question:
    """Have a name looked up; whoever wants the same one meanwhile waits for the same answer, so that no threads pile up."""
    with _LOCK:
        asked = _OPEN.get((host, port))
        if asked is None or time.monotonic() - asked.began > _ANOTHER_TRY:
            asked = _Question()
            Thread(target=_look_up, args=(host, port, asked), name="resolver", daemon=True).start()
            _OPEN[host, port] = asked
        return asked


def _look_up(host: str, port: int, asked: _Question) -> None:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        asked.found = [str(address[0]) for *_, address in found]
    except BaseException as exc:  # noqa: BLE001 — carried to the threads that asked
        asked.error = exc
    with _LOCK:
        if _OPEN.get((host, port)) is asked:
            del _OPEN[host, port]
    asked.over.set()
