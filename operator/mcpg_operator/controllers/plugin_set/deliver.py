"""Brings a plugin's Secrets into the namespace of a set: hashed before they are written, and as the API server gives them back.

A copy that stands there is trusted only as long as nobody touched it since it was hashed. One with other bytes is replaced if it
is ours. What belongs to somebody else is left alone, whatever it holds.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from mcpg_operator.controllers.plugin_set.decide import APPLY_FAILED, MISSING, NAME_CONFLICT, Failure
from mcpg_operator.controllers.plugin_set.sources import read_payload
from mcpg_operator.names import manager
from mcpg_operator.render.plugin_set import UNUSED_SINCE, copy_labels, copy_manifest, copy_metadata, is_ours, owner
from mcpg_operator.render.resolved_set import Part
from mcpg_operator.resources import PLUGIN_SET, SECRET, Resource
from supplychain.errors import ApplyForbiddenError, ApplyRejectedError, ConflictError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mcpg_operator.cluster import Cluster
    from mcpg_operator.controllers.plugin_set.sources import Payload, Sources
    from mcpg_operator.services import Services

__all__ = ["Copies", "Delivery", "Wanted", "other_owners", "rewrite", "set_owners", "slim"]

_MANAGER: Final = manager("plugin-set")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """One plugin's Secrets with the hashes that their payloads must have, and what to call it in labels."""

    secret: str
    digests: Mapping[str, str]
    plugin_id: str
    version: str


@dataclass(slots=True)
class Copies:
    """What this process knows of copies: the uid, version and hash that each had when it was looked into last."""

    known: dict[str, dict[str, tuple[str, str, str]]] = field(default_factory=dict)
    """By namespace and name."""

    def remember(self, copy: Resource, digest: str) -> None:
        """Enter the hash of a copy as it is now."""
        self.known.setdefault(copy.namespace or "", {})[copy.name] = (copy.uid, copy.resource_version, digest)

    def hash(self, copy: Resource) -> str | None:
        """The hash that a copy had, if nobody touched it since."""
        uid, version, digest = self.known.get(copy.namespace or "", {}).get(copy.name, ("", "", ""))
        return digest if (uid, version) == (copy.uid, copy.resource_version) else None

    def forget(self, namespace: str, *, but: Mapping[str, Resource]) -> None:
        """Forget the copies of a namespace that are not there any more."""
        known = self.known.get(namespace, {})
        for name in [one for one in tuple(known) if one not in but]:
            known.pop(name, None)


