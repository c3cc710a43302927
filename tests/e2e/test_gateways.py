"""Gateways on a real cluster with a scheduler and nodes: roll-outs, revocation, and hands that get in between."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

import pytest

from mcpg_operator.resources import (
    AUTOSCALER,
    CONFIG_MAP,
    DEPLOYMENT,
    DISRUPTION_BUDGET,
    GATEWAY,
    NAMESPACE,
    NETWORK_POLICY,
    PLUGIN_SET,
    POD,
    ROUTE,
    SECRET,
    SERVICE,
)
from tests.e2e.world import sha256
from tests.support.cluster.nodes import running_nodes
from tests.support.cluster.objects import condition, said

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.e2e.world import World
    from tests.support.cluster.operator_process import OperatorProcess


@pytest.fixture(scope="module", autouse=True)
def nodes(world: World) -> Iterator[None]:
    """Pods are scheduled and come up."""
    with running_nodes(world.cluster):
        yield


@pytest.fixture(scope="module", autouse=True)
def operator(world: World) -> Iterator[OperatorProcess]:
    """An operator that knows its own image."""
    with world.operator(flags=("--operator-image=registry.example/mcpg-operator:test",)) as process:
        yield process
        defects = process.defects()
    assert not defects, defects[:3]


def gateway(world: World, namespace: str, name: str = "shop", *, annotations: dict[str, str] | None = None, **spec: Any) -> None:
    metadata = {"name": name, "namespace": namespace, "annotations": annotations or {}}
    world.api.apply({"apiVersion": GATEWAY.api_version, "kind": GATEWAY.name, "metadata": metadata, "spec": spec})


def stands(world: World, namespace: str, name: str = "shop", kind: str = "Ready") -> tuple[str, str]:
    return condition(world.api.get(GATEWAY, name, namespace=namespace), kind)


def until(world: World, namespace: str, wanted: tuple[str, str], *, name: str = "shop", kind: str = "Ready") -> None:
    def told() -> str:
        found = world.api.get(GATEWAY, name, namespace=namespace) or {}
        return f"{kind} of gateway `{namespace}/{name}` to be {wanted}: {found.get('status')}"

    world.until(lambda: stands(world, namespace, name, kind) == wanted, what=told)


def ready(world: World, namespace: str, name: str = "shop") -> None:
    until(world, namespace, ("True", "AllReplicasAvailable"), name=name)


def pods(world: World, namespace: str) -> dict[str, dict[str, Any]]:
    """Running pods by uid."""
    found = world.api.list(POD, namespace=namespace)
    return {one["metadata"]["uid"]: one for one in found if one["status"].get("phase") == "Running"}


def config(world: World, namespace: str, name: str = "shop") -> str:
    found = world.api.get(CONFIG_MAP, f"{name}-config", namespace=namespace)
    return "" if found is None else str(found["data"]["config.yaml"])


def strategy(world: World, namespace: str) -> str:
    found = world.api.get(DEPLOYMENT, "shop-gateway", namespace=namespace) or {"spec": {"strategy": {"type": ""}}}
    return str(found["spec"]["strategy"]["type"])


def test_a_gateway_with_plugins_comes_up_and_a_revocation_rolls_its_pods(world: World) -> None:
    tenant = world.namespace("shop-a")
    kept, gone = world.add("kept"), world.add("gone")
    world.add_set(tenant, "main", "kept", "gone")
    gateway(world, tenant, pluginSetRef={"name": "main"})
    ready(world, tenant)
    before = pods(world, tenant)
    assert len(before) == 1
    assert sha256(gone.release.library) in config(world, tenant)
    world.revoke(sha256(gone.release.library))
    world.until(lambda: sha256(gone.release.library) not in config(world, tenant), what="the plugin to leave the configuration")
    world.until(lambda: strategy(world, tenant) == "Recreate", what="old pods to make way before new ones come")
    guarded = "audit_sink"
    if world.plugin("gone")["spec"]["pluginClass"] == guarded:
        world.until(lambda: pods(world, tenant) == {}, what="every pod to go")
        until(world, tenant, ("False", "PluginRevoked"))
    else:
        world.until(lambda: pods(world, tenant) and not pods(world, tenant).keys() & before.keys(), what="new pods")
    world.revoke()
    ready(world, tenant)
    assert sha256(kept.release.library) in config(world, tenant)


def test_a_set_that_is_deleted_takes_nothing_from_the_pods(world: World) -> None:
    tenant = world.namespace("shop-b")
    world.add("static-b")
    world.add_set(tenant, "main", "static-b")
    gateway(world, tenant, pluginSetRef={"name": "main"})
    ready(world, tenant)
    before, text = pods(world, tenant).keys(), config(world, tenant)
    world.api.delete(PLUGIN_SET, "main", namespace=tenant)
    until(world, tenant, ("True", "DependencyMissing"), kind="Degraded")
    assert (pods(world, tenant).keys(), config(world, tenant)) == (before, text)
    assert stands(world, tenant)[0] == "True"


def test_children_come_back_and_go_with_what_asks_for_them(world: World) -> None:
    tenant = world.namespace("shop-c")
    scaled: dict[str, Any] = {
        "replicas": 2,
        "config": {"cluster": {"kind": "redis", "url": "rediss://coordinator.example"}},
        "networkPolicy": {"enabled": True},
        "podDisruptionBudget": {"enabled": True},
        "autoscaling": {"enabled": True, "minReplicas": 2, "maxReplicas": 4},
    }
    gateway(world, tenant, **scaled)
    world.until(lambda: len(pods(world, tenant)) == 2, what="the autoscaler to want two pods")
    ready(world, tenant)
    for kind, name in ((NETWORK_POLICY, "shop-gateway"), (SERVICE, "shop"), (DISRUPTION_BUDGET, "shop-gateway")):
        uid = world.api.get(kind, name, namespace=tenant)["metadata"]["uid"]  # type: ignore[index]
        world.api.delete(kind, name, namespace=tenant)
        world.until(
            lambda kind=kind, name=name, uid=uid: (
                (world.api.get(kind, name, namespace=tenant) or {"metadata": {"uid": uid}})[  # type: ignore[misc]
                    "metadata"
                ]["uid"]
                != uid
            ),
            what=f"{kind} to come back",
        )
    gateway(world, tenant, replicas=2, config=scaled["config"])
    for kind in (NETWORK_POLICY, DISRUPTION_BUDGET, AUTOSCALER):
        world.until(lambda kind=kind: world.api.get(kind, "shop-gateway", namespace=tenant) is None, what=f"{kind} to go")  # type: ignore[misc]
    ready(world, tenant)
    assert len(pods(world, tenant)) == 2


def test_pods_that_never_come_up_are_told_of(world: World) -> None:
    tenant = world.namespace("shop-d")
    gateway(world, tenant)
    ready(world, tenant)
    gateway(world, tenant, podAnnotations={"mcpg.test/never-ready": "yes"})
    until(world, tenant, ("True", "Progressing"), kind="Progressing")
    until(world, tenant, ("False", "Progressing"))
    gateway(world, tenant)
    ready(world, tenant)


def test_a_stranger_in_the_way_is_left_alone(world: World) -> None:
    tenant = world.namespace("shop-e")
    mine = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "shop-config", "namespace": tenant}, "data": {"a": "b"}}
    world.api.apply(mine)
    gateway(world, tenant)
    until(world, tenant, ("False", "NameConflict"))
    assert world.api.get(CONFIG_MAP, "shop-config", namespace=tenant)["data"] == {"a": "b"}  # type: ignore[index]
    world.api.delete(CONFIG_MAP, "shop-config", namespace=tenant)
    ready(world, tenant)


def test_a_deleted_gateway_leaves_nothing(world: World) -> None:
    tenant = world.namespace("shop-f")
    gateway(world, tenant)
    ready(world, tenant)
    world.api.delete(GATEWAY, "shop", namespace=tenant)
    for kind, name in ((DEPLOYMENT, "shop-gateway"), (CONFIG_MAP, "shop-config"), (SERVICE, "shop")):
        world.until(lambda kind=kind, name=name: world.api.get(kind, name, namespace=tenant) is None, what=f"{kind} to go")  # type: ignore[misc]


def test_a_namespace_can_go_with_its_gateway_and_come_back(world: World, operator: OperatorProcess) -> None:
    tenant = world.cluster.namespace("shop-j")
    world.add("moving")
    world.add_set(tenant, "main", "moving")
    gateway(world, tenant, pluginSetRef={"name": "main"}, networkPolicy={"enabled": True})
    ready(world, tenant)
    world.cluster.drop_namespace(tenant, seconds=60)
    assert world.api.get(NAMESPACE, tenant) is None
    world.namespace("shop-j")
    world.add_set(tenant, "main", "moving")
    gateway(world, tenant, pluginSetRef={"name": "main"})
    ready(world, tenant)
    assert operator.defects() == []


def test_the_rules_of_routes_stand_in_the_configuration_and_the_route_says_so(world: World) -> None:
    tenant, other = world.namespace("shop-g"), world.namespace("shop-h")
    gateway(world, tenant, acceptedRouteNamespaces=[other])
    ready(world, tenant)
    route = {
        "gatewayRef": {"name": "shop", "namespace": tenant},
        "match": {"tools": [{"id": "stock.read"}]},
        "attributes": {"tenant": "north"},
    }
    metadata = {"name": "north", "namespace": other}
    world.api.apply({"apiVersion": ROUTE.api_version, "kind": ROUTE.name, "metadata": metadata, "spec": route})
    world.until(
        lambda: said(world.api.get(ROUTE, "north", namespace=other)).status == "True",
        what=lambda: f"the route to be Ready: {(world.api.get(ROUTE, 'north', namespace=other) or {}).get('status')}",
    )
    assert "stock.read" in config(world, tenant)
    assert "north" in config(world, tenant)
    world.api.delete(ROUTE, "north", namespace=other)
    world.until(lambda: "stock.read" not in config(world, tenant), what="the rule to go")


def test_a_document_that_somebody_edits_reaches_no_pod(world: World) -> None:
    tenant = world.namespace("shop-i")
    world.add("sealed")
    world.add_set(tenant, "main", "sealed")
    gateway(world, tenant, pluginSetRef={"name": "main"})
    ready(world, tenant)
    text = config(world, tenant)
    forged = world.secret("main-resolved", tenant)
    edited = base64.b64decode(forged["data"]["plugins.json"]).replace(b"dev.acme.sealed", b"dev.acme.forged")
    world.api.apply({
        "apiVersion": "v1", "kind": "Secret", "metadata": {"name": "main-resolved", "namespace": tenant},
        "data": {"plugins.json": base64.b64encode(edited).decode()},
    })  # fmt: skip
    world.until(
        lambda: (
            b"forged"
            not in base64.b64decode(
                (world.api.get(SECRET, "main-resolved", namespace=tenant) or {"data": {"plugins.json": ""}})["data"][
                    "plugins.json"
                ]
            )
        ),
        what="the document to be put right",
    )
    assert config(world, tenant) == text
