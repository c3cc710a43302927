"""One verified plugin as it is kept, as a value, and what is said where the parts of it disagree."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from supplychain.errors import DeliveryInvalidError

if TYPE_CHECKING:
    from datetime import datetime

    from mcpg_operator.ledger import Stored
    from supplychain.artifact import EvidenceSet, Platform
    from supplychain.digest import ArtifactHash, LayerDigest, ManifestDigest

__all__ = ["Asked", "KeptPlugin", "disagreement"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What the bytes were asked for."""

    image: str
    """As the spec writes it."""
    mirror: str | None
    """Name of the MCPGPluginMirror."""
    location: str | None
    """Registry and repository in which it was read; None where that cannot be told now."""
    platform: str


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptPlugin:
    """One verified plugin, to be judged again without asking anybody."""

    plugin: str
    """Name of the MCPGPlugin."""
    uid: str
    asked: Asked
    version: str
    """`spec.version` when it was accepted; nothing older is accepted afterwards."""
    source: str
    """Where it came from, for people."""
    manifest_digest: ManifestDigest
    manifest: bytes = field(repr=False)
    index_digest: ManifestDigest | None
    index: bytes | None = field(repr=False)
    """None where the reference named the manifest itself."""
    layer_digest: LayerDigest
    platform: Platform | None
    """As the index named it."""
    pulled_at: datetime
    confirmed_at: datetime
    """When a registry last said that the reference still names this; written now and then, not each time."""
    descriptor: bytes = field(repr=False)
    signature: bytes | None = field(repr=False)
    artifact_name: str
    artifact_hash: ArtifactHash
    stored: Stored
    evidence: EvidenceSet | None = field(repr=False)
    """None: nobody asked for it when the plugin was pulled."""

    @property
    def top(self) -> ManifestDigest:
        """What the reference named: the index where there is one."""
        return self.index_digest or self.manifest_digest


def disagreement(kept: KeptPlugin, what: str, *, expected: str, got: str) -> DeliveryInvalidError:
    """Make the error of evidence that contradicts itself, or what is stored."""
    return DeliveryInvalidError(
        what,
        expected=expected,
        got=got,
        where=f"evidence about MCPGPlugin `{kept.plugin}`",
        hint="find out who wrote Secrets here; the operator pulls the plugin again as soon as its registry answers",
    )
