import json
from datetime import UTC, datetime

import jsonschema
import pytest

from supplychain.output.json_report import SCHEMA_ID, render
from supplychain.output.judgement import Judgement
from supplychain.output.schema import report_schema
from supplychain.report import Layer, Verdict
from tests.supplychain.output.samples import TWICE, account, invalid, judgement, refused, result, unavailable

EVERY_KIND = [
    pytest.param(judgement(result(Layer.COSIGN, candidates=TWICE)), id="trusted"),
    pytest.param(refused(), id="refused"),
    pytest.param(unavailable(), id="unavailable"),
    pytest.param(invalid(), id="invalid"),
    pytest.param(Judgement.of_layer(result(Layer.SLSA), target="x", at=judgement().at, inputs={"a": True}), id="one layer"),
]


def document(*judgements, **more):
    return json.loads(render(account(*judgements, **more)))


def validator():
    schema = report_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema, format_checker=jsonschema.FormatChecker())


@pytest.mark.parametrize("one", EVERY_KIND)
def test_the_document_satisfies_its_published_schema(one):
    validator().validate(document(one, verdict=one.verdict, notes=("left aside",)))


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(lambda found: found.pop("verdict"), id="no verdict"),
        pytest.param(lambda found: found.update(verdict="Yes"), id="another verdict"),
        pytest.param(lambda found: found.update(exitCode=4), id="another exit code"),
        pytest.param(lambda found: found.update(extra=1), id="another key"),
        pytest.param(lambda found: found["reports"][0]["layers"][0].update(outcome="Maybe"), id="another outcome"),
        pytest.param(lambda found: found["reports"][0].update(at="2026-01-31 08:00"), id="another time"),
        pytest.param(lambda found: found["reports"][0]["inputs"].update(ratio=0.5), id="a number that is no integer"),
    ],
)
def test_the_schema_refuses_what_is_never_written(spoil):
    found = document(refused(), verdict=Verdict.REFUSED, exit_code=1)
    spoil(found)
    assert not validator().is_valid(found)


def test_the_document_names_its_schema_version_and_maker():
    found = document(judgement(), notes=("n",))
    assert list(found) == ["schema", "generator", "verdict", "exitCode", "reports", "notes", "extra"]
    assert found["schema"] == SCHEMA_ID
    assert found["generator"] == {"name": "supplychain", "version": "1"}
    assert found["notes"] == ["n"]


def test_every_fact_problem_and_candidate_is_carried_over():
    found = document(refused())["reports"][0]
    cosign = next(layer for layer in found["layers"] if layer["layer"] == "cosign")
    assert cosign["problem"] == {
        "reason": "IdentityMismatch",
        "message": "the signer is not trusted",
        "expected": "`^https://a$`",
        "got": "`https://b`",
        "where": "referrer 1",
        "hint": "check the workflow",
        "remedies": [
            {"change": "--source-tag v1", "effect": "another release", "weakens": False, "manifest": "spec: v1"},
            {"change": "--source-uri x", "effect": "another repository is trusted", "weakens": True, "manifest": None},
        ],
    }
    assert cosign["candidates"][0]["problem"]["reason"] == "IdentityMismatch"
    assert found["layers"][3]["facts"] == {"lists": [{"name": "cluster-default", "entries": 3}, "odd"]}
    assert found["at"] == "2026-01-31T08:00:00Z"


def test_equal_judgements_give_equal_bytes():
    one = render(account(refused()))
    two = render(account(refused()))
    assert one == two
    assert one.isascii()
    assert one.endswith("}\n")


def test_a_lone_surrogate_in_a_file_name_does_not_break_the_document():
    assert "\\udcff" in render(account(judgement(target="\udcff")))


def test_the_clock_of_the_report_is_utc():
    assert document(judgement())["reports"][0]["at"].endswith("Z")
    assert datetime.fromisoformat(document(judgement())["reports"][0]["at"]) == datetime(2026, 1, 31, 8, 0, tzinfo=UTC)
