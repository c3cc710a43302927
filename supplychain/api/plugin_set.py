"""`MCPGPluginSet`: which plugins the gateways of one namespace load, in which order, with which configuration and rights.

Rules of the document by itself. Not here: whether the plugins exist and are Ready, whether their ids are those of the entries,
and whether a grant is among what the descriptor asks for; that needs other objects and is decided while a set is resolved.
"""

from __future__ import annotations

from typing import Annotated, Any, Final

from pydantic import AfterValidator, ConfigDict, Field, model_validator

from supplychain.api.common import Model, ObjectName
from supplychain.api.lists import COMPARABLE, distinct
from supplychain.api.refusal import checked, refuse
from supplychain.api.shape import DOTTED, VALIDATIONS, Cel, Shape, validation
from supplychain.descriptor import CAPABILITIES

__all__ = ["MAX_ENTRIES", "PluginEntry", "PluginSetSpec"]

MAX_ENTRIES: Final = 256
"""Entries of one set; the ids are compared with each other on every write."""


_LONG: Final = f"ids.map(id, id.size()).sum() * self.capabilityGrants.size() > {COMPARABLE}"
"""Whether comparing would cost a cluster too much; the model compares nevertheless."""


def _capability(text: str) -> None:
    if text not in CAPABILITIES:
        refuse("unknown capability", expected=", ".join(f"`{one}`" for one in CAPABILITIES), got=f"`{text[:80]}`")


def _filled(items: tuple[object, ...]) -> None:
    # Not a bound of pydantic's: it counts after it has left out the items that are wrong, and complains about both.
    if not items:
        refuse("the list is empty", expected="at least one item")


def _different(words: tuple[str, ...]) -> tuple[str, ...]:
    if len(set(words)) != len(words):
        refuse("a capability is granted twice")
    return words


EntryId = Annotated[
    str,
    Field(max_length=200),
    Shape(regex=DOTTED, what="no plugin id", expected="reverse DNS such as `dev.example.audit`"),
    Shape(
        regex="[A-Za-z0-9][A-Za-z0-9._-]*",
        what="no plugin id that can name a folder",
        expected="letters, digits, `.`, `_` and `-`, the first one a letter or a digit",
    ),
]
"""The plugin's id; it becomes the name of a folder in the pod."""
Capability = Annotated[str, Field(json_schema_extra={"enum": sorted(CAPABILITIES)}), checked(_capability)]
Grants = Annotated[
    tuple[Capability, ...],
    Field(
        strict=False,
        max_length=len(CAPABILITIES),
        json_schema_extra={"minItems": 1, "x-kubernetes-list-type": "atomic"},
    ),
    checked(_filled),
    AfterValidator(_different),
    Cel("self.all(one, self.exists_one(other, other == one))", "a capability is granted twice"),
]


class PluginEntry(Model):
    """One plugin of the set."""

    id: EntryId = Field(description="Must equal the `pluginId` of the plugin.")
    plugin_ref: ObjectName = Field(description="The MCPGPlugin.")
    enabled: bool = Field(default=True, description="False: the entry is left out of configuration and Secrets.")
    enforce: bool = Field(default=True, description="False: shadow mode, in which Deny and Challenge become Allow.")
    config: dict[str, Any] | None = Field(None, description="Configuration of the plugin, passed on as it is.")


def _unique(entries: tuple[PluginEntry, ...]) -> tuple[PluginEntry, ...]:
    seen: dict[str, int] = {}
    for index, entry in enumerate(entries):
        earlier = seen.setdefault(entry.id, index)
        if earlier != index:
            refuse(f"entries {earlier} and {index} have the same id", got=f"`{entry.id}`")
    return entries


Entries = Annotated[
    tuple[PluginEntry, ...],
    Field(strict=False, max_length=MAX_ENTRIES, json_schema_extra={"minItems": 1, "x-kubernetes-list-type": "atomic"}),
    checked(_filled),
    AfterValidator(_unique),
    Cel(distinct("one.id"), "two entries have the same id"),
]


class PluginSetSpec(Model):
    """The `spec` of an `MCPGPluginSet`."""

    model_config = ConfigDict(
        json_schema_extra={
            VALIDATIONS: [
                validation(
                    "!has(self.capabilityGrants) || "
                    f"[self.entries.map(one, one.id)].all(ids, {_LONG} || self.capabilityGrants.all(id, id in ids))",
                    "`capabilityGrants` names an id that no entry has",
                )
            ]
        }
    )

    entries: Entries = Field(description="The plugins; their order is kept.")
    capability_grants: dict[str, Grants] = Field(
        default_factory=dict,
        max_length=MAX_ENTRIES,
        description=(
            "What each plugin may do, by entry id. A kind that takes arguments stands for exactly the arguments that the "
            "plugin's descriptor asks for."
        ),
    )

    @model_validator(mode="after")
    def _grants_are_for_entries(self) -> PluginSetSpec:
        known = {entry.id for entry in self.entries}
        for granted in self.capability_grants:
            if granted not in known:
                refuse("`capabilityGrants` names an id that no entry has", got=f"`{granted[:80]}`")
        return self
