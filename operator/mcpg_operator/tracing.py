"""The id that leads from a sample of a metric to the log lines of the same pass or review.

It has the form of a trace id (W3C Trace Context, section 3.2.2.3: 32 hex digits, not all of them zero), so that a review that the
API server traces already keeps the id which it has there.
"""

from __future__ import annotations

import re
import secrets
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["current_trace", "trace_of", "traced"]

_CURRENT: ContextVar[str | None] = ContextVar("trace", default=None)
_HEADER: Final = re.compile(r"[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}(?:-.*)?")


@contextmanager
def traced(trace: str | None = None) -> Iterator[str]:
    """Give everything that this thread or task logs meanwhile the id `trace`, or a new one."""
    trace = trace or secrets.token_hex(16)
    token = _CURRENT.set(trace)
    try:
        yield trace
    finally:
        _CURRENT.reset(token)


def current_trace() -> str | None:
    """Return the id that counts here; None outside of any pass or review."""
    return _CURRENT.get()


def trace_of(header: str) -> str | None:
    """Read the id out of a `traceparent` header; None where there is no usable one."""
    found = _HEADER.fullmatch(header)
    return found[1] if found else None
