"""Opening a package: what must be there, what comes out, and that nothing stays behind."""

from __future__ import annotations

import contextlib
import gc
import hashlib
import os
from pathlib import Path
from typing import Any

import pytest

from supplychain.artifact import PulledArtifact
from supplychain.digest import ArtifactHash, LayerDigest
from supplychain.errors import (
    AmbiguousArtifactError,
    ArchiveInvalidError,
    ArtifactTooLargeError,
    DescriptorInvalidError,
    DuplicateMemberError,
    MemberMissingError,
    MemberNotAllowedError,
    SupplyChainError,
)
from supplychain.limits import Limits
from supplychain.package import open_package, unpack
from supplychain.spool import Spool
from tests.support.builders import DESCRIPTOR, End, Member, build_elf, build_package, build_wasm, raw_zip, sign

YAML = Member(name=b"plugin.yaml", data=DESCRIPTOR.encode())


def open_files() -> set[str]:
    """What this process holds open; the folder that is being listed is gone by the time it is looked at."""
    gc.collect()
    found = set()
    for entry in list(Path("/proc/self/fd").iterdir()):
        with contextlib.suppress(OSError):
            found.add(str(entry.readlink()))
    return found


def refuse(archive: bytes, error: type[SupplyChainError], **limits: Any) -> SupplyChainError:
    """Unpack, expect the error, and prove that no spool is left."""
    with Spool.of(archive) as pulled:
        before = open_files()
        with pytest.raises(error) as caught:
            unpack(pulled, limits=Limits(**limits))
        caught.value.__traceback__ = None
        assert open_files() == before
    return caught.value


def test_what_was_pulled_is_opened_within_the_limits_and_what_comes_opened_is_handed_on() -> None:
    with Spool.of(build_package()) as pulled:
        closed = PulledArtifact(source="memory", package=pulled, layer_digest=LayerDigest(pulled.sha256))
        with pytest.raises(ArtifactTooLargeError):
            open_package(closed, limits=Limits(package=pulled.size - 1))
        package = open_package(closed, limits=Limits(package=pulled.size))
    with package.artifact as artifact:
        opened = PulledArtifact(source="memory", package=artifact, layer_digest=None, opened=package)
        assert open_package(opened, limits=Limits(package=1)) is package


def test_a_good_package_comes_apart_into_what_went_in() -> None:
    elf = build_elf()
    with Spool.of(build_package(licence=b"free")) as pulled:
        package = unpack(pulled, limits=Limits())
    with package.artifact as artifact:
        assert bytes(memoryview(artifact.view)) == elf
        assert package.artifact_hash == ArtifactHash(hashlib.sha256(elf).hexdigest())
    assert package.artifact_name == "plugin.so"
    assert package.signature == sign(elf)
    assert package.licence == b"free"
    assert package.descriptor.id == "dev.mcpg.example.echo"
    assert package.descriptor_bytes == DESCRIPTOR.encode()


def test_an_unsigned_package_without_licence_opens() -> None:
    with Spool.of(build_package(signature=None)) as pulled:
        package = unpack(pulled, limits=Limits())
    package.artifact.close()
    assert package.signature is None
    assert package.licence is None


def test_a_signature_of_another_length_is_kept_for_its_layer_to_refuse() -> None:
    with Spool.of(build_package(signature=b"short")) as pulled:
        package = unpack(pulled, limits=Limits())
    package.artifact.close()
    assert package.signature == b"short"


def test_a_wasm_package_opens() -> None:
    with Spool.of(build_package(artifact=build_wasm(), artifact_name="plugin.wasm")) as pulled:
        package = unpack(pulled, limits=Limits())
    package.artifact.close()
    assert package.artifact_name == "plugin.wasm"


def test_a_large_artifact_is_hashed_as_it_is() -> None:
    artifact = build_elf(payload=os.urandom(1024) * 6000)
    with Spool.of(build_package(artifact=artifact)) as pulled:
        package = unpack(pulled, limits=Limits())
    package.artifact.close()
    assert package.artifact_hash.hex == hashlib.sha256(artifact).hexdigest()


def test_a_package_over_the_limit_is_refused() -> None:
    error = refuse(build_package(), ArtifactTooLargeError, package=100)
    assert error.expected == "at most 100 bytes"


def test_a_package_at_the_limit_opens() -> None:
    data = build_package()
    with Spool.of(data) as pulled:
        unpack(pulled, limits=Limits(package=len(data))).artifact.close()


def test_a_package_without_descriptor_is_refused() -> None:
    error = refuse(build_package(descriptor=None, signature=None), MemberMissingError)
    assert (error.expected, error.got) == ("`plugin.yaml`", "`plugin.so`")


def test_an_empty_package_is_refused() -> None:
    assert refuse(raw_zip(), MemberMissingError).got == "no member"


def test_a_package_without_artifact_is_refused() -> None:
    error = refuse(raw_zip(YAML), MemberMissingError)
    assert error.expected == "`plugin.so` or `plugin.wasm`"


def test_a_package_with_two_artifacts_is_refused() -> None:
    error = refuse(build_package(extra_members=(Member(name=b"plugin.wasm", data=build_wasm()),)), AmbiguousArtifactError)
    assert "`plugin.wasm`" in str(error.got)


def test_a_bad_descriptor_is_refused_before_the_artifact_is_inflated() -> None:
    broken = Member(name=b"plugin.so", data=b"x", stored=b"\xff" * 20)
    error = refuse(raw_zip(Member(name=b"plugin.yaml", data=b"schema: other\n"), broken), DescriptorInvalidError)
    assert error.where == "`plugin.yaml`"


def test_a_descriptor_limit_above_the_default_is_obeyed_by_both_checks() -> None:
    descriptor = DESCRIPTOR.encode() + b"# " + os.urandom(150_000).hex().encode() + b"\n"
    refuse(build_package(descriptor=descriptor), ArtifactTooLargeError)
    with Spool.of(build_package(descriptor=descriptor)) as pulled:
        unpack(pulled, limits=Limits(descriptor=len(descriptor))).artifact.close()


@pytest.mark.parametrize(
    ("package", "error"),
    [
        pytest.param(build_package(extra_members=(Member(name=b"README"),)), MemberNotAllowedError, id="foreign-member"),
        pytest.param(build_package(extra_members=(YAML,)), DuplicateMemberError, id="duplicate"),
        pytest.param(build_package(end=End(after=b"x")), ArchiveInvalidError, id="trailing-bytes"),
        pytest.param(
            raw_zip(YAML, Member(name=b"plugin.so", data=b"x" * 100, crc=1)), ArchiveInvalidError, id="artifact-checksum"
        ),
        pytest.param(
            raw_zip(YAML, Member(name=b"plugin.so", data=os.urandom(6_000_000), crc=1)),
            ArchiveInvalidError,
            id="large-artifact-checksum",
        ),
    ],
)
def test_a_refused_package_leaves_nothing_behind(package: bytes, error: type[SupplyChainError]) -> None:
    refuse(package, error)
