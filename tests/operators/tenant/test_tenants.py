"""The controller of tenants over a cluster in memory."""

from __future__ import annotations

from typing import Any

import pytest

from mcpg_operator.controllers.tenant import TenantReconciler
from mcpg_operator.controllers.tenant.watches import namespace_key
from mcpg_operator.render.plugin_set import BINDING
from mcpg_operator.render.tenant import LABEL, QUOTA_LABELS
from mcpg_operator.resources import (
    EVENT,
    GATEWAY,
    NAMESPACE,
    PLUGIN_SET,
    RESOURCE_QUOTA,
    ROLE_BINDING,
    ROUTE,
    TENANT,
    Key,
)
from mcpg_operator.services import Outcome, Result
from mcpg_operator.settings import Settings
from supplychain.errors import ApplyForbiddenError, ApplyRejectedError, ClusterUnavailableError, ConflictError
from tests.operators.world import NAMESPACE as HOME
from tests.operators.world import World, body, edited, listener

NORTH = Key(TENANT, "north")
QUOTAS = {"maxGateways": 2, "maxPluginSets": 3, "maxRoutes": 5}
HARD = {
    "count/mcpggateways.mcpg.dev": "2",
    "count/mcpgpluginsets.mcpg.dev": "3",
    "count/mcpgroutes.mcpg.dev": "5",
}
QUOTA = Key(RESOURCE_QUOTA, "mcpg-tenant-north", "a")
RIGHT = Key(ROLE_BINDING, BINDING, "a")


class Tenants:
    """A cluster, and the controller with a queue that its watches fill."""

    def __init__(self, cluster: Any = None, **settings: Any) -> None:
        self.world = World(settings=Settings(namespace=HOME, **settings))
        if cluster is not None:
            cluster._watchers.clear()
            self.world.cluster = cluster
        self.world.watch()
        self.queue: list[Key] = []
        self.reconciler = TenantReconciler(self.world.services(wake=self.queue.append))
        for watch in self.reconciler.watches:
            self.world.store.subscribe(watch.kind, listener(watch, self.queue))
            for one in self.world.store.list(watch.kind):
                self.queue.extend(watch.keys(None, one))
        self.queue.extend(self.reconciler.first)

    def settle(self, *, most: int = 200) -> None:
        """Work until the queue is empty; keys of other controllers are left aside."""
        for _ in range(most):
            mine = [key for key in self.queue if key.kind == TENANT]
            if not mine:
                return
            self.queue[:] = [key for key in self.queue if key.kind != TENANT]
            for key in dict.fromkeys(mine):
                self.world.later(2)
                self.reconciler.reconcile(key)
        raise AssertionError("it does not come to rest")

    def step(self, key: Key = NORTH) -> Result:
        self.world.later(2)
        return self.reconciler.reconcile(key)

    def restarted(self) -> Tenants:
        return Tenants(self.world.cluster)

    def make(self, name: str, *namespaces: str, **spec: Any) -> Key:
        document = {"namespaces": list(namespaces), "quotas": QUOTAS, **spec}
        return self.world.cluster.put(TENANT, body(name, document)).key

    def space(self, name: str, **labels: str) -> Key:
        return self.world.cluster.put(NAMESPACE, body(name, metadata={"labels": labels})).key

    def label(self, namespace: str) -> str | None:
        found = self.world.cluster.get(NAMESPACE, namespace)
        assert found is not None
        return found.labels.get(LABEL)

    def quotas(self, namespace: str) -> dict[str, Any]:
        found = [one for one in self.world.cluster.objects(RESOURCE_QUOTA) if one.namespace == namespace]
        return {one.name: one.spec["hard"] for one in found}

    def right(self, namespace: str) -> bool:
        return self.world.cluster.get(ROLE_BINDING, BINDING, namespace=namespace) is not None

    def bears(self, namespace: str, tenant: str = "north") -> bool:
        quotas = {f"mcpg-tenant-{tenant}": HARD}
        return self.label(namespace) == tenant and self.quotas(namespace) == quotas and self.right(namespace)

    def condition(self, kind: str, key: Key = NORTH) -> tuple[str, str]:
        (one,) = [one for one in self.world.status(*key)["conditions"] if one["type"] == kind]
        return one["status"], one["reason"]

    def written(self) -> list[tuple[str, str]]:
        """Verb and kind of what was written since the last call, statuses and events left aside."""
        return [(verb, kind.name) for verb, kind in self.world.writes() if verb != "apply_status"]


