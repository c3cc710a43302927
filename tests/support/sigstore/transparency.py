"""Logs: certificate transparency (RFC 6962), Rekor v1 and Rekor v2, with proofs, checkpoints and promises.

Each entry gets its own small tree whose other leaves are fillers derived from the entry: the same entry always has the same
proof, whatever was logged before, so that test data rebuild byte for byte in any order.
"""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from tests.support.sigstore import der
from tests.support.sigstore.keys import PrivateKey, sign, spki

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

__all__ = ["CtLog", "Proof", "Rekor", "b64", "canonical_json", "prove", "sct_extension_value"]


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def canonical_json(value: Any) -> bytes:
    """RFC 8785 for the values that occur here: ASCII keys, no floats."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


# --- certificate transparency -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class CtLog:
    key: PrivateKey
    log_id: bytes
    base_url: str = "https://ct.sigstore.example"

    @classmethod
    def of(cls, key: PrivateKey) -> CtLog:
        return cls(key=key, log_id=hashlib.sha256(spki(key)).digest())

    def timestamp(self, *, precertificate: bytes, issuer_key_hash: bytes, at: datetime, extensions: bytes = b"") -> bytes:
        """One signed certificate timestamp over a precertificate's TBS part (RFC 6962 3.2)."""
        moment = round(at.timestamp() * 1000).to_bytes(8, "big")
        extension_block = len(extensions).to_bytes(2, "big") + extensions
        entry = issuer_key_hash + len(precertificate).to_bytes(3, "big") + precertificate
        signature = sign(self.key, b"\x00\x00" + moment + b"\x00\x01" + entry + extension_block)
        return b"\x00" + self.log_id + moment + extension_block + b"\x04\x03" + len(signature).to_bytes(2, "big") + signature


def sct_extension_value(timestamps: list[bytes]) -> bytes:
    block = b"".join(len(sct).to_bytes(2, "big") + sct for sct in timestamps)
    return der.octet_string(len(block).to_bytes(2, "big") + block)


# --- Merkle tree --------------------------------------------------------------------------------------------------------------


def _node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


def _split(size: int) -> int:
    return 1 << (size - 1).bit_length() - 1


def _root(leaves: list[bytes]) -> bytes:
    if len(leaves) == 1:
        return leaves[0]
    middle = _split(len(leaves))
    return _node(_root(leaves[:middle]), _root(leaves[middle:]))


def _path(index: int, leaves: list[bytes]) -> list[bytes]:
    if len(leaves) == 1:
        return []
    middle = _split(len(leaves))
    if index < middle:
        return [*_path(index, leaves[:middle]), _root(leaves[middle:])]
    return [*_path(index - middle, leaves[middle:]), _root(leaves[:middle])]


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """An inclusion proof of RFC 6962 2.1.1."""

    index: int
    size: int
    root: bytes
    hashes: tuple[bytes, ...]


def prove(entry: bytes, *, size: int | None = None) -> Proof:
    """Put `entry` somewhere among fillers; both follow from the entry. A tree of size 1 has an empty proof."""
    leaf = hashlib.sha256(b"\x00" + entry).digest()
    index = 0 if size == 1 else 3 + leaf[0] % 8
    size = size or index + 1 + leaf[1] % 8
    leaves = [hashlib.sha256(b"\x00filler" + leaf + bytes([position])).digest() for position in range(size)]
    leaves[index] = leaf
    return Proof(index=index, size=size, root=_root(leaves), hashes=tuple(_path(index, leaves)))


# --- Rekor --------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Rekor:
    """One transparency log. `log_id` and `origin` do not follow from the key, so that each can be wrong alone."""

    api: Literal["v1", "v2"]
    key: PrivateKey
    log_id: bytes
    base_url: str
    origin: str
    note_name: str
    index_offset: int = 0

    @classmethod
    def v1(cls, key: PrivateKey, *, host: str = "rekor.sigstore.example") -> Rekor:
        """P-256, the id is the hash of the key, promises, an index over all shards."""
        return cls(
            api="v1",
            key=key,
            log_id=hashlib.sha256(spki(key)).digest(),
            base_url=f"https://{host}",
            origin=f"{host} - 2605736670972794746",
            note_name=host,
            index_offset=4_163_431,
        )

    @classmethod
    def v2(cls, key: PrivateKey, *, host: str = "log2025-1.rekor.sigstore.example") -> Rekor:
        """Ed25519, the id is the note key id in full (C2SP signed-note), no promises and no time of its own."""
        log_id = hashlib.sha256(host.encode() + b"\n\x01" + spki(key)[-32:]).digest()
        return cls(api="v2", key=key, log_id=log_id, base_url=f"https://{host}", origin=host, note_name=host)

    def note_line(self, text: bytes) -> str:
        """The signature line for a note's text, the text including its last line feed."""
        return f"— {self.note_name} {b64(self.log_id[:4] + sign(self.key, text))}\n"

    def checkpoint(self, proof: Proof, *, edit: Callable[[str], str] | None = None) -> str:
        """A signed note over size and root; `edit` changes the text before it is signed."""
        text = f"{self.origin}\n{proof.size}\n{b64(proof.root)}\n"
        text = edit(text) if edit else text
        return f"{text}\n{self.note_line(text.encode())}"

    def promise(self, *, body: bytes, integrated_time: int, log_index: int) -> bytes:
        """The signed entry timestamp of Rekor v1."""
        payload = {"body": b64(body), "integratedTime": integrated_time, "logID": self.log_id.hex(), "logIndex": log_index}
        return sign(self.key, canonical_json(payload))
