"""What a set is judged by: plugins and tenant as the store shows them, standings, revocations in force; and its children.

Looking at the plugins costs no request, looking at the children one, which reads metadata alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mcpg_operator.indexes import claimants
from mcpg_operator.render.plugin_set import CHILDREN, SET
from mcpg_operator.resources import PLUGIN, SECRET, TENANT
from mcpg_operator.revocations import in_force
from supplychain.errors import ClusterUnavailableError
from supplychain.rules.tenancy import owner_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from mcpg_operator.ledger import Verified
    from mcpg_operator.resources import Resource
    from mcpg_operator.services import Services
    from supplychain.revocation import RevocationSet
    from supplychain.rules.reading import Document

__all__ = ["Children", "Observation", "children", "look"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """The plugins that a set concerns, by name; a plugin that is missing in `plugins` does not exist."""

    plugins: Mapping[str, Resource]
    standings: Mapping[str, Verified]
    """From the ledger; a plugin that is missing here has not been judged since the start."""
    revocations: RevocationSet
    tenant: Document | None = None
    """The tenant that owns the set's namespace; None where nobody does, so that every plugin is allowed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Children:
    """Metadata of what lies in a namespace under our labels, by name."""

    copies: dict[str, Resource]
    documents: dict[str, Resource]


def children(services: Services, namespace: str) -> Children:
    """Look at the children of all sets of a namespace; raises as `Cluster.list_metadata`."""
    found = Children(copies={}, documents={})
    for one in services.cluster.list_metadata(SECRET, namespace=namespace, labels=CHILDREN):
        (found.documents if SET in one.labels else found.copies)[one.name] = one
    return found


def look(services: Services, names: Iterable[str], *, namespace: str) -> Observation:
    """Look the plugins of these names up, and who owns the namespace.

    Raises:
        ClusterUnavailableError: the first full list of plugins, tenants or revocations is not in, so that silence would prove
            nothing.
    """
    revocations = in_force(services)
    unknown = {"plugins": not services.store.synced(PLUGIN), "tenants": not services.store.synced(TENANT)}
    if revocations is None or any(unknown.values()):
        missing = next((what for what, absent in unknown.items() if absent), "revocations")
        raise ClusterUnavailableError("the operator has not seen the whole cluster yet", got=f"no full list of {missing}")
    wanted = tuple(dict.fromkeys(names))
    plugins = {name: services.store.get(PLUGIN, name) for name in wanted}
    standings = {name: services.ledger.get(name) for name in wanted}
    return Observation(
        plugins={name: one for name, one in plugins.items() if one is not None},
        standings={name: one for name, one in standings.items() if one is not None},
        revocations=revocations,
        tenant=owner_of(namespace, [one.body for one in claimants(services.store, namespace)]),
    )
