"""Mirrors and revocation lists on a real cluster, with the rights that are shipped and nothing stubbed."""

from __future__ import annotations

import hashlib
import json
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

from mcpg_operator.resources import (
    CONFIG_MAP,
    GATEWAY,
    PLUGIN,
    PLUGIN_MIRROR,
    REVOCATION_LIST,
    SERVICE,
    Kind,
)
from supplychain.revocation import parse_revocation_list
from tests.support.cluster import NAMESPACE as HOME
from tests.support.cluster.gate import Gate
from tests.support.cluster.objects import condition, mirror, revocation_list, said
from tests.support.cluster.publishing import pull_secret
from tests.support.registries import PASSWORD, USER

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.e2e.world import World
    from tests.support.cluster.operator_process import OperatorProcess

LIST = "cluster-default"
COPY = "mcpg-revocation-list"
KEPT = "mcpg-revocations-in-force"
A, B, C = "a" * 64, "b" * 64, "c" * 64


@pytest.fixture(scope="module")
def door(registries) -> Iterator[Gate]:
    """The way to the mirror `harbor`."""
    with Gate.opened(registries.referrers.host) as gate:
        yield gate


@pytest.fixture(scope="module")
def operator(world: World, door: Gate) -> Iterator[OperatorProcess]:
    """An operator that reaches the mirrors from outside the cluster."""
    flags = (f"--mirror-endpoint=harbor={door.host}", f"--mirror-endpoint=locked={world.registries.basic.host}")
    with world.operator(flags=flags) as process:
        yield process
        lines = process.lines()
    ours = [one for one in lines if not str(one.get("logger")).startswith("kopf.")]
    said = [one for one in ours if one.get("level") in {"error", "critical"} or "Traceback" in str(one)]
    assert not said, said[:3]


pytestmark = pytest.mark.usefixtures("operator")


def ready(world: World, kind: Kind, name: str, status: str, reason: str, *, seconds: float = 30) -> dict[str, Any]:
    """Wait for the condition `Ready` about the present spec; gives the status."""
    world.until(
        lambda: condition(world.api.get(kind, name)) == (status, reason),
        seconds=seconds,
        what=lambda: f"{kind} `{name}` to be {status} {reason}, {(world.api.get(kind, name) or {}).get('status')}",
    )
    return dict(world.api.get(kind, name)["status"])  # type: ignore[index]


# -- mirrors ------------------------------------------------------------------------------------------------------------


def test_a_mirror_is_ready_while_its_registry_answers_and_only_then(world: World, door: Gate) -> None:
    world.api.apply(mirror("harbor", registry="ghcr.io", upstream="acme", namespace="oci"))
    status = ready(world, PLUGIN_MIRROR, "harbor", "True", "Reconciled")
    assert (status["reachable"], status["endpointHost"], status["proxiedReferences"]) == (True, door.host, 0)
    door.shut()
    status = ready(world, PLUGIN_MIRROR, "harbor", "False", "MirrorUnreachable")
    assert status["reachable"] is False
    door.open()
    assert ready(world, PLUGIN_MIRROR, "harbor", "True", "Reconciled", seconds=60)["reachable"] is True
    assert {("Normal", "Reconciled"), ("Warning", "MirrorUnreachable")} <= world.events("harbor")


def test_plugins_that_name_a_mirror_are_counted(world: World) -> None:
    published = world.publish("counted")
    world.api.apply(mirror("harbor", registry="ghcr.io", upstream="acme", namespace="oci"))
    for number in range(3):
        world.api.apply(published.plugin(f"counted-{number}", mirrorRef={"name": "harbor"}))
    counted(world, 3)
    world.api.delete(PLUGIN, "counted-0")
    counted(world, 2)
    world.api.merge(PLUGIN, "counted-1", {"spec": {"oci": {"mirrorRef": None}}})
    counted(world, 1)
    world.api.delete(PLUGIN, "counted-1")
    world.api.delete(PLUGIN, "counted-2")
    counted(world, 0)


def counted(world: World, number: int) -> None:
    world.until(
        lambda: world.api.get(PLUGIN_MIRROR, "harbor")["status"].get("proxiedReferences") == number,  # type: ignore[index]
        what=f"{number} plugins that name the mirror",
    )


def test_a_missing_service_is_told_and_its_coming_is_seen(world: World) -> None:
    world.api.apply(mirror("nowhere", registry="ghcr.io", upstream="acme", namespace="default"))
    status = ready(world, PLUGIN_MIRROR, "nowhere", "False", "MirrorServiceNotFound")
    assert status["reachable"] is False
    assert status["endpointHost"] == "nowhere.default.svc.cluster.local:5000"
    assert world.api.get(SERVICE, "nowhere", namespace="default") is None


