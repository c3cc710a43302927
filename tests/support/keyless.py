"""Keyless summaries for tests: made honestly by a virtual instance, or with one thing wrong."""

from __future__ import annotations

import base64
import json
import time
from typing import TYPE_CHECKING, Any

from supplychain.carry.plugin_bundle.inventory import SUMMARY_TYPE
from supplychain.carry.plugin_bundle.keyless import SIGSTORE_SUMMARY_TYPE
from tests.support.bundling import Forgery
from tests.support.scenario import SIGSTORE

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["config", "resign", "token"]


def token(**claims: Any) -> str:
    """An identity token that nobody signed; sigstore-python leaves that to Fulcio."""
    now = int(time.time())
    all_claims = {"iss": "https://issuer.example", "sub": "x", "aud": "sigstore", "iat": now, "exp": now + 600, **claims}
    parts = [{"alg": "RS256", "typ": "JWT"}, all_claims]
    return ".".join([base64.urlsafe_b64encode(json.dumps(one).encode()).rstrip(b"=").decode() for one in parts] + ["AAAA"])


def config(root: bytes, signing: str) -> str:
    """A ClientTrustConfig."""
    kind = "application/vnd.dev.sigstore.clienttrustconfig.v0.1+json"
    return json.dumps({"mediaType": kind, "trustedRoot": json.loads(root), "signingConfig": json.loads(signing)})


def resign(path: Path, *, sigstore: Any = SIGSTORE, change: Any = None, **options: Any) -> None:
    """Put a keyless summary of the same statement in the place of the one that a key signed."""
    forgery = Forgery.of(path)
    [envelope] = forgery.of_type(SUMMARY_TYPE)
    payload = base64.b64decode(json.loads(envelope)["payload"])
    if change is not None:
        statement = json.loads(payload)
        change(statement)
        payload = json.dumps(statement).encode()
    signed = sigstore.sign_statement(payload, **{"log": "rekor1", **options})
    forgery.enclose(SUMMARY_TYPE).enclose(SIGSTORE_SUMMARY_TYPE, signed).write(path)
