"""The status of an `MCPGRoute`."""

from __future__ import annotations

from pydantic import Field

from mcpg_operator.api.common import Status

__all__ = ["RouteStatus"]


class RouteStatus(Status):
    """Where the route counts."""

    matched_tools: int | None = Field(
        default=None, ge=0, description="Rules that the gateway has from this route; 0 while it is not bound."
    )
    bound_gateway: str | None = Field(default=None, description="The gateway, as `namespace/name`.")
