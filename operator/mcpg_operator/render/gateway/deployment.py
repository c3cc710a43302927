"""The Deployment: the pod, how many of it, how old ones make way, and the hashes that make them do so."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from mcpg_operator.render.gateway.credentials import credentials_hash
from mcpg_operator.render.gateway.inputs import Handling, Note
from mcpg_operator.render.gateway.names import RESERVED, labels, manifest, names_of, selector
from mcpg_operator.render.gateway.pod import render_pod
from mcpg_operator.render.gateway.serialise import config_hash
from mcpg_operator.resources import DEPLOYMENT
from supplychain.errors import InvalidManifestError

if TYPE_CHECKING:
    from mcpg_operator.render.gateway.config import Config
    from mcpg_operator.render.gateway.inputs import GatewayInputs
    from mcpg_operator.render.gateway.listener import Listener
    from mcpg_operator.render.gateway.scaling import Scale

__all__ = ["CONFIG_HASH", "REVOCATIONS_HASH", "SET_HASH", "render_deployment", "reserved_notes"]

CONFIG_HASH: Final = "mcpg.dev/config-hash"
SET_HASH: Final = "mcpg.dev/plugin-set-hash"
REVOCATIONS_HASH: Final = "mcpg.dev/revocation-list-hash"
_CLUSTER_HASH: Final = "mcpg.dev/cluster-config-hash"
_CREDENTIALS_HASH: Final = "mcpg.dev/cluster-credentials-hash"
_AZURE: Final = "azure.workload.identity/use"
_LARGEST: Final = 1_000_000
"""Bytes of a Deployment; the cluster's storage takes half as much again, and keeps books beside it."""
_ROLLING: Final = {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "25%", "maxUnavailable": "25%"}}
"""The usual numbers, written out: what server-side apply does not own it cannot take away when the type changes."""


def render_deployment(inputs: GatewayInputs, config: Config, listener: Listener, scale: Scale) -> dict[str, Any]:
    """Write it.

    Raises:
        InvalidManifestError: it would be larger than the cluster can store.
        InvalidPolicyError: it would need an image that the operator does not know.
    """
    template = {
        "metadata": {"labels": _pod_labels(inputs), "annotations": _pod_annotations(inputs, config)},
        "spec": render_pod(inputs, config, listener),
    }
    spec: dict[str, Any] = {
        "selector": {"matchLabels": selector(inputs.name)},
        "strategy": dict(_ROLLING) if inputs.handling is Handling.SERVE else {"type": "Recreate"},
        "template": template,
    }
    if scale.replicas is not None:
        spec["replicas"] = scale.replicas
    written = manifest(inputs, DEPLOYMENT, names_of(inputs.name).workload, {"spec": spec})
    size = len(json.dumps(written).encode())
    if size > _LARGEST:
        secrets = sum(len(one.parts) for one in config.plugins)
        raise InvalidManifestError(
            "the gateway's Deployment is too large",
            expected=f"at most {_LARGEST} bytes",
            got=f"{size} bytes, with {len(config.plugins)} plugins in {secrets} Secrets",
            hint="split the plugins over several gateways",
        )
    return written


def reserved_notes(inputs: GatewayInputs) -> tuple[Note, ...]:
    """Say which labels and annotations of the author are left out."""
    named = {"podLabels": _reserved(inputs.spec.pod_labels), "podAnnotations": _reserved(inputs.spec.pod_annotations)}
    return tuple(
        Note("ReservedKey", f"`spec.{field}`: {', '.join(f'`{key}`' for key in keys)} is the operator's and was left out")
        for field, keys in named.items()
        if keys
    )


def _reserved(pairs: dict[str, str]) -> list[str]:
    return sorted(key for key in pairs if key.startswith(RESERVED))


def _pod_labels(inputs: GatewayInputs) -> dict[str, str]:
    identity = inputs.spec.workload_identity
    azure = {_AZURE: "true"} if identity is not None and identity.azure is not None else {}
    return {**_free(inputs.spec.pod_labels), **labels(inputs), **azure}


def _pod_annotations(inputs: GatewayInputs, config: Config) -> dict[str, str]:
    """Write the author's annotations, and a hash of everything whose change must reach running pods."""
    hashes = {
        CONFIG_HASH: config_hash(config.text),
        SET_HASH: None if inputs.plugins is None else inputs.plugins.hash,
        REVOCATIONS_HASH: inputs.revocations_hash,
    }
    if inputs.cluster is not None:
        hashes[_CLUSTER_HASH] = inputs.cluster.config_hash
        if inputs.cluster.credentials:
            hashes[_CREDENTIALS_HASH] = credentials_hash(inputs.cluster.credentials)
    return {**_free(inputs.spec.pod_annotations), **{key: value for key, value in hashes.items() if value is not None}}


def _free(pairs: dict[str, str]) -> dict[str, str]:
    return {key: value for key, value in pairs.items() if not key.startswith(RESERVED)}
