from __future__ import annotations

import re
import ssl
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from supplychain.errors import (
    ArtifactTooLargeError,
    InvalidCredentialsError,
    NotFoundError,
    RegistryAuthError,
    RegistryUnavailableError,
    SupplyChainError,
    UnavailableError,
)
from supplychain.limits import Limits
from supplychain.mirror.answers import Answer, PassingError, translate
from supplychain.mirror.credentials import BasicCredential, BearerCredential, Credential, Credentials, RefreshCredential
from supplychain.mirror.transport import RegistryClient
from tests.support.fake_registry import FakeInternet, FakeRegistry, TokenService, basic, error, redirect

HOST = "registry.example"
REPOSITORY = "acme/echo"
TARGET = f"/v2/{REPOSITORY}/manifests/1.0"
ME = BasicCredential(username="me", password="pass-word")
MINE = basic("me", "pass-word")


class Known(Credentials):
    """Credentials for one host, whatever the repository."""

    def __init__(self, credential: Credential | None, host: str = HOST) -> None:
        super().__init__()
        object.__setattr__(self, "_known", {host: credential})

    def find(self, registry: str, repository: str) -> Credential | None:
        return getattr(self, "_known").get(registry)  # noqa: B009 — the class is frozen


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
def registry() -> FakeRegistry:
    registry = FakeRegistry(HOST)
    registry.add_plugin(REPOSITORY, b"package", "1.0")
    return registry


@pytest.fixture
def clock() -> Clock:
    return Clock()


Connect = Callable[..., RegistryClient]


@pytest.fixture
def connect(clock: Clock) -> Connect:
    def make(net: Callable[[httpx.Request], httpx.Response], **options: Any) -> RegistryClient:
        return RegistryClient(transport=httpx.MockTransport(net), sleep=clock.sleep, clock=clock, jitter=lambda: 1.0, **options)

    return make


def fetch(
    client: RegistryClient, target: str = TARGET, *, host: str = HOST, avoid: tuple[str, ...] = (), bound: int = 10_000
) -> bytes:
    return client.conversation(host, REPOSITORY, avoid=avoid).get(target, consume=lambda answer: answer.read(bound))


# --- the plain case


def test_the_wanted_request_is_the_first_one(registry: FakeRegistry, connect: Connect) -> None:
    with connect(FakeInternet(registry)) as client:
        assert b"schemaVersion" in fetch(client)
        assert client.requests == len(registry.requests) == 1
    assert registry.requests[0].url.scheme == "https"
    assert registry.requests[0].headers["accept-encoding"] == "identity"
    assert "authorization" not in registry.requests[0].headers
    assert "cookie" not in registry.requests[0].headers


def test_cookies_are_not_kept(registry: FakeRegistry, connect: Connect) -> None:
    client = connect(FakeInternet(registry))
    registry.faults = [httpx.Response(200, headers={"Set-Cookie": "session=1"}, content=b"x")]
    fetch(client)
    fetch(client)
    assert "cookie" not in registry.requests[1].headers


def test_docker_hub_is_asked_at_the_host_that_answers(connect: Connect) -> None:
    hub = FakeRegistry("registry-1.docker.io")
    hub.add_plugin(REPOSITORY, b"package", "1.0")
    assert fetch(connect(FakeInternet(hub)), host="docker.io")


# --- tokens and passwords


def token_registry(registry: FakeRegistry, **options: Any) -> FakeInternet:
    registry.tokens = TokenService(**options)
    return FakeInternet(registry, **{"auth.example": registry.tokens})


def test_a_token_is_fetched_once_and_used_for_all_requests(registry: FakeRegistry, connect: Connect) -> None:
    client = connect(token_registry(registry))
    for _ in range(3):
        fetch(client)
    assert registry.tokens is not None
    assert registry.tokens.scopes == ["repository:acme/echo:pull"]
    assert registry.authorizations == [None, *["Bearer issued-1"] * 3]
    assert client.requests == 5
    assert client.anonymous == {HOST}


def test_tokens_are_kept_apart_by_repository(registry: FakeRegistry, connect: Connect) -> None:
    registry.add_plugin("acme/other", b"package", "1.0")
    client = connect(token_registry(registry))
    fetch(client)
    client.conversation(HOST, "acme/other").get("/v2/acme/other/manifests/1.0", consume=lambda answer: answer.read(10_000))
    assert registry.authorizations == [None, "Bearer issued-1", None, "Bearer issued-2"]


