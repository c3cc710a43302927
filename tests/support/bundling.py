"""Bundles for tests: made honestly, and then forged by somebody who can compute digests but has no key."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from supplychain.carry.plugin_bundle.archive import INDEX_NAME, LAYOUT_NAME, blob_name, read_archive, tar_size, write_archive
from supplychain.carry.plugin_bundle.blob_file import BlobFile
from supplychain.carry.plugin_bundle.compression import compress, decompress
from supplychain.carry.plugin_bundle.index import BUNDLE_TYPE, COUNT_NOTE
from supplychain.carry.plugin_bundle.inventory import LAYOUT
from supplychain.carry.plugin_bundle.maker import BundleMaker, Signer
from supplychain.carry.plugin_bundle.parts import Volume
from supplychain.carry.plugin_bundle.volume_writer import VolumeWriter
from supplychain.carry.plugin_bundle.writer import bundle_stream
from supplychain.carry.protocols import Document
from supplychain.errors import NotFoundError
from supplychain.mirror.artifact_form import canonical
from supplychain.mirror.manifests import OciDescriptor, parse_oci_descriptor
from supplychain.reference import OciReference
from supplychain.revocation import RevocationSet, parse_revocation_list
from supplychain.spool import Spool
from supplychain.verifier import PluginVerifier
from tests.support.builders import public_key
from tests.support.carrying import plugin
from tests.support.scenario import AT, TAG, policy, request, trust_root

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from supplychain.digest import ManifestDigest
    from supplychain.policy import VerificationRequest
    from tests.support.oci import Stored

__all__ = [
    "IDENTITY",
    "ISSUER",
    "NAME",
    "VERIFIER",
    "VERIFIER_SEED",
    "Forgery",
    "StoredContent",
    "make_bundle",
    "members_of",
    "verifier_public",
]

_COSIGN = policy().cosign
assert _COSIGN is not None
IDENTITY, ISSUER = _COSIGN.identity.text, _COSIGN.issuer
"""Who signed every plugin of the tests."""
NAME = f"ghcr.io/acme/echo:{TAG}"
VERIFIER = "https://mcpg.dev/supplychain/bundle"
VERIFIER_SEED = bytes(range(100, 132))
"""TEST MATERIAL: the verifier's key, known to everybody."""


def verifier_public() -> bytes:
    return public_key(seed=VERIFIER_SEED)


def signer(verifier: str = VERIFIER) -> Signer:
    return Signer(private_key=Ed25519PrivateKey.from_private_bytes(VERIFIER_SEED), verifier=verifier)


@dataclass
class StoredContent:
    """What is stored, as a repository from which content is carried."""

    stored: Stored
    tags: dict[str, str] = field(default_factory=dict)

    def document(self, lookup: str) -> Document | None:
        for entry in self.stored.listed:
            if lookup in {entry["digest"], entry.get("annotations", {}).get("org.opencontainers.image.ref.name")}:
                return Document.of(self.stored.blobs[entry["digest"]], declared=entry["mediaType"], where=lookup)
        return None

    def referrers(self, subject: ManifestDigest) -> tuple[OciDescriptor, ...]:
        found = []
        for entry in self.stored.listed:
            about = json.loads(self.stored.blobs[entry["digest"]]).get("subject")
            if about is not None and about["digest"] == str(subject):
                found.append(parse_oci_descriptor(entry, where="stored"))
        return tuple(found)

    def spool(self, descriptor: OciDescriptor) -> Spool:
        return Spool.of(self.read(descriptor))

    def read(self, descriptor: OciDescriptor) -> bytes:
        found = self.stored.blobs.get(str(descriptor.layer_digest))
        if found is None:
            raise NotFoundError("not stored", expected=str(descriptor.layer_digest))
        return found


def make_bundle(
    path: Path,
    *plugins: tuple[str, Stored],
    asked: VerificationRequest | None = None,
    lists: tuple[bytes, ...] = (),
    signed: bool = True,
    part_size: int | None = None,
    at: Any = AT,
    root: Any = None,
) -> Path:
    """Judge plugins (reference and what is stored there) and write them; one good plugin where none is given."""
    revocations = RevocationSet(tuple(parse_revocation_list(data, name=f"list {place}") for place, data in enumerate(lists)))
    own = root if root is not None else trust_root()
    verifier = PluginVerifier(root=lambda: own, second_opinion=False, revocations=revocations if lists else None)
    with BlobFile() as blob_file:
        maker = BundleMaker(verifier=verifier, blob_file=blob_file, at=at)
        for name, stored in plugins or ((NAME, plugin()[0]),):
            reference = OciReference.parse(name)
            judgements = maker.take(StoredContent(stored), location=reference, named=reference, request=asked or request())
            assert [one.verdict.value for one in judgements] == ["Trusted"] * len(judgements), [one.cause for one in judgements]
        enclosed = maker.enclosed(roots=(own,), lists=revocations.lists, signer=signer() if signed else None)
        stream, _ = bundle_stream([one.closure for one in maker.packed], enclosed=enclosed, blob_file=blob_file)
        with VolumeWriter(path, part_size=part_size) as volume:
            for piece in stream:
                volume.write(piece)
            volume.commit()
    return path


