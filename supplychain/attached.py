"""What is attached to a manifest, collected as late and as seldom as a verdict allows.

Most verdicts fall with the first look. Older objects lie under tags of their own, each of which costs a request, so a source may
leave them out where bundles seem to be enough; they are looked for only when a layer would refuse without them. A stranger's
bundle can therefore delay a good signature in the older form, and never hide it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from supplychain.errors import EvidenceLimitError, EvidenceUnsupportedError, SignatureSourceMissingError, VerificationError

if TYPE_CHECKING:
    from collections.abc import Callable

    from supplychain.artifact import EvidenceSet
    from supplychain.digest import ManifestDigest
    from supplychain.ports import PluginSource

__all__ = ["AttachedEvidence"]

T = TypeVar("T")


class AttachedEvidence:
    """The evidence about the manifest `digest` at `source`; nothing is asked before the first judgement.

    Without a digest there is no manifest that could be signed; `where` names what there is instead.
    """

    def __init__(self, source: PluginSource, *, digest: ManifestDigest | None, where: str) -> None:
        self._source = source
        self._digest = digest
        self._where = where
        self._found: EvidenceSet | None = None

    @property
    def digest(self) -> ManifestDigest:
        """What the evidence must be about.

        Raises:
            SignatureSourceMissingError: a bare package has no manifest.
        """
        if self._digest is None:
            raise SignatureSourceMissingError("a bare package has no manifest to be signed", where=self._where)
        return self._digest

    def judge(self, layer: Callable[[EvidenceSet], T]) -> T:
        """Let `layer` judge what is attached, and once more with everything where it refuses and there may be more.

        Raises:
            SupplyChainError: whatever `layer` raises, and what the source raises where it cannot be asked.
        """
        if self._found is None:
            self._found = self._source.evidence(self.digest)
        try:
            return layer(self._found)
        except (VerificationError, EvidenceUnsupportedError, EvidenceLimitError):
            if self._found.complete:
                raise
        self._found = self._source.evidence(self.digest, thorough=True)
        return layer(self._found)
