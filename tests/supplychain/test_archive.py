"""The strict ZIP reader: every trick that lets two readers see two archives, and every bomb."""

from __future__ import annotations

import io
import resource
import struct
import zipfile
import zlib
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from supplychain.archive import Entry, _check_size, read_directory
from supplychain.errors import (
    ArchiveInvalidError,
    ArtifactTooLargeError,
    DuplicateMemberError,
    MemberNotAllowedError,
    PackageError,
    SupplyChainError,
)
from supplychain.inflate import inflate
from supplychain.limits import Limits
from supplychain.spool import Spool
from tests.support.builders import End, Member, raw_zip

YAML = Member(name=b"plugin.yaml", data=b"schema: x\n")
LIBRARY = Member(name=b"plugin.so", data=b"library" * 100, mode=0o100755)
LICENCE = Member(name=b"LICENSE", data=b"free", method=0)
MAX_EXAMPLES = 200


def read(archive: bytes, **limits: Any) -> dict[str, bytes]:
    with Spool.of(archive) as spool:
        entries = read_directory(spool, limits=Limits(**limits))
        return {name: b"".join(inflate(spool, entry=entry)) for name, entry in entries.items()}


def descriptor_of(member: Member, *, magic: bytes = b"PK\x07\x08") -> bytes:
    compressor = zlib.compressobj(6, zlib.DEFLATED, -15)
    stored = compressor.compress(member.data) + compressor.flush()
    return magic + struct.pack("<3I", zlib.crc32(member.data), len(stored), len(member.data))


def test_an_honest_archive_is_read() -> None:
    assert read(raw_zip(YAML, LIBRARY, LICENCE)) == {
        "plugin.yaml": b"schema: x\n",
        "plugin.so": b"library" * 100,
        "LICENSE": b"free",
    }


def test_an_archive_of_the_standard_library_is_read() -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("plugin.yaml", b"schema: x\n")
        archive.writestr("plugin.so", b"library")
    assert read(buffer.getvalue()) == {"plugin.yaml": b"schema: x\n", "plugin.so": b"library"}


def test_an_empty_archive_has_no_members() -> None:
    assert read(raw_zip()) == {}


def test_times_and_owners_in_extra_fields_are_allowed() -> None:
    extra = struct.pack("<2H", 0x5455, 5) + b"\x01abcd"
    assert read(raw_zip(replace(YAML, extra=extra, local_extra=extra + struct.pack("<2H", 0x7875, 0))))


@pytest.mark.parametrize("magic", [pytest.param(b"PK\x07\x08", id="with-signature"), pytest.param(b"", id="without")])
def test_a_data_descriptor_that_agrees_is_allowed(magic: bytes) -> None:
    late = replace(
        LIBRARY, flags=8, local_crc=0, local_compressed_size=0, local_size=0, after=descriptor_of(LIBRARY, magic=magic)
    )
    assert read(raw_zip(YAML, late))["plugin.so"] == LIBRARY.data


def test_a_data_descriptor_beside_honest_header_sizes_is_allowed() -> None:
    assert read(raw_zip(replace(LIBRARY, flags=8, after=descriptor_of(LIBRARY))))


