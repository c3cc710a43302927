"""The verdict on one piece of Sigstore evidence, as numbered steps.

Follows the Sigstore client specification (sigstore/architecture-docs, client-spec.md).

What is proven comes back as `ProvenEnvelope` or `ProvenMessage`; anything else is an error. The payload is not parsed, no policy
is asked. Stricter than the specification where it leaves a choice: every entry, proof, promise and timestamp that is present must
verify, and the windows of all keys and authorities that take part hold every proven time, both ends included.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from supplychain.bundle.content import EnvelopeContent, MessageContent
from supplychain.bundle.entry import bind_entry
from supplychain.bundle.model import Bundle, parse_bundle
from supplychain.bundle.signatory import certified_signatory, configured_signatory
from supplychain.bundle.transparency import prove_transparency
from supplychain.errors import BundleInvalidError, EnvelopeInvalidError
from supplychain.identity import KeyHolder
from supplychain.proof import ProvenEnvelope, ProvenMessage
from supplychain.wire import translating

if TYPE_CHECKING:
    from supplychain.bundle.content import SignedContent
    from supplychain.bundle.signatory import Signatory
    from supplychain.bundle.transparency import Transparency
    from supplychain.dsse import Envelope
    from supplychain.trust_root import TrustRoot
    from supplychain.verification_key import TrustedKey

__all__ = ["NAME", "prove_envelope", "prove_message", "prove_unlogged_envelope", "verify_dsse_bundle", "verify_message_bundle"]

NAME: Final = "supplychain"
"""How this verifier is called in `judged_by`."""
_UNLOGGED: Final = "the envelope is in no transparency log, and nothing proves when it was signed; a configured key stands for it"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Proof:
    signatory: Signatory
    logged: Transparency
    notes: tuple[str, ...]

    def facts(self) -> dict[str, Any]:
        """What every proof says, as the fields of its type."""
        certificate = self.signatory.certificate
        return {
            "signer": self.signatory.identity,
            "certificate_sha256": None if certificate is None else hashlib.sha256(certificate).hexdigest(),
            "times": self.logged.times,
            "log": self.logged.log,
            "judged_by": (NAME,),
            "notes": tuple(dict.fromkeys(self.notes)),
        }


def verify_dsse_bundle(raw: bytes, *, root: TrustRoot, keys: tuple[TrustedKey, ...] = ()) -> ProvenEnvelope:
    """Verify a bundle that holds a DSSE envelope, with JSON in `raw`; see `prove_envelope`."""
    with translating(BundleInvalidError, "the bundle cannot be judged"):
        return prove_envelope(parse_bundle(raw), root=root, keys=keys)


def verify_message_bundle(
    raw: bytes,
    *,
    root: TrustRoot,
    digest: bytes | None = None,
    message: bytes | None = None,
    keys: tuple[TrustedKey, ...] = (),
) -> ProvenMessage:
    """Verify a bundle that signs a message, with JSON in `raw`; see `prove_message`."""
    with translating(BundleInvalidError, "the bundle cannot be judged"):
        return prove_message(parse_bundle(raw), root=root, digest=digest, message=message, keys=keys)


def prove_envelope(bundle: Bundle, *, root: TrustRoot, keys: tuple[TrustedKey, ...] = ()) -> ProvenEnvelope:
    """Prove who signed the envelope in `bundle`, when, and that it was logged.

    With `keys`, only what one of them signed counts; without, only what a certificate of the root's stands for.

    Raises:
        EvidenceError: its family says which part was refused.
        EvidenceUnsupportedError: a form that cannot be judged here.
    """
    with translating(BundleInvalidError, "the evidence cannot be judged"):
        # 1. One envelope with exactly one signature (sigstore_bundle.proto, `dsse_envelope`).
        if bundle.envelope is None:
            raise BundleInvalidError("the bundle signs a message", expected="a DSSE envelope")
        _require_one_signature(bundle.envelope)
        proof = _prove(bundle, EnvelopeContent(bundle.envelope), root, keys)
        return ProvenEnvelope(**proof.facts(), payload_type=bundle.envelope.payload_type, payload=bundle.envelope.payload)


def prove_message(
    bundle: Bundle,
    *,
    root: TrustRoot,
    digest: bytes | None = None,
    message: bytes | None = None,
    keys: tuple[TrustedKey, ...] = (),
) -> ProvenMessage:
    """Prove who signed a message, given as its SHA-256 `digest` or itself, when, and that it was logged.

    With `keys`, only what one of them signed counts; without, only what a certificate of the root's stands for.

    Raises:
        EvidenceError: its family says which part was refused.
        EvidenceUnsupportedError: a form that cannot be judged here, or a key that signs another digest than the given one.
    """
    with translating(BundleInvalidError, "the evidence cannot be judged"):
        # 1. One message signature.
        if bundle.message is None:
            raise BundleInvalidError("the bundle holds a DSSE envelope", expected="a message signature")
        content = MessageContent(claim=bundle.message, given=digest, message=message)
        proof = _prove(bundle, content, root, keys)
        algorithm, signed = content.signed_digest(proof.signatory.key)
        return ProvenMessage(**proof.facts(), algorithm=algorithm, digest=signed)


def prove_unlogged_envelope(envelope: Envelope, *, keys: tuple[TrustedKey, ...]) -> ProvenEnvelope:
    """Prove that one of `keys` signed a bare envelope; that is all that can be proven about it.

    Raises:
        EnvelopeInvalidError: none did, or it does not have exactly one signature.
    """
    with translating(EnvelopeInvalidError, "the envelope cannot be judged"):
        _require_one_signature(envelope)
        signed = EnvelopeContent(envelope).require_signed_by(tuple(key.key for key in keys))
        trusted = next(key for key in keys if key.key is signed)
        return ProvenEnvelope(
            signer=KeyHolder(name=trusted.name, fingerprint=trusted.fingerprint),
            certificate_sha256=None,
            times=(),
            log=(),
            judged_by=(NAME,),
            notes=(_UNLOGGED,),
            payload_type=envelope.payload_type,
            payload=envelope.payload,
        )


def _require_one_signature(envelope: Envelope) -> None:
    if len(envelope.signatures) != 1:
        raise EnvelopeInvalidError("unusable number of signatures", expected="1", got=str(len(envelope.signatures)))


def _prove(bundle: Bundle, content: SignedContent, root: TrustRoot, keys: tuple[TrustedKey, ...]) -> _Proof:
    # 2. It was logged, and at a proven time.
    logged = prove_transparency(bundle, signature=content.signature, root=root)
    # 3. The signer, at that time, and the signature.
    if keys or not bundle.certificates:
        signatory = configured_signatory(bundle, content=content, keys=keys)
    else:
        signatory = certified_signatory(bundle, content=content, root=root, times=[time.at for time in logged.times])
    # 4. Every log entry is about this very signature by this very signer.
    notes = [note for entry in bundle.entries for note in bind_entry(entry, content=content, signatory=signatory)]
    return _Proof(signatory=signatory, logged=logged, notes=(*logged.notes, *signatory.notes, *notes))
