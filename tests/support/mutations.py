"""Every way to change one leaf of a JSON document: what somebody can do who writes the document but holds no key."""

from __future__ import annotations

import base64
import binascii
import copy
import re
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["leaves", "mutants"]

_TIME = re.compile(r"\d{4}-\d\d-\d\dT.*Z")


Path: TypeAlias = tuple[str | int, ...]


def leaves(value: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Walk all values that are neither list nor mapping."""
    if isinstance(value, dict | list):
        for key, child in value.items() if isinstance(value, dict) else enumerate(value):
            yield from leaves(child, (*path, key))
    else:
        yield path, value


def mutants(document: Any) -> Iterator[tuple[str, Any]]:
    """Yield changed copies, named `dotted.path: what was done`; each differs in one leaf from the document, or lacks it."""
    for path, value in leaves(document):
        name = ".".join(map(str, path))
        for change, changed in _changes(value):
            yield f"{name}: {change}", _replaced(document, path, changed)
        yield f"{name}: removed", _removed(document, path)


def _changes(value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, bool) or value is None:
        yield "negated", not value
    elif isinstance(value, int):
        yield "one more", value + 1
    elif isinstance(value, str) and value.isdecimal():
        yield "one more", str(int(value) + 1)
    elif isinstance(value, str) and _TIME.fullmatch(value):
        yield "ten years earlier", f"{int(value[:4]) - 10}{value[4:]}"
        yield "ten years later", f"{int(value[:4]) + 10}{value[4:]}"
    elif isinstance(value, str) and "\n" in value:
        for number, line in enumerate(value.splitlines()):
            for place in sorted({0, 3, len(line) // 2, len(line) - 1}) if line else ():
                if place < len(line):
                    yield f"line {number + 1}, sign {place}", _with_line(value, number, _mangled(line, place))
            yield f"line {number + 1} removed", _with_line(value, number, None)
    elif isinstance(value, str):
        data = _decoded(value)
        if data is None:
            yield "mangled", _mangled(value, 0, len(value) - 1)
        else:
            for place in sorted({0, len(data) // 2, len(data) - 1}):
                changed = data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]
                yield f"byte {place}", base64.b64encode(changed).decode()


def _mangled(text: str, *places: int) -> str:
    """Another text of the same length, changed at `places`."""
    return "".join(chr(ord(sign) ^ 1) if place in places else sign for place, sign in enumerate(text))


def _with_line(text: str, number: int, line: str | None) -> str:
    lines = text.splitlines(keepends=True)
    lines[number] = "" if line is None else line + "\n"
    return "".join(lines)


def _decoded(text: str) -> bytes | None:
    try:
        data = base64.b64decode(text, validate=True)
    except binascii.Error:
        return None
    return data if len(data) > 8 else None


def _place(document: Any, path: Path) -> tuple[Any, Any]:
    changed = copy.deepcopy(document)
    place = changed
    for part in path[:-1]:
        place = place[part]
    return changed, place


def _replaced(document: Any, path: Path, value: Any) -> Any:
    changed, place = _place(document, path)
    place[path[-1]] = value
    return changed


def _removed(document: Any, path: Path) -> Any:
    changed, place = _place(document, path)
    del place[path[-1]]
    return changed
