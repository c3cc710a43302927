"""The connections of a push: which certificates count, and how long an answer may take from its first byte to its last.

The time-outs of the library begin anew with every packet, so an answer that comes byte by byte would never end. Here a timer
shuts the connection when the time of an answer is over, which its reader sees as a connection that broke.
"""

from __future__ import annotations

import socket
import ssl
from contextlib import contextmanager, suppress
from threading import Event, Timer
from typing import TYPE_CHECKING, Any, Final

import requests
from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection

from supplychain.errors import UnreadableFileError
from supplychain.files import read_bounded

if TYPE_CHECKING:
    from collections.abc import Iterator

    from supplychain.files import StrPath

__all__ = ["PushAdapter", "ca_context", "in_time"]

_LARGEST_CA_FILE: Final = 4 * 1024 * 1024


class PushAdapter(HTTPAdapter):
    """Verifies certificates against the usual roots and the CA file together (requests alone would take one or the other).

    Args:
        context: the roots; None: the usual ones.
        seconds: for the head of an answer, and again for its body.
    """

    def __init__(self, context: ssl.SSLContext | None, *, seconds: float) -> None:
        self._context = context
        self._pools = {
            "http": _pool(HTTPConnectionPool, HTTPConnection, seconds=seconds),
            "https": _pool(HTTPSConnectionPool, HTTPSConnection, seconds=seconds),
        }
        super().__init__()

    def init_poolmanager(self, *arguments: Any, **named: Any) -> None:
        """Replace the library's own; see there."""
        super().init_poolmanager(*arguments, ssl_context=self._context, **named)
        self.poolmanager.pool_classes_by_scheme = self._pools

    def proxy_manager_for(self, *arguments: Any, **named: Any) -> Any:
        """Replace the library's own; see there."""
        manager = super().proxy_manager_for(*arguments, ssl_context=self._context, **named)
        manager.pool_classes_by_scheme = self._pools
        return manager


@contextmanager
def in_time(response: requests.Response) -> Iterator[None]:
    """Break the connection of an answer of a `PushAdapter` whose body takes too long to read.

    Raises:
        requests.ReadTimeout: it did.
    """
    found = getattr(response.raw, "supplychain_connection", None)
    if found is None:
        yield
        return
    with _shut_after(found[0], seconds=found[1], late=requests.ReadTimeout("the answer takes too long")):
        yield


def ca_context(ca_file: StrPath) -> ssl.SSLContext:
    """Build the usual roots and those of a file.

    Raises:
        UnreadableFileError: it cannot be read or holds no certificate.
    """
    data = read_bounded(ca_file, limit=_LARGEST_CA_FILE)
    context = ssl.create_default_context()
    try:
        context.load_verify_locations(cadata=data.decode("ascii"))
    except (ssl.SSLError, ValueError) as exc:
        raise UnreadableFileError("no certificates in PEM", where=f"`{ca_file}`", hint="give the CA as PEM") from exc
    return context


def _pool(pool: type, connection: Any, *, seconds: float) -> Any:
    """Make the pool of one scheme; the library chooses classes by scheme, not objects."""

    def getresponse(self: Any) -> Any:
        open_socket = self.sock
        with _shut_after(open_socket, seconds=seconds, late=TimeoutError("the answer takes too long")):
            response = connection.getresponse(self)
        response.supplychain_connection = (open_socket, seconds)
        return response

    timed = type("TimedConnection", (connection,), {"getresponse": getresponse})
    return type("TimedPool", (pool,), {"ConnectionCls": timed})


@contextmanager
def _shut_after(connection: socket.socket, *, seconds: float, late: Exception) -> Iterator[None]:
    """Shut a connection in `seconds`; what was read by then is not all of it, even where it looks so, and ends in `late`."""
    over = Event()
    timer = Timer(seconds, _shut, [connection, over])
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
    if over.is_set():
        raise late


def _shut(connection: socket.socket, over: Event) -> None:
    over.set()
    with suppress(OSError):  # it has ended by itself
        # Not the method of a TLS connection, which would take the keys away from under its reader.
        socket.socket.shutdown(connection, socket.SHUT_RDWR)
