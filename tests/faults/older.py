"""Layers of cosign's older objects, bare envelopes with a log entry beside them, and signatures by configured keys."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from cryptography.hazmat.primitives.asymmetric import ec, rsa

from supplychain.artifact import EvidenceForm, EvidenceSet, Material
from supplychain.cosign import CosignPolicy, verify_image_signature
from supplychain.errors import (
    BundleInvalidError,
    CertificateError,
    CosignSignatureInvalidError,
    EnvelopeInvalidError,
    EvidenceUnsupportedError,
    InvalidKeyError,
    LogEntryError,
    SignedDigestMismatchError,
    SupplyChainError,
    TrustedTimeError,
)
from supplychain.evidence import verify_envelope, verify_message
from supplychain.identity_pattern import IdentityPattern
from supplychain.trust_root import parse_trust_root
from supplychain.verification_key import parse_trusted_keys
from tests.faults.table import DIGEST, MESSAGE, OTHER, SIGSTORE, Fault, drop, put, root_json
from tests.support.sigstore import legacy
from tests.support.sigstore.certificates import certificate_pem
from tests.support.sigstore.keys import Seed, public_key_pem, sign
from tests.support.sigstore.transparency import b64
from tests.support.virtual_sigstore import GITHUB_ISSUER

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from supplychain.verification_key import TrustedKey

__all__ = ["ROWS"]

ALONE = "reads bundles only"
STAMP = "dev.sigstore.cosign/rfc3161timestamp"
STATEMENT = {"_type": "https://in-toto.io/Statement/v1", "subject": []}
SEED = Seed(b"one fault each")
SIGNATURE, LOG = "dev.cosignproject.cosign/signature", "dev.sigstore.cosign/bundle"
CERTIFICATE, CHAIN = "dev.sigstore.cosign/certificate", "dev.sigstore.cosign/chain"
V1: dict[str, Any] = {"log": "rekor1"}
KEY, ANOTHER = SEED.p256("configured"), SEED.p256("another")


def _trusted(*keys: Any) -> tuple[TrustedKey, ...]:
    return parse_trusted_keys(b"".join(map(public_key_pem, keys)), name="cosign.pub")


@dataclass(frozen=True, kw_only=True)
class Older:
    """One piece of evidence in an older form; `edit` changes its annotations or the served entry."""

    form: EvidenceForm
    plan: Mapping[str, Any] = field(default_factory=lambda: V1)
    edit: Callable[[Any], None] | None = None
    envelope: Callable[[Any], None] | None = None
    message: bytes = MESSAGE
    keys: tuple[TrustedKey, ...] = ()
    entries: bool = True
    listed: int = 0
    """How often the entry stands in a list; 0 for the entry alone."""
    root: Mapping[str, Any] = field(default_factory=dict)

    def judge(self, *, second: bool) -> Any:
        trusted = parse_trust_root(root_json(**self.root), name="virtual")
        if self.form is EvidenceForm.LEGACY_SIGNATURE:
            notes = legacy.layer_annotations(SIGSTORE.sign_message(MESSAGE, **self.plan), chain=SIGSTORE.ca.chain)
            if self.edit:
                self.edit(notes)
            material = Material(form=self.form, data=self.message, where="row", annotations=notes)
            return verify_message(material, root=trusted, message=self.message, keys=self.keys, second_opinion=second)
        bundle = SIGSTORE.sign_statement(STATEMENT, **self.plan)
        content = json.loads(legacy.bare_envelope(bundle))
        if self.envelope:
            self.envelope(content)
        layer: dict[str, str] = {}
        entries: tuple[bytes, ...] = ()
        if self.form is EvidenceForm.LEGACY_ATTESTATION:
            layer = legacy.layer_annotations(bundle, chain=SIGSTORE.ca.chain)
            if self.edit:
                self.edit(layer)
        elif self.entries:
            entry = legacy.served_entry(bundle)
            if self.edit:
                self.edit(entry)
            entries = (json.dumps([entry] * self.listed if self.listed else entry).encode(),)
        material = Material(
            form=self.form, data=json.dumps(content).encode(), where="row", annotations=layer, log_entries=entries
        )
        return verify_envelope(material, root=trusted, keys=self.keys, second_opinion=second)


SIG, ATT, BARE = EvidenceForm.LEGACY_SIGNATURE, EvidenceForm.LEGACY_ATTESTATION, EvidenceForm.ENVELOPE


def _row(
    name: str, error: type[SupplyChainError], text: str, bad: Older, good: Older | None = None, *, alone: str = ALONE
) -> Fault:
    return Fault(name=name, error=error, text=text, bad=bad, good=good or Older(form=bad.form), alone=alone)


def _log(*path: Any) -> Callable[[dict[str, str]], None]:
    """Change the log's part of the annotations."""

    def edit(notes: dict[str, str]) -> None:
        value = json.loads(notes[LOG])
        put(*path)(value)
        notes[LOG] = json.dumps(value)

    return edit


