"""Releases as they would be kept: library, package, manifest and index that belong together, for tests that part them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from mcpg_operator.keeping import Asked, KeptPlugin, payload_hash
from mcpg_operator.ledger import Stored
from supplychain.artifact import Platform
from supplychain.delivery import SHARD_KEY, compressed, cut
from supplychain.digest import ArtifactHash, LayerDigest, ManifestDigest
from supplychain.limits import Limits
from supplychain.package import unpack
from supplychain.spool import Spool
from tests.support.builders import build_elf, build_package
from tests.support.fake_registry import INDEX, MANIFEST, descriptor, plugin_manifest, render

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["HERE", "NOTED", "Release", "index_of", "named", "release", "shards_of"]

HERE = Platform(libc="gnu")
"""What is pulled for."""
NOTED = Platform()
"""What the indexes here say."""
_AT = datetime(2026, 1, 31, 12, tzinfo=UTC)


@dataclass(frozen=True, kw_only=True)
class Release:
    """A package, and the record of it."""

    package: bytes = field(repr=False)
    kept: KeptPlugin
    shards: Mapping[str, Mapping[str, bytes]] = field(repr=False)
    """Payloads of the Secrets with the package, by name."""

    def but(self, **changes: Any) -> KeptPlugin:
        """The record with other parts."""
        return replace(self.kept, **changes)


def release(text: bytes = b"", *, index: bool = False, manifest: Mapping[str, Any] | None = None, **package: Any) -> Release:
    """Make the release whose library ends in `text`; `manifest` and `package` change their documents."""
    whole = build_package(**{"artifact": build_elf() + text, **package})
    document = render(plugin_manifest(whole, **(manifest or {})))
    above = index_of(document) if index else None
    shards = shards_of(whole)
    with Spool.of(whole) as spool:
        opened = unpack(spool, limits=Limits())
    size = opened.artifact.size
    opened.artifact.close()
    kept = KeptPlugin(
        plugin="echo",
        uid="u",
        asked=Asked(image="i", mirror=None, location="l", platform=str(HERE)),
        version="1.2.3",
        source="s",
        manifest_digest=ManifestDigest.of(document),
        manifest=document,
        index_digest=None if above is None else ManifestDigest.of(above),
        index=above,
        layer_digest=LayerDigest.of(whole),
        platform=None if above is None else NOTED,
        pulled_at=_AT,
        confirmed_at=_AT,
        descriptor=opened.descriptor_bytes,
        signature=opened.signature,
        artifact_name=opened.artifact_name,
        artifact_hash=ArtifactHash(opened.artifact_hash.hex),
        stored=Stored(
            secret="s",
            digests={},
            size=size,
            package=named(shards),
        ),
        evidence=None,
    )
    return Release(package=whole, kept=kept, shards=shards)


def shards_of(package: bytes) -> dict[str, dict[str, bytes]]:
    """The payloads of the Secrets that a package is stored in."""
    found: dict[str, dict[str, bytes]] = {}
    with Spool.of(package) as spool, compressed(spool, limit=Limits().delivery, what="package") as stream:
        packed, at = bytes(memoryview(stream.view)), 0
        for one in cut(stream):
            found[one.name] = {SHARD_KEY: packed[at : at + one.size]}
            at += one.size
    return found


def named(shards: Mapping[str, Mapping[str, bytes]]) -> tuple[tuple[str, str], ...]:
    """Secrets as a record names them."""
    return tuple((name, payload_hash(data)) for name, data in shards.items())


def index_of(manifest: bytes, **changes: Any) -> bytes:
    """An index with the manifest for this platform, and another one for another."""
    here = {**descriptor(manifest, MANIFEST, platform={"os": "linux", "architecture": "amd64"}), **changes}
    there = descriptor(b"another", MANIFEST, platform={"os": "linux", "architecture": "arm64"})
    return render({"schemaVersion": 2, "mediaType": INDEX, "manifests": [there, here]})
