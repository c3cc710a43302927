"""`MCPGTenant`: namespaces that belong together, and what may be used in them.

Rules of the document by itself. Not here: whether another tenant has one of the namespaces, and which one the operator's is.
"""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import ConfigDict, Field, model_validator

from supplychain.api.common import NOT_BLANK, Label, Model, Text
from supplychain.api.lists import different, filled, listed
from supplychain.api.refusal import checked, refuse
from supplychain.api.shape import VALIDATIONS, Cel, validation
from supplychain.api.values import ONE_LINE, Count

__all__ = ["AllowedPlugin", "IdentityAttribute", "TenantQuotas", "TenantSpec"]

_MAX_NAMESPACES: Final = 256
_MAX_ALLOWED: Final = 256
_MAX_ATTRIBUTE: Final = 256
_PROTECTED: Final = "kube-"
_SYSTEM: Final = "a namespace of the cluster itself"
_ANYTHING: Final = "an entry that allows nothing"


def _no_system(name: str) -> None:
    if name.startswith(_PROTECTED):
        refuse(_SYSTEM, got=f"`{name}`")


Namespace = Annotated[Label, checked(_no_system), Cel(f"!self.startsWith('{_PROTECTED}')", _SYSTEM)]
Namespaces = Annotated[
    tuple[Namespace, ...],
    listed(_MAX_NAMESPACES, least=1),
    filled,
    *different(str, cel="one", what="a namespace is named twice"),
]
Attribute = Annotated[str, Field(max_length=_MAX_ATTRIBUTE), *NOT_BLANK, ONE_LINE]


class AllowedPlugin(Model):
    """Plugins that may be used."""

    model_config = ConfigDict(
        json_schema_extra={
            VALIDATIONS: [
                validation("has(self.name) || has(self.registryPrefix)", f"{_ANYTHING}: expected `name` or `registryPrefix`")
            ]
        }
    )

    name: Text | None = Field(None, description="Name of an MCPGPlugin, or its plugin id; `*` is any.")
    registry_prefix: Text | None = Field(None, description="What the plugin's image begins with, by whole path segments.")

    @model_validator(mode="after")
    def _something_is_allowed(self) -> AllowedPlugin:
        if self.name is None and self.registry_prefix is None:
            refuse(_ANYTHING, expected="`name` or `registryPrefix`")
        return self


class TenantQuotas(Model):
    """How much there may be in each namespace; what is left out is not limited."""

    max_gateways: Count | None = Field(None, description="MCPGGateways of a namespace.")
    max_plugin_sets: Count | None = Field(None, description="MCPGPluginSets of a namespace.")
    max_routes: Count | None = Field(None, description="MCPGRoutes of a namespace.")
    max_replicas_per_gateway: Count | None = Field(None, description="Pods of one gateway.")


class IdentityAttribute(Model):
    """What the identity of a caller must have."""

    key: Attribute = Field(description="Name of the attribute.")
    value: Attribute = Field(description="Its value.")


class TenantSpec(Model):
    """The `spec` of an `MCPGTenant`."""

    namespaces: Namespaces = Field(description="The tenant's namespaces; no two tenants have the same.")
    allowed_plugins: Annotated[tuple[AllowedPlugin, ...], listed(_MAX_ALLOWED)] = Field(
        (), description="Plugins that may be used; without an entry none may."
    )
    quotas: TenantQuotas | None = Field(None, description="How much there may be in each namespace.")
    identity_attribute: IdentityAttribute | None = Field(
        None, description="What the identity of a caller of the tenant's gateways must have."
    )
