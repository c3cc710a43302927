"""The controller of shared coordinators."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mcpg_operator.controllers.cluster.decide import decide, left_behind
from mcpg_operator.controllers.cluster.observe import observe
from mcpg_operator.controllers.watches import Dependants, Own, References
from mcpg_operator.indexes import CREDENTIAL, PLUGIN_OF, cluster_of, gateways_of_cluster, register
from mcpg_operator.resources import CLUSTER, GATEWAY, PLUGIN, REVOCATION_LIST, SECRET, Key
from mcpg_operator.services import Outcome, Result
from mcpg_operator.status import Announcement, StatusWriter

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mcpg_operator.controllers.cluster.decide import Decision
    from mcpg_operator.resources import Resource
    from mcpg_operator.services import Services, Watch

__all__ = ["ClusterReconciler"]

_ACTION: Final = "Bind"
_DELETED: Final = "DeletedInUse"


class ClusterReconciler:
    """Brings the status of MCPGCluster objects up to date; threads may share it as long as each object has one at a time."""

    name = "cluster"

    def __init__(self, services: Services) -> None:
        self._services = services
        self._writer = StatusWriter(services, self.name, CLUSTER)
        self._seen: dict[Key, Resource] = {}
        """Objects as they were last, to tell of one that is gone."""
        self._settled: set[Key] = set()
        """Those whose plugin was judged at some time since the start, so that one without a standing is news."""
        register(services.store)
        self.watches: tuple[Watch, ...] = (
            Own(kind=CLUSTER),
            References(kind=GATEWAY, named=_named),
            Dependants(kind=PLUGIN, of=self._users_of_plugin),
            Dependants(kind=SECRET, of=self._users_of_secret),
            Dependants(kind=REVOCATION_LIST, of=lambda _: self._with_plugin()),
        )
        services.ledger.listen(self._on_standing)

    def reconcile(self, key: Key) -> Result:
        """Make one pass over one object.

        Raises:
            SupplyChainError: nothing could be observed, or the status could not be written.
        """
        resource = self._services.store.get(CLUSTER, key.name)
        if resource is None:
            return self._gone(key)
        before = self._seen.get(key)
        self._seen[key] = resource
        if resource.deleting and not (before is not None and before.deleting):
            self._tell(resource)
        decision = decide(observe(self._services, resource))
        if decision.pending and key not in self._settled and resource.status.get("observedGeneration") == resource.generation:
            # Just started: what the status says will most likely be true again in a moment.
            return Result(outcome=Outcome.DEPENDENCY_PENDING, after=self._services.settings.resync_interval)
        if not decision.pending:
            self._settled.add(key)
        return self._write(resource, decision)

    def _write(self, resource: Resource, decision: Decision) -> Result:
        changed = self._writer.write(
            resource, decision.fields, decision.conditions, announce={"Ready": Announcement(action=_ACTION)}
        )
        if decision.dependency is not None:
            self._services.metrics.dependency_unresolved(self.name, decision.dependency, decision.ready.reason)
        return Result(outcome=decision.outcome, after=self._services.settings.resync_interval, changed=changed)

    def _gone(self, key: Key) -> Result:
        """Tell who still names an object that is gone; bound gateways hold their last good rendering by themselves."""
        before = self._seen.pop(key, None)
        self._settled.discard(key)
        self._writer.forget(key)
        if before is not None and not before.deleting:
            self._tell(before)
        return Result()

    def _tell(self, resource: Resource) -> None:
        gateways = tuple(f"{one.namespace}/{one.name}" for one in gateways_of_cluster(self._services.store, resource.name))
        if gateways:
            note = left_behind(resource, gateways)
            self._services.recorder.publish(
                resource, controller=self.name, warning=True, reason=_DELETED, action="Delete", note=note
            )

    def _users_of_plugin(self, plugin: Resource) -> Iterable[Key]:
        return self._naming(plugin.name)

    def _users_of_secret(self, secret: Resource) -> Iterable[Key]:
        if secret.namespace != self._services.settings.namespace:
            return ()
        return [one.key for one in self._services.store.find(CLUSTER, CREDENTIAL, secret.name)]

    def _with_plugin(self) -> Iterable[Key]:
        store = self._services.store
        return [one.key for plugin in store.values(CLUSTER, PLUGIN_OF) for one in store.find(CLUSTER, PLUGIN_OF, plugin)]

    def _naming(self, plugin: str) -> list[Key]:
        return [one.key for one in self._services.store.find(CLUSTER, PLUGIN_OF, plugin)]

    def _on_standing(self, plugin: str) -> None:
        for key in self._naming(plugin):
            self._services.wake(key)


def _named(gateway: Resource) -> Iterable[Key]:
    name = cluster_of(gateway)
    return () if name is None else (Key(CLUSTER, name),)
