"""Writing a bundle: which blobs it has, in which order, and the index above them.

What is promised: equal content (the same closures, enclosed files and summaries) gives the same tar, byte for byte, wherever and
whenever it is written, and with one version of zstd the same file. A summary holds the time of its verification, so bundles
with summaries are equal only for equal times.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from supplychain.carry.plugin_bundle.archive import INDEX_NAME, LAYOUT_NAME, blob_name, tar_size, write_archive
from supplychain.carry.plugin_bundle.compression import compress
from supplychain.carry.plugin_bundle.index import BUNDLE_TYPE, render_index
from supplychain.carry.plugin_bundle.inventory import LAYOUT, Inventory
from supplychain.carry.protocols import Document, referrer_entry
from supplychain.digest import ManifestDigest
from supplychain.errors import BundleFileError, InvalidPolicyError
from supplychain.mirror.artifact_form import EMPTY_CONFIG, MANIFEST_TYPE, canonical
from supplychain.mirror.manifests import PLUGIN_LAYER_TYPE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from typing_extensions import Buffer

    from supplychain.carry.content import Closure
    from supplychain.carry.plugin_bundle.blob_file import BlobFile

__all__ = ["Enclosed", "bundle_stream"]

_EMPTY_TYPE: Final = "application/vnd.oci.empty.v1+json"
_TITLE: Final = "org.opencontainers.image.title"


@dataclass(frozen=True, slots=True, kw_only=True)
class Enclosed:
    """A document that travels beside the plugins."""

    media_type: str
    title: str
    data: bytes

    @property
    def sha256(self) -> str:
        """Of the data, hex."""
        return hashlib.sha256(self.data).hexdigest()


def bundle_stream(
    closures: Sequence[Closure], *, enclosed: Sequence[Enclosed], blob_file: BlobFile
) -> tuple[Iterator[bytes], int]:
    """Write a bundle as compressed pieces; also say how many bytes its tar has.

    Every blob of the closures is in `blob_file`; what is enclosed and the documents are added to it.

    Raises:
        InvalidPolicyError: whoever reads it would refuse it.
    """
    manifest = _manifest(enclosed)
    for data in (manifest, EMPTY_CONFIG, *(one.data for one in enclosed), *_documents(closures)):
        blob_file.put(hashlib.sha256(data).hexdigest(), data)
    blobs = {blob.sha256: blob for closure in closures for blob in closure.blobs if blob.media_type != PLUGIN_LAYER_TYPE}
    packages = sorted({blob.sha256 for one in closures for blob in one.blobs if blob.media_type == PLUGIN_LAYER_TYPE})
    small = {hashlib.sha256(data).hexdigest() for data in (manifest, EMPTY_CONFIG, *_documents(closures))}
    small |= {one.sha256 for one in enclosed} | set(blobs)
    index = _index(Document(media_type=MANIFEST_TYPE, data=manifest), closures, small=len(small))
    _prove(index, _Planned(small, blob_file))
    members: list[tuple[str, int, Iterable[Buffer]]] = [
        (LAYOUT_NAME, len(LAYOUT), (LAYOUT,)),
        (INDEX_NAME, len(index), (index,)),
        *((blob_name(one), blob_file.size(one), blob_file.pieces(one)) for one in (*sorted(small), *packages)),
    ]
    size = tar_size(length for _, length, _ in members)
    return compress(write_archive(members), size=size), size


class _Planned:
    """The small blobs as the reader will have them."""

    def __init__(self, names: set[str], blob_file: BlobFile) -> None:
        self._names = names
        self._file = blob_file

    def __contains__(self, sha256: str) -> bool:
        return sha256 in self._names

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(self._names))

    def size(self, sha256: str) -> int:
        return self._file.size(sha256)

    def read(self, sha256: str) -> bytes:
        return b"".join(self._file.pieces(sha256))


def _prove(index: bytes, small: _Planned) -> None:
    """Read the index as whoever gets the bundle will: better no bundle than one that is refused where nobody can mend it."""
    try:
        Inventory.of(index, small_blobs=small)
    except BundleFileError as exc:
        raise InvalidPolicyError(
            "these plugins cannot be in one bundle", got=str(exc), hint="put them into bundles of their own"
        ) from exc


def _documents(closures: Iterable[Closure]) -> Iterator[bytes]:
    return (document.data for closure in closures for document in closure.documents)


def _manifest(enclosed: Sequence[Enclosed]) -> bytes:
    return canonical(
        {
            "artifactType": BUNDLE_TYPE,
            "config": {"digest": str(ManifestDigest.of(EMPTY_CONFIG)), "mediaType": _EMPTY_TYPE, "size": len(EMPTY_CONFIG)},
            "layers": [
                {
                    "annotations": {_TITLE: one.title},
                    "digest": f"sha256:{one.sha256}",
                    "mediaType": one.media_type,
                    "size": len(one.data),
                }
                for one in enclosed
            ],
            "mediaType": MANIFEST_TYPE,
            "schemaVersion": 2,
        }
    )


def _index(own: Document, closures: Sequence[Closure], *, small: int) -> bytes:
    return render_index(
        own=own,
        plugins=[(one.reference, _found(one, one.top)) for one in closures],
        tags={
            f"{one.reference.name}:{tag}": _found(one, digest)
            for one in closures
            for tag, digest in one.tags.items()
            if tag != one.reference.tag
        },
        attached=[document for one in closures for document in one.documents if referrer_entry(document) is not None],
        small=small,
    )


def _found(closure: Closure, digest: ManifestDigest) -> Document:
    return next(one for one in closure.documents if one.digest == digest)
