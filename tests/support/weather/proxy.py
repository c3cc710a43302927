"""A proxy on loopback in front of a real registry: it hands every request on, and faults decide what becomes of the answer.

It is a registry to whoever asks: `host` stands in references. What it hands on is complete; the rest is `wire`.
"""

from __future__ import annotations

import http.client
import ssl
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Lock, Thread
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from tests.support.weather.wire import Reply, put_on_wire, reset

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

__all__ = ["Asked", "Fault", "FaultProxy", "Reply", "proxying"]

_HOP: Final = frozenset({"connection", "host", "keep-alive", "transfer-encoding", "accept-encoding"})
_LARGEST: Final = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One request, as it arrived."""

    method: str
    path: str
    headers: Mapping[str, str] = field(repr=False)
    """Names in lower case."""
    body: bytes = field(default=b"", repr=False)


Fault: TypeAlias = "Callable[[Asked, Callable[[], Reply]], Reply | None]"
"""Gets a request and a way to the registry's own answer; None: this request is none of its business."""


class FaultProxy:
    """`host` with its port; `fault` is what the weather is like, None for fine; every request is kept in `asked`."""

    def __init__(self, *, upstream: str, scheme: str) -> None:
        self._upstream = upstream
        self.scheme = scheme
        self.host = ""
        self.fault: Fault | None = None
        self.breaks: Callable[[Asked], int | None] | None = None
        """After how many bytes of a request's body the connection is reset; None: it is read."""
        self.asked: list[Asked] = []
        self.over = Event()
        self._lock = Lock()

    @property
    def url(self) -> str:
        """Scheme and host."""
        return f"{self.scheme}://{self.host}"

    def clear(self) -> None:
        """Let the sun shine, and forget what was asked."""
        self.fault = None
        self.breaks = None
        self.asked = []

    def sent(self, header: str) -> list[str]:
        """What requests sent under one header name."""
        return [found for one in self.asked if (found := one.headers.get(header.lower())) is not None]

    def answer(self, asked: Asked) -> Reply:
        """Say what becomes of a request."""
        with self._lock:
            self.asked.append(asked)
            fault = self.fault
            reply = None if fault is None else fault(asked, lambda: self.fetch(asked))
        return reply or self.fetch(asked)

    def fetch(self, asked: Asked) -> Reply:
        """Ask the registry itself."""
        connection = http.client.HTTPConnection(self._upstream, timeout=20)
        try:
            headers = {name: value for name, value in asked.headers.items() if name not in _HOP}
            connection.request(asked.method, asked.path, body=asked.body or None, headers=headers)
            got = connection.getresponse()
            body = got.read(_LARGEST)
        finally:
            connection.close()
        mine = [(name, self._here(value) if name.lower() == "location" else value) for name, value in got.getheaders()]
        declared = got.getheader("Content-Length")
        length = int(declared) if asked.method == "HEAD" and declared else -1
        return Reply(status=got.status, headers=tuple(mine), body=body, length=length)

    def _here(self, location: str) -> str:
        return location.replace(f"http://{self._upstream}", self.url)


@contextmanager
def proxying(upstream: str, *, certificate: tuple[Path, Path] | None = None) -> Iterator[FaultProxy]:
    """Stand in front of a registry that speaks plain HTTP, on a free port, with TLS where there is a certificate and key."""
    proxy = FaultProxy(upstream=upstream, scheme="http" if certificate is None else "https")

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = 30

        def handle_any(self) -> None:
            headers = {name.lower(): value for name, value in self.headers.items()}
            self.close_connection = True
            asked = Asked(method=self.command, path=self.path, headers=headers)
            limit = None if proxy.breaks is None else proxy.breaks(asked)
            if limit is not None:
                self.rfile.read(limit)
                with suppress(OSError):
                    reset(self.connection)
                return
            asked = replace(asked, body=self._read(headers))
            reply = proxy.answer(asked)
            with suppress(OSError):  # whoever asked may have gone
                put_on_wire(reply, self.connection, without_body=self.command == "HEAD", over=proxy.over)

        do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = handle_any  # noqa: N815 — the base class looks for these

        def _read(self, headers: Mapping[str, str]) -> bytes:
            if headers.get("transfer-encoding", "").lower() != "chunked":
                return self.rfile.read(min(int(headers.get("content-length") or 0), _LARGEST))
            pieces = []
            while size := int(self.rfile.readline(100).partition(b";")[0], 16):
                pieces.append(self.rfile.read(size))
                self.rfile.readline(100)
            self.rfile.readline(100)
            return b"".join(pieces)

        def log_message(self, format: str, *arguments: Any) -> None:  # noqa: A002 — the base class's name
            """Say nothing."""

    class Server(ThreadingHTTPServer):
        request_queue_size = 64

        def handle_error(self, request: Any, client_address: Any) -> None:
            """A client that hangs up is no news."""

        def shutdown_request(self, request: Any) -> None:
            request.close()  # without the farewell that would make a reset look like an end

    with Server(("127.0.0.1", 0), Handler) as server:
        if certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*certificate)
            server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        proxy.host = f"127.0.0.1:{server.server_port}"
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield proxy
        finally:
            proxy.over.set()
            server.shutdown()
            thread.join()