@pytest.fixture
def tenants() -> Tenants:
    tenants = Tenants()
    tenants.space("a")
    tenants.make("north", "a")
    tenants.settle()
    return tenants


def test_a_namespace_gets_label_right_and_quota_and_nothing_is_written_again(tenants):
    assert tenants.bears("a")
    assert tenants.world.ready(*NORTH) == ("True", "Reconciled")
    status = tenants.world.status(*NORTH)
    assert status["boundNamespaces"] == ["a"]
    quota = tenants.world.cluster.get(RESOURCE_QUOTA, "mcpg-tenant-north", namespace="a")
    assert quota is not None
    assert dict(quota.labels) == {**QUOTA_LABELS, LABEL: "north"}
    tenants.written()
    tenants.world.cluster.reads.clear()
    result = tenants.step()
    assert (result.outcome, result.after, result.changed) == (Outcome.SUCCESS, 600, False)
    assert tenants.written() == []
    assert tenants.world.cluster.reads == [], "what fits costs no request"
    again = tenants.restarted()
    again.settle()
    assert again.written() == []


def test_a_namespace_that_does_not_exist_is_told_and_not_created(tenants):
    tenants.world.cluster.edit(NORTH, edited(namespaces=["a", "later"]))
    tenants.settle()
    assert tenants.condition("NamespacesBound") == ("False", "NamespaceMissing")
    assert tenants.world.ready(*NORTH) == ("False", "DependencyMissing")
    assert tenants.world.cluster.get(NAMESPACE, "later") is None
    assert ("Warning", "NamespaceMissing") in tenants.world.events()
    assert {one.body["action"] for one in tenants.world.cluster.objects(EVENT)} == {"Bind"}
    tenants.space("later")
    tenants.settle()
    assert tenants.bears("later")
    assert tenants.world.ready(*NORTH) == ("True", "Reconciled")


def test_a_namespace_that_vanishes_between_look_and_write_is_not_created(tenants):
    store, cluster = tenants.world.store, tenants.world.cluster
    tenants.space("b")
    seen = store.get(NAMESPACE, "b")
    cluster.remove(Key(NAMESPACE, "b"))
    store.put(seen)
    cluster.edit(NORTH, edited(namespaces=["a", "b"]))
    tenants.step()
    assert cluster.get(NAMESPACE, "b") is None
    assert tenants.condition("NamespacesBound") == ("False", "NamespaceMissing")
    assert tenants.quotas("b") == {}


def test_a_namespace_that_is_going_is_left_alone(tenants):
    tenants.space("b")
    tenants.world.cluster.edit(Key(NAMESPACE, "b"), lambda found: found["metadata"].update(finalizers=["x"]))
    tenants.world.cluster.delete(NAMESPACE, "b")
    tenants.written()
    tenants.world.cluster.edit(NORTH, edited(namespaces=["a", "b"]))
    tenants.settle()
    assert tenants.condition("NamespacesBound") == ("False", "NamespaceTerminating")
    assert tenants.written() == []


