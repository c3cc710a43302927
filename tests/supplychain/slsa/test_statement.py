import json
import subprocess
import sys

import pytest

from supplychain.errors import StatementInvalidError, SubjectMismatchError
from supplychain.in_toto import PAYLOAD_TYPE
from supplychain.slsa.statement import check_subject, cross_check, is_provenance, read_statement
from tests.support.virtual_sigstore import github_provenance, image_signature, slsa_provenance

HASH, OTHER = "ab" * 32, "cd" * 32
LONG = "ef" * 64


def encode(statement):
    payload = json.dumps(statement).encode()
    return read_statement(PAYLOAD_TYPE, payload, where="here"), payload


def about(*digests):
    return encode(slsa_provenance(HASH) | {"subject": [{"name": f"file {n}", "digest": one} for n, one in enumerate(digests)]})[0]


def test_a_payload_that_is_no_statement_is_refused():
    with pytest.raises(StatementInvalidError):
        read_statement(PAYLOAD_TYPE, b"{}", where="here")


def test_provenance_is_told_from_other_attestations():
    assert is_provenance(encode(slsa_provenance(HASH))[0])
    assert is_provenance(encode(github_provenance(HASH))[0])
    assert not is_provenance(encode(image_signature(HASH))[0])


@pytest.mark.parametrize("position", [0, 1, 2])
def test_any_subject_may_be_the_artifact(position):
    digests = [{"sha256": OTHER}] * 3
    digests[position] = {"sha256": HASH}
    assert check_subject(about(*digests), digests={"sha256": HASH}, where="here") == f"file {position}"


def test_a_stronger_digest_counts_where_the_caller_knows_it():
    statement = about({"sha512": LONG})
    assert check_subject(statement, digests={"sha256": HASH, "sha512": LONG}, where="here") == "file 0"
    with pytest.raises(SubjectMismatchError):
        check_subject(statement, digests={"sha256": HASH}, where="here")


@pytest.mark.parametrize(
    "digest",
    [
        {"sha256": OTHER},
        {"sha256": HASH.upper()},
        {"sha256": HASH[:-1]},
        {"sha1": HASH},
        {"SHA256": HASH},
        {"sha256": HASH, "sha512": "00" * 64},
        {"sha256": OTHER, "sha512": LONG},
    ],
)
def test_another_artifact_is_refused(digest):
    with pytest.raises(SubjectMismatchError) as caught:
        check_subject(about(digest), digests={"sha256": HASH, "sha512": LONG}, where="here")
    assert caught.value.expected == f"`sha256:{HASH}`"
    assert caught.value.where == "here"


def test_the_second_opinion_validates_and_does_not_only_parse(monkeypatch):
    def refuse(_statement):
        raise ValueError("not valid")

    monkeypatch.setattr("in_toto_attestation.v1.statement.Statement.validate", refuse)
    with pytest.raises(StatementInvalidError, match="in-toto-attestation does not take"):
        cross_check(*encode(github_provenance(HASH)), where="here")


def test_one_other_subject_is_not_said_to_be_several():
    with pytest.raises(SubjectMismatchError) as caught:
        check_subject(about({"sha256": OTHER}), digests={"sha256": HASH}, where="here")
    assert caught.value.got == f"`sha256:{OTHER}`"


def test_how_many_others_there_are_is_said():
    with pytest.raises(SubjectMismatchError, match="and 2 more"):
        check_subject(about(*[{"sha256": OTHER}] * 3), digests={"sha256": HASH}, where="here")


def test_the_second_opinion_takes_good_provenance():
    assert cross_check(*encode(github_provenance(HASH)), where="here")


@pytest.mark.parametrize(
    "statement",
    [slsa_provenance(HASH), image_signature(HASH), github_provenance(HASH) | {"_type": "https://in-toto.io/Statement/v0.1"}],
)
def test_the_second_opinion_knows_what_it_cannot_judge(statement):
    assert not cross_check(*encode(statement), where="here")


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"predicate": {"buildDefinition": 1}}, id="a predicate of another shape"),
        pytest.param({"predicate": {"runDetails": {"builder": {"id": 7}}}}, id="a builder that is no text"),
        pytest.param({"predicate": {}}, id="no predicate"),
    ],
)
def test_the_second_opinion_refuses_by_itself(change):
    with pytest.raises(StatementInvalidError, match="in-toto-attestation does not take"):
        cross_check(*encode(github_provenance(HASH) | change), where="here")


@pytest.mark.parametrize(
    ("other", "what"),
    [
        (github_provenance(OTHER), "other subjects"),
        (github_provenance(HASH, builder="https://github.com/a/b/.github/workflows/c.yml@d"), "another builder"),
    ],
)
def test_both_readers_must_have_read_the_same(other, what):
    statement, _ = encode(github_provenance(HASH))
    _, payload = encode(other)
    with pytest.raises(StatementInvalidError, match=what):
        cross_check(statement, payload, where="here")


def test_nobody_pays_for_protobuf_before_it_is_asked():
    code = (
        "import sys, supplychain.slsa; sys.exit(any(name.split('.')[0] in ('google', 'pydantic', 're2') for name in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_one_more_subject_is_counted():
    with pytest.raises(SubjectMismatchError) as caught:
        check_subject(about({"sha256": OTHER}, {"sha256": OTHER}), digests={"sha256": HASH}, where="here")
    assert caught.value.got == f"`sha256:{OTHER}` and 1 more"


@pytest.mark.parametrize("place", ["subject", "predicate"])
def test_the_second_opinion_allows_unknown_fields_where_the_specification_does(place):
    document = github_provenance(HASH)
    (document["subject"][0] if place == "subject" else document["predicate"])["new"] = 1
    assert cross_check(*encode(document), where="here")
