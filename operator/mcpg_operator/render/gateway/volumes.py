"""Volumes of the pod: the stored plugins as they lie in Secrets, the folder that they are put together in, and everything else.

A plugin of many shards is one volume with one source for each of its Secrets; nothing bounds the number of sources but the size
of the pod, see `mcpg_operator.render.gateway.deployment`.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from typing import TYPE_CHECKING, Any, Final

from supplychain.delivery import SHARD_KEY

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from mcpg_operator.render.gateway.inputs import Defaults
    from mcpg_operator.render.resolved_set import Entry

__all__ = ["PLUGINS_VOLUME", "READABLE", "STORED", "plugins_volume", "stored_volumes", "volume_names"]

PLUGINS_VOLUME: Final = "plugins"
STORED: Final = "/var/run/mcpg/stored"
"""Where the init container finds one folder for each plugin, called like its volume."""
READABLE: Final = 0o440

_MARGIN: Final = 4 * 1024 * 1024
_BESIDE: Final = 512 * 1024
"""Room for descriptor, signature and folder of a plugin, and for the blocks that are not filled."""
_MEBIBYTE: Final = 1024 * 1024
_CUT: Final = 56
_LONGEST: Final = 63
_PREFIX: Final = "plugin-"
_DOUBTFUL: Final = re.compile(rf"{_PREFIX}|.*-(?:[0-9a-f]{{8}}|[0-9a-f]{{32}})", re.ASCII)
"""Nothing but the prefix, or an end like that of a hashed name."""


def volume_names(plugin_ids: Iterable[str]) -> dict[str, str]:
    """Name the volume of each plugin; a name that would be cut, equal to another, or like a hashed one ends in a hash."""
    ids = tuple(plugin_ids)
    plain = {one: _plain(one) for one in ids}
    shared = Counter(plain.values())
    doubtful = [one for one in ids if len(one) > _CUT or shared[plain[one]] > 1 or _DOUBTFUL.fullmatch(plain[one])]
    names = plain | {one: _hashed(one, digits=8) for one in doubtful}
    if len(set(names.values())) < len(ids):  # somebody searched for it
        names |= {one: _hashed(one, digits=32) for one in doubtful}
    return names


def _plain(plugin_id: str) -> str:
    return _PREFIX + re.sub(r"[^a-z0-9]", "-", plugin_id.lower(), flags=re.ASCII)[:_CUT].strip("-")


def _hashed(plugin_id: str, *, digits: int) -> str:
    digest = hashlib.sha256(plugin_id.encode()).hexdigest()[:digits]
    return f"{_plain(plugin_id)[: _LONGEST - digits - 1].rstrip('-')}-{digest}"


def stored_volumes(plugins: Sequence[Entry], names: dict[str, str]) -> list[dict[str, Any]]:
    """Write one volume for each plugin: its files, and its shards below `shards/` by the names of their Secrets."""
    return [{"name": names[one.id], "projected": {"defaultMode": READABLE, "sources": _sources(one)}} for one in plugins]


def _sources(plugin: Entry) -> list[dict[str, Any]]:
    shards = [one.name for one in plugin.parts if one.name != plugin.secret]
    return [
        {"secret": {"name": plugin.secret}},
        *({"secret": {"name": one, "items": [{"key": SHARD_KEY, "path": f"shards/{one}"}]}} for one in shards),
    ]


def plugins_volume(plugins: Sequence[Entry], defaults: Defaults) -> dict[str, Any]:
    """Write the folder that the plugins are put together in, with room for all of them and for one that is written anew."""
    sizes = [_largest(one, defaults) for one in plugins]
    room = sum(sizes) + max(sizes, default=0) + _BESIDE * len(sizes) + _MARGIN
    return {"name": PLUGINS_VOLUME, "emptyDir": {"sizeLimit": f"{-(-room // _MEBIBYTE)}Mi"}}


def _largest(plugin: Entry, defaults: Defaults) -> int:
    """How large a library can be: what the document says, or what its one Secret holds, or what is allowed at all."""
    if plugin.artifact_size is not None:
        return plugin.artifact_size
    parts = plugin.parts
    return parts[0].size if len(parts) == 1 else defaults.limits.artifact
