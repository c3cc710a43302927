"""JUnit: accepted by the schema of Jenkins' xUnit plugin, and read back by a parser."""

from xml.etree import ElementTree as ET

import pytest
import xmlschema

from supplychain.output.junit import render, render_lint
from supplychain.report import Layer, Outcome, Problem, Verdict
from tests.supplychain.output.samples import (
    EVIL,
    FINE,
    WARNING,
    account,
    flaw,
    hostile,
    invalid,
    judgement,
    lint_account,
    refused,
    result,
    unavailable,
)  # fmt: skip
from tests.support.report_schemas import junit_schema


@pytest.fixture
def schema():
    return junit_schema()


def read(text):
    return ET.fromstring(text.encode())


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(render(account(judgement())), id="trusted"),
        pytest.param(render(account(refused(), unavailable(), invalid(), verdict=Verdict.REFUSED)), id="all kinds"),
        pytest.param(render(account()), id="no target"),
        pytest.param(render(hostile()), id="hostile"),
        pytest.param(render_lint(lint_account(flaw(), WARNING)), id="manifests"),
        pytest.param(render_lint(lint_account(flaw(message=EVIL, field=EVIL, got=EVIL))), id="hostile manifests"),
        pytest.param(render_lint(lint_account(objects=())), id="no manifests"),
    ],
)
def test_the_schema_accepts_every_report(schema, text):
    schema.validate(text)
    assert text.isascii()
    assert text.endswith("</testsuites>\n")


def test_the_schema_would_refuse_a_case_without_a_name(schema):
    with pytest.raises(xmlschema.XMLSchemaValidationError):
        schema.validate(render(account(judgement())).replace('<testcase name="pull"', "<testcase"))


def test_layers_are_cases_and_outcomes_are_theirs():
    root = read(render(account(refused(), unavailable(), exit_code=1)))
    assert dict(root.attrib) == {"name": "supplychain", "tests": "12", "failures": "1", "errors": "1"}
    one, two = root
    assert (one.get("name"), one.get("skipped"), one.get("timestamp")) == ("ghcr.io/acme/audit:1", "1", "2026-01-31T08:00:00")
    assert [(case.get("name"), [child.tag for child in case]) for case in one.iter("testcase")] == [
        ("pull", []),
        ("descriptor", []),
        ("ed25519", []),
        ("revocation", []),
        ("cosign", ["failure"]),
        ("slsa", ["skipped"]),
    ]
    assert two.find("testcase/error").get("type") == "NotFound"
    assert {p.get("name"): p.get("value") for p in one.iter("property")} == {"verdict": "Refused", "scope": "plugin"}


def test_a_failure_says_all_that_the_text_says():
    failure = read(render(account(refused()))).find(".//failure")
    assert failure.get("message") == "IdentityMismatch: the signer is not trusted"
    assert failure.text.splitlines() == [
        "expected: `^https://a$`",
        "got: `https://b`",
        "where: referrer 1",
        "hint: check the workflow",
        "would pass with: --source-tag v1 (another release)",
        "would pass with: --source-uri x (weakens the policy: another repository is trusted)",
        "looked at referrer 1: IdentityMismatch: the signer is not trusted",
    ]


def test_a_wrong_request_is_an_error_before_all_layers():
    root = read(render(account(invalid(), exit_code=2)))
    assert next(case.get("name") for case in root.iter("testcase")) == "request"
    assert (root.get("errors"), root.find("testsuite").get("skipped")) == ("1", "6")


def test_what_was_not_asked_for_is_skipped_and_warnings_are_kept():
    one = judgement(result(Layer.SLSA, Outcome.NOT_CONFIGURED), result(Layer.PULL, warnings=("a", "b")))
    root = read(render(account(one)))
    assert root.find(".//skipped").get("message") == "not configured"
    assert root.find(".//system-out").text == "warning: a\nwarning: b"


def test_strangers_cannot_write_markup_or_a_line_of_their_own():
    one = hostile()
    [first, *_] = read(render(one)).findall("testsuite")
    assert "\\u202e" in first.get("name")
    assert "<img" in first.get("name")
    assert first.find(".//img") is None
    forged = judgement(result(Layer.PULL, warnings=("a\nwarning: forged",)))
    assert read(render(account(forged))).find(".//system-out").text == "warning: a\\nwarning: forged"


def test_a_suite_of_a_file_has_its_objects_and_its_problems():
    root = read(render_lint(lint_account(flaw(), WARNING)))
    gateway, fine = sorted(root, key=lambda suite: suite.get("name"), reverse=True)
    assert (fine.get("name"), fine.get("tests"), fine.get("failures")) == ("m/fine.yaml", "1", "0")
    [case] = gateway.iter("testcase")
    assert case.get("name") == "MCPGGateway/team-a/shop: spec.service.port"
    [failure] = case
    assert failure.text.splitlines()[:2] == [
        "m/gw.yaml:10: spec.service.port: the number is too small [Schema]",
        "expected: at least 1",
    ]


def test_an_object_that_is_only_warned_of_passes_and_keeps_the_warning():
    root = read(render_lint(lint_account(WARNING, flaw(object=FINE, field="", expected=None, got=None))))
    texts = {case.get("name"): case.findtext("system-out") for case in root.iter("testcase")}
    assert texts["MCPGGateway/team-a/shop"].startswith("warning: m/gw.yaml:8: spec.clusterRef.name: ")
    assert texts["MCPGTenant/north: Schema"] is None


def test_what_a_command_knows_besides_and_its_notes_are_a_suite_without_cases():
    extra = {"copied": 3, "gone": None, "seen": ("a", {"b": True})}
    *_, last = read(render(account(judgement(), extra=extra, notes=("one", "two"))))
    assert (last.get("name"), last.get("tests"), last.get("timestamp")) == ("about this call", "0", "2026-01-31T08:00:00")
    assert {p.get("name"): p.get("value") for p in last.iter("property")} == {"copied": "3", "seen.1": "a", "seen.2.b": "True"}
    assert last.findtext("system-out") == "one\ntwo"
    [alone] = read(render(account(notes=("n",))))
    assert alone.get("timestamp") is None
    *_, noted = read(render_lint(lint_account(notes=("n",))))
    assert noted.findtext("system-out") == "n"


def test_what_could_not_be_done_is_an_error_although_every_target_is_trusted():
    failure = Problem(reason="OutputFailed", message="cannot write")
    root = read(render(account(judgement(), failures=(failure,), category="mirror-sync")))
    assert root.get("errors") == "1"
    [*_, case] = root.iter("testcase")
    assert (case.get("name"), case.get("classname"), case[0].get("type")) == ("what was judged", "mirror-sync", "OutputFailed")
