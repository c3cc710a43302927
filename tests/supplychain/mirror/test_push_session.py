"""How a push reaches a registry, who gets credentials, and what every failure comes to."""

from __future__ import annotations

import json
import ssl
from typing import TYPE_CHECKING, Any

import pytest
import requests
from requests.adapters import HTTPAdapter

from supplychain.errors import (
    NotFoundError,
    RegistryAuthError,
    RegistryUnavailableError,
    SupplyChainError,
    UnreadableFileError,
)
from supplychain.limits import Limits
from supplychain.mirror import push_session
from supplychain.mirror.budget import Budget
from supplychain.mirror.credentials import ANONYMOUS, Credentials
from supplychain.mirror.push_session import PushSession, read_answer, refusal
from tests.support.loopback_server import Answer, Asked, serving
from tests.support.private_ca import PrivateCa

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

BASIC = {"username": "test-user", "password": "TEST-ONLY-password"}
HEADER = "Basic dGVzdC11c2VyOlRFU1QtT05MWS1wYXNzd29yZA=="


def session(host: str, *, who: dict[str, str] | None = None, **given: Any) -> PushSession:
    credentials = Credentials(where="test", auths={host: who}) if who is not None else ANONYMOUS
    named: dict[str, Any] = {"insecure": False, "ca_file": None, "plain_credentials": False, "limits": Limits(), **given}
    return PushSession(host, "plugins/echo", credentials=credentials, **named)


def ok(_: Asked) -> Answer:
    return Answer(body=b"fine")


def demanding(header: str, *, challenge: str) -> Callable[[Asked], Answer]:
    def answer(asked: Asked) -> Answer:
        if asked.headers.get("authorization") == header:
            return Answer(body=b"fine")
        return Answer(status=401, headers={"WWW-Authenticate": challenge})

    return answer


def ask(one: PushSession, path: str = "/v2/plugins/echo/x", *, method: str = "GET", data: bytes | None = None) -> bytes:
    with one.request(method, f"{one.origin}{path}", data=data) as response:
        if response.status_code != 200:
            raise refusal(response)
        return read_answer(response, bound=100)


# -- reaching a registry -----------------------------------------------------------------------------------------------


def test_loopback_is_asked_by_http() -> None:
    with serving(ok) as server, session(server.host) as one:
        assert (one.plain, one.origin) == (True, server.url)
        assert ask(one) == b"fine"
    assert [(asked.method, asked.path) for asked in server.asked] == [("GET", "/v2/"), ("GET", "/v2/plugins/echo/x")]
    assert set(server.sent("User-Agent")) == {"mcpg-supplychain"}


def test_a_ca_file_means_tls_and_its_certificates_count(tmp_path: Path) -> None:
    ca = PrivateCa(tmp_path / "ca")
    with serving(ok, certificate=ca.server("127.0.0.1")) as server, session(server.host, ca_file=ca.certificate) as one:
        assert (one.plain, one.origin) == (False, server.url)
        assert ask(one) == b"fine"


def test_a_ca_file_on_loopback_does_not_demand_tls(tmp_path: Path) -> None:
    ca = PrivateCa(tmp_path / "ca")
    with serving(ok) as server, session(server.host, ca_file=ca.certificate) as one:
        assert one.plain


@pytest.mark.parametrize("insecure", [False, True])
def test_a_certificate_that_does_not_verify_never_leads_to_http(tmp_path: Path, insecure: bool) -> None:
    ca, other = PrivateCa(tmp_path / "ca"), PrivateCa(tmp_path / "other")
    with serving(ok, certificate=ca.server("127.0.0.1")) as server:
        if insecure:
            with session(server.host, ca_file=other.certificate, insecure=True) as one:
                assert not one.plain
                assert ask(one) == b"fine"
            return
        with pytest.raises(RegistryUnavailableError, match="the registry's certificate is not trusted") as caught:
            session(server.host, ca_file=other.certificate)
    assert "--ca-file" in caught.value.hint
    assert server.asked == []


