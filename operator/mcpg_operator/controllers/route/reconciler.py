"""The controller of routes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from mcpg_operator.controllers.route.decide import PENDING, decide
from mcpg_operator.controllers.route.observe import observe
from mcpg_operator.controllers.watches import Changed, Own
from mcpg_operator.indexes import claimed, gateways_of_set, in_place, register, routes_of_gateway
from mcpg_operator.resources import GATEWAY, PLUGIN_SET, ROUTE, TENANT
from mcpg_operator.services import Outcome, Result
from mcpg_operator.status import Announcement, StatusWriter
from supplychain.rules.reading import condition

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mcpg_operator.controllers.route.decide import Decision
    from mcpg_operator.resources import Key, Resource
    from mcpg_operator.services import Services, Watch

__all__ = ["RouteReconciler"]

_ACTION: Final = "Bind"


class RouteReconciler:
    """Brings the status of routes up to date; threads may share it as long as each route has one at a time."""

    name = "route"

    def __init__(self, services: Services) -> None:
        self._services = services
        self._writer = StatusWriter(services, self.name, ROUTE)
        register(services.store)
        self.watches: tuple[Watch, ...] = (
            Own(kind=ROUTE),
            Changed(kind=GATEWAY, part=_heard, of=self._of_gateway),
            Changed(kind=PLUGIN_SET, part=_own_spec, of=self._of_set),
            Changed(kind=TENANT, part=_own_spec, of=self._of_tenant),
        )
        services.renderings.listen(services.wake)

    def reconcile(self, key: Key) -> Result:
        """Make one pass over one route.

        Raises:
            SupplyChainError: nothing could be observed, or the status could not be written.
        """
        if self._services.settings.watch_namespace not in {None, key.namespace}:
            return Result()
        resource = self._services.store.get(*key)
        if resource is None:
            self._writer.forget(key)
            return Result()
        decision = decide(observe(self._services, resource))
        if decision.lagging and _was_ready(resource):
            # The gateway is about to say so of its new spec; until then it carries what it carried.
            return Result(outcome=Outcome.SUCCESS, after=self._services.settings.resync_interval)
        return self._write(resource, decision)

    def _write(self, resource: Resource, decision: Decision) -> Result:
        quiet = decision.ready.reason == PENDING
        announce = {} if quiet else {"Ready": Announcement(action=_ACTION)}
        changed = self._writer.write(resource, decision.fields, decision.conditions, announce=announce)
        if decision.dependency is not None:
            self._services.metrics.dependency_unresolved(self.name, decision.dependency, decision.ready.reason)
        return Result(outcome=decision.outcome, after=self._services.settings.resync_interval, changed=changed)

    def _of_gateway(self, gateway: Resource) -> Iterable[Key]:
        return [one.key for one in routes_of_gateway(self._services.store, gateway.key)]

    def _of_set(self, plugin_set: Resource) -> Iterable[Key]:
        gateways = gateways_of_set(self._services.store, plugin_set.key)
        return [key for gateway in gateways for key in self._of_gateway(gateway)]

    def _of_tenant(self, tenant: Resource) -> Iterable[Key]:
        return [one.key for namespace in claimed(tenant) for one in in_place(self._services.store, ROUTE, namespace)]


def _own_spec(resource: Resource) -> Any:
    return resource.uid, resource.spec


def _heard(gateway: Resource) -> Any:
    """What routes want to know of a gateway: its spec, and whether it has applied them; not how many pods it has."""
    found = condition(gateway.body, "RoutesApplied") or {}
    return gateway.uid, gateway.spec, [found.get(one) for one in ("status", "reason", "observedGeneration")]


def _was_ready(resource: Resource) -> bool:
    found = condition(resource.body, "Ready") or {}
    return (found.get("status"), found.get("observedGeneration")) == ("True", resource.generation)