def test_a_token_that_aged_is_renewed_once(registry: FakeRegistry, connect: Connect) -> None:
    client = connect(token_registry(registry, uses=1))
    fetch(client)
    fetch(client)
    assert registry.authorizations == [None, "Bearer issued-1", "Bearer issued-1", "Bearer issued-2"]


def test_a_token_is_not_used_beyond_its_time(registry: FakeRegistry, connect: Connect, clock: Clock) -> None:
    client = connect(token_registry(registry, expires_in=90))
    fetch(client)
    clock.now += 90
    fetch(client)
    assert registry.authorizations == [None, "Bearer issued-1", None, "Bearer issued-2"]


def test_a_fresh_token_that_is_refused_ends_it(registry: FakeRegistry, connect: Connect) -> None:
    client = connect(token_registry(registry, uses=0))
    with pytest.raises(RegistryAuthError, match="status 401"):
        fetch(client)
    assert len(registry.requests) == 2


def test_a_password_goes_to_the_realm_and_the_token_to_the_registry(registry: FakeRegistry, connect: Connect) -> None:
    net = token_registry(registry, username="me", password="pass-word", key="access_token")
    fetch(connect(net, credentials=Known(ME)))
    assert registry.authorizations == [None, "Bearer issued-1"]
    assert [request.headers.get("authorization") for request in net.requests] == [None, MINE, "Bearer issued-1"]


def test_an_identity_token_is_exchanged_by_post(registry: FakeRegistry, connect: Connect) -> None:
    net = token_registry(registry, refresh_token="identity")
    fetch(connect(net, credentials=Known(RefreshCredential(token="identity"))))
    asked = net.requests[1]
    assert asked.method == "POST"
    assert dict(httpx.QueryParams(asked.content.decode())) == {
        "scope": "repository:acme/echo:pull",
        "service": "registry.example",
        "grant_type": "refresh_token",
        "client_id": "mcpg-supplychain",
        "refresh_token": "identity",
    }
    assert "identity" not in str(asked.url)


def test_a_registry_token_is_sent_as_it_is_when_the_registry_asks(registry: FakeRegistry, connect: Connect) -> None:
    net = token_registry(registry)
    assert registry.tokens is not None
    registry.tokens.left["mine"] = None
    fetch(connect(net, credentials=Known(BearerCredential(token="mine"))))
    assert registry.authorizations == [None, "Bearer mine"]
    assert net.asked == ["https://registry.example"] * 2


def test_a_basic_challenge_gets_the_password(registry: FakeRegistry, connect: Connect) -> None:
    registry.users = {"me": "pass-word"}
    client = connect(FakeInternet(registry), credentials=Known(ME))
    fetch(client)
    fetch(client)
    assert registry.authorizations == [None, MINE, MINE]
    assert client.anonymous == frozenset()


@pytest.mark.parametrize("credential", [None, RefreshCredential(token="x")])
def test_a_basic_challenge_without_a_password_ends_it(
    registry: FakeRegistry, connect: Connect, credential: Credential | None
) -> None:
    registry.users = {"me": "pass-word"}
    with pytest.raises(RegistryAuthError, match="user name and password"):
        fetch(connect(FakeInternet(registry), credentials=Known(credential)))


def test_a_wrong_password_is_refused_without_showing_it(registry: FakeRegistry, connect: Connect) -> None:
    registry.users = {"me": "another"}
    with pytest.raises(RegistryAuthError) as caught:
        fetch(connect(FakeInternet(registry), credentials=Known(ME)))
    assert "pass-word" not in str(caught.value)
    assert MINE.removeprefix("Basic ") not in str(caught.value)
    assert len(registry.requests) == 2


def test_credentials_of_one_registry_are_not_sent_to_another(registry: FakeRegistry, connect: Connect) -> None:
    registry.users = {"me": "pass-word"}
    with pytest.raises(RegistryAuthError):
        fetch(connect(FakeInternet(registry), credentials=Known(ME, host="registry.example.com")))
    assert registry.authorizations == [None]


def test_a_broken_credential_source_is_an_error_and_not_anonymous(registry: FakeRegistry, connect: Connect) -> None:
    broken = Credentials(auths={HOST: {"auth": "!"}})
    with pytest.raises(InvalidCredentialsError):
        fetch(connect(token_registry(registry), credentials=broken))
    assert len(registry.requests) == 1


