"""YAML files of several documents, read as a Kubernetes client reads them and never in two ways.

Every value becomes what JSON can say; nothing is constructed from tags. Scalars follow YAML 1.1 as far as Kubernetes clients do
(`yes` and `on` are booleans), times stay text. Duplicate keys are refused, because two readers could see different values.
Aliases and `<<` merges work, and every use of an alias counts against the number of values, so that a short file cannot blow up.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import yaml
from yaml import events

from supplychain.errors import InvalidManifestError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["MAX_DEPTH", "MAX_VALUES", "YamlDocument", "parse_documents"]

MAX_DEPTH: Final = 64
"""Lists and mappings inside each other."""
MAX_VALUES: Final = 500_000
"""Values in one file, each use of an alias counted in full."""

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_NULLS = frozenset({"", "~", "null", "Null", "NULL"})
_TRUE = frozenset({"true", "True", "TRUE", "yes", "Yes", "YES", "on", "On", "ON"})
_FALSE = frozenset({"false", "False", "FALSE", "no", "No", "NO", "off", "Off", "OFF"})
_INT = re.compile(r"[-+]?(?:0|[1-9][0-9]{0,18})", re.ASCII)
_FLOAT = re.compile(r"[-+]?(?:[0-9]+\.[0-9]*|\.[0-9]+|[0-9]+(?=[eE]))(?:[eE][-+]?[0-9]{1,3})?", re.ASCII)
_TAGGED: Final[dict[str, tuple[type, ...]]] = {"int": (int,), "float": (int, float), "bool": (bool,), "null": (type(None),)}
_STANDARD_TAGS = {f"tag:yaml.org,2002:{name}" for name in ("str", "int", "float", "bool", "null", "map", "seq")}


@dataclass(frozen=True, slots=True)
class YamlDocument:
    """One document: plain JSON values, and the line on which it begins (from 1)."""

    value: Any
    line: int
    lines: Mapping[str, int] = field(default_factory=dict)
    """Where each field stands, by its path such as `spec.entries[2].id`; empty unless asked for."""


def parse_documents(data: bytes, *, where: str, placed: bool = False) -> tuple[YamlDocument, ...]:
    """Read every document of a file; empty ones are left out.

    Args:
        data: the file.
        where: its name, for messages.
        placed: whether to note the line of each field. What stands behind an alias or a merge has the line of that.

    Raises:
        InvalidManifestError: the text is no YAML, is ambiguous, or exceeds the bounds.
    """
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as exc:
        raise InvalidManifestError("the file is not UTF-8", where=f"{where}, byte {exc.start}") from exc
    try:
        return tuple(_Composer(yaml.parse(text, Loader=_LOADER), where=where, placed=placed).documents())
    except yaml.YAMLError as exc:
        mark = getattr(exc, "problem_mark", None)
        place = f"{where}, line {mark.line + 1}" if mark is not None else where
        problem = getattr(exc, "problem", None) or getattr(exc, "reason", None) or "garbage"
        raise InvalidManifestError("the file is no YAML", got=str(problem), where=place) from exc


class _Composer:
    """Builds values from parser events with a budget."""

    def __init__(self, stream: Iterator[Any], *, where: str, placed: bool) -> None:
        self._stream = stream
        self._where = where
        self._placed = placed
        self._lines: dict[str, int] = {}
        self._left = MAX_VALUES
        self._anchors: dict[str, tuple[Any, int]] = {}

    def documents(self) -> Iterator[YamlDocument]:
        for event in self._stream:
            if isinstance(event, events.DocumentStartEvent):
                self._anchors = {}
                self._lines = {}
                start = next(self._stream)
                value = self._value(start, depth=0, path="")
                if value is not None:
                    yield YamlDocument(value=value, line=start.start_mark.line + 1, lines=self._lines)

    def _value(self, event: Any, *, depth: int, path: str) -> Any:
        if depth > MAX_DEPTH:
            raise self._refusal(event, f"nested deeper than {MAX_DEPTH}")
        if isinstance(event, events.AliasEvent):
            if event.anchor not in self._anchors:
                raise self._refusal(event, "an alias without its anchor, or within it")
            value, cost = self._anchors[event.anchor]
            self._spend(event, cost)
            return value
        if event.tag is not None and event.tag not in _STANDARD_TAGS and event.tag != "!":
            raise self._refusal(event, "an application tag; manifests hold plain values")
        before = self._left
        self._spend(event, 1)
        if isinstance(event, events.ScalarEvent):
            value = self._scalar(event)
        elif isinstance(event, events.SequenceStartEvent):
            value = self._sequence(depth=depth, path=path)
        else:
            value = self._mapping(depth=depth, path=path)
        if event.anchor is not None:
            self._anchors[event.anchor] = (value, before - self._left)
        return value

    def _sequence(self, *, depth: int, path: str) -> list[Any]:
        found: list[Any] = []
        while not isinstance(event := next(self._stream), events.SequenceEndEvent):
            below = self._place(f"{path}[{len(found)}]", event) if self._placed else ""
            found.append(self._value(event, depth=depth + 1, path=below))
        return found

    def _mapping(self, *, depth: int, path: str) -> dict[str, Any]:
        found: dict[str, Any] = {}
        merged: list[dict[str, Any]] = []
        while not isinstance(event := next(self._stream), events.MappingEndEvent):
            merging = isinstance(event, events.ScalarEvent) and event.value == "<<" and event.implicit[0]
            key = self._value(event, depth=depth + 1, path="")
            below = self._place(f"{path}.{key}" if path else f"{key}", event) if self._placed and not merging else ""
            value = self._value(next(self._stream), depth=depth + 1, path=below)
            if merging:
                merged.extend(self._merge_sources(event, value))
                continue
            if not isinstance(key, str):
                raise self._refusal(event, "a key that is no text; quote it")
            if key in found:
                raise self._refusal(event, f"the same key twice: `{key[:80]}`")
            found[key] = value
        for source in merged:
            self._spend(event, len(source))
            found = {**source, **found}
        return found

    def _place(self, path: str, event: Any) -> str:
        self._lines[path] = event.start_mark.line + 1
        return path

    def _merge_sources(self, event: Any, value: Any) -> list[dict[str, Any]]:
        sources = value if isinstance(value, list) else [value]
        if not all(isinstance(source, dict) for source in sources):
            raise self._refusal(event, "`<<` merges mappings only")
        return sources

    def _scalar(self, event: Any) -> Any:
        text = event.value
        tag = event.tag.rpartition(":")[2] if event.tag is not None else None
        if tag in {"str", "!"} or (tag is None and not event.implicit[0]):
            return text
        value = _plain(text)
        if tag is not None and not isinstance(value, _TAGGED.get(tag, ())):
            raise self._refusal(event, f"a value that does not fit its tag `!!{tag}`")
        return value

    def _spend(self, event: Any, cost: int) -> None:
        self._left -= cost
        if self._left < 0:
            raise self._refusal(event, f"more than {MAX_VALUES} values, counting every use of an alias")

    def _refusal(self, event: Any, what: str) -> InvalidManifestError:
        return InvalidManifestError("the file cannot be used", got=what, where=f"{self._where}, line {event.start_mark.line + 1}")


def _plain(text: str) -> Any:
    if text in _NULLS:
        return None
    if text in _TRUE or text in _FALSE:
        return text in _TRUE
    if _INT.fullmatch(text):
        return int(text)
    return float(text) if _FLOAT.fullmatch(text) else text
