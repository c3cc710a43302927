"""Brings the children of a gateway about: ours are kept as rendered, strangers' are never touched, and what is switched off goes.

A child that nobody touched since this process applied it is left alone, so that an idle pass writes nothing and asks for little.
`metadata.generation` tells whether somebody changed a spec; kinds that have none are compared by resourceVersion.
"""

from __future__ import annotations

import hashlib
import json
import threading
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from mcpg_operator.controllers.gateway.dependencies import Refused
from mcpg_operator.names import manager
from mcpg_operator.resources import CONFIG_MAP, GATEWAY, SECRET, Key, kind_of
from supplychain.errors import ApplyForbiddenError, ApplyRejectedError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mcpg_operator.resources import Resource
    from mcpg_operator.services import Services

__all__ = ["WATCHED_BY_NAME", "Applied", "Children", "owned_by"]

_MANAGER: Final = manager("gateway")
WATCHED_BY_NAME: Final = frozenset({CONFIG_MAP, SECRET})
"""Kinds of children that the store does not hold: they are asked for."""


@dataclass(frozen=True, slots=True)
class _Known:
    uid: str
    token: str
    digest: bytes


@dataclass(slots=True)
class Applied:
    """What this process applied, by child; threads may share it as long as each gateway has one at a time."""

    known: dict[Key, _Known] = field(default_factory=dict)
    absent: set[Key] = field(default_factory=set)
    """Children that the store does not hold, were looked for, and are not there: nobody but the operator makes them."""
    lock: threading.Lock = field(default_factory=threading.Lock)

    def forget(self, key: Key) -> None:
        """Forget a child, so that it is applied anew."""
        with self.lock:
            self.known.pop(key, None)
            self.absent.discard(key)


