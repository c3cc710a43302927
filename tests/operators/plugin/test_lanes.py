"""Downloads beside the passes: bounded, fair to small ones, cancellable, and never the end of a thread."""

import threading
from typing import Any

import pytest

from mcpg_operator.controllers.plugin.lanes import Lanes, Ticket

MIB = 1024 * 1024


class Result:
    def __init__(self) -> None:
        self.closed = False

    def close(self) -> None:
        self.closed = True


def lanes(threads: int = 0) -> tuple[Lanes[Any], list[str]]:
    ready: list[str] = []
    return Lanes(threads=threads, ready=ready.append, release=lambda one: one.close()), ready


def downloads(size: int, log: list[str]) -> Any:
    def work(ticket: Ticket[Any]) -> Result:
        ticket.progress(1, size)
        log.append(ticket.name)
        return Result()

    return work


def test_work_is_done_once_and_announced():
    some, ready = lanes()
    some.submit("a", attempt="1", work=downloads(1, []))
    assert some.work_once()
    assert not some.work_once()
    found = some.find("a")
    assert found is not None
    assert (found.done, ready) == (True, ["a"])


def test_the_beginning_is_announced_as_well():
    told: list[str] = []
    some: Lanes[Any] = Lanes(threads=0, ready=lambda _: told.append("ready"), began=lambda _: told.append("began"))
    some.submit("a", attempt="1", work=downloads(1, told))
    assert told == []
    some.work_once()
    assert told == ["began", "a", "ready"]


def test_a_new_wish_under_the_same_name_takes_the_place_of_the_old_one():
    some, _ = lanes()
    log: list[str] = []
    some.submit("a", attempt="1", work=downloads(1, log))
    some.submit("a", attempt="2", work=downloads(1, log))
    while some.work_once():
        pass
    found = some.find("a")
    assert found is not None
    assert (found.attempt, log) == ("2", ["a"])


def test_what_is_dropped_while_it_waits_is_never_begun():
    some, ready = lanes()
    log: list[str] = []
    some.submit("a", attempt="1", work=downloads(1, log))
    some.drop("a")
    assert not some.work_once()
    assert (log, ready, some.find("a")) == ([], [], None)


def test_what_is_dropped_when_it_is_done_is_closed():
    some, _ = lanes()
    result = Result()
    some.submit("a", attempt="1", work=lambda _: result)
    some.work_once()
    some.drop("a")
    assert result.closed


def test_what_is_dropped_while_it_runs_ends_at_its_next_piece_and_announces_nothing():
    some, ready = lanes()

    def work(ticket: Ticket[Any]) -> Result:
        some.drop("a")
        ticket.progress(1, 1)
        raise AssertionError("it went on")

    some.submit("a", attempt="1", work=work)
    some.work_once()
    assert (ready, some.find("a")) == ([], None)


def test_a_result_that_nobody_wants_any_more_is_closed():
    some, ready = lanes()
    result = Result()

    def work(ticket: Ticket[Any]) -> Result:
        some.drop("a")
        return result

    some.submit("a", attempt="1", work=work)
    some.work_once()
    assert result.closed
    assert ready == []


def test_a_defect_in_one_download_is_told_and_asked_again():
    some, ready = lanes()

    def work(_: Ticket[Any]) -> Result:
        raise ValueError("a defect")

    some.submit("a", attempt="1", work=work)
    some.work_once()
    assert (ready, some.find("a")) == (["a"], None)


def test_a_large_download_waits_for_large_ones_while_small_ones_pass():
    some, _ = lanes()
    log: list[str] = []
    started = threading.Event()
    go_on = threading.Event()

    def first(ticket: Ticket[Any]) -> Result:
        ticket.progress(1, 100 * MIB)
        started.set()
        assert go_on.wait(10)
        log.append("first")
        return Result()

    some.submit("first", attempt="1", work=first)
    thread = threading.Thread(target=some.work_once)
    thread.start()
    assert started.wait(10)
    some.submit("second", attempt="1", work=downloads(100 * MIB, log))
    some.submit("small", attempt="1", work=downloads(1, log))
    while some.work_once():
        pass
    assert log == ["small"]
    waiting = some.find("second")
    assert waiting is not None
    assert (waiting.large, waiting.done, some.seconds(waiting)) == (True, False, 0.0)
    go_on.set()
    thread.join(10)
    while some.work_once():
        pass
    assert log == ["small", "first", "second"]


def test_no_work_is_begun_while_too_many_results_wait_to_be_taken():
    some, _ = lanes()
    for number in range(20):
        some.submit(str(number), attempt="1", work=lambda _: Result())
    while some.work_once():
        pass
    assert sum(found.done for number in range(20) if (found := some.find(str(number)))) == 16
    some.drop("0")
    assert some.work_once()


def test_threads_do_the_work_and_end_when_they_are_told():
    done = threading.Event()
    some: Lanes[Any] = Lanes(threads=2, ready=lambda _: done.set())
    some.submit("a", attempt="1", work=lambda _: Result())
    assert done.wait(10)
    some.close()
    for thread in some._started:
        thread.join(10)
        assert not thread.is_alive()
    some.submit("b", attempt="1", work=lambda _: Result())
    assert some.find("b") is None


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_many_small_downloads_finish_beside_large_ones_that_never_end(threads):
    finished: list[str] = []
    many = threading.Event()
    stop = threading.Event()

    def ready(name: str) -> None:
        finished.append(name)
        some.drop(name)
        if len(finished) == 40:
            many.set()

    def endless(ticket: Ticket[Any]) -> Result:
        ticket.progress(1, 100 * MIB)
        while not stop.wait(0.001):
            ticket.progress(1, 100 * MIB)
        return Result()

    some: Lanes[Any] = Lanes(threads=threads, ready=ready)
    if threads > 1:
        for number in range(3):
            some.submit(f"large-{number}", attempt="1", work=endless)
    for number in range(40):
        some.submit(f"small-{number}", attempt="1", work=lambda _: Result())
    try:
        assert many.wait(20)
    finally:
        stop.set()
        some.close()
