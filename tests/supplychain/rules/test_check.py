"""All problems at once, nothing that follows from another problem, failed look-ups, and what admission makes of it."""

from __future__ import annotations

import copy

import pytest

from supplychain.rules import (
    LOOKUP_FAILED,
    Documents,
    Family,
    LookupFailedError,
    Severity,
    Strictness,
    admit,
    check,
)
from tests.support.rules_world import UnreachableWorld
from tests.support.testdata.admission.rules.case import document, gateway, namespace, plugin, route, tenant

EMPTY = Documents([])
SET = document("MCPGPluginSet", "base", {"entries": [{"id": "dev.acme.audit", "pluginRef": {"name": "audit"}}]})
REDIS = document("MCPGCluster", "shared", {"backend": "redis", "config": {"url": "rediss://redis.infra"}})


def rules(problems):
    return [one.rule for one in problems]


def test_every_problem_of_the_schema_and_of_the_rules_is_reported_at_once():
    found = check(gateway("a.b", replicas=2, service={"port": 0}, probes={"livenes": {}}, clusterRef={"name": "x"}), world=EMPTY)
    assert [(one.rule, one.field) for one in found] == [
        ("Schema", "spec.service.port"),
        ("Schema", "spec.probes.livenes"),
        ("NameNotUsable", "metadata.name"),
        ("ClusterNotFound", "spec.clusterRef.name"),
    ]


def test_a_finer_reason_of_a_model_is_the_rule_word():
    assert rules(check(plugin(image="audit"), world=EMPTY)) == ["InvalidReference"]


def test_a_rule_that_needs_a_malformed_field_is_silent():
    found = check(gateway(replicas=2, clusterRef={"nam": "x"}), world=EMPTY)
    assert set(rules(found)) == {"Schema"}


def test_a_malformed_item_hides_no_problem_of_another_item():
    entries = [{"id": "no dot", "pluginRef": {"name": "gone"}}, {"id": "dev.acme.audit", "pluginRef": {"name": "audit"}}]
    found = check(document("MCPGPluginSet", "base", {"entries": entries}), world=EMPTY)
    assert [(one.rule, one.field) for one in found] == [
        ("Schema", "spec.entries[0].id"),
        ("PluginNotFound", "spec.entries[1].pluginRef.name"),
    ]


@pytest.mark.parametrize("spec", [None, "replicas: 2", [], 7])
def test_a_spec_that_is_no_mapping_is_one_problem(spec):
    obj = {**gateway(), "spec": spec}
    assert [(one.rule, one.field) for one in check(obj, world=EMPTY)] == [("Schema", "spec")]


def test_an_unknown_kind_and_an_unknown_version_are_refused():
    (kind,) = check({**gateway(), "kind": "MCPGServer"}, world=EMPTY)
    (version,) = check({**gateway(), "apiVersion": "mcpg.dev/v1alpha1"}, world=EMPTY)
    assert (kind.rule, kind.field) == ("UnknownKind", "kind")
    assert "`MCPGGateway`" in str(kind.expected)
    assert (version.rule, version.field, version.expected) == ("UnknownVersion", "apiVersion", "`mcpg.dev/v1alpha2`")
    assert rules(check({"kind": ["x"]}, world=EMPTY)) == ["UnknownKind"]
    assert rules(check({"kind": "MCPGGateway"}, world=EMPTY)) == ["UnknownVersion"]


def test_the_envelope_is_judged_too():
    obj = {**plugin(), "metadata": {"name": "A_b", "namespace": 7}, "trust": {}}
    assert [(one.rule, one.field) for one in check(obj, world=EMPTY)] == [
        ("Schema", "trust"),
        ("Schema", "metadata.name"),
        ("Schema", "metadata.namespace"),
    ]
    assert [one.field for one in check({**plugin(), "metadata": {"name": " "}}, world=EMPTY)] == ["metadata.name"]
    assert [one.field for one in check({**plugin(), "metadata": None}, world=EMPTY)] == ["metadata.name"]
    assert [one.field for one in check(plugin("a" * 254), world=EMPTY)] == ["metadata.name"]


