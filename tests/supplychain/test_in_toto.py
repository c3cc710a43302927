import base64
import json

import pytest

from supplychain.artifact import EvidenceForm, Material
from supplychain.errors import BundleInvalidError, EnvelopeInvalidError, StatementInvalidError
from supplychain.in_toto import (
    MAX_SUBJECTS,
    PAYLOAD_TYPE,
    STATEMENT_V0_1,
    STATEMENT_V1,
    Subject,
    claimed_envelope,
    parse_statement,
)
from tests.support.virtual_sigstore import VirtualSigstore, image_signature

GOOD = {
    "_type": STATEMENT_V1,
    "subject": [{"name": "a", "digest": {"sha256": "00" * 32}}],
    "predicateType": "https://example.com/x",
    "predicate": {"field": 1},
}


def parse(value, payload_type=PAYLOAD_TYPE):
    return parse_statement(payload_type, json.dumps(value).encode(), error=StatementInvalidError, where="here")


@pytest.mark.parametrize("version", [STATEMENT_V0_1, STATEMENT_V1])
def test_both_versions_are_read(version):
    statement = parse(GOOD | {"_type": version})
    assert statement.type == version
    assert statement.subjects == (Subject(name="a", digests={"sha256": "00" * 32}),)
    assert statement.predicate_type == "https://example.com/x"
    assert statement.predicate == {"field": 1}


def test_a_descriptor_may_have_more_fields_and_no_name():
    statement = parse(GOOD | {"subject": [{"digest": {"sha256": "x"}, "annotations": {"a": 1}, "uri": "u"}]})
    assert statement.subjects == (Subject(name="", digests={"sha256": "x"}),)


def test_the_predicate_may_be_absent():
    assert parse({name: value for name, value in GOOD.items() if name != "predicate"}).predicate == {}


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"_type": "https://in-toto.io/Statement/v2"}, id="another version"),
        pytest.param({"_type": None}, id="no version"),
        pytest.param({"extra": 1}, id="a fifth field"),
        pytest.param({"subject": []}, id="no subject"),
        pytest.param({"subject": {}}, id="a subject that is no list"),
        pytest.param({"subject": [1]}, id="a subject that is no object"),
        pytest.param({"subject": [{"name": "a"}]}, id="a subject without digest"),
        pytest.param({"subject": [{"name": "a", "digest": {}}]}, id="a subject without any digest"),
        pytest.param({"subject": [{"name": "a", "digest": {"sha256": 1}}]}, id="a digest that is no text"),
        pytest.param({"subject": [{"name": 1, "digest": {"sha256": "x"}}]}, id="a name that is no text"),
        pytest.param({"subject": [{"digest": {"a": "b"}}] * (MAX_SUBJECTS + 1)}, id="too many subjects"),
        pytest.param({"predicateType": None}, id="no predicate type"),
        pytest.param({"predicate": "x"}, id="a predicate that is no object"),
    ],
)
def test_what_breaks_the_specification_is_refused(change):
    with pytest.raises(StatementInvalidError, match="no in-toto statement") as caught:
        parse(GOOD | change)
    assert caught.value.where == "here"


def test_another_payload_type_is_refused():
    with pytest.raises(StatementInvalidError, match="text/plain"):
        parse(GOOD, payload_type="text/plain")


@pytest.mark.parametrize("payload", [b"", b"[]", b"{", b"\xff", b'{"_type":1,"_type":2}', b"[" * 100_000])
def test_what_is_no_json_object_is_refused(payload):
    with pytest.raises(StatementInvalidError):
        parse_statement(PAYLOAD_TYPE, payload, error=StatementInvalidError, where="here")


def test_the_envelope_of_a_bundle_is_found():
    bundle = VirtualSigstore().sign_statement(image_signature("00" * 32))
    envelope = claimed_envelope(Material(form=EvidenceForm.BUNDLE, data=bundle, where="x"))
    assert json.loads(envelope.payload) == image_signature("00" * 32)


@pytest.mark.parametrize("form", [EvidenceForm.ENVELOPE, EvidenceForm.LEGACY_ATTESTATION])
def test_a_bare_envelope_is_read(form):
    data = json.dumps({"payloadType": "t", "payload": base64.b64encode(b"p").decode(), "signatures": [{"sig": "AA=="}]}).encode()
    assert claimed_envelope(Material(form=form, data=data, where="x")).payload == b"p"


def test_a_bundle_over_a_bare_message_has_no_envelope():
    bundle = VirtualSigstore().sign_message(b"message")
    with pytest.raises(BundleInvalidError, match="signs no statement"):
        claimed_envelope(Material(form=EvidenceForm.BUNDLE, data=bundle, where="x"))


@pytest.mark.parametrize(
    ("form", "data", "error"),
    [
        (EvidenceForm.BUNDLE, b"", BundleInvalidError),
        (EvidenceForm.BUNDLE, b"[]", BundleInvalidError),
        (EvidenceForm.BUNDLE, b'{"dsseEnvelope": 1}', BundleInvalidError),
        (EvidenceForm.BUNDLE, b'{"dsseEnvelope": {}}', EnvelopeInvalidError),
        (EvidenceForm.ENVELOPE, b"x", EnvelopeInvalidError),
        (EvidenceForm.ENVELOPE, b"{}", EnvelopeInvalidError),
    ],
)
def test_malformed_evidence_is_refused(form, data, error):
    with pytest.raises(error):
        claimed_envelope(Material(form=form, data=data, where="x"))


def test_every_digest_of_a_subject_is_a_text():
    with pytest.raises(StatementInvalidError, match="names no digests"):
        parse(GOOD | {"subject": [{"name": "a", "digest": {"sha256": "x", "sha1": 1}}]})
