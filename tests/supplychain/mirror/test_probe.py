"""Each way in which a registry can be there, or not, has its own finding; and no probe says more to anybody than a pull would."""

from __future__ import annotations

import socket
import threading
from typing import TYPE_CHECKING

import httpx
import pytest

from supplychain.errors import InvalidCredentialsError, UnreadableFileError
from supplychain.mirror.budget import Budget
from supplychain.mirror.credentials import Credentials, parse_docker_config
from supplychain.mirror.probe import Finding, Probe, Target, probe
from tests.support.fake_registry import FakeInternet, redirect, streamed
from tests.support.loopback_server import Answer, serving
from tests.support.private_ca import PrivateCa
from tests.support.processes import free_port
from tests.support.registries import docker_config

if TYPE_CHECKING:
    from collections.abc import Callable

    Net = Callable[[httpx.Request], httpx.Response]

HOST = "mirror.example"
BASIC = {"WWW-Authenticate": 'Basic realm="here"'}
REALM = "https://mirror.example/token"
BEARER = {"WWW-Authenticate": f'Bearer realm="{REALM}",service="mirror"'}


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def ask(net: Net, *, clock: Clock | None = None, **options) -> Probe:
    transport = httpx.MockTransport(lambda request: streamed(net(request)))
    target = Target(registry=HOST, repository="mirror/plugins", **options)
    return probe(target, transport=transport, clock=clock or Clock())


def reach(host: str, **options) -> Probe:
    """Ask over a real network."""
    return probe(Target(registry=host, repository="plugins", **options))


def known(host: str = HOST, *, password: str = "right") -> Credentials:
    return parse_docker_config(docker_config(host, user="me", password=password), where="a test")


def always(status: int, headers: dict[str, str] | None = None) -> Net:
    return lambda _: httpx.Response(status, headers=headers)


def token_registry(request: httpx.Request) -> httpx.Response:
    """Gives a token to whoever knows the password, and 200 to whoever has the token."""
    if request.url.path == "/token":
        right = request.headers.get("authorization") == httpx.BasicAuth("me", "right")._auth_header
        return httpx.Response(200, json={"token": "abc"}) if right else httpx.Response(401)
    if request.headers.get("authorization") == "Bearer abc":
        return httpx.Response(200)
    return httpx.Response(401, headers=BEARER)


# -- reachable --------------------------------------------------------------------------------------------------------------------


def test_a_registry_that_answers_200_is_reachable():
    found = ask(always(200))
    assert found == Probe(finding=Finding.REACHABLE, message="registry `mirror.example` answers")
    assert found.reachable


def test_exactly_the_base_endpoint_is_asked():
    asked = []

    def net(request):
        asked.append(str(request.url))
        return httpx.Response(200)

    ask(net)
    assert asked == ["https://mirror.example/v2/"]


@pytest.mark.parametrize("challenge", [BASIC, BEARER])
def test_without_credentials_a_challenge_of_registries_is_answer_enough(challenge):
    net = FakeInternet(**{HOST: always(401, challenge)})
    assert ask(net).finding is Finding.REACHABLE
    assert len(net.requests) == 1, "no realm is asked"


def test_credentials_that_nobody_asks_for_are_not_sent():
    net = FakeInternet(**{HOST: always(200)})
    assert ask(net, credentials=known()).finding is Finding.REACHABLE
    assert [one.headers.get("authorization") for one in net.requests] == [None]


def test_good_credentials_are_told():
    assert ask(token_registry, credentials=known()).finding is Finding.REACHABLE


def test_the_token_is_asked_for_the_repository_and_no_more_than_pulling():
    scopes = []

    def net(request):
        if request.url.path == "/token":
            scopes.append(request.url.params["scope"])
        return token_registry(request)

    ask(net, credentials=known())
    assert scopes == ["repository:mirror/plugins:pull"]


# -- credentials ------------------------------------------------------------------------------------------------------------------


def test_a_refusing_token_realm_means_refused_credentials():
    found = ask(token_registry, credentials=known(password="wrong"))
    assert found.finding is Finding.CREDENTIALS_REFUSED
    assert found.reachable
    assert "wrong" not in found.message


