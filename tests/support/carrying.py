"""Plugins in real registries, signed by the virtual Sigstore, and what carries them from one to another."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import httpx

from supplychain.artifact import Platform
from supplychain.carry.content import Document, referrer_entry
from supplychain.carry.registry_content import RegistryContentSource
from supplychain.carry.registry_destination import RegistryContentDestination
from supplychain.carry.sync import Carrier, Order
from supplychain.digest import ArtifactHash, ManifestDigest
from supplychain.errors import EvidenceLimitError, NotFoundError
from supplychain.limits import Limits
from supplychain.mirror.credentials import ANONYMOUS
from supplychain.mirror.manifests import OciDescriptor, parse_oci_descriptor
from supplychain.mirror.push_session import PushSession
from supplychain.mirror.transport import RegistryClient
from supplychain.reference import OciReference
from supplychain.spool import Spool
from supplychain.verifier import PluginVerifier
from tests.support.builders import build_elf, build_package
from tests.support.oci import Stored
from tests.support.scenario import AT, LIBRARY, TAG, provenance_bundle, request, signature_bundle, trust_root

if TYPE_CHECKING:
    from collections.abc import Callable

    from supplychain.carry.sync import Carried

__all__ = ["ARM", "Hall", "MemoryDestination", "MemoryRepository", "entry_of", "plugin", "plugin_index", "unique"]

ARM = build_elf(architecture="arm64")
_CONFIG = {"id": "dev.mcpg.example.echo"}


def unique(prefix: str = "acme") -> str:
    """A repository that no other test uses."""
    return f"{prefix}/{uuid.uuid4().hex[:12]}/echo"


def plugin(
    *, library: bytes = LIBRARY, tag: str | None = TAG, signed: bool = True, **package: Any
) -> tuple[Stored, dict[str, Any]]:
    """One plugin with its evidence, and its descriptor."""
    stored = Stored()
    descriptor = stored.plugin(build_package(artifact=library, **package), config=_CONFIG, tag=tag)
    if signed:
        evidence(stored, descriptor, library=library)
    return stored, descriptor


def plugin_index(*, tag: str = TAG, arm: bytes = ARM) -> tuple[Stored, dict[str, Any]]:
    """An index over two plugins, each with its evidence."""
    stored = Stored()
    children = []
    for library, architecture in ((LIBRARY, "amd64"), (arm, "arm64")):
        descriptor = stored.plugin(build_package(artifact=library), config=_CONFIG)
        children.append({**descriptor, "platform": {"os": "linux", "architecture": architecture}})
    index = stored.index(*children, tag=tag)
    for child, library in zip(children, (LIBRARY, arm), strict=True):
        evidence(stored, child, library=library)
    return stored, index


def entry_of(document: Document) -> tuple[ManifestDigest, OciDescriptor]:
    """What a document is attached to, and its entry in the list of referrers."""
    found = referrer_entry(document)
    assert found is not None
    return found


def evidence(stored: Stored, descriptor: dict[str, Any], *, library: bytes) -> None:
    """Attach a signature and provenance."""
    digest = ManifestDigest.parse(descriptor["digest"])
    stored.attach(signature_bundle(digest), subject=descriptor, predicate_type="https://sigstore.dev/cosign/sign/v1")
    built = provenance_bundle(ArtifactHash.of(library))
    stored.attach(built, subject=descriptor, predicate_type="https://slsa.dev/provenance/v1")


@dataclass
class Hall:
    """Two registries, and the way from the one to the other."""

    upstream: str
    mirror: str
    repository: str = field(default_factory=unique)
    client: RegistryClient = field(default_factory=RegistryClient)
    limits: Limits = field(default_factory=Limits)

    def publish(self, stored: Stored) -> None:
        stored.push(self.upstream, self.repository)
        self.list_referrers(self.upstream, stored)

    def list_referrers(self, host: str, stored: Stored) -> None:
        """Write the fallback tags that a registry without referrers API needs."""
        base = f"http://{host}/v2/{self.repository}"
        lists: dict[str, list[dict[str, Any]]] = {}
        for entry in stored.listed:
            subject = json.loads(stored.blobs[entry["digest"]]).get("subject")
            if subject is not None:
                lists.setdefault(subject["digest"], []).append(entry)
        with httpx.Client(trust_env=False) as client:
            for subject, entries in lists.items():
                if client.get(f"{base}/referrers/{subject}").status_code == 200:
                    continue
                index = {"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": entries}
                client.put(
                    f"{base}/manifests/{subject.replace(':', '-')}",
                    content=json.dumps(index).encode(),
                    headers={"Content-Type": str(index["mediaType"])},
                ).raise_for_status()

    def source(self) -> RegistryContentSource:
        return RegistryContentSource(self.upstream, self.repository, client=self.client, limits=self.limits)

    def reader(self) -> RegistryContentSource:
        return RegistryContentSource(
            self.mirror, f"mirrored/{self.repository}", client=self.client, limits=self.limits, avoid=[self.upstream]
        )

    def writer(self, **options: Any) -> RegistryContentDestination:
        repository = f"mirrored/{self.repository}"
        return RegistryContentDestination(
            self.mirror,
            repository,
            connect=self.connect,
            reader=self.reader(),
            limits=self.limits,
            avoid=[self.upstream],
            **options,
        )

    def connect(self) -> PushSession:
        return PushSession(
            self.mirror,
            f"mirrored/{self.repository}",
            credentials=ANONYMOUS,
            insecure=False,
            ca_file=None,
            plain_credentials=False,
            limits=self.limits,
        )

    def order(self, suffix: str = f":{TAG}", **overrides: Any) -> Order:
        return Order(
            name="echo",
            upstream=OciReference.parse(f"{self.upstream}/{self.repository}{suffix}"),
            mirror=OciReference.parse(f"{self.mirror}/mirrored/{self.repository}{suffix}"),
            request=replace(request(), platform=Platform(), **overrides),
        )

    def carrier(self, **options: Any) -> Carrier:
        verifier = options.pop("verifier", None) or PluginVerifier(root=trust_root, second_opinion=False, limits=self.limits)
        return Carrier(verifier=verifier, limits=self.limits, at=AT, **options)

    def carry(self, order: Order | None = None, **options: Any) -> Carried:
        with self.writer() as writer:
            return self.carrier(**options).carry(
                order or self.order(), source=self.source(), destination=writer, mirror=self.reader()
            )


@dataclass
class MemoryRepository:
    """A `ContentSource` and a mirror's reading side in memory; `tags` and `listed` can be made to lie."""

    stored: Stored
    tags: dict[str, str] = field(default_factory=dict)
    listed: dict[str, tuple[OciDescriptor, ...]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    endless: bool = False
    name: str = "memory"

    @classmethod
    def of(cls, stored: Stored) -> MemoryRepository:
        repository = cls(stored=stored)
        for entry in stored.listed:
            tag = entry.get("annotations", {}).get("org.opencontainers.image.ref.name")
            if tag is not None:
                repository.tags[tag] = entry["digest"]
            subject = json.loads(stored.blobs[entry["digest"]]).get("subject")
            if subject is not None:
                known = repository.listed.get(subject["digest"], ())
                repository.listed[subject["digest"]] = (*known, parse_oci_descriptor(entry, where="test"))
        return repository

    def document(self, lookup: str) -> Document | None:
        self.asked.append(lookup)
        data = self.stored.blobs.get(self.tags.get(lookup, lookup))
        return None if data is None else Document.of(data, where="memory")

    def referrers(self, subject: ManifestDigest) -> tuple[OciDescriptor, ...]:
        if self.endless:
            raise EvidenceLimitError("too long")
        return self.listed.get(str(subject), ())

    def read(self, descriptor: OciDescriptor) -> bytes:
        data = self.stored.blobs.get(f"sha256:{descriptor.sha256}")
        if data is None:
            raise NotFoundError("no such blob")
        return data

    def spool(self, descriptor: OciDescriptor) -> Spool:
        return Spool.of(self.read(descriptor))

    def check(self, descriptor: OciDescriptor) -> None:
        self.read(descriptor)


class MemoryDestination:
    """A `ContentDestination` in memory that writes into a `MemoryRepository`; what is in `deaf` is taken and forgotten."""

    def __init__(self, repository: MemoryRepository) -> None:
        self.repository = repository
        self.deaf: set[str] = set()
        self.settled = 0
        self.pretends = False
        """Whether it says of every blob that it is there."""
        self.when_settled: Callable[[], None] = lambda: None

    def holds_document(self, digest: ManifestDigest) -> bool:
        return str(digest) in self.repository.stored.blobs

    def holds_blob(self, digest: str) -> bool:
        return self.pretends or digest in self.repository.stored.blobs

    def put_blob(self, descriptor: OciDescriptor, data: Any) -> None:
        self.repository.stored.blobs[f"sha256:{descriptor.sha256}"] = bytes(data.view) if isinstance(data, Spool) else bytes(data)

    def put_document(self, document: Document, *, tag: str | None = None) -> None:
        if str(document.digest) not in self.deaf:
            self.repository.stored.blobs[str(document.digest)] = document.data
        if tag is not None and tag not in self.deaf:
            self.repository.tags[tag] = str(document.digest)

    def attach(self, subject: ManifestDigest, entry: OciDescriptor) -> None:
        if "attach" not in self.deaf:
            self.repository.listed[str(subject)] = (*self.repository.listed.get(str(subject), ()), entry)

    def settle(self) -> None:
        self.settled += 1
        self.when_settled()
