"""Metrics and logs: what an administrator sees of the operator without asking the cluster.

Sample names, labels and buckets are public. No label carries text that a user chose freely, apart from the names of our own
objects in `mcpg_operator_condition`; no log line carries Secret data.
"""

from __future__ import annotations

import json
import logging
import sys
import threading
import time
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, TextIO

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.samples import Sample

from mcpg_operator.tracing import current_trace
from supplychain.mirror.budget import seconds_waited, waits

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from supplychain.freshness import Freshness, Subject

__all__ = ["Metrics", "configure_logging", "exemplar"]

_PASS_BUCKETS: Final = tuple(0.005 * 2**k for k in range(12))
_OPEN_METRICS: Final = "application/openmetrics-text; version=1.0.0"
_PLAIN_FIELDS: Final = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
_PULL_BUCKETS: Final = tuple(0.05 * 2.5**k for k in range(11))


class Metrics:
    """Every metric of the operator in a registry of its own; every method may be called from any thread."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._passes = self._counter("reconcile", "Passes by controller and outcome", "controller", "outcome")
        self._seconds = Histogram(
            "mcpg_operator_reconcile_duration_seconds",
            "Duration of a pass",
            ["controller"],
            buckets=_PASS_BUCKETS,
            registry=self.registry,
        )
        self._last = self._gauge("last_reconcile_timestamp_seconds", "Unix time of the last pass or idle look", "controller")
        self._depth = self._gauge("queue_depth", "Objects that wait for a pass", "controller")
        self._events = self._gauge("events_waiting", "Events that are not written yet: statuses come first")
        self._unresolved = self._counter(
            "dependency_unresolved", "Dependencies that were missing in a pass", "controller", "dependency", "reason"
        )
        self._leader = self._gauge("leader_elected", "1 while this replica holds the Lease", "lease")
        self._pulls = self._counter("oci_pull", "Downloads of packages by outcome", "outcome")
        self._pull_seconds = Histogram(
            "mcpg_operator_oci_pull_duration_seconds",
            "Duration of download and unpacking",
            buckets=_PULL_BUCKETS,
            registry=self.registry,
        )
        self._verifications = self._counter("verification", "Judgements by layer and outcome", "layer", "outcome")
        self._hits = self._counter("revocation_hit", "Artifacts that were found on a revocation list")
        self._disagreements = self._counter("verifiers_disagree", "Evidence about which two verifiers disagreed")
        self._held = self._gauge("secrets_held_back", "Secrets that only a set whose document cannot be read could need")
        self._build = self._gauge("build_info", "Version of the operator", "version")
        self._requests = self._counter("api_request", "Requests to the API server", "verb", "kind", "code")
        self._as_of = self._gauge("confirmed_timestamp_seconds", "Unix time as of which what is judged by counts", "subject")
        self._fresh_until = self._gauge("fresh_until_timestamp_seconds", "Unix time from which it lets nothing new in", "subject")
        self._certificate: Gauge | None = None
        self._conditions = _Conditions()
        self.registry.register(self._conditions)
        self.registry.register(_RegistryBudget())

    def reconciled(self, controller: str, outcome: str, seconds: float) -> None:
        """Count one pass of `seconds`; `outcome` is a value of `services.Outcome`."""
        self._passes.labels(controller, outcome).inc()
        self._seconds.labels(controller).observe(seconds, exemplar=exemplar())
        self.looked(controller)

    def looked(self, controller: str) -> None:
        """Enter that a controller is at work, if only by having nothing to do."""
        self._last.labels(controller).set(time.time())

    def api_request(self, verb: str, kind: str, code: str) -> None:
        """Count one request by its RBAC verb, kind and HTTP code (`none` where no answer came)."""
        self._requests.labels(verb, kind, code).inc()

    def certificate_expiry(self, at: float) -> None:
        """Enter when the loaded certificate ends, in seconds since 1970."""
        if self._certificate is None:  # without a certificate there is no sample, which an alert would take for long ago
            self._certificate = self._gauge(
                "webhook_certificate_expiry_timestamp_seconds", "Unix time at which the loaded certificate ends"
            )
        self._certificate.set(at)

    def freshness(self, found: Freshness | None, *, subject: Subject) -> None:
        """Enter as of when something counts and until when; no sample where there is none, or it does not say."""
        as_of = None if found is None else found.as_of
        day = as_of if as_of is None or isinstance(as_of, datetime) else datetime(as_of.year, as_of.month, as_of.day, tzinfo=UTC)
        for gauge, at in ((self._as_of, day), (self._fresh_until, None if found is None else found.expires_at)):
            if at is None:
                with suppress(KeyError):
                    gauge.remove(subject.value)
            else:
                gauge.labels(subject.value).set(at.timestamp())

    def watch_queue(self, controller: str, depth: Callable[[], float]) -> None:
        """Read a queue's depth whenever somebody scrapes."""
        self._depth.labels(controller).set_function(depth)

    def watch_events(self, waiting: Callable[[], float]) -> None:
        """Read how many events are not written yet whenever somebody scrapes."""
        self._events.set_function(waiting)

    def leader(self, lease: str, value: float) -> None:
        """Enter whether this replica holds the Lease: 1 or 0."""
        self._leader.labels(lease).set(value)

    def dependency_unresolved(self, controller: str, dependency: str, reason: str) -> None:
        """Count a dependency (a kind's name) that could not be resolved, by the stable reason."""
        self._unresolved.labels(controller, dependency, reason).inc()

    def oci_pull(self, outcome: str, seconds: float) -> None:
        """Count one download: `success` or `failed`."""
        self._pulls.labels(outcome).inc()
        self._pull_seconds.observe(seconds, exemplar=exemplar())

    def verification(self, layer: str, outcome: str) -> None:
        """Count the answer of one layer."""
        self._verifications.labels(layer, outcome).inc()

    def revocation_hit(self) -> None:
        """Count an artifact that a list names."""
        self._hits.inc()

    def verifiers_disagree(self) -> None:
        """Count evidence that one verifier takes and the other refuses."""
        self._disagreements.inc()

    def held_back(self, count: int) -> None:
        """Enter how many Secrets the last sweep left because nobody can say whether a set needs them."""
        self._held.set(count)

    def build_info(self, version: str) -> None:
        """Publish which version runs."""
        self._build.labels(version).set(1)

    def condition(self, kind: str, namespace: str | None, name: str, aspect: str, value: float | None) -> None:
        """Publish a condition of an object, `aspect` being its type: 1 True, 0 False, None Unknown (no sample)."""
        self._conditions.put((kind, namespace or "", name), aspect, value)

    def forget(self, kind: str, namespace: str | None, name: str) -> None:
        """Drop the conditions of an object that is gone."""
        self._conditions.forget((kind, namespace or "", name))

    def render(self, accept: str | None) -> tuple[bytes, str]:
        """Write every metric as a scraper wants it, with the content type: OpenMetrics unless only something else is accepted."""
        anything = not accept or ("*/*" in accept and "text/plain" not in accept)
        encode, content_type = choose_encoder(_OPEN_METRICS if anything else accept or "")
        return encode(self.registry), content_type

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(f"mcpg_operator_{name}", text, labels, registry=self.registry)

    def _gauge(self, name: str, text: str, *labels: str) -> Gauge:
        return Gauge(f"mcpg_operator_{name}", text, labels, registry=self.registry)


