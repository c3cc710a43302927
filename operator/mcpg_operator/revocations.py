"""Which revocations are in force: those of the list `cluster-default`, or the last known ones where it vanished.

* While the list exists, it alone counts, and an edit that takes entries away counts as well.
* An edit after which it cannot be read in full adds, and takes nothing away until it can: what it said before stays in force.
* When it vanishes, what it said stays in force: from memory, or from the ConfigMap `mcpg-revocations-in-force` in the operator's
  namespace, which holds the list's spec as it was, bad entries included. Deleting a list makes nothing loadable.
* Where there is neither, nothing was ever revoked; before the first full look at both, nobody knows.

A change wakes exactly the plugins that it concerns, by looking their artifact hashes up in the ledger on the thread that brought
the change. A plugin that enters the ledger with a standing that the list contradicts is woken as well, because the list may
have changed while it was judged. What is to be taken away is urgent, which puts it before whatever else waits. For plugins that
are not judged since the start the hash in their status decides about this order, and about nothing else.
"""

from __future__ import annotations

import base64
import hashlib
import json
import threading
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final
from weakref import WeakValueDictionary

from mcpg_operator.ledger import Standing
from mcpg_operator.names import MANAGER
from mcpg_operator.resources import CONFIG_MAP, PLUGIN, REVOCATION_LIST, Key, Resource
from supplychain.delivery.zstd import compress, decompress
from supplychain.errors import DeliveryError, RevocationListInvalidError, RevocationListStaleError
from supplychain.revocation import RevocationList, RevocationSet, from_spec, render_revocation_list
from supplychain.strict_json import loads

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from mcpg_operator.ledger import Verified
    from mcpg_operator.services import Services
    from supplychain.revocation import Revocation

__all__ = [
    "CLUSTER_DEFAULT",
    "KEPT",
    "KEPT_ANNOTATIONS",
    "LARGEST_CONFIG_MAP",
    "LIST",
    "in_force",
    "kept_manifest",
    "last_seen",
    "lasting_spec",
    "read_kept",
    "suspects",
]

LIST: Final = "cluster-default"
"""The one list that counts for every plugin."""
KEPT: Final = "mcpg-revocations-in-force"
"""The ConfigMap that outlives it."""
CLUSTER_DEFAULT: Final = Key(REVOCATION_LIST, LIST)
_SIZE: Final = "mcpg.dev/size"
KEPT_ANNOTATIONS: Final = frozenset({_SIZE})
"""Annotations without which the kept entries cannot be read: the bytes of the spec before compression."""
LARGEST_CONFIG_MAP: Final = 1_000_000
"""Bytes of data; the API server takes 1,048,576."""
_HELD: Final = frozenset({RevocationListInvalidError.reason, RevocationListStaleError.reason})
"""Why plugins wait for another list."""
_LARGEST_SPEC: Final = 8 * 1024 * 1024
_PLAIN: Final = "spec.json"
_COMPRESSED: Final = "spec.json.zst"


def in_force(services: Services) -> RevocationSet | None:
    """Give the revocations that count now; None before the first full look at the cluster. Never raises, any thread may ask."""
    return _view(services).current()


def last_seen(services: Services) -> Resource | None:
    """Give `cluster-default` as this process saw it last, whether it still exists or not."""
    return _view(services).source


def suspects(services: Services) -> tuple[Key, ...]:
    """Give plugins that were not judged since the start and stand for revoked artifacts, as far as their status tells."""
    return _view(services).suspects()


def lasting_spec(spec: Any, *, in_force: RevocationList) -> Any:
    """Give the spec that outlives the list: the list's own, unless entries are in force that it lost when it became unreadable.

    These come first then, and the unreadable spec after them as what it is, a bad entry.
    """
    if not in_force.problems or in_force.entries.keys() <= from_spec(spec, name=LIST).entries.keys():
        return spec
    times = {one.hash.hex: {"revokedAt": one.revoked_at} for one in in_force.entries.values() if one.revoked_at is not None}
    entries = [
        {"artifactSha256": key, "reason": one.reason, **times.get(key, {})} for key, one in sorted(in_force.entries.items())
    ]
    return {"version": 1, "revocations": [*entries, spec]}


