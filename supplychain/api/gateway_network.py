"""Parts of an `MCPGGateway` about the network: Service, Ingress, NetworkPolicy."""

from __future__ import annotations

import re
from typing import Annotated, Any, Final, Literal

from pydantic import ConfigDict, Field, model_validator

from supplychain.api.common import Model, Name
from supplychain.api.lists import filled, listed
from supplychain.api.refusal import checked, refuse
from supplychain.api.shape import SUBDOMAIN, VALIDATIONS, Cel, Shape, validation
from supplychain.api.values import Annotations, FreeObject, Port, WebPath

__all__ = ["GatewayService", "Ingress", "IngressHost", "IngressPath", "IngressTls", "NetworkPolicy"]

_MAX_HOSTS: Final = 64
_MAX_PATHS: Final = 32
_MAX_PEERS: Final = 64
_IPV4: Final = r"[0-9]+(?:\.[0-9]+){3}"
_STEPS: Final = r"//|/\.\.?(?:/|$)|%2[fF]"
_ODD_PATH: Final = "a path with an empty or dotted segment, or an escaped slash"
_ADDRESS: Final = "an address instead of a host name"
_EMPTY_PEER: Final = "a peer of nothing: expected `podSelector`, `namespaceSelector` or `ipBlock`"
_MIXED_PEER: Final = "`ipBlock` beside a selector"


def _no_address(host: str) -> None:
    if re.fullmatch(_IPV4, host) is not None:
        refuse(_ADDRESS, expected="a DNS name", got=f"`{host}`")


Host = Annotated[
    str,
    Field(max_length=253),
    Shape(regex=rf"(?:\*\.)?{SUBDOMAIN}", what="no host name", expected="a DNS name in lower case, after `*.` if need be"),
    checked(_no_address),
    Cel(rf"!self.matches(r'^{_IPV4}$')", f"{_ADDRESS}: expected a DNS name"),
]
Hosts = Annotated[tuple[Host, ...], listed(_MAX_HOSTS)]


class GatewayService(Model):
    """The Service in front of the pods."""

    type: Literal["ClusterIP", "LoadBalancer", "NodePort"] = Field("ClusterIP", description="Kind of Service.")
    port: Port = Field(8787, description="Port of the Service; the pods listen where their configuration says.")
    annotations: Annotations = Field(default_factory=dict, description="Annotations of the Service.")


class IngressPath(Model):
    """A path that leads to the gateway."""

    model_config = ConfigDict(
        json_schema_extra={
            VALIDATIONS: [
                validation(rf"self.pathType == 'ImplementationSpecific' || !self.path.matches(r'{_STEPS}')", _ODD_PATH),
            ]
        }
    )

    path: WebPath = Field(description="The path.")
    path_type: Literal["Exact", "ImplementationSpecific", "Prefix"] = Field(description="How the path is compared.")

    @model_validator(mode="after")
    def _path_is_plain(self) -> IngressPath:
        if self.path_type != "ImplementationSpecific" and re.search(_STEPS, self.path) is not None:
            refuse(_ODD_PATH, got=f"`{self.path[:80]}`")
        return self


Paths = Annotated[tuple[IngressPath, ...], listed(_MAX_PATHS, least=1), filled]


class IngressHost(Model):
    """A host that leads to the gateway."""

    host: Host = Field(description="DNS name; one leading `*.` is allowed.")
    paths: Paths = Field(description="Paths of the host.")


class IngressTls(Model):
    """A certificate of the Ingress."""

    hosts: Hosts = Field(description="Hosts that the certificate is for.")
    secret_name: Name = Field(description="Secret of the gateway's namespace with the certificate.")


class Ingress(Model):
    """How the gateway is reached from outside."""

    ingress_class_name: Name = Field(description="IngressClass.")
    hosts: Annotated[tuple[IngressHost, ...], listed(_MAX_HOSTS, least=1), filled] = Field(description="Hosts and their paths.")
    tls: Annotated[tuple[IngressTls, ...], listed(_MAX_HOSTS)] = Field((), description="Certificates.")
    annotations: Annotations = Field(default_factory=dict, description="Annotations of the Ingress.")


def _peer(peer: dict[str, Any]) -> None:
    for name in ("ipBlock", "namespaceSelector", "podSelector"):
        if name in peer and not isinstance(peer[name], dict):
            refuse(f"`{name}` has another type", expected="a mapping")
    selected = "podSelector" in peer or "namespaceSelector" in peer
    if "ipBlock" not in peer and not selected:
        refuse("a peer of nothing", expected="`podSelector`, `namespaceSelector` or `ipBlock`")
    if "ipBlock" in peer and selected:
        refuse(_MIXED_PEER, expected="two peers")


def _part(description: str) -> dict[str, Any]:
    return {"type": "object", "additionalProperties": True, "description": description}


Peer = Annotated[
    FreeObject,
    Field(
        json_schema_extra={
            "properties": {
                "ipBlock": _part("Addresses."),
                "namespaceSelector": _part("Namespaces by their labels."),
                "podSelector": _part("Pods by their labels."),
            }
        }
    ),
    checked(_peer),
    Cel("has(self.ipBlock) || has(self.namespaceSelector) || has(self.podSelector)", _EMPTY_PEER),
    Cel("!has(self.ipBlock) || !has(self.namespaceSelector) && !has(self.podSelector)", f"{_MIXED_PEER}: expected two peers"),
]
"""A NetworkPolicyPeer, passed on as it is. An empty one would let in everybody."""
Peers = Annotated[tuple[Peer, ...], listed(_MAX_PEERS)]


class NetworkPolicy(Model):
    """Who may reach the pods, and whom they may reach."""

    enabled: bool = Field(default=False, description="Whether there is a NetworkPolicy.")
    extra_ingress_from: Peers = Field((), description="Peers that may reach every port, besides what always may.")
    extra_egress_to: Peers = Field((), description="Peers that may be reached, besides DNS and the coordinator.")
