"""The verdict on one bundle, as numbered steps.

Follows the Sigstore client specification (sigstore/architecture-docs, client-spec.md).

What is proven comes back as `ProvenEnvelope` or `ProvenMessage`; anything else is an error. The payload is not parsed, no policy
is asked. Stricter than the specification where it leaves a choice: every entry, proof, promise and timestamp that is present must
verify, and the windows of all keys and authorities that take part hold every proven time, both ends included.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from cryptography.exceptions import InvalidSignature

from supplychain.bundle.certificate import Leaf, load_certificate, load_leaf, verify_path
from supplychain.bundle.checkpoint import verify_checkpoint
from supplychain.bundle.entry import SignedContent, bind_entry
from supplychain.bundle.merkle import proves_inclusion
from supplychain.bundle.model import Bundle, LogEntry, MessageSignature, parse_bundle
from supplychain.bundle.promise import verify_promise
from supplychain.bundle.sct import verify_timestamps
from supplychain.bundle.signer import read_signer
from supplychain.bundle.timestamp import verify_timestamp
from supplychain.errors import (
    BundleInvalidError,
    EnvelopeInvalidError,
    EvidenceUnsupportedError,
    LogEntryError,
    TrustedTimeError,
)
from supplychain.proof import LogProof, ProvenEnvelope, ProvenMessage, ProvenTime
from supplychain.wire import translating

if TYPE_CHECKING:
    from collections.abc import Callable

    from cryptography import x509

    from supplychain.identity import SignerIdentity
    from supplychain.trust_root import Log, TrustRoot

__all__ = ["NAME", "verify_dsse_bundle", "verify_message_bundle"]

NAME: Final = "supplychain"
"""How this verifier is called in `judged_by`."""
_ROOT_IN_CHAIN: Final = "a self-signed certificate in the bundle's chain was ignored; trust comes from the trust root alone"
_BARE_PROOF: Final = "an inclusion proof without checkpoint was ignored; the signed entry timestamp stands in for it"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Proven:
    """Steps 2 to 6: everything but the content."""

    leaf: Leaf
    signer: SignerIdentity
    times: tuple[ProvenTime, ...]
    log: tuple[LogProof, ...]
    notes: tuple[str, ...]


def verify_dsse_bundle(raw: bytes, *, root: TrustRoot) -> ProvenEnvelope:
    """Verify a bundle that holds a DSSE envelope, with JSON in `raw`.

    Raises:
        EvidenceError: its family says which part was refused.
        EvidenceUnsupportedError: a form that cannot be judged here.
    """
    with translating(BundleInvalidError, "the bundle cannot be judged"):
        # 1. Parse: one envelope with exactly one signature (sigstore_bundle.proto, `dsse_envelope`).
        bundle = parse_bundle(raw)
        envelope = bundle.envelope
        if envelope is None:
            raise BundleInvalidError("the bundle signs a message", expected="a DSSE envelope")
        if len(envelope.signatures) != 1:
            raise EnvelopeInvalidError("unusable number of signatures", expected="1", got=str(len(envelope.signatures)))
        signature, signed = envelope.signatures[0].sig, envelope.signed_bytes
        # 2. to 6. Signer, time and log.
        proven = _prove(bundle, signature, root)
        # 7. The envelope's signature, by the certificate's key (DSSE protocol.md).
        if not _signs(proven.leaf, signature, signed):
            raise EnvelopeInvalidError("the envelope's signature does not verify under the signing certificate's key")
        # 8. Every log entry is about this very signature.
        content = SignedContent(
            leaf=proven.leaf,
            signature=signature,
            envelope=envelope,
            digest_of=lambda algorithm: hashlib.new(algorithm, signed).digest(),
        )
        notes = [note for entry in bundle.entries for note in bind_entry(entry, content=content)]
        return ProvenEnvelope(
            signer=proven.signer,
            certificate_sha256=proven.leaf.sha256,
            times=proven.times,
            log=proven.log,
            judged_by=(NAME,),
            notes=tuple(dict.fromkeys((*proven.notes, *notes))),
            payload_type=envelope.payload_type,
            payload=envelope.payload,
        )


def verify_message_bundle(
    raw: bytes, *, root: TrustRoot, digest: bytes | None = None, message: bytes | None = None
) -> ProvenMessage:
    """Verify a bundle that signs a message, given as its SHA-256 `digest` or itself.

    Raises:
        EvidenceError: its family says which part was refused.
        EvidenceUnsupportedError: a form that cannot be judged here, or a key that signs another digest than the given one.
    """
    with translating(BundleInvalidError, "the bundle cannot be judged"):
        # 1. Parse.
        bundle = parse_bundle(raw)
        if bundle.message is None:
            raise BundleInvalidError("the bundle holds a DSSE envelope", expected="a message signature")
        digest_of = _digests(digest, message)
        # 2. to 6. Signer, time and log.
        proven = _prove(bundle, bundle.message.signature, root)
        # 7. The signature over the message, and the digest beside it, which is a hint but must not lie.
        algorithm, signed = _check_message(bundle.message, proven.leaf, digest_of, message)
        # 8. Every log entry is about this very signature.
        content = SignedContent(leaf=proven.leaf, signature=bundle.message.signature, envelope=None, digest_of=digest_of)
        notes = [note for entry in bundle.entries for note in bind_entry(entry, content=content)]
        return ProvenMessage(
            signer=proven.signer,
            certificate_sha256=proven.leaf.sha256,
            times=proven.times,
            log=proven.log,
            judged_by=(NAME,),
            notes=tuple(dict.fromkeys((*proven.notes, *notes))),
            algorithm=algorithm,
            digest=signed,
        )


def _prove(bundle: Bundle, signature: bytes, root: TrustRoot) -> _Proven:
    notes: list[str] = []
    # 2. Every log entry is in a log of the root; a promise proves a time. A root that names logs demands an entry.
    if not bundle.entries and root.logs:
        raise LogEntryError("the bundle has no transparency log entry", expected=f"one by a log of `{root.name}`")
    logs = [_log_of(entry, root) for entry in bundle.entries]
    found = [_prove_entry(entry, log, notes) for entry, log in zip(bundle.entries, logs, strict=True)]
    # 3. Every timestamp is by an authority of the root over this signature; without any proven time there is no verdict.
    times = [time for _, time in found if time is not None]
    times += [verify_timestamp(token, signature=signature, root=root) for token in bundle.timestamps]
    if not times:
        raise TrustedTimeError("nothing proves when the signature was made")
    moments = [time.at for time in times]
    for log in logs:
        for at in moments:
            if not log.window.contains(at):
                raise LogEntryError(
                    "outside the log's time in the trust root",
                    expected=str(log.window),
                    got=at.isoformat(),
                    where=f"log `{log.name}`",
                )
    # 4. The certificate's profile, and its path to an authority at every proven time.
    leaf = load_leaf(bundle.certificates[0])
    pool = []
    for certificate in map(load_certificate, bundle.certificates[1:]):
        if _self_signed(certificate):
            notes.append(_ROOT_IN_CHAIN)
        else:
            pool.append(certificate)
    path = verify_path(leaf, pool, root=root, times=moments)
    # 5. The certificate was made public (RFC 6962).
    verify_timestamps(leaf.certificate, path.issuers[0], root=root, times=moments)
    # 6. Who that is.
    return _Proven(
        leaf=leaf, signer=read_signer(leaf), times=tuple(times), log=tuple(proof for proof, _ in found), notes=tuple(notes)
    )


def _log_of(entry: LogEntry, root: TrustRoot) -> Log:
    log = next((log for log in root.logs if log.id == entry.log_id), None)
    if log is None:
        raise LogEntryError(
            "the log entry is by a log that the trust root does not name", got=f"log id {entry.log_id.hex()[:64]}"
        )
    return log


def _prove_entry(entry: LogEntry, log: Log, notes: list[str]) -> tuple[LogProof, ProvenTime | None]:
    """Verify whatever shows that `entry` is in `log`; parsing has seen to it that something does."""
    origin = None
    if entry.proof is not None:
        if not proves_inclusion(entry.proof, entry.body):
            raise LogEntryError("the inclusion proof does not lead from the entry to its root hash", where=f"log `{log.name}`")
        if log.is_v2 and entry.index != entry.proof.index:
            raise LogEntryError(
                "the entry's index differs from its proof's", expected=str(entry.proof.index), got=str(entry.index)
            )
        if entry.proof.checkpoint is None:
            notes.append(_BARE_PROOF)
        else:
            checkpoint = verify_checkpoint(entry.proof.checkpoint, log=log)
            if (checkpoint.tree_size, checkpoint.root_hash) != (entry.proof.tree_size, entry.proof.root_hash):
                raise LogEntryError("the checkpoint is of another tree than the inclusion proof", where=f"log `{log.name}`")
            origin = checkpoint.origin
    time = None
    if entry.promise is not None:
        time = ProvenTime(at=verify_promise(entry.promise, entry=entry, log=log), source=f"log {log.name}")
    return (
        LogProof(
            log_id=entry.log_id.hex(),
            index=entry.index if log.is_v2 or entry.promise is not None else None,
            kind=f"{entry.kind}/{entry.version}",
            origin=origin,
        ),
        time,
    )


def _self_signed(certificate: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(certificate)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def _signs(leaf: Leaf, signature: bytes, signed: bytes) -> bool:
    """Try the key's own hash, then SHA-256, which some signers use for DSSE with every curve."""
    return leaf.key.verifies(signature, signed) or (
        leaf.key.hash_name not in (None, "sha256") and leaf.key.verifies(signature, signed, hash_name="sha256")
    )


