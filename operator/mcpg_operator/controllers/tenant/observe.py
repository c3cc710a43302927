"""Looks at a namespace and who claims it, and at how much of our kinds is in it; nothing of it costs a request."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mcpg_operator.indexes import PLACE, claimants
from mcpg_operator.render.tenant import LABEL, QUOTA_LABELS
from mcpg_operator.resources import GATEWAY, NAMESPACE, PLUGIN_SET, RESOURCE_QUOTA, ROUTE, TENANT
from supplychain.api import parse_spec
from supplychain.api.tenant import TenantSpec
from supplychain.errors import InputError
from supplychain.rules.reading import at
from supplychain.rules.tenancy import owner_of

if TYPE_CHECKING:
    from mcpg_operator.resources import Resource
    from mcpg_operator.services import Services

__all__ = ["Counts", "Place", "counts", "look", "read", "rightful_owner"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """One namespace, and what a tenant has to do with it."""

    name: str
    namespace: Resource | None
    """None where it does not exist."""
    owner: str | None = None
    """Name of the tenant that owns it."""
    spec: TenantSpec | None = None
    """Of the owner; None where it cannot be read."""
    quotas: tuple[Resource, ...] = ()
    """Quotas of ours that lie in it."""
    unreadable: bool = False
    """Whether its label names a tenant whose list of namespaces cannot be read, so that it may well be that one's."""
    home: bool = False
    """Whether it is the operator's own."""

    @property
    def label(self) -> str | None:
        """Whose it says it is."""
        return None if self.namespace is None else self.namespace.labels.get(LABEL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """How many objects of our kinds there are."""

    gateways: int = 0
    plugin_sets: int = 0
    routes: int = 0

    def __add__(self, other: Counts) -> Counts:
        return Counts(
            gateways=self.gateways + other.gateways,
            plugin_sets=self.plugin_sets + other.plugin_sets,
            routes=self.routes + other.routes,
        )


def rightful_owner(services: Services, namespace: str) -> str | None:
    """Name the tenant that owns a namespace."""
    owner = owner_of(namespace, [one.body for one in claimants(services.store, namespace)])
    return None if owner is None else str(owner["metadata"]["name"])


def look(services: Services, name: str) -> Place:
    """Look at one namespace."""
    store = services.store
    namespace = store.get(NAMESPACE, name)
    owner = rightful_owner(services, name)
    tenant = None if owner is None else store.get(TENANT, owner)
    label = None if namespace is None else namespace.labels.get(LABEL)
    named = None if label is None else store.get(TENANT, label)
    quotas = [one for one in store.find(RESOURCE_QUOTA, PLACE, name) if QUOTA_LABELS.items() <= one.labels.items()]
    return Place(
        name=name,
        namespace=namespace,
        owner=owner,
        spec=None if tenant is None else read(tenant),
        quotas=tuple(quotas),
        unreadable=named is not None and not isinstance(at(named.spec, "namespaces"), list),
        home=name == services.settings.namespace,
    )


def read(tenant: Resource) -> TenantSpec | None:
    """Read a tenant's spec; None where it is none."""
    try:
        return parse_spec(TenantSpec, tenant.spec, where=f"`{tenant.key}`")
    except InputError:
        return None


def counts(services: Services, namespace: str) -> Counts:
    """Count the objects of our kinds in a namespace."""
    store = services.store
    return Counts(
        gateways=store.count(GATEWAY, PLACE, namespace),
        plugin_sets=store.count(PLUGIN_SET, PLACE, namespace),
        routes=store.count(ROUTE, PLACE, namespace),
    )
