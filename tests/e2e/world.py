"""What the scenarios share: a person who publishes plugins, asks for them, and reads what the operator says of them."""

from __future__ import annotations

import base64
import hashlib
import json
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any, Final

from mcpg_operator.resources import (
    CLUSTER,
    CONFIG_MAP,
    EVENT,
    GATEWAY,
    NAMESPACE,
    PLUGIN,
    PLUGIN_MIRROR,
    PLUGIN_SET,
    REVOCATION_LIST,
    ROUTE,
    SECRET,
    TENANT,
)
from tests.support.cluster import NAMESPACE as HOME
from tests.support.cluster import ApiError, wait_until
from tests.support.cluster.gate import Gate
from tests.support.cluster.objects import Said, plugin_set, revocation_list, said
from tests.support.cluster.operator_process import OperatorProcess
from tests.support.cluster.publishing import Published, make_release, publish, write_trust_root

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from mcpg_operator.resources import Kind
    from tests.support.cluster import Api, RunningCluster
    from tests.support.cluster.publishing import Form
    from tests.support.registries import RunningRegistries
    from tests.support.testdata.release import Release

__all__ = ["RESYNC", "World", "delete_ours", "payload", "sha256"]

RESYNC: Final = 2
"""Seconds between two looks of the operator at what nothing woke."""
_WAIT: Final = 30
_LEASE: Final = ("--lease-duration-secs=15", "--lease-renew-secs=12", "--lease-retry-secs=0.5")
"""Outlasts a busy machine and an API server that is away for some seconds, as the shipped times do."""


