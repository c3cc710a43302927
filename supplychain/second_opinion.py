"""sigstore-python as the independent second verifier, through its public API alone; the only file that judges by it.

It shares libraries with the project's own core (`cryptography`, `rfc3161-client`), but no code. It judges less: what it cannot
judge is told apart from what it refuses, by rules that stand here and not by its error texts. Identity is left out on purpose
(`UnsafeNoOp`): policies judge the identity that the core has proven. It is imported when first asked, because that takes a third
of a second.
"""

from __future__ import annotations

import base64
import json
import logging
import threading
import warnings
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import Encoding

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from sigstore.models import Bundle
    from sigstore.verify import Verifier

    from supplychain.proof import ProvenTime
    from supplychain.trust_root import TrustRoot

__all__ = ["NAME", "Opinion", "Verdict", "envelope_opinion", "message_opinion"]

NAME: Final = "sigstore-python"
"""How this verifier is called in `judged_by`."""
_MEDIA_TYPE: Final = "application/vnd.dev.sigstore.clienttrustconfig.v0.1+json"
_SIGNING_CONFIG: Final = "application/vnd.dev.sigstore.signingconfig.v0.2+json"
_LOCK: Final = threading.Lock()
"""Silencing warnings is global to the process; verification is bound by the interpreter lock anyway."""


class Verdict(StrEnum):
    """What the second verifier says."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    CANNOT_JUDGE = "cannot judge"


@dataclass(frozen=True, slots=True, kw_only=True)
class Opinion:
    """The second verifier's answer; `reason` says why unless it accepted, and `content` is what it took as signed."""

    verdict: Verdict
    reason: str = ""
    content: tuple[str, bytes] | None = None
    """Payload type and payload of an accepted envelope."""


def envelope_opinion(raw: bytes, *, root: TrustRoot, times: tuple[ProvenTime, ...]) -> Opinion:
    """Ask about a bundle with a DSSE envelope. `times` are those that the core has proven. Never raises."""
    return _ask(raw, root, times, _judge_envelope)


def message_opinion(raw: bytes, *, digest: bytes, root: TrustRoot, times: tuple[ProvenTime, ...]) -> Opinion:
    """Ask about a bundle that signs a message with this SHA-256 `digest`. Never raises."""
    return _ask(raw, root, times, lambda verifier, bundle: _judge_message(verifier, bundle, digest))


def _ask(
    raw: bytes, root: TrustRoot, times: tuple[ProvenTime, ...], judge: Callable[[Verifier, Bundle], tuple[str, bytes] | None]
) -> Opinion:
    with _LOCK, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            beyond = _beyond(raw, root, times)
        except Exception as exc:  # noqa: BLE001 — hostile JSON and certificates: whatever comes, it is no acceptance
            return _refused(exc)
        if beyond is not None:
            return Opinion(verdict=Verdict.CANNOT_JUDGE, reason=beyond)
        try:
            verifier = _verifier(root.document)
        except Exception as exc:  # noqa: BLE001 — pydantic's and its own: the root is the user's, so this is no verdict on the bundle
            return Opinion(verdict=Verdict.CANNOT_JUDGE, reason=f"it cannot use this trust root ({type(exc).__name__})")
        try:
            from sigstore.models import Bundle  # noqa: PLC0415 — see the module's text

            content = judge(verifier, Bundle.from_json(raw))
        except Exception as exc:  # noqa: BLE001 — it lets ValueError and TypeError of other libraries through
            return _refused(exc)
    return Opinion(verdict=Verdict.ACCEPTED, content=content)


def _refused(exc: Exception) -> Opinion:
    text = str(exc).partition("\n")[0][:200]
    return Opinion(verdict=Verdict.REFUSED, reason=f"{type(exc).__name__}: {text}" if text else type(exc).__name__)


def _judge_envelope(verifier: Verifier, bundle: Bundle) -> tuple[str, bytes]:
    from sigstore.verify.policy import UnsafeNoOp  # noqa: PLC0415 — see the module's text

    return verifier.verify_dsse(bundle, UnsafeNoOp())


def _judge_message(verifier: Verifier, bundle: Bundle, digest: bytes) -> None:
    from sigstore.hashes import Hashed  # noqa: PLC0415 — see the module's text
    from sigstore.verify.policy import UnsafeNoOp  # noqa: PLC0415
    from sigstore_models.common.v1 import HashAlgorithm  # noqa: PLC0415

    verifier.verify_artifact(Hashed(algorithm=HashAlgorithm.SHA2_256, digest=digest), bundle, UnsafeNoOp())


