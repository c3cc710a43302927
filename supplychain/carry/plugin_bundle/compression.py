"""The zstd frame around a bundle's tar: pieces in, pieces of bounded size out, however large the whole is.

Level 3, one thread, with the size of the content and a checksum in the frame. Packages are compressed already, so a higher level
buys nothing. Equal content gives equal bytes for one version of zstd; the tar inside is the same for all of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from supplychain.errors import BundleFileInvalidError
from supplychain.zstd import zstd

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from typing_extensions import Buffer

__all__ = ["MAGIC", "PIECE", "compress", "decompress"]

MAGIC: Final = b"\x28\xb5\x2f\xfd"
PIECE: Final = 512 * 1024
"""No piece of a decompressed bundle is longer, in bytes."""
_LEVEL: Final = 3
_LARGEST_WINDOW: Final = 23
"""As a power of two: 8 MiB, four times what level 3 uses. A frame may ask for gigabytes."""
_FREE: Final = 1024 * 1024
"""Bytes that come out before the ratio counts: a small bundle may be mostly zeros."""
_PIECE_IN: Final = 1024 * 1024


def compress(pieces: Iterable[Buffer], *, size: int) -> Iterator[bytes]:
    """Compress `size` bytes into one frame."""
    compressor = zstd.ZstdCompressor(
        options={zstd.CompressionParameter.compression_level: _LEVEL, zstd.CompressionParameter.checksum_flag: 1}
    )
    compressor.set_pledged_input_size(size)
    for piece in pieces:
        view = memoryview(piece).cast("B")
        for at in range(0, len(view), _PIECE_IN):
            yield compressor.compress(view[at : at + _PIECE_IN])
    yield compressor.flush()


def decompress(chunks: Iterable[bytes], *, ratio: int) -> Iterator[bytes]:
    """Decompress exactly one frame; beyond the first MiB at most `ratio` times what went in comes out.

    Raises:
        BundleFileInvalidError: no such frame, broken, cut off, out of proportion, or something follows it.
    """
    decompressor = zstd.ZstdDecompressor(options={zstd.DecompressionParameter.window_log_max: _LARGEST_WINDOW})
    taken = given = 0
    for chunk in chunks:
        if decompressor.eof:
            raise _trailing(len(chunk))
        taken += len(chunk)
        for piece in _outcome(decompressor, chunk):
            given += len(piece)
            if given > _FREE + ratio * taken:
                raise BundleFileInvalidError(
                    "the bundle grows out of proportion", expected=f"at most {ratio} times its size", got=f"{given} bytes"
                )
            yield piece
        if decompressor.unused_data:
            raise _trailing(len(decompressor.unused_data))
    if not decompressor.eof:
        raise BundleFileInvalidError("the compressed bundle is cut off", got=f"{taken} bytes of it")


def _outcome(decompressor: zstd.ZstdDecompressor, chunk: bytes) -> Iterator[bytes]:
    """Give all that comes of one chunk."""
    rest = chunk
    while not decompressor.eof and (rest or not decompressor.needs_input):
        try:
            piece = decompressor.decompress(rest, PIECE)
        except zstd.ZstdError as exc:
            raise BundleFileInvalidError("the compressed bundle is broken", got=str(exc)) from exc
        rest = b""
        if piece:
            yield piece


def _trailing(size: int) -> BundleFileInvalidError:
    return BundleFileInvalidError("bytes after the end of the compressed bundle", got=f"{size} bytes or more")
