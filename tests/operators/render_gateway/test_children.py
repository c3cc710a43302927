"""Children of a gateway: valid for whatever somebody writes, and changed by exactly what has to change them."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mcpg_operator.render.gateway import Credential, Handling, defaults_of, render_gateway
from mcpg_operator.render.gateway.credentials import credential_references, credentials_hash, variables
from mcpg_operator.render.gateway.dialect import Dialect
from mcpg_operator.render.gateway.listener import listener_of
from mcpg_operator.render.gateway.monitoring import seconds
from mcpg_operator.render.gateway.names import names_of
from mcpg_operator.render.gateway.scaling import scale_of
from mcpg_operator.render.gateway.volumes import plugins_volume, volume_names
from mcpg_operator.resources import CONFIG_MAP, DEPLOYMENT, Key, kind_of
from mcpg_operator.settings import Settings
from supplychain.api import parse_spec
from supplychain.api.gateway import GatewaySpec
from supplychain.errors import InvalidManifestError
from supplychain.limits import Limits
from tests.support.components import component
from tests.support.fake_admission import check
from tests.support.object_rules import problems
from tests.support.rendering import inputs_of, plugin, resolved
from tests.support.testdata.render import RENDER_CASES

EVERYTHING: dict[str, Any] = {
    "networkPolicy": {"enabled": True},
    "podDisruptionBudget": {"enabled": True},
    "autoscaling": {"enabled": True, "maxReplicas": 3},
    "monitoring": {"serviceMonitor": {"enabled": True}, "prometheusRule": {"enabled": True}},
    "ingress": {"ingressClassName": "x", "hosts": [{"host": "a.example", "paths": [{"path": "/", "pathType": "Prefix"}]}]},
}


def inputs(spec=None, *, name="shop", **facts):
    document = {"gateway": {"metadata": {"name": name, "namespace": "team-a"}, "spec": spec or {}}}
    return dataclasses.replace(inputs_of(document), **facts)


def child(rendered, kind, name=None):
    found = [one for one in rendered.children if kind_of(one) == kind and name in {None, one["metadata"]["name"]}]
    return found[0] if found else None


def template(rendered):
    return child(rendered, DEPLOYMENT)["spec"]["template"]


# -- names -------------------------------------------------------------------------------------------------------------

PART = st.from_regex(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?", fullmatch=True)
NAMES = st.lists(PART, min_size=1, max_size=5).map(".".join).filter(lambda name: len(name) <= 253) | st.sampled_from(
    [
        "a",
        "1",
        "a" * 253,
        "1" * 253,
        "a" * 63,
        "1" * 58,
        "1" * 59,
        "a.b",
        ".".join(["a" * 62] * 4),
        "a" * 62 + ".b",
        "x-0123456789abcdef",
    ]
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(NAMES)
def test_every_name_that_an_object_can_have_gives_valid_children(name):
    rendered = render_gateway(inputs(EVERYTHING, name=name, revocations=b"{}", monitoring=True))
    for one in rendered.children:
        check(Key(kind_of(one), one["metadata"]["name"], "team-a"), one)
        assert problems(one) == []
        assert one["metadata"]["ownerReferences"][0]["name"] == name


@settings(max_examples=300, deadline=None)
@given(NAMES, NAMES)
def test_names_that_had_to_be_cut_are_nobody_elses(one, other):
    if one != other and names_of(one).gateway != one:
        assert names_of(one).service != names_of(other).service


def test_usual_names_are_the_published_ones():
    names = names_of("shop")
    assert (names.service, names.config, names.workload) == ("shop", "shop-config", "shop-gateway")
    assert (names.revocations, names.credentials) == ("shop-revocations", "shop-cluster-credentials")
    assert (names_of("1shop").service, names_of("1shop").revocations) == ("mcpg-1shop", "1shop-revocations")


# -- volumes -----------------------------------------------------------------------------------------------------------

COLLIDING = ("a.a.a.a.a.a_a.a.a_a_a.a-a-a-a", "a.a.a.a-a.a.a-a.a.a-a.a.a-a-a")
IDS = st.lists(st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,199}", fullmatch=True), min_size=1, max_size=6, unique=True)


@settings(max_examples=300, deadline=None)
@given(IDS | st.just(["a.b", "a-b", "A.b"]) | st.just(["x" * 56, "x" * 57, "x" * 200]))
def test_every_plugin_has_a_volume_of_its_own(ids):
    names = volume_names(ids)
    assert len(set(names.values())) == len(ids)
    assert all(len(one) <= 63 and one.startswith("plugin-") and one.strip("-") == one for one in names.values())
    assert volume_names(reversed(ids)) == names


@pytest.mark.parametrize("digits", [8, 32])
def test_an_id_that_looks_like_anothers_hash_takes_nothing_away(digits):
    digest = hashlib.sha256(b"a.b").hexdigest()[:digits]
    ids = ["a.b", "a-b", f"a-b-{digest}", f"a.b.{digest}"]
    assert len(set(volume_names(ids).values())) == 4


def test_ids_whose_short_hashes_are_equal_get_longer_ones():
    # Found by search: their first 8 digits are equal, and so is everything that can stand in a name.
    ids = COLLIDING
    assert len({hashlib.sha256(one.encode()).hexdigest()[:8] for one in ids}) == 1
    assert len({one.lower().replace(".", "-").replace("_", "-") for one in ids}) == 1
    assert len(set(volume_names(ids).values())) == 2


def test_the_folder_has_room_for_what_is_in_it_and_for_one_more():
    defaults = inputs().defaults
    small = plugin("dev.acme.a")
    assert plugins_volume([small], defaults)["emptyDir"]["sizeLimit"] == "5Mi"
    unknown = dataclasses.replace(small, body={key: value for key, value in small.body.items() if key != "artifactSize"})
    assert plugins_volume([unknown], defaults)["emptyDir"]["sizeLimit"] == "5Mi"
    sharded = plugin("dev.acme.b", shards=1)
    unknown = dataclasses.replace(sharded, body={key: value for key, value in sharded.body.items() if key != "artifactSize"})
    assert plugins_volume([unknown], defaults)["emptyDir"]["sizeLimit"] == f"{2 * 512 + 5}Mi"


def test_a_pod_that_no_cluster_could_store_is_refused():
    many = [plugin(f"dev.acme.plugin{number}", shards=250) for number in range(30)]
    with pytest.raises(InvalidManifestError, match="with 30 plugins in 7530 Secrets"):
        render_gateway(inputs({"pluginSetRef": {"name": "base"}}, plugins=resolved(*many)))


def test_a_plugin_whose_id_leads_elsewhere_is_refused():
    bad = dataclasses.replace(plugin("dev.acme.a"), body={**plugin("dev.acme.a").body, "id": "../../evil"})
    with pytest.raises(InvalidManifestError, match="cannot be the name of a folder"):
        render_gateway(inputs(plugins=resolved(bad)))


def test_a_component_is_loaded_as_what_it_is():
    body = {**plugin("dev.acme.a").body, "artifactName": "plugin.wasm"}
    rendered = render_gateway(inputs(plugins=resolved(dataclasses.replace(plugin("dev.acme.a"), body=body))))
    assert '"kind": "wasm"' in rendered.config.decode()
    assert "/etc/mcpg/plugins/dev.acme.a/plugin.wasm" in rendered.config.decode()


# -- what rolls the pods -----------------------------------------------------------------------------------------------

BASE = {**EVERYTHING, "service": {"port": 80}}


@pytest.mark.parametrize(
    "change",
    [
        {"service": {"port": 81, "type": "NodePort", "annotations": {"a": "b"}}},
        {"ingress": {**EVERYTHING["ingress"], "ingressClassName": "y"}},
        {"autoscaling": {"enabled": True, "maxReplicas": 4}},
        {"podDisruptionBudget": {"enabled": False}},
        {"networkPolicy": {"enabled": False}},
        {"monitoring": {}},
    ],
    ids=",".join,
)
def test_what_stands_around_the_pods_does_not_roll_them(change):
    before, after = (render_gateway(inputs(spec, monitoring=True)) for spec in (BASE, {**BASE, **change}))
    assert template(before) == template(after)
    assert before.children != after.children


@pytest.mark.parametrize(
    "change",
    [
        {"image": {"tag": "v2"}},
        {"resources": {"requests": {"cpu": "300m"}}},
        {"probes": {"startup": {"failureThreshold": 9}}},
        {"scheduling": {"priorityClassName": "x"}},
        {"podLabels": {"a": "b"}},
        {"podAnnotations": {"a": "b"}},
        {"config": {"later": 1}},
        {"workloadIdentity": {"azure": {"clientId": "x"}}},
    ],
    ids=",".join,
)
def test_what_the_pods_are_made_of_rolls_them(change):
    assert template(render_gateway(inputs(BASE))) != template(render_gateway(inputs({**BASE, **change})))


def test_everything_that_is_loaded_rolls_the_pods():
    entry = plugin("dev.acme.a")
    found = [
        inputs(),
        inputs(revocations=b"{}"),
        inputs(revocations=b"{ }"),
        inputs(plugins=resolved(entry)),
        inputs(plugins=resolved(dataclasses.replace(entry, body={**entry.body, "config": {"a": 1}}))),
        inputs(plugins=resolved(dataclasses.replace(entry, body={**entry.body, "enforce": False}))),
        inputs(plugins=resolved(dataclasses.replace(entry, body={**entry.body, "resolvedDigest": "0" * 64}))),
    ]
    assert len({json.dumps(template(render_gateway(one))) for one in found}) == len(found)


def test_a_credential_that_was_written_again_rolls_the_pods_without_telling_its_value():
    old, new = (Credential(name="a", value=b"secret", uid="u", resource_version=version) for version in "12")
    assert credentials_hash([old]) != credentials_hash([new])
    assert credentials_hash([old]) == credentials_hash([dataclasses.replace(old, value=b"other")])


def test_the_selector_outlives_every_change():
    for case in RENDER_CASES:
        if not case.refused and case.document["gateway"]["metadata"]["name"] == "shop":
            rendered = render_gateway(inputs_of(case.document))
            wanted = {"app.kubernetes.io/name": "mcpg-gateway", "app.kubernetes.io/instance": "shop"}
            assert child(rendered, DEPLOYMENT)["spec"]["selector"]["matchLabels"] == wanted


def test_manifests_share_nothing_that_could_be_changed():
    first, second = render_gateway(inputs(BASE)), render_gateway(inputs(BASE))
    template(first)["spec"]["containers"][0]["securityContext"]["capabilities"]["drop"].append("x")
    template(first)["spec"]["securityContext"]["runAsUser"] = 0
    assert render_gateway(inputs(BASE)) == second


def test_what_is_switched_off_is_named_to_be_deleted():
    off = render_gateway(inputs(monitoring=True))
    assert {str(one.kind) for one in off.absent} == {
        "Ingress", "HorizontalPodAutoscaler", "PodDisruptionBudget", "NetworkPolicy", "Secret", "ServiceMonitor", "PrometheusRule",
    }  # fmt: skip
    on = render_gateway(inputs(EVERYTHING, monitoring=True))
    assert {str(one.kind) for one in on.absent} == {"Secret"}
    assert {one.namespace for one in off.absent} == {"team-a"}


def test_children_come_in_the_order_in_which_they_have_to_be_applied():
    kinds = [one["kind"] for one in render_gateway(inputs(EVERYTHING, revocations=b"{}", monitoring=True)).children]
    assert kinds == [
        "ConfigMap", "ConfigMap", "ServiceAccount", "Service", "NetworkPolicy", "PodDisruptionBudget", "Deployment",
        "HorizontalPodAutoscaler", "Ingress", "ServiceMonitor", "PrometheusRule",
    ]  # fmt: skip


# -- how many ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("spec", "facts", "replicas", "bounds"),
    [
        ({}, {}, 1, None),
        ({"replicas": 3}, {}, 3, None),
        ({"replicas": 3}, {"clamp": 2}, 2, None),
        ({"replicas": 3}, {"clamp": 0}, 0, None),
        ({"replicas": 3}, {"handling": Handling.STOP}, 0, None),
        ({"replicas": 3, "autoscaling": {"enabled": False, "maxReplicas": 9}}, {}, 3, None),
        ({"replicas": 3, "autoscaling": {"enabled": True}}, {}, None, (1, 3)),
        ({"replicas": 1, "autoscaling": {"enabled": True, "minReplicas": 4}}, {}, None, (4, 4)),
        ({"autoscaling": {"enabled": True, "minReplicas": 2, "maxReplicas": 9}}, {"clamp": 4}, None, (2, 4)),
        ({"autoscaling": {"enabled": True, "minReplicas": 5, "maxReplicas": 9}}, {"clamp": 4}, None, (4, 4)),
        ({"autoscaling": {"enabled": True, "minReplicas": 2, "maxReplicas": 9}}, {"clamp": 1}, 1, None),
        ({"autoscaling": {"enabled": True, "maxReplicas": 9}}, {"handling": Handling.STOP}, 0, None),
        ({"autoscaling": {"enabled": True, "maxReplicas": 9}}, {"handling": Handling.RECREATE}, None, (1, 9)),
    ],
)
def test_the_number_of_pods(spec, facts, replicas, bounds):
    found = scale_of(inputs(spec, **facts))
    assert (found.replicas, found.bounds) == (replicas, bounds)


QUANTITIES = st.sampled_from(["50m", "200m", "1", "2", "1.5", "64Mi", "256Mi", "1Gi", "4Gi", "500M"])
RESOURCES = st.dictionaries(
    st.sampled_from(["cpu", "memory", "ephemeral-storage", "nvidia.com/gpu", "hugepages-2Mi"]), QUANTITIES
)


@settings(max_examples=200, deadline=None)
@given(RESOURCES)
def test_requests_alone_never_meet_a_limit_below_them(requests):
    deployment = child(render_gateway(inputs({"resources": {"requests": requests}})), DEPLOYMENT)
    assert problems(deployment) == []
    given_back = deployment["spec"]["template"]["spec"]["containers"][0]["resources"]["requests"]
    assert requests.items() <= given_back.items()


@settings(max_examples=200, deadline=None)
@given(st.dictionaries(st.sampled_from(["cpu", "memory"]), QUANTITIES))
def test_limits_alone_never_meet_a_request_above_them(limits):
    deployment = child(render_gateway(inputs({"resources": {"limits": limits}})), DEPLOYMENT)
    assert problems(deployment) == []


# -- where it listens --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("bind", "port", "known"),
    [
        (None, 8787, True),
        ("0.0.0.0:9000", 9000, True),
        ("[::]:9000", 9000, True),
        (":9000", 9000, True),
        ("localhost:1", 1, True),
        ("0.0.0.0", 8787, False),
        ("0.0.0.0:0", 8787, False),
        ("0.0.0.0:65536", 8787, False),
        ("a:b:1", 8787, False),
        ("${env.BIND}", 8787, False),
        ("", 8787, False),
    ],
)
def test_the_port_is_the_configurations(bind, port, known):
    found = listener_of({"gateway": {"server": {"bind_address": bind}}})
    assert (found.port, found.port_known, found.bind) == (port, known, "0.0.0.0:8787" if bind is None else bind)


def test_an_address_that_is_no_text_is_refused():
    with pytest.raises(InvalidManifestError, match="no address to listen at"):
        listener_of({"gateway": {"server": {"bind_address": 9000}}})


@pytest.mark.parametrize(
    ("admin", "port"),
    [
        ({}, None),
        ({"enabled": True}, None),
        ({"enabled": False, "bind_address": "0.0.0.0:9"}, None),
        ({"enabled": True, "bind_address": "127.0.0.1:9"}, None),
        ({"enabled": True, "bind_address": "[::1]:9"}, None),
        ({"enabled": True, "bind_address": "localhost:9"}, None),
        ({"enabled": True, "bind_address": "0.0.0.0:9"}, 9),
        ({"enabled": True, "bind_address": "admin.internal:9"}, 9),
        ({"enabled": True, "bind_address": 9}, None),
    ],
)
def test_only_an_administrators_listener_that_can_be_reached_counts(admin, port):
    assert listener_of({"gateway": {"admin": admin}}).admin_port == port


def test_the_first_sink_for_prometheus_decides():
    sinks = [{"kind": "otlp"}, "stray", {"kind": "prometheus", "config": {"path": "/p", "bind": ":1"}}, {"kind": "prometheus"}]
    found = listener_of({"observability": {"metrics": {"enabled": True, "sinks": sinks}}})
    assert (found.metrics, found.metrics_path, found.metrics_port) == (True, "/p", 1)
    assert not listener_of({"observability": {"metrics": {"enabled": False, "sinks": sinks}}}).metrics
    assert listener_of({"observability": {"metrics": {"sinks": [{"kind": "prometheus"}]}}}).metrics_path == "/metrics"
    assert not listener_of({"observability": {"metrics": {"sinks": "none"}}}).metrics
    same = {"gateway": {"server": {"bind_address": ":1"}}, "observability": {"metrics": {"sinks": sinks}}}
    assert listener_of(same).metrics_port is None


def test_two_ports_of_the_service_differ_at_the_end_of_the_range():
    config = {"observability": {"metrics": {"sinks": [{"kind": "prometheus", "config": {"bind": ":65535"}}]}}}
    rendered = render_gateway(inputs({"service": {"port": 65535}, "config": config}))
    (service,) = [one for one in rendered.children if one["kind"] == "Service"]
    assert [one["port"] for one in service["spec"]["ports"]] == [65535, 65534]


# -- whom it may reach -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("backend", "config", "places"),
    [
        ("redis", {"url": "redis://redis.data.svc"}, [("data", 6379)]),
        ("redis", {"url": "rediss://:p%40ss@redis-0.redis.data.svc.cluster.local.:6380/0"}, [("data", 6380)]),
        ("redis", {"url": "redis://redis"}, [("team-a", 6379)]),
        ("nats", {"url": "nats://a.mq.svc,nats://b.mq.svc:4333"}, [("mq", 4222), ("mq", 4333)]),
        ("consul", {"address": "consul.infra.svc:8501"}, [("infra", 8501)]),
        ("etcd", {"endpoints": ["https://e1.kv.svc:2379", "https://e2.kv.svc:2379"]}, [("kv", 2379)]),
        ("etcd", {"endpoints": ["https://e1.kv.svc", "https://e2.example.org"]}, [("kv", 2379), None]),
        ("redis", {"url": "redis://redis.data"}, [None]),
        ("redis", {"url": "redis://10.0.0.1"}, [None]),
        ("redis", {"url": "redis://localhost"}, [None]),
        ("redis", {"url": "${env.URL}"}, [None]),
        ("redis", {"url": "redis://[::1"}, [None]),
        ("redis", {"url": "redis://redis:99999"}, [None]),
        ("redis", {"url": "rediss://:6379"}, [None]),
        ("redis", {"url": 7}, [None]),
        ("redis", {}, [None]),
    ],
)
def test_the_coordinators_place_is_found_or_told_to_be_unknown(backend, config, places):
    ids = {"redis": "dev.mcpg.cluster.redis", "nats": "dev.mcpg.cluster.nats", "consul": "dev.mcpg.cluster.consul"}
    entry = plugin(ids.get(backend, "dev.mcpg.cluster.etcd"), "cluster")
    document = {
        "gateway": {"metadata": {"name": "shop", "namespace": "team-a"}, "spec": {"networkPolicy": {"enabled": True}}},
        "cluster": {"backend": backend, "config": config, "configHash": "0" * 64, "plugin": dict(entry.body)},
    }
    rendered = render_gateway(inputs_of(document))
    (policy,) = [one for one in rendered.children if one["kind"] == "NetworkPolicy"]
    rules = policy["spec"]["egress"][1:]
    found = [
        (one["to"][0]["namespaceSelector"]["matchLabels"]["kubernetes.io/metadata.name"], one["ports"][0]["port"])
        for one in rules
    ]
    assert found == [one for one in places if one is not None]
    assert [one.topic for one in rendered.notes] == (["EgressUnknown"] if None in places else [])
    assert problems(policy) == []


# -- credentials -------------------------------------------------------------------------------------------------------


def test_references_are_found_wherever_they_stand():
    config = {
        "a": ["cred://cluster/one", {"b": "x${cred://cluster/two}y${cred://cluster/three}"}],
        "c": "see cred://cluster/four",
    }
    assert credential_references(config) == {"one", "two", "three"}


@settings(max_examples=200, deadline=None)
@given(st.lists(st.from_regex(r"[A-Za-z0-9._-]{1,63}", fullmatch=True), unique=True, max_size=6))
def test_every_credential_has_a_variable_of_its_own(names):
    credentials = [Credential(name=one, value=b"", uid="u", resource_version="1") for one in names]
    found = variables(credentials)
    assert sorted(found.values()) == sorted(names)
    assert all(one.startswith("CLUSTER_CRED_") and one.isidentifier() and one == one.upper() for one in found)


# -- monitoring --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("text", "value"), [("30s", 30), ("1m30s", 90), ("500ms", 0.5), ("1h", 3600), ("1d2h", 93600), ("", 0)])
def test_durations_of_prometheus(text, value):
    assert seconds(text) == value


def test_prometheus_reads_every_rule(tmp_path):
    program = component("rulefmt")
    files = []
    for case in RENDER_CASES:
        rendered = None if case.refused else render_gateway(inputs_of(case.document))
        for one in rendered.children if rendered is not None else ():
            if one["kind"] == "PrometheusRule":
                file = Path(tmp_path) / f"{case.name}.yaml"
                file.write_text(yaml.safe_dump(one["spec"]))
                files.append(file)
    assert len(files) > 3
    done = subprocess.run([program, *files], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


# -- settings ----------------------------------------------------------------------------------------------------------


def test_the_defaults_are_the_operators_settings():
    found = defaults_of(Settings(operator_image="x@sha256:1", gateway_config_dialect="flat", limit_artifact=7))
    assert (found.dialect, found.operator_image, found.limits.artifact) == (Dialect.FLAT, "x@sha256:1", 7)
    assert (found.repository, found.tag) == ("ghcr.io/mcpg-dev/source-code/gateway", "v1.0.0-dev")
    assert len(found.dns) == 2
    peers = ({"ipBlock": {"cidr": "10.0.0.10/32"}},)
    assert defaults_of(Settings(dns_peers=peers)).dns == peers
    assert defaults_of(Settings()).operator_image == ""
    assert defaults_of(Settings()).limits == Limits()


def test_without_anybody_who_answers_dns_there_is_no_rule_for_it():
    base = inputs({"networkPolicy": {"enabled": True}})
    rendered = render_gateway(dataclasses.replace(base, defaults=dataclasses.replace(base.defaults, dns=())))
    (policy,) = [one for one in rendered.children if one["kind"] == "NetworkPolicy"]
    assert policy["spec"]["egress"] == []


def test_lists_that_no_pod_could_mount_are_refused():
    with pytest.raises(InvalidManifestError, match="too large for a pod"):
        render_gateway(inputs(revocations=b" " * (1024 * 1024 + 1)))
    rendered = render_gateway(inputs(revocations=b'"\x7f"'))
    assert child(rendered, CONFIG_MAP, "shop-revocations")["binaryData"] == {"list.json": "In8i"}


def test_a_configuration_above_a_mebibyte_is_refused_with_its_size():
    spec = parse_spec(GatewaySpec, {"config": {"later": ["x" * 65536] * 17}}, where="spec")
    with pytest.raises(InvalidManifestError, match="at most 1048576 bytes, got 1114"):
        render_gateway(dataclasses.replace(inputs(), spec=spec))
