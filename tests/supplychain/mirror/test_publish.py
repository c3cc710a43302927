"""Pushing to registries that misbehave; what happens with real ones stands in `tests/registries`."""

from __future__ import annotations

import ast
import hashlib
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest

import supplychain
from supplychain.digest import ManifestDigest
from supplychain.errors import (
    ArtifactTooLargeError,
    DigestMismatchError,
    InvalidReferenceError,
    NotFoundError,
    PackageError,
    RegistryAuthError,
    RegistryUnavailableError,
    UnreadableFileError,
)
from supplychain.limits import Limits
from supplychain.mirror import publish
from supplychain.mirror.credentials import parse_docker_config
from supplychain.mirror.publish import attach_to_layout, push, write_layout
from supplychain.reference import OciReference
from supplychain.spool import Spool
from tests.support.builders import build_package
from tests.support.loopback_server import Answer, Asked, serving
from tests.support.registries import PASSWORD, USER, docker_config

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.loopback_server import LoopbackServer

PACKAGE = build_package()
DIGEST = "sha256:eb61a2cf48c3ceae7a1994a85d4d55db55e5937f701f6b0c7068422887235091"


class Registry:
    """A registry of one repository that keeps what it is given; `answers` replaces the answer to a method and path pattern."""

    def __init__(self) -> None:
        self.blobs: dict[str, bytes] = {}
        self.manifests: dict[str, bytes] = {}
        self.answers: dict[tuple[str, str], Answer | None] = {}
        self.location = "/v2/plugins/echo/blobs/uploads/1?state=x"

    def __call__(self, asked: Asked) -> Answer | None:
        for (method, pattern), answer in self.answers.items():
            if method == asked.method and re.search(pattern, asked.path):
                return answer
        path, query = urlsplit(asked.path).path, parse_qs(urlsplit(asked.path).query)
        name = path.rpartition("/")[2]
        match asked.method:
            case "HEAD":
                return Answer(status=200 if name in self.blobs else 404)
            case "POST":
                return Answer(status=202, headers={"Location": self.location})
            case "PUT" if "/blobs/" in path:
                honest = f"sha256:{hashlib.sha256(asked.body).hexdigest()}" == query["digest"][0]
                self.blobs |= {query["digest"][0]: asked.body} if honest else {}
                return Answer(status=201 if honest else 400)
            case "PUT":
                self.manifests[name] = self.manifests[str(ManifestDigest.of(asked.body))] = asked.body
                return Answer(status=201)
        return Answer(body=self.manifests[name]) if name in self.manifests else Answer()


@pytest.fixture
def registry() -> Registry:
    return Registry()


@pytest.fixture
def server(registry: Registry) -> Iterator[LoopbackServer]:
    with serving(registry) as running:
        yield running


@pytest.fixture
def spool() -> Iterator[Spool]:
    with Spool.of(PACKAGE) as package:
        yield package


def send(server: LoopbackServer, package: Spool | Path, *, tag: str = "1.2.3", **more: Any) -> ManifestDigest:
    return push(package, reference=OciReference.parse(f"{server.host}/plugins/echo:{tag}"), **more)


def test_layer_config_and_manifest_are_sent_and_looked_at_again(registry: Registry, server: LoopbackServer, spool: Spool) -> None:
    assert str(send(server, spool)) == DIGEST
    assert sorted(registry.manifests) == sorted(["1.2.3", DIGEST])
    assert PACKAGE in registry.blobs.values()
    assert len(registry.blobs) == 2
    steps = [f"{one.method} {urlsplit(one.path).path.removeprefix('/v2/plugins/echo/').split('/')[0]}" for one in server.asked]
    blob = ["HEAD blobs", "POST blobs", "PUT blobs"]
    assert steps[1:] == [*blob, *blob, "PUT manifests", "GET manifests", "GET manifests"]
    assert server.asked[0].path == "/v2/"
    put = next(one for one in server.asked if one.method == "PUT" and "manifests" in one.path)
    assert put.headers["content-type"] == "application/vnd.oci.image.manifest.v1+json"
    assert str(ManifestDigest.of(put.body)) == DIGEST


def test_a_file_is_sent_like_a_spool(server: LoopbackServer, tmp_path: Path) -> None:
    (tmp_path / "echo.zip").write_bytes(PACKAGE)
    assert str(send(server, tmp_path / "echo.zip")) == DIGEST


def test_the_digest_does_not_depend_on_what_the_registry_says(registry: Registry, server: LoopbackServer, spool: Spool) -> None:
    lie = {"Docker-Content-Digest": "sha256:" + "0" * 64, "Location": "/v2/plugins/echo/manifests/sha256:" + "1" * 64}

    def keep(asked: Asked) -> Answer | None:
        answer = Registry.__call__(registry, asked)
        return Answer(status=201, headers=lie) if asked.method == "PUT" and "manifests" in asked.path else answer

    with serving(keep) as lying:
        assert str(send(lying, spool)) == DIGEST
    assert server.asked == []


