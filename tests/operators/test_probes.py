"""Health and metrics over HTTP."""

import socket
from dataclasses import dataclass

import httpx
import pytest

from mcpg_operator.probes import application
from mcpg_operator.serving import Server
from mcpg_operator.telemetry import Metrics
from supplychain.errors import InvalidPolicyError
from tests.support.processes import free_port


@dataclass
class Health:
    alive: bool = True
    ready: bool = True
    reconciling: bool = True


@pytest.fixture
def health():
    return Health()


@pytest.fixture
def server(health):
    server = Server(application(health, Metrics()), ("127.0.0.1", 0))
    server.start()
    yield server
    assert server.stop(20)


def ask(server, path, **headers):
    return httpx.get(f"http://127.0.0.1:{server.port}{path}", headers=headers, trust_env=False)


@pytest.mark.parametrize(
    ("path", "aspect", "words"),
    [
        ("/healthz", "alive", ("ok", "unhealthy")),
        ("/readyz", "ready", ("ready", "not ready")),
        ("/reconcilez", "reconciling", ("reconciling", "watch not synced")),
    ],
)
def test_a_probe_tells_its_own_aspect_and_no_other(server, health, path, aspect, words):
    for other in ("alive", "ready", "reconciling"):
        setattr(health, other, other == aspect)
    assert (ask(server, path).status_code, ask(server, path).text) == (200, words[0])
    for other in ("alive", "ready", "reconciling"):
        setattr(health, other, other != aspect)
    assert (ask(server, path).status_code, ask(server, path).text) == (503, words[1])


def test_metrics_are_served_in_the_format_that_is_taken(server):
    assert ask(server, "/metrics").text.endswith("# EOF\n")
    plain = ask(server, "/metrics", accept="text/plain")
    assert plain.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert "mcpg_operator_revocation_hit_total 0.0" in plain.text


@pytest.mark.parametrize("path", ["/", "/healthz/", "/metrics/x", "/validate"])
def test_every_other_path_is_unknown(server, path):
    assert ask(server, path).status_code == 404


def test_only_reading_is_possible(server):
    assert httpx.post(f"http://127.0.0.1:{server.port}/healthz", trust_env=False).status_code == 405


def test_a_taken_address_is_told_with_its_flag(server, health):
    with pytest.raises(InvalidPolicyError, match=rf"`127.0.0.1:{server.port}`, `--metrics-bind`"):
        Server(application(health, Metrics()), ("127.0.0.1", server.port), flag="`--metrics-bind`")


def test_an_address_of_another_machine_is_told(health):
    with pytest.raises(InvalidPolicyError, match="the address cannot be bound"):
        Server(application(health, Metrics()), ("192.0.2.1", free_port()))


def test_a_server_that_ended_is_not_alive(health):
    server = Server(application(health, Metrics()), ("127.0.0.1", 0))
    assert not server.alive
    server.start()
    assert server.alive
    assert server.stop(20)
    assert not server.alive


def test_an_ipv6_address_is_bound(health):
    if not socket.has_ipv6:
        pytest.skip("this machine has no IPv6")
    try:
        server = Server(application(health, Metrics()), ("::1", 0))
    except InvalidPolicyError:
        pytest.skip("this machine has no IPv6 loopback")
    server.start()
    try:
        assert httpx.get(f"http://[::1]:{server.port}/healthz", trust_env=False).text == "ok"
    finally:
        assert server.stop(20)


def test_a_server_that_fails_is_logged_and_not_alive(health, caplog, monkeypatch):
    server = Server(application(health, Metrics()), ("127.0.0.1", 0))
    monkeypatch.setattr(server._server, "run", lambda sockets: 1 / 0)
    server.start()
    assert not server.alive
    assert "the HTTP server failed" in caplog.text
    assert server.stop(20)
