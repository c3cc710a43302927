"""What `diff` found, as text and as JSON."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any, Final

from supplychain.carry.difference import Change, exit_code
from supplychain.output.change_schemas import DIFF_ID
from supplychain.output.json_report import plain
from supplychain.output.style import PLAIN, clean
from supplychain.output.text import Detail
from supplychain.report import Verdict

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator, Sequence

    from supplychain.carry.difference import Difference, LayerChange
    from supplychain.cli.console import Console
    from supplychain.output.judgement import Judgement
    from supplychain.output.style import Style
    from supplychain.report import LayerResult, Problem

__all__ = ["render"]

_ABSENT: Final = "(not there)"
_COLORS: Final = {Change.SAME: Verdict.TRUSTED, Change.CHANGES: Verdict.REFUSED, Change.UNKNOWN: Verdict.UNAVAILABLE}
_WORDS: Final = {Change.SAME: "SAME", Change.CHANGES: "CHANGES", Change.UNKNOWN: "UNKNOWN"}
_WIDTH: Final = 8


def render(
    differences: Sequence[Difference], *, args: argparse.Namespace, console: Console, code: int, notes: Sequence[str]
) -> tuple[str, str]:
    """Write the report in the wanted form, and its one-line summary."""
    counts = Counter(one.change for one in differences)
    summary = f"{len(differences)} compared: " + ", ".join(f"{counts[change]} {change.value}" for change in Change)
    if args.output == "json":
        return _json(differences, code=code, notes=notes), summary
    style = console.style(console.out) if args.output_file is None else PLAIN
    shown = [one for one in differences if console.detail is not Detail.QUIET or one.change is not Change.SAME]
    lines = [line for one in shown for line in _target(one, style=style)]
    if console.detail is Detail.QUIET and exit_code(differences) == 0:
        return "", summary
    return "\n".join([*lines, summary, ""]), summary


def _target(one: Difference, *, style: Style) -> Iterator[str]:
    old, new = _verdict(one.old), _verdict(one.new)
    verdicts = new if old == new else f"{old} → {new}"
    yield f"{style.verdict(_WORDS[one.change].ljust(_WIDTH), _COLORS[one.change])} {verdicts}  {clean(one.target)}"
    for side, judgement in one.unjudged:
        if judgement.error is not None:
            yield f"  {side + ' request':<12} {clean(_clause(judgement.error))}"
    for change in one.layers:
        yield f"  {change.layer.value:<12} {_outcomes(change)}"
        for text in change.why():
            yield f"{'':<15}{clean(text)}"


def _verdict(judgement: Judgement | None) -> str:
    return _ABSENT if judgement is None else judgement.word


def _outcomes(change: LayerChange) -> str:
    if change.outcomes:
        return f"{change.old.outcome.value} → {change.new.outcome.value}"
    return f"{change.new.outcome.value}, by other grounds"


def _clause(problem: Problem) -> str:
    return f"{problem.reason}: {problem.message}" + (f", in {problem.where}" if problem.where else "")


def _json(differences: Sequence[Difference], *, code: int, notes: Sequence[str]) -> str:
    from supplychain.cli.version import version

    document = {
        "schema": DIFF_ID,
        "generator": {"name": "supplychain", "version": version()},
        "exitCode": code,
        "counts": {change.value: sum(one.change is change for one in differences) for change in Change},
        "targets": [_entry(one) for one in differences],
        "notes": list(notes),
    }
    return json.dumps(document, indent=2, ensure_ascii=True, allow_nan=False) + "\n"


def _entry(one: Difference) -> dict[str, Any]:
    return {
        "target": one.target,
        "change": one.change.value,
        "old": _side(one.old),
        "new": _side(one.new),
        "layers": [
            {
                "layer": change.layer.value,
                "old": _layer(change.old),
                "new": _layer(change.new),
                "facts": {name: {"old": plain(old), "new": plain(new)} for name, old, new in change.facts},
                "why": list(change.why()),
            }
            for change in one.layers
        ],
    }


def _side(judgement: Judgement | None) -> dict[str, Any] | None:
    if judgement is None:
        return None
    return {
        "verdict": judgement.word,
        "reason": judgement.cause.reason if judgement.cause is not None else None,
        "error": None if judgement.error is None else _problem(judgement.error),
        "inputs": plain(judgement.inputs),
    }


def _layer(result: LayerResult) -> dict[str, Any]:
    return {"outcome": result.outcome.value, "problem": None if result.problem is None else _problem(result.problem)}


def _problem(problem: Problem) -> dict[str, str | None]:
    return {
        "reason": problem.reason,
        "message": problem.message,
        "expected": problem.expected,
        "got": problem.got,
        "where": problem.where,
        "hint": problem.hint,
    }
