"""JSON that can be read in only one way (RFC 8259, and I-JSON's rules where RFC 8259 leaves a choice: RFC 7493).

Refused besides broken syntax: duplicate keys (two readers could see different values), other encodings than UTF-8, a byte order
mark, `NaN` and infinities, lone surrogates, and anything deeper or longer than the caller allows. What the values mean is the
caller's to check.
"""

from __future__ import annotations

import json
import math
import re
from typing import Any, Final, NoReturn

__all__ = ["MAX_DEPTH", "StrictJsonError", "loads"]

MAX_DEPTH: Final = 64
"""Arrays and objects inside each other; Sigstore's deepest document needs 8."""

_ESCAPED_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")
_SURROGATE = re.compile("[\ud800-\udfff]")


class StrictJsonError(ValueError):
    """Bytes are no JSON that every reader understands alike; the text says why, in one clause, and never repeats the input."""


def loads(data: bytes, *, limit: int) -> Any:
    """Parse one JSON document of at most `limit` bytes.

    Raises:
        StrictJsonError: the document is too long, too deep, ambiguous, or no JSON.
    """
    if len(data) > limit:
        raise StrictJsonError(f"longer than {limit} bytes")
    try:
        text = str(data, "utf-8")
    except UnicodeDecodeError as exc:
        raise StrictJsonError(f"not UTF-8 at byte {exc.start}") from exc
    if text.startswith("\ufeff"):
        raise StrictJsonError("a byte order mark (BOM)")
    try:
        value = _DECODER.decode(text)
    except StrictJsonError:
        raise
    except json.JSONDecodeError as exc:
        raise StrictJsonError(f"{exc.msg} at line {exc.lineno} column {exc.colno}") from exc
    except RecursionError as exc:
        raise StrictJsonError(f"nested deeper than {MAX_DEPTH}") from exc
    except ValueError as exc:  # an integer of more digits than the interpreter converts
        raise StrictJsonError("a number is too long") from exc
    openers = data.count(b"[") + data.count(b"{")
    if openers > MAX_DEPTH or _ESCAPED_SURROGATE.search(data) is not None:
        _check_tree(value)
    return value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise StrictJsonError("the same key twice in one object")
    return result


def _constant(text: str) -> NoReturn:
    raise StrictJsonError(f"{text} is no JSON number")


def _float(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise StrictJsonError("a number is too large")
    return value


_DECODER: Final = json.JSONDecoder(object_pairs_hook=_object, parse_constant=_constant, parse_float=_float)


def _check_tree(value: Any) -> None:
    """Refuse depth and lone surrogates level by level, without recursion."""
    level, depth = [value], 0
    while level:
        below: list[Any] = []
        for node in level:
            match node:
                case dict() | list() if depth == MAX_DEPTH:
                    raise StrictJsonError(f"nested deeper than {MAX_DEPTH}")
                case dict():
                    below.extend(node)
                    below.extend(node.values())
                case list():
                    below.extend(node)
                case str() if _SURROGATE.search(node) is not None:
                    raise StrictJsonError("a lone surrogate in a string")
                case _:
                    pass
        level, depth = below, depth + 1
