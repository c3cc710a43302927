"""The threads that make passes: nothing ends them, errors are spaced out, and each pass is seen."""

import logging
import threading
import time
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest

from mcpg_operator.resources import PLUGIN, SECRET, Key, Resource
from mcpg_operator.runtime.controller import Controller
from mcpg_operator.runtime.queue import WorkQueue
from mcpg_operator.runtime.store import Store
from mcpg_operator.services import Outcome, Result
from mcpg_operator.settings import Settings
from mcpg_operator.telemetry import Metrics
from mcpg_operator.tracing import current_trace
from supplychain.errors import ApplyRejectedError, ClusterUnavailableError, ConflictError

A, B = Key(PLUGIN, "a"), Key(PLUGIN, "b")


class Queue(WorkQueue):
    """Notes delays instead of waiting for them."""

    def __init__(self):
        super().__init__()
        self.pauses = []
        self.urgents = []

    def add_after(self, key, seconds, *, urgent=False):
        self.pauses.append(round(seconds, 3))
        self.urgents.append(urgent)


class Reconciler:
    name = "plugin"
    first: tuple[Key, ...] = ()

    def __init__(self, *answers, watches=()):
        self.answers = list(answers)
        self.seen = []
        self.watches = watches

    def reconcile(self, key):
        self.seen.append(key)
        answer = self.answers.pop(0) if self.answers else Result()
        if isinstance(answer, Exception):
            raise answer
        return answer() if callable(answer) else answer


def services(**settings):
    return SimpleNamespace(
        store=Store(), metrics=Metrics(), settings=Settings(**settings), now=lambda: datetime(2026, 11, 21, tzinfo=UTC)
    )


def passes(*answers, key=A):
    """Run the passes one after the other on this thread; gives the pauses and the metrics."""
    queue = Queue()
    world = services()
    controller = Controller(Reconciler(*answers), world, queue=queue, spread=lambda: 1.0)
    for _ in answers:
        controller._pass(key)
    return queue.pauses, world.metrics.registry


def count(registry, outcome):
    return registry.get_sample_value("mcpg_operator_reconcile_total", {"controller": "plugin", "outcome": outcome})


def until(true):
    end = time.monotonic() + 20
    while not true():
        assert time.monotonic() < end
        time.sleep(0.002)


def test_a_pass_that_asks_for_another_gets_it_and_one_that_does_not_waits_for_a_change():
    pauses, registry = passes(Result(after=600), Result())
    assert pauses == [600]
    assert count(registry, "success") == 2
    assert registry.get_sample_value("mcpg_operator_reconcile_duration_seconds_count", {"controller": "plugin"}) == 2


def test_pauses_after_errors_double_up_to_a_bound_and_start_over_after_a_success():
    down = ClusterUnavailableError("down")
    pauses, registry = passes(*[down] * 8, Result(), down)
    assert pauses == [5, 10, 20, 40, 80, 160, 300, 300, 5]
    assert count(registry, "transient_error") == 9


def test_every_object_has_a_count_of_its_own():
    queue = Queue()
    controller = Controller(
        Reconciler(*[ClusterUnavailableError("down")] * 3), services(), queue=queue, spread=lambda: 1.0, first_pause=0.5
    )
    for key in (A, A, B):
        controller._pass(key)
    assert queue.pauses == [0.5, 1, 0.5]


def test_the_time_that_a_server_named_is_waited_for():
    busy = ClusterUnavailableError("busy")
    busy.retry_after = 42
    assert passes(busy)[0] == [42]


def test_a_pass_may_ask_to_be_spaced_out_without_raising():
    answer = Result(outcome=Outcome.DEPENDENCY_PENDING, backoff=True, after=7)
    pauses, registry = passes(answer, answer, answer)
    assert pauses == [7, 10, 20]
    assert count(registry, "dependency_pending") == 3


def test_a_conflict_is_tried_again_at_once_and_then_spaced_out():
    pauses, _ = passes(ConflictError("changed"), ConflictError("changed"), Result(), ConflictError("changed"))
    assert pauses == [0, 10, 0]


