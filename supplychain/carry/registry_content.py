"""One repository of a registry, read by digests.

Requests follow the distribution specification 1.1. Reading goes through `mirror.transport` like every verification: its bounds,
its retries, its rules of who gets credentials.
"""

from __future__ import annotations

import hashlib
import re
from functools import partial
from typing import TYPE_CHECKING, Final

from supplychain.carry.protocols import Document, fallback_tag
from supplychain.digest import ManifestDigest
from supplychain.errors import ArtifactTooLargeError, EvidenceLimitError, ManifestInvalidError, NotFoundError
from supplychain.mirror.collect import BUNDLE_PREFIX
from supplychain.mirror.download import download
from supplychain.mirror.hosts import api_host
from supplychain.mirror.manifests import INDEX_TYPES, MANIFEST_TYPES, OciDescriptor, parse_index, parse_oci_descriptor
from supplychain.mirror.reading import expect_digest, read_exactly, read_manifest, read_page

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable

    from supplychain.limits import Limits
    from supplychain.mirror.answers import Answer
    from supplychain.mirror.transport import Conversation, RegistryClient
    from supplychain.spool import Spool

__all__ = ["RegistryContentSource"]

_ACCEPT: Final = ", ".join(sorted(MANIFEST_TYPES | INDEX_TYPES, reverse=True))
_INDEX_ACCEPT: Final = "application/vnd.oci.image.index.v1+json"
_DIGEST_HEADER: Final = "Docker-Content-Digest"
_DIGEST: Final = re.compile(r"sha256:[0-9a-f]{64}")
_PAGES: Final = 16
"""Requests for one list of referrers."""
_ENTRIES: Final = 1024
"""Referrers of one subject."""


