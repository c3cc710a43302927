"""The status of an `MCPGTenant`."""

from __future__ import annotations

from pydantic import Field

from mcpg_operator.api.common import Status, StatusModel

__all__ = ["ObservedCounts", "TenantStatus"]


class ObservedCounts(StatusModel):
    """How much there is in all namespaces of the tenant together; nothing is decided by it."""

    gateways: int = Field(ge=0, description="MCPGGateways.")
    plugin_sets: int = Field(ge=0, description="MCPGPluginSets.")
    routes: int = Field(ge=0, description="MCPGRoutes.")


class TenantStatus(Status):
    """Which namespaces are the tenant's in fact."""

    bound_namespaces: tuple[str, ...] | None = Field(
        default=None,
        strict=False,
        json_schema_extra={"x-kubernetes-list-type": "atomic"},
        description="Namespaces that exist, bear the tenant's label, and have its rights and quota.",
    )
    observed: ObservedCounts | None = Field(default=None, description="How much there is in them.")