def test_an_unknown_challenge_ends_it(registry: FakeRegistry, connect: Connect) -> None:
    registry.faults = [httpx.Response(401, headers={"WWW-Authenticate": "Negotiate"})]
    with pytest.raises(RegistryAuthError, match="unknown kind"):
        fetch(connect(FakeInternet(registry)))


def test_a_challenge_without_service_and_scope_is_answered(registry: FakeRegistry, connect: Connect) -> None:
    net = token_registry(registry)
    registry.faults = [httpx.Response(401, headers={"WWW-Authenticate": 'Bearer realm="https://auth.example/t?a=b"'})]
    fetch(connect(net))
    assert dict(net.requests[1].url.params) == {"a": "b", "scope": "repository:acme/echo:pull"}


@pytest.mark.parametrize(
    "realm",
    [
        "http://auth.example/token",
        "http://registry.example/token",
        "/token",
        "https:///token",
        "https://me:you@auth.example/token",
        "https://[::",
        "https://auth.example:port/",
        "file:///etc/passwd",
    ],
)
def test_a_realm_that_must_not_be_asked_gets_no_packet(registry: FakeRegistry, connect: Connect, realm: str) -> None:
    net = token_registry(registry, realm=realm)
    with pytest.raises(RegistryAuthError, match="realm"):
        fetch(connect(net, credentials=Known(ME)))
    assert net.asked == ["https://registry.example"]


@pytest.mark.parametrize("status", [302, 307, 400, 401, 403, 404])
def test_a_realm_that_gives_no_token_ends_it(registry: FakeRegistry, connect: Connect, status: int) -> None:
    answer = httpx.Response(status, headers={"Location": "https://evil.example/"})
    net = token_registry(registry, answers=[answer])
    with pytest.raises(RegistryAuthError):
        fetch(connect(net, credentials=Known(ME)))
    assert net.asked == ["https://registry.example", "https://auth.example"]


def test_a_realm_that_is_out_of_order_is_tried_again(registry: FakeRegistry, connect: Connect, clock: Clock) -> None:
    fetch(connect(token_registry(registry, answers=[httpx.Response(503)])))
    assert clock.slept == [0.5]


def test_a_realm_that_answers_at_length_is_refused(registry: FakeRegistry, connect: Connect) -> None:
    net = token_registry(registry, answers=[httpx.Response(200, content=b" " * 70_000)])
    with pytest.raises(ArtifactTooLargeError):
        fetch(connect(net))


# --- schemes


def test_a_registry_is_never_asked_in_clear_unless_it_is_declared_insecure(registry: FakeRegistry, connect: Connect) -> None:
    net = FakeInternet(registry)
    net.without_tls.add(HOST)
    with pytest.raises(RegistryUnavailableError, match="no connection"):
        fetch(connect(net, insecure=["registry.example.com", "registry.example:5000"]))
    assert set(net.asked) == {"https://registry.example"}


def test_an_insecure_registry_is_asked_in_clear_only_where_tls_does_not_answer(registry: FakeRegistry, connect: Connect) -> None:
    net = FakeInternet(registry)
    client = connect(net, insecure=["Registry.example"])
    fetch(client)
    assert net.asked == ["https://registry.example"]
    net.without_tls.add(HOST)
    client = connect(net, insecure=[HOST])
    fetch(client)
    fetch(client)
    assert net.asked[1:] == ["https://registry.example", "http://registry.example", "http://registry.example"]


def test_a_time_out_of_tls_does_not_lead_to_http(registry: FakeRegistry, connect: Connect) -> None:
    registry.faults = [httpx.ReadTimeout("")] * 5
    net = FakeInternet(registry)
    with pytest.raises(RegistryUnavailableError, match="no answer within"):
        fetch(connect(net, insecure=[HOST]))
    assert set(net.asked) == {"https://registry.example"}


def test_a_certificate_that_does_not_verify_is_not_tried_again_nor_in_clear(registry: FakeRegistry, connect: Connect) -> None:
    problem = httpx.ConnectError("certificate verify failed")
    problem.__cause__ = ssl.SSLCertVerificationError("self-signed")
    problem.__cause__.verify_message = "self-signed certificate"
    registry.faults = [problem]
    net = FakeInternet(registry)
    with pytest.raises(RegistryUnavailableError, match="not trusted") as caught:
        fetch(connect(net, insecure=[HOST]))
    assert "--ca-file" in caught.value.hint
    assert net.asked == ["https://registry.example"]


