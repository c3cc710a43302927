"""What a gateway hears of its children."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mcpg_operator.resources import GATEWAY, Key

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mcpg_operator.resources import Kind, Resource

__all__ = ["Owned"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Owned:
    """Children: every change wakes the gateway that owns them, also of their status."""

    kind: Kind

    def keys(self, old: Resource | None, new: Resource | None) -> Iterable[Key]:
        """Give the owner."""
        owners = [(one.namespace, owner) for one in (old, new) if one is not None for owner in one.owners]
        return {Key(GATEWAY, str(owner.get("name")), place) for place, owner in owners if owner.get("kind") == GATEWAY.name}
