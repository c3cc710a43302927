"""A cluster in memory with everything that a controller is given; time stands still unless a test moves it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from mcpg_operator.events import Recorder
from mcpg_operator.ledger import Ledger, Standing, Verified
from mcpg_operator.resources import (
    CLUSTER,
    CONFIG_MAP,
    EVENT,
    GATEWAY,
    PLUGIN,
    PLUGIN_MIRROR,
    PLUGIN_SET,
    RESOURCE_QUOTA,
    REVOCATION_LIST,
    ROLE_BINDING,
    ROUTE,
    SECRET,
    TENANT,
    Key,
    Kind,
    Resource,
)
from mcpg_operator.resources import NAMESPACE as SPACE
from mcpg_operator.runtime.store import Store
from mcpg_operator.runtime.watching import watched
from mcpg_operator.services import Services
from mcpg_operator.settings import Settings
from mcpg_operator.telemetry import Metrics
from supplychain.digest import ArtifactHash
from tests.support.fake_cluster import FakeCluster

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mcpg_operator.services import Watch

__all__ = ["NAMESPACE", "World", "body", "edited", "listener"]

NAMESPACE = "mcpg-system"
WATCHED = (
    PLUGIN, PLUGIN_MIRROR, REVOCATION_LIST, PLUGIN_SET, GATEWAY, ROUTE, CLUSTER, TENANT, SPACE, RESOURCE_QUOTA, ROLE_BINDING,
    SECRET, CONFIG_MAP,
)  # fmt: skip
LABELLED = {one.kind: one.labels for one in watched(Settings()) if one.labels}


@dataclass(slots=True)
class World:
    """The outside world of a controller, and what it did to it."""

    settings: Settings = field(default_factory=lambda: Settings(namespace=NAMESPACE))
    cluster: FakeCluster = field(default_factory=FakeCluster)
    store: Store = field(default_factory=Store)
    ledger: Ledger = field(default_factory=Ledger)
    metrics: Metrics = field(default_factory=Metrics)
    at: datetime = datetime(2026, 1, 31, 12, tzinfo=UTC)
    woken: list[Key] = field(default_factory=list)

    def now(self) -> datetime:
        return self.at

    def later(self, seconds: float = 60) -> None:
        self.at += timedelta(seconds=seconds)

    def services(self, **changes: Any) -> Services:
        parts = {
            "cluster": self.cluster,
            "store": self.store,
            "ledger": self.ledger,
            "recorder": Recorder(cluster=self.cluster, instance="pod-1", now=self.now),
            "settings": self.settings,
            "metrics": self.metrics,
            "now": self.now,
            "wake": self.woken.append,
        }
        return Services(**{**parts, **changes})

    def watch(self, *without: Kind) -> World:
        """Fill the store and keep it up to date, except for some kinds."""
        self.cluster.feed(_OwnNamespace(self.store), *(kind for kind in WATCHED if kind not in without))
        return self

    def restarted(self) -> World:
        """The same cluster, seen by a new process."""
        return World(settings=self.settings, cluster=self.cluster, at=self.at)

    def judged(
        self, name: str, library: str | None, standing: Standing = Standing.VERIFIED, *, reason: str = "Reconciled"
    ) -> Verified:
        """Enter into the ledger how a plugin stands; `library` is an artifact hash."""
        entry = Verified(
            name=name,
            uid=name,
            generation=1,
            standing=standing,
            reason=reason,
            message="",
            at=self.at,
            artifact_hash=None if library is None else ArtifactHash(library),
        )
        self.ledger.put(entry)
        return entry

    def events(self) -> list[tuple[str, str]]:
        """Type and reason of every event so far."""
        return [(one.body["type"], one.body["reason"]) for one in self.cluster.objects(EVENT)]

    def writes(self) -> list[tuple[str, Kind]]:
        """Verb and kind of every write by the operator, events left aside; forgets them."""
        found = [
            (one.verb, one.key.kind) for one in self.cluster.writes if one.key.kind != EVENT and one.verb not in {"put", "edit"}
        ]
        self.cluster.writes.clear()
        return found

    def measured(self, name: str) -> dict[str, float]:
        """Conditions of one object in the metrics."""
        samples = [one for family in self.metrics.registry.collect() for one in family.samples]
        found = [one for one in samples if one.name == "mcpg_operator_condition" and one.labels["name"] == name]
        return {one.labels["type"]: one.value for one in found}

    def status(self, kind: Kind, name: str, namespace: str | None = None) -> Mapping[str, Any]:
        found = self.cluster.get(kind, name, namespace=namespace)
        assert found is not None
        return found.status

    def ready(self, kind: Kind, name: str, namespace: str | None = None) -> tuple[str, str]:
        """Status and reason of the condition `Ready`."""
        (one,) = [one for one in self.status(kind, name, namespace)["conditions"] if one["type"] == "Ready"]
        return one["status"], one["reason"]


class _OwnNamespace:
    """Lets Secrets and ConfigMaps through only from the operator's namespace, and others by label, as the operator's watches do."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def put(self, resource: Resource) -> None:
        if self._wanted(resource.key) and _labelled(resource):
            self._store.put(resource)
        elif self._wanted(resource.key):
            self._store.remove(resource.key)

    def remove(self, key: Key) -> None:
        if self._wanted(key):
            self._store.remove(key)

    def replace(self, kind: Kind, resources: Any, namespace: str | None = None) -> None:
        self._store.replace(kind, [one for one in resources if self._wanted(one.key) and _labelled(one)], namespace)

    def _wanted(self, key: Key) -> bool:
        return key.kind not in {SECRET, CONFIG_MAP} or key.namespace == NAMESPACE


def _labelled(resource: Resource) -> bool:
    return LABELLED.get(resource.kind, {}).items() <= resource.labels.items()


def body(name: str, spec: Any = None, *, namespace: str | None = None, **more: Any) -> dict[str, Any]:
    """An object of some kind; a spec of None is left out."""
    metadata = {"name": name, **({"namespace": namespace} if namespace else {}), **more.pop("metadata", {})}
    return {"metadata": metadata, **({} if spec is None else {"spec": spec}), **more}


def edited(**spec: Any) -> Callable[[dict[str, Any]], None]:
    """A change by hand that replaces members of the spec."""

    def change(found: dict[str, Any]) -> None:
        found["spec"] = {**found.get("spec", {}), **spec}

    return change


def listener(watch: Watch, found: list[Key]) -> Callable[[Resource | None, Resource | None], None]:
    """Collect the keys that a watch gives."""
    return lambda old, new: found.extend(watch.keys(old, new))
