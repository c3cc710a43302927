"""A slow sample leads to the log lines of the pass or review that it comes from."""

import io
import json
import logging
import re

import pytest

from mcpg_operator.telemetry import Metrics, configure_logging
from mcpg_operator.tracing import current_trace, trace_of, traced

GIVEN = "4bf92f3577b34da6a3ce929d0e0e4736"


def test_an_id_counts_inside_and_nowhere_else():
    assert current_trace() is None
    with traced() as outer:
        assert re.fullmatch(r"[0-9a-f]{32}", outer)
        with traced(GIVEN):
            assert current_trace() == GIVEN
        assert current_trace() == outer
    assert current_trace() is None


def test_two_passes_have_two_ids():
    with traced() as first, traced() as second:
        assert first != second


@pytest.mark.parametrize(
    "header", [f"00-{GIVEN}-00f067aa0ba902b7-01", f"cc-{GIVEN}-00f067aa0ba902b7-00-what-a-later-version-adds"]
)
def test_the_id_of_a_traced_request_is_kept(header):
    assert trace_of(header) == GIVEN


@pytest.mark.parametrize(
    "header",
    [
        "",
        GIVEN,
        f"00-{'0' * 32}-00f067aa0ba902b7-01",
        f"00-{GIVEN.upper()}-00f067aa0ba902b7-01",
        f"00-{GIVEN}-00f067aa0ba902b7-01\nx",
    ],
)
def test_what_is_no_trace_header_gives_no_id(header):
    assert trace_of(header) is None


def test_samples_lead_to_the_lines_of_their_pass():
    root, stream = logging.getLogger(), io.StringIO()
    handlers, level = root.handlers[:], root.level
    try:
        configure_logging(style="json", level="info", stream=stream)
        metrics = Metrics()
        with traced() as trace:
            metrics.reconciled("plugin", "success", 3.0)
            metrics.oci_pull("success", 2.0)
            logging.getLogger("mcpg_operator.test").info("pulled")
        logging.getLogger("mcpg_operator.test").info("outside")
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)
    inside, outside = map(json.loads, stream.getvalue().splitlines())
    assert inside["trace_id"] == trace
    assert "trace_id" not in outside
    text = metrics.render("application/openmetrics-text; version=1.0.0")[0].decode()
    for histogram in ("reconcile_duration_seconds", "oci_pull_duration_seconds"):
        assert re.search(rf'{histogram}_bucket.* # {{trace_id="{trace}"}}', text)
    assert "trace_id" not in metrics.render("text/plain; version=0.0.4")[0].decode()


def test_a_sample_outside_of_any_pass_has_no_exemplar():
    metrics = Metrics()
    metrics.reconciled("plugin", "success", 3.0)
    assert "trace_id" not in metrics.render(None)[0].decode()
