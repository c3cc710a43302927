"""One pass over one set: looks, has it decided, brings the children about, and reports.

The order of the writes is the order of safety: what is revoked leaves before anything else is tried; copies stand before the
document names them; only then may what nobody needs go.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from mcpg_operator.controllers.plugin_set.binding import bind
from mcpg_operator.controllers.plugin_set.decide import (
    APPLY_FAILED,
    MISSING,
    NOT_ALLOWED,
    REVOKED,
    Candidate,
    Failure,
    compose,
    judge,
    pending,
    strip,
    warnings,
)
from mcpg_operator.controllers.plugin_set.deliver import Copies, Delivery, Wanted
from mcpg_operator.controllers.plugin_set.document import Documents, Held
from mcpg_operator.controllers.plugin_set.observe import Children, children, look
from mcpg_operator.controllers.plugin_set.report import Picture, announcements, conditions, fields
from mcpg_operator.controllers.plugin_set.retire import retire
from mcpg_operator.render.plugin_set import document_name
from mcpg_operator.resources import PLUGIN, TENANT, Key
from mcpg_operator.services import Outcome, Result
from supplychain.api import PluginSetSpec, parse_spec
from supplychain.errors import ApplyForbiddenError, ApplyRejectedError, InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from mcpg_operator.controllers.plugin_set.decide import Verdict
    from mcpg_operator.controllers.plugin_set.observe import Observation
    from mcpg_operator.controllers.plugin_set.references import ReverseIndex
    from mcpg_operator.controllers.plugin_set.sources import Sources
    from mcpg_operator.render.resolved_set import Entry, Part, ResolvedSet
    from mcpg_operator.resources import Resource
    from mcpg_operator.services import Services
    from mcpg_operator.status import StatusWriter

__all__ = ["Memory", "Pass", "Shared"]

_AGAIN: Final = 30.0
"""At most so many seconds until somebody looks whether children were edited or deleted; it reads metadata and writes nothing."""
_SOON: Final = 1.0
_PATIENCE: Final = timedelta(minutes=2)
"""How long after a start a set says what it said before, while plugins of it are not judged yet."""
_BINDING_LAG: Final = timedelta(seconds=10)
"""How long the API server may take to grant what a new binding says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shared:
    """What all passes share."""

    services: Services
    sources: Sources
    copies: Copies
    documents: Documents
    status: StatusWriter
    index: ReverseIndex


@dataclass(slots=True, kw_only=True)
class Memory:
    """What is remembered of one set between passes; nothing in it is needed to be right, but for quiet."""

    uid: str
    held: Held = field(default_factory=Held)
    settled: bool = False
    """Whether every plugin was judged at some time since the start, so that one without a standing is news."""
    waits_since: datetime | None = None
    bound_at: datetime | None = None
    failing: frozenset[tuple[str, str]] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Delivered:
    verdicts: Mapping[str, Verdict]
    parts: Mapping[str, tuple[Part, ...]]
    kept: Mapping[str, Entry]

    @property
    def failures(self) -> dict[str, Failure]:
        return {name: one for name, one in self.verdicts.items() if isinstance(one, Failure)}


