"""A private Sigstore in one process: certificate authority, certificate log, two transparency logs, timestamp authority.

    sigstore = VirtualSigstore()
    bundle = sigstore.sign_statement(image_signature(manifest_digest), identity=github_identity(), log="rekor2")
    root = sigstore.trusted_root()

Honest output is accepted by sigstore-python and by cosign. Every field of `signing.Plan` can be given as a keyword to make
exactly one thing wrong: `ca=VirtualSigstore(seed=b"other").ca`, `promise=False`, `not_after=…`, `edit=lambda bundle: …`.

All keys follow from the seed, and signatures are deterministic: equal calls give equal bytes. It is TEST MATERIAL by design.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from tests.support.sigstore.certificates import fulcio
from tests.support.sigstore.identities import GITHUB_ISSUER, Identity, generator_identity, github_identity
from tests.support.sigstore.keys import PrivateKey, Seed, key_details, spki
from tests.support.sigstore.signing import PAYLOAD_TYPE, Plan, sign_bundle
from tests.support.sigstore.statements import github_provenance, image_signature, slsa_provenance
from tests.support.sigstore.timestamps import TimestampAuthority
from tests.support.sigstore.transparency import CtLog, Rekor, b64

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "GITHUB_ISSUER",
    "Identity",
    "VirtualSigstore",
    "Window",
    "generator_identity",
    "github_identity",
    "github_provenance",
    "image_signature",
    "slsa_provenance",
]

Window: TypeAlias = tuple[datetime | None, datetime | None]
"""First and last moment at which a part of the trust root is valid; None leaves the field out."""

_SIGNED_AT = datetime(2025, 6, 2, 12, 0, 0, tzinfo=UTC)
_START = datetime(2024, 1, 1, tzinfo=UTC)
_END = datetime(2044, 1, 1, tzinfo=UTC)


class VirtualSigstore:
    """All parts of one Sigstore instance; `at` is when it signs unless a call says otherwise, `seed` decides every key."""

    def __init__(self, *, at: datetime = _SIGNED_AT, seed: bytes = b"virtual sigstore") -> None:
        self.at = at
        self.seed = Seed(seed)
        self.ca = fulcio(self.seed, not_before=_START, not_after=_END)
        self.ct_log = CtLog.of(self.seed.p256("ct log"))
        self.rekor1 = Rekor.v1(self.seed.p256("rekor v1"))
        self.rekor2 = Rekor.v2(self.seed.ed25519("rekor v2"))
        self.tsa = TimestampAuthority.of(self.seed, not_before=_START, not_after=_END)

    def plan(self, content: bytes, *, identity: Identity, log: Literal["rekor1", "rekor2", "none"], **faults: Any) -> Plan:
        """Honest values for one signature over `content`, with `faults` put in place of any of them."""
        at: datetime = faults.get("at", self.at)
        label = f"leaf {at.isoformat()} {identity!r} {hashlib.sha256(content).hexdigest()}"
        honest = Plan(
            at=at,
            identity=identity,
            ca=self.ca,
            ct_log=self.ct_log,
            rekor={"rekor1": self.rekor1, "rekor2": self.rekor2, "none": None}[log],
            tsa=None if log == "rekor1" else self.tsa,
            leaf_key=self.seed.p256(label),
        )
        return replace(honest, **faults)

    def sign_statement(
        self,
        statement: Mapping[str, Any] | bytes,
        *,
        identity: Identity | None = None,
        log: Literal["rekor1", "rekor2", "none"] = "rekor2",
        payload_type: str = PAYLOAD_TYPE,
        **faults: Any,
    ) -> bytes:
        """Sign an in-toto statement, or any payload as bytes, and return the bundle as JSON.

        Rekor v1 proves the time by its promise, Rekor v2 only through the timestamp authority.
        """
        payload = statement if isinstance(statement, bytes) else _compact(statement)
        plan = self.plan(payload, identity=identity or github_identity(), log=log, **faults)
        return _compact(sign_bundle(plan, payload=payload, payload_type=payload_type))

    def sign_message(
        self,
        message: bytes,
        *,
        identity: Identity | None = None,
        log: Literal["rekor1", "rekor2", "none"] = "rekor2",
        **faults: Any,
    ) -> bytes:
        """Sign bytes as `cosign sign-blob` does and return the bundle as JSON."""
        plan = self.plan(message, identity=identity or github_identity(), log=log, **faults)
        return _compact(sign_bundle(plan, message=message))

    def trusted_root(
        self,
        *,
        fulcio_window: Window = (_START, None),
        ct_window: Window = (_START, None),
        rekor_window: Window = (_START, None),
        tsa_window: Window = (_START, None),
        edit: Any = None,
    ) -> bytes:
        """The `trusted_root.json` that names all parts; `edit` changes it as JSON values."""
        root: dict[str, Any] = {
            "mediaType": "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
            "tlogs": [
                _log(each.base_url, key=each.key, log_id=each.log_id, window=rekor_window) for each in (self.rekor1, self.rekor2)
            ],
            "certificateAuthorities": [
                _authority("https://fulcio.sigstore.example", "test-fulcio-root", chain=self.ca.chain, window=fulcio_window)
            ],
            "ctlogs": [_log(self.ct_log.base_url, key=self.ct_log.key, log_id=self.ct_log.log_id, window=ct_window)],
            "timestampAuthorities": [_authority(self.tsa.base_url, "test-tsa", chain=self.tsa.chain, window=tsa_window)],
        }
        if edit is not None:
            edit(root)
        return json.dumps(root, indent=2).encode() + b"\n"


def _compact(value: Mapping[str, Any]) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def _window(window: Window) -> dict[str, str]:
    names = zip(("start", "end"), window, strict=True)
    return {name: moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") for name, moment in names if moment is not None}


def _log(base_url: str, *, key: PrivateKey, log_id: bytes, window: Window) -> dict[str, Any]:
    public_key = {"rawBytes": b64(spki(key)), "keyDetails": key_details(key), "validFor": _window(window)}
    return {"baseUrl": base_url, "hashAlgorithm": "SHA2_256", "publicKey": public_key, "logId": {"keyId": b64(log_id)}}


def _authority(uri: str, common_name: str, *, chain: tuple[bytes, ...], window: Window) -> dict[str, Any]:
    return {
        "subject": {"organization": "TEST Sigstore, never trust", "commonName": common_name},
        "uri": uri,
        "certChain": {"certificates": [{"rawBytes": b64(each)} for each in chain]},
        "validFor": _window(window),
    }
