"""What becomes of a verdict when policy, key, trust root or revocation list are exchanged, and why (pure)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from supplychain.report import Layer, Outcome, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from supplychain.output.judgement import Judgement
    from supplychain.report import Fact, LayerResult

__all__ = ["Change", "Difference", "LayerChange", "exit_code"]

_CERTAIN: Final = frozenset({Verdict.TRUSTED, Verdict.REFUSED})
_QUIET: Final = frozenset({Outcome.NOT_CONFIGURED, Outcome.NOT_REACHED})
_UNTOLD: Final = frozenset({"times", "log", "judgedBy", "notes", "certificateSha256"})
"""Facts that tell how something was proven, not what."""


class Change(StrEnum):
    """What becomes of one plugin."""

    SAME = "same"
    CHANGES = "changes"
    UNKNOWN = "unknown"
    """One of both sides could not be judged."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerChange:
    """One layer that answers otherwise."""

    layer: Layer
    old: LayerResult
    new: LayerResult

    @property
    def outcomes(self) -> bool:
        """Whether it comes to something else, not only by other grounds."""
        return self.old.outcome is not self.new.outcome

    @property
    def facts(self) -> tuple[tuple[str, Fact, Fact], ...]:
        """What is proven otherwise, where both pass: name, old and new."""
        if {self.old.outcome, self.new.outcome} != {Outcome.PASSED}:
            return ()
        names = [*self.old.facts, *(name for name in self.new.facts if name not in self.old.facts)]
        both = ((name, self.old.facts.get(name), self.new.facts.get(name)) for name in names if name not in _UNTOLD)
        return tuple((name, old, new) for name, old, new in both if old != new)

    def why(self) -> Iterator[str]:
        """Explain it, a clause a line."""
        for side, here, there in (("old", self.old, self.new), ("new", self.new, self.old)):
            if here.outcome is Outcome.NOT_CONFIGURED and there.outcome is not Outcome.NOT_CONFIGURED:
                yield f"the {side} policy does not ask for it"
            elif here.problem is not None:
                problem = here.problem
                sides = (("expected", problem.expected), ("got", problem.got), ("in", problem.where))
                more = "".join(f", {word} {text}" for word, text in sides if text)
                yield f"{side}: {problem.reason}: {problem.message}{more}"
        yield from (f"{name}: {_said(old)} → {_said(new)}" for name, old, new in self.facts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One plugin under the old and under the new."""

    target: str
    old: Judgement | None
    """None where the old documents do not have the plugin."""
    new: Judgement | None

    @property
    def change(self) -> Change:
        """Whether the verdict changes; a plugin that only one side has changes."""
        verdicts = {one.verdict for one in (self.old, self.new) if one is not None}
        if not verdicts <= _CERTAIN:
            return Change.UNKNOWN
        return Change.SAME if len(verdicts) == 1 and self.old is not None and self.new is not None else Change.CHANGES

    @property
    def layers(self) -> tuple[LayerChange, ...]:
        """The layers that answer otherwise, or pass by other grounds; without those that are only reached or not."""
        if self.old is None or self.new is None:
            return ()
        before = {one.layer: one for one in self.old.layers}
        found = (LayerChange(layer=one.layer, old=before[one.layer], new=one) for one in self.new.layers if one.layer in before)
        return tuple(one for one in found if _differs(one))

    @property
    def unjudged(self) -> tuple[tuple[str, Judgement], ...]:
        """The sides that came to no verdict."""
        sides = (("old", self.old), ("new", self.new))
        return tuple((name, one) for name, one in sides if one is not None and one.verdict not in _CERTAIN)


def exit_code(differences: Sequence[Difference]) -> int:
    """0 same verdicts, 1 some change, 2 the request is wrong for one, 3 one could not be judged; nothing compared is never 0."""
    if any(one.change is Change.CHANGES for one in differences):
        return 1
    verdicts = {judgement.verdict for one in differences for _, judgement in one.unjudged}
    if Verdict.INVALID in verdicts or not differences:
        return 2
    return 3 if verdicts else 0


def _differs(one: LayerChange) -> bool:
    outcomes = {one.old.outcome, one.new.outcome}
    if outcomes <= _QUIET:
        return len(outcomes) > 1 and Outcome.NOT_CONFIGURED in outcomes
    problems = tuple(None if side.problem is None else (side.problem.reason, side.problem.message) for side in (one.old, one.new))
    return one.outcomes or problems[0] != problems[1] or bool(one.facts)


def _said(fact: Fact) -> str:
    if fact is None:
        return "nothing"
    if isinstance(fact, str):
        return f"`{fact}`"
    if isinstance(fact, tuple):
        return ", ".join(map(_said, fact)) or "nothing"
    if isinstance(fact, (bool, int)):
        return str(fact)
    return f"`{fact['name']}`" if isinstance(fact.get("name"), str) else "something else"
