"""The reviewed list: mutants that survive because they change nothing, each with the reason."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Reviewed", "Survivor", "read"]


@dataclass(frozen=True, slots=True)
class Survivor:
    """A mutant that no test noticed.

    Attributes:
        module: The path from the root of the repository.
        was: The lines that were changed, stripped and joined by line ends.
        now: What they were changed into, in the same form.
        diff: The whole difference, to print.
    """

    module: str
    was: str
    now: str
    diff: str

    @classmethod
    def parse(cls, module: str, diff: str) -> Survivor:
        """Read a unified diff of one function."""
        body = diff.splitlines()[2:]
        was, now = ("\n".join(line[1:].strip() for line in body if line.startswith(sign)) for sign in "-+")
        return cls(module, was, now, diff)


@dataclass(frozen=True, slots=True)
class Reviewed:
    """An explained survivor: `now` may stand for several mutants of the same lines.

    Attributes:
        module: The path from the root of the repository.
        was: The changed lines, stripped.
        now: The accepted replacements, stripped.
        reason: Why none of them can matter.
    """

    module: str
    was: str
    now: tuple[str, ...]
    reason: str

    def explains(self, survivor: Survivor) -> bool:
        """Whether this entry is about `survivor`."""
        return (self.module, self.was) == (survivor.module, survivor.was) and survivor.now in self.now


def read(path: Path) -> tuple[Reviewed, ...]:
    """Read the list.

    Raises:
        ValueError: A reason is missing.
    """
    entries = []
    for table in tomllib.loads(path.read_text()).get("survivor", []):
        now = table["now"] if isinstance(table["now"], list) else [table["now"]]
        entries.append(Reviewed(table["module"], _stripped(table["was"]), tuple(map(_stripped, now)), table["reason"].strip()))
        if not entries[-1].reason:
            raise ValueError(f"no reason: {entries[-1]}")
    return tuple(entries)


def _stripped(text: str) -> str:
    return "\n".join(line.strip() for line in text.strip().splitlines())
