"""Log entry bodies: what a proven entry says, and whether it says it about this very signature.

Kinds: `hashedrekord` 0.0.1, `dsse` 0.0.1, `intoto` 0.0.1 and 0.0.2 (sigstore/rekor, pkg/types) and `hashedrekord` 0.0.2 of Rekor
v2 (rekor-tiles, api/proto/rekor/v2). Each is bound to content, signature and certificate as far as it holds them; what a kind
leaves out comes back as a note. `envelopeHash` is over JSON that nobody can rebuild, so it is not looked at.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from supplychain.errors import EvidenceUnsupportedError, LogEntryError
from supplychain.verification_key import HASHES, KEY_DETAILS
from supplychain.wire import Fields, MalformedError, decode_base64, parse_json, translating

if TYPE_CHECKING:
    from collections.abc import Callable

    from supplychain.bundle.certificate import Leaf
    from supplychain.bundle.model import LogEntry
    from supplychain.dsse import Envelope

__all__ = ["SignedContent", "bind_entry"]

_ALGORITHMS: Final = {"SHA2_256": "sha256", "SHA2_384": "sha384", "SHA2_512": "sha512"}
_NO_SIGNATURE: Final = "a log entry of kind intoto/0.0.1 holds payload and certificate, but not the signature"


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedContent:
    """What an entry must be about. `digest_of` gives the digest of the signed bytes, or None where they are not known."""

    leaf: Leaf
    signature: bytes
    envelope: Envelope | None
    digest_of: Callable[[str], bytes | None]


def bind_entry(entry: LogEntry, *, content: SignedContent) -> tuple[str, ...]:
    """Check that `entry` is about `content`, and return what its kind leaves unbound, in words.

    Raises:
        LogEntryError: about something else, malformed, or of a kind that cannot be about such content.
        EvidenceUnsupportedError: of a kind that is not known here.
    """
    name = f"{entry.kind}/{entry.version}"
    binder = _MESSAGE_KINDS.get(name) if content.envelope is None else _ENVELOPE_KINDS.get(name)
    if name not in {**_MESSAGE_KINDS, **_ENVELOPE_KINDS}:
        raise EvidenceUnsupportedError("a log entry of a kind that is not known", got=f"`{name[:60]}`")
    if binder is None:
        raise LogEntryError("a log entry of a kind that cannot be about this content", got=f"`{name}`")
    with translating(LogEntryError, "the log entry is about something else", where=f"`{name}`"):
        body = Fields(parse_json(entry.body), "body")
        if (body.text("kind"), body.text("apiVersion")) != (entry.kind, entry.version):
            raise MalformedError("the body is of another kind than the entry says")
        return binder(body.fields("spec"), content)


def _hashedrekord_1(spec: Fields, content: SignedContent) -> tuple[str, ...]:
    digest = spec.fields("data").fields("hash")
    _same_digest(digest.text("algorithm"), bytes.fromhex(digest.text("value")), content)
    signature = spec.fields("signature")
    _same("signature", signature.octets("content"), content.signature)
    _same_certificate(signature.fields("publicKey").octets("content"), content)
    return ()


def _hashedrekord_2(spec: Fields, content: SignedContent) -> tuple[str, ...]:
    record = spec.fields("hashedRekordV002")
    data = record.fields("data")
    _same_digest(_ALGORITHMS.get(data.text("algorithm"), ""), data.octets("digest"), content)
    signature = record.fields("signature")
    _same("signature", signature.octets("content"), content.signature)
    verifier = signature.fields("verifier")
    if KEY_DETAILS.get(verifier.text("keyDetails")) != content.leaf.key.kind:
        raise MalformedError("`keyDetails` is of another kind than the certificate's key")
    _same("certificate", verifier.fields("x509Certificate").octets("rawBytes"), content.leaf.der)
    return ()


def _dsse_1(spec: Fields, content: SignedContent) -> tuple[str, ...]:
    _same_payload(spec, content)
    signature = _only(spec.objects("signatures", limit=16))
    _same("signature", signature.octets("signature"), content.signature)
    _same_certificate(signature.octets("verifier"), content)
    return ()


def _intoto_1(spec: Fields, content: SignedContent) -> tuple[str, ...]:
    _same_payload(spec.fields("content"), content)
    _same_certificate(spec.octets("publicKey"), content)
    return (_NO_SIGNATURE,)


def _intoto_2(spec: Fields, content: SignedContent) -> tuple[str, ...]:
    inner = spec.fields("content")
    _same_payload(inner, content)
    envelope = inner.fields("envelope")
    _same("payload type", envelope.text("payloadType"), content.envelope.payload_type if content.envelope else None)
    signature = _only(envelope.objects("signatures", limit=16))
    # Rekor stores the envelope's base64 text as bytes, hence base64 twice.
    _same("signature", decode_base64(signature.octets("sig").decode()), content.signature)
    _same_certificate(signature.octets("publicKey"), content)
    return ()


_MESSAGE_KINDS: Final = {"hashedrekord/0.0.1": _hashedrekord_1, "hashedrekord/0.0.2": _hashedrekord_2}
_ENVELOPE_KINDS: Final = {
    "dsse/0.0.1": _dsse_1,
    "hashedrekord/0.0.2": _hashedrekord_2,
    "intoto/0.0.1": _intoto_1,
    "intoto/0.0.2": _intoto_2,
}


def _same(what: str, logged: bytes | str, given: bytes | str | None) -> None:
    if logged != given:
        raise MalformedError(f"another {what}")


def _same_digest(algorithm: str, logged: bytes, content: SignedContent) -> None:
    if algorithm not in HASHES:
        raise MalformedError("a digest that is not of the SHA-2 family")
    given = content.digest_of(algorithm)
    if given is None:
        raise MalformedError(f"a digest by {algorithm}, which cannot be compared with the one asked for")
    _same("digest", logged, given)


def _same_payload(fields: Fields, content: SignedContent) -> None:
    digest = fields.fields("payloadHash")
    payload = content.envelope.payload if content.envelope else b""
    _same("payload digest algorithm", digest.text("algorithm"), "sha256")
    _same("payload", digest.text("value"), hashlib.sha256(payload).hexdigest())


def _same_certificate(pem: bytes, content: SignedContent) -> None:
    try:
        logged = [certificate.public_bytes(Encoding.DER) for certificate in x509.load_pem_x509_certificates(pem)]
    except ValueError as exc:
        raise MalformedError("no certificate, although the signature has one") from exc
    if logged != [content.leaf.der]:
        raise MalformedError("another certificate")


def _only(items: list[Fields]) -> Fields:
    if len(items) != 1:
        raise MalformedError(f"{len(items)} signatures instead of one")
    return items[0]
