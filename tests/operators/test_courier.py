"""What can wait is done behind the rest, in its order, and never lost while the process lives."""

from __future__ import annotations

import logging
import threading
from functools import partial

import pytest

from mcpg_operator.runtime.courier import Courier

SOON = 10


def note(seen: list[tuple[int, str]], number: int) -> None:
    seen.append((number, threading.current_thread().name))


def test_errands_are_run_in_order_on_a_thread_of_their_own():
    courier, done = Courier(), threading.Event()
    seen: list[tuple[int, str]] = []
    courier.start()
    for number in range(50):
        courier.run(partial(note, seen, number))
    courier.run(done.set)
    assert done.wait(SOON)
    assert seen == [(number, "courier") for number in range(50)]
    assert courier.stop(SOON)
    assert not courier.alive


def test_whoever_finds_no_room_runs_the_errand_on_the_spot():
    courier = Courier(room=2)
    here: list[tuple[int, str]] = []
    for number in range(4):
        courier.run(partial(note, here, number))
    assert here == [(2, "MainThread"), (3, "MainThread")]
    courier.start()
    assert courier.stop(SOON)
    assert here[2:] == [(0, "courier"), (1, "courier")]


def test_what_waits_is_finished_before_the_end_and_what_comes_later_is_run_on_the_spot():
    courier, seen = Courier(), []
    courier.run(lambda: seen.append("early"))
    courier.start()
    assert courier.stop(SOON)
    courier.run(lambda: seen.append("late"))
    assert seen == ["early", "late"]


def test_an_end_waits_no_longer_than_it_is_told():
    courier, hold, begun = Courier(), threading.Event(), threading.Event()
    courier.start()

    def hang() -> None:
        begun.set()
        hold.wait(SOON)

    courier.run(hang)
    assert begun.wait(SOON)
    assert not courier.stop(0)
    hold.set()
    assert courier.stop(SOON)


@pytest.mark.parametrize("started", [True, False])
def test_an_idle_courier_ends_at_once(started):
    courier = Courier()
    if started:
        courier.start()
    assert courier.stop(SOON)


def test_a_defect_in_one_errand_is_told_and_keeps_no_other_from_being_run(caplog):
    courier, done = Courier(), threading.Event()
    courier.start()
    with caplog.at_level(logging.ERROR):
        courier.run(lambda: 1 / 0)
        courier.run(done.set)
        assert done.wait(SOON)
    assert courier.stop(SOON)
    assert [one.message for one in caplog.records] == ["an errand failed unexpectedly"]
