from supplychain.output.judgement import Judgement, Scope
from supplychain.report import Layer, Outcome, Problem, Verdict
from tests.supplychain.output.samples import AT, PROBLEM, invalid, judgement, refused, result, unavailable


def test_a_report_keeps_its_verdict():
    assert judgement().verdict is Verdict.TRUSTED
    assert judgement().word == "Trusted"
    assert judgement().cause is None
    assert refused().verdict is Verdict.REFUSED
    assert refused().cause == PROBLEM
    assert unavailable().verdict is Verdict.UNAVAILABLE


def test_one_layer_alone_never_says_trusted():
    one = Judgement.of_layer(result(Layer.COSIGN), target="x", at=AT, inputs={})
    assert one.verdict is Verdict.TRUSTED
    assert one.word == "Passed"
    assert one.scope is Scope.COSIGN


def test_one_layer_that_was_refused_is_refused():
    one = Judgement.of_layer(result(Layer.SLSA, Outcome.REFUSED, problem=PROBLEM), target="x", at=AT, inputs={})
    assert one.word == "Refused"


def test_one_layer_that_neither_passed_nor_was_refused_is_unavailable():
    for outcome in (Outcome.UNAVAILABLE, Outcome.NOT_CONFIGURED, Outcome.NOT_REACHED):
        one = Judgement.of_layer(result(Layer.SLSA, outcome), target="x", at=AT, inputs={})
        assert one.verdict is Verdict.UNAVAILABLE


def test_a_problem_before_any_layer_leaves_every_layer_unreached():
    found = invalid()
    assert found.verdict is Verdict.INVALID
    assert [one.layer for one in found.layers] == list(Layer)
    assert {one.outcome for one in found.layers} == {Outcome.NOT_REACHED}
    assert found.cause.reason == "InvalidReference"


def test_a_problem_of_one_layer_names_only_this_layer():
    found = Judgement.of_problem(Problem(reason="A", message="b"), scope=Scope.SLSA, target="x", at=AT, verdict=Verdict.REFUSED)
    assert [one.layer for one in found.layers] == [Layer.SLSA]
    assert found.word == "Refused"
