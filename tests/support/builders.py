"""Makes plugin packages, libraries and keys for tests: good ones, and each way of being bad. Nothing here is random.

Bytes are laid out by hand, so that a test can break any single field. Keys come from fixed seeds and are test material.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass, field, replace

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

__all__ = [
    "DESCRIPTOR",
    "TEST_SEED",
    "VECTOR_HASH",
    "VECTOR_MESSAGE",
    "VECTOR_PUBLIC",
    "VECTOR_SIGNATURE",
    "End",
    "Member",
    "build_descriptor",
    "build_elf",
    "build_macho",
    "build_package",
    "build_pe",
    "build_wasm",
    "public_key",
    "raw_zip",
    "sign",
]

# The format's published test vector.
TEST_SEED = bytes(range(32))
VECTOR_MESSAGE = b"mcpg plugin artifact test vector 1\n"
VECTOR_HASH = "ef32fb65116c5acfe556d54760e2125fdb386399d662c16a1f7139b31ed8c69d"
VECTOR_PUBLIC = "03a107bff3ce10be1d70dd18e74bc09967e4d6309ba50d5f1ddc8664125531b8"
VECTOR_SIGNATURE = (
    "2d745630d029bd6bc817bce4b9e2ec0917cff2e455affb4633d158ac4f0bee4b"
    "8ca2b33b472678d9e4f59564166fb1198dec38dcee17aee6b0b5d3403f591404"
)

DESCRIPTOR = """\
schema: mcpg.dev/plugin/v1
id: dev.mcpg.example.echo
name: Echo
description: Says back what it hears.
license: Apache-2.0
class: tool_gate
runtime: native-cdylib-v1
protocol_version: "1.0"
required_capabilities:
  - audit_write
  - type: secrets_read
    schemes: [vault]
