"""Foreign JSON and DER, read strictly: what two readers could understand differently is refused.

JSON is read by `strict_json`; fields follow the protobuf JSON mapping that Sigstore documents use: lowerCamelCase names, 64-bit
integers as decimal text, bytes as padded base64, absent and `null` alike. DER follows X.690 (definite, minimal lengths).
Everything here raises `MalformedError`, a `ValueError` whose text is fit for people; callers translate it into their own error.
"""

from __future__ import annotations

import base64
import re
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from supplychain import strict_json
from supplychain.errors import SupplyChainError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Fields", "MalformedError", "decode_base64", "parse_json", "parse_time", "read_der", "translating"]

MAX_DOCUMENT: Final = 16 * 1024 * 1024
"""In bytes; callers bound what they read themselves, this is the last line."""
_INTEGER = re.compile(r"0|[1-9][0-9]{0,18}")
_TIME = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2})(?:\.([0-9]{1,9}))?Z")
_LONG_LENGTH: Final = 0x80
_MULTI_BYTE_TAG: Final = 0x1F


class MalformedError(ValueError):
    """Foreign data breaks its format; never leaves this package, because callers translate it."""


def parse_json(data: bytes) -> Any:
    """Read one JSON document of at most 16 MiB, by the rules of `strict_json`.

    Raises:
        MalformedError: it breaks one of them.
    """
    try:
        return strict_json.loads(data, limit=MAX_DOCUMENT)
    except strict_json.StrictJsonError as exc:
        raise MalformedError(f"no strict JSON: {exc}") from exc


def decode_base64(text: str, *, url_safe: bool = False) -> bytes:
    """Decode padded base64 whose spelling is the only one for its bytes.

    Raises:
        MalformedError: another alphabet, white space, missing or excess padding, or spare bits that are not zero.
    """
    try:
        encoded = text.encode("ascii")
        data = base64.b64decode(encoded, altchars=b"-_" if url_safe else None)
    except ValueError as exc:
        raise MalformedError("not base64") from exc
    if (base64.urlsafe_b64encode(data) if url_safe else base64.b64encode(data)) != encoded:
        raise MalformedError("not canonical base64")
    return data


def parse_time(text: str) -> datetime:
    """Read an RFC 3339 time in UTC, as the protobuf JSON mapping writes it; digits below a microsecond are dropped.

    Raises:
        MalformedError: another form, or no such day or hour.
    """
    match = _TIME.fullmatch(text)
    if match is None:
        raise MalformedError(f"`{text[:40]}` is no UTC time")
    fraction = (match[2] or "")[:6].ljust(6, "0")
    try:
        return datetime.fromisoformat(match[1]).replace(tzinfo=UTC, microsecond=int(fraction))
    except ValueError as exc:
        raise MalformedError(f"`{text}` is no UTC time") from exc


def read_der(data: bytes, offset: int = 0) -> tuple[int, bytes, int]:
    """Read one DER element: its tag, its content, and the offset behind it.

    Raises:
        MalformedError: cut short, a multi-byte tag, or a length that is indefinite or not minimal.
    """
    header = data[offset : offset + 2]
    if len(header) < 2 or header[0] & _MULTI_BYTE_TAG == _MULTI_BYTE_TAG:  # noqa: PLR2004 — tag and length
        raise MalformedError("no DER element")
    start, length = offset + 2, header[1]
    if length >= _LONG_LENGTH:
        size = length - _LONG_LENGTH
        length = int.from_bytes(data[start : start + size])
        if length < _LONG_LENGTH or length.bit_length() <= 8 * (size - 1):
            raise MalformedError("a DER length is not minimal")
        start += size
    if start + length > len(data):
        raise MalformedError("a DER element is cut short")
    return header[0], data[start : start + length], start + length


@contextmanager
def translating(error: type[SupplyChainError], what: str, *, where: str | None = None) -> Iterator[None]:
    """Turn whatever a foreign library raises into `error`; our own errors pass.

    The library's text stays in the chained exception: it may be a page of another language's stack.
    """
    try:
        yield
    except SupplyChainError:
        raise
    except MalformedError as exc:
        raise error(what, got=str(exc), where=where) from exc
    except Exception as exc:  # the edge of foreign libraries: hostile input brings out anything
        raise error(what, where=where) from exc


class Fields:
    """One JSON object, read field by field; what nobody asked for is an error at `done()`.

    An absent field and `null` are the same, as the protobuf JSON mapping has it.
    """

    def __init__(self, value: Any, where: str) -> None:
        if not isinstance(value, dict):
            raise MalformedError(f"`{where}` is no object")
        self._left: dict[str, Any] = {name: field for name, field in value.items() if field is not None}
        self.where = where

    def __contains__(self, name: str) -> bool:
        return name in self._left

    def done(self) -> None:
        """Refuse fields that were not asked for: they may mean something that changes the verdict.

        Raises:
            MalformedError: there is at least one.
        """
        if self._left:
            raise MalformedError(f"`{self.where}` has the unknown field `{min(self._left)[:80]}`")

    def rest(self) -> dict[str, Any]:
        """Hand over everything that was not asked for, to another reader."""
        left, self._left = self._left, {}
        return left

    def text(self, name: str, default: str | None = None) -> str:
        """Take a string."""
        value: str = self._take(name, str, default)
        return value

    def octets(self, name: str) -> bytes:
        """Take standard base64, decoded and not empty."""
        try:
            data = decode_base64(self.text(name))
        except MalformedError as exc:
            raise MalformedError(f"`{self.where}.{name}`: {exc}") from exc
        if not data:
            raise MalformedError(f"`{self.where}.{name}` is empty")
        return data

    def integer(self, name: str, default: int | None = None) -> int:
        """Take a number from 0 to 2⁶³-1, written as decimal text or as a JSON integer."""
        value = self._left.pop(name, default)
        if isinstance(value, str) and _INTEGER.fullmatch(value):
            value = int(value)
        if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 2**63:
            raise MalformedError(f"`{self.where}.{name}` is no natural number")
        return value

    def fields(self, name: str) -> Fields:
        """Take an object."""
        return Fields(self._take(name, dict), f"{self.where}.{name}")

    def optional(self, name: str) -> Fields | None:
        """Take an object that may be absent."""
        return self.fields(name) if name in self._left else None

    def items(self, name: str, *, limit: int) -> list[Any]:
        """Take a list; absent is empty, more than `limit` values are refused."""
        values: list[Any] = self._take(name, list, [])
        if len(values) > limit:
            raise MalformedError(f"`{self.where}.{name}` has {len(values)} values, more than {limit}")
        return values

    def objects(self, name: str, *, limit: int) -> list[Fields]:
        """Take a list of objects."""
        return [Fields(value, f"{self.where}.{name}[{index}]") for index, value in enumerate(self.items(name, limit=limit))]

    def _take(self, name: str, kind: type, default: Any = None) -> Any:
        value = self._left.pop(name, default)
        if value is None:
            raise MalformedError(f"`{self.where}.{name}` is missing")
        if not isinstance(value, kind):
            raise MalformedError(f"`{self.where}.{name}` is no {kind.__name__}")
        return value
