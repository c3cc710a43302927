"""The work queue: each wish once, one worker a key, delays by the clock."""

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcpg_operator.resources import PLUGIN, Key
from mcpg_operator.runtime.queue import WorkQueue

A, B, C = (Key(PLUGIN, name) for name in "abc")


class Clock:
    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


def test_keys_come_in_the_order_of_the_wishes_and_each_once():
    queue = WorkQueue()
    for key in (A, B, A, C, B):
        queue.add(key)
    assert queue.depth == 3
    assert [queue.get(0) for _ in range(4)] == [A, B, C, None]


def test_a_key_that_is_added_while_it_is_worked_on_comes_again_afterwards_and_once():
    queue = WorkQueue()
    queue.add(A)
    assert queue.get(0) == A
    queue.add(A)
    queue.add(A)
    assert (queue.get(0), queue.working) == (None, 1)
    queue.done(A)
    assert queue.get(0) == A
    queue.done(A)
    assert (queue.get(0), queue.working) == (None, 0)


def test_a_delayed_key_comes_when_its_time_has_come():
    clock = Clock()
    queue = WorkQueue(clock=clock)
    queue.add_after(A, 10)
    assert (queue.get(0), queue.delayed, queue.depth) == (None, 1, 0)
    clock.now += 9.9
    assert queue.get(0) is None
    clock.now += 0.1
    assert (queue.get(0), queue.delayed) == (A, 0)


def test_of_two_delays_the_earlier_counts():
    clock = Clock()
    queue = WorkQueue(clock=clock)
    queue.add_after(A, 10)
    queue.add_after(A, 5)
    queue.add_after(A, 20)
    clock.now += 5
    assert queue.get(0) == A
    queue.done(A)
    clock.now += 100
    assert queue.get(0) is None


def test_a_delay_of_nothing_is_a_wish_for_now():
    queue = WorkQueue()
    queue.add_after(A, 0)
    queue.add_after(B, -1)
    assert [queue.get(0), queue.get(0)] == [A, B]


def test_a_wish_for_now_does_not_undo_a_delay():
    clock = Clock()
    queue = WorkQueue(clock=clock)
    queue.add_after(A, 10)
    queue.add(A)
    assert queue.get(0) == A
    queue.done(A)
    clock.now += 10
    assert queue.get(0) == A


def test_a_delay_that_ends_while_the_key_is_worked_on_is_another_pass():
    clock = Clock()
    queue = WorkQueue(clock=clock)
    queue.add(A)
    assert queue.get(0) == A
    queue.add_after(A, 1)
    clock.now += 2
    assert queue.get(0) is None
    queue.done(A)
    assert queue.get(0) == A


def test_a_waiting_worker_gets_what_is_added_and_what_becomes_due():
    queue = WorkQueue()
    got: list[Key | None] = []
    done = threading.Event()

    def work():
        got.extend(queue.get(30) for _ in range(2))
        done.set()

    worker = threading.Thread(target=work)
    worker.start()
    queue.add(A)
    queue.add_after(B, 0.01)
    assert done.wait(20)
    worker.join(20)
    assert got == [A, B]


def test_a_time_out_ends_the_wait():
    assert WorkQueue().get(0.01) is None


def test_after_the_shutdown_nothing_comes_and_nothing_is_taken():
    queue = WorkQueue()
    queue.add(A)
    assert queue.get(0) == A
    queue.add(A)
    queue.add(B)
    queue.add_after(C, 1)
    queue.shutdown()
    queue.done(A)
    queue.add(B)
    queue.add_after(C, 1)
    assert (queue.get(1), queue.get(), queue.depth, queue.delayed) == (None, None, 0, 0)


def test_the_shutdown_wakes_a_worker_that_waits_for_ever():
    queue = WorkQueue()
    got = []
    worker = threading.Thread(target=lambda: got.append(queue.get()))
    worker.start()
    queue.shutdown()
    worker.join(20)
    assert got == [None]


# -- urgent wishes --------------------------------------------------------------------------------------------------------------


def take(queue: WorkQueue) -> Key:
    key = queue.get(0)
    assert key is not None
    return key


def test_what_is_urgent_overtakes_a_backlog_of_ten_thousand():
    queue = WorkQueue()
    for number in range(10_000):
        queue.add(Key(PLUGIN, str(number)))
    queue.add(A, urgent=True)
    queue.add(B, urgent=True)
    assert queue.depth == 10_002
    assert [queue.get(0) for _ in range(3)] == [A, B, Key(PLUGIN, "0")]


