"""The two sides between which content moves, and what both speak about: documents, blobs, lists of referrers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from supplychain.digest import ManifestDigest
from supplychain.mirror.artifact_form import INDEX_TYPE, MANIFEST_TYPE
from supplychain.mirror.manifests import (
    INDEX_TYPES,
    MANIFEST_TYPES,
    Index,
    Manifest,
    OciDescriptor,
    parse_document,
    parse_json,
    parse_oci_descriptor,
)

if TYPE_CHECKING:
    from typing_extensions import Buffer

    from supplychain.spool import Spool

__all__ = ["ContentDestination", "ContentSource", "Document", "fallback_tag", "referrer_entry"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A manifest or an index as its bytes are served; its digest is computed over them."""

    media_type: str
    """As the registry must be told: the document's own `mediaType`, else the one it was served with."""
    data: bytes = field(repr=False)
    digest: ManifestDigest = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "digest", ManifestDigest.of(self.data))

    @classmethod
    def of(cls, data: bytes, *, declared: str | None = None, where: str) -> Document:
        """Make a document of `data`, which came with the media type `declared`.

        Raises:
            ManifestInvalidError: it is neither manifest nor index, or contradicts what it was declared as.
        """
        parsed = parse_document(data, where=where, declared=declared)
        known, usual = (INDEX_TYPES, INDEX_TYPE) if isinstance(parsed, Index) else (MANIFEST_TYPES, MANIFEST_TYPE)
        inner = parse_json(data, where=where).get("mediaType")
        outer = (declared or "").partition(";")[0].strip().lower()
        return cls(media_type=inner or (outer if outer in known else usual), data=data)


class ContentSource(Protocol):
    """One repository that is read. Every answer is held to the digest under which it was asked for.

    Raises: the `VerificationError` and `UnavailableError` families; what is not there is None or `NotFoundError` as said.
    """

    def document(self, lookup: str) -> Document | None:
        """Read a manifest or index by tag or digest; None where there is none."""
        ...

    def referrers(self, subject: ManifestDigest) -> tuple[OciDescriptor, ...]:
        """List what is attached to `subject`: by the referrers API, else under the fallback tag; all pages, within bounds.

        Raises:
            EvidenceLimitError: the list is longer than anybody reads.
        """
        ...

    def spool(self, descriptor: OciDescriptor) -> Spool:
        """Read a blob of any size; the caller closes it.

        Raises:
            NotFoundError: there is none.
        """
        ...

    def read(self, descriptor: OciDescriptor) -> bytes:
        """Read a blob into memory, for those whose size the caller has bounded; errors as those of `spool`."""
        ...


class ContentDestination(Protocol):
    """One repository that is written. Whatever is there already stays; a tag moves."""

    def holds_document(self, digest: ManifestDigest) -> bool:
        """Whether the manifest or index is there."""
        ...

    def holds_blob(self, digest: str) -> bool:
        """Whether the blob `sha256:<hex>` is there."""
        ...

    def put_blob(self, descriptor: OciDescriptor, data: Buffer | Spool) -> None:
        """Write a blob."""
        ...

    def put_document(self, document: Document, *, tag: str | None = None) -> None:
        """Write a manifest or index under its digest, or under a tag; all that it names is there already."""
        ...

    def attach(self, subject: ManifestDigest, entry: OciDescriptor) -> None:
        """Make `entry`, which is written, appear in the list of referrers of `subject`.

        Nothing where the registry has the referrers API. Else the fallback tag is read, merged, written and read again until
        the entry and everybody else's are in it.
        """
        ...


def fallback_tag(subject: ManifestDigest) -> str:
    """Name the tag under which referrers are listed where there is no API (distribution-spec 1.1, "Referrers tag schema")."""
    return f"sha256-{subject.hex}"


def referrer_entry(document: Document) -> tuple[ManifestDigest, OciDescriptor] | None:
    """Say what a document is attached to, and its entry in the list of referrers; None for one without a subject.

    The specification derives the entry from the document: its artifact type or its config's media type, and its annotations.
    """
    where = f"document {document.digest}"
    fields = parse_json(document.data, where=where)
    if fields.get("subject") is None:
        return None
    subject = parse_oci_descriptor(fields["subject"], where=f"{where}, `subject`")
    parsed = parse_document(document.data, where=where, declared=document.media_type)
    kind = fields.get("artifactType") or (parsed.config.media_type if isinstance(parsed, Manifest) else None)
    entry = OciDescriptor(
        media_type=document.media_type,
        sha256=document.digest.hex,
        size=len(document.data),
        artifact_type=kind if isinstance(kind, str) else None,
        annotations=dict(parsed.annotations),
    )
    return subject.manifest_digest, entry
