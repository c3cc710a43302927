"""Judgements as one JSON document.

Equal judgements give equal bytes: fixed key order, ASCII only, two-space indent, a newline at the end. Every document satisfies
the schema (`schema.py`) that `supplychain report-schema` prints.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from datetime import datetime

    from supplychain.output.account import Account
    from supplychain.output.judgement import Judgement
    from supplychain.report import Candidate, Fact, LayerResult, Problem

__all__ = ["SCHEMA_ID", "plain", "render", "utc"]

SCHEMA_ID: Final = "mcpg.dev/supplychain-report/v1"


def render(account: Account) -> str:
    """Write the document."""
    document = {
        "schema": SCHEMA_ID,
        "generator": {"name": "supplychain", "version": account.version},
        "verdict": account.word,
        "exitCode": account.exit_code,
        "reports": [_judgement(one) for one in account.judgements],
        "notes": list(account.notes),
        "extra": plain(account.extra),
    }
    return json.dumps(document, indent=2, ensure_ascii=True, allow_nan=False) + "\n"


def _judgement(judgement: Judgement) -> dict[str, Any]:
    return {
        "scope": judgement.scope.value,
        "target": judgement.target,
        "at": utc(judgement.at),
        "verdict": judgement.word,
        "layers": [_layer(result) for result in judgement.layers],
        "inputs": plain(judgement.inputs),
        "error": _problem(judgement.error),
    }


def _layer(result: LayerResult) -> dict[str, Any]:
    return {
        "layer": result.layer.value,
        "outcome": result.outcome.value,
        "problem": _problem(result.problem),
        "facts": plain(result.facts),
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


def plain(fact: Fact) -> Any:
    """Turn a fact into what `json` writes."""
    if isinstance(fact, Mapping):
        return {key: plain(value) for key, value in fact.items()}
    return [plain(one) for one in fact] if isinstance(fact, tuple) else fact


def utc(at: datetime) -> str:
    """Write a UTC time as RFC 3339 with `Z`."""
    return at.isoformat().replace("+00:00", "Z")