tags: [example]
"""


def sign(message: bytes, *, seed: bytes = TEST_SEED) -> bytes:
    """Make a detached Ed25519 signature."""
    return Ed25519PrivateKey.from_private_bytes(seed).sign(message)


def public_key(*, seed: bytes = TEST_SEED) -> bytes:
    """The raw public key of a seed."""
    return Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()


def build_descriptor(**overrides: object) -> bytes:
    """`DESCRIPTOR` with top-level keys replaced (JSON flow style is YAML), added, or removed by None; `class_` means `class`."""
    import json

    import yaml

    values = yaml.safe_load(DESCRIPTOR)
    for name, value in overrides.items():
        key = name.rstrip("_")
        if value is None:
            values.pop(key, None)
        else:
            values[key] = value
    return "".join(f"{key}: {json.dumps(value)}\n" for key, value in values.items()).encode()


# -- libraries ---------------------------------------------------------------------------------------------------------

_MACHINES = {"amd64": (62, 2, "<"), "arm64": (183, 2, "<"), "386": (3, 1, "<"), "arm": (40, 1, "<"), "riscv64": (243, 2, "<"),
             "ppc64le": (21, 2, "<"), "s390x": (22, 2, ">"), "loong64": (258, 2, "<")}  # fmt: skip
_LIBC = {"gnu": "libc.so.6", "musl": "libc.musl-x86_64.so.1"}
_OSABI = {"linux": 0, "gnu-linux": 3, "freebsd": 9, "netbsd": 2, "openbsd": 12, "solaris": 6}
_BASE = 0x1000


def build_elf(
    *,
    architecture: str = "amd64",
    libc: str | None = "gnu",
    needed: tuple[str, ...] | None = None,
    osabi: str = "linux",
    kind: int = 3,
    flags_1: int = 0,
    payload: bytes = b"",
) -> bytes:
    """A shared object that `readelf` accepts and, on its own platform, a dynamic loader loads; it exports nothing.

    `payload` is appended after the loaded part, so that a test can make libraries of any size and content.
    """
    machine, elf_class, order = _MACHINES[architecture]
    wide = elf_class == 2
    names = needed if needed is not None else ((_LIBC[libc],) if libc else ())
    strings = b"\0" + b"".join(name.encode() + b"\0" for name in names)
    header_size, segment_size, symbol_size = (64, 56, 24) if wide else (52, 32, 16)
    word = "Q" if wide else "I"
    hash_table = struct.pack(f"{order}4I", 1, 1, 0, 0)
    symbols_at = header_size + 2 * segment_size
    hash_at = symbols_at + symbol_size
    strings_at = hash_at + len(hash_table)
    dynamic_at = (strings_at + len(strings) + 7) // 8 * 8
    offsets = [1 + sum(len(name) + 1 for name in names[:index]) for index in range(len(names))]
    tags = [(1, offset) for offset in offsets]
    tags += [(4, _BASE + hash_at), (5, _BASE + strings_at), (6, _BASE + symbols_at), (10, len(strings)), (11, symbol_size)]
    tags += [(0x6FFFFFFB, flags_1)] if flags_1 else []
    dynamic = b"".join(struct.pack(f"{order}2{word}", *tag) for tag in [*tags, (0, 0)])
    size = dynamic_at + len(dynamic)
    ident = b"\x7fELF" + bytes([elf_class, 1 if order == "<" else 2, 1, _OSABI[osabi]]) + bytes(8)
    header = ident + struct.pack(
        f"{order}HHI3{word}I6H", kind, machine, 1, 0, header_size, 0, 0, header_size, segment_size, 2, 0, 0, 0
    )
    load = _segment(order, wide=wide, kind=1, flags=6, offset=0, size=size, align=0x1000)
    dynamic_segment = _segment(order, wide=wide, kind=2, flags=6, offset=dynamic_at, size=len(dynamic), align=8)
    body = header + load + dynamic_segment + bytes(symbol_size) + hash_table + strings
    return body.ljust(dynamic_at, b"\0") + dynamic + payload


def _segment(order: str, *, wide: bool, kind: int, flags: int, offset: int, size: int, align: int) -> bytes:
    address = _BASE + offset
    if wide:
        return struct.pack(f"{order}2I6Q", kind, flags, offset, address, address, size, size, align)
    return struct.pack(f"{order}8I", kind, offset, address, address, size, size, flags, align)


def build_pe(*, machine: int = 0x8664, characteristics: int = 0x2022) -> bytes:
    """The headers of a Windows DLL."""
    return (
        (b"MZ" + bytes(58) + struct.pack("<I", 64)) + b"PE\0\0" + struct.pack("<HHIIIHH", machine, 0, 0, 0, 0, 0, characteristics)
    )


def build_macho(*, cpus: tuple[int, ...] = (0x0100000C,), kind: int = 6, universal: bool = False) -> bytes:
    """The headers of a macOS library, thin or universal."""
    thin = [struct.pack("<8I", 0xFEEDFACF, cpu, 0, kind, 0, 0, 0, 0) for cpu in cpus]
    if not universal:
        return thin[0]
    at = 8 + 20 * len(cpus)
    entries = [struct.pack(">5I", cpu, 0, at + 32 * index, 32, 0) for index, cpu in enumerate(cpus)]
    return struct.pack(">2I", 0xCAFEBABE, len(cpus)) + b"".join(entries) + b"".join(thin)


def build_wasm() -> bytes:
    """The first bytes of a WebAssembly component."""
    return b"\0asm\x0d\0\x01\0"


# -- archives ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One ZIP member; every field that is None is computed honestly, every other one is written as given.

    `local_*` fields differ from the central directory only where they are set.
    """

    name: bytes
    data: bytes = b""
    method: int = 8
    flags: int = 0
    mode: int = 0o100644
    made_by: int = (3 << 8) | 20
    external: int | None = None
    stored: bytes | None = None
    crc: int | None = None
    compressed_size: int | None = None
    size: int | None = None
    offset: int | None = None
    disk: int = 0
    extra: bytes = b""
    comment: bytes = b""
    local_name: bytes | None = None
    local_method: int | None = None
    local_flags: int | None = None
    local_crc: int | None = None
    local_compressed_size: int | None = None
    local_size: int | None = None
    local_extra: bytes | None = None
    local_magic: bytes = b"PK\x03\x04"
    before: bytes = b""
    after: bytes = b""
    in_directory: bool = True
    in_file: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    """Tricks with the end record."""

    before: bytes = b""
    """Bytes between the central directory and the end record."""
    between: bytes = b""
    """Bytes between the last member and the central directory."""
    after: bytes = b""
    comment: bytes = b""
    count: int | None = None
    count_here: int | None = None
    directory_size: int | None = None
    directory_offset: int | None = None
    disk: int = 0
    directory_disk: int = 0
    magic: bytes = b"PK\x05\x06"


