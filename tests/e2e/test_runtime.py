"""The process around the controllers: what it sees, who leads, what it survives and how it ends."""

from __future__ import annotations

import json
import re
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest

from mcpg_operator.resources import LEASE, PLUGIN_MIRROR, REVOCATION_LIST
from tests.support.cluster import NAMESPACE, OPERATOR, RunningCluster, definitions, rights, wait_until
from tests.support.cluster.operator_process import OperatorProcess

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def own_cluster(tmp_path: Any) -> Iterator[RunningCluster]:
    """A cluster that a test may break, without our kinds and rights."""
    with RunningCluster.running(tmp_path / "cluster") as running:
        yield running


def prepared(cluster: RunningCluster) -> RunningCluster:
    cluster.define(definitions())
    cluster.api.apply(rights())
    return cluster


def mirror(name: str) -> dict[str, Any]:
    service = {"name": "absent", "namespace": NAMESPACE, "port": 5000}
    return {
        "apiVersion": "mcpg.dev/v1alpha2",
        "kind": "MCPGPluginMirror",
        "metadata": {"name": name},
        "spec": {"upstream": {"registry": "ghcr.io", "namespace": "acme"}, "endpoint": {"service": service}},
    }


def leads(operator: OperatorProcess) -> bool:
    return operator.program.running and operator.answers("/reconcilez")


def until_leading(operator: OperatorProcess, *, seconds: float = 60) -> None:
    wait_until(lambda: leads(operator), seconds=seconds, what=f"{operator.name} to lead, log {operator.program.log}")


def reported(cluster: RunningCluster, name: str) -> bool:
    found = cluster.api.get(PLUGIN_MIRROR, name)
    return bool(found and found.get("status", {}).get("conditions"))


def holder(cluster: RunningCluster) -> str | None:
    found = cluster.api.get(LEASE, "mcpg-operator", namespace=NAMESPACE)
    return None if found is None else found["spec"].get("holderIdentity")


def test_without_the_definitions_it_is_alive_and_waits_until_they_are_there(own_cluster: RunningCluster) -> None:
    own_cluster.api.apply(rights())
    operator = OperatorProcess(own_cluster)
    operator.start()
    try:
        wait_until(lambda: operator.answers("/healthz"), what="the server")
        wait_until(lambda: any("waiting for the definitions" in line.get("message", "") for line in operator.lines()))
        assert not operator.answers("/readyz")
        assert holder(own_cluster) is None
        own_cluster.define(definitions())
        operator.wait_until_ready()
        until_leading(operator)
    finally:
        assert operator.stop() == 0


def test_deletions_during_an_outage_are_noticed_and_the_watch_goes_on(own_cluster: RunningCluster) -> None:
    cluster = prepared(own_cluster)
    with OperatorProcess.running(cluster, flags=("--lease-duration-secs=60", "--lease-renew-secs=50")) as operator:
        until_leading(operator)
        cluster.api.apply([mirror("stays"), mirror("goes")])
        for name in ("stays", "goes"):
            wait_until(lambda name=name: reported(cluster, name), what=f"{name} to be reported")  # type: ignore[misc]
        sample = 'mcpg_operator_condition{kind="MCPGPluginMirror",name="goes",namespace="",type="Ready"}'
        wait_until(lambda: sample in operator.metrics(), what="the mirror's metric")

        operator.freeze()
        cluster.api.delete(PLUGIN_MIRROR, "goes")
        cluster.stop_api_server()
        cluster.start_api_server()
        operator.thaw()

        wait_until(lambda: sample not in operator.metrics(), seconds=60, what="the deletion to be noticed")
        cluster.api.apply(mirror("later"))
        wait_until(lambda: reported(cluster, "later"), seconds=60, what="the watch to go on")
        assert operator.program.running


def test_an_api_server_that_is_away_at_the_start_is_waited_for(own_cluster: RunningCluster) -> None:
    cluster = prepared(own_cluster)
    operator = OperatorProcess(cluster)
    cluster.service_account_kubeconfig(NAMESPACE, OPERATOR)
    cluster.stop_api_server()
    operator.program.start()
    try:
        wait_until(lambda: operator.answers("/healthz"), what="the server")
        assert not operator.answers("/readyz")
        cluster.start_api_server()
        operator.wait_until_ready()
        until_leading(operator)
    finally:
        assert operator.stop() == 0


def test_a_leader_that_cannot_renew_ends_and_comes_back(own_cluster: RunningCluster) -> None:
    cluster = prepared(own_cluster)
    with OperatorProcess.running(cluster) as operator:
        until_leading(operator)
        cluster.stop_api_server()
        assert operator.program.wait(30) == 1
        assert any(line.get("message") == "the process ends: the Lease was lost" for line in operator.lines())
        cluster.start_api_server()
        operator.start()
        until_leading(operator)


@pytest.fixture
def home(cluster: RunningCluster) -> RunningCluster:
    cluster.api.delete(LEASE, "mcpg-operator", namespace=NAMESPACE)
    return cluster