def _other_log(notes: dict[str, str]) -> None:
    notes[LOG] = legacy.layer_annotations(SIGSTORE.sign_message(b"another", **V1))[LOG]


def _other_certificate(notes: dict[str, str]) -> None:
    notes[CERTIFICATE] = legacy.layer_annotations(SIGSTORE.sign_message(b"another", **V1))[CERTIFICATE]


WRONG_PROMISE = "signed entry timestamp does not verify"


def _stamp(name: str, value: Any) -> Callable[[dict[str, str]], None]:
    """Change the timestamp's part of the annotations."""

    def edit(notes: dict[str, str]) -> None:
        notes[STAMP] = json.dumps({**json.loads(notes[STAMP]), name: value})

    return edit


STAMPED: dict[str, Any] = {**V1, "tsa": SIGSTORE.tsa}
BOTH_LAYERS = tuple(
    row
    for form, what, unsigned in ((SIG, ".sig", BundleInvalidError), (ATT, ".att", EnvelopeInvalidError))
    for row in (
        _row(f"{what}: another index", LogEntryError, WRONG_PROMISE, Older(form=form, edit=_log("Payload", "logIndex", 7))),
        _row(f"{what}: another time", LogEntryError, WRONG_PROMISE, Older(form=form, edit=_log("Payload", "integratedTime", 1748865601))),
        _row(f"{what}: a promise by another key", LogEntryError, WRONG_PROMISE, Older(form=form, edit=_log("SignedEntryTimestamp", b64(sign(OTHER.rekor1.key, b"x"))))),
        _row(f"{what}: a log that the root does not name", LogEntryError, "by a log that the trust root does not name", Older(form=form, edit=_log("Payload", "logID", "00" * 32))),
        _row(f"{what}: no log entry", LogEntryError, "there is no transparency log entry", Older(form=form, edit=drop(LOG))),
        _row(f"{what}: an unknown field beside the promise", BundleInvalidError, "has the unknown field", Older(form=form, edit=_log("unknown", 1))),
        _row(f"{what}: an unknown field at the entry", BundleInvalidError, "has the unknown field", Older(form=form, edit=_log("Payload", "unknown", 1))),
        _row(f"{what}: the certificate of another signature", unsigned, "does not verify", Older(form=form, edit=_other_certificate)),
        _row(f"{what}: no certificate", EvidenceUnsupportedError, "no key is configured", Older(form=form, edit=lambda notes: notes.update({CERTIFICATE: "", CHAIN: ""}))),
        _row(f"{what}: nine certificates", BundleInvalidError, "more than 8", Older(form=form, edit=put(CHAIN, certificate_pem(SIGSTORE.ca.chain[0]).decode() * 8)),
             Older(form=form, edit=put(CHAIN, certificate_pem(SIGSTORE.ca.chain[0]).decode() * 7))),
        _row(f"{what}: certificate of another authority", CertificateError, "no authority of the trust root issued", Older(form=form, plan={**V1, "ca": OTHER.ca})),
        _row(f"{what}: an unknown field beside the timestamp", BundleInvalidError, "has the unknown field",
             Older(form=form, plan=STAMPED, edit=_stamp("unknown", 1)), Older(form=form, plan=STAMPED)),
        _row(f"{what}: timestamp over something else", TrustedTimeError, "over another signature", Older(form=form, plan={**V1, "tsa": SIGSTORE.tsa, "timestamped": b"x"}),
             Older(form=form, plan={**V1, "tsa": SIGSTORE.tsa})),
        _row(f"{what}: timestamp alone, and the log was in force", LogEntryError, "there is no transparency log entry",
             Older(form=form, plan={"log": "none"}), Older(form=form, plan={"log": "none"}, root={"rekor_window": (SIGSTORE.at.replace(year=2024), SIGSTORE.at.replace(year=2025, month=1))})),
    )
)  # fmt: skip

