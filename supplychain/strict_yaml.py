"""YAML documents of plain values, readable in only one way.

Works on parser events, so nothing is built that was not asked for: no tags, no anchors, no aliases (and with them no expansion
bombs), no merge keys, no duplicate keys, bounded depth. Plain scalars resolve by the core schema of YAML 1.2.2 (section 10.3.2),
so `yes` and `2026-01-01` are strings. PyYAML costs 25 ms of start-up and is loaded on the first use; its C parser is used where
it was built.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["MAX_DEPTH", "StrictYamlError", "YamlValue", "loads", "loads_all"]

YamlValue: TypeAlias = "str | int | float | bool | list[YamlValue] | dict[str, YamlValue] | None"

MAX_DEPTH: Final = 64
"""Sequences and mappings inside each other."""

_PLAIN: Final[Mapping[str, bool | None]] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_INTEGER = re.compile(r"[-+]?[0-9]+")
_RADIX = re.compile(r"0o[0-7]+|0x[0-9a-fA-F]+|0b[01]+")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_NOT_FINITE = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")
_LONGEST_NUMBER = 64
_LONGEST_SHOWN = 80


class StrictYamlError(ValueError):
    """Bytes are no YAML that every reader understands alike; the text says why and where, in one clause."""


def loads(data: bytes, *, limit: int) -> YamlValue:
    """Parse the one document in `data`, at most `limit` bytes of UTF-8.

    Raises:
        StrictYamlError: it is too long, too deep, ambiguous, no YAML, or not exactly one document.
    """
    documents = loads_all(data, limit=limit, documents=1)
    if not documents:
        raise StrictYamlError("empty")
    return documents[0]


def loads_all(data: bytes, *, limit: int, documents: int) -> tuple[YamlValue, ...]:
    """Parse a stream of at most `documents` documents, at most `limit` bytes of UTF-8.

    Raises:
        StrictYamlError: it is too long, too deep, ambiguous, no YAML, or more documents.
    """
    import yaml  # noqa: PLC0415 — see the module docstring

    if len(data) > limit:
        raise StrictYamlError(f"longer than {limit} bytes")
    try:
        text = str(data, "utf-8")
    except UnicodeDecodeError as exc:
        raise StrictYamlError(f"not UTF-8 at byte {exc.start}") from exc
    found: list[YamlValue] = []
    try:
        reader = _Reader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)(text), yaml)
        while (value := reader.next_document()) is not _END:
            if len(found) == documents:
                raise StrictYamlError("a further document" if documents == 1 else f"more than {documents} documents")
            found.append(value)
    except yaml.YAMLError as exc:
        raise StrictYamlError(_cause(exc)) from exc
    return tuple(found)


_END: Any = object()


class _Reader:
    """Turns parser events into values, one document at a time."""

    def __init__(self, loader: Any, yaml: Any) -> None:
        self._loader = loader
        self._yaml = yaml
        self._next()

    def _next(self) -> Any:
        return self._loader.get_event()

    def next_document(self) -> Any:
        event = self._next()
        if isinstance(event, self._yaml.StreamEndEvent):
            return _END
        if event.tags:
            raise StrictYamlError(f"a tag directive{_at(event)}")
        value = self._value(self._next(), depth=0)
        self._next()
        return value

    def _value(self, event: Any, *, depth: int) -> Any:
        yaml = self._yaml
        if isinstance(event, yaml.AliasEvent):
            raise StrictYamlError(f"an alias{_at(event)}")
        if event.anchor is not None:
            raise StrictYamlError(f"an anchor{_at(event)}")
        if event.tag is not None:
            raise StrictYamlError(f"a tag{_at(event)}")
        if isinstance(event, yaml.ScalarEvent):
            return _resolve(event)
        if depth == MAX_DEPTH:
            raise StrictYamlError(f"nested deeper than {MAX_DEPTH}{_at(event)}")
        if isinstance(event, yaml.SequenceStartEvent):
            return self._sequence(depth=depth + 1)
        return self._mapping(depth=depth + 1)

    def _sequence(self, *, depth: int) -> list[Any]:
        items: list[Any] = []
        while not isinstance(event := self._next(), self._yaml.SequenceEndEvent):
            items.append(self._value(event, depth=depth))
        return items

    def _mapping(self, *, depth: int) -> dict[str, Any]:
        result: dict[str, Any] = {}
        while not isinstance(event := self._next(), self._yaml.MappingEndEvent):
            key = self._value(event, depth=depth)
            if not isinstance(key, str):
                raise StrictYamlError(f"a key that is no string{_at(event)}")
            if key == "<<":
                raise StrictYamlError(f"a merge key{_at(event)}")
            if key in result:
                shown = key[:_LONGEST_SHOWN].encode("unicode_escape").decode("ascii")
                raise StrictYamlError(f"the key `{shown}` twice{_at(event)}")
            result[key] = self._value(self._next(), depth=depth)
        return result


def _resolve(event: Any) -> str | int | float | bool | None:
    text: str = event.value
    if not event.implicit[0]:
        return text
    if text in _PLAIN:
        return _PLAIN[text]
    if _NOT_FINITE.fullmatch(text) is not None:
        raise StrictYamlError(f"a number that is not finite{_at(event)}")
    numeric = next((pattern for pattern in (_INTEGER, _RADIX, _FLOAT) if pattern.fullmatch(text) is not None), None)
    if numeric is None:
        return text
    if len(text) > _LONGEST_NUMBER:
        raise StrictYamlError(f"a number of {len(text)} characters{_at(event)}")
    return float(text) if numeric is _FLOAT else int(text, 10 if numeric is _INTEGER else 0)


def _at(event: Any) -> str:
    return f" at line {event.start_mark.line + 1} column {event.start_mark.column + 1}"


def _cause(exc: Any) -> str:
    mark = getattr(exc, "problem_mark", None)
    problem = getattr(exc, "problem", None) or "a character that YAML does not allow"
    return str(problem) if mark is None else f"{problem} at line {mark.line + 1} column {mark.column + 1}"