def test_credentials_are_tried_as_soon_as_they_are_there(world: World) -> None:
    host = world.registries.basic.host
    world.api.apply(mirror("locked", registry="ghcr.io", upstream="acme", namespace="oci", secret="locked"))
    ready(world, PLUGIN_MIRROR, "locked", "False", "PullSecretInvalid")
    world.api.apply(pull_secret("locked", host, user=USER, password="TEST-ONLY-wrong"))
    status = ready(world, PLUGIN_MIRROR, "locked", "False", "MirrorAuthFailed")
    assert status["reachable"] is True
    world.api.apply(pull_secret("locked", host, user=USER, password=PASSWORD))
    ready(world, PLUGIN_MIRROR, "locked", "True", "Reconciled")
    everything = json.dumps([world.api.get(PLUGIN_MIRROR, "locked"), world.api.request("GET", "/api/v1/events")])
    assert PASSWORD not in everything
    assert "TEST-ONLY-wrong" not in everything


# -- the list that counts -------------------------------------------------------------------------------------------------


def copied(world: World, namespace: str) -> set[str] | None:
    """The entries that the gateways of a namespace get; None where there is no copy."""
    found = world.api.get(CONFIG_MAP, COPY, namespace=namespace)
    if found is None:
        return None
    return set(parse_revocation_list(found["data"]["revocations.json"].encode(), name="copy").entries)


def reached(world: World, namespace: str, *entries: str) -> None:
    world.until(
        lambda: copied(world, namespace) == set(entries),
        what=lambda: f"a copy in `{namespace}`, {world.api.get(REVOCATION_LIST, LIST)}",
    )


def gateway(world: World, namespace: str) -> None:
    world.api.apply(
        {
            "apiVersion": GATEWAY.api_version,
            "kind": GATEWAY.name,
            "metadata": {"name": "gateway", "namespace": namespace},
            "spec": {"replicas": 1},
        }
    )


@pytest.fixture
def shop(world: World) -> Iterator[str]:
    """A namespace with a gateway, and a list with one entry that has reached it."""
    name = world.namespace("shop")
    gateway(world, name)
    world.revoke(A)
    reached(world, name, A)
    yield name
    world.api.delete(GATEWAY, "gateway", namespace=name)
    world.api.delete(CONFIG_MAP, COPY, namespace=name)
    world.cluster.drop_namespace(name)
    world._namespaces.remove(name)


def test_a_cluster_without_a_list_gets_an_empty_one(world: World) -> None:
    status = ready(world, REVOCATION_LIST, LIST, "True", "Reconciled")
    assert status["observedRevocations"] == 0


def test_a_list_reaches_the_namespaces_that_have_a_gateway_and_leaves_those_that_have_none(world: World, shop: str) -> None:
    status = ready(world, REVOCATION_LIST, LIST, "True", "Reconciled")
    found = world.api.get(CONFIG_MAP, COPY, namespace=shop)
    assert found is not None
    digest = hashlib.sha256(found["data"]["revocations.json"].encode()).hexdigest()
    assert digest == found["metadata"]["annotations"]["mcpg.dev/content-hash"] == status["contentHash"]
    assert status["materialisedNamespaces"] == 1
    assert copied(world, "default") is None
    world.revoke(A, B)
    reached(world, shop, A, B)
    world.api.delete(GATEWAY, "gateway", namespace=shop)
    world.until(lambda: copied(world, shop) is None, what="the copy to go")


def test_a_copy_that_is_edited_or_deleted_by_hand_comes_back(world: World, shop: str) -> None:
    world.api.merge(CONFIG_MAP, COPY, {"data": {"revocations.json": '{"version": 1, "revocations": []}'}}, namespace=shop)
    reached(world, shop, A)
    world.api.delete(CONFIG_MAP, COPY, namespace=shop)
    reached(world, shop, A)
    world.api.merge(CONFIG_MAP, COPY, {"immutable": True}, namespace=shop)
    world.revoke(A, B)
    reached(world, shop, A, B)


def test_a_configmap_of_somebody_else_is_not_touched(world: World, shop: str) -> None:
    world.api.delete(GATEWAY, "gateway", namespace=shop)
    world.until(lambda: copied(world, shop) is None, what="the copy to go")
    mine = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": COPY, "namespace": shop}, "data": {"mine": "yes"}}
    world.api.create(mine)
    gateway(world, shop)
    ready(world, REVOCATION_LIST, LIST, "False", "NameConflict")
    found = world.api.get(CONFIG_MAP, COPY, namespace=shop)
    assert found is not None
    assert found["data"] == {"mine": "yes"}
    world.api.delete(CONFIG_MAP, COPY, namespace=shop)
    reached(world, shop, A)
    ready(world, REVOCATION_LIST, LIST, "True", "Reconciled")