def test_what_will_be_refused_again_waits_for_the_resync():
    pauses, registry = passes(ApplyRejectedError("no"), ApplyRejectedError("no"))
    assert pauses == [600, 600]
    assert count(registry, "permanent_error") == 2


def test_a_defect_is_logged_with_its_trace_and_spaced_out(caplog):
    pauses, registry = passes(ValueError("a defect"))
    assert pauses == [5]
    assert count(registry, "transient_error") == 1
    assert "a pass failed unexpectedly" in caplog.text
    assert "ValueError: a defect" in caplog.text


def test_the_spread_is_applied_to_every_pause():
    queue = Queue()
    controller = Controller(Reconciler(Result(after=100)), services(), queue=queue, spread=lambda: 1.2)
    controller._pass(A)
    assert queue.pauses == [120]


def test_the_spread_is_a_fifth_to_both_sides():
    queue = Queue()
    controller = Controller(Reconciler(*[Result(after=100)] * 200), services(), queue=queue)
    for _ in range(200):
        controller._pass(A)
    assert 80 <= min(queue.pauses) < 90
    assert 110 < max(queue.pauses) <= 120


def test_a_pass_that_wrote_is_told_and_one_that_did_not_is_not(caplog):
    caplog.set_level(logging.INFO)
    passes(Result(changed=True, after=3), Result())
    [line] = caplog.records
    assert (line.levelname, line.controller, line.kind, line.object, line.outcome, line.again_in) == (
        "INFO", "plugin", "MCPGPlugin", "a", "success", 3,
    )  # fmt: skip
    assert not hasattr(line, "namespace")


def test_an_error_is_told_with_its_reason_its_count_and_its_pause(caplog):
    passes(ClusterUnavailableError("down"), ClusterUnavailableError("down"), key=Key(SECRET, "a", "here"))
    first, second = caplog.records
    assert (second.levelname, second.getMessage(), second.reason, second.failures, second.again_in, second.namespace) == (
        "WARNING", "down", "ClusterUnavailable", 2, 10, "here",
    )  # fmt: skip
    assert first.failures == 1


def test_changes_reach_the_queue_through_the_watches():
    class Watch:
        kind = SECRET

        def keys(self, old, new):
            return [Key(PLUGIN, one.name) for one in (old, new) if one is not None]

    world = services()
    world.store.put(Resource(SECRET, {"metadata": {"name": "before", "namespace": "here"}}))
    reconciler = Reconciler(watches=(Watch(),))
    controller = Controller(reconciler, world, workers=1)
    controller.start()
    world.store.put(Resource(SECRET, {"metadata": {"name": "after", "namespace": "here"}}))
    until(lambda: len(reconciler.seen) == 2)
    controller.stop()
    assert controller.join(20)
    assert {key.name for key in reconciler.seen} == {"before", "after"}


def test_one_slow_object_keeps_no_other_waiting():
    gate = threading.Event()
    reconciler = Reconciler(lambda: gate.wait(20) and Result(), Result())
    controller = Controller(reconciler, services(), workers=2)
    controller.start()
    controller.queue.add(A)
    controller.queue.add(B)
    until(lambda: len(reconciler.seen) == 2 and controller.queue.working == 1)
    assert not gate.is_set()
    gate.set()
    controller.stop()
    assert controller.join(20)


def test_a_thread_survives_whatever_a_pass_raises():
    reconciler = Reconciler(ValueError("a defect"), ClusterUnavailableError("down"), Result())
    controller = Controller(reconciler, services(), workers=1, first_pause=0.001)
    controller.start()
    controller.queue.add(A)
    until(lambda: len(reconciler.seen) == 3)
    assert controller.alive
    controller.stop()
    assert controller.join(20)
    assert not controller.alive


def test_what_is_due_at_the_start_needs_no_object():
    reconciler = Reconciler()
    reconciler.first = (A,)
    controller = Controller(reconciler, services(), workers=1)
    controller.start()
    until(lambda: reconciler.seen == [A])
    controller.stop()
    assert controller.join(20)


