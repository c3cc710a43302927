"""A cluster in memory, a registry in memory, and the plugin controller between them, one step after the other on this thread."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import httpx

from mcpg_operator.controllers.plugin import HOUSEKEEPING, PluginReconciler
from mcpg_operator.controllers.plugin.lanes import Lanes
from mcpg_operator.resources import CONFIG_MAP, PLUGIN, PLUGIN_MIRROR, REVOCATION_LIST, SECRET, Key, Resource
from mcpg_operator.trust import Trust
from supplychain.errors import SupplyChainError
from supplychain.mirror.transport import RegistryClient
from supplychain.trust_root import parse_trust_root
from tests.operators.world import NAMESPACE, World, body
from tests.support import scenario
from tests.support.builders import build_descriptor, build_elf, build_package, public_key
from tests.support.fake_registry import FakeInternet, FakeRegistry
from tests.support.virtual_sigstore import GITHUB_ISSUER, generator_identity, image_signature, slsa_provenance

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mcpg_operator.services import Result, Watch
    from supplychain.digest import ArtifactHash, ManifestDigest

REPOSITORY = "acme/plugins/echo"
HOST = "registry.example"
TAG = "1.2.3-linux-amd64"
IDENTITY = r"^https://github\.com/acme/plugins/\.github/workflows/release\.yml@refs/tags/v1\.2\.3$"
LIBRARY = build_elf()
PACKAGE = build_package(artifact=LIBRARY)


def big_library(size: int = 3 * 1024 * 1024) -> bytes:
    """A library that does not compress."""
    import random

    return build_elf() + random.Random(7).randbytes(size)


def spec(**changes: Any) -> dict[str, Any]:
    """The spec of the plugin that everything in the registry is made for; top-level members and `oci`, `trust` are merged."""
    whole: dict[str, Any] = {
        "pluginId": "dev.mcpg.example.echo",
        "version": "1.2.3",
        "pluginClass": "tool_gate",
        "oci": {"image": f"{HOST}/{REPOSITORY}:{TAG}"},
        "trust": {"signingKeyRef": {"secretName": "release-key"}},
    }
    for name, value in changes.items():
        whole[name] = {**whole[name], **value} if isinstance(whole.get(name), dict) and isinstance(value, dict) else value
    return whole


KEYLESS = {
    "cosignIdentity": {"certificateIdentityRegexp": IDENTITY, "oidcIssuer": GITHUB_ISSUER},
    "slsaProvenance": {
        "configMapName": "echo-provenance",
        "sourceUri": "git+https://github.com/acme/plugins",
        "sourceTag": "v1.2.3",
    },
}


def secret(name: str, data: Mapping[str, bytes], **more: Any) -> dict[str, Any]:
    encoded = {key: base64.b64encode(value).decode() for key, value in data.items()}
    return body(name, namespace=NAMESPACE, data=encoded, type=more.pop("type", "Opaque"), **more)


def docker_config(host: str, user: str = "u", password: str = "hunter2") -> bytes:
    auth = base64.b64encode(f"{user}:{password}".encode()).decode()
    return json.dumps({"auths": {host: {"auth": auth}}}).encode()


OPEN: list[Operator] = []
"""Every process of the current test."""


@dataclass
class Operator:
    """One process: its memory is lost when another one is made on the same world."""

    world: World
    registry: FakeRegistry
    internet: Any = None
    root: Callable[[], Any] | None = None
    results: dict[Key, Result] = field(default_factory=dict)
    errors: list[SupplyChainError] = field(default_factory=list)
    """Raised by passes; their keys come back with the next `settle`."""
    postponed: set[Key] = field(default_factory=set)
    held: bool = False
    """Downloads wait until `download` is called."""

    def __post_init__(self) -> None:
        OPEN.append(self)
        world = self.world
        self.roots = 0
        self.services = world.services()
        self.lanes: Lanes[Any] = Lanes(
            threads=0,
            ready=lambda name: world.woken.append(Key(PLUGIN, name)),
            release=lambda arrival: arrival.close(),
            clock=lambda: world.at.timestamp(),  # noqa: PLW0108 — the time moves
        )
        self.trust = Trust(path=None, now=world.now, fetch=self._fetch, budget=world.settings.budget)
        self.internet = self.internet or FakeInternet(self.registry)
        connect = partial(RegistryClient, transport=httpx.MockTransport(self.internet), sleep=lambda _: None)
        self.reconciler = PluginReconciler(self.services, trust=self.trust, lanes=self.lanes, connect=connect)
        world.watch()
        for watch in self.reconciler.watches:
            world.store.subscribe(watch.kind, partial(self._changed, watch))
            for one in world.store.list(watch.kind):
                self._changed(watch, None, one)

    def _changed(self, watch: Watch, old: Resource | None, new: Resource | None) -> None:
        self.world.woken.extend(watch.keys(old, new))

    def _fetch(self) -> Any:
        self.roots += 1
        return scenario.trust_root() if self.root is None else self.root()

    def settle(self) -> Operator:
        """Run passes and downloads until nobody wants anything."""
        self.world.woken.extend(self.postponed)
        self.postponed.clear()
        for _ in range(500):
            if self.world.woken:
                self.run()
            elif self.held or not self.lanes.work_once():
                return self
        raise AssertionError("no end of it")

    def run(self) -> None:
        """Run one pass over every plugin that was woken."""
        keys = dict.fromkeys(self.world.woken)
        self.world.woken.clear()
        for key in keys:
            try:
                self.results[key] = self.reconciler.reconcile(key)
            except SupplyChainError as exc:
                self.errors.append(exc)
                self.postponed.add(key)

    def resync(self, seconds: float = 600) -> Operator:
        """Let time pass, and every plugin be looked at again."""
        self.world.later(seconds)
        self.world.woken.extend(one.key for one in self.world.store.list(PLUGIN))
        return self.settle()

    def sweep(self) -> Operator:
        self.world.woken.append(HOUSEKEEPING[0])
        return self.settle()

    def refresh_trust(self) -> Operator:
        self.world.woken.append(HOUSEKEEPING[1])
        return self.settle()

    def restart(self, **changes: Any) -> Operator:
        """End this process and start another one."""
        self.reconciler.close()
        return replace(self, world=self.world.restarted(), results={}, errors=[], postponed=set(), **changes).settle()

    # --- what is there

    def status(self, name: str = "echo") -> Mapping[str, Any]:
        return self.world.status(PLUGIN, name)

    def conditions(self, name: str = "echo") -> dict[str, tuple[str, str]]:
        return {one["type"]: (one["status"], one["reason"]) for one in self.status(name).get("conditions", [])}

    def message(self, condition: str, name: str = "echo") -> str:
        (found,) = [one["message"] for one in self.status(name)["conditions"] if one["type"] == condition]
        return str(found)

    def ready(self, name: str = "echo") -> tuple[str, str]:
        return self.conditions(name)["Ready"]

    def secrets(self, kind: str | None = None) -> list[Resource]:
        """Secrets of one of our types, or of all three."""
        found = [one for one in self.world.cluster.objects(SECRET) if str(one.body.get("type")).startswith("mcpg.dev/")]
        return [one for one in found if kind is None or one.body["type"] == f"mcpg.dev/{kind}"]

    def entry(self, name: str = "echo") -> Any:
        """What the ledger says."""
        return self.world.ledger.get(name)

    def data(self, name: str) -> Any:
        """The payload of a Secret in the operator's namespace; None where there is none."""
        found = self.world.cluster.get(SECRET, name, namespace=NAMESPACE)
        return None if found is None else found.data()

    def library(self, name: str = "echo") -> bytes:
        """The bytes of the library in the Secret that the status names."""
        from supplychain.delivery import SHARD_KEY, open_delivery

        payload = self.data(self.status(name)["artefactSecretName"])
        stored = open_delivery(payload, shard=lambda one: (self.data(one) or {}).get(SHARD_KEY))
        return b"".join(stored.pieces())

    # --- what a test changes

    def apply(self, name: str = "echo", **changes: Any) -> Operator:
        self.world.cluster.apply(_manifest(name, spec(**changes)), manager="kubectl")
        return self

    def away(self) -> Operator:
        """The registry answers nobody."""
        self.registry.rules = [("", lambda _: httpx.Response(503))]
        return self

    def back(self) -> Operator:
        """The registry answers again."""
        self.registry.rules = []
        return self

    def annotate(self, name: str = "echo", **annotations: str) -> Operator:
        self.world.cluster.edit(Key(PLUGIN, name), lambda found: found["metadata"].update(annotations=annotations))
        return self

    def delete(self, name: str = "echo") -> Operator:
        self.world.cluster.remove(Key(PLUGIN, name))
        return self

    def key(self, data: bytes | None = None, name: str = "release-key") -> Operator:
        self.world.cluster.put(SECRET, secret(name, {"release.pub": public_key() if data is None else data}))
        return self

    def revoke(self, *hashes: ArtifactHash | str, **more: Any) -> Operator:
        entries = [{"artifactSha256": str(one), "reason": "CVE-2026-0001"} for one in hashes]
        self.world.cluster.put(REVOCATION_LIST, body("cluster-default", {"version": 1, "revocations": entries, **more}))
        return self

    def mirror(self, name: str = "inner", **more: Any) -> Operator:
        whole = {
            "endpoint": {"service": {"namespace": "mirrors", "name": "harbor", "port": 8080}, "insecure": True},
            "upstream": {"registry": HOST, "namespace": "acme"},
            **more,
        }
        self.world.cluster.put(PLUGIN_MIRROR, body(name, whole))
        return self

    def provenance(self, *bundles: bytes, name: str = "echo-provenance") -> Operator:
        found = bundles or (scenario.provenance_bundle(),)
        data = {"provenance.intoto.jsonl": b"\n".join(found).decode()}
        self.world.cluster.put(CONFIG_MAP, body(name, namespace=NAMESPACE, data=data))
        return self

    def publish(self, package: bytes = PACKAGE, *tags: str, signed: bool = True) -> ManifestDigest:
        """Push a package under the tags (by default the plugin's), with the signature and the provenance that it wants."""
        digest = self.registry.add_plugin(REPOSITORY, package, *(tags or (TAG,)))
        if signed:
            self.registry.attach(REPOSITORY, digest, scenario.SIGSTORE.sign_statement(image_signature(digest)))
        return digest


def _manifest(name: str, whole: dict[str, Any]) -> dict[str, Any]:
    return {"apiVersion": PLUGIN.api_version, "kind": PLUGIN.name, "metadata": {"name": name}, "spec": whole}


def operator(**settings: Any) -> Operator:
    """A process that has started, with a key, an empty revocation list, and a plugin in the registry."""
    world = World()
    world.settings = replace(world.settings, single_verifier=True, **settings)
    return Operator(world=world, registry=FakeRegistry()).key().revoke()


__all__ = [
    "HOST",
    "IDENTITY",
    "KEYLESS",
    "LIBRARY",
    "PACKAGE",
    "REPOSITORY",
    "TAG",
    "Operator",
    "big_library",
    "build_descriptor",
    "build_elf",
    "build_package",
    "docker_config",
    "generator_identity",
    "operator",
    "parse_trust_root",
    "secret",
    "slsa_provenance",
    "spec",
]
