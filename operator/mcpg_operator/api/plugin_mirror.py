"""The status of an `MCPGPluginMirror`."""

from __future__ import annotations

from pydantic import Field

from mcpg_operator.api.common import Status

__all__ = ["PluginMirrorStatus"]


class PluginMirrorStatus(Status):
    """Whether the mirror answers, and who uses it."""

    reachable: bool | None = Field(default=None, description="Whether the mirror's `/v2/` endpoint answered last time.")
    proxied_references: int | None = Field(default=None, ge=0, description="How many plugins name this mirror.")
    endpoint_host: str | None = Field(default=None, description="Host and port that references are rewritten to.")
