"""Values that a plugin passes through: evidence as pulled, the pulled artifact, the opened package.

`VerifiedPlugin` stands in `verifier.py`, because only a verdict can make one.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from supplychain.descriptor import Descriptor
    from supplychain.digest import ArtifactHash, LayerDigest, ManifestDigest
    from supplychain.spool import Spool

__all__ = ["EvidenceForm", "EvidenceSet", "Material", "Platform", "PluginPackage", "PulledArtifact"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Platform:
    """Where a library must run: OCI `os` and `architecture` words, and the C library on Linux."""

    os: str = "linux"
    architecture: str = "amd64"
    libc: str | None = None
    """`gnu` or `musl`; None where it does not matter."""

    def __str__(self) -> str:
        return f"{self.os}/{self.architecture}" + (f"/{self.libc}" if self.libc else "")


class EvidenceForm(StrEnum):
    """How a piece of evidence is packed."""

    BUNDLE = "sigstore-bundle"
    """A Sigstore bundle, JSON."""
    ENVELOPE = "dsse-envelope"
    """A bare DSSE envelope, JSON, without certificate or log proof."""
    LEGACY_SIGNATURE = "cosign-sig"
    """A layer of a `.sig` object: simple-signing payload, the rest in annotations."""
    LEGACY_ATTESTATION = "cosign-att"
    """A layer of an `.att` object: DSSE envelope, the rest in annotations."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """One piece of evidence as it was found; nothing about it is proven yet."""

    form: EvidenceForm
    data: bytes
    where: str
    """For people: referrer, tag, or file with line."""
    annotations: Mapping[str, str] = field(default_factory=dict)
    log_entries: tuple[bytes, ...] = ()
    """For a bare envelope: JSON of log entries, one of which may be about it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceSet:
    """What is attached to a manifest. `skipped` names objects that are no evidence of a known form, and why."""

    materials: tuple[Material, ...] = ()
    skipped: tuple[tuple[str, str], ...] = ()
    truncated: bool = False
    """More was there than the limits let us look at."""
    complete: bool = True
    """False where a place was not asked, because what was found seemed to be enough."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PulledArtifact:
    """A plugin package with its place; every digest below was computed over the bytes that were read."""

    source: str
    """Where it came from, as a person would name it: pinned reference, layout with digest, or file."""
    package: Spool
    """The ZIP; the library where `opened` is set."""
    layer_digest: LayerDigest | None
    """Of the ZIP; None where that was not kept."""
    manifest_digest: ManifestDigest | None = None
    """None for a bare package file."""
    index_digest: ManifestDigest | None = None
    tag: str | None = None
    platform: Platform | None = None
    """As the index names it, where there was one."""
    manifest: bytes | None = field(default=None, repr=False)
    """What `manifest_digest` is the digest of; None where there is none, or it was not kept."""
    index: bytes | None = field(default=None, repr=False)
    """What `index_digest` is the digest of."""
    opened: PluginPackage | None = None
    """What was in the ZIP, from a place that keeps plugins opened."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PluginPackage:
    """An opened package: the bytes that everything after speaks about. None of it is verified by being here."""

    descriptor: Descriptor
    descriptor_bytes: bytes
    artifact: Spool
    artifact_hash: ArtifactHash
    artifact_name: str
    """`plugin.so` or `plugin.wasm`."""
    signature: bytes | None
    licence: bytes | None = None
