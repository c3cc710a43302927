"""How the kubelet asks the gateway's container, at the paths and by the scheme that its configuration says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from mcpg_operator.render.gateway.listener import Listener
    from supplychain.api.gateway_pod import GatewayProbes, Probe

__all__ = ["render_probes"]

_USUAL: Final = {
    "liveness": {"initialDelaySeconds": 5, "periodSeconds": 15, "timeoutSeconds": 3, "failureThreshold": 3},
    "readiness": {"initialDelaySeconds": 3, "periodSeconds": 10, "timeoutSeconds": 3, "failureThreshold": 3},
    "startup": {"initialDelaySeconds": 2, "periodSeconds": 5, "timeoutSeconds": 3, "failureThreshold": 12},
}
_READY: Final = "/ready"


def render_probes(given: GatewayProbes | None, listener: Listener) -> dict[str, Any]:
    """Write the three probes; what the author sets replaces one number or path at a time."""
    asked: dict[str, Probe | None] = {}
    if given is not None:
        asked = {"liveness": given.liveness, "readiness": given.readiness, "startup": given.startup}
    return {f"{name}Probe": _probe(name, asked.get(name), listener) for name in _USUAL}


def _probe(name: str, given: Probe | None, listener: Listener) -> dict[str, Any]:
    path = (given.path if given is not None else None) or (_READY if name == "readiness" else listener.health_path)
    numbers = {} if given is None else given.model_dump(by_alias=True, exclude={"path"}, exclude_none=True)
    # Without a certificate of its own a kubelet can only see that somebody listens.
    action = (
        {"tcpSocket": {"port": "http"}}
        if listener.client_certificates
        else {"httpGet": {"path": path, "port": "http", "scheme": "HTTPS" if listener.tls else "HTTP"}}
    )
    return {**action, **_USUAL[name], **numbers}
