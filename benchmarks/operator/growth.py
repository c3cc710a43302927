"""Many MCPGPlugins over few artifacts: from nothing to all Ready, at rest, after a restart, and when the world changes."""

from __future__ import annotations

import hashlib
import json
import os
import time
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from benchmarks.operator.limit import bare_writes
from benchmarks.operator.meter import MIB, against, load, percentile, processor, read, read_until
from benchmarks.operator.stage import together
from tests.support.cluster.objects import revocation_list
from tests.support.testdata.release import OTHER_SIGSTORE, SIGSTORE

if TYPE_CHECKING:
    from benchmarks.operator.eyes import Eyes
    from benchmarks.operator.stage import Stage
    from tests.support.cluster.operator_process import OperatorProcess
    from tests.support.cluster.publishing import Published

ARTIFACTS = 20
AFFECTED = 1000
"""Plugins that one change of the revocation list concerns."""
SHORTEST_RESYNC = 20.0
PASSES_A_SECOND = 100
"""How often plugins are looked at in the measurement at rest; with the default interval ten thousand are 17 a second."""
MEMORY_GOAL = 256.0
REVOCATION_GOAL = 2.0
ROOT_GOAL = 10.0


@dataclass(slots=True, kw_only=True)
class Figures:
    """What one size came to, for comparison with the other: seconds, and bytes."""

    count: int
    converge: float = 0
    converge_cpu: float = 0
    writes: float = 0
    reads: float = 0
    peak: int = 0
    restart: float = 0
    restart_cpu: float = 0
    idle_cpu: float = 0
    revoke: float = 0
    revoke_cpu: float = 0
    """Of operator, API server and etcd."""
    root: float = 0


def measure(stage: Stage, count: int, *, patience: float) -> Figures:
    """Take every figure at one size; `patience` is how many seconds each object may cost before it counts as a failure."""
    seconds = 120 + patience * count
    figures = Figures(count=count)
    print(f"{count} MCPGPlugins over {ARTIFACTS} artifacts, every layer configured; {load()}")
    published = [stage.publish(f"shared-{number}") for number in range(ARTIFACTS)]
    began = time.monotonic()
    stage.install((f"plugin-{number}", published[number % ARTIFACTS]) for number in range(count))
    print(f"  created by the benchmark in {time.monotonic() - began:.1f} s")
    with stage.eyes() as eyes:
        with stage.operator() as operator:
            _converge(operator, eyes, figures, seconds=seconds)
        stage.gate.shut()
        with stage.operator(resync=_resync(count)) as operator:
            _restart(operator, figures, seconds=seconds)
            _rest(operator, figures, seconds=seconds)
        with stage.operator() as operator:
            read_until(operator, lambda one: one.judged >= count, seconds=seconds, what="all to be judged", pause=1)
            _revoke(stage, operator, eyes, published, figures, seconds=seconds)
            _root(stage, operator, figures, seconds=seconds)
            figures.peak = max(figures.peak, read(operator).peak)
        _limit(stage, figures)
        stage.gate.open()
    print(f"  peak memory of all starts          {against(figures.peak / MIB, MEMORY_GOAL, 'MiB')}")
    return figures


def _converge(operator: OperatorProcess, eyes: Eyes, figures: Figures, *, seconds: float) -> None:
    count, began = figures.count, time.monotonic()
    eyes.ready(count, seconds=seconds)
    figures.converge = time.monotonic() - began
    # Events are written behind the statuses.
    found = read_until(
        operator, lambda one: one.writes.get("Event", 0) >= count, seconds=seconds, what="an event about each", pause=1
    )
    figures.converge_cpu, figures.peak = found.cpu, found.peak
    figures.writes, figures.reads = sum(found.writes.values()) / count, sum(found.reads.values()) / count
    versions = sum(eyes.updates.values()) / count
    print(f"  all Ready, from the start          {figures.converge:.1f} s, {found.cpu:.1f} s of processor; {load()}")
    print(f"  requests an object                 {found.per(count)}")
    print(f"  versions an object went through    {versions:.3f} (2: created, and one status)")
    print(f"  memory                             peak {found.peak / MIB:.0f} MiB, anonymous {found.anonymous / MIB:.0f} MiB")


def _restart(operator: OperatorProcess, figures: Figures, *, seconds: float) -> None:
    count, began = figures.count, time.monotonic()
    found = read_until(operator, lambda one: one.judged >= count, seconds=seconds, what="all to be judged again", pause=1)
    figures.restart, figures.restart_cpu = found.at - began, found.cpu
    figures.peak = max(figures.peak, found.peak)
    print(
        f"  restarted without a registry       all judged again in {figures.restart:.1f} s, "
        f"{found.cpu:.1f} s of processor; {load()}"
    )
    print(f"  requests an object                 {found.per(count)}")


