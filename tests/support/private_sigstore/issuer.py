"""The OIDC issuer that Fulcio believes: identity tokens for an e-mail address and for a GitHub Actions job.

The same key stands behind two issuers. E-mail tokens name the plain http address of this server. GitHub tokens name the true
GitHub issuer; Fulcio alone is led there by a proxy, which connects that one name to this process and refuses every other.
"""

from __future__ import annotations

import base64
import datetime as dt
import json
import socket
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from socketserver import BaseRequestHandler, ThreadingTCPServer
from threading import Thread
from typing import TYPE_CHECKING, Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509.oid import NameOID

from tests.support.loopback_server import Answer, serving
from tests.support.sigstore.identities import GITHUB_ISSUER

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from tests.support.loopback_server import Answering, Asked

__all__ = ["EMAIL", "Issuer"]

EMAIL = "release@acme.example"
_AUDIENCE = "sigstore"
_LIFETIME = 600
_GITHUB_HOST = GITHUB_ISSUER.removeprefix("https://")
_COMMIT = "4d329c75e7ec1725f7c9ce917a8799d408d06be3"


@dataclass(frozen=True, slots=True, kw_only=True)
class Issuer:
    """Makes identity tokens (OpenID Connect Core 2, RS256)."""

    key: rsa.RSAPrivateKey
    url: str
    """The issuer in e-mail tokens."""
    proxy: str
    """What Fulcio needs as HTTPS_PROXY to find the issuer of GitHub tokens here."""
    certificate: Path
    """What Fulcio must trust for that, in PEM."""

    @classmethod
    @contextmanager
    def serving(cls, directory: Path) -> Iterator[Issuer]:
        """Serve on free ports."""
        key = rsa.generate_private_key(65537, 2048)
        certificate = _self_signed(directory)
        with (
            serving(_discovery(key, issuer=None)) as plain,
            serving(_discovery(key, issuer=GITHUB_ISSUER), certificate=certificate) as tls,
            _proxy(tls.host) as proxy,
        ):
            yield cls(key=key, url=plain.url, proxy=proxy, certificate=certificate[0])

    def email(self, address: str = EMAIL) -> str:
        """A token for a person."""
        return self._token({"iss": self.url, "sub": address, "email": address, "email_verified": True})

    def github(
        self,
        repository: str = "acme/plugins",
        *,
        ref: str = "refs/tags/v1.2.3",
        signer: str | None = None,
        runner: str = "github-hosted",
    ) -> str:
        """A token for a job; `signer` is the reusable workflow that runs in it, `owner/repository/path@ref`."""
        own = f"{repository}/.github/workflows/release.yml@{ref}"
        claims = {
            "iss": GITHUB_ISSUER, "sub": f"repo:{repository}:ref:{ref}", "repository": repository,
            "repository_owner": repository.partition("/")[0], "repository_id": "486325809", "repository_owner_id": "80431187",
            "repository_visibility": "public", "ref": ref, "sha": _COMMIT, "workflow": "release", "workflow_ref": own,
            "workflow_sha": _COMMIT, "job_workflow_ref": signer or own, "job_workflow_sha": _COMMIT, "event_name": "push",
            "run_id": "13531731005", "run_attempt": "1", "runner_environment": runner,
        }  # fmt: skip
        return self._token(claims)

    def _token(self, claims: Mapping[str, Any]) -> str:
        now = int(time.time())
        claims = {**claims, "aud": _AUDIENCE, "iat": now, "nbf": now, "exp": now + _LIFETIME}
        parts = [{"alg": "RS256", "typ": "JWT", "kid": "test"}, claims]
        signed = ".".join(_base64url(json.dumps(part).encode()) for part in parts)
        return f"{signed}.{_base64url(self.key.sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256()))}"


def _discovery(key: rsa.RSAPrivateKey, *, issuer: str | None) -> Answering:
    """Answer with the provider's description and its key; without `issuer`, it is called as it was asked."""
    numbers = key.public_key().public_numbers()
    parts = {
        name: _base64url(value.to_bytes((value.bit_length() + 7) // 8)) for name, value in (("n", numbers.n), ("e", numbers.e))
    }
    keys = {"keys": [{"kty": "RSA", "alg": "RS256", "use": "sig", "kid": "test", **parts}]}

    def answer(asked: Asked) -> Answer:
        name = issuer or f"http://{asked.headers['host']}"
        description = {
            "issuer": name,
            "jwks_uri": f"{name}/keys",
            "authorization_endpoint": f"{name}/authorize",
            "token_endpoint": f"{name}/token",
            "response_types_supported": ["id_token"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
        }
        documents = {"/.well-known/openid-configuration": description, "/keys": keys}
        if asked.path not in documents:
            return Answer(status=404)
        return Answer(headers={"Content-Type": "application/json"}, body=json.dumps(documents[asked.path]).encode())

    return answer


@contextmanager
def _proxy(target: str) -> Iterator[str]:
    """A proxy for CONNECT to the GitHub issuer, which it finds at `target`; any other name is refused."""
    address, _, port = target.partition(":")

    class Handler(BaseRequestHandler):
        def handle(self) -> None:
            head = b""
            while b"\r\n\r\n" not in head:
                received = self.request.recv(4096)
                if not received:
                    return
                head += received
            if head.split()[:2] != [b"CONNECT", f"{_GITHUB_HOST}:443".encode()]:
                self.request.sendall(b"HTTP/1.1 403 Forbidden\r\n\r\n")
                return
            with socket.create_connection((address, int(port))) as there:
                self.request.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
                back = Thread(target=_copy, args=(there, self.request))
                back.start()
                _copy(self.request, there)
                back.join()

    class Server(ThreadingTCPServer):
        daemon_threads = True
        block_on_close = False  # Fulcio keeps its connection

    with Server(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


def _copy(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
    with suppress(OSError):
        sink.shutdown(socket.SHUT_WR)


def _self_signed(directory: Path) -> tuple[Path, Path]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test issuer, trust it nowhere")])
    now = dt.datetime.now(dt.UTC)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(1)
    builder = builder.not_valid_before(now - dt.timedelta(days=1)).not_valid_after(now + dt.timedelta(days=1))
    builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(_GITHUB_HOST)]), critical=False)
    certificate, private = directory / "issuer.pem", directory / "issuer.key"
    certificate.write_bytes(builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
    private.touch(mode=0o600)
    private.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return certificate, private


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
