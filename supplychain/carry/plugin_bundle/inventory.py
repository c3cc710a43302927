"""What a bundle holds, by its index: plugins, tags, attached objects, and the documents that travel beside them.

Everything that is in a bundle is named by something in it, and everything that is named is there: a blob too many or too few is
refused. Which plugin a reference leads to is the bundle's own claim, as it is a registry's; the evidence is bound to digests.
Pure.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, NamedTuple

from supplychain.carry.plugin_bundle.index import BUNDLE_TYPE, PLUGIN_NOTE, render_index
from supplychain.carry.protocols import Document, referrer_entry
from supplychain.errors import BundleFileInvalidError, ManifestInvalidError, SupplyChainError
from supplychain.mirror.artifact_form import canonical
from supplychain.mirror.layout_scan import REF_NAME
from supplychain.mirror.manifests import (
    INDEX_TYPES,
    MANIFEST_TYPES,
    PLUGIN_LAYER_TYPE,
    Index,
    Manifest,
    OciDescriptor,
    parse_document,
    parse_index,
    parse_manifest,
    parse_oci_descriptor,
)
from supplychain.reference import OciReference

if TYPE_CHECKING:
    from collections.abc import Iterator

    from supplychain.carry.plugin_bundle.small_blobs import Blobs
    from supplychain.digest import ManifestDigest

__all__ = ["LAYOUT", "MAX_DOCUMENTS", "SUMMARY_TYPE", "Carried", "Inventory"]

SUMMARY_TYPE: Final = "application/vnd.dsse.envelope.v1+json"
MAX_DOCUMENTS: Final = 32 * 1024 * 1024
"""Bytes of all manifests and indexes; they are kept in memory."""
LAYOUT: Final = canonical({"imageLayoutVersion": "1.0.0"})


class Carried(NamedTuple):
    """One plugin: as it was asked for, and what that leads to."""

    reference: OciReference
    digest: ManifestDigest


@dataclass(slots=True, kw_only=True)
class Inventory:
    """The contents of one bundle. Made by `of`."""

    small_blobs: Blobs
    plugins: list[Carried] = field(default_factory=list)
    """In the order of the index."""
    tags: dict[tuple[str, str], ManifestDigest] = field(default_factory=dict)
    """By repository (`registry/name`) and tag."""
    referrers: dict[ManifestDigest, list[OciDescriptor]] = field(default_factory=dict)
    documents: dict[ManifestDigest, Document] = field(default_factory=dict)
    packages: dict[str, int] = field(default_factory=dict)
    """Sizes by SHA-256, hex."""
    enclosed: dict[str, list[str]] = field(default_factory=dict)
    """What travels besides plugins: SHA-256 by media type, each in the order of the manifest."""
    _named: set[str] = field(default_factory=set)
    _claimed: set[OciReference] = field(default_factory=set)
    _own: Document | None = None
    _bytes: int = 0

    @classmethod
    def of(cls, index: bytes, *, small_blobs: Blobs) -> Inventory:
        """Read `index.json` and every document below it.

        Raises:
            BundleFileInvalidError: it contradicts itself or what is there.
        """
        found = cls(small_blobs=small_blobs)
        try:
            found._read(parse_index(index, where="`index.json`"))
            found._compare(index)
        except BundleFileInvalidError:
            raise
        except SupplyChainError as exc:
            raise BundleFileInvalidError("the bundle's index is unusable", got=str(exc)) from exc
        return found

    def read(self, sha256: str) -> bytes:
        """Read a small blob.

        Raises:
            BundleFileInvalidError: the bundle lacks it.
        """
        return self.small_blobs.read(sha256)

    def attestations(self, digest: ManifestDigest) -> frozenset[str]:
        """Name all evidence that is attached to a manifest or index and to what is below it: SHA-256 of each layer, hex."""
        subjects = [digest, *self.children(digest)]
        objects = [one.manifest_digest for subject in subjects for one in self.referrers.get(subject, ())]
        legacy = {f"sha256-{subject.hex}{suffix}" for subject in subjects for suffix in (".sig", ".att")}
        objects += [target for (_, tag), target in self.tags.items() if tag in legacy]
        return frozenset(
            layer.sha256 for one in objects for layer in parse_manifest(self.documents[one].data, where=f"{one}").layers
        )

    def children(self, digest: ManifestDigest) -> tuple[ManifestDigest, ...]:
        """Name the manifests of an index; none for a manifest."""
        document = self.documents[digest]
        parsed = parse_document(document.data, where=str(digest), declared=document.media_type)
        return tuple(one.manifest_digest for one in _children(parsed)) if isinstance(parsed, Index) else ()

    def _read(self, index: Index) -> None:
        entries = [parse_oci_descriptor(one, where=f"entry {place}") for place, one in enumerate(index.entries)]
        for entry in entries:
            if entry.media_type not in MANIFEST_TYPES | INDEX_TYPES:
                raise ManifestInvalidError("an entry is neither manifest nor index", got=f"`{entry.media_type}`")
        queue = deque(entries)
        while queue:
            queue.extend(self._document(queue.popleft()))
        for entry in entries:
            self._tag(entry)
        for entry in entries:
            self._plugin(entry)
        left = [sha256 for sha256 in self.small_blobs if sha256 not in self._named]
        if left:
            raise BundleFileInvalidError("a blob that nothing in the bundle names", got=f"`{left[0]}`")

    def _compare(self, index: bytes) -> None:
        """Hold the index to the one form that it has for what was understood of it."""
        if self._own is None:
            raise ManifestInvalidError("no manifest of the bundle itself", expected=f"`{BUNDLE_TYPE}`")
        names = {(one.reference.name, one.reference.tag) for one in self.plugins}
        again = render_index(
            own=self._own,
            plugins=[(one.reference, self.documents[one.digest]) for one in self.plugins],
            tags={f"{key[0]}:{key[1]}": self.documents[digest] for key, digest in self.tags.items() if key not in names},
            attached=[self.documents[one.manifest_digest] for listed in self.referrers.values() for one in listed],
            small=len(list(self.small_blobs)),
        )
        if again != index:
            raise ManifestInvalidError("another form of its bytes, or an entry that no bundle has")

    def _document(self, entry: OciDescriptor) -> Iterator[OciDescriptor]:
        """Take one document and what it names; give the documents below it."""
        if entry.manifest_digest in self.documents:
            return
        self._name(entry)
        self._bytes += entry.size
        if self._bytes > MAX_DOCUMENTS:
            raise ManifestInvalidError("too many documents", expected=f"at most {MAX_DOCUMENTS} bytes of them", got="more")
        data = self.small_blobs.read(entry.sha256)
        document = Document.of(data, declared=entry.media_type, where=str(entry.manifest_digest))
        self.documents[document.digest] = document
        parsed = parse_document(data, where=str(document.digest), declared=entry.media_type)
        if isinstance(parsed, Index):
            yield from _children(parsed)
        else:
            self._manifest(parsed, document=document)

    def _manifest(self, manifest: Manifest, *, document: Document) -> None:
        for blob in (manifest.config, *manifest.layers):
            if blob.media_type != PLUGIN_LAYER_TYPE:
                self._name(blob)
            elif self.packages.setdefault(blob.sha256, blob.size) != blob.size or blob.sha256 in self.small_blobs:
                raise ManifestInvalidError("a package is named as something else, too", got=f"`{blob.sha256}`")
        attached = referrer_entry(document)
        if attached is not None:
            self.referrers.setdefault(attached[0], []).append(attached[1])
        if manifest.artifact_type == BUNDLE_TYPE:
            if self._own is not None:
                raise ManifestInvalidError("two manifests of the bundle itself")
            self._own = document
            for layer in manifest.layers:
                self.enclosed.setdefault(layer.media_type, []).append(layer.sha256)

    def _tag(self, entry: OciDescriptor) -> None:
        name = entry.annotations.get(REF_NAME)
        if name is not None:
            repository, _, tag = name.rpartition(":")
            if self.tags.setdefault((repository, tag), entry.manifest_digest) != entry.manifest_digest:
                raise ManifestInvalidError("a tag stands at two manifests", got=f"`{name[:200]}`")

    def _plugin(self, entry: OciDescriptor) -> None:
        claimed = entry.annotations.get(PLUGIN_NOTE)
        if claimed is not None:
            reference = OciReference.parse(claimed)
            if reference in self._claimed or reference.digest not in {None, entry.manifest_digest}:
                raise ManifestInvalidError("a reference stands at two entries, or at another digest", got=f"`{reference}`")
            if reference.tag is not None and self.tags.get((reference.name, reference.tag)) != entry.manifest_digest:
                raise ManifestInvalidError("a plugin does not stand under its own tag", got=f"`{reference}`")
            self._claimed.add(reference)
            self.plugins.append(Carried(reference, entry.manifest_digest))

    def _name(self, blob: OciDescriptor) -> None:
        if blob.sha256 not in self.small_blobs or self.small_blobs.size(blob.sha256) != blob.size:
            raise ManifestInvalidError("a blob is not there, or has another size", got=f"`sha256:{blob.sha256}`")
        self._named.add(blob.sha256)


def _children(index: Index) -> Iterator[OciDescriptor]:
    for place, entry in enumerate(index.entries):
        child = parse_oci_descriptor(entry, where=f"`manifests[{place}]`")
        if child.media_type not in MANIFEST_TYPES:
            raise ManifestInvalidError("an index entry is no image manifest", got=f"`{child.media_type}`")
        yield child
