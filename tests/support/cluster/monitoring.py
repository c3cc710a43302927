"""The two kinds of the Prometheus operator that gateways use, as small definitions: a real API server judges names and shape.

The published definitions are half a megabyte; these hold what the operator writes, closed against everything else.
"""

from __future__ import annotations

from typing import Any, Final

from mcpg_operator.resources import CRD, PROMETHEUS_RULE, SERVICE_MONITOR, Kind

__all__ = ["MONITORING"]

_TEXT: Final = {"type": "string"}
_TEXTS: Final = {"type": "object", "additionalProperties": _TEXT}
_DURATION: Final = {
    "type": "string",
    "pattern": "^(0|(([0-9]+)y)?(([0-9]+)w)?(([0-9]+)d)?(([0-9]+)h)?(([0-9]+)m)?(([0-9]+)s)?(([0-9]+)ms)?)$",
}


def _object(required: tuple[str, ...] = (), **properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, **({"required": list(required)} if required else {})}


def _list(item: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": item}


_ENDPOINT: Final = _object(
    port=_TEXT, path=_TEXT, scheme={"type": "string", "enum": ["http", "https"]}, interval=_DURATION, scrapeTimeout=_DURATION
)
_RULE: Final = _object(
    ("expr",), alert=_TEXT, expr={"x-kubernetes-int-or-string": True}, labels=_TEXTS, annotations=_TEXTS, **{"for": _DURATION}
)
_GROUP: Final = _object(("name",), name={"type": "string", "minLength": 1}, rules=_list(_RULE))


def _definition(kind: Kind, spec: dict[str, Any]) -> dict[str, Any]:
    names = {"kind": kind.name, "plural": kind.plural, "singular": kind.name.lower(), "listKind": f"{kind.name}List"}
    version = {
        "name": kind.version,
        "served": True,
        "storage": True,
        "schema": {"openAPIV3Schema": _object(("spec",), spec=spec)},
    }
    return {
        "apiVersion": CRD.api_version,
        "kind": CRD.name,
        "metadata": {"name": f"{kind.plural}.{kind.group}"},
        "spec": {"group": kind.group, "scope": "Namespaced", "names": names, "versions": [version]},
    }


MONITORING: Final = (
    _definition(
        SERVICE_MONITOR,
        _object(("endpoints", "selector"), endpoints=_list(_ENDPOINT), selector=_object(matchLabels=_TEXTS)),
    ),
    _definition(PROMETHEUS_RULE, _object(groups=_list(_GROUP))),
)
