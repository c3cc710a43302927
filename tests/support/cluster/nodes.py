"""Nodes on which pods seem to run: kube-scheduler puts them there, kwok says that they are ready. No container is started."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from mcpg_operator.resources import Kind
from tests.support.cluster.program import Program
from tests.support.components import component

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.cluster.running import RunningCluster

__all__ = ["NODE", "PROGRAMS", "running_nodes"]

PROGRAMS: Final = ("kube-scheduler", "kwok")
"""What has to be built."""
NODE: Final = Kind(name="Node", plural="nodes", namespaced=False)
_STAGES: Final = Path(__file__).with_name("stages.yaml")
_NAMES: Final = ("node-a", "node-b")


@contextmanager
def running_nodes(cluster: RunningCluster) -> Iterator[None]:
    """Give a running cluster two nodes with room for any number of pods, until the end of the block.

    A pod with the annotation `mcpg.test/never-ready` is scheduled and never comes up.
    """
    kubeconfig = f"--kubeconfig={cluster.kubeconfig}"
    scheduler = Program(
        [component("kube-scheduler"), kubeconfig, "--leader-elect=false", "--secure-port=0"],
        log=cluster.directory / "kube-scheduler.log",
        guard=cluster.guard,
    )
    kwok = Program(
        [component("kwok"), kubeconfig, f"--config={_STAGES}", "--manage-all-nodes=true"],
        log=cluster.directory / "kwok.log",
        guard=cluster.guard,
    )
    try:
        for program in (scheduler, kwok):
            program.start()
        for name in _NAMES:
            cluster.api.apply({
                "apiVersion": "v1",
                "kind": "Node",
                "metadata": {"name": name, "labels": {"kubernetes.io/hostname": name}, "annotations": {"kwok.x-k8s.io/node": "fake"}},
            })  # fmt: skip
        cluster.wait_until(lambda: all(_ready(cluster, name) for name in _NAMES), what=f"the nodes; see {kwok.log}")
        yield
    finally:
        for name in _NAMES:
            cluster.api.delete(NODE, name)
        for program in (kwok, scheduler):
            program.stop(grace=2)


def _ready(cluster: RunningCluster, name: str) -> bool:
    node = cluster.api.get(NODE, name) or {}
    ready = any(one["type"] == "Ready" and one["status"] == "True" for one in node.get("status", {}).get("conditions", ()))
    # The node life cycle controller takes the taint away, without which nothing would be scheduled.
    return ready and not node.get("spec", {}).get("taints")