def kept_manifest(spec: Any, *, namespace: str, annotations: Mapping[str, str]) -> dict[str, Any] | None:
    """Render the ConfigMap that outlives the list; None where the spec is too large for one even when compressed."""
    text = json.dumps(spec, sort_keys=True, separators=(",", ":")).encode("ascii")
    metadata = {
        "name": KEPT,
        "namespace": namespace,
        "labels": dict(MANAGER),
        "annotations": {**annotations, _SIZE: str(len(text))},
    }
    manifest: dict[str, Any] = {"apiVersion": CONFIG_MAP.api_version, "kind": CONFIG_MAP.name, "metadata": metadata}
    if len(text) <= LARGEST_CONFIG_MAP:
        return {**manifest, "data": {_PLAIN: text.decode("ascii")}}
    packed = b"".join(compress(text))
    if len(packed) > LARGEST_CONFIG_MAP or len(text) > _LARGEST_SPEC:
        return None
    return {**manifest, "binaryData": {_COMPRESSED: base64.b64encode(packed).decode("ascii")}}


def read_kept(kept: Resource) -> RevocationList:
    """Read the last known list; one that cannot be read proves nothing, and so clears no plugin."""
    data = kept.data() or {}
    try:
        text = data[_PLAIN] if _PLAIN in data else _unpacked(data[_COMPRESSED], size=kept.annotations.get(_SIZE))
        return from_spec(loads(text, limit=_LARGEST_SPEC), name=LIST)
    except (KeyError, ValueError, DeliveryError) as exc:
        problem = "no such key" if isinstance(exc, KeyError) else str(exc)
        found = f"the kept entries in ConfigMap `{kept.namespace}/{kept.name}` cannot be read: {problem}"
        return RevocationList(name=LIST, entries={}, problems=(found,), sha256="")


def _beside(read: RevocationList, earlier: Mapping[str, Revocation]) -> RevocationList:
    """Add the entries that were in force before to a list that cannot be read in full: silence of it proves nothing."""
    if not read.problems or earlier.keys() <= read.entries.keys():
        return read
    entries = {**earlier, **read.entries}
    text = render_revocation_list(entries.values(), issued_at=read.issued_at)
    return replace(read, entries=entries, sha256=hashlib.sha256(text).hexdigest())


def _unpacked(packed: bytes, *, size: str | None) -> bytes:
    """Decompress at most as many bytes as a list can have.

    Raises:
        ValueError: the size is missing or absurd.
        DeliveryError: the bytes are not what was written.
    """
    if size is None or not size.isascii() or not size.isdecimal() or int(size) > _LARGEST_SPEC:
        raise ValueError("no usable size")
    return b"".join(decompress([packed], size=int(size)))


