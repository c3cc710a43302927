"""Bundles as one file and as parts: written whole or not at all, read only as the set that was written."""

import errno
import os
from pathlib import Path

import pytest

from supplychain.carry.plugin_bundle import volume_writer as writing
from supplychain.carry.plugin_bundle.compression import MAGIC
from supplychain.carry.plugin_bundle.parts import HEAD_SIZE, SMALLEST_PART, PartHead, Volume
from supplychain.carry.plugin_bundle.volume_writer import VolumeWriter
from supplychain.errors import (
    BundleFileInvalidError,
    BundlePartMismatchError,
    BundlePartMissingError,
    InvalidPolicyError,
    OutputError,
    UnreadableFileError,
)

CONTENT = MAGIC + bytes(range(256)) * 700


def write(path, content=CONTENT, *, part_size=SMALLEST_PART):
    with VolumeWriter(path, part_size=part_size) as volume:
        for at in range(0, len(content), 10_000):
            volume.write(content[at : at + 10_000])
        return volume.commit()


def content_of(path):
    with Volume(path) as volume:
        return b"".join(volume.chunks())


def refused(path, error):
    with pytest.raises(error) as caught:
        content_of(path)
    return str(caught.value)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "b.mcpg.tar.zst"


def part(path, number):
    return path.with_name(f"{path.name}.{number:03}")


def test_one_file_is_what_was_written(path):
    digest, files = write(path, part_size=None)
    assert path.read_bytes() == CONTENT
    assert files == (path,)
    with Volume(path) as volume:
        assert volume.sha256 is None
        assert b"".join(volume.chunks()) == b"".join(volume.chunks()) == CONTENT
        assert (volume.sha256, volume.parts, volume.size) == (digest, None, len(CONTENT))


def test_parts_are_no_larger_than_asked_and_together_the_bundle(path):
    digest, files = write(path)
    assert [file.name[-4:] for file in files] == [".001", ".002", ".003"]
    assert [file.stat().st_size for file in files[:2]] == [SMALLEST_PART] * 2
    assert b"".join(file.read_bytes()[HEAD_SIZE:] for file in files) == CONTENT
    for name in (path, *files):
        assert content_of(name) == CONTENT
    with Volume(path) as volume:
        assert list(volume.chunks())
        assert (volume.sha256, volume.parts, volume.size) == (digest, 3, len(CONTENT))


def test_a_part_says_its_set_its_number_its_count_and_its_digest(path):
    digest, files = write(path)
    head = PartHead.parse(files[1].read_bytes()[:HEAD_SIZE], where="x")
    assert (head.set, head.number, head.count, head.size) == (digest, 2, 3, SMALLEST_PART - HEAD_SIZE)


def test_missing_parts_are_named_and_no_refusal(path):
    _, files = write(path)
    files[1].unlink()
    assert "`b.mcpg.tar.zst.002`" in refused(path, BundlePartMissingError)
    assert "2 missing" not in refused(files[2], BundlePartMissingError)
    refused(files[1], UnreadableFileError)


def test_a_damaged_part_is_found_and_named(path):
    _, files = write(path)
    data = bytearray(files[1].read_bytes())
    data[-1] ^= 1
    files[1].write_bytes(data)
    assert "b.mcpg.tar.zst.002" in refused(path, BundlePartMismatchError)


def test_a_part_that_is_cut_off_or_longer_is_found_before_anything_is_read(path):
    _, files = write(path)
    whole = files[1].read_bytes()
    for wrong in (whole[:-1], whole + b"x"):
        files[1].write_bytes(wrong)
        assert "another size" in refused(path, BundlePartMismatchError)


def test_a_part_of_another_bundle_is_refused(path, tmp_path):
    _, files = write(path)
    other = tmp_path / "other.mcpg.tar.zst"
    write(other, CONTENT + b"more")
    files[1].write_bytes(part(other, 2).read_bytes())
    assert "a part of another bundle" in refused(path, BundlePartMismatchError)


def test_parts_that_changed_places_are_refused(path):
    _, files = write(path)
    first, second = files[0].read_bytes(), files[1].read_bytes()
    files[0].write_bytes(second)
    files[1].write_bytes(first)
    assert "a part under another name" in refused(path, BundlePartMismatchError)
    files[0].write_bytes(first)
    files[1].write_bytes(part(path, 3).read_bytes())
    assert "a part under another name" in refused(path, BundlePartMismatchError)


def test_a_part_without_a_number_in_its_name_is_refused(path, tmp_path):
    _, files = write(path)
    alone = tmp_path / "alone.mcpg.tar.zst"
    alone.write_bytes(files[0].read_bytes())
    assert "a part under another name" in refused(alone, BundlePartMismatchError)


def test_a_whole_bundle_in_the_place_of_a_part_is_refused(path):
    _, files = write(path)
    files[1].write_bytes(CONTENT)
    assert "no part of a bundle" in refused(path, BundlePartMismatchError)


