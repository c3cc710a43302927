"""Plugins as they are stored for a gateway: planned, held in memory or mounted as Kubernetes mounts them, and spoiled."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from supplychain.artifact import PluginPackage
from supplychain.delivery import open_delivery, plan_delivery
from supplychain.delivery.mounted import SHARDS
from supplychain.descriptor import parse_descriptor
from supplychain.digest import ArtifactHash
from supplychain.report import Layer, LayerResult, Outcome, VerificationReport
from supplychain.spool import Spool
from supplychain.verifier import VerifiedPlugin
from tests.support.builders import DESCRIPTOR, build_elf, sign
from tests.support.scenario import AT

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from supplychain.delivery import StoredPlugin
    from supplychain.limits import Limits

__all__ = ["Stored", "elf", "mount", "noise", "store", "verified"]


@lru_cache(maxsize=8)
def noise(size: int, *, seed: int = 1) -> bytes:
    """Bytes that nothing can compress, the same every time."""
    return random.Random(seed).randbytes(size)


def elf(size: int, *, seed: int = 1) -> bytes:
    """A shared library of `size` bytes, most of them noise."""
    head = build_elf()
    return head + noise(size - len(head), seed=seed)


def verified(
    library: bytes, *, descriptor: bytes = DESCRIPTOR.encode(), signature: bytes | None = b"", name: str = "plugin.so"
) -> VerifiedPlugin:
    """A plugin that somebody has verified; an empty signature is replaced by a good one."""
    spool = Spool.of(library)
    package = PluginPackage(
        descriptor=parse_descriptor(descriptor),
        descriptor_bytes=descriptor,
        artifact=spool,
        artifact_hash=ArtifactHash(spool.sha256),
        artifact_name=name,
        signature=sign(library) if signature == b"" else signature,
    )
    layers = tuple(LayerResult(layer=layer, outcome=Outcome.PASSED) for layer in Layer)
    return VerifiedPlugin(package=package, report=VerificationReport(target="memory", at=AT, layers=layers))


@dataclass
class Stored:
    """What is stored for one plugin: data of Secrets that a test can spoil."""

    payload: dict[str, bytes]
    suffix: str
    shards: dict[str, bytes] = field(default_factory=dict)
    """By the name of the Secret, in the order of the library."""

    @property
    def index(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.payload["index.json"])
        return found

    @property
    def names(self) -> list[str]:
        return list(self.shards)

    def edit(self, change: Callable[[dict[str, Any]], object]) -> None:
        """Change the index in place."""
        index = self.index
        change(index)
        self.payload["index.json"] = json.dumps(index).encode()

    def open(self, *, limits: Limits | None = None) -> StoredPlugin:
        return open_delivery(self.payload, shard=self.shards.get, limits=limits)

    def library(self, *, limits: Limits | None = None) -> bytes:
        return b"".join(self.open(limits=limits).pieces())


def store(plugin: VerifiedPlugin, *, limits: Limits | None = None) -> Stored:
    """Plan a plugin and keep everything in memory."""
    with plugin.package.artifact, plan_delivery(plugin, limits=limits) as delivery:
        shards = {shard.name: delivery.shard_payload(shard)["shard"] for shard in delivery.shards}
        return Stored(payload=dict(delivery.payload), suffix=delivery.suffix, shards=shards)


def mount(stored: Stored, directory: Path) -> Path:
    """Lay a stored plugin out as kubelet does: the files in a dated folder, `..data` names it, and links lead through it."""
    dated = directory / "..2025_07_01_09_30_00.1"
    dated.mkdir(parents=True)
    (directory / "..data").symlink_to(dated.name)
    for name, data in stored.payload.items():
        (dated / name).write_bytes(data)
        (directory / name).symlink_to(f"..data/{name}")
    if stored.shards:
        (dated / SHARDS).mkdir()
        (directory / SHARDS).symlink_to(f"..data/{SHARDS}")
    for name, data in stored.shards.items():
        (dated / SHARDS / name).write_bytes(data)
    return directory
