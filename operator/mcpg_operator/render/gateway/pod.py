"""The pod of a gateway: its container, what it mounts, where it runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from mcpg_operator.render.gateway.config import REVOCATIONS
from mcpg_operator.render.gateway.credentials import FOLDER, embedded, variables
from mcpg_operator.render.gateway.materialise import CONTAINER_SECURITY, REVOCATIONS_VOLUME, escaped, render_materialise
from mcpg_operator.render.gateway.names import names_of, selector
from mcpg_operator.render.gateway.plugins import PLUGINS
from mcpg_operator.render.gateway.probes import render_probes
from mcpg_operator.render.gateway.resources import render_resources
from mcpg_operator.render.gateway.volumes import (
    PLUGINS_VOLUME,
    READABLE,
    plugins_volume,
    stored_volumes,
    volume_names,
)

if TYPE_CHECKING:
    from mcpg_operator.render.gateway.config import Config
    from mcpg_operator.render.gateway.inputs import GatewayInputs
    from mcpg_operator.render.gateway.listener import Listener

__all__ = ["CONFIG_FILE", "Mounted", "image_of", "render_pod"]

CONFIG_FILE: Final = "/etc/mcpg/config.yaml"
_WORK: Final = "/var/lib/mcpg"
_SPIFFE: Final = "/spiffe-workload-api"
_FIELDS: Final = (("POD_NAME", "metadata.name"), ("POD_NAMESPACE", "metadata.namespace"), ("NODE_NAME", "spec.nodeName"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Mounted:
    """A volume and where the gateway sees it."""

    volume: dict[str, Any]
    mount: dict[str, Any]


def image_of(inputs: GatewayInputs) -> str:
    """Which image the gateway runs: what the author says, else the operator's default; a digest stands behind `@`."""
    image = inputs.spec.image
    repository = (image.repository if image is not None else None) or inputs.defaults.repository
    tag = (image.tag if image is not None else None) or inputs.defaults.tag
    return f"{repository}{'@' if tag.startswith('sha256:') else ':'}{tag}"