@pytest.mark.parametrize(
    ("archive", "what"),
    [
        pytest.param(b"", "not a ZIP archive", id="empty-file"),
        pytest.param(b"PK\x05\x06" + bytes(17), "not a ZIP archive", id="too-short"),
        pytest.param(b"x" * 100, "no end record", id="no-zip"),
        pytest.param(raw_zip(YAML)[:-1], "no end record", id="cut-off"),
        pytest.param(raw_zip(YAML, end=End(after=b"\n")), "no end record", id="trailing-byte"),
        pytest.param(raw_zip(YAML, end=End(comment=b"hello")), "no end record", id="comment"),
        pytest.param(raw_zip(YAML)[:-2] + b"\x05\x00", "no end record", id="comment-announced"),
        pytest.param(raw_zip(YAML, end=End(comment=raw_zip(LIBRARY))), "directory does not stand", id="archive-in-the-comment"),
        pytest.param(raw_zip(YAML, end=End(count=0xFFFF, count_here=0xFFFF)), "ZIP64", id="zip64-count"),
        pytest.param(raw_zip(YAML, end=End(directory_offset=0xFFFFFFFF)), "ZIP64", id="zip64-offset"),
        pytest.param(raw_zip(YAML, end=End(directory_size=0xFFFFFFFF)), "ZIP64", id="zip64-size"),
        pytest.param(raw_zip(YAML, end=End(disk=1)), "several disks", id="disk"),
        pytest.param(raw_zip(YAML, end=End(directory_disk=1)), "several disks", id="directory-disk"),
        pytest.param(raw_zip(YAML, end=End(count_here=2)), "several disks", id="counts-differ"),
        pytest.param(raw_zip(YAML, end=End(before=b"x")), "directory does not stand", id="gap-before-the-end-record"),
        pytest.param(raw_zip(YAML, LIBRARY, end=End(count=1, count_here=1)), "bytes between", id="hidden-entry"),
        pytest.param(raw_zip(YAML, end=End(count=2, count_here=2)), "entry is cut off", id="count-too-large"),
        pytest.param(raw_zip(YAML, end=End(between=b"x")), "belong to no member", id="gap-before-the-directory"),
        pytest.param(raw_zip(replace(YAML, before=b"#!/bin/sh\n")), "belong to no member", id="data-before-the-first-header"),
        pytest.param(raw_zip(YAML, replace(LIBRARY, before=b"x")), "belong to no member", id="gap-between-members"),
        pytest.param(
            raw_zip(YAML, replace(LIBRARY, in_directory=False)), "belong to no member", id="member-outside-the-directory"
        ),
        pytest.param(raw_zip(YAML, replace(LIBRARY, offset=0)), "overlap", id="two-entries-for-one-header"),
        pytest.param(raw_zip(YAML, replace(LIBRARY, offset=20)), "overlap", id="overlapping-members"),
        pytest.param(raw_zip(replace(YAML, compressed_size=5000)), "reaches into the directory", id="content-into-directory"),
        pytest.param(raw_zip(replace(YAML, in_file=False)), "local header is cut off", id="no-local-header"),
        pytest.param(raw_zip(replace(YAML, local_magic=b"PK\x07\x08")), "no local header", id="wrong-local-magic"),
        pytest.param(raw_zip(replace(YAML, local_name=b"plugin.yamL")), "disagree on the name", id="two-names"),
        pytest.param(raw_zip(replace(YAML, local_method=0)), "disagree on the method", id="two-methods"),
        pytest.param(raw_zip(replace(YAML, local_flags=8)), "disagree on the flags", id="two-flags"),
        pytest.param(raw_zip(replace(YAML, local_size=1)), "checksum and sizes", id="two-sizes"),
        pytest.param(raw_zip(replace(YAML, local_compressed_size=1)), "checksum and sizes", id="two-compressed-sizes"),
        pytest.param(raw_zip(replace(YAML, local_crc=1)), "checksum and sizes", id="two-checksums"),
        pytest.param(
            raw_zip(replace(YAML, local_crc=0, local_compressed_size=0, local_size=0)),
            "checksum and sizes",
            id="zeros-without-flag",
        ),
        pytest.param(raw_zip(replace(YAML, flags=8)), "data descriptor and directory disagree", id="data-descriptor-missing"),
        pytest.param(
            raw_zip(replace(YAML, flags=8, after=b"PK\x07\x08" + bytes(12))),
            "data descriptor and directory",
            id="data-descriptor-lies",
        ),
        pytest.param(raw_zip(replace(LICENCE, flags=8)), "two possible ends", id="stored-with-data-descriptor"),
        pytest.param(raw_zip(replace(LICENCE, size=3)), "stored member has two sizes", id="stored-with-two-sizes"),
        pytest.param(raw_zip(replace(YAML, flags=1)), "encryption", id="encrypted"),
        pytest.param(raw_zip(replace(YAML, flags=1 << 6 | 1)), "encryption", id="strongly-encrypted"),
        pytest.param(raw_zip(replace(YAML, flags=1 << 13)), "unknown flags", id="masked-headers"),
        pytest.param(raw_zip(replace(YAML, method=12, stored=b"BZh9")), "unknown compression", id="bzip2"),
        pytest.param(raw_zip(replace(YAML, method=9, stored=b"x")), "unknown compression", id="deflate64"),
        pytest.param(raw_zip(replace(YAML, comment=b"x")), "comment on a member", id="member-comment"),
        pytest.param(raw_zip(replace(YAML, disk=1)), "ZIP64", id="member-on-another-disk"),
        pytest.param(raw_zip(replace(YAML, size=0xFFFFFFFF)), "ZIP64", id="zip64-member-size"),
        pytest.param(raw_zip(replace(YAML, compressed_size=0xFFFFFFFF)), "ZIP64", id="zip64-member-compressed-size"),
        pytest.param(raw_zip(replace(YAML, offset=0xFFFFFFFF)), "ZIP64", id="zip64-member-offset"),
        pytest.param(raw_zip(replace(YAML, extra=struct.pack("<2H", 1, 0))), "extra field that may", id="zip64-extra"),
        pytest.param(
            raw_zip(replace(YAML, extra=struct.pack("<2H", 0x7075, 0))), "extra field that may", id="unicode-path-extra"
        ),
        pytest.param(
            raw_zip(replace(YAML, local_extra=struct.pack("<2H", 0x7075, 0))),
            "extra field that may",
            id="unicode-path-in-local-extra",
        ),
        pytest.param(raw_zip(replace(YAML, extra=b"UT")), "broken extra", id="extra-cut-off"),
        pytest.param(raw_zip(replace(YAML, extra=struct.pack("<2H", 0x5455, 9))), "broken extra", id="extra-too-long"),
    ],
)
def test_a_structure_that_readers_could_take_differently_is_refused(archive: bytes, what: str) -> None:
    with pytest.raises(ArchiveInvalidError, match=what):
        read(archive)


