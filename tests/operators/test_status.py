"""A status is written as a whole and only when it says something new; events tell of changes alone, even where the watch is slow."""

from __future__ import annotations

import pytest

from mcpg_operator.conditions import Condition, Truth
from mcpg_operator.resources import EVENT, PLUGIN_MIRROR, Key
from mcpg_operator.status import Announcement, StatusWriter
from supplychain.errors import ApplyRejectedError, ClusterUnavailableError
from tests.operators.world import World, body

KEY = Key(PLUGIN_MIRROR, "harbor")
ANNOUNCE = {"Ready": Announcement(action="Resolve")}


def ready(truth: bool = True, *, reason: str = "Reconciled", message: str = "all is well") -> Condition:
    return Condition(type="Ready", status=Truth.of(truth), reason=reason, message=message)


@pytest.fixture
def world() -> World:
    world = World()
    world.cluster.put(PLUGIN_MIRROR, body("harbor", {}))
    return world.watch()


@pytest.fixture
def writer(world: World) -> StatusWriter:
    return StatusWriter(world.services(), "plugin-mirror", PLUGIN_MIRROR)


def seen(world: World):
    return world.store.get(PLUGIN_MIRROR, "harbor")


def test_fields_conditions_generation_and_time_are_written(world, writer):
    assert writer.write(seen(world), {"reachable": True, "endpointHost": None}, [ready()]) is True
    assert world.status(*KEY) == {
        "reachable": True,
        "conditions": [
            {
                "type": "Ready",
                "status": "True",
                "reason": "Reconciled",
                "message": "all is well",
                "lastTransitionTime": "2026-01-31T12:00:00Z",
                "observedGeneration": 1,
            }
        ],
        "observedGeneration": 1,
        "lastReconcileTime": "2026-01-31T12:00:00Z",
    }


def test_the_field_manager_is_the_controllers_own(world, writer):
    writer.write(seen(world), {}, [ready()])
    assert world.cluster.writes[-1].manager == "mcpg-operator/plugin-mirror-controller"


def test_an_equal_status_is_not_written_again_however_late_it_is(world, writer):
    writer.write(seen(world), {"reachable": True}, [ready()])
    world.later(6000)
    world.writes()
    assert writer.write(seen(world), {"reachable": True}, [ready()]) is False
    assert world.writes() == []


@pytest.mark.parametrize(
    ("fields", "condition"),
    [
        pytest.param({"reachable": False}, ready(), id="field"),
        pytest.param({}, ready(), id="field gone"),
        pytest.param({"reachable": True}, ready(reason="Other"), id="reason"),
        pytest.param({"reachable": True}, ready(message="other"), id="message"),
        pytest.param({"reachable": True}, ready(False), id="status"),
    ],
)
def test_any_other_difference_is_written(world, writer, fields, condition):
    writer.write(seen(world), {"reachable": True}, [ready()])
    assert writer.write(seen(world), fields, [condition]) is True
    assert world.status(*KEY).get("reachable") == fields.get("reachable")


def test_a_new_generation_is_written_although_nothing_else_changed(world, writer):
    writer.write(seen(world), {}, [ready()])
    world.cluster.edit(KEY, lambda found: found["spec"].update(resyncInterval="1h"))
    assert writer.write(seen(world), {}, [ready()]) is True
    assert world.status(*KEY)["observedGeneration"] == 2


def test_a_condition_that_is_not_named_any_more_vanishes(world, writer):
    writer.write(seen(world), {}, [ready(), Condition(type="Fresh", status=Truth.TRUE, reason="Reconciled")])
    writer.write(seen(world), {}, [ready()])
    assert [one["type"] for one in world.status(*KEY)["conditions"]] == ["Ready"]


def test_a_status_that_somebody_wiped_is_written_again(world, writer):
    writer.write(seen(world), {}, [ready()])
    writer.write(seen(world), {}, [ready()])
    world.cluster.edit(KEY, lambda found: found.pop("status"))
    assert writer.write(seen(world), {}, [ready()]) is True


def test_a_status_that_somebody_wiped_at_once_is_written_again_after_a_while(world, writer):
    before = seen(world)
    writer.write(before, {}, [ready()])
    world.cluster.edit(KEY, lambda found: found.pop("status"))
    assert writer.write(seen(world), {}, [ready()]) is False, "it looks like a watch that lags"
    world.later(31)
    assert writer.write(seen(world), {}, [ready()]) is True


def test_an_object_that_is_gone_gets_no_status_and_no_event(world, writer):
    found = seen(world)
    world.cluster.remove(KEY)
    assert writer.write(found, {}, [ready()], announce=ANNOUNCE) is False
    assert world.events() == []


def test_a_write_that_fails_is_the_callers_business_and_is_made_again(world, writer):
    world.cluster.fail_with(ClusterUnavailableError("no answer"), on="apply_status", times=1)
    with pytest.raises(ClusterUnavailableError):
        writer.write(seen(world), {}, [ready()], announce=ANNOUNCE)
    assert world.events() == []
    assert writer.write(seen(world), {}, [ready()], announce=ANNOUNCE) is True
    assert world.events() == [("Normal", "Reconciled")]


def test_a_text_that_is_no_utf_8_is_written_so_that_it_compares_equal(world, writer):
    writer.write(seen(world), {}, [ready(message="bad \ud800 text")])
    assert world.status(*KEY)["conditions"][0]["message"] == "bad ? text"
    assert writer.write(seen(world), {}, [ready(message="bad \ud800 text")]) is False


# -- a watch that lags ----------------------------------------------------------------------------------------------------------


def test_with_a_lagging_watch_nothing_is_written_twice(world, writer):
    old = seen(world)
    assert writer.write(old, {"reachable": True}, [ready()], announce=ANNOUNCE) is True
    assert writer.write(old, {"reachable": True}, [ready()], announce=ANNOUNCE) is False
    assert world.events() == [("Normal", "Reconciled")]


