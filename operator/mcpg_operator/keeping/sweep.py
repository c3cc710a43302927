"""Takes away Secrets that nothing refers to any more: those of plugins that are gone, superseded bytes, and stray shards.

Level-triggered: it looks at what is there and deletes what should not be, so that it does not matter what was missed, or where an
earlier sweep was killed. Which plugins exist is asked of the API server, never of a cache. What a set's resolved document or
the ledger names stays, whatever else is true.
"""

from __future__ import annotations

import json
import logging
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from mcpg_operator.keeping.secrets import OBJECT, SHARDS, STORED
from mcpg_operator.names import COMPONENT, MANAGED_BY, OPERATOR
from mcpg_operator.render.plugin_set import document_name, is_ours
from mcpg_operator.resources import PLUGIN, PLUGIN_SET, SECRET
from supplychain.errors import SupplyChainError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from collections.abc import Set as AbstractSet

    from mcpg_operator.keeping.keeper import Keeper
    from mcpg_operator.resources import Resource
    from mcpg_operator.services import Services

__all__ = ["Sweeper"]

_LOG = logging.getLogger(__name__)
_DOCUMENT: Final = "plugins.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Secret:
    """What a sweep needs to know of one Secret, of which there may be tens of thousands."""

    name: str
    uid: str
    component: str
    plugin: str | None
    """Name of the MCPGPlugin that it was written for."""
    stored: str
    """Of evidence: the Secret that it speaks of."""
    shards: str
    created: str

    @classmethod
    def of(cls, secret: Resource) -> _Secret:
        notes = secret.annotations
        return cls(
            name=secret.name,
            uid=secret.uid,
            component=sys.intern(str(secret.labels.get(COMPONENT))),
            plugin=notes.get(OBJECT),
            stored=notes.get(STORED, ""),
            shards=notes.get(SHARDS, ""),
            created=str(secret.metadata.get("creationTimestamp") or ""),
        )


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
        secrets = [_Secret.of(one) for one in self._keeper.objects.listing() if one.labels.get(MANAGED_BY) == OPERATOR]
        plugins = {one.name for one in self._services.cluster.list_metadata(PLUGIN)}
        bytes_of = [one for one in secrets if one.component == "plugin" and one.plugin is not None]
        evidence = [one for one in secrets if one.component == "plugin-evidence" and one.plugin is not None]
        gone = [one for one in evidence if one.plugin not in plugins]
        referred = {one.stored for one in evidence if one.plugin in plugins}
        doomed = self._doomed([one for one in bytes_of if one.name not in referred], plugins=plugins)
        if doomed:
            named = self._named_by_sets()
            doomed = [] if named is None else [one for one in doomed if one.name not in named]
        names = {one.name for one in doomed}
        kept = [one for one in bytes_of if one.name not in names]
        shards = [one for one in secrets if one.component == "plugin-shard"]
        strays = self._strays(shards, kept=kept)
        if strays:
            named = self._named_by_sets()
            strays = [] if named is None else [one for one in strays if one.name not in named]
        # What refers to others goes first, so that a sweep that is killed leaves no reference to what is gone.
        return sum(self._delete(one) for one in (*gone, *doomed, *strays))

    def _doomed(self, secrets: Iterable[_Secret], *, plugins: AbstractSet[str]) -> list[_Secret]:
        """Find the bytes of plugins that are gone, and superseded ones beyond the number that is retained."""
        judged = {one.name: one.stored for one in self._services.ledger.all()}
        in_use = {stored.secret for stored in judged.values() if stored is not None}
        doomed, by_plugin = [], dict[str, list[_Secret]]()
        for one in secrets:
            plugin = one.plugin or ""
            if one.name in in_use:
                continue
            if plugin not in plugins:
                doomed.append(one)
            elif plugin in judged:  # of the others nobody knows yet what is superseded
                by_plugin.setdefault(plugin, []).append(one)
        for superseded in by_plugin.values():
            superseded.sort(key=lambda one: (one.created, one.name), reverse=True)
            doomed.extend(superseded[self._services.settings.retain_digests :])
        return doomed

    def _strays(self, shards: Iterable[_Secret], *, kept: Iterable[_Secret]) -> list[_Secret]:
        needed = {name for one in kept for name in one.shards.split(",")}
        for entry in self._services.ledger.all():
            needed |= set() if entry.stored is None else set(entry.stored.digests)
        return [one for one in shards if one.name not in needed]

    def _named_by_sets(self) -> set[str] | None:
        """Read which Secrets the resolved documents name; None where that cannot be told for every set."""
        named: set[str] = set()
        for plugin_set in self._services.cluster.list_metadata(PLUGIN_SET, namespace=self._services.settings.watch_namespace):
            try:
                found = self._services.cluster.get(SECRET, document_name(plugin_set.name), namespace=plugin_set.namespace)
                # A Secret of somebody else is no document of ours, whatever it is called: no gateway goes by it.
                named |= _names((found.data() or {}).get(_DOCUMENT, b"")) if found is not None and is_ours(found) else set()
            except (SupplyChainError, ValueError, TypeError, KeyError, RecursionError) as exc:
                _LOG.warning("nothing superseded is deleted: the resolved document of %s cannot be read: %s", plugin_set.key, exc)
                return None
        return named

    def _delete(self, secret: _Secret) -> bool:
        gone = self._keeper.delete_unless_written(secret.name, uid=secret.uid)
        if gone:
            _LOG.info("deleted Secret %s, which nothing refers to", secret.name)
        return gone


def _names(document: bytes) -> set[str]:
    """Read the names of all Secrets out of a resolved document; the bytes and the shards it lists."""
    entries = json.loads(document)["entries"] if document else []
    return {part["name"] for entry in entries for part in entry["secrets"]} | {entry["artefactSecretName"] for entry in entries}
