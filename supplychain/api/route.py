"""`MCPGRoute`: which tools of a gateway are for whom.

Rules of the document by itself. Not here: whether the gateway exists, accepts the namespace, and serves the tools.
"""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import Field

from supplychain.api.common import NOT_BLANK, Label, Model, Name, Text
from supplychain.api.lists import different, filled, listed
from supplychain.api.refusal import checked, refuse
from supplychain.api.shape import Cel
from supplychain.api.values import ONE_LINE

__all__ = ["GatewayRef", "RouteMatch", "RouteSpec", "ToolMatch"]

_MAX_TOOLS: Final = 256
_MAX_CHAIN: Final = 64
_MAX_ATTRIBUTES: Final = 64
_MAX_TEXT: Final = 256
_TENANT: Final = "tenant"
_NO_TENANT: Final = "the attribute `tenant` is blank"

ToolId = Annotated[str, Field(max_length=_MAX_TEXT), *NOT_BLANK, ONE_LINE]
Chain = Annotated[tuple[Text, ...], listed(_MAX_CHAIN)]


def _tenant(attributes: dict[str, str]) -> None:
    if not attributes.get(_TENANT, _TENANT).strip():
        refuse(_NO_TENANT, expected="a tenant, or no such attribute")


Attributes = Annotated[
    dict[str, Annotated[str, Field(max_length=_MAX_TEXT), ONE_LINE]],
    Field(max_length=_MAX_ATTRIBUTES),
    checked(_tenant),
    Cel(f"!('{_TENANT}' in self) || self['{_TENANT}'].trim() != ''", _NO_TENANT),
]


class GatewayRef(Model):
    """The gateway that a route belongs to."""

    name: Name = Field(description="Name of the MCPGGateway.")
    namespace: Label | None = Field(None, description="Namespace of the MCPGGateway; absent: the route's own.")


class ToolMatch(Model):
    """One tool."""

    id: ToolId = Field(description="Name of the tool, as the gateway serves it.")


Tools = Annotated[
    tuple[ToolMatch, ...],
    listed(_MAX_TOOLS, least=1),
    filled,
    *different(lambda one: one.id.strip(), cel="one.id.trim()", what="two tools have the same id"),
]


class RouteMatch(Model):
    """What a route is about."""

    tools: Tools = Field(description="The tools.")


class RouteSpec(Model):
    """The `spec` of an `MCPGRoute`."""

    gateway_ref: GatewayRef = Field(description="The gateway.")
    match: RouteMatch = Field(description="What the route is about.")
    identity_chain: Chain = Field((), description="Ids of identity plugins; recorded, the gateway does not dispatch by route.")
    policy_chain: Chain = Field((), description="Ids of policy plugins; recorded, the gateway does not dispatch by route.")
    audit_chain: Chain = Field((), description="Ids of audit plugins; recorded, the gateway does not dispatch by route.")
    attributes: Attributes = Field(
        default_factory=dict, description="Attributes of the route; `tenant` is what the identity of a caller must have."
    )

    @property
    def tool_ids(self) -> tuple[str, ...]:
        """The ids of the tools without the spaces around them, in the order of the route."""
        return tuple(tool.id.strip() for tool in self.match.tools)
