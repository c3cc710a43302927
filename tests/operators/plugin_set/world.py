"""A small cluster with verified plugins in it, and the controller of sets over it."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from mcpg_operator.controllers.plugin_set import PluginSetReconciler
from mcpg_operator.events import Recorder
from mcpg_operator.keeping.secrets import payload_hash
from mcpg_operator.ledger import Ledger, Standing, Stored, Verified
from mcpg_operator.names import COMPONENT, MANAGER
from mcpg_operator.render.plugin_set import DOCUMENT_KEY, document_name
from mcpg_operator.resources import (
    CONFIG_MAP,
    EVENT,
    GATEWAY,
    PLUGIN,
    PLUGIN_SET,
    REVOCATION_LIST,
    ROLE_BINDING,
    SECRET,
    TENANT,
    Key,
    Resource,
)
from mcpg_operator.runtime.store import Store
from mcpg_operator.services import Result, Services, Watch
from mcpg_operator.settings import Settings
from mcpg_operator.telemetry import Metrics
from supplychain.artifact import PluginPackage
from supplychain.descriptor import parse_descriptor
from supplychain.digest import ArtifactHash
from supplychain.spool import Spool
from tests.support.fake_cluster import FakeCluster

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["HOME", "KEY", "TEAM", "World", "entry", "verified"]

HOME = "mcpg-system"
TEAM = "team-a"
KEY = bytes.fromhex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a")
"""The public key of RFC 8032, test 1."""
WATCHED = (PLUGIN, PLUGIN_SET, REVOCATION_LIST, CONFIG_MAP, TENANT, GATEWAY)
START = datetime(2026, 11, 21, 12, tzinfo=UTC)


def entry(plugin: str, entry_id: str | None = None, **more: Any) -> dict[str, Any]:
    return {"id": entry_id or f"dev.example.{plugin}", "pluginRef": {"name": plugin}, **more}


def verified(
    name: str,
    *,
    plugin_id: str | None = None,
    library: bytes | None = None,
    capabilities: tuple[Any, ...] = (),
    plugin_class: str = "tool_gate",
    version: str = "1.2.3",
    stored: Stored | None = None,
    uid: str = "",
    keys: tuple[bytes, ...] = (KEY,),
) -> Verified:
    """A ledger entry about a plugin that passed."""
    plugin_id = plugin_id or f"dev.example.{name}"
    descriptor = json.dumps({
        "schema": "mcpg.dev/plugin/v1", "id": plugin_id, "name": name[:100], "class": plugin_class, "runtime": "native-cdylib-v1",
        "protocol_version": "1.0", "required_capabilities": list(capabilities),
    }).encode()  # fmt: skip
    library = library or f"library of {name}".encode()
    with Spool.of(library) as spool:
        package = PluginPackage(
            descriptor=parse_descriptor(descriptor),
            descriptor_bytes=descriptor,
            artifact=spool,
            artifact_hash=ArtifactHash.of(library),
            artifact_name="plugin.so",
            signature=b"s" * 64,
        )
    return Verified(
        name=name,
        uid=uid,
        generation=1,
        standing=Standing.VERIFIED,
        reason="Reconciled",
        message="all configured layers passed",
        at=START,
        plugin_id=plugin_id,
        version=version,
        plugin_class=plugin_class,
        artifact_hash=package.artifact_hash,
        package=package,
        stored=stored,
        keys=keys,
    )


class World:
    """Everything around the controller; `step` makes one pass, `settle` makes passes until nothing changes."""

    def __init__(self, *, hurry: Callable[[Key], None] | None = None, **settings: Any) -> None:
        self.cluster = FakeCluster()
        self.hurry = hurry
        self.store = Store()
        self.at = START
        self.woken: list[Key] = []
        self.queue: list[Key] = []
        self.ledger = Ledger()
        self.settings = Settings(namespace=HOME, **settings)
        self.metrics = Metrics()
        self.cluster.feed(self.store, *WATCHED)
        self.start()

    def start(self) -> None:
        """Start the operator anew: what is only in memory is lost, but for the store, which fills at once."""
        self.services = Services(
            cluster=self.cluster,
            store=self.store,
            ledger=self.ledger,
            recorder=Recorder(cluster=self.cluster, instance="pod", now=lambda: self.at),
            settings=self.settings,
            metrics=self.metrics,
            now=lambda: self.at,
            wake=self.woken.append,
            hurry=self.hurry,
        )
        self.sets = PluginSetReconciler(self.services)
        for watch in self.sets.watches:
            self.store.subscribe(watch.kind, self._listener(watch))
            for one in self.store.list(watch.kind):
                self.queue.extend(watch.keys(None, one))

    def _listener(self, watch: Watch) -> Callable[[Resource | None, Resource | None], None]:
        return lambda old, new: self.queue.extend(watch.keys(old, new))

    def restart(self) -> None:
        """As after a crash: the ledger is empty until plugins are judged again."""
        self.ledger = Ledger()
        self.store = Store()
        self.cluster._watchers.clear()
        self.cluster.feed(self.store, *WATCHED)
        self.start()

    # --- plugins -------------------------------------------------------------------------------------------------------------

    def plugin(self, name: str, *, shards: int = 0, judged: bool = True, **facts: Any) -> Any:
        """Make a plugin, its Secrets in the operator's namespace, and its ledger entry."""
        plugin_id = facts.get("plugin_id") or f"dev.example.{name}"
        body = self.cluster.put(PLUGIN, {"metadata": {"name": name}, "spec": {"pluginId": plugin_id}})
        library = facts.get("library") or f"library of {name}".encode()
        digests = {}
        main = f"mcpg-plugin-{name[:100]}-{ArtifactHash.of(library).hex[:32]}"
        payloads = {main: {"plugin.so": library, "plugin.yaml": b"descriptor", "plugin.sig": b"s" * 64}}
        for number in range(shards):
            payloads[f"mcpg-shard-{ArtifactHash.of(library + bytes([number])).hex[:32]}"] = {"shard": library + bytes([number])}
        for secret, data in payloads.items():
            self.source(secret, data)
            digests[secret] = payload_hash(data)
        stored = Stored(secret=main, digests=digests, size=len(library))
        entry = verified(name, **{**facts, "library": library, "stored": stored, "uid": body.uid})
        entry = replace(entry, generation=body.generation)
        if judged:
            self.ledger.put(entry)
        return entry

    def source(self, name: str, data: dict[str, bytes]) -> Resource:
        shard = name.startswith("mcpg-shard")
        labels = {**MANAGER, COMPONENT: "plugin-shard" if shard else "plugin"}
        body = {
            "metadata": {"name": name, "namespace": HOME, "labels": labels},
            "type": "mcpg.dev/plugin-shard" if shard else "mcpg.dev/plugin",
            "immutable": True,
            "data": {key: base64.b64encode(value).decode() for key, value in data.items()},
        }
        return self.cluster.put(SECRET, body)

    def judge(self, name: str, **changes: Any) -> None:
        """Change how a plugin stands."""
        known = self.ledger.get(name)
        assert known is not None
        self.ledger.put(replace(known, **changes))

    def refuse(self, name: str) -> None:
        self.judge(
            name, standing=Standing.REFUSED, reason="SignatureInvalid", message="the signature does not verify", stored=None
        )

    def revoke(self, *hashes: ArtifactHash, ledger: bool = False) -> None:
        """Write the list, and, if wanted, also what the plugin controller makes of it."""
        entries = [{"artifactSha256": one.hex, "reason": "stolen key"} for one in hashes]
        self.cluster.put(REVOCATION_LIST, {"metadata": {"name": "cluster-default"}, "spec": {"revocations": entries}})
        if ledger:
            for known in self.ledger.all():
                if known.artifact_hash in hashes:
                    self.judge(known.name, standing=Standing.REVOKED, reason="ArtefactRevoked", message="revoked", stored=None)

    # --- sets ----------------------------------------------------------------------------------------------------------------

    def make(self, *entries: Any, name: str = "main", namespace: str = TEAM, **spec: Any) -> Key:
        body = {"metadata": {"name": name, "namespace": namespace}, "spec": {"entries": list(entries), **spec}}
        return self.cluster.put(PLUGIN_SET, body).key

    def step(self, key: Key) -> Result:
        self.later(seconds=1)
        return self.sets.reconcile(key)

    def settle(self, key: Key, *, most: int = 6) -> Result:
        """Make passes until one changes nothing."""
        for _ in range(most):
            result = self.step(key)
            if not result.changed:
                return result
        raise AssertionError("the set does not come to rest")

    def later(self, **delta: float) -> None:
        self.at += timedelta(**delta)

    # --- what is there ---------------------------------------------------------------------------------------------------------

    def secret(self, name: str, namespace: str = TEAM) -> Any:
        return next((one for one in self.cluster.objects(SECRET) if (one.name, one.namespace) == (name, namespace)), None)

    def copies(self, namespace: str = TEAM) -> dict[str, Resource]:
        found = [one for one in self.cluster.objects(SECRET) if one.namespace == namespace]
        return {one.name: one for one in found if str(one.body.get("type")).startswith("mcpg.dev/plugin")}

    def document(self, key: Key) -> dict[str, Any]:
        found = self.secret(document_name(key.name), key.namespace or "")
        assert found is not None
        return json.loads((found.data() or {})[DOCUMENT_KEY])

    def ids(self, key: Key) -> list[str]:
        return [one["id"] for one in self.document(key)["entries"]]

    def status(self, key: Key) -> dict[str, Any]:
        found = self.cluster.get(PLUGIN_SET, key.name, namespace=key.namespace)
        assert found is not None
        return dict(found.status)

    def condition(self, key: Key, kind: str = "Ready") -> tuple[str, str]:
        found = {one["type"]: (one["status"], one["reason"]) for one in self.status(key).get("conditions", ())}
        return found[kind]

    def message(self, key: Key, kind: str = "Ready") -> str:
        return next(one["message"] for one in self.status(key)["conditions"] if one["type"] == kind)

    def failed(self, key: Key) -> dict[str, str]:
        return {one["id"]: one["reason"] for one in self.status(key).get("failedEntries", ())}

    def binding(self, namespace: str = TEAM) -> Any:
        return next((one for one in self.cluster.objects(ROLE_BINDING) if one.namespace == namespace), None)

    def events(self) -> list[tuple[str, str]]:
        found = sorted(self.cluster.objects(EVENT), key=lambda one: int(one.resource_version))
        return [(one.body["type"], one.body["reason"]) for one in found]

    def quiet(self) -> None:
        """Forget what was read and written so far."""
        self.cluster.reads.clear()
        self.cluster.writes.clear()
