"""A source that is read in the place of another one, and must still be what was named there."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from supplychain.descriptor import tag_version
from supplychain.errors import DigestMismatchError, SignatureSourceMissingError

if TYPE_CHECKING:
    from supplychain.artifact import EvidenceSet, Platform, PulledArtifact
    from supplychain.digest import ManifestDigest
    from supplychain.ports import PluginSource
    from supplychain.reference import OciReference

__all__ = ["PinnedSource"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PinnedSource:
    """Reads `source`, and holds it to the digest and the tag of `named`."""

    source: PluginSource
    named: OciReference
    version: str | None

    def pull(self, *, platform: Platform) -> PulledArtifact:
        """Pull and compare; the digest may name the manifest or the index above it.

        Raises:
            DigestMismatchError: another manifest.
            SignatureSourceMissingError: a bare package, which has no manifest to compare.
        """
        pulled = self.source.pull(platform=platform)
        try:
            self._compare(pulled)
        except BaseException:
            pulled.package.close()
            raise
        return replace(pulled, tag=self._tag(pulled.tag))

    def evidence(self, digest: ManifestDigest, *, thorough: bool = False) -> EvidenceSet:
        """Collect what is attached there."""
        return self.source.evidence(digest, thorough=thorough)

    def _compare(self, pulled: PulledArtifact) -> None:
        pin = self.named.digest
        if pin is None or pin in {pulled.manifest_digest, pulled.index_digest}:
            return
        if pulled.manifest_digest is None:
            raise SignatureSourceMissingError(
                "a bare package has no manifest to compare with the digest that the plugin names",
                expected=f"`{pin}`",
                where=pulled.source,
            )
        raise DigestMismatchError(
            "another manifest than the one that the plugin names",
            expected=f"`{pin}`",
            got=f"`{pulled.manifest_digest}`",
            where=pulled.source,
        )

    def _tag(self, pulled: str | None) -> str | None:
        """Choose the tag that the version is compared with: one that contradicts it, if there is one."""
        tags = [tag for tag in (self.named.tag, pulled) if tag is not None]
        return next((tag for tag in tags if self._contradicts(tag)), tags[0] if tags else None)

    def _contradicts(self, tag: str) -> bool:
        version = tag_version(tag)
        return version is not None and self.version is not None and version.removeprefix("v") != self.version.removeprefix("v")
