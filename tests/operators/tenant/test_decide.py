"""Each rule about tenants: what a namespace has to bear, and what a status says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from mcpg_operator.controllers.tenant.decide import Plan, Standing, State, decide, plan, unreadable
from mcpg_operator.controllers.tenant.observe import Counts, Place
from mcpg_operator.render.tenant import hard_limits, label_manifest, quota_fits, quota_manifest
from mcpg_operator.resources import NAMESPACE, RESOURCE_QUOTA, Resource
from mcpg_operator.services import Outcome
from supplychain.api import parse_spec
from supplychain.api.tenant import TenantSpec

if TYPE_CHECKING:
    from mcpg_operator.conditions import Condition

BOUND = Standing(state=State.BOUND)


def spec(**more: Any) -> TenantSpec:
    return parse_spec(TenantSpec, {"namespaces": ["a"], **more}, where="here")


def namespace(**metadata: Any) -> Resource:
    return Resource(NAMESPACE, {"metadata": {"name": "a", "uid": "1", "resourceVersion": "7", **metadata}})


def place(**changes: Any) -> Place:
    return Place(**{"name": "a", "namespace": namespace(), "owner": "north", "spec": spec(), **changes})


def by_type(conditions: tuple[Condition, ...]) -> dict[str, tuple[str, str]]:
    return {one.type: (one.status.value, one.reason) for one in conditions}


def test_an_owned_namespace_bears_its_owners_parts():
    found = plan(place(spec=spec(quotas={"maxRoutes": 3})))
    assert found == Plan(state=State.BOUND, owner="north", hard={"count/mcpgroutes.mcpg.dev": "3"}, touch=True)


@pytest.mark.parametrize(
    ("changes", "state", "touch"),
    [
        pytest.param({"namespace": None}, State.MISSING, False, id="there is none"),
        pytest.param({"namespace": namespace(deletionTimestamp="now")}, State.TERMINATING, False, id="it goes"),
        pytest.param({"home": True}, State.PROTECTED, True, id="the operator's"),
        pytest.param({"name": "kube-system"}, State.PROTECTED, True, id="kube-system"),
        pytest.param({"name": "kube-public"}, State.PROTECTED, True, id="kube-public"),
        pytest.param({"name": "kube-node-lease"}, State.PROTECTED, True, id="kube-node-lease"),
        pytest.param({"owner": None, "spec": None}, State.FREE, True, id="nobody's"),
        pytest.param({"owner": None, "spec": None, "unreadable": True}, State.FREE, False, id="perhaps somebody's"),
        pytest.param({"spec": None}, State.FAILED, False, id="an owner that cannot be read"),
        pytest.param({"owner": "n" * 64}, State.FAILED, False, id="a name that is no label"),
    ],
)
def test_each_way_of_not_being_bound(changes, state, touch):
    found = plan(place(**changes))
    assert (found.state, found.touch, found.owner, found.hard) == (state, touch, None, None)


def test_a_name_of_63_characters_is_a_label():
    assert plan(place(owner="n" * 63)).state is State.BOUND


def test_all_bound_is_ready():
    found = decide(spec(), {"a": BOUND, "b": Standing(state=State.BOUND, counts=Counts(gateways=1, plugin_sets=2, routes=3))})
    assert by_type(found.conditions) == {
        "Ready": ("True", "Reconciled"),
        "NamespacesBound": ("True", "AllNamespacesBound"),
        "QuotaWithinLimits": ("True", "WithinLimits"),
    }
    assert found.fields == {"boundNamespaces": ["a", "b"], "observed": {"gateways": 1, "pluginSets": 2, "routes": 3}}
    assert (found.outcome, found.reason) == (Outcome.SUCCESS, "")


@pytest.mark.parametrize(
    ("state", "outcome"),
    [
        (State.MISSING, Outcome.DEPENDENCY_PENDING),
        (State.TERMINATING, Outcome.DEPENDENCY_PENDING),
        (State.CONFLICT, Outcome.DEPENDENCY_PENDING),
        (State.PROTECTED, Outcome.DEPENDENCY_PENDING),
        (State.FAILED, Outcome.TRANSIENT_ERROR),
    ],
)
def test_one_that_is_not_bound_is_not_listed_and_says_why(state, outcome):
    found = decide(spec(), {"a": BOUND, "b": Standing(state=state, message="because", counts=Counts(routes=9))})
    assert by_type(found.conditions)["Ready"] == ("False", "DependencyMissing")
    assert by_type(found.conditions)["NamespacesBound"] == ("False", state.value)
    assert found.fields == {"boundNamespaces": ["a"], "observed": {"gateways": 0, "pluginSets": 0, "routes": 0}}
    assert (found.outcome, found.reason) == (outcome, state.value)
    assert f"{state.value}: `b` (because)" in found.conditions[1].message


def test_of_several_troubles_the_worst_is_the_reason_and_all_are_told():
    troubles = (State.MISSING, State.TERMINATING, State.FAILED, State.PROTECTED, State.CONFLICT)
    standings: dict[str, Standing] = {}
    for index, state in enumerate(troubles):
        standings[f"n{index}"] = Standing(state=state)
        found = decide(spec(), standings)
        assert found.reason == state.value
    assert all(state.value in found.conditions[1].message for state in troubles)
    assert found.outcome is Outcome.TRANSIENT_ERROR, "what failed is tried again, whatever else there is"


def test_many_names_are_cut():
    found = decide(spec(), {f"n{one}": Standing(state=State.MISSING) for one in range(12)})
    assert found.conditions[1].message.endswith("`n9`, and 2 more")
    ten = decide(spec(), {f"n{one}": Standing(state=State.MISSING) for one in range(10)})
    assert ten.conditions[1].message.endswith("`n9`")
    crowded = Standing(state=State.BOUND, counts=Counts(routes=4))
    for count, end in ((10, "`n9` has 4 routes of at most 3"), (12, "`n9` has 4 routes of at most 3, and 2 more")):
        over = decide(spec(quotas={"maxRoutes": 3}), {f"n{one}": crowded for one in range(count)})
        assert over.conditions[2].message.endswith(end)


@pytest.mark.parametrize(
    ("quotas", "within"),
    [
        (None, True),
        ({}, True),
        ({"maxGateways": 2, "maxPluginSets": 3, "maxRoutes": 4}, True),
        ({"maxGateways": 1}, False),
        ({"maxPluginSets": 2}, False),
        ({"maxRoutes": 3}, False),
        ({"maxRoutes": 0}, False),
        ({"maxReplicasPerGateway": 0}, True),
    ],
)
def test_each_limit_is_held_against_each_namespace(quotas, within):
    crowded = Standing(state=State.BOUND, counts=Counts(gateways=2, plugin_sets=3, routes=4))
    document = {} if quotas is None else {"quotas": quotas}
    found = by_type(decide(spec(**document), {"a": crowded, "b": crowded}).conditions)
    assert found["QuotaWithinLimits"] == (("True", "WithinLimits") if within else ("False", "PreExistingOverage"))
    assert found["Ready"] == ("True", "Reconciled"), "a soft signal"


def test_an_overage_names_namespace_count_and_limit():
    found = decide(spec(quotas={"maxRoutes": 3}), {"a": Standing(state=State.BOUND, counts=Counts(routes=4))})
    assert found.conditions[2].message == "`a` has 4 routes of at most 3"
    everything = Standing(state=State.BOUND, counts=Counts(gateways=2, plugin_sets=3, routes=4))
    found = decide(spec(quotas={"maxGateways": 1, "maxPluginSets": 1, "maxRoutes": 1}), {"a": everything})
    assert found.conditions[2].message == (
        "`a` has 2 gateways of at most 1, `a` has 3 plugin sets of at most 1, `a` has 4 routes of at most 1"
    )


def test_a_wrong_spec_leaves_everything_as_it_is():
    found = unreadable("no namespaces")
    assert by_type(found.conditions) == {
        "Ready": ("False", "InvalidSpec"),
        "NamespacesBound": ("Unknown", "InvalidSpec"),
        "QuotaWithinLimits": ("Unknown", "InvalidSpec"),
    }
    assert (found.fields, found.outcome, found.reason) == ({}, Outcome.PERMANENT_ERROR, "InvalidSpec")


@pytest.mark.parametrize(
    ("quotas", "hard"),
    [
        ({"maxGateways": 1}, {"count/mcpggateways.mcpg.dev": "1"}),
        ({"maxPluginSets": 0}, {"count/mcpgpluginsets.mcpg.dev": "0"}),
        ({"maxRoutes": 12}, {"count/mcpgroutes.mcpg.dev": "12"}),
        ({"maxReplicasPerGateway": 3}, {}),
        ({}, {}),
    ],
)
def test_limits_become_what_the_api_server_counts(quotas, hard):
    assert hard_limits(spec(quotas=quotas)) == hard
    assert hard_limits(spec()) == {}


WANTED = quota_manifest(tenant="north", namespace="a", hard={"count/mcpgroutes.mcpg.dev": "3"})


def quota(**changes: Any) -> Resource:
    return Resource(RESOURCE_QUOTA, {**WANTED, **changes})


@pytest.mark.parametrize(
    ("found", "fits"),
    [
        (quota(), True),
        (quota(spec={"hard": {"count/mcpgroutes.mcpg.dev": "3", "pods": "4"}}), True),
        (quota(spec={"hard": {"count/mcpgroutes.mcpg.dev": "4"}}), False),
        (quota(spec={"hard": {"count/mcpgroutes.mcpg.dev": "3", "count/mcpggateways.mcpg.dev": "4"}}), False),
        (quota(spec={"hard": {}}), False),
        (quota(spec=None), False),
        (quota(spec={"hard": []}), False),
        (quota(spec={**WANTED["spec"], "scopes": ["Terminating"]}), False),
        (quota(spec={**WANTED["spec"], "scopeSelector": {"matchExpressions": [{}]}}), False),
        (quota(metadata={**WANTED["metadata"], "labels": {}}), False),
    ],
)
def test_a_quota_fits_when_it_limits_what_it_has_to_and_all_of_it(found, fits):
    assert quota_fits(found, WANTED) is fits


def test_a_label_is_written_only_to_the_namespace_that_was_seen():
    metadata = {"name": "a", "uid": "1", "resourceVersion": "7"}
    assert label_manifest(namespace(), "north")["metadata"] == {**metadata, "labels": {"mcpg.dev/tenant": "north"}}
    assert label_manifest(namespace(), None)["metadata"] == metadata
