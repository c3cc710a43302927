"""The zstd frame of a bundle."""

import pytest

from supplychain.carry.plugin_bundle.compression import PIECE, compress, decompress
from supplychain.errors import BundleFileInvalidError
from supplychain.zstd import zstd


def packed(data):
    return b"".join(compress([data], size=len(data)))


def unpacked(*chunks, ratio=200):
    return b"".join(decompress(chunks, ratio=ratio))


def refused(*chunks, ratio=200):
    with pytest.raises(BundleFileInvalidError) as caught:
        unpacked(*chunks, ratio=ratio)
    return caught.value.what


def test_there_and_back_in_pieces_of_bounded_size():
    data = bytes(range(256)) * 10_000
    frame = packed(data)
    pieces = list(decompress((frame[at : at + 1000] for at in range(0, len(frame), 1000)), ratio=10_000))
    assert b"".join(pieces) == data
    assert max(map(len, pieces)) <= PIECE


def test_a_frame_may_come_byte_by_byte():
    frame = packed(b"content")
    assert unpacked(*(frame[at : at + 1] for at in range(len(frame)))) == b"content"


def test_equal_content_gives_equal_bytes_with_size_and_checksum():
    data = b"content" * 1000
    frame = packed(data)
    assert frame == b"".join(compress([data[:10], data[10:]], size=len(data)))
    assert zstd.get_frame_info(frame[:18]).decompressed_size == len(data)
    assert refused(frame[:-4] + bytes(4)) == "the compressed bundle is broken"


def test_what_is_no_frame_or_cut_off_is_refused():
    frame = packed(b"content" * 1000)
    assert refused(b"not zstd at all") == "the compressed bundle is broken"
    assert refused() == refused(frame[:-1]) == "the compressed bundle is cut off"


def test_what_follows_the_frame_is_refused_in_the_same_piece_and_in_another():
    frame = packed(b"content")
    assert (
        refused(frame + b"x") == refused(frame, b"x") == refused(frame + frame) == "bytes after the end of the compressed bundle"
    )


def test_a_bomb_is_stopped_early():
    seen: list[int] = []
    bomb = decompress([packed(bytes(64 * 1024 * 1024))], ratio=200)
    with pytest.raises(BundleFileInvalidError, match="out of proportion"):
        seen.extend(map(len, bomb))
    assert sum(seen) < 4 * 1024 * 1024
    assert len(unpacked(packed(bytes(1024 * 1024)))) == 1024 * 1024, "the first MiB is free"


def test_a_frame_that_asks_for_a_large_window_is_refused():
    compressor = zstd.ZstdCompressor(options={int(zstd.CompressionParameter.window_log): 27})
    frame = compressor.compress(bytes(range(256)) * 4) + compressor.flush()
    assert refused(frame) == "the compressed bundle is broken"
