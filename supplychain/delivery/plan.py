"""From a verified plugin to the data of Secrets: one payload, or shards of one zstd stream and an index."""

from __future__ import annotations

import hashlib
from contextlib import ExitStack
from typing import TYPE_CHECKING

from supplychain.delivery.index import (
    DESCRIPTOR_KEY,
    INDEX_KEY,
    LARGEST_PAYLOAD,
    LARGEST_SHARD,
    SHARD_KEY,
    SIGNATURE_KEY,
    Index,
    Shard,
    content_name,
    render_index,
)
from supplychain.delivery.zstd import compress
from supplychain.errors import ArtifactTooLargeError
from supplychain.limits import Limits
from supplychain.spool import SpoolWriter

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType
    from typing import Self

    from supplychain.artifact import PluginPackage
    from supplychain.spool import Spool
    from supplychain.verifier import VerifiedPlugin

__all__ = ["Delivery", "compressed", "cut", "plan_delivery"]


class Delivery:
    """What to store for one plugin. Close it to give the disk space of its shards back; threads may share it.

    `payload` is the data of the Secret that stands for the plugin: the three files, or the index in place of the library.
    `suffix` is its `content_name`, the end of that Secret's name. `shards` is empty where one Secret holds everything, and lists
    a shard once, however often the index does. All of it is the same for the same plugin, as long as the version of zstd is.
    """

    def __init__(self, *, payload: Mapping[str, bytes], shards: tuple[Shard, ...] = (), stream: Spool | None = None) -> None:
        self.payload = payload
        self.suffix = content_name(payload)
        self._stream = stream
        self._places: dict[Shard, int] = {}
        at = 0
        for shard in shards:
            self._places.setdefault(shard, at)
            at += shard.size
        self.shards = tuple(self._places)

    def shard_payload(self, shard: Shard) -> dict[str, bytes]:
        """Read the data of one shard's Secret, at most 900 KiB, from the private file; the Secret is called `shard.name`."""
        at = self._places[shard]
        view = memoryview(self._stream.view if self._stream is not None else b"")
        return {SHARD_KEY: bytes(view[at : at + shard.size])}

    def close(self) -> None:
        """Release the compressed stream."""
        if self._stream is not None:
            self._stream.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()


def plan_delivery(plugin: VerifiedPlugin, *, limits: Limits | None = None) -> Delivery:
    """Lay a verified plugin out for storage; the caller closes the result, and keeps `plugin` open no longer than this call.

    Above 1,000,000 bytes in all, the library is compressed into a private temporary file: about 30 MiB of memory and a second of
    CPU for 25 MB meanwhile.

    Raises:
        ArtifactTooLargeError: the library, or its compressed form, is larger than the limits allow; the message has both sizes.
        StorageUnavailableError: the temporary directory has no room.
    """
    limits = limits if limits is not None else Limits()
    package = plugin.package
    artifact = package.artifact
    if artifact.size > limits.artifact:
        raise _too_large("the library is too large", most=limits.artifact, size=artifact.size)
    beside = _beside(package)
    if artifact.size + sum(map(len, beside.values())) <= LARGEST_PAYLOAD:
        return Delivery(payload={package.artifact_name: bytes(memoryview(artifact.view)), **beside})
    with ExitStack() as spools:
        stream = spools.enter_context(compressed(artifact, limit=limits.delivery, what="library"))
        shards = cut(stream)
        index = Index(
            artifact_name=package.artifact_name,
            size=artifact.size,
            sha256=artifact.sha256,
            compressed_size=stream.size,
            shards=shards,
        )
        payload = {INDEX_KEY: render_index(index), **beside}
        if (size := sum(map(len, payload.values()))) > LARGEST_PAYLOAD:
            raise _too_large("index and descriptor are too large for one Secret", most=LARGEST_PAYLOAD, size=size)
        spools.pop_all()
        return Delivery(payload=payload, shards=shards, stream=stream)


def cut(stream: Spool) -> tuple[Shard, ...]:
    """Say which shards a file is cut into, in order: 900 KiB each, the last one shorter; an empty file is none."""
    view = memoryview(stream.view)
    pieces = (view[at : at + LARGEST_SHARD] for at in range(0, stream.size, LARGEST_SHARD))
    return tuple(Shard(size=len(piece), sha256=hashlib.sha256(piece).hexdigest()) for piece in pieces)


def _beside(package: PluginPackage) -> dict[str, bytes]:
    signature = {} if package.signature is None else {SIGNATURE_KEY: package.signature}
    return {DESCRIPTOR_KEY: package.descriptor_bytes, **signature}


def compressed(data: Spool, *, limit: int, what: str) -> Spool:
    """Compress into a new spool, which the caller closes; `what` it is, people are told where it is too large.

    What is too large is compressed to its end all the same: people ask for the size.

    Raises:
        ArtifactTooLargeError: it is larger than `limit` bytes, compressed; the message has both sizes.
        StorageUnavailableError: the temporary directory has no room.
    """
    size = 0
    with SpoolWriter() as writer:
        for piece in compress(data.view):
            size += len(piece)
            if size <= limit:
                writer.write(piece)
        if size > limit:
            raise _too_large(f"the {what} of {data.size} bytes is too large, compressed", most=limit, size=size)
        return writer.finish()


def _too_large(what: str, *, most: int, size: int) -> ArtifactTooLargeError:
    return ArtifactTooLargeError(what, expected=f"at most {most} bytes", got=f"{size} bytes")
