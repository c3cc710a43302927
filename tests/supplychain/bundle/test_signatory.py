"""Evidence signed by a configured key: which key it was, that the log says so too, and that certificates do not stand in."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest

from supplychain.bundle import prove_unlogged_envelope, verify_dsse_bundle, verify_message_bundle
from supplychain.dsse import parse_envelope
from supplychain.errors import (
    BundleInvalidError,
    CertificateError,
    EnvelopeInvalidError,
    EvidenceUnsupportedError,
    LogEntryError,
    SupplyChainError,
    TrustedTimeError,
)
from supplychain.identity import KeyHolder
from supplychain.verification_key import TrustedKey, VerificationKey
from tests.supplychain.bundle.support import END, MESSAGE, SIGSTORE, START, edited, material, put, root, root_with, statement
from tests.support.sigstore.keys import PrivateKey, public_key_pem, spki
from tests.support.sigstore.legacy import bare_envelope
from tests.support.sigstore.transparency import b64

KEY = SIGSTORE.seed.p256("a release key")
OTHER_KEY = SIGSTORE.seed.p256("another key")


def trusted(*keys: PrivateKey) -> tuple[TrustedKey, ...]:
    return tuple(TrustedKey(key=VerificationKey.load(spki(key)), name=f"key {number}") for number, key in enumerate(keys))


def keyed(**plan: Any) -> bytes:
    return statement(**{"keyed": True, "leaf_key": KEY, **plan})


def refused(raw: bytes, error: type[SupplyChainError], text: str, *keys: PrivateKey, **options: Any) -> None:
    with pytest.raises(error, match=text):
        verify_dsse_bundle(raw, root=options.get("trusted_root") or root(), keys=trusted(*keys or (KEY,)))


@pytest.mark.parametrize("plan", [{"log": "rekor1"}, {"log": "rekor1", "kind": "intoto"}, {"log": "rekor2"}], ids=str)
def test_an_envelope_by_a_configured_key_is_proven_and_names_the_key(plan: dict[str, Any]) -> None:
    proven = verify_dsse_bundle(keyed(**plan), root=root(), keys=trusted(OTHER_KEY, KEY))
    fingerprint = f"sha256:{VerificationKey.load(spki(KEY)).fingerprint.hex()}"
    assert proven.signer == KeyHolder(name="key 1", fingerprint=fingerprint)
    assert proven.certificate_sha256 is None
    assert proven.times[0].at == SIGSTORE.at


@pytest.mark.parametrize("kind", ["p256", "p384", "p521", "ed25519"])
@pytest.mark.parametrize("log", ["rekor1", "rekor2"])
def test_a_message_by_a_configured_key_of_any_kind_is_proven(kind: str, log: Any) -> None:
    key = getattr(SIGSTORE.seed, kind)("a key")
    raw = SIGSTORE.sign_message(MESSAGE, log=log, keyed=True, leaf_key=key)
    assert isinstance(verify_message_bundle(raw, root=root(), message=MESSAGE, keys=trusted(key)).signer, KeyHolder)


def test_a_signature_by_another_key_is_refused_with_the_fingerprints_that_were_tried() -> None:
    with pytest.raises(EnvelopeInvalidError) as caught:
        verify_dsse_bundle(keyed(), root=root(), keys=trusted(OTHER_KEY))
    assert caught.value.expected == f"`{trusted(OTHER_KEY)[0].fingerprint}`"
    message = SIGSTORE.sign_message(MESSAGE, keyed=True, leaf_key=KEY)
    with pytest.raises(BundleInvalidError, match="message's signature does not verify"):
        verify_message_bundle(message, root=root(), message=MESSAGE, keys=trusted(OTHER_KEY))


def test_without_a_configured_key_nothing_can_be_said() -> None:
    with pytest.raises(EvidenceUnsupportedError, match="no key is configured"):
        verify_dsse_bundle(keyed(), root=root())


def test_a_certificate_does_not_stand_in_for_a_configured_key() -> None:
    refused(statement(leaf_key=KEY), BundleInvalidError, "signed with a certificate")


def test_a_key_does_not_stand_in_for_the_log_or_the_time() -> None:
    refused(keyed(log="none"), LogEntryError, "no transparency log entry")
    refused(keyed(log="none", tsa=None), LogEntryError, "no transparency log entry")


@pytest.mark.parametrize("plan", [{"log": "rekor1", "promise": False, "kind": "intoto"}, {"log": "rekor2", "tsa": None}], ids=str)
def test_an_inclusion_proof_is_enough_for_a_key_where_the_log_has_no_end(plan: dict[str, Any]) -> None:
    """A certificate is valid for minutes, so it needs a proven time; a configured key needs none."""
    raw = keyed(**plan)
    proven = verify_dsse_bundle(raw, root=root(), keys=trusted(KEY))
    assert (proven.times, len(proven.log)) == ((), 1)
    assert "nothing proves when the signature was made" in proven.notes[0]
    ended = root_with(rekor_window=(START, END))
    refused(raw, TrustedTimeError, "nothing proves when", trusted_root=ended)
    with pytest.raises(TrustedTimeError):
        verify_dsse_bundle(statement(**plan), root=root())
    with pytest.raises(EvidenceUnsupportedError):
        verify_dsse_bundle(raw, root=root())


def test_the_log_must_name_the_key_that_signed() -> None:
    theirs = b64(public_key_pem(OTHER_KEY))
    spec = ("spec", "signatures", 0, "verifier")
    refused(keyed(log="rekor1", edit_body=put(*spec, theirs)), LogEntryError, "another key")
    refused(keyed(log="rekor1", edit_body=put(*spec, b64(b"x"))), LogEntryError, "no public key")
    raw = ("spec", "hashedRekordV002", "signature", "verifier", "publicKey", "rawBytes")
    refused(keyed(edit_body=put(*raw, b64(spki(OTHER_KEY)))), LogEntryError, "another key")


def test_the_entry_of_a_keyless_signature_by_the_same_key_does_not_count() -> None:
    """A certificate in the log says that an identity signed; the bundle hides it."""

    def hide(value: dict[str, Any]) -> None:
        del material(value)["certificate"]
        material(value)["publicKey"] = {"hint": "x"}

    refused(edited(statement(leaf_key=KEY, log="rekor1"), hide), LogEntryError, "no public key")


@pytest.mark.parametrize("log", ["rekor1", "rekor2"])
def test_the_hint_decides_nothing(log: Any) -> None:
    raw = edited(keyed(log=log), put("verificationMaterial", "publicKey", {"hint": "of another key"}))
    assert verify_dsse_bundle(raw, root=root(), keys=trusted(KEY)).signer


def test_a_timestamp_alone_is_enough_where_no_log_was_in_force() -> None:
    ended = root_with(edit=lambda value: value.update(tlogs=[]))
    assert verify_dsse_bundle(keyed(log="none"), root=ended, keys=trusted(KEY)).log == ()


def test_a_bare_envelope_by_a_configured_key_is_proven_and_says_that_it_is_not_logged() -> None:
    envelope = parse_envelope(bare_envelope(keyed()))
    proven = prove_unlogged_envelope(envelope, keys=trusted(OTHER_KEY, KEY))
    assert proven.signer == KeyHolder(name="key 1", fingerprint=trusted(KEY)[0].fingerprint)
    assert (proven.times, proven.log) == ((), ())
    assert "in no transparency log" in proven.notes[0]
    with pytest.raises(EnvelopeInvalidError, match="does not verify"):
        prove_unlogged_envelope(envelope, keys=trusted(OTHER_KEY))


def test_a_bare_envelope_with_two_signatures_is_refused() -> None:
    two = parse_envelope(bare_envelope(keyed(envelope_signatures=lambda one: one * 2)))
    with pytest.raises(EnvelopeInvalidError, match="unusable number of signatures"):
        prove_unlogged_envelope(two, keys=trusted(KEY))


def test_any_of_several_keys_may_have_signed_a_message() -> None:
    raw = SIGSTORE.sign_message(MESSAGE, keyed=True, leaf_key=KEY)
    signer = verify_message_bundle(raw, root=root(), message=MESSAGE, keys=trusted(OTHER_KEY, KEY)).signer
    assert signer == KeyHolder(name="key 1", fingerprint=trusted(KEY)[0].fingerprint)


def test_an_empty_message_may_be_signed_and_is_no_other_one() -> None:
    key = SIGSTORE.seed.ed25519("a key")
    raw = SIGSTORE.sign_message(b"", log="rekor1", keyed=True, leaf_key=key)
    assert verify_message_bundle(raw, root=root(), message=b"", keys=trusted(key)).times


def test_a_bare_envelope_gives_back_what_was_signed() -> None:
    raw = keyed()
    proven = prove_unlogged_envelope(parse_envelope(bare_envelope(raw)), keys=trusted(KEY))
    logged = verify_dsse_bundle(raw, root=root(), keys=trusted(KEY))
    assert (proven.payload_type, proven.payload) == (logged.payload_type, logged.payload)
    assert proven.judged_by == ("supplychain",)


def test_a_root_that_names_logs_alone_is_enough_for_a_key_and_for_nothing_else() -> None:
    logs_alone = root_with(lambda value: value.update(certificateAuthorities=[], ctlogs=[], timestampAuthorities=[]))
    assert verify_dsse_bundle(keyed(log="rekor1"), root=logs_alone, keys=trusted(KEY)).times
    with pytest.raises(CertificateError, match="no authority of the trust root"):
        verify_dsse_bundle(statement(log="rekor1"), root=logs_alone)


def test_one_log_that_has_ended_is_enough_to_ask_for_a_time() -> None:
    # Both logs take the same signature: it is made without randomness.
    first, second = (keyed(log=log, kind=kind, promise=False, tsa=None) for log, kind in (("rekor1", "intoto"), ("rekor2", None)))
    raw = edited(first, lambda value: material(value)["tlogEntries"].append(material(json.loads(second))["tlogEntries"][0]))
    assert len(verify_dsse_bundle(raw, root=root(), keys=trusted(KEY)).log) == 2

    def one_ended(value: dict[str, Any]) -> None:
        value["tlogs"][1]["publicKey"]["validFor"]["end"] = "2044-01-01T00:00:00Z"

    refused(raw, TrustedTimeError, "nothing proves when", trusted_root=root_with(one_ended))


@pytest.mark.parametrize("kind", ["p384", "ed25519"])
def test_a_key_that_signs_no_such_digest_stands_in_no_other_ones_way(kind: str) -> None:
    other = getattr(SIGSTORE.seed, kind)("a key of another kind")
    digest = hashlib.sha256(MESSAGE).digest()
    raw = SIGSTORE.sign_message(MESSAGE, log="rekor1", keyed=True, leaf_key=KEY)
    for keys in ((other, KEY), (KEY, other)):
        assert verify_message_bundle(raw, root=root(), digest=digest, keys=trusted(*keys)).digest == digest
    with pytest.raises(EvidenceUnsupportedError, match="by this digest"):
        verify_message_bundle(raw, root=root(), digest=digest, keys=trusted(OTHER_KEY, other))
