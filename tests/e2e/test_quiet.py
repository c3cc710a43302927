"""An operator with nothing to do does nothing, needs no right that it was not given, and tells nobody a secret."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mcpg_operator.resources import (
    CONFIG_MAP,
    EVENT,
    PLUGIN,
    PLUGIN_MIRROR,
    PLUGIN_SET,
    REVOCATION_LIST,
    ROLE_BINDING,
    SECRET,
)
from tests.e2e.world import RESYNC
from tests.support.cluster import NAMESPACE as HOME
from tests.support.cluster.objects import condition
from tests.support.cluster.publishing import pull_secret
from tests.support.registries import PASSWORD, docker_config

if TYPE_CHECKING:
    from tests.e2e.world import World
    from tests.support.cluster.operator_process import OperatorProcess

PASSES = 4
"""Of each controller over each of its objects."""
KINDS = (PLUGIN, PLUGIN_MIRROR, PLUGIN_SET, REVOCATION_LIST, SECRET, CONFIG_MAP, ROLE_BINDING, EVENT)
TENANT = "idle"
CONFIGURED = "TEST-ONLY-token-of-a-backend"


def everything(world: World) -> dict[str, Any]:
    """Uid and version of each object, without namespaces of other tests that are still being deleted."""
    places = ("/", f"{HOME}/", "default/", f"{TENANT}/")
    found = ((kind, name, version) for kind in KINDS for name, version in world.versions(kind).items())
    return {f"{kind} {name}": version for kind, name, version in found if name.startswith(places)}


def passes(operator: OperatorProcess, controller: str) -> float:
    start = f'mcpg_operator_reconcile_total{{controller="{controller}"'
    return sum(value for name, value in operator.metrics().items() if name.startswith(start))


def writes(operator: OperatorProcess) -> dict[str, float]:
    """Requests that write anything but the Lease, by their labels."""
    found = {name: value for name, value in operator.metrics().items() if name.startswith("mcpg_operator_api_request_total")}
    reading = ('verb="get"', 'verb="list"', 'verb="watch"', 'kind="Lease"')
    return {name: value for name, value in found.items() if not any(one in name for one in reading)}


def test_an_idle_cluster_sees_no_write_and_an_idle_registry_no_request(world: World, operator: OperatorProcess) -> None:
    tenant = world.namespace(TENANT)
    names = [f"idle-{number}" for number in range(5)]
    for name in names:
        world.install(name, world.publish(name))
    world.add_set(tenant, "main", *names, config={"token": CONFIGURED})
    world.set_ready(tenant, "main")
    world.revoke("b" * 64)
    world.until(lambda: condition(world.api.get(REVOCATION_LIST, "cluster-default")) == ("True", "Reconciled"), what="the list")
    world.until(lambda: rests(operator), what="the operator to have come to rest")
    before, written, asked = everything(world), writes(operator), world.gate.requests
    counts = {"plugin": len(names), "plugin-set": 1, "revocation-list": 1}
    goal = {name: passes(operator, name) + PASSES * count for name, count in counts.items()}
    world.until(
        lambda: all(passes(operator, name) >= count for name, count in goal.items()),
        seconds=PASSES * RESYNC * 10,
        what=f"{PASSES} passes over everything",
    )
    assert everything(world) == before
    assert writes(operator) == written
    assert world.gate.requests == asked


def rests(operator: OperatorProcess) -> bool:
    """No pass has written anything since the last look, and no event is still to be written."""
    waiting = operator.metrics()["mcpg_operator_events_waiting"]
    return not any(one.get("level") == "info" for one in operator.new_lines()) and waiting == 0


def test_a_tag_is_looked_at_every_resync_and_nothing_is_written_for_it(world: World, operator: OperatorProcess) -> None:
    published = world.publish("tagged")
    world.install("tagged", published, image=published.tagged)
    world.ready("tagged")
    world.until(lambda: rests(operator), what="the operator to have come to rest")
    before, asked = everything(world), world.gate.requests
    world.until(lambda: world.gate.requests >= asked + PASSES, seconds=PASSES * RESYNC * 4, what="the tag to be looked at")
    assert everything(world) == before


def test_no_right_is_missing_and_no_secret_is_told(world: World, operator: OperatorProcess) -> None:
    published = world.publish("private")
    host = world.registries.basic.host
    world.api.apply(pull_secret("private-login", host))
    world.install("private", published, pullSecretRef={"name": "private-login"})
    world.ready("private")
    world.api.apply(pull_secret("private-login", host, password="TEST-ONLY-next-password"))
    world.api.delete(PLUGIN, "private")
    world.until(lambda: not world.stored_for("private"), what="the Secrets of the deleted plugin to go")
    told = operator.text() + world.cluster.kubectl(
        "get", "mcpgplugins,mcpgpluginsets,mcpgrevocationlists,events,configmaps", "-A", "-o", "json"
    )
    statuses = str([one.get("status") for one in world.api.list(PLUGIN_SET)])
    credentials = docker_config(host).decode().split('"')[-2]
    assert not any(one in told for one in (PASSWORD, "TEST-ONLY-next-password", credentials))
    assert CONFIGURED not in operator.text() + statuses
    refused = [
        one
        for one in operator.lines()
        if "forbidden" in str(one.get("message", "")).lower() or one.get("reason") == "ApplyForbidden"
    ]
    assert refused == []
