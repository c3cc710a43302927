"""Brings the plugin of a coordinator into the namespace of a gateway whose set does not have it.

A copy is the same object that a set would make: immutable, hashed before and after. The gateway is one more owner of it, so that
it goes with the last set or gateway that needs it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mcpg_operator.controllers.gateway.dependencies import Refused
from mcpg_operator.controllers.plugin_set.sources import Sources, read_payload
from mcpg_operator.names import manager
from mcpg_operator.render.plugin_set import copy_labels, copy_manifest, is_ours
from mcpg_operator.render.resolved_set import Part, render_entry
from mcpg_operator.resources import GATEWAY, SECRET
from supplychain.errors import ApplyForbiddenError, ApplyRejectedError, ConflictError

if TYPE_CHECKING:
    from mcpg_operator.controllers.plugin_set.sources import Payload
    from mcpg_operator.ledger import Verified
    from mcpg_operator.render.resolved_set import Entry
    from mcpg_operator.resources import Resource
    from mcpg_operator.services import Services

__all__ = ["Copying", "coordinator_entry"]

_MANAGER: Final = manager("gateway")


def coordinator_entry(sources: Sources, verified: Verified) -> Entry | None:
    """Write a verified plugin as a set would, for a gateway that loads it for its coordinator; None where bytes are missing.

    Raises:
        ClusterUnavailableError, ApplyForbiddenError: the bytes could not be looked at.
    """
    stored, package, artifact_hash = verified.stored, verified.package, verified.artifact_hash
    if stored is None or package is None or artifact_hash is None:
        return None
    parts = []
    for name, digest in sorted(stored.digests.items()):
        size = sources.size(name, digest)
        if size is None:
            return None
        parts.append(Part(name=name, sha256=digest, size=size))
    return render_entry(
        entry_id=verified.plugin_id,
        plugin=verified.name,
        version=verified.version,
        descriptor=package.descriptor,
        artifact_hash=artifact_hash,
        artifact_name=package.artifact_name,
        artifact_size=stored.size,
        secret=stored.secret,
        parts=parts,
        keys=verified.keys,
        grants=(),
        config=None,
        enforce=True,
    )


class Copying:
    """Copies for one gateway in one pass.

    Raises ClusterUnavailableError and ConflictError: try again.
    """

    def __init__(self, services: Services, sources: Sources, gateway: Resource) -> None:
        self._services = services
        self._sources = sources
        self._gateway = gateway
        self.changed = False

    def bring(self, entry: Entry) -> Refused | None:
        """See to it that every Secret of a plugin is there, or say why that does not work."""
        if self._gateway.namespace == self._services.settings.namespace:
            return None
        for part in entry.parts:
            try:
                refused = self._place(part, entry)
            except (ApplyForbiddenError, ApplyRejectedError) as exc:
                refused = self._refused("ApplyFailed", part.name, str(exc))
            if refused is not None:
                return refused
        return None

    def _place(self, part: Part, entry: Entry) -> Refused | None:
        found = self._services.cluster.get(SECRET, part.name, namespace=self._gateway.namespace)
        if found is not None and not is_ours(found):
            return self._refused("NameConflict", part.name, "it exists and is not the operator's; it was left alone")
        if found is not None and not _holds(found, part):
            self._services.cluster.delete(SECRET, found.name, namespace=found.namespace, uid=found.uid)
            self.changed = True
            found = None
        if found is None:
            payload = self._sources.payload(part.name, part.sha256)
            if payload is None:
                return self._refused("ClusterPluginMissing", part.name, "the operator's own copy is missing")
            found = self._create(part, entry, payload)
        self._own(found)
        return None

    def _create(self, part: Part, entry: Entry, payload: Payload) -> Resource:
        made = self._services.cluster.create(
            copy_manifest(
                name=part.name,
                namespace=self._gateway.namespace or "",
                source_namespace=self._services.settings.namespace,
                secret_type=payload.secret_type,
                payload=payload.data,
                digest=payload.digest,
                plugin_id=entry.id if part.name == entry.secret else "",
                version=str(entry.body["pluginVersion"]),
            )
        )
        self.changed = True
        if not _holds(made, part):
            self._services.cluster.delete(SECRET, made.name, namespace=made.namespace, uid=made.uid)
            raise ConflictError("a Secret did not keep the bytes that were written", where=f"`{made.key}`")
        return made

    def _own(self, copy: Resource) -> None:
        """Add the gateway to the owners; those that others wrote are theirs, and server-side apply leaves them alone."""
        if any(one.get("uid") == self._gateway.uid for one in copy.owners):
            return
        owner = {
            "apiVersion": GATEWAY.api_version,
            "kind": GATEWAY.name,
            "name": self._gateway.name,
            "uid": self._gateway.uid,
            "controller": False,
            "blockOwnerDeletion": False,
        }
        metadata = {
            "name": copy.name,
            "namespace": copy.namespace,
            "resourceVersion": copy.resource_version,
            "labels": copy_labels(source_namespace=self._services.settings.namespace),
            "ownerReferences": [owner],
        }
        self._services.cluster.apply(
            {"apiVersion": SECRET.api_version, "kind": SECRET.name, "metadata": metadata}, manager=_MANAGER
        )
        self.changed = True

    def _refused(self, reason: str, name: str, text: str) -> Refused:
        return Refused(reason=reason, message=f"Secret `{self._gateway.namespace}/{name}`: {text}")


def _holds(found: Resource, part: Part) -> bool:
    payload = read_payload(found)
    return payload is not None and payload.digest == part.sha256 and found.body.get("immutable") is True
