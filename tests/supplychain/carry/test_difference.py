"""What changes and why, for every pair of verdicts and outcomes."""

from __future__ import annotations

from typing import Any

import pytest

from supplychain.carry.difference import Change, Difference, exit_code
from supplychain.output.judgement import Judgement, Scope
from supplychain.report import Layer, LayerResult, Outcome, Problem, Verdict
from tests.support.scenario import AT


def judgement(verdict: Verdict, *layers: LayerResult, error: Problem | None = None) -> Judgement:
    given = {one.layer: one for one in layers}
    whole = tuple(given.get(layer, LayerResult(layer=layer, outcome=Outcome.PASSED)) for layer in Layer)
    return Judgement(scope=Scope.PLUGIN, target="x", at=AT, verdict=verdict, layers=whole, error=error)


def layer(outcome: Outcome, reason: str | None = None, which: Layer = Layer.COSIGN, **facts: Any) -> LayerResult:
    problem = None if reason is None else Problem(reason=reason, message="it is so", expected="a", got="b", where="c")
    return LayerResult(layer=which, outcome=outcome, problem=problem, facts=facts)


def difference(old: Judgement | None, new: Judgement | None) -> Difference:
    return Difference(target="x", old=old, new=new)


T, R, I, U = Verdict.TRUSTED, Verdict.REFUSED, Verdict.INVALID, Verdict.UNAVAILABLE  # noqa: E741


@pytest.mark.parametrize(
    ("old", "new", "change", "code"),
    [
        (T, T, Change.SAME, 0),
        (R, R, Change.SAME, 0),
        (T, R, Change.CHANGES, 1),
        (R, T, Change.CHANGES, 1),
        (None, T, Change.CHANGES, 1),
        (R, None, Change.CHANGES, 1),
        (T, U, Change.UNKNOWN, 3),
        (U, R, Change.UNKNOWN, 3),
        (U, U, Change.UNKNOWN, 3),
        (None, U, Change.UNKNOWN, 3),
        (T, I, Change.UNKNOWN, 2),
        (I, I, Change.UNKNOWN, 2),
        (I, U, Change.UNKNOWN, 2),
    ],
)
def test_only_two_certain_verdicts_make_a_change(old: Verdict | None, new: Verdict | None, change: Change, code: int) -> None:
    found = difference(None if old is None else judgement(old), None if new is None else judgement(new))
    assert found.change is change
    assert exit_code([found]) == code
    assert exit_code([found, difference(judgement(T), judgement(R))]) == 1
    assert exit_code([found, difference(judgement(T), judgement(T))]) == code


def test_nothing_compared_is_never_0() -> None:
    assert exit_code([]) == 2


def test_the_side_that_came_to_nothing_is_named() -> None:
    found = difference(judgement(T), judgement(U))
    assert [name for name, _ in found.unjudged] == ["new"]


N, Q, P, X, V = Outcome.NOT_CONFIGURED, Outcome.NOT_REACHED, Outcome.PASSED, Outcome.REFUSED, Outcome.UNAVAILABLE


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        (layer(P), layer(P), None),
        (layer(X, "A"), layer(X, "A"), None),
        (layer(Q), layer(Q), None),
        (layer(N), layer(N), None),
        (layer(P), layer(X, "A"), ["new: A: it is so, expected a, got b, in c"]),
        (layer(X, "A"), layer(P), ["old: A: it is so, expected a, got b, in c"]),
        (
            layer(X, "A"),
            layer(X, "B"),
            ["old: A: it is so, expected a, got b, in c", "new: B: it is so, expected a, got b, in c"],
        ),
        (layer(V, "A"), layer(Q), ["old: A: it is so, expected a, got b, in c"]),
        (layer(N), layer(P), ["the old policy does not ask for it"]),
        (layer(P), layer(N), ["the new policy does not ask for it"]),
        (layer(N), layer(Q), ["the old policy does not ask for it"]),
        (layer(P), layer(Q), []),
        (layer(P, key="one"), layer(P, key="two"), ["key: `one` → `two`"]),
        (layer(P, key="one"), layer(P, key="one", more=1), ["more: nothing → 1"]),
        (layer(P, times=("x",)), layer(P, times=("y",)), None),
        (layer(P, signed=True), layer(P, signed=False), ["signed: True → False"]),
        (
            layer(P, lists=({"name": "a"},)),
            layer(P, lists=({"name": "a"}, {"name": "b"})),
            ["lists: `a` → `a`, `b`"],
        ),
        (layer(P, trustRoot={"name": "a"}), layer(P, trustRoot={"sha256": "b"}), ["trustRoot: `a` → something else"]),
        (layer(P, lists=()), layer(P, lists=({"name": "a"},)), ["lists: nothing → `a`"]),
        (layer(X, "A", key="one"), layer(X, "A", key="two"), None),
    ],
)
def test_each_layer_says_why_it_answers_otherwise(old: LayerResult, new: LayerResult, why: list[str] | None) -> None:
    found = difference(judgement(T, old), judgement(R, new)).layers
    if why is None:
        assert found == ()
    else:
        [change] = found
        assert change.layer is Layer.COSIGN
        assert list(change.why()) == why
        assert change.outcomes is (old.outcome is not new.outcome)


def test_a_side_that_is_not_there_has_no_layers_to_compare() -> None:
    assert difference(None, judgement(T)).layers == ()
    assert difference(judgement(T), None).layers == ()
    alone = Judgement(scope=Scope.COSIGN, target="x", at=AT, verdict=T, layers=(layer(P),))
    assert difference(alone, judgement(T, layer(X, "A"))).layers[0].layer is Layer.COSIGN
