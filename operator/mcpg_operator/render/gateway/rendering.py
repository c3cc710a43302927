"""One gateway, from everything that is known of it to all its children."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

from mcpg_operator.names import digest_label
from mcpg_operator.render.gateway.config import render_config
from mcpg_operator.render.gateway.credentials import render_credentials
from mcpg_operator.render.gateway.deployment import CONFIG_HASH, REVOCATIONS_HASH, render_deployment, reserved_notes
from mcpg_operator.render.gateway.inputs import Handling, Note, RenderedGateway
from mcpg_operator.render.gateway.listener import listener_of
from mcpg_operator.render.gateway.monitoring import monitoring_notes, render_prometheus_rule, render_service_monitor
from mcpg_operator.render.gateway.names import manifest, names_of
from mcpg_operator.render.gateway.network import render_ingress, render_service, render_service_account
from mcpg_operator.render.gateway.network_policy import render_network_policy
from mcpg_operator.render.gateway.scaling import render_autoscaler, render_disruption_budget, scale_of
from mcpg_operator.render.gateway.serialise import LARGEST_DATA, UNPRINTABLE, config_hash
from mcpg_operator.resources import (
    AUTOSCALER,
    CONFIG_MAP,
    DISRUPTION_BUDGET,
    INGRESS,
    NETWORK_POLICY,
    PROMETHEUS_RULE,
    SECRET,
    SERVICE_MONITOR,
    Key,
    kind_of,
)
from supplychain.errors import InvalidManifestError

if TYPE_CHECKING:
    from mcpg_operator.render.gateway.config import Config
    from mcpg_operator.render.gateway.inputs import GatewayInputs
    from mcpg_operator.render.gateway.listener import Listener

__all__ = ["render_gateway"]


def render_gateway(inputs: GatewayInputs) -> RenderedGateway:
    """Render a gateway.

    What the spec refers to has to be given: a gateway is never rendered without what its author demands of it.

    Raises:
        InvalidManifestError: the spec cannot be rendered, or something that it refers to is not given.
        InvalidPolicyError: a setting of the operator is missing.
    """
    _expect_resolved(inputs)
    config = render_config(inputs)
    listener = listener_of(config.document)
    children, policy_notes = _children(inputs, config, listener)
    return RenderedGateway(
        config=config.text,
        config_hash=config_hash(config.text),
        plugin_set_hash=None if inputs.plugins is None else inputs.plugins.hash,
        revocation_list_hash=inputs.revocations_hash,
        children=tuple(json.loads(json.dumps(children))),  # so that no two manifests share anything that somebody may change
        absent=_absent(inputs, children),
        notes=(
            *config.notes,
            *reserved_notes(inputs),
            *_port_notes(listener),
            *policy_notes,
            *monitoring_notes(inputs, config, listener),
        ),
        applied=config.claims.applied,
        rules=len(config.claims.tools),
    )


def _expect_resolved(inputs: GatewayInputs) -> None:
    spec = inputs.spec
    for field, wanted, given in (
        ("pluginSetRef", spec.plugin_set_ref, inputs.plugins),
        ("clusterRef", spec.cluster_ref, inputs.cluster),
        ("revocationListRef", spec.revocation_list_ref, inputs.revocations),
    ):
        if wanted is not None and given is None:
            raise InvalidManifestError("what the gateway refers to is not there", got=f"`{wanted.name}`", where=f"`spec.{field}`")
    if inputs.plugins is not None and not inputs.plugins.complete and inputs.handling is Handling.SERVE:
        raise InvalidManifestError("a plugin of the set is missing", where="`spec.pluginSetRef`")


def _children(inputs: GatewayInputs, config: Config, listener: Listener) -> tuple[list[dict[str, Any]], tuple[Note, ...]]:
    """Write all children in the order in which they are applied: what protects the pods comes before them."""
    scale = scale_of(inputs)
    network_policy, notes = render_network_policy(inputs, listener)
    children = [
        render_credentials(inputs),
        _config_map(inputs, config),
        _revocations(inputs),
        render_service_account(inputs),
        render_service(inputs, listener),
        network_policy,
        render_disruption_budget(inputs),
        render_deployment(inputs, config, listener, scale),
        render_autoscaler(inputs, scale),
        render_ingress(inputs),
        render_service_monitor(inputs, listener),
        render_prometheus_rule(inputs, config),
    ]
    return [one for one in children if one is not None], notes


def _config_map(inputs: GatewayInputs, config: Config) -> dict[str, Any]:
    label = {CONFIG_HASH: digest_label(config_hash(config.text))}
    return _with_labels(
        manifest(inputs, CONFIG_MAP, names_of(inputs.name).config, {"data": {"config.yaml": config.text.decode()}}), label
    )


def _revocations(inputs: GatewayInputs) -> dict[str, Any] | None:
    """Write the list as the pods mount it.

    Raises:
        InvalidManifestError: it is larger than a ConfigMap can be.
    """
    content, digest = inputs.revocations, inputs.revocations_hash
    if content is None or digest is None:
        return None
    if len(content) > LARGEST_DATA:
        expected = f"at most {LARGEST_DATA} bytes"
        raise InvalidManifestError("the revocation list is too large for a pod", expected=expected, got=f"{len(content)} bytes")
    if UNPRINTABLE.search(text := content.decode()) is None:
        body = {"data": {"list.json": text}}
    else:
        body = {"binaryData": {"list.json": base64.b64encode(content).decode("ascii")}}
    written = manifest(inputs, CONFIG_MAP, names_of(inputs.name).revocations, body, annotations={REVOCATIONS_HASH: digest})
    return _with_labels(written, {REVOCATIONS_HASH: digest_label(digest)})


def _with_labels(written: dict[str, Any], labels: dict[str, str]) -> dict[str, Any]:
    written["metadata"]["labels"].update(labels)
    return written


def _absent(inputs: GatewayInputs, children: list[dict[str, Any]]) -> tuple[Key, ...]:
    """Name the optional children that are not there; kinds that the cluster does not serve cannot be there."""
    names = names_of(inputs.name)
    present = {(kind_of(one), one["metadata"]["name"]) for one in children}
    monitoring = ((SERVICE_MONITOR, names.workload), (PROMETHEUS_RULE, names.workload)) if inputs.monitoring else ()
    optional = (
        *monitoring,
        (INGRESS, names.ingress),
        (AUTOSCALER, names.workload),
        (DISRUPTION_BUDGET, names.workload),
        (NETWORK_POLICY, names.workload),
        (SECRET, names.credentials),
    )
    return tuple(Key(kind, name, inputs.namespace) for kind, name in optional if (kind, name) not in present)


def _port_notes(listener: Listener) -> tuple[Note, ...]:
    if listener.port_known:
        return ()
    text = f"`gateway.server.bind_address` does not tell the port; Service and probes use {listener.port}"
    return (Note("ListenPort", text),)
