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
from supplychain.rules.gateway_names import service_name_problem
from supplychain.rules.tenant import LABEL_VALUE

FOLDER = Path(__file__).resolve().parents[2] / "testdata/admission"
CASES = sorted(path.parent for path in FOLDER.glob("*/object.yaml"))
MODELS = {one.kind.name: one.spec for one in KINDS}
NAMES = {
    "MCPGGateway": lambda name: service_name_problem(name) is None,
    "MCPGTenant": lambda name: LABEL_VALUE.fullmatch(name) is not None,
}
"""The rules about an object's own name stand beside the models."""


def verdict(document):
    try:
        parse_spec(MODELS[document["kind"]], document.get("spec"), where="here")
    except InputError as error:
        field = str(error.where).removeprefix("here, field `").removesuffix("`")
        return {"verdict": "Refused", "reason": error.reason, "field": "spec" if field == "here" else field}
    if not NAMES.get(document["kind"], bool)(document["metadata"]["name"]):
        return {"verdict": "Refused", "reason": "InvalidManifest", "field": "metadata.name"}
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
    every = [*rules(structural(one.spec, path="spec")), *(rule["message"] for rule in one.names)]
    assert {rule for rule in every if not any(words in rule for words in said)} == set()
