"""A plugin in a bundle as a source for the verifier: what is judged is what the bundle carries, and nothing else."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Self

from supplychain.artifact import PulledArtifact
from supplychain.carry.content import collect
from supplychain.carry.fetched import FetchedClosure, FetchedSource
from supplychain.carry.plugin_bundle.content import BundleContent
from supplychain.errors import NotFoundError
from supplychain.mirror.plugin_manifest import find_plugin

if TYPE_CHECKING:
    from types import TracebackType

    from supplychain.artifact import EvidenceSet, Platform
    from supplychain.carry.content import Closure
    from supplychain.carry.plugin_bundle.inventory import Carried
    from supplychain.carry.plugin_bundle.opened import Bundle
    from supplychain.digest import ManifestDigest
    from supplychain.spool import Spool

__all__ = ["BundleCargo", "BundleSource", "closure_of"]


def closure_of(bundle: Bundle, carried: Carried) -> Closure:
    """Collect all that the bundle carries of one plugin.

    Raises:
        NotFoundError: something of it is not there.
        VerificationError: it is no plugin.
    """
    reference = carried.reference if carried.reference.digest is not None else carried.reference.pinned(carried.digest)
    closure = collect(BundleContent(bundle=bundle, name=reference.name), reference=reference, limits=bundle.limits)
    return _named(closure, carried)


class BundleCargo(FetchedClosure):
    """The bytes of a closure where they lie; of packages only the one that is at hand."""

    def __init__(self, closure: Closure, *, bundle: Bundle) -> None:
        super().__init__(closure)
        self._bundle = bundle
        self.at_hand: Spool | None = None
        """The package that was read last; it stays somebody else's."""

    def blob(self, sha256: str) -> bytes | Spool:
        """Hand out a blob.

        Raises:
            NotFoundError: it is a package, and not the one at hand.
        """
        if sha256 in self._bundle.inventory.small_blobs:
            return self._bundle.inventory.read(sha256)
        if self.at_hand is None or self.at_hand.sha256 != sha256:
            raise NotFoundError("the bundle lacks a package", expected=f"`sha256:{sha256}`", where=self._bundle.where)
        return self.at_hand


class BundleSource:
    """The plugin `carried` of a bundle, chosen by platform where it is an index; any other use of the bundle may go on beside."""

    def __init__(self, bundle: Bundle, carried: Carried) -> None:
        self._bundle = bundle
        self._carried = carried

    def resolve(self) -> ManifestDigest:
        """Say which manifest or index it is."""
        return self._carried.digest

    def pull(self, *, platform: Platform) -> PulledArtifact:
        """Read the package; the caller closes its spool.

        Raises:
            ManifestError: not one plugin package, or none for the platform.
            BundleFileError: the bundle, or the package in it, is not as it must be.
        """
        documents = self._bundle.inventory.documents
        top = documents[self._carried.digest]
        found = find_plugin(
            top.data,
            child=lambda one: documents[one.manifest_digest].data,
            platform=platform,
            limits=self._bundle.limits,
            where=lambda digest: f"{self._bundle.where}, manifest {digest}",
            declared=top.media_type,
        )
        return PulledArtifact(
            source=f"{self._bundle.where}@{found.manifest_digest}",
            package=self._bundle.spool(found.layer.sha256),
            layer_digest=found.layer.layer_digest,
            manifest_digest=found.manifest_digest,
            index_digest=found.index_digest,
            tag=self._carried.reference.tag,
            platform=found.platform,
            manifest=found.manifest,
            index=found.index,
        )

    def evidence(self, digest: ManifestDigest, *, thorough: bool = False) -> EvidenceSet:
        """Collect what the bundle carries about `digest`."""
        closure = closure_of(self._bundle, self._carried)
        with BundleCargo(closure, bundle=self._bundle) as fetched:
            plugin, platform = closure.plugins[0]
            source = FetchedSource(fetched=fetched, plugin=plugin, platform=platform, limits=self._bundle.limits)
            return source.evidence(digest, thorough=thorough)

    def close(self) -> None:
        """Do nothing: the bundle belongs to whoever opened it."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()


def _named(closure: Closure, carried: Carried) -> Closure:
    """Give a closure that was collected by digest the tag that the bundle says, too."""
    tag = carried.reference.tag
    tags = closure.tags if tag is None else {**closure.tags, tag: carried.digest}
    return replace(closure, reference=carried.reference, tags=tags)
