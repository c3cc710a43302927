"""Who may reach the pods, and whom they may reach. No list of peers is ever empty: that would mean everybody."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from mcpg_operator.render.gateway.inputs import Note
from mcpg_operator.render.gateway.names import manifest, names_of, selector
from mcpg_operator.resources import NETWORK_POLICY
from supplychain.rules.coordinator import SINGLE_NODE

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mcpg_operator.render.gateway.inputs import ClusterBlock, GatewayInputs
    from mcpg_operator.render.gateway.listener import Listener

__all__ = ["render_network_policy"]

_NAMESPACE: Final = "kubernetes.io/metadata.name"
_KEYS: Final = {"redis": "url", "nats": "url", "consul": "address", "etcd": "endpoints"}
"""Where the configuration of a coordinator has its address."""
_PORTS: Final = {"redis": 6379, "nats": 4222, "consul": 8500, "etcd": 2379}
_LABEL: Final = r"[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?"
_SERVICE: Final = re.compile(rf"(?:{_LABEL}\.)?{_LABEL}\.(?P<namespace>{_LABEL})\.svc(?:\.[-a-z0-9.]+)?\.?", re.ASCII)
_BARE: Final = re.compile(_LABEL, re.ASCII)


def render_network_policy(inputs: GatewayInputs, listener: Listener) -> tuple[dict[str, Any] | None, tuple[Note, ...]]:
    """Write the policy, and say what it cannot know; None where it is switched off."""
    given = inputs.spec.network_policy
    if given is None or not given.enabled:
        return None, ()
    coordinator, notes = _coordinator(inputs)
    ingress = [{"ports": [_tcp(listener.port)]}]
    if listener.metrics_port is not None:
        ingress.append({"ports": [_tcp(listener.metrics_port)]})
    if listener.admin_port is not None:
        ingress.append({"from": [_in_namespace(inputs.namespace)], "ports": [_tcp(listener.admin_port)]})
    if given.extra_ingress_from:
        ingress.append({"from": [dict(one) for one in given.extra_ingress_from]})
    egress = []
    if inputs.defaults.dns:
        ports = [{"protocol": protocol, "port": 53} for protocol in ("UDP", "TCP")]
        egress.append({"to": [dict(one) for one in inputs.defaults.dns], "ports": ports})
    egress += coordinator
    if given.extra_egress_to:
        egress.append({"to": [dict(one) for one in given.extra_egress_to]})
    spec = {
        "podSelector": {"matchLabels": selector(inputs.name)},
        "policyTypes": ["Ingress", "Egress"],
        "ingress": ingress,
        "egress": egress,
    }
    return manifest(inputs, NETWORK_POLICY, names_of(inputs.name).workload, {"spec": spec}), notes


def _coordinator(inputs: GatewayInputs) -> tuple[list[dict[str, Any]], tuple[Note, ...]]:
    """Let the pods reach the Services that the coordinator's configuration names."""
    cluster = inputs.cluster
    if cluster is None or cluster.backend == SINGLE_NODE:
        return [], ()
    places = [_place(one, inputs.namespace, _PORTS[cluster.backend]) for one in _addresses(cluster)]
    known = sorted({one for one in places if one is not None})
    rules = [{"to": [_in_namespace(namespace)], "ports": [_tcp(port)]} for namespace, port in known]
    if places and None not in places:
        return rules, ()
    text = "the coordinator's address names no Service of this cluster; let the pods reach it by `networkPolicy.extraEgressTo`"
    return rules, (Note("EgressUnknown", text),)


def _addresses(cluster: ClusterBlock) -> Iterable[str]:
    found = cluster.config.get(_KEYS[cluster.backend])
    texts = found if isinstance(found, list) else [found]
    return [part.strip() for one in texts if isinstance(one, str) for part in one.split(",")]


def _place(address: str, own_namespace: str, usual_port: int) -> tuple[str, int] | None:
    """Namespace and port of an address; None where it names no Service, or is filled in later."""
    try:
        parts = urlsplit(address if "://" in address else f"//{address}")
        host, port = (parts.hostname or "").lower(), parts.port or usual_port
    except ValueError:
        return None
    service = _SERVICE.fullmatch(host)
    if service is not None:
        return service["namespace"], port
    return (own_namespace, port) if _BARE.fullmatch(host) and host != "localhost" else None


def _in_namespace(namespace: str) -> dict[str, Any]:
    return {"namespaceSelector": {"matchLabels": {_NAMESPACE: namespace}}}


def _tcp(port: int) -> dict[str, Any]:
    return {"protocol": "TCP", "port": port}