def members_of(path: Path) -> list[tuple[str, bytes]]:
    with Volume(path) as volume:
        return [(one.name, b"".join(one.pieces)) for one in read_archive(decompress(volume.chunks(), ratio=10_000))]


@dataclass
class Forgery:
    """A bundle taken apart, to be changed at will and put together so that every digest and every count is right again."""

    index: dict[str, Any]
    blobs: dict[str, bytes]
    packages: dict[str, bytes]

    @classmethod
    def of(cls, path: Path) -> Forgery:
        (_, _), (_, index), *rest = members_of(path)
        document = json.loads(index)
        count = int(document["annotations"][COUNT_NOTE])
        named = [(name.rpartition("/")[2], data) for name, data in rest]
        return cls(index=document, blobs=dict(named[:count]), packages=dict(named[count:]))

    @property
    def enclosed(self) -> dict[str, Any]:
        """The manifest of the bundle itself."""
        return json.loads(self.blobs[self._own["digest"].removeprefix("sha256:")])

    def of_type(self, media_type: str) -> list[bytes]:
        return [
            self.blobs[layer["digest"].removeprefix("sha256:")]
            for layer in self.enclosed["layers"]
            if layer["mediaType"] == media_type
        ]

    def enclose(self, media_type: str, *documents: bytes) -> Forgery:
        """Replace everything of one type."""
        kept = [layer for layer in self.enclosed["layers"] if layer["mediaType"] != media_type]
        layers = [
            {
                "annotations": {"org.opencontainers.image.title": "x"},
                "digest": self._put(data),
                "mediaType": media_type,
                "size": len(data),
            }
            for data in documents
        ]
        return self.with_layers(kept + layers)

    def with_layers(self, layers: list[dict[str, Any]]) -> Forgery:
        """Write the manifest of the bundle anew; what nobody names any more goes."""
        data = canonical({**self.enclosed, "layers": layers})
        old = self._own["digest"]
        for entry in self.index["manifests"]:
            if entry["digest"] == old:
                entry.update(digest=self._put(data), size=len(data))
        del self.blobs[old.removeprefix("sha256:")]
        return self._swept()

    def edit_terms(self, change: Any) -> Forgery:
        """Change the terms as JSON."""
        from supplychain.carry.plugin_bundle.terms import TERMS_TYPE

        [data] = self.of_type(TERMS_TYPE)
        document = json.loads(data)
        change(document)
        return self.enclose(TERMS_TYPE, canonical(document))

    def take_over(self, other: Forgery, *, only: str | None = None) -> Forgery:
        """Add the plugins of another bundle, or one of them."""
        for entry in other.index["manifests"]:
            note = entry.get("annotations", {}).get("dev.mcpg.bundle.plugin")
            if entry.get("artifactType") != BUNDLE_TYPE and (only is None or note in {None, only}):
                self.index["manifests"].append(entry)
        self.blobs |= other.blobs
        self.packages |= other.packages
        return self._swept()

    def write(self, path: Path) -> Path:
        self.index["annotations"][COUNT_NOTE] = str(len(self.blobs))
        entries = {json.dumps(one, sort_keys=True): one for one in self.index["manifests"]}
        self.index["manifests"] = sorted(entries.values(), key=_rank)
        index = canonical(self.index)
        members = [(LAYOUT_NAME, LAYOUT), (INDEX_NAME, index)]
        members += [(blob_name(name), data) for group in (self.blobs, self.packages) for name, data in sorted(group.items())]
        return write_members(path, members)

    @property
    def _own(self) -> dict[str, Any]:
        return next(entry for entry in self.index["manifests"] if entry.get("artifactType") == BUNDLE_TYPE)

    def _put(self, data: bytes) -> str:
        digest = hashlib.sha256(data).hexdigest()
        self.blobs[digest] = data
        return f"sha256:{digest}"

    def _swept(self) -> Forgery:
        named = set(self._named(self.index["manifests"]))
        self.blobs = {name: data for name, data in self.blobs.items() if name in named}
        self.packages = {name: data for name, data in self.packages.items() if name in named}
        return self

    def _named(self, entries: list[dict[str, Any]]) -> Iterator[str]:
        for entry in entries:
            digest = entry["digest"].removeprefix("sha256:")
            yield digest
            document = json.loads(self.blobs[digest])
            yield from self._named(document.get("manifests", []))
            for one in (*document.get("layers", []), *([document["config"]] if "config" in document else [])):
                yield one["digest"].removeprefix("sha256:")


def _rank(entry: dict[str, Any]) -> tuple[int, str]:
    """The order of entries in a bundle's index."""
    notes = entry.get("annotations", {})
    if entry.get("artifactType") == BUNDLE_TYPE:
        return 0, ""
    if "dev.mcpg.bundle.plugin" in notes:
        return 1, notes["dev.mcpg.bundle.plugin"]
    name = notes.get("org.opencontainers.image.ref.name")
    return (2, name) if name is not None else (3, entry["digest"])


def write_members(path: Path, members: list[tuple[str, bytes]]) -> Path:
    """Write members as they are, in the order given."""
    size = tar_size(len(data) for _, data in members)
    pieces = write_archive((name, len(data), (data,)) for name, data in members)
    path.write_bytes(b"".join(compress(pieces, size=size)))
    return path
