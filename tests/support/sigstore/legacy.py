"""A bundle's parts in the forms that came before it: cosign's annotations, and the answer of a Rekor v1 server."""

from __future__ import annotations

import base64
import json
from typing import Any

from tests.support.sigstore.certificates import certificate_pem

__all__ = ["bare_envelope", "layer_annotations", "served_entry"]


def layer_annotations(bundle: bytes, *, chain: tuple[bytes, ...] = ()) -> dict[str, str]:
    """What `cosign sign` and `cosign attest` of version 2 write beside a layer (specs/SIGNATURE_SPEC.md)."""
    value = json.loads(bundle)
    material = value["verificationMaterial"]
    notes = {"dev.cosignproject.cosign/signature": value.get("messageSignature", {}).get("signature", "")}
    if "certificate" in material:
        notes["dev.sigstore.cosign/certificate"] = certificate_pem(base64.b64decode(material["certificate"]["rawBytes"])).decode()
        notes["dev.sigstore.cosign/chain"] = b"".join(map(certificate_pem, chain)).decode()
    for entry in material.get("tlogEntries", []):
        log = {"SignedEntryTimestamp": entry["inclusionPromise"]["signedEntryTimestamp"], "Payload": _entry(entry)}
        notes["dev.sigstore.cosign/bundle"] = json.dumps(log)
    for token in material.get("timestampVerificationData", {}).get("rfc3161Timestamps", []):
        notes["dev.sigstore.cosign/rfc3161timestamp"] = json.dumps({"SignedRFC3161Timestamp": token["signedTimestamp"]})
    return notes


def served_entry(bundle: bytes) -> dict[str, Any]:
    """One entry by its id, as `GET /api/v1/log/entries` answers (sigstore/rekor, openapi.yaml)."""
    entry = json.loads(bundle)["verificationMaterial"]["tlogEntries"][0]
    verification = {"signedEntryTimestamp": entry["inclusionPromise"]["signedEntryTimestamp"]}
    if "inclusionProof" in entry:
        proof = entry["inclusionProof"]
        verification["inclusionProof"] = {
            "checkpoint": proof["checkpoint"]["envelope"],
            "hashes": [_hex(one) for one in proof["hashes"]],
            "logIndex": int(proof["logIndex"]),
            "rootHash": _hex(proof["rootHash"]),
            "treeSize": int(proof["treeSize"]),
        }
    return {"108e9186e8c5677a": {**_entry(entry), "verification": verification}}


def bare_envelope(bundle: bytes) -> bytes:
    """The DSSE envelope alone, as generators before bundles wrote it to `.intoto.jsonl`."""
    return json.dumps(json.loads(bundle)["dsseEnvelope"]).encode()


def _entry(entry: dict[str, Any]) -> dict[str, Any]:
    return {
        "body": entry["canonicalizedBody"],
        "integratedTime": int(entry["integratedTime"]),
        "logIndex": int(entry["logIndex"]),
        "logID": _hex(entry["logId"]["keyId"]),
    }


def _hex(text: str) -> str:
    return base64.b64decode(text).hex()
