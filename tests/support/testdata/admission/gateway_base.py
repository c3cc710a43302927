"""What the cases of `MCPGGateway` start from."""

from __future__ import annotations

from typing import Any, Final

from tests.support.testdata.admission.case import Case, accepted, changed, differing, refused

__all__ = ["BASE", "KIND", "PATHS", "no", "only_here", "yes"]

KIND: Final = "MCPGGateway"
PATHS: Final = [{"path": "/mcp", "pathType": "Prefix"}]
_INGRESS: Final = {"ingressClassName": "nginx", "hosts": [{"host": "mcp.example.com", "paths": PATHS}]}
BASE: Final = {
    "ingress": _INGRESS,
    "resources": {},
    "networkPolicy": {},
    "autoscaling": {},
    "monitoring": {"serviceMonitor": {}},
}


def yes(title: str, changes: dict[str, Any], *, why: str) -> Case:
    """Accepted, but for the changes like `BASE`."""
    return accepted(KIND, title, changed(BASE, changes), why=why)


def no(title: str, field: str, value: Any, *, why: str, schema: str, at: str | None = None) -> Case:
    """Refused for one field; `at` is how the model writes it, where that differs."""
    return refused(KIND, title, changed(BASE, {field: value}), why=why, schema=schema, field=field if at is None else at)


def only_here(title: str, field: str, value: Any, *, why: str, difference: str, at: str | None = None) -> Case:
    """Refused by the model alone."""
    spec = changed(BASE, {field: value})
    return differing(KIND, title, spec, why=why, difference=difference, field=field if at is None else at)
