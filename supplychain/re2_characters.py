"""Sets of characters as RE2 knows them: literal, class, negation, folding.

Follows the class tables of the syntax page of google/re2 (`re2/doc/syntax.txt`); all of them are ASCII. A set whose exact
members take Unicode tables is widened to `ANYTHING`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["ANYTHING", "CONTROLS", "LETTER_CLASSES", "NAMED_CLASSES", "NO_NEWLINE", "Characters", "Ranges", "folded", "merged"]

Ranges: TypeAlias = tuple[tuple[int, int], ...]

_LAST: Final = 0x10FFFF


@dataclass(frozen=True, slots=True)
class Characters:
    """Exactly one character out of inclusive, sorted ranges of code points that do not touch."""

    ranges: Ranges

    @classmethod
    def of(cls, characters: str) -> Characters:
        """Make the set of these characters."""
        return cls(merged((ord(character), ord(character)) for character in characters))

    @property
    def literal(self) -> str | None:
        """The character, where only one is possible."""
        match self.ranges:
            case ((low, high),) if low == high:
                return chr(low)
            case _:
                return None

    @property
    def opposite(self) -> Characters:
        """Every other character; of `ANYTHING`, which may have been widened, `ANYTHING` again."""
        if self == ANYTHING:
            return self
        gaps: list[tuple[int, int]] = []
        start = 0
        for low, high in self.ranges:
            if low > start:
                gaps.append((start, low - 1))
            start = high + 1
        if start <= _LAST:
            gaps.append((start, _LAST))
        return Characters(tuple(gaps))

    def __contains__(self, character: str) -> bool:
        return any(low <= ord(character) <= high for low, high in self.ranges)


def merged(ranges: Iterable[tuple[int, int]]) -> Ranges:
    """Sort ranges and join those that touch."""
    result: list[tuple[int, int]] = []
    for low, high in sorted(ranges):
        if result and low <= result[-1][1] + 1:
            result[-1] = (result[-1][0], max(high, result[-1][1]))
        else:
            result.append((low, high))
    return tuple(result)


def folded(character: str) -> Characters:
    """Return what a literal matches under `(?i)`."""
    if character.lower() == character.upper():
        return Characters.of(character)
    if not character.isascii():
        return ANYTHING
    return Characters.of(character.lower() + character.upper() + _BEYOND_ASCII.get(character.lower(), ""))


def _class(bounds: str) -> Characters:
    return Characters(tuple((ord(low), ord(high)) for low, high in zip(bounds[::2], bounds[1::2], strict=True)))


ANYTHING: Final = Characters(((0, _LAST),))
NO_NEWLINE: Final = Characters.of("\n").opposite

NAMED_CLASSES: Final = {
    "alnum": _class("09AZaz"),
    "alpha": _class("AZaz"),
    "ascii": _class("\x00\x7f"),
    "blank": _class("\t\t  "),
    "cntrl": _class("\x00\x1f\x7f\x7f"),
    "digit": _class("09"),
    "graph": _class("!~"),
    "lower": _class("az"),
    "print": _class(" ~"),
    "punct": _class("!/:@[`{~"),
    "space": _class("\t\r  "),
    "upper": _class("AZ"),
    "word": _class("09AZ__az"),
    "xdigit": _class("09AFaf"),
}
"""`[:name:]` inside a class."""

LETTER_CLASSES: Final = {"d": _class("09"), "s": _class("\t\n\f\r  "), "w": _class("09AZ__az")}
"""`\\d` and the like; the capital letter is the opposite."""

CONTROLS: Final = {"a": "\a", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}

_BEYOND_ASCII: Final = {"k": "\u212a", "s": "\u017f"}
"""ASCII letters that RE2 folds with a character beyond ASCII."""
