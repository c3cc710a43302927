from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

import pytest

from supplychain.errors import InvalidCredentialsError
from supplychain.mirror import credentials as module
from supplychain.mirror.credentials import (
    ANONYMOUS,
    BasicCredential,
    BearerCredential,
    Credentials,
    RefreshCredential,
    load_docker_config,
    parse_docker_config,
    parse_pull_secret,
    run_helper,
)

if TYPE_CHECKING:
    from pathlib import Path

SECRET = "hunter2-very-secret"


def _auth(name: str) -> dict[str, str]:
    return {"auth": base64.b64encode(f"{name}:{SECRET}".encode()).decode()}


def _secret(*keys: str) -> Credentials:
    return parse_pull_secret(json.dumps({"auths": {key: _auth(key) for key in keys}}).encode(), where="secret `pull`")


def _user(source: Credentials, registry: str, repository: str = "acme/echo") -> str | None:
    found = source.find(registry, repository)
    assert found is None or isinstance(found, BasicCredential)
    return None if found is None else found.username


@pytest.mark.parametrize(
    ("key", "registry"),
    [
        ("ghcr.io", "ghcr.io"),
        ("GHCR.io", "ghcr.io"),
        ("https://ghcr.io", "ghcr.io"),
        ("http://ghcr.io/", "ghcr.io"),
        ("https://ghcr.io/v1/", "ghcr.io"),
        ("https://ghcr.io/v2/", "ghcr.io"),
        ("ghcr.io/v2", "ghcr.io"),
        ("https://index.docker.io/v1/", "docker.io"),
        ("docker.io", "index.docker.io"),
        ("registry-1.docker.io", "docker.io"),
        ("localhost", "localhost"),
        ("localhost:5000", "localhost:5000"),
        ("[::1]:5000", "[::1]:5000"),
        ("ghcr.io/acme", "ghcr.io"),
        ("ghcr.io/acme/echo", "ghcr.io"),
        ("*.example.com", "a.example.com"),
        ("*.*.example.com", "a.b.example.com"),
        ("eu-*.example.com:5000", "eu-1.example.com:5000"),
    ],
)
def test_a_key_speaks_for_its_host(key: str, registry: str) -> None:
    assert _user(_secret(key), registry) == key.partition(":")[0]  # the user name ends at the first colon


@pytest.mark.parametrize(
    ("key", "registry"),
    [
        pytest.param("registry.example.com:5000", "registry.example", id="begins with the host"),
        pytest.param("registry.example.com", "registry.example", id="begins with the host, without a port"),
        pytest.param("registry.example", "registry.example.com", id="is the beginning of the host"),
        pytest.param("ghcr.io:443", "ghcr.io", id="another port"),
        pytest.param("ghcr.io", "ghcr.io:8443", id="no port"),
        pytest.param("ghcr.io@evil.example", "ghcr.io", id="user part"),
        pytest.param("ghcr.io/acm", "ghcr.io", id="half a path segment"),
        pytest.param("ghcr.io/acme/echo/more", "ghcr.io", id="a longer path"),
        pytest.param("ghcr.io/other", "ghcr.io", id="another path"),
        pytest.param("*.example.com", "example.com", id="glob needs its label"),
        pytest.param("*.example.com", "a.b.example.com", id="glob stays in its label"),
        pytest.param("*.example.com", "a.example.com:5000", id="glob with another port"),
        pytest.param("*.example.com", "a.example.org", id="glob with another domain"),
        pytest.param("example.*", "example.com", id="glob in the last label"),
        pytest.param("*", "localhost", id="glob alone"),
        pytest.param("?.example.com", "a.example.com", id="only the star is a glob"),
        pytest.param("x[a].example.com", "xa.example.com", id="only the star is a glob, not a set"),
        pytest.param("*.example.com", ".example.com", id="an empty label"),
        pytest.param("", "ghcr.io", id="empty"),
    ],
)
def test_a_key_for_another_host_or_path_never_supplies_credentials(key: str, registry: str) -> None:
    assert _user(_secret(key), registry) is None


def test_a_glob_of_many_stars_takes_no_time() -> None:
    assert _user(_secret("*a" * 60 + "*b.example.com"), "a" * 200 + ".example.com") is None


def test_the_exact_host_wins_over_a_glob_and_the_longest_path_wins() -> None:
    source = _secret("*.example.com/acme/echo", "a.example.com", "a.example.com/acme", "a.example.com/acme/other")
    assert _user(source, "a.example.com") == "a.example.com/acme"
    assert _user(source, "a.example.com", "else") == "a.example.com"
    assert _user(source, "b.example.com") == "*.example.com/acme/echo"


def test_no_entry_is_anonymous_and_visible_as_such() -> None:
    assert ANONYMOUS.find("ghcr.io", "a") is None
    assert _secret().find("ghcr.io", "a") is None


