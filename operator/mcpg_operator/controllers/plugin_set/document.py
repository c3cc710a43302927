"""The resolved document of each set as it stands in the cluster: what of it may be believed, and whether it has to be written."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from mcpg_operator.controllers.plugin_set.decide import APPLY_FAILED, NAME_CONFLICT, Failure
from mcpg_operator.controllers.plugin_set.deliver import set_owners
from mcpg_operator.names import manager
from mcpg_operator.render.plugin_set import DOCUMENT_KEY, DOCUMENT_TYPE, SEAL, document_manifest, document_name, is_ours
from mcpg_operator.render.resolved_set import ResolvedSet, parse_resolved_set
from mcpg_operator.resources import SECRET
from supplychain.errors import ApplyForbiddenError, ApplyRejectedError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mcpg_operator.controllers.plugin_set.seal import Sealer
    from mcpg_operator.resources import Resource
    from mcpg_operator.services import Services

__all__ = ["Documents", "Held", "believed"]

_MANAGER: Final = manager("plugin-set")
_parsed = lru_cache(maxsize=16)(parse_resolved_set)
"""Gateways of one set read the same document; what is taken from it is copied before it is changed."""


@dataclass(slots=True, kw_only=True)
class Held:
    """What this process knows of one set's document."""

    loaded: bool = False
    document: ResolvedSet | None = None
    """What the operator wrote last, now or before its start."""
    line: str = ""
    """Of that document, as `hash` is; both are asked for in every idle pass."""
    hash: str = ""
    live: tuple[str, str] | None = None
    """Uid and version of the Secret that was seen to hold exactly that; None where it has to be written."""

    def take(self, document: ResolvedSet | None) -> None:
        """Remember a document."""
        self.document = document
        self.line, self.hash = ("", "") if document is None else (document.line, document.hash)


class Documents:
    """Reads and writes documents; threads may share it as long as each set has one at a time."""

    def __init__(self, services: Services, sealer: Sealer) -> None:
        self._services = services
        self._sealer = sealer

    def load(self, plugin_set: Resource, listed: Resource | None, held: Held) -> ResolvedSet | None:
        """Give what the operator said of the set last.

        What this process wrote counts more than what lies there. After a start the Secret is believed if it bears our seal.

        Args:
            plugin_set: whose document.
            listed: metadata of the Secret, None where it is missing or is not labelled as ours.
            held: is brought up to date.

        Raises:
            ClusterUnavailableError, ConflictError, ApplyForbiddenError, ApplyRejectedError: as `Cluster.get` and `Sealer.seal`.
        """
        version = None if listed is None else (listed.uid, listed.resource_version)
        if held.loaded and held.live == version:
            return held.document
        found = None if listed is None else self._services.cluster.get(SECRET, listed.name, namespace=listed.namespace)
        said = None if found is None else believed(self._sealer, plugin_set, found)
        if not held.loaded:
            held.take(said)
            held.loaded = True
        same = said is not None and said.line == held.line
        intact = found is not None and said is not None and same and self._fits(plugin_set, found, said)
        held.live = (found.uid, found.resource_version) if found is not None and intact else None
        return held.document

    def write(self, plugin_set: Resource, document: ResolvedSet, held: Held) -> Failure | bool:
        """Bring the Secret to this document, and say whether it had to be written, or why it could not be.

        Raises:
            ClusterUnavailableError, ConflictError: try again.
        """
        if held.live is not None and held.line == document.line:
            return False
        place = f"Secret `{plugin_set.namespace}/{document_name(plugin_set.name)}`"
        try:
            seal = self._sealer.seal(namespace=plugin_set.namespace or "", name=plugin_set.name, text=document.text)
            manifest = document_manifest(plugin_set, document, seal=seal)
            written = self._put(plugin_set, manifest)
        except (ApplyForbiddenError, ApplyRejectedError) as exc:
            return Failure(reason=APPLY_FAILED, message=f"{place}: {exc}")
        if written is None:
            return Failure(reason=NAME_CONFLICT, message=f"{place} exists and is not the operator's; it was left alone")
        held.take(document)
        held.live = (written.uid, written.resource_version)
        return True

    def _put(self, plugin_set: Resource, manifest: Mapping[str, Any]) -> Resource | None:
        cluster = self._services.cluster
        name, namespace = manifest["metadata"]["name"], plugin_set.namespace
        found = cluster.get(SECRET, name, namespace=namespace)
        if found is None:
            return cluster.create(manifest)
        if not is_ours(found):
            return None
        if not _changeable(found, plugin_set):
            cluster.delete(SECRET, name, namespace=namespace, uid=found.uid, version=found.resource_version)
            return cluster.create(manifest)
        metadata = {**manifest["metadata"], "resourceVersion": found.resource_version}
        return cluster.apply({**manifest, "metadata": metadata}, manager=_MANAGER)

    def _fits(self, plugin_set: Resource, found: Resource, document: ResolvedSet) -> bool:
        """Whether the Secret around a document is as it would be written."""
        metadata = document_manifest(plugin_set, document, seal=str(found.annotations[SEAL]))["metadata"]
        return (
            _changeable(found, plugin_set)
            and metadata["labels"].items() <= found.labels.items()
            and metadata["annotations"].items() <= found.annotations.items()
            and (found.data() or {}).get(DOCUMENT_KEY) == document.text.encode("ascii")
            and metadata["ownerReferences"][0] in found.owners
        )


def believed(sealer: Sealer, plugin_set: Resource, found: Resource) -> ResolvedSet | None:
    """Read a document, if the operator wrote it: whoever may write Secrets there could name any artifact and key.

    Raises as `Sealer.seal`.
    """
    try:
        text = (found.data() or {}).get(DOCUMENT_KEY, b"").decode("ascii")
    except UnicodeDecodeError:
        return None
    seal = str(found.annotations.get(SEAL) or "")
    if not sealer.holds(seal, namespace=plugin_set.namespace or "", name=plugin_set.name, text=text):
        return None
    return _parsed(text)


def _changeable(found: Resource, plugin_set: Resource) -> bool:
    """Whether a Secret of ours can become the document by being changed, or has to make way for a new one."""
    stale = any(one.get("name") == plugin_set.name and one.get("uid") != plugin_set.uid for one in set_owners(found))
    return found.body.get("type") == DOCUMENT_TYPE and found.body.get("immutable") is not True and not stale
