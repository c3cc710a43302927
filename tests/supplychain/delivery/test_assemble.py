"""Stored plugins put together again, and every way in which what is stored can be spoiled: each has its reason."""

from __future__ import annotations

import hashlib
import re
from contextlib import suppress

import pytest
from backports import zstd
from hypothesis import given, settings
from hypothesis import strategies as st

from supplychain.delivery import LARGEST_PAYLOAD, LARGEST_SHARD, Shard, open_delivery
from supplychain.delivery import assemble as assemble_module
from supplychain.delivery.index import Index, render_index
from supplychain.delivery.zstd import PIECE
from supplychain.errors import (
    ArtifactTooLargeError,
    DeliveryInvalidError,
    ShardMismatchError,
    ShardMissingError,
)
from supplychain.limits import Limits
from tests.support.builders import DESCRIPTOR, sign
from tests.support.stored_plugins import Stored, noise, store, verified

LIBRARY = noise(2_500_000)
OTHER = noise(2_500_000, seed=2)


@pytest.fixture
def stored():
    return store(verified(LIBRARY))


def of_stream(stream: bytes, *, size: int, sha256: str) -> Stored:
    """Whatever stream in shards whose index is about them, as one who can write both would store it."""
    pieces = [stream[at : at + LARGEST_SHARD] for at in range(0, len(stream), LARGEST_SHARD)]
    shards = [Shard(size=len(piece), sha256=hashlib.sha256(piece).hexdigest()) for piece in pieces]
    index = Index(artifact_name="plugin.so", size=size, sha256=sha256, compressed_size=len(stream), shards=tuple(shards))
    payload = {"index.json": render_index(index), "plugin.yaml": DESCRIPTOR.encode(), "plugin.sig": sign(LIBRARY)}
    return Stored(payload=payload, suffix="", shards={shard.name: piece for shard, piece in zip(shards, pieces, strict=True)})


def of_library(stream: bytes, library: bytes = LIBRARY) -> Stored:
    return of_stream(stream, size=len(library), sha256=hashlib.sha256(library).hexdigest())


# -- round trips -------------------------------------------------------------------------------------------------------


def test_what_was_stored_comes_back_with_everything_beside_it(stored):
    found = stored.open()
    assert (found.artifact_name, found.size, found.sha256) == ("plugin.so", len(LIBRARY), hashlib.sha256(LIBRARY).hexdigest())
    assert (found.descriptor, found.signature) == (DESCRIPTOR.encode(), sign(LIBRARY))
    assert found.content == stored.suffix
    assert [shard.name for shard in found.shards] == stored.names
    assert b"".join(found.pieces()) == LIBRARY
    assert b"".join(found.pieces()) == LIBRARY, "a second time"


def test_a_single_secret_comes_back_as_well():
    single = store(verified(b"small library"))
    found = single.open()
    assert (found.size, found.sha256, found.shards) == (13, hashlib.sha256(b"small library").hexdigest(), ())
    assert (found.descriptor, found.signature, found.content) == (DESCRIPTOR.encode(), sign(b"small library"), single.suffix)
    assert single.library() == b"small library"


NEAR = sorted({LARGEST_PAYLOAD - len(DESCRIPTOR) - 64 + step for step in (-1, 0, 1)} | {0, 1, PIECE, LARGEST_SHARD, 2_000_000})


