"""One plugin from its upstream to its mirror: verified as it was fetched, written, and verified again as the mirror serves it.

The order is what makes it safe. Nothing is written before every plugin of the closure is trusted. Then come blobs, documents
(children before the index), what is attached, and the tags of cosign's older objects; then everything is looked for and read back
from the mirror, as any verifier would find it there, and judged anew. Only then does the reference's own tag move. Whatever
breaks off leaves a mirror on which every tag still leads to something that was verified, and what was written is not sent again.
"""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

from supplychain import findings
from supplychain.carry.content import ContentDestination, collect
from supplychain.carry.fetched import CheckingSource, FetchedClosure, FetchedSource
from supplychain.errors import DigestMismatchError, InputError, NotFoundError, SupplyChainError, UnavailableError
from supplychain.output.judgement import Judgement, Scope
from supplychain.report import Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    from supplychain.artifact import PluginPackage
    from supplychain.carry.content import Closure, ContentSource
    from supplychain.limits import Limits
    from supplychain.policy import VerificationRequest
    from supplychain.reference import OciReference
    from supplychain.verifier import PluginVerifier, Verification

__all__ = ["Arrival", "Carried", "Carrier", "Mirror", "Order", "Writing", "ended"]


class Mirror(CheckingSource, Protocol):
    """The reading side of a repository that is written."""


class Writing(ContentDestination, Protocol):
    """A destination that may have to look again at what it wrote."""

    def settle(self) -> None:
        """Make sure that nothing that was attached was lost to others who write at the same time."""
        ...


class Arrival(StrEnum):
    """How it ended for one plugin."""

    COPIED = "copied"
    """Something had to be written, and all is verified on the mirror."""
    PRESENT = "present"
    """Nothing had to be written, and all is verified on the mirror."""
    UNCHANGED = "unchanged"
    """Verified by an earlier run under the same policy; upstream and mirror still name the same digest."""
    PLANNED = "planned"
    """A dry run: verified upstream, nothing written."""
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """One plugin to be carried."""

    name: str
    """As reports name it."""
    upstream: OciReference
    mirror: OciReference
    request: VerificationRequest


