"""Evidence from before the Sigstore bundle: layers of cosign's `.sig` and `.att` objects, and entries as Rekor v1 serves them.

The parts of a bundle stand in the annotations of a layer (sigstore/cosign, specs/SIGNATURE_SPEC.md) or in a file of their own
(sigstore/rekor, openapi.yaml, `LogEntry`). They are read into the same values as a bundle and judged by the same steps; nothing
is verified here. A layer's annotations hold a signed entry timestamp, never an inclusion proof.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from supplychain.bundle.model import MAX_CHAIN, MAX_PROOF, Bundle, InclusionProof, LogEntry, MessageSignature, parse_log_entry
from supplychain.dsse import parse_envelope
from supplychain.errors import BundleInvalidError, LogEntryError
from supplychain.wire import Fields, MalformedError, decode_base64, parse_json, translating

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from supplychain.dsse import Envelope

__all__ = ["legacy_attestation", "legacy_signature", "logged_envelopes"]

_SIGNATURE: Final = "dev.cosignproject.cosign/signature"
_CERTIFICATE: Final = "dev.sigstore.cosign/certificate"
_CHAIN: Final = "dev.sigstore.cosign/chain"
_LOG: Final = "dev.sigstore.cosign/bundle"
_TIMESTAMP: Final = "dev.sigstore.cosign/rfc3161timestamp"
_MAX_ENTRIES: Final = 64


def legacy_signature(annotations: Mapping[str, str]) -> Bundle:
    """Read the annotations of a `.sig` layer, whose content is the signed message.

    Raises:
        BundleInvalidError: malformed, or without a signature.
    """
    with translating(BundleInvalidError, "the annotations hold no readable signature"):
        signature = decode_base64(annotations.get(_SIGNATURE, ""))
        if not signature:
            raise MalformedError(f"`{_SIGNATURE}` is missing or empty")
        return _bundle(annotations, message=MessageSignature(signature=signature, algorithm=None, digest=None))


def legacy_attestation(data: bytes, annotations: Mapping[str, str]) -> Bundle:
    """Read an `.att` layer: a DSSE envelope in `data`, the rest in its annotations.

    Raises:
        BundleInvalidError: the annotations are malformed.
        EnvelopeInvalidError: the envelope is.
    """
    envelope = parse_envelope(data)
    with translating(BundleInvalidError, "the annotations hold no readable evidence"):
        return _bundle(annotations, envelope=envelope)


def logged_envelopes(envelope: Envelope, files: Sequence[bytes]) -> tuple[Bundle, ...]:
    """Join a bare envelope with each entry of `files` that is about its payload; the signer is read from that entry.

    Each file holds entries as Rekor v1 serves them, by their id or in a list, or one in the JSON form of bundles. Anybody can log
    a payload as his own, so every entry about it is a candidate by itself, and one that cannot be read stands in nobody's way.

    Raises:
        LogEntryError: a file is malformed, or no entry is about this payload.
    """
    payload = hashlib.sha256(envelope.payload).hexdigest()
    joined: list[Bundle] = []
    unread: Exception | None = None
    with translating(LogEntryError, "the log entry that was given cannot be read"):
        for entry in [entry for file in files for entry in _entries(parse_json(file))]:
            try:
                logged, signer = _logged(entry)
                if logged == payload:
                    joined.append(_joined(envelope, entry, signer))
            except Exception as exc:  # noqa: BLE001 — whatever the certificate of a stranger brings out
                unread = unread or exc
        if unread is not None and not joined:
            raise unread
    if not joined:
        raise LogEntryError(
            "none of the log entries that were given is about this envelope", expected=f"payload hash `{payload}`"
        )
    return tuple(joined)


def _joined(envelope: Envelope, entry: LogEntry, signer: bytes) -> Bundle:
    certificates = _certificates(signer) if b"BEGIN CERTIFICATE" in signer else ()
    return Bundle(minor=0, certificates=certificates, entries=(entry,), timestamps=(), envelope=envelope, message=None)


def _bundle(
    annotations: Mapping[str, str], *, envelope: Envelope | None = None, message: MessageSignature | None = None
) -> Bundle:
    pem = f"{annotations.get(_CERTIFICATE, '')}\n{annotations.get(_CHAIN, '')}".encode()
    log, timestamp = annotations.get(_LOG), annotations.get(_TIMESTAMP)
    return Bundle(
        minor=0,
        certificates=_certificates(pem) if pem.strip() else (),
        entries=(_promised_entry(Fields(parse_json(log.encode()), _LOG)),) if log else (),
        timestamps=(_timestamp(Fields(parse_json(timestamp.encode()), _TIMESTAMP)),) if timestamp else (),
        envelope=envelope,
        message=message,
    )


def _certificates(pem: bytes) -> tuple[bytes, ...]:
    certificates = tuple(one.public_bytes(Encoding.DER) for one in x509.load_pem_x509_certificates(pem))
    if len(certificates) > MAX_CHAIN:
        raise MalformedError(f"{len(certificates)} certificates, more than {MAX_CHAIN}")
    return certificates


def _timestamp(fields: Fields) -> bytes:
    token = fields.octets("SignedRFC3161Timestamp")
    fields.done()
    return token


def _promised_entry(fields: Fields) -> LogEntry:
    promise, payload = fields.octets("SignedEntryTimestamp"), fields.fields("Payload")
    entry = _entry(payload, promise=promise, proof=None)
    payload.done()
    fields.done()
    return entry


def _entries(document: object) -> list[LogEntry]:
    """Read one of the forms that a file of entries may have."""
    entries: list[LogEntry] = []
    for item in document if isinstance(document, list) else [document]:
        fields = Fields(item, "entry")
        served = [fields] if "canonicalizedBody" in fields else [Fields(value, "entry") for value in fields.rest().values()]
        if len(entries) + len(served) > _MAX_ENTRIES:
            raise MalformedError(f"more than {_MAX_ENTRIES} log entries")
        entries += [_served_entry(one) if one is not fields else parse_log_entry(one, minor=1) for one in served]
    return entries


def _served_entry(fields: Fields) -> LogEntry:
    verification = fields.fields("verification")
    promise, proof = verification.octets("signedEntryTimestamp"), verification.optional("inclusionProof")
    return _entry(fields, promise=promise, proof=None if proof is None else _served_proof(proof))


def _served_proof(fields: Fields) -> InclusionProof:
    return InclusionProof(
        index=fields.integer("logIndex"),
        root_hash=bytes.fromhex(fields.text("rootHash")),
        tree_size=fields.integer("treeSize"),
        hashes=tuple(bytes.fromhex(value) for value in fields.items("hashes", limit=MAX_PROOF)),
        checkpoint=fields.text("checkpoint", "") or None,
    )


def _entry(fields: Fields, *, promise: bytes, proof: InclusionProof | None) -> LogEntry:
    body = fields.octets("body")
    head = Fields(parse_json(body), "body")
    return LogEntry(
        index=fields.integer("logIndex"),
        log_id=bytes.fromhex(fields.text("logID")),
        kind=head.text("kind"),
        version=head.text("apiVersion"),
        integrated_time=fields.integer("integratedTime"),
        promise=promise,
        proof=proof,
        body=body,
    )


def _logged(entry: LogEntry) -> tuple[str, bytes]:
    """Say what an entry about an envelope claims: the hex SHA-256 of the payload, and the signer's PEM."""
    spec = Fields(parse_json(entry.body), "body").fields("spec")
    match f"{entry.kind}/{entry.version}":
        case "intoto/0.0.1":
            signer = spec.octets("publicKey")
            spec = spec.fields("content")
        case "intoto/0.0.2":
            spec = spec.fields("content")
            signer = _first(spec.fields("envelope")).octets("publicKey")
        case "dsse/0.0.1":
            signer = _first(spec).octets("verifier")
        case kind:
            raise MalformedError(f"an entry of kind `{kind[:60]}`, which is about no envelope")
    return spec.fields("payloadHash").text("value"), signer


def _first(fields: Fields) -> Fields:
    signatures = fields.objects("signatures", limit=16)
    if not signatures:
        raise MalformedError(f"`{fields.where}.signatures` is empty")
    return signatures[0]