def test_of_two_replicas_one_leads_and_both_are_ready_and_a_killed_leader_is_followed(home: RunningCluster) -> None:
    with ExitStack() as stack:
        first = stack.enter_context(OperatorProcess.running(home, name="operator-a"))
        until_leading(first)
        second = stack.enter_context(OperatorProcess.running(home, name="operator-b"))
        assert second.answers("/readyz")
        assert not second.answers("/reconcilez")
        leader = 'mcpg_operator_leader_elected{lease="mcpg-operator"}'
        assert (first.metrics()[leader], second.metrics()[leader]) == (1, 0)
        assert holder(home) == "operator-a"
        first.kill()
        until_leading(second, seconds=20)
        assert holder(home) == "operator-b"
        home.api.apply(mirror("after-the-kill"))
        wait_until(lambda: reported(home, "after-the-kill"), what="the follower to work")
        home.api.delete(PLUGIN_MIRROR, "after-the-kill")


def test_a_leader_that_stood_still_writes_nothing_after_another_took_over(home: RunningCluster) -> None:
    with ExitStack() as stack:
        first = stack.enter_context(OperatorProcess.running(home, name="operator-a"))
        until_leading(first)
        second = stack.enter_context(OperatorProcess.running(home, name="operator-b"))
        first.freeze()
        until_leading(second, seconds=20)
        first.thaw()
        assert first.program.wait(20) == 1
        assert leads(second)
        assert holder(home) == "operator-b"


def test_a_leader_that_is_told_to_stop_hands_over_quickly(home: RunningCluster) -> None:
    with ExitStack() as stack:
        first = stack.enter_context(OperatorProcess.running(home, name="operator-a"))
        until_leading(first)
        second = stack.enter_context(OperatorProcess.running(home, name="operator-b"))
        assert first.stop() == 0
        until_leading(second, seconds=20)
        found = home.api.get(LEASE, "mcpg-operator", namespace=NAMESPACE)
        assert found is not None
        assert found["spec"]["leaseTransitions"] == 1


def requests(operator: OperatorProcess, *, writing: bool) -> float:
    """How often the API server was asked, by what the operator counts; the Lease is left out."""
    total = 0.0
    for name, value in operator.metrics().items():
        labels = dict(re.findall(r'(\w+)="(\w*)"', name))
        if name.startswith("mcpg_operator_api_request_total") and labels["kind"] != "Lease":
            total += value * ((labels["verb"] in {"get", "list"}) is not writing)
    return total


def test_an_idle_operator_writes_nothing_at_a_resync(home: RunningCluster) -> None:
    with OperatorProcess.running(home, flags=("--resync-interval-secs=0.5",)) as operator:
        until_leading(operator)
        home.api.apply(mirror("idle"))
        wait_until(lambda: reported(home, "idle"), what="the mirror to be reported")

        def undisturbed() -> bool:
            writes, reads = requests(operator, writing=True), requests(operator, writing=False)
            wait_until(lambda: requests(operator, writing=False) > reads + 50, seconds=30, what="some resyncs")
            return requests(operator, writing=True) == writes

        wait_until(undisturbed, seconds=40, what="resyncs that write nothing")
        home.api.delete(PLUGIN_MIRROR, "idle")


def test_it_sees_changes_of_every_watched_kind_within_moments(home: RunningCluster) -> None:
    with OperatorProcess.running(home) as operator:
        until_leading(operator)
        lists = {"apiVersion": "mcpg.dev/v1alpha2", "kind": "MCPGRevocationList", "metadata": {"name": "seen"}}
        home.api.apply({**lists, "spec": {"revocations": []}})
        home.api.apply(mirror("seen"))
        wait_until(lambda: reported(home, "seen"), seconds=10)
        wait_until(lambda: (home.api.get(REVOCATION_LIST, "seen") or {}).get("status"), seconds=10)
        home.api.delete(REVOCATION_LIST, "seen")
        home.api.delete(PLUGIN_MIRROR, "seen")


def test_every_line_of_its_log_is_json_and_kopf_is_quiet(home: RunningCluster) -> None:
    with OperatorProcess.running(home, flags=("--log-level=info",)) as operator:
        until_leading(operator)
        home.api.apply([mirror(f"loud-{number}") for number in range(5)])
        for number in range(5):
            wait_until(lambda number=number: reported(home, f"loud-{number}"))  # type: ignore[misc]
            home.api.delete(PLUGIN_MIRROR, f"loud-{number}")
        new = operator.new_lines()
    assert [line for line in new if "text" in line] == []
    assert [line for line in new if line["logger"].startswith("kopf")] == []
    assert json.dumps(new).count("Traceback") == 0


def test_a_stop_while_it_waits_for_the_lease_is_quick_and_clean(home: RunningCluster) -> None:
    with OperatorProcess.running(home, name="operator-a") as first:
        until_leading(first)
        second = OperatorProcess(home, name="operator-b")
        second.start()
        second.wait_until_ready()
        assert second.stop() == 0
        assert holder(home) == "operator-a"


def test_nothing_of_kopf_is_left_on_the_objects(home: RunningCluster) -> None:
    with OperatorProcess.running(home) as operator:
        until_leading(operator)
        home.api.apply(mirror("clean"))
        wait_until(lambda: reported(home, "clean"))
    found = home.api.get(PLUGIN_MIRROR, "clean")
    assert found is not None
    assert "finalizers" not in found["metadata"]
    assert "kopf" not in json.dumps(found)
    home.api.delete(PLUGIN_MIRROR, "clean")
