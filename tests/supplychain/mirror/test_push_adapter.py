"""An answer to a push ends in time, however it comes; over TLS, too."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

import pytest

from supplychain.errors import RegistryUnavailableError
from supplychain.limits import Limits
from supplychain.mirror.credentials import ANONYMOUS
from supplychain.mirror.push_session import PushSession, read_answer
from tests.support.private_ca import PrivateCa
from tests.support.weather import Reply, proxying

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.support.weather import Asked, FaultProxy

LIMITS = Limits(total_seconds=0.4, first_byte_seconds=20, connect_seconds=5)
PATIENT = Limits(total_seconds=3600)


@pytest.fixture(params=["http", "https"])
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[FaultProxy, Path | None]]:
    ca = PrivateCa(tmp_path / "ca") if request.param == "https" else None
    with proxying("127.0.0.1:9", certificate=ca.server("127.0.0.1") if ca else None) as found:
        yield found, ca.certificate if ca else None


def session(server: tuple[FaultProxy, Path | None], answer: Reply, *, limits: Limits = LIMITS) -> PushSession:
    """Connect while the server is quick; from then on it answers so."""
    proxy, ca_file = server

    def reply(asked: Asked, _: Callable[[], Reply]) -> Reply:
        return answer if asked.path != "/v2/" else Reply()

    proxy.fault = reply
    return PushSession(
        proxy.host, "a", credentials=ANONYMOUS, insecure=False, ca_file=ca_file, plain_credentials=False, limits=limits
    )


def test_a_head_that_never_ends_is_left(server: tuple[FaultProxy, Path | None]) -> None:
    began = time.monotonic()
    with session(server, Reply(status=201, piece=1, pause=0.05)) as one, pytest.raises(RegistryUnavailableError):
        one.request("GET", f"{one.origin}/v2/a/x")
    assert time.monotonic() - began < 20


@pytest.mark.parametrize("length", [-1, None], ids=["with a length", "without"])
def test_a_body_that_never_ends_is_left(server: tuple[FaultProxy, Path | None], length: int | None) -> None:
    began = time.monotonic()
    slow = Reply(body=b"x" * 1000, length=length, cut=lambda head, _: head + 900, piece=200, pause=0.2)
    with session(server, slow) as one:
        answer = one.request("GET", f"{one.origin}/v2/a/x")
        with pytest.raises(RegistryUnavailableError):
            read_answer(answer, bound=10_000)
    assert time.monotonic() - began < 20


def test_an_answer_in_time_is_whole_and_no_timer_stays(server: tuple[FaultProxy, Path | None]) -> None:
    with session(server, Reply(body=b"x" * 5000), limits=PATIENT) as one:
        for _ in range(3):
            assert read_answer(one.request("GET", f"{one.origin}/v2/a/x"), bound=10_000) == b"x" * 5000
    for timer in (thread for thread in threading.enumerate() if isinstance(thread, threading.Timer)):
        timer.join(10)  # it was called off and needs no more than a moment
        assert not timer.is_alive()