@pytest.mark.parametrize(
    "harm",
    [
        pytest.param(lambda cluster: cluster.edit(Key(NAMESPACE, "a"), relabelled("mine")), id="another label"),
        pytest.param(lambda cluster: cluster.edit(Key(NAMESPACE, "a"), relabelled(None)), id="no label"),
        pytest.param(lambda cluster: cluster.edit(QUOTA, edited(hard={"count/mcpgroutes.mcpg.dev": "500"})), id="wider"),
        pytest.param(lambda cluster: cluster.edit(QUOTA, edited(hard={})), id="no limit"),
        pytest.param(lambda cluster: cluster.edit(QUOTA, edited(scopes=["Terminating"])), id="scoped"),
        pytest.param(lambda cluster: cluster.edit(QUOTA, lambda found: found["metadata"].update(labels={})), id="unlabelled"),
        pytest.param(lambda cluster: cluster.remove(QUOTA), id="no quota"),
        pytest.param(lambda cluster: cluster.remove(RIGHT), id="no right"),
    ],
)
def test_what_people_do_to_its_parts_is_undone(tenants, harm):
    harm(tenants.world.cluster)
    tenants.settle()
    assert tenants.bears("a")
    assert "scopes" not in tenants.world.cluster.get(RESOURCE_QUOTA, "mcpg-tenant-north", namespace="a").spec
    assert tenants.world.ready(*NORTH) == ("True", "Reconciled")


def relabelled(value: str | None) -> Any:
    def change(found: dict[str, Any]) -> None:
        found["metadata"]["labels"] = {} if value is None else {LABEL: value}

    return change


def test_limits_of_other_things_in_our_quota_stay(tenants):
    tenants.world.cluster.edit(QUOTA, edited(hard={**HARD, "pods": "3"}))
    tenants.settle()
    assert tenants.quotas("a") == {"mcpg-tenant-north": {**HARD, "pods": "3"}}


def test_a_limit_that_somebody_added_to_our_kinds_goes(tenants):
    tenants.world.cluster.edit(NORTH, edited(quotas={"maxRoutes": 5}))
    tenants.settle()
    assert tenants.quotas("a") == {"mcpg-tenant-north": {"count/mcpgroutes.mcpg.dev": "5"}}
    more = {"count/mcpgroutes.mcpg.dev": "5", "count/mcpggateways.mcpg.dev": "0"}
    tenants.world.cluster.edit(QUOTA, edited(hard=more))
    tenants.settle()
    assert tenants.quotas("a") == {"mcpg-tenant-north": {"count/mcpgroutes.mcpg.dev": "5"}}


def test_without_limits_there_is_no_quota(tenants):
    tenants.world.cluster.edit(NORTH, edited(quotas={"maxReplicasPerGateway": 2}))
    tenants.settle()
    assert tenants.quotas("a") == {}
    assert tenants.label("a") == "north"


def test_a_quota_of_that_name_that_was_there_before_does_not_lift_the_limit():
    tenants = Tenants()
    tenants.space("a")
    decoy = {"hard": {"count/mcpgroutes.mcpg.dev": "999"}}
    tenants.world.cluster.put(RESOURCE_QUOTA, body("mcpg-tenant-north", decoy, namespace="a"))
    tenants.make("north", "a")
    tenants.settle()
    assert tenants.bears("a")


def test_a_binding_that_says_something_else_is_not_used_and_told(tenants):
    mallory = {"kind": "User", "name": "mallory"}
    tenants.world.cluster.edit(RIGHT, lambda found: found["subjects"].append(mallory))
    tenants.settle()
    assert tenants.condition("NamespacesBound") == ("False", "BindFailed")
    assert "mallory" in next(one["message"] for one in tenants.world.status(*NORTH)["conditions"] if one["type"] == "Ready")
    assert tenants.world.status(*NORTH)["boundNamespaces"] == []
    result = tenants.step()
    assert (result.outcome, result.backoff) == (Outcome.TRANSIENT_ERROR, True)


def test_in_the_operators_own_namespace_nothing_is_written():
    tenants = Tenants()
    tenants.space(HOME)
    tenants.make("north", HOME)
    tenants.settle()
    assert tenants.condition("NamespacesBound") == ("False", "NamespaceProtected")
    assert (tenants.label(HOME), tenants.quotas(HOME)) == (None, {})


