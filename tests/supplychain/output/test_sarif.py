"""SARIF: accepted by the schema of OASIS, with rules, places and fingerprints that code scanning can use."""

import json

import jsonschema
import pytest

from supplychain.output.sarif import render, render_lint, target_uri
from supplychain.report import Layer, Outcome, Problem, Verdict
from tests.supplychain.output.samples import (
    EVIL,
    FINE,
    GATEWAY,
    PROBLEM,
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
from tests.support.report_schemas import sarif_schema


@pytest.fixture
def schema():
    return sarif_schema()


def run_of(text):
    document = json.loads(text)
    assert document["version"] == "2.1.0"
    [run] = document["runs"]
    return run


ACCOUNTS = [
    pytest.param(account(judgement(), verdict=Verdict.TRUSTED), id="trusted"),
    pytest.param(
        account(refused(), unavailable(), invalid(), verdict=Verdict.REFUSED, exit_code=1, notes=("n",)), id="all kinds"
    ),
    pytest.param(account(verdict=Verdict.INVALID, exit_code=2), id="no target"),
    pytest.param(account(unavailable(), verdict=Verdict.UNAVAILABLE, exit_code=3, extra={"a": (1, {"b": None})}), id="extra"),
    pytest.param(hostile(), id="hostile"),
]
LINTS = [
    pytest.param(lint_account(flaw(), WARNING), id="problems"),
    pytest.param(lint_account(exit_code=0), id="good"),
    pytest.param(
        lint_account(flaw(rule="Unheard"), flaw(rule="InvalidPolicy", line=0), notes=("n",), call="supplychain lint"), id="odd"
    ),
    pytest.param(lint_account(flaw(message=EVIL, field=EVIL, rule="Schema")), id="hostile"),
]


@pytest.mark.parametrize("one", ACCOUNTS)
def test_the_schema_of_oasis_accepts_every_report(schema, one):
    text = render(one)
    schema.validate(json.loads(text))
    assert text.isascii()
    assert text.endswith("}\n")
    assert text == render(one)


@pytest.mark.parametrize("one", LINTS)
def test_the_schema_of_oasis_accepts_every_report_on_manifests(schema, one):
    text = render_lint(one)
    schema.validate(json.loads(text))
    assert text.isascii()


def test_the_schema_would_refuse_a_result_without_message(schema):
    document = json.loads(render(account(refused())))
    del document["runs"][0]["results"][0]["message"]
    with pytest.raises(jsonschema.ValidationError):
        schema.validate(document)


def test_what_stands_in_the_way_is_a_result_and_what_passed_is_none():
    run = run_of(render(account(judgement(), refused(), exit_code=1)))
    [one] = run["results"]
    assert (one["ruleId"], one["level"]) == ("IdentityMismatch", "error")
    assert one["message"]["text"].splitlines() == [
        "ghcr.io/acme/audit:1, cosign: the signer is not trusted.",
        "Expected: `^https://a$`",
        "Got: `https://b`",
        "Where: referrer 1",
        "Hint: check the workflow",
    ]
    assert one["properties"]["outcome"] == "Refused"
    assert one["properties"]["candidates"] == [{"where": "referrer 1", "outcome": "Refused", "reason": "IdentityMismatch"}]
    assert [remedy["weakens"] for remedy in one["properties"]["remedies"]] == [False, True]
    [place] = one["locations"]
    assert place["physicalLocation"] == {"artifactLocation": {"uri": "ghcr.io/acme/audit%3A1"}, "region": {"startLine": 1}}
    assert place["logicalLocations"][0]["fullyQualifiedName"] == "ghcr.io/acme/audit:1#cosign"
    assert [one["properties"]["verdict"] for one in run["artifacts"]] == ["Trusted", "Refused"]


def test_what_could_not_be_evaluated_is_an_error_too_and_says_so():
    [one] = run_of(render(account(unavailable(), exit_code=3)))["results"]
    assert one["level"] == "error"
    assert one["message"]["text"] == "Could not be evaluated. other, pull: it is not there."


@pytest.mark.parametrize(("code", "successful"), [(0, True), (1, True), (2, False), (3, False)])
def test_only_a_call_that_came_to_a_verdict_was_successful(code, successful):
    [one] = run_of(render(account(judgement(), exit_code=code, call="supplychain verify x")))["invocations"]
    assert (one["executionSuccessful"], one["exitCode"]) == (successful, code)
    assert one["commandLine"] == "supplychain verify x"


def test_rules_are_the_stable_reasons_with_the_help_of_explain():
    run = run_of(render(account(refused(), unavailable(), refused(), exit_code=1)))
    rules = run["tool"]["driver"]["rules"]
    assert [rule["id"] for rule in rules] == ["IdentityMismatch", "NotFound"]
    assert [result["ruleIndex"] for result in run["results"]] == [0, 1, 0]
    assert rules[0]["shortDescription"]["text"] == "The signer is proven but is not the one the policy trusts."
    assert "What to do: check that workflow" in rules[0]["help"]["text"]
    assert "**Why the check exists.**" in rules[0]["help"]["markdown"]
    assert rules[0]["properties"]["exitCode"] == 1


def test_a_reason_that_this_version_does_not_know_is_a_rule_without_help():
    odd = judgement(result(Layer.PULL, Outcome.REFUSED, problem=Problem(reason="FromTomorrow", message="m")))
    [rule] = run_of(render(account(odd)))["tool"]["driver"]["rules"]
    assert rule == {"id": "FromTomorrow", "name": "FromTomorrow"}


def _prints(*judgements):
    return [one["partialFingerprints"]["primaryLocationLineHash"] for one in run_of(render(account(*judgements)))["results"]]


def test_a_fingerprint_outlives_other_words_and_digests():
    other = Problem(reason=PROBLEM.reason, message="said otherwise", got="sha256:2", where="referrer 9")
    changed = judgement(result(Layer.COSIGN, Outcome.REFUSED, problem=other))
    assert _prints(refused()) == _prints(changed)


def test_a_fingerprint_tells_targets_layers_and_reasons_apart():
    def of(layer=Layer.COSIGN, reason="IdentityMismatch", target="a"):
        return judgement(result(layer, Outcome.REFUSED, problem=Problem(reason=reason, message="m")), target=target)

    prints = _prints(of(), of(layer=Layer.SLSA), of(reason="NotFound"), of(target="b"), of())
    assert len(set(prints)) == 5
    assert prints[4] == prints[0].removesuffix(":1") + ":2"


def test_warnings_and_notes_are_notifications_and_no_results():
    warned = judgement(result(Layer.PULL, warnings=("the tag moved",)))
    run = run_of(render(account(warned, notes=("a note",))))
    assert run["results"] == []
    note, warning = run["invocations"][0]["toolExecutionNotifications"]
    assert (note["level"], note["message"]["text"]) == ("note", "a note")
    assert (warning["level"], warning["message"]["text"]) == ("warning", "ghcr.io/acme/audit:1, pull: the tag moved")


def test_digests_stand_beside_the_target():
    seen = judgement(result(Layer.PULL, facts={"manifestDigest": "sha256:1"}))
    [artifact] = run_of(render(account(seen)))["artifacts"]
    assert artifact["properties"]["manifestDigest"] == "sha256:1"
    assert artifact["properties"]["artifactHash"] == "ab" * 32
    assert artifact["roles"] == ["analysisTarget"]


@pytest.mark.parametrize(
    ("target", "uri"),
    [
        ("ghcr.io/acme/audit:1.2.3", "ghcr.io/acme/audit%3A1.2.3"),
        ("localhost:5000/a@sha256:00", "localhost%3A5000/a%40sha256%3A00"),
        ("dist/audit.zip", "dist/audit.zip"),
        ("/srv/a b.zip", "file:///srv/a%20b.zip"),
        ("oci-layout:./dist/l:1.2.3", "./dist/l"),
        ("oci-layout:l@sha256:00", "l"),
        ("bundle:/mnt/p.mcpg.tar.zst:ghcr.io", "file:///mnt/p.mcpg.tar.zst"),
        ("MCPGPlugin/audit", "MCPGPlugin/audit"),
        ("\ud800", "%ED%A0%80"),
    ],
)
def test_a_target_is_named_by_a_uri_that_code_scanning_takes(target, uri):
    assert target_uri(target, manifest=None) == uri


def test_a_plugin_of_a_manifest_is_found_in_that_file():
    assert target_uri("MCPGPlugin/audit", manifest="deploy/plugin.yaml") == "deploy/plugin.yaml"
    assert target_uri("ghcr.io/a:1", manifest="deploy/plugin.yaml") == "ghcr.io/a%3A1"


def test_strangers_cannot_reorder_or_drive_what_reads_the_report():
    said = json.dumps(json.loads(render(hostile())), ensure_ascii=False)
    assert not {"\u202e", "\u2066", "\x1b", "\x00"} & set(said)


def test_a_problem_of_a_manifest_has_file_line_object_and_field():
    run = run_of(render_lint(lint_account(flaw(), WARNING)))
    error, warning = run["results"]
    assert (error["ruleId"], error["level"], warning["level"]) == ("Schema", "error", "warning")
    [place] = error["locations"]
    assert place["physicalLocation"] == {"artifactLocation": {"uri": "m/gw.yaml"}, "region": {"startLine": 10}}
    assert place["logicalLocations"][0]["fullyQualifiedName"] == "MCPGGateway/team-a/shop#spec.service.port"
    assert [one["location"]["uri"] for one in run["artifacts"]] == ["m/fine.yaml", "m/gw.yaml"]
    assert run["tool"]["driver"]["rules"][1]["defaultConfiguration"]["level"] == "warning"
    assert run["properties"] == {"objects": 2}


def test_the_fingerprint_of_a_problem_holds_when_lines_move():
    def prints(*flaws):
        return [one["partialFingerprints"] for one in run_of(render_lint(lint_account(*flaws)))["results"]]

    assert prints(flaw(line=10)) == prints(flaw(line=99, message="said otherwise"))
    assert prints(flaw()) != prints(flaw(field="spec.other"))
    assert prints(flaw()) != prints(flaw(object=FINE))
    assert GATEWAY.title == "MCPGGateway/team-a/shop"


FAILURE = Problem(reason="OutputFailed", message="cannot write", where="`out`")


def test_what_could_not_be_done_is_a_result_although_every_target_is_trusted():
    def results(**more):
        return run_of(render(account(judgement(), failures=(FAILURE,), exit_code=2, **more)))["results"]

    [one] = results(category="mirror-sync")
    assert (one["ruleId"], one["level"]) == ("OutputFailed", "error")
    assert one["message"]["text"] == "this call, mirror-sync: cannot write.\nWhere: `out`"
    assert one["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "ghcr.io/acme/audit%3A1"
    [one] = results(manifest="a.yaml")
    assert one["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "a.yaml"
    [one] = run_of(render(account(failures=(FAILURE,))))["results"]
    assert one["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "verify"
