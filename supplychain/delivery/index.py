"""The index of a library that is stored in shards: `index.json`, version 1, and the names that follow from content.

Read as strictly as it is written: exactly these keys, each once, each of its type. A shard's Secret is called after its digest,
so an index cannot point anywhere else, and no text of it ever becomes a path.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from supplychain.archive import ARTIFACTS
from supplychain.errors import ArtifactTooLargeError, DeliveryInvalidError
from supplychain.strict_json import StrictJsonError, loads

if TYPE_CHECKING:
    from supplychain.limits import Limits

__all__ = [
    "DESCRIPTOR_KEY",
    "INDEX_KEY",
    "LARGEST_PAYLOAD",
    "LARGEST_SHARD",
    "SHARD_KEY",
    "SIGNATURE_KEY",
    "Index",
    "Shard",
    "content_name",
    "parse_index",
    "render_index",
]

DESCRIPTOR_KEY: Final = "plugin.yaml"
SIGNATURE_KEY: Final = "plugin.sig"
INDEX_KEY: Final = "index.json"
SHARD_KEY: Final = "shard"
LARGEST_PAYLOAD: Final = 1_000_000
"""Bytes of all values together; an object may have 1.5 MB in etcd, and base64 and metadata want their part of it."""
LARGEST_SHARD: Final = 900 * 1024

_VERSION: Final = 1
_ENCODING: Final = "zstd"
_PREFIX: Final = "mcpg-shard-"
_NAME_DIGITS: Final = 32
_HEX: Final = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Shard:
    """One piece of the compressed library: bytes and SHA-256 (hex) of the value under `SHARD_KEY`."""

    size: int
    sha256: str

    @property
    def name(self) -> str:
        """The Secret's whole name; equal content has an equal name."""
        return f"{_PREFIX}{self.sha256[:_NAME_DIGITS]}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Index:
    """Which shards, in which order, are which library. Sizes in bytes, digests as hex."""

    artifact_name: str
    """`plugin.so` or `plugin.wasm`."""
    size: int
    sha256: str
    compressed_size: int
    shards: tuple[Shard, ...]


def content_name(data: Mapping[str, bytes]) -> str:
    """Give 32 hex characters that stand for every key and every value of a payload, in whatever order they are held.

    SHA-256 over key and value in the order of the keys, each with its length before it (8 bytes, big-endian), so that nothing can
    move from one to the other.
    """
    digest = hashlib.sha256()
    for key in sorted(data):
        for part in (key.encode(), data[key]):
            digest.update(len(part).to_bytes(8))
            digest.update(part)
    return digest.hexdigest()[:_NAME_DIGITS]


def render_index(index: Index) -> bytes:
    """Write an index; equal ones have equal bytes."""
    document = {
        "version": _VERSION,
        "artifact": {"name": index.artifact_name, "size": index.size, "sha256": index.sha256},
        "encoding": _ENCODING,
        "compressedSize": index.compressed_size,
        "shards": [{"secretName": shard.name, "size": shard.size, "sha256": shard.sha256} for shard in index.shards],
    }
    return json.dumps(document, sort_keys=True, indent=1).encode() + b"\n"


def parse_index(data: bytes, *, limits: Limits) -> Index:
    """Read an index. It does not say that the shards exist, nor that they are what it says.

    Raises:
        DeliveryInvalidError: it is malformed, contradicts itself, or has another version.
        ArtifactTooLargeError: the library, or its compressed form, is larger than the limits allow.
    """
    try:
        document = loads(data, limit=LARGEST_PAYLOAD)
    except StrictJsonError as exc:
        raise _invalid("the index is no usable JSON", got=str(exc)) from exc
    # The version first: another one may have other keys.
    if not isinstance(document, dict) or document.get("version") is not _VERSION:
        raise _invalid("the index has another version", expected=f"`version` {_VERSION}", got=_version_of(document))
    _expect_keys(document, {"version", "artifact", "encoding", "compressedSize", "shards"}, at="index")
    if document["encoding"] != _ENCODING:
        raise _invalid("the index names another encoding", expected=f"`{_ENCODING}`", got=_shown(document["encoding"]))
    artifact = document["artifact"]
    _expect_keys(artifact, {"name", "size", "sha256"}, at="artifact")
    if artifact["name"] not in ARTIFACTS:
        expected = " or ".join(f"`{name}`" for name in ARTIFACTS)
        raise _invalid("the index names another file", expected=expected, got=_shown(artifact["name"]))
    index = Index(
        artifact_name=artifact["name"],
        size=_size(artifact["size"], at="artifact.size"),
        sha256=_digest(artifact["sha256"], at="artifact.sha256"),
        compressed_size=_size(document["compressedSize"], at="compressedSize"),
        shards=_shards(document["shards"]),
    )
    if (total := sum(shard.size for shard in index.shards)) != index.compressed_size:
        raise _invalid("the shards do not add up", expected=f"{index.compressed_size} bytes", got=f"{total} bytes")
    _expect_small(index, limits=limits)
    return index


def _shards(value: Any) -> tuple[Shard, ...]:
    if not isinstance(value, list) or not value:
        raise _invalid("the index has no list of shards", got=_shown(value), at="shards")
    return tuple(_shard(item, at=f"shards[{number}]") for number, item in enumerate(value))


def _shard(item: Any, *, at: str) -> Shard:
    _expect_keys(item, {"secretName", "size", "sha256"}, at=at)
    shard = Shard(
        size=_size(item["size"], at=f"{at}.size", most=LARGEST_SHARD), sha256=_digest(item["sha256"], at=f"{at}.sha256")
    )
    if item["secretName"] != shard.name:
        raise _invalid(
            "a shard is not called after its digest", expected=f"`{shard.name}`", got=_shown(item["secretName"]), at=at
        )
    return shard


def _expect_small(index: Index, *, limits: Limits) -> None:
    for what, size, limit in (
        ("the library is too large", index.size, limits.artifact),
        ("the compressed library is too large", index.compressed_size, limits.delivery),
    ):
        if size > limit:
            raise ArtifactTooLargeError(what, expected=f"at most {limit} bytes", got=f"{size} bytes", where=f"`{INDEX_KEY}`")


def _expect_keys(value: Any, keys: set[str], *, at: str) -> None:
    found = set(value) if isinstance(value, Mapping) else None
    if found != keys:
        got = _shown(value) if found is None else ", ".join(f"`{key[:40]}`" for key in sorted(found)) or "no key"
        raise _invalid("unexpected form", expected=", ".join(f"`{key}`" for key in sorted(keys)), got=got, at=at)


def _size(value: Any, *, at: str, most: int | None = None) -> int:
    if type(value) is not int or value < 1 or (most is not None and value > most):
        raise _invalid("no usable size", expected=f"1 to {most} bytes" if most else "1 byte or more", got=_shown(value), at=at)
    return value


def _digest(value: Any, *, at: str) -> str:
    if not isinstance(value, str) or _HEX.fullmatch(value) is None:
        raise _invalid("no usable digest", expected="64 lower-case hex characters", got=_shown(value), at=at)
    return value


def _version_of(document: Any) -> str:
    return _shown(document.get("version")) if isinstance(document, dict) else _shown(document)


def _shown(value: Any) -> str:
    return f"`{json.dumps(value, default=str)[:80]}`"


def _invalid(what: str, *, expected: str | None = None, got: str, at: str | None = None) -> DeliveryInvalidError:
    return DeliveryInvalidError(what, expected=expected, got=got, where=f"`{INDEX_KEY}`" + (f" at `{at}`" if at else ""))
