"""Changes inside DER that keep every length around them right, so that a parser gets as far as the change."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

__all__ = ["changed"]

_CONSTRUCTED = 0x20
_OCTETS = 0x04
Node: TypeAlias = "list[tuple[int, bytes | Node]]"


def changed(data: bytes, octets: Callable[[bytes], bytes], random: Random) -> bytes:
    """Change, remove, repeat or relabel one element of `data`; plain bytes change by `octets`."""
    tree = _read(data)
    if not tree:
        return octets(data)
    holders = list(_holders(tree))
    holder = random.choice(holders)
    at = random.randrange(len(holder))
    tag, content = holder[at]
    match random.randrange(8):
        case 0:
            del holder[at]
        case 1:
            holder.insert(at, (tag, _write(content)))
        case 2:
            holder[at] = (random.choice((tag ^ 1 << random.randrange(8), 0x02, 0x0C, 0x13, 0x30, 0x05)), content)
        case 3:
            other_tag, other = random.choice(random.choice(holders))
            holder[at] = (other_tag, _write(other))  # written out: an element inside itself would never end
        case 4:
            holder[at] = (tag, b"")
        case _:
            holder[at] = (tag, octets(_write(content)))
    return _write(tree)


def _holders(tree: Node) -> list[Node]:
    found = [tree] if tree else []
    for _, content in tree:
        if isinstance(content, list):
            found += _holders(content)
    return found


def _read(data: bytes, depth: int = 0) -> Node:
    """Read elements one after the other, and those in octet strings too; empty where it is no DER."""
    nodes: Node = []
    at = 0
    while at < len(data):
        header = data[at : at + 2]
        if len(header) < 2 or header[0] & 0x1F == 0x1F or depth > 24:
            return []
        start, length = at + 2, header[1]
        if length > 0x84 or length == 0x80:
            return []
        if length > 0x80:
            start += length - 0x80
            length = int.from_bytes(data[at + 2 : start], "big")
        if start + length > len(data):
            return []
        content = data[start : start + length]
        inside = _read(content, depth + 1) if header[0] & _CONSTRUCTED or (header[0] == _OCTETS and length > 4) else []
        nodes.append((header[0], inside or content))
        at = start + length
    return nodes


def _write(content: bytes | Node) -> bytes:
    if isinstance(content, bytes):
        return content
    return b"".join(bytes([tag]) + _length(inner := _write(part)) + inner for tag, part in content)


def _length(content: bytes) -> bytes:
    size = len(content)
    if size < 0x80:
        return bytes([size])
    encoded = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([0x80 | len(encoded)]) + encoded
