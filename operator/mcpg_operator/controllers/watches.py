"""What wakes a controller: changes of its own objects that are not its own doing, and changes of what they depend on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from mcpg_operator.resources import Key, Kind, Resource

__all__ = ["Changed", "Dependants", "Own", "References"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Own:
    """The controller's own kind. A change of the status alone wakes nobody: it is the controller's own writing."""

    kind: Kind

    def keys(self, old: Resource | None, new: Resource | None) -> Iterable[Key]:
        """Give the object's key."""
        present = new or old
        if present is None or (old is not None and new is not None and _substance(old) == _substance(new)):
            return ()
        return (present.key,)


@dataclass(frozen=True, slots=True, kw_only=True)
class References:
    """A kind that names objects of the controller: whoever is named newly, or no longer, is concerned, and nobody else."""

    kind: Kind
    named: Callable[[Resource], Iterable[Key]]

    def keys(self, old: Resource | None, new: Resource | None) -> Iterable[Key]:
        """Give those that are named on one side only."""
        before = set() if old is None else set(self.named(old))
        return before ^ (set() if new is None else set(self.named(new)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Dependants:
    """A kind that objects of the controller name: every change concerns all who name the object."""

    kind: Kind
    of: Callable[[Resource], Iterable[Key]]

    def keys(self, old: Resource | None, new: Resource | None) -> Iterable[Key]:
        """Give those who depend on the object, as it was and as it is."""
        return {key for one in (old, new) if one is not None for key in self.of(one)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Changed:
    """A kind of which only some parts concern objects of the controller: those of the object as it was and as it is."""

    kind: Kind
    part: Callable[[Resource], object]
    of: Callable[[Resource], Iterable[Key]]

    def keys(self, old: Resource | None, new: Resource | None) -> Iterable[Key]:
        """Give those whom a change of such a part concerns."""
        if old is not None and new is not None and self.part(old) == self.part(new):
            return ()
        return {key for one in (old, new) if one is not None for key in self.of(one)}


def _substance(resource: Resource) -> tuple[object, ...]:
    """Everything about an object that is not its status; the generation counts the changes of the spec."""
    return resource.uid, resource.generation, resource.deleting, resource.labels, resource.annotations
