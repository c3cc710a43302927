"""Parts of an `MCPGGateway` about how many pods there are, and how they are watched."""

import re
from typing import Annotated, Final, Literal, Self

from pydantic import ConfigDict, Field, model_validator

from supplychain.api.common import Model, Text
from supplychain.api.lists import listed
from supplychain.api.refusal import checked, refuse
from supplychain.api.shape import VALIDATIONS, Cel, Shape, validation
from supplychain.api.values import FreeObject, IntOrPercent, Labels, Positive

__all__ = ["Autoscaling", "DisruptionBudget", "Metric", "Monitoring", "PrometheusRule", "ServiceMonitor", "milliseconds"]

_MAX_METRICS: Final = 16
_BOTH: Final = "`minAvailable` and `maxUnavailable` at once"
_BLOCKS: Final = {"External": "external", "Object": "object", "Pods": "pods", "Resource": "resource"}
_BLOCK: Final = "the metric does not hold just the block that `type` names"
_CROSSED: Final = "`minReplicas` is above `maxReplicas`"
_SLOW: Final = "`scrapeTimeout` is above `interval`"
_ZERO: Final = "a duration of nothing"
_UNITS: Final = {
    "y": 31_536_000_000, "w": 604_800_000, "d": 86_400_000, "h": 3_600_000, "m": 60_000, "s": 1_000, "ms": 1,
}  # fmt: skip
"""Milliseconds, as Prometheus counts them: a year has 365 days."""


def milliseconds(duration: str) -> int:
    """Read a duration of Prometheus that fits its shape, such as `1m30s`."""
    return sum(int(number) * _UNITS[unit] for number, unit in re.findall("([0-9]+)(ms|[ywdhms])", duration))


def _some(duration: str) -> None:
    if milliseconds(duration) == 0:
        refuse(_ZERO, got=f"`{duration}`")


Duration = Annotated[
    str,
    Field(max_length=32),
    Shape(
        regex="(?:[0-9]+y)?(?:[0-9]+w)?(?:[0-9]+d)?(?:[0-9]+h)?(?:[0-9]+m)?(?:[0-9]+s)?(?:[0-9]+ms)?",
        what="no duration",
        expected="such as `30s` or `1m30s`",
    ),
    checked(_some),
    Cel("self.matches(r'[1-9]')", _ZERO),
]


class DisruptionBudget(Model):
    """How many pods may be missing on purpose; without a threshold one pod stays."""

    model_config = ConfigDict(
        json_schema_extra={VALIDATIONS: [validation("!has(self.minAvailable) || !has(self.maxUnavailable)", _BOTH)]}
    )

    enabled: bool = Field(default=False, description="Whether there is a PodDisruptionBudget.")
    min_available: IntOrPercent | None = Field(None, description="How many pods stay, as a number or a percentage.")
    max_unavailable: IntOrPercent | None = Field(None, description="How many pods may be missing, as a number or a percentage.")

    @model_validator(mode="after")
    def _one_threshold_at_most(self) -> Self:
        if self.min_available is not None and self.max_unavailable is not None:
            refuse(_BOTH, expected="one of them")
        return self


class Metric(Model):
    """What the number of pods follows."""

    model_config = ConfigDict(
        json_schema_extra={
            VALIDATIONS: [
                validation(
                    " && ".join(f"has(self.{block}) == (self.type == '{kind}')" for kind, block in _BLOCKS.items()), _BLOCK
                )
            ]
        }
    )

    type: Literal["External", "Object", "Pods", "Resource"] = Field(description="Which of the blocks is there.")
    resource: FreeObject | None = Field(None, description="A resource of the pods, passed on as it is.")
    pods: FreeObject | None = Field(None, description="A metric of the pods, passed on as it is.")
    object: FreeObject | None = Field(None, description="A metric of another object, passed on as it is.")
    external: FreeObject | None = Field(None, description="A metric from outside the cluster, passed on as it is.")

    @model_validator(mode="after")
    def _block_of_its_type(self) -> Self:
        given = [block for block in _BLOCKS.values() if getattr(self, block) is not None]
        if given != [_BLOCKS[self.type]]:
            refuse(_BLOCK, expected=f"`{_BLOCKS[self.type]}`", got=", ".join(f"`{one}`" for one in given) or "none")
        return self


class Autoscaling(Model):
    """How many pods there are at least and at most, where that follows the load."""

    model_config = ConfigDict(
        json_schema_extra={
            VALIDATIONS: [
                validation("!has(self.maxReplicas) || !has(self.minReplicas) || self.minReplicas <= self.maxReplicas", _CROSSED)
            ]
        }
    )

    enabled: bool = Field(default=False, description="Whether there is a HorizontalPodAutoscaler.")
    min_replicas: Positive = Field(1, description="At least so many pods.")
    max_replicas: Positive | None = Field(
        None, description="At most so many pods; absent: the larger of `replicas` and `minReplicas`."
    )
    metrics: Annotated[tuple[Metric, ...], listed(_MAX_METRICS)] = Field(
        (), description="What the number follows; absent: 80 percent of the CPU that is asked for."
    )

    @model_validator(mode="after")
    def _bounds_are_in_order(self) -> Self:
        if self.max_replicas is not None and self.min_replicas > self.max_replicas:
            refuse(_CROSSED, expected=f"at most `{self.max_replicas}`", got=f"`{self.min_replicas}`")
        return self


class ServiceMonitor(Model):
    """How Prometheus asks the gateway."""

    model_config = ConfigDict(
        json_schema_extra={
            VALIDATIONS: [
                validation(
                    "!has(self.scrapeTimeout) || !has(self.interval) || self.scrapeTimeout.matches(r'[dwy]') || "
                    "self.interval.matches(r'[dwy]') || duration(self.scrapeTimeout) <= duration(self.interval)",
                    _SLOW,
                )
            ]
        }
    )

    enabled: bool = Field(default=False, description="Whether there is a ServiceMonitor.")
    interval: Duration = Field("30s", description="How often is asked.")
    scrape_timeout: Duration | None = Field(None, description="How long an answer may take; absent: 10s, or `interval` if less.")
    labels: Labels = Field(default_factory=dict, description="Labels of the ServiceMonitor, by which Prometheus finds it.")

    @model_validator(mode="after")
    def _answers_come_in_time(self) -> Self:
        if self.scrape_timeout is not None and milliseconds(self.scrape_timeout) > milliseconds(self.interval):
            refuse(_SLOW, expected=f"at most `{self.interval}`", got=f"`{self.scrape_timeout}`")
        return self


class PrometheusRule(Model):
    """Alerts about the gateway."""

    enabled: bool = Field(default=False, description="Whether there is a PrometheusRule.")
    severity: Text = Field("warning", description="Label `severity` of every alert.")


class Monitoring(Model):
    """What the Prometheus operator gets."""

    service_monitor: ServiceMonitor | None = Field(None, description="How Prometheus asks the gateway.")
    prometheus_rule: PrometheusRule | None = Field(None, description="Alerts about the gateway.")
