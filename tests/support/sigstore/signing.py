"""One signature from key to finished bundle, with a place for every single fault."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Literal

from tests.support.sigstore.certificates import (
    CODE_SIGNING,
    Authority,
    Extension,
    Template,
    certificate_pem,
    extended_key_usage,
    key_usage,
    subject_alternative_name,
)
from tests.support.sigstore.keys import PrivateKey, digest_of, key_details, public_key_pem, sign, spki
from tests.support.sigstore.transparency import b64, canonical_json, prove, sct_extension_value

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from tests.support.sigstore.identities import Identity
    from tests.support.sigstore.timestamps import TimestampAuthority
    from tests.support.sigstore.transparency import CtLog, Rekor

__all__ = ["MEDIA_TYPES", "PAYLOAD_TYPE", "Plan", "Signed", "issue_leaf", "pre_authentication_encoding", "sign_bundle"]

PAYLOAD_TYPE = "application/vnd.in-toto+json"
MEDIA_TYPES = {
    "0.1": "application/vnd.dev.sigstore.bundle+json;version=0.1",
    "0.2": "application/vnd.dev.sigstore.bundle+json;version=0.2",
    "0.3": "application/vnd.dev.sigstore.bundle.v0.3+json",
}


def pre_authentication_encoding(payload_type: str, payload: bytes) -> bytes:
    """What a DSSE signature is over (DSSE v1, section "Signature Definition")."""
    kind = payload_type.encode()
    return b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How one signature is made. `VirtualSigstore` fills in honest values; replacing any single one makes a single fault."""

    at: datetime
    """When it is signed: SCT, log and timestamp authority all say so unless told otherwise."""
    identity: Identity
    ca: Authority
    ct_log: CtLog
    rekor: Rekor | None
    """None leaves the log entry out."""
    tsa: TimestampAuthority | None
    """None leaves the timestamp out."""
    leaf_key: PrivateKey
    version: Literal["0.1", "0.2", "0.3"] = "0.3"
    # the certificate
    not_before: datetime | None = None
    not_after: datetime | None = None
    names: tuple[bytes, ...] | None = None
    """DER GeneralNames instead of the identity's one."""
    names_critical: bool = True
    extended_key_usage: tuple[str, ...] = (CODE_SIGNING,)
    edit_extensions: Callable[[list[Extension]], list[Extension]] | None = None
    certificate_public_key: bytes | None = None
    """DER SubjectPublicKeyInfo instead of the signing key's."""
    keyed: bool = False
    """Sign with the bare key: no certificate in bundle and log entry, a public key instead."""
    scts: int = 1
    sct_at: datetime | None = None
    edit_sct: Callable[[bytes], bytes] | None = None
    # the signature
    signed_message: bytes | None = None
    """What the key signs instead of the payload's pre-authentication encoding, or instead of the message."""
    edit_signature: Callable[[bytes], bytes] | None = None
    """Applied before the signature is logged and time-stamped."""
    envelope_signatures: Callable[[list[dict[str, Any]]], list[dict[str, Any]]] | None = None
    # the log entry
    kind: Literal["intoto", "hashedrekord"] | None = None
    """For an envelope in Rekor v1: `intoto` 0.0.2 or `hashedrekord` 0.0.1 instead of `dsse` 0.0.1."""
    edit_body: Callable[[dict[str, Any]], None] | None = None
    """Applied before the body is logged: the entry is proven, but about something else."""
    integrated_at: datetime | None = None
    promise: bool = True
    proof: bool = True
    entries: int = 1
    tree_size: int | None = None
    edit_checkpoint: Callable[[str], str] | None = None
    """Applied to the checkpoint's text before the log signs it."""
    # the timestamp
    timestamp_at: datetime | None = None
    timestamped: bytes | None = None
    """What the authority stamps instead of the signature."""
    timestamps: int = 1
    embed_tsa_certificate: bool = True
    # all of it
    edit: Callable[[dict[str, Any]], None] | None = None
    """Applied to the finished bundle: what an attacker without any key can do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Signed:
    """Content with its signature, ready for a log."""

    content: dict[str, Any]
    """The bundle's `dsseEnvelope` or `messageSignature`."""
    message: bytes
    signature: bytes
    payload: bytes | None
    payload_type: str


