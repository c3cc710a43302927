"""What the rules look up, out of the caches; remembers what was asked, so that it can be asked again of the API server itself.

Caches lag behind by milliseconds, or by more where a watch is broken. What admits because something is missing, and what refuses
because of another object, is therefore looked at once more before it counts. Whatever was there in the cache and admits, counts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mcpg_operator.indexes import routes_of_gateway
from mcpg_operator.resources import (
    CLUSTER,
    GATEWAY,
    NAMESPACE,
    PLUGIN,
    PLUGIN_SET,
    REVOCATION_LIST,
    ROUTE,
    SECRET,
    TENANT,
    Key,
    Kind,
)
from supplychain.errors import LookupFailedError
from supplychain.rules.binding import target_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from mcpg_operator.admission.descriptors import Descriptors
    from mcpg_operator.admission.live import Live
    from mcpg_operator.resources import Resource
    from mcpg_operator.runtime.store import Store
    from supplychain.descriptor import Descriptor
    from supplychain.rules.reading import Document

__all__ = ["CachedWorld", "LiveWorld", "Sources"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """Where the answers come from, for one review."""

    store: Store
    descriptors: Descriptors
    failed: Callable[[Kind], None]
    """Is told what could not be looked up."""


class CachedWorld:
    """`supplychain.rules.world.World` out of the store, for one review; asks nobody."""

    def __init__(self, sources: Sources) -> None:
        self.sources = sources
        self.found: dict[Key, Resource | None] = {}
        """Every single object that was asked for."""
        self.listed: dict[Kind, tuple[Resource, ...]] = {}
        """Every kind that was asked for as a whole."""
        self.undescribed: set[str] = set()
        """Plugins whose descriptor was asked for, and that were pulled, and whose evidence would have to be read."""

    @property
    def missing(self) -> tuple[Key, ...]:
        """What was asked for and is not there."""
        return tuple(key for key, found in self.found.items() if found is None)

    def tenants(self) -> Sequence[Document]:
        """See `World`."""
        return self._all(TENANT)

    def plugins(self) -> Sequence[Document]:
        """See `World`."""
        return self._all(PLUGIN)

    def plugin(self, name: str) -> Document | None:
        """See `World`."""
        return self._one(Key(PLUGIN, name))

    def descriptor(self, plugin: str) -> Descriptor | None:
        """See `World`."""
        known, found = self.sources.descriptors.known(plugin)
        if not known:
            self.undescribed.add(plugin)
        return found

    def plugin_sets(self) -> Sequence[Document]:
        """See `World`."""
        return self._all(PLUGIN_SET)

    def plugin_set(self, namespace: str, name: str) -> Document | None:
        """See `World`."""
        return self._one(Key(PLUGIN_SET, name, namespace))

    def gateways(self) -> Sequence[Document]:
        """See `World`."""
        return self._all(GATEWAY)

    def gateway(self, namespace: str, name: str) -> Document | None:
        """See `World`."""
        return self._one(Key(GATEWAY, name, namespace))

    def routes(self) -> Sequence[Document]:
        """See `World`."""
        return self._all(ROUTE)

    def routes_of(self, namespace: str, name: str) -> Sequence[Document]:
        """See `World`; by the store's index, so that it takes no longer the more routes other gateways have."""
        self._known(ROUTE)
        found = routes_of_gateway(self.sources.store, Key(GATEWAY, name, namespace))
        return tuple(one.body for one in found if target_of(one.body) == (namespace, name))

    def cluster(self, name: str) -> Document | None:
        """See `World`."""
        return self._one(Key(CLUSTER, name))

    def revocation_list(self, name: str) -> Document | None:
        """See `World`."""
        return self._one(Key(REVOCATION_LIST, name))

    def namespace(self, name: str) -> Document | None:
        """See `World`."""
        return self._one(Key(NAMESPACE, name))

    def _one(self, key: Key) -> Document | None:
        if key not in self.found:
            self.found[key] = self._read(key)
        found = self.found[key]
        return None if found is None else found.body

    def _all(self, kind: Kind) -> Sequence[Document]:
        if kind not in self.listed:
            self.listed[kind] = self._list(kind)
        return tuple(one.body for one in self.listed[kind])

    def _read(self, key: Key) -> Resource | None:
        self._known(key.kind)
        return self.sources.store.get(key.kind, key.name, key.namespace)

    def _list(self, kind: Kind) -> tuple[Resource, ...]:
        self._known(kind)
        return self.sources.store.list(kind)

    def _known(self, kind: Kind) -> None:
        """Take nothing for absent that was never listed."""
        if not self.sources.store.synced(kind):
            self.sources.failed(kind)
            raise LookupFailedError(f"{kind.name} cannot be looked up", got="the caches are not filled yet")


class LiveWorld(CachedWorld):
    """The same, with some answers of the API server itself, and with it where the store has no answer."""

    def __init__(self, before: CachedWorld, live: Live, *, again: Sequence[Key], listed: Sequence[Kind]) -> None:
        """Ask again at once for some objects and for some kinds as a whole, and read the evidence that `before` lacked.

        Raises:
            LookupFailedError: something could not be looked up.
        """
        super().__init__(before.sources)
        self._live = live
        self.found.update((key, self._ask(key)) for key in again)
        self.listed.update((kind, self._ask_all(kind)) for kind in listed)
        described = [self._describe(plugin) for plugin in sorted(before.undescribed)]
        self.news = (
            any(described)
            or any(_differs(before.found[key], found) for key, found in self.found.items())
            or any(not _alike(before.listed[kind], found) for kind, found in self.listed.items())
        )
        """Whether anything is not as it was in the cache."""

    def _read(self, key: Key) -> Resource | None:
        return super()._read(key) or self._ask(key)

    def descriptor(self, plugin: str) -> Descriptor | None:
        """See `World`."""
        known, found = self.sources.descriptors.known(plugin)
        return found if known else self._describe(plugin)

    def _describe(self, plugin: str) -> Descriptor | None:
        try:
            return self.sources.descriptors.load(plugin)
        except LookupFailedError:
            self.sources.failed(SECRET)
            raise

    def _ask(self, key: Key) -> Resource | None:
        try:
            return self._live.one(key)
        except LookupFailedError:
            self.sources.failed(key.kind)
            raise

    def _ask_all(self, kind: Kind) -> tuple[Resource, ...]:
        try:
            return self._live.all(kind)
        except LookupFailedError:
            self.sources.failed(kind)
            raise


def _alike(before: Sequence[Resource], after: Sequence[Resource]) -> bool:
    return {(one.uid, one.resource_version) for one in before} == {(one.uid, one.resource_version) for one in after}


def _differs(before: Resource | None, after: Resource | None) -> bool:
    if before is None or after is None:
        return before is not after
    return (before.uid, before.resource_version) != (after.uid, after.resource_version)
