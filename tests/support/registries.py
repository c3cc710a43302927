"""Real registries on loopback: started on free ports, stopped by the process that was started, gone without a trace.

Names and passwords in here are test material and open nothing.
"""

from __future__ import annotations

import base64
import json
import subprocess
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qs, urlsplit

import httpx
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from tests.support.components import component
from tests.support.private_ca import PrivateCa
from tests.support.processes import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["PASSWORD", "USER", "Registry", "RunningRegistries", "TokenServer", "docker_config"]

USER: Final = "test-user"
PASSWORD: Final = "TEST-ONLY-password"
_BCRYPT: Final = "$2b$04$abcdefghijklmnopqrstuue9I5pqNjPP6CrHQ6yo3ofhCJHkaB7Ae"
"""Of `PASSWORD`; the registry's htpasswd takes bcrypt alone, which the standard library cannot make."""
_START_SECONDS: Final = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Registry:
    """One running registry: `host` with its port, and what it takes to talk to it."""

    host: str
    ca_file: Path | None = None
    """Set where it speaks TLS."""
    tokens: TokenServer | None = None


class RunningRegistries:
    """Starts registries on first use and stops all of them at the end.

    `distribution` has no referrers API, `referrers` has one; the other properties are `distribution` with something in front.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._stack = ExitStack()
        self._running: dict[str, Registry] = {}

    def close(self) -> None:
        """Stop everything."""
        self._stack.close()

    @property
    def distribution(self) -> Registry:
        """Plain http, no authorization."""
        return self._once("distribution", {})

    @property
    def referrers(self) -> Registry:
        """go-containerregistry's, with the referrers API, in memory."""
        if "referrers" not in self._running:
            host = f"127.0.0.1:{free_port()}"
            program = component("registry-referrers")
            self._stack.enter_context(
                _running([str(program), host], log=self._directory / "referrers.log", url=f"http://{host}/v2/")
            )
            self._running["referrers"] = Registry(host=host)
        return self._running["referrers"]

    def on_disk(self, name: str) -> Registry:
        """As `distribution`, one for each name, with what it holds in files."""
        storage = {"filesystem": {"rootdirectory": str(self._directory / f"storage-{name}")}, "delete": {"enabled": True}}
        return self._once(f"on-disk-{name}", {"storage": storage})

    @property
    def basic(self) -> Registry:
        """Demands `USER` and `PASSWORD` by HTTP Basic."""
        users = self._directory / "htpasswd"
        users.write_text(f"{USER}:{_BCRYPT}\n")
        return self._once("basic", {"auth": {"htpasswd": {"realm": "test", "path": str(users)}}})

    @property
    def token(self) -> Registry:
        """Demands tokens of a server that gives them for `USER` and `PASSWORD`."""
        if "token" not in self._running:
            server = self._stack.enter_context(TokenServer.serving(service="test-registry"))
            keys = self._directory / "token-keys.json"
            keys.write_text(json.dumps({"keys": [server.public_jwk]}))
            auth: dict[str, Any] = {"realm": server.realm, "service": "test-registry", "issuer": "test-issuer", "jwks": str(keys)}
            auth["signingalgorithms"] = ["ES256"]
            self._once("token", {"auth": {"token": auth}}, tokens=server)
        return self._running["token"]

    @property
    def tls(self) -> Registry:
        """Speaks TLS under a private CA that was made for this run."""
        if "tls" not in self._running:
            ca = PrivateCa(self._directory / "ca")
            certificate, key = ca.server("127.0.0.1")
            http = {"tls": {"certificate": str(certificate), "key": str(key)}}
            self._once("tls", {"http": http}, ca_file=ca.certificate)
        return self._running["tls"]

    def at(self, address: str, port: int, *, name: str | None = None) -> Registry:
        """The same as `distribution` or, where a host name is given, as `tls` with a certificate for it, at this very address."""
        key, host = name or address, f"{address}:{port}"
        if name is None:
            return self._once(key, {}, host=host)
        ca = PrivateCa(self._directory / f"ca-of-{name}")
        certificate, private = ca.server(address, name=name)
        http = {"tls": {"certificate": str(certificate), "key": str(private)}}
        return self._once(key, {"http": http}, ca_file=ca.certificate, host=host)

    def _once(
        self,
        name: str,
        settings: dict[str, Any],
        *,
        ca_file: Path | None = None,
        tokens: TokenServer | None = None,
        host: str | None = None,
    ) -> Registry:
        if name in self._running:
            return self._running[name]
        program = component("distribution")
        host = host or f"127.0.0.1:{free_port()}"
        settings = {
            "version": "0.1",
            "log": {"level": "error", "accesslog": {"disabled": True}},
            "storage": {"inmemory": {}, "delete": {"enabled": True}},
            **settings,
            "http": {"addr": host, **settings.get("http", {})},
        }
        config = self._directory / f"{name}.yml"
        config.write_text(json.dumps(settings))  # JSON is YAML
        url = f"{'https' if ca_file else 'http'}://{host}/v2/"
        command = [str(program), "serve", str(config)]
        self._stack.enter_context(_running(command, log=self._directory / f"{name}.log", url=url, ca_file=ca_file))
        self._running[name] = Registry(host=host, ca_file=ca_file, tokens=tokens)
        return self._running[name]


