"""The edge to zstd: one frame, however its bytes come, and no more memory than a small window."""

from __future__ import annotations

import pytest
from backports import zstd

from supplychain.delivery.zstd import PIECE, compress, decompress
from supplychain.errors import DeliveryInvalidError
from tests.support.stored_plugins import noise

LIBRARY = noise(300_000) + b"some text " * 200_000


def parts(data, size):
    return [data[at : at + size] for at in range(0, len(data), size)]


def test_the_frame_names_its_size_and_is_one_that_any_zstd_reads():
    frame = b"".join(compress(LIBRARY))
    assert zstd.get_frame_info(frame).decompressed_size == len(LIBRARY)
    assert zstd.decompress(frame) == LIBRARY
    assert len(frame) < 310_000


def test_level_ten_is_what_compresses():
    assert b"".join(compress(LIBRARY)) == b"".join(_in_one_go(LIBRARY, level=10))
    assert b"".join(compress(LIBRARY)) != b"".join(_in_one_go(LIBRARY, level=3))


def _in_one_go(data, *, level):
    compressor = zstd.ZstdCompressor(level=level)
    compressor.set_pledged_input_size(len(data))
    return [compressor.compress(data), compressor.flush()]


@pytest.mark.parametrize("size", [20, 1000, 131_072, 10**9])
def test_a_frame_is_read_in_parts_of_any_size_that_hold_its_header(size):
    frame = b"".join(compress(LIBRARY))
    pieces = list(decompress(parts(frame, size), size=len(LIBRARY)))
    assert b"".join(pieces) == LIBRARY
    assert all(0 < len(piece) <= PIECE for piece in pieces)


def test_no_parts_at_all_are_no_library():
    with pytest.raises(DeliveryInvalidError, match="the compressed library is cut off: expected 1 bytes, got 0 bytes"):
        list(decompress([], size=1))


def test_the_first_part_after_the_end_is_refused():
    frame = b"".join(compress(LIBRARY))
    with pytest.raises(DeliveryInvalidError, match="bytes after the end of the compressed library: got 1 bytes"):
        list(decompress([frame, b"x"], size=len(LIBRARY)))
    with pytest.raises(DeliveryInvalidError, match="bytes after the end of the compressed library: got 2 bytes"):
        list(decompress([frame + b"xy"], size=len(LIBRARY)))


def test_a_window_of_eight_mebibytes_is_the_largest():
    data = bytes(1 << 25)
    for power, good in ((23, True), (24, False)):
        options = {int(zstd.CompressionParameter.window_log): power, int(zstd.CompressionParameter.compression_level): 1}
        frame = zstd.compress(data, options=options)
        if good:
            assert sum(map(len, decompress([frame], size=len(data)))) == len(data)
        else:
            with pytest.raises(DeliveryInvalidError, match="too much memory"):
                list(decompress([frame], size=len(data)))
