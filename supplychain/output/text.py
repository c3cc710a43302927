"""Judgements as text, in the manner of a good compiler error.

One line a layer; under a layer that did not pass: what was expected, what was found, where, the next step, and every candidate
with why it did not count. Several targets get a table at the end.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from enum import IntEnum
from typing import TYPE_CHECKING, Final

from supplychain.output.style import clean
from supplychain.report import Layer, Outcome, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from supplychain.errors import Remedy
    from supplychain.output.judgement import Judgement
    from supplychain.output.style import Style
    from supplychain.report import Candidate, Fact, LayerResult, Problem

__all__ = ["Detail", "render", "render_extra", "render_fact_lines", "render_problem"]

_INDENT: Final = " " * 16
_NAME_WIDTH: Final = 11
_KEY_WIDTH: Final = 9


class Detail(IntEnum):
    """How much is said."""

    QUIET = 0
    """Only about targets that are not trusted."""
    NORMAL = 1
    VERBOSE = 2
    """Every fact and every input."""


def render(judgements: Sequence[Judgement], *, style: Style, detail: Detail = Detail.NORMAL) -> str:
    """Write all judgements; ends with a newline unless there is nothing to say."""
    shown = [one for one in judgements if detail is not Detail.QUIET or one.verdict is not Verdict.TRUSTED]
    blocks = ["\n".join(_judgement(one, style=style, detail=detail)) for one in shown]
    if len(judgements) > 1 and shown:
        blocks.append("\n".join(_table(judgements, style=style)))
    return "\n\n".join(blocks) + "\n" if blocks else ""


def render_extra(extra: Mapping[str, Fact]) -> str:
    """Write what a command knows besides its targets; empty where it knows nothing."""
    lines = list(render_fact_lines(extra, indent="  "))
    return "\n".join(["", *lines, ""]) if lines else ""


def render_problem(problem: Problem, *, indent: str = "  ") -> str:
    """Write a problem that belongs to no target."""
    return "\n".join([f"{problem.reason}: {clean(problem.message)}", *_details(problem, indent=indent)])


def _judgement(judgement: Judgement, *, style: Style, detail: Detail) -> Iterator[str]:
    yield f"{style.verdict(judgement.word.upper(), judgement.verdict)}  {clean(judgement.target)}"
    if judgement.error is not None:
        yield f"  {style.mark(judgement.stopped)} {judgement.step:<{_NAME_WIDTH}} {_reason(judgement.error)}"
        yield from _details(judgement.error, indent=_INDENT)
    for result in judgement.layers if judgement.error is None or detail is Detail.VERBOSE else _judged(judgement):
        yield from _layer(result, style=style, detail=detail)
    roots = judgement.inputs.get("trustRoots")
    for root in roots if isinstance(roots, tuple) and detail is not Detail.VERBOSE else ():
        if isinstance(root, Mapping):
            yield "  " + style.dim(clean(_trust_root(root)))
    if detail is Detail.VERBOSE:
        yield f"  at {judgement.at.isoformat().replace('+00:00', 'Z')}"
        yield from render_fact_lines(judgement.inputs, indent="  ")


def _judged(judgement: Judgement) -> Iterator[LayerResult]:
    """Leave out what a wrong request kept from being judged."""
    return (one for one in judgement.layers if one.outcome not in {Outcome.NOT_REACHED, Outcome.NOT_CONFIGURED})


def _layer(result: LayerResult, *, style: Style, detail: Detail) -> Iterator[str]:
    lead = f"  {style.mark(result.outcome)} {result.layer.value:<{_NAME_WIDTH}} "
    match result.outcome:
        case Outcome.NOT_CONFIGURED:
            yield lead + style.dim("not configured")
        case Outcome.NOT_REACHED:
            yield lead + style.dim("not reached")
        case _ if result.problem is not None:
            unavailable = "could not be evaluated, " if result.outcome is Outcome.UNAVAILABLE else ""
            yield lead + unavailable + _reason(result.problem)
            yield from _details(result.problem, indent=_INDENT)
        case _:
            yield lead + clean(_headline(result))
    for warning in result.warnings:
        yield _INDENT + style.warning(f"warning: {clean(warning)}")
    rejected = [one for one in result.candidates if one.outcome is not Outcome.PASSED]
    if rejected and (result.outcome is not Outcome.PASSED or detail is Detail.VERBOSE):
        yield f"{_INDENT}looked at {len(result.candidates)}:"
        for candidate in result.candidates:
            yield from _candidate(candidate, style=style)
    elif rejected:
        yield _INDENT + style.dim(f"{len(rejected)} other candidate(s) did not count; `--verbose` lists them")
    if detail is Detail.VERBOSE:
        yield from render_fact_lines(result.facts, indent=_INDENT)


def _candidate(candidate: Candidate, *, style: Style) -> Iterator[str]:
    yield f"{_INDENT}  {style.mark(candidate.outcome)} {clean(candidate.where)}"
    if candidate.problem is not None:
        yield f"{_INDENT}    {_reason(candidate.problem)}"
        yield from _details(candidate.problem, indent=_INDENT + "    ", advice=False)


def _reason(problem: Problem) -> str:
    return f"{problem.reason}: {clean(problem.message)}"


def _details(problem: Problem, *, indent: str, advice: bool = True) -> Iterator[str]:
    facts = (("expected", problem.expected), ("got", problem.got), ("where", problem.where))
    for key, text in (*facts, ("hint", problem.hint if advice else None)):
        if text:
            yield f"{indent}{key:<{_KEY_WIDTH}} {clean(text)}"
    for remedy in problem.remedies if advice else ():
        yield f"{indent}would pass with   {clean(remedy.change)}   ({_effect(remedy)})"
        if remedy.manifest is not None:
            yield f"{indent}  in a manifest   {clean(remedy.manifest)}"


def _effect(remedy: Remedy) -> str:
    effect = clean(remedy.effect)
    return f"weakens the policy: {effect}" if remedy.weakens else f"{effect}: weakens nothing"


def _table(judgements: Sequence[Judgement], *, style: Style) -> Iterator[str]:
    width = max(len(one.word) for one in judgements)
    targets = [clean(one.target) for one in judgements]
    longest = max(map(len, targets))
    for one, target in zip(judgements, targets, strict=True):
        reason = one.cause.reason if one.cause is not None else ""
        yield f"{style.verdict(one.word.upper().ljust(width), one.verdict)}  {target:<{longest}}  {reason}".rstrip()
    counts = Counter(one.word.lower() for one in judgements)
    yield f"{len(judgements)} targets: " + ", ".join(f"{count} {word}" for word, count in sorted(counts.items()))


def _headline(result: LayerResult) -> str:
    facts = result.facts
    match result.layer:
        case Layer.PULL:
            return _join(facts.get("source"))
        case Layer.DESCRIPTOR:
            return _join(facts.get("id"), facts.get("tagVersion"), facts.get("class"), f"sha256:{facts.get('artifactHash')}")
        case Layer.ED25519:
            return _join(f"key `{facts.get('key')}`", facts.get("keyFingerprint"))
        case Layer.REVOCATION:
            return _revocation(facts.get("lists"))
        case Layer.COSIGN:
            return _join(facts.get("identity"), f"issuer {facts.get('issuer')}")
        case _:
            unsigned = "(nobody signed this)" if facts.get("signed") is False else None
            return _join(facts.get("sourceUri"), facts.get("sourceRef"), f"built by {facts.get('builderId')}", unsigned)


def _revocation(lists: Fact) -> str:
    named = [one for one in lists if isinstance(one, Mapping)] if isinstance(lists, tuple) else []
    return "not on " + ", ".join(f"`{one.get('name')}` (entries: {one.get('entries')})" for one in named)


def _trust_root(root: Mapping[str, Fact]) -> str:
    age = f", {root['ageDays']} days old" if root.get("ageDays") is not None else ""
    return f"trust root `{root.get('name')}`{age}, sha256:{root.get('sha256')}"


def _join(*parts: Fact) -> str:
    return "  ".join(str(part) for part in parts if part is not None)


def render_fact_lines(facts: Mapping[str, Fact], *, indent: str) -> Iterator[str]:
    """Write facts one a line, what is within others further in; absent ones are left out."""
    for key, value in facts.items():
        if value is None or value in ((), {}):
            continue
        if isinstance(value, Mapping):
            yield f"{indent}{clean(key)}:"
            yield from render_fact_lines(value, indent=indent + "  ")
        elif isinstance(value, tuple):
            yield f"{indent}{clean(key)}:"
            for number, item in enumerate(value, start=1):
                if isinstance(item, Mapping):
                    said = ((name, one) for name, one in item.items() if one not in (None, ()))
                    inner = ", ".join(f"{clean(name)} {clean(_inline(one))}" for name, one in said)
                    yield f"{indent}  {number}. {inner}"
                else:
                    yield f"{indent}  {number}. {clean(str(item))}"
        else:
            yield f"{indent}{clean(key)}: {clean(str(value))}"


def _inline(value: Fact) -> str:
    return "; ".join(map(_inline, value)) if isinstance(value, tuple) else str(value)