@pytest.mark.parametrize("host", ["localhost:5000", "127.0.0.1:5000", "[::1]:5000"])
def test_loopback_is_asked_in_clear(connect: Connect, host: str) -> None:
    local = FakeRegistry(host)
    local.add_plugin(REPOSITORY, b"package", "1.0")
    net = FakeInternet(local)
    fetch(connect(net), host=host)
    assert net.asked == [f"http://{host}"]


def test_loopback_with_users_and_a_realm_beside_it_works_in_clear(connect: Connect) -> None:
    local = FakeRegistry("127.0.0.1:5000")
    local.add_plugin(REPOSITORY, b"package", "1.0")
    local.tokens = TokenService(realm="http://127.0.0.1:5001/token", username="me", password="pass-word")
    net = FakeInternet(local, **{"127.0.0.1:5001": local.tokens})
    fetch(connect(net, credentials=Known(ME, host=local.host)), host=local.host)
    assert net.requests[1].headers["authorization"] == MINE


def plain_registry(registry: FakeRegistry) -> FakeInternet:
    net = FakeInternet(registry)
    net.without_tls.add(HOST)
    return net


def test_credentials_are_not_sent_in_clear_unless_that_is_allowed(registry: FakeRegistry, connect: Connect) -> None:
    registry.users = {"me": "pass-word"}
    net = plain_registry(registry)
    with pytest.raises(RegistryAuthError, match="not sent over plain http"):
        fetch(connect(net, credentials=Known(ME), insecure=[HOST]))
    assert registry.authorizations == [None]
    fetch(connect(net, credentials=Known(ME), insecure=[HOST], plain_credentials=True))
    assert registry.authorizations == [None, None, MINE]


def test_a_grant_with_a_secret_behind_it_does_not_follow_to_http(registry: FakeRegistry, connect: Connect) -> None:
    """The registry is first reached by TLS and, once another client finds no TLS any more, in clear."""
    registry.users = {"me": "pass-word"}
    net = FakeInternet(registry)
    client = connect(net, credentials=Known(ME), insecure=[HOST])
    fetch(client)
    net.without_tls.add(HOST)
    with pytest.raises(RegistryUnavailableError):  # the way that worked is kept
        fetch(client)
    client._shared.channels.clear()
    with pytest.raises(RegistryAuthError, match="not sent over plain http"):
        fetch(client)
    assert [
        url for url, request in zip(net.asked, net.requests, strict=True) if "authorization" in request.headers and "http:" in url
    ] == []


def test_an_anonymous_token_may_travel_in_clear(registry: FakeRegistry, connect: Connect) -> None:
    registry.tokens = TokenService(realm="http://auth.example/token")
    net = FakeInternet(registry, **{"auth.example": registry.tokens})
    net.without_tls |= {HOST, "auth.example"}
    client = connect(net, insecure=[HOST])
    fetch(client)
    fetch(client)
    assert registry.authorizations == [None, "Bearer issued-1", "Bearer issued-1"]


# --- redirects


def redirecting(registry: FakeRegistry, location: str, *others: Any) -> FakeInternet:
    registry.rules = [("manifests", lambda request: redirect(location) if "stored" not in str(request.url) else None)]
    return FakeInternet(registry, **{other: lambda _: httpx.Response(200, content=b"stored bytes") for other in others})


def test_a_redirect_to_another_host_is_followed_without_authorization(registry: FakeRegistry, connect: Connect) -> None:
    registry.tokens = TokenService(realm="https://auth.example/token", username="me", password="pass-word")
    net = redirecting(registry, "https://cdn.example/blob?signature=s", "cdn.example")
    net.hosts["auth.example"] = registry.tokens
    real = registry.rules[0][1]
    registry.rules = [("manifests", lambda request: real(request) if "authorization" in request.headers else None)]
    client = connect(net, credentials=Known(ME))
    assert fetch(client) == b"stored bytes"
    assert net.asked == [f"https://{host}" for host in (HOST, "auth.example", HOST, "cdn.example")]
    assert "authorization" not in net.requests[3].headers


@pytest.mark.parametrize("location", ["https://registry.example:8443/x", "https://registry.example.evil/x"])
def test_another_port_or_a_longer_name_is_another_host(registry: FakeRegistry, connect: Connect, location: str) -> None:
    registry.users = {"me": "pass-word"}
    host = httpx.URL(location).netloc.decode()
    net = FakeInternet(registry, **{host: lambda _: httpx.Response(200, content=b"x")})
    registry.rules = [("manifests", lambda request: redirect(location) if "authorization" in request.headers else None)]
    assert fetch(connect(net, credentials=Known(ME))) == b"x"
    assert "authorization" not in net.requests[-1].headers


