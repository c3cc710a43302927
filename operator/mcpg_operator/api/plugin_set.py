"""The status of an `MCPGPluginSet`."""

from __future__ import annotations

from pydantic import Field

from mcpg_operator.api.common import Hex, Status, StatusModel

__all__ = ["FailedEntry", "PluginSetStatus"]


class FailedEntry(StatusModel):
    """An entry that cannot be used now."""

    id: str = Field(description="Id of the entry.")
    reason: str = Field(description="Stable word for programs.")
    message: str = Field(description="Explanation for people.")


class PluginSetStatus(Status):
    """How much of the set is resolved."""

    resolved_entries: int | None = Field(default=None, ge=0, description="Entries that are resolved, disabled ones included.")
    total_entries: int | None = Field(default=None, ge=0, description="All entries; the set is Ready when as many are resolved.")
    resolved_hash: Hex | None = Field(
        default=None, description="SHA-256 of the resolved entries, their configuration and their grants."
    )
    failed_entries: tuple[FailedEntry, ...] | None = Field(
        default=None,
        strict=False,
        json_schema_extra={"x-kubernetes-list-type": "atomic"},
        description="Entries that are not resolved.",
    )
