"""The content of one checked member of a plugin package: stored or deflated bytes, streamed (RFC 1951).

Gives exactly the size and checksum that the directory declared, or an error. Memory stays at a few pieces at any size.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from supplychain.archive import STORED
from supplychain.errors import ArchiveInvalidError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from supplychain.archive import Entry
    from supplychain.spool import Spool

__all__ = ["inflate"]

_PIECE_IN = 128 * 1024
_PIECE_OUT = 512 * 1024


def inflate(package: Spool, *, entry: Entry) -> Iterator[bytes]:
    """Yield the content of a member in pieces of at most 512 KiB; the last check is done when the iterator ends.

    Raises:
        ArchiveInvalidError: the content is not what the directory declared, or is no Deflate stream.
    """
    from isal import isal_zlib  # noqa: PLC0415 — a path that opens no package does not pay for it

    stored = memoryview(package.view)[entry.start : entry.start + entry.compressed_size]
    size = crc = 0
    for piece in _pieces(stored) if entry.method == STORED else _inflated(stored, entry=entry):
        size += len(piece)
        if size > entry.size:
            raise _damaged(entry, "content is longer than declared", expected=f"{entry.size} bytes", got="more")
        crc = isal_zlib.crc32(piece, crc)
        yield piece
    if size != entry.size:
        raise _damaged(entry, "content is shorter than declared", expected=f"{entry.size} bytes", got=f"{size} bytes")
    if crc != entry.crc:
        raise _damaged(entry, "checksum does not match", expected=f"`{entry.crc:08x}`", got=f"`{crc:08x}`")


def _pieces(stored: memoryview) -> Iterator[bytes]:
    for at in range(0, len(stored), _PIECE_OUT):
        yield bytes(stored[at : at + _PIECE_OUT])


def _inflated(stored: memoryview, *, entry: Entry) -> Iterator[bytes]:
    from isal import igzip_lib  # noqa: PLC0415 — as above

    inflater = igzip_lib.IgzipDecompressor(flag=igzip_lib.DECOMP_DEFLATE)
    at = 0
    while not inflater.eof:
        piece = stored[at : at + _PIECE_IN] if inflater.needs_input else b""
        if inflater.needs_input and not piece:
            raise _damaged(entry, "the compressed content is cut off")
        at += len(piece)
        try:
            inflated = inflater.decompress(piece, _PIECE_OUT)
        except Exception as exc:  # the edge of a library, whose stub does not name its error as a class
            raise _damaged(entry, "the compressed content is broken") from exc
        yield inflated
    left = len(stored) - at + len(inflater.unused_data)
    if left:
        raise _damaged(entry, "bytes after the end of the compressed content", got=f"{left} bytes")


def _damaged(entry: Entry, what: str, *, expected: str | None = None, got: str | None = None) -> ArchiveInvalidError:
    return ArchiveInvalidError(what, expected=expected, got=got, where=f"`{entry.name}`")
