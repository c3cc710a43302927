"""What an API server demands of the objects that gateways come to, as far as their makers can get it wrong.

Facts of the Kubernetes API (names, labels, pods, services, quantities), checked without a server; `tests/e2e` asks a real one.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from supplychain.api.values import amount

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["problems"]

_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
_SERVICE = re.compile(r"[a-z]([-a-z0-9]{0,61}[a-z0-9])?")
_LABEL_VALUE = re.compile(r"([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?")
_VARIABLE = re.compile(r"[-._a-zA-Z][-._a-zA-Z0-9]*")
_PORT_NAME = re.compile(r"(?=.*[a-z])[a-z0-9]([-a-z0-9]{0,13}[a-z0-9])?")
_LONGEST_WORKLOAD = 253 - 11 - 6
"""A ReplicaSet's name is longer by a hash, a pod's by another one."""


def problems(manifest: Mapping[str, Any]) -> list[str]:
    """Say what an API server would refuse, or what it would take and nobody could use."""
    kind = manifest["kind"]
    found = list(_shared(manifest))
    if kind == "Deployment":
        found += _deployment(manifest)
    elif kind == "Service":
        found += _service(manifest)
    elif kind == "HorizontalPodAutoscaler":
        spec = manifest["spec"]
        found += [] if 1 <= spec["minReplicas"] <= spec["maxReplicas"] and spec["metrics"] else ["bounds"]
    elif kind == "NetworkPolicy":
        found += _network_policy(manifest["spec"])
    elif kind == "PodDisruptionBudget":
        found += [] if len({"minAvailable", "maxUnavailable"} & set(manifest["spec"])) == 1 else ["thresholds"]
    elif kind == "ConfigMap":
        total = sum(len(text.encode()) for text in manifest["data"].values())
        found += [] if total <= 1024 * 1024 else ["data is too long"]
    return found


def _shared(manifest: Mapping[str, Any]) -> Iterator[str]:
    for path, value in _leaves(manifest):
        if value is None:
            yield f"{path} is null"
    for path, selector in _selectors(manifest):
        for key, value in selector.items():
            if not isinstance(value, str) or not _LABEL_VALUE.fullmatch(value):
                yield f"{path}: {key}={value}"
    if not _LABEL.fullmatch(manifest["metadata"]["namespace"]):
        yield "namespace"


def _leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _leaves(inner, f"{path}.{key}")
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from _leaves(inner, f"{path}[{number}]")
    else:
        yield path, value


def _selectors(value: Any, path: str = "") -> Iterator[tuple[str, Mapping[str, Any]]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            if key in {"labels", "matchLabels"} and isinstance(inner, dict) and "alert" not in value:
                yield f"{path}.{key}", inner
            yield from _selectors(inner, f"{path}.{key}")
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from _selectors(inner, f"{path}[{number}]")


def _deployment(manifest: Mapping[str, Any]) -> Iterator[str]:
    spec = manifest["spec"]
    template = spec["template"]
    if len(manifest["metadata"]["name"]) > _LONGEST_WORKLOAD:
        yield "its ReplicaSets could not be named"
    if not spec["selector"]["matchLabels"].items() <= template["metadata"]["labels"].items():
        yield "the selector does not select the pods"
    if (spec["strategy"]["type"] == "Recreate") is ("rollingUpdate" in spec["strategy"]):
        yield "strategy"
    pod = template["spec"]
    volumes = [one["name"] for one in pod["volumes"]]
    if len(set(volumes)) < len(volumes):
        yield "a volume twice"
    yield from (f"volume {name}" for name in volumes if not _LABEL.fullmatch(name))
    containers = [*pod.get("initContainers", []), *pod["containers"]]
    for one in containers:
        yield from _container(one, set(volumes))
    used = {mount["name"] for one in containers for mount in one["volumeMounts"]}
    if unused := set(volumes) - used:
        yield f"nobody mounts {unused}"


def _container(container: Mapping[str, Any], volumes: set[str]) -> Iterator[str]:
    mounts = container["volumeMounts"]
    paths = [one["mountPath"] for one in mounts]
    if len(set(paths)) < len(paths):
        yield "two volumes at one path"
    if not {one["name"] for one in mounts} <= volumes:
        yield "a mount without a volume"
    names = [one["name"] for one in container.get("env", [])]
    if len(set(names)) < len(names) or not all(map(_VARIABLE.fullmatch, names)):
        yield f"variables {names}"
    ports = container.get("ports", [])
    if len({one["containerPort"] for one in ports}) < len(ports) or not all(_PORT_NAME.fullmatch(one["name"]) for one in ports):
        yield "ports"
    limits, requests = container["resources"]["limits"], container["resources"]["requests"]
    for key, value in requests.items():
        if key in limits and amount(value) > amount(limits[key]):
            yield f"request above limit: {key}"
        if "/" in key and limits.get(key) != value:
            yield f"{key} cannot be overcommitted"
    if any(len(one.encode()) > 128 * 1024 for one in container.get("args", [])):
        yield "an argument is too long for the kernel"
    yield from _restricted(container["securityContext"])


def _restricted(context: Mapping[str, Any]) -> Iterator[str]:
    wanted = {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "runAsNonRoot": True}
    if not wanted.items() <= context.items() or context["capabilities"] != {"drop": ["ALL"]}:
        yield "not restricted"


def _service(manifest: Mapping[str, Any]) -> Iterator[str]:
    if not _SERVICE.fullmatch(manifest["metadata"]["name"]):
        yield "no name of a Service"
    ports = manifest["spec"]["ports"]
    if len({one["port"] for one in ports}) < len(ports) or not all(1 <= one["port"] <= 65535 for one in ports):
        yield "ports"


def _network_policy(spec: Mapping[str, Any]) -> Iterator[str]:
    for direction, peers in (("ingress", "from"), ("egress", "to")):
        for rule in spec[direction]:
            if not rule:
                yield f"{direction}: a rule that lets everything pass"
            if rule.get(peers) == [] or rule.get("ports") == []:
                yield f"{direction}: an empty list means everybody"
