"""Writing packages: equal inputs give equal bytes, and what is written can be read."""

from __future__ import annotations

import io
import os
import zipfile
from typing import TYPE_CHECKING

import pytest

from supplychain import packing
from supplychain.descriptor import parse_descriptor
from supplychain.ed25519 import PublicKey
from supplychain.errors import (
    ArtifactTooLargeError,
    DescriptorInvalidError,
    InputError,
    PlatformMismatchError,
    RuntimeMismatchError,
    SignatureInvalidError,
    SupplyChainError,
)
from supplychain.limits import Limits
from supplychain.package import unpack
from supplychain.packing import canonical_file_name, pack, signature_file_name
from supplychain.spool import Spool
from tests.support.builders import (
    DESCRIPTOR,
    build_descriptor,
    build_elf,
    build_macho,
    build_pe,
    build_wasm,
    public_key,
    sign,
)

if TYPE_CHECKING:
    from supplychain.artifact import PluginPackage

KEY = PublicKey(raw=public_key(), name="release.pub")
ELF = build_elf(payload=b"code " * 1000)
WASM_DESCRIPTOR = build_descriptor(runtime="wasi-v1")


def packed(
    *,
    descriptor: bytes = DESCRIPTOR.encode(),
    artifact: bytes = ELF,
    signature: bytes | None = None,
    licence: bytes | None = None,
    keys: tuple[PublicKey, ...] = (),
    limits: Limits | None = None,
) -> bytes:
    with (
        Spool.of(artifact) as spool,
        pack(descriptor=descriptor, artifact=spool, signature=signature, licence=licence, keys=keys, limits=limits) as package,
    ):
        return bytes(memoryview(package.view))


def opened(package: bytes) -> PluginPackage:
    with Spool.of(package) as pulled:
        found = unpack(pulled, limits=Limits())
    found.artifact.close()
    return found


def test_what_is_packed_can_be_opened() -> None:
    found = opened(packed(signature=sign(ELF), licence=b"free", keys=(KEY,)))
    assert found.descriptor_bytes == DESCRIPTOR.encode()
    assert found.signature == sign(ELF)
    assert found.licence == b"free"
    assert found.artifact_name == "plugin.so"


def test_the_layout_is_the_published_one() -> None:
    with zipfile.ZipFile(io.BytesIO(packed(signature=sign(ELF), licence=b"free"))) as archive:
        members = archive.infolist()
        assert archive.testzip() is None
    assert [member.filename for member in members] == ["plugin.yaml", "plugin.so", "plugin.sig", "LICENSE"]
    assert [member.external_attr >> 16 for member in members] == [0o100644, 0o100755, 0o100644, 0o100644]
    assert {member.compress_type for member in members} == {zipfile.ZIP_DEFLATED}
    assert {member.date_time for member in members} == {(1980, 1, 1, 0, 0, 0)}
    assert {(member.extra, member.comment, member.flag_bits) for member in members} == {(b"", b"", 0)}


def test_equal_inputs_give_equal_bytes() -> None:
    assert packed(signature=sign(ELF)) == packed(signature=sign(ELF))


def test_a_package_without_signature_and_licence_has_two_members() -> None:
    with zipfile.ZipFile(io.BytesIO(packed())) as archive:
        assert archive.namelist() == ["plugin.yaml", "plugin.so"]


def test_a_large_artifact_is_packed_in_pieces() -> None:
    artifact = build_elf(payload=os.urandom(1000) * 6000)
    assert opened(packed(artifact=artifact)).artifact_hash.hex


@pytest.mark.parametrize("library", [build_pe(), build_macho(), build_elf(architecture="arm64")])
def test_every_native_library_is_stored_as_plugin_so(library: bytes) -> None:
    assert opened(packed(artifact=library)).artifact_name == "plugin.so"


def test_a_component_is_stored_as_plugin_wasm() -> None:
    assert opened(packed(descriptor=WASM_DESCRIPTOR, artifact=build_wasm())).artifact_name == "plugin.wasm"


