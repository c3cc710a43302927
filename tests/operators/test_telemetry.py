"""What is measured and logged: names, labels, buckets, formats."""

import io
import json
import logging
import re

import pytest

from mcpg_operator.telemetry import Metrics, configure_logging
from supplychain.mirror.budget import Budget

ABOUT = "mcpg_operator_condition"


@pytest.fixture
def metrics():
    return Metrics()


@pytest.fixture
def log():
    """Take the root logger over, and give it back."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    stream = io.StringIO()
    yield lambda style, level="info": configure_logging(style=style, level=level, stream=stream), stream
    root.handlers[:] = handlers
    root.setLevel(level)


def value(metrics, sample, /, **labels):
    return metrics.registry.get_sample_value(sample, labels)


def test_a_pass_is_counted_timed_and_dated(metrics):
    metrics.reconciled("plugin", "success", 0.02)
    assert value(metrics, "mcpg_operator_reconcile_total", controller="plugin", outcome="success") == 1
    assert value(metrics, "mcpg_operator_reconcile_duration_seconds_sum", controller="plugin") == 0.02
    assert value(metrics, "mcpg_operator_last_reconcile_timestamp_seconds", controller="plugin") > 1.7e9


def test_events_that_wait_are_counted_when_somebody_looks(metrics):
    waiting = [3]
    metrics.watch_events(lambda: waiting[0])
    assert value(metrics, "mcpg_operator_events_waiting") == 3
    waiting.clear()
    waiting.append(0)
    assert value(metrics, "mcpg_operator_events_waiting") == 0


def test_the_buckets_are_the_public_ones(metrics):
    metrics.reconciled("plugin", "success", 0)
    metrics.oci_pull("success", 0)
    text = metrics.render(None)[0].decode()

    def buckets(name):
        return [float(one) for one in re.findall(rf'{name}_bucket{{.*le="([0-9.e+]+)"}}', text)]

    passes, pulls = buckets("reconcile_duration_seconds"), buckets("oci_pull_duration_seconds")
    assert passes == pytest.approx([0.005 * 2**k for k in range(12)])
    assert pulls == pytest.approx([0.05 * 2.5**k for k in range(11)])


def test_every_event_has_its_counter(metrics):
    metrics.dependency_unresolved("plugin-set", "MCPGPlugin", "PluginNotFound")
    metrics.oci_pull("failed", 3)
    metrics.verification("cosign", "REFUSED")
    metrics.revocation_hit()
    metrics.verifiers_disagree()
    metrics.build_info("1.2.3")
    metrics.leader("mcpg-operator", 1)
    metrics.api_request("patch", "Secret", "200")
    metrics.watch_queue("plugin", lambda: 7)
    samples = {
        ("dependency_unresolved_total", "plugin-set", "MCPGPlugin", "PluginNotFound"): 1,
        ("oci_pull_total", "failed"): 1,
        ("verification_total", "cosign", "REFUSED"): 1,
        ("revocation_hit_total",): 1,
        ("verifiers_disagree_total",): 1,
        ("build_info", "1.2.3"): 1,
        ("leader_elected", "mcpg-operator"): 1,
        ("api_request_total", "patch", "Secret", "200"): 1,
        ("queue_depth", "plugin"): 7,
        ("oci_pull_duration_seconds_sum",): 3,
    }
    found = {
        (sample.name.removeprefix("mcpg_operator_"), *sample.labels.values()): sample.value
        for family in metrics.registry.collect()
        for sample in family.samples
    }
    assert samples.items() <= found.items()


def test_waiting_for_the_budget_of_registries_is_counted(metrics, monkeypatch):
    assert value(metrics, "mcpg_operator_registry_budget_hosts") == 0
    now = [0.0]
    budget = Budget(requests_per_minute=1, clock=lambda: now[0], sleep=lambda _: None)
    monkeypatch.setattr("supplychain.mirror.budget._SHARED", {(1, None): budget})
    for host in ("a.example", "a.example", "b.example", "b.example", "b.example"):
        budget.request(host)
    assert value(metrics, "mcpg_operator_registry_budget_hosts") == 2
    assert value(metrics, "mcpg_operator_registry_budget_wait_seconds_total") == 240
    now[0] = 100
    assert value(metrics, "mcpg_operator_registry_budget_hosts") == 1


def test_conditions_come_change_and_go(metrics):
    labels = {"kind": "MCPGPlugin", "namespace": "", "name": "a"}
    metrics.condition("MCPGPlugin", None, "a", "Ready", True)
    metrics.condition("MCPGPlugin", None, "a", "Fresh", 0)
    metrics.condition("MCPGPluginSet", "here", "a", "Ready", 1.0)
    assert value(metrics, ABOUT, **labels, type="Ready") == 1
    assert value(metrics, ABOUT, **labels, type="Fresh") == 0
    metrics.condition("MCPGPlugin", None, "a", "Ready", None)
    metrics.condition("MCPGPlugin", None, "unknown", "Ready", None)
    assert value(metrics, ABOUT, **labels, type="Ready") is None
    metrics.forget("MCPGPlugin", None, "a")
    metrics.forget("MCPGPlugin", None, "a")
    assert value(metrics, ABOUT, **labels, type="Fresh") is None
    assert value(metrics, ABOUT, kind="MCPGPluginSet", namespace="here", name="a", type="Ready") == 1


@pytest.mark.parametrize(
    ("accept", "open_metrics"),
    [
        (None, True),
        ("*/*", True),
        ("application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;q=0.5", True),
        ("application/openmetrics-text", True),
        ("text/plain", False),
        ("text/plain;version=0.0.4;q=0.5,*/*;q=0.1", False),
        ("text/html", False),
    ],
)
def test_the_format_is_what_the_scraper_takes(metrics, accept, open_metrics):
    metrics.reconciled("plugin", "success", 0.02)
    body, content_type = metrics.render(accept)
    assert content_type.startswith("application/openmetrics-text; version=1.0.0; charset=utf-8" if open_metrics else "text/plain")
    assert body.endswith(b"# EOF\n") is open_metrics
    assert b'mcpg_operator_reconcile_total{controller="plugin",outcome="success"} 1.0\n' in body


def test_two_sets_of_metrics_do_not_meet(metrics):
    metrics.revocation_hit()
    assert value(Metrics(), "mcpg_operator_revocation_hit_total") == 0


def test_a_json_line_holds_the_message_and_its_fields(log):
    configure, stream = log
    configure("json")
    try:
        int("a “defect”")
    except ValueError:
        logging.getLogger("mcpg_operator.x").exception("it %s", "failed", extra={"controller": "plugin", "seconds": 0.5})
    line = json.loads(stream.getvalue())
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", line.pop("time"))
    assert line.pop("exception").endswith("'a “defect”'")
    assert line == {
        "level": "error", "logger": "mcpg_operator.x", "message": "it failed", "controller": "plugin", "seconds": 0.5,
    }  # fmt: skip


def test_a_line_stays_one_line_whatever_is_in_it(log):
    configure, stream = log
    configure("json")
    logging.getLogger("x").warning("two\nlines", extra={"object": "a\nb", "odd": object()})
    assert stream.getvalue().count("\n") == 1


def test_a_pretty_line_is_for_people(log):
    configure, stream = log
    configure("pretty")
    logging.getLogger("x").warning("it %s", "failed", extra={"controller": "plugin"})
    assert re.fullmatch(r"\d\d:\d\d:\d\d warning it failed controller=plugin\n", stream.getvalue())
    try:
        int("a defect")
    except ValueError:
        logging.getLogger("x").exception("oh")
    assert stream.getvalue().rstrip().endswith("'a defect'")


def test_the_level_is_kept_and_libraries_are_quiet(log):
    configure, stream = log
    configure("json", "debug")
    logging.getLogger("mcpg_operator").debug("mine")
    logging.getLogger("httpx2").info("theirs")
    assert [json.loads(line)["message"] for line in stream.getvalue().splitlines()] == ["mine"]
    configure("json", "error")
    logging.getLogger("mcpg_operator").warning("less")
    assert stream.getvalue().count("\n") == 1
