"""The coordinator that a gateway's replicas share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from mcpg_operator.conditions import Truth
from mcpg_operator.controllers.cluster.decide import decide
from mcpg_operator.controllers.cluster.observe import observe
from mcpg_operator.controllers.gateway.copies import coordinator_entry
from mcpg_operator.controllers.gateway.dependencies import Dependency
from mcpg_operator.render.cluster_block import block_hash, cluster_block
from mcpg_operator.render.gateway.inputs import ClusterBlock
from mcpg_operator.resources import CLUSTER
from supplychain.errors import InputError
from supplychain.rules.coordinator import PLUGIN_IDS, SINGLE_NODE, bindable_from, ceiling_of
from supplychain.rules.reading import at, items

if TYPE_CHECKING:
    from mcpg_operator.controllers.cluster.observe import Observation
    from mcpg_operator.controllers.plugin_set.sources import Sources
    from mcpg_operator.render.gateway.dialect import Dialect
    from mcpg_operator.render.resolved_set import Entry, ResolvedSet
    from mcpg_operator.resources import Resource
    from mcpg_operator.services import Services
    from supplychain.api.cluster import ClusterSpec
    from supplychain.api.gateway import GatewaySpec

__all__ = ["SeenCluster", "see_cluster"]

_TYPE: Final = "ClusterReady"


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenCluster:
    """The MCPGCluster that a gateway names."""

    dependency: Dependency
    block: ClusterBlock | None = None
    """None where it cannot be used."""
    alone: bool = False
    """Whether the gateway may come to several replicas that would share nothing."""


def see_cluster(
    services: Services,
    sources: Sources,
    gateway: Resource,
    spec: GatewaySpec,
    *,
    document: ResolvedSet | None,
    dialect: Dialect,
) -> SeenCluster | None:
    """Look at the coordinator; None where the gateway names none.

    Raises:
        ClusterUnavailableError: not everything has been seen yet.
    """
    if spec.cluster_ref is None:
        return None
    name = spec.cluster_ref.name
    found = services.store.get(CLUSTER, name)
    if found is None:
        return _unusable("ClusterNotFound", f"MCPGCluster `{name}` does not exist", missing=True)
    if not bindable_from(gateway.namespace or "", found.body):
        return _unusable("NamespaceNotAllowed", f"MCPGCluster `{name}` cannot be bound from namespace `{gateway.namespace}`")
    seen = observe(services, found)
    ready = decide(seen).ready
    if seen.spec is None or ready.status is not Truth.TRUE:
        reason = "CredentialMissing" if ready.reason == "CredentialMissing" else "ClusterNotReady"
        return _unusable(reason, f"MCPGCluster `{name}`: {ready.reason}: {ready.message}")
    plugin = None
    if not _has_plugin(seen.spec, gateway, document, dialect):
        plugin = None if seen.verified is None else coordinator_entry(sources, seen.verified)
        if plugin is None:
            wanted = PLUGIN_IDS[seen.spec.backend]
            text = f"no plugin `{wanted}` is loaded; add it to the gateway's MCPGPluginSet, or name it by `pluginRef` of `{name}`"
            return _unusable("ClusterPluginMissing", text)
    return _usable(gateway, name, seen.spec, seen, plugin)


def _usable(gateway: Resource, name: str, spec: ClusterSpec, seen: Observation, plugin: Entry | None) -> SeenCluster:
    block = cluster_block(spec)
    made = ClusterBlock(
        backend=spec.backend,
        config=spec.config,
        config_hash=block_hash(block),
        credentials=seen.credentials.found,
        plugin=plugin,
    )
    if spec.backend == SINGLE_NODE and ceiling_of(gateway.spec).maximum > 1:
        text = f"MCPGCluster `{name}` is {SINGLE_NODE}: replicas would share nothing, so there is one"
        dependency = Dependency(type=_TYPE, kind=CLUSTER.name, reason="SingleNodeMultiReplica", message=text, ready=False)
        return SeenCluster(dependency=dependency, block=made, alone=True)
    dependency = Dependency(
        type=_TYPE, kind=CLUSTER.name, reason="ClusterResolved", message=f"MCPGCluster `{name}`: {spec.backend}"
    )
    return SeenCluster(dependency=dependency, block=made)


def _has_plugin(spec: ClusterSpec, gateway: Resource, document: ResolvedSet | None, dialect: Dialect) -> bool:
    """Whether the gateway loads the plugin that the backend needs: by its set, or else by its own list."""
    wanted = PLUGIN_IDS.get(spec.backend)
    if wanted is None:
        return True
    if document is not None:
        return document.find(wanted) is not None
    try:
        entries = dialect.plugins(at(gateway.spec, "config") or {})
    except InputError:
        return False
    return any(wanted in {at(one, "id"), at(one, "ref")} for one in items(entries))


def _unusable(reason: str, message: str, *, missing: bool = False) -> SeenCluster:
    return SeenCluster(
        dependency=Dependency(
            type=_TYPE, kind=CLUSTER.name, reason=reason, message=message, ready=False, usable=False, missing=missing
        )
    )