def _check_message(
    claim: MessageSignature, leaf: Leaf, digest_of: Callable[[str], bytes | None], message: bytes | None
) -> tuple[str, bytes]:
    """Verify a message's signature; return the name and value of the digest that it is over."""
    algorithm = leaf.key.hash_name or "sha512"
    signed = digest_of(algorithm)
    if signed is None:
        raise EvidenceUnsupportedError(
            "the signature cannot be checked by this digest",
            expected=f"the message itself, for a key of kind `{leaf.key.kind}`",
            got="its SHA-256 digest",
        )
    if claim.algorithm is not None and digest_of(claim.algorithm) != claim.digest:
        raise BundleInvalidError("the bundle names the digest of another message")
    if not _signs_message(leaf, claim.signature, signed, message):
        raise BundleInvalidError("the message's signature does not verify under the signing certificate's key")
    return algorithm, signed


def _signs_message(leaf: Leaf, signature: bytes, digest: bytes, message: bytes | None) -> bool:
    if leaf.key.hash_name is None:
        return leaf.key.verifies(signature, message or b"")
    return leaf.key.verifies_digest(signature, digest)


def _digests(digest: bytes | None, message: bytes | None) -> Callable[[str], bytes | None]:
    if (digest is None) == (message is None):
        raise TypeError("give either the message or its digest")
    if message is not None:
        return lambda algorithm: hashlib.new(algorithm, message).digest()
    return lambda algorithm: digest if algorithm == "sha256" else None
