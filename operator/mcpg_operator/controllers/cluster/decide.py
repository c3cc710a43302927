"""Every rule about an MCPGCluster's status; pure.

No text holds an address of the coordinator: one may carry a password.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from mcpg_operator.conditions import Condition, Truth, some
from mcpg_operator.ledger import Standing
from mcpg_operator.render.cluster_block import block_hash, cluster_block
from mcpg_operator.render.gateway.credentials import credential_references
from mcpg_operator.services import Outcome
from supplychain.rules.coordinator import ALLOW_INSECURE, PLUGIN_IDS, SINGLE_NODE, TransportState, transport_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mcpg_operator.controllers.cluster.observe import Observation
    from mcpg_operator.ledger import Verified
    from mcpg_operator.resources import Resource
    from supplychain.api.cluster import ClusterSpec

__all__ = ["Decision", "decide", "left_behind"]

_SHOWN: Final = 10
_NOT_READY: Final = "ClusterPluginNotReady"
_DEPENDENCIES: Final = {
    "ClusterPluginNotFound": "MCPGPlugin",
    "ClusterPluginIdMismatch": "MCPGPlugin",
    _NOT_READY: "MCPGPlugin",
    "CredentialMissing": "Secret",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What the status is to say, and how the pass ends."""

    conditions: tuple[Condition, ...]
    fields: Mapping[str, Any]
    outcome: Outcome
    dependency: str | None = None
    """The kind of what is missing."""
    pending: bool = False
    """Whether nothing is wrong but that the plugin was not judged since the operator started."""

    @property
    def ready(self) -> Condition:
        """The condition `Ready`."""
        return self.conditions[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Fault:
    reason: str
    message: str
    pending: bool = False


def decide(seen: Observation) -> Decision:
    """Judge one coordinator: the first thing that keeps gateways from binding to it is the answer."""
    fields: dict[str, Any] = {"boundGateways": len(seen.gateways)}
    if seen.spec is None:
        ready = Condition("Ready", Truth.FALSE, "InvalidSpec", str(seen.trouble))
        return Decision(conditions=(ready, _in_use(seen)), fields=fields, outcome=Outcome.PERMANENT_ERROR)
    fields |= {"pluginId": PLUGIN_IDS.get(seen.spec.backend), "configHash": block_hash(cluster_block(seen.spec))}
    fault = _transport_fault(seen, seen.spec) or _plugin_fault(seen, seen.spec) or _credential_fault(seen, seen.spec)
    rest = (*_transport(seen.spec), _in_use(seen))
    if fault is None:
        ready = Condition("Ready", Truth.TRUE, "Reconciled", f"gateways can bind to the {seen.spec.backend} coordinator")
        return Decision(conditions=(ready, *rest), fields=fields, outcome=Outcome.SUCCESS)
    return Decision(
        conditions=(Condition("Ready", Truth.FALSE, fault.reason, fault.message), *rest),
        fields=fields,
        outcome=Outcome.DEPENDENCY_PENDING if fault.reason in _DEPENDENCIES else Outcome.PERMANENT_ERROR,
        dependency=_DEPENDENCIES.get(fault.reason),
        pending=fault.pending,
    )


def left_behind(resource: Resource, gateways: tuple[str, ...]) -> str:
    """Say who used a coordinator whose object is gone, or is about to go."""
    return (
        f"MCPGCluster `{resource.name}` was deleted while {len(gateways)} gateways name it: {_named(gateways)}; "
        "they keep what they were given last, and no new one can bind"
    )


def _transport_fault(seen: Observation, spec: ClusterSpec) -> _Fault | None:
    transport = transport_of(spec.backend, spec.config)
    if not seen.strict or transport.accepted or transport.state is not TransportState.PLAINTEXT:
        return None
    text = f"`spec.config.{transport.key}` is in plain text, which this installation refuses; `{ALLOW_INSECURE}: true` accepts it"
    return _Fault(reason=TransportState.PLAINTEXT.value, message=text)


def _plugin_fault(seen: Observation, spec: ClusterSpec) -> _Fault | None:
    if spec.plugin_ref is None:
        return None
    name, wanted = spec.plugin_ref.name, PLUGIN_IDS.get(spec.backend)
    if wanted is None:
        return _Fault(
            reason="ClusterPluginIdMismatch", message=f"backend `{spec.backend}` needs no plugin, and `{name}` is named"
        )
    if seen.plugin is None:
        return _Fault(reason="ClusterPluginNotFound", message=f"there is no MCPGPlugin `{name}`")
    if seen.verified is None:
        text = f"MCPGPlugin `{name}` has not been judged since the operator started"
        return _Fault(reason=_NOT_READY, message=text, pending=True)
    if seen.revoked or seen.verified.standing is Standing.REVOKED:
        return _Fault(reason=_NOT_READY, message=f"MCPGPlugin `{name}` is revoked")
    return _standing_fault(seen.plugin, seen.verified, wanted)


def _standing_fault(plugin: Resource, verified: Verified, wanted: str) -> _Fault | None:
    name = plugin.name
    if (verified.uid, verified.generation) != (plugin.uid, plugin.generation):
        return _Fault(reason=_NOT_READY, message=f"MCPGPlugin `{name}` has changed and is not judged again yet")
    if verified.plugin_id and verified.plugin_id != wanted:
        text = f"MCPGPlugin `{name}` is `{verified.plugin_id}`, and the backend needs `{wanted}`"
        return _Fault(reason="ClusterPluginIdMismatch", message=text)
    if verified.standing is not Standing.VERIFIED or not verified.plugin_id or verified.stored is None:
        return _Fault(reason=_NOT_READY, message=f"MCPGPlugin `{name}`: {verified.reason}: {verified.message}")
    return None


def _credential_fault(seen: Observation, spec: ClusterSpec) -> _Fault | None:
    known = {one.name for one in spec.credential_refs}
    unknown = sorted(credential_references(spec.config) - known)
    texts = [
        *seen.credentials.missing,
        *(f"`cred://cluster/{one}` is in `spec.config`, and no credential is called so" for one in unknown),
    ]
    return _Fault(reason="CredentialMissing", message="; ".join(texts[:_SHOWN])) if texts else None


def _transport(spec: ClusterSpec) -> tuple[Condition, ...]:
    """Say how the coordinator is reached; nothing where it is within the process."""
    if spec.backend == SINGLE_NODE:
        return ()
    transport = transport_of(spec.backend, spec.config)
    state = transport.state
    if state is TransportState.PLAINTEXT:
        more = f", which `{ALLOW_INSECURE}` accepts" if transport.accepted else ""
        text = f"`spec.config.{transport.key}` is in plain text{more}"
        return (Condition("TransportSecure", Truth.FALSE, state.value, text),)
    if state is TransportState.PLACEHOLDER:
        text = "the address is filled in when a gateway starts, or is not there"
        return (Condition("TransportSecure", Truth.UNKNOWN, state.value, text),)
    return (Condition("TransportSecure", Truth.TRUE, state.value, "the coordinator is reached by TLS"),)


def _in_use(seen: Observation) -> Condition:
    if not seen.gateways:
        return Condition("InUse", Truth.FALSE, "NoGateways", "no gateway names it")
    more = "; it is being deleted" if seen.resource.deleting else ""
    text = f"named by {len(seen.gateways)} gateways: {_named(seen.gateways)}{more}"
    return Condition("InUse", Truth.TRUE, "GatewaysBound", text)


def _named(gateways: tuple[str, ...]) -> str:
    return some([f"`{one}`" for one in gateways])
