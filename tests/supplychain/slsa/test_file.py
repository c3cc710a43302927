import json

import pytest

from supplychain.artifact import EvidenceForm
from supplychain.errors import EvidenceLimitError, ProvenanceMissingError
from supplychain.limits import Limits
from supplychain.slsa import parse_provenance_file

BUNDLE = {"mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json", "verificationMaterial": {"x": [1]}, "dsseEnvelope": {}}
ENVELOPE = {"payloadType": "t", "payload": "cA==", "signatures": [{"sig": "AA=="}]}


def forms(data, **options):
    return [(one.form, one.where, one.data) for one in parse_provenance_file(data, where="file", **options)]


def line(value):
    return json.dumps(value).encode()


def test_one_line_is_one_statement():
    assert forms(line(BUNDLE) + b"\n") == [(EvidenceForm.BUNDLE, "file", line(BUNDLE))]
    assert forms(line(ENVELOPE)) == [(EvidenceForm.ENVELOPE, "file", line(ENVELOPE))]


def test_every_line_is_a_statement_and_blank_lines_are_none():
    data = b"\n".join([line(ENVELOPE), b"", b"  \r", line(BUNDLE), b"{broken", b""])
    assert forms(data) == [
        (EvidenceForm.ENVELOPE, "file line 1", line(ENVELOPE)),
        (EvidenceForm.BUNDLE, "file line 4", line(BUNDLE)),
        (EvidenceForm.ENVELOPE, "file line 5", b"{broken"),
    ]


@pytest.mark.parametrize("value", [BUNDLE, ENVELOPE])
def test_one_pretty_printed_document_is_one_statement(value):
    data = json.dumps(value, indent=2).encode() + b"\n"
    ((form, where, text),) = forms(data)
    assert where == "file"
    assert json.loads(text) == value
    assert form is (EvidenceForm.BUNDLE if "mediaType" in value else EvidenceForm.ENVELOPE)


def test_a_broken_document_is_not_taken_for_many_lines():
    data = json.dumps(BUNDLE, indent=2).encode()[:-1]
    assert len(forms(data)) == 1


def test_a_broken_first_line_does_not_hide_the_others():
    assert [where for _, where, _ in forms(b"{\n" + line(BUNDLE))] == ["file line 1", "file line 2"]
    assert [where for _, where, _ in forms(b"garbage\nmore")] == ["file line 1", "file line 2"]


@pytest.mark.parametrize("data", [b"", b"\n", b" \r\n\t\n"])
def test_an_empty_file_holds_no_provenance(data):
    with pytest.raises(ProvenanceMissingError, match="empty"):
        parse_provenance_file(data, where="file")


def test_lines_are_limited():
    data = b"\n".join([line(ENVELOPE)] * 64)
    assert len(forms(data)) == 64
    with pytest.raises(EvidenceLimitError, match="too many lines"):
        parse_provenance_file(data + b"\n" + line(ENVELOPE), where="file")


def test_the_size_is_limited():
    data = line(ENVELOPE)
    assert forms(data, limits=Limits(document=len(data)))
    with pytest.raises(EvidenceLimitError, match="too long"):
        parse_provenance_file(data, where="file", limits=Limits(document=len(data) - 1))


@pytest.mark.parametrize("data", [b"\xff\xfe", b"[]", b"1", b"null", b"[" * 10_000])
def test_anything_else_is_left_to_be_refused(data):
    ((form, _, _),) = forms(data)
    assert form is EvidenceForm.ENVELOPE


def test_one_line_that_is_no_json_is_one_statement():
    assert forms(b"garbage") == [(EvidenceForm.ENVELOPE, "file", b"garbage")]


def test_a_document_may_be_broken_into_lines_anywhere():
    data = line(ENVELOPE).replace(b", ", b",\n")
    assert forms(data) == [(EvidenceForm.ENVELOPE, "file", data)]


def test_log_entries_go_with_bare_envelopes():
    [envelope, bundle] = parse_provenance_file(line(ENVELOPE) + b"\n" + line(BUNDLE), where="file", log_entries=(b"x",))
    assert (envelope.log_entries, bundle.log_entries) == ((b"x",), ())