def test_of_two_tenants_the_older_one_has_the_namespace(tenants):
    tenants.make("aaa", "a", "b")
    tenants.space("b")
    tenants.settle()
    assert tenants.bears("a", "aaa"), "of one age: the smaller name"
    assert tenants.condition("NamespacesBound") == ("False", "NamespaceConflict")
    tenants.world.cluster._held[NORTH].body["metadata"]["creationTimestamp"] = "2025-01-01T00:00:00Z"
    tenants.queue.append(Key(TENANT, "aaa"))
    tenants.world.cluster.edit(NORTH, edited(allowedPlugins=[{"name": "*"}]))
    tenants.settle()
    assert tenants.bears("a")
    assert tenants.bears("b", "aaa")
    assert tenants.condition("NamespacesBound", Key(TENANT, "aaa")) == ("False", "NamespaceConflict")
    assert tenants.world.status(TENANT, "aaa")["boundNamespaces"] == ["b"]


def test_a_namespace_passes_to_the_other_when_its_owner_goes(tenants):
    tenants.make("south", "a")
    tenants.settle()
    assert tenants.bears("a")
    tenants.world.cluster.remove(NORTH)
    tenants.settle()
    assert tenants.bears("a", "south")
    assert tenants.world.ready(TENANT, "south") == ("True", "Reconciled")


def test_a_namespace_that_leaves_the_list_is_left_bare(tenants):
    tenants.space("b")
    tenants.world.cluster.edit(NORTH, edited(namespaces=["b"]))
    tenants.settle()
    assert (tenants.label("a"), tenants.quotas("a")) == (None, {})
    assert Key(PLUGIN_SET, "*", "a") in tenants.queue, "sets take the right back"
    assert tenants.bears("b")


def test_a_tenant_that_goes_leaves_its_namespaces_bare(tenants):
    tenants.world.cluster.delete(TENANT, "north")
    tenants.settle()
    assert (tenants.label("a"), tenants.quotas("a")) == (None, {})
    assert Key(PLUGIN_SET, "*", "a") in tenants.queue
    assert tenants.world.measured("north") == {}


def test_a_tenant_that_went_while_nobody_watched_is_swept(tenants):
    tenants.world.cluster.remove(NORTH)
    again = tenants.restarted()
    again.settle()
    assert (again.label("a"), again.quotas("a")) == (None, {})


def test_a_list_that_shrank_while_nobody_watched_is_swept(tenants):
    tenants.space("b")
    tenants.world.cluster.edit(NORTH, edited(namespaces=["b"]))
    again = tenants.restarted()
    again.settle()
    assert (again.label("a"), again.quotas("a")) == (None, {})
    assert again.bears("b")


def test_the_sweep_finds_what_was_missed(tenants):
    tenants.world.cluster.remove(NORTH)
    tenants.queue.clear()
    result = tenants.reconciler.reconcile(tenants.reconciler.first[0])
    assert (tenants.queue, result.after) == ([namespace_key("a")], 600)
    tenants.settle()
    assert (tenants.label("a"), tenants.quotas("a")) == (None, {})


def test_a_label_that_somebody_else_wrote_is_theirs(tenants):
    tenants.world.cluster.remove(NORTH)
    theirs = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "a", "labels": {LABEL: "theirs"}}}
    tenants.world.cluster.apply(theirs, manager="kubectl")
    again = tenants.restarted()
    again.settle()
    assert (again.label("a"), again.quotas("a")) == ("theirs", {})
    again.written()
    again.world.cluster.reads.clear()
    again.queue.append(namespace_key("a"))
    again.settle()
    assert again.written() == []
    assert [read for read in again.world.cluster.reads if read[0] == "apply"] == []


def test_a_label_gives_nobody_a_namespace(tenants):
    tenants.space("b", **{LABEL: "north"})
    tenants.settle()
    assert tenants.world.status(*NORTH)["boundNamespaces"] == ["a"]
    assert tenants.quotas("b") == {}


def test_a_namespace_that_is_gone_needs_no_tidying(tenants):
    tenants.world.cluster.remove(Key(NAMESPACE, "a"))
    tenants.world.cluster.remove(NORTH)
    tenants.written()
    tenants.settle()
    assert tenants.written() == []
    assert tenants.world.cluster.get(NAMESPACE, "a") is None


