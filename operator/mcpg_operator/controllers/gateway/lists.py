"""The revocations that count for one gateway: `cluster-default` always, and the list that it names besides; never fewer.

A list that is named and gone keeps counting with what it said last: as this process saw it, or else as the gateway's ConfigMap
has it. Deleting a list makes nothing loadable. Who may write ConfigMaps alone can neither shorten that list, which is sealed, nor
put an older one back: only the one that the gateway's pods were made with is rendered again, whatever else of it counts.
"""

from __future__ import annotations

import hashlib
import hmac
import threading
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from mcpg_operator.controllers.gateway.children import owned_by
from mcpg_operator.controllers.gateway.dependencies import Dependency
from mcpg_operator.controllers.gateway.hashes import hashes_of_pods
from mcpg_operator.controllers.revocation_list.copies import render
from mcpg_operator.render.gateway.inputs import digest_of
from mcpg_operator.render.gateway.names import names_of
from mcpg_operator.render.plugin_set import SEAL
from mcpg_operator.resources import CONFIG_MAP, DEPLOYMENT, REVOCATION_LIST
from mcpg_operator.revocations import LARGEST_CONFIG_MAP, LIST, in_force
from supplychain.errors import ClusterUnavailableError
from supplychain.revocation import RevocationList, RevocationSet, from_spec, parse_revocation_list
from supplychain.rules.reading import at

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mcpg_operator.controllers.plugin_set.seal import Sealer
    from mcpg_operator.resources import Resource
    from mcpg_operator.services import Services

__all__ = ["DATA_KEY", "Lists", "SeenLists"]

DATA_KEY: Final = "list.json"
"""Key of the ConfigMap that the pods mount."""
_TYPE: Final = "RevocationListReady"


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenLists:
    """What is revoked for a gateway."""

    dependency: Dependency | None
    """None: there is no list at all."""
    revocations: RevocationSet
    rendered: bytes | None = field(default=None, repr=False)
    """What the pods mount."""


class Lists:
    """Remembers named lists, so that one that vanishes goes on; threads may share it."""

    def __init__(self, services: Services, sealer: Sealer) -> None:
        self._services = services
        self._sealer = sealer
        self._lock = threading.Lock()
        self._named: dict[str, tuple[str, RevocationList]] = {}
        self._shown: dict[tuple[str, ...], tuple[tuple[RevocationList, ...], SeenLists]] = {}
        """What the same lists came to the last time: all gateways mount the same bytes."""

    def see(self, gateway: Resource, name: str | None) -> SeenLists:
        """Look at `cluster-default` and at the list of this name.

        Raises:
            ClusterUnavailableError: not everything has been seen yet, so that silence would prove nothing.
        """
        known = in_force(self._services)
        if known is None or not self._services.store.synced(REVOCATION_LIST):
            raise ClusterUnavailableError("the operator has not seen the whole cluster yet", got="no full list of revocations")
        if name is None or name == LIST:
            return self._present(*known.lists)
        found = self._read(name)
        if found is not None:
            return self._present(*known.lists, found)
        last, newest = self._last(gateway, name)
        return _seen(known.lists if last is None else (*known.lists, last), missing=name, remembered=newest)

    def counted(self, gateway: Resource) -> tuple[RevocationList, ...]:
        """Give what is known to be revoked without asking anybody, whatever is wrong with the gateway or its list."""
        known = in_force(self._services)
        name = at(gateway.spec, "revocationListRef.name")
        named = None
        if isinstance(name, str):
            self._read(name)
            with self._lock:
                named = self._named.get(name)
        return (*(() if known is None else known.lists), *(() if named is None else (named[1],)))

    def seal(self, gateway: str, namespace: str, text: bytes) -> str:
        """Seal what a gateway's ConfigMap holds: who may write it there may not shorten it; raises as `Sealer.seal`."""
        return self._sealer.seal(namespace=namespace, name=f"revocations/{gateway}", text=text.decode())

    def _present(self, *lists: RevocationList) -> SeenLists:
        names = tuple(one.name for one in lists)
        with self._lock:
            known = self._shown.get(names)
        if known is None or any(then is not now for then, now in zip(known[0], lists, strict=True)):
            known = lists, _seen(lists, missing=None)
            with self._lock:
                self._shown[names] = known
        return known[1]

    def _read(self, name: str) -> RevocationList | None:
        found = self._services.store.get(REVOCATION_LIST, name)
        if found is None:
            return None
        version = f"{found.uid}/{found.generation}"
        with self._lock:
            known = self._named.get(name)
            if known is None or known[0] != version:
                read = from_spec(found.spec, name=name)
                if known is not None and read.problems:
                    # What it lost when it became unreadable was not taken off it.
                    read = replace(read, entries={**known[1].entries, **read.entries})
                known = self._named[name] = (version, read)
            return known[1]

    def _last(self, gateway: Resource, name: str) -> tuple[RevocationList | None, bool]:
        """Give what is known of a list that is gone, and whether nothing later can have been known of it."""
        with self._lock:
            known = self._named.get(name)
        if known is not None:
            return known[1], True
        config_map = names_of(gateway.name).revocations
        found = self._services.cluster.get(CONFIG_MAP, config_map, namespace=gateway.namespace)
        text = None if found is None else (found.data() or {}).get(DATA_KEY)
        if found is None or text is None:
            return None, False
        seal = str(found.annotations.get(SEAL) or "")
        try:
            ours = hmac.compare_digest(seal.encode(), self.seal(gateway.name, gateway.namespace or "", text).encode())
        except UnicodeError:
            return None, False
        return (parse_revocation_list(text, name=name), self._of_pods(gateway) == digest_of(text)) if ours else (None, False)

    def _of_pods(self, gateway: Resource) -> str | None:
        """Give the hash of the list that the gateway's pods were made with: who writes ConfigMaps cannot change it."""
        live = self._services.cluster.get(DEPLOYMENT, names_of(gateway.name).workload, namespace=gateway.namespace)
        return None if live is None or not owned_by(live, gateway) else hashes_of_pods(live).get("revocationListHash")


