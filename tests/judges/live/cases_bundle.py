"""Bundles: honest ones, and every part of one changed."""

from __future__ import annotations

import base64
from dataclasses import replace
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature

from tests.judges.live.case import Case, changed
from tests.judges.live.tampering import DROP, flip, like, resized, set_to

if TYPE_CHECKING:
    from tests.judges.live.signing import Scene
    from tests.judges.live.tampering import Change

__all__ = ["CASES"]

_B = "bundles.0.content."
_DSSE = f"{_B}dsseEnvelope."
_LEAF = f"{_B}verificationMaterial.certificate.rawBytes"
_ENTRY = f"{_B}verificationMaterial.tlogEntries.0."
_PROOF = f"{_ENTRY}inclusionProof."
_STAMPS = f"{_B}verificationMaterial.timestampVerificationData"
_STAMP = f"{_STAMPS}.rfc3161Timestamps.0.signedTimestamp"
_P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
_SUBJECT = f"{_DSSE}payload.subject.0.digest.sha256"


def _mirrored(value: object, scene: object) -> object:
    """An ECDSA signature with `s` negated, which verifies as well as the first."""
    assert isinstance(value, str)
    r, s = decode_dss_signature(base64.b64decode(value))
    return base64.b64encode(encode_dss_signature(r, _P256_ORDER - s)).decode()


def _second_signature(value: object, scene: object) -> object:
    assert isinstance(value, list)
    return [*value, {"sig": value[0]["sig"], "keyid": ""}]


def _chain(value: object, scene: object) -> object:
    assert isinstance(value, dict)
    material = {key: part for key, part in value.items() if key != "certificate"}
    return {**material, "x509CertificateChain": {"certificates": [value["certificate"]]}}


def _cosigner(value: object, scene: object) -> object:
    assert isinstance(value, str)
    return value + "— witness.example 3q2+776tvu/erb7v\n"


def _unknown_log_added(value: object, scene: Scene) -> object:
    assert isinstance(value, list)
    unknown = {**value[0], "logId": {"keyId": flip(value[0]["logId"]["keyId"], scene)}}
    return [*value, unknown]


_PARTS: tuple[tuple[str, str, Change, str], ...] = (
    ("the statement names another image", _SUBJECT, set_to("0" * 64), "the signature is not over this statement"),
    (
        "the statement is of another kind",
        f"{_DSSE}payload.predicateType",
        set_to("https://acme.example/x"),
        "not what was signed",
    ),
    ("another payload type", f"{_DSSE}payloadType", set_to("application/json"), "the payload type is signed with the payload"),
    ("one bit of the signature", f"{_DSSE}signatures.0.sig", flip, "the signature does not verify"),
    (
        "the signature in its other form",
        f"{_DSSE}signatures.0.sig",
        _mirrored,
        "the log proves other bytes, and identities hang on them",
    ),
    ("the signature of another image", f"{_DSSE}signatures.0.sig", like("rekor1 other"), "the signature does not verify"),
    ("no signature in the envelope", f"{_DSSE}signatures", set_to([]), "nobody signed"),
    ("the signature twice", f"{_DSSE}signatures", _second_signature, "a bundle's envelope has exactly one signature"),
    ("one bit of the certificate", _LEAF, flip, "the authority did not sign this certificate"),
    ("the certificate of another signer", _LEAF, like("rekor1 mallory"), "its key did not make this signature"),
    ("another certificate of the same signer", _LEAF, like("rekor1 before"), "its key did not make this signature"),
    (
        "the entry of another signature",
        f"{_B}verificationMaterial.tlogEntries",
        like("rekor1 after"),
        "the log proves another one",
    ),
    ("one bit of the entry", f"{_ENTRY}canonicalizedBody", flip, "the log holds another entry"),
    ("the entry names another kind", f"{_ENTRY}kindVersion.version", set_to("0.0.9"), "the log holds an entry of another kind"),
    ("the entry names another log", f"{_ENTRY}logId.keyId", flip, "the trust root names no such log"),
    ("one bit of a proof hash", f"{_PROOF}hashes.0", flip, "the proof leads to another root"),
    ("one bit of the proof's root", f"{_PROOF}rootHash", flip, "the proof leads to another root"),
    ("another tree size", f"{_PROOF}treeSize", set_to(str(2**40)), "the checkpoint is of another tree"),
    ("another place in the proof", f"{_PROOF}logIndex", flip, "the proof is for another place"),
    ("no inclusion proof", f"{_ENTRY}inclusionProof", set_to(DROP), "a bundle of version 0.3 holds one"),
    ("no checkpoint", f"{_PROOF}checkpoint", set_to(DROP), "a proof to a root that nobody signed"),
    ("a checkpoint that claims another size", f"{_PROOF}checkpoint.envelope", resized, "the log did not sign that"),
    ("the checkpoint of another signature", f"{_PROOF}checkpoint.envelope", like("rekor2 other"), "it is of another tree or log"),
    (
        "no log entry",
        f"{_B}verificationMaterial.tlogEntries",
        set_to([]),
        "the trust root names logs: what is not logged is hidden",
    ),
    ("a media type of the future", f"{_B}mediaType", set_to("application/vnd.dev.sigstore.bundle.v9.9+json"), "nobody knows it"),
    ("the certificate as a chain", f"{_B}verificationMaterial", _chain, "version 0.3 holds a lone certificate"),
    ("an unknown field", f"{_B}surprise", set_to(True), "a field that is not understood may change the meaning"),
)
"""Refused for both logs."""


