"""What a review looks up: once each, out of the caches or of the API server itself, and never taken for absent unseen."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import pytest

from mcpg_operator.admission.descriptors import Descriptors
from mcpg_operator.admission.live import Live
from mcpg_operator.admission.review import parse
from mcpg_operator.admission.world import CachedWorld, LiveWorld, Sources
from mcpg_operator.resources import GATEWAY, PLUGIN, PLUGIN_SET, ROUTE, SECRET, TENANT, Key
from mcpg_operator.runtime.store import Store
from supplychain.errors import ClusterUnavailableError, LookupFailedError
from supplychain.rules.problem import Severity
from tests.operators.admission.reviews import review
from tests.operators.admission.test_reviewer import GATEWAY_OBJECT, PLUGIN_OBJECT, SET, Admitting, space, tenant

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mcpg_operator.resources import Kind


class Room:
    """Caches, and an API server that may know more."""

    def __init__(self, *cached: Any, live: Sequence[Any] = ()) -> None:
        self.admitting = Admitting(*cached, live=live)
        self.cluster = self.admitting.cluster
        self.failed: list[Kind] = []
        self.live = Live(self.cluster)
        self.sources = self.sources_of(self.admitting.store)

    def sources_of(self, store: Store) -> Sources:
        descriptors = Descriptors(store, self.live, namespace="mcpg-system")
        return Sources(store=store, descriptors=descriptors, failed=self.failed.append)

    def again(self, before: CachedWorld, *keys: Key, listed: Sequence[Kind] = ()) -> LiveWorld:
        return LiveWorld(before, self.live, again=keys, listed=listed)


AUDIT = Key(PLUGIN, "audit")


def test_a_review_sees_one_state_of_the_world() -> None:
    room = Room(PLUGIN_OBJECT, tenant())
    world = CachedWorld(room.sources)
    plugin, tenants = world.plugin("audit"), world.tenants()
    room.admitting.store.remove(AUDIT)
    room.admitting.store.replace(TENANT, [])
    assert world.plugin("audit") is plugin
    assert list(world.tenants()) == list(tenants)
    assert plugin is not None


def test_nothing_is_taken_for_absent_before_its_kind_was_listed() -> None:
    room = Room()
    world = CachedWorld(room.sources_of(Store()))
    for ask, kind in (
        (lambda: world.plugin("audit"), PLUGIN),
        (world.tenants, TENANT),
        (lambda: world.routes_of("a", "b"), ROUTE),
    ):
        with pytest.raises(LookupFailedError):
            ask()
        assert room.failed.pop() == kind


def test_another_look_asks_for_what_the_cache_lacks_and_for_nothing_else() -> None:
    room = Room(tenant(), live=[PLUGIN_OBJECT])
    before = CachedWorld(room.sources)
    assert before.plugin("audit") is None
    world = room.again(before)
    assert world.plugin("audit") is not None
    assert [one[1] for one in room.cluster.reads] == [PLUGIN]
    room.cluster.reads.clear()
    other = Room(PLUGIN_OBJECT)
    assert other.again(CachedWorld(other.sources)).plugin("audit") is not None
    assert other.cluster.reads == []


def test_a_change_of_any_object_or_list_is_news() -> None:
    room = Room(PLUGIN_OBJECT, GATEWAY_OBJECT, tenant())
    # Caches of this room were filled from the same server, so that nothing differs.
    for kind in (PLUGIN, GATEWAY, TENANT):
        room.admitting.store.replace(kind, room.cluster.objects(kind))
    before = CachedWorld(room.sources)
    before.plugin("audit")
    before.plugin("gone")
    before.tenants()
    before.gateways()

    def news(*listed: Kind) -> bool:
        return room.again(before, AUDIT, Key(PLUGIN, "gone"), listed=listed).news

    assert not news(TENANT, GATEWAY)
    room.cluster.put(TENANT, tenant("second", "elsewhere"))
    assert news(GATEWAY, TENANT)
    assert not news(GATEWAY)
    room.cluster.put(PLUGIN, {**PLUGIN_OBJECT, "metadata": {"name": "gone"}})
    assert news(GATEWAY)
    room.cluster.delete(PLUGIN, "gone")
    assert not news(GATEWAY)
    room.cluster.edit(AUDIT, lambda one: one["spec"].update(version="9.9.9"))
    assert news(GATEWAY)
    room.cluster.delete(PLUGIN, "audit")
    assert news(GATEWAY)


def test_a_look_that_fails_is_told_with_its_kind() -> None:
    room = Room(PLUGIN_OBJECT, tenant())
    before = CachedWorld(room.sources)
    before.plugin("audit")
    before.tenants()
    room.cluster.fail_with(ClusterUnavailableError("away"), on="get")
    room.cluster.fail_with(ClusterUnavailableError("away"), on="list")
    for keys, listed, kind in (((AUDIT,), (), PLUGIN), ((), (TENANT,), TENANT)):
        with pytest.raises(LookupFailedError):
            room.again(before, *keys, listed=listed)
        assert room.failed.pop() == kind
    assert SECRET not in room.failed


def test_what_nobody_could_look_up_is_refused_and_nobody_is_asked_again() -> None:
    world = Admitting()
    room = Room(PLUGIN_OBJECT)
    unseen = type(world.reviewer)(
        Store(), room.live, world.reviewer._strictness, room.sources.descriptors, failed=lambda *_: None
    )
    asked = parse(review(GATEWAY_OBJECT, kind=GATEWAY), GATEWAY)
    draft = unseen.draft(asked, GATEWAY)
    assert (draft.ruling.code, draft.final) == (503, True)
    assert room.cluster.reads == []


def test_a_deletion_asks_nobody() -> None:
    world = Admitting(GATEWAY_OBJECT)
    assert world.judge(None, GATEWAY_OBJECT, kind=GATEWAY).allowed
    assert world.cluster.reads == []


@pytest.mark.parametrize("lenient", [False, True])
def test_what_could_not_be_looked_at_again_is_as_severe_as_it_counts(*, lenient: bool) -> None:
    world = Admitting(tenant(), space("payments"), admit_without_lookup=lenient)
    world.cluster.fail_with(ClusterUnavailableError("away"), on="get")
    asked = parse(review(SET, kind=PLUGIN_SET), PLUGIN_SET)
    ruling = world.reviewer.settle(asked, world.reviewer.draft(asked, PLUGIN_SET))
    told = [one for one in (*ruling.denials, *ruling.warnings) if one.rule == "LookupFailed"]
    assert [one.severity for one in told] == [Severity.WARNING if lenient else Severity.ERROR]
    assert ruling.allowed is lenient


class Described:
    """Packages of which nothing is at hand."""

    def __init__(self, found: Any) -> None:
        self.found = found

    def known(self, _: str) -> tuple[bool, None]:
        return False, None

    def load(self, _: str) -> Any:
        if isinstance(self.found, Exception):
            raise self.found
        return self.found


def test_a_descriptor_that_is_not_at_hand_is_read_in_the_second_look_alone() -> None:
    room = Room(PLUGIN_OBJECT)
    sources: Any = dataclasses.replace(room.sources, descriptors=Described("what it says"))  # type: ignore[arg-type]
    before = CachedWorld(sources)
    assert before.descriptor("audit") is None
    assert before.undescribed == {"audit"}
    world = room.again(before)
    assert world.news
    assert str(world.descriptor("other")) == "what it says"
    failing: Any = dataclasses.replace(sources, descriptors=Described(LookupFailedError("away")))
    with pytest.raises(LookupFailedError):
        room.again(CachedWorld(failing)).descriptor("audit")
    assert room.failed == [SECRET]


def test_what_was_found_is_not_asked_for_again_where_something_else_could_not_be_looked_up() -> None:
    world = Admitting(PLUGIN_OBJECT)
    room = Room(PLUGIN_OBJECT)
    half = Store()
    half.replace(PLUGIN, world.store.list(PLUGIN))
    half.replace(PLUGIN_SET, [])
    reviewer = type(world.reviewer)(half, room.live, world.reviewer._strictness, room.sources.descriptors, failed=lambda *_: None)
    draft = reviewer.draft(parse(review(SET, kind=PLUGIN_SET), PLUGIN_SET), PLUGIN_SET)
    assert AUDIT in draft.world.found
    assert (draft.ruling.code, draft.again, draft.listed) == (503, (), ())