def test_a_redirect_within_the_registry_keeps_the_authorization(registry: FakeRegistry, connect: Connect) -> None:
    registry.users = {"me": "pass-word"}
    registry.add_plugin("stored", b"package", "1.0")
    registry.rules = [
        ("acme", lambda request: redirect("/v2/stored/manifests/1.0", 308) if "authorization" in request.headers else None)
    ]
    fetch(connect(FakeInternet(registry), credentials=Known(ME)))
    assert registry.authorizations == [None, MINE, MINE]


def test_a_challenge_from_another_host_is_not_answered(registry: FakeRegistry, connect: Connect) -> None:
    thief = TokenService(realm="https://thief.example/token")
    challenge = httpx.Response(401, headers={"WWW-Authenticate": 'Basic realm="x"'})
    net = redirecting(registry, "https://thief.example/x")
    net.hosts["thief.example"] = lambda request: thief(request) if "token" in request.url.path else challenge
    with pytest.raises(RegistryAuthError, match=r"status 401.*thief\.example"):
        fetch(connect(net, credentials=Known(ME)))
    assert net.asked == ["https://registry.example", "https://thief.example"]


@pytest.mark.parametrize(
    "location",
    [
        "http://registry.example/x",
        "http://cdn.example/x",
        "https://me:you@cdn.example/x",
        "",
        "ftp://cdn.example/x",
        "https://[::",
        "file:///x",
    ],
)
def test_a_redirect_that_leads_where_it_must_not_is_refused(registry: FakeRegistry, connect: Connect, location: str) -> None:
    net = redirecting(registry, location, "cdn.example")
    with pytest.raises(RegistryUnavailableError, match=r"redirect|connection failed"):
        fetch(connect(net))
    assert set(net.asked) == {"https://registry.example"}


def test_a_plain_registry_may_redirect_in_clear_and_upwards(registry: FakeRegistry, connect: Connect) -> None:
    for location in ("http://cdn.example/x", "https://cdn.example/x"):
        net = redirecting(registry, location, "cdn.example")
        net.without_tls.add(HOST)
        assert fetch(connect(net, insecure=[HOST])) == b"stored bytes"


def test_an_insecure_registry_that_answers_tls_may_not_redirect_to_http(registry: FakeRegistry, connect: Connect) -> None:
    with pytest.raises(RegistryUnavailableError, match="redirect"):
        fetch(connect(redirecting(registry, "http://registry.example/x"), insecure=[HOST]))


def test_five_redirects_are_followed_and_a_loop_is_not(registry: FakeRegistry, connect: Connect) -> None:
    registry.faults = [redirect(TARGET)] * 5
    fetch(connect(FakeInternet(registry)))
    registry.requests.clear()
    registry.faults = [redirect(TARGET)] * 6
    with pytest.raises(RegistryUnavailableError, match="too many redirects"):
        fetch(connect(FakeInternet(registry)))
    assert len(registry.requests) == 6


# --- hosts to avoid


@pytest.mark.parametrize(
    ("upstream", "location"),
    [
        ("ghcr.io", "https://ghcr.io/x"),
        ("docker.io", "https://registry-1.docker.io/x"),
        ("ghcr.io:443", "https://ghcr.io/x"),
        ("ghcr.io", "https://ghcr.io./x"),
    ],
)
def test_a_mirror_that_redirects_to_its_upstream_is_refused_without_a_packet(
    registry: FakeRegistry, connect: Connect, upstream: str, location: str
) -> None:
    net = redirecting(registry, location, httpx.URL(location).host)
    with pytest.raises(RegistryUnavailableError, match="upstream of a mirror"):
        fetch(connect(net), avoid=(upstream,))
    assert net.asked == ["https://registry.example"]


def test_a_mirror_whose_token_realm_is_its_upstream_is_refused_without_a_packet(registry: FakeRegistry, connect: Connect) -> None:
    net = token_registry(registry, realm="https://upstream.example:5000/token")
    with pytest.raises(RegistryUnavailableError, match="upstream of a mirror"):
        fetch(connect(net), avoid=("upstream.example:5000",))
    assert net.asked == ["https://registry.example"]


