"""What is stored for a plugin: one payload or shards, names from content, and the caps."""

from __future__ import annotations

import hashlib
import re

import pytest

from supplychain.delivery import LARGEST_PAYLOAD, LARGEST_SHARD, compressed, content_name, cut, plan_delivery
from supplychain.delivery import plan as plan_module
from supplychain.delivery.zstd import decompress
from supplychain.errors import ArtifactTooLargeError, StorageUnavailableError
from supplychain.limits import Limits
from supplychain.spool import Spool, SpoolWriter
from tests.support.builders import DESCRIPTOR
from tests.support.stored_plugins import noise, store, verified

BESIDE = len(DESCRIPTOR) + 64
"""Bytes of descriptor and signature."""

SHORT = b"{schema: mcpg.dev/plugin/v1, id: a.b, name: A, class: tool_gate, runtime: native-cdylib-v1, protocol_version: '1.0'}"


@pytest.mark.parametrize(
    ("total", "shards"), [(BESIDE, 0), (BESIDE + 1, 0), (LARGEST_PAYLOAD - 1, 0), (LARGEST_PAYLOAD, 0), (LARGEST_PAYLOAD + 1, 2)]
)
def test_up_to_a_million_bytes_of_all_three_files_one_secret_holds_everything(total, shards):
    library = noise(total - BESIDE)
    stored = store(verified(library))
    assert len(stored.shards) == shards
    if shards:
        assert set(stored.payload) == {"index.json", "plugin.yaml", "plugin.sig"}
    else:
        assert stored.payload["plugin.so"] == library
        assert set(stored.payload) == {"plugin.so", "plugin.yaml", "plugin.sig"}
        assert sum(map(len, stored.payload.values())) == total
    assert stored.library() == library


def test_a_large_descriptor_counts_as_well():
    descriptor = DESCRIPTOR.encode() + b"# " + b"x" * 100_000 + b"\n"
    library = noise(950_000)
    assert store(verified(library)).shards == {}
    assert len(store(verified(library, descriptor=descriptor)).shards) == 2


def test_every_shard_but_the_last_is_full_and_is_called_after_its_hash():
    stored = store(verified(noise(3_000_000)))
    sizes = [len(data) for data in stored.shards.values()]
    assert sizes[:-1] == [LARGEST_SHARD] * 3
    assert 0 < sizes[-1] < LARGEST_SHARD
    for name, data in stored.shards.items():
        assert name == "mcpg-shard-" + hashlib.sha256(data).hexdigest()[:32]


def test_a_stream_that_ends_with_a_full_shard_has_no_empty_one():
    size, wanted = 2 * LARGEST_SHARD, 2 * LARGEST_SHARD
    for _ in range(4):  # blocks of noise are stored as they are, so the stream grows byte by byte with the library
        stored = store(verified(noise(size)))
        size += wanted - stored.index["compressedSize"]
    assert stored.index["compressedSize"] == wanted
    assert [len(data) for data in stored.shards.values()] == [LARGEST_SHARD] * 2
    assert hashlib.sha256(stored.library()).hexdigest() == stored.index["artifact"]["sha256"]


def test_a_component_keeps_its_name():
    small = store(verified(noise(1000), name="plugin.wasm"))
    large = store(verified(noise(1_000_001), name="plugin.wasm"))
    assert "plugin.wasm" in small.payload
    assert large.index["artifact"]["name"] == "plugin.wasm"
    assert large.open().artifact_name == "plugin.wasm"


def test_a_plugin_without_a_signature_has_no_key_for_one():
    stored = store(verified(noise(1000), signature=None))
    assert set(stored.payload) == {"plugin.so", "plugin.yaml"}
    assert stored.open().signature is None


# -- names -------------------------------------------------------------------------------------------------------------


def test_the_same_plugin_gives_the_same_bytes_and_names_every_time():
    library = noise(2_000_000)
    first, second = store(verified(library)), store(verified(library))
    assert (first.payload, first.shards, first.suffix) == (second.payload, second.shards, second.suffix)


@pytest.mark.parametrize("size", [1000, 1_000_001])
def test_another_descriptor_or_signature_is_another_name(size):
    library = noise(size)
    plain = store(verified(library))
    described = store(verified(library, descriptor=DESCRIPTOR.encode() + b"# changed\n"))
    signed_anew = store(verified(library, signature=bytes(64)))
    unsigned = store(verified(library, signature=None))
    assert len({one.suffix for one in (plain, described, signed_anew, unsigned)}) == 4
    assert plain.shards == described.shards == signed_anew.shards
    assert all(re.fullmatch(r"[0-9a-f]{32}", one.suffix) for one in (plain, described, signed_anew))


def test_a_name_is_of_all_keys_and_values_in_any_order():
    assert content_name({"a": b"1", "b": b"2"}) == content_name({"b": b"2", "a": b"1"})
    spoiled = [{"a": b"2", "b": b"1"}, {"a": b"1"}, {"a": b"1b", "": b"2"}, {"a": b"", "1b": b"2"}, {"a1": b"", "b": b"2"}, {}]
    assert len({content_name(data) for data in ({"a": b"1", "b": b"2"}, *spoiled)}) == 7


def test_a_name_does_not_change_between_versions_of_this_program():
    assert content_name({"plugin.so": b"library", "plugin.yaml": b"text"}) == "d4ceb3556af5fdcf6a48688f11188082"