@dataclass(slots=True, kw_only=True)
class Delivery:
    """Delivers to one set in one pass.

    Every method raises ClusterUnavailableError and ConflictError: try again.
    """

    services: Services
    sources: Sources
    copies: Copies
    plugin_set: Resource
    children: dict[str, Resource]
    """Metadata of our copies in the namespace by name, kept up to date."""
    changed: bool = False

    @property
    def namespace(self) -> str:
        """Where the set is."""
        return self.plugin_set.namespace or ""

    def deliver(self, wanted: Wanted) -> tuple[Part, ...] | Failure:
        """Bring all Secrets of a proven plugin, whose sources must be there, or say why that does not work."""
        parts = []
        for name, digest in sorted(wanted.digests.items()):
            size = self.sources.size(name, digest)
            if size is None:
                return self._missing(name)
            parts.append(Part(name=name, sha256=digest, size=size))
        return self.restore(wanted) or tuple(parts)

    def restore(self, wanted: Wanted) -> Failure | None:
        """See to it that all Secrets of an entry are there, from the source only where a copy is missing."""
        home = self.services.settings.namespace
        for name, digest in sorted(wanted.digests.items()):
            if self.namespace == home:
                failure = self._missing(name) if self.sources.size(name, digest) is None else None
            else:
                try:
                    failure = self._place(name, digest, wanted)
                except (ApplyForbiddenError, ApplyRejectedError) as exc:
                    failure = Failure(reason=APPLY_FAILED, message=f"Secret `{self.namespace}/{name}`: {exc}")
            if failure is not None:
                return failure
        return None

    def own(self, copy: Resource, owners: Sequence[Mapping[str, Any]], *, unused_since: str | None = None) -> None:
        """Write which sets own a copy and since when none needs it, if it says something else now."""
        source = self.services.settings.namespace
        same = (
            _by_uid(set_owners(copy)) == _by_uid(owners)
            and copy.annotations.get(UNUSED_SINCE) == unused_since
            and copy_labels(source_namespace=source).items() <= copy.labels.items()
        )
        if same:
            return
        digest = self.copies.hash(copy)
        written = rewrite(self.services.cluster, copy, source_namespace=source, owners=owners, unused_since=unused_since)
        self.changed = True
        if digest is not None and _digest(written) == digest:
            self.copies.remember(written, digest)
        self.children[copy.name] = slim(written)

    def _missing(self, name: str) -> Failure:
        place = f"{self.services.settings.namespace}/{name}"
        return Failure(reason=MISSING, message=f"Secret `{place}` is missing, or does not hold the bytes that were verified")

    def _place(self, name: str, digest: str, wanted: Wanted) -> Failure | None:
        copy = self._intact(name, digest)
        if copy is None:
            payload = self.sources.payload(name, digest)
            if payload is None:
                return self._missing(name)
            made = self._create(name, payload, wanted)
            if isinstance(made, Failure):
                return made
            copy = made
        self.own(copy, [*other_owners(copy, self.plugin_set), owner(self.plugin_set)])
        return None

    def _intact(self, name: str, digest: str) -> Resource | None:
        """The copy, if it is there and its bytes have this hash; one with other bytes is deleted."""
        listed = self.children.get(name)
        if listed is None:
            return None
        if self.copies.hash(listed) == digest:
            return listed
        found = self.services.cluster.get(SECRET, name, namespace=self.namespace)
        return None if found is None else self._examined(found, digest)

    def _examined(self, found: Resource, digest: str) -> Resource | None:
        copy = slim(found)
        if _digest(found) == digest and found.body.get("immutable") is True:
            self.copies.remember(copy, digest)
            self.children[copy.name] = copy
            return copy
        self._discard(found)
        return None

    def _discard(self, copy: Resource) -> None:
        self.services.cluster.delete(SECRET, copy.name, namespace=self.namespace, uid=copy.uid, version=copy.resource_version)
        self.changed = True

    def _create(self, name: str, payload: Payload, wanted: Wanted) -> Resource | Failure:
        manifest = copy_manifest(
            name=name,
            namespace=self.namespace,
            source_namespace=self.services.settings.namespace,
            secret_type=payload.secret_type,
            payload=payload.data,
            digest=payload.digest,
            # Plugins may share a shard, so only the Secret that stands for the whole can bear a plugin's name.
            plugin_id=wanted.plugin_id if name == wanted.secret else "",
            version=wanted.version,
        )
        try:
            created = self.services.cluster.create(manifest)
        except ConflictError:
            return self._occupied(name, payload)
        self.changed = True
        if _digest(created) != payload.digest:
            self._discard(created)
            return Failure(
                reason=APPLY_FAILED, message=f"Secret `{self.namespace}/{name}` did not keep the bytes that were written"
            )
        copy = slim(created)
        self.copies.remember(copy, payload.digest)
        self.children[name] = copy
        return copy

    def _occupied(self, name: str, payload: Payload) -> Resource | Failure:
        """Judge a Secret that our labels did not lead to, but that is in the way."""
        found = self.services.cluster.get(SECRET, name, namespace=self.namespace)
        if found is not None and not is_ours(found):
            return Failure(
                reason=NAME_CONFLICT,
                message=f"Secret `{self.namespace}/{name}` exists and is not the operator's; it was left alone",
            )
        copy = None if found is None else self._examined(found, payload.digest)
        if copy is None:
            raise ConflictError("a Secret of ours had to make way", where=f"`{self.namespace}/{name}`")
        return copy


def rewrite(
    cluster: Cluster, copy: Resource, *, source_namespace: str, owners: Sequence[Mapping[str, Any]], unused_since: str | None
) -> Resource:
    """Write owners, mark and labels of a copy that nobody changed meanwhile; raises as `Cluster.apply`."""
    manifest = copy_metadata(copy, source_namespace=source_namespace, owners=owners, unused_since=unused_since)
    return cluster.apply(manifest, manager=_MANAGER)


def slim(secret: Resource) -> Resource:
    """Leave a Secret's bytes behind: a pass must not hold the plugins of a whole set in memory."""
    return Resource(SECRET, {"metadata": secret.metadata})


def set_owners(resource: Resource) -> list[Mapping[str, Any]]:
    """Give the owners that are sets; what others put there is theirs, and server-side apply leaves it alone."""
    return [one for one in resource.owners if one.get("kind") == PLUGIN_SET.name]


def other_owners(copy: Resource, plugin_set: Resource) -> list[Mapping[str, Any]]:
    """Give the other sets; one of the same name is this set, or an earlier one that is gone."""
    return [one for one in set_owners(copy) if one.get("name") != plugin_set.name]


def _digest(secret: Resource) -> str | None:
    payload = read_payload(secret)
    return None if payload is None else payload.digest


def _by_uid(owners: Sequence[Mapping[str, Any]]) -> dict[Any, Mapping[str, Any]]:
    return {one.get("uid"): one for one in owners}
