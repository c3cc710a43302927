"""What the operator has seen of the cluster last, for reading without asking and for learning what changed.

Two writers feed it: the watch, event by event, and the relist, kind by kind. A relist is a picture of the moment in which it
began; whatever the watch said about a key after that moment is newer and stays. Resource versions are opaque, never compared by
size.
"""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING

from mcpg_operator.resources import Key, Resource
from mcpg_operator.runtime.index import Index
from mcpg_operator.runtime.packed import Packer, unpack

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from mcpg_operator.resources import Kind
    from mcpg_operator.runtime.packed import Held

    Callback = Callable[[Resource | None, Resource | None], None]

__all__ = ["Store"]

_LOG = logging.getLogger(__name__)


class Store:
    """Snapshot by kind; every method may be called from any thread, callbacks run on the thread that brought the change."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._packer = Packer()
        self._objects: dict[Kind, dict[Key, Held]] = {}
        self._moved: dict[Key, int] = {}
        """When the watch last spoke of a key, in ticks; forgotten once a relist began later."""
        self._tick = 0
        self._synced: set[Kind] = set()
        self._callbacks: dict[Kind, list[Callback]] = {}
        self._indexes: dict[Kind, dict[str, Index]] = {}

    def get(self, kind: Kind, name: str, namespace: str | None = None) -> Resource | None:
        """One object as it was seen last; None where none is known."""
        with self._lock:
            held = self._objects.get(kind, {}).get(Key(kind, name, namespace))
        return None if held is None else unpack(held)

    def keys(self, kind: Kind) -> tuple[Key, ...]:
        """Every known key of a kind, in no order; costs next to nothing, however many there are."""
        with self._lock:
            return tuple(self._objects.get(kind, ()))

    def list(self, kind: Kind) -> tuple[Resource, ...]:
        """Every known object of a kind, by namespace and name; `each` where there may be thousands."""
        return tuple(self.each(kind))

    def each(self, kind: Kind) -> Iterator[Resource]:
        """Give them as `list` does, as of now, one body after the other: all at once they are many times what the store holds."""
        with self._lock:
            known = tuple(self._objects.get(kind, {}).items())
        return (unpack(held) for _, held in sorted(known, key=lambda one: (one[0].namespace or "", one[0].name)))

    def index(self, kind: Kind, name: str, of: Callable[[Resource], Iterable[str]]) -> None:
        """Let objects of a kind be found under the values that `of` gives; an index that is there already stays.

        `of` must not raise, whatever an object looks like, and must not use the store.
        """
        with self._lock:
            known = self._indexes.setdefault(kind, {})
            if name in known:
                return
            made = known[name] = Index(of)
            for key, held in self._objects.get(kind, {}).items():
                made.enter(key, unpack(held))

    def find(self, kind: Kind, name: str, value: str) -> tuple[Resource, ...]:
        """Give the objects that an index holds under a value, by namespace and name."""
        with self._lock:
            known = self._objects.get(kind, {})
            found = [known[key] for key in self._indexes[kind][name].keys(value)]
        return tuple(unpack(held) for held in found)

    def count(self, kind: Kind, name: str, value: str) -> int:
        """Say how many those are."""
        with self._lock:
            return self._indexes[kind][name].count(value)

    def values(self, kind: Kind, name: str) -> tuple[str, ...]:
        """Give every value under which an index holds something."""
        with self._lock:
            return tuple(sorted(self._indexes[kind][name].values()))

    def synced(self, kind: Kind) -> bool:
        """Whether a full list of the kind has come in since the start."""
        with self._lock:
            return kind in self._synced

    def mark(self) -> int:
        """Give the present moment; take it before a list is asked for, and hand it to `replace`."""
        with self._lock:
            return self._tick

    def subscribe(self, kind: Kind, callback: Callback) -> None:
        """Call `callback(old, new)` after every change of an object of this kind; None stands for "not there"."""
        with self._lock:
            self._callbacks.setdefault(kind, []).append(callback)

    def put(self, resource: Resource) -> None:
        """Enter what the watch said about an object."""
        key, new = resource.key, self._packer.pack(_slim(resource))
        with self._lock:
            old = self._enter(key, new)
            self._touch(key)
        self._tell(key.kind, [(old, new)])

    def remove(self, key: Key) -> None:
        """Enter that the watch saw an object go."""
        with self._lock:
            old = self._leave(key)
            self._touch(key)
        self._tell(key.kind, [(old, None)])

    def replace(
        self, kind: Kind, resources: Iterable[Resource], namespace: str | None = None, *, since: int | None = None
    ) -> None:
        """Enter a full list, of one namespace or of all: what is missing from it is gone.

        Args:
            kind: of every object in the list
            resources: all of them
            namespace: to which the list was restricted
            since: `mark()` of the moment before the list was asked for; what the watch said after it is kept. None: now.
        """
        listed = {one.key: self._packer.pack(_slim(one)) for one in resources}
        with self._lock:
            since = self._tick if since is None else since
            changes: list[tuple[Held | None, Held | None]] = []
            known = self._objects.setdefault(kind, {})
            scope = [key for key in known if namespace is None or key.namespace == namespace]
            gone = [key for key in scope if key not in listed and self._moved.get(key, 0) <= since]
            changes.extend((self._leave(key), None) for key in gone)
            changes.extend((self._enter(key, new), new) for key, new in listed.items() if self._moved.get(key, 0) <= since)
            for key in [key for key, tick in self._moved.items() if key.kind == kind and tick <= since]:
                del self._moved[key]
            self._synced.add(kind)
        self._tell(kind, changes)

    def _enter(self, key: Key, new: Held) -> Held | None:
        known = self._objects.setdefault(key.kind, {})
        old = known.get(key)
        if not _same(old, new):
            known[key] = new
            for index in self._indexes.get(key.kind, {}).values():
                index.enter(key, unpack(new))
        return old

    def _leave(self, key: Key) -> Held | None:
        for index in self._indexes.get(key.kind, {}).values():
            index.enter(key, None)
        return self._objects.get(key.kind, {}).pop(key, None)

    def _touch(self, key: Key) -> None:
        self._tick += 1
        self._moved[key] = self._tick

    def _tell(self, kind: Kind, changes: Iterable[tuple[Held | None, Held | None]]) -> None:
        for before, after in changes:
            if _same(before, after):
                continue
            old, new = (None if one is None else unpack(one) for one in (before, after))
            for callback in tuple(self._callbacks.get(kind, ())):
                try:
                    callback(old, new)
                except Exception:  # noqa: BLE001 — one deaf listener must not keep the news from the others, nor end the watch
                    _LOG.exception("a listener failed", extra={"kind": kind.name})


def _slim(resource: Resource) -> Resource:
    """Leave out `metadata.managedFields`: up to half of an object, and of no use here."""
    metadata = resource.metadata
    if "managedFields" not in metadata:
        return resource
    kept = {key: value for key, value in metadata.items() if key != "managedFields"}
    return Resource(resource.kind, {**resource.body, "metadata": kept})


def _same(old: Held | None, new: Held | None) -> bool:
    if old is None or new is None:
        return old is new
    return old.uid == new.uid and bool(new.resource_version) and old.resource_version == new.resource_version
