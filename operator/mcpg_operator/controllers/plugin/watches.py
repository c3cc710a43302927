"""Which plugins a changed Secret, ConfigMap, mirror or list concerns."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from mcpg_operator.controllers.plugin.live import Names, mirror_secret
from mcpg_operator.resources import CONFIG_MAP, PLUGIN, PLUGIN_MIRROR, SECRET, Key

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from mcpg_operator.resources import Kind, Resource
    from mcpg_operator.runtime.store import Store

__all__ = ["Reverse"]


class Reverse:
    """Plugins by what they name, kept current by the changes of plugins and mirrors; threads may share it."""

    def __init__(self, store: Store, *, namespace: str) -> None:
        self._lock = threading.Lock()
        self._namespace = namespace
        self._users: dict[tuple[Kind, str], set[Key]] = {}
        store.subscribe(PLUGIN, self._change)
        store.subscribe(PLUGIN_MIRROR, self._change)
        for kind in (PLUGIN, PLUGIN_MIRROR):
            for resource in store.each(kind):
                self._change(None, resource)

    def users(self, resource: Resource) -> Iterable[Key]:
        """Plugins that name the object, by themselves or through their mirror."""
        if resource.kind in {SECRET, CONFIG_MAP} and resource.namespace != self._namespace:
            return ()
        with self._lock:
            found = set(self._users.get((resource.kind, resource.name), ()))
            for key in [key for key in found if key.kind == PLUGIN_MIRROR]:
                found |= self._users.get((PLUGIN_MIRROR, key.name), set())
            return {key for key in found if key.kind == PLUGIN}

    def _change(self, old: Resource | None, new: Resource | None) -> None:
        with self._lock:
            for one in () if old is None else _named(old):
                users = self._users.get(one, set())
                users.discard(old.key) if old is not None else None
                if not users:
                    self._users.pop(one, None)
            if new is not None:
                for one in _named(new):
                    self._users.setdefault(one, set()).add(new.key)


def _named(resource: Resource) -> Iterator[tuple[Kind, str]]:
    if resource.kind == PLUGIN_MIRROR:
        secret = mirror_secret(resource)
        if secret is not None:
            yield SECRET, secret
        return
    names = Names.of(resource)
    if names.mirror is not None:
        yield PLUGIN_MIRROR, names.mirror
    for secret in (names.pull_secret, names.signing_key):
        if secret is not None:
            yield SECRET, secret
    if names.provenance is not None:
        yield CONFIG_MAP, names.provenance
