"""A Rekor v1 that keeps entries and answers searches as the real one does (sigstore/rekor, openapi.yaml)."""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.support.loopback_server import Answer
from tests.support.sigstore.certificates import certificate_pem
from tests.support.sigstore.legacy import served_entry
from tests.support.sigstore.transparency import canonical_json

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Literal

    from tests.support.loopback_server import Asked

__all__ = ["FakeRekor", "old_provenance"]

_BY_INDEX = "/api/v1/index/retrieve"
_ENTRIES = "/api/v1/log/entries/retrieve"
_MOST = 10


@dataclass(slots=True, kw_only=True)
class FakeRekor:
    """`serving(rekor)` puts it on loopback. `faults` are answers that come first, None for a connection that closes."""

    entries: dict[str, Any] = field(default_factory=dict)
    index: dict[str, list[str]] | None = field(default_factory=dict)
    """Entry ids by `sha256:…`; None offers no index."""
    faults: list[Answer | None] = field(default_factory=list)
    asked: list[tuple[str, Any]] = field(default_factory=list)
    """Path and document of each request."""

    def add(self, entry: dict[str, Any], *digests: str, name: str | None = None) -> str:
        """Keep a served entry, found in the index by `digests`; returns its id."""
        [value] = entry.values()
        name = name or hashlib.sha256(b"\x00" + base64.b64decode(value["body"])).hexdigest()
        self.entries[name] = value
        for digest in digests:
            if self.index is not None:
                self.index.setdefault(f"sha256:{digest}", []).append(name)
        return name

    def __call__(self, asked: Asked) -> Answer | None:
        document = json.loads(asked.body)
        self.asked.append((asked.path, document))
        assert asked.method == "POST"
        assert asked.headers["content-type"] == "application/json"
        assert "authorization" not in asked.headers
        if self.faults:
            return self.faults.pop(0)
        if asked.path == _BY_INDEX and self.index is not None:
            return _json(self.index.get(document["hash"], []))
        if asked.path == _BY_INDEX:
            return Answer(status=501, body=b'{"code": 501, "message": "Search Index API not enabled"}')
        assert asked.path == _ENTRIES
        return self._search(document)

    def _search(self, document: dict[str, Any]) -> Answer:
        wanted = document.get("entryUUIDs", [])
        proposals = [canonical_json(one) for one in document.get("entries", [])]
        if len(wanted) + len(proposals) > _MOST:
            return Answer(status=422)
        bodies = {base64.b64decode(value["body"]): name for name, value in self.entries.items()}
        found = [name for name in wanted if name in self.entries] + [bodies[one] for one in proposals if one in bodies]
        return _json([{name: self.entries[name]} for name in found])


def old_provenance(
    sign: Callable[..., bytes], statement: Any, *, kind: Literal["dsse", "intoto"] = "intoto", **options: Any
) -> tuple[bytes, dict[str, Any]]:
    """What slsa-github-generator wrote before version 2.1, an envelope with `cert`, and its log entry as Rekor serves it.

    `sign` is `VirtualSigstore.sign_statement`, whose signatures are deterministic: the certificate of a first one goes into the
    envelope over which the log entry of the second one is.
    """
    bundle = json.loads(sign(statement, log="rekor1", **options))
    pem = certificate_pem(base64.b64decode(bundle["verificationMaterial"]["certificate"]["rawBytes"]))
    envelope = bundle["dsseEnvelope"]
    envelope["signatures"] = [{"keyid": "", **envelope["signatures"][0], "cert": pem.decode()}]
    text = json.dumps(envelope).encode()
    whole = {"algorithm": "sha256", "value": hashlib.sha256(text).hexdigest()}

    def edit(body: dict[str, Any]) -> None:
        spec = body["spec"]
        if kind == "dsse":
            spec["envelopeHash"] = whole
            return
        content = {"hash": whole, "payloadHash": spec["payloadHash"]}
        body.update(kind="intoto", spec={"content": content, "publicKey": base64.b64encode(pem).decode()})

    return text, served_entry(sign(statement, log="rekor1", edit_body=edit, **options))


def _json(value: Any) -> Answer:
    return Answer(headers={"Content-Type": "application/json"}, body=json.dumps(value).encode())
