"""Events have the shape that the API server demands, and a failure to write one stops nobody."""

from __future__ import annotations

import logging
from datetime import UTC, datetime

import pytest

from mcpg_operator.events import Recorder
from mcpg_operator.resources import PLUGIN, PLUGIN_SET, Resource
from supplychain.errors import ClusterUnavailableError

AT = datetime(2026, 1, 31, 12, 0, 0, 0, tzinfo=UTC)
PLUGIN_OBJECT = Resource(PLUGIN, {"metadata": {"name": "audit", "uid": "u1", "resourceVersion": "7"}})
SET_OBJECT = Resource(PLUGIN_SET, {"metadata": {"name": "tools", "namespace": "team", "uid": "u2", "resourceVersion": "8"}})


class Created:
    """Keeps what is created; everything else would be a defect of the recorder."""

    def __init__(self, error=None):
        self.objects = []
        self.error = error

    def create(self, manifest):
        if self.error is not None:
            raise self.error
        self.objects.append(manifest)


def publish(about, *, note="refused", cluster=None, warning=True):
    cluster = cluster or Created()
    Recorder(cluster=cluster, instance="pod-1", now=lambda: AT).publish(
        about, controller="plugin", warning=warning, reason="TrustGateFailed", action="Verify", note=note
    )
    return cluster.objects[0] if cluster.objects else None


def test_an_event_about_a_cluster_scoped_object_goes_to_default():
    event = publish(PLUGIN_OBJECT)
    assert event["metadata"]["namespace"] == "default"
    assert event["regarding"] == {
        "apiVersion": "mcpg.dev/v1alpha2",
        "kind": "MCPGPlugin",
        "name": "audit",
        "uid": "u1",
        "resourceVersion": "7",
    }


def test_an_event_about_a_namespaced_object_goes_to_its_namespace():
    event = publish(SET_OBJECT)
    assert event["metadata"]["namespace"] == event["regarding"]["namespace"] == "team"


def test_the_time_has_exactly_six_digits():
    assert publish(PLUGIN_OBJECT)["eventTime"] == "2026-01-31T12:00:00.000000Z"


def test_a_long_note_is_cut():
    note = publish(PLUGIN_OBJECT, note="x" * 5000)["note"]
    assert len(note) == 1024
    assert note.endswith("…")


@pytest.mark.parametrize(("warning", "word"), [(True, "Warning"), (False, "Normal")])
def test_the_type_is_a_word_of_the_api(warning, word):
    assert publish(PLUGIN_OBJECT, warning=warning)["type"] == word


def test_different_events_have_different_names():
    assert publish(PLUGIN_OBJECT)["metadata"]["name"] != publish(PLUGIN_OBJECT, note="other")["metadata"]["name"]


def test_an_api_server_that_is_away_is_logged_and_nothing_else(caplog):
    with caplog.at_level(logging.WARNING):
        assert publish(PLUGIN_OBJECT, cluster=Created(ClusterUnavailableError("no answer"))) is None
    assert "TrustGateFailed" in caplog.text
