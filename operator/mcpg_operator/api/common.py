"""What the statuses share: conditions, times, and how a status becomes the document that is applied."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

__all__ = ["Condition", "Hex", "ManifestDigest", "Status", "StatusModel", "Time"]

Time = Annotated[str, Field(json_schema_extra={"format": "date-time"})]
"""RFC 3339 in UTC."""
Hex = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
"""A SHA-256 in lower case."""
ManifestDigest = Annotated[str, Field(pattern="^sha256:[0-9a-f]{64}$")]


class StatusModel(BaseModel):
    """The base of everything in a status: closed, camelCase on the wire, Python names in code; a field that is None is absent."""

    model_config = ConfigDict(
        strict=True,
        frozen=True,
        extra="forbid",
        alias_generator=to_camel,
        validate_by_name=True,
        validate_by_alias=True,
    )

    def render(self) -> dict[str, Any]:
        """Write the document, without what is None: a field that is left out is taken away by server-side apply."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True)


class Condition(StatusModel):
    """One aspect of the object's state (Kubernetes API conventions, typical status properties)."""

    type: str = Field(max_length=316, description="Name of the aspect, in CamelCase.")
    status: Literal["True", "False", "Unknown"] = Field(description="Whether it holds.")
    reason: str = Field(
        min_length=1, max_length=1024, pattern="^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$", description="Stable word for programs."
    )
    message: str | None = Field(default=None, max_length=32_768, description="Explanation for people.")
    last_transition_time: Time = Field(description="When `status` last changed.")
    observed_generation: int | None = Field(default=None, ge=0, description="The generation of the spec that this is about.")


class Status(StatusModel):
    """What every status begins with."""

    conditions: tuple[Condition, ...] | None = Field(
        default=None,
        json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["type"]},
        strict=False,
        description="`Ready` says whether all is well; the others say why not.",
    )
    observed_generation: int | None = Field(
        default=None, ge=0, description="The generation of the spec that this status is about."
    )
    last_reconcile_time: Time | None = Field(default=None, description="When the operator last wrote this status.")
