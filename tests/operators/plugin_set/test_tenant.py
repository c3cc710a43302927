"""What a tenant allows in its namespaces, and what becomes of sets when it allows less."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from mcpg_operator.controllers.plugin_set.cleanup import cleanup_key
from mcpg_operator.controllers.plugin_set.decide import allowed
from mcpg_operator.controllers.plugin_set.observe import Observation
from mcpg_operator.resources import GATEWAY, PLUGIN, PLUGIN_SET, TENANT, Key, Resource
from supplychain.errors import ClusterUnavailableError
from supplychain.revocation import RevocationSet
from tests.operators.plugin_set.world import TEAM, World, entry

ANY = {"name": "*"}
IMAGE = "ghcr.io/acme/plugins/audit:1.2.3"


@pytest.fixture
def world() -> World:
    world = World()
    for name in ("audit", "gate"):
        world.plugin(name)
        place(world, name, f"ghcr.io/acme/plugins/{name}:1.2.3")
    return world


def place(world: World, name: str, image: str) -> None:
    """Say where a plugin's image is, and have it judged anew."""

    def change(found: dict[str, Any]) -> None:
        found["spec"]["oci"] = {"image": image}

    after = world.cluster.edit(Key(PLUGIN, name), change)
    known = world.ledger.get(name)
    assert known is not None
    world.ledger.put(replace(known, generation=after.generation))


def allow(world: World, *allowed: dict[str, str], namespaces: tuple[str, ...] = (TEAM,), name: str = "north") -> Key:
    spec = {"namespaces": list(namespaces), "allowedPlugins": list(allowed)}
    return world.cluster.put(TENANT, {"metadata": {"name": name}, "spec": spec}).key


def test_without_a_tenant_everything_is_allowed(world):
    allow(world, namespaces=("elsewhere",))
    key = world.make(entry("audit"))
    world.settle(key)
    assert world.condition(key) == ("True", "Reconciled")


@pytest.mark.parametrize(
    ("rules", "let_in"),
    [
        ((), False),
        ((ANY,), True),
        (({"name": "audit"},), True),
        (({"name": "dev.example.audit"},), True),
        (({"name": "gate"},), False),
        (({"name": "dev.example.audi"},), False),
        (({"registryPrefix": "ghcr.io/acme"},), True),
        (({"registryPrefix": "ghcr.io/acme/plugins/audit"},), True),
        (({"registryPrefix": "ghcr.io/acm"},), False),
        (({"registryPrefix": "ghcr.io/acme/plugins/aud"},), False),
        (({"name": "gate"}, {"registryPrefix": "ghcr.io/"}), True),
    ],
)
def test_an_entry_needs_a_rule_that_allows_its_plugin(world, rules, let_in):
    allow(world, *rules)
    key = world.make(entry("audit"))
    world.settle(key)
    assert world.failed(key) == ({} if let_in else {"dev.example.audit": "PluginNotAllowed"})
    assert world.ids(key) == (["dev.example.audit"] if let_in else [])
    if not let_in:
        assert world.copies() == {}, "not a byte of it comes"


def test_the_id_that_the_set_gives_it_allows_nothing(world):
    allow(world, {"name": "dev.example.gate"})
    key = world.make(entry("audit", "dev.example.gate"))
    world.settle(key)
    assert world.failed(key) == {"dev.example.gate": "PluginNotAllowed"}


def test_a_label_of_the_namespace_or_the_set_decides_nothing(world):
    allow(world, ANY, namespaces=("elsewhere",), name="generous")
    allow(world, name="strict")
    key = world.make(entry("audit"))
    world.cluster.edit(key, lambda found: found["metadata"].update(labels={"mcpg.dev/tenant": "generous"}))
    world.settle(key)
    assert world.failed(key) == {"dev.example.audit": "PluginNotAllowed"}


