"""The directory of a plugin package, read strictly (PKWARE APPNOTE 6.3.10, sections 4.3 and 4.4).

Two readers of an accepted archive cannot see different content: the file is exactly members, directory and end record, back to
back; every local header repeats its directory entry; each name stands once. Nothing is inflated here (`inflate` does that later),
and every size that a member declares is bounded by the limits.

Not accepted although ZIP has it: ZIP64, encryption, comments, other methods than Stored and Deflate, anything but regular files,
and extra fields that could carry another name or size. Member times and permissions are ignored.
"""

from __future__ import annotations

import stat
import struct
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from supplychain.errors import ArchiveInvalidError, ArtifactTooLargeError, DuplicateMemberError, MemberNotAllowedError

if TYPE_CHECKING:
    from supplychain.limits import Limits
    from supplychain.spool import Spool

__all__ = ["ARTIFACTS", "DESCRIPTOR", "LICENCE", "SIGNATURE", "STORED", "Entry", "read_directory"]

DESCRIPTOR: Final = "plugin.yaml"
SIGNATURE: Final = "plugin.sig"
LICENCE: Final = "LICENSE"
ARTIFACTS: Final = ("plugin.so", "plugin.wasm")
_NAMES: Final = {name.encode("ascii"): name for name in (DESCRIPTOR, SIGNATURE, LICENCE, *ARTIFACTS)}