def _both(name: str, path: str, change: Change, why: str) -> tuple[Case, ...]:
    return tuple(
        changed(f"{log}: {name}", log, (path, change), why=why, cosign=_DIFFERS.get((log, name))) for log in ("rekor1", "rekor2")
    )


_BODY_ALONE = "takes the kind from the entry's body and ignores what stands beside it"
_CHECKPOINT_ALONE = (
    "takes size and root of a Rekor v2 tree from the checkpoint, the place from the entry, and ignores the proof's own"
)
_DIFFERS = {
    ("rekor1", "the entry names another kind"): _BODY_ALONE,
    ("rekor2", "the entry names another kind"): _BODY_ALONE,
    ("rekor2", "one bit of the proof's root"): _CHECKPOINT_ALONE,
    ("rekor2", "another tree size"): _CHECKPOINT_ALONE,
    ("rekor2", "another place in the proof"): _CHECKPOINT_ALONE,
}

_OF_ONE_LOG = (
    changed(
        "rekor1: no signed entry timestamp", "rekor1", (f"{_ENTRY}inclusionPromise", set_to(DROP)), why="nothing proves the time"
    ),
    changed(
        "rekor1: one bit of the signed entry timestamp",
        "rekor1",
        (f"{_ENTRY}inclusionPromise.signedEntryTimestamp", flip),
        why="the log did not sign it",
    ),
    changed("rekor1: another integrated time", "rekor1", (f"{_ENTRY}integratedTime", flip), why="the log signed another time"),
    changed("rekor1: another log index", "rekor1", (f"{_ENTRY}logIndex", flip), why="the log signed another index"),
    changed("rekor2: another log index", "rekor2", (f"{_ENTRY}logIndex", flip), why="it contradicts its own proof"),
    changed("rekor2: no timestamp", "rekor2", (_STAMPS, set_to(DROP)), why="nothing proves the time"),
    changed("rekor2: one bit of the timestamp", "rekor2", (_STAMP, flip), why="the authority did not sign it"),
    changed(
        "rekor2: the timestamp of another signature", "rekor2", (_STAMP, like("rekor2 other")), why="it is over another signature"
    ),
    changed(
        "rekor1: the timestamp of another signature added",
        "rekor1",
        (_STAMPS, like("rekor2 other")),
        why="every timestamp that is there must be over this signature",
        cosign="ignores timestamps that do not verify as long as it needs none",
    ),
    changed(
        "rekor1: the entry of another signature added",
        "rekor1",
        (f"{_B}verificationMaterial.tlogEntries", lambda value, scene: [*value, *_entries("rekor1 after", scene)]),
        why="every entry that is there must be about this signature",
    ),
    changed(
        "rekor1: an entry by an unknown log added",
        "rekor1",
        (f"{_B}verificationMaterial.tlogEntries", _unknown_log_added),
        why="every entry that is there must be in a log of the trust root",
        cosign="passes over entries of logs that it does not know",
    ),
    replace(
        changed(
            "a bundle of the future beside the good one",
            "rekor1 before",
            (f"{_B}mediaType", set_to("application/vnd.dev.sigstore.bundle.v9.9+json")),
            right=True,
            why="one good signature is enough",
        ),
        beside=("rekor1",),
    ),
    changed(
        "rekor2: a line of an unknown witness under the checkpoint",
        "rekor2",
        (f"{_PROOF}checkpoint.envelope", _cosigner),
        right=True,
        why="signatures under a note by unknown keys are ignored (C2SP signed-note)",
    ),
    changed(
        "rekor1: a key hint in the envelope",
        "rekor1",
        (f"{_DSSE}signatures.0.keyid", set_to("whoever")),
        right=True,
        why="the hint is not signed, and decides nothing (DSSE protocol)",
        cosign="passes over a signature whose hint is not its own name for the key",
    ),
)


def _entries(form: str, scene: Scene) -> list[object]:
    found: list[object] = scene.attached[form].tree["bundles"][0]["content"]["verificationMaterial"]["tlogEntries"]
    return found


CASES = (*(case for part in _PARTS for case in _both(*part)), *_OF_ONE_LOG)
