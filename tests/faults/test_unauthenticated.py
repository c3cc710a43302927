"""What nobody authenticates never stands in a result as if it were proven, whatever it says."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from supplychain.artifact import EvidenceForm, Material
from supplychain.evidence import verify_envelope, verify_message
from supplychain.trust_root import parse_trust_root
from tests.faults.contents import as_intoto_1
from tests.faults.table import MESSAGE, SIGSTORE, drop, put
from tests.support.sigstore.transparency import b64

if TYPE_CHECKING:
    from supplychain.proof import ProvenEnvelope, ProvenMessage

ENTRY = ("verificationMaterial", "tlogEntries", 0)
ROOT = parse_trust_root(SIGSTORE.trusted_root(), name="virtual")
STATEMENT: dict[str, Any] = {"_type": "https://in-toto.io/Statement/v1", "subject": []}


def envelope(**plan: Any) -> ProvenEnvelope:
    data = SIGSTORE.sign_statement(STATEMENT, **plan)
    return verify_envelope(Material(form=EvidenceForm.BUNDLE, data=data, where="x"), root=ROOT)


def message(**plan: Any) -> ProvenMessage:
    data = SIGSTORE.sign_message(MESSAGE, **plan)
    return verify_message(Material(form=EvidenceForm.BUNDLE, data=data, where="x"), root=ROOT, message=MESSAGE)


@pytest.mark.parametrize("claimed", ["31337", "424242"])
def test_an_index_that_no_promise_signs_is_not_shown(claimed: str) -> None:
    unsigned = {"log": "rekor1", "promise": False, "tsa": SIGSTORE.tsa}
    proven = envelope(**unsigned, edit=put(*ENTRY, "logIndex", claimed))
    assert proven.log[0].index is None
    assert claimed not in repr(proven.log)


def test_a_time_that_no_promise_signs_is_not_shown() -> None:
    proven = envelope(log="rekor1", promise=False, tsa=SIGSTORE.tsa, edit=put(*ENTRY, "integratedTime", "1"))
    assert [time.at for time in proven.times] == [SIGSTORE.at]
    assert "1970" not in repr(proven)


def test_the_integrated_time_of_a_log_that_proves_none_is_not_shown() -> None:
    assert "1970" not in repr(envelope(edit=put(*ENTRY, "integratedTime", "1")))


def test_the_digest_shown_is_that_of_the_message_and_not_the_hint() -> None:
    with_hint, without = message(), message(edit=drop("messageSignature", "messageDigest"))
    assert (with_hint.algorithm, with_hint.digest) == (without.algorithm, without.digest)


def test_a_key_id_changes_nothing_and_is_not_shown() -> None:
    plain = envelope()
    named = envelope(edit=put("dsseEnvelope", "signatures", 0, "keyid", "release-key"))
    assert named == plain
    assert "release-key" not in repr(named)


def test_the_hash_of_the_envelope_in_an_entry_is_neither_checked_nor_shown() -> None:
    proven = envelope(log="rekor1", edit_body=put("spec", "envelopeHash", "value", "5" * 64))
    assert "5" * 64 not in repr(proven)


def test_an_entry_that_does_not_hold_the_signature_says_so() -> None:
    proven = envelope(log="rekor1", kind="intoto", edit_body=as_intoto_1)
    assert any("not the signature" in note for note in proven.notes)
    assert not any("not the signature" in note for note in envelope(log="rekor1", kind="intoto").notes)


def test_a_proof_that_nobody_signed_proves_nothing_and_says_so() -> None:
    oldest = {"log": "rekor1", "version": "0.1"}
    proven = envelope(**oldest, edit=drop(*ENTRY, "inclusionProof", "checkpoint"))
    assert proven.log[0].origin is None
    assert any("without checkpoint" in note for note in proven.notes)
    assert envelope(**oldest).log[0].origin is not None


def test_a_certificate_that_brings_no_trust_says_so() -> None:
    def with_root(value: dict[str, Any]) -> None:
        value["verificationMaterial"]["x509CertificateChain"]["certificates"].append({"rawBytes": b64(SIGSTORE.ca.chain[-1])})

    proven = envelope(log="rekor1", version="0.2", edit=with_root)
    assert any("self-signed certificate" in note for note in proven.notes)


def test_the_payload_that_counts_is_the_one_that_was_signed() -> None:
    assert json.loads(envelope().payload) == STATEMENT
