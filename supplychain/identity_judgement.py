"""The judgement of an identity pattern, for people who write one: what it names, what matches, what almost does, or why not."""

from __future__ import annotations

from dataclasses import dataclass

from supplychain.errors import InvalidIdentityPatternError
from supplychain.identity_examples import NearMiss, almost_matching, matching
from supplychain.identity_pattern import IdentityPattern
from supplychain.identity_proof import ProvenName, options_of, prove

__all__ = ["PatternJudgement", "judge_pattern"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PatternJudgement:
    """A pattern with its refusal, or with what is proved about it; all examples were tried."""

    text: str
    refusal: InvalidIdentityPatternError | None = None
    """Carries `example`, a subject that an attacker could use, where one could be built."""
    names: tuple[ProvenName, ...] = ()
    warnings: tuple[str, ...] = ()
    matching: tuple[str, ...] = ()
    almost: tuple[NearMiss, ...] = ()


def judge_pattern(text: str) -> PatternJudgement:
    """Prove a pattern and make examples for it."""
    try:
        pattern = IdentityPattern.parse(text)
        proof = prove(text)
    except InvalidIdentityPatternError as refusal:
        return PatternJudgement(text=text, refusal=refusal)
    found = matching(options_of(text), accepts=pattern.matches)
    return PatternJudgement(
        text=text,
        names=proof.names,
        warnings=pattern.warnings,
        matching=found,
        almost=almost_matching(found, accepts=pattern.matches),
    )