@pytest.mark.parametrize("status", [401, 403])
def test_a_registry_that_refuses_a_password_means_refused_credentials(status):
    def net(request):
        return httpx.Response(401, headers=BASIC) if "authorization" not in request.headers else httpx.Response(status)

    found = ask(net, credentials=known())
    assert found == Probe(
        finding=Finding.CREDENTIALS_REFUSED,
        message=f"registry `mirror.example` refuses the credentials: got status {status}",
    )


def test_a_secret_without_an_entry_for_the_mirror_means_refused_credentials():
    found = ask(always(401, BASIC), credentials=known("other.example"))
    assert found.finding is Finding.CREDENTIALS_REFUSED
    assert found.message == "no credentials for registry `mirror.example`, which asks for some"


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_token_realm_in_trouble_refuses_nobody(status):
    def net(request):
        return httpx.Response(status) if request.url.path == "/token" else httpx.Response(401, headers=BEARER)

    found = ask(net, credentials=known())
    assert found.finding is Finding.CREDENTIALS_UNPROVEN
    assert found.reachable


def test_a_token_realm_that_is_away_refuses_nobody():
    elsewhere = {"WWW-Authenticate": 'Bearer realm="https://auth.example/token"'}
    found = ask(FakeInternet(**{HOST: always(401, elsewhere)}), credentials=known())
    assert found.finding is Finding.CREDENTIALS_UNPROVEN


@pytest.mark.parametrize("body", [b"{}", b"{" * 80_000], ids=["no token", "too long"])
def test_a_token_realm_that_gives_no_token_means_refused_credentials(body):
    def net(request):
        return httpx.Response(200, content=body) if request.url.path == "/token" else httpx.Response(401, headers=BEARER)

    assert ask(net, credentials=known()).finding is Finding.CREDENTIALS_REFUSED


def test_a_registry_that_breaks_after_the_credentials_is_none():
    def net(request):
        return httpx.Response(401, headers=BASIC) if "authorization" not in request.headers else httpx.Response(500)

    assert ask(net, credentials=known()).finding is Finding.NO_REGISTRY


def test_unusable_credentials_are_the_callers_business():
    broken = parse_docker_config(b'{"auths": {"mirror.example": {"auth": "?"}}}', where="a test")
    with pytest.raises(InvalidCredentialsError):
        ask(always(401, BASIC), credentials=broken)


def test_no_credentials_travel_in_clear():
    sent = []

    def net(request):
        if request.url.scheme == "https":
            raise httpx.ConnectError("no TLS", request=request)
        sent.append(request.headers.get("authorization"))
        return httpx.Response(401, headers=BASIC)

    found = ask(net, credentials=known(), insecure=True)
    assert found.finding is Finding.CREDENTIALS_REFUSED
    assert "plain http" in found.message
    assert sent == [None]


def test_credentials_travel_in_clear_where_that_was_allowed():
    def net(request):
        if request.url.scheme == "https":
            raise httpx.ConnectError("no TLS", request=request)
        return httpx.Response(200 if "authorization" in request.headers else 401, headers=BASIC)

    assert ask(net, credentials=known(), insecure=True, plain_credentials=True).finding is Finding.REACHABLE


# -- no registry ------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [204, 400, 403, 404, 418, 500, 503])
def test_any_other_status_is_no_registry(status):
    found = ask(always(status))
    assert found.finding is Finding.NO_REGISTRY
    assert not found.reachable
    assert found.message.endswith(f"got status {status}")


@pytest.mark.parametrize("headers", [None, {"WWW-Authenticate": "Negotiate"}])
def test_a_401_without_a_challenge_of_registries_is_no_registry(headers):
    assert ask(always(401, headers), credentials=known()).finding is Finding.NO_REGISTRY


# -- redirects --------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "location",
    [
        "https://upstream.example/v2/",
        "https://mirror.example.evil/v2/",
        "http://mirror.example/v2/",
        "https://me@mirror.example/v2/",
        "ftp://mirror.example/v2/",
        "https://[bad/v2/",
        "",
    ],
)
def test_a_redirect_elsewhere_is_not_followed(location):
    net = FakeInternet(**{HOST: lambda _: redirect(location)})
    found = ask(net)
    assert found.finding is Finding.LEADS_ELSEWHERE
    assert not found.reachable
    assert net.asked == ["https://mirror.example"]


