"""Asking a Rekor v1 on loopback: what is sent, what is found, and that every failure is one to try again."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from supplychain.dsse import parse_envelope
from supplychain.errors import EnvelopeInvalidError, TransparencyLogUnavailableError, UnreadableFileError
from supplychain.limits import Limits
from supplychain.mirror.rekor import RekorLookup
from tests.support.fake_rekor import FakeRekor, old_provenance
from tests.support.loopback_server import Answer, serving
from tests.support.private_ca import PrivateCa
from tests.support.sigstore.identities import generator_identity
from tests.support.sigstore.legacy import bare_envelope, served_entry
from tests.support.sigstore.statements import slsa_provenance
from tests.support.virtual_sigstore import VirtualSigstore

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from supplychain.ports import FoundEntry
    from tests.support.loopback_server import LoopbackServer

SIGSTORE = VirtualSigstore()
ARTIFACT = hashlib.sha256(b"library").hexdigest()
STATEMENT = slsa_provenance(ARTIFACT)
WITH_CERT, ENTRY = old_provenance(SIGSTORE.sign_statement, STATEMENT, identity=generator_identity())
PAYLOAD = hashlib.sha256(parse_envelope(WITH_CERT).payload).hexdigest()
INTOTO_2 = SIGSTORE.sign_statement(STATEMENT, identity=generator_identity(), log="rekor1", kind="intoto")
WITHOUT_CERT = bare_envelope(INTOTO_2)
ENTRIES, INDEX = "/api/v1/log/entries/retrieve", "/api/v1/index/retrieve"
ONCE = Limits(retries=0, connect_seconds=5, first_byte_seconds=5, idle_seconds=5)


@pytest.fixture
def rekor() -> FakeRekor:
    return FakeRekor()


@pytest.fixture
def server(rekor: FakeRekor) -> Iterator[LoopbackServer]:
    with serving(rekor) as running:
        yield running


def find(*logs: str, envelope: bytes = WITH_CERT, limits: Limits = ONCE, **options: Any) -> list[FoundEntry]:
    with RekorLookup(limits=limits, **options) as lookup:
        return list(lookup(envelope, logs=logs, artifact=ARTIFACT))


def failure(*logs: str, **options: Any) -> TransparencyLogUnavailableError:
    with pytest.raises(TransparencyLogUnavailableError) as caught:
        find(*logs, **options)
    return caught.value


# --- by content


@pytest.mark.parametrize("kind", ["dsse", "intoto"])
def test_an_envelope_with_its_certificate_is_found_without_an_index(kind: Any, rekor: FakeRekor, server: LoopbackServer) -> None:
    envelope, entry = old_provenance(SIGSTORE.sign_statement, STATEMENT, kind=kind, identity=generator_identity())
    rekor.index = None
    name = rekor.add(entry)
    [found] = find(server.url, envelope=envelope)
    assert json.loads(found.document) == {name: next(iter(entry.values()))}
    assert found.log == "127.0.0.1"
    assert [path for path, _ in rekor.asked] == [ENTRIES]


def test_the_payload_is_never_sent(rekor: FakeRekor, server: LoopbackServer) -> None:
    rekor.add(ENTRY)
    find(server.url)
    payload = json.loads(WITH_CERT)["payload"]
    assert all(payload not in json.dumps(document) for _, document in rekor.asked)


def test_a_base_url_may_have_a_path(rekor: FakeRekor) -> None:
    rekor.add(ENTRY)

    def behind(asked: Any) -> Answer | None:
        assert asked.path.startswith("/rekor/api/")
        from dataclasses import replace

        return rekor(replace(asked, path=asked.path.removeprefix("/rekor")))

    with serving(behind) as server:
        assert find(f"{server.url}/rekor/")


# --- by the index


def test_an_envelope_without_certificate_is_found_by_its_payload(rekor: FakeRekor, server: LoopbackServer) -> None:
    name = rekor.add(served_entry(INTOTO_2), PAYLOAD)
    [found] = find(server.url, envelope=WITHOUT_CERT)
    assert list(json.loads(found.document)) == [name]
    assert rekor.asked == [(INDEX, {"hash": f"sha256:{PAYLOAD}"}), (ENTRIES, {"entryUUIDs": [name]})]


def test_what_the_index_does_not_know_by_payload_may_be_there_by_artifact(rekor: FakeRekor, server: LoopbackServer) -> None:
    rekor.add(served_entry(INTOTO_2), ARTIFACT)
    assert find(server.url, envelope=WITHOUT_CERT)
    assert [document.get("hash") for _, document in rekor.asked][:2] == [f"sha256:{PAYLOAD}", f"sha256:{ARTIFACT}"]


def test_an_envelope_that_was_formatted_anew_is_left_to_the_index(rekor: FakeRekor, server: LoopbackServer) -> None:
    rekor.add(ENTRY, PAYLOAD)
    assert find(server.url, envelope=json.dumps(json.loads(WITH_CERT), indent=1).encode())
    assert [path for path, _ in rekor.asked] == [ENTRIES, INDEX, ENTRIES]


@pytest.mark.parametrize("cert", ["", "x", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", None, 7, ["x"]])
def test_a_certificate_that_cannot_be_read_is_none(cert: Any, rekor: FakeRekor, server: LoopbackServer) -> None:
    envelope = json.loads(WITH_CERT)
    envelope["signatures"][0]["cert"] = cert
    assert find(server.url, envelope=json.dumps(envelope).encode()) == []
    assert [path for path, _ in rekor.asked] == [INDEX, INDEX]


def test_an_envelope_with_two_signatures_is_left_to_the_index(rekor: FakeRekor, server: LoopbackServer) -> None:
    envelope = json.loads(WITH_CERT)
    envelope["signatures"] *= 2
    assert find(server.url, envelope=json.dumps(envelope).encode()) == []
    assert [path for path, _ in rekor.asked] == [INDEX, INDEX]


def test_a_log_that_finds_nothing_gives_nothing(rekor: FakeRekor, server: LoopbackServer) -> None:
    assert find(server.url) == []
    assert [path for path, _ in rekor.asked] == [ENTRIES, INDEX, INDEX]
    rekor.faults = [Answer(body=b"[]"), Answer(body=b"null"), Answer(body=b"null")]
    assert find(server.url) == []


def test_of_a_flooded_index_the_first_are_handed_on_and_that_there_are_more_is_said(
    rekor: FakeRekor, server: LoopbackServer
) -> None:
    for number in range(11):
        rekor.add(ENTRY, PAYLOAD, name=f"{number:064x}")
    with RekorLookup(limits=ONCE) as lookup:
        entries = lookup(WITHOUT_CERT, logs=(server.url,), artifact=ARTIFACT)
        assert len([next(entries) for _ in range(10)]) == 10
        with pytest.raises(TransparencyLogUnavailableError, match="more entries than are looked at") as caught:
            next(entries)
    assert caught.value.got == "11"
    assert "--rekor-entry" in caught.value.hint


# --- several logs


def test_logs_are_asked_only_as_far_as_they_are_wanted(rekor: FakeRekor, server: LoopbackServer) -> None:
    rekor.add(ENTRY)
    with RekorLookup(limits=ONCE) as lookup:
        assert next(lookup(WITH_CERT, logs=(server.url, server.url), artifact=ARTIFACT))
    assert len(rekor.asked) == 1


def test_one_log_that_is_down_does_not_hide_what_another_has_but_is_not_forgotten(
    rekor: FakeRekor, server: LoopbackServer
) -> None:
    rekor.add(ENTRY)
    with RekorLookup(limits=ONCE) as lookup:
        entries = lookup(WITH_CERT, logs=("http://127.0.0.1:1", server.url, "http://127.0.0.1:2"), artifact=ARTIFACT)
        assert next(entries).log == "127.0.0.1"
        with pytest.raises(TransparencyLogUnavailableError) as caught:
            next(entries)
    assert "127.0.0.1:1/" in (caught.value.where or "")


def test_without_a_log_nobody_is_asked() -> None:
    assert find() == []


def test_a_malformed_envelope_is_refused_before_anybody_is_asked(rekor: FakeRekor, server: LoopbackServer) -> None:
    with pytest.raises(EnvelopeInvalidError):
        find(server.url, envelope=b"{}")
    assert rekor.asked == []


# --- how a log is reached


@pytest.mark.parametrize(
    ("log", "what"),
    [
        ("http://rekor.example", "cannot be asked safely"),
        ("http://[::2]:80", "cannot be asked safely"),
        ("ftp://rekor.example", "cannot be asked safely"),
        ("https://rekor.example:port", "no usable URL"),
        ("https://", "no usable URL"),
        ("https://me:secret@rekor.example", "no usable URL"),
        ("https://rekor.example/?a=b", "no usable URL"),
        ("https://rekor.example/#a", "no usable URL"),
    ],
)
def test_an_address_that_is_no_https_address_gets_no_packet(log: str, what: str) -> None:
    def never(request: httpx.Request) -> httpx.Response:
        raise AssertionError(request.url)

    error = failure(log, transport=httpx.MockTransport(never))
    assert what in error.what
    assert "secret" not in f"{error} {error.hint}"


@pytest.mark.parametrize(
    ("log", "insecure", "asked"),
    [
        ("https://rekor.example", (), "https://rekor.example/api/v1/log/entries/retrieve"),
        ("rekor.example:8443/x", (), "https://rekor.example:8443/x/api/v1/log/entries/retrieve"),
        ("https://rekor.example", ("Rekor.example",), "https://rekor.example/api/v1/log/entries/retrieve"),
        ("http://rekor.example:3000", ("rekor.example:3000",), "http://rekor.example:3000/api/v1/log/entries/retrieve"),
        ("http://localhost:3000", (), "http://localhost:3000/api/v1/log/entries/retrieve"),
    ],
)
def test_a_log_is_asked_where_the_root_says(log: str, insecure: tuple[str, ...], asked: str) -> None:
    urls: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        urls.append(str(request.url))
        return httpx.Response(200, stream=httpx.ByteStream(json.dumps([ENTRY]).encode()))

    assert find(log, insecure=insecure, transport=httpx.MockTransport(answer))
    assert urls == [asked]


def test_a_certificate_is_verified_unless_the_host_is_declared_insecure(rekor: FakeRekor, tmp_path: Path) -> None:
    ca = PrivateCa(tmp_path / "ca")
    rekor.add(ENTRY)
    with serving(rekor, certificate=ca.server("127.0.0.1")) as server:
        assert "certificate is not trusted" in (failure(server.url).got or "")
        assert find(server.url, ca_file=ca.certificate)
        assert find(server.url, insecure=(server.host,))


def test_an_unusable_ca_file_is_said_at_once(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_bytes(b"x")
    with pytest.raises(UnreadableFileError):
        RekorLookup(ca_file=tmp_path / "ca.pem")


# --- failures


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_are_followed_nowhere(status: int, rekor: FakeRekor, server: LoopbackServer) -> None:
    def must_not(asked: Any) -> Answer:
        raise AssertionError(asked)

    with serving(must_not) as other:
        rekor.faults = [Answer(status=status, headers={"Location": f"{other.url}/api/v1/log/entries/retrieve"})]
        assert failure(server.url).got == f"status {status}"
        assert other.asked == []


@pytest.mark.parametrize("status", [201, 400, 401, 403, 404, 422, 500, 501, 503])
def test_an_error_of_the_log_is_no_verdict(status: int, rekor: FakeRekor, server: LoopbackServer) -> None:
    rekor.faults = [Answer(status=status, body=b'{"message": "text of the answer"}')]
    error = failure(server.url)
    assert (error.what, error.got) == ("the transparency log answers with an error", f"status {status}")
    assert error.where == f"`{server.url}{ENTRIES}`"
    assert "text of" not in str(error)
    assert "--rekor-entry" in error.hint


def test_a_log_without_an_index_could_not_be_asked_to_the_end(rekor: FakeRekor, server: LoopbackServer) -> None:
    rekor.index = None
    assert failure(server.url).got == "status 501"


@pytest.mark.parametrize(
    "body",
    [b"", b"{}", b"null", b"[1]", b"[", b'"x"', b'[{"a": 1, "a": 2}]', b"\xff", b"[" * 1000, b'[{"a": "\\ud800"}]'],
)
def test_an_answer_that_is_no_list_of_entries_is_not_usable(body: bytes, rekor: FakeRekor, server: LoopbackServer) -> None:
    rekor.faults = [Answer(body=body)]
    assert failure(server.url).what == "the transparency log's answer is not usable"


@pytest.mark.parametrize("body", [b"{}", b'"x"', b"[1]", b'["x"]', b'["../../log"]', b'["' + b"0" * 63 + b'"]'])
def test_an_answer_that_is_no_list_of_entry_ids_is_not_usable(body: bytes, rekor: FakeRekor, server: LoopbackServer) -> None:
    rekor.faults = [Answer(body=body)]
    assert failure(server.url, envelope=WITHOUT_CERT).what == "the transparency log's answer is not usable"
    assert len(rekor.asked) == 1


def test_more_entries_than_were_asked_for_are_not_looked_at(rekor: FakeRekor, server: LoopbackServer) -> None:
    rekor.faults = [Answer(body=json.dumps([{f"{number}": {} for number in range(11)}]).encode())]
    assert "11 entries" in (failure(server.url).got or "")


def test_a_larger_answer_is_not_read(rekor: FakeRekor, server: LoopbackServer) -> None:
    limits = Limits(retries=0, document=1000)
    rekor.faults = [Answer(body=b"[" + b" " * 1000 + b"]")]
    assert "too large" in (failure(server.url, limits=limits).got or "")


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


def timed(clock: Clock) -> dict[str, Any]:
    return {"clock": clock, "sleep": clock.sleep, "jitter": lambda: 1.0}


def test_what_may_pass_is_tried_again(rekor: FakeRekor, server: LoopbackServer) -> None:
    clock = Clock()
    rekor.add(ENTRY)
    rekor.faults = [None, Answer(status=503), Answer(status=429, headers={"Retry-After": "7"}), Answer(body=b"[", length=5)]
    assert find(server.url, limits=Limits(), **timed(clock))
    assert clock.slept == [0.5, 1.0, 7.0, 4.0]


def test_the_tries_have_an_end(rekor: FakeRekor, server: LoopbackServer) -> None:
    clock = Clock()
    rekor.faults = [None] * 9
    error = failure(server.url, limits=Limits(retries=2), **timed(clock))
    assert error.what == "the transparency log could not be asked"
    assert len(rekor.asked) == 3


def test_a_wait_longer_than_the_time_that_is_left_is_not_begun(rekor: FakeRekor, server: LoopbackServer) -> None:
    clock = Clock()
    rekor.faults = [Answer(status=503, headers={"Retry-After": "60"})]
    error = failure(server.url, limits=Limits(), **timed(clock))
    assert (error.retry_after, clock.slept) == (60.0, [])


def test_all_logs_together_have_one_total_time(rekor: FakeRekor, server: LoopbackServer) -> None:
    clock = Clock()
    rekor.faults = [Answer(status=503, headers={"Retry-After": "59"})]
    with RekorLookup(limits=Limits(), **timed(clock)) as lookup:
        rekor.add(ENTRY)
        entries = lookup(WITH_CERT, logs=(server.url, server.url), artifact=ARTIFACT)
        next(entries)
        clock.now += 1
        with pytest.raises(TransparencyLogUnavailableError, match="time for asking transparency logs is over"):
            next(entries)
    assert len(rekor.asked) == 2
