"""A host gets no more than its share of any minute, whoever asks; and whoever waits is seen."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING

import httpx
import pytest

from supplychain.limits import Limits
from supplychain.mirror import budget as module
from supplychain.mirror.budget import Budget, Wait, seconds_waited, shared, waits
from supplychain.mirror.transport import RegistryClient
from tests.support.fake_registry import FakeRegistry

if TYPE_CHECKING:
    from collections.abc import Iterator

HOST = "registry.example"
MIB = 1 << 20


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def alone(monkeypatch: pytest.MonkeyPatch) -> dict[tuple[int | None, int | None], Budget]:
    """The budgets of this process: none."""
    found: dict[tuple[int | None, int | None], Budget] = {}
    monkeypatch.setattr(module, "_SHARED", found)
    return found


def budget(clock: Clock, *, requests: int | None = None, size: int | None = None) -> Budget:
    return Budget(requests_per_minute=requests, bytes_per_minute=size, clock=clock, sleep=clock.sleep)


def most_in_a_minute(sent: list[float]) -> int:
    return max(sum(at <= other < at + 60 for other in sent) for at in sent)


def test_without_rates_nobody_waits(clock: Clock) -> None:
    free = budget(clock)
    assert [free.request(HOST) for _ in range(1000)] == [0.0] * 1000
    assert free.carried(HOST, 1 << 40) == 0.0
    assert (clock.slept, free.waits(), free.waited) == ([], (), 0.0)


@pytest.mark.parametrize("rate", [1, 3, 60])
@pytest.mark.parametrize("pause", [0.0, 0.7, 25.0])
def test_no_minute_sees_more_requests_than_allowed(clock: Clock, rate: int, pause: float) -> None:
    some = budget(clock, requests=rate)
    sent = []
    for _ in range(4 * rate):
        some.request(HOST)
        sent.append(clock.now)
        clock.now += pause
    assert most_in_a_minute(sent) <= rate


def test_a_burst_goes_at_once_and_what_is_above_waits_its_turn(clock: Clock) -> None:
    some = budget(clock, requests=2)
    assert [some.request(HOST) for _ in range(3)] == [0.0, 0.0, 60.0]
    assert some.waited == 60.0


def test_every_host_has_its_own_share(clock: Clock) -> None:
    some = budget(clock, requests=1)
    assert some.request(HOST) == some.request("other.example") == 0.0
    assert some.request(HOST) == 60.0


def test_those_who_wait_together_get_different_turns(clock: Clock) -> None:
    turns: list[float] = []
    some = Budget(requests_per_minute=1, clock=clock, sleep=turns.append)  # time stands still
    for _ in range(4):
        some.request(HOST)
    assert turns == [60.0, 120.0, 180.0]
    assert some.waits() == (Wait(host=HOST, seconds=180.0),)


def test_bytes_are_counted_when_they_come_and_the_next_ones_wait(clock: Clock) -> None:
    some = budget(clock, size=MIB)
    assert some.carried(HOST, MIB - 1) == 0.0
    assert some.request(HOST) == 0.0
    assert some.carried(HOST, 1) == pytest.approx(60.25)
    assert some.request(HOST) == 0.0


def test_no_minute_carries_more_bytes_than_allowed_but_for_one_piece(clock: Clock) -> None:
    some, pieces = budget(clock, size=MIB), []
    for _ in range(200):
        pieces.append((clock.now, 64 * 1024))
        clock.now += 0.01
        some.carried(HOST, 64 * 1024)
    most = max(sum(size for at, size in pieces if since <= at < since + 60) for since, _ in pieces)
    assert most <= MIB + 64 * 1024


def test_a_request_waits_for_room_too(clock: Clock) -> None:
    def leave(seconds: float) -> None:
        raise InterruptedError(seconds)

    some = Budget(requests_per_minute=100, bytes_per_minute=MIB, clock=clock, sleep=leave)
    assert some.request(HOST) == 0.0
    with pytest.raises(InterruptedError):
        some.carried(HOST, 2 * MIB)
    clock.now += 20
    with pytest.raises(InterruptedError, match=r"40\.25"):
        some.request(HOST)
    assert some.request("other.example") == 0.0


def test_those_who_waited_for_room_do_not_all_go_at_once(clock: Clock) -> None:
    some, sent = budget(clock, requests=1, size=MIB), []
    some._host(HOST).pieces.append((999.0, 2 * MIB))
    some._host(HOST).carried = 2 * MIB
    for _ in range(3):
        clock.now = 1000.0  # each began at the same time
        some.request(HOST)
        sent.append(clock.now)
    assert most_in_a_minute(sent) == 1


def test_a_body_is_counted_piece_by_piece_and_keeps_its_length(clock: Clock) -> None:
    some = budget(clock, size=2 * MIB)
    assert some.sending(b"x" * MIB, host=HOST) == b"x" * MIB
    body = some.sending([b"y" * MIB, b"z"], host=HOST)
    assert len(body) == 2  # type: ignore[arg-type]
    assert clock.slept == []
    assert list(body) == [b"y" * MIB, b"z"]
    assert sum(clock.slept) == pytest.approx(60.25)
    pieces = [b"x"]
    assert budget(clock).sending(pieces, host=HOST) is pieces


def test_hosts_that_nobody_asks_any_more_are_forgotten(clock: Clock) -> None:
    some = budget(clock, requests=1, size=MIB)
    for number in range(module._HOSTS):
        some.request(f"h{number}.example") if number % 2 else some.carried(f"h{number}.example", 10)
    clock.now += 50
    some.request("recent.example")
    some.carried("loaded.example", 10)
    assert len(some._hosts) == module._HOSTS + 2
    clock.now += 11
    assert some.request("one-more.example") == 0.0
    assert set(some._hosts) == {"recent.example", "loaded.example", "one-more.example"}
    assert some.request("recent.example") == 49.0


def test_waiting_is_logged_once_a_minute_for_each_host(clock: Clock, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="supplychain.mirror.budget")
    some = Budget(requests_per_minute=1, clock=clock, sleep=lambda _: None)
    for _ in range(5):
        some.request(HOST)
    assert [record.getMessage() for record in caplog.records] == [f"waiting 60 seconds for the budget of registry `{HOST}`"]
    assert caplog.records[0].__dict__["registry"] == HOST
    clock.now += 61
    some.request(HOST)
    assert len(caplog.records) == 2


def test_a_short_wait_is_no_news(clock: Clock, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="supplychain.mirror.budget")
    some = budget(clock, requests=1)
    some.request(HOST)
    clock.now += 59.5
    assert some.request(HOST) == 0.5
    assert caplog.records == []


def test_a_process_has_one_budget_for_each_rate(alone: object) -> None:
    limits = Limits(requests_per_minute=5)
    assert shared(limits) is shared(Limits(requests_per_minute=5, retries=0))
    assert shared(limits) is not shared(Limits())
    assert waits() == ()
    assert seconds_waited() == 0.0


def test_what_a_process_waits_for_is_seen_longest_first(alone: dict[object, Budget], clock: Clock) -> None:
    alone[1, None] = Budget(requests_per_minute=1, clock=clock, sleep=lambda _: None)
    for host in ("a.example", "a.example", "b.example", "b.example", "b.example", "c.example"):
        alone[1, None].request(host)
    assert waits() == (Wait(host="b.example", seconds=120.0), Wait(host="a.example", seconds=60.0))
    assert seconds_waited() == 240.0


def test_all_clients_of_a_process_share_it_and_no_time_out_runs_meanwhile(alone: dict[object, Budget], clock: Clock) -> None:
    registry = FakeRegistry(HOST)
    registry.add_plugin("acme/echo", b"package", "1.0")
    limits = Limits(requests_per_minute=1, total_seconds=10)
    alone[1, None] = budget(clock, requests=1)
    sent: list[float] = []

    def answer(request: httpx.Request) -> httpx.Response:
        sent.append(clock.now)
        return registry(request)

    for _ in range(3):
        with RegistryClient(transport=httpx.MockTransport(answer), clock=clock, sleep=clock.sleep, limits=limits) as client:
            talk = client.conversation(HOST, "acme/echo")
            for _ in range(2):
                talk.get("/v2/acme/echo/manifests/1.0", consume=lambda answer: answer.read(10_000))
    assert sent == [1000.0 + 60 * number for number in range(6)]


def test_a_token_does_not_grow_old_while_the_budget_makes_wait(clock: Clock) -> None:
    ends: dict[str, float] = {}
    asked: list[float] = []

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.host == "auth.example":
            ends[f"Bearer t{len(ends)}"] = clock.now + 60
            return httpx.Response(200, content=iter([b'{"token": "t%d", "expires_in": 60}' % (len(ends) - 1)]))
        asked.append(clock.now)
        if ends.get(request.headers.get("authorization", ""), 0) > clock.now:
            return httpx.Response(200, content=iter([b"here"]))
        realm = 'Bearer realm="https://auth.example/token"'
        return httpx.Response(401, headers={"WWW-Authenticate": realm}, content=iter([b"{}"]))

    some = budget(clock, requests=1)
    with RegistryClient(transport=httpx.MockTransport(answer), clock=clock, sleep=clock.sleep, budget=some) as client:
        talk = client.conversation(HOST, "acme/echo")
        assert talk.get("/v2/acme/echo/manifests/1.0", consume=lambda answer: answer.read(10)) == b"here"
    assert asked == [1000.0, 1060.0]


def test_bytes_that_wait_do_not_let_the_time_run_out(clock: Clock) -> None:
    registry = FakeRegistry(HOST)
    registry.chunk = MIB
    digest = registry.put_blob("acme/echo", bytes(4 * MIB))
    limits = Limits(total_seconds=10)
    transport = httpx.MockTransport(registry)
    client = RegistryClient(transport=transport, clock=clock, sleep=clock.sleep, limits=limits, budget=budget(clock, size=MIB))
    with client:
        data = client.conversation(HOST, "acme/echo").get(f"/v2/acme/echo/blobs/{digest}", consume=lambda one: one.read(8 * MIB))
    assert len(data) == 4 * MIB
    assert clock.now - 1000 > 180


def test_threads_share_it(clock: Clock) -> None:
    sent: list[float] = []
    lock = threading.Lock()

    def turn(seconds: float) -> None:
        with lock:
            sent.append(seconds)

    some = Budget(requests_per_minute=10, clock=clock, sleep=turn)
    threads = [threading.Thread(target=lambda: [some.request(HOST) for _ in range(25)]) for _ in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert sorted(sent) == [60.0 * turn for turn in range(1, 10) for _ in range(10)]


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    yield
    logging.getLogger("supplychain.mirror.budget").setLevel(logging.NOTSET)
