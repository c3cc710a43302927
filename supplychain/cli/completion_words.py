"""What can follow in a command line, read off the parser: commands, flags, and what the values of both are."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

__all__ = ["PREFIXES", "Command", "Flag", "Kind", "Values", "commands"]

PREFIXES: Final = ("oci-layout:", "bundle:")
"""What a target may begin with that is no file name; a path follows."""
_FILES: Final = frozenset({"BUNDLE", "NEW", "OLD", "PLAN", "ZIP"})
_TARGETS: Final = frozenset({"ARTIFACT", "TARGET"})


class Kind(StrEnum):
    """What a shell can offer for a value."""

    FILE = "file"
    FOLDER = "folder"
    TARGET = "target"
    """A file, or a path behind one of `PREFIXES`."""
    CHOICE = "choice"
    FREE = "free"
    """Nobody but the user knows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Values:
    """What one value may be; `words` are those of a choice."""

    kind: Kind
    words: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Flag:
    """One flag under all its names; `values` is None where it takes none."""

    names: tuple[str, ...]
    about: str
    values: Values | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """One command and what may follow it; `path` is empty for the program itself."""

    path: tuple[str, ...]
    subcommands: Mapping[str, str]
    """With what they are about."""
    flags: tuple[Flag, ...]
    arguments: tuple[Values, ...]


def commands(parser: argparse.ArgumentParser, path: tuple[str, ...] = ()) -> Iterator[Command]:
    """Walk the parser, each command before its subcommands."""
    children: dict[str, argparse.ArgumentParser] = {}
    about: dict[str, str] = {}
    flags: list[Flag] = []
    arguments: list[Values] = []
    for action in parser._actions:  # noqa: SLF001 — argparse has no public way to list its own arguments
        if isinstance(action, argparse._SubParsersAction):  # noqa: SLF001 — as above
            children |= action.choices
            about |= {one.dest: one.help or "" for one in action._choices_actions}  # noqa: SLF001 — as above
        elif action.option_strings:
            values = None if action.nargs == 0 else _values(action)
            flags.append(Flag(names=tuple(action.option_strings), about=_about(action), values=values))
        else:
            arguments.append(_values(action))
    named = {name: about.get(name, "") for name in children}
    yield Command(path=path, subcommands=named, flags=tuple(flags), arguments=tuple(arguments))
    for name, child in children.items():
        yield from commands(child, (*path, name))


def _values(action: argparse.Action) -> Values:
    if action.choices is not None:
        return Values(kind=Kind.CHOICE, words=tuple(str(choice) for choice in action.choices))
    shown: str | Sequence[str] = action.metavar or ""
    name = shown if isinstance(shown, str) else shown[0]
    if name in _TARGETS:
        return Values(kind=Kind.TARGET)
    if "FILE" in name or name in _FILES:
        return Values(kind=Kind.FILE)
    return Values(kind=Kind.FOLDER if name == "DIR" else Kind.FREE)


def _about(action: argparse.Action) -> str:
    """The first clause of its help."""
    text = (action.help or "").replace("%%", "%")
    return " ".join(text.partition(";")[0].split())
