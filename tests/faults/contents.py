"""What was signed, and what the log entry says was: envelope, message, bundle form, and the body of every entry kind."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from supplychain.errors import (
    BundleInvalidError,
    EnvelopeInvalidError,
    EvidenceUnsupportedError,
    LogEntryError,
    SupplyChainError,
)
from tests.faults.table import MESSAGE, OTHER, SIGSTORE, Envelope, Fault, Message, chain, drop, put
from tests.support.sigstore.certificates import certificate_pem
from tests.support.sigstore.keys import Seed, spki
from tests.support.sigstore.signing import PAYLOAD_TYPE, pre_authentication_encoding
from tests.support.sigstore.transparency import b64

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["ROWS"]

V1: dict[str, Any] = {"log": "rekor1"}
UNLOGGED: dict[str, Any] = {"edit": lambda value: value.update(tlogs=[])}
"""A root without logs: no log entry binds the content, so that the signature alone has to."""
INTOTO: dict[str, Any] = {"log": "rekor1", "kind": "intoto"}
NO_INTOTO, NO_LOG = "knows no `intoto` log entries", "exactly one log entry"
P256_ONLY = "P-256 keys only"
SEED = Seed(b"one fault each")
RSA = rsa.generate_private_key(65537, 2048)


def as_intoto_1(body: dict[str, Any]) -> None:
    """Turn an entry of kind intoto/0.0.2 into one of 0.0.1."""
    content = body["spec"]["content"]
    body["apiVersion"] = "0.0.1"
    body["spec"] = {
        "content": {"hash": content["hash"], "payloadHash": content["payloadHash"]},
        "publicKey": content["envelope"]["signatures"][0]["publicKey"],
    }


# --- signatures ---------------------------------------------------------------------------------------------------------------

UNSIGNED = "the envelope's signature does not verify"


def _unlogged(name: str, fault: dict[str, Any], good: dict[str, Any] | None = None) -> Fault:
    base = {"log": "none", **(good or {})}
    return Fault(
        name=f"signature: {name}",
        error=EnvelopeInvalidError,
        text=UNSIGNED,
        bad=Envelope(plan={**base, **fault}, root=UNLOGGED),
        good=Envelope(plan=base, root=UNLOGGED),
        alone=NO_LOG,
    )


def _signed_with(algorithm: hashes.HashAlgorithm) -> dict[str, Any]:
    """The right bytes, signed by the right key with `algorithm`."""
    key = SEED.p256("leaf")
    signed = pre_authentication_encoding(PAYLOAD_TYPE, b'{"_type":"https://in-toto.io/Statement/v1","subject":[]}')
    return {"leaf_key": key, "edit_signature": lambda _: key.sign(signed, ec.ECDSA(algorithm))}


KINDS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("dsse/0.0.1", V1),
    ("hashedrekord/0.0.2", {}),
    ("intoto/0.0.2", INTOTO),
    ("intoto/0.0.1", {**INTOTO, "edit_body": as_intoto_1}),
)
SIGNATURES = (
    _unlogged("over another payload", {"signed_message": b"another"}),
    _unlogged("by another key than the certificate's", {"certificate_public_key": spki(SEED.p256("another"))}),
    _unlogged("over the payload alone, without its type", {"signed_message": b'{"_type":"https://in-toto.io/Statement/v1","subject":[]}'}),
    _unlogged("with SHA-1", _signed_with(hashes.SHA1()), _signed_with(hashes.SHA256())),
    *(_unlogged(f"over another payload, {kind}", {"signed_message": b"another"}, {"leaf_key": getattr(SEED, kind)("leaf")})
      for kind in ("p384", "p521", "ed25519")),
    _unlogged("over another payload, rsa", {"signed_message": b"another"}, {"leaf_key": RSA}),
    # However well the log entry binds everything else, the signature itself has to verify.
    *(
        Fault(
            name=f"signature: over another payload, logged as {name}",
            error=EnvelopeInvalidError,
            text=UNSIGNED,
            bad=Envelope(plan={**plan, "signed_message": b"another"}),
            good=Envelope(plan=plan),
            alone=NO_INTOTO if "intoto" in name else "",
        )
        for name, plan in KINDS
    ),
)  # fmt: skip


# --- messages -----------------------------------------------------------------------------------------------------------------


def _message(name: str, error: type[SupplyChainError], text: str, bad: Message, good: Message, *, alone: str = "") -> Fault:
    return Fault(name=f"message: {name}", error=error, text=text, bad=bad, good=good, alone=alone)


def _hint(value: str) -> Callable[[dict[str, Any]], None]:
    return put("messageSignature", "messageDigest", "digest", value)


MESSAGES = (
    *(
        fault
        for by_digest in (True, False)
        for how in ("by digest" if by_digest else "by itself",)
        for fault in (
            _message(
                f"another one, {how}",
                BundleInvalidError,
                "digest of another message",
                Message(asked=b"another", by_digest=by_digest),
                Message(by_digest=by_digest),
            ),
            _message(
                f"another one, without a hint, {how}",
                BundleInvalidError,
                "message's signature does not verify",
                Message(plan={"edit": drop("messageSignature", "messageDigest")}, asked=b"another", by_digest=by_digest),
                Message(plan={"edit": drop("messageSignature", "messageDigest")}, by_digest=by_digest),
            ),
            _message(
                f"signature over another, {how}",
                BundleInvalidError,
                "message's signature does not verify",
                Message(plan={"signed_message": b"another"}, by_digest=by_digest),
                Message(by_digest=by_digest),
            ),
            _message(
                f"the hint lies, {how}",
                BundleInvalidError,
                "digest of another message",
                Message(plan={"edit": _hint(b64(bytes(32)))}, by_digest=by_digest),
                Message(by_digest=by_digest),
            ),
        )
    ),
    *(
        _message(
            f"signed by RSA, over another, {'by digest' if by_digest else 'by itself'}",
            BundleInvalidError,
            "message's signature does not verify",
            Message(plan={"leaf_key": RSA, "signed_message": b"another"}, by_digest=by_digest),
            Message(plan={"leaf_key": RSA}, by_digest=by_digest),
            alone=P256_ONLY,
        )
        for by_digest in (True, False)
    ),
    _message(
        "signed by Ed25519, over another",
        BundleInvalidError,
        "message's signature does not verify",
        Message(plan={**V1, "leaf_key": SEED.ed25519("leaf"), "signed_message": b"another"}, by_digest=False),
        Message(plan={**V1, "leaf_key": SEED.ed25519("leaf")}, by_digest=False),
        alone=P256_ONLY,
    ),
    _message(
        "signed by Ed25519, which a digest cannot show",
        EvidenceUnsupportedError,
        "cannot be checked by this digest",
        Message(plan={**V1, "leaf_key": SEED.ed25519("leaf")}),
        Message(plan={**V1, "leaf_key": SEED.ed25519("leaf")}, by_digest=False),
        alone=P256_ONLY,
    ),
    _message(
        "signed over SHA-384, which a SHA-256 digest cannot show",
        EvidenceUnsupportedError,
        "cannot be checked by this digest",
        Message(plan={"leaf_key": SEED.p384("leaf")}),
        Message(plan={"leaf_key": SEED.p384("leaf")}, by_digest=False),
        alone=P256_ONLY,
    ),
    _message(
        "an unknown field in the hint",
        BundleInvalidError,
        "has the unknown field",
        Message(plan={"edit": put("messageSignature", "messageDigest", "unknown", 1)}),
        Message(),
    ),
    _message(
        "an unknown field beside the signature",
        BundleInvalidError,
        "has the unknown field",
        Message(plan={"edit": put("messageSignature", "unknown", 1)}),
        Message(),
    ),
    _message(
        "a hint by a broken hash",
        BundleInvalidError,
        "not of the SHA-2 family",
        Message(plan={"edit": put("messageSignature", "messageDigest", "algorithm", "SHA1")}),
        Message(),
    ),
)


# --- the bundle's form --------------------------------------------------------------------------------------------------------

M, E = "verificationMaterial", ("verificationMaterial", "tlogEntries", 0)
TSA = {"tsa": SIGSTORE.tsa}


def _form(
    name: str,
    text: str,
    edit: Any,
    plan: dict[str, Any] | None = None,
    *,
    error: type[SupplyChainError] = BundleInvalidError,
    alone: str = "",
    good: Any = None,
) -> Fault:
    base = V1 if plan is None else plan
    return Fault(
        name=f"form: {name}",
        error=error,
        text=text,
        bad=Envelope(plan={**base, "edit": edit}),
        good=Envelope(plan={**base, "edit": good} if good else base),
        alone=alone,
    )


def _many(path: tuple[Any, ...], count: int) -> Callable[[dict[str, Any]], None]:
    def edit(value: dict[str, Any]) -> None:
        for key in path[:-1]:
            value = value[key]
        value[path[-1]] = [value[path[-1]][0]] * count

    return edit


def _to_version(version: str) -> Callable[[dict[str, Any]], None]:
    return put("mediaType", f"application/vnd.dev.sigstore.bundle+json;version={version}")


CHAIN = {**V1, "version": "0.2"}
OLDEST: dict[str, Any] = {**V1, "version": "0.1"}
UNKNOWN_PLACES: tuple[tuple[Any, ...], ...] = (
    (), (M,), (M, "certificate"), E, (*E, "logId"), (*E, "kindVersion"), (*E, "inclusionProof"), (*E, "inclusionProof", "checkpoint"),
    (*E, "inclusionPromise"), (M, "timestampVerificationData"), (M, "timestampVerificationData", "rfc3161Timestamps", 0),
)  # fmt: skip
FORMS = (
    _form("unknown version", "`bundle.mediaType` is", _to_version("0.4"), good=_to_version("0.3")),
    _form("a chain in version 0.3", "certificate` is missing", _to_version("0.3"), CHAIN, good=_to_version("0.2")),
    _form("one certificate in version 0.2", "x509CertificateChain` is missing", _to_version("0.2")),
    _form("an empty chain", "certificate chain is empty", put(M, "x509CertificateChain", "certificates", []), CHAIN),
    _form("no promise in version 0.1", "inclusionPromise` is missing", drop(*E, "inclusionPromise"), {**OLDEST, **TSA}),
    _form("no proof in version 0.2", "with a checkpoint is missing", drop(*E, "inclusionProof"), CHAIN),
    _form("no proof in version 0.3", "with a checkpoint is missing", drop(*E, "inclusionProof")),
    _form("no checkpoint in version 0.3", "with a checkpoint is missing", drop(*E, "inclusionProof", "checkpoint")),
    _form("an empty checkpoint in version 0.3", "with a checkpoint is missing", put(*E, "inclusionProof", "checkpoint", "envelope", "")),
    _form("no content", "either `dsseEnvelope` or `messageSignature`", drop("dsseEnvelope")),
    _form("two contents", "either `dsseEnvelope` or `messageSignature`", put("messageSignature", {"signature": "AAAA"})),
    *(
        _form(f"unknown field in {'.'.join(map(str, place)) or 'the bundle'}", "has the unknown field", put(*place, "unknown", 1), {**V1, **TSA})
        for place in UNKNOWN_PLACES
    ),
    _form("unknown field in the chain", "has the unknown field", put(M, "x509CertificateChain", "unknown", 1), CHAIN),
    _form("unknown field in the envelope", "has the unknown field", put("dsseEnvelope", "unknown", 1), error=EnvelopeInvalidError),
    _form("unknown field at the signature", "has the unknown field", put("dsseEnvelope", "signatures", 0, "unknown", 1), error=EnvelopeInvalidError),
    _form("nine entries", "more than 8", _many((M, "tlogEntries"), 9), good=_many((M, "tlogEntries"), 8), alone=NO_LOG),
    _form("nine timestamps", "more than 8", _many((M, "timestampVerificationData", "rfc3161Timestamps"), 9), {}, good=_many((M, "timestampVerificationData", "rfc3161Timestamps"), 8),
          alone="no timestamp twice"),
    _form("nine certificates", "more than 8", _many((M, "x509CertificateChain", "certificates"), 9), CHAIN,
          good=_many((M, "x509CertificateChain", "certificates"), 8), alone="ignores certificates in the bundle"),
    _form("sixty-four hashes", "more than 63", put(*E, "inclusionProof", "hashes", ["AAAA"] * 64)),
    _form("an empty hash", "is empty", put(*E, "inclusionProof", "hashes", [""])),
    _form("a negative index", "no natural number", put(*E, "logIndex", "-1")),
    _form("a leading zero", "no natural number", put(*E, "logIndex", "04163439")),
    _form("an index that is a truth value", "no natural number", put(*E, "inclusionProof", "logIndex", True)),
    _form("an index of 64 bits", "no natural number", put(*E, "logIndex", str(2**63))),
    _form("a size that is missing", "no natural number", drop(*E, "inclusionProof", "treeSize")),
    _form("base64 with a line feed", "not base64|canonical", lambda value: _respell(value, lambda text: text[:8] + "\n" + text[8:])),
    _form("base64 without padding", "canonical", lambda value: _respell(value, lambda text: text.rstrip("="))),
    _form("base64 of the other alphabet", "canonical", lambda value: _respell(value, lambda text: text.replace("+", "-").replace("/", "_"))),
    _form("material that is no object", "is no object|is no dict", put(M, [])),
    _form("an entry that is no object", "is no object", put(M, "tlogEntries", [1])),
    Fault(
        name="form: a name twice",
        error=BundleInvalidError,
        text="twice",
        bad=Envelope(plan=V1, raw=lambda raw: raw.replace(b'{"mediaType"', b'{"mediaType":"x","mediaType"', 1)),
        good=Envelope(plan=V1),
    ),
    Fault(
        name="form: UTF-16",
        error=BundleInvalidError,
        text="no strict JSON",
        bad=Envelope(plan=V1, raw=lambda raw: raw.decode().encode("utf-16")),
        good=Envelope(plan=V1, raw=lambda raw: raw.decode().encode("utf-8")),
    ),
    Fault(
        name="form: longer than any bundle",
        error=BundleInvalidError,
        text="no strict JSON",
        bad=Envelope(plan=V1, raw=lambda raw: raw + b" " * (16 << 20)),
        good=Envelope(plan=V1, raw=lambda raw: raw + b" " * 4096),
    ),
    Fault(
        name="form: bytes behind the document",
        error=BundleInvalidError,
        text="no strict JSON",
        bad=Envelope(plan=V1, raw=lambda raw: raw + b"{}"),
        good=Envelope(plan=V1, raw=lambda raw: raw + b"\n"),
    ),
)  # fmt: skip


def _respell(value: dict[str, Any], change: Callable[[str], str]) -> None:
    """Another spelling of the same bytes, in a field whose bytes have all signs of base64 that matter."""
    entry = value["verificationMaterial"]["tlogEntries"][0]
    text = entry["canonicalizedBody"]
    if text == change(text):
        entry = value["verificationMaterial"]["certificate"]
        text = entry["rawBytes"]
        entry["rawBytes"] = change(text)
        return
    entry["canonicalizedBody"] = change(text)


# --- envelopes ----------------------------------------------------------------------------------------------------------------

D = "dsseEnvelope"


def _envelope(name: str, text: str, edit: Any, good: Any = None) -> Fault:
    return _form(f"envelope: {name}", text, edit, error=EnvelopeInvalidError, good=good)


ENVELOPES = (
    _envelope("no signature", "there is no signature", put(D, "signatures", [])),
    _envelope("an empty signature", "there is no signature", put(D, "signatures", 0, "sig", "")),
    _envelope("two signatures", "expected 1, got 2", _many((D, "signatures"), 2)),
    _envelope("seventeen signatures", "more than 16", _many((D, "signatures"), 17)),
    _envelope("no payload type", "payloadType` is empty", put(D, "payloadType", "")),
    _envelope("no payload", "payload` is missing", drop(D, "payload")),
    _envelope(
        "a payload that is no canonical base64", "canonical", lambda value: value[D].update(payload=value[D]["payload"] + "\n")
    ),
    _envelope(
        "a key id that is no text", "is no str", put(D, "signatures", 0, "keyid", 1), good=put(D, "signatures", 0, "keyid", "x")
    ),
)


# --- entry bodies -------------------------------------------------------------------------------------------------------------

HASH = "0" * 64
OTHER_PEM = b64(certificate_pem(OTHER.ca.chain[0]))
NO_PEM = b64(b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n")
SIG, V2, IN = ("spec", "signatures", 0), ("spec", "hashedRekordV002"), ("spec", "content", "envelope")


def _body(
    kind: str, name: str, text: str, edit: Any, *, plan: dict[str, Any], content: type[Envelope | Message] = Envelope
) -> Fault:
    good = plan
    before = plan.get("edit_body")
    bad = {**plan, "edit_body": chain(before, edit) if before else edit}
    return Fault(
        name=f"body: {kind}: {name}",
        error=LogEntryError,
        text=text,
        bad=content(plan=bad),
        good=content(plan=good),
        alone=NO_INTOTO if "intoto" in kind else "",
    )


def _two(path: tuple[Any, ...]) -> Callable[[dict[str, Any]], None]:
    return _many(path, 2)


BODIES = (
    *(
        _body("dsse/0.0.1", name, text, edit, plan=V1)
        for name, text, edit in (
            ("another payload", "another payload", put("spec", "payloadHash", "value", HASH)),
            ("another payload digest", "another payload digest algorithm", put("spec", "payloadHash", "algorithm", "sha512")),
            ("another signature", "another signature", put(*SIG, "signature", b64(b"x"))),
            ("another certificate", "another certificate", put(*SIG, "verifier", OTHER_PEM)),
            ("no certificate", "no certificate", put(*SIG, "verifier", NO_PEM)),
            ("no signature", "0 signatures instead of one", put("spec", "signatures", [])),
            ("two signatures", "2 signatures instead of one", _two(("spec", "signatures"))),
        )
    ),
    *(
        _body("hashedrekord/0.0.2", f"{name}, {what}", text, edit, plan={}, content=content)
        for what, content in (("envelope", Envelope), ("message", Message))
        for name, text, edit in (
            ("another digest", "another digest", put(*V2, "data", "digest", b64(bytes(32)))),
            ("a digest by a broken hash", "not of the SHA-2 family", put(*V2, "data", "algorithm", "SHA1")),
            ("another signature", "another signature", put(*V2, "signature", "content", b64(b"x"))),
            (
                "another certificate",
                "another certificate",
                put(*V2, "signature", "verifier", "x509Certificate", "rawBytes", b64(OTHER.ca.chain[0])),
            ),
            ("another kind of key", "of another kind than", put(*V2, "signature", "verifier", "keyDetails", "PKIX_ED25519")),
        )
    ),
    *(
        _body("hashedrekord/0.0.1", name, text, edit, plan=V1, content=Message)
        for name, text, edit in (
            ("another digest", "another digest", put("spec", "data", "hash", "value", HASH)),
            ("a digest by a broken hash", "not of the SHA-2 family", put("spec", "data", "hash", "algorithm", "sha1")),
            ("a digest that cannot be compared", "which cannot be compared", put("spec", "data", "hash", "algorithm", "sha512")),
            ("another signature", "another signature", put("spec", "signature", "content", b64(b"x"))),
            ("another certificate", "another certificate", put("spec", "signature", "publicKey", "content", OTHER_PEM)),
        )
    ),
    *(
        _body("intoto/0.0.2", name, text, edit, plan=INTOTO)
        for name, text, edit in (
            ("another payload", "another payload", put("spec", "content", "payloadHash", "value", HASH)),
            (
                "another payload digest",
                "another payload digest algorithm",
                put("spec", "content", "payloadHash", "algorithm", "sha512"),
            ),
            ("another payload type", "another payload type", put(*IN, "payloadType", "x")),
            ("another signature", "another signature", put(*IN, "signatures", 0, "sig", b64(b"eA=="))),
            ("another certificate", "another certificate", put(*IN, "signatures", 0, "publicKey", OTHER_PEM)),
            ("two signatures", "2 signatures instead of one", _two((*IN, "signatures"))),
        )
    ),
    *(
        _body("intoto/0.0.1", name, text, edit, plan={**INTOTO, "edit_body": as_intoto_1})
        for name, text, edit in (
            ("another payload", "another payload", put("spec", "content", "payloadHash", "value", HASH)),
            ("another certificate", "another certificate", put("spec", "publicKey", OTHER_PEM)),
        )
    ),
    Fault(
        name="body: of another kind than the entry says",
        error=LogEntryError,
        text="another kind than the entry says",
        bad=Envelope(plan={"edit": put(*E, "kindVersion", {"kind": "intoto", "version": "0.0.2"})}),
        good=Envelope(),
    ),
    Fault(
        name="body: of another version than the entry says",
        error=LogEntryError,
        text="another kind than the entry says",
        bad=Envelope(plan={**INTOTO, "edit": put(*E, "kindVersion", "version", "0.0.1")}),
        good=Envelope(plan=INTOTO),
        alone=NO_INTOTO,
    ),
    Fault(
        name="body: of a kind that is about envelopes",
        error=LogEntryError,
        text="cannot be about this content",
        bad=Message(plan={**V1, "edit": put(*E, "kindVersion", {"kind": "dsse", "version": "0.0.1"})}),
        good=Message(plan=V1),
    ),
    Fault(
        name="body: of an unknown kind",
        error=EvidenceUnsupportedError,
        text="of a kind that is not known",
        bad=Envelope(plan={"edit": put(*E, "kindVersion", {"kind": "dsse", "version": "0.0.2"})}),
        good=Envelope(),
    ),
    Fault(
        name="content: an envelope where a message is asked for",
        error=BundleInvalidError,
        text="the bundle holds a DSSE envelope",
        bad=Message(envelope=True),
        good=Message(),
    ),
    Fault(
        name="content: a message where an envelope is asked for",
        error=BundleInvalidError,
        text="the bundle signs a message",
        bad=Envelope(raw=lambda _: SIGSTORE.sign_message(MESSAGE)),
        good=Envelope(),
    ),
)

ROWS = (*SIGNATURES, *MESSAGES, *FORMS, *ENVELOPES, *BODIES)
