"""A mounted plugin as a source of the verification."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from supplychain.artifact import Platform
from supplychain.delivery.source import MountedSource
from supplychain.delivery.target import Target
from supplychain.digest import ArtifactHash, ManifestDigest
from supplychain.errors import (
    ArtifactTooLargeError,
    DescriptorInvalidError,
    DigestMismatchError,
    ShardMismatchError,
    StorageUnavailableError,
)
from supplychain.limits import Limits
from tests.support.builders import DESCRIPTOR, sign
from tests.support.stored_plugins import elf, mount, store, verified

LIBRARY = elf(1_500_000)


@pytest.fixture
def stored():
    return store(verified(LIBRARY))


@pytest.fixture
def target(tmp_path):
    with Target(tmp_path / "target", mode=0o440) as target:
        yield target


def source(stored, tmp_path, target, *, digest=None, content=None, limits=None):
    return MountedSource(
        directory=mount(stored, tmp_path / "source"),
        target=target,
        digest=digest or ArtifactHash.of(LIBRARY),
        content=content,
        limits=limits or Limits(),
    )


def open_files():
    return len(list(Path("/proc/self/fd").iterdir()))


def staged(tmp_path):
    return sorted(path.read_bytes() for path in (tmp_path / "target").iterdir())


def test_the_opened_plugin_is_what_was_stored_and_its_bytes_are_those_of_the_staged_file(stored, tmp_path, target):
    pulled = source(stored, tmp_path, target).pull(platform=Platform())
    with pulled.package:
        package = pulled.opened
        assert package is not None
        assert (bytes(package.artifact.view), package.artifact.sha256) == (LIBRARY, ArtifactHash.of(LIBRARY).hex)
        assert (package.artifact_hash, package.artifact_name) == (ArtifactHash.of(LIBRARY), "plugin.so")
        assert (package.descriptor_bytes, package.signature) == (DESCRIPTOR.encode(), sign(LIBRARY))
        assert package.descriptor.id == "dev.mcpg.example.echo"
        assert (pulled.layer_digest, pulled.manifest_digest, pulled.source) == (None, None, str(tmp_path / "source"))
        assert Path(f"/proc/self/fd/{package.artifact.file.fileno()}").resolve().parent == tmp_path / "target"
    assert staged(tmp_path) == sorted([LIBRARY, DESCRIPTOR.encode(), sign(LIBRARY)])


def test_another_library_than_the_pinned_one_is_refused_before_a_shard_is_read(stored, tmp_path, target):
    stored.shards.clear()
    with pytest.raises(DigestMismatchError) as caught:
        source(stored, tmp_path, target, digest=ArtifactHash("0" * 64)).pull(platform=Platform())
    assert caught.value.expected == f"`sha256:{'0' * 64}`"
    assert caught.value.got == f"`sha256:{hashlib.sha256(LIBRARY).hexdigest()}`"
    assert staged(tmp_path) == []


@pytest.mark.parametrize("library", [LIBRARY, elf(2000)])
def test_the_content_pins_what_stands_beside_the_library(library, tmp_path, target):
    good = store(verified(library))
    digest = ArtifactHash.of(library)
    with source(good, tmp_path / "good", target, digest=digest, content=good.suffix).pull(platform=Platform()).package:
        pass
    others = (
        verified(library, descriptor=DESCRIPTOR.encode() + b"#\n"),
        verified(library, signature=bytes(64)),
        verified(library, signature=None),
    )
    for number, plugin in enumerate(others):
        other = store(plugin)
        with pytest.raises(DigestMismatchError, match="another descriptor, signature or index") as caught:
            source(other, tmp_path / str(number), target, digest=digest, content=good.suffix).pull(platform=Platform())
        assert (caught.value.expected, caught.value.got) == (f"content `{good.suffix}`", f"`{other.suffix}`")


def test_a_plugin_without_a_signature_is_staged_without_one(tmp_path, target):
    unsigned = store(verified(LIBRARY, signature=None))
    with source(unsigned, tmp_path, target).pull(platform=Platform()).package:
        assert staged(tmp_path) == sorted([LIBRARY, DESCRIPTOR.encode()])


def test_a_bad_shard_leaves_no_open_file(stored, tmp_path, target):
    stored.shards[stored.names[1]] += b"x"
    opened = open_files()
    with pytest.raises(ShardMismatchError):
        source(stored, tmp_path, target).pull(platform=Platform())
    assert open_files() == opened


def test_a_descriptor_that_nobody_can_read_is_refused(stored, tmp_path, target):
    stored.payload["plugin.yaml"] = b"schema: [unfinished"
    with pytest.raises(DescriptorInvalidError):
        source(stored, tmp_path, target).pull(platform=Platform())
    stored.payload["plugin.yaml"] = DESCRIPTOR.encode() + b"#" * Limits().descriptor
    with pytest.raises(DescriptorInvalidError):
        source(stored, tmp_path / "long", target).pull(platform=Platform())
    assert staged(tmp_path) == []


def test_a_full_disk_is_unavailable(stored, tmp_path, target, monkeypatch):
    def full(self, file, data):
        raise StorageUnavailableError("no room")

    monkeypatch.setattr(Target, "append", full)
    opened = open_files()
    with pytest.raises(StorageUnavailableError):
        source(stored, tmp_path, target).pull(platform=Platform())
    assert open_files() == opened


def test_the_limits_hold_for_what_is_mounted(stored, tmp_path, target):
    with pytest.raises(ArtifactTooLargeError, match="at most 1499999 bytes"):
        source(stored, tmp_path, target, limits=Limits(artifact=1_499_999)).pull(platform=Platform())


def test_nothing_is_attached_to_what_is_mounted(stored, tmp_path, target):
    assert source(stored, tmp_path, target).evidence(ManifestDigest("0" * 64)).materials == ()
