"""What the Prometheus operator gets: where to ask the gateway, and what to call people for."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from mcpg_operator.render.gateway.inputs import Note
from mcpg_operator.render.gateway.listener import PROMETHEUS_PLUGIN
from mcpg_operator.render.gateway.names import manifest, names_of, selector
from mcpg_operator.render.gateway.tree import at
from mcpg_operator.resources import PROMETHEUS_RULE, SERVICE_MONITOR
from supplychain.rules.coordinator import SINGLE_NODE

if TYPE_CHECKING:
    from mcpg_operator.render.gateway.config import Config
    from mcpg_operator.render.gateway.inputs import GatewayInputs
    from mcpg_operator.render.gateway.listener import Listener

__all__ = ["monitoring_notes", "render_prometheus_rule", "render_service_monitor", "seconds"]

_TIMEOUT: Final = "10s"
_UNITS: Final = {"y": 31_536_000.0, "w": 604_800.0, "d": 86_400.0, "h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
_PART: Final = re.compile(r"([0-9]+)(ms|[ywdhms])", re.ASCII)
_SESSIONS: Final = 8000
_SLOW: Final = 5


def seconds(duration: str) -> float:
    """Read a duration of Prometheus such as `1m30s`."""
    return sum(int(number) * _UNITS[unit] for number, unit in _PART.findall(duration))


def monitoring_notes(inputs: GatewayInputs, config: Config, listener: Listener) -> tuple[Note, ...]:
    """Say what is wanted and cannot be had."""
    given = inputs.spec.monitoring
    monitored = given is not None and given.service_monitor is not None and given.service_monitor.enabled
    ruled = given is not None and given.prometheus_rule is not None and given.prometheus_rule.enabled
    if not (monitored or ruled):
        return ()
    if not inputs.monitoring:
        return (Note("MonitoringUnavailable", "the cluster does not serve the kinds of the Prometheus operator"),)
    if not monitored:
        return ()
    if not listener.metrics:
        text = "the gateway's configuration has no sink for Prometheus in `observability.metrics`, so there is nothing to ask"
        return (Note("MetricsOff", text),)
    loaded = {name for one in config.dialect.plugins(config.document) for name in (at(one, "id"), at(one, "ref"))}
    if PROMETHEUS_PLUGIN not in loaded:
        return (Note("MetricsPluginMissing", f"without plugin `{PROMETHEUS_PLUGIN}` the gateway answers 503 to Prometheus"),)
    return ()


def render_service_monitor(inputs: GatewayInputs, listener: Listener) -> dict[str, Any] | None:
    """Write where Prometheus asks; None where it is switched off, or nobody would read it."""
    given = inputs.spec.monitoring.service_monitor if inputs.spec.monitoring is not None else None
    if given is None or not given.enabled or not inputs.monitoring:
        return None
    timeout = given.scrape_timeout or _TIMEOUT
    endpoint = {
        "port": "http" if listener.metrics_port is None else "metrics",
        "path": listener.metrics_path,
        "scheme": "https" if listener.tls and listener.metrics_port is None else "http",
        "interval": given.interval,
        "scrapeTimeout": given.interval if seconds(given.interval) < seconds(timeout) else timeout,
    }
    spec = {"selector": {"matchLabels": selector(inputs.name)}, "endpoints": [endpoint]}
    return manifest(inputs, SERVICE_MONITOR, names_of(inputs.name).workload, {"spec": spec}, extra_labels=given.labels)


def render_prometheus_rule(inputs: GatewayInputs, config: Config) -> dict[str, Any] | None:
    """Write the alerts; None where they are switched off, or nobody would read them."""
    given = inputs.spec.monitoring.prometheus_rule if inputs.spec.monitoring is not None else None
    if given is None or not given.enabled or not inputs.monitoring:
        return None
    # Texts in templates of alerts are Go templates: what is in braces would be run.
    labels = {
        "severity": given.severity.replace("{{", "{ {"),
        "gateway": inputs.name,
        "namespace": inputs.namespace,
    }
    kind = at(config.document, "cluster", "kind")
    shared = isinstance(kind, str) and kind != SINGLE_NODE
    job = f'job="{names_of(inputs.name).service}",namespace="{inputs.namespace}"'
    rules = [
        {"alert": name, "expr": expression, "for": span, "labels": labels, "annotations": {"summary": summary}}
        for name, expression, span, summary in _alerts(job, shared=shared)
    ]
    group = {"name": f"mcpg-gateway.{inputs.namespace}.{inputs.name}", "rules": rules}
    return manifest(inputs, PROMETHEUS_RULE, names_of(inputs.name).workload, {"spec": {"groups": [group]}})


def _alerts(job: str, *, shared: bool) -> list[tuple[str, str, str, str]]:
    """Give name, expression, time and summary of each alert about the series that `job` selects."""
    errors = f'sum(rate(mcpg_binding_executions_total{{{job},outcome="error"}}[5m]))'
    executions = f"sum(rate(mcpg_binding_executions_total{{{job}}}[5m]))"
    buckets = f"sum by (le) (rate(mcpg_request_duration_seconds_bucket{{{job}}}[5m]))"
    coordinator = (
        "McpgGatewayCoordinatorDown",
        f"min(mcpg_cluster_backend_up{{{job}}}) == 0",
        "1m",
        "a pod of the gateway does not reach the coordinator",
    )
    return [
        ("McpgGatewayDown", f"absent(up{{{job}}} == 1)", "1m", "no pod of the gateway answers Prometheus"),
        ("McpgGatewayHighErrorRate", f"{errors} / {executions} > 0.1", "5m", "more than a tenth of all executions fail"),
        (
            "McpgGatewayHighLatency",
            f"histogram_quantile(0.99, {buckets}) > {_SLOW}",
            "5m",
            f"one of a hundred requests takes longer than {_SLOW} s",
        ),
        (
            "McpgGatewaySessionsNearLimit",
            f"max(mcpg_active_sessions{{{job}}}) > {_SESSIONS}",
            "2m",
            f"a pod of the gateway has more than {_SESSIONS} sessions",
        ),
        *([coordinator] if shared else []),
        (
            "McpgGatewayInsecureBind",
            f"max(mcpg_insecure_public_bind_total{{{job}}}) > 0",
            "5m",
            "the gateway listens in public without TLS and authentication",
        ),
    ]