def raw_zip(*members: Member, end: End | None = None) -> bytes:
    """Write an archive byte by byte, honest except where a member or `end` says otherwise."""
    end = end if end is not None else End()
    body = b""
    directory = b""
    count = 0
    for one in members:
        stored = one.stored if one.stored is not None else _deflate(one.data) if one.method == 8 else one.data
        crc, compressed, size = (
            _given(one.crc, zlib.crc32(one.data)),
            _given(one.compressed_size, len(stored)),
            _given(one.size, len(one.data)),
        )
        if one.in_file:
            body += one.before
        offset = _given(one.offset, len(body))
        if one.in_file:
            body += _local(one, crc=crc, compressed=compressed, size=size) + stored + one.after
        if one.in_directory:
            count += 1
            directory += _central(one, crc=crc, compressed=compressed, size=size, offset=offset)
    body += end.between
    tail = struct.pack(
        "<4s4H2IH",
        end.magic,
        end.disk,
        end.directory_disk,
        _given(end.count_here, count),
        _given(end.count, count),
        _given(end.directory_size, len(directory)),
        _given(end.directory_offset, len(body)),
        len(end.comment),
    )
    return body + directory + end.before + tail + end.comment + end.after


def _local(one: Member, *, crc: int, compressed: int, size: int) -> bytes:
    name = one.local_name if one.local_name is not None else one.name
    extra = one.local_extra if one.local_extra is not None else one.extra
    return (
        struct.pack(
            "<4s5H3I2H",
            one.local_magic,
            20,
            _given(one.local_flags, one.flags),
            _given(one.local_method, one.method),
            0,
            0x21,
            _given(one.local_crc, crc),
            _given(one.local_compressed_size, compressed),
            _given(one.local_size, size),
            len(name),
            len(extra),
        )
        + name
        + extra
    )


def _central(one: Member, *, crc: int, compressed: int, size: int, offset: int) -> bytes:
    return (
        struct.pack(
            "<4s6H3I5H2I",
            b"PK\x01\x02",
            one.made_by,
            20,
            one.flags,
            one.method,
            0,
            0x21,
            crc,
            compressed,
            size,
            len(one.name),
            len(one.extra),
            len(one.comment),
            one.disk,
            0,
            _given(one.external, one.mode << 16),
            offset,
        )
        + one.name
        + one.extra
        + one.comment
    )


def _deflate(data: bytes) -> bytes:
    compressor = zlib.compressobj(6, zlib.DEFLATED, -15)
    return compressor.compress(data) + compressor.flush()


def _given(value: int | None, honest: int) -> int:
    return honest if value is None else value


# -- packages ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class _Package:
    descriptor: bytes | None = DESCRIPTOR.encode()
    artifact: bytes | None = field(default_factory=build_elf)
    artifact_name: str = "plugin.so"
    signature: bytes | bool | None = True
    licence: bytes | None = None
    seed: bytes = TEST_SEED
    method: int = 8
    extra_members: tuple[Member, ...] = ()
    end: End | None = None

    def members(self) -> tuple[Member, ...]:
        signature = self.signature
        if signature is True:
            signature = sign(self.artifact or b"", seed=self.seed)
        parts = (
            (b"plugin.yaml", self.descriptor, 0o100644),
            (self.artifact_name.encode(), self.artifact, 0o100755),
            (b"plugin.sig", signature or None, 0o100644),
            (b"LICENSE", self.licence, 0o100644),
        )
        found = [Member(name=name, data=data, mode=mode, method=self.method) for name, data, mode in parts if data is not None]
        return (*found, *self.extra_members)


def build_package(**overrides: object) -> bytes:
    """A package that verifies under `public_key()`, or one that differs from it in the fields given.

    Fields: `descriptor`, `artifact`, `artifact_name`, `signature` (bytes, or None for an unsigned package), `licence`, `seed`,
    `method` (8 deflate, 0 stored), `extra_members`, `end`. None leaves a member out.
    """
    package = replace(_Package(), **overrides)  # type: ignore[arg-type]
    return raw_zip(*package.members(), end=package.end)
