"""An API server in memory, for unit tests: `mcpg_operator.cluster.Cluster` with what a test wants to bend.

It keeps resource versions, generations, uids, field owners, preconditions and the status subresource, and refuses what a real API
server refuses. The shared tests in `tests/e2e/test_kube.py` run it beside a real one.
"""

from __future__ import annotations

import threading
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from mcpg_operator.resources import (
    CONFIG_MAP,
    EVENT,
    LEASE,
    NAMESPACE,
    ROLE_BINDING,
    SECRET,
    Key,
    Kind,
    Resource,
    kind_of,
)
from supplychain.errors import ApplyRejectedError, ConflictError
from tests.support.fake_admission import check, check_update
from tests.support.fake_apply import Owners, copied, merge_apply

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    class Feedable(Protocol):
        def put(self, resource: Resource) -> None: ...
        def remove(self, key: Key) -> None: ...
        def replace(self, kind: Kind, resources: Iterable[Resource], namespace: str | None = None) -> None: ...


__all__ = ["FakeCluster", "Write"]

_COUNTED = frozenset({SECRET, CONFIG_MAP, LEASE, EVENT, NAMESPACE, ROLE_BINDING})
"""Kinds without a generation."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Write:
    """One write that changed something, or tried to."""

    verb: str
    key: Key
    manager: str = ""
    changed: bool = True


@dataclass(slots=True)
class _Held:
    body: dict[str, Any]
    owners: dict[str, Owners] = field(default_factory=lambda: {"": {}, "status": {}})


@dataclass(slots=True, kw_only=True)
class _Fault:
    error: Exception
    on: frozenset[str]
    kind: Kind | None
    times: int | None


class FakeCluster:
    """Objects by key; every method may be called from any thread."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._held: dict[Key, _Held] = {}
        self._version = 100
        self._faults: list[_Fault] = []
        self._watchers: list[Callable[[str, Resource], None]] = []
        self.unserved: set[Kind] = set()
        self.absent_namespaces: set[str] = set()
        """Writes into these fail as into namespaces that do not exist."""
        self.writes: list[Write] = []
        self.reads: list[tuple[str, Kind, str]] = []

    # --- what a test bends -------------------------------------------------------------------------------------------------

    def fail_with(
        self, error: Exception, *, on: str | Iterable[str] = "*", kind: Kind | None = None, times: int | None = None
    ) -> None:
        """Raise `error` from these methods (`*`: all), for one kind or all, so many times or until `heal`."""
        names = frozenset({on} if isinstance(on, str) else on)
        self._faults.append(_Fault(error=error, on=names, kind=kind, times=times))

    def heal(self) -> None:
        """Drop every fault."""
        self._faults.clear()

    def watch(self, callback: Callable[[str, Resource], None]) -> None:
        """Call `callback("ADDED" | "MODIFIED" | "DELETED", object)` after every change."""
        self._watchers.append(callback)

    def feed(self, store: Feedable, *kinds: Kind) -> None:
        """Fill a store with all objects of these kinds, as a first list does, and keep it fed."""
        for kind in kinds:
            store.replace(kind, self._all(kind))

        def pass_on(change: str, resource: Resource) -> None:
            if resource.kind in kinds:
                if change == "DELETED":
                    store.remove(resource.key)
                else:
                    store.put(resource)

        self.watch(pass_on)

    def put(self, kind: Kind, body: Mapping[str, Any]) -> Resource:
        """Store an object as it is, unexamined, status and all: what an older schema or another client let in."""
        with self._lock:
            held = copied(body)
            held.setdefault("apiVersion", kind.api_version)
            held.setdefault("kind", kind.name)
            metadata = held.setdefault("metadata", {})
            key = Key(kind, metadata["name"], metadata.get("namespace"))
            old = self._held.get(key)
            return self._commit(key, old, held, verb="put", manager="test")

    def edit(self, key: Key, change: Callable[[dict[str, Any]], None]) -> Resource:
        """Change a stored object by hand, unexamined."""
        with self._lock:
            body = copied(self._held[key].body)
            change(body)
            return self._commit(key, self._held[key], body, verb="edit", manager="test")

    def remove(self, key: Key) -> None:
        """Take an object away as if somebody else had deleted it, finalizers or not."""
        with self._lock:
            gone = self._held.pop(key)
            self._tell("DELETED", Resource(key.kind, gone.body))

    def objects(self, kind: Kind) -> Sequence[Resource]:
        """Every object of a kind, without counting as a read."""
        return self._all(kind)

    def collect_garbage(self) -> Sequence[Key]:
        """Delete what has owners of which none exists, as the garbage collector does; give what went."""
        with self._lock:
            alive = {held.body["metadata"]["uid"] for held in self._held.values()}
            gone = [
                key
                for key, held in self._held.items()
                if (owners := held.body["metadata"].get("ownerReferences")) and not any(one["uid"] in alive for one in owners)
            ]
        for key in gone:
            self.remove(key)
        return gone

    # --- the port ------------------------------------------------------------------------------------------------------------

    def get(self, kind: Kind, name: str, *, namespace: str | None = None) -> Resource | None:
        self._read("get", kind, name)
        with self._lock:
            held = self._held.get(Key(kind, name, namespace))
            return None if held is None else Resource(kind, copied(held.body))

    def list(
        self,
        kind: Kind,
        *,
        namespace: str | None = None,
        labels: Mapping[str, str] | None = None,
        fields: str | None = None,
    ) -> Iterable[Resource]:
        self._read("list", kind, namespace or "")
        return [one for one in self._all(kind) if _selected(one, namespace, labels) and _fields(one, fields)]

    def list_metadata(
        self, kind: Kind, *, namespace: str | None = None, labels: Mapping[str, str] | None = None
    ) -> Iterable[Resource]:
        self._read("list_metadata", kind, namespace or "")
        found = [one for one in self._all(kind) if _selected(one, namespace, labels)]
        return [Resource(kind, {"metadata": one.body["metadata"]}) for one in found]

    def apply(self, manifest: Mapping[str, Any], *, manager: str) -> Resource:
        key = _key(manifest)
        self._write("apply", key)
        with self._lock:
            held = self._held.get(key)
            self._optimistic(key, held, manifest)
            body = copied(held.body) if held else {"apiVersion": key.kind.api_version, "kind": key.kind.name}
            wanted = copied({name: value for name, value in manifest.items() if name not in {"apiVersion", "kind"}})
            if key.kind not in _COUNTED:
                wanted.pop("status", None)
            for name in ("resourceVersion", "uid", "managedFields", "generation", "creationTimestamp"):
                wanted["metadata"].pop(name, None)
            owners = _owners(held.owners[""]) if held else {}
            merge_apply(body, wanted, owners, manager)
            resource = self._commit(key, held, body, verb="apply", manager=manager, examine=True)
            self._held[key].owners[""] = owners
            return resource

    def apply_status(
        self, kind: Kind, name: str, *, namespace: str | None = None, status: Mapping[str, Any], manager: str
    ) -> Resource | None:
        key = Key(kind, name, namespace)
        self._write("apply_status", key)
        with self._lock:
            held = self._held.get(key)
            if held is None:
                return None
            body = copied(held.body)
            owners = _owners(held.owners["status"])
            merge_apply(body, {"status": copied(status)} if status else {}, owners, manager)
            resource = self._commit(key, held, body, verb="apply_status", manager=manager, examine=True)
            self._held[key].owners["status"] = owners
            return resource

    def create(self, manifest: Mapping[str, Any]) -> Resource:
        key = _key(manifest)
        self._write("create", key)
        with self._lock:
            if key in self._held:
                raise ConflictError("the object exists already", where=f"`{key}`")
            body = copied(manifest)
            if key.kind not in _COUNTED:
                body.pop("status", None)
            return self._commit(key, None, body, verb="create", examine=True)

    def replace(self, manifest: Mapping[str, Any]) -> Resource:
        key = _key(manifest)
        self._write("replace", key)
        with self._lock:
            held = self._held.get(key)
            version = (manifest.get("metadata") or {}).get("resourceVersion")
            if held is None or not version or version != held.body["metadata"]["resourceVersion"]:
                raise ConflictError("the object has been changed", where=f"`{key}`")
            body = copied(manifest)
            if key.kind not in _COUNTED:
                body.pop("status", None)
                if "status" in held.body:
                    body["status"] = copied(held.body["status"])
            return self._commit(key, held, body, verb="replace", examine=True)

    def delete(
        self, kind: Kind, name: str, *, namespace: str | None = None, uid: str | None = None, version: str | None = None
    ) -> bool:
        key = Key(kind, name, namespace)
        self._write("delete", key)
        with self._lock:
            held = self._held.get(key)
            if held is None:
                return False
            metadata = held.body["metadata"]
            if (uid or metadata["uid"], version or metadata["resourceVersion"]) != (metadata["uid"], metadata["resourceVersion"]):
                raise ConflictError("the object is not the one that was to be deleted", where=f"`{key}`")
            self.writes.append(Write(verb="delete", key=key))
            if metadata.get("finalizers"):
                metadata.setdefault("deletionTimestamp", "2026-01-01T00:00:00Z")
                self._version += 1
                metadata["resourceVersion"] = str(self._version)
                self._tell("MODIFIED", Resource(kind, held.body))
            else:
                self.remove(key)
            return True

    def served(self, kind: Kind) -> bool:
        self._read("served", kind, "")
        return kind not in self.unserved

    # --- inside ----------------------------------------------------------------------------------------------------------------

    def _commit(
        self, key: Key, held: _Held | None, body: dict[str, Any], *, verb: str, manager: str = "", examine: bool = False
    ) -> Resource:
        metadata = body.setdefault("metadata", {})
        metadata.update(name=key.name, **({"namespace": key.namespace} if key.namespace else {}))
        metadata.pop("managedFields", None)
        old = None if held is None else held.body
        fixed = (old or {}).get("metadata", {})
        metadata["uid"] = fixed.get("uid") or metadata.get("uid") or str(uuid.uuid4())
        metadata["creationTimestamp"] = fixed.get("creationTimestamp", "2026-01-01T00:00:00Z")
        for name in ("resourceVersion", "generation", "deletionTimestamp"):
            metadata.pop(name, None)
            if name in fixed:
                metadata[name] = fixed[name]
        if examine:
            check(key, body, status_only=verb == "apply_status")
            if old is not None:
                check_update(key, old, body)
        changed = old is None or body != old
        self.writes.append(Write(verb=verb, key=key, manager=manager, changed=changed))
        if not changed:
            return Resource(key.kind, copied(body))
        if key.kind not in _COUNTED:
            same = old is not None and _substance(old) == _substance(body)
            metadata["generation"] = fixed.get("generation", 0) + (0 if same else 1)
        self._version += 1
        metadata["resourceVersion"] = str(self._version)
        if metadata.get("deletionTimestamp") and not metadata.get("finalizers"):
            self.remove(key)
            return Resource(key.kind, copied(body))
        if held is None:
            self._held[key] = _Held(body)
        else:
            held.body = body
        self._tell("ADDED" if old is None else "MODIFIED", Resource(key.kind, body))
        return Resource(key.kind, copied(body))

    def _optimistic(self, key: Key, held: _Held | None, manifest: Mapping[str, Any]) -> None:
        for name in ("resourceVersion", "uid"):
            wanted = manifest["metadata"].get(name)
            if wanted and (held is None or held.body["metadata"][name] != wanted):
                raise ConflictError("the object has been changed", where=f"`{key}`")

    def _all(self, kind: Kind) -> Sequence[Resource]:
        with self._lock:
            found = [Resource(kind, copied(held.body)) for key, held in self._held.items() if key.kind == kind]
        return sorted(found, key=lambda one: (one.namespace or "", one.name))

    def _tell(self, change: str, resource: Resource) -> None:
        for watcher in tuple(self._watchers):
            watcher(change, Resource(resource.kind, copied(resource.body)))

    def _read(self, verb: str, kind: Kind, what: str) -> None:
        self.reads.append((verb, kind, what))
        self._fault(verb, kind)

    def _write(self, verb: str, key: Key) -> None:
        self._fault(verb, key.kind)
        if key.namespace in self.absent_namespaces and verb in {"apply", "create"}:
            raise ApplyRejectedError("the API server refused an object", got="namespace not found", where=f"`{key}`")

    def _fault(self, verb: str, kind: Kind) -> None:
        for fault in tuple(self._faults):
            if not fault.on & {verb, "*"} or fault.kind not in {None, kind}:
                continue
            if fault.times is not None:
                fault.times -= 1
                if fault.times <= 0:
                    self._faults.remove(fault)
            raise fault.error


def _key(manifest: Mapping[str, Any]) -> Key:
    metadata = manifest["metadata"]
    return Key(kind_of(manifest), metadata["name"], metadata.get("namespace"))


def _owners(owners: Owners) -> Owners:
    return {name: set(paths) for name, paths in owners.items()}


def _substance(body: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in body.items() if name not in {"metadata", "status"}}


def _selected(one: Resource, namespace: str | None, labels: Mapping[str, str] | None) -> bool:
    return namespace in {None, one.namespace} and (labels or {}).items() <= one.labels.items()


def _fields(one: Resource, selector: str | None) -> bool:
    values = {"type": one.body.get("type", ""), "metadata.name": one.name, "metadata.namespace": one.namespace}
    for term in filter(None, (selector or "").split(",")):
        name, unequal, value = term.partition("!=")
        if not unequal:
            name, _, value = term.replace("==", "=").partition("=")
        if (values[name] == value) is bool(unequal):
            return False
    return True
