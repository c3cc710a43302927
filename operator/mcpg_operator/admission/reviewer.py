"""Judges reviews: first out of the caches, and where that is not enough, once more by what the API server says at this moment.

The second look is for what the first admits although something is missing, and for what it refuses because of another object,
which may just have changed. It costs a request only then; a review whose references all exist asks nobody.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from mcpg_operator.admission.review import Verdict, verdict
from mcpg_operator.admission.world import CachedWorld, LiveWorld, Sources
from mcpg_operator.indexes import register
from mcpg_operator.resources import CLUSTER, GATEWAY, TENANT
from supplychain.errors import LookupFailedError
from supplychain.rules.check import LOOKUP_FAILED, Ruling, admit
from supplychain.rules.problem import Family, Problem, Severity
from supplychain.rules.tenancy import owner_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from mcpg_operator.admission.descriptors import Descriptors
    from mcpg_operator.admission.live import Live
    from mcpg_operator.admission.review import Review
    from mcpg_operator.resources import Key, Kind
    from mcpg_operator.runtime.store import Store
    from supplychain.rules.strictness import Strictness

__all__ = ["Draft", "Reviewer"]

_WHOLE: Final[dict[Kind, frozenset[Kind]]] = {TENANT: frozenset({TENANT}), CLUSTER: frozenset({GATEWAY})}
"""What an object of a kind must not collide with: an object that the cache lacks would be a hole."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What the caches say, and what is to be looked at again before it counts."""

    ruling: Ruling
    world: CachedWorld
    again: tuple[Key, ...] = ()
    listed: tuple[Kind, ...] = ()

    @property
    def final(self) -> bool:
        """Whether it counts as it is."""
        return not self.again and not self.listed and not (self.ruling.allowed and self.world.undescribed)


class Reviewer:
    """Every method may be called from any thread."""

    def __init__(
        self,
        store: Store,
        live: Live,
        strictness: Strictness,
        descriptors: Descriptors,
        *,
        failed: Callable[[str, str], None] = lambda *_: None,
    ) -> None:
        """Prepare.

        Args:
            store: the caches
            live: the API server
            strictness: the settings of the cluster
            descriptors: of the plugins that were pulled
            failed: is told the reviewed kind, and the kind that could not be looked up
        """
        register(store)
        self._failed = failed
        self._store = store
        self._live = live
        self._strictness = strictness
        self._descriptors = descriptors

    def draft(self, review: Review, kind: Kind) -> Draft:
        """Judge out of the caches; asks nobody."""
        sources = Sources(
            store=self._store, descriptors=self._descriptors, failed=lambda missing: self._failed(kind.name, missing.name)
        )
        world = CachedWorld(sources)
        ruling = self._judge(review, world)
        if ruling.allowed:
            return Draft(ruling=ruling, world=world, again=world.missing, listed=self._unsure(review, kind, world))
        if {one.family for one in ruling.denials} == {Family.LOOKUP}:
            return Draft(ruling=ruling, world=world)
        return Draft(ruling=ruling, world=world, again=tuple(world.found), listed=tuple({TENANT} & world.listed.keys()))

    def settle(self, review: Review, draft: Draft) -> Ruling:
        """Look again at what the draft names; may wait for the API server."""
        if draft.final:
            return draft.ruling
        try:
            world = LiveWorld(draft.world, self._live, again=draft.again, listed=draft.listed)
        except LookupFailedError as exc:
            return self._unknown(draft.ruling, exc)
        return self._judge(review, world) if world.news else draft.ruling

    def answer(self, review: Review, draft: Draft) -> Verdict:
        """Give the final answer to a draft."""
        return verdict(self.settle(review, draft))

    def _judge(self, review: Review, world: CachedWorld) -> Ruling:
        return admit(review.document, old=review.old, world=world, strictness=self._strictness)

    @staticmethod
    def _unsure(review: Review, kind: Kind, world: CachedWorld) -> tuple[Kind, ...]:
        """Which kinds to list anew, because an object that the cache does not have yet would change the answer."""
        wanted = set(_WHOLE.get(kind, ()))
        if review.namespace is not None and TENANT in world.listed and owner_of(review.namespace, world.tenants()) is None:
            wanted.add(TENANT)
        return tuple(wanted & world.listed.keys())

    def _unknown(self, ruling: Ruling, error: LookupFailedError) -> Ruling:
        """What is refused stays refused; what would pass waits, unless the cluster's owner wants it otherwise."""
        if not ruling.allowed:
            return ruling
        lenient = self._strictness.admit_without_lookup
        problem = Problem(
            rule=LOOKUP_FAILED,
            field="spec",
            what=error.what,
            got=error.got,
            hint="try again",
            severity=Severity.WARNING if lenient else Severity.ERROR,
            family=Family.LOOKUP,
        )
        if lenient:
            return Ruling(warnings=(*ruling.warnings, problem))
        return Ruling(denials=(problem,), warnings=ruling.warnings)
