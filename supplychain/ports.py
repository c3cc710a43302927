"""What the pipeline asks of the outside, as protocols. Implementations: `supplychain.mirror` and the caller's own files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from supplychain.artifact import EvidenceSet, Platform, PulledArtifact
    from supplychain.digest import ManifestDigest

__all__ = ["PluginSource"]


class PluginSource(Protocol):
    """One place that holds a plugin: a registry repository, an image layout, or a package file.

    Every method raises only the `VerificationError` and `UnavailableError` families.
    """

    def pull(self, *, platform: Platform) -> PulledArtifact:
        """Resolve the reference once, read the package, and check every digest and size on the way."""
        ...

    def evidence(self, digest: ManifestDigest) -> EvidenceSet:
        """Collect what is attached to `digest` at this place and nowhere else."""
        ...