def issue_leaf(plan: Plan) -> bytes:
    """A Fulcio certificate for `plan.identity`, with its SCT as the last extension."""
    names = plan.names if plan.names is not None else (plan.identity.name(),)
    extensions: list[Extension] = [key_usage(digital_signature=True)]
    if plan.extended_key_usage:
        extensions.append(extended_key_usage(*plan.extended_key_usage))
    if names:
        extensions.append(subject_alternative_name(names, critical=plan.names_critical))
    extensions += [plan.ca.authority_key_id, *plan.identity.extensions()]
    if plan.edit_extensions:
        extensions = plan.edit_extensions(extensions)
    public_key = plan.certificate_public_key or spki(plan.leaf_key)
    start = plan.not_before or plan.at
    end = plan.not_after or start + timedelta(minutes=10)
    serial = int.from_bytes(hashlib.sha256(public_key + repr((plan.identity, start)).encode()).digest()[:19], "big") | 1
    bare = Template(public_key=public_key, not_before=start, not_after=end, extensions=extensions, serial=serial)
    if not plan.scts:
        return plan.ca.issue(bare)
    sct = plan.ct_log.timestamp(precertificate=plan.ca.tbs(bare), issuer_key_hash=plan.ca.key_hash, at=plan.sct_at or start)
    sct = plan.edit_sct(sct) if plan.edit_sct else sct
    stamped = Extension("1.3.6.1.4.1.11129.2.4.2", sct_extension_value([sct] * plan.scts))
    return plan.ca.issue(
        Template(public_key=public_key, not_before=start, not_after=end, extensions=[*extensions, stamped], serial=serial)
    )


def sign_bundle(
    plan: Plan, *, payload: bytes | None = None, payload_type: str = PAYLOAD_TYPE, message: bytes | None = None
) -> dict[str, Any]:
    """Sign a DSSE payload or a message and return the bundle as JSON values."""
    signed = _sign_payload(plan, payload, payload_type) if payload is not None else _sign_message(plan, message or b"")
    certificate = issue_leaf(plan)
    material: dict[str, Any] = {}
    if plan.keyed:
        material["publicKey"] = {"hint": b64(hashlib.sha256(spki(plan.leaf_key)).digest())}
    elif plan.version == "0.3":
        material["certificate"] = {"rawBytes": b64(certificate)}
    else:
        chain = (certificate, *plan.ca.chain[:-1])
        material["x509CertificateChain"] = {"certificates": [{"rawBytes": b64(each)} for each in chain]}
    if plan.rekor is not None:
        material["tlogEntries"] = [_log_entry(plan, plan.rekor, signed, certificate)] * plan.entries
    if plan.tsa is not None:
        stamped = plan.timestamped if plan.timestamped is not None else signed.signature
        tokens = [
            plan.tsa.timestamp(stamped, at=plan.timestamp_at or plan.at, embed=plan.embed_tsa_certificate)
            for _ in range(plan.timestamps)
        ]
        material["timestampVerificationData"] = {"rfc3161Timestamps": [{"signedTimestamp": b64(token)} for token in tokens]}
    bundle = {"mediaType": MEDIA_TYPES[plan.version], "verificationMaterial": material, **signed.content}
    if plan.edit:
        bundle = json.loads(json.dumps(bundle))  # entries above may be one object several times
        plan.edit(bundle)
    return bundle


def _signature(plan: Plan, message: bytes) -> bytes:
    signature = sign(plan.leaf_key, plan.signed_message if plan.signed_message is not None else message)
    return plan.edit_signature(signature) if plan.edit_signature else signature


def _sign_payload(plan: Plan, payload: bytes, payload_type: str) -> Signed:
    message = pre_authentication_encoding(payload_type, payload)
    signature = _signature(plan, message)
    signatures = [{"sig": b64(signature)}]
    if plan.envelope_signatures:
        signatures = plan.envelope_signatures(signatures)
    envelope = {"payload": b64(payload), "payloadType": payload_type, "signatures": signatures}
    return Signed(
        content={"dsseEnvelope": envelope}, message=message, signature=signature, payload=payload, payload_type=payload_type
    )


def _sign_message(plan: Plan, message: bytes) -> Signed:
    signature = _signature(plan, message)
    name, digest = digest_of(plan.leaf_key, message)
    content = {
        "messageSignature": {
            "messageDigest": {"algorithm": f"SHA2_{name[3:]}", "digest": b64(digest)},
            "signature": b64(signature),
        }
    }
    return Signed(content=content, message=message, signature=signature, payload=None, payload_type="")


