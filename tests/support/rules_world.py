"""A world for the rules: manifests, packages that were pulled, and look-ups that fail."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from supplychain.descriptor import CAPABILITIES, Capability, Descriptor
from supplychain.rules import Documents, LookupFailedError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

__all__ = ["PulledDocuments", "UnreachableWorld"]


class PulledDocuments(Documents):
    """Manifests, some of whose plugins were pulled: `descriptors` holds what those require, by MCPGPlugin."""

    def __init__(self, documents: Iterable[Mapping[str, Any]], *, descriptors: Mapping[str, Sequence[str]]) -> None:
        super().__init__(documents)
        self._descriptors = descriptors

    def descriptor(self, plugin: str) -> Descriptor | None:
        required = self._descriptors.get(plugin)
        if required is None:
            return None
        capabilities = tuple(Capability(kind=kind, argument=CAPABILITIES[kind], arguments=("x",)) for kind in required)
        return Descriptor(
            schema="mcpg.dev/plugin/v1", id="dev.acme.audit", name="Audit", description="", license=None, plugin_class="audit_sink",
            runtime="native-cdylib-v1", protocol_version="1.0", required_capabilities=capabilities, tags=(), provides=(),
            provides_schemes=(), unknown_keys=(),
        )  # fmt: skip


class UnreachableWorld(Documents):
    """Manifests behind an API server that does not answer for some look-ups, given by the names of the methods."""

    def __init__(self, documents: Iterable[Mapping[str, Any]], *, failing: Iterable[str]) -> None:
        super().__init__(documents)
        for name in failing:
            setattr(self, name, self._fail)

    def _fail(self, *_: str) -> Any:
        raise LookupFailedError("the cache has not seen the objects yet")
