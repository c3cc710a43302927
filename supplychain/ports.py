"""What the pipeline asks of the outside, as protocols. Implementations: `supplychain.mirror` and the caller's own files."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from supplychain.artifact import EvidenceSet, Platform, PulledArtifact
    from supplychain.digest import ManifestDigest

__all__ = ["FoundEntry", "ImageSource", "LogLookup", "PluginSource"]


class PluginSource(Protocol):
    """One place that holds a plugin: a registry repository, an image layout, or a package file.

    Every method raises only the `VerificationError` and `UnavailableError` families.
    """

    def pull(self, *, platform: Platform) -> PulledArtifact:
        """Resolve the reference once, read the package, and check every digest and size on the way."""
        ...

    def evidence(self, digest: ManifestDigest, *, thorough: bool = False) -> EvidenceSet:
        """Collect what is attached to `digest` at this place and nowhere else; `thorough` spares no request."""
        ...


class ImageSource(PluginSource, Protocol):
    """A place where manifests have digests: a registry repository or an image layout."""

    def resolve(self) -> ManifestDigest:
        """Say which manifest or index the target names, whatever it holds."""
        ...


class FoundEntry(NamedTuple):
    """A log entry that may be about an envelope; nothing about it is proven."""

    document: bytes
    """JSON of this one entry, as Rekor v1 serves it: by its id."""
    log: str
    """Host of the log that was asked."""


class LogLookup(Protocol):
    """Asks transparency logs for entries about an envelope. It only brings candidates; whoever asked judges them."""

    def __call__(self, envelope: bytes, *, logs: Sequence[str], artifact: str) -> Iterator[FoundEntry]:
        """Find entries about `envelope` (DSSE, JSON) in `logs` (base URLs of Rekor v1), the likeliest first, as they are wanted.

        `artifact` is the SHA-256 of what the envelope is about, in hex.

        Raises:
            EnvelopeInvalidError: the envelope is malformed.
            TransparencyLogUnavailableError: at the end, where not every log could be asked to the end.
        """
        ...