class RegistryContentSource:
    """A `ContentSource` over one repository.

    Args:
        registry: as references name it.
        repository: the path in it.
        client: the connections, shared and not closed here.
        limits: bounds on what is read.
        avoid: hosts that must get no packet: the upstream, where this is its mirror.
        progress: told the bytes of a spooled blob that have arrived, and its size.
    """

    def __init__(
        self,
        registry: str,
        repository: str,
        *,
        client: RegistryClient,
        limits: Limits,
        avoid: Collection[str] = (),
        progress: Callable[[int, int], None] | None = None,
    ) -> None:
        self.name = f"{registry}/{repository}"
        self._host = api_host(registry)
        self._base = f"/v2/{repository}"
        self._limits = limits
        self._progress = progress
        self._talk: Conversation = client.conversation(registry, repository, avoid=avoid)
        self._look: Conversation = client.conversation(registry, repository, avoid=avoid, method="HEAD")

    def document(self, lookup: str) -> Document | None:
        """Read a manifest or index by tag or digest; None where there is none."""
        target = f"{self._base}/manifests/{lookup}"
        where = f"`{self.name}`, `{lookup}`"
        try:
            data, declared = self._talk.get(target, accept=_ACCEPT, consume=partial(read_manifest, bound=self._limits.manifest))
        except NotFoundError:
            return None
        if lookup.startswith("sha256:"):
            expect_digest(lookup, got=str(ManifestDigest.of(data)), where=where)
        return Document.of(data, declared=declared, where=where)

    def digest(self, lookup: str) -> ManifestDigest | None:
        """Say what a tag or digest leads to, as the registry names it, by one HEAD; None where there is nothing."""
        try:
            named = self._look.get(
                f"{self._base}/manifests/{lookup}", accept=_ACCEPT, consume=lambda answer: answer.headers.get(_DIGEST_HEADER, "")
            )
        except NotFoundError:
            return None
        if _DIGEST.fullmatch(named) is not None:
            return ManifestDigest.parse(named)
        document = self.document(lookup)  # it does not say it by itself
        return None if document is None else document.digest

    def referrers(self, subject: ManifestDigest) -> tuple[OciDescriptor, ...]:
        """List what is attached to `subject`; the fallback tag counts too where the API is missing or lists no bundle.

        Raises:
            EvidenceLimitError: the list is longer than anybody reads.
            ManifestInvalidError: the API breaks its specification.
        """
        found = {one.sha256: one for one in self._api(subject) or ()}
        if not any((one.artifact_type or "").startswith(BUNDLE_PREFIX) for one in found.values()):
            found = {one.sha256: one for one in self._tagged(subject)} | found
        return tuple(found.values())

    def lists(self, subject: ManifestDigest) -> frozenset[str] | None:
        """Say which digests (hex) the referrers API lists for `subject`; None where there is no such API."""
        listed = self._api(subject)
        return None if listed is None else frozenset(one.sha256 for one in listed)

    def spool(self, descriptor: OciDescriptor) -> Spool:
        """Read a blob of any size into a file; the caller closes it.

        Raises:
            NotFoundError: there is none.
            DigestMismatchError: it has another size or digest.
        """
        return download(self._talk, descriptor, progress=self._progress)

    def read(self, descriptor: OciDescriptor) -> bytes:
        """Read a blob into memory; errors as those of `spool`."""
        data = self._talk.get(self._blob(descriptor), consume=lambda answer: b"".join(read_exactly(answer, size=descriptor.size)))
        got = f"sha256:{hashlib.sha256(data).hexdigest()}"
        expect_digest(f"sha256:{descriptor.sha256}", got=got, where=f"blob in `{self.name}`")
        return data

    def check(self, descriptor: OciDescriptor) -> None:
        """Read a blob for its size and digest alone and keep nothing of it; errors as those of `spool`."""
        got = self._talk.get(self._blob(descriptor), consume=partial(_digest, size=descriptor.size))
        expect_digest(f"sha256:{descriptor.sha256}", got=f"sha256:{got}", where=f"blob in `{self.name}`")

    def _blob(self, descriptor: OciDescriptor) -> str:
        return f"{self._base}/blobs/{descriptor.layer_digest}"

    def _api(self, subject: ManifestDigest) -> tuple[OciDescriptor, ...] | None:
        target: str | None = f"{self._base}/referrers/{subject}"
        found: list[OciDescriptor] = []
        pages = 0
        try:
            while target is not None:
                if pages == _PAGES:
                    raise _too_long(subject, f"more than {_PAGES} pages", where=self.name)
                read = partial(read_page, host=self._host, target=target, bound=self._limits.evidence)
                index, target = self._talk.get(target, accept=_INDEX_ACCEPT, consume=read)
                pages += 1
                found += _descriptors(index.entries)
                if len(found) > _ENTRIES:
                    raise _too_long(subject, f"more than {_ENTRIES} entries", where=self.name)
        except NotFoundError:
            if pages:  # the first page there and the next one not: that is no missing API
                raise
            return None
        except ArtifactTooLargeError as exc:
            raise _too_long(subject, str(exc), where=self.name) from exc
        return tuple(found)

    def _tagged(self, subject: ManifestDigest) -> tuple[OciDescriptor, ...]:
        """Read the fallback tag; anybody who may push can have put there what is no list at all."""
        tag = fallback_tag(subject)
        try:
            document = self.document(tag)
            index = None if document is None else parse_index(document.data, where=f"tag {tag}", declared=document.media_type)
        except ManifestInvalidError:
            return ()
        except ArtifactTooLargeError as exc:
            raise _too_long(subject, str(exc), where=self.name) from exc
        found = _descriptors(() if index is None else index.entries)
        if len(found) > _ENTRIES:
            raise _too_long(subject, f"more than {_ENTRIES} entries", where=self.name)
        return tuple(found)


def _descriptors(entries: Iterable[object]) -> list[OciDescriptor]:
    """Read entries; one bad one among foreign ones is no reason to lose the others."""
    found = []
    for entry in entries:
        try:
            found.append(parse_oci_descriptor(entry, where="list of referrers"))
        except ManifestInvalidError:
            continue
    return found


def _digest(answer: Answer, *, size: int) -> str:
    digest = hashlib.sha256()
    for chunk in read_exactly(answer, size=size):
        digest.update(chunk)
    return digest.hexdigest()


def _too_long(subject: ManifestDigest, got: str, *, where: str) -> EvidenceLimitError:
    return EvidenceLimitError(f"the list of referrers of `{subject}` is too long", got=got, where=f"`{where}`")