@lru_cache(maxsize=8)
def _verifier(document: bytes) -> Verifier:
    """Build a verifier from root JSON in memory: a trust configuration is the public way that needs no file."""
    from sigstore.models import ClientTrustConfig  # noqa: PLC0415 — see the module's text
    from sigstore.verify import Verifier  # noqa: PLC0415

    logging.getLogger("sigstore").setLevel(logging.CRITICAL)
    config = {
        "mediaType": _MEDIA_TYPE,
        "trustedRoot": json.loads(document),
        "signingConfig": {"mediaType": _SIGNING_CONFIG},  # demanded, never used
    }
    return Verifier(trusted_root=ClientTrustConfig.from_json(json.dumps(config)).trusted_root)


def _beyond(raw: bytes, root: TrustRoot, times: tuple[ProvenTime, ...]) -> str | None:
    """Say why this evidence is beyond sigstore-python 4.5, or None where it can judge."""
    bundle: dict[str, Any] = json.loads(raw)
    material: dict[str, Any] = bundle["verificationMaterial"]
    if "publicKey" in material:
        return "it knows no bundles signed by a key without certificate"
    return (
        _beyond_log(material, about_envelope="dsseEnvelope" in bundle)
        or _beyond_certificate(material, root)
        or _beyond_root(root)
        or _beyond_time(material, root, times)
    )


def _beyond_log(material: dict[str, Any], *, about_envelope: bool) -> str | None:
    entries = material.get("tlogEntries") or []
    if len(entries) != 1:
        return "it takes exactly one log entry"
    proof = entries[0].get("inclusionProof") or {}
    if not (proof.get("checkpoint") or {}).get("envelope"):
        return "it knows no entries without inclusion proof and checkpoint"
    if not ("logIndex" in entries[0] and {"logIndex", "hashes"} <= set(proof)):
        return "it demands fields that are left out where they are zero or empty, as for the first entry of a log"
    return _beyond_kind(entries[0], about_envelope=about_envelope)


def _beyond_kind(entry: dict[str, Any], *, about_envelope: bool) -> str | None:
    kind, version = entry["kindVersion"]["kind"], entry["kindVersion"]["version"]
    if kind not in ("hashedrekord", "dsse"):
        return "it knows no `intoto` log entries"
    if (kind, version, about_envelope) == ("hashedrekord", "0.0.1", True):
        return "it knows no `hashedrekord` 0.0.1 log entries about envelopes"
    if (kind, version) == ("hashedrekord", "0.0.2") and b'"keyDetails":"' not in base64.b64decode(entry["canonicalizedBody"]):
        return "it demands the kind of key in a log entry, which may be left out"
    return None


def _beyond_certificate(material: dict[str, Any], root: TrustRoot) -> str | None:
    chain = (material.get("x509CertificateChain") or {}).get("certificates") or [material["certificate"]]
    leaf, *others = (base64.b64decode(item["rawBytes"]) for item in chain)
    known = {certificate.public_bytes(Encoding.DER) for authority in root.authorities for certificate in authority.certificates}
    if not known.issuperset(others):
        return "it ignores certificates in the bundle other than the signing one"
    certificate = x509.load_der_x509_certificate(leaf)
    timestamps = x509.PrecertificateSignedCertificateTimestamps.oid
    published = [len(list(one.value)) for one in certificate.extensions if one.oid == timestamps]
    if any(number > 1 for number in published):
        return "it takes exactly one certificate transparency timestamp"
    key = certificate.public_key()
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
        return "it verifies signatures by P-256 keys only"
    return None


def _beyond_root(root: TrustRoot) -> str | None:
    if not root.ct_logs:
        return "it takes no trust root without certificate transparency logs"
    certificates: Iterable[x509.Certificate] = (one for authority in root.authorities for one in authority.certificates)
    if any(isinstance(certificate.public_key(), ed25519.Ed25519PublicKey) for certificate in certificates):
        return "it knows no certificate authorities with Ed25519 keys"
    return None


def _beyond_time(material: dict[str, Any], root: TrustRoot, times: tuple[ProvenTime, ...]) -> str | None:
    tokens = [
        item["signedTimestamp"] for item in (material.get("timestampVerificationData") or {}).get("rfc3161Timestamps") or []
    ]
    if len(set(tokens)) != len(tokens):
        return "it takes no timestamp twice"
    if any(time.source.startswith("log ") for time in times):
        return None
    if any(time.at.replace(microsecond=0) == authority.window.end for time in times for authority in root.timestamp_authorities):
        return "it takes a timestamp authority's last second as outside"
    if all(len(authority.certificates) == 1 for authority in root.timestamp_authorities):
        return "it skips timestamp authorities whose signing certificate is not in the trust root"
    return None