def render_pod(inputs: GatewayInputs, config: Config, listener: Listener) -> dict[str, Any]:
    """Write the `spec` of the pod template.

    Raises:
        InvalidPolicyError: it would need an image that the operator does not know.
    """
    spec, plugins = inputs.spec, config.plugins
    mounted = _mounted(inputs, config)
    names = volume_names(one.id for one in plugins)
    pod: dict[str, Any] = {
        "serviceAccountName": names_of(inputs.name).workload,
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "securityContext": {
            "fsGroup": 65534,
            "runAsGroup": 65534,
            "runAsNonRoot": True,
            "runAsUser": 65534,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [_container(inputs, config, listener, mounted)],
        "volumes": [one.volume for one in mounted] + stored_volumes(plugins, names),
        **_scheduling(inputs),
    }
    if plugins:
        pod["initContainers"] = [render_materialise(inputs, plugins, names)]
    if spec.image_pull_secrets:
        pod["imagePullSecrets"] = [{"name": one.name} for one in spec.image_pull_secrets]
    return pod


def _container(inputs: GatewayInputs, config: Config, listener: Listener, mounted: list[Mounted]) -> dict[str, Any]:
    image = inputs.spec.image
    ports = [{"name": "http", "containerPort": listener.port, "protocol": "TCP"}]
    if listener.metrics_port is not None:
        ports.append({"name": "metrics", "containerPort": listener.metrics_port, "protocol": "TCP"})
    return {
        "name": "mcpg",
        "image": image_of(inputs),
        "imagePullPolicy": "IfNotPresent" if image is None else image.pull_policy,
        "args": ["--config", CONFIG_FILE],
        "workingDir": _WORK,
        "ports": ports,
        "env": _environment(inputs, config, listener),
        "resources": render_resources(inputs.spec.resources),
        "securityContext": dict(CONTAINER_SECURITY),
        "volumeMounts": [one.mount for one in mounted],
        **render_probes(inputs.spec.probes, listener),
    }


def _environment(inputs: GatewayInputs, config: Config, listener: Listener) -> list[dict[str, Any]]:
    env: list[dict[str, Any]] = [{"name": name, "valueFrom": {"fieldRef": {"fieldPath": path}}} for name, path in _FIELDS]
    env.append({"name": "MCPG_CONFIG", "value": CONFIG_FILE})
    # The image has an address of its own in this variable, which counts more than the file.
    env.append({"name": "MCPG_GATEWAY__SERVER__BIND_ADDRESS", "value": escaped(listener.bind)})
    cluster = inputs.cluster
    if cluster is not None and not config.dialect.resolves_cluster_credentials:
        secret, needed = names_of(inputs.name).credentials, embedded(cluster.config)
        env += [
            {"name": name, "valueFrom": {"secretKeyRef": {"name": secret, "key": credential}}}
            for name, credential in variables(cluster.credentials).items()
            if credential in needed
        ]
    if _spiffe(inputs):
        env.append({"name": "SPIFFE_ENDPOINT_SOCKET", "value": f"unix://{_SPIFFE}/spire-agent.sock"})
    return env


def _mounted(inputs: GatewayInputs, config: Config) -> list[Mounted]:
    names = names_of(inputs.name)
    mounted = [
        _mount("config", {"configMap": {"name": names.config}}, CONFIG_FILE, subPath="config.yaml", readOnly=True),
        _mount("runtime", {"emptyDir": {}}, _WORK),
        _mount("tmp", {"emptyDir": {"sizeLimit": "64Mi"}}, "/tmp"),  # noqa: S108 — a volume of the pod's own
    ]
    if config.plugins:
        volume = plugins_volume(config.plugins, inputs.defaults)
        mount = {"name": PLUGINS_VOLUME, "mountPath": PLUGINS, "readOnly": True}
        mounted.append(Mounted(volume=volume, mount=mount))
    if inputs.revocations is not None:
        source: dict[str, Any] = {"configMap": {"name": names.revocations, "items": [{"key": "list.json", "path": "list.json"}]}}
        mounted.append(_mount(REVOCATIONS_VOLUME, source, REVOCATIONS.rpartition("/")[0], readOnly=True))
    if inputs.cluster is not None and inputs.cluster.credentials:
        source = {"secret": {"secretName": names.credentials, "defaultMode": READABLE}}
        mounted.append(_mount("cluster-credentials", source, FOLDER, readOnly=True))
    if _spiffe(inputs):
        source = {"csi": {"driver": "csi.spiffe.io", "readOnly": True}}
        mounted.append(_mount("spiffe-workload-api", source, _SPIFFE, readOnly=True))
    return mounted


def _mount(name: str, source: dict[str, Any], path: str, **more: Any) -> Mounted:
    return Mounted(volume={"name": name, **source}, mount={"name": name, "mountPath": path, **more})


def _spiffe(inputs: GatewayInputs) -> bool:
    identity = inputs.spec.workload_identity
    return identity is not None and identity.spiffe is not None


def _scheduling(inputs: GatewayInputs) -> dict[str, Any]:
    given = inputs.spec.scheduling
    if given is None:
        return {}
    spread = [
        {
            "maxSkew": one.max_skew,
            "topologyKey": one.topology_key,
            "whenUnsatisfiable": one.when_unsatisfiable,
            "labelSelector": {"matchLabels": dict(one.label_selector_match_labels) or selector(inputs.name)},
        }
        for one in given.topology_spread_constraints
    ]
    wanted = {
        "nodeSelector": dict(given.node_selector) or None,
        "tolerations": [dict(one) for one in given.tolerations] or None,
        "affinity": None if given.affinity is None else dict(given.affinity),
        "topologySpreadConstraints": spread or None,
        "priorityClassName": given.priority_class_name,
        "terminationGracePeriodSeconds": given.termination_grace_period_seconds,
    }
    return {key: value for key, value in wanted.items() if value is not None}
