"""What belongs to a plugin in a repository, and where it is read from and written to.

A `Closure` is everything that has to stand in a repository so that a verifier finds there what it finds upstream: the manifest or
the whole index, config and package of every child, and what is attached to index and children (OCI referrers, whether listed by
the API or under the fallback tag, and cosign's older `.sig` and `.att` objects). Documents are bytes that are never written anew,
so every digest stays.

An attached object that is broken, too large, or about something else stays behind and is named in `left_behind`; it harms
nothing, because what arrives is judged as if it were all there is. The plugin itself is complete or an error.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from supplychain.carry.protocols import ContentDestination, ContentSource, Document, fallback_tag, referrer_entry
from supplychain.errors import (
    ArtifactTooLargeError,
    DigestMismatchError,
    EvidenceLimitError,
    ManifestInvalidError,
    NotFoundError,
    PlatformMissingError,
    VerificationError,
)
from supplychain.mirror.collect import BUNDLE_PREFIX
from supplychain.mirror.manifests import (
    MANIFEST_TYPES,
    Index,
    Manifest,
    OciDescriptor,
    parse_document,
    parse_manifest,
    parse_oci_descriptor,
)
from supplychain.mirror.plugin_manifest import plugin_layer

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from supplychain.artifact import Platform
    from supplychain.digest import ManifestDigest
    from supplychain.limits import Limits
    from supplychain.reference import OciReference

__all__ = [
    "LEGACY_SUFFIXES",
    "MAX_CHILDREN",
    "Closure",
    "ContentDestination",
    "ContentSource",
    "Document",
    "collect",
    "fallback_tag",
    "referrer_entry",
]

LEGACY_SUFFIXES: Final = (".sig", ".att")
"""Of the tags of cosign's older objects, after `fallback_tag`."""
MAX_CHILDREN: Final = 64
"""Platforms of one index."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Closure:
    """All that belongs to one plugin in one repository, by digests, in an order in which it can be written."""

    reference: OciReference
    """As it was asked for."""
    top: ManifestDigest
    """What the reference leads to: the manifest, or the index above the manifests."""
    documents: tuple[Document, ...]
    """Children before parents, attached objects last."""
    blobs: tuple[OciDescriptor, ...]
    """Each once, by digest."""
    tags: Mapping[str, ManifestDigest]
    """In the order in which they are to be written: those of cosign's older objects, then the reference's own, if any."""
    left_behind: tuple[tuple[str, str], ...] = ()
    """Attached objects that do not come along: which, and why."""
    unread: frozenset[ManifestDigest] = frozenset()
    """Manifests to which more is attached than was looked at: what is missing there proves nothing."""

    def document(self, digest: ManifestDigest) -> Document | None:
        """Find a document by its digest."""
        return next((one for one in self.documents if one.digest == digest), None)

    def held(self, digest: ManifestDigest) -> Document:
        """Hand out a document that must be there.

        Raises:
            NotFoundError: it is not.
        """
        document = self.document(digest)
        if document is None:
            raise NotFoundError("the content lacks a document", expected=f"`{digest}`", where=f"`{self.reference}`")
        return document

    @property
    def plugins(self) -> tuple[tuple[Document, Platform | None], ...]:
        """The manifests that are plugins, each with what it must be judged for: for every entry of the index its platform.

        One manifest can stand for several platforms, and then is there for each. Without an index it is the only one, and None.

        Raises:
            PlatformMissingError: an entry of the index does not say what it is for.
        """
        top = self.held(self.top)
        where = f"`{self.reference.pinned(self.top)}`"
        parsed = parse_document(top.data, where=where, declared=top.media_type)
        if not isinstance(parsed, Index):
            return ((top, None),)
        return tuple(self._entry(entry, where=where) for entry in parsed.entries)

    @property
    def attachments(self) -> tuple[tuple[ManifestDigest, OciDescriptor], ...]:
        """Every attached object with a `subject`, and the entry that a list of referrers must have for it."""
        return tuple(found for one in self.documents if (found := referrer_entry(one)) is not None)

    @property
    def size(self) -> int:
        """Bytes of all documents and blobs."""
        return sum(len(one.data) for one in self.documents) + sum(one.size for one in self.blobs)

    def _entry(self, value: object, *, where: str) -> tuple[Document, Platform]:
        entry = parse_oci_descriptor(value, where=where)
        if entry.platform is None:
            got = f"`{entry.manifest_digest}` without one"
            raise PlatformMissingError(
                "the index does not say what a plugin is for", expected="a `platform`", got=got, where=where
            )
        return self.held(entry.manifest_digest), entry.platform


def collect(source: ContentSource, *, reference: OciReference, limits: Limits) -> Closure:
    """Find everything that belongs to the plugin `reference`; packages and other blobs are not read yet.

    Raises:
        NotFoundError: the reference or a child of its index is not there.
        ManifestError: it is no plugin, or no index of plugins.
        ArtifactTooLargeError: a package is above its limit.
        UnavailableError: the source cannot be asked.
    """
    return _Collection(source, reference=reference, limits=limits).collect()


class _Collection:
    """One walk from a reference to all that belongs to it."""

    def __init__(self, source: ContentSource, *, reference: OciReference, limits: Limits) -> None:
        self._source = source
        self._reference = reference
        self._limits = limits
        self._documents: dict[ManifestDigest, Document] = {}
        self._blobs: dict[str, OciDescriptor] = {}
        self._tags: dict[str, ManifestDigest] = {}
        self._left: list[tuple[str, str]] = []
        self._unread: set[ManifestDigest] = set()
        self._attached = 0

    def collect(self) -> Closure:
        top = self._wanted(self._reference.lookup, digest=self._reference.digest)
        subjects = deque([top.digest])
        parsed = parse_document(top.data, where=str(self._reference), declared=top.media_type)
        if isinstance(parsed, Index):
            for child in self._children(parsed):
                self._plugin(self._child(child))
                subjects.append(child.manifest_digest)
            self._documents[top.digest] = top
        else:
            self._plugin(top)
        for subject in dict.fromkeys(subjects):
            self._referrers(subject)
            for suffix in LEGACY_SUFFIXES:
                self._legacy(subject, tag=f"{fallback_tag(subject)}{suffix}")
        if self._reference.tag is not None:
            self._tags[self._reference.tag] = top.digest
        return Closure(
            reference=self._reference,
            top=top.digest,
            documents=tuple(self._documents.values()),
            blobs=tuple(self._blobs.values()),
            tags=self._tags,
            left_behind=tuple(self._left),
            unread=frozenset(self._unread),
        )

    def _wanted(self, lookup: str, *, digest: ManifestDigest | None) -> Document:
        document = self._source.document(lookup)
        if document is None:
            raise NotFoundError("there is no such plugin", expected=f"`{lookup}`", where=f"`{self._reference}`")
        if digest is not None and document.digest != digest:
            raise DigestMismatchError(
                "the source gives another document",
                expected=f"`{digest}`",
                got=f"`{document.digest}`",
                where=f"`{self._reference}`",
            )
        return document

    def _children(self, index: Index) -> Iterator[OciDescriptor]:
        where = f"`{self._reference}`"
        if not 0 < len(index.entries) <= MAX_CHILDREN:
            expected = f"between 1 and {MAX_CHILDREN} entries"
            raise ManifestInvalidError("no index of a plugin", expected=expected, got=f"{len(index.entries)}", where=where)
        for position, entry in enumerate(index.entries):
            child = parse_oci_descriptor(entry, where=f"{where}, `manifests[{position}]`")
            if child.media_type not in MANIFEST_TYPES:
                got = f"`{child.media_type}`"
                raise ManifestInvalidError("an index entry is no image manifest", got=got, where=f"{where}, entry {position}")
            yield child

    def _child(self, child: OciDescriptor) -> Document:
        document = self._wanted(str(child.manifest_digest), digest=child.manifest_digest)
        if len(document.data) != child.size:
            raise DigestMismatchError(
                "a manifest has another size than the index says",
                expected=f"{child.size} bytes",
                got=f"{len(document.data)} bytes",
                where=f"`{self._reference.pinned(child.manifest_digest)}`",
            )
        return document

    def _plugin(self, document: Document) -> None:
        where = str(self._reference.pinned(document.digest))
        manifest = parse_manifest(document.data, where=where, declared=document.media_type)
        plugin_layer(manifest, limits=self._limits, where=where)
        if manifest.config.size > self._limits.config:
            expected, got = f"at most {self._limits.config} bytes", f"{manifest.config.size} bytes"
            raise ArtifactTooLargeError("the config is too large", expected=expected, got=got, where=where)
        self._take(document, manifest=manifest)

    def _take(self, document: Document, *, manifest: Manifest) -> None:
        self._documents[document.digest] = document
        for blob in (manifest.config, *manifest.layers):
            self._blobs.setdefault(blob.sha256, blob)

    def _referrers(self, subject: ManifestDigest) -> None:
        try:
            listed = sorted(self._source.referrers(subject), key=_rank)
        except EvidenceLimitError as exc:
            self._left.append((f"referrers of {subject}", str(exc)))
            self._unread.add(subject)
            return
        for position, entry in enumerate(listed):
            where = f"referrer {entry.manifest_digest}"
            if position >= self._limits.candidates:
                self._left.append((where, f"more than {self._limits.candidates} referrers"))
                self._unread.add(subject)
            elif entry.manifest_digest not in self._documents:
                self._attach(str(entry.manifest_digest), subject=subject, whose=subject, where=where)

    def _legacy(self, subject: ManifestDigest, *, tag: str) -> None:
        digest = self._attach(tag, subject=None, whose=subject, where=f"tag {tag}, about {subject}")
        if digest is not None:
            self._tags[tag] = digest

    def _attach(self, lookup: str, *, subject: ManifestDigest | None, whose: ManifestDigest, where: str) -> ManifestDigest | None:
        """Take an attached object with its blobs, or name it as left behind; a tag that is not there is nothing at all."""
        try:
            document = self._source.document(lookup)
            if document is None:
                if subject is not None:
                    self._left.append((where, "listed, but not there"))
                return None
            manifest = parse_manifest(document.data, where=where, declared=document.media_type)
            about = None if manifest.subject is None else manifest.subject.manifest_digest
            if subject is not None and about != subject:
                raise ManifestInvalidError("attached to something else", expected=f"`{subject}`", got=f"`{about}`", where=where)
            self._afford(manifest, where=where)
        except VerificationError as exc:
            self._left.append((where, str(exc)))
            if isinstance(exc, ArtifactTooLargeError):
                self._unread.add(whose)
            return None
        self._take(document, manifest=manifest)
        return document.digest

    def _afford(self, manifest: Manifest, *, where: str) -> None:
        size = sum(blob.size for blob in {one.sha256: one for one in (manifest.config, *manifest.layers)}.values())
        if self._attached + size > self._limits.package:
            expected = f"at most {self._limits.package} bytes of attached objects"
            raise ArtifactTooLargeError("attached objects are too large", expected=expected, where=where)
        self._attached += size


def _rank(descriptor: OciDescriptor) -> int:
    return 0 if (descriptor.artifact_type or "").startswith(BUNDLE_PREFIX) else 1
