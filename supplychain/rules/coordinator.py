"""How many replicas a gateway may come to, whether they share a coordinator, and how that is reached.

One place for admission, controllers and renderers; everything reads plain JSON as the author wrote it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from supplychain.rules.reading import at, items, mapping

if TYPE_CHECKING:
    from collections.abc import Mapping

    from supplychain.rules.reading import Document

__all__ = [
    "ALLOW_INSECURE",
    "BINDABLE",
    "PLUGIN_IDS",
    "SINGLE_NODE",
    "Ceiling",
    "Transport",
    "TransportState",
    "bindable_from",
    "ceiling",
    "ceiling_of",
    "has_coordinator",
    "inline_kind",
    "transport_of",
]

SINGLE_NODE: Final = "single_node"
"""The backend within the process; replicas that have it know nothing of each other."""
ALLOW_INSECURE: Final = "allow_insecure_transport"
"""The key of a coordinator's configuration that accepts plain text."""
BINDABLE: Final = "mcpg.dev/bindable-namespaces"
"""The annotation of an MCPGCluster that limits who may bind to it: names with commas between them."""
PLUGIN_IDS: Final[Mapping[str, str]] = {
    "redis": "dev.mcpg.cluster.redis",
    "nats": "dev.mcpg.cluster.nats",
    "consul": "dev.mcpg.cluster.consul",
    "etcd": "dev.mcpg.cluster.etcd",
}
"""The plugin that each backend needs; the one within the process needs none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ceiling:
    """How many replicas a gateway may come to."""

    minimum: int
    maximum: int
    field: str
    """Which field says so."""


def ceiling(*, replicas: int = 1, autoscaled: bool = False, minimum: int | None = None, maximum: int | None = None) -> Ceiling:
    """Tell the effective floor and ceiling of replicas from the fields that decide them; None: the field is absent."""
    if not autoscaled:
        return Ceiling(minimum=replicas, maximum=replicas, field="spec.replicas")
    least = max(1, minimum if minimum is not None else 1)
    if maximum is not None:
        return Ceiling(minimum=least, maximum=max(least, maximum), field="spec.autoscaling.maxReplicas")
    field = "spec.replicas" if replicas >= least else "spec.autoscaling.minReplicas"
    return Ceiling(minimum=least, maximum=max(least, replicas), field=field)


def ceiling_of(spec: Mapping[str, Any]) -> Ceiling:
    """The same for a gateway's `spec` as plain JSON, where anything of another type counts as absent."""
    scaling = mapping(spec.get("autoscaling"))
    replicas = _number(spec.get("replicas"))
    return ceiling(
        replicas=1 if replicas is None else replicas,
        autoscaled=scaling.get("enabled") is True,
        minimum=_number(scaling.get("minReplicas")),
        maximum=_number(scaling.get("maxReplicas")),
    )


def inline_kind(config: object) -> str | None:
    """The coordinator that a gateway's own `config` names, None where it names none."""
    kind = at(config, "cluster.kind")
    return kind if isinstance(kind, str) else None


def has_coordinator(cluster: str | None, config: object) -> bool:
    """Whether replicas share a coordinator: by `clusterRef`, whose name is `cluster`, or by the gateway's own `config`."""
    return bool(cluster) or inline_kind(config) not in {None, SINGLE_NODE}


def bindable_from(namespace: str, cluster: Document) -> bool:
    """Whether gateways of a namespace may bind to an MCPGCluster, which then copies its credentials there."""
    allowed = mapping(at(cluster, "metadata.annotations")).get(BINDABLE)
    return not isinstance(allowed, str) or namespace in {one.strip() for one in allowed.split(",")}


class TransportState(StrEnum):
    """How a coordinator is reached."""

    IN_PROCESS = "InProcess"
    TLS = "TLS"
    PLAINTEXT = "PlaintextTransport"
    PLACEHOLDER = "Placeholder"
    """The address is filled in when the gateway starts, or is not there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Transport:
    """How a coordinator is reached, and which key of its configuration says so. No address is in it: it may hold a password."""

    state: TransportState
    key: str | None = None
    accepted: bool = False
    """Whether plain text was opted into."""


def transport_of(backend: str, config: object) -> Transport:
    """Classify the transport of a coordinator by the keys that the gateway itself looks at."""
    if backend == SINGLE_NODE:
        return Transport(state=TransportState.IN_PROCESS)
    accepted = mapping(config).get(ALLOW_INSECURE) is True
    if backend == "nats":
        plain = at(config, "tls.require_tls") is False
        state = TransportState.PLAINTEXT if plain else TransportState.TLS
        return Transport(state=state, key="tls.require_tls" if plain else None, accepted=accepted)
    states = [(key, _state(backend, address)) for key, address in _addresses(backend, mapping(config))]
    for state in (TransportState.PLAINTEXT, TransportState.PLACEHOLDER, TransportState.TLS):
        key = next((key for key, one in states if one is state), None)
        if key is not None:
            return Transport(state=state, key=key, accepted=accepted)
    return Transport(state=TransportState.PLACEHOLDER, accepted=accepted)


def _addresses(backend: str, config: Mapping[str, Any]) -> list[tuple[str, str]]:
    if backend == "etcd":
        endpoints = enumerate(items(config.get("endpoints")))
        return [(f"endpoints[{index}]", one) for index, one in endpoints if isinstance(one, str)]
    key = "address" if backend == "consul" else "url"
    value = config.get(key)
    return [(key, value)] if isinstance(value, str) else []


def _state(backend: str, address: str) -> TransportState:
    text = address.strip().lower()
    if text.startswith("${"):
        return TransportState.PLACEHOLDER
    plain = {
        "consul": text.startswith("http://"),
        "etcd": not text.startswith("https://"),
    }.get(backend, text.startswith("redis://"))
    return TransportState.PLAINTEXT if plain else TransportState.TLS


def _number(value: Any) -> int | None:
    return value if type(value) is int else None
