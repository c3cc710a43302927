import json
import re

import pytest
import re2

from supplychain.cli.completion_words import commands
from supplychain.cli.main import build_parser
from supplychain.identity_pattern import IdentityPattern
from supplychain.reasons import GROUPS, explained

ALL = [one for group in GROUPS for one in explained(group)]
GOOD = r"^https://github\.com/acme/plugins/\.github/workflows/release\.yml@refs/tags/v.*$"


@pytest.mark.parametrize("one", ALL, ids=lambda one: one.reason)
def test_a_reason_is_explained_in_full(run, one):
    answer = run("explain", one.reason)
    said = " ".join(answer.out.split())
    assert answer.code == 0
    assert answer.err == ""
    assert said.startswith(f"{one.reason} ({one.group.title}")
    for part in (one.meaning, one.why, one.what_to_do, one.change or ""):
        assert part in said


def test_lines_are_short_enough_to_read(run):
    assert max(map(len, run("explain", "IdentityMismatch").out.splitlines())) <= 115


def test_the_case_of_letters_does_not_matter(run):
    assert run("explain", "IDENTITYmismatch").out == run("explain", "IdentityMismatch").out


def test_without_a_word_every_reason_is_listed_by_exit_code(run):
    answer = run("explain")
    assert answer.code == 0
    assert [line.partition(":")[0] for line in answer.out.splitlines() if line and line[0].isalpha()] == [
        "Refused, exit code 1",
        "Wrong request, exit code 2",
        "Could not be evaluated, exit code 3",
        "Never a verdict",
    ]
    assert re.findall(r"^  (\w+) ", answer.out, re.MULTILINE) == [one.reason for one in ALL]


@pytest.mark.parametrize("words", [(), ("NotFound",)])
def test_explanations_are_json_too(run, words):
    document = run("explain", *words, "--output", "json").json
    assert document["schema"] == "mcpg.dev/supplychain-explanation/v1"
    found = {one["reason"]: one for one in document["reasons"]}
    assert set(found) == ({"NotFound"} if words else {one.reason for one in ALL})
    assert found["NotFound"]["exitCode"] == 3
    assert all(one["meaning"] and one["why"] and one["whatToDo"] for one in found.values())


@pytest.mark.parametrize(
    ("word", "says"),
    [
        ("IdentityMissmatch", "did you mean `IdentityMismatch`"),
        ("zzz\x1b[2J", "`zzz\\x1b[2J`; `supplychain explain` lists all"),
        ("", "lists all"),
    ],
)
def test_an_unknown_reason_is_a_wrong_request_with_the_nearest_names(run, word, says):
    answer = run("explain", word)
    assert (answer.code, answer.out) == (2, "")
    assert says in answer.err
    assert "\x1b" not in answer.err


@pytest.mark.parametrize("words", [("pattern",), ("NotFound", "NotAPlugin"), ("pattern", "^a$", "^b$")])
def test_one_thing_is_explained_at_a_time(run, words):
    answer = run("explain", *words)
    assert answer.code == 2
    assert "one reason, or `pattern` and one pattern" in answer.err


def test_a_good_pattern_is_accepted_with_examples_that_match_and_that_almost_match(run):
    answer = run("explain", "pattern", GOOD)
    assert answer.code == 0
    lines = answer.out.splitlines()
    assert lines[0] == f"ACCEPTED  {GOOD}"
    assert lines[1] == "  names        host `https://github.com`, owner `acme`, repository `plugins`"
    pattern = IdentityPattern.parse(GOOD)
    good = [line.split()[1] for line in lines if line.startswith("  matches  ")]
    almost = [line.split()[2] for line in lines if line.startswith("  matches not")]
    assert (len(good), len(almost)) == (3, 3)
    assert all(map(pattern.matches, good))
    assert not any(map(pattern.matches, almost))
    assert lines[-1].endswith("(another repository)")


def test_a_pattern_without_owner_is_accepted_with_a_warning(run):
    answer = run("explain", "Pattern", r"^https://github\.com/.*$")
    assert answer.code == 0
    assert (
        "  warning      the identity pattern names no single owner behind `github.com/`: all of them can match it\n" in answer.out
    )


def test_a_refused_pattern_shows_what_an_attacker_could_use(run):
    text = "^https://github.com/acme/.*$"
    answer = run("explain", "pattern", text)
    assert answer.code == 2
    assert answer.out.startswith(f"REFUSED  {text}\n  reason       InvalidIdentityPattern: ")
    found = re.search(r"^  attacker     (\S+)$", answer.out, re.MULTILINE)
    assert found is not None
    assert re2.fullmatch(text, found[1])


def test_the_empty_subject_can_be_seen(run):
    assert "  attacker     (the empty subject)\n" in run("explain", "pattern", "^$").out


def test_a_refusal_without_a_subject_for_an_attacker_shows_none(run):
    assert "attacker " not in run("explain", "pattern", "^(?m)a$").out


def test_judgements_are_json_too(run):
    answer = run("explain", "pattern", GOOD, "--output", "json")
    found = answer.json["pattern"]
    assert (answer.code, found["accepted"], found["refusal"], found["warnings"]) == (0, True, None, [])
    assert found["names"] == [{"host": "https://github.com", "owner": "acme", "repository": "plugins"}]
    assert [len(found["matching"]), len(found["almostMatching"])] == [3, 3]
    assert set(found["almostMatching"][0]) == {"subject", "differs"}
    answer = run("explain", "pattern", "^.+$", "--output", "json")
    found = answer.json["pattern"]
    assert (answer.code, found["accepted"], found["refusal"]["attacker"]) == (2, False, "https://attacker.example/x")
    assert found["refusal"]["reason"] == "InvalidIdentityPattern"


@pytest.mark.parametrize("text", ["^\x1b[2J$", "^\udcff$", "\u202e"])
def test_a_pattern_cannot_drive_the_terminal(run, text):
    answer = run("explain", "pattern", text)
    assert not {"\x1b", "\u202e"} & set(answer.out)
    json.loads(run("explain", "pattern", text, "--output", "json").out)


def test_the_shell_completes_reasons():
    [explain] = [one for one in commands(build_parser("explain")) if one.path == ("explain",)]
    assert {"IdentityMismatch", "pattern"} <= set(explain.arguments[0].words)
    assert ("--output",) in [flag.names for flag in explain.flags]


def test_a_rule_is_explained_too(run):
    answer = run("explain", "namespacetaken")
    assert (answer.code, answer.err) == (0, "")
    assert answer.out == "NamespaceTaken  (rule of MCPGTenant, refuses)\n  about        Another tenant has the namespace.\n"
    assert "Schema  (rule of every kind, refuses)" in run("explain", "Schema").out
    assert "(rule of MCPGRoute, warns)" in run("explain", "OpenToEveryone").out


def test_a_rule_is_explained_as_json(run):
    (rule,) = json.loads(run("explain", "NamespaceTaken", "--output", "json").out)["rules"]
    assert rule == {
        "rule": "NamespaceTaken",
        "kind": "MCPGTenant",
        "severity": "Error",
        "family": "Tenant",
        "about": "Another tenant has the namespace.",
    }
