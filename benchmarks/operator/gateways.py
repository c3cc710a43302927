"""Many gateways over few sets of twenty plugins: from nothing to rendered, at rest, after a restart, and when lists change.

`SIZES=50,500 make bench-gateways` chooses the sizes. There are no nodes: a gateway counts when its Deployment says what its pods
are to be, and that is the operator's part of it.
"""

from __future__ import annotations

import hashlib
import itertools
import os
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from benchmarks.operator.limit import Limit, bare_rollouts
from benchmarks.operator.meter import MIB, load, percentile, processor, read, read_until
from benchmarks.operator.rollouts import Rollouts
from benchmarks.operator.stage import Stage, together
from mcpg_operator.resources import GATEWAY
from tests.support.cluster.control_plane import PROGRAMS
from tests.support.cluster.objects import plugin_set, revocation_list
from tests.support.components import find

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from benchmarks.operator.meter import Reading
    from benchmarks.operator.rollouts import Wanted
    from tests.support.cluster.operator_process import OperatorProcess
    from tests.support.cluster.publishing import Published

__all__ = ["main"]

PLUGINS = 20
NAMESPACES = 5
RESYNC = 20.0
_CONTROLLER = "gateway"
_IMAGE = "--operator-image=registry.example/mcpg-operator:bench"
_UNUSED = "b" * 64
_SIZES = "50,500"
_PATIENCE = 1.0
"""Seconds for each gateway after which a phase counts as stuck."""
_QUIET = 4.0
"""Seconds without a write after which a phase is over; gateways whose pods do not come up are looked at every half minute."""


@dataclass(slots=True, kw_only=True)
class Figures:
    """What one size came to, for comparison with the other: seconds, and bytes."""

    count: int
    converge: float = 0
    converge_cpu: float = 0
    reads: float = 0
    writes: float = 0
    idle_reads: float = 0
    idle_writes: float = 0
    idle_cpu: float = 0
    list_changed: float = 0
    list_cpu: float = 0
    revoked: float = 0
    revoked_cpu: float = 0
    peak: int = 0


def main() -> None:
    missing = [name for name in (*PROGRAMS, "registry-referrers") if find(name) is None]
    if missing:
        print(f"gateways: {', '.join(missing)} not built; run `make tools`")
        return
    print(f"gateways: {PLUGINS} plugins each, of one set in each of {NAMESPACES} namespaces, on a real API server without nodes")
    figures = []
    for size in os.environ.get("SIZES", _SIZES).split(","):
        with Stage.set_up() as stage:
            figures.append(_Run(stage, int(size)).measure())
        sys.stdout.flush()
    for small, large in itertools.pairwise(figures):
        _compare(small, large)


