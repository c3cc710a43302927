"""Conditions: transition times move with the status alone, and a status is compared without the time of the look."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from mcpg_operator.conditions import Condition, Truth, changes, merge, same_status, timestamp

NOON = datetime(2026, 1, 31, 12, 0, 0, 250_000, tzinfo=UTC)
READY = Condition(type="Ready", status=Truth.TRUE, reason="Reconciled", message="verified")


def test_a_time_is_written_in_utc_with_whole_seconds():
    assert timestamp(NOON) == "2026-01-31T12:00:00Z"
    assert timestamp(NOON.astimezone(timezone(timedelta(hours=2)))) == "2026-01-31T12:00:00Z"


def test_a_new_condition_begins_now():
    assert merge([], [READY], generation=3, at=NOON) == [
        {
            "type": "Ready",
            "status": "True",
            "reason": "Reconciled",
            "message": "verified",
            "lastTransitionTime": "2026-01-31T12:00:00Z",
            "observedGeneration": 3,
        }
    ]


def test_the_transition_time_stays_while_the_status_stays():
    before = merge([], [READY], generation=1, at=NOON)
    later = Condition(type="Ready", status=Truth.TRUE, reason="Other", message="still")
    [after] = merge(before, [later], generation=2, at=NOON + timedelta(hours=1))
    assert after["lastTransitionTime"] == "2026-01-31T12:00:00Z"
    assert (after["reason"], after["message"], after["observedGeneration"]) == ("Other", "still", 2)


def test_the_transition_time_moves_with_the_status():
    before = merge([], [READY], generation=1, at=NOON)
    [after] = merge(
        before,
        [Condition(type="Ready", status=Truth.FALSE, reason="PullFailed")],
        generation=1,
        at=NOON + timedelta(hours=1),
    )
    assert after["lastTransitionTime"] == "2026-01-31T13:00:00Z"


@pytest.mark.parametrize("rubbish", [None, 7, ""])
def test_an_unusable_transition_time_is_replaced(rubbish):
    [after] = merge([{"type": "Ready", "status": "True", "lastTransitionTime": rubbish}], [READY], generation=1, at=NOON)
    assert after["lastTransitionTime"] == "2026-01-31T12:00:00Z"


def test_a_condition_that_is_no_longer_said_is_gone():
    before = merge([], [READY, Condition(type="Progressing", status=Truth.TRUE, reason="Pulling")], generation=1, at=NOON)
    assert [one["type"] for one in merge(before, [READY], generation=1, at=NOON)] == ["Ready"]


def test_a_message_is_cut_where_the_api_server_would_refuse_it():
    [one] = merge([], [Condition(type="Ready", status=Truth.FALSE, reason="X", message="m" * 40_000)], generation=1, at=NOON)
    assert len(one["message"]) == 32_768


def test_statuses_differ_in_anything_but_the_time_of_the_look():
    assert same_status({"a": 1, "lastReconcileTime": "x"}, {"a": 1, "lastReconcileTime": "y"})
    assert not same_status({"a": 1}, {"a": 1, "b": None})


def test_only_a_new_status_or_reason_is_a_change():
    before = merge([], [READY], generation=1, at=NOON)
    reworded = merge(
        before, [Condition(type="Ready", status=Truth.TRUE, reason="Reconciled", message="x")], generation=2, at=NOON
    )
    assert changes(before, reworded) == ()
    for other in (
        Condition(type="Ready", status=Truth.FALSE, reason="Reconciled"),
        Condition(type="Ready", status=Truth.TRUE, reason="Other"),
        Condition(type="Fresh", status=Truth.TRUE, reason="Reconciled"),
    ):
        now = merge(before, [other], generation=2, at=NOON)
        assert changes(before, now) == tuple(now)


@pytest.mark.parametrize(("value", "word"), [(True, "True"), (False, "False")])
def test_a_truth_value_has_the_word_of_the_conventions(value, word):
    assert Truth.of(value).value == word
