"""The controller of tenants. There is no finalizer: what a tenant left behind shows in the namespaces, at any time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mcpg_operator.controllers.pace import Pace
from mcpg_operator.controllers.tenant.decide import Standing, State, decide, unreadable
from mcpg_operator.controllers.tenant.namespaces import Namespaces
from mcpg_operator.controllers.tenant.observe import rightful_owner
from mcpg_operator.controllers.tenant.watches import Brought, Counted, Tenants, namespace_key, namespace_of
from mcpg_operator.controllers.tenant.watches import Namespaces as Whereabouts
from mcpg_operator.indexes import register
from mcpg_operator.render.tenant import LABEL
from mcpg_operator.resources import GATEWAY, NAMESPACE, PLUGIN_SET, RESOURCE_QUOTA, ROLE_BINDING, ROUTE, TENANT, Key
from mcpg_operator.services import Outcome, Result
from mcpg_operator.status import Announcement, StatusWriter
from supplychain.api import parse_spec
from supplychain.api.tenant import TenantSpec
from supplychain.errors import InputError

if TYPE_CHECKING:
    from mcpg_operator.controllers.tenant.decide import Decision
    from mcpg_operator.resources import Resource
    from mcpg_operator.services import Services, Watch

__all__ = ["TenantReconciler"]

_SWEEP: Final = Key(TENANT, "*sweep")
_PAUSE: Final = 1.0
"""Seconds between two passes over an unchanged tenant: a thousand new objects of its namespaces are counted a few times."""
_ANNOUNCED: Final = {"NamespacesBound": Announcement(action="Bind")}


class TenantReconciler:
    """Brings tenants and their namespaces about; threads may share it as long as each key has one at a time.

    An operator that watches one namespace leaves tenants alone: they are about namespaces that it does not see.
    """

    name = "tenant"

    def __init__(self, services: Services) -> None:
        self._services = services
        self._namespaces = Namespaces(services)
        self._writer = StatusWriter(services, self.name, TENANT)
        self._pace = Pace(services.now, seconds=_PAUSE)
        register(services.store)
        self._idle = services.settings.watch_namespace is not None
        store = services.store
        self.first: tuple[Key, ...] = () if self._idle else (_SWEEP,)
        self.watches: tuple[Watch, ...] = (
            ()
            if self._idle
            else (
                Tenants(store=store),
                Whereabouts(store=store),
                Brought(store=store, kind=RESOURCE_QUOTA),
                Brought(store=store, kind=ROLE_BINDING),
                *(Counted(store=store, kind=kind) for kind in (GATEWAY, PLUGIN_SET, ROUTE)),
            )
        )

    def reconcile(self, key: Key) -> Result:
        """Make one pass over one tenant, or over one namespace whoever owns it.

        Raises:
            SupplyChainError: the API server could not be asked, or the status could not be written.
        """
        if self._idle:
            return Result()
        if key == _SWEEP:
            return self._sweep()
        namespace = namespace_of(key)
        if namespace is not None:
            return self._namespace(namespace)
        resource = self._services.store.get(TENANT, key.name)
        if resource is None:
            self._pace.forget(key)
            self._writer.forget(key)
            return Result()
        if not self._pace.due(resource):
            return Result(after=_PAUSE)
        result = self._tenant(resource)
        self._pace.done(resource)
        return result

    def _sweep(self) -> Result:
        """Wake every namespace that bears a part of a tenant that does not own it."""
        store = self._services.store
        marked = {(one.name, one.labels[LABEL]) for one in store.list(NAMESPACE) if LABEL in one.labels}
        marked |= {(one.namespace or "", one.labels.get(LABEL, "")) for one in store.list(RESOURCE_QUOTA)}
        for namespace in sorted({place for place, tenant in marked if rightful_owner(self._services, place) != tenant}):
            self._services.wake(namespace_key(namespace))
        return Result(after=self._services.settings.resync_interval)

    def _namespace(self, namespace: str) -> Result:
        standing, changed = self._namespaces.bring(namespace)
        failed = standing.state is State.FAILED
        outcome = Outcome.TRANSIENT_ERROR if failed else Outcome.SUCCESS
        return Result(outcome=outcome, backoff=failed, changed=changed)

    def _tenant(self, resource: Resource) -> Result:
        try:
            spec = parse_spec(TenantSpec, resource.spec, where=f"`{resource.key}`")
        except InputError as exc:
            return self._write(resource, unreadable(str(exc)), changed=False)
        standings: dict[str, Standing] = {}
        changed = False
        for namespace in dict.fromkeys(spec.namespaces):
            owner = rightful_owner(self._services, namespace)
            if owner is None:
                # The tenant itself is another one by now, or gone; what was read is worth no word.
                return Result(after=_PAUSE, changed=changed)
            if owner == resource.name:
                standings[namespace], wrote = self._namespaces.bring(namespace)
                changed = changed or wrote
            else:
                standings[namespace] = Standing(state=State.CONFLICT, message=f"owned by MCPGTenant `{owner}`")
        return self._write(resource, decide(spec, standings), changed=changed)

    def _write(self, resource: Resource, decision: Decision, *, changed: bool) -> Result:
        wrote = self._writer.write(resource, decision.fields, decision.conditions, announce=_ANNOUNCED)
        if decision.outcome is not Outcome.SUCCESS:
            self._services.metrics.dependency_unresolved(self.name, NAMESPACE.name, decision.reason)
        return Result(
            outcome=decision.outcome,
            after=self._services.settings.resync_interval if decision.outcome is not Outcome.TRANSIENT_ERROR else None,
            backoff=decision.outcome is Outcome.TRANSIENT_ERROR,
            changed=changed or wrote,
        )
