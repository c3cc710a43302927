"""Writing a repository: to real registries, alone and with others, and to one that misbehaves."""

import json
import multiprocessing
import re
import socket
import threading
import uuid
from typing import Any

import pytest

from supplychain.carry.content import Document, fallback_tag
from supplychain.carry.registry_content import RegistryContentSource
from supplychain.carry.registry_destination import RegistryContentDestination
from supplychain.digest import ManifestDigest
from supplychain.errors import (
    DigestMismatchError,
    ManifestInvalidError,
    NotFoundError,
    RegistryAuthError,
    RegistryUnavailableError,
)
from supplychain.limits import Limits
from supplychain.mirror.credentials import ANONYMOUS
from supplychain.mirror.manifests import OciDescriptor, parse_index
from supplychain.mirror.push_session import PushSession
from supplychain.mirror.transport import RegistryClient
from supplychain.spool import Spool
from tests.support.carrying import Hall, entry_of, plugin
from tests.support.loopback_server import Answer, serving
from tests.support.oci import canonical
from tests.support.private_ca import PrivateCa

NOBODY: Any = None
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
EMPTY = OciDescriptor(media_type="application/vnd.oci.empty.v1+json", sha256=ManifestDigest.of(b"{}").hex, size=2)


def referrer(subject, text, *, bare=False):
    """A small document that is attached to `subject`."""
    empty = {"mediaType": EMPTY.media_type, "digest": f"sha256:{EMPTY.sha256}", "size": 2}
    document = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "artifactType": "application/x.test",
        "config": empty,
        "layers": [empty],
        "annotations": {"text": text},
        "subject": {"mediaType": MANIFEST, "digest": str(subject), "size": 1},
    }
    return Document.of(canonical(document), where="test")


def write_referrers(hall, subject, texts):
    with hall.writer() as writer:
        writer.put_blob(EMPTY, b"{}")
        for text in texts:
            document = referrer(subject, text)
            writer.put_document(document)
            writer.attach(*entry_of(document))
        writer.settle()


def write_in_a_process(mirror, repository, subject, texts, barrier):
    """What a second machine does: a process of its own, which starts when the others do."""
    hall = Hall(upstream="127.0.0.1:1", mirror=mirror, repository=repository)
    barrier.wait(30)
    write_referrers(hall, ManifestDigest.parse(subject), texts)


def listed(hall, subject):
    return {one.annotations["text"] for one in hall.reader().referrers(subject)}


def test_what_was_written_is_there_under_digest_and_tag(hall):
    stored, descriptor = plugin(signed=False)
    document = Document.of(stored.blobs[descriptor["digest"]], where="test")
    with hall.writer() as writer, Spool.of(b"in a file") as spool:
        for blob in (document_blob for document_blob in stored.blobs if document_blob != descriptor["digest"]):
            data = stored.blobs[blob]
            writer.put_blob(OciDescriptor(media_type="x/y", sha256=blob[7:], size=len(data)), data)
            assert writer.holds_blob(blob)
        writer.put_blob(OciDescriptor(media_type="x/y", sha256=spool.sha256, size=spool.size), spool)
        writer.put_blob(OciDescriptor(media_type="x/y", sha256=ManifestDigest.of(b"").hex, size=0), b"")
        assert not writer.holds_blob(f"sha256:{ManifestDigest.of(uuid.uuid4().bytes).hex}")
        assert not writer.holds_document(document.digest)
        writer.put_document(document)
        assert writer.holds_document(document.digest)
        writer.put_document(document, tag="new")
    assert hall.reader().digest("new") == document.digest


def test_an_attached_object_is_listed_by_api_or_tag(hall):
    subject = ManifestDigest.of(b"subject")
    write_referrers(hall, subject, ["a", "b"])
    assert listed(hall, subject) == {"a", "b"}
    write_referrers(hall, subject, ["a", "b"])
    assert listed(hall, subject) == {"a", "b"}