def test_objects_of_our_kinds_are_counted_in_bound_namespaces_alone(tenants):
    tenants.space("b")
    for kind, count in ((GATEWAY, 3), (PLUGIN_SET, 2), (ROUTE, 1)):
        for number in range(count):
            tenants.world.cluster.put(kind, body(f"x{number}", {}, namespace="a"))
            tenants.world.cluster.put(kind, body(f"x{number}", {}, namespace="b"))
    tenants.settle()
    assert tenants.world.status(*NORTH)["observed"] == {"gateways": 3, "pluginSets": 2, "routes": 1}
    assert tenants.condition("QuotaWithinLimits") == ("False", "PreExistingOverage")
    tenants.world.cluster.remove(Key(GATEWAY, "x0", "a"))
    tenants.settle()
    assert tenants.condition("QuotaWithinLimits") == ("True", "WithinLimits")


def test_changes_that_count_nothing_wake_nobody(tenants):
    tenants.world.cluster.put(GATEWAY, body("g", {}, namespace="a"))
    tenants.settle()
    tenants.queue.clear()
    tenants.world.cluster.edit(Key(GATEWAY, "g", "a"), edited(replicas=2))
    tenants.world.cluster.edit(QUOTA, lambda found: found.update(status={"used": {"count/mcpggateways.mcpg.dev": "1"}}))
    tenants.world.cluster.edit(Key(NAMESPACE, "a"), lambda found: found["metadata"].update(annotations={"x": "y"}))
    tenants.world.cluster.edit(NORTH, lambda found: found.update(status={}))
    assert tenants.queue == []


def test_many_changes_make_few_passes(tenants):
    tenants.step()
    result = tenants.reconciler.reconcile(NORTH)
    assert (result.after, result.changed) == (1.0, False)


@pytest.mark.parametrize(
    ("verb", "kind"),
    [("apply", NAMESPACE), ("create", RESOURCE_QUOTA), ("create", ROLE_BINDING), ("get", NAMESPACE), ("get", RESOURCE_QUOTA)],
)
@pytest.mark.parametrize("error", [ApplyForbiddenError, ApplyRejectedError])
def test_a_step_that_is_refused_leaves_the_namespace_unbound_and_the_others_done(verb, kind, error):
    tenants = Tenants()
    for name in ("a", "b"):
        tenants.space(name)
    tenants.make("north", "a", "b")
    tenants.world.cluster.fail_with(error(f"may not {verb}"), on=verb, kind=kind)
    result = tenants.step()
    assert tenants.condition("NamespacesBound") == ("False", "BindFailed")
    assert tenants.world.status(*NORTH)["boundNamespaces"] == []
    assert (result.outcome, result.backoff) == (Outcome.TRANSIENT_ERROR, True)
    if kind != NAMESPACE:
        assert tenants.label("a") == tenants.label("b") == "north"
    if kind != ROLE_BINDING:
        assert tenants.right("a")
    if kind != RESOURCE_QUOTA:
        assert tenants.quotas("a")
    tenants.world.cluster.heal()
    tenants.step()
    assert tenants.bears("a")
    assert tenants.bears("b")


@pytest.mark.parametrize("error", [ClusterUnavailableError, ConflictError])
@pytest.mark.parametrize(("verb", "kind"), [("apply", NAMESPACE), ("create", RESOURCE_QUOTA), ("apply_status", TENANT)])
def test_what_may_pass_is_tried_again_and_changes_nothing_of_the_status(verb, kind, error):
    tenants = Tenants()
    tenants.space("a")
    tenants.make("north", "a")
    tenants.world.cluster.fail_with(error("away"), on=verb, kind=kind)
    with pytest.raises(error):
        tenants.step()
    assert tenants.world.status(*NORTH) == {}
    tenants.world.cluster.heal()
    tenants.step()
    assert tenants.bears("a")


