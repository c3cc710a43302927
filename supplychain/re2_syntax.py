"""RE2 patterns as syntax trees, for proofs about what a pattern can match.

Follows the syntax page of google/re2 (`re2/doc/syntax.txt`) with RE2's default options: UTF-8 text, `^` and `$` are the ends of
the text unless `(?m)` is set. Only patterns that RE2 itself compiles are of interest; for those the tree never matches less than
RE2 does. Where telling exactly would take Unicode tables, a set of characters is widened to `ANYTHING`, which makes a proof fail
rather than pass. Capturing, naming and greediness are dropped: they do not change which whole texts match.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, TypeAlias

from supplychain.re2_characters import (
    ANYTHING,
    CONTROLS,
    LETTER_CLASSES,
    NAMED_CLASSES,
    NO_NEWLINE,
    Characters,
    Ranges,
    folded,
    merged,
)

__all__ = ["MAX_DEPTH", "Alternation", "Anchor", "Node", "Place", "Repetition", "Sequence", "SyntaxTreeError", "parse_tree"]

MAX_DEPTH: Final = 32
"""Groups inside each other; the walks over a tree recurse."""

_LAST: Final = 0x10FFFF


class SyntaxTreeError(ValueError):
    """A construct that has no place in a provable pattern; the text names it."""


class Place(StrEnum):
    """Where an assertion of width zero holds."""

    TEXT_BEGIN = "^"
    TEXT_END = "$"
    WORD_BOUNDARY = r"\b"
    NOT_WORD_BOUNDARY = r"\B"


@dataclass(frozen=True, slots=True)
class Anchor:
    """An assertion that consumes nothing."""

    place: Place


@dataclass(frozen=True, slots=True)
class Sequence:
    """One item after the other; none at all matches the empty text."""

    items: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Alternation:
    """Any one of two or more options."""

    options: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Repetition:
    """`item` at least `low` and at most `high` times; no bound above where `high` is None."""

    item: Node
    low: int
    high: int | None


Node: TypeAlias = Anchor | Characters | Sequence | Alternation | Repetition

_SIGNS: Final = {"*": (0, None), "+": (1, None), "?": (0, 1)}
_PLACES: Final = {"A": Place.TEXT_BEGIN, "z": Place.TEXT_END, "b": Place.WORD_BOUNDARY, "B": Place.NOT_WORD_BOUNDARY}

_COUNT = re.compile(r"\{([0-9]+)(,?)([0-9]*)\}")
_GROUP_NAME = re.compile(r"\(\?P?<[^>]*>")
_GROUP_FLAGS = re.compile(r"\(\?([imsU]*)(-[imsU]+)?([:)])")
_HEX = re.compile(r"x(?:([0-9A-Fa-f]{2})|\{([0-9A-Fa-f]+)\})")
_PROPERTY = re.compile(r"[pP](?:\{[^}]*\}|.)")
_OCTAL = re.compile(r"[0-7]{1,3}")
_POSIX = re.compile(r"\[:(\^?)([a-z]+):\]")


def parse_tree(pattern: str) -> Node:
    r"""Read a pattern that RE2 has compiled.

    Raises:
        SyntaxTreeError: `(?m)`, `\C` (half a character), groups nested too deeply, or syntax that RE2 would refuse as well.
    """
    return _Parser(pattern).parse()


@dataclass(slots=True)
class _Frame:
    """An open group: what was read of it so far, and the flags to go back to when it closes."""

    outer_fold: bool
    outer_dot_all: bool
    options: list[Node]
    items: list[Node]

    def option(self) -> Node:
        return self.items[0] if len(self.items) == 1 else Sequence(tuple(self.items))

    def close(self) -> Node:
        options = (*self.options, self.option())
        return options[0] if len(options) == 1 else Alternation(options)


class _Parser:
    def __init__(self, pattern: str) -> None:
        self._text = pattern
        self._at = 0
        self._fold = False
        self._dot_all = False
        self._open: list[_Frame] = [self._frame()]

    def _frame(self) -> _Frame:
        return _Frame(outer_fold=self._fold, outer_dot_all=self._dot_all, options=[], items=[])

    def parse(self) -> Node:
        while self._at < len(self._text):
            self._step()
        if len(self._open) > 1:
            raise SyntaxTreeError("a group is not closed")
        return self._open[0].close()

    def _step(self) -> None:
        frame = self._open[-1]
        match self._text[self._at]:
            case "(":
                self._open_group()
            case ")":
                self._close_group()
            case "|":
                self._at += 1
                frame.options.append(frame.option())
                frame.items = []
            case "*" | "+" | "?" as sign:
                self._repeat(*_SIGNS[sign], width=1)
            case "{" if (count := _COUNT.match(self._text, self._at)) is not None:
                low = int(count[1])
                high = (int(count[3]) if count[3] else None) if count[2] else low
                self._repeat(low, high, width=len(count[0]))
            case _:
                frame.items.extend(self._atom())

    def _atom(self) -> tuple[Node, ...]:
        """Read what stands for itself: usually one node, several for a quoted run."""
        character = self._text[self._at]
        self._at += 1
        match character:
            case "[":
                return (self._character_class(),)
            case "\\":
                return self._escape()
            case "^":
                return (Anchor(Place.TEXT_BEGIN),)
            case "$":
                return (Anchor(Place.TEXT_END),)
            case ".":
                return (ANYTHING if self._dot_all else NO_NEWLINE,)
            case _:
                return (self._literal(character),)

    def _open_group(self) -> None:
        if len(self._open) > MAX_DEPTH:
            raise SyntaxTreeError(f"groups nested deeper than {MAX_DEPTH}")
        frame = self._frame()
        if (flags := _GROUP_FLAGS.match(self._text, self._at)) is not None:
            self._at += len(flags[0])
            self._set_flags(flags[1], (flags[2] or "-")[1:])
            if flags[3] == ")":
                return
        elif (name := _GROUP_NAME.match(self._text, self._at)) is not None:
            self._at += len(name[0])
        elif self._text.startswith("(?", self._at):
            raise SyntaxTreeError("an unknown kind of group")
        else:
            self._at += 1
        self._open.append(frame)

    def _set_flags(self, switched_on: str, switched_off: str) -> None:
        if "m" in switched_on:
            raise SyntaxTreeError("the flag `(?m)` lets `^` and `$` match at every line")
        self._fold = (self._fold or "i" in switched_on) and "i" not in switched_off
        self._dot_all = (self._dot_all or "s" in switched_on) and "s" not in switched_off

    def _close_group(self) -> None:
        if len(self._open) == 1:
            raise SyntaxTreeError("a group is closed that was never opened")
        self._at += 1
        frame = self._open.pop()
        self._fold, self._dot_all = frame.outer_fold, frame.outer_dot_all
        self._open[-1].items.append(frame.close())

    def _repeat(self, low: int, high: int | None, *, width: int) -> None:
        items = self._open[-1].items
        if not items:
            raise SyntaxTreeError("nothing to repeat")
        self._at += width
        if self._text.startswith("?", self._at):
            self._at += 1  # the lazy form matches the same whole texts
        items.append(Repetition(items.pop(), low, high))

    def _literal(self, character: str) -> Characters:
        return folded(character) if self._fold else Characters.of(character)

    def _escape(self) -> tuple[Node, ...]:
        letter = self._text[self._at : self._at + 1]
        if letter == "Q":
            quoted, end, _ = self._text[self._at + 1 :].partition(r"\E")
            self._at += 1 + len(quoted) + len(end)
            return tuple(self._literal(character) for character in quoted)
        if (place := _PLACES.get(letter)) is not None:
            self._at += 1
            return (Anchor(place),)
        escaped = self._escaped()
        return (escaped if isinstance(escaped, Characters) else self._literal(escaped),)

    def _escaped(self) -> Characters | str:
        """Read what may follow a backslash both inside a class and outside: one character, or a set."""
        text, start = self._text, self._at
        letter = text[start : start + 1]
        if (letters := LETTER_CLASSES.get(letter.lower())) is not None:
            self._at += 1
            return self._widened(letters.opposite if letter.isupper() else letters)
        if (unicode_class := _PROPERTY.match(text, start)) is not None:
            self._at += len(unicode_class[0])
            return ANYTHING
        if (number := _HEX.match(text, start)) is not None:
            self._at += len(number[0])
            point = int(number[1] or number[2], 16)
            if point > _LAST:
                raise SyntaxTreeError("a code point that Unicode does not have")
            return chr(point)
        if (octal := _OCTAL.match(text, start)) is not None:
            self._at += len(octal[0])
            return chr(int(octal[0], 8))
        if letter in CONTROLS or (letter.isascii() and letter and not letter.isalnum()):
            self._at += 1
            return CONTROLS.get(letter, letter)
        raise SyntaxTreeError(f"`\\{letter}` has no use here")

    def _character_class(self) -> Characters:
        text = self._text
        negated = text.startswith("^", self._at)
        self._at += negated
        found: list[tuple[int, int]] = []
        first = True
        while first or not text.startswith("]", self._at):
            if self._at >= len(text):
                raise SyntaxTreeError("a character class is not closed")
            found.extend(self._class_item())
            first = False
        self._at += 1
        characters = Characters(merged(found))
        return characters.opposite if negated else characters

    def _class_item(self) -> Ranges:
        if (posix := _POSIX.match(self._text, self._at)) is not None and posix[2] in NAMED_CLASSES:
            self._at += len(posix[0])
            named = NAMED_CLASSES[posix[2]]
            return self._widened(named.opposite if posix[1] else named).ranges
        low = self._class_character()
        if isinstance(low, Characters):
            return low.ranges
        high: Characters | str = low
        after = self._text[self._at : self._at + 2]
        if after.startswith("-") and after not in ("-", "-]"):
            self._at += 1
            high = self._class_character()
        if isinstance(high, Characters) or high < low:
            raise SyntaxTreeError("a range of characters runs backwards")
        return self._widened(Characters(((ord(low), ord(high)),))).ranges

    def _class_character(self) -> Characters | str:
        self._at += 1
        character = self._text[self._at - 1]
        return self._escaped() if character == "\\" else character

    def _widened(self, characters: Characters) -> Characters:
        """Return a set as `(?i)` leaves it: one with letters, or with characters beyond ASCII, may hold anything then."""
        caseless = all(high < ord("A") for _, high in characters.ranges)
        return ANYTHING if self._fold and not caseless else characters
