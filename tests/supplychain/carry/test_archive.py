"""The tar of a bundle: one form of its bytes, and every other one refused by name."""

import io
import tarfile

import pytest

from supplychain.carry.plugin_bundle import archive
from supplychain.carry.plugin_bundle.archive import blob_name, header, read_archive, tar_size, write_archive
from supplychain.errors import BundleFileInvalidError

BLOB = "blobs/sha256/" + "ab" * 32
FILES = [("oci-layout", b"{}"), ("index.json", b"x" * 512), (BLOB, b"y" * 700)]


def written(files=FILES):
    return b"".join(bytes(piece) for piece in write_archive((name, len(data), (data,)) for name, data in files))


def read(data, piece=100):
    pieces = (data[at : at + piece] for at in range(0, len(data), piece))
    return [(one.name, b"".join(one.pieces)) for one in read_archive(pieces)]


def refused(data):
    with pytest.raises(BundleFileInvalidError) as caught:
        read(data)
    return f"{caught.value.what}: {caught.value.got}"


@pytest.mark.parametrize("piece", [1, 7, 511, 512, 513, 100_000])
def test_what_is_written_is_read_in_pieces_of_any_size(piece):
    assert read(written(), piece) == FILES


def test_every_tar_reads_it():
    with tarfile.open(fileobj=io.BytesIO(written()), mode="r:") as reader:
        members = reader.getmembers()
        assert [(one.name, content.read()) for one in members if (content := reader.extractfile(one))] == FILES
        assert {(one.mode, one.mtime, one.uid, one.gid, one.uname, one.type) for one in members} == {
            (0o644, 0, 0, 0, "", tarfile.REGTYPE)
        }


def test_its_size_is_known_before():
    assert tar_size(len(data) for _, data in FILES) == len(written())


def test_what_nobody_reads_is_skipped():
    assert [one.name for one in read_archive(iter([written()]))] == [name for name, _ in FILES]


def test_a_member_says_its_digest():
    members = list(read_archive(iter([written()])))
    assert [one.sha256 for one in members] == [None, None, "ab" * 32]
    assert blob_name("ab" * 32) == BLOB


def test_writing_a_size_that_is_not_kept_is_a_defect():
    with pytest.raises(ValueError, match="another size"):
        list(write_archive([("oci-layout", 3, (b"four",))]))
    with pytest.raises(ValueError, match="no tar member"):
        header("oci-layout", 8**11)


def of_tarfile(tar_format=tarfile.USTAR_FORMAT, **fields):
    """One member as Python's own writer makes it."""
    member = tarfile.TarInfo(fields.pop("name", "index.json"))
    member.mode = 0o644
    data = fields.pop("data", b"")
    for key, value in fields.items():
        setattr(member, key, value)
    member.size = len(data)
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tar_format) as writer:
        writer.addfile(member, io.BytesIO(data))
    return out.getvalue()


@pytest.mark.parametrize(
    ("fields", "found"),
    [
        ({"type": tarfile.SYMTYPE, "linkname": "/etc/passwd"}, "a symbolic link"),
        ({"type": tarfile.LNKTYPE, "linkname": "index.json"}, "a hard link"),
        ({"type": tarfile.DIRTYPE, "name": "blobs"}, "a directory"),
        ({"type": tarfile.FIFOTYPE}, "a pipe"),
        ({"type": tarfile.CHRTYPE}, "a device"),
        ({"type": tarfile.BLKTYPE}, "a device"),
        ({"type": tarfile.GNUTYPE_SPARSE}, "a sparse file"),
        ({"type": tarfile.AREGTYPE}, "a member of the old form"),
        ({"name": "/etc/passwd"}, "the name `/etc/passwd`"),
        ({"name": "../index.json"}, "the name `../index.json`"),
        ({"name": "./index.json"}, "the name `./index.json`"),
        ({"name": "blobs/sha256/../../x"}, "the name"),
        ({"name": "blobs/sha256/" + "AB" * 32}, "the name"),
        ({"mode": 0o755}, "a header with other"),
        ({"mtime": 1}, "a header with other"),
        ({"uid": 1000}, "a header with other"),
        ({"uname": "root"}, "a header with other"),
        ({"name": "x" * 120, "tar_format": tarfile.GNU_FORMAT}, "a GNU long name"),
        ({"name": "x" * 300, "tar_format": tarfile.PAX_FORMAT}, "a PAX header"),
        ({"pax_headers": {"comment": "x"}, "tar_format": tarfile.PAX_FORMAT}, "a PAX header"),
    ],
)
def test_every_other_kind_of_member_is_refused_and_named(fields, found):
    assert found in refused(of_tarfile(**fields))


def test_a_checksum_a_prefix_and_a_size_in_another_form_are_refused():
    good = header("index.json", 0)
    for at, wrong in (
        (148, b"999999"),
        (345, b"blobs/"),
        (124, b"          0\0"),
        (124, b"\x80" + bytes(11)),
        (136, b"00000000001"),
    ):
        assert "a member that no bundle has" in refused(good[:at] + wrong + good[at + len(wrong) :] + bytes(1024))


def test_what_is_no_tar_at_all_is_refused():
    assert "no tar header" in refused(b"PK\x03\x04" * 256)


def test_a_cut_off_archive_is_refused_wherever_it_is_cut():
    whole = written()
    for at in (0, 1, 511, 512, 600, 1024, len(whole) - 1024, len(whole) - 512, len(whole) - 1):
        assert "cut off" in refused(whole[:at])


def test_what_follows_the_end_is_refused():
    whole = written()
    assert "bytes after the end" in refused(whole + b"\0")
    assert "bytes after the end" in refused(whole + written())
    assert "a member after the end" in refused(whole[:-512] + header("index.json", 0) + bytes(1024))


def test_bytes_between_members_are_refused():
    whole = bytearray(written())
    whole[512 + 2] = 1
    assert "bytes between two members" in refused(bytes(whole))


def test_more_members_than_allowed_are_refused(monkeypatch):
    monkeypatch.setattr(archive, "MAX_MEMBERS", 3)
    assert len(read(written())) == 3
    assert "too many members" in refused(written([*FILES, (BLOB, b"")]))
