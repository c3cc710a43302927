"""One HTTP server in a thread of its own, with TLS where it is given a certificate."""

from __future__ import annotations

import logging
import socket
import threading
import time
from typing import TYPE_CHECKING, Final

import uvicorn

from supplychain.errors import InvalidPolicyError

if TYPE_CHECKING:
    from starlette.types import ASGIApp

    from mcpg_operator.serving.certificate import Certificate

__all__ = ["Server"]

_LOG = logging.getLogger(__name__)
_START_SECONDS: Final = 10
_KEEP_ALIVE: Final = 75
"""Scrapers, probes and reviews come every 10 to 60 seconds; a shorter time makes each a new connection."""
_BACKLOG: Final = 128


class Server:
    """Bound from the first moment, serving from `start` to `stop`."""

    def __init__(
        self, app: ASGIApp, bind: tuple[str, int], *, certificate: Certificate | None = None, flag: str = "", name: str = "http"
    ) -> None:
        """Bind the address; who connects before `start` waits, or is refused where there is no certificate yet.

        Args:
            app: what answers
            bind: host and port; port 0 chooses one
            certificate: what to present; None: plain HTTP
            flag: names the setting in messages
            name: of the thread

        Raises:
            InvalidPolicyError: the address cannot be bound; `where` names `flag`.
        """
        config = uvicorn.Config(
            app,
            loop="uvloop",
            http="httptools",
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            backlog=_BACKLOG,
            timeout_keep_alive=_KEEP_ALIVE,
            timeout_graceful_shutdown=2,
        )
        config.load()
        config.ssl = None if certificate is None else certificate.context
        self._certificate = certificate
        self._server = uvicorn.Server(config)
        self._socket = _bound(bind, flag)
        if self.startable:
            self._socket.listen(_BACKLOG)
        self._thread = threading.Thread(target=self._serve, name=name, daemon=True)

    @property
    def port(self) -> int:
        """The bound port."""
        port: int = self._socket.getsockname()[1]
        return port

    @property
    def startable(self) -> bool:
        """Whether it has what it needs to serve."""
        return self._certificate is None or self._certificate.loaded

    @property
    def begun(self) -> bool:
        """Whether `start` was called."""
        return self._thread.ident is not None

    @property
    def alive(self) -> bool:
        """Whether it serves."""
        return self._thread.is_alive() and self._server.started

    def start(self) -> None:
        """Serve, and return when it does or failed to."""
        self._thread.start()
        end = time.monotonic() + _START_SECONDS
        while not self._server.started and self._thread.is_alive() and time.monotonic() < end:
            time.sleep(0.01)

    def stop(self, timeout: float = 5) -> bool:
        """Stop serving; says whether the thread ended in time."""
        self._server.should_exit = True
        if self._thread.is_alive():
            self._thread.join(timeout)
        self._socket.close()
        return not self._thread.is_alive()

    def _serve(self) -> None:
        try:
            self._server.run(sockets=[self._socket])
        except Exception:  # noqa: BLE001 — its end ends the process, which looks at `alive`
            _LOG.exception("the HTTP server failed")


def _bound(bind: tuple[str, int], flag: str) -> socket.socket:
    found = socket.socket(socket.AF_INET6 if ":" in bind[0] else socket.AF_INET, socket.SOCK_STREAM)
    try:
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        found.bind(bind)
    except OSError as exc:
        found.close()
        where = f"`{bind[0]}:{bind[1]}`, {flag}" if flag else f"`{bind[0]}:{bind[1]}`"
        raise InvalidPolicyError("the address cannot be bound", got=str(exc)[:200], where=where) from exc
    return found