def test_a_list_that_becomes_narrower_takes_the_plugin_out_at_once_and_wider_brings_it_back(world):
    tenant = allow(world, ANY)
    key = world.make(entry("audit"), entry("gate"))
    world.settle(key)
    assert len(world.ids(key)) == 2
    world.queue.clear()
    world.cluster.edit(tenant, lambda found: found["spec"].update(allowedPlugins=[{"name": "audit"}]))
    assert world.queue == [key], "the set hears of it"
    world.step(key)
    assert world.ids(key) == ["dev.example.audit"]
    assert world.failed(key) == {"dev.example.gate": "PluginNotAllowed"}
    assert "MCPGTenant `north`" in world.status(key)["failedEntries"][0]["message"]
    assert ("Warning", "EntriesFailed") in world.events()
    world.cluster.edit(tenant, lambda found: found["spec"].update(allowedPlugins=[ANY]))
    world.settle(key)
    assert world.ids(key) == ["dev.example.audit", "dev.example.gate"]


def test_it_leaves_also_while_another_plugin_is_not_judged_yet(world):
    tenant = allow(world, ANY)
    key = world.make(entry("audit"), entry("gate"))
    world.settle(key)
    world.restart()
    audit = world.plugin("audit", judged=False)
    world.cluster.edit(tenant, lambda found: found["spec"].update(allowedPlugins=[{"name": "audit"}]))
    world.step(key)
    assert audit.name not in {one.name for one in world.ledger.all()}
    assert world.ids(key) == ["dev.example.audit"]
    assert world.failed(key)["dev.example.gate"] == "PluginNotAllowed"


def test_it_leaves_also_when_the_spec_cannot_be_read(world):
    tenant = allow(world, ANY)
    key = world.make(entry("audit"), entry("gate"))
    world.settle(key)
    world.cluster.edit(key, lambda found: found.update(spec={"entries": 7}))
    world.cluster.edit(tenant, lambda found: found["spec"].update(allowedPlugins=[{"name": "audit"}]))
    world.step(key)
    assert world.ids(key) == ["dev.example.audit"]
    assert world.condition(key) == ("False", "InvalidSpec")


def test_it_leaves_also_when_the_set_names_another_plugin_by_now(world):
    tenant = allow(world, ANY)
    key = world.make(entry("gate"))
    world.settle(key)
    world.refuse("audit")
    world.cluster.edit(key, lambda found: found["spec"].update(entries=[entry("audit", "dev.example.gate")]))
    world.step(key)
    assert world.ids(key) == ["dev.example.gate"], "the last good form stays"
    world.cluster.edit(tenant, lambda found: found["spec"].update(allowedPlugins=[{"name": "audit"}]))
    world.step(key)
    assert world.ids(key) == []


def test_a_plugin_that_failed_otherwise_keeps_its_old_form_while_it_is_allowed(world):
    allow(world, {"name": "audit"})
    key = world.make(entry("audit"))
    world.settle(key)
    world.refuse("audit")
    world.step(key)
    assert world.ids(key) == ["dev.example.audit"]
    assert world.failed(key) == {"dev.example.audit": "PluginNotReady"}


def test_tenants_that_could_not_be_looked_up_change_nothing():
    world = World()
    world.plugin("audit")
    key = world.make(entry("audit"))
    world.settle(key)
    before = world.document(key)
    world.restart()
    world.store._synced.discard(TENANT)
    with pytest.raises(ClusterUnavailableError, match="tenants"):
        world.step(key)
    assert world.document(key) == before
    assert world.condition(key) == ("True", "Reconciled")


@pytest.mark.parametrize(
    "spec",
    [
        7,
        {},
        {"namespaces": "team-a"},
        {"namespaces": [TEAM], "allowedPlugins": {}},
        {"namespaces": [TEAM], "allowedPlugins": [7, None, {"name": 7}]},
    ],
)
def test_a_tenant_of_any_shape_is_coped_with(world, spec):
    world.cluster.put(TENANT, {"metadata": {"name": "odd"}, "spec": spec})
    key = world.make(entry("audit"))
    world.settle(key)
    owned = isinstance(spec, dict) and spec.get("namespaces") == [TEAM]
    assert world.failed(key) == ({"dev.example.audit": "PluginNotAllowed"} if owned else {})


