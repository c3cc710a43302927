"""Each rule about an MCPGCluster's status."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from mcpg_operator.controllers.cluster.credentials import Credentials
from mcpg_operator.controllers.cluster.decide import decide, left_behind
from mcpg_operator.controllers.cluster.observe import Observation
from mcpg_operator.ledger import Standing, Stored, Verified
from mcpg_operator.resources import CLUSTER, PLUGIN, Resource
from mcpg_operator.services import Outcome
from supplychain.api import parse_spec
from supplychain.api.cluster import ClusterSpec
from supplychain.errors import InvalidManifestError

REDIS = {"backend": "redis", "config": {"url": "rediss://:hunter2@redis:6379"}}
NAMED = {**REDIS, "pluginRef": {"name": "redis"}}
PLUGIN_OBJECT = Resource(PLUGIN, {"metadata": {"name": "redis", "uid": "1", "generation": 3}})
GOOD = Verified(
    name="redis",
    uid="1",
    generation=3,
    standing=Standing.VERIFIED,
    reason="Reconciled",
    message="",
    at=datetime(2026, 1, 31, tzinfo=UTC),
    plugin_id="dev.mcpg.cluster.redis",
    stored=Stored(secret="s", digests={}, size=1),
)


def seen(document: dict[str, Any] | None = None, **changes: Any) -> Observation:
    parts: dict[str, Any] = {
        "resource": Resource(CLUSTER, {"metadata": {"name": "shared"}}),
        "gateways": (),
        "spec": parse_spec(ClusterSpec, REDIS if document is None else document, where="here"),
        "plugin": PLUGIN_OBJECT,
        "verified": GOOD,
    }
    return Observation(**{**parts, **changes})


MISPLACED = ClusterSpec.model_construct(backend="single_node", plugin_ref=parse_spec(ClusterSpec, NAMED, where="here").plugin_ref)


def conditions(observation: Observation) -> dict[str, tuple[str, str]]:
    return {one.type: (one.status.value, one.reason) for one in decide(observation).conditions}


def reason(observation: Observation) -> str:
    return decide(observation).ready.reason


def test_a_coordinator_without_a_plugin_can_be_bound_to():
    found = decide(seen(plugin=None, verified=None))
    assert (found.ready.status, found.ready.reason, found.outcome) == ("True", "Reconciled", Outcome.SUCCESS)
    assert found.fields["pluginId"] == "dev.mcpg.cluster.redis"
    assert found.dependency is None


def test_the_one_within_the_process_needs_nothing_and_has_no_transport():
    found = seen({"backend": "single_node"}, plugin=None, verified=None)
    assert conditions(found) == {"Ready": ("True", "Reconciled"), "InUse": ("False", "NoGateways")}
    assert decide(found).fields["pluginId"] is None


def test_the_hash_is_of_compact_sorted_unescaped_json_in_which_the_backend_has_the_last_word():
    import hashlib

    spec = ClusterSpec.model_construct(backend="redis", config={"url": "rediss://ä", "kind": "nats", "a": 1.5})
    text = '{"a":1.5,"kind":"redis","url":"rediss://ä"}'
    assert decide(seen(None, spec=spec)).fields["configHash"] == hashlib.sha256(text.encode()).hexdigest()
    single = ClusterSpec.model_construct(backend="single_node", config={"stray": 1})
    assert decide(seen(None, spec=single)).fields["configHash"] == hashlib.sha256(b'{"kind":"single_node"}').hexdigest()


@pytest.mark.parametrize(
    ("observation", "expected"),
    [
        pytest.param(seen(NAMED), "Reconciled", id="verified"),
        pytest.param(seen(NAMED, plugin=None), "ClusterPluginNotFound", id="no plugin"),
        pytest.param(seen(NAMED, verified=None), "ClusterPluginNotReady", id="not judged"),
        pytest.param(seen(NAMED, revoked=True), "ClusterPluginNotReady", id="on the list"),
        pytest.param(
            seen(NAMED, verified=replace(GOOD, standing=Standing.REVOKED)), "ClusterPluginNotReady", id="stands revoked"
        ),
        pytest.param(seen(NAMED, verified=replace(GOOD, standing=Standing.REFUSED)), "ClusterPluginNotReady", id="refused"),
        pytest.param(
            seen(NAMED, verified=replace(GOOD, standing=Standing.UNAVAILABLE)), "ClusterPluginNotReady", id="could not look"
        ),
        pytest.param(seen(NAMED, verified=replace(GOOD, uid="2")), "ClusterPluginNotReady", id="made anew"),
        pytest.param(seen(NAMED, verified=replace(GOOD, generation=2)), "ClusterPluginNotReady", id="edited"),
        pytest.param(seen(NAMED, verified=replace(GOOD, stored=None)), "ClusterPluginNotReady", id="nothing stored"),
        pytest.param(seen(NAMED, verified=replace(GOOD, plugin_id="")), "ClusterPluginNotReady", id="no id"),
        pytest.param(
            seen(NAMED, verified=replace(GOOD, plugin_id="dev.mcpg.cluster.nats")), "ClusterPluginIdMismatch", id="another id"
        ),
        pytest.param(seen(None, spec=MISPLACED), "ClusterPluginIdMismatch", id="a plugin for no backend"),
        pytest.param(
            seen(None, spec=MISPLACED, plugin=None), "ClusterPluginIdMismatch", id="a plugin for no backend, and none there"
        ),
        pytest.param(seen(NAMED, credentials=Credentials(missing=("`p`: gone",))), "CredentialMissing", id="no credential"),
        pytest.param(
            seen({"backend": "redis", "config": {"url": "rediss://x", "deep": [{"password": "${cred://cluster/pass}"}]}}),
            "CredentialMissing",
            id="a reference to no credential",
        ),
        pytest.param(seen({"backend": "redis", "config": {"url": "redis://x"}}, strict=True), "PlaintextTransport", id="strict"),
        pytest.param(
            seen({"backend": "redis", "config": {"url": "redis://x", "allow_insecure_transport": True}}, strict=True),
            "Reconciled",
            id="strict, and opted in",
        ),
        pytest.param(seen({"backend": "redis", "config": {"url": "redis://x"}}), "Reconciled", id="plain text, not strict"),
        pytest.param(seen(strict=True), "Reconciled", id="strict, and by TLS"),
    ],
)
def test_each_way_of_not_being_bindable_has_its_reason(observation, expected):
    assert reason(observation) == expected
    assert (decide(observation).outcome is Outcome.SUCCESS) is (expected == "Reconciled")


def test_a_credential_that_is_referred_to_and_there_is_fine():
    spec = {
        "backend": "redis",
        "config": {"url": "rediss://x", "password": "cred://cluster/pass"},
        "credentialRefs": [{"name": "pass", "secretName": "s"}],
    }
    assert reason(seen(spec)) == "Reconciled"


def test_a_plugin_that_was_not_judged_yet_is_told_apart():
    assert decide(seen(NAMED, verified=None)).pending
    assert not decide(seen(NAMED, verified=replace(GOOD, standing=Standing.REFUSED))).pending


@pytest.mark.parametrize(
    ("observation", "dependency"),
    [
        (seen(NAMED, plugin=None), "MCPGPlugin"),
        (seen(NAMED, credentials=Credentials(missing=("x",))), "Secret"),
        (seen({"backend": "redis", "config": {"url": "redis://x"}}, strict=True), None),
    ],
)
def test_what_is_missing_is_named_for_the_metric_and_waited_for(observation, dependency):
    found = decide(observation)
    assert found.dependency == dependency
    assert found.outcome is (Outcome.PERMANENT_ERROR if dependency is None else Outcome.DEPENDENCY_PENDING)


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({"backend": "redis", "config": {"url": "redis://x"}}, ("False", "PlaintextTransport")),
        ({"backend": "redis", "config": {"url": "redis://x", "allow_insecure_transport": True}}, ("False", "PlaintextTransport")),
        ({"backend": "redis", "config": {"url": "${env.URL}"}}, ("Unknown", "Placeholder")),
        ({"backend": "etcd", "config": {"endpoints": ["https://a"]}}, ("True", "TLS")),
        ({"backend": "nats", "config": {"servers": ["x"], "tls": {"require_tls": False}}}, ("False", "PlaintextTransport")),
    ],
)
def test_the_transport_is_told(spec, expected):
    assert conditions(seen(spec))["TransportSecure"] == expected


def test_who_uses_it_is_told_by_name_up_to_ten():
    found = [one for one in decide(seen(gateways=tuple(f"team/g{one}" for one in range(12)))).conditions if one.type == "InUse"]
    assert (found[0].status, found[0].reason) == ("True", "GatewaysBound")
    assert found[0].message.endswith("`team/g9`, and 2 more")
    assert decide(seen(gateways=("a/b",))).fields["boundGateways"] == 1
    exactly = decide(seen(gateways=tuple(f"team/g{one}" for one in range(10)))).conditions[-1]
    assert exactly.message.endswith("`team/g9`")


@pytest.mark.parametrize(("more", "accepted"), [({}, False), ({"allow_insecure_transport": True}, True)])
def test_plain_text_that_was_opted_into_is_told_apart(more, accepted):
    found = decide(seen({"backend": "redis", "config": {"url": "redis://x", **more}}))
    text = next(one.message for one in found.conditions if one.type == "TransportSecure")
    assert text == "`spec.config.url` is in plain text" + (", which `allow_insecure_transport` accepts" if accepted else "")


def test_one_that_is_being_deleted_while_it_is_used_says_so():
    resource = Resource(CLUSTER, {"metadata": {"name": "shared", "deletionTimestamp": "2026-01-31T12:00:00Z"}})
    found = decide(seen(resource=resource, gateways=("a/b",)))
    assert "being deleted" in next(one.message for one in found.conditions if one.type == "InUse")


def test_a_wrong_spec_says_so_and_still_who_uses_it():
    found = decide(_unreadable())
    assert (found.ready.reason, found.ready.message) == ("InvalidSpec", "the backend is wrong")
    assert found.fields == {"boundGateways": 1}
    assert [one.type for one in found.conditions] == ["Ready", "InUse"]
    assert found.outcome is Outcome.PERMANENT_ERROR


def _unreadable() -> Observation:
    resource = Resource(CLUSTER, {"metadata": {"name": "shared"}})
    return Observation(resource=resource, gateways=("a/b",), trouble=InvalidManifestError("the backend is wrong"))


def test_no_text_holds_an_address_or_a_password():
    spec = {**NAMED, "config": {"url": "redis://:hunter2@secret.example", "x": "cred://cluster/unknown"}}
    for observation in (seen(spec), seen(spec, strict=True), seen(spec, plugin=None), seen(spec, verified=None)):
        texts = " ".join(one.message for one in decide(observation).conditions)
        assert "hunter2" not in texts
        assert "secret.example" not in texts


def test_who_is_left_behind_is_named():
    text = left_behind(Resource(CLUSTER, {"metadata": {"name": "shared"}}), ("a/b", "c/d"))
    assert "MCPGCluster `shared`" in text
    assert "2 gateways name it: `a/b`, `c/d`" in text


@pytest.mark.parametrize(
    "observation", [seen(NAMED, revoked=True), seen(NAMED, verified=replace(GOOD, standing=Standing.REVOKED))]
)
def test_a_revoked_plugin_is_called_so(observation):
    assert decide(observation).ready.message == "MCPGPlugin `redis` is revoked"


def test_a_configuration_of_odd_text_has_a_hash_too():
    spec = ClusterSpec.model_construct(backend="redis", config={"url": "\ud800"})
    assert len(str(decide(seen(None, spec=spec)).fields["configHash"])) == 64
