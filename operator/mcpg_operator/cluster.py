"""What the operator asks of Kubernetes, as a protocol. Implementations: `mcpg_operator.kube`, and in memory for unit tests.

Every method may be called from any thread and raises only `ClusterUnavailableError` (ask again later), `ConflictError` (read
again), `ApplyForbiddenError` (a right is missing) and `ApplyRejectedError` (the same request will be refused again).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from mcpg_operator.resources import Kind, Resource

__all__ = ["Cluster"]


class Cluster(Protocol):
    """The API server."""

    def get(self, kind: Kind, name: str, *, namespace: str | None = None) -> Resource | None:
        """Read one object; None where there is none."""
        ...

    def list(
        self,
        kind: Kind,
        *,
        namespace: str | None = None,
        labels: Mapping[str, str] | None = None,
        fields: str | None = None,
    ) -> Iterable[Resource]:
        """Read all objects of a kind, page by page; `namespace=None` means the whole cluster, `fields` is a field selector.

        A page is asked for when the one before is used up, so that an error may come in the midst.
        """
        ...

    def list_metadata(
        self, kind: Kind, *, namespace: str | None = None, labels: Mapping[str, str] | None = None
    ) -> Iterable[Resource]:
        """Read names, labels and annotations only (PartialObjectMetadata), as `list`: plugin bytes never travel."""
        ...

    def apply(self, manifest: Mapping[str, Any], *, manager: str) -> Resource:
        """Bring an object to this state by forced server-side apply as `manager`, and give it as it then is.

        `metadata.resourceVersion` in the manifest is an optimistic lock.
        """
        ...

    def apply_status(
        self, kind: Kind, name: str, *, namespace: str | None = None, status: Mapping[str, Any], manager: str
    ) -> Resource | None:
        """Write the whole status of an existing object; None where the object is gone. Never creates anything."""
        ...

    def create(self, manifest: Mapping[str, Any]) -> Resource:
        """Create an object; `ConflictError` where it exists."""
        ...

    def replace(self, manifest: Mapping[str, Any]) -> Resource:
        """Replace an object; `ConflictError` unless `metadata.resourceVersion` is the current one."""
        ...

    def delete(
        self, kind: Kind, name: str, *, namespace: str | None = None, uid: str | None = None, version: str | None = None
    ) -> bool:
        """Delete one object; False where there was none. `uid` and `version` (a resourceVersion) are preconditions."""
        ...

    def served(self, kind: Kind) -> bool:
        """Whether the API server serves the kind at this version."""
        ...