@contextmanager
def _running(command: list[str], *, log: Path, url: str, ca_file: Path | None = None) -> Iterator[None]:
    environment = {"OTEL_TRACES_EXPORTER": "none", "HOME": str(log.parent)}
    with (
        log.open("wb") as output,
        subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, env=environment) as process,
    ):
        try:
            _wait(url, process=process, ca_file=ca_file, log=log)
            yield
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()


def _wait(url: str, *, process: subprocess.Popen[bytes], ca_file: Path | None, log: Path) -> None:
    """Any answer will do: a registry that demands a password is up."""
    end = time.monotonic() + _START_SECONDS
    context = httpx.create_ssl_context()
    if ca_file is not None:
        context.load_verify_locations(ca_file)
    with httpx.Client(trust_env=False, verify=context, timeout=1) as client:
        while process.poll() is None and time.monotonic() < end:
            try:
                client.get(url)
            except httpx.TransportError:
                time.sleep(0.02)
            else:
                return
    raise RuntimeError(f"{url} did not come up: {log.read_text(errors='replace')[-2000:]}")


class TokenServer:
    """Gives registry tokens (distribution's token authentication) to whoever knows `PASSWORD`, and pull tokens to nobody else.

    Keeps what it was asked for, without the passwords: path, scopes, and whether a credential came along.
    """

    def __init__(self, server: ThreadingHTTPServer, *, service: str) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._service = service
        self.realm = f"http://localhost:{server.server_port}/token"  # by name: crane refuses realms at loopback addresses
        self.asked: list[tuple[tuple[str, ...], bool]] = []
        """Scopes, and whether the credential was right."""

    @classmethod
    @contextmanager
    def serving(cls, *, service: str) -> Iterator[TokenServer]:
        """Serve on a free port of loopback."""
        with ThreadingHTTPServer(("127.0.0.1", 0), _TokenHandler) as server:
            tokens = cls(server, service=service)
            server.tokens = tokens  # type: ignore[attr-defined]
            thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
            thread.start()
            try:
                yield tokens
            finally:
                server.shutdown()
                thread.join()

    @property
    def public_jwk(self) -> dict[str, Any]:
        """The key that the registry must know (RFC 7517)."""
        numbers = self._key.public_key().public_numbers()
        coordinates = {name: _base64url(getattr(numbers, name).to_bytes(32)) for name in ("x", "y")}
        return {"kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256", "kid": "test", **coordinates}

    def give(self, scopes: tuple[str, ...], *, authorization: str) -> str | None:
        """Make a token (RFC 7519), or none for a wrong password."""
        basic = "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        self.asked.append((scopes, authorization == basic))
        if authorization != basic:
            return None
        access = [
            {"type": kind, "name": name, "actions": actions.split(",")}
            for kind, name, actions in (one.split(":") for one in scopes)
        ]
        now = int(time.time())
        header = {"typ": "JWT", "alg": "ES256", "kid": "test"}
        claims = {"iss": "test-issuer", "aud": self._service, "iat": now, "nbf": now - 5, "exp": now + 300, "access": access}
        signed = ".".join(_base64url(json.dumps(part).encode()) for part in (header, claims))
        r, s = decode_dss_signature(self._key.sign(signed.encode(), ec.ECDSA(hashes.SHA256())))
        return f"{signed}.{_base64url(r.to_bytes(32) + s.to_bytes(32))}"


class _TokenHandler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        query = parse_qs(urlsplit(self.path).query)
        scopes = tuple(scope for text in query.get("scope", []) for scope in text.split())
        tokens: TokenServer = self.server.tokens  # type: ignore[attr-defined]
        token = tokens.give(scopes, authorization=self.headers.get("Authorization", ""))
        body = json.dumps({"token": token} if token else {}).encode()
        self.send_response(200 if token else 401)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 — the base class's name
        """Say nothing."""


def docker_config(host: str, *, user: str = USER, password: str = PASSWORD) -> bytes:
    """A Docker `config.json` that knows one registry."""
    auth = base64.b64encode(f"{user}:{password}".encode()).decode()
    return json.dumps({"auths": {host: {"auth": auth}}}).encode()


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
