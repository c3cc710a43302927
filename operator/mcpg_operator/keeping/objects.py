"""The Secrets in the operator's namespace as this process knows them: read, written and checked with as few requests as will do.

Whoever may write Secrets there may edit or delete any of them, and no watch tells. A Secret that was hashed once is known by uid
and resourceVersion; while one shared listing of the metadata shows the same, nobody reads its bytes again.
"""

from __future__ import annotations

import threading
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from mcpg_operator.keeping.secrets import payload_hash
from mcpg_operator.names import MANAGED_BY, MANAGER, OPERATOR
from mcpg_operator.resources import SECRET, Resource
from supplychain.errors import ApplyRejectedError, ConflictError, NameConflictError, ShardMismatchError, ShardMissingError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from mcpg_operator.services import Services

__all__ = ["Objects"]

_TRIES: Final = 3
_LOST: Final = "the operator writes it again, or pulls the plugin again as soon as its registry answers"
_LONGEST_LISTING: Final = 150.0
"""Seconds for which one listing serves everybody, at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    there: tuple[str, str]
    """Uid and resourceVersion."""
    digest: str


class Objects:
    """Secrets of the operator's namespace by name; threads may share it."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._lock = threading.Lock()
        self._known: dict[str, _Known] = {}
        self._listing: dict[str, tuple[str, str]] = {}
        self._listed_at: datetime | None = None
        self._listing_lock = threading.Lock()

    def read(self, name: str) -> Mapping[str, bytes] | None:
        """Read the data of one Secret; None where there is none, or it holds no data that can be decoded."""
        found = self._get(name)
        if found is None:
            return None
        data = found.data()
        self._remember(found, _digest(data))
        return data

    def held(self, name: str, digest: str) -> Mapping[str, bytes]:
        """Read the data of one Secret that must have this hash.

        Raises:
            ShardMissingError: it is not there.
            ShardMismatchError: it holds other bytes.
        """
        data = self.read(name)
        where = f"Secret `{self._services.settings.namespace}/{name}`"
        if data is None:
            raise ShardMissingError("a Secret with verified bytes is gone", where=where, hint=_LOST)
        if (found := payload_hash(data)) != digest:
            what = "a Secret holds other bytes than were verified"
            raise ShardMismatchError(what, expected=f"`{digest or 'no such Secret'}`", got=f"`{found}`", where=where, hint=_LOST)
        return data

    def read_ours(self, name: str) -> Mapping[str, bytes] | None:
        """Read the data of one of our Secrets, if the shared listing shows it: what is not there costs no request."""
        return None if self._present(name) is None else self.read(name)

    def sound(self, name: str, digest: str) -> bool:
        """Say whether our Secret holds the payload of this hash, reading it only if somebody touched it since it was hashed."""
        if self.untouched(name, digest):
            return True
        self.read(name)
        return self.hashed(name) == digest

    def untouched(self, name: str, digest: str) -> bool:
        """Say whether our Secret is known to hold the payload of this hash; nothing is read but the shared listing."""
        with self._lock:
            known = self._known.get(name)
        return known is not None and known.digest == digest and self._present(name) == known.there

    def present(self, name: str, digest: str) -> bool:
        """Say whether our Secret is there, and not known to hold something else; the bytes are not read."""
        there = self._present(name)
        if there is None:
            return self.sound(name, digest)  # the listing may be from before it was written
        with self._lock:
            known = self._known.get(name)
        return known is None or known.there != there or known.digest == digest

    def hashed(self, name: str) -> str | None:
        """Give the payload hash that this process wrote or read last; None where it did neither."""
        with self._lock:
            known = self._known.get(name)
        return None if known is None else known.digest

    def keep(self, manifest: Mapping[str, Any], data: Mapping[str, bytes]) -> bool:
        """Bring an immutable Secret about; says whether it had to be written.

        One of ours with other content is taken away first: nothing else can change what is immutable.

        Raises:
            NameConflictError: somebody else's object has the name.
        """
        name, digest = manifest["metadata"]["name"], payload_hash(data)
        if self.untouched(name, digest):
            return False
        for attempt in range(_TRIES):
            found = None if attempt == 0 and self._present(name) is None else self._get(name)
            if found is not None:
                self._expect_ours(found, kind=manifest["type"])
                if _digest(found.data()) == digest and found.body.get("type") == manifest["type"]:
                    self._remember(found, digest)
                    return False
                self.delete(found.name, uid=found.uid)
            try:
                self._accept(self._services.cluster.create(manifest), digest)
            except ConflictError:
                continue  # somebody was faster: look what it is
            return True
        raise ConflictError("a Secret comes back with other content again and again", where=f"Secret `{name}`")

    def rewrite(self, manifest: Mapping[str, Any], data: Mapping[str, bytes], *, manager: str) -> bool:
        """Bring a Secret about that may change; says whether it had to be written. Raises as `keep`."""
        name, digest = manifest["metadata"]["name"], payload_hash(data)
        if self.untouched(name, digest):
            return False
        if self._present(name) is None:
            with suppress(ConflictError):  # somebody else has the name
                self._accept(self._services.cluster.create(manifest), digest)
                return True
        found = self._get(name)
        if found is not None:
            self._expect_ours(found, kind=manifest["type"])
            if _digest(found.data()) == digest and found.body.get("type") == manifest["type"]:
                self._remember(found, digest)
                return False
            if found.body.get("immutable") or found.body.get("type") != manifest["type"] or set(found.data() or ()) - set(data):
                self.delete(found.name, uid=found.uid)
        self._accept(self._services.cluster.apply(manifest, manager=manager), digest)
        return True

    def delete(self, name: str, *, uid: str | None = None) -> bool:
        """Delete a Secret, if it still is the one with this uid; says whether it went."""
        self._forget(name)
        try:
            return self._services.cluster.delete(SECRET, name, namespace=self._services.settings.namespace, uid=uid)
        except ConflictError:
            return False

    def listing(self) -> Iterator[Resource]:
        """List the metadata of all our Secrets, now, one after the other; what it shows counts once it was read to its end."""
        listing: dict[str, tuple[str, str]] = {}
        for one in self._services.cluster.list_metadata(SECRET, namespace=self._services.settings.namespace, labels=MANAGER):
            there, known = (one.uid, one.resource_version), self._known.get(one.name)
            # The same text twice, for tens of thousands of Secrets, is megabytes.
            listing[one.name] = there if known is None or known.there != there else known.there
            yield one
        with self._lock:
            self._listing = listing
            self._listed_at = self._services.now()

    def _present(self, name: str) -> tuple[str, str] | None:
        """What the shared listing says of one Secret; the listing may be minutes old."""
        with self._listing_lock:
            age = timedelta(seconds=min(_LONGEST_LISTING, self._services.settings.resync_interval / 4))
            if self._listed_at is None or self._services.now() - self._listed_at >= age:
                for _ in self.listing():
                    pass
        with self._lock:
            return self._listing.get(name)

    def _get(self, name: str) -> Resource | None:
        found = self._services.cluster.get(SECRET, name, namespace=self._services.settings.namespace)
        if found is None:
            self._forget(name)
        return found

    def _accept(self, written: Resource, digest: str) -> None:
        """Compare what the API server says that it stored with what was meant."""
        found = _digest(written.data())
        if found != digest:
            raise ApplyRejectedError(
                "the API server stored other bytes than were written",
                expected=f"`{digest}`",
                got=f"`{found}`",
                where=f"Secret `{written.namespace}/{written.name}`",
            )
        self._remember(written, digest)

    def _remember(self, found: Resource, digest: str) -> None:
        if found.labels.get(MANAGED_BY) != OPERATOR:
            self._forget(found.name)
            return
        with self._lock:
            there = (found.uid, found.resource_version)
            self._known[found.name] = _Known(there=there, digest=digest)
            self._listing[found.name] = there

    def _forget(self, name: str) -> None:
        with self._lock:
            self._known.pop(name, None)
            self._listing.pop(name, None)

    def _expect_ours(self, found: Resource, *, kind: str) -> None:
        if found.labels.get(MANAGED_BY) != OPERATOR:
            raise NameConflictError(
                "an object of somebody else has this name",
                expected=f"the label `{MANAGED_BY}={OPERATOR}`, or no such Secret",
                got=f"a Secret of type `{str(found.body.get('type') or 'Opaque')[:80]}` instead of `{kind}`",
                where=f"Secret `{found.namespace}/{found.name}`",
            )


def _digest(data: Mapping[str, bytes] | None) -> str:
    return "" if data is None else payload_hash(data)