def test_the_upstream_itself_is_not_asked_and_another_port_of_its_host_is(registry: FakeRegistry, connect: Connect) -> None:
    net = FakeInternet(registry)
    with pytest.raises(RegistryUnavailableError, match="upstream"):
        fetch(connect(net), avoid=(HOST,))
    assert net.asked == []
    fetch(connect(net), avoid=(f"{HOST}:5000",))


# --- failures


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
def test_what_may_pass_is_tried_again_with_growing_delays(
    registry: FakeRegistry, connect: Connect, clock: Clock, status: int
) -> None:
    registry.faults = [httpx.Response(status) for _ in range(4)]
    fetch(connect(FakeInternet(registry)))
    assert clock.slept == [0.5, 1.0, 2.0, 4.0]


def test_there_is_an_end_to_trying(registry: FakeRegistry, connect: Connect, clock: Clock) -> None:
    registry.faults = [error(503, "UNAVAILABLE") for _ in range(9)]
    with pytest.raises(RegistryUnavailableError, match=r"status 503 \(`UNAVAILABLE`\)"):
        fetch(connect(FakeInternet(registry), limits=Limits(retries=2)))
    assert len(registry.requests) == 3


def test_delays_are_bounded_and_have_jitter(registry: FakeRegistry, clock: Clock) -> None:
    registry.faults = [httpx.Response(500) for _ in range(7)]
    transport = httpx.MockTransport(FakeInternet(registry))
    client = RegistryClient(transport=transport, sleep=clock.sleep, clock=clock, jitter=lambda: 0.0, limits=Limits(retries=7))
    fetch(client)
    assert clock.slept == [0.25, 0.5, 1.0, 2.0, 4.0, 4.0, 4.0]


@pytest.mark.parametrize(
    ("headers", "delay"),
    [
        ({"Retry-After": "7"}, 7.0),
        ({"Retry-After": "0"}, 0.0),
        ({"Retry-After": "Wed, 21 Oct 2015 07:28:10 GMT", "Date": "Wed, 21 Oct 2015 07:28:00 GMT"}, 10.0),
        ({"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT", "Date": "Wed, 21 Oct 2015 07:28:10 GMT"}, 0.0),
        ({"Retry-After": "Wed, 21 Oct 2015 07:28:10 GMT"}, 0.5),
        ({"Retry-After": "Wed, 21 Oct 2015 07:28:10 -0000", "Date": "Wed, 21 Oct 2015 07:28:00 GMT"}, 0.5),
        ({"Retry-After": "soon"}, 0.5),
        ({"Retry-After": "-1"}, 0.5),
        ({}, 0.5),
    ],
)
def test_the_registry_may_say_when_to_come_back(
    registry: FakeRegistry, connect: Connect, clock: Clock, headers: dict[str, str], delay: float
) -> None:
    registry.faults = [httpx.Response(429, headers=headers)]
    fetch(connect(FakeInternet(registry)))
    assert clock.slept == [delay]


def test_a_wait_that_is_too_long_is_the_callers_to_decide(registry: FakeRegistry, connect: Connect, clock: Clock) -> None:
    registry.faults = [httpx.Response(429, headers={"Retry-After": "3600"})]
    with pytest.raises(RegistryUnavailableError) as caught:
        fetch(connect(FakeInternet(registry), limits=Limits(total_seconds=100_000)))
    assert caught.value.retry_after == 3600
    assert clock.slept == []


def test_no_wait_goes_beyond_the_total_time(registry: FakeRegistry, connect: Connect, clock: Clock) -> None:
    registry.faults = [httpx.Response(429, headers={"Retry-After": "30"}) for _ in range(9)]
    with pytest.raises(RegistryUnavailableError) as caught:
        fetch(connect(FakeInternet(registry), limits=Limits(total_seconds=50)))
    assert clock.slept == [30.0]
    assert caught.value.retry_after == 30


def test_the_total_time_counts_over_all_requests_of_a_conversation(
    registry: FakeRegistry, connect: Connect, clock: Clock
) -> None:
    conversation = connect(FakeInternet(registry), limits=Limits(total_seconds=50)).conversation(HOST, REPOSITORY)
    conversation.get(TARGET, consume=lambda answer: answer.read(10_000))
    clock.now += 50
    with pytest.raises(RegistryUnavailableError, match="time is over: expected an end within 50 seconds"):
        conversation.get(TARGET, consume=lambda answer: answer.read(10_000))
    assert len(registry.requests) == 1


