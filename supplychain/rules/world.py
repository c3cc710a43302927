"""What the rules look up: other objects, as plain JSON documents, by kind and name.

The admission server answers from its caches, the controllers from their store, `supplychain lint` from the files it was given.
Absence is an answer. Inability to look is not: it raises, so that nobody is more permissive than an operator that is down.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

from supplychain.errors import LookupFailedError
from supplychain.rules.binding import target_of
from supplychain.rules.reading import Document, name_of, namespace_of
from supplychain.rules.schema import CLUSTER_SCOPED

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from supplychain.descriptor import Descriptor

__all__ = ["Documents", "LookupFailedError", "World"]

_GLOBAL: Final = CLUSTER_SCOPED | {"Namespace"}


class World(Protocol):
    """Every method may raise `LookupFailedError`; None and an empty sequence mean that there is no such object."""

    def tenants(self) -> Sequence[Document]:
        """Every MCPGTenant."""
        ...

    def plugins(self) -> Sequence[Document]:
        """Every MCPGPlugin."""
        ...

    def plugin(self, name: str) -> Document | None:
        """One MCPGPlugin."""
        ...

    def descriptor(self, plugin: str) -> Descriptor | None:
        """The descriptor of an MCPGPlugin's package; None while it was not pulled."""
        ...

    def plugin_sets(self) -> Sequence[Document]:
        """Every MCPGPluginSet."""
        ...

    def plugin_set(self, namespace: str, name: str) -> Document | None:
        """One MCPGPluginSet."""
        ...

    def gateways(self) -> Sequence[Document]:
        """Every MCPGGateway."""
        ...

    def gateway(self, namespace: str, name: str) -> Document | None:
        """One MCPGGateway."""
        ...

    def routes(self) -> Sequence[Document]:
        """Every MCPGRoute."""
        ...

    def routes_of(self, namespace: str, name: str) -> Sequence[Document]:
        """Every MCPGRoute that names this gateway, from whatever namespace; a gateway may be named that does not exist."""
        ...

    def cluster(self, name: str) -> Document | None:
        """One MCPGCluster."""
        ...

    def revocation_list(self, name: str) -> Document | None:
        """One MCPGRevocationList."""
        ...

    def namespace(self, name: str) -> Document | None:
        """One Namespace."""
        ...


class Documents:
    """A world of exactly the given manifests; of two of one name the later one counts."""

    def __init__(self, documents: Iterable[Document]) -> None:
        self._found: dict[str, dict[tuple[str, str], Document]] = {}
        for document in documents:
            kind = str(document.get("kind"))
            namespace = "" if kind in _GLOBAL else namespace_of(document)
            self._found.setdefault(kind, {})[namespace, name_of(document)] = document

    def tenants(self) -> Sequence[Document]:
        """Every MCPGTenant among the manifests."""
        return self._all("MCPGTenant")

    def plugins(self) -> Sequence[Document]:
        """Every MCPGPlugin among the manifests."""
        return self._all("MCPGPlugin")

    def plugin(self, name: str) -> Document | None:
        """One MCPGPlugin of the manifests."""
        return self._one("MCPGPlugin", name)

    def descriptor(self, plugin: str) -> Descriptor | None:  # noqa: ARG002 — manifests hold none
        """None: a descriptor is within the package."""
        return None

    def plugin_sets(self) -> Sequence[Document]:
        """Every MCPGPluginSet among the manifests."""
        return self._all("MCPGPluginSet")

    def plugin_set(self, namespace: str, name: str) -> Document | None:
        """One MCPGPluginSet of the manifests."""
        return self._one("MCPGPluginSet", name, namespace)

    def gateways(self) -> Sequence[Document]:
        """Every MCPGGateway among the manifests."""
        return self._all("MCPGGateway")

    def gateway(self, namespace: str, name: str) -> Document | None:
        """One MCPGGateway of the manifests."""
        return self._one("MCPGGateway", name, namespace)

    def routes(self) -> Sequence[Document]:
        """Every MCPGRoute among the manifests."""
        return self._all("MCPGRoute")

    def routes_of(self, namespace: str, name: str) -> Sequence[Document]:
        """Every MCPGRoute among the manifests that names this gateway."""
        return tuple(one for one in self.routes() if target_of(one) == (namespace, name))

    def cluster(self, name: str) -> Document | None:
        """One MCPGCluster of the manifests."""
        return self._one("MCPGCluster", name)

    def revocation_list(self, name: str) -> Document | None:
        """One MCPGRevocationList of the manifests."""
        return self._one("MCPGRevocationList", name)

    def namespace(self, name: str) -> Document | None:
        """One Namespace of the manifests."""
        return self._one("Namespace", name)

    def _all(self, kind: str) -> Sequence[Document]:
        return tuple(self._found.get(kind, {}).values())

    def _one(self, kind: str, name: str, namespace: str = "") -> Document | None:
        return self._found.get(kind, {}).get((namespace, name))
