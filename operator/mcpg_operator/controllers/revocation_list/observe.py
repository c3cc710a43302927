"""Looks at the list, at what is kept of it, and at its copies beside the gateways."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from mcpg_operator.controllers.revocation_list.copies import CONTENT_HASH, COPY, COPY_LABELS, DATA_KEY, content_hash, render
from mcpg_operator.resources import CONFIG_MAP, GATEWAY, REVOCATION_LIST
from mcpg_operator.revocations import KEPT, LIST, in_force, last_seen

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from mcpg_operator.ledger import Ledger
    from mcpg_operator.resources import Resource
    from mcpg_operator.services import Services
    from supplychain.revocation import RevocationList

__all__ = ["Copy", "Observation", "Observer", "blocked"]

_CHECK: Final = 30.0
"""Seconds for which copies that were right are taken to be right, while neither list nor namespaces change."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Copy:
    """One copy of ours, and whether it says what it should."""

    uid: str
    right: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """The list that counts, whether its object exists or not, and everything that follows from it."""

    resource: Resource | None
    """None: it vanished, or never was."""
    last: Resource | None
    """The object as this process saw it last; the same where it exists."""
    revocations: RevocationList | None
    """None where nothing was ever revoked."""
    rendered: bytes | None
    """None where there is nothing to bring, or it is too large for a ConfigMap."""
    kept: Resource | None
    """The ConfigMap that outlives the list."""
    blocked: tuple[str, ...] = ()
    """Plugins whose artifact the list names, sorted."""
    namespaces: frozenset[str] = frozenset()
    """Those that have a gateway."""
    copies: Mapping[str, Copy] = field(default_factory=dict)
    """By namespace; none where `settled`."""
    occupied: frozenset[str] = frozenset()
    """Namespaces where somebody else's ConfigMap bears the name."""
    settled: bool = False
    """Every copy was right a moment ago."""


class Observer:
    """Looks, and remembers which copies it has read, so that an idle look reads no bodies."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._settled: tuple[str, frozenset[str], datetime] | None = None
        self._read: dict[tuple[str, str], str] = {}
        """Namespace and resource version of copies by the hash that their data has."""

    def observe(self) -> Observation | None:
        """Look once; None while the first full lists are not in yet.

        Raises:
            ClusterUnavailableError, ApplyForbiddenError: copies could not be looked up.
        """
        services, store = self._services, self._services.store
        known = in_force(services)
        gateways = store.synced(GATEWAY) or not services.cluster.served(GATEWAY)
        if known is None or not store.synced(REVOCATION_LIST) or not store.synced(CONFIG_MAP) or not gateways:
            return None
        revocations = known.lists[0] if known.lists else None
        rendered = None if revocations is None else render(revocations)
        last = last_seen(services)
        seen = Observation(
            resource=store.get(REVOCATION_LIST, LIST),
            last=last,
            revocations=revocations,
            rendered=rendered,
            kept=store.get(CONFIG_MAP, KEPT, services.settings.namespace),
            blocked=() if revocations is None else blocked(services.ledger, revocations),
            namespaces=frozenset(one.namespace for one in store.list(GATEWAY) if one.namespace),
        )
        if not self._certain(seen):
            return None
        return seen if rendered is None or not store.synced(GATEWAY) else self._look(seen, content_hash(rendered))

    def _certain(self, seen: Observation) -> bool:
        """Whether the parts belong together; that the list is gone is believed only when the API server itself says so."""
        if seen.resource is not None:
            return seen.last is not None and seen.last.spec == seen.resource.spec
        cluster = self._services.cluster
        if cluster.get(REVOCATION_LIST, LIST) is not None:
            return False
        return seen.kept is not None or cluster.get(CONFIG_MAP, KEPT, namespace=self._services.settings.namespace) is None

    def settle(self, seen: Observation, *, right: bool) -> None:
        """Remember whether every copy is right now; otherwise they are looked at again next time."""
        if not right or seen.rendered is None:
            self._settled = None
        elif not seen.settled:
            self._settled = (content_hash(seen.rendered), seen.namespaces, self._services.now())

    def wrote(self, copy: Resource, digest: str) -> None:
        """Remember a copy that was written."""
        self._read[copy.namespace or "", copy.resource_version] = digest

    def _look(self, seen: Observation, digest: str) -> Observation:
        now = self._services.now()
        if self._settled is not None:
            of, namespaces, at = self._settled
            rest = timedelta(seconds=min(_CHECK, self._services.settings.resync_interval / 2))
            if (of, namespaces) == (digest, seen.namespaces) and timedelta() <= now - at < rest:
                return replace(seen, settled=True)
        # Restricted as the gateways are: elsewhere nobody knows whether there is one.
        found = self._services.cluster.list_metadata(
            CONFIG_MAP, namespace=self._services.settings.watch_namespace, labels=COPY_LABELS
        )
        ours = {one.namespace or "": one for one in found if one.name == COPY}
        copies = {
            namespace: Copy(uid=one.uid, right=namespace in seen.namespaces and self._right(one, digest))
            for namespace, one in ours.items()
        }
        self._read = {key: value for key, value in self._read.items() if key[0] in ours}
        occupied = frozenset(
            namespace
            for namespace in seen.namespaces - ours.keys()
            if self._services.cluster.get(CONFIG_MAP, COPY, namespace=namespace) is not None
        )
        return replace(seen, copies=copies, occupied=occupied)

    def _right(self, found: Resource, digest: str) -> bool:
        """Compare hashes; a body is read only where this version of the object was not read before."""
        if found.annotations.get(CONTENT_HASH) != digest:
            return False
        key = (found.namespace or "", found.resource_version)
        if key not in self._read:
            whole = self._services.cluster.get(CONFIG_MAP, COPY, namespace=found.namespace)
            if whole is None:
                return False
            self._read = {known: value for known, value in self._read.items() if known[0] != key[0]}
            self._read[key] = content_hash((whole.data() or {}).get(DATA_KEY, b""))
        return self._read[key] == digest


def blocked(ledger: Ledger, revocations: RevocationList) -> tuple[str, ...]:
    """Give the plugins whose artifact the list names, sorted."""
    hits = (one.name for one in ledger.all() if one.artifact_hash is not None and one.artifact_hash.hex in revocations.entries)
    return tuple(sorted(hits))
