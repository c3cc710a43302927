"""What a page tells its reader to do: files to write and commands to type, in order, each with what it shows."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Command", "File", "PageError", "Step", "read", "steps"]

_FENCE: Final = re.compile(r"^(?P<ticks>```+)(?P<language>[a-z]*)\s*$")
_NOT_RUN: Final = re.compile(r"\s+# not run in our tests(?P<reason>.*)$")
_NAMED: Final = re.compile(r"^# (?P<name>[\w./-]+\.ya?ml)(?:$|[,:;] )")
_HERE_DOCUMENT: Final = re.compile(r"<<-?\s*'?(?P<end>\w+)'?")
_PROMPT: Final = "$ "


class PageError(Exception):
    """The page is written in a way that its reader, or the test, cannot follow."""


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """A YAML block whose first line is a comment with the file's name: the reader saves it under that name."""

    line: int
    name: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """What stands behind a prompt, and the lines below it."""

    line: int
    text: str
    shown: tuple[str, ...]
    not_run: str | None = None
    """Why no test runs it, empty where the page does not say why; None: it is run."""


Step: TypeAlias = File | Command


def read(page: Path) -> tuple[Step, ...]:
    """Read the steps of a page.

    Raises:
        PageError: a block that is neither saved nor run nor plain text, or a block without an end.
    """
    return steps(page.read_text(encoding="utf-8"))


def steps(text: str) -> tuple[Step, ...]:
    """The same for a page's text; lines count from 1."""
    found: list[Step] = []
    lines = text.splitlines()
    number = 0
    while number < len(lines):
        fence = _FENCE.match(lines[number])
        number += 1
        if fence is None:
            continue
        end = next((at for at in range(number, len(lines)) if lines[at] == fence["ticks"]), None)
        if end is None:
            raise PageError(f"line {number}: the block has no end")
        found.extend(_block(fence["language"], lines[number:end], first=number + 1))
        number = end + 1
    return tuple(found)


def _block(language: str, lines: list[str], *, first: int) -> list[Step]:
    if language == "console":
        return list(_commands(lines, first=first))
    if language == "text":
        return []
    if language == "yaml":
        named = _NAMED.match(lines[0]) if lines else None
        if named is None:
            raise PageError(f"line {first}: a file's first line is a comment with its name, as `# plugin.yaml`")
        return [File(line=first, name=named["name"], text="\n".join(lines) + "\n")]
    raise PageError(f"line {first - 1}: a block is `console`, `yaml` or `text`, not `{language}`")


def _commands(lines: list[str], *, first: int) -> list[Command]:
    if not lines or not lines[0].startswith(_PROMPT):
        raise PageError(f"line {first}: a console block begins with a command")
    starts = [at for at, line in enumerate(lines) if line.startswith(_PROMPT)]
    return [_command(lines[start:end], line=first + start) for start, end in zip(starts, [*starts[1:], len(lines)], strict=True)]


def _command(lines: list[str], *, line: int) -> Command:
    """Cut where the command ends: a backslash at the end of a line continues it, and so does a here-document."""
    typed = 1
    while lines[typed - 1].endswith("\\") and typed < len(lines):
        typed += 1
    here = _HERE_DOCUMENT.search(lines[typed - 1])
    if here is not None:
        if here["end"] not in lines:
            raise PageError(f"line {line}: the here-document has no end `{here['end']}`")
        typed = lines.index(here["end"]) + 1
    text = "\n".join(lines[:typed]).removeprefix(_PROMPT)
    marked = _NOT_RUN.search(text)
    return Command(
        line=line,
        text=text if marked is None else text[: marked.start()],
        shown=tuple(lines[typed:]),
        not_run=None if marked is None else marked["reason"].removeprefix(":").strip(),
    )