LAYERS = (
    _row(".sig: another payload", BundleInvalidError, "message's signature does not verify", Older(form=SIG, message=b"another")),
    _row(
        ".sig: another signature",
        BundleInvalidError,
        "message's signature does not verify",
        Older(form=SIG, edit=put(SIGNATURE, b64(sign(ANOTHER, MESSAGE)))),
    ),
    _row(".sig: no signature", BundleInvalidError, "is missing or empty", Older(form=SIG, edit=drop(SIGNATURE))),
    _row(
        ".sig: a log entry about another signature",
        LogEntryError,
        "the log entry is about something else",
        Older(form=SIG, edit=_other_log),
    ),
    _row(".att: another payload", EnvelopeInvalidError, "does not verify", Older(form=ATT, envelope=put("payload", b64(b"{}")))),
    _row(
        ".att: another signature",
        EnvelopeInvalidError,
        "does not verify",
        Older(form=ATT, envelope=put("signatures", 0, "sig", b64(sign(ANOTHER, b"x")))),
    ),
    _row(
        ".att: another payload type",
        EnvelopeInvalidError,
        "does not verify",
        Older(form=ATT, envelope=put("payloadType", "text/plain")),
    ),
    _row(
        ".att: two signatures",
        EnvelopeInvalidError,
        "expected 1, got 2",
        Older(form=ATT, envelope=lambda value: value["signatures"].append(value["signatures"][0])),
    ),
)


# --- a bare envelope and its log entry ----------------------------------------------------------------------------------------

ID = "108e9186e8c5677a"
ENTRY = (ID, "verification", "inclusionProof")


def _forge(entry: dict[str, Any]) -> None:
    proof = entry[ID]["verification"]["inclusionProof"]
    proof["checkpoint"] = proof["checkpoint"].replace("\n\n", "\nmore\n\n", 1)


def _as_in_bundles(entry: dict[str, Any], *, index: str | None = None) -> None:
    given = json.loads(SIGSTORE.sign_statement(STATEMENT, **V1))["verificationMaterial"]["tlogEntries"][0]
    entry.clear()
    entry.update(given | ({"logIndex": index} if index else {}))


BESIDE = (
    _row(
        "entry file: about another envelope",
        LogEntryError,
        "is about this envelope",
        Older(form=BARE, envelope=put("payload", b64(b"{}"))),
    ),
    _row(
        "entry file: another signature",
        EnvelopeInvalidError,
        "does not verify",
        Older(form=BARE, envelope=put("signatures", 0, "sig", b64(sign(ANOTHER, b"x")))),
    ),
    _row("entry file: another index", LogEntryError, WRONG_PROMISE, Older(form=BARE, edit=put(ID, "logIndex", 7))),
    _row("entry file: another time", LogEntryError, WRONG_PROMISE, Older(form=BARE, edit=put(ID, "integratedTime", 1748865601))),
    _row(
        "entry file: another log",
        LogEntryError,
        "by a log that the trust root does not name",
        Older(form=BARE, edit=put(ID, "logID", "00" * 32)),
    ),
    _row(
        "entry file: a hash of the proof changed",
        LogEntryError,
        "does not lead from the entry",
        Older(form=BARE, edit=put(*ENTRY, "hashes", ["00" * 32])),
    ),
    _row(
        "entry file: a checkpoint of another tree",
        LogEntryError,
        "does not lead from the entry",
        Older(form=BARE, edit=put(*ENTRY, "rootHash", "00" * 32)),
    ),
    _row(
        "entry file: a checkpoint that nobody signed",
        LogEntryError,
        "log's own",
        Older(form=BARE, edit=_forge),
    ),
    _row(
        "entry file: sixty-five entries", LogEntryError, "more than 64", Older(form=BARE, listed=65), Older(form=BARE, listed=64)
    ),
    _row(
        "entry file: no promise",
        LogEntryError,
        "is missing",
        Older(form=BARE, edit=drop(ID, "verification", "signedEntryTimestamp")),
    ),
    _row(
        "entry file: in the form of bundles, with another index",
        LogEntryError,
        WRONG_PROMISE,
        Older(form=BARE, edit=lambda value: _as_in_bundles(value, index="7")),
        Older(form=BARE, edit=_as_in_bundles),
    ),
    _row(
        "entry file: an entry without signature",
        LogEntryError,
        "signatures` is empty",
        Older(form=BARE, plan={**V1, "edit_body": put("spec", "signatures", [])}),
    ),
    _row("entry file: none given", EvidenceUnsupportedError, "neither who signed it nor when", Older(form=BARE, entries=False)),
)


