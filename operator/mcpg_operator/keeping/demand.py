"""What the sets still need of the operator's namespace: the Secrets that their resolved documents name.

A document that cannot be read holds back what could concern its set, and nothing else. Whatever that set's next document will say
is about an entry of its spec, so a plugin that the spec neither refers to nor calls by its id is no concern of it; where the
spec cannot be read either, everything may be.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from mcpg_operator.render.plugin_set import DOCUMENT_KEY, document_name, is_ours
from mcpg_operator.resources import PLUGIN_SET, SECRET
from supplychain.api import PluginSetSpec, parse_spec
from supplychain.errors import ApplyForbiddenError, ApplyRejectedError, InputError

if TYPE_CHECKING:
    from mcpg_operator.resources import Resource
    from mcpg_operator.services import Services

__all__ = ["Demand", "Unread", "demand"]

_UNREADABLE: Final = (ValueError, TypeError, KeyError, RecursionError)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Unread:
    """A set whose document cannot be read."""

    plugin_set: Resource
    """Its metadata."""
    why: str
    concerned: frozenset[str] | None
    """Names of MCPGPlugins and ids of plugins that the set is about; None where that cannot be told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """What the sets need, as far as it can be told."""

    named: frozenset[str]
    """Secrets in documents that can be read."""
    unread: tuple[Unread, ...]

    def holders(self, *names: str | None) -> tuple[Unread, ...]:
        """Give the sets that could need a Secret of the plugin with one of these names, although nothing says so."""
        return tuple(one for one in self.unread if one.concerned is None or not one.concerned.isdisjoint(names))


def demand(services: Services) -> Demand:
    """Ask every set's document, all of them anew.

    Raises:
        ClusterUnavailableError: the API server gave no answer, so nothing can be told.
    """
    named: set[str] = set()
    unread = []
    for plugin_set in services.cluster.list_metadata(PLUGIN_SET, namespace=services.settings.watch_namespace):
        try:
            named |= _names(services, plugin_set)
        except (ApplyForbiddenError, ApplyRejectedError) as exc:
            unread.append(Unread(plugin_set=plugin_set, why=str(exc), concerned=_concerned(services, plugin_set)))
        except _UNREADABLE:
            why = "it is not what the operator writes"
            unread.append(Unread(plugin_set=plugin_set, why=why, concerned=_concerned(services, plugin_set)))
    return Demand(named=frozenset(named), unread=tuple(unread))


def _names(services: Services, plugin_set: Resource) -> set[str]:
    """Read the names of all Secrets out of a resolved document: the bytes and the shards it lists."""
    found = services.cluster.get(SECRET, document_name(plugin_set.name), namespace=plugin_set.namespace)
    if found is None or not is_ours(found):
        return set()  # what somebody else keeps under the name is no document: no gateway goes by it
    entries = json.loads((found.data() or {})[DOCUMENT_KEY])["entries"]
    return {part["name"] for entry in entries for part in entry["secrets"]} | {entry["artefactSecretName"] for entry in entries}


def _concerned(services: Services, plugin_set: Resource) -> frozenset[str] | None:
    """Look which plugins a set is about, in the cluster and not in a cache."""
    found = services.cluster.get(PLUGIN_SET, plugin_set.name, namespace=plugin_set.namespace)
    if found is None:  # it went meanwhile, and its document with it
        return frozenset()
    try:
        spec = parse_spec(PluginSetSpec, found.spec, where=f"`{found.key}`")
    except InputError:
        return None
    return frozenset(name for one in spec.entries for name in (one.id, one.plugin_ref.name))
