"""`mirror sync` beside `crane copy`: one plugin with a library of 256 MiB, and 1,000 small ones of which nothing changed.

Both sides are the same registry program on loopback with its content on disk; crane verifies nothing.
"""

from __future__ import annotations

import json
import socket
import socketserver
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.large import large_package
from benchmarks.measure import line, median, run
from supplychain.mirror.publish import push
from supplychain.reference import OciReference
from tests.support.builders import build_elf, build_package, public_key
from tests.support.components import find
from tests.support.registries import RunningRegistries

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

_ROUNDS = 5
_PLUGINS = 1000
_JOBS = "8"
_MIB = 1024 * 1024
_LINE = 100_000_000 / 8
"""Bytes a second."""


def main() -> None:
    crane = find("crane")
    if crane is None:
        print("sync: crane is not built; run `tools/build.sh crane`")
        return
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        key = place / "release.pub"
        key.write_bytes(public_key())
        registries = RunningRegistries(place)
        try:
            upstream, mirror = (registries.on_disk(name).host for name in ("upstream", "mirror"))
            package = large_package(place)
            push(package, reference=OciReference.parse(f"{upstream}/acme/large:1.0.0"))
            print(f"sync: a library of 256 MiB, package {package.stat().st_size / _MIB:.0f} MiB, Deflate level 6")
            print("  (goals: at least 0.8 of crane's speed, anonymous memory at most 96 MiB)")
            _large(crane, place=place, upstream=upstream, mirror=mirror, rounds=_ROUNDS)
            with _line_to(upstream) as far:
                print("  with upstream behind a line of 100 Mbit/s:")
                _large(crane, place=place, upstream=far, mirror=mirror, rounds=2)
            _unchanged(crane, place=place, upstream=upstream, mirror=mirror)
        finally:
            registries.close()


def _large(crane: Path, *, place: Path, upstream: str, mirror: str, rounds: int) -> None:
    source = f"{upstream}/acme/large:1.0.0"
    ours, theirs, ratios = [], [], []
    for number in range(rounds + 1):
        fresh = f"{mirror}/{uuid.uuid4().hex[:12]}"
        left = run(_sync(place, [source], upstream=upstream, to=fresh))
        right = run([crane, "copy", "--insecure", source, f"{fresh}-crane/large:1.0.0"])
        if number:  # the first round warms caches
            ours.append(left)
            theirs.append(right)
            ratios.append(right.wall / left.wall)
    print(line("supplychain mirror sync", median(ours)))
    print(line("crane copy", median(theirs)))
    print(f"  speed {statistics.median(ratios):.2f} of crane's")


@contextmanager
def _line_to(host: str) -> Iterator[str]:
    """A slow line to a registry on loopback; what it sends back comes at `_LINE` bytes a second, all connections together."""
    name, _, port = host.partition(":")
    lock, free_at = threading.Lock(), [time.monotonic()]

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with socket.create_connection((name, int(port))) as far:
                threading.Thread(target=_pump, args=(self.request, far, lambda _: None), daemon=True).start()
                _pump(far, self.request, self._wait)

        def _wait(self, size: int) -> None:
            with lock:
                free_at[0] = max(free_at[0], time.monotonic()) + size / _LINE
                left = free_at[0] - time.monotonic()
            time.sleep(max(left, 0))

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()


def _pump(source: socket.socket, sink: socket.socket, wait: Callable[[int], None]) -> None:
    try:
        while data := source.recv(64 * 1024):
            wait(len(data))
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        return  # one side hung up


def _unchanged(crane: Path, *, place: Path, upstream: str, mirror: str) -> None:
    print(f"sync: {_PLUGINS} small plugins in one repository, nothing changed")
    names = _publish(place, upstream=upstream)
    state = place / "state"
    first = run(_sync(place, names, upstream=upstream, to=f"{mirror}/ours", state=state))
    print(line("supplychain mirror sync, the first time", first))
    copy: list[str | Path] = [crane, "copy", "--insecure", "--all-tags", "--jobs", _JOBS]
    copy += [names[0].rpartition(":")[0], f"{mirror}/theirs/small"]
    print(line("crane copy --all-tags, the first time", run(copy)))
    ours, theirs, ratios = [], [], []
    for _ in range(_ROUNDS):
        ours.append(run(_sync(place, names, upstream=upstream, to=f"{mirror}/ours", state=state)))
        theirs.append(run(copy))
        ratios.append(ours[-1].wall / theirs[-1].wall)
    print(line("supplychain mirror sync --state", median(ours)))
    print(line("crane copy --all-tags", median(theirs)))
    print(f"  ratio {statistics.median(ratios):.2f}")
    _requests(_sync(place, names, upstream=upstream, to=f"{mirror}/ours", state=state), copy)


def _requests(ours: Sequence[str | Path], theirs: Sequence[str | Path]) -> None:
    """Count requests: ours by our own account, crane's by its log."""
    mine = subprocess.run([*map(str, ours), "--output", "json"], capture_output=True, check=False)
    facts = json.loads(mine.stdout)["extra"]["sync"]
    said = subprocess.run([str(theirs[0]), "--verbose", *map(str, theirs[1:])], capture_output=True, check=False, text=True)
    asked = said.stderr.count("--> ")
    print(f"  requests: ours {facts['readRequests']} for {facts['unchanged']} unchanged plugins, crane {asked}")


def _publish(place: Path, *, upstream: str) -> list[str]:
    names = [f"{upstream}/acme/small:1.0.{number}" for number in range(_PLUGINS)]
    package = place / "small.zip"
    started = time.perf_counter()
    for number, name in enumerate(names):
        package.write_bytes(build_package(artifact=build_elf(payload=b"%d" % number)))
        push(package, reference=OciReference.parse(name))
    print(f"  published in {time.perf_counter() - started:.0f} s")
    return names


def _sync(place: Path, names: Sequence[str], *, upstream: str, to: str, state: Path | None = None) -> list[str | Path]:
    plan = place / "plan.yaml"
    plan.write_text(json.dumps({"plugins": list(names)}))
    command: list[str | Path] = [Path(sys.executable).parent / "supplychain", "mirror", "sync", "-f", plan]
    command += ["--key", place / "release.pub", "--from", f"{upstream}/acme", "--to", to, "--jobs", _JOBS, "--quiet"]
    return command + (["--state", state] if state is not None else [])
