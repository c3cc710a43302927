"""What a gateway is rendered from: everything is looked up and judged before, nothing here reads a cluster."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from enum import Enum
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from mcpg_operator.render.gateway.dialect import Dialect
from supplychain.limits import Limits

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mcpg_operator.render.resolved_set import Entry, ResolvedSet
    from mcpg_operator.resources import Key
    from mcpg_operator.settings import Settings
    from supplychain.api.gateway import GatewaySpec
    from supplychain.rules.tenancy import Identity

__all__ = [
    "ClusterBlock",
    "Credential",
    "Defaults",
    "GatewayInputs",
    "Handling",
    "Note",
    "RenderedGateway",
    "RouteClaim",
    "TenantScope",
    "defaults_of",
    "digest_of",
]

_CLUSTER_DNS: Final = (
    {
        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "kube-system"}},
        "podSelector": {"matchLabels": {"k8s-app": "kube-dns"}},
    },
    {"ipBlock": {"cidr": "169.254.0.0/16"}},
)
"""The DNS service of a cluster, and the link-local addresses of caches on the nodes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Defaults:
    """What the operator's settings decide for every gateway."""

    dialect: Dialect
    repository: str
    """Image of the gateway, without tag."""
    tag: str
    """Tag, or a digest as `sha256:…`."""
    operator_image: str
    """Runs `supplychain materialise`; empty: not configured, so that no gateway can have plugins."""
    platform: str = "linux/amd64/gnu"
    limits: Limits = field(default_factory=Limits)
    """Only `artifact` and `delivery` count: what was stored under them has to be taken back under the same."""
    dns: tuple[Mapping[str, Any], ...] = _CLUSTER_DNS
    """Peers of a NetworkPolicy that answer DNS."""


def defaults_of(settings: Settings) -> Defaults:
    """Take from the operator's settings what gateways are rendered by."""
    return Defaults(
        dialect=Dialect(settings.gateway_config_dialect),
        repository=settings.gateway_image_repository,
        tag=settings.gateway_image_tag,
        operator_image=settings.operator_image or "",
        platform=settings.platform,
        limits=settings.limits,
        dns=settings.dns_peers or _CLUSTER_DNS,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class TenantScope:
    """The tenant that owns a namespace."""

    name: str
    identity: Identity | None
    """What its callers must show; None: nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteClaim:
    """A route that names the gateway and is not being deleted. Whether its namespace is accepted is judged here once more."""

    namespace: str
    name: str
    tools: tuple[str, ...]
    attribute: str | None
    """`attributes.tenant`."""
    tenant: TenantScope | None
    """Who owns the route's namespace."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Credential:
    """One credential of a coordinator, from a Secret in the operator's namespace."""

    name: str
    value: bytes = field(repr=False)
    uid: str
    resource_version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterBlock:
    """A usable MCPGCluster."""

    backend: str
    config: Mapping[str, Any] = field(repr=False)
    config_hash: str
    """Its `status.configHash`."""
    credentials: tuple[Credential, ...] = ()
    plugin: Entry | None = None
    """The coordinator's plugin, for gateways whose own list does not have it."""


class Handling(Enum):
    """What becomes of the pods."""

    SERVE = "serve"
    RECREATE = "recreate"
    """Old pods end before new ones start: none may go on with a library that was revoked."""
    STOP = "stop"
    """No pod at all: the gateway must not serve without what was revoked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayInputs:
    """One gateway with all that it depends on, resolved."""

    name: str
    namespace: str
    uid: str
    spec: GatewaySpec
    annotations: Mapping[str, str]
    defaults: Defaults
    plugins: ResolvedSet | None = None
    revocations: bytes | None = field(default=None, repr=False)
    """The list that the pods mount, to the byte."""
    cluster: ClusterBlock | None = None
    routes: tuple[RouteClaim, ...] = ()
    tenant: TenantScope | None = None
    """Who owns the gateway's namespace."""
    monitoring: bool = False
    """Whether the cluster serves the kinds of the Prometheus operator."""
    handling: Handling = Handling.SERVE
    clamp: int | None = None
    """At most so many replicas: the tenant's cap, or 1 where the replicas would share nothing."""

    @property
    def revocations_hash(self) -> str | None:
        """SHA-256 of the list, hex."""
        return None if self.revocations is None else digest_of(self.revocations)


@lru_cache(maxsize=8)
def digest_of(content: bytes) -> str:
    """SHA-256, hex; a list can be a megabyte, and all gateways mount the same one."""
    return hashlib.sha256(content).hexdigest()


class Note(NamedTuple):
    """Something that the author should hear of, though the gateway was rendered."""

    topic: str
    """A stable CamelCase word."""
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RenderedGateway:
    """What the gateway comes to."""

    config: bytes = field(repr=False)
    """`config.yaml`."""
    config_hash: str
    """Its SHA-256, hex."""
    plugin_set_hash: str | None
    revocation_list_hash: str | None
    children: tuple[dict[str, Any], ...] = field(repr=False)
    """Manifests in the order in which they are to be applied."""
    absent: tuple[Key, ...]
    """Children that are switched off: to be deleted where they are ours."""
    notes: tuple[Note, ...]
    applied: frozenset[tuple[str, str]]
    """Namespace and name of every route whose tools are governed by it."""
    rules: int
    """Tools that routes govern."""