@dataclass(slots=True, kw_only=True)
class Carried:
    """What came of one order; `judgements` are those of upstream, then those of the mirror."""

    order: Order
    arrival: Arrival = Arrival.FAILED
    judgements: list[Judgement] = field(default_factory=list)
    closure: Closure | None = None
    artifacts: tuple[str, ...] = ()
    """Artifact hashes of all plugins of the closure."""
    blobs: int = 0
    """Written now; in a dry run those that would be."""
    documents: int = 0
    tags: int = 0
    sent: int = 0
    """Bytes of those blobs and documents."""
    held: int = 0
    """Blobs and documents that were there already."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Carrier:
    """Carries plugins under one verifier; threads may share it."""

    verifier: PluginVerifier
    limits: Limits
    at: datetime
    dry_run: bool = False

    def carry(self, order: Order, *, source: ContentSource, destination: Writing, mirror: Mirror) -> Carried:
        """Carry one plugin; every error of our tree becomes a judgement. `mirror` reads what `destination` writes."""
        carried = Carried(order=order)
        place = "upstream"
        try:
            with ExitStack() as stack:
                closure = collect(source, reference=order.upstream, limits=self.limits)
                carried.closure = closure
                fetched = stack.enter_context(FetchedClosure(closure)).load(source)
                opened = self._before(fetched, carried=carried, stack=stack)
                if opened is None:
                    return carried
                place = "mirror"
                _write(fetched, carried=carried, destination=destination, mirror=mirror, dry_run=self.dry_run)
                if self.dry_run:
                    carried.arrival = Arrival.PLANNED
                    return carried
                if self._after(closure, carried=carried, mirror=mirror, opened=opened):
                    destination.settle()
                    if order.upstream.tag is not None:
                        _tag(closure, order.upstream.tag, carried=carried, destination=destination, mirror=mirror)
                    carried.arrival = Arrival.COPIED if carried.blobs or carried.documents or carried.tags else Arrival.PRESENT
        except SupplyChainError as error:
            carried.judgements.append(ended(f"{order.name} ({place})", error, at=self.at))
        return carried

    def _before(self, fetched: FetchedClosure, *, carried: Carried, stack: ExitStack) -> Mapping[str, PluginPackage] | None:
        """Judge what was fetched; return the packages by SHA-256 if all are trusted."""
        found: dict[str, PluginPackage] = {}
        for layer, verification in self._judge(fetched, carried=carried, place="upstream"):
            stack.enter_context(verification)
            if verification.report.trusted:
                found[layer] = verification.verified().package
        if any(one.verdict is not Verdict.TRUSTED for one in carried.judgements):
            return None
        carried.artifacts = tuple(str(one.artifact_hash) for one in found.values())
        return found

    def _after(self, closure: Closure, *, carried: Carried, mirror: Mirror, opened: Mapping[str, PluginPackage]) -> bool:
        """Find, read and judge everything as the mirror serves it."""
        reference = replace(carried.order.mirror, digest=closure.top)
        there = collect(mirror, reference=reference, limits=self.limits)
        for document in closure.documents:
            if there.document(document.digest) is None:
                raise NotFoundError(
                    "the mirror does not show what was written", expected=f"`{document.digest}`", where=f"`{reference}`"
                )
        before = len(carried.judgements)
        with ExitStack() as stack:
            fetched = stack.enter_context(FetchedClosure(there)).compare(mirror, opened=opened)
            for _, verification in self._judge(fetched, carried=carried, place="mirror"):
                stack.enter_context(verification)
        return all(one.verdict is Verdict.TRUSTED for one in carried.judgements[before:])

    def _judge(self, fetched: FetchedClosure, *, carried: Carried, place: str) -> Iterator[tuple[str, Verification]]:
        """Judge each plugin that was fetched for its own platform; with the SHA-256 of its package."""
        order = carried.order
        for plugin, platform in fetched.closure.plugins:
            source = FetchedSource(fetched=fetched, plugin=plugin, platform=platform, limits=self.limits)
            name = f"{order.name} ({place})" if platform is None else f"{order.name} {platform} ({place})"
            request = replace(order.request, target=name, platform=platform or order.request.platform)
            verification = self.verifier.verify(source, request=request, at=self.at)
            carried.judgements.append(Judgement.of_report(verification.report))
            yield source.layer.sha256, verification


def ended(name: str, error: SupplyChainError, *, at: datetime) -> Judgement:
    """Make a judgement of what ended the work on a plugin."""
    verdict = Verdict.UNAVAILABLE if isinstance(error, UnavailableError) else Verdict.REFUSED
    if isinstance(error, InputError):
        verdict = Verdict.INVALID
    return Judgement.of_problem(findings.problem(error), scope=Scope.PLUGIN, target=name, at=at, verdict=verdict)


def _write(fetched: FetchedClosure, *, carried: Carried, destination: Writing, mirror: Mirror, dry_run: bool) -> None:
    """Write what is not there yet: blobs, documents, what is attached, and the tags of older objects."""
    closure = fetched.closure
    blobs = [blob for blob in closure.blobs if not destination.holds_blob(f"sha256:{blob.sha256}")]
    documents = [one for one in closure.documents if not destination.holds_document(one.digest)]
    carried.blobs, carried.documents = len(blobs), len(documents)
    carried.held = len(closure.blobs) + len(closure.documents) - len(blobs) - len(documents)
    carried.sent = sum(blob.size for blob in blobs) + sum(len(one.data) for one in documents)
    if dry_run:
        return
    for blob in blobs:
        destination.put_blob(blob, fetched.blob(blob.sha256))
    for document in documents:
        destination.put_document(document)
    for subject, entry in closure.attachments:
        destination.attach(subject, entry)
    for tag in closure.tags:
        if tag != closure.reference.tag:
            _tag(closure, tag, carried=carried, destination=destination, mirror=mirror)


def _tag(closure: Closure, tag: str, *, carried: Carried, destination: Writing, mirror: Mirror) -> None:
    """Let `tag` lead where it leads upstream, and look whether it does.

    Raises:
        DigestMismatchError: it leads elsewhere afterwards.
    """
    digest = closure.tags[tag]
    standing = mirror.document(tag)
    if standing is not None and standing.digest == digest:
        return
    destination.put_document(closure.held(digest), tag=tag)
    carried.tags += 1
    standing = mirror.document(tag)
    if standing is None or standing.digest != digest:
        got = "nothing" if standing is None else f"`{standing.digest}`"
        raise DigestMismatchError(
            "the tag leads elsewhere after it was written", expected=f"`{digest}`", got=got, where=f"tag {tag}"
        )