@settings(max_examples=40, deadline=None)
@given(
    size=st.sampled_from(NEAR) | st.integers(0, 2_000_000),
    noisy=st.integers(0, 100),
    signature=st.none() | st.binary(min_size=1, max_size=80),
    seed=st.integers(0, 3),
)
def test_any_library_comes_back_byte_by_byte(size, noisy, signature, seed):
    library = (noise(2_000_000, seed=seed)[: size * noisy // 100]).ljust(size, b"\x90")
    stored = store(verified(library, signature=signature))
    assert stored.library() == library
    assert stored.open().signature == signature
    assert all(len(data) <= LARGEST_SHARD for data in stored.shards.values())
    assert sum(map(len, stored.payload.values())) <= LARGEST_PAYLOAD


def test_a_library_that_shrinks_a_thousandfold_is_one_small_shard():
    library = bytes(20_000_000)
    stored = store(verified(library))
    [shard] = stored.shards.values()
    assert len(shard) < 2000
    assert stored.library() == library


def test_no_piece_is_large_and_one_shard_is_held_at_a_time(stored):
    asked: list[str] = []

    def shard(name: str) -> bytes:
        asked.append(name)
        return stored.shards[name]

    pieces = open_delivery(stored.payload, shard=shard).pieces()
    assert asked == []
    first = next(pieces)
    assert asked == stored.names[:1]
    assert max(len(first), *map(len, pieces)) <= PIECE
    assert asked == stored.names


# -- shards ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [0, 1, 2])
def test_a_missing_shard_is_refused(stored, number):
    name = stored.names[number]
    del stored.shards[name]
    with pytest.raises(ShardMissingError, match=f"shard `{name}` is not there, in shard {number + 1} of 3") as caught:
        stored.library()
    assert caught.value.reason == "ShardMissing"


def test_two_swapped_shards_are_refused(stored):
    first, second, _ = stored.names
    stored.shards[first], stored.shards[second] = stored.shards[second], stored.shards[first]
    with pytest.raises(ShardMismatchError, match=f"shard `{first}` holds other bytes.*in shard 1 of 3") as caught:
        stored.library()
    assert caught.value.reason == "ShardMismatch"


@pytest.mark.parametrize("number", [0, 2])
@pytest.mark.parametrize("size", [0, 1, -1])
def test_a_truncated_shard_is_refused(stored, number, size):
    name = stored.names[number]
    whole = stored.shards[name]
    stored.shards[name] = whole[:size]
    with pytest.raises(ShardMismatchError, match=rf"shard `{name}` has another size: expected {len(whole)} bytes, got \d+ bytes"):
        stored.library()


@pytest.mark.parametrize("number", [0, 2])
def test_a_longer_shard_is_refused(stored, number):
    stored.shards[stored.names[number]] += b"\0"
    with pytest.raises(ShardMismatchError, match="has another size"):
        stored.library()


@pytest.mark.parametrize("at", [0, 400_000, LARGEST_SHARD - 1])
def test_one_changed_bit_in_a_shard_is_refused(stored, at):
    name = stored.names[1]
    changed = bytearray(stored.shards[name])
    changed[at] ^= 1
    stored.shards[name] = bytes(changed)
    with pytest.raises(ShardMismatchError, match="holds other bytes"):
        stored.library()


def test_a_shard_of_another_plugin_is_refused(stored):
    stored.shards[stored.names[1]] = list(store(verified(OTHER)).shards.values())[1]
    with pytest.raises(ShardMismatchError, match="holds other bytes"):
        stored.library()


def test_no_byte_of_a_bad_shard_is_given_out(stored):
    stored.shards[stored.names[1]] = bytes(LARGEST_SHARD)
    given_out: list[bytes] = []
    with pytest.raises(ShardMismatchError):
        given_out.extend(stored.open().pieces())
    assert LIBRARY.startswith(b"".join(given_out))
    assert sum(map(len, given_out)) <= LARGEST_SHARD


def test_an_error_of_whoever_reads_the_shards_passes_through(stored):
    def gone(name: str) -> bytes:
        raise ConnectionResetError(name)

    with pytest.raises(ConnectionResetError):
        next(open_delivery(stored.payload, shard=gone).pieces())


# -- an index that somebody edited: the shards are what it says, and the library is not --------------------------------


def refused(stored: Stored) -> str:
    with pytest.raises(DeliveryInvalidError) as caught:
        stored.library()
    assert caught.value.reason == "DeliveryInvalid"
    return str(caught.value)


def test_an_index_that_leaves_the_last_shard_out_is_refused(stored):
    last = stored.index["shards"][-1]["size"]
    stored.edit(lambda index: index["shards"].pop())
    assert "the shards do not add up" in refused(stored)
    stored.edit(lambda index: index.update(compressedSize=index["compressedSize"] - last))
    assert "the compressed library is cut off: expected 2500000 bytes" in refused(stored)


def test_an_index_that_leaves_the_first_shard_out_is_refused(stored):
    stored.edit(lambda index: index.update(compressedSize=index["compressedSize"] - index["shards"].pop(0)["size"]))
    assert "the shards are no zstd frame" in refused(stored)


def test_an_index_in_another_order_is_refused(stored):
    stored.edit(lambda index: index["shards"].reverse())
    assert "the shards are no zstd frame" in refused(stored)


def test_an_index_that_swaps_two_shards_in_the_middle_is_refused():
    """Pieces of one size, cut where a block of noise is, so that what comes out is as long as it was."""
    stored = store(verified(noise(4_000_000)))

    def swap(index):
        shards = index["shards"]
        shards[1], shards[2] = shards[2], shards[1]

    stored.edit(swap)
    assert re.search("broken|another library|cut off|after the end", refused(stored))


def test_an_index_with_a_shard_twice_is_refused(stored):
    def repeat(index):
        index["shards"].append(index["shards"][-1])
        index["compressedSize"] += index["shards"][-1]["size"]

    stored.edit(repeat)
    assert "bytes after the end of the compressed library" in refused(stored)


def test_an_index_with_the_shards_of_another_plugin_is_refused(stored):
    other = store(verified(OTHER))
    stored.edit(lambda index: index.update(shards=other.index["shards"], compressedSize=other.index["compressedSize"]))
    stored.shards = other.shards
    assert "the shards together are another library than the index says" in refused(stored)


def test_an_index_with_another_hash_is_refused(stored):
    stored.edit(lambda index: index["artifact"].update(sha256="0" * 64))
    assert f"another library than the index says: expected `{'0' * 64}`" in refused(stored)


@pytest.mark.parametrize("size", [1, 2_499_999, 2_500_001])
def test_an_index_with_another_size_is_refused(stored, size):
    stored.edit(lambda index: index["artifact"].update(size=size))
    assert f"the zstd frame has another size than its index says: expected {size} bytes, got 2500000 bytes" in refused(stored)


def test_an_index_with_the_other_name_says_the_other_name(stored):
    stored.edit(lambda index: index["artifact"].update(name="plugin.wasm"))
    assert stored.open().artifact_name == "plugin.wasm", "which its descriptor's runtime contradicts, and the content name"
    assert stored.open().content != stored.suffix


@pytest.mark.parametrize(
    "edit",
    [
        lambda index: index.update(version=2),
        lambda index: index.update(encoding="gzip"),
        lambda index: index.pop("artifact"),
        lambda index: index["shards"][0].update(secretName="../../../../etc/passwd"),
    ],
)
def test_a_malformed_index_is_refused_before_any_shard_is_asked_for(stored, edit):
    stored.edit(edit)
    with pytest.raises(DeliveryInvalidError):
        open_delivery(stored.payload, shard=pytest.fail)


def test_a_promise_above_the_caps_is_refused_before_any_shard_is_asked_for(stored):
    for limits in (Limits(artifact=2_499_999), Limits(delivery=stored.index["compressedSize"] - 1)):
        with pytest.raises(ArtifactTooLargeError):
            open_delivery(stored.payload, shard=pytest.fail, limits=limits)


# -- streams that somebody else made -----------------------------------------------------------------------------------


def test_a_second_frame_after_the_first_is_refused():
    frame = zstd.compress(LIBRARY)
    for more in (frame, zstd.compress(b""), b"\x50\x2a\x4d\x18\0\0\0\0", b"\0"):
        assert "bytes after the end of the compressed library" in refused(of_library(frame + more))


def test_a_second_frame_in_a_shard_of_its_own_is_refused():
    frame = zstd.compress(LIBRARY)
    filled = frame + bytes(-len(frame) % LARGEST_SHARD)
    stored = of_library(filled)
    assert "bytes after the end" in refused(stored)
    assert "bytes after the end" in refused(of_library(filled + frame))


def test_a_skippable_frame_before_the_first_is_refused():
    assert "the zstd frame has another size than its index says: expected 2500000 bytes, got no size" in refused(
        of_library(b"\x50\x2a\x4d\x18\x04\0\0\0skip" + zstd.compress(LIBRARY))
    )


def test_a_frame_that_hides_its_size_is_refused():
    hidden = zstd.compress(LIBRARY, options={zstd.CompressionParameter.content_size_flag: 0})
    assert "got no size" in refused(of_library(hidden))


def test_a_bomb_that_names_its_size_is_refused_by_the_cap_on_libraries():
    bomb = zstd.compress(bytes(64 * 1024 * 1024))
    stored = of_stream(bomb, size=64 * 1024 * 1024, sha256="0" * 64)
    assert len(bomb) < 8192
    with pytest.raises(ArtifactTooLargeError, match="expected at most 1048576 bytes, got 67108864 bytes"):
        stored.library(limits=Limits(artifact=1024 * 1024))


def lying_frame(*, true: int, named: int) -> bytes:
    """A frame whose header names `named` bytes, and whose one block gives `true` times the letter a (RFC 8878, 3.1.1)."""
    header = b"\x28\xb5\x2f\xfd" + bytes([0b1010_0000]) + named.to_bytes(4, "little")
    return header + ((true << 3) | 0b011).to_bytes(3, "little") + b"a"


def test_a_frame_made_by_hand_is_read_where_it_tells_the_truth():
    assert of_library(lying_frame(true=100_000, named=100_000), b"a" * 100_000).library() == b"a" * 100_000


def test_a_bomb_that_names_a_smaller_size_is_refused_without_its_bytes():
    stored = of_library(lying_frame(true=100_000, named=1000), b"a" * 1000)
    given_out: list[bytes] = []
    with pytest.raises(DeliveryInvalidError, match=r"the library is longer than its index says|the compressed library is broken"):
        given_out.extend(stored.open().pieces())
    assert sum(map(len, given_out)) <= 1000


def test_more_bytes_than_the_index_says_are_never_given_out(monkeypatch):
    """Whatever the decoder lets through."""
    library = b"a" * 100_000
    frame = zstd.compress(library)
    monkeypatch.setattr("supplychain.delivery.zstd._check_header", lambda part, size: None)
    stored = of_library(frame, library[:99_999])
    given_out: list[bytes] = []
    with pytest.raises(DeliveryInvalidError, match="the library is longer than its index says: expected 99999 bytes, got more"):
        given_out.extend(stored.open().pieces())
    assert given_out == []


def test_a_frame_that_names_a_larger_size_than_it_has_is_refused():
    assert "broken" in refused(of_library(lying_frame(true=1000, named=100_000), b"a" * 100_000))


def test_a_frame_that_needs_a_huge_window_is_refused():
    """A header of 8 bytes may ask for gigabytes of memory."""
    options = {int(zstd.CompressionParameter.window_log): 27, int(zstd.CompressionParameter.compression_level): 1}
    frame = zstd.compress(bytes(1 << 25), options=options)
    assert "too much memory" in refused(of_stream(frame, size=1 << 25, sha256="0" * 64))


@pytest.mark.parametrize("at", [4, 20, 100_000, -1])
def test_a_damaged_stream_is_refused(at):
    frame = bytearray(zstd.compress(LIBRARY, options={zstd.CompressionParameter.checksum_flag: 1}))
    frame[at] ^= 0xFF
    assert refused(of_library(bytes(frame)))


@pytest.mark.parametrize("data", [b"\x28\xb5\x2f", b"rubbish", b"\0" * 100, b"\x1f\x8b\x08\0\0\0\0\0\0\0"])
def test_what_is_no_zstd_is_refused(data):
    assert "the shards are no zstd frame" in refused(of_library(data))


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_a_stream_with_any_byte_changed_is_refused_or_means_the_same(data):
    library = (b"some text " * 20_000) + noise(50_000)
    frame = bytearray(zstd.compress(library))
    at = data.draw(st.integers(0, len(frame) - 1))
    frame[at] ^= data.draw(st.integers(1, 255))
    stored = of_library(bytes(frame), library)
    with suppress(DeliveryInvalidError):
        assert stored.library() == library


# -- payloads ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "keys",
    [
        (),
        ("plugin.yaml",),
        ("plugin.yaml", "plugin.sig"),
        ("plugin.so",),
        ("plugin.so", "plugin.sig"),
        ("index.json", "plugin.sig"),
        ("plugin.so", "plugin.wasm", "plugin.yaml", "plugin.sig"),
        ("plugin.so", "index.json", "plugin.yaml", "plugin.sig"),
        ("plugin.so", "plugin.yaml", "plugin.sig", "more"),
        ("shard",),
        ("shard", "plugin.yaml"),
    ],
)
def test_files_that_are_not_those_of_one_plugin_are_refused(keys):
    with pytest.raises(DeliveryInvalidError, match="these are not the files of one plugin: expected one of"):
        open_delivery(dict.fromkeys(keys, b"x"), shard=lambda name: None)


def test_a_payload_full_of_strange_keys_is_named_in_part():
    with pytest.raises(DeliveryInvalidError) as caught:
        open_delivery({"x" * 200 + str(number): b"" for number in range(200)}, shard=lambda name: None)
    assert len(str(caught.value)) < 700


def test_a_single_library_that_changes_while_it_is_read_is_refused(monkeypatch):
    found = store(verified(b"small library")).open()
    monkeypatch.setattr(assemble_module, "_sliced", lambda data: iter([b"another library"]))
    with pytest.raises(DeliveryInvalidError, match="another library"):
        list(found.pieces())
