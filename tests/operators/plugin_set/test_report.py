"""The status of a set, and what its spec must be."""

from __future__ import annotations

from typing import Any

import pytest

from mcpg_operator.api.plugin_set import PluginSetStatus
from mcpg_operator.controllers.plugin_set.decide import Failure
from mcpg_operator.controllers.plugin_set.report import Picture, announcements, conditions, fields
from mcpg_operator.resources import PLUGIN_SET, SECRET
from mcpg_operator.services import Outcome
from supplychain.errors import ApplyForbiddenError, ApplyRejectedError, ClusterUnavailableError
from tests.operators.plugin_set.world import World, entry


def _failures(*reasons: str) -> dict[str, Failure]:
    return {f"dev.example.n{number}": Failure(reason=reason, message="why") for number, reason in enumerate(reasons)}


@pytest.mark.parametrize(
    ("picture", "entries", "ready", "counts", "told"),
    [
        pytest.param(
            Picture(total=2), ("True", "Reconciled"), ("True", "Reconciled"), (2, 2), ["EntriesResolved"], id="all is well"
        ),
        pytest.param(
            Picture(total=2, failures=_failures("PluginNotFound")),
            ("False", "EntriesFailed"),
            ("False", "Progressing"),
            (1, 2),
            ["EntriesResolved"],
            id="one fails",
        ),
        pytest.param(
            Picture(total=2, failures=_failures("Pending", "Pending")),
            ("Unknown", "DependencyPending"),
            ("False", "Progressing"),
            (0, 2),
            [],
            id="waiting",
        ),
        pytest.param(
            Picture(total=2, failures=_failures("Pending", "PluginRevoked")),
            ("False", "EntriesFailed"),
            ("False", "Progressing"),
            (0, 2),
            ["EntriesResolved"],
            id="waiting, and one is revoked",
        ),
        pytest.param(
            Picture(total=3, failures=_failures("PluginNotFound", "ApplyFailed")),
            ("False", "EntriesFailed"),
            ("False", "ApplyFailed"),
            (1, 3),
            ["EntriesResolved"],
            id="one cannot be written",
        ),
        pytest.param(
            Picture(total=3, failures=_failures("ApplyFailed", "NameConflict")),
            ("False", "EntriesFailed"),
            ("False", "NameConflict"),
            (1, 3),
            ["EntriesResolved"],
            id="one is in the way",
        ),
        pytest.param(
            Picture(total=2, blocked=Failure(reason="ApplyFailed", message="why")),
            ("Unknown", "ApplyFailed"),
            ("False", "ApplyFailed"),
            (0, 2),
            ["Ready"],
            id="the document cannot be written",
        ),
        pytest.param(
            Picture(total=None, blocked=Failure(reason="InvalidSpec", message="why")),
            ("Unknown", "InvalidSpec"),
            ("False", "InvalidSpec"),
            (None, None),
            ["Ready"],
            id="the spec is wrong",
        ),
    ],
)
def test_conditions_counts_and_events(
    picture: Picture, entries: tuple[str, str], ready: tuple[str, str], counts: tuple[Any, Any], told: list[str]
):
    found = {one.type: (one.status.value, one.reason) for one in conditions(picture)}
    assert found == {"EntriesResolved": entries, "Ready": ready}
    status = fields(picture)
    assert (status["resolvedEntries"], status["totalEntries"]) == counts
    assert (counts[0] is not None and counts[0] == counts[1]) is (ready[0] == "True")
    assert [*announcements(picture)] == told


def test_a_long_list_of_failures_is_cut_in_messages_and_whole_in_the_status():
    picture = Picture(total=12, failures=_failures(*["PluginNotFound"] * 12))
    message = next(one.message for one in conditions(picture) if one.type == "Ready")
    assert message.startswith("0 of 12 entries are in place; `dev.example.n0`: PluginNotFound: why")
    assert message.endswith("; and 2 more")
    assert len(fields(picture)["failedEntries"]) == 12


def test_the_status_is_what_its_schema_says():
    world = World()
    world.plugin("audit")
    key = world.make(entry("audit"), entry("missing"))
    world.settle(key)
    PluginSetStatus.model_validate(world.status(key))


