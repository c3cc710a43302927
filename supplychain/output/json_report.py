"""Judgements as one JSON document.

Equal judgements give equal bytes: fixed key order, ASCII only, two-space indent, a newline at the end. Every document satisfies
the schema (`schema.py`) that `supplychain report-schema` prints.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from supplychain.output.judgement import Judgement
    from supplychain.report import Candidate, Fact, LayerResult, Problem

__all__ = ["SCHEMA_ID", "render"]

SCHEMA_ID: Final = "mcpg.dev/supplychain-report/v1"


def render(judgements: Sequence[Judgement], *, verdict: str, exit_code: int, version: str, notes: Sequence[str] = ()) -> str:
    """Write the document; `verdict` and `exit_code` are those of all targets together."""
    document = {
        "schema": SCHEMA_ID,
        "generator": {"name": "supplychain", "version": version},
        "verdict": verdict,
        "exitCode": exit_code,
        "reports": [_judgement(one) for one in judgements],
        "notes": list(notes),
    }
    return json.dumps(document, indent=2, ensure_ascii=True, allow_nan=False) + "\n"


def _judgement(judgement: Judgement) -> dict[str, Any]:
    return {
        "scope": judgement.scope.value,
        "target": judgement.target,
        "at": _time(judgement.at),
        "verdict": judgement.word,
        "layers": [_layer(result) for result in judgement.layers],
        "inputs": _plain(judgement.inputs),
        "error": _problem(judgement.error),
    }


def _layer(result: LayerResult) -> dict[str, Any]:
    return {
        "layer": result.layer.value,
        "outcome": result.outcome.value,
        "problem": _problem(result.problem),
        "facts": _plain(result.facts),
        "candidates": [_candidate(one) for one in result.candidates],
        "warnings": list(result.warnings),
    }


def _candidate(candidate: Candidate) -> dict[str, Any]:
    return {"where": candidate.where, "outcome": candidate.outcome.value, "problem": _problem(candidate.problem)}


def _problem(problem: Problem | None) -> dict[str, Any] | None:
    if problem is None:
        return None
    return {
        "reason": problem.reason,
        "message": problem.message,
        "expected": problem.expected,
        "got": problem.got,
        "where": problem.where,
        "hint": problem.hint,
        "remedies": [remedy._asdict() for remedy in problem.remedies],
    }


def _plain(fact: Fact) -> Any:
    if isinstance(fact, Mapping):
        return {key: _plain(value) for key, value in fact.items()}
    return [_plain(one) for one in fact] if isinstance(fact, tuple) else fact


def _time(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")
