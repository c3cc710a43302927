"""Verification summaries: what others read in them, and what makes one count."""

import base64
import json

import pytest
from google.protobuf import json_format
from in_toto_attestation.predicates.vsa.v1 import vsa_pb2
from in_toto_attestation.v1 import statement_pb2
from in_toto_attestation.v1.statement import Statement as OtherReader

from supplychain.carry.plugin_bundle.summary import PREDICATE_TYPE, Summary, build_level, read_claim, sign_summary, verify_summary
from supplychain.dsse import pre_authentication_encoding
from supplychain.ed25519 import parse_keys
from supplychain.errors import EnvelopeInvalidError, SummaryMismatchError, SummaryMissingError
from supplychain.in_toto import PAYLOAD_TYPE
from supplychain.report import Layer, LayerResult, Outcome, VerificationReport
from tests.support.builders import public_key, sign
from tests.support.bundling import VERIFIER, VERIFIER_SEED, signer, verifier_public
from tests.support.scenario import AT

KEYS = parse_keys(verifier_public(), name="verifier.pub")
SUMMARY = Summary(
    verifier=VERIFIER,
    verified_at=AT,
    resource="oci://ghcr.io/acme/echo:1.2.3",
    subjects={"a" * 64: "ghcr.io/acme/echo", "b" * 64: "child"},
    policy_uri="https://mcpg.dev/supplychain/bundle/terms/v1",
    policy="c" * 64,
    inputs=frozenset({"d" * 64, "e" * 64}),
    levels=("SLSA_BUILD_LEVEL_2",),
)


def envelope(statement, *, seed=VERIFIER_SEED, payload_type=PAYLOAD_TYPE):
    payload = statement if isinstance(statement, bytes) else json.dumps(statement).encode()
    signature = sign(pre_authentication_encoding(payload_type, payload), seed=seed)
    return json.dumps(
        {
            "payload": base64.b64encode(payload).decode(),
            "payloadType": payload_type,
            "signatures": [{"keyid": "anything", "sig": base64.b64encode(signature).decode()}],
        }
    ).encode()


def statement(**predicate):
    document = json.loads(SUMMARY.render())
    document["predicate"] |= predicate
    return document


def judge(data, *, verifier=VERIFIER, keys=KEYS):
    return verify_summary(data, keys=keys, verifier=verifier, where="here")


def test_what_is_signed_is_read_again():
    proven = judge(sign_summary(SUMMARY, private_key=signer().private_key))
    assert proven.summary == SUMMARY
    assert proven.key == KEYS[0]


def test_the_library_of_in_toto_reads_the_statement_too():
    read = json_format.Parse(SUMMARY.render(), statement_pb2.Statement())
    OtherReader.copy_from_pb(read).validate()
    assert read.predicate_type == PREDICATE_TYPE
    predicate = json_format.MessageToDict(read.predicate)
    known = {field.json_name for field in vsa_pb2.VerificationSummary.DESCRIPTOR.fields}
    assert set(predicate) <= known
    assert predicate["verificationResult"] == "PASSED"
    assert {"sha256": "a" * 64} in [dict(one.digest) for one in read.subject]


def test_a_signature_of_somebody_else_counts_for_nothing():
    stranger = envelope(statement(), seed=bytes(32))
    with pytest.raises(SummaryMissingError) as caught:
        judge(stranger)
    assert "anything" in str(caught.value)
    own = parse_keys(public_key(seed=bytes(32)), name="stranger")
    assert judge(stranger, keys=own).key == own[0]


def test_one_good_signature_of_several_is_enough():
    data = json.loads(envelope(statement()))
    strange = json.loads(envelope(statement(), seed=bytes(32)))["signatures"]
    assert judge(json.dumps({**data, "signatures": strange + data["signatures"]}).encode()).summary == SUMMARY


@pytest.mark.parametrize("data", [b"", b"{}", b"no json"])
def test_what_is_no_envelope_is_none(data):
    with pytest.raises(EnvelopeInvalidError):
        judge(data)


def test_fields_that_the_specification_does_not_name_are_ignored_in_the_predicate_alone():
    assert judge(envelope(statement(extra=1, dependencyLevels={}))).summary == SUMMARY
    with pytest.raises(SummaryMismatchError):
        judge(envelope({**statement(), "extra": 1}))


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (statement(verificationResult="FAILED"), "its result is `FAILED`"),
        (statement(verifiedLevels=[]), "names no level"),
        (statement(verifiedLevels=["FAILED"]), "names no level"),
        (statement(verifiedLevels=[1]), "names no level"),
        (statement(timeVerified="yesterday"), "no UTC time"),
        (statement(policy={"uri": "x"}), "digest"),
        (statement(policy={"uri": "x", "digest": {"sha512": "a"}}), "names no SHA-256"),
        (statement(inputAttestations=[{"uri": "x"}]), "digest"),
        (statement(verifier=None), "verifier"),
        ({**statement(), "predicateType": "https://slsa.dev/verification_summary/v0.2"}, "its type is"),
        ({**statement(), "_type": "https://in-toto.io/Statement/v0.1"}, "its type is"),
        ({**statement(), "subject": []}, "empty"),
        ({**statement(), "subject": [{"name": "x", "digest": {"sha1": "a"}}]}, "names no SHA-256"),
        (b"no json", "strict JSON"),
    ],
)
def test_what_a_trusted_key_signed_and_is_no_summary_is_a_mismatch(wrong, said):
    with pytest.raises(SummaryMismatchError) as caught:
        judge(envelope(wrong))
    assert said in str(caught.value)


def test_another_payload_type_is_a_mismatch():
    with pytest.raises(SummaryMismatchError):
        judge(envelope(statement(), payload_type="text/plain"))


def test_key_and_verifier_count_as_a_pair():
    with pytest.raises(SummaryMismatchError, match="another verifier"):
        judge(envelope(statement()), verifier="https://somebody.example")


def test_a_claim_can_be_read_without_believing_it():
    assert read_claim(envelope(statement(), seed=bytes(32))) == (SUMMARY, ("anything",))


@pytest.mark.parametrize(
    ("outcome", "facts", "level"),
    [
        (Outcome.PASSED, {"certificateSha256": "x"}, 2),
        (Outcome.PASSED, {"certificateSha256": None}, 1),
        (Outcome.PASSED, {}, 1),
        (Outcome.NOT_CONFIGURED, {}, 0),
    ],
)
def test_no_more_than_was_proved_is_claimed(outcome, facts, level):
    report = VerificationReport(target="x", at=AT, layers=(LayerResult(layer=Layer.SLSA, outcome=outcome, facts=facts),))
    assert build_level(report) == f"SLSA_BUILD_LEVEL_{level}"