_END = struct.Struct("<4s4H2IH")
_CENTRAL = struct.Struct("<4s6H3I5H2I")
_LOCAL = struct.Struct("<4s5H3I2H")
_DATA_DESCRIPTOR = struct.Struct("<3I")
_DATA_DESCRIPTOR_MAGIC = b"PK\x07\x08"
STORED: Final = 0
_DEFLATED: Final = 8
_FLAG_DATA_DESCRIPTOR = 1 << 3
_FLAGS_ALLOWED = 0b110 | _FLAG_DATA_DESCRIPTOR | 1 << 11
"""Compression level, data descriptor, UTF-8 name."""
_ZIP64_COUNT, _ZIP64_SIZE = 0xFFFF, 0xFFFFFFFF
_DOS_VOLUME_OR_FOLDER = 0x18
# Times and owners only: extended timestamp, both Info-ZIP owners and their predecessor, NTFS times.
_EXTRA_ALLOWED = frozenset({0x5455, 0x7875, 0x7855, 0x5855, 0x000A})
_MOST_SIGNATURE_BYTES = 4 * 1024
_FREE_OF_RATIO = 1024 * 1024
_LONGEST_SHOWN = 80


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One checked member; the data stands at `start` in the package, `compressed_size` bytes long."""

    name: str
    method: int
    flags: int
    crc: int
    compressed_size: int
    size: int
    header_at: int
    start: int = 0


def read_directory(package: Spool, *, limits: Limits) -> dict[str, Entry]:
    """Check the whole structure of the archive and return its members by name, in the order of the directory.

    Raises:
        ArchiveInvalidError, MemberNotAllowedError, DuplicateMemberError: the structure was refused.
        ArtifactTooLargeError: a member declares more than the limits allow.
    """
    view = memoryview(package.view)
    directory, end_at, count = _read_end(view)
    entries: dict[str, Entry] = {}
    at = directory
    # Only five names exist and none may come twice, so a directory of any length is left at its sixth entry at the latest.
    for _ in range(count):
        entry, at = _read_central(view, at=at, end=end_at)
        if entry.name in entries:
            raise DuplicateMemberError("a member stands twice in the archive", got=f"`{entry.name}`")
        entries[entry.name] = entry
    if at != end_at:
        raise ArchiveInvalidError("bytes between the last directory entry and the end record", got=f"{end_at - at} bytes")
    located = _locate(view, entries=entries, directory=directory)
    for entry in located.values():
        _check_size(entry, limits=limits)
    return located


def _read_end(view: memoryview) -> tuple[int, int, int]:
    """Return where the directory and the end record start, and how many entries the directory has."""
    at = len(view) - _END.size
    if at < 0:
        raise ArchiveInvalidError("not a ZIP archive", expected=f"at least {_END.size} bytes", got=f"{len(view)} bytes")
    magic, disk, directory_disk, here, count, size, offset, comment = _END.unpack_from(view, at)
    if magic != b"PK\x05\x06" or comment:
        raise ArchiveInvalidError(
            "no end record at the end",
            expected="the end record without comment as the last 22 bytes",
            hint="the file is no ZIP archive, is cut off, or has bytes after its end",
        )
    if _ZIP64_COUNT in (disk, directory_disk, here, count) or _ZIP64_SIZE in (size, offset):
        raise ArchiveInvalidError("ZIP64 is not accepted", hint="no allowed package is large enough to need it")
    if disk or directory_disk or here != count:
        raise ArchiveInvalidError("archives of several disks are not accepted")
    if offset + size != at:
        raise ArchiveInvalidError(
            "the directory does not stand right before the end record",
            expected=f"its end at offset {at}",
            got=f"offset {offset + size}",
        )
    return offset, at, count


def _read_central(view: memoryview, *, at: int, end: int) -> tuple[Entry, int]:
    """Read one directory entry and return it with the offset after it."""
    where = f"directory at offset {at}"
    if at + _CENTRAL.size > end:
        raise ArchiveInvalidError("a directory entry is cut off", where=where)
    fields = _CENTRAL.unpack_from(view, at)
    magic, _, _, flags, method, _, _, crc, compressed, size, name_size, extra_size, comment_size, disk, _, external, header = (
        fields
    )
    if magic != b"PK\x01\x02":
        raise ArchiveInvalidError("no directory entry", where=where)
    name_at = at + _CENTRAL.size
    extra_at = name_at + name_size
    after = extra_at + extra_size
    if after + comment_size > end:
        raise ArchiveInvalidError("a directory entry is cut off", where=where)
    name = _NAMES.get(raw := bytes(view[name_at:extra_at]))
    if name is None:
        raise MemberNotAllowedError("a member that no package has", got=_show(raw))
    if comment_size:
        raise ArchiveInvalidError("a comment on a member is not accepted", where=f"`{name}`")
    if _ZIP64_SIZE in (compressed, size, header) or disk:
        raise ArchiveInvalidError("ZIP64 and further disks are not accepted", where=f"`{name}`")
    _check_kind(name, external=external)
    _check_flags(name, flags=flags, method=method)
    _check_extra(view[extra_at:after], name=name)
    entry = Entry(name=name, method=method, flags=flags, crc=crc, compressed_size=compressed, size=size, header_at=header)
    return entry, after


def _check_kind(name: str, *, external: int) -> None:
    kind = stat.S_IFMT(external >> 16)
    if kind not in {0, stat.S_IFREG} or external & _DOS_VOLUME_OR_FOLDER:
        got = {stat.S_IFLNK: "a symbolic link", stat.S_IFDIR: "a directory"}.get(kind, "something else")
        raise MemberNotAllowedError("a member that is no file", expected="a regular file", got=got, where=f"`{name}`")


def _check_flags(name: str, *, flags: int, method: int) -> None:
    if flags & ~_FLAGS_ALLOWED:
        what = "encryption is not accepted" if flags & 1 else "unknown flags"
        raise ArchiveInvalidError(what, got=f"flags {flags:#06x}", where=f"`{name}`")
    if method not in {STORED, _DEFLATED}:
        raise ArchiveInvalidError(
            "unknown compression method", expected="0 (stored) or 8 (deflate)", got=str(method), where=f"`{name}`"
        )
    if method == STORED and flags & _FLAG_DATA_DESCRIPTOR:
        raise ArchiveInvalidError(
            "a stored member must state its size in its header, or it has two possible ends", where=f"`{name}`"
        )


def _check_extra(extra: memoryview, *, name: str) -> None:
    at = 0
    while at < len(extra):
        if at + 4 > len(extra):
            raise ArchiveInvalidError("a broken extra field", where=f"`{name}`")
        kind, size = struct.unpack_from("<2H", extra, at)
        at += 4 + size
        if at > len(extra):
            raise ArchiveInvalidError("a broken extra field", where=f"`{name}`")
        if kind not in _EXTRA_ALLOWED:
            raise ArchiveInvalidError(
                "an extra field that may carry another name or size", got=f"`{kind:#06x}`", where=f"`{name}`"
            )


def _locate(view: memoryview, *, entries: dict[str, Entry], directory: int) -> dict[str, Entry]:
    """Check that the members fill the file from its first byte to the directory, without gap or overlap."""
    at = 0
    starts: dict[str, int] = {}
    for entry in sorted(entries.values(), key=lambda one: one.header_at):
        if entry.header_at != at:
            what = "members overlap" if entry.header_at < at else "bytes that belong to no member"
            raise ArchiveInvalidError(
                what, expected=f"a member at offset {at}", got=f"offset {entry.header_at}", where=f"`{entry.name}`"
            )
        starts[entry.name], at = _read_local(view, entry=entry, directory=directory)
    if at != directory:
        raise ArchiveInvalidError(
            "bytes that belong to no member", expected=f"the directory at offset {at}", got=f"offset {directory}"
        )
    return {name: replace(entry, start=starts[name]) for name, entry in entries.items()}


def _read_local(view: memoryview, *, entry: Entry, directory: int) -> tuple[int, int]:
    """Compare a local header with its directory entry; return where the content starts and where the member ends."""
    at = entry.header_at
    where = f"`{entry.name}`"
    if at + _LOCAL.size > directory:
        raise ArchiveInvalidError("a local header is cut off", where=where)
    magic, _, flags, method, _, _, crc, compressed, size, name_size, extra_size = _LOCAL.unpack_from(view, at)
    if magic != b"PK\x03\x04":
        raise ArchiveInvalidError("no local header where the directory says", got=f"offset {at}", where=where)
    name_at = at + _LOCAL.size
    start = name_at + name_size + extra_size
    end = start + entry.compressed_size
    if end > directory:
        raise ArchiveInvalidError("content reaches into the directory", where=where)
    name = bytes(view[name_at : name_at + name_size])
    declared = (crc, compressed, size)
    wanted = (entry.crc, entry.compressed_size, entry.size)
    follows = bool(flags & _FLAG_DATA_DESCRIPTOR)
    facts = (
        ("name", _show(entry.name.encode("ascii")), _show(name)),
        ("flags", f"{entry.flags:#06x}", f"{flags:#06x}"),
        ("method", str(entry.method), str(method)),
        ("checksum and sizes", str(wanted), str(wanted if follows and declared == (0, 0, 0) else declared)),
    )
    for what, expected, got in facts:
        if expected != got:
            raise ArchiveInvalidError(
                f"local header and directory disagree on the {what}", expected=expected, got=got, where=where
            )
    _check_extra(view[name_at + name_size : start], name=entry.name)
    return start, _after_data_descriptor(view, entry=entry, at=end, directory=directory) if follows else end


def _after_data_descriptor(view: memoryview, *, entry: Entry, at: int, directory: int) -> int:
    """Check the checksum and sizes that follow the content, whose signature is optional; return where they end."""
    wanted = _DATA_DESCRIPTOR.pack(entry.crc, entry.compressed_size, entry.size)
    for record in (_DATA_DESCRIPTOR_MAGIC + wanted, wanted):
        if bytes(view[at : min(at + len(record), directory)]) == record:
            return at + len(record)
    raise ArchiveInvalidError("data descriptor and directory disagree", where=f"`{entry.name}`")


def _check_size(entry: Entry, *, limits: Limits) -> None:
    where = f"`{entry.name}`"
    bound = {
        DESCRIPTOR: limits.descriptor,
        SIGNATURE: _MOST_SIGNATURE_BYTES,
        LICENCE: limits.licence,
    }.get(entry.name, limits.artifact)
    if entry.size > bound:
        raise ArtifactTooLargeError(
            "a member is too large", expected=f"at most {bound} bytes", got=f"{entry.size} bytes", where=where
        )
    if entry.method == STORED and entry.compressed_size != entry.size:
        raise ArchiveInvalidError(
            "a stored member has two sizes", expected=f"{entry.size} bytes", got=f"{entry.compressed_size} bytes", where=where
        )
    most = _FREE_OF_RATIO + limits.inflate_ratio * entry.compressed_size
    if entry.size > most:
        raise ArtifactTooLargeError(
            "a member inflates too far",
            expected=f"at most {most} bytes from {entry.compressed_size}",
            got=f"{entry.size} bytes",
            where=where,
        )


def _show(name: bytes) -> str:
    return f"`{name[:_LONGEST_SHOWN].decode('ascii', 'backslashreplace').encode('unicode_escape').decode('ascii')}`"
