"""A bundle with a 256 MiB library: verified, and created from another one, beside hashing and inflating the same bytes."""

from __future__ import annotations

import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.large import large_package
from benchmarks.measure import line, pair, run
from tests.support.builders import public_key
from tests.support.bundling import NAME, make_bundle
from tests.support.oci import Stored
from tests.support.scenario import policy, request

if TYPE_CHECKING:
    from collections.abc import Sequence

_ROUNDS = 3


def main() -> None:
    print("bundle: one plugin of 256 MiB of machine code (goal: anonymous memory at most 96 MiB, however large the package)")
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        package = large_package(place)
        bundle = large_bundle(place, package)
        verify, create = commands(place, bundle)
        raw: list[list[str | Path]] = [["sh", "-c", f"sha256sum {bundle}; unzip -p {package} plugin.so | sha256sum"]]
        mine, theirs, ratio = pair([verify], raw, rounds=_ROUNDS)
        print(line("supplychain bundle verify", mine))
        print(line("sha256sum; unzip -p | sha256sum", theirs))
        print(f"  ratio {ratio:.2f}")
        print(line("supplychain bundle create", run(create)))


def commands(place: Path, bundle: Path) -> tuple[Sequence[str | Path], Sequence[str | Path]]:
    """Verify a bundle, and create one from it, by the publisher's key alone."""
    key = place / "release.pub"
    key.write_bytes(public_key())
    program = Path(sys.executable).parent / "supplychain"
    verify: list[str | Path] = [program, "bundle", "verify", bundle, "--quiet", "--key", key]
    create: list[str | Path] = [
        program,
        "bundle",
        "create",
        "--quiet",
        "--key",
        key,
        "-o",
        place / "copy.mcpg.tar.zst",
        f"bundle:{bundle}",
    ]
    return verify, create


def large_bundle(place: Path, package: Path) -> Path:
    """Put a package into a bundle, with nothing attached to it."""
    stored = Stored()
    stored.plugin(package.read_bytes(), config={"id": "dev.mcpg.example.echo"}, tag=NAME.rpartition(":")[2])
    asked = replace(request(), policy=policy(cosign=None, slsa=None))
    return make_bundle(place / "large.mcpg.tar.zst", (NAME, stored), asked=asked)