def test_a_name_that_the_server_is_to_make_up_is_none_to_judge():
    obj = gateway()
    obj["metadata"] = {"generateName": "shop-", "namespace": "team-a"}
    assert check(obj, world=EMPTY) == ()
    assert check({**tenant(), "metadata": {"generateName": "north-"}}, world=Documents([namespace()])) == ()


LOOKUPS = [
    (gateway(replicas=2, clusterRef={"name": "shared"}), "cluster", Severity.ERROR, "SingleNodeCoordinator"),
    (gateway(replicas=2, clusterRef={"name": "shared"}), "cluster", Severity.WARNING, "ClusterNotFound"),
    (gateway(), "tenants", Severity.ERROR, "ReplicaCapExceeded"),
    (gateway(), "tenants", Severity.ERROR, "OwnTrustAnchor"),
    (gateway(config={"plugins": [{"id": "x"}]}), "plugins", Severity.ERROR, "InlinePluginNotAllowed"),
    (gateway(pluginSetRef={"name": "base"}), "plugin_set", Severity.WARNING, "PluginSetNotFound"),
    (gateway(revocationListRef={"name": "ours"}), "revocation_list", Severity.WARNING, "RevocationListNotFound"),
    (SET, "tenants", Severity.ERROR, "PluginNotAllowed"),
    (SET, "plugin", Severity.ERROR, "PluginNotAllowed"),
    (SET, "plugin", Severity.ERROR, "PluginIdDiffers"),
    (SET, "plugin", Severity.WARNING, "PluginNotFound"),
    (SET, "descriptor", Severity.ERROR, "GrantNotRequired"),
    (route(), "gateway", Severity.ERROR, "NamespaceNotAccepted"),
    (route(), "gateway", Severity.ERROR, "ToolNotServed"),
    (route(), "tenants", Severity.ERROR, "TenantContradicted"),
    (route(attributes=None, gatewayRef={"name": "shop", "namespace": "b"}), "tenants", Severity.ERROR, "TenantRequired"),
    (route(), "routes_of", Severity.WARNING, "ToolShared"),
    (tenant(), "tenants", Severity.ERROR, "NamespaceTaken"),
    (tenant(), "namespace", Severity.WARNING, "NamespaceNotFound"),
    (tenant(quotas={"maxGateways": 1}), "gateways", Severity.WARNING, "QuotaExceeded"),
]


@pytest.mark.parametrize(
    ("obj", "lookup", "severity", "rule"), LOOKUPS, ids=lambda value: value if isinstance(value, str) else ""
)
def test_a_look_up_that_fails_is_a_problem_as_severe_as_the_rule(obj, lookup, severity, rule):
    world = UnreachableWorld([tenant(), gateway(), plugin()], failing=[lookup])
    failed = [one for one in check(obj, world=world) if one.rule == LOOKUP_FAILED and one.severity is severity]
    assert [one.family for one in failed] == [Family.LOOKUP]
    assert f"`{rule}`" in failed[0].what
    assert failed[0].got == "the cache has not seen the objects yet"
    ruling = admit(obj, world=world)
    assert failed[0] in (ruling.denials if severity is Severity.ERROR else ruling.warnings)
    assert ruling.code == (503 if ruling.denials else 200)


def test_a_look_up_that_fails_while_updating_to_a_single_node_denies():
    world = UnreachableWorld([], failing=["gateways"])
    single = document("MCPGCluster", "shared", {"backend": "single_node"})
    ruling = admit(single, old=REDIS, world=world)
    assert (ruling.code, rules(ruling.denials)) == (503, ["LookupFailed"])
    assert LookupFailedError.reason == LOOKUP_FAILED


def test_a_setting_admits_what_could_not_be_looked_up():
    world = UnreachableWorld([], failing=["tenants"])
    lenient = admit(gateway(), world=world, strictness=Strictness(admit_without_lookup=True))
    assert lenient.allowed
    assert rules(lenient.warnings) == ["LookupFailed"]
    broken = admit(gateway(replicas=0), world=world, strictness=Strictness(admit_without_lookup=True))
    assert (broken.code, rules(broken.denials), rules(broken.warnings)) == (422, ["Schema"], ["LookupFailed"])


