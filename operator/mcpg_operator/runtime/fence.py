"""The API server for whoever may write only while the Lease is held.

Ending the process is what a lost Lease leads to, but a process that stood still (a paused machine, a starved node) would go on in
the middle of a pass. Every write therefore asks first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from supplychain.errors import ClusterUnavailableError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from mcpg_operator.cluster import Cluster
    from mcpg_operator.resources import Kind, Resource

__all__ = ["FencedCluster"]


class FencedCluster:
    """`Cluster` whose writes fail with `ClusterUnavailableError` while `permitted` says no; reads always pass."""

    def __init__(self, cluster: Cluster, permitted: Callable[[], bool]) -> None:
        self._cluster = cluster
        self._permitted = permitted

    def get(self, kind: Kind, name: str, *, namespace: str | None = None) -> Resource | None:
        """See `Cluster.get`."""
        return self._cluster.get(kind, name, namespace=namespace)

    def list(
        self,
        kind: Kind,
        *,
        namespace: str | None = None,
        labels: Mapping[str, str] | None = None,
        fields: str | None = None,
    ) -> Iterable[Resource]:
        """See `Cluster.list`."""
        return self._cluster.list(kind, namespace=namespace, labels=labels, fields=fields)

    def list_metadata(
        self, kind: Kind, *, namespace: str | None = None, labels: Mapping[str, str] | None = None
    ) -> Iterable[Resource]:
        """See `Cluster.list_metadata`."""
        return self._cluster.list_metadata(kind, namespace=namespace, labels=labels)

    def apply(self, manifest: Mapping[str, Any], *, manager: str) -> Resource:
        """See `Cluster.apply`."""
        return self._writable.apply(manifest, manager=manager)

    def apply_status(
        self, kind: Kind, name: str, *, namespace: str | None = None, status: Mapping[str, Any], manager: str
    ) -> Resource | None:
        """See `Cluster.apply_status`."""
        return self._writable.apply_status(kind, name, namespace=namespace, status=status, manager=manager)

    def create(self, manifest: Mapping[str, Any]) -> Resource:
        """See `Cluster.create`."""
        return self._writable.create(manifest)

    def replace(self, manifest: Mapping[str, Any]) -> Resource:
        """See `Cluster.replace`."""
        return self._writable.replace(manifest)

    def delete(
        self, kind: Kind, name: str, *, namespace: str | None = None, uid: str | None = None, version: str | None = None
    ) -> bool:
        """See `Cluster.delete`."""
        return self._writable.delete(kind, name, namespace=namespace, uid=uid, version=version)

    def served(self, kind: Kind) -> bool:
        """See `Cluster.served`."""
        return self._cluster.served(kind)

    @property
    def _writable(self) -> Cluster:
        if not self._permitted():
            raise ClusterUnavailableError("the Lease is not held, nothing may be written")
        return self._cluster
