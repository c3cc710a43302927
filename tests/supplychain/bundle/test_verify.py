"""Honest bundles of every form are accepted, and what was signed is what comes back."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import Any

import pytest

from supplychain.bundle import parse_bundle, prove_envelope, prove_message, prove_unlogged_envelope, verify_message_bundle
from supplychain.errors import (
    BundleInvalidError,
    CertificateError,
    EnvelopeInvalidError,
    EvidenceUnsupportedError,
)
from tests.supplychain.bundle.support import (
    AT,
    MESSAGE,
    OTHER,
    SECOND,
    SIGSTORE,
    STATEMENT,
    accept,
    as_intoto_1,
    edited,
    entry,
    material,
    refuse,
    root,
    root_with,
    statement,
)
from tests.support.sigstore.keys import Seed, spki
from tests.support.sigstore.transparency import b64
from tests.support.virtual_sigstore import github_identity


@pytest.mark.parametrize("version", ["0.1", "0.2", "0.3"])
def test_a_statement_in_a_rekor_v1_log_is_accepted_in_every_bundle_version(version: str) -> None:
    proven = accept(statement(log="rekor1", version=version))
    assert json.loads(proven.payload) == STATEMENT
    assert proven.payload_type == "application/vnd.in-toto+json"
    assert proven.signer.subject == github_identity().subject
    assert [(time.at, time.source) for time in proven.times] == [(AT, "log rekor.sigstore.example")]
    assert proven.log[0].kind == "dsse/0.0.1"
    assert proven.log[0].index is not None
    assert proven.judged_by == ("supplychain",)
    assert proven.notes == ()


@pytest.mark.parametrize("version", ["0.2", "0.3"])
def test_a_statement_in_a_rekor_v2_log_is_accepted(version: str) -> None:
    proven = accept(statement(version=version))
    assert proven.times[0].source == "timestamp-authority https://tsa.sigstore.example/api/v1/timestamp"
    assert (proven.log[0].kind, proven.log[0].origin) == ("hashedrekord/0.0.2", "log2025-1.rekor.sigstore.example")
    assert proven.log[0].log_id == SIGSTORE.rekor2.log_id.hex()
    assert proven.log[0].index is not None


def test_an_older_intoto_entry_is_accepted() -> None:
    assert accept(statement(log="rekor1", kind="intoto")).log[0].kind == "intoto/0.0.2"


def test_the_oldest_intoto_entry_is_accepted_with_a_note_on_what_it_does_not_bind() -> None:
    proven = accept(statement(log="rekor1", kind="intoto", edit_body=as_intoto_1))
    assert "not the signature" in proven.notes[0]


def test_a_signature_with_promise_and_timestamp_proves_two_times() -> None:
    proven = accept(statement(log="rekor1", tsa=SIGSTORE.tsa, timestamp_at=AT + SECOND))
    assert [time.at for time in proven.times] == [AT, AT + SECOND]


def test_a_promise_alone_is_enough_in_version_0_1() -> None:
    proven = accept(statement(log="rekor1", version="0.1", proof=False))
    assert proven.log[0].origin is None


def test_a_proof_without_checkpoint_is_noted_in_version_0_1() -> None:
    raw = edited(statement(log="rekor1", version="0.1"), lambda value: entry(value)["inclusionProof"].pop("checkpoint"))
    proven = accept(raw)
    assert "without checkpoint" in proven.notes[0]
    assert proven.log[0].origin is None


def test_the_index_of_a_rekor_v1_entry_without_promise_is_not_reported() -> None:
    assert accept(statement(log="rekor1", tsa=SIGSTORE.tsa, promise=False)).log[0].index is None


def test_two_entries_are_accepted_where_both_verify() -> None:
    assert len(accept(statement(log="rekor1", entries=2)).log) == 2


def test_a_single_entry_tree_has_an_empty_proof_and_index_zero_may_be_left_out() -> None:
    def without_zeros(value: dict[str, Any]) -> None:
        assert entry(value).pop("logIndex") == "0"
        assert entry(value)["inclusionProof"].pop("logIndex") == "0"
        assert entry(value)["inclusionProof"].pop("hashes") == []

    accept(statement(tree_size=1, edit=without_zeros))


@pytest.mark.parametrize("kind", ["p384", "p521", "ed25519"])
def test_other_leaf_keys_are_accepted(kind: str) -> None:
    proven = accept(statement(leaf_key=getattr(Seed(b"x"), kind)("leaf"), log="rekor1"))
    assert proven.signer.issuer


def test_an_envelope_signed_with_sha256_by_a_p384_key_is_accepted() -> None:
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec

    from supplychain.dsse import pre_authentication_encoding

    key = Seed(b"x").p384("leaf")
    payload = json.dumps(STATEMENT, separators=(",", ":")).encode()
    signed = pre_authentication_encoding("application/vnd.in-toto+json", payload)
    raw = statement(leaf_key=key, log="rekor1", edit_signature=lambda _: key.sign(signed, ec.ECDSA(hashes.SHA256())))
    assert accept(raw).payload == payload


def test_a_root_that_names_no_logs_asks_for_none() -> None:
    def without_logs(value: dict[str, Any]) -> None:
        value.update(tlogs=[], ctlogs=[])

    proven = accept(statement(log="none", scts=0), trusted=root_with(without_logs))
    assert proven.log == ()


def test_a_root_certificate_in_the_chain_adds_no_trust_and_is_noted() -> None:
    def with_root(value: dict[str, Any]) -> None:
        material(value)["x509CertificateChain"]["certificates"].append({"rawBytes": b64(SIGSTORE.ca.chain[-1])})

    assert "self-signed" in accept(statement(version="0.2", edit=with_root)).notes[0]
    own = statement(version="0.2", ca=OTHER.ca, edit=with_root)
    refuse(own, CertificateError, "no authority of the trust root issued")


def test_an_intermediate_in_the_bundle_bridges_to_the_root() -> None:
    def only_anchor(value: dict[str, Any]) -> None:
        value["certificateAuthorities"][0]["certChain"]["certificates"].pop(0)

    accept(statement(version="0.2"), trusted=root_with(only_anchor))
    refuse(statement(), CertificateError, "no authority of the trust root issued", trusted=root_with(only_anchor))


def test_the_authority_may_be_any_of_several() -> None:
    def two(value: dict[str, Any]) -> None:
        theirs = json.loads(OTHER.trusted_root())["certificateAuthorities"]
        value["certificateAuthorities"] = theirs + value["certificateAuthorities"]

    accept(statement(), trusted=root_with(two))


@pytest.mark.parametrize("log", ["rekor1", "rekor2"])
def test_a_message_is_accepted_by_itself_and_by_its_digest(log: Any) -> None:
    raw = SIGSTORE.sign_message(MESSAGE, log=log)
    digest = hashlib.sha256(MESSAGE).digest()
    for proven in (
        verify_message_bundle(raw, root=root(), message=MESSAGE),
        verify_message_bundle(raw, root=root(), digest=digest),
    ):
        assert (proven.algorithm, proven.digest) == ("sha256", digest)


def test_a_message_is_accepted_without_the_digest_beside_it() -> None:
    raw = SIGSTORE.sign_message(MESSAGE, edit=lambda value: value["messageSignature"].pop("messageDigest"))
    verify_message_bundle(raw, root=root(), message=MESSAGE)


def test_a_message_signed_with_a_larger_hash_needs_the_message_itself() -> None:
    raw = SIGSTORE.sign_message(MESSAGE, leaf_key=Seed(b"x").p384("leaf"))
    assert verify_message_bundle(raw, root=root(), message=MESSAGE).algorithm == "sha384"
    with pytest.raises(EvidenceUnsupportedError, match="cannot be checked by this digest"):
        verify_message_bundle(raw, root=root(), digest=hashlib.sha256(MESSAGE).digest())


def test_a_message_signed_with_ed25519_needs_the_message_itself() -> None:
    raw = SIGSTORE.sign_message(MESSAGE, leaf_key=Seed(b"x").ed25519("leaf"), log="rekor1")
    assert verify_message_bundle(raw, root=root(), message=MESSAGE).algorithm == "sha512"
    with pytest.raises(EvidenceUnsupportedError, match="cannot be checked by this digest"):
        verify_message_bundle(raw, root=root(), digest=hashlib.sha256(MESSAGE).digest())


def test_a_message_signed_with_rsa_is_accepted_by_digest() -> None:
    from cryptography.hazmat.primitives.asymmetric import rsa

    raw = SIGSTORE.sign_message(MESSAGE, leaf_key=rsa.generate_private_key(65537, 2048))
    digest = hashlib.sha256(MESSAGE).digest()
    assert verify_message_bundle(raw, root=root(), digest=digest).digest == digest
    with pytest.raises(BundleInvalidError, match="digest of another message"):
        verify_message_bundle(raw, root=root(), digest=bytes(32))


def test_exactly_one_of_message_and_digest_is_given() -> None:
    with pytest.raises(BundleInvalidError, match="cannot be judged"):
        verify_message_bundle(SIGSTORE.sign_message(MESSAGE), root=root())


def test_a_bundle_of_the_other_content_is_refused() -> None:
    refuse(SIGSTORE.sign_message(MESSAGE), BundleInvalidError, "the bundle signs a message")
    with pytest.raises(BundleInvalidError, match="holds a DSSE envelope"):
        verify_message_bundle(statement(), root=root(), message=MESSAGE)


def test_an_envelope_with_two_signatures_is_refused() -> None:
    refuse(statement(envelope_signatures=lambda one: one * 2), EnvelopeInvalidError, "expected 1, got 2")


def test_a_signature_over_another_payload_is_refused_even_where_no_log_binds_it() -> None:
    trusted = root_with(lambda value: value.update(tlogs=[]))
    raw = statement(log="none", signed_message=b"another")
    refuse(raw, EnvelopeInvalidError, "does not verify under the signer's key", trusted=trusted)


@pytest.mark.parametrize("kind", ["p384", "p521", "ed25519"])
def test_a_signature_over_another_payload_by_another_kind_of_key_is_refused(kind: str) -> None:
    raw = statement(leaf_key=getattr(Seed(b"x"), kind)("leaf"), log="rekor1", signed_message=b"another")
    refuse(raw, EnvelopeInvalidError, "does not verify under the signer's key")


def test_a_signature_by_another_key_than_the_certificates_is_refused() -> None:
    raw = statement(certificate_public_key=spki(Seed(b"x").p256("another")))
    refuse(raw, EnvelopeInvalidError, "does not verify under the signer's key")


def test_a_signature_over_another_message_is_refused() -> None:
    raw = SIGSTORE.sign_message(MESSAGE, signed_message=b"another")
    with pytest.raises(BundleInvalidError, match="message's signature does not verify"):
        verify_message_bundle(raw, root=root(), message=MESSAGE)
    with pytest.raises(BundleInvalidError, match="message's signature does not verify"):
        verify_message_bundle(
            SIGSTORE.sign_message(MESSAGE, signed_message=b"another", leaf_key=Seed(b"x").ed25519("leaf"), log="rekor1"),
            root=root(),
            message=MESSAGE,
        )


def test_a_digest_beside_the_signature_that_lies_is_refused() -> None:
    def lie(value: dict[str, Any]) -> None:
        value["messageSignature"]["messageDigest"]["digest"] = b64(bytes(32))

    with pytest.raises(BundleInvalidError, match="digest of another message"):
        verify_message_bundle(SIGSTORE.sign_message(MESSAGE, edit=lie), root=root(), message=MESSAGE)


def test_the_signing_certificate_is_named_by_its_hash() -> None:
    raw = statement()
    certificate = base64.b64decode(material(json.loads(raw))["certificate"]["rawBytes"])
    assert accept(raw).certificate_sha256 == hashlib.sha256(certificate).hexdigest()


@pytest.mark.parametrize("place", ["parse_bundle", "prove_transparency"])
def test_whatever_a_library_raises_is_a_refusal(monkeypatch: pytest.MonkeyPatch, place: str) -> None:
    message = SIGSTORE.sign_message(MESSAGE)
    envelope, signed = parse_bundle(statement()), parse_bundle(message)

    def broken(*_arguments: Any, **_options: Any) -> Any:
        raise RuntimeError("of a library")

    monkeypatch.setattr(f"supplychain.bundle.verify.{place}", broken)
    refuse(statement(), BundleInvalidError, "cannot be judged")
    with pytest.raises(BundleInvalidError, match="cannot be judged"):
        verify_message_bundle(message, root=root(), message=MESSAGE)
    if place != "parse_bundle":
        with pytest.raises(BundleInvalidError, match="the evidence cannot be judged"):
            prove_envelope(envelope, root=root())
        with pytest.raises(BundleInvalidError, match="the evidence cannot be judged"):
            prove_message(signed, root=root(), message=MESSAGE)


def test_whatever_a_library_raises_is_a_refusal_of_a_bare_envelope(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_arguments: Any, **_options: Any) -> Any:
        raise RuntimeError("of a library")

    envelope = parse_bundle(statement()).envelope
    assert envelope is not None
    monkeypatch.setattr("supplychain.bundle.verify.EnvelopeContent", broken)
    with pytest.raises(EnvelopeInvalidError, match="the envelope cannot be judged"):
        prove_unlogged_envelope(envelope, keys=())
