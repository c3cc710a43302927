"""Keeps verified plugins in the operator's namespace, and opens them again.

Order of writing: the shards of package and library, then the Secret that names the library's, then the evidence that names all
of it. Whoever is killed in between leaves bytes that nothing refers to, and never a reference to bytes that are not there.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from mcpg_operator.keeping.evidence import EvidenceUnreadableError, decode, encode
from mcpg_operator.keeping.intern import Packages
from mcpg_operator.keeping.kept import KeptPlugin
from mcpg_operator.keeping.layers import Layers
from mcpg_operator.keeping.objects import Objects
from mcpg_operator.keeping.records import Records
from mcpg_operator.keeping.secrets import (
    evidence_name,
    evidence_secret,
    payload_hash,
    plugin_secret,
    plugin_secret_name,
    shard_secret,
)
from mcpg_operator.keeping.shelf import Shelf
from mcpg_operator.keeping.source import KeptSource, compare, description
from mcpg_operator.keeping.writers import Writers
from mcpg_operator.ledger import Stored
from mcpg_operator.names import manager
from supplychain.delivery import SHARD_KEY, open_delivery, plan_delivery
from supplychain.errors import DeliveryInvalidError
from supplychain.limits import Limits
from supplychain.spool import SpoolWriter

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    from mcpg_operator.keeping.kept import Asked
    from mcpg_operator.services import Services
    from supplychain.artifact import EvidenceSet, Platform, PulledArtifact
    from supplychain.delivery import Delivery
    from supplychain.spool import Spool
    from supplychain.verifier import VerifiedPlugin

__all__ = ["Acceptance", "Keeper"]

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Acceptance:
    """What is kept beside a verified plugin: for whom it was accepted, and what it was judged by."""

    plugin: str
    """Name of the MCPGPlugin."""
    uid: str
    asked: Asked
    version: str
    pulled: PulledArtifact
    package: Spool
    """The ZIP; stays open until it is stored."""
    platform: Platform
    """What it was pulled for."""
    evidence: EvidenceSet | None
    needed: frozenset[str] = frozenset()
    """Places of the evidence that the verdict rests on."""
    pulled_at: datetime
    confirmed_at: datetime | None = None
    """When a registry last named it; None: when it was pulled."""


class Keeper:
    """Stores and opens kept plugins; threads may share it, as long as each plugin has one at a time."""

    def __init__(self, services: Services, *, limits: Limits | None = None, shelf: Shelf | None = None) -> None:
        self._services = services
        self._limits = limits or Limits()
        self.shelf = shelf or Shelf()
        self.objects = Objects(services)
        self.layers = Layers(self.objects, self.shelf, limits=self._limits, namespace=services.settings.namespace)
        self.writers = Writers()
        self.packages = Packages()
        self._records = Records()
        self._proven: set[tuple[object, ...]] = set()
        """Descriptions of stored bytes that this process wrote, or has read in full and found to be true."""

    def load(self, plugin: str) -> KeptPlugin | None:
        """Read the evidence about an MCPGPlugin, from memory where it is there; None where none is kept that can be read."""
        record = self._records.get(plugin)
        if record is not None:
            return record.kept
        found = self.objects.read_ours(evidence_name(plugin))
        if found is None:
            return None
        try:
            kept = decode(found)
        except EvidenceUnreadableError as exc:
            _LOG.warning("the kept evidence about %s cannot be used: %s", plugin, exc)
            return None
        if kept.plugin != plugin:
            _LOG.warning("the kept evidence about %s is about another plugin", plugin)
            return None
        return self._records.put(plugin, kept, digest=payload_hash(found))

    def open(self, kept: KeptPlugin, *, tag: str | None) -> KeptSource:
        """Make a source of a kept plugin; nothing is read before it is asked."""
        return KeptSource(
            kept=kept,
            proof=lambda platform: self.layers.prove(kept, platform=platform),
            library=partial(self._library, kept),
            tag=tag,
        )

    def store(self, verified: VerifiedPlugin, *, acceptance: Acceptance) -> KeptPlugin:
        """Write a verified plugin and its evidence; what is there already and sound is left alone.

        Raises:
            ArtifactTooLargeError: it cannot be stored within the limits; the message has both sizes.
            VerificationError: it could not be proven again from what would be kept.
            NameConflictError: somebody else's object has one of the names.
            ClusterUnavailableError, ConflictError, ApplyForbiddenError, ApplyRejectedError: as `Cluster.create`.
        """
        package = verified.package
        with plan_delivery(verified, limits=self._limits) as delivery:
            kept = self._planned(verified, delivery, acceptance)
            self.layers.accept(kept, acceptance.package, platform=acceptance.platform)
            data = encode(kept, needed=acceptance.needed)
            with self.writers.writing(*_names(kept)):
                self.layers.write(acceptance.package)
                self._write_bytes(kept, delivery, plugin_id=package.descriptor.id)
                self.shelf.put(package.artifact_hash, package.artifact)
                self._proven.add(description(kept))
                return self._write(kept, data)

    def write(self, kept: KeptPlugin, *, needed: frozenset[str] = frozenset()) -> KeptPlugin:
        """Write the evidence alone, if it is not there already; gives it as it will be read."""
        data = encode(kept, needed=needed)
        with self.writers.writing(*_names(kept)):
            return self._write(kept, data)

    def _write(self, kept: KeptPlugin, data: Mapping[str, bytes]) -> KeptPlugin:
        manifest = evidence_secret(
            kept.plugin,
            namespace=self._services.settings.namespace,
            stored=kept.stored.secret,
            shards=(name for name, _ in kept.stored.package),
            data=data,
        )
        self.objects.rewrite(manifest, data, manager=manager("plugin"))
        # As it will be read: a record that was too large lacks some of the evidence.
        return self._records.put(kept.plugin, decode(data), digest=payload_hash(data))

    def confirm(self, kept: KeptPlugin, *, at: datetime) -> KeptPlugin:
        """Note that a registry still names this plugin."""
        return self.write(replace(kept, confirmed_at=at))

    def broken(self, kept: KeptPlugin, *, read: bool) -> tuple[str, ...]:
        """Name the Secrets of a kept plugin that are missing, or, with `read`, hold something else than was written."""
        wanted = {**kept.stored.digests, **dict(kept.stored.package)}
        record = self._records.get(kept.plugin)
        if record is not None:
            wanted[evidence_name(kept.plugin)] = record.digest
        sound = self.objects.sound if read else self.objects.present
        found = tuple(sorted(name for name, digest in wanted.items() if not sound(name, digest)))
        if not kept.stored.digests.keys() >= set(found):
            self.layers.doubt(kept)
        return found

    def payload(self, stored: Stored, name: str) -> Mapping[str, bytes]:
        """Read one Secret of a stored plugin, held to its hash.

        Raises:
            ShardMissingError: it is not there.
            ShardMismatchError: it holds other bytes than were stored.
        """
        return self.objects.held(name, stored.digests.get(name, ""))

    def forget(self, plugin: str) -> None:
        """Drop what is known about a plugin that is gone; its Secrets are for the sweep."""
        self._records.drop(plugin)

    def delete_unless_written(self, name: str, *, uid: str) -> bool:
        """Delete a Secret that nothing refers to, unless a store has come to need it since the sweep began."""
        return self.writers.unless_written(name, lambda: self.objects.delete(name, uid=uid))

    def _planned(self, verified: VerifiedPlugin, delivery: Delivery, acceptance: Acceptance) -> KeptPlugin:
        """Put together what will be kept, before anything is written."""
        pulled, package = acceptance.pulled, verified.package
        if pulled.manifest_digest is None or pulled.manifest is None or pulled.layer_digest is None:
            raise DeliveryInvalidError("a plugin without a manifest cannot be kept", where=pulled.source)
        name = plugin_secret_name(acceptance.plugin, delivery.suffix)
        digests = {shard.name: payload_hash(delivery.shard_payload(shard)) for shard in delivery.shards}
        digests[name] = payload_hash(delivery.payload)
        held = self.layers.plan(acceptance.package)
        return KeptPlugin(
            plugin=acceptance.plugin,
            uid=acceptance.uid,
            asked=acceptance.asked,
            version=acceptance.version,
            source=pulled.source,
            manifest_digest=pulled.manifest_digest,
            manifest=pulled.manifest,
            index_digest=pulled.index_digest,
            index=pulled.index,
            layer_digest=pulled.layer_digest,
            platform=pulled.platform,
            pulled_at=acceptance.pulled_at,
            confirmed_at=acceptance.confirmed_at or acceptance.pulled_at,
            descriptor=package.descriptor_bytes,
            signature=package.signature,
            artifact_name=package.artifact_name,
            artifact_hash=package.artifact_hash,
            stored=Stored(secret=name, digests=digests, size=package.artifact.size, package=held),
            evidence=acceptance.evidence,
        )

    def _write_bytes(self, kept: KeptPlugin, delivery: Delivery, *, plugin_id: str) -> None:
        """Write what a gateway gets: the shards, then the Secret that names them."""
        namespace = self._services.settings.namespace
        for shard in delivery.shards:
            data = delivery.shard_payload(shard)
            self.objects.keep(shard_secret(shard.name, namespace=namespace, data=data), data)
        manifest = plugin_secret(
            kept.plugin,
            namespace=namespace,
            suffix=delivery.suffix,
            data=delivery.payload,
            shards=tuple(shard.name for shard in delivery.shards),
            texts={
                "plugin": plugin_id,
                "version": kept.version,
                "digest": kept.artifact_hash.hex,
                "manifest-digest": str(kept.manifest_digest),
            },
        )
        self.objects.keep(manifest, delivery.payload)

    def _library(self, kept: KeptPlugin) -> Spool:
        """Give the library. The evidence also says which Secrets hold it; whoever may edit it could name any others."""
        described = description(kept)

        def make() -> Spool:
            spool = self._reassemble(kept)
            self._proven.add(described)
            return spool

        return self.shelf.lend_or_make(kept.artifact_hash, make, usable=lambda: described in self._proven)

    def _reassemble(self, kept: KeptPlugin) -> Spool:
        payload = self.payload(kept.stored, kept.stored.secret)
        opened = open_delivery(payload, shard=lambda name: self.payload(kept.stored, name).get(SHARD_KEY), limits=self._limits)
        compare(kept, opened)
        with SpoolWriter() as writer:
            for piece in opened.pieces():
                writer.write(piece)
            return writer.finish()


def _names(kept: KeptPlugin) -> Iterator[str]:
    """Name every Secret that a kept plugin needs."""
    yield evidence_name(kept.plugin)
    yield from kept.stored.digests
    yield from (name for name, _ in kept.stored.package)
