"""A reader at a shell: one real bash per page, every command in order, exactly as typed but for the names of example hosts.

An example host (`registry.example`) stands for a registry on loopback: its name is replaced in commands and saved files before bash
sees them, and put back in what is printed. Nothing else is changed, and no program is wrapped.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from tests.docs.page import Command, File

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from tests.docs.page import Step

__all__ = ["Hosts", "Printed", "differences", "play"]

_SECONDS: Final = 300
_MOST_PRINTED: Final = 4 << 20
_MARK: Final = "-=- end of command"
_WILD: Final = "…"
_ASKS_FOR_CODE: Final = "echo $?"


@dataclass(frozen=True, slots=True)
class Hosts:
    """What each example host is on this machine, `host:port` each."""

    real: Mapping[str, str]

    def to_real(self, text: str) -> str:
        """Put real hosts in place of example hosts."""
        for example, real in self.real.items():
            text = text.replace(example, real)
        return text

    def to_example(self, text: str) -> str:
        """Put the example hosts back."""
        for example, real in self.real.items():
            text = text.replace(real, example)
        return text


@dataclass(frozen=True, slots=True, kw_only=True)
class Printed:
    """What came of one command: standard output and errors as they came, and the exit code."""

    command: Command
    lines: tuple[str, ...]
    code: int


def play(
    steps: Sequence[Step], *, folder: Path, aside: Path, hosts: Hosts, environment: Mapping[str, str]
) -> tuple[Printed, ...]:
    """Do everything that a page says, in `folder`; the script and what it prints lie in `aside`.

    Raises:
        TimeoutError: it takes longer than any page may; everything it started is ended.
        RuntimeError: the shell ended early, or printed without bound.
    """
    commands = [step for step in steps if isinstance(step, Command) and step.not_run is None]
    script, output = aside / "script.sh", aside / "output.txt"
    script.write_text(_script(steps, aside=aside, hosts=hosts), encoding="utf-8")
    with output.open("wb") as printed:
        process = subprocess.Popen(
            ["bash", "--noprofile", "--norc", str(script)],
            cwd=folder, env=dict(environment), stdin=subprocess.DEVNULL, stdout=printed, stderr=printed, start_new_session=True,
        )  # fmt: skip
        try:
            process.wait(_SECONDS)
        except subprocess.TimeoutExpired as error:
            raise TimeoutError(f"the page was not done in {_SECONDS} s: {_tail(output)}") from error
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
    if output.stat().st_size > _MOST_PRINTED:
        raise RuntimeError(f"more than {_MOST_PRINTED} bytes were printed")
    pieces = re.split(rf"\n{_MARK} (\d+)\n", hosts.to_example(output.read_text(encoding="utf-8", errors="replace")))
    if len(pieces) // 2 != len(commands):
        raise RuntimeError(f"the shell ended early: {_tail(output)}")
    return tuple(
        Printed(command=command, lines=tuple(text.splitlines()), code=int(code))
        for command, text, code in zip(commands, pieces[0::2], pieces[1::2], strict=False)
    )


def differences(steps: Sequence[Step], printed: Sequence[Printed]) -> list[str]:
    """Compare with what the page shows: its output, and that a command which fails is followed by the question for its exit code.

    A command without output below it may print anything. `…` stands for anything within a line; alone on a line, for any lines.
    Runs of spaces count as one: columns are as wide as real names are.
    """
    commands = [step for step in steps if isinstance(step, Command)]
    found = []
    for one in printed:
        after = commands[commands.index(one.command) + 1 :][:1]
        if one.code != 0 and [command.text for command in after] != [_ASKS_FOR_CODE]:
            found.append(f"line {one.command.line}: `{one.command.text}` ended with {one.code}, and the page does not say so")
        if one.command.shown and not _matches(one.command.shown, one.lines):
            found.append(
                f"line {one.command.line}: `{one.command.text}` printed\n" + "\n".join(f"    {line}" for line in one.lines)
            )
    return found


def _script(steps: Sequence[Step], *, aside: Path, hosts: Hosts) -> str:
    lines = []
    for number, step in enumerate(steps):
        if isinstance(step, File):
            (aside / f"file-{number}").write_text(hosts.to_real(step.text), encoding="utf-8")
            lines.append(f"mkdir -p \"$(dirname '{step.name}')\" && cp '{aside}/file-{number}' '{step.name}'")
        elif step.not_run is None:
            lines.append(f"{{\n{hosts.to_real(step.text)}\n}} </dev/null")
            lines.append(f"__code=$?; printf '\\n%s %d\\n' '{_MARK}' \"$__code\"; (exit \"$__code\")")
    return "\n".join(lines) + "\n"


def _matches(shown: Sequence[str], lines: Sequence[str]) -> bool:
    pattern = "".join(r"(?:.*\n)*" if line.strip() == _WILD else f"{_line(line)}\\n" for line in _trimmed(shown))
    return re.fullmatch(pattern, "".join(f"{' '.join(line.split())}\n" for line in _trimmed(lines))) is not None


def _line(line: str) -> str:
    return ".*".join(re.escape(part) for part in " ".join(line.split()).split(_WILD))


def _trimmed(lines: Sequence[str]) -> list[str]:
    return "\n".join(line.rstrip() for line in lines).strip("\n").splitlines()


def _tail(output: Path) -> str:
    with output.open("rb") as printed:
        printed.seek(max(0, output.stat().st_size - 2000))
        return printed.read().decode(errors="replace")
