"""A gateway and all its children, from a resolved spec. Pure: the same inputs give the same bytes.

`render_gateway` is the way in. The configuration is laid over what the author wrote (`config`), in one of two dialects
(`dialect`); everything else follows from the spec and from where the configuration says that the gateway listens (`listener`).
"""

from __future__ import annotations

from mcpg_operator.render.gateway.inputs import (
    ClusterBlock,
    Credential,
    Defaults,
    GatewayInputs,
    Handling,
    Note,
    RenderedGateway,
    RouteClaim,
    TenantScope,
    defaults_of,
)
from mcpg_operator.render.gateway.rendering import render_gateway

__all__ = [
    "ClusterBlock",
    "Credential",
    "Defaults",
    "GatewayInputs",
    "Handling",
    "Note",
    "RenderedGateway",
    "RouteClaim",
    "TenantScope",
    "defaults_of",
    "render_gateway",
]