def test_a_redirect_to_no_url_reaches_nothing():
    net = FakeInternet(**{HOST: lambda _: redirect("https://mirror.example:port/v2/")})
    assert ask(net).finding is Finding.CONNECTION_FAILED
    assert len(net.requests) == 1


def test_a_redirect_on_the_same_host_is_followed():
    def net(request):
        return redirect("/registry/v2/") if request.url.path == "/v2/" else httpx.Response(200)

    assert ask(net).finding is Finding.REACHABLE


def test_a_redirect_to_another_port_of_the_host_gets_no_credentials():
    net = FakeInternet(**{HOST: lambda _: redirect("https://MIRROR.example:8443/v2/"), "mirror.example:8443": always(401, BASIC)})
    assert ask(net).finding is Finding.REACHABLE
    found = ask(net, credentials=known())
    assert found.finding is Finding.CREDENTIALS_UNPROVEN
    assert found.reachable
    assert all("authorization" not in one.headers for one in net.requests)


def test_redirects_without_end_are_no_registry():
    net = FakeInternet(**{HOST: lambda request: redirect(f"{request.url.path}x")})
    found = ask(net)
    assert found.finding is Finding.NO_REGISTRY
    assert len(net.requests) == 4


def test_an_insecure_mirror_may_lead_from_http_to_https():
    tries = []

    def net(request):
        tries.append(request.url.scheme)
        if request.url.scheme == "http":
            return redirect("https://mirror.example/v2/")
        if tries == ["https"]:
            raise httpx.ConnectError("no TLS yet", request=request)
        return httpx.Response(200)

    assert ask(net, insecure=True).finding is Finding.REACHABLE
    assert tries == ["https", "http", "https"]


def test_an_insecure_mirror_on_another_port_must_prove_itself():
    """The declaration is about one host with its port."""
    net = FakeInternet(**{HOST: lambda _: redirect("https://mirror.example:8443/v2/")})
    assert ask(net, insecure=True).finding is Finding.CONNECTION_FAILED


# -- hosts that must get no packet ------------------------------------------------------------------------------------------------


def test_the_upstream_is_not_asked_even_where_the_mirror_is_called_so():
    net = FakeInternet(**{HOST: always(200)})
    found = ask(net, avoid=[f"{HOST}:443"])
    assert found.finding is Finding.LEADS_ELSEWHERE
    assert net.requests == []


def test_the_upstream_is_not_asked_for_a_token():
    leads = {"WWW-Authenticate": 'Bearer realm="https://upstream.example/token"'}
    net = FakeInternet(**{HOST: always(401, leads), "upstream.example": always(200)})
    found = ask(net, credentials=known(), avoid=["upstream.example"])
    assert found.finding is Finding.LEADS_ELSEWHERE
    assert net.asked == ["https://mirror.example"]


# -- no connection ----------------------------------------------------------------------------------------------------------------


def test_a_refused_connection_is_told():
    found = reach(f"127.0.0.1:{free_port()}")
    assert found.finding is Finding.CONNECTION_REFUSED
    assert not found.reachable


def test_a_resolver_that_is_silent_takes_no_more_than_the_time_of_the_probe(monkeypatch):
    over = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_arguments, **_named: over.wait(60) and [])
    try:
        found = reach("mirror.example", seconds=0.1)
    finally:
        over.set()
    assert found.finding is Finding.TIMED_OUT


def test_waiting_for_the_budget_is_not_the_mirrors_fault():
    clock = Clock()

    def sleep(seconds: float) -> None:
        clock.now += seconds

    budget = Budget(requests_per_minute=1, clock=clock, sleep=sleep)
    for _ in range(3):
        assert ask(token_registry, clock=clock, credentials=known(), budget=budget, seconds=5.0).finding is Finding.REACHABLE
    assert clock.now > 500  # three requests each


