"""The verdict: silence is never yes."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import product

import pytest

from supplychain.report import MANDATORY, Layer, LayerResult, Outcome, Problem, Verdict, VerificationReport

AT = datetime(2026, 1, 2, tzinfo=UTC)
PASSED = dict.fromkeys(Layer, Outcome.PASSED)


def report(outcomes: dict[Layer, Outcome], *, error: Problem | None = None) -> VerificationReport:
    layers = tuple(LayerResult(layer=layer, outcome=outcome) for layer, outcome in outcomes.items())
    return VerificationReport(target="x", at=AT, layers=layers, error=error)


def test_a_report_whose_layers_all_passed_is_trusted() -> None:
    found = report(PASSED)
    assert found.trusted
    assert found.verdict is Verdict.TRUSTED


def test_an_empty_report_is_not_trusted() -> None:
    found = report({})
    assert not found.trusted
    assert found.verdict is Verdict.UNAVAILABLE


@pytest.mark.parametrize("layer", sorted(set(Layer) - MANDATORY))
def test_an_optional_layer_need_not_be_configured(layer: Layer) -> None:
    assert report({**PASSED, layer: Outcome.NOT_CONFIGURED}).trusted


@pytest.mark.parametrize("layer", sorted(MANDATORY))
def test_a_mandatory_layer_must_pass(layer: Layer) -> None:
    assert not report({**PASSED, layer: Outcome.NOT_CONFIGURED}).trusted


@pytest.mark.parametrize("layer", list(Layer))
def test_every_layer_must_be_in_the_report(layer: Layer) -> None:
    assert not report({one: outcome for one, outcome in PASSED.items() if one is not layer}).trusted


@pytest.mark.parametrize(("layer", "outcome"), list(product(Layer, [Outcome.REFUSED, Outcome.UNAVAILABLE, Outcome.NOT_REACHED])))
def test_any_other_outcome_of_any_layer_is_not_trusted(layer: Layer, outcome: Outcome) -> None:
    found = report({**PASSED, layer: outcome})
    assert not found.trusted
    assert found.verdict is (Verdict.REFUSED if outcome is Outcome.REFUSED else Verdict.UNAVAILABLE)


def test_a_layer_that_stands_twice_must_pass_twice() -> None:
    results = (*report(PASSED).layers, LayerResult(layer=Layer.SLSA, outcome=Outcome.REFUSED))
    assert not VerificationReport(target="x", at=AT, layers=results).trusted


def test_a_refusal_weighs_more_than_what_could_not_be_looked_at() -> None:
    found = report({**PASSED, Layer.COSIGN: Outcome.REFUSED, Layer.SLSA: Outcome.UNAVAILABLE})
    assert found.verdict is Verdict.REFUSED


def test_a_wrong_request_is_never_trusted() -> None:
    found = report(PASSED, error=Problem(reason="InvalidPolicy", message="x"))
    assert not found.trusted
    assert found.verdict is Verdict.INVALID


def test_a_report_is_no_truth_value() -> None:
    with pytest.raises(TypeError, match="no truth value"):
        bool(report(PASSED))


def test_the_words_are_part_of_the_contract() -> None:
    assert [str(one) for one in Layer] == ["pull", "descriptor", "ed25519", "revocation", "cosign", "slsa"]
    assert [str(one) for one in Outcome] == ["Passed", "Refused", "Unavailable", "NotConfigured", "NotReached"]
    assert [str(one) for one in Verdict] == ["Trusted", "Refused", "Invalid", "Unavailable"]
