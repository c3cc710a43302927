"""Libraries into shards and back, beside raw zstd and sha256sum; and the memory of `materialise`, which must not grow."""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.large import machine_code
from benchmarks.measure import line, pair, run
from supplychain.delivery import plan_delivery
from supplychain.limits import Limits
from tests.support.builders import build_elf, public_key
from tests.support.stored_plugins import Stored, mount, store, verified

if TYPE_CHECKING:
    from collections.abc import Callable

    from supplychain.verifier import VerifiedPlugin

_MIB = 1024 * 1024
_SIZES = ((23 * _MIB, 3), (256 * _MIB, 1), (512 * _MIB, 1))
_GOAL = 32 * _MIB
_LIMITS = Limits(delivery=256 * _MIB)


def main() -> None:
    print(f"delivery: machine code into shards and back (goals: ratios at most 1.5, materialise at most {_GOAL // _MIB} MiB)")
    with tempfile.TemporaryDirectory() as folder:
        for size, rounds in _SIZES:
            place = Path(folder) / str(size)
            place.mkdir()
            _compare(place, size=size, rounds=rounds)


def _compare(place: Path, *, size: int, rounds: int) -> None:
    code = machine_code()
    library = (build_elf() + code * (size // len(code) + 1))[:size]
    file, stream, back = place / "plugin.so", place / "library.zst", place / "back"
    file.write_bytes(library)
    plugin = verified(library)
    del library
    with plugin.package.artifact as artifact:
        digest = f"sha256:{artifact.sha256}"
        compress = f"zstd -10 -q -f --single-thread -o {stream} {file}"
        _beside("plan_delivery, every shard read", lambda: _pack(plugin), f"{compress} && sha256sum {stream}", rounds=rounds)
        stored = store(plugin, limits=_LIMITS)
    print(f"  {size // _MIB} MiB became {len(stored.shards)} shards, {sum(map(len, stored.shards.values())) / _MIB:.1f} MiB")
    decompress = f"sha256sum {stream} && zstd -d -q -f -c {stream} | sha256sum"
    _beside("open_delivery, every piece read", lambda: _unpack(stored), decompress, rounds=rounds)
    mount(stored, place / "source")
    (place / "release.pub").write_bytes(public_key())
    words: list[str | Path] = ["--source", place / "source", "--target", place / "target", "--key", place / "release.pub"]
    command = [
        Path(sys.executable).parent / "supplychain",
        "materialise",
        "--limit-delivery",
        "256MiB",
        "--digest",
        digest,
        *words,
    ]
    raw = f"sha256sum {stream} && zstd -d -q -f {stream} -o {back} && sha256sum {back} && sha512sum {back}"
    mine, theirs, ratio = pair([command], [["sh", "-c", raw]], rounds=rounds)
    print(line("supplychain materialise", mine))
    print(line("sha256sum; zstd -d; sha256sum; sha512sum", theirs))
    within = "within" if mine.anonymous <= _GOAL and mine.code == 0 else "NOT within"
    print(f"  ratio {ratio:.2f}, memory of its own {mine.anonymous / _MIB:.0f} MiB, {within} the goal")


def _pack(plugin: VerifiedPlugin) -> None:
    with plan_delivery(plugin, limits=_LIMITS) as delivery:
        for shard in delivery.shards:
            delivery.shard_payload(shard)


def _unpack(stored: Stored) -> None:
    for _ in stored.open(limits=_LIMITS).pieces():
        pass


def _beside(label: str, ours: Callable[[], None], raw: str, *, rounds: int) -> None:
    """Run a function and a shell command in turn, and print the median of each and of the ratio."""
    mine, theirs, ratios = [], [], []
    for number in range(rounds + 1):
        start = time.perf_counter()
        ours()
        left, right = time.perf_counter() - start, run(["sh", "-c", raw]).wall
        if number:  # the first round warms caches and is not counted
            mine.append(left)
            theirs.append(right)
            ratios.append(left / right)
    print(
        f"  {label:<44} wall {statistics.median(mine) * 1000:8.0f} ms   beside {statistics.median(theirs) * 1000:8.0f} ms   "
        f"ratio {statistics.median(ratios):.2f}"
    )
