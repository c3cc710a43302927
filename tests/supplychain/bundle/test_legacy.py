"""Evidence from before the bundle: layers of `.sig` and `.att` objects, and envelopes joined with their log entry."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

import pytest

from supplychain.bundle import legacy_attestation, legacy_signature, logged_envelopes, prove_envelope, prove_message
from supplychain.dsse import parse_envelope
from supplychain.errors import (
    BundleInvalidError,
    EnvelopeInvalidError,
    EvidenceUnsupportedError,
    LogEntryError,
    SupplyChainError,
)
from supplychain.verification_key import parse_trusted_keys
from tests.supplychain.bundle.support import MESSAGE, OTHER, SIGSTORE, as_intoto_1, edited, entry, root, root_with, statement
from tests.support.sigstore.keys import public_key_pem
from tests.support.sigstore.legacy import bare_envelope, layer_annotations, served_entry

if TYPE_CHECKING:
    from supplychain.proof import ProvenEnvelope, ProvenMessage
    from supplychain.trust_root import TrustRoot

NOTE = "dev.sigstore.cosign/"
SIGNED = SIGSTORE.sign_message(MESSAGE, log="rekor1")
ATTESTED = statement(log="rekor1")


def prove_signature(notes: dict[str, str], *, trusted: TrustRoot | None = None, message: bytes = MESSAGE) -> ProvenMessage:
    return prove_message(legacy_signature(notes), root=trusted or root(), message=message)


def prove_attestation(data: bytes, notes: dict[str, str]) -> ProvenEnvelope:
    return prove_envelope(legacy_attestation(data, notes), root=root())


def refused(error: type[SupplyChainError], text: str, notes: dict[str, str]) -> None:
    with pytest.raises(error, match=text):
        prove_signature(notes)


def changed(name: str, value: str | None) -> dict[str, str]:
    notes = layer_annotations(SIGNED)
    notes[f"{NOTE}{name}"] = value or ""
    return notes


def test_a_layer_with_a_signed_entry_timestamp_is_proven() -> None:
    proven = prove_signature(layer_annotations(SIGNED, chain=SIGSTORE.ca.chain))
    assert proven.times[0].at == SIGSTORE.at
    assert proven.log[0].origin is None
    assert "self-signed certificate" in proven.notes[0]
    assert prove_signature(layer_annotations(SIGNED)).notes == ()


def test_a_layer_with_a_timestamp_beside_the_log_entry_is_proven_by_both() -> None:
    both = SIGSTORE.sign_message(MESSAGE, log="rekor1", tsa=SIGSTORE.tsa)
    assert len(prove_signature(layer_annotations(both)).times) == 2


def test_a_layer_with_a_timestamp_alone_needs_a_root_without_a_log_of_that_time() -> None:
    notes = layer_annotations(SIGSTORE.sign_message(MESSAGE, log="none"))
    assert prove_signature(notes, trusted=root_with(lambda value: value.update(tlogs=[]))).log == ()
    refused(LogEntryError, "no transparency log entry: expected one by log", notes)


@pytest.mark.parametrize(
    ("notes", "error", "text"),
    [
        (
            {**layer_annotations(SIGNED), "dev.cosignproject.cosign/signature": ""},
            BundleInvalidError,
            "signature` is missing or empty",
        ),
        ({**layer_annotations(SIGNED), "dev.cosignproject.cosign/signature": "%"}, BundleInvalidError, "base64"),
        (changed("certificate", None), EvidenceUnsupportedError, "signed by a key"),
        (
            changed("certificate", "-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----"),
            BundleInvalidError,
            "no readable",
        ),
        (layer_annotations(SIGNED, chain=SIGSTORE.ca.chain * 5), BundleInvalidError, "11 certificates, more than 8"),
        (changed("bundle", None), LogEntryError, "no transparency log entry"),
        (changed("bundle", "{"), BundleInvalidError, "no strict JSON"),
        (changed("bundle", "{}"), BundleInvalidError, "SignedEntryTimestamp` is missing"),
        (changed("rfc3161timestamp", "{}"), BundleInvalidError, "SignedRFC3161Timestamp` is missing"),
        (changed("rfc3161timestamp", '{"SignedRFC3161Timestamp": "AA==", "x": 1}'), BundleInvalidError, "unknown field `x`"),
    ],
)
def test_unusable_annotations_are_refused(notes: dict[str, str], error: type[SupplyChainError], text: str) -> None:
    refused(error, text, notes)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("Payload", "integratedTime"), 1),
        (("Payload", "logIndex"), 1),
        (("Payload", "body"), base64.b64encode(b'{"kind":"hashedrekord","apiVersion":"0.0.1"}').decode()),
        (("SignedEntryTimestamp",), base64.b64encode(b"x").decode()),
    ],
)
def test_a_changed_log_entry_is_refused(path: tuple[str, ...], value: Any) -> None:
    log = json.loads(layer_annotations(SIGNED)[f"{NOTE}bundle"])
    part = log
    for name in path[:-1]:
        part = part[name]
    part[path[-1]] = value
    refused(LogEntryError, "signed entry timestamp does not verify", changed("bundle", json.dumps(log)))


@pytest.mark.parametrize("place", ["", "Payload"])
def test_unknown_fields_in_a_log_entry_are_refused(place: str) -> None:
    log = json.loads(layer_annotations(SIGNED)[f"{NOTE}bundle"])
    (log[place] if place else log)["x"] = 1
    refused(BundleInvalidError, "unknown field `x`", changed("bundle", json.dumps(log)))


def test_annotations_copied_from_another_signature_are_refused() -> None:
    with pytest.raises(LogEntryError, match="about something else"):
        prove_signature(
            layer_annotations(SIGNED)
            | {f"{NOTE}bundle": layer_annotations(SIGSTORE.sign_message(b"other", log="rekor1"))[f"{NOTE}bundle"]}
        )
    with pytest.raises(BundleInvalidError, match="message's signature does not verify"):
        prove_signature(layer_annotations(SIGNED), message=b"another message")


def test_a_certificate_of_another_instance_is_refused() -> None:
    notes = layer_annotations(SIGSTORE.sign_message(MESSAGE, log="rekor1", ca=OTHER.ca), chain=OTHER.ca.chain)
    with pytest.raises(SupplyChainError, match="no authority of the trust root"):
        prove_signature(notes)


@pytest.mark.parametrize("edit", [None, as_intoto_1], ids=["intoto 0.0.2", "intoto 0.0.1"])
def test_an_attestation_layer_is_proven(edit: Any) -> None:
    raw = statement(log="rekor1", kind="intoto", edit_body=edit)
    proven = prove_attestation(bare_envelope(raw), layer_annotations(raw))
    assert bool(proven.notes) == (edit is not None)
    assert prove_attestation(bare_envelope(ATTESTED), layer_annotations(ATTESTED)).payload


def test_an_attestation_layer_with_another_payload_or_no_envelope_is_refused() -> None:
    other = SIGSTORE.sign_statement({"x": 1}, log="rekor1")
    with pytest.raises(EnvelopeInvalidError, match="does not verify"):
        prove_attestation(bare_envelope(other), layer_annotations(ATTESTED))
    with pytest.raises(EnvelopeInvalidError, match="not a readable"):
        prove_attestation(b"{}", layer_annotations(ATTESTED))
    with pytest.raises(BundleInvalidError, match="no readable evidence"):
        prove_attestation(bare_envelope(ATTESTED), layer_annotations(ATTESTED) | {f"{NOTE}bundle": "{"})


def join(raw: bytes, *documents: Any) -> ProvenEnvelope:
    files = [json.dumps(document).encode() for document in documents]
    [bundle] = logged_envelopes(parse_envelope(bare_envelope(raw)), files)
    return prove_envelope(bundle, root=root())


@pytest.mark.parametrize(
    "plan", [{}, {"kind": "intoto"}, {"kind": "intoto", "edit_body": as_intoto_1}], ids=["dsse", "intoto 0.0.2", "intoto 0.0.1"]
)
@pytest.mark.parametrize("proof", [True, False], ids=["with a proof", "with a promise alone"])
def test_a_bare_envelope_is_proven_by_its_log_entry(plan: dict[str, Any], proof: bool) -> None:
    raw = statement(log="rekor1", **plan)
    served = served_entry(raw if proof else edited(raw, lambda value: entry(value).pop("inclusionProof")))
    proven = join(raw, served)
    assert proven.times[0].at == SIGSTORE.at
    assert (proven.log[0].origin is not None) == proof
    assert join(raw, served_entry(SIGSTORE.sign_statement({"x": 1}, log="rekor1")), [served]).payload == proven.payload
    assert join(raw, entry(json.loads(raw))).payload == proven.payload


def test_a_bare_envelope_with_the_entry_of_another_one_is_refused() -> None:
    with pytest.raises(LogEntryError, match="none of the log entries") as caught:
        join(ATTESTED, served_entry(SIGSTORE.sign_statement({"x": 1}, log="rekor1")))
    assert caught.value.expected is not None


def test_a_signature_that_the_entry_is_not_about_is_refused() -> None:
    """Somebody else signed the same payload and logged it: that entry must not stand for this signature."""
    theirs = statement(log="rekor1", leaf_key=SIGSTORE.seed.p256("somebody else"))
    with pytest.raises(EnvelopeInvalidError, match="does not verify"):
        join(ATTESTED, served_entry(theirs))


def without_signatures(value: dict[str, Any]) -> None:
    value["spec"]["signatures"] = []


@pytest.mark.parametrize(
    ("document", "text"),
    [
        ("text", "is no object"),
        ({str(number): {} for number in range(65)}, "more than 64 log entries"),
        ({"id": {}}, "verification` is missing"),
        ({"id": {"verification": {}}}, "signedEntryTimestamp` is missing"),
        (served_entry(SIGNED), "hashedrekord/0.0.1`, which is about no envelope"),
        (served_entry(statement(log="rekor1", edit_body=without_signatures)), "signatures` is empty"),
    ],
)
def test_an_unusable_file_of_entries_is_refused(document: Any, text: str) -> None:
    with pytest.raises(LogEntryError, match=text):
        join(ATTESTED, document)


@pytest.mark.parametrize("kind", [None, "intoto"])
def test_a_key_may_have_signed_the_logged_envelope(kind: Any) -> None:
    key = SIGSTORE.seed.p256("a release key")
    raw = statement(log="rekor1", keyed=True, kind=kind, leaf_key=key)
    [bundle] = logged_envelopes(parse_envelope(bare_envelope(raw)), [json.dumps(served_entry(raw)).encode()])
    with pytest.raises(EvidenceUnsupportedError, match="no key is configured"):
        prove_envelope(bundle, root=root())
    assert prove_envelope(bundle, root=root(), keys=parse_trusted_keys(public_key_pem(key), name="given")).times


def without(*names: str) -> dict[str, str]:
    return {name: value for name, value in layer_annotations(SIGNED).items() if name not in names}


def test_an_annotation_that_is_absent_is_like_an_empty_one() -> None:
    refused(BundleInvalidError, "signature` is missing or empty", without("dev.cosignproject.cosign/signature"))
    refused(EvidenceUnsupportedError, "signed by a key", without(f"{NOTE}certificate", f"{NOTE}chain"))
    assert prove_signature(without(f"{NOTE}chain")).times


def test_as_many_certificates_as_the_limit_are_read() -> None:
    chain = (SIGSTORE.ca.chain * 4)[:7]
    assert prove_signature(layer_annotations(SIGNED, chain=chain)).times
    refused(BundleInvalidError, "9 certificates, more than 8", layer_annotations(SIGNED, chain=SIGSTORE.ca.chain * 4))


def test_what_was_no_bundle_has_no_bundle_version() -> None:
    assert legacy_signature(layer_annotations(SIGNED)).minor == 0
    [logged] = logged_envelopes(parse_envelope(bare_envelope(ATTESTED)), [json.dumps(served_entry(ATTESTED)).encode()])
    assert logged.minor == 0


def test_the_entry_may_stand_anywhere_among_as_many_as_the_limit() -> None:
    good, other = served_entry(ATTESTED), served_entry(SIGSTORE.sign_statement({"x": 1}, log="rekor1"))
    for document in ([good, other], [other, good], [other] * 63 + [good]):
        assert join(ATTESTED, document).times


def test_an_entry_in_the_form_of_bundles_may_have_a_promise_alone() -> None:
    document = json.loads(edited(ATTESTED, lambda value: entry(value).pop("inclusionProof")))
    assert join(ATTESTED, entry(document)).log[0].origin is None


@pytest.mark.parametrize("edit", [lambda proof: proof.pop("checkpoint"), lambda proof: proof.update(checkpoint="")])
def test_a_served_proof_without_checkpoint_is_noted(edit: Any) -> None:
    document = served_entry(ATTESTED)
    [one] = document.values()
    edit(one["verification"]["inclusionProof"])
    assert "without checkpoint" in join(ATTESTED, document).notes[0]


def no_certificate(value: dict[str, Any]) -> None:
    value["spec"]["signatures"][0]["verifier"] = base64.b64encode(b"-----BEGIN CERTIFICATE-----\nAAAA\n").decode()


@pytest.mark.parametrize(
    "stranger",
    [
        served_entry(SIGNED),
        served_entry(statement(log="rekor1", edit_body=without_signatures)),
        served_entry(statement(log="rekor1", edit_body=no_certificate)),
    ],
    ids=["about a message", "without signatures", "without a certificate"],
)
def test_an_entry_that_cannot_be_read_stands_in_no_other_ones_way(stranger: Any) -> None:
    assert join(ATTESTED, stranger, served_entry(ATTESTED)).times
    assert join(ATTESTED, [served_entry(ATTESTED), stranger]).times


def test_every_entry_about_the_payload_is_a_candidate_by_itself() -> None:
    theirs = statement(log="rekor1", leaf_key=SIGSTORE.seed.p256("somebody else"))
    files = [json.dumps([served_entry(theirs), served_entry(ATTESTED)]).encode(), json.dumps(served_entry(ATTESTED)).encode()]
    found = logged_envelopes(parse_envelope(bare_envelope(ATTESTED)), files)
    assert [len(bundle.entries) for bundle in found] == [1, 1, 1]
    assert found[0].certificates != found[1].certificates == found[2].certificates


def test_of_several_entries_that_cannot_be_read_the_first_is_reported() -> None:
    message, empty = served_entry(SIGNED), served_entry(statement(log="rekor1", edit_body=without_signatures))
    for document, text in (([message, empty], "which is about no envelope"), ([empty, message], "signatures` is empty")):
        with pytest.raises(LogEntryError, match=text):
            join(ATTESTED, document)
