"""What stands between the pods and the network: Service, Ingress, ServiceAccount."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from mcpg_operator.render.gateway.names import manifest, names_of, selector
from mcpg_operator.resources import INGRESS, SERVICE, SERVICE_ACCOUNT

if TYPE_CHECKING:
    from mcpg_operator.render.gateway.inputs import GatewayInputs
    from mcpg_operator.render.gateway.listener import Listener

__all__ = ["render_ingress", "render_service", "render_service_account"]

_PORT: Final = 8787
_LARGEST_PORT: Final = 65535


def render_service(inputs: GatewayInputs, listener: Listener) -> dict[str, Any]:
    """Write the Service."""
    given = inputs.spec.service
    port = _PORT if given is None else given.port
    ports = [{"name": "http", "port": port, "targetPort": "http", "protocol": "TCP"}]
    metrics = listener.metrics_port
    if metrics is not None:
        # Two ports of a Service cannot have one number, though the pods listen at two.
        free = metrics if metrics != port else metrics + 1 if metrics < _LARGEST_PORT else metrics - 1
        ports.append({"name": "metrics", "port": free, "targetPort": "metrics", "protocol": "TCP"})
    kind = "ClusterIP" if given is None else given.type
    body = {"spec": {"type": kind, "selector": selector(inputs.name), "ports": ports}}
    annotations = {} if given is None else given.annotations
    return manifest(inputs, SERVICE, names_of(inputs.name).service, body, annotations=annotations)


def render_ingress(inputs: GatewayInputs) -> dict[str, Any] | None:
    """Write the Ingress; None where the author wants none."""
    given, names = inputs.spec.ingress, names_of(inputs.name)
    if given is None:
        return None
    backend = {"service": {"name": names.service, "port": {"name": "http"}}}
    rules = [
        {
            "host": one.host,
            "http": {"paths": [{"path": path.path, "pathType": path.path_type, "backend": backend} for path in one.paths]},
        }
        for one in given.hosts
    ]
    spec: dict[str, Any] = {"ingressClassName": given.ingress_class_name, "rules": rules}
    if given.tls:
        spec["tls"] = [{"hosts": list(one.hosts), "secretName": one.secret_name} for one in given.tls]
    return manifest(inputs, INGRESS, names.ingress, {"spec": spec}, annotations=given.annotations)


def render_service_account(inputs: GatewayInputs) -> dict[str, Any]:
    """Write who the pods are; they get no token of the cluster's own."""
    body: dict[str, Any] = {"automountServiceAccountToken": False}
    if inputs.spec.image_pull_secrets:
        body["imagePullSecrets"] = [{"name": one.name} for one in inputs.spec.image_pull_secrets]
    return manifest(inputs, SERVICE_ACCOUNT, names_of(inputs.name).workload, body, annotations=_identity(inputs))


def _identity(inputs: GatewayInputs) -> dict[str, str]:
    given = inputs.spec.workload_identity
    if given is None:
        return {}
    if given.aws is not None:
        return {"eks.amazonaws.com/role-arn": given.aws.iam_role_arn}
    if given.gcp is not None:
        return {"iam.gke.io/gcp-service-account": given.gcp.google_service_account}
    if given.azure is not None:
        return {"azure.workload.identity/client-id": given.azure.client_id}
    if given.spiffe is not None:
        return {"mcpg.dev/spiffe-trust-domain": given.spiffe.trust_domain, "mcpg.dev/spiffe-svid": given.spiffe.svid}
    return {}
