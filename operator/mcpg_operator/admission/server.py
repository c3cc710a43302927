"""The admission server: one path for each kind, every other one is 404.

What the caches can answer is answered at once. What takes longer, because it is large or the API server has to be asked, gets a
thread of its own and a deadline: it delays nobody else, and the API server hears "try again" before it stops waiting.
"""

from __future__ import annotations

import asyncio
import logging
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final, TypeVar, TypeVarTuple, Unpack

from starlette.applications import Starlette
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from mcpg_operator.admission.review import MalformedReviewError, Verdict, answer, parse
from mcpg_operator.resources import CLUSTER, GATEWAY, PLUGIN, PLUGIN_MIRROR, PLUGIN_SET, REVOCATION_LIST, ROUTE, TENANT
from mcpg_operator.tracing import trace_of, traced

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from typing import Any

    from starlette.requests import Request

    from mcpg_operator.admission.metrics import AdmissionMetrics
    from mcpg_operator.admission.review import Review
    from mcpg_operator.admission.reviewer import Draft, Reviewer
    from mcpg_operator.resources import Kind

__all__ = ["BODY_LIMIT", "KINDS", "application", "path_of"]

_Words = TypeVarTuple("_Words")
_Found = TypeVar("_Found")
_LOG = logging.getLogger(__name__)
KINDS: Final = (GATEWAY, PLUGIN_SET, ROUTE, PLUGIN, REVOCATION_LIST, CLUSTER, TENANT, PLUGIN_MIRROR)
"""What is reviewed, in the order of the webhook configuration."""
BODY_LIMIT: Final = 8 * 1024 * 1024
"""Bytes of a review: it holds an object, which etcd bounds to 1.5 MiB, twice."""
_AT_ONCE: Final = 64 * 1024
"""Bytes of a review that is judged where it is read; a larger one would keep others waiting."""
_THREADS: Final = 16
_DEADLINE: Final = 8.0
"""Seconds: less than the ten for which the API server waits."""
_JSON: Final = {"Content-Type": "application/json"}


def path_of(kind: Kind) -> str:
    """Where objects of a kind are reviewed."""
    return f"/validate-{kind.group.replace('.', '-')}-{kind.version}-{kind.name.lower()}"


def application(reviewer: Reviewer, metrics: AdmissionMetrics) -> Starlette:
    """Build the routes."""
    pool = ThreadPoolExecutor(max_workers=_THREADS, thread_name_prefix="review")
    reviews = _Reviews(reviewer, metrics, pool)
    app = Starlette(routes=[Route(path_of(kind), reviews.endpoint(kind), methods=["POST"]) for kind in KINDS])
    app.router.redirect_slashes = False
    return app


class _Reviews:
    def __init__(self, reviewer: Reviewer, metrics: AdmissionMetrics, pool: ThreadPoolExecutor) -> None:
        self._reviewer = reviewer
        self._metrics = metrics
        self._pool = pool

    def endpoint(self, kind: Kind) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        async def review(request: Request) -> Response:
            body = await _body(request)
            if body is None:
                self._metrics.reviewed(kind.name, "unknown", "error", 0.0)
                return PlainTextResponse("the review is too large", status_code=413)
            with traced(trace_of(request.headers.get("traceparent", ""))):
                started = time.perf_counter()
                uid, operation, given = await self._given(kind, body)
                self._metrics.reviewed(kind.name, operation, given.result, time.perf_counter() - started)
                _LOG.debug("reviewed", extra={"kind": kind.name, "operation": operation, "result": given.result})
            return Response(answer(uid, given), headers=_JSON)

        return review

    async def _given(self, kind: Kind, body: bytes) -> tuple[str, str, Verdict]:
        try:
            review = await self._later(parse, body, kind) if len(body) > _AT_ONCE else parse(body, kind)
        except MalformedReviewError as exc:
            return exc.uid, "unknown", Verdict(allowed=False, code=400, message=f"malformed admission review: {exc}")
        try:
            given = await self._verdict(kind, review, large=len(body) > _AT_ONCE)
        except TimeoutError:
            given = Verdict(
                allowed=False, code=503, message="the review took too long: something could not be looked up; try again"
            )
        except Exception:  # noqa: BLE001 — a defect in one rule refuses the object; a broken connection would say nothing
            _LOG.exception("a review failed unexpectedly", extra={"kind": kind.name})
            given = Verdict(allowed=False, code=500, message="the object could not be judged; the operator's log says why")
        return review.uid, review.operation, given

    async def _verdict(self, kind: Kind, review: Review, *, large: bool) -> Verdict:
        draft: Draft
        if large:
            draft = await self._later(self._reviewer.draft, review, kind)
        else:
            draft = self._reviewer.draft(review, kind)
        if draft.final and not large:
            return self._reviewer.answer(review, draft)
        return await self._later(self._reviewer.answer, review, draft)

    async def _later(self, work: Callable[[Unpack[_Words]], _Found], *words: *_Words) -> _Found:
        loop = asyncio.get_running_loop()
        return await asyncio.wait_for(loop.run_in_executor(self._pool, work, *words), _DEADLINE)


async def _body(request: Request) -> bytes | None:
    """Read the body; None where it is larger than any review."""
    length = request.headers.get("content-length", "")
    if length.isdigit() and int(length) > BODY_LIMIT:
        return None
    pieces: list[bytes] = []
    size = 0
    async for piece in request.stream():
        size += len(piece)
        if size > BODY_LIMIT:
            return None
        pieces.append(piece)
    return b"".join(pieces)
