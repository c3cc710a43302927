"""What a bundle may look like in each version, and what it may not."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from supplychain.bundle import parse_bundle
from supplychain.errors import BundleInvalidError, EnvelopeInvalidError
from tests.supplychain.bundle.support import MESSAGE, SIGSTORE, edited, entry, material, statement

if TYPE_CHECKING:
    from collections.abc import Callable

GOOD = statement(log="rekor1")
OLD = statement(log="rekor1", version="0.1")


def test_the_other_spelling_of_version_0_3_is_read() -> None:
    raw = edited(GOOD, lambda value: value.update(mediaType="application/vnd.dev.sigstore.bundle+json;version=0.3"))
    assert parse_bundle(raw).minor == 3


def test_null_counts_as_absent() -> None:
    raw = edited(GOOD, lambda value: material(value).update(timestampVerificationData=None))
    assert parse_bundle(raw).timestamps == ()


def test_numbers_may_be_written_as_text_or_as_numbers() -> None:
    raw = edited(GOOD, lambda value: entry(value).update(logIndex=int(entry(value)["logIndex"])))
    assert parse_bundle(raw).entries == parse_bundle(GOOD).entries


def test_a_bundle_signed_by_a_key_names_it_by_a_hint_and_nothing_else() -> None:
    def managed(value: dict[str, Any]) -> None:
        del material(value)["certificate"]
        material(value)["publicKey"] = {"hint": "x"}

    assert parse_bundle(edited(GOOD, managed)).certificates == ()
    with pytest.raises(BundleInvalidError, match="unknown field `other`"):
        parse_bundle(edited(edited(GOOD, managed), put("verificationMaterial", "publicKey", "other", 1)))


def remove(*path: Any) -> Callable[[dict[str, Any]], None]:
    def edit(value: Any) -> None:
        for key in path[:-1]:
            value = value[key]
        del value[path[-1]]

    return edit


def put(*path: Any) -> Callable[[dict[str, Any]], None]:
    *keys, last, new = path

    def edit(value: Any) -> None:
        for key in keys:
            value = value[key]
        value[last] = new

    return edit


M = "verificationMaterial"
E = (M, "tlogEntries", 0)


@pytest.mark.parametrize(
    ("raw", "edit", "text"),
    [
        (GOOD, put("mediaType", "application/vnd.dev.sigstore.bundle.v0.4+json"), "mediaType"),
        (GOOD, remove("mediaType"), "mediaType"),
        (GOOD, remove(M), "verificationMaterial"),
        (GOOD, remove(M, "certificate"), "certificate` is missing"),
        (GOOD, put("mediaType", "application/vnd.dev.sigstore.bundle+json;version=0.2"), "x509CertificateChain` is missing"),
        (OLD, put("mediaType", "application/vnd.dev.sigstore.bundle.v0.3+json"), "certificate` is missing"),
        (OLD, put(M, "x509CertificateChain", "certificates", []), "certificate chain is empty"),
        (OLD, put(M, "x509CertificateChain", "unknown", 1), "unknown field `unknown`"),
        (OLD, remove(*E, "inclusionPromise"), "inclusionPromise` is missing, which version 0.1 demands"),
        (GOOD, remove(*E, "inclusionProof"), "inclusionProof` with a checkpoint is missing"),
        (GOOD, remove(*E, "inclusionProof", "checkpoint"), "inclusionProof` with a checkpoint is missing"),
        (GOOD, put(*E, "inclusionProof", "checkpoint", "envelope", ""), "inclusionProof` with a checkpoint is missing"),
        (GOOD, remove("dsseEnvelope"), "either `dsseEnvelope` or `messageSignature`"),
        (GOOD, put("messageSignature", {"signature": "AAAA"}), "either `dsseEnvelope` or `messageSignature`"),
        (GOOD, put("unknown", 1), "unknown field `unknown`"),
        (GOOD, put(M, "unknown", 1), "unknown field `unknown`"),
        (GOOD, put(M, "certificate", "unknown", 1), "unknown field `unknown`"),
        (GOOD, put(*E, "unknown", 1), "unknown field `unknown`"),
        (GOOD, put(*E, "logId", "unknown", 1), "unknown field `unknown`"),
        (GOOD, put(*E, "kindVersion", "unknown", 1), "unknown field `unknown`"),
        (GOOD, put(*E, "inclusionProof", "unknown", 1), "unknown field `unknown`"),
        (GOOD, put(*E, "inclusionProof", "checkpoint", "unknown", 1), "unknown field `unknown`"),
        (GOOD, put(*E, "inclusionPromise", "unknown", 1), "unknown field `unknown`"),
        (GOOD, put(*E, "inclusionProof", "hashes", [""]), "is empty"),
        (GOOD, put(*E, "inclusionProof", "hashes", ["AAAA"] * 64), "more than 63"),
        (GOOD, put(*E, "logIndex", "-1"), "no natural number"),
        (GOOD, put(*E, "logIndex", "01"), "no natural number"),
        (GOOD, put(*E, "logIndex", True), "no natural number"),
        (GOOD, put(*E, "logIndex", str(2**63)), "no natural number"),
        (GOOD, put(*E, "canonicalizedBody", "A A="), "not (canonical )?base64"),
        (GOOD, put(M, "tlogEntries", [{}] * 9), "more than 8"),
        (GOOD, put(M, "tlogEntries", {}), "is no list"),
        (GOOD, put(M, "tlogEntries", [1]), "is no object"),
        (GOOD, put(M, "timestampVerificationData", {"x": 1}), "unknown field"),
        (
            GOOD,
            put(M, "timestampVerificationData", {"rfc3161Timestamps": [{"signedTimestamp": "AAAA", "x": 1}]}),
            "unknown field",
        ),
        (GOOD, put(M, "timestampVerificationData", {"rfc3161Timestamps": [{}] * 9}), "more than 8"),
    ],
)
def test_what_the_version_does_not_allow_is_refused(raw: bytes, edit: Any, text: str) -> None:
    parse_bundle(raw)
    with pytest.raises(BundleInvalidError, match=text):
        parse_bundle(edited(raw, edit))


@pytest.mark.parametrize(
    ("edit", "text"),
    [
        (put("messageSignature", "messageDigest", "algorithm", "SHA1"), "not of the SHA-2 family"),
        (put("messageSignature", "messageDigest", "unknown", 1), "unknown field"),
        (put("messageSignature", "unknown", 1), "unknown field"),
        (put("messageSignature", "signature", ""), "is empty"),
    ],
)
def test_a_malformed_message_signature_is_refused(edit: Any, text: str) -> None:
    with pytest.raises(BundleInvalidError, match=text):
        parse_bundle(edited(SIGSTORE.sign_message(MESSAGE), edit))


@pytest.mark.parametrize("path", [("dsseEnvelope",), ("dsseEnvelope", "signatures", 0)])
def test_an_unknown_field_in_the_envelope_is_refused(path: Any) -> None:
    with pytest.raises(EnvelopeInvalidError, match="unknown field"):
        parse_bundle(edited(GOOD, put(*path, "unknown", 1)))


def test_the_same_name_twice_is_refused() -> None:
    raw = GOOD.replace(b'{"mediaType"', b'{"mediaType":"x","mediaType"', 1)
    assert json.loads(raw) == json.loads(GOOD)
    with pytest.raises(BundleInvalidError, match="twice"):
        parse_bundle(raw)


def test_every_timestamp_is_read() -> None:
    [one, other] = parse_bundle(statement(timestamps=2)).timestamps
    assert one == other
    with pytest.raises(BundleInvalidError, match="unknown field `x`"):
        parse_bundle(edited(statement(timestamps=2), put(M, "timestampVerificationData", "rfc3161Timestamps", 1, "x", 1)))


def test_what_protobuf_leaves_out_is_zero_or_nothing() -> None:
    [one] = parse_bundle(statement()).entries
    assert one.integrated_time == 0
    [one] = parse_bundle(edited(OLD, put(M, "tlogEntries", 0, "inclusionProof", "checkpoint", {}))).entries
    assert one.proof is not None
    assert one.proof.checkpoint is None
