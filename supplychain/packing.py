"""Writes plugin packages: equal inputs give equal bytes, and what is written is what the reader accepts.

Members stand in the order descriptor, artifact, signature, licence; all are deflated at one fixed level; times are the ZIP epoch;
modes are 0755 for the artifact and 0644 for the rest; there are no comments and no extra fields. Equal bytes need equal versions
of zlib. The finished package is opened by the reader before anybody gets it, so none leaves here that its form would condemn.
"""

from __future__ import annotations

import re
import struct
import zlib
from typing import TYPE_CHECKING, Final

from supplychain.archive import DESCRIPTOR, LICENCE, SIGNATURE
from supplychain.descriptor import RUNTIMES, parse_descriptor
from supplychain.ed25519 import verify_detached
from supplychain.elf import read_library
from supplychain.errors import InputError, RuntimeMismatchError, SignatureInvalidError
from supplychain.limits import Limits
from supplychain.package import unpack
from supplychain.spool import Spool, SpoolWriter

if TYPE_CHECKING:
    from collections.abc import Iterator

    from typing_extensions import Buffer

    from supplychain.descriptor import Descriptor
    from supplychain.ed25519 import PublicKey

__all__ = ["canonical_file_name", "pack", "signature_file_name"]

_LOCAL = struct.Struct("<4s5H3I2H")
_CENTRAL = struct.Struct("<4s6H3I5H2I")
_END = struct.Struct("<4s4H2IH")
_VERSION_NEEDED: Final = 20
_MADE_BY_UNIX: Final = 3 << 8 | _VERSION_NEEDED
_DEFLATED: Final = 8
_LEVEL: Final = 6
_EPOCH: Final = (0, 1 << 5 | 1)
"""DOS time and date of 1980-01-01 00:00."""
_FILE, _LIBRARY = 0o100644, 0o100755
_PIECE = 1024 * 1024
_SIGNATURE_SIZE = 64
_WASM_MAGIC = b"\0asm"
_VERSION = re.compile(r"[0-9A-Za-z][0-9A-Za-z.+_-]{0,127}")


def pack(
    *,
    descriptor: bytes,
    artifact: Spool,
    signature: bytes | None = None,
    licence: bytes | None = None,
    keys: tuple[PublicKey, ...] = (),
    limits: Limits | None = None,
) -> Spool:
    """Write a package into a spool, which the caller closes. The member's name follows the descriptor's runtime.

    With `keys` the signature is verified; without, only its length is. A package without signature is allowed by the format, but
    no verification trusts it.

    Raises:
        DescriptorInvalidError, RuntimeMismatchError, PlatformMismatchError: the parts do not belong together.
        SignatureInvalidError: the signature is malformed, or no key accepts it.
        ArtifactTooLargeError: a part exceeds the limits, so that no reader would accept it.
        OutputError: there is no room for temporary files.
    """
    limits = limits if limits is not None else Limits()
    name = _check_artifact(parse_descriptor(descriptor, limit=limits.descriptor), view=artifact.view)
    if signature is not None:
        _check_signature(signature, view=artifact.view, keys=keys)
    members: list[tuple[str, Buffer | None, int]] = [
        (DESCRIPTOR, descriptor, _FILE),
        (name, artifact.view, _LIBRARY),
        (SIGNATURE, signature, _FILE),
        (LICENCE, licence, _FILE),
    ]
    written = _write([(member, data, mode) for member, data, mode in members if data is not None])
    try:
        unpack(written, limits=limits).artifact.close()
    except BaseException:
        written.close()
        raise
    return written


def canonical_file_name(descriptor: Descriptor, *, version: str, artifact: Spool) -> str:
    """Return `mcpg-plugin-<name>_<version>_<os>_<arch>.zip`; the platform is read from the artifact.

    Raises:
        InputError: the version cannot stand in a file name.
    """
    if _VERSION.fullmatch(version) is None:
        raise InputError("unusable version", expected="letters, digits, `.`, `+`, `-` and `_`", got=f"`{version[:80]!a}`")
    name = descriptor.id.rpartition(".")[2]
    return f"mcpg-plugin-{name}_{version.removeprefix('v')}_{_platform(descriptor, view=artifact.view)}.zip"


def signature_file_name(artifact_name: str) -> str:
    """Return where a signature stands beside a loose artifact: `plugin.so.sig`, but `plugin.bin.sig` beside a bare `plugin`."""
    has_suffix = "." in artifact_name.strip(".")
    return f"{artifact_name}.sig" if has_suffix else f"{artifact_name}.bin.sig"


def _check_artifact(descriptor: Descriptor, *, view: Buffer) -> str:
    """Return the member's name for the runtime, after a look at what the artifact really is."""
    name = RUNTIMES[descriptor.runtime]
    is_wasm = bytes(memoryview(view)[:4]) == _WASM_MAGIC
    if name is None:
        raise RuntimeMismatchError("a runtime that is compiled into the gateway cannot be packed", got=f"`{descriptor.runtime}`")
    if is_wasm != (name == "plugin.wasm"):
        raise RuntimeMismatchError(
            "the artifact does not fit the descriptor's runtime",
            expected="a WebAssembly component" if name == "plugin.wasm" else "a native library",
            got="a WebAssembly module" if is_wasm else "something else",
            where=f"runtime `{descriptor.runtime}`",
        )
    if not is_wasm:
        read_library(view)
    return name


def _check_signature(signature: bytes, *, view: Buffer, keys: tuple[PublicKey, ...]) -> None:
    if keys:
        verify_detached(view, signature=signature, keys=keys)
    elif len(signature) != _SIGNATURE_SIZE:
        raise SignatureInvalidError(
            "malformed detached signature", expected=f"{_SIGNATURE_SIZE} raw bytes", got=f"{len(signature)} bytes"
        )


def _platform(descriptor: Descriptor, *, view: Buffer) -> str:
    if descriptor.runtime == "wasi-v1":
        return "wasi_wasm"
    found = read_library(view)
    return f"{found[0].os}_{found[0].architecture if len(found) == 1 else 'universal'}"


def _write(members: list[tuple[str, Buffer, int]]) -> Spool:
    directory = b""
    with SpoolWriter() as writer:
        for name, data, mode in members:
            at = writer.size
            raw = name.encode("ascii")
            with _deflated(data) as stored:
                sizes = (zlib.crc32(data), stored.size, memoryview(data).nbytes)
                writer.write(_LOCAL.pack(b"PK\x03\x04", _VERSION_NEEDED, 0, _DEFLATED, *_EPOCH, *sizes, len(raw), 0) + raw)
                for piece in _pieces(stored.view):
                    writer.write(piece)
            fixed = (b"PK\x01\x02", _MADE_BY_UNIX, _VERSION_NEEDED, 0, _DEFLATED, *_EPOCH, *sizes, len(raw), 0, 0, 0, 0)
            directory += _CENTRAL.pack(*fixed, mode << 16, at) + raw
        count = len(members)
        writer.write(directory + _END.pack(b"PK\x05\x06", 0, 0, count, count, len(directory), writer.size, 0))
        return writer.finish()


def _deflated(data: Buffer) -> Spool:
    compressor = zlib.compressobj(_LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS)
    with SpoolWriter() as writer:
        for piece in _pieces(data):
            writer.write(compressor.compress(piece))
        writer.write(compressor.flush())
        return writer.finish()


def _pieces(data: Buffer) -> Iterator[memoryview]:
    view = memoryview(data)
    for at in range(0, len(view), _PIECE):
        yield view[at : at + _PIECE]
