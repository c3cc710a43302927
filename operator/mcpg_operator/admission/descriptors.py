"""Descriptors of plugins for reviews, out of the evidence that is kept about them; the last ones asked for stay in memory.

A plugin that nobody has pulled yet has none. What the evidence says is no verdict: it only tells early which grants a set cannot
get, and whoever resolves the set checks again.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import TYPE_CHECKING, Final

from mcpg_operator.keeping.evidence import EvidenceUnreadableError, decode
from mcpg_operator.keeping.secrets import evidence_name
from mcpg_operator.resources import PLUGIN, SECRET, Key
from supplychain.descriptor import parse_descriptor
from supplychain.errors import SupplyChainError

if TYPE_CHECKING:
    from mcpg_operator.admission.live import Live
    from mcpg_operator.resources import Resource
    from mcpg_operator.runtime.store import Store
    from supplychain.descriptor import Descriptor

__all__ = ["Descriptors"]

_MOST: Final = 2048


class Descriptors:
    """Every method may be called from any thread."""

    def __init__(self, store: Store, live: Live, *, namespace: str) -> None:
        """Prepare; `namespace` is the operator's, where the evidence is."""
        self._store = store
        self._live = live
        self._namespace = namespace
        self._lock = threading.Lock()
        self._memory: OrderedDict[tuple[str, ...], Descriptor] = OrderedDict()

    def known(self, plugin: str) -> tuple[bool, Descriptor | None]:
        """Say what is known without asking anybody: whether anything is, and the descriptor, None where there is none."""
        version = self._version(plugin)
        if version is None:
            return True, None
        with self._lock:
            found = self._memory.get(version)
            if found is not None:
                self._memory.move_to_end(version)
        return found is not None, found

    def load(self, plugin: str) -> Descriptor | None:
        """Read the evidence; None where there is none that can be used.

        Raises:
            LookupFailedError: it could not be read.
        """
        version = self._version(plugin)
        if version is None:
            return None
        secret = self._live.one(Key(SECRET, evidence_name(plugin), self._namespace))
        found = None if secret is None else _descriptor(secret, plugin, uid=version[0])
        if found is not None:
            with self._lock:
                self._memory[version] = found
                while len(self._memory) > _MOST:
                    self._memory.popitem(last=False)
        return found

    def _version(self, plugin: str) -> tuple[str, ...] | None:
        """Tell one pulled plugin from another; None for one that was not pulled."""
        resource = self._store.get(PLUGIN, plugin)
        digest = None if resource is None else resource.status.get("resolvedDigest")
        if resource is None or not isinstance(digest, str):
            return None
        return (resource.uid, digest, str(resource.status.get("manifestDigest")))


def _descriptor(secret: Resource, plugin: str, *, uid: str) -> Descriptor | None:
    try:
        kept = decode(secret.data() or {})
        return parse_descriptor(kept.descriptor) if (kept.plugin, kept.uid) == (plugin, uid) else None
    except (EvidenceUnreadableError, SupplyChainError):
        return None
