"""Health, readiness and metrics over HTTP, on every replica, leader or not.

Readiness does not depend on leadership: a rolling update would otherwise wait for ever for a replica that waits for the Lease.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from starlette.applications import Starlette
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

if TYPE_CHECKING:
    from starlette.requests import Request

    from mcpg_operator.telemetry import Metrics

__all__ = ["Health", "application"]


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


def _text(text: str, *, good: bool) -> Response:
    return PlainTextResponse(text, status_code=200 if good else 503)
