"""What a running operator cost so far: memory and processor time from the kernel, requests from its own metrics."""

from __future__ import annotations

import os
import re
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tests.support.cluster import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.cluster.operator_process import OperatorProcess

MIB = 1024 * 1024
_TICKS = os.sysconf("SC_CLK_TCK")
_LABEL = re.compile(r'(\w+)="([^"]*)"')
_READS = frozenset({"get", "list", "watch"})
_IDLE = "Lease"
"""What is written without anything happening, by anybody who leads."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """Totals since the start of the process; `peak` and `anonymous` are bytes."""

    at: float
    cpu: float
    peak: int
    anonymous: int
    reads: dict[str, float]
    writes: dict[str, float]
    passes: float
    judged: float

    def between(self, earlier: Reading) -> Reading:
        """What came to pass since an earlier reading; memory stays as it is."""
        return Reading(
            at=self.at - earlier.at,
            cpu=self.cpu - earlier.cpu,
            peak=self.peak,
            anonymous=self.anonymous,
            reads=_less(self.reads, earlier.reads),
            writes=_less(self.writes, earlier.writes),
            passes=self.passes - earlier.passes,
            judged=self.judged - earlier.judged,
        )

    def per(self, count: int) -> str:
        """Requests for each of `count` objects, by kind."""
        return f"reads {_shares(self.reads, count)}   writes {_shares(self.writes, count)}"


def read(operator: OperatorProcess, *, controller: str = "plugin") -> Reading:
    """Take a reading, with the passes of one controller; it costs the operator some milliseconds for each thousand plugins."""
    samples = operator.metrics()
    status = Path(f"/proc/{operator.program.pid}/status").read_text()
    rows = dict(row.partition(":")[::2] for row in status.splitlines())
    reads: dict[str, float] = {}
    writes: dict[str, float] = {}
    passes = judged = 0.0
    for name, value in samples.items():
        if name.startswith("mcpg_operator_api_request_total"):
            labels = dict(_LABEL.findall(name))
            if labels["kind"] != _IDLE:
                which = reads if labels["verb"] in _READS else writes
                which[labels["kind"]] = which.get(labels["kind"], 0) + value
        elif name.startswith(f'mcpg_operator_reconcile_total{{controller="{controller}"'):
            passes += value
        elif name.startswith('mcpg_operator_verification_total{layer="cosign"'):
            judged += value
    return Reading(
        at=time.monotonic(),
        cpu=processor(operator.program.pid),
        peak=_bytes(rows["VmHWM"]),
        anonymous=_bytes(rows["RssAnon"]),
        reads=reads,
        writes=writes,
        passes=passes,
        judged=judged,
    )


def processor(*pids: int) -> float:
    """Seconds of processor that processes used so far, by all their threads."""
    stats = [Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split() for pid in pids]
    return sum(int(one[11]) + int(one[12]) for one in stats) / _TICKS


def read_until(
    operator: OperatorProcess,
    done: Callable[[Reading], bool],
    *,
    seconds: float,
    what: str,
    pause: float,
    controller: str = "plugin",
) -> Reading:
    """Read again and again until `done`."""
    found: list[Reading] = []

    def look() -> bool:
        found[:] = [read(operator, controller=controller)]
        return done(found[0])

    wait_until(look, seconds=seconds, what=what, pause=pause)
    return found[0]


def load() -> str:
    """How busy the machine is, the measurement included."""
    return f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"


def percentile(values: list[float], share: float) -> float:
    """The value that a share of the sorted values does not exceed."""
    return values[min(len(values) - 1, int(share * len(values)))]


def against(value: float, goal: float, unit: str) -> str:
    """A figure beside its goal, as a ratio."""
    return f"{value:.2f} {unit}, {value / goal:.2f} of the goal of {goal:g} {unit}{'' if value < goal else ', MISSED'}"


def _less(now: dict[str, float], before: dict[str, float]) -> dict[str, float]:
    return {kind: value - before.get(kind, 0) for kind, value in now.items() if value != before.get(kind, 0)}


def _shares(requests: dict[str, float], count: int) -> str:
    kinds = " ".join(f"{kind} {value / count:.3f}" for kind, value in sorted(requests.items()))
    return f"{sum(requests.values()) / count:.3f}{f' ({kinds})' if kinds else ''}"


def _bytes(kilobytes: str) -> int:
    return int(kilobytes.split(maxsplit=1)[0]) * 1024
