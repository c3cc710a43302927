"""Where a sequence stands in the text of a YAML stream, and how one more item is written into it (pure).

The text is readable already; this only finds places. Layouts that it does not foresee give a text that means something else, so
whoever uses it reads the result again.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import yaml
from yaml import events

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["SequencePlace", "find_sequence"]

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_UNIT: Final = 2
_NULLS: Final = frozenset({"", "~", "null", "Null", "NULL"})


@dataclass(frozen=True, slots=True, kw_only=True)
class SequencePlace:
    """A sequence in a text, by character positions."""

    flow: bool
    """Written with brackets."""
    start: int
    """Of the first dash, or of the opening bracket."""
    column: int
    """Of `start`; of the key in front where it is written with brackets."""
    last: int | None
    """Behind the last thing that is written in it; None where it is empty."""
    fresh: bool
    """Whether `last` is the beginning of a line."""
    end: int
    """Behind the closing bracket."""
    nested: bool
    """Whether the brackets stand within other brackets."""

    def put(self, text: str, item: dict[str, str]) -> str:
        """Write one more item, laid out as those that are there; an empty pair of brackets gives way to lines."""
        newline = "\r\n" if "\r\n" in text else "\n"
        if not self.flow:
            return _behind(text, self.last or 0, _lines(item, self.column, newline), fresh=self.fresh, newline=newline)
        if self.last is not None:
            return f"{text[: self.last]}, {json.dumps(item, ensure_ascii=False)}{text[self.last :]}"
        if self.nested or text[self.start + 1 : self.end - 1].strip():
            return f"{text[: self.end - 1]}{json.dumps(item, ensure_ascii=False)}{text[self.end - 1 :]}"
        head = text[: self.start].rstrip(" ")
        return _behind(
            head + text[self.end :], len(head), _lines(item, self.column + _UNIT, newline), fresh=False, newline=newline
        )


def find_sequence(text: str, *, document: int, path: tuple[str | int, ...]) -> SequencePlace | None:
    """Find the sequence at `path` of a document (from 0, empty ones not counted); None where no sequence is written there."""
    stream = yaml.parse(text, Loader=_LOADER)
    number = -1
    for event in stream:
        if isinstance(event, events.DocumentStartEvent):
            walker = _Walker(stream)
            first = next(stream)
            empty = (
                isinstance(first, events.ScalarEvent) and first.value in {"", "~", "null", "Null", "NULL"} and first.implicit[0]
            )
            number += not empty
            walker.value(first, path if number == document and not empty else None, key=0, flow=False)
            if walker.found is not None:
                return walker.found
    return None


class _Walker:
    """Follows a path through the events of one document."""

    def __init__(self, stream: Iterator[Any]) -> None:
        self._stream = stream
        self._last: Any = None
        """The last thing with text of its own."""
        self.found: SequencePlace | None = None

    def value(self, event: Any, path: tuple[str | int, ...] | None, *, key: int, flow: bool) -> None:
        """Read one value; `key` is the column of the key in front of it."""
        if isinstance(event, events.MappingStartEvent):
            self._mapping(event, path, flow=flow)
        elif isinstance(event, events.SequenceStartEvent):
            self._sequence(event, path, key=key, flow=flow)
        else:
            self._last = event

    def _mapping(self, event: Any, path: tuple[str | int, ...] | None, *, flow: bool) -> None:
        within = flow or event.flow_style
        while not isinstance(key := next(self._stream), events.MappingEndEvent):
            self.value(key, None, key=0, flow=within)
            wanted = path and isinstance(key, events.ScalarEvent) and key.value == path[0]
            self.value(next(self._stream), path[1:] if wanted and path else None, key=key.start_mark.column, flow=within)
        if event.flow_style:
            self._last = key

    def _sequence(self, event: Any, path: tuple[str | int, ...] | None, *, key: int, flow: bool) -> None:
        index = 0
        while not isinstance(item := next(self._stream), events.SequenceEndEvent):
            self.value(item, path[1:] if path and path[0] == index else None, key=0, flow=flow or event.flow_style)
            index += 1
        ending: Any = item
        if path == ():
            place = SequencePlace(
                flow=event.flow_style,
                start=event.start_mark.index,
                column=key if event.flow_style else event.start_mark.column,
                last=None,
                fresh=False,
                end=ending.end_mark.index,
                nested=flow,
            )
            mark = self._last.end_mark
            self.found = replace(place, last=mark.index, fresh=mark.column == 0) if index else place
        if event.flow_style:
            self._last = item


def _lines(item: dict[str, str], column: int, newline: str) -> str:
    """Write an item as block lines, every value quoted: a hash of digits alone would be a number."""
    pairs = [f"{key}: {json.dumps(value, ensure_ascii=False)}" for key, value in item.items()]
    return "".join(f"{' ' * column}{'- ' if number == 0 else '  '}{pair}{newline}" for number, pair in enumerate(pairs))


def _behind(text: str, position: int, lines: str, *, fresh: bool, newline: str) -> str:
    """Put lines behind the line that holds a position."""
    end = position if fresh else text.find("\n", position) + 1
    if end == 0 and not fresh:
        return f"{text}{newline}{lines}"
    return text[:end] + lines + text[end:]