def _seen(lists: Sequence[RevocationList], *, missing: str | None, remembered: bool = False) -> SeenLists:
    revocations = RevocationSet(tuple(lists))
    rendered = _render(lists)
    if missing is not None:
        more = "what it said last still counts" if remembered else "what it said last is not known"
        dependency = _dependency(
            "RevocationListNotFound", f"MCPGRevocationList `{missing}` does not exist; {more}", usable=remembered, missing=True
        )
        return SeenLists(dependency=dependency, revocations=revocations, rendered=rendered)
    if not lists:
        return SeenLists(dependency=None, revocations=revocations)
    names = ", ".join(f"`{one.name}`" for one in lists)
    if rendered is None:
        text = f"{names}: the list is larger than the {LARGEST_CONFIG_MAP:,} bytes that a ConfigMap takes"
        return SeenLists(dependency=_dependency("RevocationConfigMapApplyFailed", text), revocations=revocations)
    count, digest = len({key for one in lists for key in one.entries}), hashlib.sha256(rendered).hexdigest()
    text = f"{names}: {count} entries, `sha256:{digest}`"
    dependency = Dependency(type=_TYPE, kind=REVOCATION_LIST.name, reason="RevocationListResolved", message=text)
    return SeenLists(dependency=dependency, revocations=revocations, rendered=rendered)


def _render(lists: Sequence[RevocationList]) -> bytes | None:
    """Write one list as its own status has it; several as their union, in the order of the hashes."""
    if len(lists) < 2:  # noqa: PLR2004 — one needs no union
        return render(lists[0]) if lists else None
    union = {key: entry for one in reversed(lists) for key, entry in one.entries.items()}
    return render(RevocationList(name="", entries=dict(sorted(union.items())), problems=(), sha256=""))


def _dependency(reason: str, message: str, *, usable: bool = False, missing: bool = False) -> Dependency:
    return Dependency(
        type=_TYPE,
        kind=REVOCATION_LIST.name,
        reason=reason,
        message=message,
        ready=False,
        usable=usable,
        missing=missing,
    )