def test_the_older_of_two_tenants_decides(world):
    allow(world, name="aaa")
    allow(world, ANY, name="bbb")
    key = world.make(entry("audit"))
    world.settle(key)
    assert world.failed(key) == {"dev.example.audit": "PluginNotAllowed"}
    world.cluster.remove(Key(TENANT, "aaa"))
    world.settle(key)
    assert world.failed(key) == {}


def test_only_sets_of_its_namespaces_hear_of_a_tenant(world):
    key = world.make(entry("audit"))
    other = world.make(entry("audit"), namespace="elsewhere")
    world.queue.clear()
    tenant = allow(world, ANY)
    assert world.queue == [key]
    world.queue.clear()
    world.cluster.edit(tenant, lambda found: found["spec"].update(namespaces=["elsewhere"]))
    assert sorted(world.queue) == sorted([key, other])
    world.queue.clear()
    world.cluster.edit(tenant, lambda found: found.update(status={"observed": {}}))
    assert world.queue == []


def test_it_is_counted_as_a_matter_of_the_tenant(world):
    allow(world)
    key = world.make(entry("audit"))
    world.settle(key)
    text = world.metrics.render(None)[0].decode()
    assert 'dependency_unresolved_total{controller="plugin-set",dependency="MCPGTenant",reason="PluginNotAllowed"} 1' in text


@pytest.mark.parametrize(
    ("rules", "plugin", "expected"),
    [
        pytest.param([], "there", False, id="nothing is allowed"),
        pytest.param([{"name": "gone"}], "gone", True, id="gone, allowed by name"),
        pytest.param([{"name": "dev.gone"}], "gone", True, id="gone, allowed by its proven id"),
        pytest.param([{"name": "other"}], "gone", False, id="gone, and no rule for it"),
        pytest.param([], "gone", False, id="gone, and no rule at all"),
        pytest.param([{"registryPrefix": "ghcr.io/x/"}], "gone", True, id="gone, and perhaps from there"),
        pytest.param([{"registryPrefix": "ghcr.io/x/"}], "there", False, id="there, and not from there"),
    ],
)
def test_a_plugin_that_is_gone_is_judged_by_what_is_known_of_it(rules, plugin, expected):
    there = Resource(PLUGIN, {"metadata": {"name": "there"}, "spec": {"pluginId": "dev.there", "oci": {"image": IMAGE}}})
    tenant = {"metadata": {"name": "north"}, "spec": {"namespaces": [TEAM], "allowedPlugins": rules}}
    seen = Observation(plugins={"there": there}, standings={}, revocations=RevocationSet(()), tenant=tenant)
    assert allowed(plugin, f"dev.{plugin}", seen) is expected


def test_the_right_stays_while_a_tenant_or_a_gateway_with_a_coordinator_needs_it(world):
    tenant = allow(world, ANY)
    gateway = world.cluster.put(
        GATEWAY, {"metadata": {"name": "g", "namespace": TEAM}, "spec": {"clusterRef": {"name": "shared"}}}
    ).key
    key = world.make(entry("audit"))
    world.settle(key)
    world.cluster.remove(key)
    world.cluster.collect_garbage()
    world.step(key)
    assert world.binding() is not None
    world.cluster.remove(tenant)
    world.step(cleanup_key(TEAM))
    assert world.binding() is not None
    world.cluster.edit(gateway, lambda found: found.update(spec={}))
    world.step(Key(PLUGIN_SET, "*sweep"))
    assert cleanup_key(TEAM) in world.woken
    world.step(cleanup_key(TEAM))
    assert world.binding() is None