_WRONG: dict[str, Any] = {
    "no spec": None,
    "a list": [],
    "no entries": {},
    "empty entries": {"entries": []},
    "entries of another type": {"entries": "all"},
    "an entry of another type": {"entries": ["audit"]},
    "a blank id": {"entries": [entry("audit", " ")]},
    "an id without a dot": {"entries": [entry("audit", "audit")]},
    "an id twice": {"entries": [entry("audit"), entry("audit")]},
    "no plugin": {"entries": [{"id": "a.b"}]},
    "a plugin without a name": {"entries": [{"id": "a.b", "pluginRef": {}}]},
    "enabled of another type": {"entries": [entry("audit", enabled="no")]},
    "enforce of another type": {"entries": [entry("audit", enforce=0)]},
    "a configuration that is no object": {"entries": [entry("audit", config=[1])]},
    "an unknown field": {"entries": [entry("audit")], "capabilitygrants": {}},
    "grants for nobody": {"entries": [entry("audit")], "capabilityGrants": {"a.b": ["audit_write"]}},
    "no grants": {"entries": [entry("audit")], "capabilityGrants": {"dev.example.audit": []}},
    "an unknown grant": {"entries": [entry("audit")], "capabilityGrants": {"dev.example.audit": ["root"]}},
}


@pytest.mark.parametrize("spec", _WRONG.values(), ids=_WRONG.keys())
def test_a_spec_that_cannot_be_read_is_named_and_leaves_the_children(spec: Any):
    world = World()
    world.plugin("audit")
    key = world.make(entry("audit"))
    world.settle(key)
    before, hashed = {one.key: one for one in world.cluster.objects(SECRET)}, world.status(key)["resolvedHash"]

    def break_it(body: dict[str, Any]) -> None:
        body["spec"] = spec
        if spec is None:
            del body["spec"]

    world.cluster.edit(key, break_it)
    result = world.settle(key)
    assert world.condition(key) == ("False", "InvalidSpec")
    assert world.condition(key, "EntriesResolved") == ("Unknown", "InvalidSpec")
    assert "spec" in world.message(key)
    assert {one.key: one for one in world.cluster.objects(SECRET)} == before
    assert world.status(key)["resolvedHash"] == hashed
    assert (result.outcome, result.after) == (Outcome.PERMANENT_ERROR, 600)
    assert world.events()[-1] == ("Warning", "InvalidSpec")


def test_the_message_names_the_field():
    world = World()
    key = world.make(entry("audit", enforce="no"))
    world.settle(key)
    assert "`spec.entries[0].enforce`" in world.message(key)


def test_a_secret_in_a_configuration_is_in_no_message():
    world = World()
    key = world.make(entry("audit", config={"password": "hunter2"}), entry("audit"))
    world.settle(key)
    assert "hunter2" not in str(world.status(key))


def test_an_api_server_that_does_not_answer_changes_no_status():
    world = World()
    world.plugin("audit")
    key = world.make(entry("audit"))
    world.settle(key)
    before = world.status(key)
    world.cluster.fail_with(ClusterUnavailableError("no answer"), on=["get", "list_metadata"])
    with pytest.raises(ClusterUnavailableError):
        world.step(key)
    world.cluster.heal()
    assert world.status(key) == before


@pytest.mark.parametrize("error", [ApplyForbiddenError("no right"), ApplyRejectedError("bad status")], ids=["403", "422"])
def test_a_status_that_cannot_be_written_is_left_to_the_runtime(error: Exception):
    world = World()
    world.plugin("audit")
    key = world.make(entry("audit"))
    world.cluster.fail_with(error, on="apply_status", kind=PLUGIN_SET)
    with pytest.raises(type(error)):
        world.step(key)


def test_a_right_that_is_missing_in_the_operators_own_namespace_ends_in_a_condition():
    world = World()
    world.plugin("audit")
    key = world.make(entry("audit"))
    world.cluster.fail_with(ApplyForbiddenError("may not get Secrets in mcpg-system"), on="get", kind=SECRET)
    world.step(key)
    assert world.condition(key) == ("False", "ApplyFailed")
    assert "may not get Secrets in mcpg-system" in world.message(key)
