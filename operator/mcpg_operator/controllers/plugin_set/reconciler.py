"""The controller of sets: what wakes it, which set a pass is about, what it remembers between passes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mcpg_operator.controllers.plugin_set.cleanup import Cleanup
from mcpg_operator.controllers.plugin_set.deliver import Copies
from mcpg_operator.controllers.plugin_set.document import Documents
from mcpg_operator.controllers.plugin_set.enact import Memory, Pass, Shared
from mcpg_operator.controllers.plugin_set.references import ReverseIndex
from mcpg_operator.controllers.plugin_set.seal import Sealer
from mcpg_operator.controllers.plugin_set.sources import Sources
from mcpg_operator.controllers.plugin_set.watches import Plugins, Revocations, Sets, Tenants
from mcpg_operator.ledger import Standing
from mcpg_operator.resources import PLUGIN_SET, Key
from mcpg_operator.services import Result
from mcpg_operator.status import StatusWriter
from supplychain.errors import ConflictError

if TYPE_CHECKING:
    from mcpg_operator.resources import Resource
    from mcpg_operator.services import Services, Watch

__all__ = ["PluginSetReconciler"]

_SWEEP: Final = Key(PLUGIN_SET, "*sweep")
_ATTEMPTS: Final = 3
"""Passes in a row over a set whose children others change at the same time."""


class PluginSetReconciler:
    """The controller of MCPGPluginSet objects; threads may share it as long as each set has one at a time."""

    name = "plugin-set"
    first: tuple[Key, ...] = (_SWEEP,)
    """Keys of no object, to be woken once at the start."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._cleanup = Cleanup(services)
        self._shared = Shared(
            services=services,
            sources=Sources(services),
            copies=Copies(),
            documents=Documents(services, Sealer(services)),
            status=StatusWriter(services, self.name, PLUGIN_SET),
            index=ReverseIndex(),
        )
        self._memory: dict[Key, Memory] = {}
        namespace, index = services.settings.watch_namespace, self._shared.index
        self.watches: tuple[Watch, ...] = (
            Sets(index=index, namespace=namespace),
            Plugins(index=index),
            Revocations(store=services.store, namespace=namespace),
            Tenants(store=services.store),
        )
        services.ledger.listen(self._on_standing)

    def reconcile(self, key: Key) -> Result:
        """Make one pass over one set.

        Raises:
            SupplyChainError: nothing could be observed, or the status could not be written.
        """
        if key == _SWEEP:
            return self._sweep()
        if key.namespace is None or self._services.settings.watch_namespace not in {None, key.namespace}:
            return Result()
        plugin_set = self._services.store.get(PLUGIN_SET, key.name, key.namespace)
        if plugin_set is None:
            self._memory.pop(key, None)
            self._shared.index.hold(key, ())
            self._shared.status.forget(key)
            return self._cleanup.reconcile(key.namespace)
        if plugin_set.deleting:
            return Result()
        for _ in range(_ATTEMPTS - 1):
            try:
                return self._pass(plugin_set)
            except ConflictError:
                continue
        return self._pass(plugin_set)

    def _sweep(self) -> Result:
        """Wake the clean-up of namespaces that lost their last set while nobody watched."""
        for key in self._cleanup.due():
            self._services.wake(key)
        return Result(after=self._services.settings.resync_interval)

    def _pass(self, plugin_set: Resource) -> Result:
        memory = self._memory.get(plugin_set.key)
        if memory is None or memory.uid != plugin_set.uid:
            memory = self._memory[plugin_set.key] = Memory(uid=plugin_set.uid)
        return Pass(self._shared, plugin_set, memory).run()

    def _on_standing(self, plugin: str) -> None:
        entry = self._services.ledger.get(plugin)
        revoked = entry is not None and entry.standing is Standing.REVOKED
        for key in self._shared.index.sets(plugin):
            (self._services.urge if revoked else self._services.wake)(key)
