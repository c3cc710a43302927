"""What it costs to start: CPU beyond the bare interpreter."""

from __future__ import annotations

import sys
from pathlib import Path

from benchmarks.measure import median, run

_ROUNDS = 15


def main() -> None:
    print("start-up: CPU beyond the bare interpreter (goal: below 100 ms)")
    script = Path(sys.executable).parent / "supplychain"
    bare = median([run([sys.executable, "-c", "pass"]) for _ in range(_ROUNDS)])
    for name, words in (("--help", ["--help"]), ("verify --help", ["verify", "--help"])):
        cost = median([run([script, *words]) for _ in range(_ROUNDS)])
        beyond = (cost.cpu - bare.cpu) * 1000
        print(f"  supplychain {name:<32} {beyond:6.0f} ms   ratio to the interpreter {cost.cpu / bare.cpu:.1f}")
