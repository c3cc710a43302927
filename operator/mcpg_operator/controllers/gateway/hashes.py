"""The hashes in a gateway's status: of the rendering that the numbers beside them are about; pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from mcpg_operator.render.gateway.deployment import CONFIG_HASH, REVOCATIONS_HASH, SET_HASH

if TYPE_CHECKING:
    from mcpg_operator.render.gateway.inputs import RenderedGateway
    from mcpg_operator.resources import Resource

__all__ = ["hashes_of_pods", "hashes_of_rendering"]

_POD_HASHES: Final = {"configHash": CONFIG_HASH, "pluginSetHash": SET_HASH, "revocationListHash": REVOCATIONS_HASH}


def hashes_of_rendering(rendered: RenderedGateway) -> dict[str, str | None]:
    """Give the hashes of what was just applied."""
    return {
        "configHash": rendered.config_hash,
        "pluginSetHash": rendered.plugin_set_hash,
        "revocationListHash": rendered.revocation_list_hash,
    }


def hashes_of_pods(live: Resource | None) -> dict[str, str | None]:
    """Read the hashes of what runs from its pod template."""
    spec: Any = None if live is None else live.spec
    template = spec.get("template") if isinstance(spec, dict) else None
    metadata = template.get("metadata") if isinstance(template, dict) else None
    notes = metadata.get("annotations") if isinstance(metadata, dict) else None
    return {name: notes.get(key) if isinstance(notes, dict) else None for name, key in _POD_HASHES.items()}
