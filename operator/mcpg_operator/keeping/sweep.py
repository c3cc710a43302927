"""Takes away Secrets that nothing refers to any more: those of plugins that are gone, superseded bytes, and stray shards.

Level-triggered: it looks at what is there and deletes what should not be, so that it does not matter what was missed, or where an
earlier sweep was killed. Which plugins exist is asked of the API server, never of a cache. What a set's resolved document or
the ledger names stays, whatever else is true, and so does what a document that cannot be read could name.
"""

from __future__ import annotations

import logging
import sys
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mcpg_operator.keeping.demand import demand
from mcpg_operator.keeping.secrets import OBJECT, PLUGIN_ID, SHARDS, STORED
from mcpg_operator.names import COMPONENT, MANAGED_BY, OPERATOR
from mcpg_operator.resources import PLUGIN

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from collections.abc import Set as AbstractSet

    from mcpg_operator.keeping.demand import Demand, Unread
    from mcpg_operator.keeping.keeper import Keeper
    from mcpg_operator.resources import Resource
    from mcpg_operator.services import Services

__all__ = ["Sweeper"]

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Secret:
    """What a sweep needs to know of one Secret, of which there may be tens of thousands."""

    name: str
    uid: str
    component: str
    plugin: str | None
    """Name of the MCPGPlugin that it was written for."""
    plugin_id: str | None
    stored: str
    """Of evidence: the Secret that it speaks of."""
    shards: str
    """Of an index and of evidence: names of the shards that it needs, by commas."""
    created: str

    @classmethod
    def of(cls, secret: Resource) -> _Secret:
        notes = secret.annotations
        return cls(
            name=secret.name,
            uid=secret.uid,
            component=sys.intern(str(secret.labels.get(COMPONENT))),
            plugin=notes.get(OBJECT),
            plugin_id=notes.get(PLUGIN_ID),
            stored=notes.get(STORED, ""),
            shards=sys.intern(notes.get(SHARDS, "")),  # the plugins of one release need the same
            created=str(secret.metadata.get("creationTimestamp") or ""),
        )


class Sweeper:
    """Sweeps the operator's namespace."""

    def __init__(self, services: Services, keeper: Keeper) -> None:
        self._services = services
        self._keeper = keeper
        self._told: set[str] = set()
        """Uids of sets of which it was told that they hold something back."""

    def sweep(self) -> int:
        """Delete what should not be there, and say how much that was.

        Raises:
            ClusterUnavailableError, ApplyForbiddenError: nothing can be told; what was deleted so far was rightly deleted.
        """
        self._keeper.writers.begin_sweep()
        secrets = [_Secret.of(one) for one in self._keeper.objects.listing() if one.labels.get(MANAGED_BY) == OPERATOR]
        plugins = {one.name for one in self._services.cluster.list_metadata(PLUGIN)}
        bytes_of = [one for one in secrets if one.component == "plugin" and one.plugin is not None]
        evidence = [one for one in secrets if one.component == "plugin-evidence" and one.plugin is not None]
        gone = [one for one in evidence if one.plugin not in plugins]
        referred = {one.stored for one in evidence if one.plugin in plugins}
        doomed = self._doomed([one for one in bytes_of if one.name not in referred], plugins=plugins)
        held: dict[str, tuple[Unread, ...]] = {}
        needs = demand(self._services) if doomed else None
        doomed = _free(doomed, needs, held)
        names = {one.name for one in doomed}
        kept = [one for one in bytes_of if one.name not in names]
        shards = [one for one in secrets if one.component == "plugin-shard"]
        strays = self._strays(shards, kept=(*kept, *(one for one in evidence if one.plugin in plugins)))
        strays = _free(strays, demand(self._services) if strays and needs is None else needs, held)
        self._tell(held)
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
            if entry.stored is not None:
                needed.update(entry.stored.digests, (name for name, _ in entry.stored.package))
        return [one for one in shards if one.name not in needed]

    def _tell(self, held: Mapping[str, tuple[Unread, ...]]) -> None:
        """Say what is held back: how much in a metric, and of each set once, until it holds back nothing."""
        self._services.metrics.held_back(len(held))
        counts = Counter(unread for holders in held.values() for unread in holders)
        for unread, count in counts.items():
            if unread.plugin_set.uid in self._told:
                continue
            note = f"{count} Secrets of plugins stay that nothing else needs: the resolved document cannot be read: {unread.why}"
            _LOG.warning("%s holds back: %s", unread.plugin_set.key, note)
            self._services.recorder.publish(
                unread.plugin_set, controller="plugin", warning=True, reason="SweepHeldBack", action="Sweep", note=note
            )
        self._told = {unread.plugin_set.uid for unread in counts}

    def _delete(self, secret: _Secret) -> bool:
        gone = self._keeper.delete_unless_written(secret.name, uid=secret.uid)
        if gone:
            _LOG.info("deleted Secret %s, which nothing refers to", secret.name)
        return gone


def _free(secrets: Iterable[_Secret], needs: Demand | None, held: dict[str, tuple[Unread, ...]]) -> list[_Secret]:
    """Leave out what a set needs, or could need; enter the latter in `held`."""
    if needs is None:
        return []
    left = [one for one in secrets if one.name not in needs.named]
    held.update((one.name, holders) for one in left if (holders := needs.holders(one.plugin, one.plugin_id)))
    return [one for one in left if one.name not in held]