def test_a_conflict_that_passes_at_once_is_no_error():
    tenants = Tenants()
    tenants.space("a")
    tenants.make("north", "a")
    tenants.world.cluster.fail_with(ConflictError("changed"), on="apply", kind=NAMESPACE, times=2)
    assert tenants.step().outcome is Outcome.SUCCESS
    assert tenants.bears("a")


def test_a_teardown_that_is_refused_is_tried_again(tenants):
    tenants.world.cluster.remove(NORTH)
    tenants.world.cluster.fail_with(ApplyForbiddenError("no"), on="delete", kind=RESOURCE_QUOTA)
    result = tenants.step(namespace_key("a"))
    assert (result.outcome, result.backoff) == (Outcome.TRANSIENT_ERROR, True)
    tenants.world.cluster.heal()
    assert tenants.step(namespace_key("a")).outcome is Outcome.SUCCESS
    assert (tenants.label("a"), tenants.quotas("a")) == (None, {})


@pytest.mark.parametrize(
    "spec",
    [
        7,
        "text",
        {},
        {"namespaces": []},
        {"namespaces": "a"},
        {"namespaces": ["a", 7]},
        {"namespaces": ["a", ""]},
        {"namespaces": ["a", "A_B"]},
        {"namespaces": ["a", "x" * 64]},
        {"namespaces": ["a", *(f"n{one}" for one in range(300))]},
        {"namespaces": ["a"], "quotas": []},
        {"namespaces": ["a"], "quotas": {"maxRoutes": -1}},
        {"namespaces": ["a"], "quotas": {"maxRoutes": "5"}},
        {"namespaces": ["a"], "quotas": {"maxRoutes": 10**30}},
        {"namespaces": ["a"], "allowedPlugins": "*"},
        {"namespaces": ["a"], "allowedPlugins": [7]},
        {"namespaces": ["a"], "identityAttribute": {"key": ""}},
        {"namespaces": ["a"], "identityAttribute": "x"},
        {"namespaces": ["a"], "extra": 1},
    ],
)
def test_a_wrong_spec_is_told_and_leaves_everything_in_place(tenants, spec):
    tenants.world.cluster.put(TENANT, body("north", spec))
    tenants.written()
    result = tenants.step()
    assert tenants.world.ready(*NORTH) == ("False", "InvalidSpec")
    assert tenants.condition("NamespacesBound") == ("Unknown", "InvalidSpec")
    assert (result.outcome, result.after, result.backoff) == (Outcome.PERMANENT_ERROR, 600, False)
    if not isinstance(spec, dict) or "namespaces" not in spec or spec["namespaces"] != []:
        tenants.settle()
        assert tenants.bears("a")
        assert tenants.written() == []


def test_a_tenant_that_changes_during_a_pass_is_looked_at_again_and_nothing_is_said(tenants):
    seen = tenants.world.store.get(*NORTH)
    tenants.world.cluster.remove(NORTH)
    tenants.written()
    result = tenants.reconciler._tenant(seen)
    assert (result.after, result.changed) == (1.0, False)
    assert tenants.world.writes() == []


def test_one_that_is_made_anew_takes_its_namespaces_again(tenants):
    tenants.world.cluster.remove(NORTH)
    tenants.make("north", "a")
    tenants.settle()
    assert tenants.bears("a")


def test_an_operator_of_one_namespace_leaves_tenants_alone():
    tenants = Tenants(watch_namespace="a")
    tenants.space("a")
    tenants.make("north", "a")
    assert (tenants.queue, tenants.reconciler.watches, tenants.reconciler.first) == ([], (), ())
    assert tenants.step() == Result()
    assert tenants.written() == []


def test_what_is_missing_is_counted(tenants):
    tenants.world.cluster.edit(NORTH, edited(namespaces=["a", "b"]))
    tenants.settle()
    text = tenants.world.metrics.render(None)[0].decode()
    assert 'dependency_unresolved_total{controller="tenant",dependency="Namespace",reason="NamespaceMissing"}' in text