def test_parts_with_true_heads_that_are_not_their_set_are_refused(path):
    """Whoever can compute digests can write true heads over other bytes; the set's own digest then differs."""
    import hashlib

    _, files = write(path)
    body = bytes(files[2].stat().st_size - HEAD_SIZE)
    head = PartHead.parse(files[2].read_bytes()[:HEAD_SIZE], where="x")
    new = PartHead(set=head.set, number=3, count=3, size=len(body), sha256=hashlib.sha256(body).hexdigest())
    files[2].write_bytes(new.render() + body)
    assert "not the bundle that they name" in refused(path, BundlePartMismatchError)


@pytest.mark.parametrize(
    "wrong",
    [
        b"",
        b"PK\x03\x04",
        b'{"mcpgBundlePart":1}'.ljust(511) + b"\n",
        PartHead(set="a" * 64, number=0, count=1, size=0, sha256="a" * 64).render(),
        PartHead(set="a" * 64, number=2, count=1, size=0, sha256="a" * 64).render(),
        PartHead(set="a" * 64, number=1, count=1000, size=0, sha256="a" * 64).render(),
        PartHead(set="A" * 64, number=1, count=1, size=0, sha256="a" * 64).render(),
        PartHead(set="a" * 64, number=1, count=1, size=0, sha256="a" * 64).render().replace(b'":1', b'": 1', 1)[:512],
    ],
)
def test_what_is_neither_bundle_nor_part_is_refused(path, wrong):
    path.write_bytes(wrong)
    assert "no bundle and no part of one" in refused(path, BundleFileInvalidError)


def test_what_is_not_there_or_no_file_is_the_readers_mistake(path, tmp_path):
    refused(path, UnreadableFileError)
    refused(tmp_path, UnreadableFileError)


@pytest.mark.parametrize("wrong", ["/", ".", "", "..", "a" * 300, "a" * 300 + "/b", "a\0b"])
def test_a_path_that_can_be_no_file_is_the_readers_mistake(wrong, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    refused(Path(wrong), UnreadableFileError)
    with pytest.raises(OutputError):
        write(Path(wrong), part_size=None)


def test_a_file_that_stops_being_readable_is_told(path, monkeypatch):
    write(path, part_size=None)
    with Volume(path) as volume:

        class Broken:
            def seek(self, place):
                return place

            def read(self, size):
                raise OSError(errno.EIO, "Input/output error")

        monkeypatch.setattr(volume._files[0], "_file", Broken())
        with pytest.raises(UnreadableFileError, match="Input/output"):
            list(volume.chunks())


def test_part_sizes_that_make_no_sense_are_refused(path, monkeypatch):
    with pytest.raises(InvalidPolicyError, match="too small"):
        VolumeWriter(path, part_size=SMALLEST_PART - 1)
    monkeypatch.setattr(writing, "MAX_PARTS", 2)
    with pytest.raises(InvalidPolicyError, match="too many parts"):
        write(path)
    assert list(path.parent.iterdir()) == []


def test_what_was_begun_and_not_committed_leaves_nothing(path):
    with VolumeWriter(path, part_size=SMALLEST_PART) as volume:
        volume.write(CONTENT)
    assert list(path.parent.iterdir()) == []


def test_a_folder_that_is_not_there_and_a_full_disk_are_told(path, monkeypatch):
    with pytest.raises(OutputError):
        write(path / "deeper")
    with pytest.raises(OutputError):
        write(Path("a\0b"))

    def full(self, view):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(writing._Begun, "append", full)
    with pytest.raises(OutputError, match="No space left"):
        write(path)
    assert list(path.parent.iterdir()) == []


def test_an_old_bundle_of_that_name_is_replaced_in_one_step(path):
    path.write_bytes(b"old")
    with VolumeWriter(path) as volume:
        volume.write(CONTENT)
        assert path.read_bytes() == b"old"
        volume.commit()
    assert path.read_bytes() == CONTENT
    assert list(path.parent.iterdir()) == [path]


def test_a_pipe_or_a_device_of_that_name_is_never_replaced(path):
    """Whoever runs this as root would lose `/dev/null`."""
    os.mkfifo(path)
    with pytest.raises(OutputError, match="regular file"):
        write(path, part_size=None)
    assert path.is_fifo()
    os.mkfifo(part(path, 2))
    path.unlink()
    with pytest.raises(OutputError, match="regular file"):
        write(path)
    assert list(path.parent.iterdir()) == [part(path, 2)]


def test_parts_that_cannot_all_be_put_in_their_places_leave_none(path, monkeypatch):
    monkeypatch.setattr(writing, "refuse_special", lambda _: None)
    part(path, 2).mkdir()
    with pytest.raises(OutputError):
        write(path)
    assert list(path.parent.iterdir()) == [part(path, 2)]
