"""The packages that kept plugins came in: stored in shards beside the libraries, so that all that is kept can be proven again.

A package is compressed and cut like a library, and its shards are called by their content, so the plugins of one release share
them. What was proven once in this process is not proven again, until somebody touches the Secrets that it was proven by.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from contextlib import ExitStack
from typing import TYPE_CHECKING, Final

from mcpg_operator.keeping.chain import check_package, fingerprint, package_layer
from mcpg_operator.keeping.kept import disagreement
from mcpg_operator.keeping.secrets import payload_hash, shard_secret
from supplychain.delivery import SHARD_KEY, compressed, cut
from supplychain.delivery.zstd import decompress
from supplychain.errors import DeliveryInvalidError, ShardMismatchError, ShardMissingError
from supplychain.spool import SpoolWriter

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mcpg_operator.keeping.kept import KeptPlugin
    from mcpg_operator.keeping.objects import Objects
    from mcpg_operator.keeping.shelf import Shelf
    from supplychain.artifact import Platform
    from supplychain.digest import LayerDigest
    from supplychain.limits import Limits
    from supplychain.mirror.manifests import OciDescriptor
    from supplychain.spool import Spool

__all__ = ["Layers"]

_REMEMBERED: Final = 16_384
_PLANNED: Final = 4096


class Layers:
    """Stores packages, reads them back, and proves that what is kept came out of them; threads may share it."""

    def __init__(self, objects: Objects, shelf: Shelf, *, limits: Limits, namespace: str) -> None:
        self._objects = objects
        self._shelf = shelf
        self._limits = limits
        self._namespace = namespace
        self._lock = threading.Lock()
        self._proven: OrderedDict[bytes, LayerDigest] = OrderedDict()
        """Fingerprints of what was found to belong together, and never of anything else."""
        self._planned: OrderedDict[str, tuple[tuple[str, str], ...]] = OrderedDict()
        """By hash of the package: plugins of one release are stored one after the other, and compressing takes long."""

    def plan(self, package: Spool) -> tuple[tuple[str, str], ...]:
        """Name the Secrets that will hold a package, in order, each with the hash of its payload.

        Raises:
            ArtifactTooLargeError: compressed, it is larger than the limit of what is stored; the message has both sizes.
            StorageUnavailableError: there is no room to compress it.
        """
        with self._lock:
            planned = self._planned.get(package.sha256)
        if planned is None:
            with self._compressed(package) as stream:
                planned = tuple((name, payload_hash(data)) for name, data in _pieces(stream))
            with self._lock:
                self._planned[package.sha256] = planned
                if len(self._planned) > _PLANNED:
                    self._planned.popitem(last=False)
        return planned

    def write(self, package: Spool) -> None:
        """Write the Secrets of a package, except those that are there already; it is compressed only where one is missing.

        Raises:
            NameConflictError, ClusterUnavailableError, ConflictError, ApplyForbiddenError, ApplyRejectedError: as `Objects.keep`.
            ArtifactTooLargeError, StorageUnavailableError: as `plan`.
        """
        if all(self._objects.untouched(name, digest) for name, digest in self.plan(package)):
            return
        with self._compressed(package) as stream:
            for name, data in _pieces(stream):
                self._objects.keep(shard_secret(name, namespace=self._namespace, data=data), data)

    def accept(self, kept: KeptPlugin, package: Spool, *, platform: Platform) -> None:
        """Prove that what is to be kept came out of `package`, and have that at hand; nothing else is ever kept.

        Raises:
            VerificationError: as `package_layer` and `check_package`.
            StorageUnavailableError: there is no room for it.
        """
        said = fingerprint(kept, platform=platform)
        if not self._known(said):
            layer = package_layer(kept, platform=platform, limits=self._limits)
            check_package(kept, package, layer=layer, limits=self._limits)
            self._remember(said, kept.layer_digest)
        self._shelf.put(kept.layer_digest, package)

    def prove(self, kept: KeptPlugin, *, platform: Platform) -> None:
        """Prove that all that is kept belongs together, from what is kept alone; the package is read where nobody did so before.

        Raises:
            VerificationError: it does not, or a Secret is missing or holds something else.
            UnavailableError: it could not be read.
        """
        said = fingerprint(kept, platform=platform)
        if self._known(said):
            return
        layer = package_layer(kept, platform=platform, limits=self._limits)

        def proven() -> Spool:
            with ExitStack() as spools:
                package = spools.enter_context(self._found(kept, layer))
                check_package(kept, package, layer=layer, limits=self._limits)
                self._remember(said, kept.layer_digest)
                spools.pop_all()
                return package

        self._shelf.lend_or_make(kept.layer_digest, proven, usable=lambda: self._known(said)).close()

    def doubt(self, kept: KeptPlugin) -> None:
        """Forget what was proven by a package whose Secrets, or the evidence about it, somebody touched."""
        with self._lock:
            for said in [said for said, layer in self._proven.items() if layer == kept.layer_digest]:
                del self._proven[said]

    def lend(self, kept: KeptPlugin, *, platform: Platform) -> Spool:
        """Give the package, which the caller closes.

        Raises:
            VerificationError: a Secret is missing or holds something else; as `prove`.
            UnavailableError: it could not be read.
        """
        found = self._shelf.lend(kept.layer_digest)
        if found is None:
            found = self._read(kept, package_layer(kept, platform=platform, limits=self._limits))
        if found.sha256 != kept.layer_digest.hex:
            found.close()
            expected, got = f"`{kept.layer_digest}`", f"`sha256:{found.sha256}`"
            raise disagreement(kept, "another package is stored than the one that was verified", expected=expected, got=got)
        return found

    def _compressed(self, package: Spool) -> Spool:
        return compressed(package, limit=self._limits.delivery, what="package")

    def _found(self, kept: KeptPlugin, layer: OciDescriptor) -> Spool:
        """Read what the evidence names; where that is damaged, what is at hand is as good: it is called by its content."""
        try:
            return self._read(kept, layer)
        except (ShardMissingError, ShardMismatchError):
            found = self._shelf.lend(kept.layer_digest)
            if found is None:
                raise
            return found

    def _read(self, kept: KeptPlugin, layer: OciDescriptor) -> Spool:
        parts = (self._objects.held(name, digest).get(SHARD_KEY, b"") for name, digest in kept.stored.package)
        with SpoolWriter() as writer:
            try:
                for piece in decompress(parts, size=layer.size):
                    writer.write(piece)
            except DeliveryInvalidError as exc:
                what = "the Secrets together are not the kept package"
                raise disagreement(kept, what, expected=f"{layer.size} bytes, compressed", got=str(exc)) from exc
            return writer.finish()

    def _known(self, said: bytes) -> bool:
        with self._lock:
            return said in self._proven

    def _remember(self, said: bytes, layer: LayerDigest) -> None:
        with self._lock:
            self._proven[said] = layer
            if len(self._proven) > _REMEMBERED:
                self._proven.popitem(last=False)


def _pieces(stream: Spool) -> Iterator[tuple[str, dict[str, bytes]]]:
    """Yield name and data of each shard's Secret, in order."""
    view, at = memoryview(stream.view), 0
    for shard in cut(stream):
        yield shard.name, {SHARD_KEY: bytes(view[at : at + shard.size])}
        at += shard.size