@pytest.mark.parametrize(
    ("descriptor", "artifact", "error"),
    [
        pytest.param(b"schema: other\n", ELF, DescriptorInvalidError, id="descriptor"),
        pytest.param(DESCRIPTOR.encode(), build_wasm(), RuntimeMismatchError, id="component-as-library"),
        pytest.param(WASM_DESCRIPTOR, ELF, RuntimeMismatchError, id="library-as-component"),
        pytest.param(build_descriptor(runtime="static-firstparty-v1"), ELF, RuntimeMismatchError, id="static"),
        pytest.param(DESCRIPTOR.encode(), b"#!/bin/sh\n", PlatformMismatchError, id="script"),
        pytest.param(DESCRIPTOR.encode(), b"", PlatformMismatchError, id="empty"),
        pytest.param(DESCRIPTOR.encode(), build_elf(kind=2), PlatformMismatchError, id="program"),
    ],
)
def test_parts_that_do_not_belong_together_are_refused(descriptor: bytes, artifact: bytes, error: type[SupplyChainError]) -> None:
    with pytest.raises(error):
        packed(descriptor=descriptor, artifact=artifact)


@pytest.mark.parametrize("keys", [(), (KEY,)])
def test_a_signature_of_another_length_is_refused(keys: tuple[PublicKey, ...]) -> None:
    with pytest.raises(SignatureInvalidError, match="64 raw bytes"):
        packed(signature=sign(ELF) + b"\n", keys=keys)


def test_a_signature_that_does_not_verify_is_refused_when_the_key_is_known() -> None:
    packed(signature=sign(b"something else"))
    with pytest.raises(SignatureInvalidError, match="does not verify"):
        packed(signature=sign(b"something else"), keys=(KEY,))


@pytest.mark.parametrize(
    "limits", [Limits(artifact=100), Limits(package=100), Limits(licence=3)], ids=["artifact", "package", "licence"]
)
def test_what_no_reader_would_accept_is_not_written(limits: Limits) -> None:
    with pytest.raises(ArtifactTooLargeError):
        packed(licence=b"free", limits=limits)


def test_a_package_that_the_reader_refuses_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[Spool] = []

    def refuse(spool: Spool, *, limits: Limits) -> None:
        written.append(spool)
        raise ArtifactTooLargeError("no")

    monkeypatch.setattr(packing, "unpack", refuse)
    with pytest.raises(ArtifactTooLargeError):
        packed()
    assert written[0].file.closed


@pytest.mark.parametrize(
    ("descriptor", "artifact", "version", "name"),
    [
        (DESCRIPTOR.encode(), ELF, "1.2.3", "mcpg-plugin-echo_1.2.3_linux_amd64.zip"),
        (DESCRIPTOR.encode(), build_elf(architecture="arm64"), "v1.2.3", "mcpg-plugin-echo_1.2.3_linux_arm64.zip"),
        (DESCRIPTOR.encode(), build_pe(), "1.2.3-rc.1", "mcpg-plugin-echo_1.2.3-rc.1_windows_amd64.zip"),
        (DESCRIPTOR.encode(), build_macho(), "1.2.3+b", "mcpg-plugin-echo_1.2.3+b_darwin_arm64.zip"),
        (
            DESCRIPTOR.encode(),
            build_macho(universal=True, cpus=(0x0100000C, 0x01000007)),
            "1.2.3",
            "mcpg-plugin-echo_1.2.3_darwin_universal.zip",
        ),
        (WASM_DESCRIPTOR, build_wasm(), "1.2.3", "mcpg-plugin-echo_1.2.3_wasi_wasm.zip"),
    ],
)
def test_the_canonical_file_name(descriptor: bytes, artifact: bytes, version: str, name: str) -> None:
    with Spool.of(artifact) as spool:
        assert canonical_file_name(parse_descriptor(descriptor), version=version, artifact=spool) == name


@pytest.mark.parametrize("version", ["", "../1", "1/2", "1 2", "-1", "1\n", "x" * 129, "1\x00"])
def test_a_version_that_cannot_stand_in_a_file_name_is_refused(version: str) -> None:
    with Spool.of(ELF) as spool, pytest.raises(InputError):
        canonical_file_name(parse_descriptor(DESCRIPTOR.encode()), version=version, artifact=spool)


@pytest.mark.parametrize(
    ("artifact", "signature"),
    [
        ("plugin.so", "plugin.so.sig"),
        ("plugin.wasm", "plugin.wasm.sig"),
        ("plugin", "plugin.bin.sig"),
        ("a.b.dylib", "a.b.dylib.sig"),
        (".hidden", ".hidden.bin.sig"),
    ],
)
def test_a_signature_stands_beside_its_artifact(artifact: str, signature: str) -> None:
    assert signature_file_name(artifact) == signature
