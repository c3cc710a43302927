"""The cluster that the other tests stand on does what a cluster does."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from mcpg_operator.resources import CONFIG_MAP, NAMESPACE, PLUGIN_SET, SECRET
from tests.support.cluster import ApiError, RunningCluster

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def namespace(cluster: RunningCluster) -> Iterator[str]:
    yield cluster.namespace("smoke")
    cluster.api.delete(NAMESPACE, "smoke")


def config_map(namespace: str, name: str, **metadata: Any) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, "namespace": namespace, **metadata},
        "data": {"key": "value"},
    }


def test_it_is_the_kubernetes_that_is_pinned(cluster: RunningCluster) -> None:
    pinned = next(word for word in (ROOT / "tools/kubernetes/go.mod").read_text().split() if word.startswith("v1."))
    versions = json.loads(cluster.kubectl("version", "--output=json"))
    assert (versions["clientVersion"]["gitVersion"], versions["serverVersion"]["gitVersion"]) == (pinned, pinned)
    assert cluster.kubectl("version").splitlines()[-1] == f"Server Version: {pinned}"


def test_the_garbage_collector_deletes_what_lost_its_owner(cluster: RunningCluster, namespace: str) -> None:
    [owner] = cluster.api.apply(config_map(namespace, "owner"))
    reference = {"apiVersion": "v1", "kind": "ConfigMap", "name": "owner", "uid": owner["metadata"]["uid"]}
    cluster.api.apply([config_map(namespace, "owned", ownerReferences=[reference]), config_map(namespace, "free")])
    assert cluster.api.delete(CONFIG_MAP, "owner", namespace=namespace)
    cluster.wait_until(lambda: cluster.api.get(CONFIG_MAP, "owned", namespace=namespace) is None, what="the owned one to go")
    assert cluster.api.get(CONFIG_MAP, "free", namespace=namespace) is not None


def test_the_garbage_collector_deletes_what_names_an_owner_that_never_was(cluster: RunningCluster, namespace: str) -> None:
    reference = {"apiVersion": "v1", "kind": "ConfigMap", "name": "nobody", "uid": "5d9a0a4e-0000-4000-8000-000000000000"}
    cluster.api.apply(config_map(namespace, "orphan", ownerReferences=[reference]))
    cluster.wait_until(lambda: cluster.api.get(CONFIG_MAP, "orphan", namespace=namespace) is None, what="the orphan to go")


def test_the_garbage_collector_knows_the_shipped_kinds_from_the_start(cluster: RunningCluster, namespace: str) -> None:
    entry = {"id": "dev.example.audit", "pluginRef": {"name": "audit"}}
    [owner] = cluster.api.apply(
        {
            "apiVersion": PLUGIN_SET.api_version,
            "kind": PLUGIN_SET.name,
            "metadata": {"name": "owner", "namespace": namespace},
            "spec": {"entries": [entry]},
        }
    )
    reference = {"apiVersion": owner["apiVersion"], "kind": owner["kind"], "name": "owner", "uid": owner["metadata"]["uid"]}
    cluster.api.apply(config_map(namespace, "owned-by-a-set", ownerReferences=[reference]))
    assert cluster.api.delete(PLUGIN_SET, "owner", namespace=namespace)
    cluster.wait_until(lambda: cluster.api.get(CONFIG_MAP, "owned-by-a-set", namespace=namespace) is None, what="it to go")


def test_a_deleted_namespace_takes_its_objects_along(cluster: RunningCluster) -> None:
    cluster.api.apply(config_map(cluster.namespace("short-lived"), "inside"))
    cluster.drop_namespace("short-lived")
    assert cluster.api.list(CONFIG_MAP, fields="metadata.name=inside") == []


def test_a_service_account_may_do_what_it_was_given_and_nothing_else(cluster: RunningCluster, namespace: str) -> None:
    cluster.api.apply(config_map(namespace, "readable"))
    with closing(cluster.client(token=cluster.token(namespace, "default"))) as nobody:
        with pytest.raises(ApiError, match="cannot get resource") as refused:
            nobody.get(CONFIG_MAP, "readable", namespace=namespace)
        assert (refused.value.status, refused.value.reason) == (403, "Forbidden")
        words = ("--clusterrole=view", f"--serviceaccount={namespace}:default", f"--namespace={namespace}")
        cluster.kubectl("create", "rolebinding", "viewers", *words)
        cluster.wait_until(lambda: nobody.get(CONFIG_MAP, "readable", namespace=namespace), what="the binding to count")
        with pytest.raises(ApiError, match="cannot list resource"):
            nobody.list(SECRET, namespace=namespace)


def test_a_kubeconfig_of_a_service_account_is_that_account(cluster: RunningCluster, namespace: str) -> None:
    file = cluster.service_account_kubeconfig(namespace, "default")
    answer = json.loads(cluster.kubectl(f"--kubeconfig={file}", "auth", "whoami", "--output=json"))
    assert answer["status"]["userInfo"]["username"] == f"system:serviceaccount:{namespace}:default"
    assert file.stat().st_mode & 0o077 == 0


def test_a_request_without_a_name_is_refused(cluster: RunningCluster) -> None:
    with closing(cluster.client()) as stranger, pytest.raises(ApiError) as refused:
        stranger.list(NAMESPACE)
    assert refused.value.status == 401


def test_objects_outlive_a_restart_of_the_api_server(cluster: RunningCluster, namespace: str) -> None:
    [before] = cluster.api.apply(config_map(namespace, "kept-by-the-api-server"))
    cluster.stop_api_server()
    assert cluster.kubectl("get", "namespaces", check=False).rstrip().endswith("did you specify the right host or port?")
    cluster.start_api_server()
    assert cluster.api.get(CONFIG_MAP, "kept-by-the-api-server", namespace=namespace) == before


def test_objects_outlive_a_restart_of_etcd(cluster: RunningCluster, namespace: str) -> None:
    [before] = cluster.api.apply(config_map(namespace, "kept-by-etcd"))
    cluster.stop_etcd()
    with pytest.raises(ApiError):
        cluster.api.request("GET", "/readyz/etcd")
    cluster.start_etcd()
    found = cluster.wait_until(lambda: cluster.api.get(CONFIG_MAP, "kept-by-etcd", namespace=namespace))
    assert found == before


def test_the_controllers_work_after_all_these_restarts(cluster: RunningCluster) -> None:
    cluster.stop_controller_manager()
    cluster.start_controller_manager()
    name = cluster.namespace("afterwards")
    cluster.wait_until(lambda: cluster.api.get(CONFIG_MAP, "kube-root-ca.crt", namespace=name), what="the CA's ConfigMap")
    cluster.api.delete(NAMESPACE, name)


def test_no_program_outlives_a_test_run_that_is_killed(tmp_path: Path) -> None:
    code = f"""
import sys, time
from pathlib import Path
from tests.support.cluster.program import Guard, Program
program = Program(["sleep", "600"], log=Path({str(tmp_path)!r}) / "log", guard=Guard())
program.start()
print(program.pid, flush=True)
time.sleep(600)
"""
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, cwd=ROOT) as run:
        assert run.stdout is not None
        pid = int(run.stdout.readline())
        os.kill(pid, 0)
        run.kill()
    end = time.monotonic() + 10
    while _alive(pid) and time.monotonic() < end:
        time.sleep(0.01)
    assert not _alive(pid)


def _alive(pid: int) -> bool:
    """A zombie that nobody waited for has ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
