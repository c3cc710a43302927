"""A registry as a function from request to answer, with switches for everything that goes wrong in real ones.

Behaves as the distribution specification says and answers no request of another host, so that a client that strays is seen. All
requests are kept with their headers. Use it as `httpx.MockTransport(registry)`, or together with others in a `FakeInternet`.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import httpx

from supplychain.digest import LayerDigest, ManifestDigest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
EMPTY = "application/vnd.oci.empty.v1+json"
BUNDLE = "application/vnd.dev.sigstore.bundle.v0.3+json"
SIMPLE_SIGNING = "application/vnd.dev.cosign.simplesigning.v1+json"
DSSE = "application/vnd.dsse.envelope.v1+json"
SIGNED = "https://sigstore.dev/cosign/sign/v1"

_PATH = re.compile(r"/v2/(?P<repository>.+)/(?P<kind>manifests|blobs|referrers)/(?P<name>[^/]+)")


def render(document: Mapping[str, Any]) -> bytes:
    """The bytes of a manifest: canonical, as the plugin tooling writes them."""
    return json.dumps(document, sort_keys=True, separators=(",", ":")).encode()


def descriptor(data: bytes, media_type: str, **more: Any) -> dict[str, Any]:
    """An OCI descriptor of `data`."""
    return {"mediaType": media_type, "digest": str(LayerDigest.of(data)), "size": len(data), **more}


PLUGIN_CONFIG = render({"id": "dev.example.echo", "has_signature": True})


def plugin_manifest(package: bytes, **changes: Any) -> dict[str, Any]:
    """The manifest of a plugin package; `changes` replace or, where None, remove keys."""
    manifest = {
        "schemaVersion": 2,
        "artifactType": "application/vnd.mcpg.plugin.v1",
        "config": descriptor(PLUGIN_CONFIG, "application/vnd.mcpg.plugin.config.v1+json"),
        "layers": [descriptor(package, "application/vnd.mcpg.plugin.package.v1+zip")],
        **changes,
    }
    return {key: value for key, value in manifest.items() if value is not None}


def bundle_manifest(bundle: bytes, about: Mapping[str, Any], *, predicate: str | None = SIGNED, **changes: Any) -> dict[str, Any]:
    """The manifest with which cosign 3 attaches a Sigstore bundle."""
    annotations = {"dev.sigstore.bundle.content": "dsse-envelope", "org.opencontainers.image.created": "2026-01-01T00:00:00Z"}
    if predicate is not None:
        annotations["dev.sigstore.bundle.predicateType"] = predicate
    return {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "artifactType": BUNDLE,
        "config": descriptor(b"{}", EMPTY, artifactType=EMPTY),
        "layers": [descriptor(bundle, BUNDLE)],
        "subject": dict(about),
        "annotations": annotations,
        **changes,
    }


@dataclass(kw_only=True)
class TokenService:
    """A token realm: counts what it hands out, and lets tokens age after a number of uses."""

    realm: str = "https://auth.example/token"
    service: str = "registry.example"
    username: str | None = None
    password: str | None = None
    refresh_token: str | None = None
    scope_shown: str | None = None
    """Replaces the scope in the challenge."""
    key: str = "token"
    expires_in: object = 300
    uses: int | None = None
    """How often one token is good."""
    answers: list[httpx.Response] = field(default_factory=list)
    """Given instead of tokens, first to last."""
    issued: int = 0
    scopes: list[str] = field(default_factory=list)
    left: dict[str, int | None] = field(default_factory=dict)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if self.answers:
            return self.answers.pop(0)
        if self.refresh_token is not None:
            form = httpx.QueryParams(request.content.decode())
            if (
                request.method != "POST"
                or form.get("refresh_token") != self.refresh_token
                or form["grant_type"] != "refresh_token"
            ):
                return httpx.Response(401)
            self.scopes.append(form["scope"])
        else:
            if self.username is not None and request.headers.get("authorization") != basic(self.username, self.password or ""):
                return httpx.Response(401, json={"errors": [{"code": "UNAUTHORIZED"}]})
            self.scopes.append(request.url.params["scope"])
        self.issued += 1
        token = f"issued-{self.issued}"
        self.left[token] = self.uses
        return httpx.Response(200, json={self.key: token, "expires_in": self.expires_in})

    def accepts(self, authorization: str) -> bool:
        token = authorization.removeprefix("Bearer ")
        left = self.left.get(token, 0)
        if left is None:
            return True
        self.left[token] = left - 1
        return left > 0

    def challenge(self, repository: str) -> str:
        scope = self.scope_shown or f"repository:{repository}:pull"
        return f'Bearer realm="{self.realm}",service="{self.service}",scope="{scope}"'


def basic(username: str, password: str) -> str:
    """The header of a user name and password."""
    return "Basic " + base64.b64encode(f"{username}:{password}".encode()).decode()


class FakeRegistry:
    """One registry host with a content store; the switches are plain attributes."""

    def __init__(self, host: str = "registry.example") -> None:
        self.host = host
        self.requests: list[httpx.Request] = []
        self.manifests: dict[tuple[str, str], tuple[bytes, str]] = {}
        self.blobs: dict[tuple[str, str], bytes] = {}
        self.attached: dict[tuple[str, str], list[dict[str, Any]]] = {}
        # switches
        self.tokens: TokenService | None = None
        self.users: Mapping[str, str] | None = None
        self.referrers_api = True
        self.referrers_status = 404
        self.page_size: int | None = None
        self.endless = False
        self.next_link: str | None = None
        self.names_digest = True
        self.content_type: str | None = None
        self.faults: list[httpx.Response | Exception] = []
        """Given instead of answers, first to last."""
        self.rules: list[tuple[str, Callable[[httpx.Request], httpx.Response | None]]] = []
        """Path parts with what answers for them, before anything else."""
        self.cut: int | None = None
        """Blobs end after so many bytes, although the header promises all of them."""
        self.swap: Mapping[bytes, bytes] = {}
        """Served instead of what was stored."""
        self.chunk = 64 * 1024
        self.declares_length = True

    # --- content

    def put_manifest(
        self, repository: str, document: Mapping[str, Any] | bytes, *tags: str, media_type: str = MANIFEST
    ) -> ManifestDigest:
        """Store a manifest under its digest and under `tags`."""
        data = document if isinstance(document, bytes) else render(document)
        digest = ManifestDigest.of(data)
        for name in (str(digest), *tags):
            self.manifests[repository, name] = (data, media_type)
        return digest

    def put_blob(self, repository: str, data: bytes) -> str:
        """Store a blob."""
        digest = str(LayerDigest.of(data))
        self.blobs[repository, digest] = data
        return digest

    def add_plugin(self, repository: str, package: bytes, *tags: str, **changes: Any) -> ManifestDigest:
        """Publish a plugin package."""
        self.put_blob(repository, package)
        self.put_blob(repository, PLUGIN_CONFIG)
        return self.put_manifest(repository, plugin_manifest(package, **changes), *tags)

    def add_index(self, repository: str, children: Mapping[ManifestDigest, Mapping[str, Any]], *tags: str) -> ManifestDigest:
        """Publish an index; the values are `platform` objects, or whole entries where they hold `platform`."""
        entries = []
        for digest, platform in children.items():
            data, media_type = self.manifests[repository, str(digest)]
            more = platform if "platform" in platform else {"platform": platform}
            entries.append({"mediaType": media_type, "digest": str(digest), "size": len(data), **more})
        document = {"schemaVersion": 2, "mediaType": INDEX, "manifests": entries}
        return self.put_manifest(repository, document, *tags, media_type=INDEX)

    def attach(self, repository: str, subject: ManifestDigest, bundle: bytes, **changes: Any) -> ManifestDigest:
        """Attach a bundle as cosign 3 does: by the referrers API where there is one, else under the fallback tag."""
        data, media_type = self.manifests.get((repository, str(subject)), (b"", MANIFEST))
        about = {"mediaType": media_type, "digest": str(subject), "size": len(data)}
        self.put_blob(repository, bundle)
        return self.attach_manifest(repository, subject, bundle_manifest(bundle, about, **changes))

    def attach_manifest(
        self, repository: str, subject: ManifestDigest, manifest: Mapping[str, Any] | bytes, **entry: Any
    ) -> ManifestDigest:
        """List a manifest as a referrer of `subject`; `entry` replaces keys of its descriptor."""
        digest = self.put_manifest(repository, manifest)
        data, media_type = self.manifests[repository, str(digest)]
        listed = {"mediaType": media_type, "digest": str(digest), "size": len(data), **entry}
        if not isinstance(manifest, bytes) and "artifactType" in manifest:
            listed.setdefault("artifactType", manifest["artifactType"])
        self.attached.setdefault((repository, str(subject)), []).append(listed)
        if not self.referrers_api:
            self._write_fallback(repository, subject)
        return digest

    def add_legacy(
        self, repository: str, subject: ManifestDigest, *layers: bytes, suffix: str = "sig", **notes: str
    ) -> ManifestDigest:
        """Attach layers as cosign 2 does, under the tag `sha256-<hex>.<suffix>`."""
        kind = SIMPLE_SIGNING if suffix == "sig" else DSSE
        for layer in layers:
            self.put_blob(repository, layer)
        manifest = {
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": descriptor(b"{}", "application/vnd.oci.image.config.v1+json"),
            "layers": [descriptor(layer, kind, annotations=notes) for layer in layers],
        }
        return self.put_manifest(repository, manifest, f"sha256-{subject.hex}.{suffix}")

    def _write_fallback(self, repository: str, subject: ManifestDigest) -> None:
        entries = self.attached[repository, str(subject)]
        document = {"schemaVersion": 2, "mediaType": INDEX, "manifests": entries}
        self.put_manifest(repository, document, f"sha256-{subject.hex}", media_type=INDEX)

    # --- requests

    @property
    def paths(self) -> list[str]:
        """The paths asked for so far, without the part that is always there."""
        return [request.url.raw_path.decode().removeprefix("/v2/") for request in self.requests]

    @property
    def authorizations(self) -> list[str | None]:
        """The Authorization header of each request so far."""
        return [request.headers.get("authorization") for request in self.requests]

    def __call__(self, request: httpx.Request) -> httpx.Response:
        return streamed(self._answer(request))

    def _answer(self, request: httpx.Request) -> httpx.Response:
        assert request.url.netloc.decode() == self.host, f"a request for {request.url.netloc.decode()} came to {self.host}"
        self.requests.append(request)
        if self.faults:
            fault = self.faults.pop(0)
            if isinstance(fault, Exception):
                raise fault
            return fault
        for part, rule in self.rules:
            answer = rule(request) if part in request.url.path else None
            if answer is not None:
                return answer
        match = _PATH.fullmatch(request.url.path)
        if match is None:
            return error(404, "NAME_INVALID")
        refusal = self._authorize(request, match["repository"])
        if refusal is not None:
            return refusal
        return {"manifests": self._manifest, "blobs": self._blob, "referrers": self._referrers}[match["kind"]](
            match["repository"], match["name"], request
        )

    def _authorize(self, request: httpx.Request, repository: str) -> httpx.Response | None:
        sent = request.headers.get("authorization", "")
        if self.tokens is not None and not self.tokens.accepts(sent):
            return error(401, "UNAUTHORIZED", {"WWW-Authenticate": self.tokens.challenge(repository)})
        if self.users is not None and sent not in {basic(name, password) for name, password in self.users.items()}:
            return error(401, "UNAUTHORIZED", {"WWW-Authenticate": 'Basic realm="somewhere"'})
        return None

    def _manifest(self, repository: str, name: str, _: httpx.Request) -> httpx.Response:
        found = self.manifests.get((repository, name))
        if found is None:
            return error(404, "MANIFEST_UNKNOWN")
        data, media_type = found
        headers = {"Content-Type": self.content_type or media_type}
        if self.names_digest:
            headers["Docker-Content-Digest"] = f"sha256:{hashlib.sha256(data).hexdigest()}"
        return httpx.Response(200, headers=headers, content=self.swap.get(data, data))

    def _blob(self, repository: str, name: str, _: httpx.Request) -> httpx.Response:
        stored = self.blobs.get((repository, name))
        if stored is None:
            return error(404, "BLOB_UNKNOWN")
        data = self.swap.get(stored, stored)
        headers = {"Content-Length": str(len(data))} if self.declares_length else {}
        return httpx.Response(200, headers=headers, content=self._pieces(data[: self.cut]))

    def _pieces(self, data: bytes) -> Iterator[bytes]:
        for start in range(0, len(data), self.chunk):
            yield data[start : start + self.chunk]

    def _referrers(self, repository: str, name: str, request: httpx.Request) -> httpx.Response:
        if not self.referrers_api:
            return httpx.Response(self.referrers_status, text="404 page not found")
        entries = self.attached.get((repository, name), [])
        headers = {"Content-Type": self.content_type or INDEX}
        start = int(request.url.params.get("from", "0"))
        if self.page_size is not None:
            following = start + self.page_size
            if self.endless or following < len(entries):
                link = self.next_link or f"/v2/{repository}/referrers/{name}?from={following}"
                headers["Link"] = f'<{link}>; rel="next"'
            entries = entries[start:following]
        document = {"schemaVersion": 2, "mediaType": INDEX, "manifests": entries}
        return httpx.Response(200, headers=headers, content=render(document))


class FakeInternet:
    """Several hosts behind one transport; a host that nobody answers for cannot be connected to."""

    def __init__(self, *registries: FakeRegistry, **others: Callable[[httpx.Request], httpx.Response]) -> None:
        self.hosts: dict[str, Callable[[httpx.Request], httpx.Response]] = {registry.host: registry for registry in registries}
        self.hosts.update(others)
        self.requests: list[httpx.Request] = []
        self.without_tls: set[str] = set()

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        host = request.url.netloc.decode()
        if host not in self.hosts or (host in self.without_tls and request.url.scheme == "https"):
            raise httpx.ConnectError("[Errno 111] Connection refused", request=request)
        return streamed(self.hosts[host](request))

    @property
    def asked(self) -> list[str]:
        """Scheme and host of each request so far."""
        return [f"{request.url.scheme}://{request.url.netloc.decode()}" for request in self.requests]


def streamed(response: httpx.Response) -> httpx.Response:
    """The same answer with its body still to come, as from a network; `httpx` counts a body of bytes as already read."""
    if not response.is_stream_consumed:
        return response
    return httpx.Response(response.status_code, headers=response.headers, content=iter([response.content]))


def error(status: int, code: str, headers: Mapping[str, str] | None = None) -> httpx.Response:
    """An error answer as registries write it."""
    return httpx.Response(
        status, headers=headers, json={"errors": [{"code": code, "message": "a message", "detail": "secret detail"}]}
    )


def redirect(location: str, status: int = 307) -> httpx.Response:
    """A redirect."""
    return httpx.Response(status, headers={"Location": location})