class Pass:
    """Made for one pass."""

    def __init__(self, shared: Shared, plugin_set: Resource, memory: Memory) -> None:
        self._shared = shared
        self._services = shared.services
        self._set = plugin_set
        self._memory = memory
        self._namespace = plugin_set.namespace or ""
        self._changed = False

    def run(self) -> Result:
        """Make it.

        Raises:
            ConflictError: make another one.
            SupplyChainError: nothing could be observed, or the status could not be written.
        """
        try:
            spec = parse_spec(PluginSetSpec, self._set.spec, where=f"MCPGPluginSet `{self._namespace}/{self._set.name}`")
        except InputError as exc:
            return self._invalid(exc)
        verdicts = judge(spec, self._look(one.plugin_ref.name for one in spec.entries))
        if pending(verdicts):
            return self._hold(spec, verdicts)
        self._memory.settled = True
        try:
            found = self._settle(spec, verdicts)
        except (ApplyForbiddenError, ApplyRejectedError) as exc:
            found = Picture(total=len(spec.entries), blocked=Failure(reason=APPLY_FAILED, message=str(exc)))
        return self._report(found) if isinstance(found, Picture) else found

    @property
    def _again(self) -> float:
        return min(_AGAIN, self._services.settings.resync_interval)

    def _invalid(self, error: InputError) -> Result:
        """Leave the children as they are, but for what is revoked."""
        old = self._purge_quietly()
        blocked = old if isinstance(old, Failure) else Failure(reason="InvalidSpec", message=str(error))
        return self._report(Picture(total=None, blocked=blocked))

    def _hold(self, spec: PluginSetSpec, verdicts: Mapping[str, Verdict]) -> Result:
        """Change nothing but what is revoked; for a while after a start, say nothing either that is about to be another thing."""
        old = self._purge_quietly()
        if isinstance(old, Failure):
            return self._report(Picture(total=len(spec.entries), blocked=old))
        failures = {name: one for name, one in verdicts.items() if isinstance(one, Failure)}
        now = self._services.now()
        self._memory.waits_since = self._memory.waits_since or now
        patient = not self._memory.settled and now - self._memory.waits_since < _PATIENCE
        known = self._set.status.get("observedGeneration") == self._set.generation
        revoked = any(one.reason == REVOKED for one in failures.values())
        if known and patient and not revoked and not self._changed:
            return Result(outcome=Outcome.DEPENDENCY_PENDING, after=self._again)
        kept = frozenset(name for name in failures if old is not None and old.find(name) is not None)
        return self._report(Picture(total=len(spec.entries), failures=failures, kept=kept))

    def _settle(self, spec: PluginSetSpec, verdicts: Mapping[str, Verdict]) -> Picture | Result:
        total = len(spec.entries)
        bound = bind(self._services, self._namespace)
        if isinstance(bound, Failure):
            # Whoever may edit the binding must not be able to keep a revoked plugin in the document.
            old = self._purge_quietly()
            return Picture(total=total, blocked=old if isinstance(old, Failure) else bound)
        if bound:
            self._memory.bound_at = self._services.now()
            self._changed = True
        try:
            found = children(self._services, self._namespace)
        except ApplyForbiddenError:
            if not self._bound_lately():
                raise
            return Result(outcome=Outcome.DEPENDENCY_PENDING, after=_SOON, changed=self._changed)
        old = self._purge(found)
        if isinstance(old, Failure):
            return Picture(total=total, blocked=old)
        delivery = self._delivery(found)
        delivered = self._deliver(delivery, verdicts, old)
        document = compose(spec, delivered.verdicts, delivered.parts, delivered.kept)
        blocked = self._write(document)
        if blocked is None and not delivered.failures:
            retire(delivery, {part.name for one in document.entries for part in one.parts})
        self._changed = self._changed or delivery.changed
        return Picture(
            total=total,
            failures=delivered.failures,
            kept=delivered.kept.keys(),
            warnings=warnings(delivered.verdicts),
            blocked=blocked,
        )

    def _bound_lately(self) -> bool:
        at = self._memory.bound_at
        return at is not None and self._services.now() - at < _BINDING_LAG

    def _delivery(self, found: Children) -> Delivery:
        self._shared.copies.forget(self._namespace, but=found.copies)
        return Delivery(
            services=self._services,
            sources=self._shared.sources,
            copies=self._shared.copies,
            plugin_set=self._set,
            children=found.copies,
        )

    def _deliver(self, delivery: Delivery, verdicts: Mapping[str, Verdict], old: ResolvedSet | None) -> _Delivered:
        """Bring every proven plugin, and see to it that the old form of every other one can stay."""
        after: dict[str, Verdict] = {}
        parts: dict[str, tuple[Part, ...]] = {}
        kept: dict[str, Entry] = {}
        for name, verdict in verdicts.items():
            after[name] = verdict
            if isinstance(verdict, Candidate):
                result = delivery.deliver(_wanted(verdict))
                if not isinstance(result, Failure):
                    parts[name] = result
                    continue
                after[name] = result
                if result.reason == MISSING:
                    self._services.wake(Key(PLUGIN, verdict.verified.name))
            entry = None if old is None else old.find(name)
            if entry is not None and delivery.restore(_kept(entry)) is None:
                kept[name] = entry
        return _Delivered(verdicts=after, parts=parts, kept=kept)

    def _purge_quietly(self) -> ResolvedSet | Failure | None:
        """Take what is revoked out of the document; where there is no right to read it yet, there is none."""
        held = self._memory.held
        if held.loaded and (held.document is None or self._stripped(held.document) is held.document):
            return held.document
        try:
            return self._purge(children(self._services, self._namespace))
        except ApplyForbiddenError:
            return None

    def _purge(self, found: Children) -> ResolvedSet | Failure | None:
        name = document_name(self._set.name)
        old = self._shared.documents.load(self._set, found.documents.get(name), self._memory.held)
        if old is None:
            return None
        self._shared.index.hold(self._set.key, (one.plugin for one in old.entries))
        left = self._stripped(old)
        return old if left is old else self._write(left) or left

    def _stripped(self, document: ResolvedSet) -> ResolvedSet:
        return strip(document, self._look(one.plugin for one in document.entries))

    def _look(self, plugins: Iterable[str]) -> Observation:
        return look(self._services, plugins, namespace=self._namespace)

    def _write(self, document: ResolvedSet) -> Failure | None:
        written = self._shared.documents.write(self._set, document, self._memory.held)
        if isinstance(written, Failure):
            return written
        self._changed = self._changed or written
        return None

    def _report(self, picture: Picture) -> Result:
        held = self._memory.held
        known = None if held.live is None else held.hash
        live = known if held.loaded else self._set.status.get("resolvedHash")
        self._count(picture.failures)
        wrote = self._shared.status.write(
            self._set,
            {**fields(picture), "resolvedHash": live},
            conditions(picture),
            announce=announcements(picture),
        )
        changed = self._changed or wrote
        reasons = {one.reason for one in (*picture.failures.values(), picture.blocked) if one is not None}
        if APPLY_FAILED in reasons:
            return Result(outcome=Outcome.TRANSIENT_ERROR, after=self._again, backoff=True, changed=changed)
        if picture.total is None:
            return Result(outcome=Outcome.PERMANENT_ERROR, after=self._services.settings.resync_interval, changed=changed)
        outcome = Outcome.DEPENDENCY_PENDING if reasons else Outcome.SUCCESS
        return Result(outcome=outcome, after=self._again, changed=changed)

    def _count(self, failures: Mapping[str, Failure]) -> None:
        failing = frozenset((name, one.reason) for name, one in failures.items())
        for _, reason in failing - self._memory.failing:
            kind = TENANT if reason == NOT_ALLOWED else PLUGIN
            self._services.metrics.dependency_unresolved("plugin-set", kind.name, reason)
        self._memory.failing = failing


def _wanted(candidate: Candidate) -> Wanted:
    verified = candidate.verified
    return Wanted(
        secret=candidate.stored.secret,
        digests=candidate.stored.digests,
        plugin_id=verified.plugin_id,
        version=verified.version,
    )


def _kept(entry: Entry) -> Wanted:
    return Wanted(
        secret=str(entry.body["artefactSecretName"]),
        digests={one.name: one.sha256 for one in entry.parts},
        plugin_id=entry.id,
        version=str(entry.body["pluginVersion"]),
    )