def test_blobs_that_are_there_are_not_sent_again(server: LoopbackServer, spool: Spool) -> None:
    send(server, spool)
    server.asked.clear()
    send(server, spool)
    assert [one.method for one in server.asked] == ["GET", "HEAD", "HEAD", "PUT", "GET", "GET"]


def test_a_body_of_several_pieces_arrives_whole(registry: Registry, server: LoopbackServer) -> None:
    data = build_package(artifact=b"\x7fELF" + bytes(range(256)) * 12 * 1024, method=0)
    with Spool.of(data) as package:
        send(server, package)
    assert data in registry.blobs.values()
    put = next(one for one in server.asked if one.method == "PUT")
    assert put.headers["content-length"] == str(len(data))
    assert "transfer-encoding" not in put.headers


def test_a_pinned_reference_must_name_what_results(server: LoopbackServer, spool: Spool) -> None:
    assert str(send(server, spool, tag=f"1.2.3@{DIGEST}")) == DIGEST
    server.asked.clear()
    with pytest.raises(DigestMismatchError, match="the package gives another manifest"):
        send(server, spool, tag="1.2.3@sha256:" + "0" * 64)
    assert server.asked == []


def test_a_reference_without_a_tag_is_refused(spool: Spool) -> None:
    with pytest.raises(InvalidReferenceError, match="a push needs a tag"):
        push(spool, reference=OciReference.parse(f"localhost:1/x@{DIGEST}"))


def test_what_is_no_package_is_never_sent(server: LoopbackServer, tmp_path: Path) -> None:
    with Spool.of(b"no zip") as package, pytest.raises(PackageError):
        send(server, package)
    with pytest.raises(UnreadableFileError):
        send(server, tmp_path / "missing.zip")
    (tmp_path / "echo.zip").write_bytes(PACKAGE)
    with pytest.raises(ArtifactTooLargeError):
        send(server, tmp_path / "echo.zip", limits=Limits(package=10))
    assert server.asked == []


@pytest.mark.parametrize("name", ["1.2.3", DIGEST])
@pytest.mark.parametrize("held", [b"", b"{}", b"x" * 4096])
def test_a_registry_that_keeps_other_bytes_is_found_out(
    registry: Registry, server: LoopbackServer, spool: Spool, name: str, held: bytes
) -> None:
    registry.answers["GET", f"manifests/{name}$"] = Answer(body=held)
    with pytest.raises(DigestMismatchError, match="the registry holds another manifest than was pushed") as caught:
        send(server, spool)
    assert caught.value.expected == f"`{DIGEST}`"


FAILURES = [
    pytest.param(Answer(status=401), RegistryAuthError, "of an unknown kind", id="401"),
    pytest.param(Answer(status=403), RegistryAuthError, "got status 403", id="403"),
    pytest.param(Answer(status=404), NotFoundError, "got status 404", id="404"),
    pytest.param(Answer(status=500), RegistryUnavailableError, "got status 500", id="500"),
    pytest.param(Answer(status=307, headers={"Location": "/"}), RegistryUnavailableError, "got status 307", id="redirect"),
    pytest.param(None, RegistryUnavailableError, "the connection failed", id="hangs-up"),
]
STEPS = ["POST blobs/uploads/$", "PUT blobs/uploads/", "PUT manifests/", "GET manifests/1.2.3$", "GET manifests/sha256:"]


@pytest.mark.parametrize(("answer", "error", "says"), FAILURES)
def test_every_step_that_fails_ends_the_push_at_once(
    spool: Spool, answer: Answer | None, error: type[Exception], says: str
) -> None:
    for step in STEPS:
        registry = Registry()
        method, _, path = step.partition(" ")
        registry.answers[method, path] = answer
        with serving(registry) as server, pytest.raises(error, match=says):
            send(server, spool)
        assert len([one for one in server.asked if one.method == method and re.search(path, one.path)]) == 1, step


def test_the_registrys_own_error_code_is_shown_and_nothing_else_of_its_answer(
    registry: Registry, server: LoopbackServer, spool: Spool
) -> None:
    body = b'{"errors":[{"code":"MANIFEST_INVALID","message":"secret"},{"code":"DENIED"},{"code":"bad code"}]}'
    registry.answers["PUT", "manifests/"] = Answer(status=400, body=body)
    with pytest.raises(RegistryUnavailableError) as caught:
        send(server, spool)
    assert caught.value.got == "status 400 `DENIED` `MANIFEST_INVALID`"
    assert "secret" not in str(caught.value)


