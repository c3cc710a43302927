"""The operator as a real process on a real API server, at a thousand and at ten thousand plugins.

`SIZES=1000,10000 make bench-operator` chooses the sizes. Everything shares the machine: etcd, API server, registry, operator and
benchmark; the load beside each figure says how much of it was to be had.
"""

from __future__ import annotations

import itertools
import os
import sys

from benchmarks.operator.growth import Figures, measure
from benchmarks.operator.pulls import measure as measure_pulls
from benchmarks.operator.stage import Stage
from tests.support.cluster.control_plane import PROGRAMS
from tests.support.components import find

__all__ = ["main"]

_SIZES = "1000,10000"
_PATIENCE = 0.4
"""Seconds for each object after which a phase counts as stuck."""


def main() -> None:
    missing = [name for name in (*PROGRAMS, "registry-referrers") if find(name) is None]
    if missing:
        print(f"operator: {', '.join(missing)} not built; run `make tools`")
        return
    print("operator: etcd, kube-apiserver, kube-controller-manager, a registry and the operator, each a process of its own")
    with Stage.set_up() as stage:
        measure_pulls(stage)
    figures = []
    for size in os.environ.get("SIZES", _SIZES).split(","):
        with Stage.set_up() as stage:
            figures.append(measure(stage, int(size), patience=_PATIENCE))
        sys.stdout.flush()
    for small, large in itertools.pairwise(figures):
        _compare(small, large)


def _compare(small: Figures, large: Figures) -> None:
    """Print what an object costs at one size as a multiple of what it costs at the other: 1 where the cost grows linearly."""
    times = large.count / small.count
    print(f"from {small.count} to {large.count} objects, cost of one object as a multiple (1: the total grows linearly)")
    for name, ratio in (
        ("to converge, seconds", large.converge / small.converge / times),
        ("to converge, processor", large.converge_cpu / small.converge_cpu / times),
        ("requests that write", large.writes / small.writes),
        ("requests that read", large.reads / small.reads),
        ("judged after a restart, processor", large.restart_cpu / small.restart_cpu / times),
        ("an idle pass, processor", large.idle_cpu / small.idle_cpu),
        ("judged again by a new root, seconds", large.root / small.root),
    ):
        print(f"  {name:<34} {ratio:.2f}")
    print(f"  memory a further object            {(large.peak - small.peak) / (large.count - small.count) / 1024:.1f} KiB")
    print(f"  {'1,000 revoked, p99, whatever is there':<34} {large.revoke / small.revoke:.2f}")
