"""A source that notes what went through it, so that what was judged can be kept as it was judged."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from supplychain.artifact import EvidenceSet, Platform, PulledArtifact
    from supplychain.digest import ManifestDigest
    from supplychain.ports import PluginSource

__all__ = ["RecordingSource"]


class RecordingSource:
    """Hands everything on to `source`; `pulled` and `evidence` are what came back last, None before."""

    def __init__(self, source: PluginSource) -> None:
        self._source = source
        self.pulled: PulledArtifact | None = None
        self.evidence_set: EvidenceSet | None = None

    def pull(self, *, platform: Platform) -> PulledArtifact:
        """Pull there."""
        self.pulled = self._source.pull(platform=platform)
        return self.pulled

    def evidence(self, digest: ManifestDigest, *, thorough: bool = False) -> EvidenceSet:
        """Collect there."""
        self.evidence_set = self._source.evidence(digest, thorough=thorough)
        return self.evidence_set
