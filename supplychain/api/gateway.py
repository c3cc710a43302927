"""`MCPGGateway`: one gateway, what it loads, and how it runs.

Rules of the document by itself. Not here: whether what is referred to exists, how many replicas a tenant may have, and whether
several replicas have a coordinator, which an object from before that rule must not be refused for.
"""

from typing import Annotated, Any, Final

from pydantic import Field

from supplychain.api.common import Label, Model, ObjectName
from supplychain.api.gateway_network import GatewayService, Ingress, NetworkPolicy
from supplychain.api.gateway_pod import GatewayImage, GatewayProbes, GatewayResources, Scheduling, WorkloadIdentity
from supplychain.api.gateway_scaling import Autoscaling, DisruptionBudget, Monitoring
from supplychain.api.lists import different, listed
from supplychain.api.refusal import checked, refuse
from supplychain.api.values import Annotations, FreeObject, Labels, Positive

__all__ = ["GatewaySpec"]

_MAX_PULL_SECRETS: Final = 32
_MAX_NAMESPACES: Final = 256
_KINDS: Final = {
    "gateway": dict,
    "gateway.plugin_registry": dict,
    "gateway.server": dict,
    "governance": dict,
    "governance.policy": dict,
    "governance.policy.tool_access": dict,
    "governance.policy.tool_access.rules": list,
}
"""What the operator writes into, from the outside in; anything of another type would have to be replaced."""


def _sections(config: FreeObject) -> None:
    for path, kind in _KINDS.items():
        *above, last = path.split(".")
        section = config
        for key in above:
            section = section.get(key, {})
        if last in section and not isinstance(section[last], kind):
            due = "a mapping" if kind is dict else "a list"
            refuse(f"`{path}` has another type", expected=f"{due}, since the operator adds to it")


def _section(description: str, **members: Any) -> dict[str, Any]:
    return {"type": "object", "additionalProperties": True, "description": description, "properties": members}


_TOOL_ACCESS: Final = _section(
    "Who may call which tool; the operator adds rules.",
    rules={"type": "array", "items": {}, "description": "Rules for single tools.", "x-kubernetes-list-type": "atomic"},
)
Config = Annotated[
    FreeObject,
    Field(
        json_schema_extra={
            "properties": {
                "gateway": _section(
                    "The gateway itself.",
                    plugin_registry=_section("Where plugins come from; the operator adds the path of the revocation list."),
                    server=_section("The listener; the operator adds an address where there is none."),
                ),
                "governance": _section("What is allowed.", policy=_section("Policies.", tool_access=_TOOL_ACCESS)),
            }
        }
    ),
    checked(_sections),
]
"""Passed on as it is; only the sections that the operator adds to must be what they are."""
PullSecrets = Annotated[
    tuple[ObjectName, ...],
    listed(_MAX_PULL_SECRETS),
    *different(lambda one: str(one.name), cel="one.name", what="a Secret is named twice"),
]
Namespaces = Annotated[tuple[Label, ...], listed(_MAX_NAMESPACES), *different(str, cel="one", what="a namespace is named twice")]


class GatewaySpec(Model):
    """The `spec` of an `MCPGGateway`."""

    image: GatewayImage | None = Field(None, description="Which image the gateway runs; absent: the operator's default.")
    replicas: Positive = Field(1, description="How many pods; more than one needs a coordinator that they share.")
    config: Config = Field(default_factory=dict, description="Configuration of the gateway, passed on as it is.")
    resources: GatewayResources | None = Field(None, description="What the gateway's container asks for and may use.")
    service: GatewayService | None = Field(None, description="The Service in front of the pods.")
    ingress: Ingress | None = Field(None, description="How the gateway is reached from outside; absent: not at all.")
    image_pull_secrets: PullSecrets = Field((), description="Secrets of the gateway's namespace to pull the image with.")
    workload_identity: WorkloadIdentity | None = Field(None, description="Who the pods are to a cloud; one provider at most.")
    scheduling: Scheduling | None = Field(None, description="Where the pods run.")
    probes: GatewayProbes | None = Field(None, description="What differs from the gateway's usual probes.")
    network_policy: NetworkPolicy | None = Field(None, description="Who may reach the pods, and whom they may reach.")
    pod_disruption_budget: DisruptionBudget | None = Field(None, description="How many pods may be missing on purpose.")
    autoscaling: Autoscaling | None = Field(None, description="How many pods there are, where that follows the load.")
    monitoring: Monitoring | None = Field(None, description="What the Prometheus operator gets.")
    pod_annotations: Annotations = Field(default_factory=dict, description="Annotations of the pods; those of the operator win.")
    pod_labels: Labels = Field(
        default_factory=dict, description="Labels of the pods; keys of `app.kubernetes.io/` and `mcpg.dev/` are ignored."
    )
    plugin_set_ref: ObjectName | None = Field(None, description="MCPGPluginSet of the same namespace.")
    revocation_list_ref: ObjectName | None = Field(None, description="MCPGRevocationList that counts besides `cluster-default`.")
    cluster_ref: ObjectName | None = Field(None, description="MCPGCluster that the replicas share; absent: each is by itself.")
    accepted_route_namespaces: Namespaces = Field(
        (), description="Namespaces whose MCPGRoutes may bind, besides the gateway's own; exact names."
    )