class _View:
    """The list as one process sees it, with the memory of what it said last."""

    def __init__(self, services: Services) -> None:
        self.store = services.store
        self._services = services
        self._lock = threading.Lock()
        self._source: Resource | None = None
        self._list: RevocationList | None = None
        self._kept: tuple[Resource, RevocationList] | None = None
        self._complete = False
        """Whether what was in force before the start is known, or need not be."""
        present = self.store.get(REVOCATION_LIST, LIST)
        self._told = None if present is None else self._take(present)
        """The list whose consequences were passed on last; only touched by the store's callbacks."""
        self.store.subscribe(REVOCATION_LIST, self._on_list)
        services.ledger.listen(self._on_standing)

    @property
    def source(self) -> Resource | None:
        """The list's object as it was seen last."""
        with self._lock:
            return self._source

    def current(self) -> RevocationSet | None:
        present = self.store.get(REVOCATION_LIST, LIST)
        if present is not None:
            found = self._recalled(self._take(present))
            return None if found is None else RevocationSet((found,))
        with self._lock:
            remembered = self._list
        if remembered is not None:
            return RevocationSet((remembered,))
        if not (self.store.synced(REVOCATION_LIST) and self.store.synced(CONFIG_MAP)):
            return None
        kept = self.store.get(CONFIG_MAP, KEPT, self._services.settings.namespace)
        return RevocationSet(() if kept is None else (self._read(kept),))

    def suspects(self) -> tuple[Key, ...]:
        known = self.current()
        return self._unjudged(frozenset() if known is None else frozenset().union(*(one.entries for one in known.lists)))

    def _unjudged(self, hashes: Collection[str]) -> tuple[Key, ...]:
        """Give plugins without a standing whose status names one of these artifacts and does not say yet that it is revoked."""
        unknown = [key for key in self.store.keys(PLUGIN) if self._services.ledger.get(key.name) is None] if hashes else []
        found = (self.store.get(PLUGIN, key.name) for key in unknown)
        return tuple(one.key for one in found if one is not None and _names(one, hashes))

    def _take(self, resource: Resource) -> RevocationList:
        """Read the list, if its spec is not the one that was read last."""
        with self._lock:
            same = self._source is not None and self._source.spec == resource.spec
            if self._list is None or not same:
                read = from_spec(resource.spec, name=LIST)
                self._complete = self._complete or not read.problems
                self._list = read if self._list is None else _beside(read, self._list.entries)
            self._source = resource
            return self._list

    def _recalled(self, found: RevocationList) -> RevocationList | None:
        """Add what a list that cannot be read since before the start said earlier; None while that cannot be looked up."""
        if self._complete:
            return found
        if not self.store.synced(CONFIG_MAP):
            return None
        kept = self.store.get(CONFIG_MAP, KEPT, self._services.settings.namespace)
        earlier = {} if kept is None else read_kept(kept).entries
        with self._lock:
            self._complete = True
            self._list = _beside(found if self._list is None else self._list, earlier)
            return self._list

    def _read(self, kept: Resource) -> RevocationList:
        with self._lock:
            if self._kept is None or self._kept[0] is not kept:
                self._kept = (kept, read_kept(kept))
            return self._kept[1]

    def _on_list(self, old: Resource | None, new: Resource | None) -> None:
        seen = new or old
        if seen is None or seen.name != LIST:
            return
        before, now = self._told, self._take(seen)
        self._told = now
        if before is now:
            return
        earlier = {} if before is None else before.entries
        changed = {one for one in earlier.keys() | now.entries.keys() if earlier.get(one) != now.entries.get(one)}
        for entry in self._services.ledger.all():
            artifact = None if entry.artifact_hash is None else entry.artifact_hash.hex
            if artifact in changed or entry.reason in _HELD:
                self._wake(entry, urgent=artifact in now.entries)
        for key in self._unjudged(now.entries.keys() - earlier.keys()):
            self._services.urge(key)

    def _on_standing(self, name: str) -> None:
        entry = self._services.ledger.get(name)
        if entry is None or entry.artifact_hash is None or entry.standing not in (Standing.VERIFIED, Standing.REVOKED):
            return
        known = self.current()
        revoked = known is not None and known.find(entry.artifact_hash) is not None
        if revoked != (entry.standing is Standing.REVOKED):
            self._wake(entry, urgent=revoked)

    def _wake(self, entry: Verified, *, urgent: bool) -> None:
        (self._services.urge if urgent else self._services.wake)(Key(PLUGIN, entry.name))


def _names(plugin: Resource, hashes: Collection[str]) -> bool:
    """Whether a status, which may hold anything, says that the plugin stands for one of these artifacts and is not revoked."""
    artifact = plugin.status.get("resolvedDigest")
    return isinstance(artifact, str) and artifact in hashes and plugin.status.get("revokedBySha") is not True


_VIEWS: WeakValueDictionary[int, _View] = WeakValueDictionary()
"""By the identity of the store. A view lives as long as its store, which holds it as a subscriber; so no identity is reused."""
_VIEWS_LOCK = threading.Lock()


def _view(services: Services) -> _View:
    with _VIEWS_LOCK:
        view = _VIEWS.get(id(services.store))
        if view is None or view.store is not services.store:
            view = _VIEWS[id(services.store)] = _View(services)
        return view
