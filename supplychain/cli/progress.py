"""A sign of life on a terminal while something takes longer than a second. Nothing in a log file, nothing in CI."""

from __future__ import annotations

import os
import threading
import time
from typing import TYPE_CHECKING, Final, Self, TextIO

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

__all__ = ["Progress", "wanted"]

_DELAY: Final = 1.0
_STEP: Final = 0.5
_NAME_WIDTH: Final = 44
_MIB: Final = 1024 * 1024
_CLEAR: Final = "\r\x1b[K"


def wanted(stream: TextIO, *, quiet: bool) -> bool:
    """Whether `stream` is a terminal that somebody watches."""
    return not quiet and stream.isatty() and not os.environ.get("CI") and os.environ.get("TERM") != "dumb"


class Progress:
    """Shows what is being worked on, and for how long, until it is left. Tasks come and go from any thread."""

    def __init__(self, stream: TextIO, *, enabled: bool, delay: float = _DELAY, step: float = _STEP) -> None:
        self._stream = stream
        self._enabled = enabled
        self._delay = delay
        self._step = step
        self._tasks: dict[str, float] = {}
        self._bytes: dict[str, tuple[int, int]] = {}
        self._lock = threading.Lock()
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def start(self, task: str) -> None:
        """A task begins."""
        with self._lock:
            self._tasks[task] = time.monotonic()

    def finish(self, task: str) -> None:
        """A task is over."""
        with self._lock:
            self._tasks.pop(task, None)

    def follow(self, task: str) -> Callable[[int, int], None]:
        """Give a function that takes the bytes that have arrived and the bytes that are expected."""

        def update(arrived: int, expected: int) -> None:
            self._bytes[task] = (arrived, expected)

        return update

    def line(self) -> str | None:
        """What is to be shown now; None while nothing has taken long."""
        with self._lock:
            now = time.monotonic()
            slow = [(task, now - since) for task, since in self._tasks.items() if now - since >= self._delay]
        if not slow:
            return None
        from supplychain.mirror.budget import waits

        task, seconds = slow[0]
        more = f" and {len(slow) - 1} more" if len(slow) > 1 else ""
        arrived, expected = self._bytes.get(task, (0, 0))
        share = f", {arrived / _MIB:.0f} of {expected / _MIB:.0f} MiB" if expected else ""
        held = "".join(f", waiting {wait.seconds:.0f} s for the budget of {wait.host}" for wait in waits()[:1])
        return f"{task[:_NAME_WIDTH]} … {seconds:.0f} s{share}{more}{held}"

    def __enter__(self) -> Self:
        if self._enabled:
            self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._enabled:
            self._done.set()
            self._thread.join()

    def _watch(self) -> None:
        from supplychain.output.style import clean

        shown = False
        while not self._done.wait(self._step):
            line = self.line()
            if line is not None or shown:
                self._write(_CLEAR + clean(line or ""))
                shown = line is not None
        if shown:
            self._write(_CLEAR)

    def _write(self, text: str) -> None:
        try:
            self._stream.write(text)
            self._stream.flush()
        except (OSError, ValueError):
            self._done.set()  # the terminal is gone
