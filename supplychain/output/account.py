"""What a report in any form is made from: everything that one call found, and the commands that find it again."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from supplychain.output.judgement import Judgement
    from supplychain.report import Fact, Problem, Verdict

__all__ = ["Account", "Checked", "Flaw", "LintAccount", "Repeat", "RuleText", "count"]


def count(number: int, word: str) -> str:
    """Write a number with its noun."""
    return f"{number} {word}" if number == 1 else f"{number} {word}s"


@dataclass(frozen=True, slots=True, kw_only=True)
class Repeat:
    """A command for a POSIX shell, and what it shows."""

    shows: str
    command: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """The judgements of one call."""

    judgements: tuple[Judgement, ...]
    verdict: Verdict
    """Of all targets together."""
    exit_code: int
    version: str
    """Of this package."""
    category: str = "verify"
    """The command, with dashes."""
    notes: tuple[str, ...] = ()
    failures: tuple[Problem, ...] = ()
    """What could not be done with what was judged; a call with one never ends with 0, whatever the verdicts."""
    extra: Mapping[str, Fact] = field(default_factory=dict)
    """What the command knows besides its targets."""
    manifest: str | None = None
    """The one file that asked for every target, where there is one."""
    call: str | None = None
    """The whole call."""
    repeats: tuple[tuple[Repeat, ...], ...] = ()
    """For each judgement in turn; empty where none is known."""

    @property
    def word(self) -> str:
        """The verdict of all targets as it is shown."""
        return next((one.word for one in self.judgements if one.verdict is self.verdict), self.verdict.value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """One object of a manifest."""

    file: str
    line: int
    """Where it begins, from 1."""
    kind: str | None = None
    namespace: str | None = None
    name: str | None = None

    @property
    def title(self) -> str:
        """Kind, namespace and name; the file where there is no object."""
        return "/".join(part for part in (self.kind, self.namespace, self.name) if part) or self.file


@dataclass(frozen=True, slots=True, kw_only=True)
class Flaw:
    """One problem of a manifest; the texts are for people."""

    object: Checked
    line: int
    rule: str
    """Stable word."""
    failing: bool
    """Whether the object would be refused; else it is a warning."""
    field: str
    message: str
    expected: str | None = None
    got: str | None = None
    hint: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleText:
    """What a rule of manifests is about."""

    about: str
    failing: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class LintAccount:
    """What one call of `lint` found."""

    objects: tuple[Checked, ...]
    flaws: tuple[Flaw, ...]
    rules: Mapping[str, RuleText]
    exit_code: int
    version: str
    at: datetime
    notes: tuple[str, ...] = ()
    """Files that could not be read, and the like."""
    call: str | None = None

    def by_file(self) -> Mapping[str, tuple[Sequence[Checked], Sequence[Flaw]]]:
        """Sort objects and problems by their file; files in the order in which they were read."""
        objects: dict[str, list[Checked]] = {}
        flaws: dict[str, list[Flaw]] = {}
        for one in self.objects:
            objects.setdefault(one.file, []).append(one)
        for flaw in self.flaws:
            flaws.setdefault(flaw.object.file, []).append(flaw)
        return {file: (objects.get(file, ()), flaws.get(file, ())) for file in [*objects, *flaws]}
