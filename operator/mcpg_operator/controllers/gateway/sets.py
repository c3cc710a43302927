"""The set of a gateway: the resolved document, as far as the operator itself wrote it, and what must not be served of it.

Status is not asked. The document is believed for its seal, and what a list revokes or a tenant no longer allows is taken out here
once more, so that a gateway does not wait for the set.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from mcpg_operator.conditions import some
from mcpg_operator.controllers.gateway.dependencies import Dependency
from mcpg_operator.controllers.plugin_set.document import believed
from mcpg_operator.ledger import Standing
from mcpg_operator.render.plugin_set import document_name
from mcpg_operator.render.resolved_set import ResolvedSet
from mcpg_operator.resources import PLUGIN, PLUGIN_SET, SECRET
from supplychain.api import PluginSetSpec, parse_spec
from supplychain.errors import ApplyForbiddenError, InputError
from supplychain.rules.reading import at
from supplychain.rules.tenancy import allows

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mcpg_operator.controllers.plugin_set.seal import Sealer
    from mcpg_operator.resources import Resource
    from mcpg_operator.services import Services
    from supplychain.revocation import RevocationSet
    from supplychain.rules.reading import Document

__all__ = ["NOT_ALLOWED", "REVOKED", "SeenSet", "Withdrawn", "see_set"]

REVOKED: Final = "PluginRevoked"
NOT_ALLOWED: Final = "PluginNotAllowed"
_TYPE: Final = "PluginSetReady"


@dataclass(frozen=True, slots=True, kw_only=True)
class Withdrawn:
    """An entry that must not be served, whatever else is known or unknown."""

    reason: str
    plugin: str
    """Name of the MCPGPlugin."""
    plugin_class: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenSet:
    """A gateway's set."""

    dependency: Dependency
    document: ResolvedSet | None = None
    """Without what is withdrawn; None where there is none that can be believed."""
    withdrawn: Mapping[str, Withdrawn] = field(default_factory=dict)
    """By entry id: enabled entries of the set, and entries of the document."""
    unresolved: tuple[str, ...] = ()
    """Ids of enabled entries that the document lacks for another reason."""


def see_set(
    services: Services, sealer: Sealer, gateway: Resource, name: str, *, revocations: RevocationSet, tenant: Document | None
) -> SeenSet:
    """Look at the set that a gateway names.

    Raises:
        ClusterUnavailableError, ConflictError: it could not be looked at, which proves nothing.
    """
    found = services.store.get(PLUGIN_SET, name, gateway.namespace)
    place = f"MCPGPluginSet `{gateway.namespace}/{name}`"
    if found is None:
        return _unusable("PluginSetNotFound", f"{place} does not exist", missing=True)
    try:
        spec = parse_spec(PluginSetSpec, found.spec, where=place)
    except InputError as exc:
        return _unusable("PluginSetNotReady", str(exc))
    document = _document(services, sealer, found)
    if isinstance(document, Dependency):
        return SeenSet(dependency=document)
    look = _Look(services, revocations, tenant)
    withdrawn = {one.id: gone for one in document.entries if (gone := look.withdrawn(one.plugin, digest=one.digest))}
    left = tuple(one for one in document.entries if one.id not in withdrawn)
    present = {one.id for one in left}
    unresolved = []
    for entry in spec.entries:
        if entry.enabled and entry.id not in present and entry.id not in withdrawn:
            gone = look.withdrawn(entry.plugin_ref.name)
            if gone is None:
                unresolved.append(entry.id)
            else:
                withdrawn[entry.id] = gone
    kept = document if not withdrawn else ResolvedSet(entries=left, complete=False)
    return SeenSet(
        dependency=_judged(place, kept, withdrawn, unresolved),
        document=kept,
        withdrawn=withdrawn,
        unresolved=tuple(unresolved),
    )


class _Look:
    """Tells of plugins whether they may be served."""

    def __init__(self, services: Services, revocations: RevocationSet, tenant: Document | None) -> None:
        self._services = services
        self._revocations = revocations
        self._tenant = tenant

    def withdrawn(self, plugin: str, *, digest: str | None = None) -> Withdrawn | None:
        """Say why a plugin must not be served, if so; `digest` is the artifact that a document names."""
        reason = REVOKED if self._revoked(plugin, digest) else NOT_ALLOWED if self._forbidden(plugin) else None
        return None if reason is None else Withdrawn(reason=reason, plugin=plugin, plugin_class=self._class(plugin))

    def _revoked(self, plugin: str, digest: str | None) -> bool:
        standing = self._services.ledger.get(plugin)
        if standing is not None and standing.standing is Standing.REVOKED:
            return True
        if digest is None and standing is not None and standing.artifact_hash is not None:
            digest = standing.artifact_hash.hex
        return any(digest in one.entries for one in self._revocations.lists)

    def _forbidden(self, plugin: str) -> bool:
        """Whether the tenant does not allow it; of a plugin that is gone nobody can tell, it keeps what it had."""
        if self._tenant is None:
            return False
        found = self._services.store.get(PLUGIN, plugin)
        return found is not None and not allows(self._tenant, found.body)

    def _class(self, plugin: str) -> str:
        standing = self._services.ledger.get(plugin)
        if standing is not None and standing.plugin_class:
            return standing.plugin_class
        found = self._services.store.get(PLUGIN, plugin)
        word = at(None if found is None else found.spec, "pluginClass")
        return word if isinstance(word, str) else ""


def _document(services: Services, sealer: Sealer, plugin_set: Resource) -> ResolvedSet | Dependency:
    """Read the document, if the operator wrote it: whoever may write Secrets there could name any artifact and key."""
    name = document_name(plugin_set.name)
    place = f"Secret `{plugin_set.namespace}/{name}`"
    try:
        found = services.cluster.get(SECRET, name, namespace=plugin_set.namespace)
    except ApplyForbiddenError as exc:
        return _dependency("PluginSetNotReady", f"{place} cannot be read yet: {exc}")
    if found is None:
        return _dependency("ResolvedConfigMapMissing", f"{place} is not there yet")
    unusable = f"{place} was not written by the operator, was changed since, or is of another version"
    return believed(sealer, plugin_set, found) or _dependency("ResolvedConfigMapParseFailed", unusable)


def _judged(place: str, document: ResolvedSet, withdrawn: Mapping[str, Withdrawn], unresolved: list[str]) -> Dependency:
    if unresolved:
        text = f"{place}: not resolved: {some([f'`{one}`' for one in unresolved])}"
        return _dependency("PluginSetNotReady", text)
    if withdrawn:
        said = [f"`{one}` ({gone.reason})" for one, gone in withdrawn.items()]
        text = f"{place}: not served: {some(said)}"
        return Dependency(type=_TYPE, kind=PLUGIN_SET.name, reason="PluginSetNotReady", message=text, ready=False)
    text = f"{place}: {len(document.entries)} plugins"
    return Dependency(type=_TYPE, kind=PLUGIN_SET.name, reason="PluginSetResolved", message=text)


def _unusable(reason: str, message: str, *, missing: bool = False) -> SeenSet:
    return SeenSet(dependency=_dependency(reason, message, missing=missing))


def _dependency(reason: str, message: str, *, missing: bool = False) -> Dependency:
    return Dependency(
        type=_TYPE, kind=PLUGIN_SET.name, reason=reason, message=message, ready=False, usable=False, missing=missing
    )
