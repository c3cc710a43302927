"""The status of an `MCPGGateway`."""

from __future__ import annotations

from pydantic import Field

from mcpg_operator.api.common import Hex, Status

__all__ = ["GatewayStatus"]


class GatewayStatus(Status):
    """How far the roll-out is; hashes, conditions and counts are about the same rendering."""

    replicas: int | None = Field(default=None, ge=0, description="Pods that the Deployment has.")
    ready_replicas: int | None = Field(default=None, ge=0, description="Pods that are ready.")
    updated_replicas: int | None = Field(default=None, ge=0, description="Pods of the newest template.")
    available_replicas: int | None = Field(default=None, ge=0, description="Pods that have been ready for long enough.")
    config_hash: Hex | None = Field(default=None, description="SHA-256 of the rendered configuration.")
    plugin_set_hash: Hex | None = Field(default=None, description="`resolvedHash` of the set that is rendered.")
    revocation_list_hash: Hex | None = Field(default=None, description="SHA-256 of the revocation list that the pods mount.")
