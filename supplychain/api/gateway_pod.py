"""Parts of an `MCPGGateway` that shape its pods: image, resources, identity, scheduling, probes."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import ConfigDict, Field, model_validator

from supplychain.api.common import Model, Name, Text
from supplychain.api.lists import different, listed
from supplychain.api.refusal import refuse
from supplychain.api.shape import VALIDATIONS, Shape, validation
from supplychain.api.values import LABEL_KEY, Count, FreeObject, Labels, Natural, Positive, Quantities, WebPath, amount

__all__ = [
    "AwsIdentity",
    "AzureIdentity",
    "GatewayImage",
    "GatewayProbes",
    "GatewayResources",
    "GcpIdentity",
    "OneSuccessProbe",
    "Probe",
    "Scheduling",
    "SpiffeIdentity",
    "TopologySpreadConstraint",
    "WorkloadIdentity",
]

_MAX_TOLERATIONS: Final = 64
_MAX_CONSTRAINTS: Final = 16
_ABOVE: Final = "a request is above its limit"
_PROVIDERS: Final = ("aws", "gcp", "azure", "spiffe")
_SEVERAL: Final = "more than one provider of an identity"

Repository = Annotated[
    str,
    Field(max_length=512),
    Shape(
        regex="(?:[!-?A-~]*/)?[!-.0-9;-?A-~]*",
        what="no image repository",
        expected="a name without spaces, tag and digest",
    ),
]
Tag = Annotated[
    str,
    Field(max_length=128),
    Shape(
        regex="(?:[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}|sha256:[0-9a-f]{64})?",
        what="no image tag",
        expected="a tag, or `sha256:` and 64 hex characters",
    ),
]
NodeLabel = Annotated[
    str, Field(max_length=317), Shape(regex=LABEL_KEY, what="no label key", expected="such as `topology.kubernetes.io/zone`")
]


class GatewayImage(Model):
    """Which image the gateway runs; what is left out is the operator's default."""

    repository: Repository | None = Field(None, description="Repository without tag and digest; empty counts as absent.")
    tag: Tag | None = Field(None, description="Tag, or a digest as `sha256:…`; empty counts as absent.")
    pull_policy: Literal["Always", "IfNotPresent", "Never"] = Field("IfNotPresent", description="When the image is pulled.")


class GatewayResources(Model):
    """What the gateway's container asks for and may use."""

    model_config = ConfigDict(
        json_schema_extra={
            VALIDATIONS: [
                validation(
                    "!has(self.requests) || !has(self.limits) || self.requests.all(name, !(name in self.limits) || "
                    "quantity(string(self.requests[name])).compareTo(quantity(string(self.limits[name]))) <= 0)",
                    _ABOVE,
                )
            ]
        }
    )

    requests: Quantities = Field(default_factory=dict, description="What is reserved, by resource.")
    limits: Quantities = Field(default_factory=dict, description="What may be used at most, by resource.")

    @model_validator(mode="after")
    def _requests_are_within_limits(self) -> GatewayResources:
        for name, asked in self.requests.items():
            limit = self.limits.get(name)
            if limit is not None and amount(asked) > amount(limit):
                refuse(_ABOVE, expected=f"at most the limit `{limit}`", got=f"`{asked}` of `{name[:80]}`")
        return self


class AwsIdentity(Model):
    """An IAM role for the ServiceAccount (EKS)."""

    iam_role_arn: Text = Field(description="ARN of the role.")


class GcpIdentity(Model):
    """A Google service account for the ServiceAccount (GKE)."""

    google_service_account: Text = Field(description="E-mail address of the account.")


class AzureIdentity(Model):
    """An application for the ServiceAccount (AKS)."""

    client_id: Text = Field(description="Client id of the application.")


class SpiffeIdentity(Model):
    """An identity of the SPIFFE Workload API."""

    trust_domain: Text = Field(description="Trust domain.")
    svid: Text = Field(description="SPIFFE id that the pods are to get.")


