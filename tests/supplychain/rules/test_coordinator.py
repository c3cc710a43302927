"""Replica ceilings, coordinators and their transports."""

from __future__ import annotations

import pytest

from supplychain.rules.coordinator import (
    Ceiling,
    Transport,
    TransportState,
    bindable_from,
    ceiling,
    ceiling_of,
    has_coordinator,
    inline_kind,
    transport_of,
)

REPLICAS = "spec.replicas"
MAXIMUM = "spec.autoscaling.maxReplicas"
MINIMUM = "spec.autoscaling.minReplicas"


def on(**scaling):
    return {"enabled": True, **scaling}


@pytest.mark.parametrize(
    ("spec", "minimum", "maximum", "field"),
    [
        ({}, 1, 1, REPLICAS),
        ({"replicas": 3}, 3, 3, REPLICAS),
        ({"replicas": 3, "autoscaling": {"enabled": False, "maxReplicas": 9}}, 3, 3, REPLICAS),
        ({"replicas": 3, "autoscaling": on()}, 1, 3, REPLICAS),
        ({"replicas": 3, "autoscaling": on(maxReplicas=2)}, 1, 2, MAXIMUM),
        ({"replicas": 1, "autoscaling": on(minReplicas=4)}, 4, 4, MINIMUM),
        ({"autoscaling": on(minReplicas=4, maxReplicas=2)}, 4, 4, MAXIMUM),
        ({"autoscaling": on(minReplicas=0, maxReplicas=0)}, 1, 1, MAXIMUM),
        ({"replicas": "3", "autoscaling": on(minReplicas=True, maxReplicas="9")}, 1, 1, REPLICAS),
        ({"replicas": 3, "autoscaling": [on()]}, 3, 3, REPLICAS),
    ],
)
def test_the_ceiling_is_what_a_gateway_may_come_to(spec, minimum, maximum, field):
    assert ceiling_of(spec) == Ceiling(minimum=minimum, maximum=maximum, field=field)


def test_without_any_field_there_is_one_replica():
    assert ceiling() == Ceiling(minimum=1, maximum=1, field=REPLICAS)


def test_a_coordinator_is_one_that_replicas_share():
    assert has_coordinator("shared", None)
    assert has_coordinator(None, {"cluster": {"kind": "etcd"}})
    assert not has_coordinator(None, {"cluster": {"kind": "single_node"}})
    assert not has_coordinator("", {"cluster": {"kind": 7}})
    assert not has_coordinator(None, "cluster")
    assert inline_kind({"cluster": {"kind": "etcd"}}) == "etcd"


def test_an_annotation_limits_who_may_bind():
    def cluster(value):
        return {"metadata": {"annotations": {"mcpg.dev/bindable-namespaces": value}}}

    assert bindable_from("a", {})
    assert bindable_from("a", cluster("b, a"))
    assert not bindable_from("a", cluster("aa,b"))
    assert not bindable_from("a", cluster(""))


TLS, PLAIN, OPEN = TransportState.TLS, TransportState.PLAINTEXT, TransportState.PLACEHOLDER


@pytest.mark.parametrize(
    ("backend", "config", "state", "key"),
    [
        ("redis", {"url": "rediss://x"}, TLS, "url"),
        ("redis", {"url": " redis://x"}, PLAIN, "url"),
        ("redis", {"url": "REDIS://x"}, PLAIN, "url"),
        ("redis", {"url": "${env.URL}"}, OPEN, "url"),
        ("redis", {"url": 7}, OPEN, None),
        ("redis", "redis://x", OPEN, None),
        ("consul", {"address": "https://x"}, TLS, "address"),
        ("consul", {"address": "http://x"}, PLAIN, "address"),
        ("etcd", {"endpoints": ["https://x", "https://y"]}, TLS, "endpoints[0]"),
        ("etcd", {"endpoints": ["https://x", "${env.Y}"]}, OPEN, "endpoints[1]"),
        ("etcd", {"endpoints": ["${env.Y}", "x:2379", 7]}, PLAIN, "endpoints[1]"),
        ("etcd", {"endpoints": []}, OPEN, None),
        ("nats", {}, TLS, None),
        ("nats", {"tls": {"require_tls": False}}, PLAIN, "tls.require_tls"),
        ("nats", {"tls": {"require_tls": 0}}, TLS, None),
        ("single_node", {"url": "redis://x"}, TransportState.IN_PROCESS, None),
    ],
)
def test_a_transport_is_classified_as_the_gateway_does(backend, config, state, key):
    assert transport_of(backend, config) == Transport(state=state, key=key)


def test_plain_text_can_be_accepted():
    for backend, config in (("redis", {"url": "redis://x"}), ("nats", {"tls": {"require_tls": False}}), ("etcd", {})):
        assert transport_of(backend, {**config, "allow_insecure_transport": True}).accepted
        assert not transport_of(backend, {**config, "allow_insecure_transport": "true"}).accepted