def test_http_is_not_even_tried_after_a_certificate_that_does_not_verify(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    asked: list[str] = []

    def distrust(_: HTTPAdapter, request: requests.PreparedRequest, **__: Any) -> requests.Response:
        asked.append(str(request.url))
        cause = ssl.SSLCertVerificationError(1, "no")
        cause.verify_message = "unable to get local issuer certificate"
        raise requests.exceptions.SSLError from cause

    monkeypatch.setattr(HTTPAdapter, "send", distrust)
    with pytest.raises(RegistryUnavailableError, match="the registry's certificate is not trusted"):
        session("127.0.0.1:1", ca_file=PrivateCa(tmp_path / "ca").certificate)
    assert asked == ["https://127.0.0.1:1/v2/"]


def test_an_insecure_registry_without_tls_is_asked_by_http() -> None:
    with serving(ok) as server, session(server.host, insecure=True) as one:
        assert one.plain


def test_any_other_registry_is_asked_by_verified_tls_alone() -> None:
    """The name is never looked up: the session fails where it would connect."""
    asked: list[tuple[str, Any]] = []

    def refuse(_: HTTPAdapter, request: requests.PreparedRequest, **named: Any) -> requests.Response:
        asked.append((str(request.url), named["verify"]))
        raise requests.ConnectionError

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(HTTPAdapter, "send", refuse)
        with pytest.raises(RegistryUnavailableError, match="the connection failed"):
            session("registry.example")
        assert asked == [("https://registry.example/v2/", True)]
        asked.clear()
        with pytest.raises(RegistryUnavailableError, match="the connection failed"):
            session("docker.io", insecure=True)
    assert asked == [("https://registry-1.docker.io/v2/", False), ("http://registry-1.docker.io/v2/", True)]


def test_a_proxy_is_used_for_others_and_never_for_loopback(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    ca = PrivateCa(tmp_path / "ca")
    with serving(lambda _: Answer(status=502)) as proxy, serving(ok) as server:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        monkeypatch.setenv("NO_PROXY", "")
        monkeypatch.delenv("no_proxy", raising=False)
        session(server.host).close()
        with pytest.raises(RegistryUnavailableError):
            session("registry.example", ca_file=ca.certificate)
    assert len(server.asked) == 1


def test_no_connection_is_said() -> None:
    with serving(ok) as server:
        host = server.host
    with pytest.raises(RegistryUnavailableError, match="the connection failed"):
        session(host)


def test_a_registry_that_does_not_answer_in_time_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[Any] = []

    def late(_: HTTPAdapter, request: requests.PreparedRequest, **named: Any) -> requests.Response:
        assert request.url is not None
        waits.append(named["timeout"])
        raise requests.ReadTimeout

    monkeypatch.setattr(HTTPAdapter, "send", late)
    with pytest.raises(RegistryUnavailableError, match="no answer within the time-out"):
        session("registry.example", insecure=True, limits=Limits(connect_seconds=1, first_byte_seconds=2))
    assert waits == [(1, 2)]


def test_whatever_the_library_raises_is_an_error_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    for error in (ValueError("x"), UnicodeError("x"), requests.exceptions.InvalidHeader("x"), RuntimeError("x"), OSError("x")):

        def fail(*_: Any, error: Exception = error, **__: Any) -> requests.Response:
            raise error

        with monkeypatch.context() as patch:
            patch.setattr(HTTPAdapter, "send", fail)
            with pytest.raises(RegistryUnavailableError):
                session("127.0.0.1:1")


@pytest.mark.parametrize("content", [None, b"", b"no pem", b"\xff"])
def test_a_ca_file_that_is_none_is_the_requests_fault(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "ca.pem"
    if content is not None:
        path.write_bytes(content)
    for insecure in (False, True):
        with pytest.raises(UnreadableFileError):
            session("127.0.0.1:1", ca_file=path, insecure=insecure)


# -- authorization -----------------------------------------------------------------------------------------------------


def test_a_password_is_sent_when_it_is_demanded_and_then_at_once() -> None:
    with serving(demanding(HEADER, challenge='Basic realm="x"')) as server, session(server.host, who=BASIC) as one:
        assert ask(one) == b"fine"
        assert ask(one, method="PUT", data=b"body") == b"fine"
    assert server.sent("Authorization") == [None, None, HEADER, HEADER]


def test_a_wrong_password_is_tried_once() -> None:
    with (
        serving(demanding("Basic other", challenge="Basic")) as server,
        session(server.host, who=BASIC) as one,
        pytest.raises(RegistryAuthError, match="the registry refuses the push: got status 401"),
    ):
        ask(one)
    assert server.sent("Authorization") == [None, None, HEADER]


def test_a_demand_without_credentials_is_refused() -> None:
    with (
        serving(demanding(HEADER, challenge="Basic")) as server,
        session(server.host) as one,
        pytest.raises(RegistryAuthError),
    ):
        ask(one)


def test_a_token_does_not_grow_old_while_the_budget_makes_wait() -> None:
    order: list[str] = []

    class Waiting(Budget):
        def request(self, host: str) -> float:
            order.append(f"wait for {names[host]}")
            return super().request(host)

    def token(_: Asked) -> Answer:
        order.append("token")
        return Answer(body=b'{"token":"TEST-token"}')

    with serving(token) as realm:
        demands = demanding("Bearer TEST-token", challenge=f'Bearer realm="{realm.url}/token"')

        def answer(asked: Asked) -> Answer:
            order.append("registry")
            return demands(asked)

        with serving(answer) as server, session(server.host, who=BASIC) as one:
            names = {server.host: "registry", realm.url.partition("://")[2]: "realm"}
            one._budget = Waiting()
            order.clear()
            assert ask(one) == b"fine"
    assert order == ["wait for registry", "registry", "wait for registry", "wait for realm", "token", "registry"]


def test_a_token_is_asked_for_with_the_scope_of_a_push() -> None:
    with serving(lambda _: Answer(body=b'{"token":"TEST-token"}')) as realm:
        challenge = f'Bearer realm="{realm.url}/token?a=b",service="s",scope="repository:plugins/echo:pull"'
        with serving(demanding("Bearer TEST-token", challenge=challenge)) as server, session(server.host, who=BASIC) as one:
            assert ask(one) == b"fine"
    (asked,) = realm.asked
    assert asked.method == "GET"
    assert "scope=repository%3Aplugins%2Fecho%3Apull%2Cpush" in asked.path
    assert asked.path.count("scope=") == 1
    assert "service=s" in asked.path
    assert realm.sent("Authorization") == [HEADER]
    assert HEADER not in server.sent("Authorization")


def test_an_identity_token_is_exchanged_for_one_that_may_push() -> None:
    with serving(lambda _: Answer(body=b'{"access_token":"TEST-token"}')) as realm:
        challenge = f'Bearer realm="{realm.url}/token",service="s"'
        with (
            serving(demanding("Bearer TEST-token", challenge=challenge)) as server,
            session(server.host, who={"identitytoken": "TEST-refresh"}) as one,
        ):
            assert ask(one) == b"fine"
    (asked,) = realm.asked
    assert asked.method == "POST"
    assert b"scope=repository%3Aplugins%2Fecho%3Apull%2Cpush" in asked.body
    assert b"refresh_token=TEST-refresh" in asked.body


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(Answer(status=401), id="401"),
        pytest.param(Answer(status=307, headers={"Location": "/other"}), id="redirect"),
        pytest.param(Answer(body=b"{}"), id="no-token"),
        pytest.param(Answer(body=b'{"token":"' + b"x" * 70_000 + b'"}'), id="too-long"),
        pytest.param(None, id="hangs-up"),
    ],
)
def test_a_realm_that_gives_no_token_ends_the_push(answer: Answer | None) -> None:
    with serving(lambda _: answer) as realm:
        challenge = f'Bearer realm="{realm.url}/token"'
        with (
            serving(demanding("Bearer x", challenge=challenge)) as server,
            session(server.host, who=BASIC) as one,
            pytest.raises((RegistryAuthError, RegistryUnavailableError)) as caught,
        ):
            ask(one)
    assert len(realm.asked) == 1
    assert "TEST-ONLY" not in str(caught.value)


def test_credentials_are_not_sent_in_clear_beyond_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(demanding(HEADER, challenge="Basic")) as server:
        monkeypatch.setattr(push_session, "api_host", lambda _: server.host)
        with session("registry.example", insecure=True, who=BASIC) as one:
            assert one.plain
            with pytest.raises(RegistryAuthError, match="credentials are not sent over plain http"):
                ask(one)
        assert set(server.sent("Authorization")) == {None}
        with session("registry.example", insecure=True, who=BASIC, plain_credentials=True) as one:
            assert ask(one) == b"fine"


def test_an_upload_location_cannot_lead_out_of_tls(tmp_path: Path) -> None:
    ca = PrivateCa(tmp_path / "ca")
    with (
        serving(ok) as elsewhere,
        serving(ok, certificate=ca.server("127.0.0.1")) as server,
        session(server.host, ca_file=ca.certificate) as one,
        pytest.raises(RegistryUnavailableError, match="an upload location leads out of TLS"),
    ):
        one.request("PUT", f"{elsewhere.url}/storage", data=b"body")
    assert elsewhere.asked == []


def test_another_host_is_verified_even_where_the_registry_is_not(tmp_path: Path) -> None:
    ca = PrivateCa(tmp_path / "ca")
    certificate = ca.server("127.0.0.1")
    with (
        serving(ok, certificate=certificate) as elsewhere,
        serving(ok, certificate=certificate) as server,
        session(server.host, insecure=True) as one,
        pytest.raises(RegistryUnavailableError, match="certificate is not trusted"),
    ):
        one.request("PUT", f"{elsewhere.url}/storage", data=b"body")
    assert elsewhere.asked == []


# -- answers -----------------------------------------------------------------------------------------------------------


def test_an_answer_is_read_one_byte_beyond_its_bound_and_no_further() -> None:
    with serving(lambda _: Answer(body=b"x" * 300_000)) as server, session(server.host) as one:
        with one.request("GET", f"{one.origin}/x") as response:
            assert read_answer(response, bound=99_999) == b"x" * 100_000
        with one.request("GET", f"{one.origin}/x") as response:
            assert len(read_answer(response, bound=300_000)) == 300_000


def test_an_answer_that_breaks_off_is_an_error() -> None:
    with (
        serving(lambda _: Answer(body=b"x", length=5)) as server,
        session(server.host) as one,
        one.request("GET", f"{one.origin}/x") as response,
        pytest.raises(RegistryUnavailableError),
    ):
        read_answer(response, bound=100)


@pytest.mark.parametrize(
    ("status", "error"),
    [(401, RegistryAuthError), (403, RegistryAuthError), (404, NotFoundError), (413, RegistryUnavailableError)],
)
def test_a_status_becomes_an_error_with_the_registrys_code(status: int, error: type[SupplyChainError]) -> None:
    body = json.dumps({"errors": [{"code": "SIZE_INVALID", "detail": "TEST-secret"}]}).encode()
    with (
        serving(lambda _: Answer(status=200)) as server,
        session(server.host) as one,
        one.request("GET", f"{one.origin}/v2/x?token=TEST-secret") as response,
    ):
        response.status_code = status
        response.iter_content = lambda *_: iter([body])  # type: ignore[method-assign,assignment]
        found = refusal(response)
    assert type(found) is error
    assert found.got == f"status {status} `SIZE_INVALID`"
    assert "TEST-secret" not in str(found)
    assert found.where == f"`{server.url}/v2/x`"


def test_a_place_that_cannot_be_named_is_said() -> None:
    response = requests.Response()
    response.status_code, response.url, response.raw = 500, "http://a:b:c/", None
    response.iter_content = lambda *_: iter([b""])  # type: ignore[method-assign,assignment]
    assert refusal(response).where == "a URL that cannot be read"
