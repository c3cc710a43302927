"""What an administrator sees of admission; sample names, labels and buckets are public."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from prometheus_client import Counter, Histogram
from prometheus_client.core import GaugeMetricFamily

from mcpg_operator.telemetry import exemplar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from prometheus_client import CollectorRegistry

__all__ = ["AdmissionMetrics"]

_BUCKETS: Final = tuple(0.0005 * 2**k for k in range(15))
"""Half a millisecond to eight seconds."""


class AdmissionMetrics:
    """The metrics of the admission server; every method may be called from any thread."""

    def __init__(self, registry: CollectorRegistry, *, opted_out: Callable[[], int]) -> None:
        """Register; `opted_out` is asked whenever somebody scrapes, how many namespaces with our objects are not reviewed."""
        self._requests = Counter(
            "mcpg_operator_admission_requests",
            "Reviews by kind, operation and result",
            ["kind", "operation", "result"],
            registry=registry,
        )
        self._seconds = Histogram(
            "mcpg_operator_admission_duration_seconds",
            "Time from the last byte of a review to its answer",
            ["kind"],
            buckets=_BUCKETS,
            registry=registry,
        )
        self._failures = Counter(
            "mcpg_operator_admission_lookup_failures",
            "Look-ups that failed, by the reviewed kind and the kind that was looked up",
            ["kind", "lookup"],
            registry=registry,
        )
        registry.register(_OptedOut(opted_out))

    def reviewed(self, kind: str, operation: str, result: str, seconds: float) -> None:
        """Count one review; `result` as `Verdict.result`."""
        self._requests.labels(kind, operation, result).inc()
        self._seconds.labels(kind).observe(seconds, exemplar=exemplar())

    def lookup_failed(self, kind: str, lookup: str) -> None:
        """Count one look-up that failed."""
        self._failures.labels(kind, lookup).inc()


class _OptedOut:
    def __init__(self, count: Callable[[], int]) -> None:
        self._count = count

    def collect(self) -> Iterable[GaugeMetricFamily]:
        text = "Namespaces that hold objects of ours and are opted out of admission"
        yield GaugeMetricFamily("mcpg_operator_optout_namespaces", text, value=self._count())
