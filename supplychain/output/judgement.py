"""What is printed about one target: a whole verification, or one layer that was run alone.

A layer alone never says "Trusted": it has another scope and another word, so that nobody takes the one for the other.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Self

from supplychain.report import Layer, LayerResult, Outcome, Verdict

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from supplychain.report import Fact, Problem, VerificationReport

__all__ = ["Judgement", "Scope"]


class Scope(StrEnum):
    """What was judged."""

    PLUGIN = "plugin"
    ED25519 = "ed25519"
    COSIGN = "cosign"
    SLSA = "slsa"


_VERDICTS = {Outcome.PASSED: Verdict.TRUSTED, Outcome.REFUSED: Verdict.REFUSED}


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """One target's verdict with everything that led to it."""

    scope: Scope
    target: str
    at: datetime
    verdict: Verdict
    layers: tuple[LayerResult, ...]
    inputs: Mapping[str, Fact] = field(default_factory=dict)
    error: Problem | None = None

    @classmethod
    def of_report(cls, report: VerificationReport) -> Self:
        """Take over a whole verification."""
        return cls(
            scope=Scope.PLUGIN,
            target=report.target,
            at=report.at,
            verdict=report.verdict,
            layers=report.layers,
            inputs=report.inputs,
            error=report.error,
        )

    @classmethod
    def of_layer(cls, result: LayerResult, *, target: str, at: datetime, inputs: Mapping[str, Fact]) -> Self:
        """Take over one layer that was run alone; what did not pass is unavailable unless it was refused."""
        return cls(
            scope=Scope(result.layer.value),
            target=target,
            at=at,
            verdict=_VERDICTS.get(result.outcome, Verdict.UNAVAILABLE),
            layers=(result,),
            inputs=inputs,
        )

    @classmethod
    def of_problem(cls, problem: Problem, *, scope: Scope, target: str, at: datetime, verdict: Verdict = Verdict.INVALID) -> Self:
        """Record what ended a request before any layer could be judged."""
        layers = tuple(Layer) if scope is Scope.PLUGIN else (Layer(scope.value),)
        return cls(
            scope=scope,
            target=target,
            at=at,
            verdict=verdict,
            layers=tuple(LayerResult(layer=layer, outcome=Outcome.NOT_REACHED) for layer in layers),
            error=problem,
        )

    @property
    def word(self) -> str:
        """The verdict as it is shown: `Passed` in place of `Trusted` where only one layer was judged."""
        if self.verdict is Verdict.TRUSTED and self.scope is not Scope.PLUGIN:
            return "Passed"
        return self.verdict.value

    @property
    def step(self) -> str:
        """What `error` is about: the request, or else the target as a whole."""
        return "request" if self.verdict is Verdict.INVALID else "target"

    @property
    def stopped(self) -> Outcome:
        """What an `error` comes to: only what was refused is bad, also where no layer was reached."""
        return Outcome.REFUSED if self.verdict is Verdict.REFUSED else Outcome.UNAVAILABLE

    @property
    def cause(self) -> Problem | None:
        """The first thing that stood in the way."""
        return self.error or next((result.problem for result in self.layers if result.problem is not None), None)
