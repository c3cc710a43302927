from supplychain.errors import Remedy
from supplychain.output.style import PLAIN
from supplychain.output.text import Detail, render, render_extra, render_problem
from supplychain.report import Layer, Outcome, Problem
from tests.supplychain.output.samples import HASH, PROBLEM, TWICE, invalid, judgement, refused, result, unavailable


def lines(*judgements, detail=Detail.NORMAL):
    return render(judgements, style=PLAIN, detail=detail).splitlines()


def test_a_trusted_plugin_gets_one_line_a_layer():
    assert lines(judgement()) == [
        "TRUSTED  ghcr.io/acme/audit:1",
        "  ✓ pull        ghcr.io/acme/audit@sha256:1",
        f"  ✓ descriptor  dev.acme.audit  audit_sink  sha256:{HASH}",
        "  ✓ ed25519     key `release.pub`  sha256:22",
        "  ✓ revocation  not on `cluster-default` (entries: 3)",
        "  ✓ cosign      https://github.com/acme  issuer https://issuer",
        "  ✓ slsa        github.com/acme/audit  v1  built by https://builder",
    ]


def test_a_refusal_says_what_was_expected_what_was_found_where_and_what_to_do():
    assert lines(refused())[5:] == [
        "  ✗ cosign      IdentityMismatch: the signer is not trusted",
        "                expected  `^https://a$`",
        "                got       `https://b`",
        "                where     referrer 1",
        "                hint      check the workflow",
        "                would pass with   --source-tag v1   (another release: weakens nothing)",
        "                  in a manifest   spec: v1",
        "                would pass with   --source-uri x   (weakens the policy: another repository is trusted)",
        "                looked at 1:",
        "                  ✗ referrer 1",
        "                    IdentityMismatch: the signer is not trusted",
        "                    expected  `^https://a$`",
        "                    got       `https://b`",
        "                    where     referrer 1",
        "  · slsa        not reached",
    ]


def test_what_could_not_be_looked_at_is_told_from_what_is_bad():
    assert lines(unavailable())[1] == "  ? pull        could not be evaluated, NotFound: it is not there"


def test_a_wrong_request_shows_only_what_is_wrong():
    assert lines(invalid()) == ["INVALID  x", "  ? request     InvalidReference: no reference", "                got       `x`"]


def test_a_wrong_request_shows_the_layers_that_were_judged_before():
    found = judgement(result(Layer.COSIGN, Outcome.NOT_REACHED), error=PROBLEM)
    assert len([line for line in lines(found) if "✓" in line]) == 5
    assert not any("not reached" in line for line in lines(found))


def test_a_layer_that_nobody_asked_for_is_named_as_such():
    assert "  – cosign      not configured" in lines(judgement(result(Layer.COSIGN, Outcome.NOT_CONFIGURED)))


def test_an_empty_set_of_lists_is_readable():
    assert "  ✓ revocation  not on " in lines(judgement(result(Layer.REVOCATION, facts={})))


def test_unsigned_provenance_is_never_shown_as_signed():
    found = lines(judgement(result(Layer.SLSA, facts={"builderId": "b", "signed": False})))
    assert found[-1] == "  ✓ slsa        built by b  (nobody signed this)"


def test_warnings_stand_under_their_layer():
    assert lines(judgement(result(Layer.PULL, warnings=("careful",))))[2] == "                warning: careful"


def test_candidates_that_did_not_count_are_counted_when_another_did():
    found = lines(judgement(result(Layer.COSIGN, candidates=TWICE)))
    assert "                1 other candidate(s) did not count; `--verbose` lists them" in found


def test_the_trust_root_is_named_with_its_age():
    root = {"name": "embedded", "sha256": "00ff", "ageDays": 12}
    assert lines(judgement(inputs={"trustRoots": (root,)}))[-1] == "  trust root `embedded`, 12 days old, sha256:00ff"
    root = {"name": "file.json", "sha256": "00ff", "ageDays": None}
    assert lines(judgement(inputs={"trustRoots": (root,)}))[-1] == "  trust root `file.json`, sha256:00ff"
    assert lines(judgement(inputs={"trustRoots": (root, root, "odd")}))[-2:] == ["  trust root `file.json`, sha256:00ff"] * 2


def test_verbose_lists_every_fact_candidate_and_input():
    found = lines(
        judgement(
            result(Layer.COSIGN, candidates=TWICE),
            inputs={
                "trustRoots": ({"name": "a", "end": None, "none": (), "warnings": ("b", "c")},),
                "root": {"name": "r"},
                "n": 1,
            },
        ),
        detail=Detail.VERBOSE,
    )
    assert "    1. name a, warnings b; c" in found
    assert "                packageSize: 5" in found
    assert "                looked at 2:" in found
    assert "                  ✓ referrer 2" in found
    assert "                  1. name cluster-default, entries 3" in found
    assert "                  2. odd" in found
    assert "                  1. at now" in found
    assert "                inputs:" in found
    assert "                  a: b" in found
    assert "  at 2026-01-31T08:00:00Z" in found
    assert "    name: r" in found
    assert not any("None" in line for line in found)


def test_verbose_shows_every_layer_of_a_wrong_request():
    assert sum("not reached" in line for line in lines(invalid(), detail=Detail.VERBOSE)) == 6


def test_quiet_says_nothing_about_what_is_trusted():
    assert render([judgement()], style=PLAIN, detail=Detail.QUIET) == ""
    assert lines(judgement(), refused(), detail=Detail.QUIET)[0].startswith("REFUSED")
    assert not any(line == "TRUSTED  ghcr.io/acme/audit:1" for line in lines(judgement(), refused(), detail=Detail.QUIET)[:3])


def test_several_targets_get_a_table_at_the_end():
    assert lines(judgement(), refused(), unavailable())[-4:] == [
        "TRUSTED      ghcr.io/acme/audit:1",
        "REFUSED      ghcr.io/acme/audit:1  IdentityMismatch",
        "UNAVAILABLE  other                 NotFound",
        "3 targets: 1 refused, 1 trusted, 1 unavailable",
    ]


def test_text_of_strangers_cannot_drive_the_terminal():
    evil = "\x1b]0;owned\x07\x1b[2J"
    remedies = (Remedy(change=evil, effect=evil, weakens=True, manifest=evil), Remedy(change=evil, effect=evil))
    problem = Problem(reason="A", message=evil, expected=evil, got=evil, where=evil, hint=evil, remedies=remedies)
    found = judgement(
        result(Layer.PULL, facts={"source": evil, evil: evil, "list": ({evil: evil}, evil)}, warnings=(evil,)),
        result(Layer.COSIGN, Outcome.REFUSED, problem=problem, candidates=(TWICE[0],)),
        target=evil,
        inputs={"trustRoots": ({"name": evil, "sha256": evil},)},
    )
    for detail in (Detail.NORMAL, Detail.VERBOSE):
        assert "\x1b" not in render([found, found], style=PLAIN, detail=detail)


def test_a_problem_without_a_target_is_written_alike():
    assert render_problem(PROBLEM).splitlines()[:2] == [
        "IdentityMismatch: the signer is not trusted",
        "  expected  `^https://a$`",
    ]


def test_what_a_command_knows_besides_stands_below():
    assert render_extra({"copiedBlobs": 3, "gone": None}) == "\n  copiedBlobs: 3\n"
    assert render_extra({"gone": None}) == ""
