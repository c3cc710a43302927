"""What people of one namespace try against another's, against their tenant's bounds, and against what the operator wrote: nothing helps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from mcpg_operator.resources import CLUSTER, CONFIG_MAP, DEPLOYMENT, GATEWAY, NAMESPACE, PLUGIN_SET, POD, ROUTE, SECRET
from tests.e2e.tenancy import clear, cluster, gateway, route, tenant
from tests.e2e.world import sha256
from tests.support.cluster.nodes import running_nodes
from tests.support.cluster.objects import condition, plugin_set, said

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from mcpg_operator.resources import Kind
    from tests.e2e.world import World
    from tests.support.cluster.operator_process import OperatorProcess

HOME = "mcpg-system"


@pytest.fixture(scope="module", autouse=True)
def nodes(world: World) -> Iterator[None]:
    """Pods are scheduled and come up."""
    with running_nodes(world.cluster):
        yield


@pytest.fixture(scope="module", autouse=True)
def operator(world: World) -> Iterator[OperatorProcess]:
    """An operator that knows its own image, and no webhook: what admission would have refused must not help either."""
    with world.operator(flags=("--operator-image=registry.example/mcpg-operator:test",)) as process:
        yield process
        defects = process.defects()
    assert not defects, defects[:3]


@pytest.fixture(autouse=True)
def nothing_left(world: World) -> Iterator[None]:
    yield
    clear(world)
    world.revoke()


def until(
    world: World, namespace: str, wanted: tuple[str, str], *, kind: str = "Ready", of: Kind = GATEWAY, name: str = "shop"
) -> None:
    def told() -> str:
        found = world.api.get(of, name, namespace=namespace) or {}
        return f"{kind} of {of} `{namespace}/{name}` to be {wanted}: {found.get('status')}"

    world.until(lambda: condition(world.api.get(of, name, namespace=namespace), kind) == wanted, what=told)


def comes_up(world: World, namespace: str, **spec: Any) -> None:
    world.api.apply(gateway(namespace, "shop", **spec))
    until(world, namespace, ("True", "AllReplicasAvailable"))


def config(world: World, namespace: str) -> str:
    found = world.api.get(CONFIG_MAP, "shop-config", namespace=namespace)
    return "" if found is None else str(found["data"]["config.yaml"])


def running(world: World, namespace: str) -> int:
    return len([one for one in world.api.list(POD, namespace=namespace) if one["status"].get("phase") == "Running"])


def test_a_route_into_a_gateway_that_does_not_take_it_gives_nobody_anything(world: World) -> None:
    mine, other = world.namespace("escape-a"), world.namespace("escape-b")
    comes_up(world, mine)
    world.api.apply(route(other, "intruder", {"name": "shop", "namespace": mine}, "stock.read"))
    until(world, other, ("False", "NamespaceNotAccepted"), kind="GatewayBound", of=ROUTE, name="intruder")
    assert "stock.read" not in config(world, mine)


@pytest.mark.parametrize("relabelled", [False, True])
def test_a_plugin_that_the_tenant_does_not_allow_is_served_under_no_id(world: World, *, relabelled: bool) -> None:
    place = world.namespace(f"escape-c{int(relabelled)}")
    good, evil = f"escape-good-{int(relabelled)}", f"escape-evil-{int(relabelled)}"
    world.add(good)
    published = world.add(evil)
    world.api.apply(tenant("escape-bound", place, allowedPlugins=[{"name": f"dev.acme.{good}"}]))
    world.api.apply(tenant("escape-free", "escape-nowhere"))
    if relabelled:
        label = {
            "apiVersion": "v1",
            "kind": NAMESPACE.name,
            "metadata": {"name": place, "labels": {"mcpg.dev/tenant": "escape-free"}},
        }
        world.api.apply(label)
    world.api.apply(plugin_set(place, "main", {f"dev.acme.{good}": evil}))
    world.api.apply(gateway(place, "shop", pluginSetRef={"name": "main"}))

    def refused() -> bool:
        found = world.api.get(PLUGIN_SET, "main", namespace=place) or {}
        return "PluginNotAllowed" in str(found.get("status", {}).get("failedEntries"))

    world.until(refused, what="the set to refuse the plugin")
    until(world, place, ("False", "PluginSetNotReady"), kind="PluginSetReady")
    assert sha256(published.release.library) not in config(world, place)
    assert running(world, place) == 0


INLINE: tuple[dict[str, Any], ...] = (
    {"plugins": {"entries": [{"id": "dev.acme.evil", "source": {"path": "/data/evil.so"}}]}},
    {"plugins": [{"id": "dev.acme.good", "source": {"oci": "registry.example/evil/x:1"}}]},
    {"plugins": [{"id": "dev.acme.good", "signature": {"trusted_keys": [{"id": "mine", "pem": "mine"}]}}]},
    {"plugins": [{"id": "dev.acme.good", "signature": {"policy": "warn"}}]},
    {"gateway": {"plugin_registry": {"trusted_keys": [{"id": "mine", "pem": "mine"}]}}},
    {"gateway": {"plugin_registry": {"default_signature_policy": "disabled"}}},
    {"gateway": {"config_overlay": "/data/overlay.yaml"}},
)


def test_no_configuration_goes_around_the_tenant_s_list_and_keys(world: World) -> None:
    places = [world.namespace(f"escape-inline-{number}") for number in range(len(INLINE))]
    world.api.apply(tenant("escape-inline", *places, allowedPlugins=[{"name": "dev.acme.good"}]))
    for place, written in zip(places, INLINE, strict=True):
        world.api.apply(gateway(place, "shop", config=written))
    for place in places:
        until(world, place, ("False", "PluginNotAllowed"))
        assert world.api.get(DEPLOYMENT, "shop-gateway", namespace=place) is None


def test_what_the_operator_wrote_for_a_gateway_is_put_right(world: World) -> None:
    place = world.namespace("escape-edits")
    published = world.add("escape-edited")
    world.revoke(sha256(b"another library"))
    world.add_set(place, "main", "escape-edited")
    comes_up(world, place, pluginSetRef={"name": "main"})
    edits: tuple[tuple[Kind, str, dict[str, Any], Callable[[dict[str, Any]], Any]], ...] = (
        (CONFIG_MAP, "shop-config", {"data": {"config.yaml": "evil: true"}}, lambda one: one["data"]["config.yaml"]),
        (CONFIG_MAP, "shop-revocations", {"data": {"list.json": "{}"}}, lambda one: one["data"]["list.json"]),
        (
            DEPLOYMENT,
            "shop-gateway",
            {"metadata": {"annotations": {"mcpg.dev/plugin-digests": "{}"}, "labels": {"app.kubernetes.io/managed-by": "me"}}},
            lambda one: (one["metadata"]["annotations"]["mcpg.dev/plugin-digests"], one["metadata"]["labels"]),
        ),
    )
    for kind, name, edit, part in edits:
        before = part(world.api.get(kind, name, namespace=place))  # type: ignore[arg-type]
        metadata = {"name": name, "namespace": place, **edit.get("metadata", {})}
        body = {"apiVersion": kind.api_version, "kind": kind.name, **edit, "metadata": metadata}
        world.api.apply(body)
        world.until(
            lambda kind=kind, name=name, part=part, before=before: part(world.api.get(kind, name, namespace=place)) == before,  # type: ignore[misc]
            what=f"{kind} `{name}` to be put right",
        )
    assert sha256(published.release.library) in config(world, place)


def test_hiding_a_deployment_or_never_being_deleted_keeps_no_revoked_plugin_running(world: World) -> None:
    place = world.namespace("escape-lingering")
    published = world.add("escape-lingering")
    world.add_set(place, "main", "escape-lingering")
    comes_up(world, place, pluginSetRef={"name": "main"})
    finalizer = {"name": "shop", "namespace": place, "finalizers": ["example.test/never"]}
    held = {
        "apiVersion": GATEWAY.api_version,
        "kind": GATEWAY.name,
        "metadata": finalizer,
        "spec": {"pluginSetRef": {"name": "main"}},
    }
    world.api.apply(held)
    world.api.delete(GATEWAY, "shop", namespace=place)
    try:
        world.revoke(sha256(published.release.library))
        world.until(lambda: running(world, place) == 0, what="every pod to go")
    finally:
        world.api.apply({**held, "metadata": {"name": "shop", "namespace": place}})


def test_a_coordinator_s_credentials_reach_no_namespace_that_it_is_not_for(world: World) -> None:
    place, other = world.namespace("escape-cred-a"), world.namespace("escape-cred-b")
    secret = {
        "apiVersion": "v1", "kind": "Secret", "metadata": {"name": "coordinator", "namespace": HOME},
        "stringData": {"password": "hunter2-of-the-coordinator"},
    }  # fmt: skip
    world.api.apply(secret)
    shared = cluster("shared", credentialRefs=[{"name": "password", "secretName": "coordinator"}])
    shared["metadata"]["annotations"] = {"mcpg.dev/bindable-namespaces": other}
    world.api.apply(shared)
    world.api.apply(gateway(place, "shop", clusterRef={"name": "shared"}))
    until(world, place, ("False", "NamespaceNotAllowed"), kind="ClusterReady")
    assert not any(b"hunter2" in str(one).encode() for one in world.api.list(SECRET, namespace=place))
    assert "hunter2" not in str(world.api.get(GATEWAY, "shop", namespace=place))


def test_a_secret_of_one_s_own_namespace_is_no_credential_of_a_coordinator(world: World) -> None:
    place = world.namespace("escape-cred-c")
    mine = {
        "apiVersion": "v1", "kind": "Secret", "metadata": {"name": "escape-mine", "namespace": place}, "stringData": {"password": "x"},
    }  # fmt: skip
    world.api.apply(mine)
    world.api.apply(cluster("escape-foreign", credentialRefs=[{"name": "password", "secretName": "escape-mine"}]))
    world.until(
        lambda: said(world.api.get(CLUSTER, "escape-foreign")).reason == "CredentialMissing",
        what=lambda: f"the credential to be missing: {(world.api.get(CLUSTER, 'escape-foreign') or {}).get('status')}",
    )
