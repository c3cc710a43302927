"""A Sigstore bundle as values, parsed strictly; nothing is verified here.

Follows `Bundle` of sigstore/protobuf-specs (sigstore_bundle.proto, JSON mapping) in the versions 0.1, 0.2 and 0.3. Fields that
the specification does not know are refused, and so is what it demands or forbids per version: certificates as a chain below 0.3
and alone from there, a signed entry timestamp in 0.1, an inclusion proof with checkpoint from 0.2 on.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from supplychain.dsse import Envelope, parse_envelope
from supplychain.errors import BundleInvalidError
from supplychain.wire import Fields, MalformedError, parse_json, translating

__all__ = ["Bundle", "InclusionProof", "LogEntry", "MessageSignature", "parse_bundle", "parse_log_entry"]

_VERSIONS: Final = {
    "application/vnd.dev.sigstore.bundle+json;version=0.1": 1,
    "application/vnd.dev.sigstore.bundle+json;version=0.2": 2,
    "application/vnd.dev.sigstore.bundle+json;version=0.3": 3,
    "application/vnd.dev.sigstore.bundle.v0.3+json": 3,
}
MAX_ENTRIES: Final = 8
MAX_TIMESTAMPS: Final = 8
MAX_CHAIN: Final = 8
MAX_PROOF: Final = 63
"""Hashes of one inclusion proof: a tree has fewer than 2⁶³ leaves."""
_ALGORITHMS: Final = {"SHA2_256": "sha256", "SHA2_384": "sha384", "SHA2_512": "sha512"}


@dataclass(frozen=True, slots=True, kw_only=True)
class InclusionProof:
    """A Merkle path (RFC 6962) and the signed checkpoint of the tree that it leads to."""

    index: int
    root_hash: bytes
    tree_size: int
    hashes: tuple[bytes, ...]
    checkpoint: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LogEntry:
    """One entry of a transparency log, with whatever shows that it is there."""

    index: int
    log_id: bytes
    kind: str
    version: str
    integrated_time: int
    """Seconds since 1970; authenticated by the promise alone."""
    promise: bytes | None
    """Signed entry timestamp."""
    proof: InclusionProof | None
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageSignature:
    """A signature over some message; the digest beside it is only a hint."""

    signature: bytes
    algorithm: str | None
    digest: bytes | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundle:
    """A parsed bundle. Exactly one of `envelope` and `message` is there."""

    minor: int
    """1, 2 or 3 of version 0.x; 0 where the parts come from elsewhere."""
    certificates: tuple[bytes, ...]
    """DER, the signing certificate first; none where a key signed."""
    entries: tuple[LogEntry, ...]
    timestamps: tuple[bytes, ...]
    """DER of RFC 3161 responses."""
    envelope: Envelope | None
    message: MessageSignature | None


def parse_bundle(data: bytes) -> Bundle:
    """Read a bundle of JSON bytes.

    Raises:
        BundleInvalidError: not a bundle of a known version, or one that breaks its version's rules.
        EnvelopeInvalidError: the DSSE envelope inside is malformed.
    """
    with translating(BundleInvalidError, "not a readable Sigstore bundle"):
        fields = Fields(parse_json(data), "bundle")
        media_type = fields.text("mediaType")
        minor = _VERSIONS.get(media_type)
        if minor is None:
            raise MalformedError(f"`bundle.mediaType` is `{media_type[:100]}`")
        material = fields.fields("verificationMaterial")
        bundle = Bundle(
            minor=minor,
            certificates=_certificates(material, minor),
            entries=tuple(parse_log_entry(item, minor=minor) for item in material.objects("tlogEntries", limit=MAX_ENTRIES)),
            timestamps=_timestamps(material),
            envelope=_envelope(fields),
            message=_message(fields),
        )
        material.done()
        fields.done()
        if (bundle.envelope is None) == (bundle.message is None):
            raise MalformedError("a bundle holds either `dsseEnvelope` or `messageSignature`")
        return bundle


def _certificates(material: Fields, minor: int) -> tuple[bytes, ...]:
    if "publicKey" in material:
        key = material.fields("publicKey")
        key.text("hint", "")  # nobody authenticates it; the keys that are trusted are all tried
        key.done()
        return ()
    if minor < 3:  # noqa: PLR2004 — the version with a single certificate
        chain = material.fields("x509CertificateChain")
        certificates = tuple(_raw_bytes(item) for item in chain.objects("certificates", limit=MAX_CHAIN))
        chain.done()
        if not certificates:
            raise MalformedError("the certificate chain is empty")
        return certificates
    return (_raw_bytes(material.fields("certificate")),)


def _raw_bytes(fields: Fields) -> bytes:
    der = fields.octets("rawBytes")
    fields.done()
    return der


def parse_log_entry(fields: Fields, *, minor: int) -> LogEntry:
    """Read a `TransparencyLogEntry` (sigstore_rekor.proto) by the rules of bundle version 0.`minor`.

    Raises:
        MalformedError: a field is missing, malformed or unknown.
    """
    kind_version = fields.fields("kindVersion")
    log_id = fields.fields("logId")
    promise = fields.optional("inclusionPromise")
    proof = fields.optional("inclusionProof")
    entry = LogEntry(
        index=fields.integer("logIndex", 0),  # protobuf omits zeros
        log_id=log_id.octets("keyId"),
        kind=kind_version.text("kind"),
        version=kind_version.text("version"),
        integrated_time=fields.integer("integratedTime", 0),
        promise=promise.octets("signedEntryTimestamp") if promise else None,
        proof=_proof(proof) if proof else None,
        body=fields.octets("canonicalizedBody"),
    )
    for part in filter(None, (kind_version, log_id, promise, proof, fields)):
        part.done()
    if minor == 1 and entry.promise is None:
        raise MalformedError(f"`{fields.where}.inclusionPromise` is missing, which version 0.1 demands")
    if minor > 1 and (entry.proof is None or entry.proof.checkpoint is None):
        raise MalformedError(f"`{fields.where}.inclusionProof` with a checkpoint is missing, which version 0.{minor} demands")
    return entry


def _proof(fields: Fields) -> InclusionProof:
    checkpoint = fields.optional("checkpoint")
    proof = InclusionProof(
        index=fields.integer("logIndex", 0),
        root_hash=fields.octets("rootHash"),
        tree_size=fields.integer("treeSize"),
        hashes=tuple(_hash(item) for item in fields.items("hashes", limit=MAX_PROOF)),
        checkpoint=checkpoint.text("envelope", "") or None if checkpoint else None,
    )
    if checkpoint:
        checkpoint.done()
    return proof


def _hash(value: Any) -> bytes:
    return Fields({"hash": value}, "inclusionProof").octets("hash")


def _timestamps(material: Fields) -> tuple[bytes, ...]:
    data = material.optional("timestampVerificationData")
    if data is None:
        return ()
    tokens = []
    for item in data.objects("rfc3161Timestamps", limit=MAX_TIMESTAMPS):
        tokens.append(item.octets("signedTimestamp"))
        item.done()
    data.done()
    return tuple(tokens)


def _envelope(fields: Fields) -> Envelope | None:
    inner = fields.optional("dsseEnvelope")
    return parse_envelope(inner.rest(), strict=True) if inner else None


def _message(fields: Fields) -> MessageSignature | None:
    inner = fields.optional("messageSignature")
    if inner is None:
        return None
    algorithm = digest = None
    hint = inner.optional("messageDigest")
    if hint is not None:
        algorithm = _ALGORITHMS.get(hint.text("algorithm"))
        if algorithm is None:
            raise MalformedError(f"`{hint.where}.algorithm` is not of the SHA-2 family")
        digest = hint.octets("digest")
        hint.done()
    message = MessageSignature(signature=inner.octets("signature"), algorithm=algorithm, digest=digest)
    inner.done()
    return message