def test_a_broken_directory_magic_is_refused() -> None:
    archive = raw_zip(YAML).replace(b"PK\x01\x02", b"PK\x01\x03")
    with pytest.raises(ArchiveInvalidError, match="no directory entry"):
        read(archive)


def test_a_directory_entry_whose_name_leaves_the_directory_is_refused() -> None:
    archive = bytearray(raw_zip(YAML))
    struct.pack_into("<H", archive, archive.index(b"PK\x01\x02") + 30, 200)  # the extra field's length
    with pytest.raises(ArchiveInvalidError, match="entry is cut off"):
        read(bytes(archive))


@pytest.mark.parametrize(
    "name",
    [
        b"README.md", b"sub/plugin.yaml", b"./plugin.yaml", b"a/../plugin.so", b"../plugin.so", b"/plugin.so", b"plugin.so/",
        b"plugin.so\0", b"PLUGIN.SO", b"plugin.so ", b"", b"license", b"plugin\xe2\x80\x8b.so", b"\xff\xfe", b"plugin.sig.bak",
        b"x" * 60000,
    ],
)  # fmt: skip
def test_a_member_outside_the_five_names_is_refused(name: bytes) -> None:
    with pytest.raises(MemberNotAllowedError) as caught:
        read(raw_zip(replace(YAML, name=name)))
    assert len(str(caught.value)) < 500
    assert str(caught.value).isprintable()


@pytest.mark.parametrize(
    ("changes", "got"),
    [
        pytest.param({"mode": 0o120777}, "a symbolic link", id="symlink"),
        pytest.param({"mode": 0o040755}, "a directory", id="directory"),
        pytest.param({"mode": 0o020644}, "something else", id="device"),
        pytest.param({"mode": 0o120777, "made_by": 20}, "a symbolic link", id="symlink-said-to-be-from-dos"),
        pytest.param({"external": 0x10}, "something else", id="dos-directory"),
        pytest.param({"external": 0x08}, "something else", id="dos-volume"),
    ],
)
def test_a_member_that_is_no_regular_file_is_refused(changes: dict[str, Any], got: str) -> None:
    with pytest.raises(MemberNotAllowedError) as caught:
        read(raw_zip(replace(YAML, **changes)))
    assert caught.value.got == got


def test_a_member_without_unix_mode_is_a_file() -> None:
    assert read(raw_zip(replace(YAML, external=0x20, made_by=20)))


def test_the_same_name_twice_is_refused() -> None:
    with pytest.raises(DuplicateMemberError) as caught:
        read(raw_zip(YAML, LIBRARY, replace(LIBRARY, data=b"another")))
    assert caught.value.got == "`plugin.so`"


@pytest.mark.parametrize(
    ("member", "limits"),
    [
        pytest.param(replace(LIBRARY, data=b"0123456789"), {"artifact": 9}, id="artifact"),
        pytest.param(replace(YAML, data=b"0123456789"), {"descriptor": 9}, id="descriptor"),
        pytest.param(replace(LICENCE, data=b"0123456789"), {"licence": 9}, id="licence"),
        pytest.param(Member(name=b"plugin.sig", data=bytes(4097)), {}, id="signature"),
    ],
)
def test_a_member_beyond_its_limit_is_refused_before_inflating(member: Member, limits: dict[str, int]) -> None:
    with Spool.of(raw_zip(member)) as spool, pytest.raises(ArtifactTooLargeError) as caught:
        read_directory(spool, limits=Limits(**limits))
    assert caught.value.where == f"`{member.name.decode()}`"
    assert str(caught.value.expected).endswith("bytes")


def test_a_member_at_its_limit_is_read() -> None:
    assert read(raw_zip(replace(LIBRARY, data=b"0123456789")), artifact=10)


