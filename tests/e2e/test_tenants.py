"""Tenants on a real API server: what their namespaces bear, what people do to it, and what is left when a tenant goes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from mcpg_operator.render.plugin_set import BINDING
from mcpg_operator.resources import NAMESPACE, PLUGIN_SET, RESOURCE_QUOTA, ROLE_BINDING, TENANT
from tests.e2e.tenancy import clear, label_of, quota, tenant
from tests.support.cluster import ApiError
from tests.support.cluster.objects import Said, plugin_set, said

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.e2e.world import World
    from tests.support.cluster.operator_process import OperatorProcess

pytestmark = pytest.mark.usefixtures("operator", "nothing_left")
QUOTAS = {"maxGateways": 2, "maxPluginSets": 3, "maxRoutes": 5}
HARD = {
    "count/mcpggateways.mcpg.dev": "2",
    "count/mcpgpluginsets.mcpg.dev": "3",
    "count/mcpgroutes.mcpg.dev": "5",
}


@pytest.fixture
def nothing_left(world: World) -> Iterator[None]:
    yield
    clear(world)


def told(world: World, name: str, kind: str = "Ready") -> Said:
    return said(world.api.get(TENANT, name), kind)


def status(world: World, name: str) -> dict[str, Any]:
    found = world.api.get(TENANT, name)
    assert found is not None
    return dict(found.get("status", {}))


def ready(world: World, name: str) -> None:
    world.until(lambda: told(world, name).status == "True", what=lambda: f"`{name}` to be Ready, {status(world, name)}")


def reason(world: World, name: str, wanted: str) -> None:
    world.until(
        lambda: told(world, name, "NamespacesBound").reason == wanted,
        what=lambda: f"`{name}` to be {wanted}, {status(world, name)}",
    )


def bears(world: World, namespace: str, name: str, hard: dict[str, str] | None) -> bool:
    right = world.api.get(ROLE_BINDING, BINDING, namespace=namespace) is not None
    return label_of(world, namespace) == name and quota(world, namespace, name) == hard and right


def bare(world: World, namespace: str) -> bool:
    quotas = list(world.api.list(RESOURCE_QUOTA, namespace=namespace))
    right = world.api.get(ROLE_BINDING, BINDING, namespace=namespace)
    return label_of(world, namespace) is None and not quotas and right is None


def test_a_tenants_namespaces_get_label_quota_and_right(world: World) -> None:
    one, two = world.namespace("tn-one"), world.namespace("tn-two")
    world.api.apply(tenant("tn-north", one, two, quotas=QUOTAS))
    ready(world, "tn-north")
    assert all(bears(world, namespace, "tn-north", HARD) for namespace in (one, two))
    found = status(world, "tn-north")
    assert found["boundNamespaces"] == [one, two]
    assert found["observed"] == {"gateways": 0, "pluginSets": 0, "routes": 0}
    assert told(world, "tn-north", "QuotaWithinLimits").status == "True"


def test_the_quota_is_enforced_by_the_api_server_itself(world: World) -> None:
    one = world.namespace("tn-capped")
    world.api.apply(tenant("tn-capped", one, quotas={"maxPluginSets": 1}))
    ready(world, "tn-capped")
    world.api.create(plugin_set(one, "first", {"dev.acme.audit": "audit"}))
    world.until(lambda: status(world, "tn-capped")["observed"]["pluginSets"] == 1, what="the set to be counted")

    def refused() -> bool:
        try:
            world.api.create(plugin_set(one, "second", {"dev.acme.audit": "audit"}))
        except ApiError as error:
            return "exceeded quota" in str(error)
        world.api.delete(PLUGIN_SET, "second", namespace=one)
        return False

    world.until(refused, what="the quota to count")
    world.api.delete(PLUGIN_SET, "first", namespace=one)


def test_a_namespace_that_comes_later_is_bound_and_none_is_ever_created(world: World) -> None:
    one = world.namespace("tn-early")
    world.api.apply(tenant("tn-late", one, "tn-later", quotas=QUOTAS))
    reason(world, "tn-late", "NamespaceMissing")
    assert status(world, "tn-late")["boundNamespaces"] == [one]
    assert told(world, "tn-late").reason == "DependencyMissing"
    assert "`tn-later`" in told(world, "tn-late").message
    assert world.api.get(NAMESPACE, "tn-later") is None
    assert ("Warning", "NamespaceMissing") in world.events("tn-late")
    world.namespace("tn-later")
    ready(world, "tn-late")
    assert bears(world, "tn-later", "tn-late", HARD)


def test_what_people_do_to_label_quota_and_right_is_undone(world: World) -> None:
    one = world.namespace("tn-drift")
    world.api.apply(tenant("tn-drift", one, quotas=QUOTAS))
    ready(world, "tn-drift")
    name = "mcpg-tenant-tn-drift"
    hard = {"count/mcpgroutes.mcpg.dev": "500"}
    changes: dict[str, Any] = {
        "the label": lambda: world.api.merge(NAMESPACE, one, {"metadata": {"labels": {"mcpg.dev/tenant": "mine"}}}),
        "no label": lambda: world.api.merge(NAMESPACE, one, {"metadata": {"labels": {"mcpg.dev/tenant": None}}}),
        "a wider quota": lambda: world.api.merge(RESOURCE_QUOTA, name, {"spec": {"hard": hard}}, namespace=one),
        "no quota": lambda: world.api.delete(RESOURCE_QUOTA, name, namespace=one),
        "a quota without our labels": lambda: world.api.merge(
            RESOURCE_QUOTA, name, {"metadata": {"labels": None}, "spec": {"hard": hard}}, namespace=one
        ),
        "no right": lambda: world.api.delete(ROLE_BINDING, BINDING, namespace=one),
    }
    for what, change in changes.items():
        change()
        world.until(lambda: bears(world, one, "tn-drift", HARD), what=f"{what} to be undone")
    ready(world, "tn-drift")


def test_a_quota_that_was_laid_in_the_way_does_not_lift_the_limit(world: World) -> None:
    one = world.namespace("tn-decoy")
    body = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "mcpg-tenant-tn-decoy", "namespace": one}}
    world.api.create({**body, "spec": {"hard": {"pods": "1000"}, "scopes": ["Terminating"]}})
    world.api.apply(tenant("tn-decoy", one, quotas=QUOTAS))
    ready(world, "tn-decoy")
    assert quota(world, one, "tn-decoy") == HARD


def test_other_limits_make_another_quota_and_none_make_none(world: World) -> None:
    one = world.namespace("tn-limits")
    world.api.apply(tenant("tn-limits", one, quotas=QUOTAS))
    ready(world, "tn-limits")
    world.api.apply(tenant("tn-limits", one, quotas={"maxRoutes": 7}))
    world.until(lambda: quota(world, one, "tn-limits") == {"count/mcpgroutes.mcpg.dev": "7"}, what="the new limit")
    world.api.apply(tenant("tn-limits", one, quotas={"maxReplicasPerGateway": 3}))
    world.until(lambda: quota(world, one, "tn-limits") is None, what="the quota to go")
    ready(world, "tn-limits")


def test_of_two_tenants_the_older_has_a_namespace_and_the_other_gets_it_after(world: World) -> None:
    one, own = world.namespace("tn-wanted"), world.namespace("tn-own")
    world.api.apply(tenant("tn-first", one, quotas=QUOTAS))
    ready(world, "tn-first")
    created = world.api.get(TENANT, "tn-first")["metadata"]["creationTimestamp"]  # type: ignore[index]

    def younger() -> bool:
        world.api.delete(TENANT, "tn-aaa")
        world.api.apply(tenant("tn-aaa", one, own, quotas={"maxRoutes": 1}))
        return world.api.get(TENANT, "tn-aaa")["metadata"]["creationTimestamp"] > created  # type: ignore[index]

    world.until(younger, what="a second to pass")
    reason(world, "tn-aaa", "NamespaceConflict")
    assert "tn-first" in told(world, "tn-aaa", "NamespacesBound").message
    assert bears(world, one, "tn-first", HARD)
    assert quota(world, one, "tn-aaa") is None
    assert status(world, "tn-aaa")["boundNamespaces"] == [own]
    world.api.delete(TENANT, "tn-first")
    ready(world, "tn-aaa")
    assert bears(world, one, "tn-aaa", {"count/mcpgroutes.mcpg.dev": "1"})
    world.until(lambda: quota(world, one, "tn-first") is None, what="the other quota to go")


def test_a_namespace_that_leaves_the_list_is_left_bare(world: World) -> None:
    one, two = world.namespace("tn-stays"), world.namespace("tn-leaves")
    world.api.apply(tenant("tn-smaller", one, two, quotas=QUOTAS))
    ready(world, "tn-smaller")
    world.api.apply(tenant("tn-smaller", one, quotas=QUOTAS))
    world.until(lambda: bare(world, two), what="it to be bare")
    assert bears(world, one, "tn-smaller", HARD)


def test_a_tenant_that_goes_leaves_its_namespaces_bare_but_for_the_right_of_a_set(world: World) -> None:
    one, two = world.namespace("tn-gone"), world.namespace("tn-gone-set")
    world.api.apply(tenant("tn-going", one, two, quotas=QUOTAS))
    ready(world, "tn-going")
    world.api.create(plugin_set(two, "main", {"dev.acme.audit": "audit"}))
    world.until(lambda: status(world, "tn-going")["observed"]["pluginSets"] == 1, what="the set to be counted")
    world.api.delete(TENANT, "tn-going")
    world.until(lambda: bare(world, one), what="the first to be bare")
    world.until(lambda: label_of(world, two) is None and quota(world, two, "tn-going") is None, what="the second to be free")
    assert world.api.get(ROLE_BINDING, BINDING, namespace=two) is not None
    world.api.delete(PLUGIN_SET, "main", namespace=two)
    world.until(lambda: bare(world, two), what="the right to go with the last set")


def test_a_tenant_that_goes_while_the_operator_is_away_is_swept_after(world: World, operator: OperatorProcess) -> None:
    one, two, other = (world.namespace(name) for name in ("tn-away-a", "tn-away-b", "tn-away-c"))
    world.api.apply([tenant("tn-away", one, two, quotas=QUOTAS), tenant("tn-there", other, quotas=QUOTAS)])
    for name in ("tn-away", "tn-there"):
        ready(world, name)
    operator.stop()
    world.api.delete(TENANT, "tn-away")
    world.api.merge(NAMESPACE, two, {"metadata": {"labels": {"mcpg.dev/tenant": "another"}}})
    operator.start()
    operator.wait_until_ready()
    world.until(lambda: bare(world, one), what="it to be bare")
    world.until(lambda: quota(world, two, "tn-away") is None, what="the quota to go")
    assert label_of(world, two) == "another", "a label that somebody else wrote is theirs"
    assert bears(world, other, "tn-there", HARD)


def test_a_restart_writes_nothing(world: World, operator: OperatorProcess) -> None:
    one = world.namespace("tn-restart")
    world.api.apply(tenant("tn-restart", one, quotas=QUOTAS))
    ready(world, "tn-restart")

    def versions() -> list[Any]:
        tenants = world.versions(TENANT)
        mine = [world.api.get(NAMESPACE, one), world.api.get(ROLE_BINDING, BINDING, namespace=one)]
        return [tenants, *(found["metadata"]["resourceVersion"] for found in mine if found is not None)]

    before = versions()
    operator.restart()
    name = 'mcpg_operator_reconcile_total{controller="tenant",outcome="success"}'
    count = operator.metrics().get(name, 0)
    world.until(lambda: operator.metrics().get(name, 0) > count + 4, what="some passes")
    assert versions() == before


def test_a_namespace_that_is_deleted_is_told_and_bound_again_when_it_is_made_again(world: World) -> None:
    one, two = world.namespace("tn-doomed"), world.namespace("tn-safe")
    world.api.apply(tenant("tn-doomed", one, two, quotas=QUOTAS))
    ready(world, "tn-doomed")
    world.cluster.drop_namespace(one)
    reason(world, "tn-doomed", "NamespaceMissing")
    assert status(world, "tn-doomed")["boundNamespaces"] == [two]
    assert world.api.get(NAMESPACE, one) is None
    world.namespace(one)
    ready(world, "tn-doomed")


def test_the_operators_namespace_and_kubernetes_own_belong_to_nobody(world: World) -> None:
    world.api.apply(tenant("tn-greedy", "mcpg-system", quotas=QUOTAS))
    reason(world, "tn-greedy", "NamespaceProtected")
    assert label_of(world, "mcpg-system") is None
    assert quota(world, "mcpg-system", "tn-greedy") is None


def test_who_narrows_the_list_of_plugins_takes_them_out_of_sets(world: World) -> None:
    one = world.namespace("tn-allow")
    world.add("audit")
    world.add("gate")
    world.add_set(one, "main", "audit", "gate")
    world.set_ready(one, "main")
    world.api.apply(tenant("tn-allow", one, allowedPlugins=[{"name": "audit"}, {"name": "dev.acme.gate"}]))
    ready(world, "tn-allow")
    world.set_ready(one, "main")
    world.api.apply(tenant("tn-allow", one, allowedPlugins=[{"name": "audit"}]))
    world.until(lambda: [*world.resolved(one, "main")] == ["dev.acme.audit"], what="the other to leave")
    world.until(
        lambda: (
            [entry["reason"] for entry in world.the_set(one, "main")["status"].get("failedEntries", ())] == ["PluginNotAllowed"]
        ),
        what="the set to say so",
    )
    world.api.apply(tenant("tn-allow", one))
    world.set_ready(one, "main")
    assert [*world.resolved(one, "main")] == ["dev.acme.audit", "dev.acme.gate"]