@pytest.mark.parametrize(
    ("entry", "credential"),
    [
        (_auth("me"), BasicCredential(username="me", password=SECRET)),
        ({"username": "me", "password": SECRET}, BasicCredential(username="me", password=SECRET)),
        ({"username": "me", "password": " p:w "}, BasicCredential(username="me", password=" p:w ")),
        ({"auth": base64.b64encode(b"me:a:b\0\0").decode()}, BasicCredential(username="me", password="a:b")),
        ({"identitytoken": SECRET, **_auth("00000000")}, RefreshCredential(token=SECRET)),
        ({"registrytoken": SECRET, "identitytoken": "x"}, BearerCredential(token=SECRET)),
        ({"auth": "", "email": "me@example.com"}, None),
        ({"auth": None}, None),
    ],
)
def test_every_form_of_entry_is_understood(entry: dict[str, Any], credential: object) -> None:
    source = parse_docker_config(json.dumps({"auths": {"ghcr.io": entry}}).encode(), where="config")
    assert source.find("ghcr.io", "a") == credential


@pytest.mark.parametrize(
    "entry",
    [
        pytest.param({"auth": "!!"}, id="no base64"),
        pytest.param({"auth": base64.b64encode(b"\xff:\xff").decode()}, id="no UTF-8"),
        pytest.param({"auth": base64.b64encode(SECRET.encode()).decode()}, id="no colon"),
        pytest.param({"auth": base64.b64encode(b":" + SECRET.encode()).decode()}, id="no user"),
        pytest.param({"auth": 5}, id="no text"),
        pytest.param({"username": "me"}, id="user without password"),
        pytest.param({"password": SECRET}, id="password without user"),
        pytest.param({"registrytoken": f"{SECRET}\r\nX: y"}, id="a header inside a token"),
    ],
)
def test_an_entry_that_is_unusable_is_an_error_without_the_secret(entry: dict[str, Any]) -> None:
    source = parse_pull_secret(
        json.dumps({"auths": {"ghcr.io": entry, "other.example": _auth("x")}}).encode(), where="secret `pull`"
    )
    with pytest.raises(InvalidCredentialsError, match=r"secret `pull`.*ghcr\.io") as caught:
        source.find("ghcr.io", "a")
    assert SECRET not in str(caught.value)
    assert source.find("other.example", "a") is not None


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{",
        b"[]",
        b"{}",
        b'{"auths": []}',
        b'{"auths": {"ghcr.io": "x"}}',
        b'{"auths": {}, "auths": {}}',
        b'{"auths": {}}' + b" " * 2**20,
    ],
)
def test_a_pull_secret_that_is_unusable_is_an_error(data: bytes) -> None:
    with pytest.raises(InvalidCredentialsError):
        parse_pull_secret(data, where="secret")


def test_helpers_named_in_a_pull_secret_are_not_run() -> None:
    assert parse_pull_secret(b'{"auths": {}, "credsStore": "evil"}', where="secret").find("ghcr.io", "a") is None


def test_secrets_are_in_no_repr() -> None:
    shown = [
        repr(BasicCredential(username="me", password=SECRET)),
        repr(RefreshCredential(token=SECRET)),
        repr(BearerCredential(token=SECRET)),
        repr(_secret("ghcr.io")),
        str(_secret("ghcr.io")),
    ]
    assert not [text for text in shown if SECRET in text or _auth("ghcr.io")["auth"] in text]


# --- Docker's configuration and its helpers


class Helper:
    def __init__(self, **answers: bytes | None) -> None:
        self.answers = answers
        self.asked: list[tuple[str, str]] = []

    def __call__(self, name: str, server: str) -> bytes | None:
        self.asked.append((name, server))
        return self.answers[name]


def test_the_helper_of_a_host_comes_first_then_auths_then_the_store() -> None:
    helper = Helper(special=b'{"Username":"special","Secret":"s"}', store=b'{"Username":"store","Secret":"s"}')
    document = {
        "auths": {"a.example": _auth("a"), "b.example": _auth("b"), "c.example": {}},
        "credHelpers": {"https://a.example": "special"},
        "credsStore": "store",
    }
    source = parse_docker_config(json.dumps(document).encode(), where="config", run=helper)
    assert [_user(source, host) for host in ("a.example", "b.example", "c.example", "docker.io")] == [
        "special",
        "b",
        "store",
        "store",
    ]
    assert helper.asked == [("special", "a.example"), ("store", "c.example"), ("store", "https://index.docker.io/v1/")]


def test_a_helper_that_knows_nothing_is_anonymous() -> None:
    source = parse_docker_config(b'{"credsStore": "store"}', where="config", run=Helper(store=None))
    assert source.find("ghcr.io", "a") is None


