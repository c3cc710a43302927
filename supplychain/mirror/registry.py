"""A plugin in a registry repository: pulled by tag or digest, with the evidence that is attached to it there.

Requests follow the distribution specification 1.1. Every manifest and blob is checked against the digest under which it was asked
for, over its raw bytes; a package streams into a spool with a running digest and never beyond its declared size. Where one broke
off it goes on.

Evidence is looked for in this order, at this repository and nowhere else: the referrers API, the fallback tag
`sha256-<hex>` where the API is missing or knows no bundle, then cosign's older objects. The `.sig` tag is asked for when no
bundle found so far may be an image signature, the `.att` tag when there is no bundle at all.
A thorough look asks for all of them.
"""

from __future__ import annotations

import hashlib
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Final, Self

from supplychain.artifact import EvidenceForm, PulledArtifact
from supplychain.digest import ManifestDigest
from supplychain.errors import ArtifactTooLargeError, ManifestInvalidError, NotFoundError
from supplychain.mirror.collect import EvidenceCollector
from supplychain.mirror.download import download
from supplychain.mirror.hosts import api_host
from supplychain.mirror.manifests import INDEX_TYPES, MANIFEST_TYPES, OciDescriptor, parse_document, parse_index
from supplychain.mirror.plugin_manifest import find_plugin
from supplychain.mirror.reading import expect_digest, read_exactly, read_manifest, read_page

if TYPE_CHECKING:
    from collections.abc import Collection
    from types import TracebackType

    from supplychain.artifact import EvidenceSet, Platform
    from supplychain.limits import Limits
    from supplychain.mirror.download import Progress
    from supplychain.mirror.transport import RegistryClient
    from supplychain.reference import OciReference

__all__ = ["RegistrySource"]

_ACCEPT: Final = ", ".join(sorted(MANIFEST_TYPES | INDEX_TYPES, reverse=True))
_INDEX_ACCEPT: Final = "application/vnd.oci.image.index.v1+json"
_API: Final = "referrers API"
_PAGES: Final = 16
"""Requests for one list of referrers."""


