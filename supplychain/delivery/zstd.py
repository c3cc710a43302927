"""Libraries in zstd (RFC 8878): one frame out, one frame in, pieces of bounded size, its errors as ours."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from supplychain.errors import DeliveryInvalidError
from supplychain.zstd import zstd

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from typing_extensions import Buffer

__all__ = ["PIECE", "compress", "decompress"]

PIECE: Final = 512 * 1024
"""No piece of a decompressed library is longer, in bytes."""
_LEVEL: Final = 10
_PIECE_IN: Final = 1024 * 1024
_LARGEST_HEADER: Final = 18
_LARGEST_WINDOW: Final = 23
"""As a power of two: 8 MiB, twice what level 10 uses. A frame may ask for gigabytes."""


def compress(data: Buffer) -> Iterator[bytes]:
    """Compress into one frame that names its content's size.

    In one thread: the same bytes then come out of one version of zstd every time, and shards are called after their content.
    """
    view = memoryview(data).cast("B")
    compressor = zstd.ZstdCompressor(level=_LEVEL)
    compressor.set_pledged_input_size(len(view))
    for at in range(0, len(view), _PIECE_IN):
        yield compressor.compress(view[at : at + _PIECE_IN])
    yield compressor.flush()


def decompress(parts: Iterable[bytes], *, size: int) -> Iterator[bytes]:
    """Decompress exactly one frame that comes in `parts` and names `size` as its own; more bytes are never given out.

    Raises:
        DeliveryInvalidError: it is no such frame, is cut off, gives another size, or something follows it.
    """
    decompressor = zstd.ZstdDecompressor(options={zstd.DecompressionParameter.window_log_max: _LARGEST_WINDOW})
    left, started = size, False
    for part in parts:
        if decompressor.eof:
            raise _invalid("bytes after the end of the compressed library", got=f"{len(part)} bytes")
        if not started:
            _check_header(part, size=size)
            started = True
        for piece in _outcome(decompressor, part):
            left -= len(piece)
            if left < 0:
                raise _invalid("the library is longer than its index says", expected=f"{size} bytes", got="more")
            yield piece
    if not decompressor.eof:
        raise _invalid("the compressed library is cut off", expected=f"{size} bytes", got=f"{size - left} bytes")
    if decompressor.unused_data:
        raise _invalid("bytes after the end of the compressed library", got=f"{len(decompressor.unused_data)} bytes")


def _check_header(part: bytes, *, size: int) -> None:
    try:
        found = zstd.get_frame_info(part[:_LARGEST_HEADER]).decompressed_size
    except zstd.ZstdError as exc:
        raise _invalid("the shards are no zstd frame", got="another beginning") from exc
    if found != size:
        got = f"{found} bytes" if found else "no size"
        raise _invalid("the zstd frame has another size than its index says", expected=f"{size} bytes", got=got)


def _outcome(decompressor: zstd.ZstdDecompressor, part: bytes) -> Iterator[bytes]:
    """Give all that comes of one part."""
    rest = part
    while not decompressor.eof and (rest or not decompressor.needs_input):
        try:
            piece = decompressor.decompress(rest, PIECE)
        except zstd.ZstdError as exc:
            raise _invalid("the compressed library is broken", got=str(exc)) from exc
        rest = b""
        if piece:
            yield piece


def _invalid(what: str, *, expected: str | None = None, got: str) -> DeliveryInvalidError:
    return DeliveryInvalidError(what, expected=expected, got=got)
