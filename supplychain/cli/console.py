"""The two streams: the report goes to standard output, whole and in one piece; everything else goes to standard error."""

from __future__ import annotations

import os
import sys
import threading
from datetime import UTC, datetime
from typing import TYPE_CHECKING, TextIO

from supplychain.errors import OutputError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

    from supplychain.errors import SupplyChainError
    from supplychain.output.style import Style
    from supplychain.output.text import Detail

__all__ = ["Console"]


class Console:
    """What a command may say and how; threads may share it."""

    def __init__(
        self,
        *,
        quiet: bool = False,
        verbose: bool = False,
        color: str = "auto",
        clock: Callable[[], datetime] | None = None,
        out: TextIO | None = None,
        err: TextIO | None = None,
    ) -> None:
        self.out = out if out is not None else sys.stdout
        self.err = err if err is not None else sys.stderr
        self.quiet = quiet
        self.verbose = verbose
        self._color = color
        self._clock = clock
        self._lock = threading.Lock()

    @classmethod
    def of(cls, args: argparse.Namespace, *, clock: Callable[[], datetime] | None = None) -> Console:
        """Read the flags that every command has."""
        return cls(quiet=args.quiet, verbose=args.verbose, color=args.color, clock=clock)

    @property
    def detail(self) -> Detail:
        """How much a report says."""
        from supplychain.output.text import Detail

        if self.verbose:
            return Detail.VERBOSE
        return Detail.QUIET if self.quiet else Detail.NORMAL

    def now(self) -> datetime:
        """The time of judgement, UTC, whole seconds."""
        return self._clock() if self._clock is not None else datetime.now(UTC).replace(microsecond=0)

    def style(self, stream: TextIO) -> Style:
        """How `stream` is written."""
        from supplychain.output.style import ColorChoice, choose

        return choose(
            ColorChoice(self._color), terminal=stream.isatty(), encoding=getattr(stream, "encoding", None), environment=os.environ
        )

    def print(self, text: str) -> None:
        """Write to standard output.

        Raises:
            OutputError: it does not take it. BrokenPipeError is left to `main`.
        """
        try:
            self.out.write(_encodable(text, self.out))
            self.out.flush()
        except BrokenPipeError:
            raise
        except (OSError, ValueError) as exc:  # ValueError: the stream is closed
            raise OutputError("cannot write to standard output", got=getattr(exc, "strerror", None) or "a closed stream") from exc

    def note(self, text: str) -> None:
        """Say something that is no part of the report."""
        if not self.quiet:
            self._say(f"note: {text}")

    def error(self, text: str) -> None:
        """Say why there is no report, or what went wrong beside it."""
        self._say(f"error: {text}")

    def refuse(self, error: SupplyChainError) -> None:
        """Explain an error that belongs to no report."""
        from supplychain.findings import problem
        from supplychain.output.text import render_problem

        self.error(render_problem(problem(error)))
        for candidate in error.candidates:
            self._say("  " + render_problem(problem(candidate.error), indent="    "))

    def _say(self, text: str) -> None:
        with self._lock:
            try:
                self.err.write(_encodable(text, self.err) + "\n")
                self.err.flush()
            except (OSError, ValueError):
                return  # nobody is listening; the exit code still answers


def _encodable(text: str, stream: TextIO) -> str:
    encoding = getattr(stream, "encoding", None) or "utf-8"
    return text.encode(encoding, "backslashreplace").decode(encoding)