def test_a_key_that_waits_already_moves_to_the_front_and_comes_once():
    queue = WorkQueue()
    for key in (A, B, C):
        queue.add(key)
    queue.add(C, urgent=True)
    queue.add(C, urgent=True)
    queue.add(C)
    assert queue.depth == 3
    assert [queue.get(0) for _ in range(4)] == [C, A, B, None]


@pytest.mark.parametrize("wishes", [(True, False), (False, True), (True,)])
def test_an_urgent_wish_for_a_key_that_is_worked_on_is_urgent_afterwards(wishes):
    queue = WorkQueue()
    queue.add(A)
    assert queue.get(0) == A
    queue.add(B)
    for urgent in wishes:
        queue.add(A, urgent=urgent)
    assert queue.depth == 1
    queue.done(A)
    assert [queue.get(0) for _ in range(3)] == [A, B, None]


def test_no_number_of_urgent_keys_keeps_another_waiting_for_ever():
    queue = WorkQueue()
    queue.add(A)
    queue.add(B)
    urgent = [Key(PLUGIN, str(number)) for number in range(3)]
    given = []
    for _ in range(40):
        for key in urgent:
            queue.add(key, urgent=True)
        given.append(take(queue))
        queue.done(given[-1])
    assert given[0] == urgent[0], "the urgent one comes first"
    assert (given.index(A), given.index(B)) == (16, 33)


def test_urgent_keys_alone_use_up_no_patience():
    queue = WorkQueue()
    for number in range(100):
        queue.add(Key(PLUGIN, str(number)), urgent=True)
    for _ in range(50):
        queue.done(take(queue))
    queue.add(A)
    assert queue.get(0) == A, "its turn has come long ago"
    assert queue.get(0) == Key(PLUGIN, "50")


def test_an_urgent_wish_for_later_is_urgent_when_its_time_has_come():
    clock = Clock()
    queue = WorkQueue(clock=clock)
    queue.add_after(A, 10, urgent=True)
    queue.add_after(C, 0, urgent=True)
    queue.add(B)
    assert queue.get(0) == C
    clock.now += 10
    assert [queue.get(0) for _ in range(2)] == [A, B]


def test_it_says_what_is_urgent_until_that_is_done():
    queue = WorkQueue()
    queue.add(A)
    queue.add(B)
    assert not queue.hurried
    queue.add(B, urgent=True)
    assert queue.hurried
    assert (queue.get(0), queue.urgent(B), queue.hurried) == (B, True, True)
    queue.done(B)
    assert (queue.get(0), queue.urgent(A), queue.hurried, queue.urgent(B)) == (A, False, False, False)


def test_nothing_is_urgent_after_the_shutdown():
    queue = WorkQueue()
    queue.add(A, urgent=True)
    queue.shutdown()
    assert (queue.depth, queue.hurried, queue.get(0)) == (0, False, None)


def test_many_workers_never_hold_the_same_key_and_lose_no_wish():
    queue = WorkQueue()
    keys = [Key(PLUGIN, str(number)) for number in range(20)]
    held, seen, clashes, lock = set(), dict.fromkeys(keys, 0), [], threading.Lock()

    def work():
        while (key := queue.get(0.5)) is not None:
            with lock:
                clashes.extend([key] if key in held else [])
                held.add(key)
            with lock:
                held.discard(key)
                seen[key] += 1
            queue.done(key)

    workers = [threading.Thread(target=work) for _ in range(4)]
    for worker in workers:
        worker.start()
    for turn in range(50):
        for number, key in enumerate(keys):
            queue.add(key, urgent=(turn + number) % 3 == 0)
    for worker in workers:
        worker.join(30)
    assert clashes == []
    assert min(seen.values()) >= 1
    assert (queue.depth, queue.working) == (0, 0)


@given(st.lists(st.tuples(st.sampled_from(["add", "urge", "after", "get", "done", "tick"]), st.sampled_from([A, B, C]))))
def test_no_order_of_calls_gives_a_key_twice_at_once_or_forgets_one(steps):
    clock = Clock()
    queue = WorkQueue(clock=clock)
    held: list[Key] = []
    wished: set[Key] = set()
    for step, key in steps:
        if step in {"add", "urge"}:
            queue.add(key, urgent=step == "urge")
            wished.add(key)
        elif step == "after":
            queue.add_after(key, 3)
            wished.add(key)
        elif step == "get":
            found = queue.get(0)
            assert found not in held
            if found is not None:
                held.append(found)
                wished.discard(found)
        elif step == "done" and held:
            queue.done(held.pop(0))
        else:
            clock.now += 1
    while held:
        queue.done(held.pop())
    clock.now += 10
    left = set()
    while (found := queue.get(0)) is not None:
        left.add(found)
    assert left >= wished