class _Conditions:
    """One gauge over many thousand objects, kept as plain numbers: a child object for each sample would cost a kilobyte."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._values: dict[tuple[str, str, str], dict[str, float]] = {}

    def put(self, about: tuple[str, str, str], aspect: str, value: float | None) -> None:
        with self._lock:
            if value is None:
                self._values.get(about, {}).pop(aspect, None)
            else:
                self._values.setdefault(about, {})[aspect] = float(value)

    def forget(self, about: tuple[str, str, str]) -> None:
        with self._lock:
            self._values.pop(about, None)

    def collect(self) -> Iterable[GaugeMetricFamily]:
        family = GaugeMetricFamily("mcpg_operator_condition", "Conditions of our objects: 1 True, 0 False")
        with self._lock:
            values = [(about, dict(found)) for about, found in self._values.items()]
        family.samples = self._samples(family.name, values)  # type: ignore[assignment] # one by one: they are many
        yield family

    def _samples(self, name: str, values: Iterable[tuple[tuple[str, str, str], Mapping[str, float]]]) -> Iterator[Sample]:
        for about, found in values:
            for aspect, value in found.items():
                yield Sample(name, dict(zip(("kind", "namespace", "name", "type"), (*about, aspect), strict=True)), value)


class _RegistryBudget:
    """Who waits because this process has asked a registry host often enough; kept where registries are asked."""

    def collect(self) -> Iterable[Metric]:
        waited = CounterMetricFamily(
            "mcpg_operator_registry_budget_wait_seconds", "Seconds waited for the own budget of registry hosts"
        )
        waited.add_metric((), seconds_waited())
        yield waited
        waiting = GaugeMetricFamily("mcpg_operator_registry_budget_hosts", "Registry hosts for whose budget somebody waits")
        waiting.add_metric((), len(waits()))
        yield waiting


def exemplar() -> dict[str, str] | None:
    """Lead from a sample to the lines of the pass or review that it comes from; None outside of any."""
    trace = current_trace()
    return {"trace_id": trace} if trace else None


def configure_logging(*, style: str, level: str, stream: TextIO | None = None) -> None:
    """Send every log line to standard error: JSON objects, or lines for people where `style` is `pretty`."""
    disable_created_metrics()  # type: ignore[no-untyped-call]
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(_Pretty() if style == "pretty" else _Json())
    logging.basicConfig(handlers=[handler], level=level.upper(), force=True)
    # One line a request of libraries is theirs to debug.
    for noisy in ("httpx", "httpx2", "httpcore", "httpcore2", "asyncio", "uvicorn.error"):
        logging.getLogger(noisy).setLevel(logging.WARNING)


class _Json(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **_fields(record),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False, default=str)


class _Pretty(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        at = datetime.fromtimestamp(record.created, UTC).strftime("%H:%M:%S")
        fields = "".join(f" {name}={value}" for name, value in _fields(record).items())
        line = f"{at} {record.levelname.lower():7} {record.getMessage()}{fields}"
        return f"{line}\n{self.formatException(record.exc_info)}" if record.exc_info else line


def _fields(record: logging.LogRecord) -> Mapping[str, Any]:
    given = {name: value for name, value in vars(record).items() if name not in _PLAIN_FIELDS}
    trace = current_trace()
    return {**given, "trace_id": trace} if trace else given
