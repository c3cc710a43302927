"""A gateway in a small cluster: its set, its list, and what a Deployment controller would make of it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from mcpg_operator.controllers.gateway import GatewayReconciler
from mcpg_operator.resources import (
    AUTOSCALER,
    CLUSTER,
    CONFIG_MAP,
    DEPLOYMENT,
    DISRUPTION_BUDGET,
    GATEWAY,
    INGRESS,
    NETWORK_POLICY,
    PROMETHEUS_RULE,
    ROUTE,
    SECRET,
    SERVICE,
    SERVICE_ACCOUNT,
    SERVICE_MONITOR,
    Key,
    Kind,
    Resource,
)
from tests.operators.plugin_set.world import HOME, TEAM, entry
from tests.operators.plugin_set.world import World as SetWorld
from tests.operators.world import LABELLED

if TYPE_CHECKING:
    from collections.abc import Callable

    from mcpg_operator.services import Result, Watch
    from supplychain.digest import ArtifactHash

__all__ = ["CHILDREN", "GatewayWorld", "entry"]

CHILDREN = (
    DEPLOYMENT, SERVICE, SERVICE_ACCOUNT, NETWORK_POLICY, DISRUPTION_BUDGET, AUTOSCALER, INGRESS, SERVICE_MONITOR, PROMETHEUS_RULE,
)  # fmt: skip


class GatewayWorld(SetWorld):
    """`gateway` writes one, `settle_gateway` lets both controllers come to rest, `roll_out` makes the pods come up."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**{"operator_image": "registry.example/operator:1", **settings})
        self.revoke()
        self.woken_gateways: list[Key] = []
        self._start_gateways()

    def _start_gateways(self) -> None:
        self.cluster.feed(_Labelled(self.store), ROUTE, CLUSTER, *CHILDREN)
        self.cluster.feed(_Home(self.store), SECRET)
        self.gateways = GatewayReconciler(self.services)
        for watch in self.gateways.watches:
            self.store.subscribe(watch.kind, self._waking(watch))

    def _waking(self, watch: Watch) -> Callable[[Resource | None, Resource | None], None]:
        return lambda old, new: self.woken_gateways.extend(watch.keys(old, new))

    def restart(self) -> None:
        super().restart()
        self._start_gateways()

    def gateway(self, name: str = "shop", *, namespace: str = TEAM, metadata: dict[str, Any] | None = None, **spec: Any) -> Key:
        """Write a gateway; `annotations` and the like go into `metadata`."""
        body = {"metadata": {"name": name, "namespace": namespace, **(metadata or {})}, "spec": spec}
        found = self.cluster.get(GATEWAY, name, namespace=namespace)
        if found is None:
            return self.cluster.put(GATEWAY, body).key
        self.cluster.edit(found.key, lambda one: one.update(spec=spec, metadata={**one["metadata"], **(metadata or {})}))
        return found.key

    def with_set(self, *plugins: str, **facts: Any) -> Key:
        """Make plugins, a set of them called `main`, and the gateway `shop` that names it; all is resolved."""
        for plugin in plugins:
            self.plugin(plugin, **facts)
        self.settle(self.make(*(entry(one) for one in plugins)))
        return self.gateway(pluginSetRef={"name": "main"})

    def artifact(self, plugin: str) -> ArtifactHash:
        """The artifact of a plugin that was judged."""
        known = self.ledger.get(plugin)
        assert known is not None
        assert known.artifact_hash is not None
        return known.artifact_hash

    def step_gateway(self, key: Key) -> Result:
        self.later(seconds=1)
        return self.gateways.reconcile(key)

    def settle_gateway(self, key: Key, *, most: int = 8) -> Result:
        """Make passes until one changes nothing."""
        for _ in range(most):
            result = self.step_gateway(key)
            if not result.changed:
                return result
        raise AssertionError("the gateway does not come to rest")

    def serve(self, key: Key) -> None:
        """Let it be rendered, and its pods come up."""
        self.settle_gateway(key)
        self.roll_out(key)
        self.settle_gateway(key)

    def roll_out(self, key: Key, *, available: int | None = None) -> None:
        """Be the Deployment controller: every pod, or so many, become new and available."""
        live = self.deployment(key)
        wanted = live.body["spec"].get("replicas", 1)
        count = wanted if available is None else available
        status = {"observedGeneration": live.generation, "replicas": wanted, "updatedReplicas": wanted, "readyReplicas": count}
        self.cluster.edit(live.key, lambda one: one.update(status={**status, "availableReplicas": count}))

    # --- what is there ---------------------------------------------------------------------------------------------------------

    def child(self, kind: Kind, name: str, namespace: str = TEAM) -> Resource | None:
        return self.cluster.get(kind, name, namespace=namespace)

    def deployment(self, key: Key) -> Resource:
        found = self.child(DEPLOYMENT, f"{key.name}-gateway", key.namespace or "")
        assert found is not None
        return found

    def replicas(self, key: Key) -> int | None:
        found: int | None = self.deployment(key).body["spec"].get("replicas")
        return found

    def config(self, key: Key) -> str:
        found = self.child(CONFIG_MAP, f"{key.name}-config", key.namespace or "")
        assert found is not None
        return str(found.body["data"]["config.yaml"])

    def loaded(self, key: Key) -> list[str]:
        """Ids of the plugins that the pods load, as the operator wrote them down."""
        return sorted(json.loads(self.deployment(key).annotations["mcpg.dev/plugin-digests"]))

    def says(self, key: Key, kind: str = "Ready") -> tuple[str, str]:
        """Status and reason of a condition of the gateway."""
        conditions = {one["type"]: (one["status"], one["reason"]) for one in self.gateway_status(key).get("conditions", ())}
        return conditions.get(kind, ("", ""))

    def explains(self, key: Key, kind: str = "Ready") -> str:
        return next(one["message"] for one in self.gateway_status(key)["conditions"] if one["type"] == kind)

    def gateway_status(self, key: Key) -> dict[str, Any]:
        found = self.cluster.get(GATEWAY, key.name, namespace=key.namespace)
        assert found is not None
        return dict(found.status)


class _Labelled:
    """Lets through what the operator's watches let through."""

    def __init__(self, store: Any) -> None:
        self._store = store

    def put(self, resource: Resource) -> None:
        if self._wanted(resource):
            self._store.put(resource)
        else:
            self._store.remove(resource.key)

    def remove(self, key: Key) -> None:
        self._store.remove(key)

    def replace(self, kind: Kind, resources: Any, namespace: str | None = None) -> None:
        self._store.replace(kind, [one for one in resources if self._wanted(one)], namespace)

    def _wanted(self, resource: Resource) -> bool:
        return LABELLED.get(resource.kind, {}).items() <= resource.labels.items()


class _Home(_Labelled):
    def _wanted(self, resource: Resource) -> bool:
        return resource.namespace == HOME
