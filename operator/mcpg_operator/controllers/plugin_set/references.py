"""Who needs what: which sets name a plugin, and which Secrets the workloads of a namespace refer to."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from mcpg_operator.resources import DEPLOYMENT, POD, REPLICA_SET

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from mcpg_operator.resources import Key, Resource

__all__ = ["ReverseIndex", "named_plugins", "used_secrets"]


class ReverseIndex:
    """Sets by the name of a plugin; every method may be called from any thread.

    A set is listed under the plugins that it names and under those of its present document: an old entry that stays must still
    hear of its plugin.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._names: dict[tuple[Key, str], frozenset[str]] = {}
        self._sets: dict[str, dict[Key, int]] = {}

    def name(self, key: Key, plugins: Iterable[str]) -> None:
        """Enter the plugins that a set names."""
        self._enter((key, "spec"), frozenset(plugins))

    def hold(self, key: Key, plugins: Iterable[str]) -> None:
        """Enter the plugins in a set's document."""
        self._enter((key, "document"), frozenset(plugins))

    def sets(self, plugin: str) -> tuple[Key, ...]:
        """Every set that the plugin concerns."""
        with self._lock:
            return tuple(self._sets.get(plugin, ()))

    def _enter(self, source: tuple[Key, str], plugins: frozenset[str]) -> None:
        key = source[0]
        with self._lock:
            before = self._names.pop(source, frozenset())
            if plugins:
                self._names[source] = plugins
            for plugin in plugins - before:
                held = self._sets.setdefault(plugin, {})
                held[key] = held.get(key, 0) + 1
            for plugin in before - plugins:
                held = self._sets[plugin]
                held[key] -= 1
                if not held[key]:
                    del held[key]
                if not held:
                    del self._sets[plugin]


def named_plugins(plugin_set: Resource) -> tuple[str, ...]:
    """Read the plugins that a set names, as far as the spec can be read; the strict reading comes later."""
    spec = plugin_set.spec
    entries = spec.get("entries") if isinstance(spec, dict) else None
    names = [_at(one, "pluginRef", "name") for one in entries] if isinstance(entries, list) else []
    return tuple(dict.fromkeys(one for one in names if isinstance(one, str)))


def used_secrets(workloads: Iterable[Resource]) -> frozenset[str]:
    """Name every Secret in a volume of these pods, Deployments, and ReplicaSets that have replicas."""
    return frozenset(name for one in workloads for name in _volumes(_pod_spec(one)))


def _pod_spec(workload: Resource) -> Any:
    if workload.kind == POD:
        return workload.spec
    if workload.kind == REPLICA_SET and not (_at(workload.spec, "replicas") != 0 or workload.status.get("replicas")):
        return None
    return _at(workload.spec, "template", "spec") if workload.kind in {REPLICA_SET, DEPLOYMENT} else None


def _volumes(pod: Any) -> Iterator[str]:
    for volume in _list(_at(pod, "volumes")):
        projected = [_at(one, "secret", "name") for one in _list(_at(volume, "projected", "sources"))]
        yield from (name for name in (_at(volume, "secret", "secretName"), *projected) if isinstance(name, str))


def _at(value: Any, *path: str) -> Any:
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
