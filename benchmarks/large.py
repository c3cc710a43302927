"""Libraries of 256 and 512 MiB: `verify` of their packages beside unpacking and hashing the same bytes by the system's tools."""

from __future__ import annotations

import os
import sys
import tempfile
import zipfile
from pathlib import Path

from benchmarks.measure import line, pair
from tests.support.builders import DESCRIPTOR, build_elf, public_key, sign

_MIB = 1024 * 1024
_SIZES = (256 * _MIB, 512 * _MIB)
_ROUNDS = 3


def main() -> None:
    for size in _SIZES:
        print(f"large: {size // _MIB} MiB of machine code, Deflate level 6 (goals: ratio at most 0.5, anonymous at most 96 MiB)")
        _compare(size)


def _compare(size: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        package = large_package(place, size=size)
        key = place / "release.pub"
        key.write_bytes(public_key())
        ours: list[list[str | Path]] = [[Path(sys.executable).parent / "supplychain", "verify", "--quiet", "--key", key, package]]
        raw: list[list[str | Path]] = [["sh", "-c", f"unzip -p {package} plugin.so | sha256sum; sha512sum {package}"]]
        mine, theirs, ratio = pair(ours, raw, rounds=_ROUNDS)
        print(line("supplychain verify", mine))
        print(line("unzip -p | sha256sum; sha512sum", theirs))
        print(f"  ratio {ratio:.2f}")


def machine_code() -> bytes:
    """As much real machine code as there is at hand: the interpreter's own binary and libraries."""
    parts, size = [], 0
    for path in sorted(Path(os.__file__).parent.parent.rglob("*.so*")):
        if path.is_file() and not path.is_symlink():
            parts.append(path.read_bytes())
            size += len(parts[-1])
        if size > _SIZES[0] // 8:
            break
    return b"".join(parts)


def large_package(place: Path, *, size: int = _SIZES[0]) -> Path:
    code = machine_code()
    head = build_elf()
    library = (head + code * (size // len(code) + 1))[:size]
    path = place / "large.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
        for name, data, mode in (
            ("plugin.yaml", DESCRIPTOR.encode(), 0o100644),
            ("plugin.so", library, 0o100755),
            ("plugin.sig", sign(library), 0o100644),
        ):
            member = zipfile.ZipInfo(name)
            member.external_attr = mode << 16
            member.create_system = 3
            member.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(member, data)
    return path
