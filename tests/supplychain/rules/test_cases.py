"""What the rules say about each object in `testdata/admission`."""

from __future__ import annotations

import importlib
import json
import re
from pathlib import Path

import pytest
import yaml

from supplychain.rules import RULES, Documents, Severity, Strictness, admit, check
from supplychain.rules.schema import MODELS
from tests.support.rules_world import PulledDocuments

room = importlib.import_module("supplychain.rules.check")
ROOT = Path(__file__).resolve().parents[3]
FOLDER = ROOT / "testdata/admission"
CASES = sorted(path.parent for path in (FOLDER / "rules").glob("*/object.yaml"))
ALONE = sorted(path.parent for path in FOLDER.glob("*/object.yaml"))
NAMES = [rule.name for rules in RULES.values() for rule in rules]
CROSS = {
    "plugin_version_that_differs_from_the_tag_accepted": ["VersionNotOfTag"],
    "plugin_version_with_v_and_build_accepted": ["VersionNotOfTag"],
}
"""Objects that a schema and its model take, and a rule refuses without any other object."""


def load(path):
    return json.loads(path.read_text()) if path.suffix == ".json" else list(yaml.safe_load_all(path.read_text()))


def given(case, name):
    path = case / name
    return load(path) if path.exists() else None


def arguments(case):
    world = PulledDocuments(given(case, "world.yaml") or (), descriptors=given(case, "descriptors.json") or {})
    old = given(case, "old.yaml")
    return {
        "old": old[0] if old else None,
        "world": world,
        "strictness": Strictness(**(given(case, "strictness.json") or {})),
    }


def said(problems):
    return [{"rule": one.rule, "field": one.field, "severity": one.severity.value} for one in problems]


def as_expected(case):
    (document,) = load(case / "object.yaml")
    return said(check(document, **arguments(case))) == load(case / "expected.json")["rules"]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_rules_say_exactly_what_is_expected(case):
    (document,) = load(case / "object.yaml")
    assert said(check(document, **arguments(case))) == load(case / "expected.json")["rules"]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_admission_decides_as_expected_and_says_everything(case):
    (document,) = load(case / "object.yaml")
    expected = load(case / "expected.json")
    ruling = admit(document, **arguments(case))
    assert (ruling.allowed, ruling.code) == (expected["verdict"] == "Admitted", expected["code"])
    assert sorted(map(str, said(ruling.denials) + said(ruling.warnings))) == sorted(map(str, expected["rules"]))
    assert case.name.rpartition("_")[2] == ("denied" if ruling.denials else "warned" if ruling.warnings else "admitted")


@pytest.mark.parametrize("name", NAMES)
def test_every_rule_has_a_case_in_which_it_speaks_and_one_in_which_it_is_silent(name):
    about = [load(case / "expected.json") for case in CASES if load(case / "expected.json")["about"] == name]
    spoke = {any(one["rule"] == name for one in expected["rules"]) for expected in about}
    assert spoke == {True, False}


@pytest.mark.parametrize("name", NAMES)
def test_without_a_rule_one_of_its_cases_fails(name, monkeypatch):
    about = [case for case in CASES if load(case / "expected.json")["about"] == name]
    assert all(map(as_expected, about))
    without = {kind: tuple(rule for rule in rules if rule.name != name) for kind, rules in RULES.items()}
    monkeypatch.setattr(room, "RULES", without)
    assert not all(map(as_expected, about))


def test_every_case_is_about_a_rule():
    assert {load(case / "expected.json")["about"] for case in CASES} == set(NAMES)


def test_rules_have_words_of_their_own_and_say_what_they_are_about():
    assert len(set(NAMES)) == len(NAMES)
    assert [name for name in NAMES if re.fullmatch(r"(?:[A-Z][a-z]+)+", name) is None] == []
    abouts = [rule.about for rules in RULES.values() for rule in rules]
    assert [about for about in abouts if not about.endswith(".")] == []


def test_what_a_rule_reads_is_a_field_of_its_kind():
    for kind, rules in RULES.items():
        fields = {field.alias for field in MODELS[kind].model_fields.values()}
        assert {name for rule in rules for name in rule.reads} <= fields


@pytest.mark.parametrize("case", ALONE, ids=lambda case: case.name)
def test_an_object_by_itself_is_refused_exactly_where_its_model_refuses_it(case):
    (document,) = load(case / "object.yaml")
    model = load(case / "expected.json")["model"]
    errors = [one for one in check(document, world=Documents([])) if one.severity is Severity.ERROR]
    if model["verdict"] == "Accepted":
        assert [one.rule for one in errors] == CROSS.get(case.name, [])
    else:
        assert model["field"] in [one.field for one in errors]
