"""Log entry bodies: what a proven entry says, and whether it says it about this very signature.

Kinds: `hashedrekord` 0.0.1, `dsse` 0.0.1, `intoto` 0.0.1 and 0.0.2 (sigstore/rekor, pkg/types) and `hashedrekord` 0.0.2 of Rekor
v2 (rekor-tiles, api/proto/rekor/v2). Each is bound to content, signature and certificate as far as it holds them; what a kind
leaves out comes back as a note. `envelopeHash` is over JSON that nobody can rebuild, so it is not looked at.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key

from supplychain.bundle.content import EnvelopeContent
from supplychain.errors import EvidenceUnsupportedError, LogEntryError
from supplychain.verification_key import HASHES, KEY_DETAILS
from supplychain.wire import Fields, MalformedError, decode_base64, parse_json, translating

if TYPE_CHECKING:
    from supplychain.bundle.content import SignedContent
    from supplychain.bundle.model import LogEntry
    from supplychain.bundle.signatory import Signatory

__all__ = ["bind_entry"]

_ALGORITHMS: Final = {"SHA2_256": "sha256", "SHA2_384": "sha384", "SHA2_512": "sha512"}
_NO_SIGNATURE: Final = "a log entry of kind intoto/0.0.1 holds payload and certificate, but not the signature"


def bind_entry(entry: LogEntry, *, content: SignedContent, signatory: Signatory) -> tuple[str, ...]:
    """Check that `entry` is about `content`, signed by `signatory`, and return what its kind leaves unbound, in words.

    Raises:
        LogEntryError: about something else, malformed, or of a kind that cannot be about such content.
        EvidenceUnsupportedError: of a kind that is not known here.
    """
    name = f"{entry.kind}/{entry.version}"
    if name not in {**_MESSAGE_KINDS, **_ENVELOPE_KINDS}:
        raise EvidenceUnsupportedError("a log entry of a kind that is not known", got=f"`{name[:60]}`")
    if name not in (_ENVELOPE_KINDS if isinstance(content, EnvelopeContent) else _MESSAGE_KINDS):
        raise LogEntryError("a log entry of a kind that cannot be about this content", got=f"`{name}`")
    with translating(LogEntryError, "the log entry is about something else", where=f"`{name}`"):
        body = Fields(parse_json(entry.body), "body")
        if (body.text("kind"), body.text("apiVersion")) != (entry.kind, entry.version):
            raise MalformedError("the body is of another kind than the entry says")
        spec = body.fields("spec")
        if isinstance(content, EnvelopeContent):
            return _ENVELOPE_KINDS[name](spec, content, signatory)
        return _MESSAGE_KINDS[name](spec, content, signatory)


def _hashedrekord_1(spec: Fields, content: SignedContent, signatory: Signatory) -> tuple[str, ...]:
    digest = spec.fields("data").fields("hash")
    _same_digest(digest.text("algorithm"), bytes.fromhex(digest.text("value")), content)
    signature = spec.fields("signature")
    _same("signature", signature.octets("content"), content.signature)
    _same_signer(signature.fields("publicKey").octets("content"), signatory)
    return ()


def _hashedrekord_2(spec: Fields, content: SignedContent, signatory: Signatory) -> tuple[str, ...]:
    record = spec.fields("hashedRekordV002")
    data = record.fields("data")
    _same_digest(_ALGORITHMS.get(data.text("algorithm"), ""), data.octets("digest"), content)
    signature = record.fields("signature")
    _same("signature", signature.octets("content"), content.signature)
    verifier = signature.fields("verifier")
    details = verifier.text("keyDetails", "")  # protobuf leaves out what is unspecified; the key itself is compared below
    if details and KEY_DETAILS.get(details) != signatory.key.kind:
        raise MalformedError("`keyDetails` is of another kind than the signer's key")
    if signatory.certificate is None:
        _same("key", verifier.fields("publicKey").octets("rawBytes"), signatory.key.spki)
    else:
        _same("certificate", verifier.fields("x509Certificate").octets("rawBytes"), signatory.certificate)
    return ()


def _dsse_1(spec: Fields, content: EnvelopeContent, signatory: Signatory) -> tuple[str, ...]:
    _same_payload(spec, content)
    signature = _only(spec.objects("signatures", limit=16))
    _same("signature", signature.octets("signature"), content.signature)
    _same_signer(signature.octets("verifier"), signatory)
    return ()


def _intoto_1(spec: Fields, content: EnvelopeContent, signatory: Signatory) -> tuple[str, ...]:
    _same_payload(spec.fields("content"), content)
    _same_signer(spec.octets("publicKey"), signatory)
    return (_NO_SIGNATURE,)


def _intoto_2(spec: Fields, content: EnvelopeContent, signatory: Signatory) -> tuple[str, ...]:
    inner = spec.fields("content")
    _same_payload(inner, content)
    envelope = inner.fields("envelope")
    _same("payload type", envelope.text("payloadType"), content.envelope.payload_type)
    signature = _only(envelope.objects("signatures", limit=16))
    # Rekor stores the envelope's base64 text as bytes, hence base64 twice.
    _same("signature", decode_base64(signature.octets("sig").decode()), content.signature)
    _same_signer(signature.octets("publicKey"), signatory)
    return ()


_MESSAGE_KINDS: Final = {"hashedrekord/0.0.1": _hashedrekord_1, "hashedrekord/0.0.2": _hashedrekord_2}
_ENVELOPE_KINDS: Final = {
    "dsse/0.0.1": _dsse_1,
    "hashedrekord/0.0.1": _hashedrekord_1,
    "hashedrekord/0.0.2": _hashedrekord_2,
    "intoto/0.0.1": _intoto_1,
    "intoto/0.0.2": _intoto_2,
}


def _same(what: str, logged: bytes | str, given: bytes | str) -> None:
    if logged != given:
        raise MalformedError(f"another {what}")


def _same_digest(algorithm: str, logged: bytes, content: SignedContent) -> None:
    if algorithm not in HASHES:
        raise MalformedError("a digest that is not of the SHA-2 family")
    given = content.digest(algorithm)
    if given is None:
        raise MalformedError(f"a digest by {algorithm}, which cannot be compared with the one asked for")
    _same("digest", logged, given)


def _same_payload(fields: Fields, content: EnvelopeContent) -> None:
    digest = fields.fields("payloadHash")
    _same("payload digest algorithm", digest.text("algorithm"), "sha256")
    _same("payload", digest.text("value"), hashlib.sha256(content.envelope.payload).hexdigest())


def _same_signer(pem: bytes, signatory: Signatory) -> None:
    if signatory.certificate is None:
        _same("key", _public_key(pem), signatory.key.spki)
        return
    try:
        logged = [certificate.public_bytes(Encoding.DER) for certificate in x509.load_pem_x509_certificates(pem)]
    except ValueError as exc:
        raise MalformedError("no certificate, although the signature has one") from exc
    if logged != [signatory.certificate]:
        raise MalformedError("another certificate")


def _public_key(pem: bytes) -> bytes:
    try:
        return load_pem_public_key(pem).public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    except Exception as exc:  # UnsupportedAlgorithm and more, by the library's version
        raise MalformedError("no public key, although the signature has no certificate") from exc


def _only(items: list[Fields]) -> Fields:
    if len(items) != 1:
        raise MalformedError(f"{len(items)} signatures instead of one")
    return items[0]