def test_with_a_lagging_watch_transition_times_stay(world, writer):
    old = seen(world)
    writer.write(old, {}, [ready()])
    world.later(5)
    writer.write(old, {}, [ready(message="more to say")])
    (condition,) = world.status(*KEY)["conditions"]
    assert condition["lastTransitionTime"] == "2026-01-31T12:00:00Z"


def test_with_a_lagging_watch_a_real_change_is_written_and_told(world, writer):
    old = seen(world)
    writer.write(old, {}, [ready()], announce=ANNOUNCE)
    assert writer.write(old, {}, [ready(False, reason="MirrorUnreachable")], announce=ANNOUNCE) is True
    assert sorted(world.events()) == [("Normal", "Reconciled"), ("Warning", "MirrorUnreachable")]


def test_an_object_of_the_same_name_made_anew_is_another_one(world, writer):
    writer.write(seen(world), {}, [ready()])
    world.cluster.remove(KEY)
    world.cluster.put(PLUGIN_MIRROR, body("harbor", {}))
    assert writer.write(seen(world), {}, [ready()]) is True


def test_writes_of_long_ago_are_forgotten(world, writer):
    writer.write(seen(world), {}, [ready()])
    world.later(31)
    world.cluster.put(PLUGIN_MIRROR, body("other", {}))
    writer.write(world.store.get(PLUGIN_MIRROR, "other"), {}, [ready()])
    assert [key.name for key in writer._written] == ["other"]


# -- events ---------------------------------------------------------------------------------------------------------------------


def test_an_event_tells_of_a_condition_that_is_announced_and_changed(world, writer):
    writer.write(seen(world), {}, [ready()], announce=ANNOUNCE)
    writer.write(seen(world), {"reachable": True}, [ready(message="another message")], announce=ANNOUNCE)
    assert world.events() == [("Normal", "Reconciled")], "a message alone is no news"
    writer.write(seen(world), {}, [ready(False, reason="MirrorUnreachable")], announce=ANNOUNCE)
    assert sorted(world.events()) == [("Normal", "Reconciled"), ("Warning", "MirrorUnreachable")]


def test_a_condition_that_is_not_announced_makes_no_event(world, writer):
    writer.write(seen(world), {}, [ready()])
    assert world.events() == []


def test_reason_severity_and_note_of_an_event_can_be_given(world, writer):
    revoked = Condition(type="Revoked", status=Truth.TRUE, reason="ArtefactRevoked")
    given = Announcement(action="Revoke", reason="Gone", warning=True, note="taken back")
    writer.write(seen(world), {}, [revoked], announce={"Revoked": given})
    (event,) = world.cluster.objects(EVENT)
    assert (event.body["type"], event.body["reason"], event.body["action"], event.body["note"]) == (
        "Warning",
        "Gone",
        "Revoke",
        "taken back",
    )


def test_an_event_without_a_message_repeats_the_reason(world, writer):
    writer.write(seen(world), {}, [ready(message="")], announce=ANNOUNCE)
    (event,) = world.cluster.objects(EVENT)
    assert event.body["note"] == "Reconciled"


# -- metrics --------------------------------------------------------------------------------------------------------------------


def test_readiness_is_measured_even_where_nothing_is_written(world, writer):
    writer.write(seen(world), {}, [ready()])
    other = World(cluster=world.cluster).watch()
    again = StatusWriter(other.services(), "plugin-mirror", PLUGIN_MIRROR)
    assert again.write(seen(other), {}, [ready()]) is False
    assert other.measured("harbor") == {"Ready": 1.0}


@pytest.mark.parametrize(("truth", "value"), [(Truth.FALSE, {"Ready": 0.0}), (Truth.UNKNOWN, {})])
def test_every_truth_has_its_measure(world, writer, truth, value):
    writer.write(seen(world), {}, [Condition(type="Ready", status=truth, reason="Some")])
    assert world.measured("harbor") == value


def test_what_the_api_server_takes_no_status_of_is_told_by_one_event(world, writer):
    world.cluster.fail_with(ApplyRejectedError("the API server refused the request", got="spec.endpoint"), on="apply_status")

    def refused(*conditions: Condition) -> int:
        world.later(1)
        with pytest.raises(ApplyRejectedError):
            writer.write(seen(world), {}, conditions)
        return len(world.events())

    bad = ready(truth=False, reason="InvalidSpec", message="x" * 600)
    assert [refused(bad), refused(bad)] == [1, 1]
    assert world.events() == [("Warning", "StatusRejected")]
    (event,) = world.cluster.objects(EVENT)
    note = event.body["note"]
    assert note.startswith(f"InvalidSpec: {'x' * 500}; the status cannot be written: ")
    assert note.endswith("spec.endpoint")
    assert event.body["reportingController"] == "mcpg-operator/plugin-mirror"
    assert refused(ready(truth=False, reason="MirrorUnreachable")) == 2
    world.cluster.edit(KEY, lambda found: found.update(spec={"endpoint": 7}))
    assert refused(ready(truth=False, reason="MirrorUnreachable")) == 3
    writer.forget(KEY)
    assert refused(ready(truth=False, reason="MirrorUnreachable")) == 4
    world.cluster.heal()
    assert writer.write(seen(world), {}, [bad]) is True


def test_an_object_that_is_gone_leaves_the_metrics(world, writer):
    writer.write(seen(world), {}, [ready(), Condition(type="Fresh", status=Truth.TRUE, reason="Reconciled")])
    assert world.measured("harbor") == {"Ready": 1.0}
    writer.forget(KEY)
    assert world.measured("harbor") == {}
