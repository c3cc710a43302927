"""The configuration of a gateway: what its author wrote, with what the operator has to say laid over it, step by step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from mcpg_operator.render.gateway.credentials import resolve
from mcpg_operator.render.gateway.dialect import Dialect, dialect_of
from mcpg_operator.render.gateway.listener import DEFAULT_BIND
from mcpg_operator.render.gateway.plugins import add_coordinator, render_plugin
from mcpg_operator.render.gateway.routes import claims_of
from mcpg_operator.render.gateway.serialise import LARGEST_DATA, render_yaml
from mcpg_operator.render.gateway.tool_access import UNCLAIMED, apply_claims, apply_tenant, close_unclaimed
from mcpg_operator.render.gateway.tree import copied, section
from supplychain.errors import InvalidManifestError
from supplychain.rules.coordinator import SINGLE_NODE

if TYPE_CHECKING:
    from mcpg_operator.render.gateway.inputs import ClusterBlock, GatewayInputs, Note
    from mcpg_operator.render.gateway.routes import Claims
    from mcpg_operator.render.resolved_set import Entry

__all__ = ["REVOCATIONS", "Config", "render_config"]

REVOCATIONS: Final = "/etc/mcpg/revocations/list.json"
"""Where the pods find the revocation list."""
_WHERE: Final = "field `spec.config`"


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """The configuration, and what it came from."""

    document: dict[str, Any]
    text: bytes
    """`config.yaml`."""
    dialect: Dialect
    plugins: tuple[Entry, ...]
    """Whose files have to be in the pod, in the order of the list."""
    claims: Claims
    notes: tuple[Note, ...]


def render_config(inputs: GatewayInputs) -> Config:
    """Lay everything over a copy of `spec.config`.

    Raises:
        InvalidManifestError: that is impossible without losing what the author wrote, or the file would be too large.
    """
    config: dict[str, Any] = copied(inputs.spec.config, where=_WHERE)
    dialect = dialect_of(inputs.annotations, config, default=inputs.defaults.dialect)
    plugins = _plugins(config, inputs, dialect)
    if inputs.revocations is not None:
        section(config, "gateway", "plugin_registry")["revocation_list_path"] = REVOCATIONS
    claims = claims_of(inputs, dialect)
    notes = claims.notes + apply_claims(config, claims, dialect)
    if _deny_unclaimed(inputs):
        close_unclaimed(config, claims, dialect)
    apply_tenant(config, inputs.tenant, claims, dialect)
    server = section(config, "gateway", "server")
    if server.get("bind_address") is None:
        server["bind_address"] = DEFAULT_BIND
    text = render_yaml(config)
    if len(text) > LARGEST_DATA:
        expected = f"at most {LARGEST_DATA} bytes"
        raise InvalidManifestError("the configuration is too large", expected=expected, got=f"{len(text)} bytes", where=_WHERE)
    return Config(document=config, text=text, dialect=dialect, plugins=plugins, claims=claims, notes=notes)


def _plugins(config: dict[str, Any], inputs: GatewayInputs, dialect: Dialect) -> tuple[Entry, ...]:
    """Write the plugins of the set, the coordinator, and the coordinator's plugin."""
    plugins: tuple[Entry, ...] = ()
    if inputs.plugins is not None:
        plugins = inputs.plugins.entries
        dialect.set_plugins(config, [copied(render_plugin(one), where=f"plugin `{one.id}`") for one in plugins])
    if inputs.cluster is not None:
        config["cluster"] = _cluster(inputs.cluster, dialect)
        added = add_coordinator(config, inputs.cluster, dialect)
        plugins = plugins if added is None else (*plugins, added)
    return plugins


def _cluster(cluster: ClusterBlock, dialect: Dialect) -> dict[str, Any]:
    """Write the coordinator's section; its kind comes last, so that no key in the configuration can change it."""
    if cluster.backend == SINGLE_NODE:
        return {"kind": SINGLE_NODE}
    block: dict[str, Any] = copied(dict(cluster.config), where="the configuration of the MCPGCluster")
    resolved = resolve(block, cluster)
    return {**(block if dialect.resolves_cluster_credentials else resolved), "kind": cluster.backend}


def _deny_unclaimed(inputs: GatewayInputs) -> bool:
    word = inputs.annotations.get(UNCLAIMED, "allow")
    if word not in {"allow", "deny"}:
        where = f"annotation `{UNCLAIMED}`"
        raise InvalidManifestError("unknown word", expected="`allow` or `deny`", got=f"`{word[:40]}`", where=where)
    return word == "deny"
