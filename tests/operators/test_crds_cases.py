"""What the models say about each object in `testdata/admission`; a real API server is asked in `tests/e2e/test_crds.py`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from mcpg_operator.crds import KINDS
from mcpg_operator.crds.schema import structural
from supplychain.api import parse_spec
from supplychain.errors import InputError

FOLDER = Path(__file__).resolve().parents[2] / "testdata/admission"
CASES = sorted(path.parent for path in FOLDER.glob("*/object.yaml"))
MODELS = {one.kind.name: one.spec for one in KINDS}


def verdict(document):
    try:
        parse_spec(MODELS[document["kind"]], document.get("spec"), where="here")
    except InputError as error:
        field = str(error.where).removeprefix("here, field `").removesuffix("`")
        return {"verdict": "Refused", "reason": error.reason, "field": "spec" if field == "here" else field}
    return {"verdict": "Accepted"}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_model_judges_the_object_as_expected(case):
    expected = json.loads((case / "expected.json").read_text())
    assert verdict(yaml.safe_load((case / "object.yaml").read_text())) == expected["model"]


def test_every_kind_has_objects_of_both_verdicts():
    found = {(case.name.split("_")[0], case.name.rpartition("_")[2]) for case in CASES}
    assert found == {(kind.removeprefix("MCPG").lower(), word) for kind in MODELS for word in ("accepted", "refused")}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_where_the_two_differ_the_model_is_the_stricter_one_and_a_reason_is_given(case):
    expected = json.loads((case / "expected.json").read_text())
    schema, model = expected["schema"]["verdict"], expected["model"]["verdict"]
    assert ("difference" in expected) == (schema != model)
    assert (schema, model) != ("Refused", "Accepted")
    assert (case / "README.md").read_text().startswith("# MCPG")


def rules(node):
    """Every rule of a schema, with what is below it."""
    yield from (rule["message"] for rule in node.get("x-kubernetes-validations", ()))
    for below in (*node.get("properties", {}).values(), node.get("items"), node.get("additionalProperties")):
        if below:
            yield from rules(below)


@pytest.mark.parametrize("one", KINDS, ids=lambda one: one.kind.name)
def test_every_rule_of_the_schema_refuses_an_object(one):
    said = {
        json.loads((case / "expected.json").read_text())["schema"].get("message")
        for case in CASES
        if case.name.startswith(one.kind.name.removeprefix("MCPG").lower() + "_")
    } - {None}
    assert {rule for rule in rules(structural(one.spec, path="spec")) if not any(words in rule for words in said)} == set()
