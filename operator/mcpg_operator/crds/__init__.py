"""The definitions of the kinds, made from their models.

`supplychain.api` holds the specs and `mcpg_operator.api` the statuses; names and columns are in `kinds`. What comes out is
committed under `charts/mcpg-operator/crds`, and a test keeps it fresh.
"""

from __future__ import annotations

from mcpg_operator.crds.definition import definition, render_definition
from mcpg_operator.crds.kinds import KINDS

__all__ = ["KINDS", "definition", "render"]


def render() -> dict[str, bytes]:
    """Write every definition as YAML, by the name of its kind in lower case."""
    return {one.kind.name.lower(): render_definition(one) for one in KINDS}
