"""What wakes a set: its own spec, plugins that come and go, standings, revocations, and the tenant of its namespace."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mcpg_operator.controllers.plugin_set.references import ReverseIndex, named_plugins
from mcpg_operator.controllers.watches import Own
from mcpg_operator.indexes import claimed, in_place
from mcpg_operator.resources import PLUGIN, PLUGIN_SET, REVOCATION_LIST, TENANT, Kind
from mcpg_operator.revocations import LIST

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mcpg_operator.resources import Key, Resource
    from mcpg_operator.runtime.store import Store

__all__ = ["Plugins", "Revocations", "Sets", "Tenants"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sets:
    """The sets themselves; on the way the index learns which plugins each one names."""

    index: ReverseIndex
    namespace: str | None
    """The only one that is watched; None: all."""
    kind: Kind = PLUGIN_SET

    def keys(self, old: Resource | None, new: Resource | None) -> Iterable[Key]:
        """Give the set, unless only its status changed."""
        present = new or old
        if present is None or self.namespace not in {None, present.namespace}:
            return ()
        self.index.name(present.key, () if new is None else named_plugins(new))
        return Own(kind=self.kind).keys(old, new)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plugins:
    """Plugins that appear, vanish or are made anew; what becomes of a plugin meanwhile is told by the ledger."""

    index: ReverseIndex
    kind: Kind = PLUGIN

    def keys(self, old: Resource | None, new: Resource | None) -> Iterable[Key]:
        """Give the sets that the plugin concerns."""
        present = new or old
        if present is None or (old is not None and new is not None and old.uid == new.uid):
            return ()
        return self.index.sets(present.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Revocations:
    """The list that counts: an old entry may stay in a document although nothing else speaks of its artifact any more."""

    store: Store
    namespace: str | None
    kind: Kind = REVOCATION_LIST
    urgent: bool = True

    def keys(self, old: Resource | None, new: Resource | None) -> Iterable[Key]:
        """Give every set when the list says something else."""
        present = new or old
        if present is None or present.name != LIST or (old is not None and new is not None and old.spec == new.spec):
            return ()
        return [one.key for one in self.store.list(PLUGIN_SET) if self.namespace in {None, one.namespace}]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tenants:
    """Tenants, whose list of plugins may be another one now, or who own a namespace now or no longer."""

    store: Store
    kind: Kind = TENANT

    def keys(self, old: Resource | None, new: Resource | None) -> Iterable[Key]:
        """Give the sets of every namespace that the tenant claims or claimed, when its spec is another one."""
        if old is not None and new is not None and (old.uid, old.spec) == (new.uid, new.spec):
            return ()
        namespaces = sorted({one for tenant in (old, new) if tenant is not None for one in claimed(tenant)})
        return [one.key for namespace in namespaces for one in in_place(self.store, PLUGIN_SET, namespace)]
