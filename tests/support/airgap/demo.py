"""`make demo-airgap`: three plugins go from a network namespace with a registry to one without a route to it, as files on a medium.

Everything on the way is verified twice: by `supplychain` on each side, and by another look at the same bytes.
"""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from tests.support.airgap import namespaces
from tests.support.airgap.plan import MEDIUM, READY
from tests.support.airgap.telling import Teller, digests
from tests.support.cluster import PROGRAMS
from tests.support.components import find

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["main", "missing"]

_SECONDS = 300


def missing() -> str:
    """Say what is not there; empty where the demonstration can run."""
    programs = [name for name in (*PROGRAMS, "distribution", "crane") if find(name) is None]
    if programs:
        return f"{', '.join(programs)}: not built; run `make tools` (needs Go, takes minutes)"
    return "" if namespaces.supported() else "this machine allows no user and network namespaces (`unshare -rnm`)"


def main() -> int:
    """Show it; returns the exit code."""
    lacking = missing()
    if lacking:
        sys.stdout.write(f"{lacking}\n")
        return 1
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="mcpg-airgap-") as name:
        internet, inside = Path(name) / "internet", Path(name) / "inside"
        internet.mkdir()
        inside.mkdir()
        carrier = Teller("carrier", Path(name))
        with _internet(internet):
            _carry(internet / MEDIUM, inside / MEDIUM, carrier)
            code = _inside(inside, internet)
        carrier.say(f"{'done' if code == 0 else 'failed'}, {time.monotonic() - began:.1f} s")
    return code


@contextmanager
def _internet(folder: Path) -> Iterator[None]:
    """Run that side until the block ends; what it says is passed on until the medium is full."""
    with _started(namespaces.apart("tests.support.airgap.internet", folder), stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if line.rstrip("\n") == READY:
                break
            sys.stdout.write(line)
            sys.stdout.flush()
        else:
            raise RuntimeError(f"the side with internet ended with {process.wait()}")
        yield


def _carry(source: Path, target: Path, teller: Teller) -> None:
    """Copy the files, and nothing but files, and compare both ends."""
    target.mkdir()
    for file in sorted(source.iterdir()):
        shutil.copyfile(file, target / file.name, follow_symlinks=False)
        teller.say(f"carries {file.name}, {file.stat().st_size} bytes")
    teller.check("what arrived is what left, byte for byte", holds=digests(source) == digests(target) != {})


def _inside(folder: Path, internet: Path) -> int:
    with _started(namespaces.apart("tests.support.airgap.inside", folder, internet)) as process:
        return process.wait(_SECONDS)


@contextmanager
def _started(command: list[str], *, stdout: int | None = None) -> Iterator[subprocess.Popen[str]]:
    """Run a side, in a group of its own so that Ctrl-C reaches this process alone; it ends with the block."""
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=stdout, text=True, process_group=0) as process:
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
