"""An administrator's watch on all MCPGPlugins: how each one stands, and when that was seen to change."""

from __future__ import annotations

import ssl
import threading
import time
from collections import Counter
from contextlib import suppress
from typing import TYPE_CHECKING

import httpx
import msgspec

from mcpg_operator.resources import PLUGIN

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.cluster import RunningCluster

_PATH = f"/apis/{PLUGIN.api_version}/{PLUGIN.plural}"
_PAUSE = 0.05


class _Metadata(msgspec.Struct):
    name: str
    generation: int = 0


class _Condition(msgspec.Struct):
    type: str
    status: str
    reason: str


class _Status(msgspec.Struct):
    conditions: list[_Condition] = []


class _Plugin(msgspec.Struct):
    metadata: _Metadata
    status: _Status = msgspec.field(default_factory=_Status)


class _Event(msgspec.Struct):
    type: str
    object: _Plugin


class Eyes:
    """`stood[name]` is status and reason of `Ready` with the moment at which the watch brought it."""

    def __init__(self, cluster: RunningCluster) -> None:
        context = ssl.create_default_context(cafile=str(cluster.ca_file))
        context.load_cert_chain(cluster.directory / "ca" / "admin.pem", cluster.directory / "ca" / "admin.key")
        self._client = httpx.Client(base_url=cluster.url, verify=context, timeout=None, trust_env=False)
        self._closed = False
        self._lock = threading.Lock()
        self.stood: dict[str, tuple[str, str, float]] = {}
        self.updates: Counter[str] = Counter()
        """Versions of each object that went by."""
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._closed = True

    def until(self, done: Callable[[dict[str, tuple[str, str, float]]], bool], *, seconds: float, what: str) -> None:
        """Wait until the picture satisfies `done`."""
        end = time.monotonic() + seconds
        while True:
            with self._lock:
                seen = dict(self.stood)
            if done(seen):
                return
            if time.monotonic() > end:
                counted = Counter(one[:2] for one in seen.values())
                raise TimeoutError(f"waited {seconds:.0f} s for {what}; there are {dict(counted)}")
            time.sleep(_PAUSE)

    def ready(self, count: int, *, seconds: float) -> None:
        """Wait until so many plugins are Ready."""
        self.until(
            lambda seen: sum(one[0] == "True" for one in seen.values()) >= count,
            seconds=seconds,
            what=f"{count} plugins to be Ready",
        )

    def since(self, began: float, *, status: str) -> list[float]:
        """Seconds from `began` to the present status, of all that stand so since then, in order."""
        with self._lock:
            return sorted(at - began for found, _, at in self.stood.values() if found == status and at >= began)

    def _watch(self) -> None:
        decoder = msgspec.json.Decoder(_Event)
        params = {"watch": "true", "timeoutSeconds": "7200"}
        with suppress(httpx.TransportError), self._client.stream("GET", _PATH, params=params) as answer:
            for line in answer.iter_lines():
                if self._closed:
                    return
                self._see(decoder.decode(line))

    def _see(self, event: _Event) -> None:
        plugin = event.object
        name = plugin.metadata.name
        now = time.monotonic()
        ready = next((one for one in plugin.status.conditions if one.type == "Ready"), None)
        new = ("", "") if ready is None else (ready.status, ready.reason)
        with self._lock:
            self.updates[name] += 1
            if event.type == "DELETED":
                self.stood.pop(name, None)
            elif self.stood.get(name, ())[:2] != new:
                self.stood[name] = (*new, now)