def test_the_status_says_who_can_do_something_and_a_violation_of_the_spec_goes_first():
    cap = tenant(quotas={"maxReplicasPerGateway": 1})
    assert admit(gateway(replicas=2, clusterRef={"name": "shared"}), world=Documents([cap, REDIS])).code == 403
    both = admit(gateway(replicas=2), world=Documents([cap]))
    assert both.code == 422
    first, second = both.message.splitlines()
    assert first == "spec.replicas: tenant `north` may have fewer replicas of one gateway: expected at most 1, got 2"
    assert second.startswith("spec.replicas: several replicas need a coordinator that they share: expected `clusterRef`, or")
    assert admit(gateway(), world=EMPTY).code == 200


def test_deletions_and_objects_that_are_being_deleted_pass():
    assert admit(None, old=gateway(replicas=0), world=EMPTY).allowed
    leaving = gateway(replicas=0)
    leaving["metadata"]["deletionTimestamp"] = "2026-01-31T08:00:00Z"
    ruling = admit(leaving, old=gateway(replicas=0), world=UnreachableWorld([], failing=["tenants"]))
    assert (ruling.allowed, ruling.warnings) == (True, ())


def test_an_update_that_leaves_the_spec_alone_passes_with_warnings():
    stored = gateway(replicas=2)
    labelled = copy.deepcopy(stored)
    labelled["metadata"] |= {"labels": {"team": "a"}, "finalizers": [], "annotations": {"example.org/note": "x"}}
    ruling = admit(labelled, old=stored, world=EMPTY)
    assert ruling.allowed
    assert rules(ruling.warnings) == ["CoordinatorMissing"]


def test_an_update_of_an_annotation_that_rules_look_at_is_judged():
    stored = gateway(replicas=2)
    annotated = copy.deepcopy(stored)
    annotated["metadata"]["annotations"] = {"mcpg.dev/config-dialect": "flat"}
    assert not admit(annotated, old=stored, world=EMPTY).allowed


def test_an_update_from_a_number_to_a_truth_value_is_a_change():
    before = document("MCPGCluster", "shared", {"backend": "nats", "config": {"tls": {"require_tls": 0}}})
    after = document("MCPGCluster", "shared", {"backend": "nats", "config": {"tls": {"require_tls": False}}})
    strict = Strictness(require_coordinator_tls=True)
    assert admit(before, world=EMPTY, strictness=strict).allowed
    assert rules(admit(after, old=before, world=EMPTY, strictness=strict).denials) == ["PlaintextTransport"]


SECRET = "hunter2"
HOLDERS = [
    document(
        "MCPGCluster", "shared", {"backend": "redis", "config": {"url": f"redis://app:{SECRET}@redis.infra", "password": SECRET}}
    ),
    document(
        "MCPGCluster", "shared", {"backend": "etcd", "config": {"endpoints": [f"http://app:{SECRET}@etcd"], "token": [SECRET]}}
    ),
    document("MCPGCluster", "shared", {"backend": f"redis://app:{SECRET}@redis.infra", "config": {}}),
    document("MCPGCluster", "shared", {"backend": "single_node", "config": {"url": f"redis://:{SECRET}@redis.infra"}}),
    document("MCPGCluster", "shared", {"backend": "redis", "config": f"redis://:{SECRET}@redis.infra"}),
    document("MCPGCluster", "shared", {"backend": "redis", "config": {"kind": SECRET}}),
    gateway(config={"cluster": {"kind": "redis", "password": SECRET}, "governance": SECRET}, clusterRef={"name": "x"}),
    gateway(config=f"password: {SECRET}"),
    document("MCPGPluginSet", "base", {"entries": [{"id": "x", "pluginRef": {"name": "a"}, "config": SECRET}]}),
]


@pytest.mark.parametrize("obj", HOLDERS)
def test_no_message_gives_a_credential_away(obj):
    found = check(obj, old=REDIS, world=EMPTY, strictness=Strictness(require_coordinator_tls=True))
    assert found
    assert SECRET not in "".join(str(one) for one in found)
