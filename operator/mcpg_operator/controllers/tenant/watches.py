"""What wakes a tenant: its spec, its namespaces and what it brought into them, other tenants that claim one, and what is counted.

A namespace that bears parts of a tenant is woken as itself as well: its tenant may be gone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from mcpg_operator.controllers.watches import Own
from mcpg_operator.indexes import claimants, claimed
from mcpg_operator.render.tenant import LABEL
from mcpg_operator.resources import NAMESPACE, RESOURCE_QUOTA, ROLE_BINDING, TENANT, Key, Kind

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mcpg_operator.resources import Resource
    from mcpg_operator.runtime.store import Store

__all__ = ["Brought", "Counted", "Namespaces", "Tenants", "namespace_key", "namespace_of"]

_NO_TENANT: Final = "*"
"""A name that no object can have: stands for a namespace, whoever owns it."""


def namespace_key(namespace: str) -> Key:
    """Name a namespace among the keys of tenants."""
    return Key(TENANT, _NO_TENANT, namespace)


def namespace_of(key: Key) -> str | None:
    """The namespace that such a key is about, None for a tenant's."""
    return key.namespace if key.name == _NO_TENANT else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Tenants:
    """The tenants themselves, each with the namespaces that it takes or leaves and whoever else claims those."""

    store: Store
    kind: Kind = TENANT

    def keys(self, old: Resource | None, new: Resource | None) -> Iterable[Key]:
        """Give the tenant, unless only its status changed, and what its list adds or drops."""
        before, after = (set() if one is None else set(claimed(one)) for one in (old, new))
        made_anew = old is not None and new is not None and old.uid != new.uid
        moved = before | after if made_anew else before ^ after
        yield from Own(kind=TENANT).keys(old, new)
        for namespace in sorted(moved):
            yield namespace_key(namespace)
            yield from _claimants(self.store, namespace)


@dataclass(frozen=True, slots=True, kw_only=True)
class Namespaces:
    """Namespaces that come, go, begin to go, or say something else of whose they are."""

    store: Store
    kind: Kind = NAMESPACE

    def keys(self, old: Resource | None, new: Resource | None) -> Iterable[Key]:
        """Give whoever claims the namespace, and the namespace itself where it bears a label."""
        present = new or old
        if present is None or _said(old) == _said(new):
            return
        yield from _claimants(self.store, present.name)
        if any(one is not None and LABEL in one.labels for one in (old, new)):
            yield namespace_key(present.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Brought:
    """Quotas and bindings of ours: what somebody does to one is undone. How much of a quota is used is its status."""

    store: Store
    kind: Kind

    def keys(self, old: Resource | None, new: Resource | None) -> Iterable[Key]:
        """Give whoever claims the namespace, and for a quota the namespace itself."""
        present = new or old
        if present is None or present.namespace is None or _substance(old) == _substance(new):
            return
        yield from _claimants(self.store, present.namespace)
        if self.kind == RESOURCE_QUOTA:
            yield namespace_key(present.namespace)


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """Objects of our kinds that appear or vanish in a namespace."""

    store: Store
    kind: Kind

    def keys(self, old: Resource | None, new: Resource | None) -> Iterable[Key]:
        """Give whoever claims the namespace."""
        present = new or old
        if present is None or present.namespace is None or (old is not None and new is not None):
            return ()
        return _claimants(self.store, present.namespace)


def _claimants(store: Store, namespace: str) -> list[Key]:
    return [one.key for one in claimants(store, namespace)]


def _said(namespace: Resource | None) -> Any:
    return None if namespace is None else (namespace.uid, namespace.deleting, namespace.labels.get(LABEL))


def _substance(resource: Resource | None) -> Any:
    if resource is None:
        return None
    body = resource.body
    parts = ("roleRef", "subjects") if resource.kind == ROLE_BINDING else ("spec",)
    return resource.uid, dict(resource.labels), [body.get(one) for one in parts]
