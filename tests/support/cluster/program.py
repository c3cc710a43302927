"""One real program that a test starts, stops and starts again: always by its own process id."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

__all__ = ["Guard", "Program"]

_GUARD = """
import os, signal, sys
children = set()
for line in sys.stdin:
    change, pid = line.split()
    (children.add if change == "+" else children.discard)(int(pid))
for pid in children:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
"""
"""Reads until whoever started it is gone, however that ended, then ends what is left of its children."""


class Guard:
    """Ends the programs of a test run that was itself killed, so that no API server stays behind."""

    def __init__(self) -> None:
        self._process = subprocess.Popen([sys.executable, "-S", "-c", _GUARD], stdin=subprocess.PIPE, text=True, process_group=0)

    def started(self, pid: int) -> None:
        """Watch over a process."""
        self._tell("+", pid)

    def stopped(self, pid: int) -> None:
        """Forget it, before the system gives its id to another."""
        self._tell("-", pid)

    def close(self) -> None:
        """Let go; nothing is ended that was reported as stopped."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        self._process.wait()

    def _tell(self, change: str, pid: int) -> None:
        if self._process.stdin is not None:
            self._process.stdin.write(f"{change} {pid}\n")
            self._process.stdin.flush()


class Program:
    """A command that can be started again; its output is added to `log`.

    It is the first of a process group of its own, so that Ctrl-C reaches the test run alone, which then stops everything in order.
    """

    def __init__(
        self, command: Sequence[object], *, log: Path, guard: Guard, environment: Mapping[str, str] | None = None
    ) -> None:
        self._command = [str(word) for word in command]
        self._guard = guard
        self._environment = {"HOME": str(log.parent), "TMPDIR": str(log.parent), "PATH": os.defpath, **(environment or {})}
        self._process: subprocess.Popen[bytes] | None = None
        self.log = log

    @property
    def pid(self) -> int:
        """The process id; an error unless it runs."""
        if self._process is None:
            raise RuntimeError(f"`{self._command[0]}` was not started")
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether it was started and has not ended."""
        if self._process is not None and self._process.poll() is not None:
            self._forget()
        return self._process is not None

    def start(self) -> None:
        """Start it; an error where it runs already."""
        if self.running:
            raise RuntimeError(f"`{self._command[0]}` runs already")
        with self.log.open("ab") as output:
            self._process = subprocess.Popen(
                self._command, stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                env=self._environment, cwd=self.log.parent, process_group=0,
            )  # fmt: skip
        self._guard.started(self._process.pid)

    def stop(self, *, grace: float = 10) -> int | None:
        """Ask it to end, insist after `grace` seconds; returns its exit code, None where it did not run."""
        if self._process is None:
            return None
        if grace > 0:
            self.send(signal.SIGTERM)
            try:
                return self.wait(grace)
            except subprocess.TimeoutExpired:
                pass
        return self.kill()

    def kill(self) -> int | None:
        """End it with SIGKILL; returns its exit code, None where it did not run."""
        if self._process is None:
            return None
        self.send(signal.SIGKILL)
        return self.wait(10)

    def send(self, number: signal.Signals) -> None:
        """Send a signal; nothing happens to a process that has ended."""
        if self._process is not None:
            self._process.send_signal(number)

    def wait(self, seconds: float) -> int:
        """Wait for its end; returns its exit code.

        Raises:
            subprocess.TimeoutExpired: it still runs.
        """
        if self._process is None:
            raise RuntimeError(f"`{self._command[0]}` was not started")
        code = self._process.wait(seconds)
        self._forget()
        return code

    def tail(self) -> str:
        """The last lines that it wrote."""
        return self.log.read_text(errors="replace")[-3000:]

    def _forget(self) -> None:
        if self._process is not None:
            self._guard.stopped(self._process.pid)
        self._process = None
