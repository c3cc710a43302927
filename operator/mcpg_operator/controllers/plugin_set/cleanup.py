"""What remains when the last set of a namespace is gone: copies without an owner, and the operator's right on the Secrets.

What a set owned is the garbage collector's. The right goes last, because without it nobody could see whether anything is left. It
stays while a tenant owns the namespace, or a gateway there has the credentials of a coordinator.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

from mcpg_operator.conditions import timestamp
from mcpg_operator.controllers.plugin_set import binding
from mcpg_operator.controllers.plugin_set.deliver import rewrite
from mcpg_operator.controllers.plugin_set.observe import children
from mcpg_operator.controllers.plugin_set.retire import expired, unused_since, workload_secrets
from mcpg_operator.indexes import PLACE, claimants, cluster_of, in_place, register
from mcpg_operator.resources import GATEWAY, PLUGIN_SET, SECRET, TENANT, Key
from mcpg_operator.services import Outcome, Result
from supplychain.errors import ApplyForbiddenError

if TYPE_CHECKING:
    from mcpg_operator.resources import Resource
    from mcpg_operator.services import Services

__all__ = ["Cleanup", "cleanup_key"]

_LOG = logging.getLogger(__name__)
_AGAIN: Final = 30.0
_NO_SET: Final = "*"
"""A name that no object can have: stands for the namespace as a whole."""


def cleanup_key(namespace: str) -> Key:
    """Name what to wake so that a namespace is cleaned up if nobody needs anything there."""
    return Key(PLUGIN_SET, _NO_SET, namespace)


class Cleanup:
    """Cleans namespaces up."""

    def __init__(self, services: Services) -> None:
        self._services = services
        register(services.store)
        self._again = min(_AGAIN, services.settings.resync_interval)

    def due(self) -> tuple[Key, ...]:
        """Name what to wake for each namespace that has our binding and does not need it; raises as `Cluster.list`."""
        if not self._known():
            return ()
        namespaces = binding.bound_namespaces(self._services)
        home = self._services.settings.namespace
        return tuple(cleanup_key(one) for one in namespaces if one != home and not self._inhabited(one))

    def reconcile(self, namespace: str) -> Result:
        """Clean one namespace up if nobody needs the right on its Secrets; raises as `Cluster`."""
        if not self._known() or self._inhabited(namespace):
            return Result()
        try:
            found = binding.found_binding(self._services, namespace)
            if found is None:
                return Result()
            left, changed = self._left(namespace)
            if left:
                return Result(outcome=Outcome.DEPENDENCY_PENDING, after=self._again, changed=changed)
            binding.unbind(self._services, found)
        except ApplyForbiddenError as exc:
            # Also what a namespace answers while it is being deleted, with all that is in it.
            _LOG.info("namespace %s cannot be cleaned up now: %s", namespace, exc)
            return Result(outcome=Outcome.TRANSIENT_ERROR, after=self._again, backoff=True)
        return Result(changed=True)

    def _known(self) -> bool:
        return all(self._services.store.synced(kind) for kind in (PLUGIN_SET, GATEWAY, TENANT))

    def _inhabited(self, namespace: str) -> bool:
        """Whether anybody needs the right: a set, a tenant, or a gateway with credentials."""
        store = self._services.store
        if store.count(PLUGIN_SET, PLACE, namespace) or claimants(store, namespace):
            return True
        return any(cluster_of(one) is not None for one in in_place(store, GATEWAY, namespace))

    def _left(self, namespace: str) -> tuple[bool, bool]:
        """Delete ownerless copies that are due; say whether anything is left, and whether anything was written."""
        found = children(self._services, namespace)
        orphans = [one for one in found.copies.values() if not one.owners]
        # No workload mounts a document.
        gone = [one for one in found.documents.values() if not one.owners]
        gone += self._due(namespace, orphans)
        for one in gone:
            self._services.cluster.delete(SECRET, one.name, namespace=namespace, uid=one.uid, version=one.resource_version)
        left = len(gone) < len(found.copies) + len(found.documents)
        return left, bool(gone) or any(unused_since(one) is None for one in orphans)

    def _due(self, namespace: str, orphans: list[Resource]) -> list[Resource]:
        home = self._services.settings.namespace
        at = timestamp(self._services.now())
        for one in orphans:
            if unused_since(one) is None:
                rewrite(self._services.cluster, one, source_namespace=home, owners=(), unused_since=at)
        due = [one for one in orphans if expired(one, self._services)]
        used = workload_secrets(self._services, namespace) if due else frozenset()
        return [one for one in due if one.name not in used]
