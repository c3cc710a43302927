"""Looks at everything that a gateway is rendered from, and at what runs of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mcpg_operator.controllers.gateway.children import owned_by
from mcpg_operator.controllers.gateway.claims import SeenRoutes, owner, see_routes
from mcpg_operator.controllers.gateway.coordinators import see_cluster
from mcpg_operator.controllers.gateway.hosts import contested
from mcpg_operator.controllers.gateway.running import leaving_of, loaded_by
from mcpg_operator.controllers.gateway.sets import see_set
from mcpg_operator.render.gateway.dialect import dialect_of
from mcpg_operator.render.gateway.names import names_of
from mcpg_operator.resources import DEPLOYMENT, PLUGIN
from supplychain.rules.coordinator import PLUGIN_IDS
from supplychain.rules.inline_plugins import foreign_keys, overlay, unallowed, weak_policies
from supplychain.rules.reading import at
from supplychain.rules.tenancy import allows

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mcpg_operator.controllers.gateway.coordinators import SeenCluster
    from mcpg_operator.controllers.gateway.lists import Lists, SeenLists
    from mcpg_operator.controllers.gateway.running import Loaded
    from mcpg_operator.controllers.gateway.sets import SeenSet
    from mcpg_operator.controllers.plugin_set.seal import Sealer
    from mcpg_operator.controllers.plugin_set.sources import Sources
    from mcpg_operator.render.gateway.inputs import Defaults
    from mcpg_operator.render.resolved_set import ResolvedSet
    from mcpg_operator.resources import Resource
    from mcpg_operator.services import Services
    from supplychain.api.gateway import GatewaySpec
    from supplychain.rules.reading import Document

__all__ = ["Observation", "Tools", "observe"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tools:
    """What all passes share to look with."""

    services: Services
    sealer: Sealer
    sources: Sources
    lists: Lists
    defaults: Defaults
    monitoring: Callable[[], bool]
    """Whether the cluster serves the kinds of the Prometheus operator."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """One gateway with everything that decides about it."""

    resource: Resource
    spec: GatewaySpec
    defaults: Defaults
    lists: SeenLists
    plugins: SeenSet | None
    """None: no set is named."""
    cluster: SeenCluster | None
    """None: no coordinator is named."""
    routes: SeenRoutes
    tenant: Document | None
    forbidden: tuple[str, ...]
    """Why the plugins of its own list may not be loaded in a namespace of its tenant."""
    contested: tuple[str, ...]
    """Hosts and paths that an older gateway asks for as well."""
    live: Resource | None
    """Its Deployment, None where there is none of its own."""
    loaded: Mapping[str, Loaded]
    """By plugin id: what its newest pods load."""
    banned: frozenset[str]
    """Ids among them that no document tells of any more, and that the tenant does not allow."""
    leaving: Mapping[str, str]
    """Plugin id by artifact hash: what only older pods load, if there are any."""
    monitoring: bool


def observe(tools: Tools, resource: Resource, spec: GatewaySpec) -> Observation:
    """Look once.

    Raises:
        ClusterUnavailableError, ConflictError, ApplyForbiddenError: it could not be looked at, which proves nothing.
        InvalidManifestError: the dialect cannot be told.
    """
    services, namespace = tools.services, resource.namespace or ""
    tenant = owner(services, namespace)
    lists = tools.lists.see(resource, None if spec.revocation_list_ref is None else spec.revocation_list_ref.name)
    plugins = None
    if spec.plugin_set_ref is not None:
        name = spec.plugin_set_ref.name
        plugins = see_set(services, tools.sealer, resource, name, revocations=lists.revocations, tenant=tenant)
    dialect = dialect_of(resource.annotations, spec.config, default=tools.defaults.dialect)
    document = None if plugins is None else plugins.document
    live = _live(services, resource)
    loaded = {} if live is None else loaded_by(live)
    return Observation(
        resource=resource,
        spec=spec,
        defaults=tools.defaults,
        lists=lists,
        plugins=plugins,
        cluster=see_cluster(services, tools.sources, resource, spec, document=document, dialect=dialect),
        routes=see_routes(services, resource.key),
        tenant=tenant,
        forbidden=_forbidden(services, spec, tenant),
        contested=contested(services, resource),
        live=live,
        loaded=loaded,
        banned=_banned(services, loaded, document, tenant),
        leaving={} if live is None else leaving_of(live),
        monitoring=tools.monitoring(),
    )


def _live(services: Services, gateway: Resource) -> Resource | None:
    """Find its Deployment; one that lost its labels is not in the store, and its pods run all the same."""
    name = names_of(gateway.name).workload
    found = services.store.get(DEPLOYMENT, name, gateway.namespace)
    if found is None:
        found = services.cluster.get(DEPLOYMENT, name, namespace=gateway.namespace)
    return found if found is not None and owned_by(found, gateway) else None


def _banned(
    services: Services, loaded: Mapping[str, Loaded], document: ResolvedSet | None, tenant: Document | None
) -> frozenset[str]:
    """Name what runs and is no longer allowed, where no set can tell; the plugin of a coordinator is not the tenant's."""
    known = frozenset() if document is None else {one.id for one in document.entries}
    unknown = loaded.keys() - known - set(PLUGIN_IDS.values())
    if tenant is None or not unknown:
        return frozenset()
    found: dict[str, bool] = {}
    for plugin in services.store.list(PLUGIN):
        name = at(plugin.spec, "pluginId")
        if name in unknown:
            found[name] = found.get(name, False) or allows(tenant, plugin.body)
    return frozenset(name for name, allowed in found.items() if not allowed)


def _forbidden(services: Services, spec: GatewaySpec, tenant: Document | None) -> tuple[str, ...]:
    """Say what of the author's own list goes around the tenant's allowlist, or around the signatures."""
    if tenant is None:
        return ()
    config = spec.config
    found = [*weak_policies(config), *foreign_keys(config), *overlay(config)]
    if spec.plugin_set_ref is None:
        found += unallowed(config, tenant=tenant, plugins=[one.body for one in services.store.list(PLUGIN)])
    return tuple(f"`{one.field}`: {one.what}" for one in found)
