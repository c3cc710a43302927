"""Carrying the plugins of one call: what they share, and what is said about all of them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from supplychain.carry.registry_content import RegistryContentSource
from supplychain.carry.stamp import Stamp, place_of, question
from supplychain.carry.sync import Arrival, Carried, Order, ended
from supplychain.cli.sources import RegistryTarget
from supplychain.cli.sync_plan import Unplanned
from supplychain.cli.version import version
from supplychain.errors import SupplyChainError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime, timedelta

    from supplychain.carry.content import ContentSource
    from supplychain.carry.stamp_file import StampFile
    from supplychain.carry.sync import Carrier
    from supplychain.cli.progress import Progress
    from supplychain.cli.sources import Sources
    from supplychain.cli.sync_plan import Transfer
    from supplychain.cli.trust import TrustRootChoice
    from supplychain.digest import ManifestDigest
    from supplychain.output.judgement import Judgement
    from supplychain.report import Fact

__all__ = ["SyncRun", "summary"]

_SHOWN: Final = 16
"""Objects left behind that are named for one plugin."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncRun:
    """What all plugins of one call share; threads use it together."""

    carrier: Carrier
    sources: Sources
    root: TrustRootChoice
    progress: Progress
    at: datetime
    stamps: StampFile | None = None
    recheck: bool = False
    max_age: timedelta | None = None
    version: str = field(default_factory=version)
    failures: list[SupplyChainError] = field(default_factory=list)
    """What kept stamps from being kept."""

    def carry(self, transfer: Transfer | Unplanned) -> Carried | Judgement:
        """Carry one plugin, or see that nothing changed since it was carried; or judge what keeps it from being carried."""
        if isinstance(transfer, Unplanned):
            return ended(transfer.name, transfer.error, at=self.at)
        self.progress.start(transfer.name)
        try:
            carried = self._carry(transfer)
        finally:
            self.progress.finish(transfer.name)
        carried.judgements[:] = [self._rooted(one) for one in carried.judgements]
        return carried

    def finish(self) -> None:
        """Tidy the stamps up; what cannot be written is one of the failures."""
        try:
            if self.stamps is not None:
                self.stamps.close()
        except SupplyChainError as failure:
            self.failures.append(failure)

    def _carry(self, transfer: Transfer) -> Carried:
        order = transfer.order
        try:
            source = self._open(transfer)
            if self.stamps is not None and not self.recheck:
                found = self._unchanged(order, source=source, destination=transfer.destination, stamps=self.stamps)
                if found is not None:
                    return found
            mirror = self.sources.reader(transfer.destination)
            with self.sources.destination(transfer.destination) as destination:
                carried = self.carrier.carry(order, source=source, destination=destination, mirror=mirror)
            stamp = None if self.stamps is None else Stamp.of(carried, question=self._question(order), at=self.at)
            if self.stamps is not None and stamp is not None:
                self._keep(stamp, stamps=self.stamps)
        except SupplyChainError as error:
            carried = Carried(order=order)
            carried.judgements.append(ended(order.name, error, at=self.at))
        return carried

    def _open(self, transfer: Transfer) -> ContentSource:
        if isinstance(transfer.source, RegistryTarget):
            return self.sources.reader(transfer.source, progress=self.progress.follow(transfer.name))
        return self.sources.content(transfer.source)[0]

    def _unchanged(
        self, order: Order, *, source: ContentSource, destination: RegistryTarget, stamps: StampFile
    ) -> Carried | None:
        """See that upstream and mirror still name what was verified, under the same question; anything else is carried anew."""
        stamp = stamps.find(place_of(order))
        try:
            if stamp is None or not stamp.counts(order, question=self._question(order), at=self.at, max_age=self.max_age):
                return None
            if (order.upstream.digest or _leads_to(source, order.upstream.lookup)) != stamp.digest:
                return None
            lookup = order.mirror.tag or str(stamp.digest)
            if _leads_to(self.sources.reader(destination), lookup) != stamp.digest:
                return None
            judgement = stamp.judgement(order, revocations=self.carrier.verifier.revocations)
        except SupplyChainError:
            return None  # whoever carries it says what is wrong
        return Carried(order=order, arrival=Arrival.UNCHANGED, judgements=[judgement])

    def _question(self, order: Order) -> str:
        policy, verifier = order.request.policy, self.carrier.verifier
        return question(
            order.request,
            root=self.root() if policy.cosign is not None or policy.slsa is not None else None,
            limits=self.carrier.limits,
            second_opinion=verifier.second_opinion,
            lookup=verifier.lookup is not None,
            version=self.version,
        )

    def _keep(self, stamp: Stamp, *, stamps: StampFile) -> None:
        try:
            stamps.record(stamp)
        except SupplyChainError as failure:
            self.failures.append(failure)

    def _rooted(self, judgement: Judgement) -> Judgement:
        if not judgement.inputs.get("trustRoots"):
            return judgement
        return replace(judgement, inputs={**judgement.inputs, "trustRoots": self.root.facts()})


def summary(carried: Sequence[Carried], *, requests: int, dry_run: bool) -> Mapping[str, Fact]:
    """Say what was done, all together and plugin by plugin."""
    return {
        "dryRun": dry_run,
        **{arrival.value: sum(one.arrival is arrival for one in carried) for arrival in Arrival},
        "blobs": sum(one.blobs for one in carried),
        "documents": sum(one.documents for one in carried),
        "tags": sum(one.tags for one in carried),
        "bytes": sum(one.sent for one in carried),
        "readRequests": requests,
        "plugins": tuple(_facts(one) for one in carried),
    }


def _facts(one: Carried) -> Mapping[str, Fact]:
    closure = one.closure
    left = () if closure is None else closure.left_behind
    return {
        "name": one.order.name,
        "upstream": str(one.order.upstream),
        "mirror": str(one.order.mirror),
        "digest": None if closure is None else str(closure.top),
        "arrival": one.arrival.value,
        "blobs": one.blobs,
        "documents": one.documents,
        "tags": one.tags,
        "bytes": one.sent,
        "held": one.held,
        "leftBehind": tuple({"object": what, "why": why} for what, why in left[:_SHOWN]),
        "leftBehindCount": len(left),
    }


def _leads_to(source: ContentSource, lookup: str) -> ManifestDigest | None:
    """Ask what a name leads to, as cheaply as the source can say it."""
    if isinstance(source, RegistryContentSource):
        return source.digest(lookup)
    document = source.document(lookup)
    return None if document is None else document.digest
