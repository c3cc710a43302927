"""Entries of the gateway's list of plugins, and where their files are in the pod."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from supplychain.errors import InvalidManifestError
from supplychain.rules.coordinator import PLUGIN_IDS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mcpg_operator.render.gateway.dialect import Dialect
    from mcpg_operator.render.gateway.inputs import ClusterBlock
    from mcpg_operator.render.resolved_set import Entry

__all__ = ["PLUGINS", "add_coordinator", "folder", "render_plugin"]

PLUGINS: Final = "/etc/mcpg/plugins"
"""Where the gateway finds one folder for each plugin."""
_FOLDER: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,199}", re.ASCII)
_COORDINATING: Final = frozenset(
    {"cluster_leadership_acquire", "cluster_lock_acquire", "cluster_peer_read", "metric_emit", "network_outbound"}
)
"""What the plugin of a coordinator is granted unasked: what coordinating is, reaching the coordinator, telling how it goes."""


def folder(entry: Entry) -> str:
    """Where the files of a plugin are in the pod.

    Raises:
        InvalidManifestError: its id cannot be the name of a folder.
    """
    if _FOLDER.fullmatch(entry.id) is None:
        raise InvalidManifestError("the id of a plugin cannot be the name of a folder", got=f"`{entry.id[:80]}`")
    return f"{PLUGINS}/{entry.id}"


def render_plugin(entry: Entry) -> dict[str, Any]:
    """Write an entry: the file, its pin, the keys that may have signed it, and what it may do.

    The policy is written out, so that a weaker one for all plugins cannot apply to this one.
    """
    written = {
        "id": entry.id,
        "kind": "wasm" if entry.artifact_name.endswith(".wasm") else "native",
        "class": entry.plugin_class,
        "source": {"path": f"{folder(entry)}/{entry.artifact_name}"},
        "config": entry.config,
        "signature": {
            "sha256": entry.digest,
            "policy": "enforce",
            "trusted_keys": [{"id": name, "pem": pem} for name, pem in entry.keys],
        },
        "enforce": entry.enforce,
    }
    return {**written, "granted_capabilities": list(entry.grants)} if entry.grants else written


def add_coordinator(config: dict[str, Any], cluster: ClusterBlock, dialect: Dialect) -> Entry | None:
    """Append the coordinator's plugin where no entry has its id; gives it where it was appended.

    Raises:
        InvalidManifestError: no entry has it, and the cluster names no plugin that could be appended, or one that needs more than
            coordinating: only a set grants that, and without it no gateway starts.
    """
    wanted = PLUGIN_IDS.get(cluster.backend)
    if wanted is None or any(_is(one, wanted) for one in dialect.plugins(config)):
        return None
    entry = cluster.plugin
    if entry is None or entry.id != wanted:
        raise InvalidManifestError(
            "the gateway has no plugin for its coordinator",
            expected=f"`{wanted}`",
            got="none" if entry is None else f"`{entry.id[:80]}`",
            hint="add it to the plugin set, or name it by `pluginRef` of the MCPGCluster",
        )
    if excess := [f"`{_kind(one)}`" for one in entry.required if _kind(one) not in _COORDINATING]:
        raise InvalidManifestError(
            "the coordinator's plugin requires what only a plugin set can grant",
            got=", ".join(excess),
            hint=f"add `{wanted}` to the plugin set, with its grants",
        )
    written = {**render_plugin(entry), "class": "cluster", "enforce": True}
    if entry.required:
        written["granted_capabilities"] = list(entry.required)
    dialect.add_plugin(config, written)
    return entry


def _is(entry: Any, plugin_id: str) -> bool:
    return isinstance(entry, dict) and plugin_id in (entry.get("id"), entry.get("ref"))


def _kind(capability: str | Mapping[str, Any]) -> str:
    return capability if isinstance(capability, str) else str(capability.get("type"))