class RegistrySource:
    """One reference in a registry, as a `PluginSource`.

    Args:
        reference: what to pull; a digest counts before a tag.
        client: the connections, which it shares with other sources and does not close.
        limits: bounds on what is read.
        avoid: hosts that must get no packet: the upstream, where `reference` is on a mirror.
        progress: told how far the package has come.
    """

    def __init__(
        self,
        reference: OciReference,
        *,
        client: RegistryClient,
        limits: Limits,
        avoid: Collection[str] = (),
        progress: Progress | None = None,
    ) -> None:
        self._reference = reference
        self._limits = limits
        self._progress = progress
        self._talk = client.conversation(reference.registry, reference.repository, avoid=avoid)
        self._base = f"/v2/{reference.repository}"

    def resolve(self) -> ManifestDigest:
        """Say which manifest or index the reference names, whatever it holds; a digest is not asked for.

        Raises:
            ManifestError: it is neither manifest nor index.
            UnavailableError: the registry does not answer, refuses access, or does not have it.
        """
        pin = self._reference.digest
        if pin is not None:
            return pin
        data, declared = self._manifest(self._reference.lookup, digest=None, bound=self._limits.manifest)
        parse_document(data, where=str(self._reference), declared=declared)
        return ManifestDigest.of(data)

    def pull(self, *, platform: Platform) -> PulledArtifact:
        """Read the manifest, choose the child of an index, and stream the package; the caller closes the package's spool.

        Raises:
            DigestMismatchError: the registry serves other bytes than were asked for.
            ManifestError: not one plugin package, or none for the platform.
            ArtifactTooLargeError: the manifest or the package is above its limit.
            UnavailableError: the registry does not answer, refuses access, or does not have it; or there is no room for it.
        """
        pin = self._reference.digest
        data, declared = self._manifest(self._reference.lookup, digest=pin, bound=self._limits.manifest)
        top = ManifestDigest.of(data)
        found = find_plugin(
            data,
            child=partial(self._attached_manifest, bound=self._limits.manifest),
            platform=platform,
            limits=self._limits,
            where=lambda digest: str(self._reference if digest == top else self._reference.pinned(digest)),
            declared=declared,
        )
        self._check_config(found.config)
        return PulledArtifact(
            source=str(self._reference.pinned(found.manifest_digest)),
            package=download(self._talk, found.layer, progress=self._progress),
            layer_digest=found.layer.layer_digest,
            manifest_digest=found.manifest_digest,
            index_digest=found.index_digest,
            tag=self._reference.tag,
            platform=found.platform,
            manifest=found.manifest,
            index=found.index,
        )

    def evidence(self, digest: ManifestDigest, *, thorough: bool = False) -> EvidenceSet:
        """Collect what is attached to `digest`, within `limits.candidates` and `limits.evidence`.

        The fallback tag and those of older objects are asked for only where something seems to be open, or if `thorough`.

        Raises:
            UnavailableError: the registry cannot be asked; a missing object is none.
            ManifestInvalidError: the list of referrers breaks its specification.
        """
        collector = EvidenceCollector(
            digest,
            limits=self._limits,
            manifest=lambda descriptor: self._attached_manifest(descriptor, bound=self._limits.evidence),
            blob=self._blob,
        )
        self._ask_referrers(collector, digest=digest)
        tag = f"sha256-{digest.hex}"
        if thorough or not collector.has_bundle:
            self._ask_fallback(collector, tag=tag)
        sig, att = thorough or not collector.has_signature, thorough or not collector.has_bundle
        if sig:
            self._ask_legacy(collector, tag=f"{tag}.sig", form=EvidenceForm.LEGACY_SIGNATURE)
        if att:
            self._ask_legacy(collector, tag=f"{tag}.att", form=EvidenceForm.LEGACY_ATTESTATION)
        return replace(collector.finish(), complete=sig and att)

    def close(self) -> None:
        """Do nothing: the connections belong to the client."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def _manifest(self, lookup: str, *, digest: ManifestDigest | None, bound: int, size: int | None = None) -> tuple[bytes, str]:
        target = f"{self._base}/manifests/{lookup}"
        data, declared = self._talk.get(target, accept=_ACCEPT, consume=partial(read_manifest, bound=bound, size=size))
        if digest is not None:
            expect_digest(str(digest), got=str(ManifestDigest.of(data)), where=str(self._reference))
        return data, declared

    def _attached_manifest(self, descriptor: OciDescriptor, *, bound: int) -> bytes:
        where = f"manifest {descriptor.manifest_digest}"
        if descriptor.size > bound:
            expected = f"at most {bound} bytes"
            raise ArtifactTooLargeError(
                "the manifest is too large", expected=expected, got=f"{descriptor.size} bytes", where=where
            )
        digest = descriptor.manifest_digest
        data, _ = self._manifest(str(digest), digest=digest, bound=bound, size=descriptor.size)
        return data

    def _blob(self, descriptor: OciDescriptor) -> bytes:
        data = self._talk.get(
            f"{self._base}/blobs/{descriptor.layer_digest}",
            consume=lambda answer: b"".join(read_exactly(answer, size=descriptor.size)),
        )
        where = f"blob in `{self._reference.name}`"
        expect_digest(str(descriptor.layer_digest), got=f"sha256:{hashlib.sha256(data).hexdigest()}", where=where)
        return data

    def _check_config(self, config: OciDescriptor) -> None:
        """Hold the config to its digest: nothing is decided by it, so it may be absent, but never be another one."""
        if config.size > self._limits.config:
            expected = f"at most {self._limits.config} bytes"
            raise ArtifactTooLargeError("the config is too large", expected=expected, got=f"{config.size} bytes")
        with suppress(NotFoundError):
            self._blob(config)

    def _ask_referrers(self, collector: EvidenceCollector, *, digest: ManifestDigest) -> None:
        target: str | None = f"{self._base}/referrers/{digest}"
        host = api_host(self._reference.registry)
        pages = 0
        try:
            while target is not None and pages < _PAGES:
                read = partial(read_page, host=host, target=target, bound=self._limits.evidence)
                index, target = self._talk.get(target, accept=_INDEX_ACCEPT, consume=read)
                pages += 1
                collector.enlist(index.entries, where=_API)
            if target is not None:
                collector.truncate(_API, f"not read to its end: more than {_PAGES} pages")
        except NotFoundError as exc:
            if pages:  # the first page there and the next one not: that is no missing API
                collector.truncate(_API, f"not read to its end: {exc}")
        except ArtifactTooLargeError as exc:
            collector.truncate(_API, f"not read to its end: {exc}")
        collector.open()

    def _ask_fallback(self, collector: EvidenceCollector, *, tag: str) -> None:
        data = self._tagged(collector, tag=tag)
        if data is None:
            return
        try:
            index = parse_index(data, where=f"tag {tag}")
        except ManifestInvalidError as exc:
            collector.skip(f"tag {tag}", str(exc))
            return
        collector.referrers(index.entries, where=f"tag {tag}")

    def _ask_legacy(self, collector: EvidenceCollector, *, tag: str, form: EvidenceForm) -> None:
        data = self._tagged(collector, tag=tag)
        if data is not None:
            collector.legacy(data, tag=tag, form=form)

    def _tagged(self, collector: EvidenceCollector, *, tag: str) -> bytes | None:
        """Read what stands under a tag that belongs to a digest; anybody who may push can have put it there."""
        try:
            return self._manifest(tag, digest=None, bound=self._limits.manifest)[0]
        except NotFoundError:
            return None
        except ArtifactTooLargeError as exc:
            collector.truncate(f"tag {tag}", str(exc))
            return None
