"""The content of a member: exactly as declared, or refused, in bounded memory."""

from __future__ import annotations

import os
import tracemalloc
import zlib
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from supplychain.archive import read_directory
from supplychain.errors import ArchiveInvalidError, PackageError
from supplychain.inflate import inflate
from supplychain.limits import Limits
from supplychain.spool import Spool
from tests.support.builders import Member, raw_zip

LIBRARY = Member(name=b"plugin.so", data=b"library" * 100, mode=0o100755)
LICENCE = Member(name=b"LICENSE", data=b"free", method=0)
MAX_EXAMPLES = 200


def read(archive: bytes) -> dict[str, bytes]:
    with Spool.of(archive) as spool:
        entries = read_directory(spool, limits=Limits())
        return {name: b"".join(inflate(spool, entry=entry)) for name, entry in entries.items()}


def test_content_comes_in_pieces_of_at_most_512_kibibytes() -> None:
    with Spool.of(raw_zip(replace(LIBRARY, data=os.urandom(700_000)), replace(LICENCE, data=os.urandom(700_000)))) as spool:
        for entry in read_directory(spool, limits=Limits()).values():
            assert max(len(piece) for piece in inflate(spool, entry=entry)) <= 512 * 1024


def test_content_larger_than_one_piece_is_read_whole() -> None:
    data = bytes(range(256)) * 8192
    assert read(raw_zip(replace(LIBRARY, data=data), replace(LICENCE, data=data[:700_000])))["plugin.so"] == data


def test_a_bomb_that_declares_little_is_stopped_at_what_it_declared() -> None:
    bomb = raw_zip(replace(LIBRARY, data=bytes(64 * 1024 * 1024), size=1000))
    with Spool.of(bomb) as spool:
        entry = read_directory(spool, limits=Limits())["plugin.so"]
        tracemalloc.start()
        with pytest.raises(ArchiveInvalidError, match="longer than declared"):
            b"".join(inflate(spool, entry=entry))
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert peak < 4 * 1024 * 1024


@pytest.mark.parametrize(
    ("member", "what"),
    [
        pytest.param(replace(LIBRARY, crc=1), "checksum", id="checksum"),
        pytest.param(replace(LIBRARY, size=699), "longer than declared", id="too-long"),
        pytest.param(replace(LIBRARY, size=701), "shorter than declared", id="too-short"),
        pytest.param(replace(LIBRARY, stored=b""), "cut off", id="no-content"),
        pytest.param(replace(LIBRARY, stored=b"\x4b"), "cut off", id="cut-off"),
        pytest.param(replace(LIBRARY, stored=b"\xff" * 50), "broken", id="no-deflate"),
        pytest.param(replace(LICENCE, crc=1), "checksum", id="stored-checksum"),
    ],
)
def test_content_that_is_not_as_declared_is_refused(member: Member, what: str) -> None:
    with pytest.raises(ArchiveInvalidError, match=what) as caught:
        read(raw_zip(member))
    assert caught.value.where == f"`{member.name.decode()}`"


def test_bytes_after_the_compressed_content_are_refused() -> None:
    compressor = zlib.compressobj(6, zlib.DEFLATED, -15)
    stored = compressor.compress(LIBRARY.data) + compressor.flush() + b"smuggled"
    with pytest.raises(ArchiveInvalidError, match="bytes after the end") as caught:
        read(raw_zip(replace(LIBRARY, stored=stored)))
    assert caught.value.got == "8 bytes"


def test_many_bytes_after_the_compressed_content_are_counted() -> None:
    compressor = zlib.compressobj(6, zlib.DEFLATED, -15)
    stored = compressor.compress(LIBRARY.data) + compressor.flush() + bytes(300_000)
    with pytest.raises(ArchiveInvalidError, match="bytes after the end") as caught:
        read(raw_zip(replace(LIBRARY, stored=stored)))
    assert caught.value.got == "300000 bytes"


@settings(max_examples=MAX_EXAMPLES, deadline=None)
@given(stored=st.binary(max_size=200), size=st.integers(0, 400))
def test_random_bytes_as_compressed_content_end_in_our_error_or_as_zlib_says(stored: bytes, size: int) -> None:
    try:
        content = read(raw_zip(replace(LIBRARY, stored=stored, size=size)))
    except PackageError:
        return
    assert content["plugin.so"] == zlib.decompress(stored, -15)
