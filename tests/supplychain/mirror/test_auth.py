from __future__ import annotations

import json

import pytest

from supplychain.errors import RegistryAuthError
from supplychain.mirror.auth import Challenge, Channel, basic_header, check_realm, parse_challenges, parse_token, pull_scope
from supplychain.mirror.credentials import BasicCredential


@pytest.mark.parametrize(
    ("values", "challenge"),
    [
        (
            ['Bearer realm="https://a/t",service="s",scope="repository:a/b:pull"'],
            Challenge(realm="https://a/t", service="s", scope="repository:a/b:pull"),
        ),
        (["bearer Realm=https://a/t"], Challenge(realm="https://a/t")),
        ([r'Bearer realm="https://a/t", service="say \"hi\", Basic"'], Challenge(realm="https://a/t", service='say "hi", Basic')),
        (['Basic realm="x", Bearer realm="https://a/t"'], Challenge(realm="https://a/t")),
        (['Basic realm="x"', 'Bearer realm="https://a/t"'], Challenge(realm="https://a/t")),
        (["Bearer", "Basic"], Challenge(realm=None)),
        (['Bearer service="x"', 'Basic realm="x"'], Challenge(realm=None)),
        (['Bearer error="x"'], None),
        (["Negotiate abc", "Digest realm=x"], None),
        ([""], None),
        ([], None),
    ],
)
def test_the_best_challenge_is_chosen(values: list[str], challenge: Challenge | None) -> None:
    assert parse_challenges(values) == challenge


@pytest.mark.parametrize(
    ("suggested", "scope"),
    [
        (None, "repository:acme/echo:pull"),
        ("repository:other/name:pull", "repository:other/name:pull"),
        ("repository:a:pull,push", "repository:a:pull"),
        ("repository:a:*", "repository:a:pull"),
        ("repository:a:pull repository:b:pull,push,delete", "repository:a:pull repository:b:pull"),
        ("registry:catalog:*", "repository:acme/echo:pull"),
        ("repository:" + "a" * 300 + ":pull", "repository:acme/echo:pull"),
        ("x y z", "repository:acme/echo:pull"),
    ],
)
def test_never_more_than_pulling_is_asked_for(suggested: str | None, scope: str) -> None:
    assert pull_scope(suggested, repository="acme/echo") == scope


def _realm(url: str, registry: str, channel: Channel, *, credential: bool = True, plain: bool = False) -> None:
    scheme, _, host = url.partition("://")
    check_realm(scheme, host, registry=registry, channel=channel, with_credential=credential, plain_credentials=plain)


@pytest.mark.parametrize(
    ("url", "registry", "channel", "credential", "plain"),
    [
        pytest.param("https://auth.docker.io", "docker.io", Channel.VERIFIED, True, False, id="another host over verified TLS"),
        pytest.param("https://r.example", "r.example:5000", Channel.UNVERIFIED, True, False, id="the same host over TLS"),
        pytest.param("http://auth.example", "r.example", Channel.PLAIN, False, False, id="nothing to lose"),
        pytest.param("http://127.0.0.1:2", "127.0.0.1:1", Channel.PLAIN, True, False, id="loopback"),
        pytest.param("http://localhost:2", "127.0.0.1:1", Channel.PLAIN, True, False, id="loopback by another name"),
        pytest.param("http://r.example:2", "r.example:1", Channel.PLAIN, True, True, id="allowed by the user"),
        pytest.param("https://r.example:2", "r.example:1", Channel.PLAIN, True, True, id="the same host, better channel"),
    ],
)
def test_a_realm_is_asked(url: str, registry: str, channel: Channel, credential: bool, plain: bool) -> None:
    _realm(url, registry, channel, credential=credential, plain=plain)


@pytest.mark.parametrize(
    ("url", "registry", "channel", "credential", "plain"),
    [
        pytest.param("http://r.example", "r.example", Channel.VERIFIED, True, True, id="downgrade"),
        pytest.param("http://r.example", "r.example", Channel.VERIFIED, False, False, id="downgrade without credentials"),
        pytest.param("ftp://r.example", "r.example", Channel.PLAIN, False, False, id="no http"),
        pytest.param("https://evil.example", "r.example", Channel.UNVERIFIED, True, False, id="another host, unverified"),
        pytest.param("https://evil.example", "r.example", Channel.PLAIN, True, True, id="another host, in clear"),
        pytest.param("https://evil.example", "127.0.0.1:1", Channel.PLAIN, True, False, id="away from loopback"),
        pytest.param("http://r.example", "r.example:1", Channel.UNVERIFIED, True, False, id="in clear, not allowed"),
    ],
)
def test_a_realm_is_refused(url: str, registry: str, channel: Channel, credential: bool, plain: bool) -> None:
    with pytest.raises(RegistryAuthError):
        _realm(url, registry, channel, credential=credential, plain=plain)


@pytest.mark.parametrize(
    ("document", "header", "seconds"),
    [
        ({"token": "a.b"}, "Bearer a.b", 60),
        ({"access_token": "a", "expires_in": 300}, "Bearer a", 300),
        ({"token": "", "access_token": "a", "expires_in": "300"}, "Bearer a", 60),
        ({"token": "a", "expires_in": 0}, "Bearer a", 60),
        ({"token": "a", "expires_in": True}, "Bearer a", 60),
        ({"token": "a", "expires_in": 10**9}, "Bearer a", 86400),
    ],
)
def test_a_token_is_read_with_its_life(document: object, header: str, seconds: float) -> None:
    token = parse_token(json.dumps(document).encode(), where="realm")
    assert (token.header, token.seconds) == (header, seconds)


@pytest.mark.parametrize(
    "data", [b"", b"<html>", b"[]", b"{}", b'{"token": 5}', b'{"token": "a b"}', b'{"token": "a\\r\\nX: y"}']
)
def test_an_answer_without_a_token_is_refused(data: bytes) -> None:
    with pytest.raises(RegistryAuthError):
        parse_token(data, where="realm")


def test_a_basic_header_is_in_utf_8() -> None:
    assert basic_header(BasicCredential(username="mé", password="a:b")) == "Basic bcOpOmE6Yg=="
