"""The certificate that a server presents, and how it changes under connections that go on."""

from __future__ import annotations

import ssl
import threading
from datetime import UTC, datetime

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, PrivateFormat, load_pem_private_key

from mcpg_operator.probes import application
from mcpg_operator.serving import Certificate, Pair, Server, from_directory
from mcpg_operator.telemetry import Metrics
from supplychain.errors import InvalidPolicyError
from tests.support.private_ca import PrivateCa


class Health:
    alive = ready = reconciling = True


class Files:
    """A directory with a pair, and the authority of each pair that was ever in it."""

    def __init__(self, folder):
        self.folder = folder
        self.made = 0
        self.trust = ssl.create_default_context()

    def install(self, *parts):
        """Make a pair and put it there, or only its `tls.crt` or `tls.key`; gives the certificate."""
        self.made += 1
        ca = PrivateCa(self.folder / f"ca-{self.made}")
        self.trust.load_verify_locations(ca.certificate)
        for source, name in zip(ca.server("127.0.0.1"), ("tls.crt", "tls.key"), strict=True):
            if not parts or name in parts:
                (self.folder / name).write_bytes(source.read_bytes())
        return (self.folder / "tls.crt").read_text()


@pytest.fixture
def files(tmp_path):
    return Files(tmp_path)


class Starting:
    """Starts servers that present what is in the directory."""

    def __init__(self, files):
        self.files = files
        self.servers = []
        self.expiries: list[float] = []

    def __call__(self):
        certificate = Certificate(from_directory(self.files.folder), where="`--tls-cert-dir`", expiry=self.expiries.append)
        certificate.load()
        server = Server(application(Health(), Metrics()), ("127.0.0.1", 0), certificate=certificate)
        server.start()
        self.servers.append(server)
        return server, certificate


@pytest.fixture
def serve(files):
    starting = Starting(files)
    yield starting
    for server in starting.servers:
        assert server.stop(20)


def presented(server):
    return ssl.get_server_certificate(("127.0.0.1", server.port))


def test_a_new_pair_is_taken_into_use_and_a_bad_one_is_not(files, serve, caplog):
    first = files.install()
    server, certificate = serve()
    assert httpx.get(f"https://127.0.0.1:{server.port}/healthz", verify=files.trust, trust_env=False).text == "ok"
    certificate.refresh()
    assert presented(server) == first

    second = files.install()
    certificate.refresh()
    assert presented(server) == second != first

    (files.folder / "tls.crt").write_text("rubbish")
    certificate.refresh()
    certificate.refresh()
    assert presented(server) == second
    assert caplog.text.count("the last one stays") == 1

    (files.folder / "tls.key").unlink()
    certificate.refresh()
    assert presented(server) == second


def test_half_a_change_is_not_taken(files, serve):
    first = files.install()
    server, certificate = serve()
    files.install("tls.crt")
    certificate.refresh()
    assert presented(server) == first
    second = files.install()
    certificate.refresh()
    assert presented(server) == second


def test_who_is_connected_stays_connected_and_who_connects_sees_a_whole_pair(files, serve):
    files.install()
    server, certificate = serve()
    url = f"https://127.0.0.1:{server.port}/healthz"
    failures: list[BaseException] = []
    ends = threading.Event()

    def connect():
        while not ends.is_set():
            try:
                assert httpx.get(url, verify=files.trust, trust_env=False).text == "ok"
            except (httpx.HTTPError, AssertionError) as exc:
                failures.append(exc)

    threads = [threading.Thread(target=connect) for _ in range(2)]
    with httpx.Client(verify=files.trust, trust_env=False) as kept:
        for one in threads:
            one.start()
        for _ in range(15):
            files.install()
            certificate.refresh()
            assert kept.get(url).text == "ok"
        ends.set()
        for one in threads:
            one.join(20)
    assert failures == []


def test_the_end_of_what_is_loaded_is_told(files, serve):
    text = files.install()
    serve()
    ends = x509.load_pem_x509_certificate(text.encode()).not_valid_after_utc
    assert serve.expiries == [ends.timestamp()]
    assert ends > datetime.now(UTC)


@pytest.mark.parametrize("content", [None, "rubbish", ""])
def test_a_certificate_that_cannot_be_used_stops_the_start(files, content):
    if content is not None:
        for name in ("tls.crt", "tls.key"):
            (files.folder / name).write_text(content)
    with pytest.raises(InvalidPolicyError, match="`--tls-cert-dir`"):
        Certificate(from_directory(files.folder), where="`--tls-cert-dir`").load()


def test_a_key_with_a_password_is_refused_and_nobody_is_asked_for_one(files):
    files.install()
    key = load_pem_private_key((files.folder / "tls.key").read_bytes(), None)
    locked = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"secret"))
    (files.folder / "tls.key").write_bytes(locked)
    with pytest.raises(InvalidPolicyError, match="the key is encrypted"):
        Certificate(from_directory(files.folder), where="here").load()


def test_a_pair_shows_no_key(files):
    files.install()
    found = from_directory(files.folder)()
    assert isinstance(found, Pair)
    assert "PRIVATE" not in repr(found)


def test_older_protocols_are_not_spoken(files, serve):
    files.install()
    server, _ = serve()
    old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    old.check_hostname = False
    old.verify_mode = ssl.CERT_NONE
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        old.maximum_version = ssl.TLSVersion.TLSv1_1
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"https://127.0.0.1:{server.port}/healthz", verify=old, trust_env=False)
