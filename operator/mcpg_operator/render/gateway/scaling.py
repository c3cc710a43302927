"""How many pods: the number, or the autoscaler that decides it, and how many may be missing on purpose."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from mcpg_operator.render.gateway.inputs import Handling
from mcpg_operator.render.gateway.names import manifest, names_of, selector
from mcpg_operator.resources import AUTOSCALER, DEPLOYMENT, DISRUPTION_BUDGET
from supplychain.rules.coordinator import ceiling

if TYPE_CHECKING:
    from mcpg_operator.render.gateway.inputs import GatewayInputs
    from supplychain.api.gateway_scaling import Metric

__all__ = ["Scale", "render_autoscaler", "render_disruption_budget", "scale_of"]

_USUAL_METRIC: Final = {
    "type": "Resource",
    "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 80}},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """What decides the number of pods."""

    replicas: int | None
    """What the Deployment says; None: nothing, the autoscaler does."""
    bounds: tuple[int, int] | None
    """Least and most of the autoscaler; None: there is none."""


def scale_of(inputs: GatewayInputs) -> Scale:
    """Decide it, within what the tenant and the coordinator allow."""
    spec, scaling, clamp = inputs.spec, inputs.spec.autoscaling, inputs.clamp
    if inputs.handling is Handling.STOP:
        return Scale(replicas=0, bounds=None)
    if scaling is None or not scaling.enabled or (clamp is not None and clamp <= 1):
        least = 1 if scaling is None or not scaling.enabled else scaling.min_replicas
        wanted = max(spec.replicas, least)
        return Scale(replicas=wanted if clamp is None else min(wanted, clamp), bounds=None)
    wanted_bounds = ceiling(replicas=spec.replicas, autoscaled=True, minimum=scaling.min_replicas, maximum=scaling.max_replicas)
    most = wanted_bounds.maximum if clamp is None else min(wanted_bounds.maximum, clamp)
    return Scale(replicas=None, bounds=(min(wanted_bounds.minimum, most), most))


def render_autoscaler(inputs: GatewayInputs, scale: Scale) -> dict[str, Any] | None:
    """Write the autoscaler; None where there is none."""
    scaling = inputs.spec.autoscaling
    if scale.bounds is None or scaling is None:
        return None
    name = names_of(inputs.name).workload
    spec = {
        "scaleTargetRef": {"apiVersion": DEPLOYMENT.api_version, "kind": DEPLOYMENT.name, "name": name},
        "minReplicas": scale.bounds[0],
        "maxReplicas": scale.bounds[1],
        "metrics": [_metric(one) for one in scaling.metrics] or [_USUAL_METRIC],
    }
    return manifest(inputs, AUTOSCALER, name, {"spec": spec})


def _metric(metric: Metric) -> dict[str, Any]:
    """Write a metric with the block that its type names, and no other."""
    block = metric.type.lower()
    return {"type": metric.type, block: getattr(metric, block)}


def render_disruption_budget(inputs: GatewayInputs) -> dict[str, Any] | None:
    """Write the budget; None where it is switched off."""
    given = inputs.spec.pod_disruption_budget
    if given is None or not given.enabled:
        return None
    thresholds = {"minAvailable": given.min_available, "maxUnavailable": given.max_unavailable}
    spec = {key: value for key, value in thresholds.items() if value is not None} or {"minAvailable": 1}
    body = {"spec": {**spec, "selector": {"matchLabels": selector(inputs.name)}}}
    return manifest(inputs, DISRUPTION_BUDGET, names_of(inputs.name).workload, body)
