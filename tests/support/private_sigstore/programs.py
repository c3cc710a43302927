"""Programs that serve HTTP on loopback: started, waited for, and stopped by their process id."""

from __future__ import annotations

import subprocess
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import httpx

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

__all__ = ["started", "wait_for_file", "wait_until_ready"]

_START_SECONDS = 60
_STOP_SECONDS = 10


@contextmanager
def started(
    command: Sequence[object], *, log: Path, environment: Mapping[str, str] | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a program, its output going to `log`; whatever happens inside, it is gone afterwards."""
    environment = {"HOME": str(log.parent), "TMPDIR": str(log.parent), **(environment or {})}
    with (
        log.open("wb") as output,
        subprocess.Popen(
            [str(word) for word in command],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env=environment,
            cwd=log.parent,
        ) as process,
    ):
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()


def wait_until_ready(url: str, *, process: subprocess.Popen[bytes], log: Path) -> None:
    """Ask `url` until it answers 200."""
    end = time.monotonic() + _START_SECONDS
    with httpx.Client(trust_env=False, timeout=1) as client:
        while process.poll() is None and time.monotonic() < end:
            try:
                if client.get(url).is_success:
                    return
            except httpx.TransportError:
                pass
            time.sleep(0.02)
    raise RuntimeError(f"{url} did not come up: {log.read_text(errors='replace')[-2000:]}")


def wait_for_file(file: Path, *, process: subprocess.Popen[bytes]) -> str:
    """Read what the program writes into `file` when it is ready."""
    end = time.monotonic() + _START_SECONDS
    while process.poll() is None and time.monotonic() < end:
        if file.exists() and (text := file.read_text()):
            return text
        time.sleep(0.01)
    raise RuntimeError(f"`{file.name}` was not written")
