"""What a native library says about itself in its headers: for which system, processor and C library it was built.

ELF is read by the System V ABI (generic part, chapters 4 and 5), PE and Mach-O only as far as it takes to say what a file is. The
headers are the publisher's claim; the detached signature covers them, because they are part of the artifact. Nothing is loaded;
hostile headers cost a bounded amount of work: 128 segments, 4096 dynamic entries, names of 255 bytes.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from supplychain.errors import PlatformMismatchError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from typing_extensions import Buffer

    from supplychain.artifact import Platform

__all__ = ["ElfFacts", "check_platform", "read_elf", "read_library"]

_MACHINES: Final[Mapping[tuple[int, int, str], str]] = {
    (62, 2, "<"): "amd64",
    (183, 2, "<"): "arm64",
    (3, 1, "<"): "386",
    (40, 1, "<"): "arm",
    (243, 2, "<"): "riscv64",
    (21, 2, "<"): "ppc64le",
    (21, 2, ">"): "ppc64",
    (22, 2, ">"): "s390x",
    (258, 2, "<"): "loong64",
}
"""`e_machine`, word class and byte order to the OCI word."""
_SYSTEMS: Final[Mapping[int, str]] = {0: "linux", 3: "linux", 2: "netbsd", 6: "solaris", 9: "freebsd", 12: "openbsd"}
"""`EI_OSABI`; 0 is what Linux tools write, and the BSDs mark theirs."""
_PE_MACHINES: Final[Mapping[int, str]] = {0x8664: "amd64", 0xAA64: "arm64", 0x014C: "386"}
_MACHO_CPUS: Final[Mapping[int, str]] = {0x01000007: "amd64", 0x0100000C: "arm64"}

_HEADER_SIZES: Final[Mapping[int, int]] = {1: 52, 2: 64}
_SHARED_OBJECT = 3
_LOAD, _DYNAMIC = 1, 2
_DT_END, _DT_NEEDED, _DT_STRTAB, _DT_STRSZ, _DT_FLAGS_1 = 0, 1, 5, 10, 0x6FFFFFFB
_FLAG_PIE = 0x08000000
_MOST_SEGMENTS = 128
_MOST_DYNAMIC = 4096
_LONGEST_NAME = 255
_PE_DLL = 0x2000
_MACHO_LIBRARIES = frozenset({6, 8})
_MACHO_MAGIC = 0xFEEDFACF
_MOST_SLICES = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class ElfFacts:
    """For what a shared library was built, in OCI words; `unknown-N` where the format's own number N has no such word."""

    os: str
    architecture: str
    libc: str | None = None
    """`gnu` or `musl`; None where the library names neither, or its headers do not tell."""

    def __str__(self) -> str:
        return f"{self.os}/{self.architecture}" + (f"/{self.libc}" if self.libc else "")


def read_elf(view: Buffer) -> ElfFacts:
    """Read the headers of an ELF shared library.

    Raises:
        PlatformMismatchError: it is no ELF file or no shared library.
    """
    return _Elf(memoryview(view).cast("B")).facts()


def read_library(view: Buffer) -> tuple[ElfFacts, ...]:
    """Read the headers of an ELF, PE or Mach-O shared library; a universal Mach-O library gives one value per processor.

    Raises:
        PlatformMismatchError: it is none of these.
    """
    data = memoryview(view).cast("B")
    magic = bytes(data[:4])
    if magic[:2] == b"MZ":
        return (_read_pe(data),)
    if magic in {b"\xcf\xfa\xed\xfe", b"\xca\xfe\xba\xbe"}:
        return _read_macho(data)
    return (read_elf(data),)


def check_platform(view: Buffer, *, platform: Platform, where: str) -> ElfFacts:
    """Compare a native library with the platform it must run on, and return what it was built for.

    The C library is compared only where both sides name one.

    Raises:
        PlatformMismatchError: it was built for something else, or is no shared library.
    """
    try:
        found = read_library(view)
    except PlatformMismatchError as exc:
        exc.where = exc.where or where
        raise
    for facts in found:
        same_libc = platform.libc is None or facts.libc is None or facts.libc == platform.libc
        if (facts.os, facts.architecture) == (platform.os, platform.architecture) and same_libc:
            return facts
    got = ", ".join(f"`{facts}`" for facts in found)
    raise PlatformMismatchError("the library was built for another platform", expected=f"`{platform}`", got=got, where=where)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Segment:
    """One entry of the program header table: where in the file, and where in memory."""

    kind: int
    offset: int
    address: int
    size: int


