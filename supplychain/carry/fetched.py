"""A closure with its bytes, fetched once: judged as it is, then written as it is.

Packages and other large blobs are spools, so nothing large lives in memory and what is judged is what is written. Of packages
that were opened before, under the same digest, only the bytes are compared: what is in them is known.
"""

from __future__ import annotations

import os
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final, Protocol, Self

from supplychain.artifact import EvidenceForm, PulledArtifact
from supplychain.carry.content import ContentSource, fallback_tag
from supplychain.carry.fallback import as_entry
from supplychain.digest import LayerDigest
from supplychain.errors import ManifestInvalidError, NotFoundError, StorageUnavailableError
from supplychain.mirror.collect import EvidenceCollector
from supplychain.mirror.manifests import parse_manifest
from supplychain.mirror.plugin_manifest import plugin_layer
from supplychain.spool import Spool

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType

    from supplychain.artifact import EvidenceSet, Platform, PluginPackage
    from supplychain.carry.content import Closure, Document
    from supplychain.digest import ManifestDigest
    from supplychain.limits import Limits
    from supplychain.mirror.manifests import OciDescriptor

__all__ = ["CheckingSource", "FetchedClosure", "FetchedSource"]

_SMALL: Final = 64 * 1024
_IN_MEMORY: Final = 16 * 1024 * 1024
"""Bytes of small blobs of one closure; beyond them they are spooled too."""
_FORMS: Final = ((".sig", EvidenceForm.LEGACY_SIGNATURE), (".att", EvidenceForm.LEGACY_ATTESTATION))


class CheckingSource(ContentSource, Protocol):
    """A source that can compare a blob without keeping it."""

    def check(self, descriptor: OciDescriptor) -> None:
        """Read a blob for its size and digest alone; errors as those of `spool`."""
        ...


class FetchedClosure:
    """All bytes of `closure`; close it to give their space back."""

    def __init__(self, closure: Closure) -> None:
        self.closure = closure
        self._blobs: dict[str, bytes | Spool] = {}
        self._opened: dict[str, PluginPackage] = {}
        self._stack = ExitStack()
        self._in_memory = 0

    def load(self, source: ContentSource) -> Self:
        """Fetch every blob.

        Raises:
            NotFoundError: one is not there.
            DigestMismatchError: one has another size or digest.
            UnavailableError: the source cannot be asked, or there is no room.
        """
        for blob in self.closure.blobs:
            self._fetch(blob, source=source)
        return self

    def compare(self, source: CheckingSource, *, opened: Mapping[str, PluginPackage]) -> Self:
        """Fetch every blob but the packages `opened` (by SHA-256): of these every byte is read and compared, and none kept.

        Raises: as `load`.
        """
        for blob in self.closure.blobs:
            if blob.sha256 in opened:
                source.check(blob)
                self._opened[blob.sha256] = opened[blob.sha256]
            else:
                self._fetch(blob, source=source)
        return self

    def blob(self, sha256: str) -> bytes | Spool:
        """Hand out a blob, which stays this closure's own.

        Raises:
            NotFoundError: it is not among what was fetched.
        """
        found = self._blobs.get(sha256)
        if found is None:
            raise NotFoundError("the content lacks a blob", expected=f"`sha256:{sha256}`", where=f"`{self.closure.reference}`")
        return found

    def opened(self, sha256: str) -> PluginPackage | None:
        """Hand out what was in a package that was only compared; its library is the caller's to close."""
        found = self._opened.get(sha256)
        return None if found is None else replace(found, artifact=_lend(found.artifact))

    def close(self) -> None:
        """Release every spool."""
        self._stack.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def _fetch(self, blob: OciDescriptor, *, source: ContentSource) -> None:
        if blob.size <= _SMALL and self._in_memory + blob.size <= _IN_MEMORY:
            self._in_memory += blob.size
            self._blobs[blob.sha256] = source.read(blob)
        else:
            self._blobs[blob.sha256] = self._stack.enter_context(source.spool(blob))


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchedSource:
    """One plugin of a fetched closure, as a `PluginSource`: what a verifier judges is what is carried, and nothing else."""

    fetched: FetchedClosure
    plugin: Document
    """Its manifest; with `platform` one of `fetched.closure.plugins`."""
    platform: Platform | None
    """What the index says it is for; None without an index."""
    limits: Limits = field(repr=False)

    @property
    def layer(self) -> OciDescriptor:
        """The package.

        Raises:
            ManifestError: the manifest is none of a plugin.
        """
        where = str(self.fetched.closure.reference.pinned(self.plugin.digest))
        manifest = parse_manifest(self.plugin.data, where=where, declared=self.plugin.media_type)
        return plugin_layer(manifest, limits=self.limits, where=where)

    def pull(self, *, platform: Platform) -> PulledArtifact:  # noqa: ARG002 — the plugin is chosen already
        """Hand out the package; the spool is the caller's to close, the bytes stay the closure's.

        Raises:
            ManifestError: the manifest is none of a plugin.
            NotFoundError: the package is not among what was fetched.
        """
        closure = self.fetched.closure
        layer = self.layer
        index = None if self.platform is None else closure.held(closure.top)
        opened = self.fetched.opened(layer.sha256)
        return PulledArtifact(
            source=str(closure.reference.pinned(self.plugin.digest)),
            package=_lend(self.fetched.blob(layer.sha256)) if opened is None else opened.artifact,
            layer_digest=LayerDigest(layer.sha256),
            manifest_digest=self.plugin.digest,
            index_digest=None if index is None else index.digest,
            tag=closure.reference.tag,
            platform=self.platform,
            manifest=self.plugin.data,
            index=None if index is None else index.data,
            opened=opened,
        )

    def evidence(self, digest: ManifestDigest, *, thorough: bool = False) -> EvidenceSet:  # noqa: ARG002 — nothing costs requests
        """Collect what is carried along that is about `digest`."""
        closure = self.fetched.closure
        collector = EvidenceCollector(digest, limits=self.limits, manifest=self._manifest, blob=self._small)
        entries = [entry for subject, entry in closure.attachments if subject == digest]
        collector.referrers([as_entry(entry) for entry in entries], where=f"`{closure.reference.name}`")
        for suffix, form in _FORMS:
            tag = f"{fallback_tag(digest)}{suffix}"
            if tag in closure.tags:
                collector.legacy(closure.held(closure.tags[tag]).data, tag=tag, form=form)
        if digest in closure.unread:
            collector.truncate(f"`{closure.reference.name}`", "more is attached than is looked at")
        return collector.finish()

    def _manifest(self, descriptor: OciDescriptor) -> bytes:
        return self.fetched.closure.held(descriptor.manifest_digest).data

    def _small(self, descriptor: OciDescriptor) -> bytes:
        blob = self.fetched.blob(descriptor.sha256)
        data = bytes(blob.view) if isinstance(blob, Spool) else blob
        if len(data) != descriptor.size:
            raise ManifestInvalidError(
                "a blob has another size than its descriptor says", expected=f"{descriptor.size} bytes", got=f"{len(data)} bytes"
            )
        return data


def _lend(blob: bytes | Spool) -> Spool:
    """Make a spool over the same file that can be closed by itself."""
    if not isinstance(blob, Spool):
        return Spool.of(blob)
    try:
        descriptor = os.dup(blob.file.fileno())
    except OSError as exc:
        raise StorageUnavailableError("cannot keep a copy of the bytes", got=exc.strerror or type(exc).__name__) from exc
    return Spool(os.fdopen(descriptor, "rb", buffering=0), size=blob.size, sha256=blob.sha256)
