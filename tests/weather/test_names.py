"""What befalls names: DNS that fails, hangs or leads to an address that is down, certificates for others, realms elsewhere."""

from __future__ import annotations

import json
import socket
import threading
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from supplychain.mirror.probe import Finding, Target, probe
from tests.support.loopback_server import Answer, serving
from tests.support.private_ca import PrivateCa
from tests.support.processes import free_port
from tests.support.registries import PASSWORD, docker_config
from tests.support.weather import Reply, proxying
from tests.weather.conftest import HURRIED, PATIENT, SECRET

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.support.loopback_server import LoopbackServer
    from tests.support.registries import RunningRegistries
    from tests.support.weather import FaultProxy
    from tests.support.weather.proxy import Asked, Fault
    from tests.weather.conftest import Said, World

NAME = "registry.weather.test"
ELSEWHERE = "realm.weather.test"
COMMAND = "verify and save"


@pytest.fixture(scope="module")
def ca(tmp_path_factory: pytest.TempPathFactory) -> PrivateCa:
    return PrivateCa(tmp_path_factory.mktemp("weather") / "ca")


@pytest.fixture(scope="module")
def tls(registries: RunningRegistries, ca: PrivateCa) -> Iterator[FaultProxy]:
    """The registry behind TLS, with a certificate for 127.0.0.1 and `localhost`."""
    with proxying(registries.referrers.host, certificate=ca.server("127.0.0.1")) as found:
        yield found
        found.clear()


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What names stand for: addresses, or a function that is called; other names are what they were."""
    found: dict[str, Any] = {}
    before = socket.getaddrinfo

    def look_up(host: Any, port: Any, *arguments: Any, **named: Any) -> Any:
        meant = found.get(host)
        if meant is None:
            return before(host, port, *arguments, **named)
        addresses = meant() if callable(meant) else meant
        return [entry for address in addresses for entry in before(address, port, *arguments, **named)]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    return found


def ask(world: World, host: str, *more: str, limits: Any = HURRIED) -> Said:
    """Verify the plugin at another host of the same content."""
    (world.folder / "config.json").write_bytes(docker_config(host))
    verify = world.commands[COMMAND]
    reference = f"{host}/{world.published.repository}@{world.published.digest}"
    world.commands["elsewhere"] = [verify[0], reference, *verify[2:]]
    return world.run("elsewhere", limits, *more)


def trusting(ca: PrivateCa) -> tuple[str, str]:
    return "--ca-file", str(ca.certificate)


def nothing_left(world: World) -> None:
    assert world.leftovers() == []
    assert list(world.saved.rglob("*")) == []


# --- DNS and addresses


def test_a_name_that_nobody_knows_is_unavailable(world: World, names: dict[str, Any]) -> None:
    def unknown() -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    names[NAME] = unknown
    said = ask(world, NAME)
    assert (said.code, "RegistryUnavailable" in said.out) == (3, True)
    assert "Name or service not known" in said.out
    nothing_left(world)


def test_a_resolver_that_is_silent_is_left_after_the_time_for_connecting(
    world: World, names: dict[str, Any], ca: PrivateCa
) -> None:
    over = threading.Event()

    def silent() -> list[str]:
        over.wait(60)
        return []

    names[NAME] = silent
    try:
        said = ask(world, NAME, *trusting(ca), limits={**HURRIED, "connect-seconds": 0.3})
        assert (said.code, "RegistryUnavailable" in said.out) == (3, True)
        assert said.seconds < 20
        found = probe(Target(registry=NAME, repository="weather", seconds=0.3))
        assert found.finding is Finding.TIMED_OUT
        nothing_left(world)
    finally:
        over.set()


def test_a_resolver_that_fails_once_is_asked_again(world: World, names: dict[str, Any], tls: FaultProxy, ca: PrivateCa) -> None:
    port = tls.host.rpartition(":")[2]
    answers: list[Any] = [socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")]

    def moody() -> list[str]:
        if answers:
            raise answers.pop()
        return ["127.0.0.1"]

    names["localhost"] = moody
    said = ask(world, f"localhost:{port}", *trusting(ca), limits=PATIENT)
    assert said.code == 0, said.out + said.err


def test_an_address_that_is_down_leaves_time_for_the_next_one(
    world: World, names: dict[str, Any], tls: FaultProxy, ca: PrivateCa
) -> None:
    """IPv6 is there by name, and nobody answers on it."""
    names["localhost"] = ["::1", "127.0.0.1"]
    said = ask(world, f"localhost:{tls.host.rpartition(':')[2]}", *trusting(ca), limits=PATIENT)
    assert said.code == 0, said.out + said.err


def test_an_address_that_swallows_packets_leaves_time_for_the_next_one(
    world: World, names: dict[str, Any], tls: FaultProxy, ca: PrivateCa
) -> None:
    port = int(tls.host.rpartition(":")[2])
    with swallowing("127.0.0.2", port):
        names["localhost"] = ["127.0.0.2", "127.0.0.1"]
        said = ask(world, f"localhost:{port}", *trusting(ca), limits={**PATIENT, "connect-seconds": 2, "retries": 0})
        assert said.code == 0, said.out + said.err


def test_nobody_at_any_address_is_unavailable(world: World, names: dict[str, Any]) -> None:
    names["localhost"] = ["::1", "127.0.0.1"]
    said = ask(world, f"localhost:{free_port()}")
    assert (said.code, "RegistryUnavailable" in said.out) == (3, True)
    nothing_left(world)


@contextmanager
def swallowing(address: str, port: int) -> Iterator[None]:
    """Take no connection and refuse none: the queue of a listener is full, so the kernel drops what comes."""
    with ExitStack() as opened:
        listener = opened.enter_context(socket.socket())
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((address, port))
        listener.listen(0)
        for _ in range(4):
            waiting = opened.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex((address, port))
        yield


# --- certificates


def test_a_certificate_for_another_name_ends_it_and_nothing_is_sent(
    world: World, names: dict[str, Any], tls: FaultProxy, ca: PrivateCa
) -> None:
    tls.clear()
    names[NAME] = ["127.0.0.1"]
    host = f"{NAME}:{tls.host.rpartition(':')[2]}"
    said = ask(world, host, *trusting(ca))
    assert (said.code, "RegistryUnavailable" in said.out) == (3, True)
    assert "not trusted" in said.out
    assert tls.asked == []
    nothing_left(world)
    assert ask(world, host, "--insecure-registry", host, limits=PATIENT).code == 0


def test_a_certificate_of_nobody_we_know_ends_it_and_nothing_is_sent(world: World, tls: FaultProxy, tmp_path: Path) -> None:
    tls.clear()
    said = ask(world, tls.host, *trusting(PrivateCa(tmp_path / "another")))
    assert (said.code, "RegistryUnavailable" in said.out) == (3, True)
    assert tls.asked == []
    nothing_left(world)


# --- realms


def bearer(realm: str) -> Fault:
    def demand(asked: Asked, own: Callable[[], Reply]) -> Reply | None:
        if asked.headers.get("authorization") == "Bearer TEST-token":
            return None
        return Reply(status=401, headers=(("WWW-Authenticate", f'Bearer realm="{realm}",service="weather"'),), body=b"{}")

    return demand


@pytest.fixture
def realm(ca: PrivateCa) -> Iterator[LoopbackServer]:
    """Who takes every credential."""
    body = json.dumps({"token": "TEST-token"}).encode()
    with serving(
        lambda _: Answer(headers={"Content-Type": "application/json"}, body=body), certificate=ca.server("127.0.0.1")
    ) as one:
        yield one


def test_a_realm_on_a_foreign_host_gets_nothing_from_an_answer_that_anybody_may_have_written(
    world: World, names: dict[str, Any], tls: FaultProxy, realm: LoopbackServer, ca: PrivateCa
) -> None:
    names |= {NAME: ["127.0.0.1"], ELSEWHERE: ["127.0.0.1"]}
    host = f"{NAME}:{tls.host.rpartition(':')[2]}"
    tls.clear()
    tls.fault = bearer(f"https://{ELSEWHERE}:{realm.host.rpartition(':')[2]}/token")
    said = ask(world, host, "--insecure-registry", host, *trusting(ca))
    assert (said.code, "RegistryAuthFailed" in said.out) == (3, True)
    assert realm.asked == []
    nothing_left(world)
    tls.clear()
    assert ask(world, host, "--insecure-registry", host, limits=PATIENT).code == 0


def test_a_realm_in_clear_gets_nothing_from_a_registry_behind_tls(world: World, tls: FaultProxy, ca: PrivateCa) -> None:
    with serving(lambda _: Answer(body=b'{"token":"TEST-token"}')) as plain:
        tls.clear()
        tls.fault = bearer(f"{plain.url}/token")
        said = ask(world, tls.host, *trusting(ca))
        assert (said.code, "RegistryAuthFailed" in said.out) == (3, True)
        assert plain.asked == []
    nothing_left(world)


def test_a_realm_that_a_verified_registry_names_gets_the_password_and_the_registry_only_the_token(
    world: World, tls: FaultProxy, realm: LoopbackServer, ca: PrivateCa
) -> None:
    tls.clear()
    tls.fault = bearer(f"{realm.url}/token")
    said = ask(world, tls.host, *trusting(ca), limits=PATIENT)
    assert said.code == 0, said.out + said.err
    assert realm.sent("Authorization") == [f"Basic {SECRET}"]
    assert not [text for text in tls.sent("Authorization") if SECRET in text or PASSWORD in text]


def test_a_realm_with_a_certificate_for_another_name_gets_nothing(
    world: World, names: dict[str, Any], tls: FaultProxy, realm: LoopbackServer, ca: PrivateCa
) -> None:
    names[ELSEWHERE] = ["127.0.0.1"]
    tls.clear()
    tls.fault = bearer(f"https://{ELSEWHERE}:{realm.host.rpartition(':')[2]}/token")
    said = ask(world, tls.host, *trusting(ca))
    assert (said.code, "RegistryUnavailable" in said.out) == (3, True)
    assert realm.asked == []
    nothing_left(world)


def test_a_redirect_from_tls_to_plain_http_is_not_followed(world: World, tls: FaultProxy, ca: PrivateCa) -> None:
    def downgrade(asked: Asked, _: Callable[[], Reply]) -> Reply:
        return Reply(status=307, headers=(("Location", f"http://{world.store.host}{asked.path}"),))

    tls.clear()
    tls.fault = downgrade
    said = ask(world, tls.host, *trusting(ca))
    assert (said.code, "RegistryUnavailable" in said.out) == (3, True)
    assert world.store.asked == []
    nothing_left(world)


def test_an_answer_that_is_changed_on_its_way_through_an_insecure_registry_is_refused(world: World, tls: FaultProxy) -> None:
    def change(asked: Asked, own: Callable[[], Reply]) -> Reply | None:
        return replace(own(), body=own().body[:-1] + b"?") if world.package in asked.path else None

    tls.clear()
    tls.fault = change
    said = ask(world, tls.host, "--insecure-registry", tls.host)
    assert (said.code, "DigestMismatch" in said.out) == (1, True)
    nothing_left(world)