# --- configured keys ----------------------------------------------------------------------------------------------------------

KEYED: dict[str, Any] = {**V1, "keyed": True, "leaf_key": KEY}


@dataclass(frozen=True, kw_only=True)
class Keyed:
    """A bundle by a key without certificate."""

    plan: Mapping[str, Any] = field(default_factory=lambda: KEYED)
    keys: tuple[TrustedKey, ...] = field(default_factory=lambda: _trusted(KEY))
    message: bool = False

    def judge(self, *, second: bool) -> Any:
        trusted = parse_trust_root(root_json(), name="virtual")
        if self.message:
            material = Material(form=EvidenceForm.BUNDLE, data=SIGSTORE.sign_message(MESSAGE, **self.plan), where="row")
            return verify_message(material, root=trusted, message=MESSAGE, keys=self.keys, second_opinion=second)
        material = Material(form=EvidenceForm.BUNDLE, data=SIGSTORE.sign_statement(STATEMENT, **self.plan), where="row")
        return verify_envelope(material, root=trusted, keys=self.keys, second_opinion=second)


def _key(name: str, error: type[SupplyChainError], text: str, bad: Keyed, good: Keyed | None = None) -> Fault:
    return Fault(
        name=f"key: {name}", error=error, text=text, bad=bad, good=good or Keyed(), alone="signed by a key without certificate"
    )


