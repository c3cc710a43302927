"""Each rule about a route's status."""

from __future__ import annotations

from typing import Any

import pytest

from mcpg_operator.controllers.route.decide import decide
from mcpg_operator.controllers.route.observe import Observation
from mcpg_operator.resources import GATEWAY, ROUTE, Key, Resource
from mcpg_operator.services import Outcome
from supplychain.api import parse_spec
from supplychain.api.route import RouteSpec
from supplychain.errors import InvalidManifestError
from supplychain.rules.tenancy import Identity

SPEC = {"gatewayRef": {"name": "shop"}, "match": {"tools": [{"id": "stock.read"}, {"id": "stock.write"}]}}
APPLIED = {"type": "RoutesApplied", "status": "True", "reason": "RoutesResolved", "observedGeneration": 4}
NORTH = Identity(key="tenant", value="north")
REGION = Identity(key="region", value="eu")


def gateway(*, accepted: Any = (), conditions: Any = (APPLIED,), namespace: str = "team") -> Resource:
    spec = {"acceptedRouteNamespaces": list(accepted)}
    metadata = {"name": "shop", "namespace": namespace, "generation": 4}
    return Resource(GATEWAY, {"metadata": metadata, "spec": spec, "status": {"conditions": list(conditions)}})


def seen(*, namespace: str = "team", document: Any = SPEC, home: str = "team", **changes: Any) -> Observation:
    accepted = (namespace,) if namespace != home else ()
    parts: dict[str, Any] = {
        "resource": Resource(ROUTE, {"metadata": {"name": "r", "namespace": namespace, "generation": 1}, "spec": document}),
        "gateway_key": Key(GATEWAY, "shop", home),
        "spec": parse_spec(RouteSpec, document, where="here"),
        "gateway": gateway(accepted=accepted, namespace=home),
    }
    return Observation(**{**parts, **changes})


def conditions(observation: Observation) -> dict[str, tuple[str, str]]:
    return {one.type: (one.status.value, one.reason) for one in decide(observation).conditions}


def with_spec(**more: Any) -> dict[str, Any]:
    return {**SPEC, **more}


def test_a_route_that_its_gateway_carries_is_ready():
    found = decide(seen())
    assert conditions(seen()) == {
        "Ready": ("True", "Reconciled"),
        "GatewayBound": ("True", "GatewayBound"),
        "ChainsEnforced": ("False", "PerRouteDispatchUnsupported"),
    }
    assert found.fields == {"matchedTools": 2, "boundGateway": "team/shop"}
    assert found.outcome is Outcome.SUCCESS


@pytest.mark.parametrize(
    ("observation", "reason"),
    [
        pytest.param(seen(gateway=None), "GatewayNotFound", id="no gateway"),
        pytest.param(seen(namespace="other", gateway=gateway()), "NamespaceNotAccepted", id="not listed"),
        pytest.param(seen(namespace="other", gateway=gateway(accepted="*")), "NamespaceNotAccepted", id="no wildcard"),
        pytest.param(seen(namespace="other", gateway=gateway(accepted=["othe", 7])), "NamespaceNotAccepted", id="nearly listed"),
    ],
)
def test_a_route_that_is_not_bound_says_so_in_both_conditions_and_matches_nothing(observation, reason):
    found = decide(observation)
    assert conditions(observation) == {
        "Ready": ("False", reason),
        "GatewayBound": ("False", reason),
        "ChainsEnforced": ("False", "PerRouteDispatchUnsupported"),
    }
    assert found.fields == {"matchedTools": 0}
    assert (found.outcome, found.dependency) == (Outcome.DEPENDENCY_PENDING, "MCPGGateway")


FOREIGN = {"namespace": "other"}


@pytest.mark.parametrize(
    ("observation", "reason"),
    [
        pytest.param(seen(**FOREIGN), "TenantRequired", id="foreign without a tenant"),
        pytest.param(seen(**FOREIGN, document=with_spec(attributes={"tenant": "n"})), "Reconciled", id="foreign with a tenant"),
        pytest.param(seen(**FOREIGN, identity=REGION, tenant="eu"), "Reconciled", id="foreign with the owner's identity"),
        pytest.param(
            seen(identity=NORTH, tenant="north", document=with_spec(attributes={"tenant": "south"})),
            "TenantMismatch",
            id="another's",
        ),
        pytest.param(
            seen(identity=NORTH, tenant="north", document=with_spec(attributes={"tenant": "north"})), "Reconciled", id="its own"
        ),
        pytest.param(seen(identity=NORTH, tenant="north"), "Reconciled", id="none, so the owner's"),
        pytest.param(
            seen(identity=REGION, tenant="eu", document=with_spec(attributes={"tenant": "south"})),
            "Reconciled",
            id="another attribute",
        ),
        pytest.param(seen(document=with_spec(policyChain=["dev.a"]), enabled=frozenset()), "ChainPluginMissing", id="policy"),
        pytest.param(seen(document=with_spec(identityChain=["dev.a"]), enabled=frozenset()), "ChainPluginMissing", id="identity"),
        pytest.param(seen(document=with_spec(auditChain=["dev.a"]), enabled=frozenset()), "ChainPluginMissing", id="audit"),
        pytest.param(seen(document=with_spec(auditChain=["dev.a"]), enabled=frozenset({"dev.a"})), "Reconciled", id="enabled"),
        pytest.param(seen(document=with_spec(auditChain=["dev.a"])), "Reconciled", id="the set is not known"),
        pytest.param(seen(served=frozenset({"stock.read"})), "ToolNotServed", id="a tool is not served"),
        pytest.param(seen(served=frozenset({"stock.read", "stock.write", "x"})), "Reconciled", id="all are served"),
        pytest.param(seen(gateway=gateway(conditions=())), "DependencyPending", id="never applied"),
        pytest.param(seen(gateway=gateway(conditions=({**APPLIED, "status": "False"},))), "DependencyPending", id="not applied"),
        pytest.param(
            seen(gateway=gateway(conditions=({**APPLIED, "observedGeneration": 3},))), "DependencyPending", id="of an older spec"
        ),
        pytest.param(seen(rendered=False), "DependencyPending", id="rendered without it"),
        pytest.param(seen(rendered=True), "Reconciled", id="rendered with it"),
        pytest.param(
            seen(rendered=True, gateway=gateway(conditions=({**APPLIED, "observedGeneration": 3},))),
            "Reconciled",
            id="known by rendering",
        ),
    ],
)
def test_each_way_of_not_counting_has_its_reason(observation, reason):
    found = decide(observation)
    assert found.ready.reason == reason
    ready = reason == "Reconciled"
    assert (found.ready.status.value, found.outcome is Outcome.SUCCESS) == ("True" if ready else "False", ready)
    assert found.fields == {"matchedTools": 2 if ready else 0, "boundGateway": "team/shop"}
    assert conditions(observation)["GatewayBound"] == ("True", "GatewayBound")


