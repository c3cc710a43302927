"""A mounted plugin as a source of the verification, which writes the library straight to where it will be used.

The bytes that are hashed, whose signature is checked, and that get their final name are those of one open file.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from supplychain.artifact import EvidenceSet, PluginPackage, PulledArtifact
from supplychain.delivery.mounted import open_mounted
from supplychain.descriptor import parse_descriptor
from supplychain.errors import DigestMismatchError
from supplychain.spool import Spool

if TYPE_CHECKING:
    from pathlib import Path

    from supplychain.artifact import Platform
    from supplychain.delivery.assemble import StoredPlugin
    from supplychain.delivery.target import Target
    from supplychain.digest import ArtifactHash, ManifestDigest
    from supplychain.limits import Limits

__all__ = ["MountedSource"]

_HINT: Final = (
    "the pod names another version than its volumes hold; let the operator roll it, or delete the Secret so that it comes back"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class MountedSource:
    """Reads the plugin at `directory` and stages its files in `target`; it must be the library that `digest` names."""

    directory: Path
    target: Target
    digest: ArtifactHash
    content: str | None
    """`content_name` of what is mounted; None: any descriptor and signature may stand beside the library."""
    limits: Limits

    def pull(self, *, platform: Platform) -> PulledArtifact:
        """Put the library together, and stage descriptor, signature and library, in this order.

        Raises:
            DigestMismatchError: another plugin is mounted.
            DeliveryError, ArtifactTooLargeError: what is mounted cannot be put together.
            DescriptorInvalidError: the descriptor cannot be read.
            UnreadableFileError, OutputError, StorageUnavailableError: a file cannot be read or written.
        """
        del platform  # one library is mounted; whether it fits is for the verifier to say
        stored = open_mounted(self.directory, limits=self.limits)
        self._compare(stored)
        descriptor = parse_descriptor(stored.descriptor, limit=self.limits.descriptor)
        beside = {f"{stored.artifact_name}.plugin.yaml": stored.descriptor}
        if stored.signature is not None:
            beside[f"{stored.artifact_name}.sig"] = stored.signature
        for name, data in beside.items():
            with self.target.create(name) as file:
                self.target.append(file, data)
        artifact = self._stage(stored)
        package = PluginPackage(
            descriptor=descriptor,
            descriptor_bytes=stored.descriptor,
            artifact=artifact,
            artifact_hash=self.digest,
            artifact_name=stored.artifact_name,
            signature=stored.signature,
        )
        return PulledArtifact(source=str(self.directory), package=artifact, layer_digest=None, opened=package)

    def evidence(self, digest: ManifestDigest, *, thorough: bool = False) -> EvidenceSet:
        """Give nothing: what is mounted has no manifest."""
        del digest, thorough
        return EvidenceSet()

    def _compare(self, stored: StoredPlugin) -> None:
        where = f"`{self.directory}`"
        if stored.sha256 != self.digest.hex:
            raise DigestMismatchError(
                "another library is mounted than the one that is asked for",
                expected=f"`sha256:{self.digest}`",
                got=f"`sha256:{stored.sha256}`",
                where=where,
                hint=_HINT,
            )
        if self.content is not None and stored.content != self.content:
            raise DigestMismatchError(
                "the library is mounted with another descriptor, signature or index than what is asked for",
                expected=f"content `{self.content}`",
                got=f"`{stored.content}`",
                where=where,
                hint=_HINT,
            )

    def _stage(self, stored: StoredPlugin) -> Spool:
        file = self.target.create(stored.artifact_name)
        try:
            for piece in stored.pieces():
                self.target.append(file, piece)
            return Spool(file, size=stored.size, sha256=stored.sha256)
        except BaseException:
            file.close()
            raise
