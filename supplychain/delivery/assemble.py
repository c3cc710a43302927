"""From the data of Secrets back to the files: every shard, their order, the stream and the whole are proven on the way."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from supplychain.archive import ARTIFACTS
from supplychain.delivery.index import DESCRIPTOR_KEY, INDEX_KEY, SIGNATURE_KEY, Index, Shard, content_name, parse_index
from supplychain.delivery.zstd import PIECE, decompress
from supplychain.errors import DeliveryInvalidError, ShardMismatchError, ShardMissingError
from supplychain.limits import Limits

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

__all__ = ["StoredPlugin", "open_delivery"]


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredPlugin:
    """A stored plugin whose library has not been read yet. Nothing about it is verified; it only cannot contradict itself."""

    artifact_name: str
    """`plugin.so` or `plugin.wasm`."""
    size: int
    """Bytes of the library."""
    sha256: str
    """Hex. What the bytes of `pieces` hash to, or the iterator raises."""
    descriptor: bytes
    signature: bytes | None
    content: str
    """`content_name` of the payload it was read from."""
    shards: tuple[Shard, ...]
    """In the order of the library; empty where the payload holds it."""
    read: Callable[[], Iterator[bytes]]

    def pieces(self) -> Iterator[bytes]:
        """Yield the library in pieces of at most 512 KiB; it is proven when the iterator ends, and not before.

        Raises:
            ShardMissingError: a shard is not there.
            ShardMismatchError: a shard is another one than the index names.
            DeliveryInvalidError: the shards are good, but together they are not the library that the index describes.
        """
        digest = hashlib.sha256()
        for piece in self.read():
            digest.update(piece)
            yield piece
        if digest.hexdigest() != self.sha256:
            raise DeliveryInvalidError(
                "the shards together are another library than the index says",
                expected=f"`{self.sha256}`",
                got=f"`{digest.hexdigest()}`",
            )


def open_delivery(
    payload: Mapping[str, bytes], *, shard: Callable[[str], bytes | None], limits: Limits | None = None
) -> StoredPlugin:
    """Read a payload as `plan_delivery` made it, and nothing else.

    `shard` gives the value of one shard by the name of its Secret, None where there is none. It is asked while the library is
    read, once for each shard, in order, and only for names of the form `mcpg-shard-<32 hex>`. It may raise errors of its own.

    Raises:
        DeliveryInvalidError: keys are missing or too many, or the index is malformed.
        ArtifactTooLargeError: the index promises more than the limits allow.
    """
    limits = limits if limits is not None else Limits()
    main = _main_key(payload)
    if main != INDEX_KEY:
        return _plugin(payload, name=main, size=len(payload[main]), digest=hashlib.sha256(payload[main]).hexdigest())
    index = parse_index(payload[INDEX_KEY], limits=limits)

    def read() -> Iterator[bytes]:
        return decompress(_checked(index, shard=shard), size=index.size)

    return _plugin(payload, name=index.artifact_name, size=index.size, digest=index.sha256, shards=index.shards, read=read)


def _plugin(
    payload: Mapping[str, bytes],
    *,
    name: str,
    size: int,
    digest: str,
    shards: tuple[Shard, ...] = (),
    read: Callable[[], Iterator[bytes]] | None = None,
) -> StoredPlugin:
    return StoredPlugin(
        artifact_name=name,
        size=size,
        sha256=digest,
        descriptor=payload[DESCRIPTOR_KEY],
        signature=payload.get(SIGNATURE_KEY),
        content=content_name(payload),
        shards=shards,
        read=read if read is not None else lambda: _sliced(payload[name]),
    )


def _main_key(payload: Mapping[str, bytes]) -> str:
    """Say which key holds the library or the index; the others must be the two that stand beside it."""
    keys = set(payload)
    found = [key for key in (*ARTIFACTS, INDEX_KEY) if key in keys]
    if len(found) != 1 or DESCRIPTOR_KEY not in keys or not keys <= {found[0], DESCRIPTOR_KEY, SIGNATURE_KEY}:
        one_of = ", ".join(f"`{name}`" for name in ARTIFACTS)
        raise DeliveryInvalidError(
            "these are not the files of one plugin",
            expected=f"one of {one_of} and `{INDEX_KEY}`, beside `{DESCRIPTOR_KEY}` and `{SIGNATURE_KEY}`",
            got=", ".join(f"`{key[:40]}`" for key in sorted(keys)[:8]) or "nothing",
        )
    return found[0]


def _sliced(data: bytes) -> Iterator[bytes]:
    for at in range(0, len(data), PIECE):
        yield data[at : at + PIECE]


def _checked(index: Index, *, shard: Callable[[str], bytes | None]) -> Iterator[bytes]:
    for number, wanted in enumerate(index.shards, start=1):
        where = f"shard {number} of {len(index.shards)}"
        data = shard(wanted.name)
        if data is None:
            raise ShardMissingError(f"shard `{wanted.name}` is not there", where=where)
        if len(data) != wanted.size:
            raise ShardMismatchError(
                f"shard `{wanted.name}` has another size", expected=f"{wanted.size} bytes", got=f"{len(data)} bytes", where=where
            )
        if (digest := hashlib.sha256(data).hexdigest()) != wanted.sha256:
            raise ShardMismatchError(
                f"shard `{wanted.name}` holds other bytes", expected=f"`{wanted.sha256}`", got=f"`{digest}`", where=where
            )
        yield data
