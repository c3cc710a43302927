"""The published shape of what `lint --output json` prints; that the command keeps to it stands in `cli/test_lint.py`."""

import jsonschema
import pytest

from supplychain.output.lint_schema import SCHEMA_ID, lint_schema

PROBLEM = {
    "file": "a.yaml",
    "line": 1,
    "kind": None,
    "namespace": None,
    "name": None,
    "rule": "Schema",
    "severity": "Error",
    "family": "Spec",
    "field": None,
    "message": "m",
    "what": "m",
    "expected": None,
    "got": None,
    "hint": None,
}


def document(**more):
    generator = {"name": "supplychain", "version": "1"}
    return {"schema": SCHEMA_ID, "generator": generator, "exitCode": 1, "objects": 1, "problems": [{**PROBLEM, **more}]}


@pytest.fixture
def schema():
    jsonschema.Draft202012Validator.check_schema(lint_schema())
    return jsonschema.Draft202012Validator(lint_schema())


def test_a_report_fits(schema):
    schema.validate(document())


@pytest.mark.parametrize("more", [{"line": 0}, {"rule": "no word"}, {"severity": "Fatal"}, {"family": "?"}, {"more": 1}])
def test_what_is_never_written_does_not_fit(schema, more):
    with pytest.raises(jsonschema.ValidationError):
        schema.validate(document(**more))