def test_a_helper_may_answer_with_an_identity_token() -> None:
    source = parse_docker_config(b'{"credsStore": "s"}', where="c", run=Helper(s=b'{"Username":"<token>","Secret":"t"}'))
    assert source.find("ghcr.io", "a") == RefreshCredential(token="t")


@pytest.mark.parametrize(
    "answer", [b"", b"[]", b"{}", b'{"Username":"u"}', b'{"Username":"u","Secret":""}', b'{"Username":1,"Secret":"x"}']
)
def test_a_helper_that_answers_nonsense_is_an_error(answer: bytes) -> None:
    source = parse_docker_config(b'{"credHelpers": {"ghcr.io": "h"}}', where="config", run=Helper(h=answer))
    with pytest.raises(InvalidCredentialsError, match="docker-credential-h"):
        source.find("ghcr.io", "a")


@pytest.mark.parametrize(
    "document",
    [
        {"credHelpers": []},
        {"credHelpers": {"a": 1}},
        {"credsStore": "../../bin/sh"},
        {"credsStore": 5},
        {"credHelpers": {"a": "a b"}},
    ],
)
def test_a_config_with_an_unusable_helper_is_an_error(document: dict[str, Any]) -> None:
    with pytest.raises(InvalidCredentialsError):
        parse_docker_config(json.dumps(document).encode(), where="config")


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    def write(script: str) -> None:
        program = tmp_path / "docker-credential-test"
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)
        monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")

    return write


def test_a_helper_gets_the_host_on_standard_input(install: Any) -> None:
    install('read -r host; printf \'{"Username":"%s %s","Secret":"s"}\' "$1" "$host"')
    assert run_helper("test", "ghcr.io\n") == b'{"Username":"get ghcr.io","Secret":"s"}'
    source = parse_docker_config(b'{"credsStore": "test"}', where="config")
    assert isinstance(source.find("ghcr.io", "a"), BasicCredential)


def test_a_helper_without_an_entry_is_no_error(install: Any) -> None:
    install("echo 'credentials not found in native keychain'; exit 1")
    assert run_helper("test", "ghcr.io") is None
    install("echo 'credentials not found in native keychain' >&2; exit 1")
    assert run_helper("test", "ghcr.io") is None


def test_a_helper_that_fails_is_an_error_that_shows_nothing_of_its_output(install: Any) -> None:
    install(f"echo {SECRET}; echo {SECRET} >&2; exit 3")
    with pytest.raises(InvalidCredentialsError, match="exit code 3") as caught:
        run_helper("test", "ghcr.io")
    assert SECRET not in str(caught.value)


def test_a_helper_that_hangs_is_an_error(install: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    install("exec sleep 60")
    monkeypatch.setattr(module, "_HELPER_SECONDS", 0.05)
    with pytest.raises(InvalidCredentialsError, match="hangs"):
        run_helper("test", "ghcr.io")


def test_a_helper_that_is_not_installed_is_an_error() -> None:
    with pytest.raises(InvalidCredentialsError, match=r"cannot be run.*FileNotFoundError"):
        run_helper("that-nobody-has", "ghcr.io")


# --- where the file is


def _config(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps({"auths": {"ghcr.io": _auth(folder.name)}}))
    return folder / "config.json"


def test_a_named_file_wins_over_the_variable_and_that_over_the_home(tmp_path: Path) -> None:
    named, variable, _ = _config(tmp_path / "named"), _config(tmp_path / "variable"), _config(tmp_path / "home" / ".docker")
    environ = {"DOCKER_CONFIG": str(variable.parent), "HOME": str(tmp_path / "home")}
    assert _user(load_docker_config(named, environ=environ), "ghcr.io") == "named"
    assert _user(load_docker_config(environ=environ), "ghcr.io") == "variable"
    assert _user(load_docker_config(environ={"HOME": str(tmp_path / "home")}), "ghcr.io") == ".docker"


def test_the_environment_of_the_process_is_the_default(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_CONFIG", str(_config(tmp_path / "here").parent))
    assert _user(load_docker_config(), "ghcr.io") == "here"


def test_only_the_file_in_the_home_may_be_missing(tmp_path: Path) -> None:
    assert load_docker_config(environ={"HOME": str(tmp_path)}) is ANONYMOUS
    assert load_docker_config(environ={}) is ANONYMOUS
    with pytest.raises(InvalidCredentialsError, match="No such file"):
        load_docker_config(environ={"DOCKER_CONFIG": str(tmp_path)})
    with pytest.raises(InvalidCredentialsError, match="a directory"):
        load_docker_config(tmp_path, environ={})
    (tmp_path / ".docker").mkdir()
    (tmp_path / ".docker" / "config.json").symlink_to("nowhere")
    with pytest.raises(InvalidCredentialsError):
        load_docker_config(environ={"HOME": str(tmp_path)})
