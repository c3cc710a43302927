"""No wait below HTTP is longer than it may be: for a name, for an address, for the head of an answer."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from supplychain.mirror.dialing import bound, within
from tests.support.loopback_server import Answer, serving
from tests.support.private_ca import PrivateCa

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

LONG = httpx.Timeout(30)


@pytest.fixture
def client() -> Iterator[httpx.Client]:
    with httpx.Client(trust_env=False, timeout=LONG) as made:
        bound(made)
        yield made


def resolving(monkeypatch: pytest.MonkeyPatch, answer: Callable[[], list[str]]) -> None:
    before = socket.getaddrinfo

    def look_up(host: Any, port: Any, *arguments: Any, **named: Any) -> Any:
        if host != "somewhere.test":
            return before(host, port, *arguments, **named)
        return [one for address in answer() for one in before(address, port, *arguments, **named)]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)


def test_an_address_needs_no_resolver(client: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("supplychain.mirror.dialing._look_up", lambda *_: pytest.fail("the resolver was asked"))
    with serving(lambda _: Answer(body=b"here")) as server:
        assert client.get(server.url).content == b"here"


def test_a_name_leads_to_its_addresses_one_after_the_other_and_the_good_one_is_tried_first_next_time(
    client: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[str] = []
    with serving(lambda _: Answer(body=b"here")) as server:
        backend = client._transport._pool._network_backend  # type: ignore[attr-defined]
        connect = backend._inner.connect_tcp

        def noted(address: str, *arguments: Any) -> Any:
            tried.append(address)
            return connect(address, *arguments)

        monkeypatch.setattr(backend._inner, "connect_tcp", noted)
        resolving(monkeypatch, lambda: ["127.0.0.3", "127.0.0.1", "127.0.0.1"])
        url = f"http://somewhere.test:{server.host.rpartition(':')[2]}/"
        assert client.get(url).content == b"here"
        assert tried == ["127.0.0.3", "127.0.0.1"]
        tried.clear()
        assert client.get(url).content == b"here"
        assert tried == ["127.0.0.1"]


def test_the_failure_of_the_last_address_is_told(client: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    resolving(monkeypatch, lambda: ["127.0.0.3", "127.0.0.4"])
    with pytest.raises(httpx.ConnectError):
        client.get("http://somewhere.test:9/")


def test_a_name_without_addresses_is_no_connection(client: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    resolving(monkeypatch, list)
    with pytest.raises(httpx.ConnectError, match="has no address"):
        client.get("http://somewhere.test/")


def test_a_resolver_that_hangs_is_left(client: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    over = threading.Event()

    def hang() -> list[str]:
        over.wait(30)
        return []

    resolving(monkeypatch, hang)
    try:
        with pytest.raises(httpx.ConnectTimeout, match="not resolved"):
            client.get("http://somewhere.test/", timeout=0.05)
        with within(0.05), pytest.raises(httpx.ConnectTimeout, match="not resolved"):
            client.get("http://somewhere.test/")
    finally:
        over.set()


def test_those_who_want_the_same_name_wait_for_one_resolver_and_a_stuck_one_is_replaced_after_a_while(
    client: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    over, begun = threading.Event(), threading.Semaphore(0)
    asked: list[threading.Thread] = []

    def hang() -> list[str]:
        asked.append(threading.current_thread())
        begun.release()
        over.wait(30)
        return ["127.0.0.1"]

    resolving(monkeypatch, hang)
    with serving(lambda _: Answer(body=b"here")) as server:
        url = f"http://somewhere.test:{server.host.rpartition(':')[2]}/"
        try:
            for _ in range(5):
                with pytest.raises(httpx.ConnectTimeout, match="not resolved"):
                    client.get(url, timeout=0.02)
            assert begun.acquire(timeout=10)
            assert len(asked) == 1
            monkeypatch.setattr("supplychain.mirror.dialing._ANOTHER_TRY", -1.0)
            with pytest.raises(httpx.ConnectTimeout, match="not resolved"):
                client.get(url, timeout=0.02)
            assert begun.acquire(timeout=10)
            assert len(asked) == 2
        finally:
            over.set()
        for thread in asked:
            thread.join()
        assert client.get(url).content == b"here"
        assert len(asked) == 3, "an answer is for those who waited, not for later"


def test_what_the_resolver_says_is_told_and_what_is_no_name_stays_what_it_is(
    client: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unknown() -> list[str]:
        raise socket.gaierror(-2, "Name or service not known")

    resolving(monkeypatch, unknown)
    with pytest.raises(httpx.ConnectError, match="Name or service not known") as caught:
        client.get("http://somewhere.test/")
    assert isinstance(caught.value.__context__, socket.gaierror)

    def unusable() -> list[str]:
        raise UnicodeError("label too long")

    resolving(monkeypatch, unusable)
    with pytest.raises(UnicodeError):
        client.get("http://somewhere.test/")


def test_a_head_that_comes_byte_by_byte_gets_no_more_time_than_all_of_it(client: httpx.Client) -> None:
    over = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def trickle() -> None:
            connection, _ = listener.accept()
            with connection:
                while not over.wait(0.02):
                    try:
                        connection.sendall(b"H")
                    except OSError:
                        return

        thread = threading.Thread(target=trickle)
        thread.start()
        try:
            began = time.monotonic()
            with within(0.3), pytest.raises(httpx.HTTPError):
                client.get(f"http://127.0.0.1:{listener.getsockname()[1]}/")
            assert time.monotonic() - began < 20
        finally:
            over.set()
            thread.join()


def test_time_that_is_over_starts_nothing(client: httpx.Client) -> None:
    with serving(lambda _: Answer(body=b"here")) as server:
        with within(-1), pytest.raises(httpx.ReadTimeout, match="over"):
            client.get(server.url)
        assert server.asked == []
        assert client.get(server.url).content == b"here"  # and it counts for nobody else


def test_tls_is_spoken_on_top(tmp_path: Path) -> None:
    ca = PrivateCa(tmp_path / "ca")
    context = ssl.create_default_context(cafile=str(ca.certificate))
    with (
        serving(lambda _: Answer(body=b"here"), certificate=ca.server("127.0.0.1")) as server,
        httpx.Client(trust_env=False, verify=context) as client,
    ):
        bound(client)
        assert client.get(server.url).content == b"here"
        assert client.get(server.url.replace("127.0.0.1", "localhost")).content == b"here"


def test_the_library_may_pause_between_tries(monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    with httpx.Client(transport=httpx.HTTPTransport(retries=2), trust_env=False) as client:
        bound(client)
        backend = client._transport._pool._network_backend  # type: ignore[attr-defined]
        monkeypatch.setattr(backend._inner, "sleep", slept.append)
        with pytest.raises(httpx.ConnectError):
            client.get("http://127.0.0.3:9/")
    assert len(slept) == 2


def test_proxies_are_bounded_and_doubles_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("NO_PROXY", "direct.test")
    with httpx.Client() as client:
        bound(client)
        pools = [one._pool._network_backend for one in client._mounts.values() if one is not None]  # type: ignore[attr-defined]
        assert {type(one).__name__ for one in pools} == {"_Dialer"}
    double = httpx.MockTransport(lambda _: httpx.Response(204))
    with httpx.Client(transport=double, trust_env=False) as client:
        bound(client)
        assert client.get("http://somewhere.test/").status_code == 204
