"""Kept plugins at hand, opened: most of a record is the evidence of a release, which all plugins of that release share."""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from mcpg_operator.keeping.kept import KeptPlugin

__all__ = ["Record", "Records"]

_DEFAULT: Final = 32 * 1024 * 1024
_OWN: Final = 2048
"""Bytes that a record takes besides what it shares: names, times, digests."""
_NAMED: Final = 320
"""Bytes that the name and the hash of one Secret take."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """What one Secret of evidence says, and the hash of its payload."""

    kept: KeptPlugin
    digest: str
    shared: bytes
    """Stands for what records of the same release have in common."""


@dataclass(slots=True)
class _Shared:
    kept: KeptPlugin
    size: int
    users: int = 0


class Records:
    """The records that were used last, about `capacity` bytes together; threads may share it."""

    def __init__(self, *, capacity: int = _DEFAULT) -> None:
        self._capacity = capacity
        self._lock = threading.Lock()
        self._records: OrderedDict[str, Record] = OrderedDict()
        self._shared: dict[bytes, _Shared] = {}
        self._size = 0

    @property
    def size(self) -> int:
        """Bytes, roughly."""
        with self._lock:
            return self._size

    def get(self, plugin: str) -> Record | None:
        """Give the record of an MCPGPlugin; None where it is not at hand."""
        with self._lock:
            found = self._records.get(plugin)
            if found is not None:
                self._records.move_to_end(plugin)
            return found

    def put(self, plugin: str, kept: KeptPlugin, *, digest: str) -> KeptPlugin:
        """Keep a record at hand, and give it with everything that it shares."""
        shared = _fingerprint(kept)
        with self._lock:
            self._drop(plugin)
            common = self._shared.get(shared)
            if common is None:
                common = self._shared[shared] = _Shared(kept, size=_size(kept))
                self._size += common.size
            common.users += 1
            kept = replace(
                kept,
                asked=common.kept.asked,
                source=common.kept.source,
                manifest_digest=common.kept.manifest_digest,
                manifest=common.kept.manifest,
                index_digest=common.kept.index_digest,
                index=common.kept.index,
                layer_digest=common.kept.layer_digest,
                platform=common.kept.platform,
                artifact_hash=common.kept.artifact_hash,
                descriptor=common.kept.descriptor,
                signature=common.kept.signature,
                stored=replace(kept.stored, package=common.kept.stored.package),
                evidence=common.kept.evidence,
            )
            self._records[plugin] = Record(kept=kept, digest=digest, shared=shared)
            self._size += _OWN
            while self._size > self._capacity:
                self._drop(next(iter(self._records)))
        return kept

    def drop(self, plugin: str) -> None:
        """Forget a plugin that is gone."""
        with self._lock:
            self._drop(plugin)

    def _drop(self, plugin: str) -> None:
        gone = self._records.pop(plugin, None)
        if gone is None:
            return
        self._size -= _OWN
        common = self._shared[gone.shared]
        common.users -= 1
        if not common.users:
            self._size -= common.size
            del self._shared[gone.shared]


def _fingerprint(kept: KeptPlugin) -> bytes:
    """Hash all that is shared; the text of plain values, lengths and quotes included, leaves no doubt which value it is."""
    evidence = kept.evidence
    asked = (kept.asked.image, kept.asked.mirror, kept.asked.location, kept.asked.platform)
    index = None if kept.index_digest is None else kept.index_digest.hex
    said: list[object] = [asked, kept.source, kept.manifest_digest.hex, kept.artifact_hash.hex, index, kept.layer_digest.hex]
    said += [kept.manifest, kept.index, kept.stored.package]
    platform = None if kept.platform is None else (kept.platform.os, kept.platform.architecture, kept.platform.libc)
    said += [platform, kept.descriptor, kept.signature, evidence is None]
    if evidence is not None:
        said += [evidence.skipped, evidence.truncated, evidence.complete]
        said += [
            (one.form.value, one.data, one.where, sorted(one.annotations.items()), one.log_entries) for one in evidence.materials
        ]
    return hashlib.sha256(repr(said).encode("utf-8", "backslashreplace")).digest()


def _size(kept: KeptPlugin) -> int:
    materials = () if kept.evidence is None else kept.evidence.materials
    documents = len(kept.descriptor) + len(kept.manifest) + len(kept.index or b"") + _NAMED * len(kept.stored.package)
    return documents + sum(len(one.data) + sum(map(len, one.log_entries)) for one in materials)