def test_the_total_time_counts_while_a_body_arrives(registry: FakeRegistry, connect: Connect, clock: Clock) -> None:
    def body() -> Any:
        for _ in range(100):
            clock.now += 10
            yield b"x"

    registry.rules = [("manifests", lambda _: httpx.Response(200, content=body()))]
    with pytest.raises(RegistryUnavailableError, match="time is over"):
        fetch(connect(FakeInternet(registry), limits=Limits(total_seconds=50)))
    assert clock.now == 1050


@pytest.mark.parametrize("status", [404, 405, 410, 501])
def test_what_is_not_there_or_not_offered_is_not_found_at_once(registry: FakeRegistry, connect: Connect, status: int) -> None:
    registry.faults = [error(status, "MANIFEST_UNKNOWN")]
    with pytest.raises(NotFoundError, match=f"status {status} .`MANIFEST_UNKNOWN`"):
        fetch(connect(FakeInternet(registry)))
    assert len(registry.requests) == 1


def test_forbidden_is_a_matter_of_authorization(registry: FakeRegistry, connect: Connect) -> None:
    registry.faults = [error(403, "DENIED")]
    with pytest.raises(RegistryAuthError, match="DENIED"):
        fetch(connect(FakeInternet(registry)))


@pytest.mark.parametrize("status", [201, 204, 206, 300, 304, 400, 418, 505])
def test_any_other_answer_is_an_error_that_is_not_tried_again(registry: FakeRegistry, connect: Connect, status: int) -> None:
    registry.faults = [httpx.Response(status)]
    with pytest.raises(RegistryUnavailableError, match=f"status {status}"):
        fetch(connect(FakeInternet(registry)))
    assert len(registry.requests) == 1


def test_a_port_on_loopback_that_wants_tls_is_guessed_at_in_the_hint(connect: Connect) -> None:
    local = FakeRegistry("127.0.0.1:5000")
    local.faults = [httpx.Response(400, content=b"Client sent an HTTP request to an HTTPS server.")]
    with pytest.raises(RegistryUnavailableError) as caught:
        fetch(connect(FakeInternet(local)), host=local.host)
    assert "--ca-file" in caught.value.hint


@pytest.mark.parametrize(
    "body",
    [
        b"a secret in plain text",
        b"[" * 9000,
        b"[" * 5000,
        b"{}",
        b"[]",
        b'{"errors": []}',
        b'{"errors": {"a": 1}}',
        b'{"errors": [1]}',
        b'{"errors": [{"code": 1}]}',
        b'{"errors": [{"code": "secret text"}]}',
    ],
)
def test_of_an_error_document_only_codes_are_shown(registry: FakeRegistry, connect: Connect, body: bytes) -> None:
    registry.faults = [httpx.Response(404, content=body)]
    with pytest.raises(NotFoundError) as caught:
        fetch(connect(FakeInternet(registry)))
    assert caught.value.got == "status 404"


def test_an_error_document_that_breaks_off_hides_nothing(registry: FakeRegistry, connect: Connect) -> None:
    registry.faults = [httpx.Response(404, headers={"Content-Length": "99"}, content=iter([b"x"]))]
    with pytest.raises(NotFoundError, match="status 404"):
        fetch(connect(FakeInternet(registry)))


def test_no_query_string_is_in_an_error(registry: FakeRegistry, connect: Connect) -> None:
    net = redirecting(registry, "https://cdn.example/blob?signature=secret")
    net.hosts["cdn.example"] = lambda _: httpx.Response(403)
    with pytest.raises(RegistryAuthError) as caught:
        fetch(connect(net))
    assert "https://cdn.example/blob`" in str(caught.value)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    "fault", [httpx.ConnectError("refused"), httpx.ReadError("reset"), httpx.RemoteProtocolError("x"), httpx.ConnectTimeout("x")]
)
def test_connections_that_fail_are_tried_again(registry: FakeRegistry, connect: Connect, clock: Clock, fault: Exception) -> None:
    registry.faults = [fault]
    fetch(connect(FakeInternet(registry)))
    assert clock.slept == [0.5]


