"""Events about our objects (`events.k8s.io/v1`), published when something changed and never because somebody looked again."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from mcpg_operator.names import object_name, short_hash
from supplychain.errors import SupplyChainError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mcpg_operator.cluster import Cluster
    from mcpg_operator.resources import Key, Resource

__all__ = ["Recorder"]

_LOG = logging.getLogger(__name__)
_LONGEST_NOTE: Final = 1024
_CLUSTER_SCOPED: Final = "default"
"""Events about cluster-scoped objects are refused in any other namespace."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorder:
    """Writes events; a failure to write one is logged and changes nothing."""

    cluster: Cluster
    instance: str
    """Name of the pod."""
    now: Callable[[], datetime]
    run: Callable[[Callable[[], None]], None] = lambda write: write()
    """Has an event written, now or later."""

    def publish(self, about: Resource, *, controller: str, warning: bool, reason: str, action: str, note: str) -> None:
        """Publish one event, as of now whenever it is written; `note` is cut at 1,024 characters."""
        at = self.now()
        namespace = about.namespace or _CLUSTER_SCOPED
        manifest: dict[str, Any] = {
            "apiVersion": "events.k8s.io/v1",
            "kind": "Event",
            "metadata": {
                "name": object_name("mcpg", about.name, suffix=short_hash(f"{about.uid}{at.isoformat()}{reason}{note}")),
                "namespace": namespace,
            },
            "eventTime": _micro_time(at),
            "type": "Warning" if warning else "Normal",
            "reason": reason,
            "action": action,
            "note": note if len(note) <= _LONGEST_NOTE else f"{note[: _LONGEST_NOTE - 1]}…",
            "reportingController": f"mcpg-operator/{controller}",
            "reportingInstance": self.instance[:128],
            "regarding": {
                "apiVersion": about.kind.api_version,
                "kind": about.kind.name,
                "name": about.name,
                "namespace": about.namespace,
                "uid": about.uid,
                "resourceVersion": about.resource_version,
            },
        }
        if about.namespace is None:
            del manifest["regarding"]["namespace"]
        key = about.key
        self.run(lambda: self._write(manifest, key))

    def _write(self, manifest: Mapping[str, Any], about: Key) -> None:
        try:
            self.cluster.create(manifest)
        except SupplyChainError as exc:
            _LOG.warning("event %s about %s could not be written: %s", manifest["reason"], about, exc)


def _micro_time(at: datetime) -> str:
    """Write exactly six fractional digits: the API server refuses any other number of them."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
