"""The published shape of the JSON report of `supplychain lint` (JSON Schema 2020-12)."""

from __future__ import annotations

from typing import Any, Final

__all__ = ["SCHEMA_ID", "lint_schema"]

SCHEMA_ID: Final = "mcpg.dev/supplychain-lint/v1"

_TEXT: Final = {"type": "string"}
_OPTIONAL_TEXT: Final = {"type": ["string", "null"]}


def lint_schema() -> dict[str, Any]:
    """Build the schema of what `lint --output json` prints."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "urn:mcpg.dev:supplychain-lint:v1",
        "title": "Report of `supplychain lint`",
        **_closed(
            {
                "schema": {"const": SCHEMA_ID, "description": "Changes when a reader could misread the document."},
                "generator": _closed({"name": {"const": "supplychain"}, "version": _TEXT}),
                "exitCode": {"enum": [0, 1, 2], "description": "0 nothing is wrong, 1 something is, 2 wrong request."},
                "objects": {"type": "integer", "minimum": 0, "description": "How many were judged."},
                "problems": {"type": "array", "items": _problem()},
            }
        ),
    }


def _problem() -> dict[str, Any]:
    word = {"type": "string", "pattern": "^[A-Z][A-Za-z0-9]+$", "description": "Stable word; safe to compare with."}
    return _closed(
        {
            "file": _TEXT,
            "line": {"type": "integer", "minimum": 1},
            "kind": {**_OPTIONAL_TEXT, "description": "With `namespace` and `name`: null where a file holds no object."},
            "namespace": _OPTIONAL_TEXT,
            "name": _OPTIONAL_TEXT,
            "rule": word,
            "severity": {"enum": ["Error", "Warning"]},
            "family": {"enum": ["Spec", "Tenant", "Lookup"], "description": "Who can do something about it."},
            "field": {**_OPTIONAL_TEXT, "description": "JSON path from the root of the object."},
            "message": {"type": "string", "description": "For people; may change."},
            "what": _TEXT,
            "expected": _OPTIONAL_TEXT,
            "got": _OPTIONAL_TEXT,
            "hint": _OPTIONAL_TEXT,
        }
    )


def _closed(properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}