def _log_entry(plan: Plan, rekor: Rekor, signed: Signed, certificate: bytes) -> dict[str, Any]:
    value = _body(plan, rekor, signed, certificate)
    if plan.edit_body:
        plan.edit_body(value)
    body = canonical_json(value)
    proof = prove(body, size=plan.tree_size)
    log_index = proof.index + rekor.index_offset
    entry: dict[str, Any] = {
        "logIndex": str(log_index),
        "logId": {"keyId": b64(rekor.log_id)},
        "kindVersion": {"kind": value["kind"], "version": value["apiVersion"]},
    }
    if rekor.api == "v1":
        integrated_time = int((plan.integrated_at or plan.at).timestamp())
        entry["integratedTime"] = str(integrated_time)
        if plan.promise:
            promise = rekor.promise(body=body, integrated_time=integrated_time, log_index=log_index)
            entry["inclusionPromise"] = {"signedEntryTimestamp": b64(promise)}
    if plan.proof:
        entry["inclusionProof"] = {
            "logIndex": str(proof.index),
            "rootHash": b64(proof.root),
            "treeSize": str(proof.size),
            "hashes": [b64(each) for each in proof.hashes],
            "checkpoint": {"envelope": rekor.checkpoint(proof, edit=plan.edit_checkpoint)},
        }
    entry["canonicalizedBody"] = b64(body)
    return entry


def _body(plan: Plan, rekor: Rekor, signed: Signed, certificate: bytes) -> dict[str, Any]:
    if rekor.api == "v2":
        return _hashedrekord_v2(plan, signed, certificate)
    if signed.payload is None or plan.kind == "hashedrekord":
        return _hashedrekord_v1(plan, signed, certificate)
    pem = _signer_pem(plan, certificate)
    return _intoto(signed, pem) if plan.kind == "intoto" else _dsse_v1(signed, pem)


def _signer_pem(plan: Plan, certificate: bytes) -> bytes:
    return public_key_pem(plan.leaf_key) if plan.keyed else certificate_pem(certificate)


def _hashedrekord_v2(plan: Plan, signed: Signed, certificate: bytes) -> dict[str, Any]:
    name, digest = digest_of(plan.leaf_key, signed.message)
    named = {"publicKey": spki(plan.leaf_key)} if plan.keyed else {"x509Certificate": certificate}
    verifier = {"keyDetails": key_details(plan.leaf_key)} | {name: {"rawBytes": b64(der)} for name, der in named.items()}
    entry = {
        "data": {"algorithm": f"SHA2_{name[3:]}", "digest": b64(digest)},
        "signature": {"content": b64(signed.signature), "verifier": verifier},
    }
    return {"apiVersion": "0.0.2", "kind": "hashedrekord", "spec": {"hashedRekordV002": entry}}


def _hashedrekord_v1(plan: Plan, signed: Signed, certificate: bytes) -> dict[str, Any]:
    name, digest = digest_of(plan.leaf_key, signed.message)
    signature = {"content": b64(signed.signature), "publicKey": {"content": b64(_signer_pem(plan, certificate))}}
    return {
        "apiVersion": "0.0.1",
        "kind": "hashedrekord",
        "spec": {"data": {"hash": {"algorithm": name, "value": digest.hex()}}, "signature": signature},
    }


def _sha256(data: bytes) -> dict[str, str]:
    return {"algorithm": "sha256", "value": hashlib.sha256(data).hexdigest()}


def _dsse_v1(signed: Signed, pem: bytes) -> dict[str, Any]:
    envelope = json.dumps(signed.content["dsseEnvelope"], separators=(",", ":")).encode()
    return {
        "apiVersion": "0.0.1",
        "kind": "dsse",
        "spec": {
            "envelopeHash": _sha256(envelope),
            "payloadHash": _sha256(signed.payload or b""),
            "signatures": [{"signature": b64(signed.signature), "verifier": b64(pem)}],
        },
    }


def _intoto(signed: Signed, pem: bytes) -> dict[str, Any]:
    signature = {"publicKey": b64(pem), "sig": b64(b64(signed.signature).encode())}
    envelope = {"payloadType": signed.payload_type, "signatures": [signature]}
    return {
        "apiVersion": "0.0.2",
        "kind": "intoto",
        "spec": {
            "content": {
                "envelope": envelope,
                "hash": _sha256(canonical_json(signed.content["dsseEnvelope"])),
                "payloadHash": _sha256(signed.payload or b""),
            }
        },
    }