V2_SIGNATURE = ("spec", "hashedRekordV002", "signature")
KEYS = (
    _key("another one is trusted", EnvelopeInvalidError, "does not verify under the signer's key", Keyed(keys=_trusted(ANOTHER)), Keyed(keys=_trusted(ANOTHER, KEY))),
    _key("none is configured", EvidenceUnsupportedError, "no key is configured", Keyed(keys=())),
    _key("another one signed", EnvelopeInvalidError, "does not verify under the signer's key", Keyed(plan={**KEYED, "leaf_key": ANOTHER})),
    _key("a certificate, where keys are trusted", BundleInvalidError, "only configured keys are trusted", Keyed(plan=V1)),
    _key("a certificate of the same key", BundleInvalidError, "only configured keys are trusted", Keyed(plan={**V1, "leaf_key": KEY})),
    _key("a message by another", BundleInvalidError, "does not verify under the signer's key", Keyed(message=True, keys=_trusted(ANOTHER)), Keyed(message=True)),
    _key("not logged", LogEntryError, "there is no transparency log entry", Keyed(plan={**KEYED, "log": "none", "tsa": None}), Keyed()),
    _key("the log entry names another, dsse/0.0.1", LogEntryError, "another key",
         Keyed(plan={**KEYED, "edit_body": put("spec", "signatures", 0, "verifier", b64(public_key_pem(ANOTHER)))})),
    _key("the log entry names no key, dsse/0.0.1", LogEntryError, "no public key",
         Keyed(plan={**KEYED, "edit_body": put("spec", "signatures", 0, "verifier", b64(certificate_pem(OTHER.ca.chain[0])))})),
    _key("the log entry names another, hashedrekord/0.0.2", LogEntryError, "another key",
         Keyed(plan={**KEYED, "log": "rekor2", "edit_body": put(*V2_SIGNATURE, "verifier", "publicKey", "rawBytes", b64(b"another"))}), Keyed(plan={**KEYED, "log": "rekor2"})),
    _key("an unknown field beside the hint", BundleInvalidError, "has the unknown field",
         Keyed(plan={**KEYED, "edit": put("verificationMaterial", "publicKey", "unknown", 1)})),
    Fault(
        name="key: a bare envelope by another",
        error=EnvelopeInvalidError,
        text="does not verify under the signer's key",
        bad=Older(form=BARE, plan=KEYED, entries=False, keys=_trusted(ANOTHER)),
        good=Older(form=BARE, plan=KEYED, entries=False, keys=_trusted(KEY)),
        alone="in no transparency log",
    ),
    Fault(
        name="key: a bare envelope with two signatures",
        error=EnvelopeInvalidError,
        text="expected 1, got 2",
        bad=Older(form=BARE, plan=KEYED, entries=False, keys=_trusted(KEY), envelope=lambda value: value["signatures"].append(value["signatures"][0])),
        good=Older(form=BARE, plan=KEYED, entries=False, keys=_trusted(KEY)),
        alone="in no transparency log",
    ),
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class KeyFile:
    """A file with trusted keys."""

    text: bytes = field(default_factory=lambda: public_key_pem(KEY))

    def judge(self, *, second: bool) -> Any:
        return parse_trusted_keys(self.text, name="cosign.pub")


def _file(name: str, text: str, data: bytes) -> Fault:
    return Fault(name=f"key file: {name}", error=InvalidKeyError, text=text, bad=KeyFile(text=data), good=KeyFile())


KEY_FILES = (
    _file("a key under another word", "instead of `PUBLIC KEY`", public_key_pem(KEY).replace(b"PUBLIC KEY", b"RSA PUBLIC KEY")),
    _file("text beside the key", "text between or around", public_key_pem(KEY) + b"and more\n"),
    _file("a broken body", "base64", public_key_pem(KEY).replace(b"=", b"", 1)),
    _file("a weak key", "not accepted", public_key_pem(ec.generate_private_key(ec.SECP256K1()))),
    _file(
        "a weak key behind a good one",
        "not accepted",
        public_key_pem(KEY) + public_key_pem(rsa.generate_private_key(65537, 1024)),
    ),
    _file("nothing", "not a readable public key", b""),
)


# --- simple signing -----------------------------------------------------------------------------------------------------------


def _payload(*, kind: str = "cosign container image signature", digest: str = str(DIGEST)) -> bytes:
    image = {"docker-manifest-digest": digest}
    return json.dumps(
        {"critical": {"identity": {"docker-reference": ""}, "image": image, "type": kind}, "optional": None}
    ).encode()


@dataclass(frozen=True, kw_only=True)
class Simple:
    """A `.sig` layer with a simple signing document."""

    payload: bytes = field(default_factory=_payload)

    def judge(self, *, second: bool) -> Any:
        notes = legacy.layer_annotations(SIGSTORE.sign_message(self.payload, **V1), chain=SIGSTORE.ca.chain)
        material = Material(form=SIG, data=self.payload, where="row", annotations=notes)
        policy = CosignPolicy(identity=IdentityPattern.parse(r"^https://github\.com/acme/plugins/.*$"), issuer=GITHUB_ISSUER)
        trusted = parse_trust_root(root_json(), name="virtual")
        found = verify_image_signature(
            EvidenceSet(materials=(material,)), digest=DIGEST, policy=policy, root=trusted, second_opinion=second
        )
        return found.proven


def _simple(name: str, error: type[SupplyChainError], text: str, payload: bytes) -> Fault:
    return Fault(name=f"simple signing: {name}", error=error, text=text, bad=Simple(payload=payload), good=Simple(), alone=ALONE)


SIMPLE = (
    _simple("another type", CosignSignatureInvalidError, "no image signature", _payload(kind="atomic container signature")),
    _simple("another digest", SignedDigestMismatchError, "about another manifest", _payload(digest=f"sha256:{'0' * 64}")),
    _simple(
        "the digest in capitals",
        SignedDigestMismatchError,
        "about another manifest",
        _payload(digest=f"sha256:{DIGEST.hex.upper()}"),
    ),
    _simple("the digest without its algorithm", SignedDigestMismatchError, "about another manifest", _payload(digest=DIGEST.hex)),
    _simple("no document", CosignSignatureInvalidError, "no image signature", b"[]"),
    _simple(
        "a name twice", CosignSignatureInvalidError, "no image signature", _payload().replace(b'"type"', b'"type":"x","type"')
    ),
)

ROWS = (*BOTH_LAYERS, *LAYERS, *BESIDE, *KEYS, *KEY_FILES, *SIMPLE)
