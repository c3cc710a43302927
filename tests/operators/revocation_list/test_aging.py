"""What a list's status says about its age, where a setting says how old it may be."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from mcpg_operator.resources import REVOCATION_LIST, Key
from mcpg_operator.revocations import CLUSTER_DEFAULT, LIST
from tests.operators.revocation_list.test_lists import Lists, spec
from tests.operators.world import World, body

DAY = 86400.0
OTHER = Key(REVOCATION_LIST, "team")


def lists(issued_at: str | None, *, days: float | None = 30, name: str = LIST) -> Lists:
    world = World()
    world.settings = replace(world.settings, max_revocation_list_age=None if days is None else days * DAY)
    whole: dict[str, Any] = spec() if issued_at is None else {**spec(), "issuedAt": issued_at}
    world.cluster.put(REVOCATION_LIST, body(name, whole))
    if name != LIST:
        world.cluster.put(REVOCATION_LIST, body(LIST, spec()))
    return Lists(world.watch())


def fresh(found: Lists, key: Key = CLUSTER_DEFAULT) -> Any:
    return next((one for one in found.world.status(*key)["conditions"] if one["type"] == "Fresh"), None)


def until(found: Lists) -> float | None:
    name = "mcpg_operator_fresh_until_timestamp_seconds"
    return found.world.metrics.registry.get_sample_value(name, {"subject": "revocations"})


@pytest.mark.parametrize(
    ("issued_at", "status", "reason"),
    [
        ("2026-01-30T00:00:00Z", "True", "Reconciled"),
        ("2026-01-05T00:00:00Z", "True", "RenewalDue"),
        ("2025-12-01T00:00:00Z", "False", "RevocationListStale"),
        (None, "False", "RevocationListStale"),
    ],
)
def test_the_condition_says_how_the_list_stands(issued_at: str | None, status: str, reason: str) -> None:
    found = lists(issued_at)
    found.run()
    assert found.ready == ("True", "Reconciled"), "what it names is enforced, however old it is"
    condition = fresh(found)
    assert (condition["status"], condition["reason"]) == (status, reason)
    assert ("nothing new is let in" in condition["message"]) is (status == "False")
    assert (until(found) is None) is (issued_at is None)
    writes = len(found.world.cluster.writes)
    found.run()
    assert len(found.world.cluster.writes) == writes


def test_growing_old_is_an_event_and_so_is_the_renewal() -> None:
    found = lists("2026-01-30T00:00:00Z")
    found.run()
    found.world.later(40 * DAY)
    found.run()
    assert ("Warning", "RevocationListStale") in found.world.events()
    found.world.cluster.put(REVOCATION_LIST, body(LIST, {**spec(), "issuedAt": "2026-03-11T00:00:00Z"}))
    found.run()
    assert fresh(found)["status"] == "True"


def test_other_lists_are_told_their_age_too() -> None:
    found = lists("2025-12-01T00:00:00Z", name=OTHER.name)
    found.run(OTHER)
    assert fresh(found, OTHER)["reason"] == "RevocationListStale"


def test_without_the_setting_nobody_speaks_of_age() -> None:
    found = lists("1999-01-01T00:00:00Z", days=None)
    found.run()
    assert fresh(found) is None
    assert until(found) is None