def test_a_deleted_list_stays_in_force_through_a_restart(world: World, shop: str, operator: OperatorProcess) -> None:
    ready(world, REVOCATION_LIST, LIST, "True", "Reconciled")
    world.api.delete(REVOCATION_LIST, LIST)
    world.until(lambda: ("Warning", "RevocationListVanished") in world.events(LIST), what="an event about the list")
    operator.restart()
    world.api.delete(CONFIG_MAP, COPY, namespace=shop)
    reached(world, shop, A)
    assert world.api.get(REVOCATION_LIST, LIST) is None
    world.revoke(B)
    reached(world, shop, B)
    ready(world, REVOCATION_LIST, LIST, "True", "Reconciled")


def test_a_list_that_is_deleted_while_no_operator_runs_stays_in_force(world: World, shop: str, operator: OperatorProcess) -> None:
    ready(world, REVOCATION_LIST, LIST, "True", "Reconciled")
    operator.stop()
    world.api.delete(REVOCATION_LIST, LIST)
    world.api.delete(CONFIG_MAP, COPY, namespace=shop)
    operator.start()
    operator.wait_until_ready()
    reached(world, shop, A)
    assert world.api.get(REVOCATION_LIST, LIST) is None
    world.revoke()
    reached(world, shop)


def test_bad_entries_are_named_and_the_good_ones_reach_everybody(world: World, shop: str) -> None:
    """The same artifact in both cases is what a schema cannot see."""
    world.api.apply(revocation_list(A, B, B.upper()))
    status = ready(world, REVOCATION_LIST, LIST, "False", "RevocationListInvalid")
    told = said(world.api.get(REVOCATION_LIST, LIST))
    assert told is not None
    assert "revocations[2]" in told.message
    assert status["observedRevocations"] == 2
    reached(world, shop, A, B)


def test_five_thousand_entries_reach_the_gateways_and_outlive_the_list(world: World, shop: str) -> None:
    many = [f"{number:064x}" for number in range(5_000)]
    world.api.apply(revocation_list(*many, reason="compromised build machine, see the notice"))
    reached(world, shop, *many)
    status = ready(world, REVOCATION_LIST, LIST, "True", "Reconciled")
    assert status["observedRevocations"] == 5_000
    world.api.delete(REVOCATION_LIST, LIST)
    world.api.delete(CONFIG_MAP, COPY, namespace=shop)
    reached(world, shop, *many)
    assert world.api.get(CONFIG_MAP, KEPT, namespace=HOME) is not None


def test_another_list_advises_and_is_brought_nowhere(world: World, shop: str) -> None:
    world.api.apply(revocation_list(C, name="team"))
    status = ready(world, REVOCATION_LIST, "team", "True", "Advisory")
    assert status["observedRevocations"] == 1
    world.revoke(A, B)
    reached(world, shop, A, B)


def test_a_revoked_plugin_is_blocked_and_named_within_seconds(world: World) -> None:
    world.revoke()
    release = world.add("taken").release
    world.revoke(release.artifact_hash)
    world.refused("taken", "ArtefactRevoked", seconds=10)
    world.until(
        lambda: world.api.get(REVOCATION_LIST, LIST)["status"].get("pluginsBlocked") == ["taken"],  # type: ignore[index]
        what="the list to name the plugin",
    )
    world.revoke()
    world.ready("taken")
    world.until(
        lambda: world.api.get(REVOCATION_LIST, LIST)["status"].get("pluginsBlocked") == [],  # type: ignore[index]
        what="the list to name nobody",
    )


def test_an_idle_cluster_is_not_written_to(world: World, operator: OperatorProcess) -> None:
    world.api.apply(mirror("harbor", registry="ghcr.io", upstream="acme", namespace="oci"))
    world.revoke(A)
    ready(world, PLUGIN_MIRROR, "harbor", "True", "Reconciled", seconds=60)
    ready(world, REVOCATION_LIST, LIST, "True", "Reconciled")

    def versions() -> list[str]:
        kinds = (PLUGIN_MIRROR, REVOCATION_LIST, CONFIG_MAP)
        return [one["metadata"]["resourceVersion"] for kind in kinds for one in world.api.list(kind)]

    def passes() -> float:
        wanted = [f'mcpg_operator_reconcile_total{{controller="{one}"' for one in ("plugin-mirror", "revocation-list")]
        found = operator.metrics()
        return min(sum(value for name, value in found.items() if name.startswith(one)) for one in wanted)

    with closing(world.cluster.client()):
        before, start = versions(), passes()
        world.until(lambda: passes() >= start + 3, what="three more passes of each")
        assert versions() == before