class World:
    """One cluster with one registry, reached through a gate; `close` takes away everything that was made."""

    def __init__(self, cluster: RunningCluster, registries: RunningRegistries) -> None:
        self.cluster = cluster
        self.api = cluster.api
        self.registries = registries
        self.stack = ExitStack()
        self.gate = self.stack.enter_context(Gate.opened(registries.referrers.host))
        self.trust_root: Path = write_trust_root(cluster.directory / "trusted_root.json")
        self._namespaces: list[str] = []

    def close(self) -> None:
        """Delete every object of our kinds, what the operator kept, and the namespaces; stop the gate."""
        self.stack.close()
        self.clear()

    def clear(self) -> None:
        """Delete every object of our kinds, every Secret and ConfigMap in the operator's namespace, and the namespaces."""
        delete_ours(self.api)
        for kind in (SECRET, CONFIG_MAP):
            self.api.request("DELETE", f"/api/v1/namespaces/{HOME}/{kind.plural}")
        while self._namespaces:
            self.api.delete(NAMESPACE, self._namespaces.pop())

    @contextmanager
    def operator(self, *, name: str = "operator-0", flags: tuple[str, ...] = (), ready: bool = True) -> Iterator[OperatorProcess]:
        """Run an operator that looks again soon and trusts the virtual Sigstore; on failures its log tells more."""
        process = self.make_operator(name=name, flags=flags)
        try:
            process.start()
            if ready:
                process.wait_until_ready()
            yield process
        finally:
            process.program.stop(grace=10)

    def make_operator(self, *, name: str = "operator-0", flags: tuple[str, ...] = ()) -> OperatorProcess:
        """Prepare an operator and do not start it."""
        common = (
            f"--resync-interval-secs={RESYNC}",
            f"--sigstore-trust-root-path={self.trust_root}",
            f"--insecure-registry={self.gate.host}",
            f"--insecure-registry={self.registries.referrers.host}",
            f"--insecure-registry={self.registries.distribution.host}",
            "--reconcile-concurrency=4",
            *_LEASE,
        )
        return OperatorProcess(self.cluster, name=name, flags=[*common, *flags])

    # -- what a person writes ------------------------------------------------------------------------------------------

    def namespace(self, name: str) -> str:
        """Create a namespace that is deleted in the end."""
        self._namespaces.append(name)
        return self.cluster.namespace(name)

    def publish(self, name: str, release: Release | None = None, *, form: Form = "referrer", **made: Any) -> Published:
        """Publish a release of `dev.acme.<name>` where the gate leads, as `acme/<name>`; plugins are to name the gate."""
        release = release or make_release(name, **made)
        direct = self.registries.referrers.host
        return publish(release, host=direct, repository=f"acme/{name}", form=form, ask=self.gate.host)

    def install(self, name: str, published: Published, **more: Any) -> Published:
        """Apply the policy's objects and the MCPGPlugin `name`; `more` is as `Published.plugin`."""
        self.api.apply(published.policy_objects())
        self.api.apply(published.plugin(name, **more))
        return published

    def add(self, name: str, **made: Any) -> Published:
        """Publish, install, and wait until it is Ready."""
        published = self.install(name, self.publish(name, **made))
        self.ready(name)
        return published

    def add_set(self, namespace: str, name: str, *plugins: str, **more: Any) -> None:
        """Apply a set of these plugins, each of which is called as its id's last part."""
        self.api.apply(plugin_set(namespace, name, {f"dev.acme.{one}": one for one in plugins}, **more))

    def revoke(self, *hashes: str) -> None:
        """Let `cluster-default` name these artifacts and no others."""
        self.api.apply(revocation_list(*hashes))

    # -- what a person reads -------------------------------------------------------------------------------------------

    def plugin(self, name: str) -> dict[str, Any]:
        """Read an MCPGPlugin that must exist."""
        return self._existing(PLUGIN, name)

    def status(self, name: str) -> dict[str, Any]:
        """Read an MCPGPlugin's status."""
        return dict(self.plugin(name).get("status", {}))

    def said(self, name: str, kind: str = "Ready") -> Said:
        """Read one condition of an MCPGPlugin, about its present spec."""
        return said(self.api.get(PLUGIN, name), kind)

    def is_ready(self, name: str) -> bool:
        """Whether an MCPGPlugin is Ready by its present spec."""
        return self.said(name).status == "True"

    def ready(self, name: str, *, seconds: float = _WAIT) -> dict[str, Any]:
        """Wait until an MCPGPlugin is Ready; gives its status."""
        self.until(lambda: self.is_ready(name), seconds=seconds, what=lambda: f"`{name}` to be Ready, {self.said(name)}")
        return self.status(name)

    def refused(self, name: str, reason: str, *, seconds: float = _WAIT) -> dict[str, Any]:
        """Wait until an MCPGPlugin is not Ready and some condition gives the reason; gives its status."""

        def done() -> bool:
            found = self.plugin(name)
            reasons = {(one["status"], one["reason"]) for one in found.get("status", {}).get("conditions", ())}
            return said(found).status == "False" and any(one[1] == reason for one in reasons)

        self.until(done, seconds=seconds, what=lambda: f"`{name}` to be {reason}, {self.status(name).get('conditions')}")
        return self.status(name)

    def the_set(self, namespace: str, name: str) -> dict[str, Any]:
        """Read an MCPGPluginSet that must exist."""
        return self._existing(PLUGIN_SET, name, namespace)

    def set_ready(self, namespace: str, name: str, *, seconds: float = _WAIT) -> dict[str, Any]:
        """Wait until a set is Ready; gives its status."""
        self.until(
            lambda: said(self.the_set(namespace, name)).status == "True",
            seconds=seconds,
            what=lambda: f"set `{namespace}/{name}` to be Ready, {self.the_set(namespace, name).get('status')}",
        )
        return dict(self.the_set(namespace, name)["status"])

    def resolved(self, namespace: str, name: str) -> dict[str, dict[str, Any]]:
        """Read the resolved document of a set: entries by plugin id; none where there is no document."""
        found = self.api.get(SECRET, f"{name}-resolved", namespace=namespace)
        if found is None:
            return {}
        return {one["id"]: one for one in json.loads(payload(found)["plugins.json"])["entries"]}

    def library(self, name: str, *, namespace: str = HOME) -> bytes | None:
        """Read the verified bytes of a plugin that fits one Secret, where its status says they are; None where there are none."""
        secret = self.status(name).get("artefactSecretName")
        found = None if secret is None else self.api.get(SECRET, secret, namespace=namespace)
        return None if found is None else payload(found).get("plugin.so")

    def signature(self, name: str) -> bytes | None:
        """Read the publisher's signature that is delivered with a plugin; None where there is none."""
        secret = self.status(name).get("artefactSecretName")
        found = None if secret is None else self.api.get(SECRET, secret, namespace=HOME)
        return None if found is None else payload(found).get("plugin.sig")

    def all_bytes(self) -> set[bytes]:
        """Every value of every Secret of the cluster."""
        return {value for one in self.api.list(SECRET) for value in payload(one).values()}

    def create_before_it_comes_back(self, manifest: Mapping[str, Any]) -> None:
        """Create what somebody else may create at the same moment; whoever was first is fine."""
        try:
            self.api.create(manifest)
        except ApiError as error:
            if error.reason != "AlreadyExists":
                raise

    def stored(self) -> dict[str, dict[str, Any]]:
        """Every Secret of verified bytes in the operator's namespace, by name."""
        types = ("mcpg.dev/plugin", "mcpg.dev/plugin-shard")
        found = [one for kind in types for one in self.api.list(SECRET, namespace=HOME, fields=f"type={kind}")]
        return {one["metadata"]["name"]: one for one in found}

    def stored_for(self, name: str) -> list[str]:
        """Names of the Secrets with verified bytes of one MCPGPlugin."""
        annotation = "mcpg.dev/plugin-object"
        return [key for key, one in self.stored().items() if one["metadata"].get("annotations", {}).get(annotation) == name]

    def versions(self, kind: Kind, namespace: str | None = None) -> dict[str, tuple[str, str]]:
        """Uid and resourceVersion of all objects of a kind, by name."""
        found = [one["metadata"] for one in self.api.list(kind, namespace=namespace)]
        return {f"{one.get('namespace', '')}/{one['name']}": (one["uid"], one["resourceVersion"]) for one in found}

    def events(self, name: str) -> set[tuple[str, str]]:
        """Type and reason of all events about an object."""
        return {(one["type"], one["reason"]) for one in self.api.list(EVENT) if one.get("regarding", {}).get("name") == name}

    def until(self, done: Callable[[], Any], *, seconds: float = _WAIT, what: str | Callable[[], str] = "it") -> Any:
        """Ask until the answer is true; `what` is asked only when it never was."""
        try:
            return wait_until(done, seconds=seconds, what=what if isinstance(what, str) else "it")
        except TimeoutError as error:
            raise TimeoutError(f"waited {seconds:g} s for {what if isinstance(what, str) else what()}") from error

    def secret(self, name: str, namespace: str = HOME) -> dict[str, Any]:
        """Read a Secret that must exist."""
        return self._existing(SECRET, name, namespace)

    def _existing(self, kind: Kind, name: str, namespace: str | None = None) -> dict[str, Any]:
        found = self.api.get(kind, name, namespace=namespace)
        if found is None:
            raise LookupError(f"there is no {kind} `{name}`")
        return dict(found)


def delete_ours(api: Api) -> None:
    """Delete every object of our kinds, those first that others would miss least."""
    for kind in (ROUTE, GATEWAY, PLUGIN_SET, CLUSTER, TENANT, PLUGIN, PLUGIN_MIRROR, REVOCATION_LIST):
        for one in api.list(kind):
            api.delete(kind, one["metadata"]["name"], namespace=one["metadata"].get("namespace"))


def payload(secret: Mapping[str, Any]) -> dict[str, bytes]:
    """Decode the data of a Secret."""
    return {key: base64.b64decode(value) for key, value in secret.get("data", {}).items()}


def sha256(data: bytes) -> str:
    """The hex digest."""
    return hashlib.sha256(data).hexdigest()
