"""Keeps verified plugins in the operator's namespace, and opens them again.

Order of writing: shards, then the Secret that names them, then the evidence that names that Secret. Whoever is killed in between
leaves bytes that nothing refers to, and never a reference to bytes that are not there.
"""

from __future__ import annotations

import logging
import threading
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from mcpg_operator.keeping.evidence import EvidenceUnreadableError, KeptPlugin, decode, encode
from mcpg_operator.keeping.intern import Packages
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
from mcpg_operator.ledger import Stored
from mcpg_operator.names import manager
from supplychain.delivery import SHARD_KEY, open_delivery, plan_delivery
from supplychain.errors import DeliveryInvalidError, ShardMismatchError, ShardMissingError
from supplychain.limits import Limits
from supplychain.spool import SpoolWriter

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    from mcpg_operator.keeping.evidence import Asked
    from mcpg_operator.services import Services
    from supplychain.artifact import EvidenceSet, PulledArtifact
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
        self.packages = Packages()
        self._lock = threading.Lock()
        self._records = Records()
        self._touched: dict[str, int] = {}
        """Names that are being written, with how many writers; a sweep leaves them alone."""
        self._written: set[str] = set()
        """Names that were written since the last sweep began."""
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
        return KeptSource(kept=kept, library=lambda: self._library(kept), tag=tag)

    def store(self, verified: VerifiedPlugin, *, acceptance: Acceptance) -> KeptPlugin:
        """Write a verified plugin and its evidence; what is there already and sound is left alone.

        Raises:
            ArtifactTooLargeError: it cannot be stored within the limits; the message has both sizes.
            NameConflictError: somebody else's object has one of the names.
            ClusterUnavailableError, ConflictError, ApplyForbiddenError, ApplyRejectedError: as `Cluster.create`.
        """
        stored = self._store_bytes(verified, acceptance=acceptance)
        package = verified.package
        self.shelf.put(package.artifact_hash, package.artifact)
        pulled = acceptance.pulled
        if pulled.manifest_digest is None:
            raise DeliveryInvalidError("a plugin without a manifest cannot be kept", where=pulled.source)
        kept = KeptPlugin(
            plugin=acceptance.plugin,
            uid=acceptance.uid,
            asked=acceptance.asked,
            version=acceptance.version,
            source=pulled.source,
            manifest_digest=pulled.manifest_digest,
            index_digest=pulled.index_digest,
            layer_digest=pulled.layer_digest,
            platform=pulled.platform,
            pulled_at=acceptance.pulled_at,
            confirmed_at=acceptance.confirmed_at or acceptance.pulled_at,
            descriptor=package.descriptor_bytes,
            signature=package.signature,
            artifact_name=package.artifact_name,
            artifact_hash=package.artifact_hash,
            stored=stored,
            evidence=acceptance.evidence,
        )
        self._proven.add(description(kept))
        self.write(kept, needed=acceptance.needed)
        return kept

    def write(self, kept: KeptPlugin, *, needed: frozenset[str] = frozenset()) -> bool:
        """Write the evidence alone; says whether it had to be written."""
        data = encode(kept, needed=needed)
        manifest = evidence_secret(kept.plugin, namespace=self._services.settings.namespace, stored=kept.stored.secret, data=data)
        changed = self.objects.rewrite(manifest, data, manager=manager("plugin"))
        # As it will be read: a record that was too large lacks some of the evidence.
        self._records.put(kept.plugin, decode(data), digest=payload_hash(data))
        return changed

    def confirm(self, kept: KeptPlugin, *, at: datetime) -> KeptPlugin:
        """Note that a registry still names this plugin."""
        confirmed = replace(kept, confirmed_at=at)
        self.write(confirmed)
        return confirmed

    def broken(self, kept: KeptPlugin, *, read: bool) -> tuple[str, ...]:
        """Name the Secrets of a kept plugin that are missing, or, with `read`, hold something else than was written."""
        wanted = dict(kept.stored.digests)
        record = self._records.get(kept.plugin)
        if record is not None:
            wanted[evidence_name(kept.plugin)] = record.digest
        sound = self.objects.sound if read else self.objects.present
        return tuple(sorted(name for name, digest in wanted.items() if not sound(name, digest)))

    def payload(self, stored: Stored, name: str) -> Mapping[str, bytes]:
        """Read one Secret of a stored plugin, held to its hash.

        Raises:
            ShardMissingError: it is not there.
            ShardMismatchError: it holds other bytes than were stored.
        """
        data = self.objects.read(name)
        where = f"Secret `{self._services.settings.namespace}/{name}`"
        if data is None:
            raise ShardMissingError("a Secret with verified bytes is gone", where=where)
        if (found := payload_hash(data)) != stored.digests.get(name):
            expected = f"`{stored.digests.get(name, 'no such Secret')}`"
            raise ShardMismatchError(
                "a Secret holds other bytes than were verified", expected=expected, got=f"`{found}`", where=where
            )
        return data

    def forget(self, plugin: str) -> None:
        """Drop what is known about a plugin that is gone; its Secrets are for the sweep."""
        self._records.drop(plugin)

    def begin_sweep(self) -> None:
        """From now on, remember every name that is written."""
        with self._lock:
            self._written.clear()

    def delete_unless_written(self, name: str, *, uid: str) -> bool:
        """Delete a Secret that nothing refers to, unless a store has come to need it since the sweep began.

        Writers that come to need it while it goes wait for the end of it, and write it anew.
        """
        with self._lock:
            if name in self._touched or name in self._written:
                return False
            return self.objects.delete(name, uid=uid)

    def _store_bytes(self, verified: VerifiedPlugin, *, acceptance: Acceptance) -> Stored:
        namespace, package = self._services.settings.namespace, verified.package
        with plan_delivery(verified, limits=self._limits) as delivery:
            name = plugin_secret_name(acceptance.plugin, delivery.suffix)
            shards = tuple(shard.name for shard in delivery.shards)
            digests: dict[str, str] = {}
            with self._writing(name, *shards):
                for shard in delivery.shards:
                    data = delivery.shard_payload(shard)
                    self.objects.keep(shard_secret(shard.name, namespace=namespace, data=data), data)
                    digests[shard.name] = payload_hash(data)
                manifest = plugin_secret(
                    acceptance.plugin,
                    namespace=namespace,
                    suffix=delivery.suffix,
                    data=delivery.payload,
                    shards=shards,
                    texts={
                        "plugin": package.descriptor.id,
                        "version": acceptance.version,
                        "digest": package.artifact_hash.hex,
                        "manifest-digest": str(acceptance.pulled.manifest_digest or ""),
                    },
                )
                self.objects.keep(manifest, delivery.payload)
            digests[name] = payload_hash(delivery.payload)
        return Stored(secret=name, digests=digests, size=package.artifact.size)

    @contextmanager
    def _writing(self, *names: str) -> Iterator[None]:
        with self._lock:
            for name in names:
                self._touched[name] = self._touched.get(name, 0) + 1
            self._written.update(names)
        try:
            yield
        finally:
            with self._lock:
                for name in names:
                    self._touched[name] -= 1
                    if not self._touched[name]:
                        del self._touched[name]

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
