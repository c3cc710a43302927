"""What a transport double cannot show: certificates, real sockets, real waits. Everything is on loopback."""

from __future__ import annotations

import datetime as dt
import ipaddress
import socket
import ssl
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from supplychain.errors import RegistryAuthError, RegistryUnavailableError, UnreadableFileError
from supplychain.limits import Limits
from supplychain.mirror.credentials import BasicCredential, Credentials
from supplychain.mirror.transport import RegistryClient

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ONCE = Limits(retries=0, first_byte_seconds=5, idle_seconds=5, connect_seconds=5)
GOOD = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"


class Server:
    """Answers each connection with fixed bytes; `hold` keeps it open until the end of the test."""

    def __init__(self, answer: bytes, *, context: ssl.SSLContext | None = None, hold: bool = False) -> None:
        self.answer = answer
        self.requests: list[bytes] = []
        self._context = context
        self._hold = hold
        self._over = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.host = f"127.0.0.1:{self._listener.getsockname()[1]}"
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        while not self._over.is_set():
            connection, _ = self._listener.accept()
            with connection:
                connection.settimeout(5)
                self._talk(connection)

    def _talk(self, connection: socket.socket) -> None:
        try:
            if self._context is not None:
                connection = self._context.wrap_socket(connection, server_side=True)
            with connection:
                self.requests.append(connection.recv(65536))
                connection.sendall(self.answer)
                if self._hold:
                    self._over.wait(5)
        except OSError:  # the client went away, or is the one that ends the test
            return

    def close(self) -> None:
        self._over.set()
        socket.create_connection(self._listener.getsockname()).close()
        self._thread.join()
        self._listener.close()


@contextmanager
def serving(answer: bytes = GOOD, **options: Any) -> Iterator[Server]:
    server = Server(answer, **options)
    try:
        yield server
    finally:
        server.close()


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, ssl.SSLContext]:
    """A CA file, and a server context with a certificate for 127.0.0.1 from that CA."""
    folder = tmp_path_factory.mktemp("ca")
    ca_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    ca_name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test CA")])
    now = dt.datetime.now(dt.UTC)

    def build(name: x509.Name, public: ec.EllipticCurvePublicKey, *extensions: x509.ExtensionType) -> x509.Certificate:
        builder = x509.CertificateBuilder().subject_name(name).issuer_name(ca_name).public_key(public)
        builder = builder.serial_number(x509.random_serial_number()).not_valid_before(now - dt.timedelta(days=1))
        builder = builder.not_valid_after(now + dt.timedelta(days=1))
        for extension in extensions:
            builder = builder.add_extension(extension, critical=isinstance(extension, x509.BasicConstraints))
        return builder.sign(ca_key, hashes.SHA256())

    identifier = x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key.public_key())
    ca = build(
        ca_name,
        ca_key.public_key(),
        x509.BasicConstraints(ca=True, path_length=0),
        x509.SubjectKeyIdentifier.from_public_key(ca_key.public_key()),
    )
    address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    leaf = build(x509.Name([]), key.public_key(), x509.SubjectAlternativeName([address]), identifier)
    (folder / "ca.pem").write_bytes(ca.public_bytes(serialization.Encoding.PEM))
    chain = leaf.public_bytes(serialization.Encoding.PEM) + key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (folder / "server.pem").write_bytes(chain)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "server.pem")
    return folder / "ca.pem", context


def fetch(server: Server, **options: Any) -> bytes:
    options.setdefault("limits", ONCE)
    with RegistryClient(**options) as client:
        return client.conversation(server.host, "a").get("/v2/a/manifests/b", consume=lambda answer: answer.read(100))


def test_loopback_is_asked_in_clear() -> None:
    with serving() as server:
        assert fetch(server) == b"ok"
        assert server.requests[0].startswith(b"GET /v2/a/manifests/b HTTP/1.1\r\n")


def test_a_private_ca_makes_a_registry_trusted(authority: tuple[Path, ssl.SSLContext]) -> None:
    ca_file, context = authority
    with serving(context=context) as server:
        assert fetch(server, ca_file=ca_file) == b"ok"


def test_a_certificate_of_another_ca_is_refused_and_http_is_not_tried(
    authority: tuple[Path, ssl.SSLContext], tmp_path: Path
) -> None:
    _, context = authority
    other = tmp_path / "other.pem"
    other.write_bytes(_self_signed())
    with serving(context=context) as server:
        with pytest.raises(RegistryUnavailableError, match="not trusted") as caught:
            fetch(server, ca_file=other)
        assert "certificate" in str(caught.value.got)
        assert server.requests == []


