"""The status of an `MCPGCluster`."""

from __future__ import annotations

from pydantic import Field

from mcpg_operator.api.common import Hex, Status

__all__ = ["ClusterStatus"]


class ClusterStatus(Status):
    """What the coordinator is made of, and who shares it."""

    plugin_id: str | None = Field(
        default=None, description="Id of the plugin that speaks to the backend; absent where none does."
    )
    bound_gateways: int | None = Field(default=None, ge=0, description="Gateways of all namespaces that name this coordinator.")
    config_hash: Hex | None = Field(default=None, description="SHA-256 of the section `cluster` that gateways get.")
