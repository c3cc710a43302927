"""Names, labels and owners of a gateway's children, valid for every name that an object can have.

Admission refuses gateways whose name gives no Service name. One that is there all the same gets children under a name that is cut
and hashed: a Service needs a DNS label, and a Deployment's name gets longer in ReplicaSets and pods.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from mcpg_operator.names import COMPONENT, MANAGED_BY, OPERATOR, label_value, short_hash
from mcpg_operator.resources import GATEWAY
from supplychain.rules.gateway_names import MAX_SERVICE, PREFIX, GatewayNames, service_name_problem

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mcpg_operator.render.gateway.inputs import GatewayInputs
    from mcpg_operator.resources import Kind

__all__ = ["GATEWAY_LABEL", "RESERVED", "labels", "manifest", "names_of", "selector"]

GATEWAY_LABEL: Final = "mcpg.dev/gateway"
RESERVED: Final = ("app.kubernetes.io/", "mcpg.dev/")
"""Beginnings of keys that only the operator writes."""
_NAME: Final = "app.kubernetes.io/name"
_INSTANCE: Final = "app.kubernetes.io/instance"
_PART_OF: Final = "app.kubernetes.io/part-of"
_VERSION: Final = "app.kubernetes.io/version"


def names_of(gateway: str) -> GatewayNames:
    """What the children of a gateway are called."""
    if service_name_problem(gateway) is None:
        return GatewayNames(gateway)
    digest = short_hash(gateway)
    # Pods are called after the Deployment, and a pod's name should be a DNS label.
    room = MAX_SERVICE - len(PREFIX) - len(digest) - len("--gateway")
    begin = re.sub(r"[^a-z0-9]+", "-", gateway, flags=re.ASCII)[:room].strip("-")
    return GatewayNames("-".join(filter(None, (begin, digest))))


def selector(gateway: str) -> dict[str, str]:
    """Labels that tell the pods of a gateway; they never change."""
    return {_NAME: "mcpg-gateway", _INSTANCE: label_value(gateway)}


def labels(inputs: GatewayInputs) -> dict[str, str]:
    """Labels of every child."""
    tag = inputs.spec.image.tag if inputs.spec.image is not None else None
    version = {_VERSION: label_value(tag)} if tag and ":" not in tag else {}
    return {
        **selector(inputs.name),
        COMPONENT: "gateway",
        _PART_OF: "mcpg",
        MANAGED_BY: OPERATOR,
        GATEWAY_LABEL: label_value(inputs.name),
        **version,
    }


def manifest(
    inputs: GatewayInputs,
    kind: Kind,
    name: str,
    body: Mapping[str, Any],
    *,
    extra_labels: Mapping[str, str] | None = None,
    annotations: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Write a child: what it is, whose it is, and its body. Labels that only the operator writes win over `extra_labels`."""
    metadata: dict[str, Any] = {
        "name": name,
        "namespace": inputs.namespace,
        "labels": {**(extra_labels or {}), **labels(inputs)},
        "ownerReferences": [
            {
                "apiVersion": GATEWAY.api_version,
                "kind": GATEWAY.name,
                "name": inputs.name,
                "uid": inputs.uid,
                "controller": True,
                "blockOwnerDeletion": True,
            }
        ],
    }
    if annotations:
        metadata["annotations"] = dict(annotations)
    return {"apiVersion": kind.api_version, "kind": kind.name, "metadata": metadata, **body}