class Children:
    """The children of one gateway, for one pass.

    Every method raises ClusterUnavailableError and ConflictError: try again.
    """

    def __init__(self, services: Services, applied: Applied, gateway: Resource) -> None:
        self._services = services
        self._applied = applied
        self._gateway = gateway
        self.changed = False
        self._written: dict[Key, Resource] = {}
        self._before: dict[Key, Resource] = {}

    def apply(self, manifest: Mapping[str, Any]) -> Refused | None:
        """Bring one child about, or say why that does not work."""
        key, digest = _key(manifest), _digest(manifest)
        with self._applied.lock:
            known = self._applied.known.get(key)
        if known is not None and known.digest == digest and self._untouched(key, known, manifest):
            return None
        try:
            found = self._get(key)
            foreign = None if found is None else self._foreign(found)
            if foreign is not None:
                return foreign
            written = self._services.cluster.apply(manifest, manager=_MANAGER)
            if found is not None:
                self._before[key] = found
        except (ApplyForbiddenError, ApplyRejectedError) as exc:
            return Refused(reason="ApplyFailed", message=f"{key.kind} `{key.namespace}/{key.name}`: {exc}")
        self.changed = self.changed or found is None or found.resource_version != written.resource_version
        self._remember(key, written, digest)
        self._written[key] = written
        return None

    def latest(self, key: Key) -> Resource | None:
        """Give a child as this pass wrote it, unless the store has a later one: watches lag behind."""
        seen, written = self._services.store.get(*key), self._written.get(key)
        if written is None or (seen is not None and seen.uid == written.uid and seen.generation >= written.generation):
            return seen
        return written

    def put_back(self, key: Key) -> None:
        """Give a ConfigMap that this pass changed the content that it had before."""
        before, written = self._before.get(key), self._written.get(key)
        if before is None or written is None or before.uid != written.uid:
            return

        def restore(body: dict[str, Any]) -> None:
            body["data"] = before.body.get("data")
            body["metadata"]["labels"] = dict(before.labels)

        with suppress(ApplyForbiddenError, ApplyRejectedError):
            self.change(written, restore)

    def remove(self, key: Key) -> Refused | None:
        """Delete a child that is switched off, if it is there and ours."""
        if self._absent(key):
            return None
        self._applied.forget(key)
        try:
            found = self._get(key)
            if found is not None and owned_by(found, self._gateway):
                gone = self._services.cluster.delete(key.kind, key.name, namespace=key.namespace, uid=found.uid)
                self.changed = self.changed or gone
        except (ApplyForbiddenError, ApplyRejectedError) as exc:
            if key.kind == SECRET and isinstance(exc, ApplyForbiddenError):
                return None  # without the right on a namespace's Secrets none of ours can be there
            return Refused(reason="ApplyFailed", message=f"{key.kind} `{key.namespace}/{key.name}`: {exc}")
        with self._applied.lock:
            self._applied.absent.add(key)
        return None

    def change(self, live: Resource, change: Callable[[dict[str, Any]], None]) -> bool:
        """Change an object of ours as it stands, and nothing else of it; says whether it had to be written."""
        body = json.loads(json.dumps(live.body))
        body.pop("status", None)
        body["metadata"].pop("managedFields", None)
        before = json.dumps(body, sort_keys=True)
        change(body)
        if json.dumps(body, sort_keys=True) == before:
            return False
        manifest = {"apiVersion": live.kind.api_version, "kind": live.kind.name, **body}
        self._written[live.key] = self._services.cluster.replace(manifest)
        self._applied.forget(live.key)
        self.changed = True
        return True

    def _absent(self, key: Key) -> bool:
        """Whether it is known without asking that a child is not there."""
        if key.kind not in WATCHED_BY_NAME and self._services.store.synced(key.kind):
            return self._services.store.get(*key) is None
        with self._applied.lock:
            return key in self._applied.absent

    def _get(self, key: Key) -> Resource | None:
        return self._services.cluster.get(key.kind, key.name, namespace=key.namespace)

    def _foreign(self, found: Resource) -> Refused | None:
        """Judge an object that is in the way."""
        if owned_by(found, self._gateway):
            return None
        owner = _controller(found)
        if owner.get("kind") == GATEWAY.name and owner.get("name") == self._gateway.name:
            whose = "an earlier MCPGGateway of this name, and is about to be deleted"
        else:
            whose = f"{owner['kind']} `{owner.get('name')}`" if owner.get("kind") else "somebody else"
        text = f"{found.kind} `{found.namespace}/{found.name}` belongs to {whose}; it was left alone"
        return Refused(reason="NameConflict", message=text)

    def _untouched(self, key: Key, known: _Known, manifest: Mapping[str, Any]) -> bool:
        if key.kind in WATCHED_BY_NAME or not self._services.store.synced(key.kind):
            live = self._get(key)
        else:
            live = self._services.store.get(*key)
        return live is not None and (live.uid, _token(live)) == (known.uid, known.token) and self._marked(live, manifest)

    def _marked(self, live: Resource, manifest: Mapping[str, Any]) -> bool:
        """Whether labels, annotations and owner are still there: no generation tells of them."""
        metadata = manifest["metadata"]
        labels, annotations = metadata.get("labels") or {}, metadata.get("annotations") or {}
        kept = labels.items() <= live.labels.items() and annotations.items() <= live.annotations.items()
        return kept and owned_by(live, self._gateway)

    def _remember(self, key: Key, found: Resource, digest: bytes) -> None:
        with self._applied.lock:
            self._applied.known[key] = _Known(found.uid, _token(found), digest)
            self._applied.absent.discard(key)


def owned_by(child: Resource, gateway: Resource) -> bool:
    """Whether a gateway is the controller of an object; labels are not asked, so that losing one makes nobody a stranger."""
    mine = (GATEWAY.name, gateway.uid, True)
    return any((one.get("kind"), one.get("uid"), one.get("controller")) == mine for one in child.owners)


def _key(manifest: Mapping[str, Any]) -> Key:
    return Key(kind_of(manifest), manifest["metadata"]["name"], manifest["metadata"]["namespace"])


def _digest(manifest: Mapping[str, Any]) -> bytes:
    return hashlib.sha256(json.dumps(manifest, sort_keys=True, separators=(",", ":")).encode()).digest()


def _token(found: Resource) -> str:
    return str(found.generation) if found.generation else found.resource_version


def _controller(found: Resource) -> Mapping[str, Any]:
    return next((one for one in found.owners if one.get("controller")), {})
