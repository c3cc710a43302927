"""Who may write: one replica at a time, by a `coordination.k8s.io/v1` Lease.

Every write carries the resourceVersion that was read, so of two replicas that want the Lease at once the API server takes one.
Clocks of machines are never compared: a Lease counts as expired when this replica has seen it unchanged for its whole duration.
The holder counts its own time from the moment at which it sent the last successful renewal, and gives up after the renewal
deadline, which is shorter than the duration: it has stopped before anybody else may start.
"""

from __future__ import annotations

import logging
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from mcpg_operator.resources import LEASE
from supplychain.errors import ConflictError, SupplyChainError

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Mapping

    from mcpg_operator.cluster import Cluster
    from mcpg_operator.resources import Resource
    from mcpg_operator.settings import Settings

__all__ = ["Elector"]

_LOG = logging.getLogger(__name__)
_LONGEST_DURATION: Final = 600
"""A Lease whose record promises more than that many seconds is taken over all the same."""


class Elector:
    """One replica's part in the election; `attempt` is called by one thread, `held` may be asked by any."""

    def __init__(
        self,
        cluster: Cluster,
        settings: Settings,
        *,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._cluster = cluster
        self._settings = settings
        self._clock = clock
        self._now = now
        self._seen: tuple[object, ...] | None = None
        self._seen_at = 0.0
        self._until = float("-inf")
        self._released = False

    @property
    def held(self) -> bool:
        """Whether this replica may write at this moment."""
        return not self._released and self._clock() < self._until

    @property
    def holder(self) -> str:
        """Who held the Lease when it was looked at last; empty where nobody did."""
        return str(self._seen[0]) if self._seen else ""

    def attempt(self) -> bool:
        """Try once to get or keep the Lease; says whether it is held now. A failure is logged, not raised."""
        if self._released:
            return False
        sent = self._clock()
        try:
            gained = self._try()
        except ConflictError as exc:
            _LOG.debug("another replica was faster: %s", exc)
        except SupplyChainError as exc:
            _LOG.warning("the Lease cannot be read or written: %s", exc)
        else:
            self._until = sent + self._settings.lease_renew if gained else float("-inf")
        return self.held

    def run(self, stop: threading.Event) -> None:
        """Attempt every retry period until `stop` is set, or a Lease that was held is lost."""
        was_held = False
        while not stop.is_set():
            held = self.attempt()
            if was_held and not held:
                return
            was_held = held
            stop.wait(self._settings.lease_retry)

    def release(self) -> None:
        """Let others have the Lease at once; call it when nothing writes any more. It is never taken again."""
        held, self._released = self.held, True
        if not held:
            return
        try:
            found = self._read()
            if found is None or _spec(found).get("holderIdentity") != self._settings.pod_name:
                return
            spec = {key: value for key, value in _spec(found).items() if key not in {"holderIdentity", "acquireTime"}}
            self._cluster.replace(self._manifest({**spec, "renewTime": self._micro()}, found))
        except SupplyChainError as exc:
            _LOG.warning("the Lease could not be released, others wait until it expires: %s", exc)

    def _try(self) -> bool:
        found = self._read()
        if found is None:
            self._cluster.create(self._manifest(self._record(transitions=0)))
            return True
        spec = _spec(found)
        if spec.get("holderIdentity") == self._settings.pod_name:
            record = {**spec, "renewTime": self._micro(), "leaseDurationSeconds": self._duration}
        elif self._expired(found):
            past = spec.get("leaseTransitions")
            record = self._record(transitions=(past if type(past) is int else 0) + 1)
        else:
            return False
        self._cluster.replace(self._manifest(record, found))
        return True

    def _expired(self, found: Resource) -> bool:
        spec = _spec(found)
        seen = (spec.get("holderIdentity") or "", spec.get("renewTime"), found.uid)
        if seen != self._seen:
            self._seen, self._seen_at = seen, self._clock()
        if not seen[0] or not seen[1]:
            return True
        promised = spec.get("leaseDurationSeconds")
        wait = max(self._duration, promised) if type(promised) is int else self._duration
        return self._clock() - self._seen_at >= min(wait, _LONGEST_DURATION)

    def _read(self) -> Resource | None:
        return self._cluster.get(LEASE, self._settings.lease_name, namespace=self._settings.lease_namespace)

    @property
    def _duration(self) -> int:
        return max(1, round(self._settings.lease_duration))

    def _record(self, *, transitions: int) -> dict[str, Any]:
        at = self._micro()
        return {
            "holderIdentity": self._settings.pod_name,
            "leaseDurationSeconds": self._duration,
            "acquireTime": at,
            "renewTime": at,
            "leaseTransitions": transitions,
        }

    def _manifest(self, spec: Mapping[str, Any], found: Resource | None = None) -> dict[str, Any]:
        metadata = {"name": self._settings.lease_name, "namespace": self._settings.lease_namespace}
        kept = dict(found.metadata) if found else {}
        return {"apiVersion": LEASE.api_version, "kind": LEASE.name, "metadata": {**kept, **metadata}, "spec": dict(spec)}

    def _micro(self) -> str:
        """Write exactly six fractional digits: the API server refuses any other number of them."""
        return self._now().astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _spec(found: Resource) -> Mapping[str, Any]:
    return found.spec if isinstance(found.spec, dict) else {}