def test_a_stop_lets_a_running_pass_finish_and_takes_no_other():
    gate = threading.Event()
    reconciler = Reconciler(lambda: gate.wait(20) and Result(after=0.001))
    controller = Controller(reconciler, services(), workers=1)
    controller.start()
    controller.queue.add(A)
    until(lambda: reconciler.seen)
    controller.queue.add(B)
    controller.stop()
    assert not controller.join(0.01)
    gate.set()
    assert controller.join(20)
    assert reconciler.seen == [A]


def test_an_idle_controller_shows_that_it_is_at_work(monkeypatch):
    monkeypatch.setattr("mcpg_operator.runtime.controller._HEARTBEAT", 0.001)
    world = services()
    controller = Controller(Reconciler(), world, workers=1)
    controller.start()
    name = "mcpg_operator_last_reconcile_timestamp_seconds"
    until(lambda: world.metrics.registry.get_sample_value(name, {"controller": "plugin"}))
    controller.stop()
    assert controller.join(20)


def test_who_resyncs_often_tries_again_as_often():
    queue = Queue()
    down = ClusterUnavailableError("down")
    controller = Controller(Reconciler(down, down), services(resync_interval=2), queue=queue, spread=lambda: 1.0)
    controller._pass(A)
    controller._pass(A)
    assert queue.pauses == [0.2, 0.4]


@pytest.mark.parametrize("workers", [1, 3])
def test_the_setting_says_how_many_threads_there_are(workers):
    assert len(Controller(Reconciler(), services(reconcile_concurrency=workers))._threads) == workers


@pytest.mark.parametrize("urgent", [True, False])
@pytest.mark.parametrize(
    ("answer", "still"),
    [
        pytest.param(ClusterUnavailableError("down"), True, id="failed"),
        pytest.param(ConflictError("changed"), True, id="conflict"),
        pytest.param(ApplyRejectedError("bad"), False, id="refused"),
        pytest.param(Result(after=600), False, id="done"),
    ],
)
def test_what_was_urgent_and_failed_is_urgent_again(answer, still, urgent):
    queue = Queue()
    controller = Controller(Reconciler(answer), services(), queue=queue, spread=lambda: 1.0)
    queue.add(A, urgent=urgent)
    key = queue.get(0)
    assert key == A
    controller._pass(key)
    assert queue.urgents == [still and urgent]


class Watch:
    kind = SECRET

    def __init__(self, *keys, **urgent):
        self.found = keys
        vars(self).update(urgent)

    def keys(self, old, new):
        return self.found


def test_keys_of_an_urgent_watch_and_those_due_at_the_start_come_before_all_others():
    world, queue = services(), WorkQueue()
    first, later, urgent = Key(PLUGIN, "first"), Key(PLUGIN, "later"), Key(PLUGIN, "urgent")
    reconciler = Reconciler(watches=(Watch(A, later, first), Watch(urgent, urgent=True)))
    reconciler.first = (first,)
    controller = Controller(reconciler, world, queue=queue)
    controller._threads = ()  # nobody takes anything
    world.store.put(Resource(SECRET, {"metadata": {"name": "a", "namespace": "x"}}))
    controller.start()
    assert [queue.get(0) for _ in range(5)] == [urgent, first, A, later, None]


def test_every_pass_has_a_trace_of_its_own():
    seen = []

    def note():
        seen.append(current_trace())
        return Result()

    world = services(reconcile_concurrency=1)
    controller = Controller(Reconciler(note, note), world, spread=lambda: 1.0)
    controller.start()
    try:
        for key in (A, B):
            controller.queue.add(key)
        until(lambda: len(seen) == 2)
    finally:
        controller.stop()
    assert controller.join(20)
    assert None not in seen
    assert seen[0] != seen[1]
    assert f'trace_id="{seen[0]}"' in (text := world.metrics.render(None)[0].decode()) or f'trace_id="{seen[1]}"' in text
