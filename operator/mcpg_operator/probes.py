"""Health, readiness and metrics over HTTP, on every replica, leader or not.

Readiness does not depend on leadership: a rolling update would otherwise wait for ever for a replica that waits for the Lease.
"""

from __future__ import annotations

import logging
import socket
import threading
import time
from typing import TYPE_CHECKING, Final, Protocol

import uvicorn
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from supplychain.errors import InvalidPolicyError

if TYPE_CHECKING:
    from pathlib import Path

    from starlette.requests import Request

    from mcpg_operator.telemetry import Metrics

__all__ = ["Health", "Server", "application"]

_LOG = logging.getLogger(__name__)
_START_SECONDS: Final = 10
_KEEP_ALIVE: Final = 75
"""Scrapers and probes come every 10 to 60 seconds; a shorter time makes each a new connection."""
_BACKLOG: Final = 128


class Health(Protocol):
    """What the probes tell; answered at once, without asking anybody."""

    @property
    def alive(self) -> bool:
        """Whether the process does its work, or could."""
        ...

    @property
    def ready(self) -> bool:
        """Whether this replica may get traffic."""
        ...

    @property
    def reconciling(self) -> bool:
        """Whether this replica leads and knows the cluster."""
        ...


def application(health: Health, metrics: Metrics) -> Starlette:
    """Build the routes; every other path is 404."""

    async def healthz(_: Request) -> Response:
        return _text("ok" if health.alive else "unhealthy", good=health.alive)

    async def readyz(_: Request) -> Response:
        return _text("ready" if health.ready else "not ready", good=health.ready)

    async def reconcilez(_: Request) -> Response:
        return _text("reconciling" if health.reconciling else "watch not synced", good=health.reconciling)

    def scrape(request: Request) -> Response:
        body, content_type = metrics.render(request.headers.get("accept"))
        return Response(body, headers={"Content-Type": content_type})

    paths = {"/healthz": healthz, "/readyz": readyz, "/reconcilez": reconcilez, "/metrics": scrape}
    app = Starlette(routes=[Route(path, endpoint) for path, endpoint in paths.items()])
    app.router.redirect_slashes = False
    return app


class Server:
    """One HTTP server in a thread of its own, with TLS where there is a certificate."""

    def __init__(self, app: Starlette, bind: tuple[str, int], *, cert_dir: Path | None = None, flag: str = "") -> None:
        """Bind the address.

        Raises:
            InvalidPolicyError: the address cannot be bound, or the certificate cannot be read; `where` names `flag`.
        """
        self._certificate = () if cert_dir is None else (cert_dir / "tls.crt", cert_dir / "tls.key")
        config = uvicorn.Config(
            app,
            loop="uvloop",
            http="httptools",
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_keep_alive=_KEEP_ALIVE,
            timeout_graceful_shutdown=2,
            ssl_certfile=self._certificate[0] if self._certificate else None,
            ssl_keyfile=self._certificate[1] if self._certificate else None,
        )
        try:
            config.load()
        except OSError as exc:
            raise InvalidPolicyError("the certificate cannot be used", got=str(exc)[:200], where="`--tls-cert-dir`") from exc
        self._loaded = self._written()
        self._config = config
        self._server = uvicorn.Server(config)
        try:
            family = socket.AF_INET6 if ":" in bind[0] else socket.AF_INET
            self._socket = socket.create_server(bind, family=family, backlog=_BACKLOG)
        except OSError as exc:
            where = f"`{bind[0]}:{bind[1]}`, {flag}" if flag else f"`{bind[0]}:{bind[1]}`"
            raise InvalidPolicyError("the address cannot be bound", got=str(exc)[:200], where=where) from exc
        self._thread = threading.Thread(target=self._serve, name="http", daemon=True)

    @property
    def port(self) -> int:
        """The bound port."""
        port: int = self._socket.getsockname()[1]
        return port

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

    def renew(self) -> None:
        """Take a changed certificate into use, for new connections; a bad one is logged and the old one stays."""
        written = self._written()
        if self._config.ssl is None or written == self._loaded:
            return
        self._loaded = written
        try:
            self._config.ssl.load_cert_chain(*self._certificate)
        except OSError as exc:
            _LOG.warning("the changed certificate cannot be used, the last one stays: %s", exc)

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

    def _written(self) -> tuple[int, ...]:
        try:
            return tuple(one.stat().st_mtime_ns for one in self._certificate)
        except OSError:
            return ()


def _text(text: str, *, good: bool) -> Response:
    return PlainTextResponse(text, status_code=200 if good else 503)
