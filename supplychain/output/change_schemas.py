"""The published shapes of what `diff` and `revoke` print as JSON (JSON Schema 2020-12).

`inputs` and differing `facts` are open on purpose: a later version may prove more. Everything else is closed.
"""

from __future__ import annotations

from typing import Any, Final

from supplychain.report import Layer, Outcome, Verdict

__all__ = ["DIFF_ID", "REVOKE_ID", "diff_schema", "revoke_schema"]

DIFF_ID: Final = "mcpg.dev/supplychain-diff/v1"
REVOKE_ID: Final = "mcpg.dev/supplychain-revoke/v1"

_TEXT: Final = {"type": "string"}
_OPTIONAL_TEXT: Final = {"type": ["string", "null"]}
_COUNT: Final = {"type": "integer", "minimum": 0}
_TEXTS: Final = {"type": "array", "items": _TEXT}
_HASH: Final = {"type": "string", "pattern": "^[0-9a-f]{64}$"}
_CHANGES: Final = ("same", "changes", "unknown")


def diff_schema() -> dict[str, Any]:
    """Build the schema of what `diff --output json` prints."""
    return _document(
        "diff",
        {
            "schema": {"const": DIFF_ID, "description": "Changes when a reader could misread the document."},
            "generator": _closed({"name": {"const": "supplychain"}, "version": _TEXT}),
            "exitCode": {"enum": [0, 1, 2, 3], "description": "0 same verdicts, 1 some change, 2 wrong request, 3 not judged."},
            "counts": _closed(dict.fromkeys(_CHANGES, _COUNT)),
            "targets": {"type": "array", "items": _target()},
            "notes": _TEXTS,
        },
    )


def revoke_schema() -> dict[str, Any]:
    """Build the schema of what `revoke --output json` prints."""
    place = {"namespace": _TEXT, "name": _TEXT}
    return _document(
        "revoke",
        {
            "schema": {"const": REVOKE_ID, "description": "Changes when a reader could misread the document."},
            "artifactSha256": _HASH,
            "list": _closed({"file": _TEXT, "name": _TEXT, "problems": _TEXTS}),
            "state": {"enum": ["written", "already", "dry-run", "declined"]},
            "already": _or_null(_closed({"reason": _TEXT, "revokedAt": _OPTIONAL_TEXT}), "What the list said before."),
            "read": {"type": "object", "additionalProperties": _HASH, "description": "Artifacts by the target that was read."},
            "plugins": _list({"name": _TEXT, "class": _TEXT, "ground": {"enum": ["read", "status"]}}),
            "unknown": {**_TEXTS, "description": "Plugins of which nobody knows for which artifact they stand."},
            "sets": _list({**place, "plugins": _TEXTS}),
            "gateways": _list({**place, "effect": {"enum": ["stops", "continues", "held", "refuses"]}, "why": _TEXT}),
        },
    )


def _target() -> dict[str, Any]:
    return _closed(
        {
            "target": _TEXT,
            "change": {"enum": list(_CHANGES)},
            "old": _or_null(_side(), "Null where the old documents do not have the plugin."),
            "new": _or_null(_side(), "Null where the new ones do not."),
            "layers": _list(
                {
                    "layer": {"enum": [layer.value for layer in Layer]},
                    "old": _layer(),
                    "new": _layer(),
                    "facts": {"type": "object", "additionalProperties": _closed({"old": {}, "new": {}})},
                    "why": {**_TEXTS, "description": "For people; may change."},
                }
            ),
        }
    )


def _side() -> dict[str, Any]:
    return _closed(
        {
            "verdict": {"enum": [verdict.value for verdict in Verdict]},
            "reason": {**_OPTIONAL_TEXT, "description": "Stable word of the first thing that stood in the way."},
            "error": _or_null(_problem(), "Set when the request was wrong, or the target came to nothing as a whole."),
            "inputs": {"type": "object"},
        }
    )


def _layer() -> dict[str, Any]:
    outcomes = [outcome.value for outcome in Outcome]
    return _closed({"outcome": {"enum": outcomes}, "problem": _or_null(_problem(), "Why the layer did not pass.")})


def _problem() -> dict[str, Any]:
    optional = dict.fromkeys(("expected", "got", "where", "hint"), _OPTIONAL_TEXT)
    return _closed({"reason": {"type": "string", "pattern": "^[A-Z][A-Za-z0-9]+$"}, "message": _TEXT, **optional})


def _document(command: str, properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:mcpg.dev:supplychain-{command}:v1",
        "title": f"Report of `supplychain {command}`",
        **_closed(properties),
    }


def _closed(properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}


def _list(properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": _closed(properties)}


def _or_null(schema: dict[str, Any], description: str) -> dict[str, Any]:
    return {"oneOf": [schema, {"type": "null"}], "description": description}