@pytest.mark.parametrize(
    ("observation", "dependency"),
    [
        (seen(**FOREIGN), "MCPGTenant"),
        (seen(identity=NORTH, tenant="north", document=with_spec(attributes={"tenant": "south"})), "MCPGTenant"),
        (seen(gateway=gateway(conditions=())), "MCPGGateway"),
        (seen(document=with_spec(auditChain=["dev.a"]), enabled=frozenset()), "MCPGPluginSet"),
        (seen(served=frozenset()), "MCPGGateway"),
        (seen(rendered=False), "MCPGGateway"),
        (seen(), None),
    ],
)
def test_what_is_missing_is_named_for_the_metric(observation, dependency):
    assert decide(observation).dependency == dependency


def test_a_missing_plugin_is_named_with_its_chain():
    chains = with_spec(identityChain=["dev.i"], policyChain=["dev.p"], auditChain=["dev.a"])
    message = decide(seen(document=chains, enabled=frozenset())).ready.message
    assert message.endswith("`dev.i` of `identityChain`, `dev.p` of `policyChain`, `dev.a` of `auditChain`")


def test_a_gateway_that_is_behind_its_own_spec_is_told_from_one_that_left_the_route_out():
    behind = gateway(conditions=({**APPLIED, "observedGeneration": 3},))
    assert decide(seen(gateway=behind)).lagging
    assert not decide(seen(gateway=behind, rendered=False)).lagging
    assert not decide(seen(gateway=gateway(conditions=()))).lagging


def test_what_the_gateway_says_of_its_routes_is_passed_on():
    conflict = {**APPLIED, "status": "False", "reason": "ToolConflict", "message": "two tools are called x"}
    assert "ToolConflict: two tools are called x" in decide(seen(gateway=gateway(conditions=(conflict,)))).ready.message


@pytest.mark.parametrize(
    ("observation", "whom"),
    [
        (seen(), "every caller that the gateway admits"),
        (seen(document=with_spec(attributes={"tenant": "north"})), "callers of tenant `north`"),
        (seen(identity=REGION, tenant="eu"), "callers whose `region` is `eu`"),
        (seen(identity=REGION, tenant="eu", document=with_spec(attributes={"tenant": "north"})), "callers of tenant `north`"),
    ],
)
def test_the_message_says_for_whom_the_tools_are(observation, whom):
    assert decide(observation).ready.message == f"2 tools for {whom}"


def test_missing_names_are_shown_up_to_ten():
    tools = [{"id": f"t{one}"} for one in range(12)]
    message = decide(seen(document=with_spec(match={"tools": tools}), served=frozenset())).ready.message
    assert message.endswith("`t9`, and 2 more")
    ten = decide(seen(document=with_spec(match={"tools": tools[:10]}), served=frozenset())).ready.message
    assert ten.endswith("`t9`")


def test_a_wrong_spec_is_bound_to_nobody_knows_what():
    resource = Resource(ROUTE, {"metadata": {"name": "r", "namespace": "team"}, "spec": {}})
    found = Observation(resource=resource, gateway_key=Key(GATEWAY, "", "team"), trouble=InvalidManifestError("no gateway"))
    assert conditions(found) == {
        "Ready": ("False", "InvalidSpec"),
        "GatewayBound": ("Unknown", "InvalidSpec"),
        "ChainsEnforced": ("False", "PerRouteDispatchUnsupported"),
    }
    assert decide(found).outcome is Outcome.PERMANENT_ERROR


def test_an_empty_list_of_tools_has_a_reason_of_its_own():
    resource = Resource(ROUTE, {"metadata": {"name": "r", "namespace": "team"}, "spec": {"match": {"tools": []}}})
    found = Observation(resource=resource, gateway_key=Key(GATEWAY, "shop", "team"), trouble=InvalidManifestError("empty"))
    assert decide(found).ready.reason == "NoMatchedTools"
