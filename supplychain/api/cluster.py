"""`MCPGCluster`: the coordinator that the replicas of gateways share.

Rules of the document by itself. Not here: whether the plugin and the Secrets exist, and whether a plaintext transport is allowed,
which is a setting.
"""

from typing import Annotated, Final, Literal, Self

from pydantic import ConfigDict, Field, model_validator

from supplychain.api.common import DataKey, Model, Name, ObjectName
from supplychain.api.lists import different, listed
from supplychain.api.refusal import checked, refuse
from supplychain.api.shape import VALIDATIONS, Cel, Shape, validation
from supplychain.api.values import FreeObject

__all__ = ["ClusterSpec", "CredentialRef"]

_MAX_CREDENTIALS: Final = 64
_SINGLE: Final = "single_node"
_KIND: Final = "`kind` is no key of the configuration: `backend` decides"
_NO_FILE: Final = "no name of a file"
_NO_CONFIG: Final = "the backend needs a configuration: expected at least an address"
_PLUGIN: Final = "`pluginRef` with a backend that is no plugin"


def _no_step(name: str) -> None:
    if name in {".", ".."}:
        refuse(_NO_FILE, got=f"`{name}`")


def _no_kind(config: FreeObject) -> None:
    if "kind" in config:
        refuse(_KIND)


CredentialName = Annotated[
    str,
    Field(max_length=63),
    Shape(regex="[A-Za-z0-9._-]+", what="no credential name", expected="up to 63 letters, digits, `.`, `_` and `-`"),
    checked(_no_step),
    Cel("self != '.' && self != '..'", _NO_FILE),
]
Config = Annotated[
    FreeObject,
    Field(json_schema_extra={"properties": {"kind": {"type": "string", "description": "Refused: `backend` decides."}}}),
    checked(_no_kind),
    Cel("!has(self.kind)", _KIND),
]


class CredentialRef(Model):
    """A credential of the coordinator, which the configuration calls `cred://cluster/<name>`."""

    name: CredentialName = Field(description="Name of the credential; it becomes the name of a file.")
    secret_name: Name = Field(description="Secret in the operator's namespace.")
    key: DataKey | None = Field(None, description="Data key within the Secret; absent: `name`.")

    @property
    def data_key(self) -> str:
        """The key within the Secret."""
        return self.key if self.key is not None else self.name


CredentialRefs = Annotated[
    tuple[CredentialRef, ...],
    listed(_MAX_CREDENTIALS),
    *different(lambda one: str(one.name), cel="one.name", what="two credentials have the same name"),
]


class ClusterSpec(Model):
    """The `spec` of an `MCPGCluster`."""

    model_config = ConfigDict(
        json_schema_extra={
            VALIDATIONS: [
                # Whether a free-form object is empty cannot be seen by a rule.
                validation(f"!has(self.backend) || self.backend == '{_SINGLE}' || has(self.config)", _NO_CONFIG),
                validation(f"!has(self.pluginRef) || has(self.backend) && self.backend != '{_SINGLE}'", _PLUGIN),
            ]
        }
    )

    backend: Literal["consul", "etcd", "nats", "redis", "single_node"] = Field(_SINGLE, description="Kind of coordinator.")
    config: Config = Field(default_factory=dict, description="Configuration of the backend, passed on as it is.")
    plugin_ref: ObjectName | None = Field(None, description="MCPGPlugin that speaks to the backend.")
    credential_refs: CredentialRefs = Field((), description="Credentials that the configuration refers to.")

    @model_validator(mode="after")
    def _configured_as_the_backend_needs(self) -> Self:
        if self.backend == _SINGLE and self.config:
            refuse(f"the backend `{_SINGLE}` takes no configuration", expected="no `config`, or another `backend`")
        if self.backend != _SINGLE and not self.config:
            refuse("the backend needs a configuration", expected="at least an address", got="none")
        if self.backend == _SINGLE and self.plugin_ref is not None:
            refuse(_PLUGIN, expected="no `pluginRef`, or another `backend`")
        return self
