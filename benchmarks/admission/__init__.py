"""Reviews as an API server sends them, to the admission server in a process of its own, over TLS and a few lasting connections.

`REQUESTS=100000 make bench-admission` chooses how many reviews memory is watched over. Times are taken on both sides: on the
server from the last byte of a review to its answer, as in the metric `mcpg_operator_admission_duration_seconds`, and
on the client from the moment it was due to the last byte received, beside an empty Starlette handler in the same process at the
same rate. On a machine that others use too, the ratios and the processor time say more than the times.
"""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING

from benchmarks.admission.client import at_rate, flat_out
from benchmarks.admission.reviews import mixture
from benchmarks.admission.subject import Subject

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["main"]

_REQUESTS = "100000"
_SECONDS = 20
_GOALS = {"50": 10.0, "hashing": 25.0}
"""Milliseconds of the 99th percentile on the server."""


def main() -> None:
    reviews = mixture()
    sizes = sorted(len(body) for _, body in reviews)
    print(f"admission: {len(reviews)} different reviews, median {sizes[len(sizes) // 2]} bytes, largest {sizes[-1]}")
    with Subject.running() as subject:
        empty = [("/empty", body) for _, body in reviews]
        asyncio.run(at_rate(subject.port, reviews, rate=50, seconds=3))
        for rate in (50, 500):
            began = subject.processor()
            beside = asyncio.run(at_rate(subject.empty, empty, rate=rate, seconds=_SECONDS))
            between = subject.processor()
            subject.reset()
            there = asyncio.run(at_rate(subject.port, reviews, rate=rate, seconds=_SECONDS))
            here, ended = subject.seconds(), subject.processor()
            _tell(f"{rate} a second", here, there, beside, goal=_GOALS.get(str(rate)))
            ours, bare = (ended - between) / len(there) * 1000, (between - began) / len(beside) * 1000
            print(f"    processor            a review {ours:.2f} ms, an empty one {bare:.2f} ms, ratio {ours / bare:.1f}")
        subject.reset()
        with subject.hashing():
            there = asyncio.run(at_rate(subject.port, reviews, rate=50, seconds=_SECONDS))
            here = subject.seconds()
            beside = asyncio.run(at_rate(subject.empty, empty, rate=50, seconds=_SECONDS))
        _tell("50 a second while 128 MiB are hashed", here, there, beside, goal=_GOALS["hashing"])
        _memory(subject, reviews, int(os.environ.get("REQUESTS", _REQUESTS)))


def _tell(name: str, here: Sequence[float], there: Sequence[float], beside: Sequence[float], *, goal: float | None) -> None:
    half, most = (_percentile(here, share) * 1000 for share in (0.5, 0.99))
    verdict = "" if goal is None else f" (goal below {goal:g}: {'met' if most < goal else 'MISSED'})"
    print(f"  {name}: {len(here)} reviews")
    print(f"    server side          p50 {half:7.2f} ms  p99 {most:7.2f} ms{verdict}")
    for side, times in (("client side", there), ("empty handler", beside)):
        print(f"    {side:<20} p50 {_percentile(times, 0.5) * 1000:7.2f} ms  p99 {_percentile(times, 0.99) * 1000:7.2f} ms")
    ratios = [_percentile(there, share) / _percentile(beside, share) for share in (0.5, 0.99)]
    print(f"    {'client / empty':<20} p50 {ratios[0]:7.2f}     p99 {ratios[1]:7.2f}")


def _memory(subject: Subject, reviews: Sequence[tuple[str, bytes]], count: int) -> None:
    warm = max(1000, count // 10)
    asyncio.run(flat_out(subject.port, reviews, count=warm))
    before = subject.memory()
    speed = asyncio.run(flat_out(subject.port, reviews, count=count))
    after = subject.memory()
    print(f"  {count} reviews, as fast as they are answered: {speed:.0f} a second")
    print(f"    memory {before / 2**20:.1f} MiB after {warm}, {after / 2**20:.1f} MiB at the end, ratio {after / before:.3f}")


def _percentile(values: Sequence[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else float("nan")