def test_a_shard_that_a_library_needs_twice_is_stored_once(make, monkeypatch):
    piece = noise(LARGEST_SHARD)
    monkeypatch.setattr(plan_module, "compress", lambda data: iter([piece, piece, b"end"]))
    with plan_delivery(make(noise(1_000_001))) as delivery:
        assert [delivery.shard_payload(shard)["shard"] for shard in delivery.shards] == [piece, b"end"]
        assert delivery.payload["index.json"].count(delivery.shards[0].name.encode()) == 2


def test_any_file_is_cut_like_a_stream_and_an_empty_one_into_nothing():
    for size, sizes in ((0, []), (1, [1]), (LARGEST_SHARD, [LARGEST_SHARD]), (LARGEST_SHARD + 1, [LARGEST_SHARD, 1])):
        data = noise(size)
        with Spool.of(data) as spool:
            shards = cut(spool)
        assert [one.size for one in shards] == sizes
        assert [one.sha256 for one in shards] == [
            hashlib.sha256(data[at : at + LARGEST_SHARD]).hexdigest() for at in range(0, size, LARGEST_SHARD)
        ]


def test_any_file_is_compressed_like_a_library_and_called_by_what_it_is():
    data = noise(1000)
    with Spool.of(data) as spool, compressed(spool, limit=1100, what="package") as stream:
        assert b"".join(decompress([bytes(memoryview(stream.view))], size=len(data))) == data
        size = stream.size
    with Spool.of(data) as spool, pytest.raises(ArtifactTooLargeError, match="the package of 1000 bytes") as caught:
        compressed(spool, limit=size - 1, what="package")
    assert (caught.value.expected, caught.value.got) == (f"at most {size - 1} bytes", f"{size} bytes")


# -- caps and failures -------------------------------------------------------------------------------------------------


def test_a_library_above_the_cap_is_refused_with_both_numbers(make):
    with pytest.raises(ArtifactTooLargeError, match="expected at most 1000 bytes, got 1001 bytes") as caught:
        plan_delivery(make(noise(1001)), limits=Limits(artifact=1000))
    assert caught.value.reason == "ArtefactTooLarge"
    assert store(verified(noise(1000)), limits=Limits(artifact=1000)).shards == {}


def test_a_library_that_compresses_badly_is_refused_with_both_numbers_and_leaves_nothing(make, monkeypatch):
    library = make(noise(40 * 1024 * 1024))
    finished: list[SpoolWriter] = []
    written: list[int] = []
    monkeypatch.setattr(SpoolWriter, "finish", finished.append)
    monkeypatch.setattr(SpoolWriter, "write", lambda self, data: written.append(len(data)))
    with pytest.raises(ArtifactTooLargeError) as caught:
        plan_delivery(library, limits=Limits(delivery=32 * 1024 * 1024))
    assert str(caught.value) == (
        "the library of 41943040 bytes is too large, compressed: expected at most 33554432 bytes, got 41944013 bytes"
    )
    assert finished == []
    assert sum(written) <= 32 * 1024 * 1024


def test_a_library_of_exactly_the_compressed_cap_is_stored():
    library = noise(1_500_000)
    size = store(verified(library)).index["compressedSize"]
    assert store(verified(library), limits=Limits(delivery=size)).library() == library
    with pytest.raises(ArtifactTooLargeError, match=f"at most {size - 1} bytes, got {size} bytes"):
        store(verified(library), limits=Limits(delivery=size - 1))


def test_a_descriptor_that_no_index_secret_could_hold_is_refused_and_the_stream_released(make, monkeypatch):
    made = []
    compressed = plan_module.compressed

    def remembered(*args, **options):
        made.append(compressed(*args, **options))
        return made[-1]

    monkeypatch.setattr(plan_module, "compressed", remembered)
    monkeypatch.setattr(plan_module, "LARGEST_PAYLOAD", 600)
    with pytest.raises(ArtifactTooLargeError, match="index and descriptor are too large for one Secret: expected at most 600 b"):
        plan_delivery(make(noise(1000)))
    assert made[0].file.closed


def test_an_index_that_just_fits_into_its_secret_is_stored(monkeypatch):
    monkeypatch.setattr(plan_module, "LARGEST_PAYLOAD", 600)
    size = sum(map(len, store(verified(noise(1000), descriptor=SHORT)).payload.values()))
    assert size < 600
    monkeypatch.setattr(plan_module, "LARGEST_PAYLOAD", size)
    assert len(store(verified(noise(1000), descriptor=SHORT)).shards) == 1


def test_a_full_disk_is_unavailable(make, monkeypatch):
    def full(self, data):
        raise StorageUnavailableError("cannot keep a copy of the bytes")

    plugin = make(noise(1_000_001))
    monkeypatch.setattr(SpoolWriter, "write", full)
    with pytest.raises(StorageUnavailableError):
        plan_delivery(plugin)


def test_a_closed_delivery_has_given_its_disk_space_back(make):
    delivery = plan_delivery(make(noise(1_000_001)))
    stream = delivery._stream
    delivery.close()
    assert stream is not None
    assert stream.file.closed
    with plan_delivery(make(b"small")) as small:
        assert small.shards == ()
