"""What wakes a gateway: its own spec, its children, and everything that it is rendered from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mcpg_operator.resources import GATEWAY, Key

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from mcpg_operator.resources import Kind, Resource

__all__ = ["Changed", "Owned"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Changed:
    """A kind of which some parts concern gateways: those of the object as it was and of the object as it is."""

    kind: Kind
    part: Callable[[Resource], Any]
    of: Callable[[Resource], Iterable[Key]]

    def keys(self, old: Resource | None, new: Resource | None) -> Iterable[Key]:
        """Give the gateways that a change concerns."""
        if old is not None and new is not None and self.part(old) == self.part(new):
            return ()
        return {key for one in (old, new) if one is not None for key in self.of(one)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Owned:
    """Children: every change wakes the gateway that owns them, also of their status."""

    kind: Kind

    def keys(self, old: Resource | None, new: Resource | None) -> Iterable[Key]:
        """Give the owner."""
        return {key for one in (old, new) if one is not None for key in _owners(one)}


def _owners(child: Resource) -> Iterable[Key]:
    found = child.metadata.get("ownerReferences")
    owners = [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []
    return [Key(GATEWAY, str(one.get("name")), child.namespace) for one in owners if one.get("kind") == GATEWAY.name]
