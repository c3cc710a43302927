"""Every field of every kind, absent, null, of another type, too large and unknown: a problem at that very field, whatever else is wrong."""

from __future__ import annotations

import copy
from pathlib import Path

import pytest
import yaml

from mcpg_operator.crds import KINDS
from mcpg_operator.crds.schema import structural
from supplychain.api import problems_of

FOLDER = Path(__file__).resolve().parents[2] / "testdata/admission"
REASONS = {"InvalidManifest", "InvalidReference", "InvalidIdentityPattern"}
FREE = "x-kubernetes-preserve-unknown-fields"
OTHER = {"array": "x", "boolean": "yes", "integer": "1", "object": "x", "string": 1}
"""A value of another type."""


def fields(node, document, steps):
    """Every field that the document has, with where it stands and whether it must be there."""
    for name, below in node.get("properties", {}).items():
        if name in document:
            at = (*steps, name)
            yield at, below, name in node.get("required", ())
            yield from inside(below, document[name], at)


def inside(node, value, steps):
    if FREE in node:
        return
    if "items" in node:
        yield (*steps, 0), node["items"], False
        yield from inside(node["items"], value[0], (*steps, 0))
    elif "additionalProperties" in node:
        first = next(iter(value))
        yield (*steps, first), node["additionalProperties"], False
        yield from inside(node["additionalProperties"], value[first], (*steps, first))
    elif node.get("type") == "object":
        yield from fields(node, value, steps)


def written(steps):
    return "spec" + "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in steps)


CASES = []
for one in KINDS:
    schema = structural(one.spec, path="spec")
    file = FOLDER / f"{one.kind.name.removeprefix('MCPG').lower()}_every_field_accepted/object.yaml"
    full = yaml.safe_load(file.read_text())
    CASES += [(one, full, *case) for case in fields(schema, full["spec"], ())]
IDS = [f"{one.short_name}-{written(steps)}" for one, _, steps, *_ in CASES]


def told(one, full, steps, value):
    """The problems of the document with one value replaced; dots take the field away."""
    document = copy.deepcopy(full)
    place = document["spec"]
    for step in steps[:-1]:
        place = place[step]
    if value is ...:
        del place[steps[-1]]
    else:
        place[steps[-1]] = value
    found = problems_of(document, one.spec)
    for problem in found:
        text = " ".join(part for part in (problem.path, problem.what, problem.expected, problem.got, problem.hint) if part)
        assert problem.reason in REASONS
        assert len(text) < 1500, text
        assert text.isprintable(), text
    return {problem.path for problem in found}


def test_the_fullest_documents_have_all_fields():
    """But for what contradicts something else in them."""
    seen = {f"{one.short_name} {written(steps)}" for one, _, steps, *_ in CASES}
    for one in KINDS:
        missing = {path for path in paths(structural(one.spec, path="spec"), "spec") if f"{one.short_name} {path}" not in seen}
        assert {path for path in missing if not path.startswith(CONTRADICTORY)} == set(), one.kind.name


CONTRADICTORY = (
    "spec.workloadIdentity.", "spec.podDisruptionBudget.maxUnavailable", "spec.autoscaling.metrics[0].", "spec.image",
)  # fmt: skip


def paths(node, path):
    if FREE in node:
        return
    for name, below in node.get("properties", {}).items():
        yield f"{path}.{name}"
        yield from paths(below, f"{path}.{name}")
    if "items" in node:
        yield from paths(node["items"], f"{path}[0]")


@pytest.mark.parametrize(("one", "full", "steps", "node", "required"), CASES, ids=IDS)
def test_a_bad_value_is_told_at_its_field(one, full, steps, node, required):
    at = written(steps)
    assert at in told(one, full, steps, None)
    other = [] if node.get("x-kubernetes-int-or-string") else OTHER[node["type"]]
    assert at in told(one, full, steps, other)
    if required:
        assert at in told(one, full, steps, ...)


@pytest.mark.parametrize(("one", "full", "steps", "node", "required"), CASES, ids=IDS)
def test_a_value_beyond_its_bound_is_told_at_its_field(one, full, steps, node, required):
    at = written(steps)
    if "maxLength" in node:
        assert at in told(one, full, steps, "a" * (node["maxLength"] + 1))
    if "enum" in node:
        assert at in told(one, full, steps, "no-such-word")
    if "maximum" in node:
        assert at in told(one, full, steps, node["maximum"] + 1)
        assert at in told(one, full, steps, node["minimum"] - 1)
    place = full["spec"]
    for step in steps:
        place = place[step]
    if "maxItems" in node:
        assert at in told(one, full, steps, [place[0]] * (node["maxItems"] + 1))
    if "maxProperties" in node:
        some = next(iter(place.values()))
        assert at in told(one, full, steps, {f"dev.acme.x{number}": some for number in range(node["maxProperties"] + 1)})
    if "properties" in node and FREE not in node:
        assert f"{at}.misspelt" in told(one, full, steps, {**place, "misspelt": 1})
