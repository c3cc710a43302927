"""The configuration as YAML that every reader takes alike.

Every text stands in double quotes, as JSON writes it, so that no reader can take `on`, `1e3` or `0o17` for anything else; keys
are sorted, lists keep their order, nothing is folded and nothing has an anchor. The same value gives the same bytes.
"""

from __future__ import annotations

import hashlib
import math
import re
from typing import TYPE_CHECKING, Any, Final

from supplychain.errors import InvalidManifestError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["LARGEST_DATA", "UNPRINTABLE", "config_hash", "render_yaml"]

LARGEST_DATA: Final = 1024 * 1024
"""Bytes that a ConfigMap can hold."""

UNPRINTABLE: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ufffe\uffff\ud800-\udfff]")
"""What YAML does not allow in a text, escaped or not at all; server-side apply reads objects as YAML."""

_LONGEST_KEY: Final = 1000
"""Longer ones are written as explicit keys: YAML finds the `:` of others only within 1024 characters."""
# Control characters, what some readers take for a line break, byte order marks, and what YAML does not allow at all.
_ESCAPED: Final = re.compile('["\\\\\x00-\x1f\x7f-\x9f\xad\u2028\u2029\ufeff\ufffe\uffff\ud800-\udfff]')
_SHORT: Final = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}


def render_yaml(value: Any) -> bytes:
    """Write a JSON value.

    Raises:
        InvalidManifestError: a text is no Unicode, or a number is none.
    """
    return ("\n".join(_lines(value)) + "\n").encode()


def config_hash(config: bytes) -> str:
    """SHA-256 of exactly these bytes, hex."""
    return hashlib.sha256(config).hexdigest()


def _lines(value: Any) -> Iterator[str]:
    if isinstance(value, dict) and value:
        for key in sorted(value):
            yield from _pair(key, value[key])
    elif isinstance(value, list) and value:
        for item in value:
            yield from _behind("- ", item)
    else:
        yield _scalar(value)


def _pair(key: str, value: Any) -> Iterator[str]:
    name = _quoted(key)
    if len(name) > _LONGEST_KEY:
        yield f"? {name}"
        yield from _behind(": ", value)
    elif isinstance(value, dict | list) and value:
        yield f"{name}:"
        yield from (f"  {line}" for line in _lines(value))
    else:
        yield f"{name}: {_scalar(value)}"


def _behind(mark: str, value: Any) -> Iterator[str]:
    """Write a value whose first line stands behind a mark of two characters, and the others below that."""
    for number, line in enumerate(_lines(value)):
        yield f"{mark if number == 0 else '  '}{line}"


def _scalar(value: Any) -> str:
    if isinstance(value, str):
        return _quoted(value)
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return _number(value)
    if isinstance(value, int):
        return str(value)
    return "{}" if isinstance(value, dict) else "[]"


def _number(value: float) -> str:
    """Write a number with a point, and a sign in its exponent: YAML 1.1 takes it for a text otherwise."""
    if not math.isfinite(value):
        raise InvalidManifestError("the configuration holds no number", got=repr(value))
    mantissa, e, exponent = repr(value).partition("e")
    if "." not in mantissa:
        mantissa += ".0"
    return f"{mantissa}e{exponent if exponent[0] in '+-' else f'+{exponent}'}" if e else mantissa


def _quoted(text: str) -> str:
    return f'"{_ESCAPED.sub(_escape, text)}"'


def _escape(found: re.Match[str]) -> str:
    character = found[0]
    if "\ud800" <= character <= "\udfff":
        raise InvalidManifestError("a text of the configuration is no Unicode", got=f"U+{ord(character):04X}")
    return _SHORT.get(character, f"\\u{ord(character):04x}")
