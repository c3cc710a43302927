"""Which tools a gateway serves, and which plugins a chain may name, as far as the manifests tell.

One place for admission and the controllers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from supplychain.rules.reading import at, items, mapping, spec_of

if TYPE_CHECKING:
    from supplychain.rules.reading import Document

__all__ = ["enabled_entries", "overlays", "served_tools"]

_IMPORTING: Final = ("federation", "import", "registr")
"""Parts of the names of those keys of `config.mcp` by which a gateway takes tools from elsewhere."""


def served_tools(gateway: Document) -> frozenset[str] | None:
    """The names of every tool that a gateway serves; None where it may take more from elsewhere, or names none."""
    config = spec_of(gateway).get("config")
    tools = at(config, "mcp.capabilities.tools")
    elsewhere = any(value and any(word in key for word in _IMPORTING) for key, value in mapping(at(config, "mcp")).items())
    if elsewhere or overlays(config) or not isinstance(tools, list):
        return None
    names = [mapping(one).get("name") for one in tools]
    found = frozenset(name for name in names if isinstance(name, str))
    return found if len(found) == len(names) else None


def overlays(config: Any) -> bool:
    """Whether a gateway's configuration is completed by another one when it starts."""
    return bool(at(config, "gateway.config_overlay")) or bool(at(config, "config_overlay"))


def enabled_entries(plugin_set: Document) -> frozenset[str]:
    """The ids of a set's enabled entries."""
    entries = [mapping(one) for one in items(spec_of(plugin_set).get("entries"))]
    return frozenset(str(one.get("id")) for one in entries if one.get("enabled") is not False)