def _self_signed() -> bytes:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "another CA")])
    now = dt.datetime.now(dt.UTC)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(1)
    builder = builder.not_valid_before(now).not_valid_after(now + dt.timedelta(days=1))
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def test_an_insecure_registry_needs_no_trusted_certificate(authority: tuple[Path, ssl.SSLContext]) -> None:
    _, context = authority
    with serving(context=context) as server:
        assert fetch(server, insecure=[server.host]) == b"ok"


def test_what_an_insecure_registry_redirects_to_must_be_trusted_all_the_same(authority: tuple[Path, ssl.SSLContext]) -> None:
    ca_file, context = authority
    with serving(context=context) as store:
        away = f"HTTP/1.1 307 Away\r\nLocation: https://{store.host}/x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        with serving(away.encode(), context=context) as server:
            with pytest.raises(RegistryUnavailableError, match="not trusted"):
                fetch(server, insecure=[server.host])
            assert store.requests == []
            assert fetch(server, insecure=[server.host], ca_file=ca_file) == b"ok"


def test_an_insecure_registry_without_tls_is_asked_in_clear() -> None:
    with serving() as server:
        assert fetch(server, insecure=[server.host]) == b"ok"
        assert server.requests[-1].startswith(b"GET ")


def test_loopback_with_a_ca_file_that_speaks_no_tls_is_asked_in_clear(authority: tuple[Path, ssl.SSLContext]) -> None:
    ca_file, _ = authority
    with serving() as server:
        assert fetch(server, ca_file=ca_file) == b"ok"


@pytest.mark.parametrize(
    "content", [b"", b"garbage", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "é".encode()]
)
def test_a_ca_file_without_certificates_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "ca.pem").write_bytes(content)
    with pytest.raises(UnreadableFileError, match="PEM"):
        RegistryClient(ca_file=tmp_path / "ca.pem")


def test_a_missing_ca_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFileError):
        RegistryClient(ca_file=tmp_path / "ca.pem")


def test_a_proxy_of_the_environment_is_not_used_for_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    with serving() as server:
        assert fetch(server) == b"ok"


def test_a_proxy_of_the_environment_is_used_for_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    with serving(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n") as proxy:
        monkeypatch.setenv("HTTPS_PROXY", f"http://{proxy.host}")
        with RegistryClient(limits=ONCE) as client, pytest.raises(RegistryUnavailableError, match="ProxyError"):
            client.conversation("registry.example", "a").get("/v2/a/manifests/b", consume=lambda answer: answer.read(100))
        assert proxy.requests[0].startswith(b"CONNECT registry.example:443 ")


def test_netrc_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login me password secret\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    with serving() as server:
        fetch(server)
        assert b"authorization" not in server.requests[0].lower()


def test_a_server_that_says_nothing_is_left_after_the_time_for_the_first_byte() -> None:
    with serving(b"", hold=True) as server, pytest.raises(RegistryUnavailableError, match="no answer within"):
        fetch(server, limits=Limits(retries=0, first_byte_seconds=0.05))


def test_a_server_that_falls_silent_is_left_after_the_idle_time() -> None:
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc"
    limits = Limits(retries=0, first_byte_seconds=60, idle_seconds=0.05)
    with serving(answer, hold=True) as server, pytest.raises(RegistryUnavailableError, match="no answer within"):
        fetch(server, limits=limits)


def test_a_server_that_breaks_off_is_unavailable() -> None:
    with serving(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc") as server, pytest.raises(RegistryUnavailableError):
        fetch(server)


@pytest.mark.parametrize(
    "answer", [b"SSH-2.0-OpenSSH_9\r\n", b"HTTP/1.1 200 OK\r\nBad\x00Header\r\n\r\n", b"HTTP/1.1 200 OK\r\nA: " + b"x" * 200_000]
)
def test_a_server_that_speaks_something_else_is_unavailable(answer: bytes) -> None:
    with serving(answer) as server, pytest.raises(RegistryUnavailableError):
        fetch(server)


def test_nobody_there_is_unavailable() -> None:
    with serving() as server:
        pass
    with pytest.raises(RegistryUnavailableError, match="no connection"):
        fetch(server)


def test_a_password_with_odd_characters_stays_out_of_errors() -> None:
    class Mine(Credentials):
        def find(self, registry: str, repository: str) -> BasicCredential:
            return BasicCredential(username="me\r\nX: y", password="secret\n")

    answer = b'HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic realm="x"\r\nContent-Length: 0\r\nConnection: close\r\n\r\n'
    with serving(answer) as server:
        with pytest.raises(RegistryAuthError) as caught:
            fetch(server, credentials=Mine())
        assert "secret" not in str(caught.value)
        assert len(server.requests) == 2
        assert b"\r\nX: y" not in server.requests[1]