def test_threads_that_write_one_fallback_tag_lose_nothing(bare_hall):
    subject = ManifestDigest.of(b"threads")
    texts = [[f"{writer}-{number}" for number in range(3)] for writer in range(6)]
    threads = [threading.Thread(target=write_referrers, args=(bare_hall, subject, each)) for each in texts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert listed(bare_hall, subject) == {text for each in texts for text in each}


def test_processes_that_write_one_fallback_tag_lose_nothing(bare_hall):
    subject = ManifestDigest.of(b"processes")
    texts = [[f"{writer}-{number}" for number in range(4)] for writer in range(3)]
    context = multiprocessing.get_context("spawn")
    barrier = context.Barrier(len(texts))
    processes = [
        context.Process(target=write_in_a_process, args=(bare_hall.mirror, bare_hall.repository, str(subject), each, barrier))
        for each in texts
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join(90)
    assert [process.exitcode for process in processes] == [0, 0, 0]
    assert listed(bare_hall, subject) == {text for each in texts for text in each}


def write_missing(writer):
    if not writer.holds_blob(f"sha256:{EMPTY.sha256}"):
        writer.put_blob(EMPTY, b"{}")


class Registry:
    """A registry without referrers API that keeps what it is given; `answers` replaces the answer to a method and path pattern."""

    def __init__(self):
        self.blobs, self.manifests, self.answers = {}, {}, {}
        self.location = "/v2/acme/echo/blobs/uploads/1?state=x"
        self.times = []

    def __call__(self, asked):  # noqa: PLR0911 — one answer for each kind of request
        for pattern, answers in self.answers.items():
            if answers and re.search(pattern, f"{asked.method} {asked.path}"):
                return answers.pop(0)
        path, _, query = asked.path.partition("?")
        name = path.rpartition("/")[2]
        match asked.method:
            case "HEAD":
                return Answer(status=200 if name in self.blobs or name in self.manifests else 404)
            case "POST":
                return Answer(status=202, headers={"Location": self.location})
            case "PUT" if "/uploads/" in path:
                self.blobs[query.partition("digest=")[2].replace("%3A", ":")] = asked.body
                return Answer(status=201)
            case "PUT":
                self.manifests[name] = asked.body
                return Answer(status=201, headers={"Docker-Content-Digest": str(ManifestDigest.of(asked.body))})
        if path == "/v2/":
            return Answer()
        return Answer(body=self.manifests[name]) if name in self.manifests else Answer(status=404)


@pytest.fixture
def registry():
    return Registry()


@pytest.fixture
def server(registry):
    with serving(registry) as running:
        yield running


@pytest.fixture
def writer(registry, server):
    limits = Limits(retries=2)
    with RegistryClient(sleep=lambda _: None, limits=limits) as client:
        reader = RegistryContentSource(server.host, "acme/echo", client=client, limits=limits)

        def connect():
            return PushSession(
                server.host,
                "acme/echo",
                credentials=ANONYMOUS,
                insecure=False,
                ca_file=None,
                plain_credentials=False,
                limits=limits,
            )

        with RegistryContentDestination(
            server.host,
            "acme/echo",
            connect=connect,
            reader=reader,
            limits=limits,
            avoid=["upstream.example"],
            sleep=registry.times.append,
        ) as destination:
            yield destination


def test_what_may_pass_is_tried_again_after_the_time_the_registry_asks_for(registry, writer):
    registry.answers["PUT .*uploads"] = [Answer(status=429, headers={"Retry-After": "7"}), None]
    writer.put_blob(EMPTY, b"{}")
    assert registry.blobs == {f"sha256:{EMPTY.sha256}": b"{}"}
    assert registry.times[0] == 7
    assert len(registry.times) == 2


def test_a_registry_that_stays_busy_is_unavailable_in_the_end(registry, writer):
    registry.answers["POST"] = [Answer(status=503)] * 9
    with pytest.raises(RegistryUnavailableError, match="503"):
        writer.put_blob(EMPTY, b"{}")
    assert len(registry.times) == 2


def test_nobody_waits_longer_than_a_minute(registry, writer):
    registry.answers["POST"] = [Answer(status=429, headers={"Retry-After": "3600"})]
    with pytest.raises(RegistryUnavailableError) as caught:
        writer.put_blob(EMPTY, b"{}")
    assert caught.value.retry_after == 3600
    assert registry.times == []


@pytest.mark.parametrize(
    ("pattern", "status", "error"),
    [
        ("POST", 403, RegistryAuthError),
        ("POST", 404, NotFoundError),
        ("PUT .*uploads", 400, RegistryUnavailableError),
        ("HEAD .*blobs", 403, RegistryAuthError),
    ],
)
def test_a_refusal_is_not_tried_again(registry, writer, pattern, status, error):
    registry.answers[pattern] = [Answer(status=status)]
    with pytest.raises(error):
        write_missing(writer)
    assert registry.times == []


def test_a_blob_that_is_kept_at_another_store_is_there(registry, writer):
    registry.answers["HEAD"] = [Answer(status=307, headers={"Location": "http://127.0.0.1:1/store"})]
    assert writer.holds_blob(f"sha256:{EMPTY.sha256}")


def test_an_upload_without_location_is_refused(registry, writer):
    registry.answers["POST"] = [Answer(status=202)]
    with pytest.raises(RegistryUnavailableError):
        writer.put_blob(EMPTY, b"{}")


def test_an_upload_location_without_a_query_gets_one(registry, writer, server):
    registry.location = f"{server.url}/v2/acme/echo/blobs/uploads/1"
    writer.put_blob(EMPTY, b"{}")
    assert f"sha256:{EMPTY.sha256}" in registry.blobs


def test_nothing_is_uploaded_to_the_upstream(registry, writer):
    registry.location = "http://user@upstream.example/v2/acme/echo/blobs/uploads/1"
    with pytest.raises(RegistryUnavailableError, match="upstream must not be written"):
        writer.put_blob(EMPTY, b"{}")


def test_a_destination_at_the_upstream_is_refused_at_once(server):
    with pytest.raises(RegistryUnavailableError, match="upstream must not be written"):
        RegistryContentDestination(
            "Registry-1.docker.io", "acme/echo", connect=NOBODY, reader=NOBODY, limits=Limits(), avoid=["docker.io"]
        )


def test_a_registry_that_says_it_holds_something_else_is_refused(registry, writer):
    document = referrer(ManifestDigest.of(b"subject"), "x")
    registry.answers["PUT"] = [Answer(status=201, headers={"Docker-Content-Digest": f"sha256:{'0' * 64}"}), Answer(status=400)]
    with pytest.raises(DigestMismatchError):
        writer.put_document(document)
    with pytest.raises(RegistryUnavailableError):
        writer.put_document(document)


def test_a_list_that_somebody_overwrites_is_mended_when_it_is_looked_at_again(registry, writer):
    subject = ManifestDigest.of(b"subject")
    writer.attach(*entry_of(referrer(subject, "ours")))
    tag = fallback_tag(subject)
    theirs = {"digest": f"sha256:{'1' * 64}", "mediaType": MANIFEST, "size": 1}
    registry.manifests[tag] = canonical({"schemaVersion": 2, "manifests": [theirs]})
    writer.settle()
    merged = parse_index(registry.manifests[tag], where="test").entries
    assert theirs in merged
    assert len(merged) == 2
    assert all(wait >= 0 for wait in registry.times)
    writer.settle()
    assert len(registry.times) == 2  # the second time there was nothing to look at


def test_a_list_that_others_write_all_the_time_is_given_up(registry, writer):
    subject = ManifestDigest.of(b"subject")
    registry.answers["GET .*sha256-"] = [Answer(status=404)] * 200
    with pytest.raises(RegistryUnavailableError, match="all the time"):
        writer.attach(*entry_of(referrer(subject, "ours")))


def test_lists_that_are_overwritten_after_every_pause_are_given_up(registry, writer):
    subject = ManifestDigest.of(b"subject")
    tag = fallback_tag(subject)
    writer.attach(*entry_of(referrer(subject, "ours")))
    registry.times = None

    def overwrite(_):
        registry.manifests[tag] = canonical({"schemaVersion": 2, "manifests": []})

    writer._sleep = overwrite
    with pytest.raises(RegistryUnavailableError, match="all the time"):
        writer.settle()


def test_what_is_no_list_under_the_fallback_tag_is_left_as_it_is(registry, writer):
    subject = ManifestDigest.of(b"subject")
    registry.manifests[fallback_tag(subject)] = b"[]"
    with pytest.raises(ManifestInvalidError):
        writer.attach(*entry_of(referrer(subject, "ours")))
    registry.answers["GET .*sha256-"] = [Answer(status=403)]
    with pytest.raises(RegistryAuthError):
        writer.attach(*entry_of(referrer(subject, "ours")))


def test_an_object_that_the_api_lists_costs_no_second_look(registry, writer, server):
    subject = ManifestDigest.of(b"subject")
    documents = [referrer(subject, text) for text in "ab"]
    entries = [entry_of(one)[1] for one in documents]
    index = {
        "schemaVersion": 2,
        "manifests": [
            json.loads(canonical({"mediaType": one.media_type, "digest": str(one.manifest_digest), "size": one.size}))
            for one in entries
        ],
    }
    answer = Answer(headers={"Content-Type": "application/vnd.oci.image.index.v1+json"}, body=canonical(index))
    registry.answers["GET .*referrers"] = [answer]
    for one in documents:
        writer.attach(*entry_of(one))
    assert [asked.method for asked in server.asked] == ["GET"]


def test_a_certificate_that_nobody_trusts_is_not_tried_again(registry, tmp_path):
    ca = PrivateCa(tmp_path / "ca")
    with serving(registry, certificate=ca.server("127.0.0.1")) as server:
        other = PrivateCa(tmp_path / "other").certificate

        def connect():
            return PushSession(
                server.host,
                "acme/echo",
                credentials=ANONYMOUS,
                insecure=False,
                ca_file=other,
                plain_credentials=False,
                limits=Limits(),
            )

        with (
            RegistryContentDestination(
                server.host, "acme/echo", connect=connect, reader=NOBODY, limits=Limits(), sleep=registry.times.append
            ) as writer,
            pytest.raises(RegistryUnavailableError, match="certificate"),
        ):
            writer.holds_blob(f"sha256:{EMPTY.sha256}")
    assert registry.times == []


def test_one_connection_serves_all_requests_of_a_repository(bare_hall, monkeypatch):
    opened = []

    def connect(address, *arguments, **_):
        opened.append(address)
        return socket.create_connection(address, arguments[0])

    monkeypatch.setattr("urllib3.util.connection.create_connection", connect)
    with bare_hall.writer() as writer:
        for number in range(3):
            data = b"%d" % number
            descriptor = OciDescriptor(media_type="x/y", sha256=ManifestDigest.of(data).hex, size=1)
            assert not writer.holds_blob(f"sha256:{descriptor.sha256}")
            writer.put_blob(descriptor, data)
    assert len(opened) <= 2  # the first one finds out how the registry is reached
