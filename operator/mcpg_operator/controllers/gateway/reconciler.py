"""The controller of gateways: what wakes it, which gateway a pass is about, what it remembers between passes."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from mcpg_operator.controllers.gateway.children import Applied
from mcpg_operator.controllers.gateway.enact import Memory, Pass
from mcpg_operator.controllers.gateway.lists import Lists
from mcpg_operator.controllers.gateway.observe import Tools
from mcpg_operator.controllers.gateway.watches import Owned
from mcpg_operator.controllers.plugin_set.seal import Sealer
from mcpg_operator.controllers.plugin_set.sources import Sources
from mcpg_operator.controllers.watches import Changed, Own
from mcpg_operator.indexes import (
    CREDENTIAL,
    PLUGIN_OF,
    claimed,
    gateway_of,
    gateways_of_cluster,
    gateways_of_host,
    gateways_of_set,
    hosts_asked,
    in_place,
    register,
)
from mcpg_operator.render.gateway import defaults_of
from mcpg_operator.resources import (
    AUTOSCALER,
    CLUSTER,
    DEPLOYMENT,
    DISRUPTION_BUDGET,
    GATEWAY,
    INGRESS,
    NETWORK_POLICY,
    PLUGIN_SET,
    PROMETHEUS_RULE,
    REVOCATION_LIST,
    ROUTE,
    SECRET,
    SERVICE,
    SERVICE_ACCOUNT,
    SERVICE_MONITOR,
    TENANT,
    Key,
)
from mcpg_operator.services import Result
from mcpg_operator.status import StatusWriter
from supplychain.errors import ClusterUnavailableError, ConflictError
from supplychain.rules.reading import at

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mcpg_operator.resources import Resource
    from mcpg_operator.services import Services, Watch

__all__ = ["GatewayReconciler"]

_ATTEMPTS: Final = 3
_CHILDREN: Final = (
    DEPLOYMENT,
    SERVICE,
    SERVICE_ACCOUNT,
    NETWORK_POLICY,
    DISRUPTION_BUDGET,
    AUTOSCALER,
    INGRESS,
    SERVICE_MONITOR,
    PROMETHEUS_RULE,
)
_LOOK: Final = timedelta(seconds=60)
"""How long it is believed which kinds the cluster serves."""


class GatewayReconciler:
    """The controller of MCPGGateway objects; threads may share it as long as each gateway has one at a time."""

    name = "gateway"

    def __init__(self, services: Services) -> None:
        self._services = services
        self._served = _Served(services)
        sealer = Sealer(services)
        self._tools = Tools(
            services=services,
            sealer=sealer,
            sources=Sources(services),
            lists=Lists(services, sealer),
            defaults=defaults_of(services.settings),
            monitoring=self._served,
        )
        self._applied = Applied()
        self._status = StatusWriter(services, self.name, GATEWAY)
        self._memory: dict[Key, Memory] = {}
        register(services.store)
        self.watches: tuple[Watch, ...] = (
            Own(kind=GATEWAY),
            *(Owned(kind=kind) for kind in _CHILDREN),
            Changed(kind=GATEWAY, part=_of_hosts, of=self._at_hosts),
            Changed(kind=PLUGIN_SET, part=_of_set, of=self._naming_set),
            Changed(kind=REVOCATION_LIST, part=_spec, of=self._all),
            Changed(kind=CLUSTER, part=_of_cluster, of=self._naming_cluster),
            Changed(kind=ROUTE, part=_of_route, of=lambda one: (gateway_of(one),)),
            Changed(kind=TENANT, part=_spec, of=self._in_reach),
            Changed(kind=SECRET, part=lambda one: (one.uid, one.resource_version), of=self._with_credential),
        )
        services.ledger.listen(self._on_standing)

    def reconcile(self, key: Key) -> Result:
        """Make one pass over one gateway.

        Raises:
            SupplyChainError: nothing could be observed, or the status could not be written.
        """
        if self._services.settings.watch_namespace not in {None, key.namespace}:
            return Result()
        gateway = self._services.store.get(*key)
        if gateway is None:
            self._memory.pop(key, None)
            self._status.forget(key)
            self._services.renderings.forget(key)
            return Result()
        for _ in range(_ATTEMPTS - 1):
            try:
                return self._pass(gateway)
            except ConflictError:
                continue
        return self._pass(gateway, last=True)

    def _pass(self, gateway: Resource, *, last: bool = False) -> Result:
        memory = self._memory.get(gateway.key)
        if memory is None or memory.uid != gateway.uid:
            memory = self._memory[gateway.key] = Memory(uid=gateway.uid)
        one = Pass(self._tools, self._applied, self._status, gateway, memory)
        try:
            return one.linger() if gateway.deleting else one.run()
        except (ClusterUnavailableError, ConflictError) as exc:
            if last or not isinstance(exc, ConflictError):
                one.complain(exc)
            raise

    def _naming_set(self, plugin_set: Resource) -> Iterable[Key]:
        return [one.key for one in gateways_of_set(self._services.store, plugin_set.key)]

    def _naming_cluster(self, cluster: Resource) -> Iterable[Key]:
        return [one.key for one in gateways_of_cluster(self._services.store, cluster.name)]

    def _at_hosts(self, gateway: Resource) -> Iterable[Key]:
        """The other gateways that ask for a host of this one: an older one decides whether they are told of a conflict."""
        for host in hosts_asked(gateway):
            yield from (one.key for one in gateways_of_host(self._services.store, host) if one.key != gateway.key)

    def _all(self, _: Resource) -> Iterable[Key]:
        """Every gateway: the list `cluster-default` counts for all, and few clusters have another one."""
        return [one.key for one in self._services.store.list(GATEWAY)]

    def _in_reach(self, tenant: Resource) -> Iterable[Key]:
        """The gateways of a tenant's namespaces, and those that routes from there name."""
        store = self._services.store
        for namespace in claimed(tenant):
            yield from (one.key for one in in_place(store, GATEWAY, namespace))
            yield from (gateway_of(one) for one in in_place(store, ROUTE, namespace))

    def _with_credential(self, secret: Resource) -> Iterable[Key]:
        """The gateways that get a credential out of a Secret of the operator's namespace."""
        for cluster in self._services.store.find(CLUSTER, CREDENTIAL, secret.name):
            yield from self._naming_cluster(cluster)

    def _on_standing(self, plugin: str) -> None:
        """A plugin of a coordinator has no set that would tell of it."""
        for cluster in self._services.store.find(CLUSTER, PLUGIN_OF, plugin):
            for key in self._naming_cluster(cluster):
                self._services.wake(key)


class _Served:
    """Whether the kinds of the Prometheus operator are there, asked once a minute at most."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._lock = threading.Lock()
        self._known = False
        self._at: datetime | None = None

    def __call__(self) -> bool:
        with self._lock:
            now = self._services.now()
            if self._at is None or now - self._at >= _LOOK:
                self._known = all(self._services.cluster.served(kind) for kind in (SERVICE_MONITOR, PROMETHEUS_RULE))
                self._at = now
            return self._known


def _spec(resource: Resource) -> Any:
    return resource.uid, resource.spec


def _of_route(route: Resource) -> Any:
    return route.uid, route.spec, route.deleting


def _of_hosts(gateway: Resource) -> Any:
    return gateway.uid, at(gateway.spec, "ingress.hosts")


def _of_set(plugin_set: Resource) -> Any:
    """What says that a document was written: the status is no evidence, but it tells when to look."""
    return plugin_set.uid, plugin_set.spec, plugin_set.status.get("resolvedHash"), plugin_set.status.get("failedEntries")


def _of_cluster(cluster: Resource) -> Any:
    ready = [one.get("status") for one in cluster.conditions if one.get("type") == "Ready"]
    return cluster.uid, cluster.spec, cluster.annotations, cluster.status.get("configHash"), ready
