"""Plugins as they are mounted: links, missing files, files that are too long, and names that would be paths."""

from __future__ import annotations

import os

import pytest

from supplychain.delivery import LARGEST_PAYLOAD, LARGEST_SHARD
from supplychain.delivery.mounted import open_mounted
from supplychain.errors import (
    ArtifactTooLargeError,
    DeliveryInvalidError,
    ShardMismatchError,
    ShardMissingError,
    UnreadableFileError,
)
from supplychain.limits import Limits
from tests.support.stored_plugins import mount, noise, store, verified

LIMITS = Limits()
LIBRARY = noise(1_500_000)


@pytest.fixture
def stored():
    return store(verified(LIBRARY))


def library(directory):
    return b"".join(open_mounted(directory, limits=LIMITS).pieces())


def test_a_sharded_plugin_is_read_through_the_links_of_its_mount(stored, tmp_path):
    found = open_mounted(mount(stored, tmp_path), limits=LIMITS)
    assert b"".join(found.pieces()) == LIBRARY
    assert found.content == stored.suffix


def test_a_single_plugin_is_read_as_well(tmp_path):
    single = store(verified(b"small"))
    found = open_mounted(mount(single, tmp_path), limits=LIMITS)
    assert (b"".join(found.pieces()), found.content) == (b"small", single.suffix)


def test_an_empty_file_is_an_empty_file(tmp_path):
    mount(store(verified(b"")), tmp_path)
    assert library(tmp_path) == b""


def test_other_files_in_the_mount_do_not_matter(stored, tmp_path):
    mount(stored, tmp_path)
    (tmp_path / "LICENSE").write_text("…")
    (tmp_path / "shards" / "mcpg-shard-of-another").write_text("…")
    assert library(tmp_path) == LIBRARY


@pytest.mark.parametrize("missing", ["plugin.yaml", "index.json"])
def test_a_file_that_is_not_mounted_is_refused(stored, tmp_path, missing):
    del stored.payload[missing]
    mount(stored, tmp_path)
    with pytest.raises(DeliveryInvalidError, match="these are not the files of one plugin"):
        library(tmp_path)


def test_a_shard_that_is_not_mounted_is_refused_and_so_is_a_link_to_nothing(stored, tmp_path):
    mount(stored, tmp_path)
    (tmp_path / "shards" / stored.names[1]).unlink()
    with pytest.raises(ShardMissingError, match=f"shard `{stored.names[1]}` is not there, in shard 2 of 2"):
        library(tmp_path)
    (tmp_path / "shards" / stored.names[1]).symlink_to("nowhere")
    with pytest.raises(ShardMissingError):
        library(tmp_path)
    (tmp_path / "shards").unlink()
    with pytest.raises(ShardMissingError, match="in shard 1 of 2"):
        library(tmp_path)


def test_a_shard_without_end_is_read_up_to_its_bound(stored, tmp_path):
    mount(stored, tmp_path)
    with (tmp_path / "shards" / stored.names[0]).open("ab") as file:
        file.truncate(1 << 40)
    with pytest.raises(ShardMismatchError, match=f"expected {LARGEST_SHARD} bytes, got {LARGEST_SHARD + 1} bytes"):
        library(tmp_path)


@pytest.mark.parametrize("name", ["plugin.yaml", "index.json", "plugin.sig"])
def test_a_file_without_end_is_read_up_to_its_bound(stored, tmp_path, name):
    mount(stored, tmp_path)
    with (tmp_path / name).open("ab") as file:
        file.truncate(1 << 40)
    with pytest.raises(DeliveryInvalidError, match=f"a file is larger than any Secret: expected at most {LARGEST_PAYLOAD} bytes"):
        library(tmp_path)


def test_a_file_of_exactly_the_bound_is_read(tmp_path):
    mount(store(verified(b"small")), tmp_path)
    (tmp_path / "plugin.so").unlink()
    (tmp_path / "plugin.so").write_bytes(bytes(LARGEST_PAYLOAD))
    assert library(tmp_path) == bytes(LARGEST_PAYLOAD)


def test_no_text_of_the_index_leads_out_of_the_mount(stored, tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("not yours")
    stored.edit(lambda index: index["shards"][0].update(secretName="../../secret"))
    mount(stored, tmp_path / "plugin")
    with pytest.raises(DeliveryInvalidError, match="a shard is not called after its digest"):
        library(tmp_path / "plugin")


@pytest.mark.parametrize("place", ["nowhere", "file"])
def test_what_is_no_directory_is_a_wrong_request(tmp_path, place):
    (tmp_path / "file").touch()
    with pytest.raises(UnreadableFileError, match="cannot read directory: expected a mounted plugin"):
        library(tmp_path / place)


def test_the_limits_hold_for_what_is_mounted(stored, tmp_path):
    mount(stored, tmp_path)
    with pytest.raises(ArtifactTooLargeError, match="at most 1499999 bytes"):
        open_mounted(tmp_path, limits=Limits(artifact=1_499_999))


def test_a_pipe_or_a_folder_in_the_place_of_a_file_is_not_waited_for(stored, tmp_path):
    mount(stored, tmp_path)
    shard = tmp_path / "shards" / stored.names[0]
    shard.unlink()
    os.mkfifo(shard)
    with pytest.raises(UnreadableFileError, match="expected a regular file, got a pipe"):
        library(tmp_path)
    shard.unlink()
    shard.mkdir()
    with pytest.raises(UnreadableFileError, match="got a directory"):
        library(tmp_path)


def test_a_file_that_breaks_while_it_is_read_is_unreadable(stored, tmp_path, monkeypatch):
    class Broken:
        error = OSError(5, "Input/output error")

        def __enter__(self):
            return self

        def __exit__(self, *_):
            pass

        def read(self, size):
            raise self.error

    mount(stored, tmp_path)
    monkeypatch.setattr("supplychain.delivery.mounted.open_regular", lambda path: Broken())
    with pytest.raises(UnreadableFileError, match="cannot read file: got Input/output error"):
        library(tmp_path)
    monkeypatch.setattr(Broken, "error", OSError("odd"))
    with pytest.raises(UnreadableFileError, match="cannot read file: got OSError"):
        library(tmp_path)


def test_a_file_that_comes_in_pieces_is_put_together(stored, tmp_path, monkeypatch):
    class Slow:
        def __init__(self, path):
            self.file = path.open("rb")

        def __enter__(self):
            return self

        def __exit__(self, *_):
            self.file.close()

        def read(self, size):
            return self.file.read(min(size, 100_000))

    mount(stored, tmp_path)
    monkeypatch.setattr("supplychain.delivery.mounted.open_regular", Slow)
    assert library(tmp_path) == LIBRARY
