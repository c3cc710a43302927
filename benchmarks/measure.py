"""Whole processes, measured from outside: wall and CPU seconds from the operating system, peak memory as it ran."""

from __future__ import annotations

import os
import statistics
import subprocess
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_SAMPLE_SECONDS = 0.004


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """One process: seconds, and bytes of peak resident and peak anonymous memory."""

    wall: float
    cpu: float
    resident: int
    anonymous: int
    code: int


def run(command: Sequence[str | Path], *, stdin: bytes | None = None) -> Cost:
    """Run `command` to its end, with its output thrown away."""
    start = time.perf_counter()
    process = subprocess.Popen(
        [str(word) for word in command],
        stdin=subprocess.PIPE if stdin is not None else subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"},
    )
    watcher = _Memory(process.pid)
    watcher.start()
    if stdin is not None and process.stdin is not None:
        process.stdin.write(stdin)
        process.stdin.close()
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    watcher.stop()
    return Cost(
        wall=wall,
        cpu=usage.ru_utime + usage.ru_stime,
        resident=watcher.resident,
        anonymous=watcher.anonymous,
        code=process.returncode,
    )


def pair(ours: Sequence[Sequence[str | Path]], peer: Sequence[Sequence[str | Path]], *, rounds: int) -> tuple[Cost, Cost, float]:
    """Run two sequences of commands in turn and return the median of each and of the ratio ours / peer, by wall time."""
    mine, theirs, ratios = [], [], []
    for number in range(rounds + 1):
        left, right = together(ours), together(peer)
        if number:  # the first round warms caches and is not counted
            mine.append(left)
            theirs.append(right)
            ratios.append(left.wall / right.wall)
    return median(mine), median(theirs), statistics.median(ratios)


def together(commands: Sequence[Sequence[str | Path]]) -> Cost:
    """Run commands one after the other: times add up, memory is the largest."""
    costs = [run(command) for command in commands]
    return Cost(
        wall=sum(cost.wall for cost in costs),
        cpu=sum(cost.cpu for cost in costs),
        resident=max(cost.resident for cost in costs),
        anonymous=max(cost.anonymous for cost in costs),
        code=max(cost.code for cost in costs),
    )


def median(costs: Sequence[Cost]) -> Cost:
    """Take the median of each figure, and the worst exit code."""
    return Cost(
        wall=statistics.median(cost.wall for cost in costs),
        cpu=statistics.median(cost.cpu for cost in costs),
        resident=max(cost.resident for cost in costs),
        anonymous=max(cost.anonymous for cost in costs),
        code=max(cost.code for cost in costs),
    )


def line(label: str, cost: Cost) -> str:
    """Show one cost."""
    mib = 1024 * 1024
    return (
        f"  {label:<44} wall {cost.wall * 1000:8.0f} ms   cpu {cost.cpu * 1000:8.0f} ms   "
        f"resident {cost.resident / mib:5.0f} MiB   anonymous {cost.anonymous / mib:5.0f} MiB   exit {cost.code}"
    )


class _Memory(threading.Thread):
    """Samples a process: its own peak of resident memory, and `RssAnon`, where files it maps do not count.

    `ru_maxrss` of `wait4` is no use: between fork and exec the child has the memory of this process, and that counts.
    """

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self._status = Path(f"/proc/{pid}/status")
        self._ended = threading.Event()
        self.resident = 0
        self.anonymous = 0

    def run(self) -> None:
        while not self._ended.wait(_SAMPLE_SECONDS):
            try:
                text = self._status.read_text()
            except OSError:
                return
            rows = dict(row.partition(":")[::2] for row in text.splitlines())
            self.resident = max(self.resident, _bytes(rows.get("VmHWM")))
            self.anonymous = max(self.anonymous, _bytes(rows.get("RssAnon")))

    def stop(self) -> None:
        self._ended.set()
        self.join()


def _bytes(kilobytes: str | None) -> int:
    """Read such as `  1234 kB`; a process that has ended shows none."""
    return 0 if kilobytes is None else int(kilobytes.split()[0]) * 1024