class _Elf:
    """Bounded reading of one ELF file. Only the identification must be sound; a broken table just tells nothing."""

    def __init__(self, data: memoryview) -> None:
        ident = bytes(data[:16]).ljust(16, b"\0")
        if ident[:4] != b"\x7fELF":
            raise PlatformMismatchError("not a shared library", expected="an ELF header", got=_first_bytes(data))
        order = {1: "<", 2: ">"}.get(ident[5])
        if order is None or ident[6] != 1 or len(data) < _HEADER_SIZES.get(ident[4], len(data) + 1):
            raise PlatformMismatchError("not a shared library", expected="a whole ELF header", got="a broken one")
        self._data = data
        self._order: str = order
        self._wide = ident[4] == 2  # noqa: PLR2004 — ELFCLASS64
        self._system = ident[7]
        self._segments = tuple(self._read_segments())

    def facts(self) -> ElfFacts:
        kind, machine = self._unpack("2H", 16) or (0, 0)
        dynamic = tuple(self._read_dynamic())
        is_program = any(tag == _DT_FLAGS_1 and value & _FLAG_PIE for tag, value in dynamic)
        if kind != _SHARED_OBJECT or is_program:
            got = {1: "an object file", 2: "a program", 3: "a program", 4: "a core dump"}.get(kind, f"type {kind}")
            raise PlatformMismatchError("not a shared library", expected="an ELF shared object", got=got)
        return ElfFacts(
            os=_SYSTEMS.get(self._system, f"unknown-{self._system}"),
            architecture=_MACHINES.get((machine, 2 if self._wide else 1, self._order), f"unknown-{machine}"),
            libc=_libc(tuple(self._read_needed(dynamic))),
        )

    def _read_segments(self) -> Iterator[_Segment]:
        (table,) = self._unpack("Q", 32) if self._wide else self._unpack("I", 28)
        entry_size, count = self._unpack("2H", 54 if self._wide else 42)
        for index in range(min(count, _MOST_SEGMENTS)):
            at = table + index * entry_size
            fields = self._unpack("2I6Q" if self._wide else "8I", at)
            if not fields:
                return
            if self._wide:
                kind, _, offset, address, _, size, _, _ = fields
            else:
                kind, offset, address, _, size, _, _, _ = fields
            yield _Segment(kind=kind, offset=offset, address=address, size=size)

    def _read_dynamic(self) -> Iterator[tuple[int, int]]:
        segment = next((one for one in self._segments if one.kind == _DYNAMIC), None)
        if segment is None:
            return
        form, step = ("2Q", 16) if self._wide else ("2I", 8)
        for at in range(segment.offset, segment.offset + min(segment.size, _MOST_DYNAMIC * step), step):
            fields = self._unpack(form, at)
            if not fields or fields[0] == _DT_END:
                return
            yield fields[0], fields[1]

    def _read_needed(self, dynamic: tuple[tuple[int, int], ...]) -> Iterator[str]:
        values = dict(dynamic)
        table, size = self._offset_of(values.get(_DT_STRTAB, 0)), values.get(_DT_STRSZ, 0)
        if table is None:
            return
        for tag, start in dynamic:
            if tag == _DT_NEEDED and start < size:
                raw = bytes(self._data[table + start : table + min(size, start + _LONGEST_NAME)])
                yield raw.partition(b"\0")[0].decode("ascii", "replace")

    def _offset_of(self, address: int) -> int | None:
        """The place in the file of an address in memory; None where no segment loads it."""
        for one in self._segments:
            if one.kind == _LOAD and one.address <= address < one.address + one.size:
                return one.offset + address - one.address
        return None

    def _unpack(self, form: str, at: int) -> tuple[int, ...]:
        """Unpack integers; nothing where the file is too short for them."""
        if at + struct.calcsize(f"{self._order}{form}") > len(self._data):
            return ()
        return struct.unpack_from(f"{self._order}{form}", self._data, at)


def _libc(needed: tuple[str, ...]) -> str | None:
    found = set()
    for name in needed:
        if name == "libc.so.6" or name.startswith("ld-linux"):
            found.add("gnu")
        elif name == "libc.so" or name.startswith(("libc.musl-", "ld-musl-")):
            found.add("musl")
    return found.pop() if len(found) == 1 else None


def _read_pe(data: memoryview) -> ElfFacts:
    (at,) = struct.unpack_from("<I", data, 60) if len(data) >= 64 else (0,)  # noqa: PLR2004 — the size of the DOS header
    header = bytes(data[at : at + 24])
    if len(header) < 24 or header[:4] != b"PE\0\0":  # noqa: PLR2004 — signature and file header
        raise PlatformMismatchError("not a shared library", expected="a whole PE header", got="a broken one")
    machine, characteristics = struct.unpack_from("<H", header, 4)[0], struct.unpack_from("<H", header, 22)[0]
    if not characteristics & _PE_DLL:
        raise PlatformMismatchError("not a shared library", expected="a library", got="a Windows program")
    return ElfFacts(os="windows", architecture=_PE_MACHINES.get(machine, f"unknown-{machine}"))


def _read_macho(data: memoryview) -> tuple[ElfFacts, ...]:
    if bytes(data[:4]) == b"\xca\xfe\xba\xbe" and len(data) >= 8:  # noqa: PLR2004 — magic and count
        (count,) = struct.unpack_from(">I", data, 4)
        starts = [struct.unpack_from(">I", data, 8 + 20 * index + 8)[0] for index in range(count)] if _fits(data, count) else []
    else:
        starts = [0]
    found = tuple(facts for at in starts if (facts := _read_macho_slice(data, at=at)) is not None)
    if not found or len(found) != len(starts):
        raise PlatformMismatchError("not a shared library", expected="a whole Mach-O library", got="something else")
    return found


def _fits(data: memoryview, count: int) -> bool:
    return count <= _MOST_SLICES and 8 + 20 * count <= len(data)


def _read_macho_slice(data: memoryview, *, at: int) -> ElfFacts | None:
    if at + 16 > len(data):
        return None
    magic, cpu, _, kind = struct.unpack_from("<4I", data, at)
    if magic != _MACHO_MAGIC or kind not in _MACHO_LIBRARIES:
        return None
    return ElfFacts(os="darwin", architecture=_MACHO_CPUS.get(cpu, f"unknown-{cpu}"))


def _first_bytes(data: memoryview) -> str:
    return f"`{bytes(data[:4]).hex()}`" if data else "an empty file"
