"""A DER writer of thirty lines, so that certificates and time-stamp tokens can be made wrong in every way (ITU-T X.690)."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

__all__ = [
    "bit_string",
    "boolean",
    "constructed",
    "integer",
    "null",
    "object_id",
    "octet_string",
    "primitive",
    "sequence",
    "set_of",
    "time",
    "utf8",
]


def _element(tag: int, content: bytes) -> bytes:
    size = len(content)
    if size < 0x80:
        return bytes([tag, size]) + content
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(length)]) + length + content


def sequence(*parts: bytes) -> bytes:
    return _element(0x30, b"".join(parts))


def set_of(*parts: bytes) -> bytes:
    return _element(0x31, b"".join(sorted(parts)))


def constructed(number: int, *parts: bytes) -> bytes:
    """A context tag around whole elements: EXPLICIT, or IMPLICIT over a SET or SEQUENCE."""
    return _element(0xA0 | number, b"".join(parts))


def primitive(number: int, content: bytes) -> bytes:
    """A context tag that replaces the tag of a string: IMPLICIT."""
    return _element(0x80 | number, content)


def integer(value: int) -> bytes:
    return _element(0x02, value.to_bytes(value.bit_length() // 8 + 1, "big", signed=True))


def boolean(*, value: bool) -> bytes:
    return _element(0x01, b"\xff" if value else b"\x00")


def null() -> bytes:
    return _element(0x05, b"")


def octet_string(content: bytes) -> bytes:
    return _element(0x04, content)


def bit_string(content: bytes, *, unused: int = 0) -> bytes:
    return _element(0x03, bytes([unused]) + content)


def utf8(text: str) -> bytes:
    return _element(0x0C, text.encode())


def object_id(dotted: str) -> bytes:
    first, second, *rest = (int(arc) for arc in dotted.split("."))
    content = bytearray()
    for arc in (first * 40 + second, *rest):
        groups = [arc & 0x7F]
        while arc := arc >> 7:
            groups.append(arc & 0x7F | 0x80)
        content += bytes(reversed(groups))
    return _element(0x06, bytes(content))


def time(at: datetime, *, generalized: bool = False) -> bytes:
    """UTCTime until 2049 as RFC 5280 4.1.2.5 demands; a time-stamp token always has GeneralizedTime."""
    if generalized or at.year >= 2050:
        return _element(0x18, at.strftime("%Y%m%d%H%M%SZ").encode())
    return _element(0x17, at.strftime("%y%m%d%H%M%SZ").encode())
