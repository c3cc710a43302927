"""What the API server alone makes of it: the same objects, written by the operator's own client as fast as it can.

Between a changed list and the last of so many statuses, or Deployments, lie as many writes. With an operator that cost nothing
they would take what they take here, on the same machine and in the same run.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lightkube import KubeConfig

from benchmarks.operator.meter import processor
from mcpg_operator.kube import KubeCluster
from mcpg_operator.names import manager
from mcpg_operator.render.gateway.deployment import REVOCATIONS_HASH
from mcpg_operator.render.gateway.names import names_of
from mcpg_operator.resources import CONFIG_MAP, DEPLOYMENT, PLUGIN
from tests.support.cluster.manifests import NAMESPACE, OPERATOR

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from benchmarks.operator.stage import Stage
    from mcpg_operator.resources import Resource

__all__ = ["Limit", "bare_rollouts", "bare_writes"]

_TURNED = {"True": "False", "False": "True"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """So many writes of whole statuses: seconds, and seconds of processor."""

    seconds: float
    client: float
    servers: float


def bare_writes(stage: Stage, count: int, *, hands: Callable[[Callable[[Resource], object], Iterable[Resource]], None]) -> Limit:
    """Turn two conditions of so many plugins, as a revocation does, while no operator runs; then turn them back."""
    file = stage.cluster.service_account_kubeconfig(NAMESPACE, OPERATOR)
    config = KubeConfig.from_file(file).get()
    if config is None:
        raise RuntimeError(f"`{file}` has no current context")
    cluster = KubeCluster(config=config)
    found = sorted(cluster.list(PLUGIN), key=lambda one: one.name)[:count]

    def write(one: Resource, status: Mapping[str, Any]) -> None:
        cluster.apply_status(PLUGIN, one.name, status=status, manager=manager("plugin"))

    began, ours, theirs = time.monotonic(), time.process_time(), processor(*stage.cluster.pids)
    hands(lambda one: write(one, _turned(one.status)), found)
    limit = Limit(
        seconds=time.monotonic() - began,
        client=time.process_time() - ours,
        servers=processor(*stage.cluster.pids) - theirs,
    )
    hands(lambda one: write(one, one.status), found)
    cluster.close()
    return limit


def bare_rollouts(stage: Stage, count: int, *, hands: Callable[[Callable[[Any], object], Iterable[Any]], None]) -> Limit:
    """Write another list into the ConfigMap of so many gateways, and its hash into their Deployments, while no operator runs."""
    file = stage.cluster.service_account_kubeconfig(NAMESPACE, OPERATOR)
    config = KubeConfig.from_file(file).get()
    if config is None:
        raise RuntimeError(f"`{file}` has no current context")
    cluster = KubeCluster(config=config)
    deployments = sorted(cluster.list(DEPLOYMENT), key=lambda one: (one.namespace or "", one.name))[:count]
    manifests = [_rolled(cluster, one) for one in deployments]

    def write(pair: tuple[dict[str, Any], dict[str, Any]]) -> None:
        for manifest in pair:
            cluster.apply(manifest, manager=manager("gateway"))

    began, ours, theirs = time.monotonic(), time.process_time(), processor(*stage.cluster.pids)
    hands(write, manifests)
    limit = Limit(
        seconds=time.monotonic() - began,
        client=time.process_time() - ours,
        servers=processor(*stage.cluster.pids) - theirs,
    )
    cluster.close()
    return limit


def _rolled(cluster: KubeCluster, deployment: Resource) -> tuple[dict[str, Any], dict[str, Any]]:
    """Give ConfigMap and Deployment of one gateway as they stand, but for the list."""
    name = names_of(deployment.name.removesuffix("-gateway")).revocations
    listed = cluster.get(CONFIG_MAP, name, namespace=deployment.namespace)
    if listed is None:
        raise LookupError(f"there is no ConfigMap `{deployment.namespace}/{name}`")
    changed, rolled = _bare(listed), _bare(deployment)
    changed["data"] = {key: text + " " for key, text in changed["data"].items()}
    rolled["spec"]["template"]["metadata"]["annotations"][REVOCATIONS_HASH] = "0" * 64
    return changed, rolled


def _bare(found: Resource) -> dict[str, Any]:
    """Leave out what the API server writes."""
    body = json.loads(json.dumps(found.body))
    body.pop("status", None)
    kept = ("name", "namespace", "labels", "annotations", "ownerReferences")
    body["metadata"] = {key: body["metadata"][key] for key in kept if key in body["metadata"]}
    body["metadata"].get("annotations", {}).pop("deployment.kubernetes.io/revision", None)
    return {**body, "apiVersion": found.kind.api_version, "kind": found.kind.name}


def _turned(status: Mapping[str, Any]) -> Mapping[str, Any]:
    def turned(condition: dict[str, Any]) -> dict[str, Any]:
        if condition["type"] not in {"Ready", "Revoked"}:
            return condition
        return {**condition, "status": _TURNED[condition["status"]], "message": "turned by the benchmark"}

    return {**status, "conditions": [turned(one) for one in status["conditions"]]}
