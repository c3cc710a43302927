"""The controller with its real threads, queue and downloads, many plugins at a time."""

import time
from collections.abc import Callable
from functools import partial

import httpx

from mcpg_operator.controllers.plugin import PluginReconciler
from mcpg_operator.resources import PLUGIN, SECRET, Key
from mcpg_operator.runtime.controller import Controller
from mcpg_operator.runtime.queue import WorkQueue
from supplychain.digest import ArtifactHash
from supplychain.mirror.transport import RegistryClient
from tests.operators.plugin.world import LIBRARY, big_library, build_package, operator
from tests.support.fake_registry import FakeInternet

MANY = 30


def until(true: Callable[[], bool], *, seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it never came true"
        time.sleep(0.005)


def test_many_plugins_are_verified_revoked_and_deleted_by_many_threads():
    op = operator()  # only for its world and its registry
    op.publish()
    op.publish(build_package(artifact=big_library()), "1.2.3")
    queue = WorkQueue()
    services = op.world.services(wake=queue.add)
    connect = partial(RegistryClient, transport=httpx.MockTransport(FakeInternet(op.registry)), sleep=lambda _: None)
    reconciler = PluginReconciler(services, trust=op.trust, connect=connect)
    controller = Controller(reconciler, services, queue=queue)
    controller.start()
    try:
        for number in range(MANY):
            image = "registry.example/acme/plugins/echo:" + ("1.2.3" if number % 10 == 0 else "1.2.3-linux-amd64")
            op.apply(f"p{number}", oci={"image": image})
        until(lambda: all(found_ready(op, number) == "True" for number in range(MANY)))
        op.revoke(ArtifactHash.of(LIBRARY))
        until(lambda: sum(found_ready(op, number) == "False" for number in range(MANY)) == MANY - 3)
        op.revoke()
        until(lambda: all(found_ready(op, number) == "True" for number in range(MANY)))
        for number in range(MANY):
            op.delete(f"p{number}")
        until(lambda: not op.secrets())
        assert op.world.ledger.all() == ()
    finally:
        controller.stop()
        assert controller.join(10)
        reconciler.close()


def found_ready(op, number):
    found = op.world.cluster.get(PLUGIN, f"p{number}")
    return next((one["status"] for one in found.conditions if one["type"] == "Ready"), None)


def test_only_what_concerns_a_plugin_wakes_it():
    op = operator()
    op.publish()
    op.apply().settle()
    op.results.clear()
    op.world.cluster.edit(Key(PLUGIN, "echo"), lambda found: found["status"].update(lastReconcileTime="2020-01-01T00:00:00Z"))
    op.world.cluster.put(SECRET, {"metadata": {"name": "unrelated", "namespace": "mcpg-system"}, "data": {}})
    op.mirror("unrelated").settle()
    assert op.results == {}
    op.key().settle()
    op.world.cluster.edit(Key(SECRET, "release-key", "mcpg-system"), lambda found: found.update(type="Opaque2"))
    op.settle()
    assert set(op.results) == {Key(PLUGIN, "echo")}
