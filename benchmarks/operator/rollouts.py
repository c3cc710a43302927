"""A watch on the Deployments of gateways: what each one's pods are to be made of, and when that was seen to change."""

from __future__ import annotations

import ssl
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING

import httpx
import msgspec

from mcpg_operator.controllers.gateway.running import PLUGINS
from mcpg_operator.render.gateway.deployment import REVOCATIONS_HASH
from mcpg_operator.resources import DEPLOYMENT
from tests.support.cluster import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.cluster import RunningCluster

__all__ = ["Rollouts", "Wanted"]

_PATH = f"/apis/{DEPLOYMENT.api_version}/{DEPLOYMENT.plural}"


class Wanted(msgspec.Struct, frozen=True):
    """What the pods of one gateway are made of, as far as their Deployment tells."""

    plugins: str
    """The annotation with all artifact hashes."""
    revocations: str
    """Hash of the list that they mount."""


class _Metadata(msgspec.Struct):
    name: str
    namespace: str
    annotations: dict[str, str] = {}


class _TemplateMetadata(msgspec.Struct):
    annotations: dict[str, str] = {}


class _Template(msgspec.Struct):
    metadata: _TemplateMetadata


class _Spec(msgspec.Struct):
    template: _Template


class _Deployment(msgspec.Struct):
    metadata: _Metadata
    spec: _Spec


class _Event(msgspec.Struct):
    object: _Deployment


class Rollouts:
    """`seen` is the present wish for each Deployment, with the moment at which the watch brought it."""

    def __init__(self, cluster: RunningCluster) -> None:
        context = ssl.create_default_context(cafile=str(cluster.ca_file))
        context.load_cert_chain(cluster.directory / "ca" / "admin.pem", cluster.directory / "ca" / "admin.key")
        self._client = httpx.Client(base_url=cluster.url, verify=context, timeout=None, trust_env=False)
        self._closed = False
        self._lock = threading.Lock()
        self._seen: dict[str, tuple[Wanted, float]] = {}
        threading.Thread(target=self._watch, daemon=True).start()

    def close(self) -> None:
        self._closed = True

    def until(self, done: Callable[[Wanted], bool], count: int, *, began: float, seconds: float, what: str) -> list[float]:
        """Wait until so many Deployments are as wanted; gives the seconds that each took, in order."""

        def took() -> list[float]:
            with self._lock:
                return sorted(at - began for wanted, at in self._seen.values() if done(wanted))

        wait_until(lambda: len(took()) >= count, seconds=seconds, what=what)
        return took()

    def any(self) -> Wanted:
        """The wish for one of them."""
        with self._lock:
            return next(iter(self._seen.values()))[0]

    def _watch(self) -> None:
        decoder = msgspec.json.Decoder(_Event)
        params = {"watch": "true", "timeoutSeconds": "7200"}
        with suppress(httpx.TransportError), self._client.stream("GET", _PATH, params=params) as answer:
            for line in answer.iter_lines():
                if self._closed:
                    return
                self._see(decoder.decode(line).object)

    def _see(self, found: _Deployment) -> None:
        wanted = Wanted(
            plugins=found.metadata.annotations.get(PLUGINS, ""),
            revocations=found.spec.template.metadata.annotations.get(REVOCATIONS_HASH, ""),
        )
        key, now = f"{found.metadata.namespace}/{found.metadata.name}", time.monotonic()
        with self._lock:
            if key not in self._seen or self._seen[key][0] != wanted:
                self._seen[key] = wanted, now
