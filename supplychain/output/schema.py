"""The published shape of the JSON report (JSON Schema 2020-12).

`facts`, `inputs` and `extra` are open on purpose: a later version may prove more. Everything else is closed.
"""

from __future__ import annotations

from typing import Any, Final

from supplychain.output.json_report import SCHEMA_ID
from supplychain.output.judgement import Scope
from supplychain.report import Layer, Outcome, Verdict

__all__ = ["report_schema"]

_TEXT: Final = {"type": "string"}
_OPTIONAL_TEXT: Final = {"type": ["string", "null"]}
_TIME: Final = {"type": "string", "format": "date-time", "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$"}


def report_schema() -> dict[str, Any]:
    """Build the schema of what `--output json` prints."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "urn:mcpg.dev:supplychain-report:v1",
        "title": "Verdict of `supplychain verify` and `supplychain check`",
        **_closed(
            {
                "schema": {"const": SCHEMA_ID, "description": "Changes when a reader could misread the document."},
                "generator": _closed({"name": {"const": "supplychain"}, "version": _TEXT}),
                "verdict": {"enum": _verdicts(), "description": "Of all reports; `Passed` where one layer was run."},
                "exitCode": {"enum": [0, 1, 2, 3], "description": "0 trusted, 1 refused, 2 wrong request, 3 not evaluated."},
                "reports": _list({"$ref": "#/$defs/report"}),
                "notes": _list(_TEXT, description="What was left aside while the request was put together."),
                "extra": {"$ref": "#/$defs/facts", "description": "What the command knows besides; empty for most."},
            }
        ),
        "$defs": {
            "report": _report(),
            "layer": _layer(),
            "candidate": _candidate(),
            "problem": _problem(),
            "remedy": _remedy(),
            "facts": {"type": "object", "additionalProperties": {"$ref": "#/$defs/fact"}},
            "fact": {
                "type": ["string", "integer", "boolean", "null", "array", "object"],
                "items": {"$ref": "#/$defs/fact"},
                "additionalProperties": {"$ref": "#/$defs/fact"},
            },
        },
    }


def _report() -> dict[str, Any]:
    return _closed(
        {
            "scope": {
                "enum": [scope.value for scope in Scope],
                "description": "`plugin`: every layer; else the one that was run.",
            },
            "target": _TEXT,
            "at": _TIME,
            "verdict": {"enum": _verdicts()},
            "layers": _list({"$ref": "#/$defs/layer"}, description="In order; each a gate for the next."),
            "inputs": {"$ref": "#/$defs/facts", "description": "What the verdict rests on besides the artifact."},
            "error": _optional("problem", "Set when the request was wrong, or the target came to nothing as a whole."),
        }
    )


def _layer() -> dict[str, Any]:
    return _closed(
        {
            "layer": {"enum": [layer.value for layer in Layer]},
            "outcome": {"enum": [outcome.value for outcome in Outcome]},
            "problem": _optional("problem", "Why the layer did not pass."),
            "facts": {"$ref": "#/$defs/facts", "description": "Only what this layer proved or read."},
            "candidates": _list({"$ref": "#/$defs/candidate"}, description="Every piece of evidence that was looked at."),
            "warnings": _list(_TEXT),
        }
    )


def _candidate() -> dict[str, Any]:
    return _closed(
        {
            "where": _TEXT,
            "outcome": {"enum": [outcome.value for outcome in Outcome]},
            "problem": _optional("problem", "Why it did not count."),
        }
    )


def _problem() -> dict[str, Any]:
    return _closed(
        {
            "reason": {"type": "string", "pattern": "^[A-Z][A-Za-z0-9]+$", "description": "Stable word; safe to compare with."},
            "message": {"type": "string", "description": "For people; may change."},
            "expected": _OPTIONAL_TEXT,
            "got": _OPTIONAL_TEXT,
            "where": _OPTIONAL_TEXT,
            "hint": _OPTIONAL_TEXT,
            "remedies": _list(
                {"$ref": "#/$defs/remedy"},
                description="Changes that would make this check pass; what weakens nothing comes first.",
            ),
        }
    )


def _remedy() -> dict[str, Any]:
    return _closed(
        {
            "change": {"type": "string", "description": "Flags to copy, or what the evidence would have to be."},
            "effect": {"type": "string", "description": "What the change trusts, in words."},
            "weakens": {
                "type": "boolean",
                "description": "Whether the policy would trust more than another release of the same.",
            },
            "manifest": {"type": ["string", "null"], "description": "The same change as fields of an MCPGPlugin."},
        }
    )


def _verdicts() -> list[str]:
    return [*(verdict.value for verdict in Verdict), "Passed"]


def _closed(properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}


def _list(items: dict[str, Any], *, description: str | None = None) -> dict[str, Any]:
    return {"type": "array", "items": items} | ({"description": description} if description is not None else {})


def _optional(name: str, description: str) -> dict[str, Any]:
    return {"oneOf": [{"$ref": f"#/$defs/{name}"}, {"type": "null"}], "description": description}