def test_a_token_that_lives_shortly_is_not_taken_for_refused_credentials_where_the_budget_makes_wait():
    clock = Clock()
    ends: dict[str, float] = {}

    def sleep(seconds: float) -> None:
        clock.now += seconds

    def registry(request: httpx.Request) -> httpx.Response:
        if request.url.host == "auth.mirror.example":
            ends[f"Bearer t{len(ends)}"] = clock.now + 60
            return httpx.Response(200, json={"token": f"t{len(ends) - 1}", "expires_in": 60})
        good = ends.get(request.headers.get("authorization", ""), 0) > clock.now
        challenge = {"WWW-Authenticate": 'Bearer realm="https://auth.mirror.example/token",service="mirror"'}
        return httpx.Response(200) if good else httpx.Response(401, headers=challenge)

    budget = Budget(requests_per_minute=1, clock=clock, sleep=sleep)
    assert ask(registry, clock=clock, credentials=known(), budget=budget).finding is Finding.REACHABLE


def test_a_name_that_does_not_resolve_is_told(monkeypatch):
    def lookup(*_arguments, **_named):
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", lookup)
    assert reach("mirror.example").finding is Finding.NAME_UNKNOWN


@pytest.mark.parametrize("name", ["mirror.example:port", "mirror\x00.example", "[::1"])
def test_what_is_no_host_is_told(name):
    found = reach(name)
    assert found.finding is Finding.NAME_UNKNOWN
    assert "is no host" in found.message


def test_an_untrusted_certificate_is_told(tmp_path):
    ca = PrivateCa(tmp_path / "ca")
    other = PrivateCa(tmp_path / "other")
    with serving(lambda _: Answer(), certificate=ca.server("127.0.0.1")) as server:
        found = reach(server.host, ca_file=other.certificate)
        assert found.finding is Finding.TLS_FAILED
        assert "certificate" in found.message
        assert reach(server.host, ca_file=ca.certificate).finding is Finding.REACHABLE
        assert reach(server.host, insecure=True).finding is Finding.REACHABLE


def test_tls_where_there_is_none_is_told():
    with serving(lambda _: Answer()) as server:
        assert reach(server.host, insecure=True).finding is Finding.REACHABLE


def test_silence_is_told_in_time():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        host = f"127.0.0.1:{listener.getsockname()[1]}"
        assert reach(host, seconds=0.2).finding is Finding.TIMED_OUT


def test_a_slow_talk_ends_when_its_time_is_over():
    clock = Clock()

    def net(request):
        clock.now += 3
        return redirect(f"{request.url.path}x")

    found = ask(net, clock=clock)
    assert found == Probe(finding=Finding.TIMED_OUT, message="no answer from registry `mirror.example` within 5 seconds")


def test_a_connection_that_breaks_off_is_told():
    with serving(lambda _: None) as server:
        found = reach(server.host)
        assert found.finding is Finding.CONNECTION_FAILED


def test_an_answer_that_breaks_off_over_tls_leads_to_no_attempt_in_clear():
    def net(request):
        raise httpx.ReadError("gone", request=request)

    internet = FakeInternet(**{HOST: net})
    assert ask(internet, insecure=True).finding is Finding.CONNECTION_FAILED
    assert internet.asked == ["https://mirror.example"]


def test_a_ca_file_that_cannot_be_used_is_the_callers_business(tmp_path):
    with pytest.raises(UnreadableFileError):
        reach("mirror.example", ca_file=tmp_path / "none.pem")


# -- real registries --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["distribution", "referrers", "basic", "token"])
def test_real_registries_are_reachable_without_credentials(registries, name):
    assert reach(getattr(registries, name).host).finding is Finding.REACHABLE


def test_a_real_registry_with_a_private_ca_is_reachable(registries):
    real = registries.tls
    assert reach(real.host, ca_file=real.ca_file).finding is Finding.REACHABLE


@pytest.mark.parametrize("name", ["basic", "token"])
def test_real_registries_tell_good_credentials_from_bad_ones(registries, name):
    host = getattr(registries, name).host
    good = parse_docker_config(docker_config(host), where="a test")
    bad = parse_docker_config(docker_config(host, password="TEST-ONLY-wrong"), where="a test")
    assert reach(host, credentials=good).finding is Finding.REACHABLE
    assert reach(host, credentials=bad).finding is Finding.CREDENTIALS_REFUSED
