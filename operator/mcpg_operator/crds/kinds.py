"""What a definition says besides its schema: names, scope, and the columns that `kubectl get` prints."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from mcpg_operator.api import PluginMirrorStatus, PluginSetStatus, PluginStatus, RevocationListStatus
from mcpg_operator.resources import PLUGIN, PLUGIN_MIRROR, PLUGIN_SET, REVOCATION_LIST
from supplychain.api import PluginMirrorSpec, PluginSetSpec, PluginSpec, RevocationListSpec

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
)
"""In the order of the documentation."""