class _Run:
    """One size, on a cluster of its own."""

    def __init__(self, stage: Stage, count: int) -> None:
        self._stage = stage
        self._count = count
        self._seconds = 180 + _PATIENCE * count
        self._figures = Figures(count=count)
        self._rollouts = Rollouts(stage.cluster)

    def measure(self) -> Figures:
        """Take every figure."""
        print(f"{self._count} gateways; {load()}")
        published = self._prepare()
        with self._stage.operator(_IMAGE) as operator, self._stage.eyes() as eyes:
            eyes.ready(PLUGINS, seconds=self._seconds)
            self._settle(operator)
            self._converge(operator)
        with self._stage.operator(_IMAGE, resync=RESYNC) as operator:
            self._restart(operator)
            self._rest(operator)
        with self._stage.operator(_IMAGE) as operator:
            self._settle(operator, passes=self._count)
            self._change(operator, published)
        self._limit()
        self._rollouts.close()
        print(f"  peak memory of all starts          {self._figures.peak / MIB:.0f} MiB")
        return self._figures

    def _prepare(self) -> list[Published]:
        """Ask for all plugins and sets."""
        stage = self._stage
        published = [stage.publish(f"shared-{number}") for number in range(PLUGINS)]
        stage.install((f"shared-{number}", one) for number, one in enumerate(published))
        for number in range(NAMESPACES):
            namespace = stage.cluster.namespace(f"shop-{number}")
            stage.api.apply(plugin_set(namespace, "main", {f"dev.acme.shared-{one}": f"shared-{one}" for one in range(PLUGINS)}))
        return published

    def _converge(self, operator: OperatorProcess) -> None:
        count, start, began = self._count, read(operator, controller=_CONTROLLER), time.monotonic()
        together(self._stage.api.create, _gateways(count))
        created = time.monotonic() - began
        took = self._until(lambda _: True, began=began, what="a Deployment for each gateway")
        end = self._settle(operator)
        found, figures = end.between(start), self._figures
        figures.converge, figures.converge_cpu = took[-1], found.cpu
        figures.reads, figures.writes = sum(found.reads.values()) / count, sum(found.writes.values()) / count
        print(
            f"  all rendered                       {took[-1]:.1f} s from the first, created in {created:.1f} s; "
            f"{found.cpu:.1f} s of processor until quiet; {load()}"
        )
        print(f"  passes a gateway                   {found.passes / count:.2f}")
        print(f"  requests a gateway                 {found.per(count)}")
        self._remember(end)

    def _restart(self, operator: OperatorProcess) -> None:
        end = self._settle(operator, passes=self._count)
        print(
            f"  restarted, until quiet             {end.cpu:.1f} s of processor, {end.passes / self._count:.2f} passes a gateway"
        )
        print(f"  requests a gateway                 {end.per(self._count)}")

    def _rest(self, operator: OperatorProcess) -> None:
        """Let every gateway have its pass twice while nothing happens."""
        start = read(operator, controller=_CONTROLLER)
        end = read_until(
            operator,
            lambda one: one.passes - start.passes >= 2 * self._count,
            seconds=self._seconds + 5 * RESYNC,
            what="two resyncs",
            pause=2,
            controller=_CONTROLLER,
        )
        found, figures = end.between(start), self._figures
        passes, writes = found.passes, sum(found.writes.values())
        figures.idle_writes, figures.idle_reads = writes / passes, sum(found.reads.values()) / passes
        figures.idle_cpu = found.cpu / passes
        missed = f", MISSED: {found.writes}" if writes else ""
        print(
            f"  idle, resync every {RESYNC:<4g} s          {writes / passes:g} writes a pass (goal 0{missed}), "
            f"{figures.idle_cpu * 1000:.2f} ms of processor a pass; {load()}"
        )
        print(f"  requests a pass                    {found.per(int(passes))}")
        self._remember(end)

    def _change(self, operator: OperatorProcess, published: list[Published]) -> None:
        """Change the list by an entry that nobody uses, then by one that all use."""
        before, figures = self._rollouts.any().revocations, self._figures
        figures.list_changed, figures.list_cpu = self._listed(
            operator, "an unused entry", ("c" * 64,), lambda one: one.revocations != before
        )
        digest = hashlib.sha256(published[0].release.library).hexdigest()
        figures.revoked, figures.revoked_cpu = self._listed(
            operator, "a plugin of all revoked", ("c" * 64, digest), lambda one: digest not in one.plugins
        )

    def _listed(
        self, operator: OperatorProcess, word: str, hashes: tuple[str, ...], done: Callable[[Wanted], bool]
    ) -> tuple[float, float]:
        """Change the list; gives seconds to the last Deployment, and processor of operator, API server and etcd until then."""
        pids = self._stage.cluster.pids
        start, theirs, began = read(operator, controller=_CONTROLLER), processor(*pids), time.monotonic()
        self._stage.api.apply(revocation_list(_UNUSED, *hashes))
        took = self._until(done, began=began, what=word)
        ours, theirs = processor(operator.program.pid) - start.cpu, processor(*pids) - theirs
        end = self._settle(operator)
        found = end.between(start)
        print(
            f"  {word:<34} p50 {percentile(took, 0.5):.2f} s, last {took[-1]:.2f} s; until then {ours:.1f} s of processor by "
            f"the operator, {theirs:.1f} s by the cluster; {load()}"
        )
        print(f"  requests a gateway, until quiet    {found.per(self._count)}, {found.passes / self._count:.2f} passes")
        self._remember(end)
        return took[-1], ours + theirs

    def _limit(self) -> None:
        """Compare a changed list with what the writes of as many ConfigMaps and Deployments take by themselves."""
        limit: Limit = bare_rollouts(self._stage, self._count, hands=together)
        figures = self._figures
        print(
            f"  {self._count} bare ConfigMaps and Deployments {limit.seconds:.2f} s, {limit.client:.1f} s of processor by "
            f"the client, {limit.servers:.1f} s by the cluster; {load()}"
        )
        for word, seconds, cpu in (
            ("an unused entry", figures.list_changed, figures.list_cpu),
            ("a plugin of all revoked", figures.revoked, figures.revoked_cpu),
        ):
            print(
                f"  {word:<34} {seconds / limit.seconds:.2f} times as long as these writes alone, "
                f"{cpu / (limit.client + limit.servers):.2f} times the processor"
            )

    def _until(self, done: Callable[[Wanted], bool], *, began: float, what: str) -> list[float]:
        return self._rollouts.until(done, self._count, began=began, seconds=self._seconds, what=what)

    def _settle(self, operator: OperatorProcess, *, passes: int = 0) -> Reading:
        """Wait until the operator made so many passes and writes nothing any more, but for its Lease."""
        last: list[tuple[float, float]] = [(-1, 0)]

        def quiet(now: Reading) -> bool:
            written = sum(now.writes.values())
            if written != last[0][0] or not now.judged or now.passes < passes:
                last[0] = written, now.at
            return now.at - last[0][1] >= _QUIET

        return read_until(
            operator, quiet, seconds=self._seconds, what="the operator to be quiet", pause=0.5, controller=_CONTROLLER
        )

    def _remember(self, found: Reading) -> None:
        self._figures.peak = max(self._figures.peak, found.peak)


def _gateways(count: int) -> Iterator[dict[str, Any]]:
    for number in range(count):
        metadata = {"name": f"gateway-{number}", "namespace": f"shop-{number % NAMESPACES}"}
        spec = {"pluginSetRef": {"name": "main"}}
        yield {"apiVersion": GATEWAY.api_version, "kind": GATEWAY.name, "metadata": metadata, "spec": spec}


def _compare(small: Figures, large: Figures) -> None:
    """Print what a gateway costs at one size as a multiple of what it costs at the other: 1 where the cost grows linearly."""
    times = large.count / small.count
    print(f"from {small.count} to {large.count} gateways, cost of one as a multiple (1: the total grows linearly)")
    for name, ratio in (
        ("to converge, seconds", large.converge / small.converge / times),
        ("to converge, processor", large.converge_cpu / small.converge_cpu / times),
        ("requests that read", large.reads / small.reads),
        ("requests that write", large.writes / small.writes),
        ("an idle pass, reads", large.idle_reads / small.idle_reads if small.idle_reads else 1),
        ("an idle pass, processor", large.idle_cpu / small.idle_cpu),
        ("an unused entry, seconds", large.list_changed / small.list_changed / times),
        ("a plugin revoked, seconds", large.revoked / small.revoked / times),
    ):
        print(f"  {name:<34} {ratio:.2f}")
    print(f"  memory of a further gateway        {(large.peak - small.peak) / (large.count - small.count) / 1024:.1f} KiB")
