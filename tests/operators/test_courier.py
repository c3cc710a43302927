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


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_errands_wait_while_something_is_urgent_and_those_who_bring_them_do_not():
    hurry, done = threading.Event(), threading.Event()
    asked = threading.Event()
    hurry.set()

    def hurried() -> bool:
        asked.set()
        return hurry.is_set()

    courier, seen = Courier(hurried=hurried), []
    courier.start()
    courier.run(lambda: seen.append("first"))
    courier.run(done.set)
    assert asked.wait(SOON)
    assert not done.is_set()
    assert seen == []
    hurry.clear()
    assert done.wait(SOON)
    assert seen == ["first"]
    assert courier.stop(SOON)


def test_no_errand_waits_longer_than_half_a_minute():
    clock, done = Clock(), threading.Event()
    looks: list[float] = []

    def hurried() -> bool:
        looks.append(clock.now)
        clock.now += 10
        return True

    courier = Courier(hurried=hurried, clock=clock)
    courier.start()
    courier.run(done.set)
    assert done.wait(SOON)
    assert looks == [0, 10, 20]
    assert courier.stop(SOON)


def test_errands_that_take_all_the_room_do_not_wait():
    courier, done = Courier(room=2, hurried=lambda: True, clock=Clock()), threading.Event()
    courier.run(done.set)
    courier.run(done.set)
    courier.start()
    assert done.wait(SOON)
    assert courier.stop(SOON)


def test_what_waits_for_the_urgent_is_finished_at_the_end():
    asked, seen = threading.Event(), []

    def hurried() -> bool:
        asked.set()
        return True

    courier = Courier(hurried=hurried, clock=Clock())
    courier.start()
    courier.run(lambda: seen.append("it"))
    assert asked.wait(SOON)
    assert courier.stop(SOON)
    assert seen == ["it"]


def test_what_is_being_run_still_waits_to_be_done():
    courier, hold, begun = Courier(), threading.Event(), threading.Event()

    def hang() -> None:
        begun.set()
        hold.wait(SOON)

    assert courier.waiting == 0
    courier.run(hang)
    courier.run(lambda: None)
    assert courier.waiting == 2
    courier.start()
    assert begun.wait(SOON)
    assert courier.waiting == 2
    hold.set()
    assert courier.stop(SOON)
    assert courier.waiting == 0
