"""Reads for reviews: shared by those who wait, never older than the question, never more than a few at once."""

from __future__ import annotations

import threading
import time

import pytest

from mcpg_operator.admission.live import Live
from mcpg_operator.resources import PLUGIN, TENANT, Key
from supplychain.errors import ClusterUnavailableError, LookupFailedError
from tests.support.fake_cluster import FakeCluster


class Slow(FakeCluster):
    """Answers when it is let; counts who waits."""

    def __init__(self):
        super().__init__()
        self.gate = threading.Event()
        self.begun = 0
        self.count = threading.Lock()

    def list(self, kind, **words):
        with self.count:
            self.begun += 1
            begun = self.begun
        assert self.gate.wait(20)
        if begun == 1 and self.failing:
            raise ClusterUnavailableError("down")
        return super().list(kind, **words)

    failing = False

    def get(self, kind, name, **words):
        with self.count:
            self.begun += 1
        assert self.gate.wait(20)
        return super().get(kind, name, **words)


def until(true):
    end = time.monotonic() + 20
    while not true():
        assert time.monotonic() < end
        time.sleep(0.005)


def threads(count, work):
    found = [threading.Thread(target=work, args=(number,)) for number in range(count)]
    for one in found:
        one.start()
    return found


def join(found):
    for one in found:
        one.join(30)
        assert not one.is_alive()


def test_who_asks_while_a_read_runs_shares_the_next_one():
    cluster = Slow()
    live = Live(cluster)
    answers = []
    first = threads(1, lambda _: answers.append(live.all(TENANT)))
    until(lambda: cluster.begun == 1)
    others = threads(10, lambda _: answers.append(live.all(TENANT)))
    until(lambda: TENANT in live._next)
    cluster.put(TENANT, {"metadata": {"name": "late"}})
    cluster.gate.set()
    join([*first, *others])
    assert len(answers) == 11
    assert cluster.begun <= 3, "one that ran, and one or two that began after the question"
    assert all([one.name for one in answer] == ["late"] for answer in answers[1:])


def test_a_failure_of_the_read_before_is_of_no_matter_to_who_asked_later():
    cluster = Slow()
    cluster.failing = True
    live = Live(cluster)
    outcomes: list[object] = []

    def ask(_):
        try:
            outcomes.append(live.all(TENANT))
        except LookupFailedError as exc:
            outcomes.append(exc)

    first = threads(1, ask)
    until(lambda: cluster.begun == 1)
    second = threads(1, ask)
    until(lambda: TENANT in live._next)
    cluster.gate.set()
    join([*first, *second])
    assert [type(one) for one in sorted(outcomes, key=lambda one: isinstance(one, tuple))] == [LookupFailedError, tuple]
    assert (live._running, live._next) == ({}, {})


def test_more_than_a_few_at_once_are_refused_at_once():
    cluster = Slow()
    live = Live(cluster)
    waiting = threads(8, lambda number: live.one(Key(PLUGIN, f"p{number}")))
    until(lambda: cluster.begun == 8)
    with pytest.raises(LookupFailedError, match="MCPGPlugin cannot be looked up"):
        live.one(Key(PLUGIN, "one-more"))
    cluster.gate.set()
    join(waiting)
    assert live.one(Key(PLUGIN, "one-more")) is None


def test_who_waits_for_an_answer_does_so_for_a_while_only(monkeypatch):
    monkeypatch.setattr("mcpg_operator.admission.live._PATIENCE", 0.1)
    cluster = Slow()
    live = Live(cluster)
    first = threads(1, lambda _: live.all(TENANT))
    until(lambda: cluster.begun == 1)
    second = threads(1, lambda _: live.all(TENANT))
    until(lambda: TENANT in live._next)
    with pytest.raises(LookupFailedError, match="no answer in time"):
        live.all(TENANT)
    cluster.gate.set()
    join([*first, *second])


def test_a_defect_is_told_to_everybody_who_waits():
    live = Live(object())  # type: ignore[arg-type]
    with pytest.raises(AttributeError):
        live.all(TENANT)
