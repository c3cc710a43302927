"""What follows the spec of a gateway although its pods have to stay as they are: how they are reached, and how many there are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mcpg_operator.render.gateway.listener import listener_of
from mcpg_operator.render.gateway.network import render_ingress, render_service
from mcpg_operator.render.gateway.scaling import render_disruption_budget, scale_of

if TYPE_CHECKING:
    from mcpg_operator.render.gateway.inputs import GatewayInputs

__all__ = ["render_around", "set_replicas"]


def render_around(inputs: GatewayInputs) -> list[dict[str, Any]]:
    """Write the children that nothing of what a gateway depends on goes into.

    Raises:
        InvalidManifestError: the spec cannot be rendered.
    """
    listener = listener_of(inputs.spec.config)
    found = (render_service(inputs, listener), render_disruption_budget(inputs), render_ingress(inputs))
    return [one for one in found if one is not None]


def set_replicas(inputs: GatewayInputs, deployment: dict[str, Any]) -> None:
    """Bring the number of pods in the body of a Deployment up to date, unless an autoscaler decides it."""
    replicas = scale_of(inputs).replicas
    if replicas is not None:
        deployment["spec"]["replicas"] = replicas
