"""What a definition says besides its schema: names, scope, and the columns that `kubectl get` prints."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from mcpg_operator.api import (
    ClusterStatus,
    GatewayStatus,
    PluginMirrorStatus,
    PluginSetStatus,
    PluginStatus,
    RevocationListStatus,
    RouteStatus,
    TenantStatus,
)
from mcpg_operator.resources import CLUSTER, GATEWAY, PLUGIN, PLUGIN_MIRROR, PLUGIN_SET, REVOCATION_LIST, ROUTE, TENANT
from supplychain.api import (
    ClusterSpec,
    GatewaySpec,
    PluginMirrorSpec,
    PluginSetSpec,
    PluginSpec,
    RevocationListSpec,
    RouteSpec,
    TenantSpec,
)
from supplychain.api.shape import validation

if TYPE_CHECKING:
    from mcpg_operator.api import Status
    from mcpg_operator.resources import Kind
    from supplychain.api import Model

__all__ = ["CATEGORY", "KINDS", "Column", "Definition"]

CATEGORY: Final = "mcpg"
"""`kubectl get mcpg` lists all kinds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One printed column."""

    name: str
    type: str
    path: str
    wide: bool = False
    """Whether it is printed under `-o wide` only."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Definition:
    """One kind, with everything that its definition is made of."""

    kind: Kind
    short_name: str
    description: str
    spec: type[Model]
    status: type[Status]
    columns: tuple[Column, ...]
    names: tuple[dict[str, Any], ...] = ()
    """Rules about the object's own name, in CEL over the whole object."""


def _condition(name: str, *, wide: bool = False) -> Column:
    return Column(name=name, type="string", path=f'.status.conditions[?(@.type=="{name}")].status', wide=wide)


_REASON: Final = Column(name="Reason", type="string", path='.status.conditions[?(@.type=="Ready")].reason', wide=True)
_AGE: Final = Column(name="Age", type="date", path=".metadata.creationTimestamp")

KINDS: Final = (
    Definition(
        kind=PLUGIN,
        short_name="mcpgp",
        description="One plugin build: where its OCI artifact is, and what has to be proven before it may be used.",
        spec=PluginSpec,
        status=PluginStatus,
        columns=(
            Column(name="Plugin", type="string", path=".spec.pluginId"),
            Column(name="Version", type="string", path=".spec.version"),
            Column(name="Class", type="string", path=".spec.pluginClass"),
            _condition("Verified"),
            Column(name="Revoked", type="boolean", path=".status.revokedBySha"),
            _condition("Ready"),
            _condition("Fresh", wide=True),
            _REASON,
            _AGE,
        ),
    ),
    Definition(
        kind=PLUGIN_MIRROR,
        short_name="mcpgm",
        description="An in-cluster registry, and the upstream names that it stands for.",
        spec=PluginMirrorSpec,
        status=PluginMirrorStatus,
        columns=(
            Column(name="Upstream", type="string", path=".spec.upstream.registry"),
            Column(name="Reachable", type="string", path=".status.reachable"),
            Column(name="Proxied", type="integer", path=".status.proxiedReferences"),
            _condition("Ready"),
            _REASON,
            _AGE,
        ),
    ),
    Definition(
        kind=REVOCATION_LIST,
        short_name="mcpgrl",
        description="Artifact hashes that nobody may load any more. The list called `cluster-default` counts for every plugin.",
        spec=RevocationListSpec,
        status=RevocationListStatus,
        columns=(
            Column(name="Entries", type="integer", path=".status.observedRevocations"),
            Column(name="Materialised", type="integer", path=".status.materialisedNamespaces"),
            _condition("Ready"),
            _condition("Fresh", wide=True),
            _REASON,
            _AGE,
        ),
    ),
    Definition(
        kind=PLUGIN_SET,
        short_name="mcpgps",
        description="The plugins that the gateways of a namespace load: their order, configuration and rights.",
        spec=PluginSetSpec,
        status=PluginSetStatus,
        columns=(
            Column(name="Plugins", type="integer", path=".status.resolvedEntries"),
            Column(name="Total", type="integer", path=".status.totalEntries", wide=True),
            _condition("Ready"),
            _REASON,
            _AGE,
        ),
    ),
    Definition(
        kind=GATEWAY,
        short_name="mcpgw",
        description="A gateway: the plugins that it loads, the coordinator that its replicas share, and how it runs.",
        spec=GatewaySpec,
        status=GatewayStatus,
        columns=(
            Column(name="Image", type="string", path=".spec.image.tag"),
            Column(name="Replicas", type="integer", path=".spec.replicas"),
            Column(name="Plugins", type="string", path=".spec.pluginSetRef.name"),
            _condition("Ready"),
            _condition("Available"),
            _REASON,
            _AGE,
        ),
        names=(
            # It becomes the name of a Service, after `mcpg-` where it begins with a digit, and the value of a label.
            validation(
                "self.metadata.name.matches(r'^(?:[a-z](?:[-a-z0-9]{0,61}[a-z0-9])?|[0-9](?:[-a-z0-9]{0,56}[a-z0-9])?)$')",
                "the name gives no Service name: expected up to 63 lower-case letters, digits and `-`, or 58 after a digit",
            ),
        ),
    ),
    Definition(
        kind=ROUTE,
        short_name="mcpgr",
        description="Tools of a gateway, and whose callers may use them.",
        spec=RouteSpec,
        status=RouteStatus,
        columns=(
            Column(name="Gateway", type="string", path=".spec.gatewayRef.name"),
            Column(name="Tools", type="integer", path=".status.matchedTools"),
            Column(name="Bound", type="string", path='.status.conditions[?(@.type=="GatewayBound")].status'),
            _condition("Ready"),
            _REASON,
            _AGE,
        ),
    ),
    Definition(
        kind=CLUSTER,
        short_name="mcpgc",
        description="A coordinator that the replicas of gateways share.",
        spec=ClusterSpec,
        status=ClusterStatus,
        columns=(
            Column(name="Backend", type="string", path=".spec.backend"),
            Column(name="Gateways", type="integer", path=".status.boundGateways"),
            _condition("Ready"),
            _REASON,
            _AGE,
        ),
    ),
    Definition(
        kind=TENANT,
        short_name="mcpgt",
        description="Namespaces that belong together, what may be used in them, and how much of it.",
        spec=TenantSpec,
        status=TenantStatus,
        columns=(
            Column(name="Namespaces", type="string", path=".status.boundNamespaces"),
            Column(name="Gateways", type="integer", path=".status.observed.gateways"),
            _condition("Ready"),
            _REASON,
            _AGE,
        ),
        names=(
            validation("self.metadata.name.size() <= 63", "the name is too long for a label: expected at most 63 characters"),
        ),
    ),
)
"""In the order of the documentation."""
