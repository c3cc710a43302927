"""`python -m supplychain`, and the console script `supplychain`."""

from __future__ import annotations

import gc
import os
import signal
import sys
from typing import Final, NoReturn

from supplychain.cli.exit_codes import TERMINATED, code_of
from supplychain.cli.main import main
from supplychain.report import Verdict

__all__ = ["console"]

_GARBAGE_THRESHOLD: Final = 50_000
"""Objects, instead of 700: bounded, because one call may judge hundreds of plugins."""
_STREAMS: Final = (("stdin", "r", os.O_WRONLY), ("stdout", "w", os.O_RDONLY), ("stderr", "w", os.O_WRONLY))
"""In the order of their numbers. A closed standard input or output is opened the wrong way round, so that using it is an error;
what nobody wants to hear on standard error is dropped."""


def console() -> None:
    """Run the command line and end the process with its exit code."""
    # Imports make many objects and no garbage: looking for some after every 700 takes 5 % of a short process.
    gc.set_threshold(_GARBAGE_THRESHOLD)
    _mend_streams()
    signal.signal(signal.SIGTERM, _terminated)
    code = _flushed(main())
    gc.freeze()  # or the interpreter looks through everything once more before it ends: another 10 %
    sys.exit(code)


def _terminated(*_: object) -> NoReturn:
    """End as after Ctrl-C, so that nothing half-written stays."""
    raise SystemExit(TERMINATED)


def _mend_streams() -> None:
    """Give the process three streams, whatever it was started with, that no character can upset.

    Without this, the first file that is opened would take the number of a closed stream, and be written to in its place.
    """
    for name, mode, flags in _STREAMS:
        if getattr(sys, name) is None:
            number = os.open(os.devnull, flags)
            setattr(sys, name, os.fdopen(number, mode, encoding="utf-8"))
    for stream in (sys.stdout, sys.stderr):
        if (reconfigure := getattr(stream, "reconfigure", None)) is not None:
            reconfigure(errors="backslashreplace")


def _flushed(code: int) -> int:
    """Write out what argparse has printed; `code`, unless that was a success that nobody can read."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or the interpreter would try, and complain, once more
        return code or code_of(Verdict.INVALID)
    return code


if __name__ == "__main__":
    console()