class WorkloadIdentity(Model):
    """Who the pods are to a cloud; one provider at most."""

    model_config = ConfigDict(
        json_schema_extra={
            VALIDATIONS: [
                validation(
                    f"[{', '.join(f'has(self.{one})' for one in _PROVIDERS)}].filter(one, one).size() <= 1",
                    f"{_SEVERAL}: expected one of {', '.join(f'`{one}`' for one in _PROVIDERS)}",
                )
            ]
        }
    )

    aws: AwsIdentity | None = Field(None, description="An IAM role (EKS).")
    gcp: GcpIdentity | None = Field(None, description="A Google service account (GKE).")
    azure: AzureIdentity | None = Field(None, description="An application (AKS).")
    spiffe: SpiffeIdentity | None = Field(None, description="An identity of the SPIFFE Workload API.")

    @model_validator(mode="after")
    def _one_provider_at_most(self) -> WorkloadIdentity:
        given = [one for one in _PROVIDERS if getattr(self, one) is not None]
        if len(given) > 1:
            refuse(_SEVERAL, expected="one of them", got=" and ".join(f"`{one}`" for one in given))
        return self


class TopologySpreadConstraint(Model):
    """How evenly the pods are spread."""

    max_skew: Positive = Field(description="By how many pods two domains may differ.")
    topology_key: NodeLabel = Field(description="Label of the nodes that makes the domains.")
    when_unsatisfiable: Literal["DoNotSchedule", "ScheduleAnyway"] = Field(description="What to do where that is impossible.")
    label_selector_match_labels: Labels = Field(
        default_factory=dict, description="Labels of the pods that are counted; absent: those of the gateway."
    )


Tolerations = Annotated[tuple[FreeObject, ...], listed(_MAX_TOLERATIONS)]
Constraints = Annotated[
    tuple[TopologySpreadConstraint, ...],
    listed(_MAX_CONSTRAINTS),
    *different(
        lambda one: f"{one.topology_key} {one.when_unsatisfiable}",
        cel="one.topologyKey + ' ' + one.whenUnsatisfiable",
        what="two constraints are about the same label and the same case",
    ),
]


class Scheduling(Model):
    """Where the pods run."""

    node_selector: Labels = Field(default_factory=dict, description="Labels that a node must have.")
    tolerations: Tolerations = Field((), description="Tolerations of the pod, passed on as they are.")
    affinity: FreeObject | None = Field(None, description="Affinity of the pod, passed on as it is.")
    topology_spread_constraints: Constraints = Field((), description="How evenly the pods are spread.")
    priority_class_name: Name | None = Field(None, description="PriorityClass of the pods.")
    termination_grace_period_seconds: Count | None = Field(None, description="How long a pod may take to stop, in seconds.")


class Probe(Model):
    """What differs from the gateway's usual probe."""

    path: WebPath | None = Field(None, description="Path that is asked.")
    initial_delay_seconds: Natural | None = Field(None, description="When the first question is asked.")
    period_seconds: Positive | None = Field(None, description="How often is asked.")
    timeout_seconds: Positive | None = Field(None, description="How long an answer may take.")
    failure_threshold: Positive | None = Field(None, description="After how many bad answers in a row it counts.")
    success_threshold: Positive | None = Field(None, description="After how many good answers in a row it counts.")


class OneSuccessProbe(Probe):
    """A probe for which one good answer is enough, as Kubernetes demands for liveness and startup."""

    success_threshold: Annotated[int, Field(ge=1, le=1)] | None = Field(
        None, description="One good answer is enough; there is no other choice."
    )


class GatewayProbes(Model):
    """What differs from the gateway's usual probes."""

    liveness: OneSuccessProbe | None = Field(None, description="Whether the pod has to be restarted.")
    readiness: Probe | None = Field(None, description="Whether the pod gets requests.")
    startup: OneSuccessProbe | None = Field(None, description="Whether the pod has started.")