@pytest.mark.parametrize(
    "fault",
    [ValueError("secret"), RuntimeError("secret"), httpx.UnsupportedProtocol("secret"), httpx.LocalProtocolError("secret")],
)
def test_other_failures_of_the_library_are_ours_and_final(registry: FakeRegistry, connect: Connect, fault: Exception) -> None:
    registry.faults = [fault]
    with pytest.raises(RegistryUnavailableError, match="cannot be made") as caught:
        fetch(connect(FakeInternet(registry)))
    assert "secret" not in str(caught.value)
    assert len(registry.requests) == 1


def test_a_target_that_makes_no_url_is_an_error_of_ours(connect: Connect) -> None:
    with pytest.raises(RegistryUnavailableError, match="no usable URL"):
        fetch(connect(FakeInternet()), "/v2/\x01?secret")


def test_every_exception_of_the_library_becomes_one_of_ours() -> None:
    kinds = [kind for kind in vars(httpx).values() if isinstance(kind, type) and issubclass(kind, Exception)]
    assert len(kinds) > 20
    for kind in kinds:
        exc = kind.__new__(kind)
        Exception.__init__(exc, "x")
        found = translate(exc, where="here")
        assert isinstance(found, PassingError | SupplyChainError)


# --- bodies


def test_a_body_is_bounded_by_its_header_and_in_fact(registry: FakeRegistry, connect: Connect) -> None:
    registry.rules = [("manifests", lambda _: httpx.Response(200, headers={"Content-Length": "11"}, content=iter([b"x" * 11])))]
    assert len(fetch(connect(FakeInternet(registry)), bound=11)) == 11
    with pytest.raises(ArtifactTooLargeError):
        fetch(connect(FakeInternet(registry)), bound=10)
    pulled: list[int] = []

    def endless() -> Any:
        for _ in range(1000):
            pulled.append(1)
            yield b"x"

    registry.rules = [("manifests", lambda _: httpx.Response(200, content=endless()))]
    with pytest.raises(ArtifactTooLargeError):
        fetch(connect(FakeInternet(registry)), bound=10)
    assert len(pulled) == 11


def test_a_body_that_breaks_off_is_fetched_again(registry: FakeRegistry, connect: Connect, clock: Clock) -> None:
    registry.faults = [httpx.Response(200, headers={"Content-Length": "9"}, content=iter([b"x"]))]
    assert b"schemaVersion" in fetch(connect(FakeInternet(registry)))
    assert clock.slept == [0.5]


def test_a_connection_that_breaks_in_the_body_is_tried_again(registry: FakeRegistry, connect: Connect, clock: Clock) -> None:
    def broken() -> Any:
        yield b"x"
        raise httpx.ReadError("reset")

    registry.faults = [httpx.Response(200, content=broken())]
    assert b"schemaVersion" in fetch(connect(FakeInternet(registry)))
    assert clock.slept == [0.5]


def test_a_coding_that_nobody_asked_for_is_refused(registry: FakeRegistry, connect: Connect) -> None:
    registry.faults = [httpx.Response(200, headers={"Content-Encoding": "gzip"}, content=iter([b"x"]))]
    with pytest.raises(RegistryUnavailableError, match="compressed"):
        fetch(connect(FakeInternet(registry)))


def test_the_time_for_the_first_byte_and_the_time_between_bytes_are_two() -> None:
    seen: list[dict[str, float]] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(dict(request.extensions["timeout"]))
        kept.append(request)
        return httpx.Response(200, content=iter([b"x"]))

    kept: list[httpx.Request] = []
    limits = Limits(connect_seconds=3, first_byte_seconds=7, idle_seconds=5)
    fetch(RegistryClient(transport=httpx.MockTransport(answer), limits=limits))
    assert (seen[0]["connect"], seen[0]["read"]) == (3, 7)
    assert kept[0].extensions["timeout"]["read"] == 5


def test_no_secret_is_in_any_error_or_repr(registry: FakeRegistry, connect: Connect) -> None:
    registry.users = {"me": "other"}
    client = connect(FakeInternet(registry), credentials=Known(ME))
    texts = [repr(client), repr(client._shared)]
    try:
        fetch(client)
    except UnavailableError as refused:
        texts += [str(refused), repr(refused)]
    assert len(texts) == 4
    assert not [text for text in texts if re.search(r"pass-word|bWU6", text)]


def test_an_answer_is_read_by_its_own_wait() -> None:
    request = httpx.Request("GET", "https://registry.example/", extensions={"timeout": {"read": 30.0}})
    response = httpx.Response(200, request=request)
    Answer(response, idle=5, remaining=lambda: 2.0)
    assert request.extensions["timeout"]["read"] == 2.0
