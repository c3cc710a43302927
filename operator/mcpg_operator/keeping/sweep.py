"""Takes away Secrets that nothing refers to any more: those of plugins that are gone, superseded bytes, and stray shards.

Level-triggered: it looks at what is there and deletes what should not be, so that it does not matter what was missed, or where an
earlier sweep was killed. Which plugins exist is asked of the API server, never of a cache. What a set's resolved document or
the ledger names stays, whatever else is true.
"""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING, Final

from mcpg_operator.keeping.secrets import OBJECT, SHARDS, STORED
from mcpg_operator.names import COMPONENT, MANAGED_BY, OPERATOR
from mcpg_operator.render.plugin_set import document_name
from mcpg_operator.resources import PLUGIN, PLUGIN_SET, SECRET, Resource
from supplychain.errors import SupplyChainError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from collections.abc import Set as AbstractSet

    from mcpg_operator.keeping.keeper import Keeper
    from mcpg_operator.services import Services

__all__ = ["Sweeper"]

_LOG = logging.getLogger(__name__)
_DOCUMENT: Final = "plugins.json"


class Sweeper:
    """Sweeps the operator's namespace."""

    def __init__(self, services: Services, keeper: Keeper) -> None:
        self._services = services
        self._keeper = keeper

    def sweep(self) -> int:
        """Delete what should not be there, and say how much that was.

        Raises:
            ClusterUnavailableError, ApplyForbiddenError: nothing can be told; what was deleted so far was rightly deleted.
        """
        self._keeper.begin_sweep()
        secrets = [one for one in self._keeper.objects.listing() if one.labels.get(MANAGED_BY) == OPERATOR]
        plugins = {one.name for one in self._services.cluster.list_metadata(PLUGIN)}
        bytes_of = [one for one in secrets if one.labels.get(COMPONENT) == "plugin" and OBJECT in one.annotations]
        evidence = [one for one in secrets if one.labels.get(COMPONENT) == "plugin-evidence" and OBJECT in one.annotations]
        gone = [one for one in evidence if one.annotations[OBJECT] not in plugins]
        referred = {one.annotations.get(STORED, "") for one in evidence if one not in gone}
        doomed = self._doomed([one for one in bytes_of if one.name not in referred], plugins=plugins)
        if doomed:
            named = self._named_by_sets()
            doomed = [] if named is None else [one for one in doomed if one.name not in named]
        kept = [one for one in bytes_of if one.name not in {each.name for each in doomed}]
        shards = [one for one in secrets if one.labels.get(COMPONENT) == "plugin-shard"]
        strays = self._strays(shards, kept=kept)
        if strays:
            named = self._named_by_sets()
            strays = [] if named is None else [one for one in strays if one.name not in named]
        # What refers to others goes first, so that a sweep that is killed leaves no reference to what is gone.
        return sum(self._delete(one) for one in (*gone, *doomed, *strays))

    def _doomed(self, secrets: Iterable[Resource], *, plugins: AbstractSet[str]) -> list[Resource]:
        """Find the bytes of plugins that are gone, and superseded ones beyond the number that is retained."""
        judged = {one.name: one.stored for one in self._services.ledger.all()}
        in_use = {stored.secret for stored in judged.values() if stored is not None}
        doomed, by_plugin = [], dict[str, list[Resource]]()
        for one in secrets:
            plugin = one.annotations[OBJECT]
            if one.name in in_use:
                continue
            if plugin not in plugins:
                doomed.append(one)
            elif plugin in judged:  # of the others nobody knows yet what is superseded
                by_plugin.setdefault(plugin, []).append(one)
        for superseded in by_plugin.values():
            superseded.sort(key=lambda one: (str(one.metadata.get("creationTimestamp") or ""), one.name), reverse=True)
            doomed.extend(superseded[self._services.settings.retain_digests :])
        return doomed

    def _strays(self, shards: Iterable[Resource], *, kept: Iterable[Resource]) -> list[Resource]:
        needed = {name for one in kept for name in one.annotations.get(SHARDS, "").split(",")}
        for entry in self._services.ledger.all():
            needed |= set() if entry.stored is None else set(entry.stored.digests)
        return [one for one in shards if one.name not in needed]

    def _named_by_sets(self) -> set[str] | None:
        """Read which Secrets the resolved documents name; None where that cannot be told for every set."""
        named: set[str] = set()
        for plugin_set in self._services.cluster.list_metadata(PLUGIN_SET, namespace=self._services.settings.watch_namespace):
            try:
                found = self._services.cluster.get(SECRET, document_name(plugin_set.name), namespace=plugin_set.namespace)
                named |= set() if found is None else _names((found.data() or {}).get(_DOCUMENT, b""))
            except (SupplyChainError, ValueError, TypeError, KeyError) as exc:
                _LOG.warning("nothing superseded is deleted: the resolved document of %s cannot be read: %s", plugin_set.key, exc)
                return None
        return named

    def _delete(self, secret: Resource) -> bool:
        gone = self._keeper.delete_unless_written(secret.name, uid=secret.uid)
        if gone:
            _LOG.info("deleted Secret %s, which nothing refers to", secret.name)
        return gone


def _names(document: bytes) -> set[str]:
    """Read the names of all Secrets out of a resolved document; the bytes and the shards it lists."""
    entries = json.loads(document)["entries"] if document else []
    return {part["name"] for entry in entries for part in entry["secrets"]} | {entry["artefactSecretName"] for entry in entries}
