"""The status of an `MCPGRevocationList`."""

from __future__ import annotations

from pydantic import Field

from mcpg_operator.api.common import Hex, Status

__all__ = ["RevocationListStatus"]


class RevocationListStatus(Status):
    """How far the list has come."""

    observed_revocations: int | None = Field(default=None, ge=0, description="How many entries are in force.")
    materialised_namespaces: int | None = Field(
        default=None, ge=0, description="How many namespaces hold a copy for their gateways."
    )
    plugins_blocked: tuple[str, ...] | None = Field(
        default=None,
        strict=False,
        json_schema_extra={"x-kubernetes-list-type": "atomic"},
        description="Plugins whose artifact the list names.",
    )
    content_hash: Hex | None = Field(default=None, description="SHA-256 of the list as gateways get it.")