def test_a_bomb_is_refused_by_its_ratio_before_inflating() -> None:
    bomb = replace(LIBRARY, data=bytes(8 * 1024 * 1024))
    with Spool.of(raw_zip(bomb)) as spool, pytest.raises(ArtifactTooLargeError, match="inflates too far"):
        read_directory(spool, limits=Limits())


def test_the_first_mebibyte_is_free_of_the_ratio() -> None:
    assert len(read(raw_zip(replace(LIBRARY, data=bytes(1024 * 1024))))["plugin.so"]) == 1024 * 1024


def test_65535_members_are_refused_at_the_first_foreign_name() -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", allowZip64=False) as archive:
        for index in range(65_534):
            archive.writestr(zipfile.ZipInfo(f"{index:05}"), b"")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_utime
    with pytest.raises(MemberNotAllowedError) as caught:
        read(buffer.getvalue())
    assert caught.value.got == "`00000`"
    assert resource.getrusage(resource.RUSAGE_SELF).ru_utime - before < 1


def test_65536_members_need_zip64_and_are_refused_for_it() -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for index in range(65_536):
            archive.writestr(zipfile.ZipInfo(f"{index:05}"), b"")
    with pytest.raises(ArchiveInvalidError, match="ZIP64"):
        read(buffer.getvalue())


@settings(max_examples=MAX_EXAMPLES, deadline=None)
@given(st.data())
def test_a_changed_byte_gives_equal_content_or_our_error(data: st.DataObject) -> None:
    honest = raw_zip(YAML, LIBRARY, LICENCE)
    at = data.draw(st.integers(0, len(honest) - 1))
    value = data.draw(st.integers(0, 255))
    changed = bytes([*honest[:at], value, *honest[at + 1 :]])
    try:
        content = read(changed)
    except SupplyChainError as exc:
        assert isinstance(exc, PackageError | ArtifactTooLargeError)  # noqa: PT017
    else:
        assert content == read(honest)


def test_every_member_is_held_to_its_size_and_not_only_the_first() -> None:
    with pytest.raises(ArtifactTooLargeError, match="a member is too large"):
        read(raw_zip(YAML, LIBRARY), artifact=len(LIBRARY.data) - 1)
    assert read(raw_zip(YAML, LIBRARY), artifact=len(LIBRARY.data))


FINE, STRANGE = struct.pack("<2H", 0x5455, 0), struct.pack("<2H", 0x7075, 0)


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"extra": STRANGE, "local_extra": b""}, id="in the directory alone"),
        pytest.param({"local_extra": STRANGE}, id="in the local header alone"),
        pytest.param({"extra": FINE + STRANGE, "local_extra": b""}, id="behind an allowed one"),
    ],
)
def test_an_extra_field_that_may_carry_another_name_is_refused_wherever_it_stands(changes: dict[str, Any]) -> None:
    with pytest.raises(ArchiveInvalidError, match="extra field that may carry another name") as caught:
        read(raw_zip(replace(YAML, **changes)))
    assert caught.value.where == "`plugin.yaml`"


def test_a_comment_that_reaches_behind_the_directory_is_cut_off() -> None:
    archive = bytearray(raw_zip(YAML))
    at = archive.rindex(b"PK\x01\x02")
    archive[at + 32 : at + 34] = (1).to_bytes(2, "little")
    with pytest.raises(ArchiveInvalidError, match="a directory entry is cut off"):
        read(bytes(archive))


LATE = replace(LIBRARY, flags=8, local_crc=0, local_compressed_size=0, local_size=0, after=descriptor_of(LIBRARY))


def test_a_data_descriptor_may_stand_before_other_members() -> None:
    assert read(raw_zip(LATE, YAML))["plugin.so"] == LIBRARY.data


@pytest.mark.parametrize(
    "member", [replace(LATE, local_crc=1), replace(LATE, local_compressed_size=1), replace(LATE, local_size=1)]
)
def test_a_header_before_a_data_descriptor_says_nothing_or_the_truth(member: Member) -> None:
    with pytest.raises(ArchiveInvalidError, match="disagree on the checksum and sizes"):
        read(raw_zip(YAML, member))


def test_a_member_may_inflate_just_as_far_as_the_bound() -> None:
    most = 1024 * 1024 + 3 * 7
    entry = Entry(name="plugin.so", method=8, flags=0, crc=0, compressed_size=7, size=most, header_at=0)
    _check_size(entry, limits=Limits(inflate_ratio=3))
    with pytest.raises(ArtifactTooLargeError, match="inflates too far"):
        _check_size(replace(entry, size=most + 1), limits=Limits(inflate_ratio=3))