def test_a_wait_that_the_registry_asks_for_is_passed_on(registry: Registry, server: LoopbackServer, spool: Spool) -> None:
    registry.answers["POST", "uploads"] = Answer(status=429, headers={"Retry-After": "17"})
    with pytest.raises(RegistryUnavailableError) as caught:
        send(server, spool)
    assert caught.value.retry_after == 17
    registry.answers["POST", "uploads"] = Answer(status=429, headers={"Retry-After": "soon"})
    with pytest.raises(RegistryUnavailableError) as caught:
        send(server, spool)
    assert caught.value.retry_after is None


def test_an_upload_without_a_location_is_refused(registry: Registry, server: LoopbackServer, spool: Spool) -> None:
    registry.answers["POST", "uploads"] = Answer(status=202)
    with pytest.raises(RegistryUnavailableError, match="got status 202"):
        send(server, spool)


@pytest.mark.parametrize("location", ["http://[", "http://127.0.0.1:99999/x", "http://127.0.0.1:x/", "ftp://127.0.0.1/x"])
def test_an_unusable_location_is_an_error_of_ours(
    registry: Registry, server: LoopbackServer, spool: Spool, location: str
) -> None:
    registry.location = location
    with pytest.raises(RegistryUnavailableError):
        send(server, spool)


def test_an_upload_location_on_another_host_gets_the_bytes_and_no_credentials(registry: Registry, spool: Spool) -> None:
    def demanding(asked: Asked) -> Answer | None:
        if "authorization" not in asked.headers:
            return Answer(status=401, headers={"WWW-Authenticate": "Basic"})
        return registry(asked)

    with serving(registry) as storage, serving(demanding) as server:
        registry.location = f"{storage.url}/storage/blobs/1"
        who = parse_docker_config(docker_config(server.host), where="test")
        assert str(send(server, spool, credentials=who)) == DIGEST
    assert {one.method for one in storage.asked} == {"PUT"}
    assert set(storage.sent("Authorization")) == {None}
    assert None in server.sent("Authorization")
    assert len(set(server.sent("Authorization"))) == 2


def test_a_storage_that_asks_for_credentials_gets_none(registry: Registry, server: LoopbackServer, spool: Spool) -> None:
    with serving(lambda _: Answer(status=401, headers={"WWW-Authenticate": "Basic"})) as storage:
        registry.location = f"{storage.url}/storage/blobs/1"
        who = parse_docker_config(docker_config(server.host), where="test")
        with pytest.raises(RegistryAuthError):
            send(server, spool, credentials=who)
    assert storage.sent("Authorization") == [None]


def test_a_challenge_in_the_middle_sends_the_whole_body_again(registry: Registry, spool: Spool) -> None:
    seen: list[bytes] = []

    def late(asked: Asked) -> Answer | None:
        if asked.method == "PUT" and "/blobs/" in asked.path:
            seen.append(asked.body)
            if "authorization" not in asked.headers:
                return Answer(status=401, headers={"WWW-Authenticate": "Basic"})
        return registry(asked)

    with serving(late) as server:
        who = parse_docker_config(docker_config(server.host), where="test")
        send(server, spool, credentials=who)
    assert seen[:2] == [PACKAGE, PACKAGE]


def test_no_cookie_is_kept_and_no_netrc_is_read(
    registry: Registry, spool: Spool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "netrc").write_text(f"machine 127.0.0.1 login {USER} password {PASSWORD}\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    (tmp_path / "config.json").write_bytes(docker_config("127.0.0.1"))

    def sweet(asked: Asked) -> Answer | None:
        answer = registry(asked)
        assert answer is not None
        return Answer(status=answer.status, headers={**answer.headers, "Set-Cookie": "a=b"}, body=answer.body)

    with serving(sweet) as server:
        send(server, spool)
    assert set(server.sent("Authorization")) == {None}
    assert set(server.sent("Cookie")) == {None}


def test_a_registry_called_localhost_is_this_machine(registry: Registry, server: LoopbackServer, spool: Spool) -> None:
    port = server.host.partition(":")[2]
    push(spool, reference=OciReference.parse(f"localhost:{port}/plugins/echo:1"))
    assert "1" in registry.manifests


def test_only_one_module_imports_oras() -> None:
    importing = set()
    for path in Path(supplychain.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [one.name for one in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            importing |= {path.name for name in names if name.partition(".")[0] == "oras"}
    assert importing == {Path(publish.__file__).name}


def test_the_layout_functions_are_at_hand_where_publishing_is() -> None:
    assert {write_layout.__module__, attach_to_layout.__module__} == {"supplychain.mirror.layout_writer"}