def _rest(operator: OperatorProcess, figures: Figures, *, seconds: float) -> None:
    """Let every plugin have its pass twice while nothing happens."""
    count = figures.count
    start = read(operator)
    end = read_until(
        operator,
        lambda one: one.passes - start.passes >= 2 * count,
        seconds=seconds + 5 * _resync(count),
        what="two resyncs",
        pause=2,
    )
    found = end.between(start)
    writes = sum(found.writes.values())
    figures.idle_cpu = found.cpu / found.passes
    figures.peak = max(figures.peak, end.peak)
    missed = f", MISSED: {found.writes}" if writes else ""
    print(
        f"  idle, resync every {_resync(count):<4g} s          {writes / found.passes:g} writes a pass (goal 0{missed}), "
        f"{figures.idle_cpu * 1000:.2f} ms of processor a pass, {found.cpu / found.at:.0%} of a core"
    )
    print(f"  requests a pass                    {found.per(int(found.passes))}")


def _resync(count: int) -> float:
    return max(SHORTEST_RESYNC, count / PASSES_A_SECOND)


def _revoke(
    stage: Stage, operator: OperatorProcess, eyes: Eyes, published: list[Published], figures: Figures, *, seconds: float
) -> None:
    """Name artifacts of so many plugins as are to be affected, then take the names off the list again."""
    affected = min(AFFECTED, figures.count)
    named = published[: ARTIFACTS * affected // figures.count]
    hashes = [_hash(one) for one in named]
    for word, names, status in (("revoked", hashes, "False"), ("allowed again", [], "True")):
        ours, theirs = processor(operator.program.pid), processor(*stage.cluster.pids)
        began = time.monotonic()
        stage.api.apply(revocation_list("b" * 64, *names))
        eyes.until(partial(_changed, eyes, began, status, affected), seconds=seconds, what=f"{affected} to be {word}")
        found = eyes.since(began, status=status)
        ours, theirs = processor(operator.program.pid) - ours, processor(*stage.cluster.pids) - theirs
        late = percentile(found, 0.99)
        if names:
            figures.revoke, figures.revoke_cpu = late, ours + theirs
        print(
            f"  {affected} {word:<25} p50 {percentile(found, 0.5):.2f} s, last {found[-1]:.2f} s, "
            f"p99 {against(late, REVOCATION_GOAL, 's') if names else f'{late:.2f} s'}; {load()}"
        )
        print(f"  processor for these                {ours:.1f} s by the operator, {theirs:.1f} s by API server and etcd")


def _limit(stage: Stage, figures: Figures) -> None:
    """Compare the revocation with what the writes of as many statuses take by themselves."""
    affected = min(AFFECTED, figures.count)
    limit = bare_writes(stage, affected, hands=together)
    print(
        f"  {affected} bare status writes          {limit.seconds:.2f} s, {limit.client:.1f} s of processor by the client, "
        f"{limit.servers:.1f} s by API server and etcd; {load()}"
    )
    print(
        f"  the revocation                     {figures.revoke / limit.seconds:.2f} times as long as these writes alone, "
        f"{figures.revoke_cpu / (limit.client + limit.servers):.2f} times the processor"
    )
    cores = os.cpu_count() or 1
    print(f"  so that no operator takes less than {limit.servers / cores:.2f} s here, on {cores} cores that nobody else uses")


def _changed(eyes: Eyes, began: float, status: str, count: int, _seen: object) -> bool:
    return len(eyes.since(began, status=status)) >= count


def _root(stage: Stage, operator: OperatorProcess, figures: Figures, *, seconds: float) -> None:
    """Add a second root to the file: every verdict is made again, and none changes."""
    start = read(operator)
    stage.trust_root.write_bytes(_lines(SIGSTORE.trusted_root(), OTHER_SIGSTORE.trusted_root()))
    noticed = read_until(operator, lambda one: one.judged > start.judged, seconds=seconds, what="it to be noticed", pause=0.1)
    done = read_until(
        operator, lambda one: one.judged - start.judged >= figures.count, seconds=seconds, what="all verdicts", pause=0.2
    )
    figures.root = (done.at - noticed.at) * AFFECTED / figures.count
    found = done.between(noticed)
    print(
        f"  trust root changed, no registry    {figures.count} judged again in {found.at:.2f} s; "
        f"{AFFECTED} in {against(figures.root, ROOT_GOAL, 's')}; {load()}"
    )
    print(f"  requests an object                 {done.between(start).per(figures.count)}")


def _lines(*roots: bytes) -> bytes:
    """One document a line, as a file with several roots has them."""
    return b"".join(json.dumps(json.loads(one)).encode() + b"\n" for one in roots)


def _hash(published: Published) -> str:
    return hashlib.sha256(published.release.library).hexdigest()
