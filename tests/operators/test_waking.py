"""Which changes wake a controller, and how often one object may be looked at."""

from __future__ import annotations

from typing import Any

import pytest

from mcpg_operator.controllers.pace import Pace
from mcpg_operator.controllers.watches import Dependants, Own, References
from mcpg_operator.resources import PLUGIN_MIRROR, SECRET, Key, Resource
from tests.operators.world import World

HARBOR, OTHER = Key(PLUGIN_MIRROR, "harbor"), Key(PLUGIN_MIRROR, "other")
OWN = Own(kind=PLUGIN_MIRROR)


def mirror(*, status: Any = None, **metadata: Any) -> Resource:
    return Resource(
        PLUGIN_MIRROR, {"metadata": {"name": "harbor", "uid": "u1", "generation": 1, **metadata}, "status": status or {}}
    )


def secret(*names: str) -> Resource:
    return Resource(SECRET, {"metadata": {"name": "pull", "annotations": {"names": " ".join(names)}}})


def named(one: Resource) -> list[Key]:
    return [Key(PLUGIN_MIRROR, name) for name in one.annotations["names"].split()]


@pytest.mark.parametrize(
    "new",
    [
        pytest.param(mirror(generation=2), id="spec"),
        pytest.param(mirror(uid="u2"), id="made anew"),
        pytest.param(mirror(deletionTimestamp="2026-01-31T12:00:00Z"), id="being deleted"),
        pytest.param(mirror(labels={"a": "b"}), id="labels"),
        pytest.param(mirror(annotations={"a": "b"}), id="annotations"),
        pytest.param(None, id="gone"),
    ],
)
def test_a_change_of_ones_own_kind_wakes(new):
    assert OWN.keys(mirror(), new) == (HARBOR,)
    assert OWN.keys(new, mirror()) == (HARBOR,)


def test_a_change_of_the_status_alone_wakes_nobody():
    assert OWN.keys(mirror(), mirror(status={"reachable": True}, resourceVersion="7")) == ()


def test_nothing_at_all_wakes_nobody():
    assert OWN.keys(None, None) == ()


def test_who_is_named_newly_or_no_longer_is_woken_and_nobody_else():
    watch = References(kind=SECRET, named=named)
    assert watch.keys(None, secret("harbor")) == {HARBOR}
    assert watch.keys(secret("harbor"), None) == {HARBOR}
    assert watch.keys(secret("harbor"), secret("other")) == {HARBOR, OTHER}
    assert watch.keys(secret("harbor"), secret("harbor", "other")) == {OTHER}
    assert watch.keys(secret("harbor"), secret("harbor")) == set()


def test_whoever_depends_on_an_object_is_woken_by_every_change():
    watch = Dependants(kind=SECRET, of=named)
    assert watch.keys(secret("harbor"), secret("harbor")) == {HARBOR}
    assert watch.keys(secret("harbor"), secret("other")) == {HARBOR, OTHER}
    assert watch.keys(None, secret("harbor")) == {HARBOR}
    assert watch.keys(secret("harbor"), None) == {HARBOR}


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def pace(world: World) -> Pace:
    return Pace(world.now, seconds=1)


def test_an_object_is_due_at_first_and_again_after_the_pause(world, pace):
    assert pace.due(mirror())
    pace.done(mirror())
    assert not pace.due(mirror())
    world.later(0.99)
    assert not pace.due(mirror())
    world.later(0.01)
    assert pace.due(mirror())


def test_asking_alone_does_not_count_as_a_pass(pace):
    assert pace.due(mirror())
    assert pace.due(mirror())


@pytest.mark.parametrize("other", [mirror(generation=2), mirror(uid="u2")])
def test_a_new_spec_is_due_at_once(pace, other):
    pace.done(mirror())
    assert pace.due(other)


def test_a_clock_that_is_set_back_keeps_nobody_waiting(world, pace):
    pace.done(mirror())
    world.later(-1)
    assert pace.due(mirror())


def test_an_object_that_is_gone_is_forgotten(pace):
    pace.done(mirror())
    pace.forget(HARBOR)
    assert pace.due(mirror())
