"""Where an array stands in the text of a JSON document, and how one more item is written into it (pure).

The text is valid JSON already; this only finds places, so that whoever edits need not write the whole document anew.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["ArrayPlace", "find_array"]

_TOKEN: Final = re.compile(r'"(?:[^"\\]|\\.)*"|[\[\]{},:]|[^\s"\[\]{},:]+')
_UNIT: Final = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class ArrayPlace:
    """An array in a text, by character positions."""

    start: int
    """Behind the opening bracket."""
    first: int | None
    """Where the first item begins."""
    last: int | None
    """Behind the last item."""
    end: int
    """Of the closing bracket."""

    def put(self, text: str, item: dict[str, str]) -> str:
        """Write one more item, laid out as those that are there."""
        newline = "\r\n" if "\r\n" in text else "\n"
        if self.first is None or self.last is None:
            if "\n" not in text:
                return text[: self.start] + json.dumps(item, ensure_ascii=False) + text[self.end :]
            outer = _indent(text, self.start)
            written = _pretty(item, indent=" " * (len(outer) + _UNIT), newline=newline)
            return f"{text[: self.start]}{newline}{outer}{' ' * _UNIT}{written}{newline}{outer}{text[self.end :]}"
        lead = text[self.start : self.first]
        if "\n" not in lead:
            return f"{text[: self.last]}, {json.dumps(item, ensure_ascii=False)}{text[self.last :]}"
        indent = lead.rpartition("\n")[2]
        several = "\n" in text[self.first : self.last]
        written = _pretty(item, indent=indent, newline=newline) if several else json.dumps(item, ensure_ascii=False)
        return f"{text[: self.last]},{newline}{indent}{written}{text[self.last :]}"


def find_array(text: str, path: tuple[str | int, ...]) -> ArrayPlace | None:
    """Find the array at `path`; None where there is none."""
    return _Scanner(text).find(path)


class _Scanner:
    """Walks over the tokens of a valid document."""

    def __init__(self, text: str) -> None:
        self._tokens: Iterator[re.Match[str]] = _TOKEN.finditer(text)
        self._found: ArrayPlace | None = None

    def find(self, path: tuple[str | int, ...]) -> ArrayPlace | None:
        self._value(next(self._tokens), path)
        return self._found

    def _value(self, token: re.Match[str], path: tuple[str | int, ...] | None) -> int:
        """Read one value and give where it ends; `path` leads from it to what is wanted, None: it is not within."""
        if token[0] == "{":
            return self._object(path)
        if token[0] == "[":
            return self._array(token, path)
        return token.end()

    def _object(self, path: tuple[str | int, ...] | None) -> int:
        token = next(self._tokens)
        while token[0] != "}":
            if token[0] == ",":
                token = next(self._tokens)
            key: Any = json.loads(token[0])
            next(self._tokens)  # the colon
            self._value(next(self._tokens), path[1:] if path and path[0] == key else None)
            token = next(self._tokens)
        return token.end()

    def _array(self, opening: re.Match[str], path: tuple[str | int, ...] | None) -> int:
        first = last = None
        index = 0
        token = next(self._tokens)
        while token[0] != "]":
            if token[0] == ",":
                token = next(self._tokens)
            first = token.start() if first is None else first
            last = self._value(token, path[1:] if path and path[0] == index else None)
            index += 1
            token = next(self._tokens)
        if path == ():
            self._found = ArrayPlace(start=opening.end(), first=first, last=last, end=token.start())
        return token.end()


def _pretty(item: dict[str, str], *, indent: str, newline: str) -> str:
    lines = json.dumps(item, ensure_ascii=False, indent=_UNIT).split("\n")
    return f"{newline}{indent}".join(lines)


def _indent(text: str, position: int) -> str:
    """The white space in front of the line that holds a position."""
    line = text[text.rfind("\n", 0, position) + 1 : position]
    return line[: len(line) - len(line.lstrip())]
