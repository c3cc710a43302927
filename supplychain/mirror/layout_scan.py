"""Finding, in an image layout, the objects that are about one manifest.

Tools leave evidence in layouts in different ways: manifests whose `subject` is the digest, listed in `index.json` or in an index
that it lists (the fallback tag `sha256-<hex>` among them), and cosign's older `.sig` and `.att` objects, by tag or by the `kind`
annotation that `cosign save` writes. The whole listing is looked through, likely entries first, within bounds.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from supplychain.artifact import EvidenceForm
from supplychain.errors import ManifestInvalidError, NotFoundError, VerificationError
from supplychain.mirror.collect import BUNDLE_PREFIX, EvidenceCollector
from supplychain.mirror.manifests import INDEX_TYPES, MANIFEST_TYPES, Index, OciDescriptor, parse_oci_descriptor

if TYPE_CHECKING:
    from supplychain.artifact import EvidenceSet
    from supplychain.digest import ManifestDigest
    from supplychain.limits import Limits
    from supplychain.mirror.blobs import BlobStore

__all__ = ["MAX_ENTRIES", "MAX_SCANNED", "REF_NAME", "LayoutScan", "is_evidence", "parse_entries"]

REF_NAME: Final = "org.opencontainers.image.ref.name"
MAX_ENTRIES: Final = 10_000
"""Entries of a layout, nested indexes included, that are looked at."""
MAX_SCANNED: Final = 64 * 1024 * 1024
"""Bytes of manifests that are read to find out what they are about."""
_MAX_DEPTH: Final = 4
_KIND: Final = "kind"
_LEGACY: Final = {
    EvidenceForm.LEGACY_SIGNATURE: ("sig", "dev.cosignproject.cosign/sigs"),
    EvidenceForm.LEGACY_ATTESTATION: ("att", "dev.cosignproject.cosign/atts"),
}
_EVIDENCE_TAG: Final = re.compile(r"sha256-[0-9a-f]{64}(?:\.[a-z]{3,8})?")


def is_evidence(entry: OciDescriptor) -> bool:
    """Whether the listing itself says that an entry is evidence about another one; a hint, proof of nothing."""
    return _EVIDENCE_TAG.fullmatch(entry.annotations.get(REF_NAME, "")) is not None or any(
        entry.annotations.get(_KIND) == kind for _, kind in _LEGACY.values()
    )


def parse_entries(index: Index, *, where: str) -> tuple[list[OciDescriptor], list[ManifestInvalidError]]:
    """Read the entries of an index; those that are no descriptors come as errors beside the others."""
    entries, broken = [], []
    for position, entry in enumerate(index.entries):
        try:
            entries.append(parse_oci_descriptor(entry, where=f"{where}, `manifests[{position}]`"))
        except ManifestInvalidError as exc:
            broken.append(exc)
    return entries, broken


@dataclass(slots=True, kw_only=True)
class LayoutScan:
    """One walk through a layout for what is about `subject`."""

    store: BlobStore
    subject: ManifestDigest
    limits: Limits
    _collector: EvidenceCollector = field(init=False)
    _referrers: list[dict[str, object]] = field(default_factory=list)
    _legacy: dict[tuple[str, EvidenceForm], OciDescriptor] = field(default_factory=dict)
    _seen: set[str] = field(default_factory=set)
    _scanned: int = 0

    def __post_init__(self) -> None:
        self._collector = EvidenceCollector(
            self.subject,
            limits=self.limits,
            manifest=lambda descriptor: self.store.read(descriptor, limit=self.limits.manifest),
            blob=lambda descriptor: self.store.read(descriptor, limit=self.limits.evidence),
        )

    def collect(self) -> EvidenceSet:
        """Walk and return what was found; broken objects are skipped, each with its reason.

        Raises:
            UnreadableFileError: there is no layout, or a file of it cannot be read.
            VerificationError: `index.json` is refused.
        """
        self._walk(self.store.index(limit=self.limits.manifest), where=f"{self.store.where}, `index.json`", depth=0)
        self._collector.referrers(self._referrers, where=self.store.where)
        for (_, form), descriptor in self._legacy.items():
            tag = descriptor.annotations.get(REF_NAME, f"sha256-{self.subject.hex}.{_LEGACY[form][0]}")
            if not self._may_read(descriptor):
                self._collector.truncate(f"tag {tag}", f"not looked at: more than {MAX_SCANNED} bytes of manifests")
                continue
            try:
                data = self.store.read(descriptor, limit=self.limits.manifest)
            except (VerificationError, NotFoundError) as exc:
                self._collector.skip(f"tag {tag}", str(exc))
            else:
                self._collector.legacy(data, tag=tag, form=form)
        return self._collector.finish()

    def _walk(self, index: Index, *, where: str, depth: int) -> None:
        entries, broken = parse_entries(index, where=where)
        for problem in broken:
            self._collector.skip(where, str(problem))
        for entry in sorted(entries, key=self._rank):
            form = self._legacy_form(entry)
            if form is not None and depth == 0:
                self._legacy.setdefault((entry.sha256, form), entry)
            elif entry.sha256 not in self._seen:
                if len(self._seen) == MAX_ENTRIES:
                    self._collector.truncate(where, f"not looked at: more than {MAX_ENTRIES} entries")
                    return
                self._seen.add(entry.sha256)
                self._look(entry, where=f"{self.store.where}, manifest {entry.manifest_digest}", depth=depth)

    def _look(self, entry: OciDescriptor, *, where: str, depth: int) -> None:
        if entry.media_type not in MANIFEST_TYPES | INDEX_TYPES or entry.sha256 == self.subject.hex:
            return
        if not self._may_read(entry) or depth > _MAX_DEPTH:
            self._collector.truncate(
                where, f"not looked at: more than {MAX_SCANNED} bytes of manifests, or too many nested indexes"
            )
            return
        try:
            document = self.store.document(entry, limit=self.limits.manifest)
        except (VerificationError, NotFoundError) as exc:
            self._collector.skip(where, str(exc))
            return
        if isinstance(document, Index):
            self._walk(document, where=where, depth=depth + 1)
        elif document.subject is not None and document.subject.manifest_digest == self.subject:
            self._referrers.append(_as_entry(entry))

    def _may_read(self, entry: OciDescriptor) -> bool:
        """Count an entry's bytes, and say whether they are few enough; one above the limit for manifests is never read."""
        if entry.size <= self.limits.manifest:
            self._scanned += entry.size
        return self._scanned <= MAX_SCANNED

    def _legacy_form(self, entry: OciDescriptor) -> EvidenceForm | None:
        name, kind = entry.annotations.get(REF_NAME), entry.annotations.get(_KIND)
        for form, (suffix, word) in _LEGACY.items():
            if name == f"sha256-{self.subject.hex}.{suffix}" or kind == word:
                return form
        return None

    def _rank(self, entry: OciDescriptor) -> int:
        if entry.annotations.get(REF_NAME) == f"sha256-{self.subject.hex}":
            return 0
        return 1 if (entry.artifact_type or "").startswith(BUNDLE_PREFIX) else 2


def _as_entry(entry: OciDescriptor) -> dict[str, object]:
    return {
        "mediaType": entry.media_type,
        "digest": str(entry.manifest_digest),
        "size": entry.size,
        "artifactType": entry.artifact_type,
        "annotations": dict(entry.annotations),
    }
