"""`MCPGGateway`: rules of the document by itself."""

import pytest

from supplychain.api import GatewaySpec, problems_of
from supplychain.api.common import parse_spec
from supplychain.api.gateway_scaling import milliseconds

PATH = {"path": "/mcp", "pathType": "Prefix"}
SPREAD = {"maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "DoNotSchedule"}


def read(**spec):
    return parse_spec(GatewaySpec, spec, where="here")


def told(**spec):
    return [(one.path, one.what) for one in problems_of({"spec": spec}, GatewaySpec)]


def test_everything_has_a_default_or_is_absent():
    spec = read()
    assert (spec.replicas, spec.config, spec.image_pull_secrets, spec.accepted_route_namespaces) == (1, {}, (), ())
    absent = {"image", "resources", "service", "ingress", "workload_identity", "scheduling", "probes", "network_policy"}
    absent |= {"pod_disruption_budget", "autoscaling", "monitoring", "plugin_set_ref", "revocation_list_ref", "cluster_ref"}
    assert {name for name in GatewaySpec.model_fields if getattr(spec, name) is None} == absent


def test_sections_that_are_there_have_their_defaults():
    spec = read(
        image={},
        service={},
        networkPolicy={},
        autoscaling={},
        podDisruptionBudget={},
        monitoring={"serviceMonitor": {}, "prometheusRule": {}},
    )
    assert (spec.image.pull_policy, spec.image.repository, spec.image.tag) == ("IfNotPresent", None, None)
    assert (spec.service.type, spec.service.port, spec.service.annotations) == ("ClusterIP", 8787, {})
    assert (spec.network_policy.enabled, spec.autoscaling.enabled, spec.pod_disruption_budget.enabled) == (False, False, False)
    assert (spec.autoscaling.min_replicas, spec.autoscaling.max_replicas, spec.autoscaling.metrics) == (1, None, ())
    assert (spec.monitoring.service_monitor.interval, spec.monitoring.service_monitor.scrape_timeout) == ("30s", None)
    assert spec.monitoring.prometheus_rule.severity == "warning"


def test_what_is_free_is_kept_as_it_was_written():
    config = {
        "gateway": {"server": {"x": 1}},
        "governance": {"policy": {"tool_access": {"rules": [1], "y": None}}},
        "cluster": "text",
    }
    peers = [{"podSelector": {"any": 1}}, {"ipBlock": {"cidr": "::/0"}}]
    spec = read(
        config=config,
        networkPolicy={"extraIngressFrom": peers},
        resources={"limits": {"cpu": 1, "memory": "1Gi"}},
        podDisruptionBudget={"minAvailable": "50%"},
    )
    assert spec.config == config
    assert list(spec.network_policy.extra_ingress_from) == peers
    assert spec.resources.limits == {"cpu": 1, "memory": "1Gi"}
    assert spec.pod_disruption_budget.min_available == "50%"


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("gateway", "mapping"), ("gateway.plugin_registry", "mapping"), ("gateway.server", "mapping"), ("governance", "mapping"),
        ("governance.policy", "mapping"), ("governance.policy.tool_access", "mapping"), ("governance.policy.tool_access.rules", "list"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("value", ["text", 1, None, True])
def test_a_section_that_the_operator_writes_into_must_be_what_it_is(path, kind, value):
    config = value
    for key in reversed(path.split(".")):
        config = {key: config}
    (only,) = problems_of({"spec": {"config": config}}, GatewaySpec)
    assert (only.path, only.what) == ("spec.config", f"`{path}` has another type")
    assert str(only.expected).startswith(f"a {kind}")


def test_rules_that_are_a_mapping_are_refused_and_sections_that_are_a_list():
    assert told(config={"governance": {"policy": {"tool_access": {"rules": {}}}}})
    assert told(config={"governance": []})
    assert told(config={"other": [], "mcp": 1}) == []


@pytest.mark.parametrize("names", [("aws",), ("gcp",), ("azure",), ("spiffe",), ()])
def test_one_provider_of_an_identity_is_enough(names):
    every = {
        "aws": {"iamRoleArn": "a"}, "gcp": {"googleServiceAccount": "a"}, "azure": {"clientId": "a"}, "spiffe": {"trustDomain": "a", "svid": "b"},
    }  # fmt: skip
    assert told(workloadIdentity={name: every[name] for name in names}) == []
    others = {name: one for name, one in every.items() if name not in names}
    if names:
        for other, one in others.items():
            (only,) = problems_of({"spec": {"workloadIdentity": {names[0]: every[names[0]], other: one}}}, GatewaySpec)
            assert (only.path, only.what) == ("spec.workloadIdentity", "more than one provider of an identity")
            assert set(str(only.got).replace("`", "").split(" and ")) == {names[0], other}


def test_requests_up_to_their_limits_are_taken():
    assert told(resources={"requests": {"cpu": "500m", "memory": "1Gi"}, "limits": {"cpu": "0.5", "memory": "1024Mi"}}) == []
    assert told(resources={"requests": {"cpu": 64}, "limits": {"memory": 1}}) == []


def test_a_request_above_its_limit_is_told_with_both():
    (only,) = problems_of(
        {"spec": {"resources": {"requests": {"cpu": 1, "memory": "1Gi"}, "limits": {"cpu": "999m"}}}}, GatewaySpec
    )
    assert (only.path, only.what) == ("spec.resources", "a request is above its limit")
    assert (only.expected, only.got) == ("at most the limit `999m`", "`1` of `cpu`")


@pytest.mark.parametrize("path", ["//", "/a//b", "/./", "/a/.", "/../a", "/a/..", "/a%2fb", "/a%2Fb"])
def test_an_odd_path_is_for_the_controller_of_the_ingress_alone(path):
    def ingress(kind):
        return {"ingressClassName": "x", "hosts": [{"host": "a.example", "paths": [{"path": path, "pathType": kind}]}]}

    for kind in ("Exact", "Prefix"):
        assert told(ingress=ingress(kind)) == [
            ("spec.ingress.hosts[0].paths[0]", "a path with an empty or dotted segment, or an escaped slash")
        ]
    assert told(ingress=ingress("ImplementationSpecific")) == []


@pytest.mark.parametrize("path", ["/", "/a", "/a/", "/.well-known/x", "/a..b/c...", "/..a"])
def test_a_plain_path_is_taken(path):
    assert told(ingress={"ingressClassName": "x", "hosts": [{"host": "a", "paths": [PATH | {"path": path}]}]}) == []


@pytest.mark.parametrize(
    ("host", "fits"),
    [("a", True), ("*.a.b", True), ("1.2.3", True), ("1.2.3.4", False), ("*", False), ("a.", False), ("[::1]", False)],
)
def test_a_host_is_a_dns_name_and_no_address(host, fits):
    assert (told(ingress={"ingressClassName": "x", "hosts": [{"host": host, "paths": [PATH]}]}) == []) is fits


@pytest.mark.parametrize("name", ["ipBlock", "namespaceSelector", "podSelector"])
def test_a_part_of_a_peer_is_a_mapping(name):
    assert told(networkPolicy={"extraEgressTo": [{name: "x"}]}) == [
        ("spec.networkPolicy.extraEgressTo[0]", f"`{name}` has another type")
    ]


@pytest.mark.parametrize("selector", ["podSelector", "namespaceSelector"])
def test_a_peer_is_addresses_or_a_selector(selector):
    assert told(networkPolicy={"extraIngressFrom": [{"ipBlock": {}, selector: {}}]}) == [
        ("spec.networkPolicy.extraIngressFrom[0]", "`ipBlock` beside a selector")
    ]
    assert told(networkPolicy={"extraIngressFrom": [{}]}) == [("spec.networkPolicy.extraIngressFrom[0]", "a peer of nothing")]


@pytest.mark.parametrize(
    ("duration", "expected"),
    [
        ("30s", 30_000),
        ("1m30s", 90_000),
        ("1y", 31_536_000_000),
        ("1w1d", 691_200_000),
        ("2h", 7_200_000),
        ("500ms", 500),
        ("1s5ms", 1_005),
    ],
)
def test_a_duration_is_read_as_prometheus_reads_it(duration, expected):
    assert milliseconds(duration) == expected
    assert told(monitoring={"serviceMonitor": {"interval": duration}}) == []


@pytest.mark.parametrize(
    ("interval", "timeout", "fits"),
    [
        ("1m", "60s", True),
        ("1m", "61s", False),
        ("1d", "24h", True),
        ("1d", "25h", False),
        ("1s", "1000ms", True),
        ("1s", "1001ms", False),
    ],
)
def test_an_answer_must_come_before_the_next_question(interval, timeout, fits):
    found = told(monitoring={"serviceMonitor": {"interval": interval, "scrapeTimeout": timeout}})
    assert found == ([] if fits else [("spec.monitoring.serviceMonitor", "`scrapeTimeout` is above `interval`")])


@pytest.mark.parametrize("duration", ["", "0s", "0h0m"])
def test_a_duration_of_nothing_is_refused(duration):
    assert told(monitoring={"serviceMonitor": {"interval": duration}}) == [
        ("spec.monitoring.serviceMonitor.interval", "a duration of nothing")
    ]


def test_a_budget_has_one_threshold_at_most():
    assert told(podDisruptionBudget={"minAvailable": 1}) == told(podDisruptionBudget={"maxUnavailable": 1}) == []
    assert told(podDisruptionBudget={"minAvailable": 0, "maxUnavailable": 0}) == [
        ("spec.podDisruptionBudget", "`minAvailable` and `maxUnavailable` at once")
    ]


def test_a_metric_holds_the_block_of_its_type_and_no_other():
    blocks = {"Resource": "resource", "Pods": "pods", "Object": "object", "External": "external"}
    for kind in blocks:
        for other, block in blocks.items():
            found = problems_of({"spec": {"autoscaling": {"metrics": [{"type": kind, block: {}}]}}}, GatewaySpec)
            assert (found == ()) == (kind == other)
    (only,) = problems_of({"spec": {"autoscaling": {"metrics": [{"type": "Pods"}]}}}, GatewaySpec)
    assert (only.path, only.expected, only.got) == ("spec.autoscaling.metrics[0]", "`pods`", "none")


def test_the_fewest_replicas_are_no_more_than_the_most():
    assert told(autoscaling={"minReplicas": 2, "maxReplicas": 2}) == told(autoscaling={"minReplicas": 2}) == []
    assert told(autoscaling={"minReplicas": 3, "maxReplicas": 2}) == [
        ("spec.autoscaling", "`minReplicas` is above `maxReplicas`")
    ]


def test_two_constraints_about_the_same_case_are_refused():
    other = SPREAD | {"whenUnsatisfiable": "ScheduleAnyway"}
    assert told(scheduling={"topologySpreadConstraints": [SPREAD, other]}) == []
    assert told(scheduling={"topologySpreadConstraints": [SPREAD, other, SPREAD]}) == [
        ("spec.scheduling.topologySpreadConstraints", "two constraints are about the same label and the same case")
    ]


def test_names_that_are_there_twice_are_refused():
    assert told(imagePullSecrets=[{"name": "a"}, {"name": "a"}]) == [("spec.imagePullSecrets", "a Secret is named twice")]
    assert told(acceptedRouteNamespaces=["a", "a"]) == [("spec.acceptedRouteNamespaces", "a namespace is named twice")]


def test_several_replicas_without_a_coordinator_are_not_the_documents_affair():
    """An object from before that rule is clamped, and must not be unreadable."""
    assert read(replicas=3).replicas == 3
