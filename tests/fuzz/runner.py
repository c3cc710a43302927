"""Runs a target over changed inputs within bounds, and turns whatever should not happen into a small file.

An input is fine where the target accepts it or refuses it with an error of our tree. Anything else is a finding: another
exception, something that must hold and does not, more processor time or memory than the target allows.
"""

from __future__ import annotations

import contextlib
import hashlib
import re
import resource
import signal
import sys
import time
import traceback
import warnings
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from supplychain.errors import SupplyChainError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.fuzz.target import Target

__all__ = ["Finding", "Session", "TooSlowError", "run"]

_KIB_PER_UNIT = 1 / 1024 if sys.platform == "darwin" else 1
_VALUES = re.compile(r"`[^`]*`?|[0-9]+")
_MINIMISING = 1500
"""Tries to make a finding smaller."""


class TooSlowError(BaseException):
    """An input took too long. Not an `Exception`, so that nothing at the edge of a library can swallow it."""


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One input that broke a rule; `kind` is equal for inputs that break the same one in the same place."""

    target: str
    data: bytes
    kind: str
    report: str

    def save(self, folder: Path) -> Path:
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{self.target}-{hashlib.sha256(self.kind.encode()).hexdigest()[:12]}"
        path.write_bytes(self.data)
        path.with_suffix(".txt").write_text(f"{self.kind}\n\n{self.report}", encoding="utf-8")
        return path


@dataclass(kw_only=True)
class Session:
    """What a run has seen."""

    target: Target
    inputs: int = 0
    accepted: int = 0
    refusals: Counter[str] = field(default_factory=Counter)
    """By class and first words: a run that knows few of them has not got far."""
    findings: dict[str, Finding] = field(default_factory=dict)
    slowest: float = 0.0
    started: float = field(default_factory=time.perf_counter)

    def look(self, data: bytes) -> Finding | None:
        """Judge one input; a finding of a kind that is known already is only counted."""
        self.inputs += 1
        answer, spent = judged(self.target, data)
        self.slowest = max(self.slowest, spent)
        if answer is None:
            self.accepted += 1
        elif isinstance(answer, str):
            self.refusals[answer] += 1
        elif answer.kind not in self.findings:
            self.findings[answer.kind] = answer
            return answer
        return None

    def summary(self) -> str:
        seconds = time.perf_counter() - self.started
        return (
            f"{self.target.name:<22} {self.inputs:>9,} inputs {self.inputs / max(seconds, 1e-9):>8,.0f}/s  "
            f"accepted {100 * self.accepted / max(self.inputs, 1):>5.1f} %  {len(self.refusals):>4} refusals told apart  "
            f"slowest {1000 * self.slowest:>6.1f} ms  {len(self.findings)} findings"
        )


def run(target: Target, *, seed: int, runs: int, first: int = 0, note: Callable[[str], None] = lambda _: None) -> Session:
    """Judge the good inputs, which must be accepted, and then `runs` changed ones. Findings come back as small as they get."""
    session = Session(target=target)
    for name, data in target.good().items():
        answer, _ = judged(target, data, generous=True)
        if answer is not None:
            kind = f"the good input `{name}` is refused: {answer if isinstance(answer, str) else answer.report}"
            session.findings[kind] = Finding(target=target.name, data=data, kind=kind, report=kind)
    said = time.monotonic()
    session.started = time.perf_counter()
    for number in range(first, first + runs):
        finding = session.look(target.input(seed, number))
        if finding is not None:
            session.findings[finding.kind] = smaller = minimised(target, finding)
            note(f"{smaller.kind}: input {number} of seed {seed}, {len(finding.data)} bytes, {len(smaller.data)} when minimised")
        if time.monotonic() - said > 20:
            said = time.monotonic()
            note(session.summary())
    return session


def judged(target: Target, data: bytes, *, generous: bool = False) -> tuple[Finding | str | None, float]:
    """Judge one input: None where it is accepted, the refusal in short, or a finding; and the processor time it took."""
    size = 1 + len(data) / (1 << 20)
    seconds = target.cpu_seconds * size * (30 if generous else 1)
    _forget_peak()
    before, peak = time.process_time(), _peak()
    answer: Finding | str | None = None
    try:
        with _quiet(), _bounded(seconds):
            target.judge(data)
    except SupplyChainError as error:
        answer = _refusal(target, data, error)
    except TooSlowError as error:
        answer = _finding(target, data, error, f"more than {target.cpu_seconds} s of processor time a MiB")
    except Exception as error:  # noqa: BLE001 — this is what fuzzing looks for
        answer = _finding(target, data, error, f"{type(error).__name__} in {_place(error)}")
    spent = time.process_time() - before
    grown = (_peak() - peak) * _KIB_PER_UNIT / 1024
    if grown > target.mebibytes * size and not generous and not isinstance(answer, Finding):
        answer = Finding(
            target=target.name, data=data, kind=f"more than {target.mebibytes} MiB of memory a MiB", report=f"{grown:.0f} MiB"
        )
    return answer, spent


def minimised(target: Target, finding: Finding) -> Finding:
    """Cut pieces out of the input as long as the same thing goes wrong."""
    best, tries = finding, 0
    most = 40 if "processor time" in finding.kind else _MINIMISING
    size = max(len(best.data) // 2, 1)
    while size and tries < most:
        at = 0
        while at < len(best.data) and tries < most:
            tries += 1
            answer, _ = judged(target, best.data[:at] + best.data[at + size :])
            if isinstance(answer, Finding) and answer.kind == finding.kind:
                best = answer
            else:
                at += size
        size //= 2
    return best


def _refusal(target: Target, data: bytes, error: SupplyChainError) -> Finding | str:
    text = str(error)  # building the message must not fail either
    if len(text) > 4096:
        return _finding(target, data, error, f"a message of more than 4096 characters in {_place(error)}")
    return f"{type(error).__name__}: {_VALUES.sub('…', error.what)[:60]}: {_VALUES.sub('…', error.got or '')[:40]}"


def _finding(target: Target, data: bytes, error: BaseException, kind: str) -> Finding:
    return Finding(target=target.name, data=data, kind=kind, report="".join(traceback.format_exception(error))[-6000:])


def _place(error: BaseException) -> str:
    """The last line of ours on the way to the exception."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if "supplychain/" in frame.filename or "tests/fuzz" in frame.filename]
    return f"{'/'.join(ours[-1].filename.split('/')[-2:])}:{ours[-1].lineno}" if ours else "?"


def _forget_peak() -> None:
    """Let the peak start again from what is in use now, where the system can (Linux, proc(5), `clear_refs`)."""
    with contextlib.suppress(OSError), open("/proc/self/clear_refs", "wb", buffering=0) as file:  # noqa: PTH123 — for every input
        file.write(b"5")


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


@contextlib.contextmanager
def _bounded(seconds: float) -> Iterator[None]:
    """Interrupt after so much processor time: other programs on the machine do not count."""

    def interrupt(_number: int, _frame: Any) -> None:
        raise TooSlowError

    before = signal.signal(signal.SIGPROF, interrupt)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Libraries warn about odd certificates; the verdict must be the one that a production process gives."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
