"""Brings a namespace to what its owner wants, or to nobody's; the only place that writes into namespaces for tenants.

One namespace is brought about by one thread at a time, whatever woke it, so that a namespace that changes hands never bears parts
of two tenants. What the store shows amiss is looked at once more before it is written, and what is there already is not written.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, Final

from mcpg_operator.controllers.plugin_set.binding import bind
from mcpg_operator.controllers.plugin_set.cleanup import cleanup_key
from mcpg_operator.controllers.plugin_set.decide import Failure
from mcpg_operator.controllers.tenant.decide import Standing, State, plan
from mcpg_operator.controllers.tenant.observe import counts, look
from mcpg_operator.names import manager
from mcpg_operator.render.plugin_set import BINDING, binding_manifest, binding_problem
from mcpg_operator.render.tenant import LABEL, label_manifest, quota_fits, quota_manifest, quota_name
from mcpg_operator.resources import NAMESPACE, RESOURCE_QUOTA, ROLE_BINDING
from supplychain.errors import ApplyForbiddenError, ApplyRejectedError, ConflictError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mcpg_operator.controllers.tenant.decide import Plan
    from mcpg_operator.controllers.tenant.observe import Place
    from mcpg_operator.resources import Resource
    from mcpg_operator.services import Services

__all__ = ["Namespaces"]

_MANAGER: Final = manager("tenant")
_STRIPES: Final = 64
_ATTEMPTS: Final = 3
"""Looks at a namespace in a row that others change at the same time."""


class Namespaces:
    """Threads may share it."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._locks = tuple(threading.Lock() for _ in range(_STRIPES))
        self._left_alone: dict[str, tuple[str, str]] = {}
        """Labels that somebody else wrote, by namespace: its uid, and the value."""

    def bring(self, name: str) -> tuple[Standing, bool]:
        """Bring one namespace about; say how it stands, and whether anything was written.

        Raises:
            ClusterUnavailableError, ConflictError: try again.
        """
        with self._locks[hash(name) % _STRIPES]:
            for _ in range(_ATTEMPTS - 1):
                try:
                    return self._bring(name)
                except ConflictError:
                    continue
            return self._bring(name)

    def _bring(self, name: str) -> tuple[Standing, bool]:
        place = look(self._services, name)
        wanted = plan(place)
        if not wanted.touch:
            return Standing(state=wanted.state, message=wanted.message), False
        work = _Work(self._services, place, wanted, self._left_alone)
        work.run()
        if work.gone is not None:
            return Standing(state=work.gone), work.changed
        if work.failures:
            return Standing(state=State.FAILED, message="; ".join(work.failures)), work.changed
        return Standing(state=wanted.state, message=wanted.message, counts=counts(self._services, name)), work.changed


class _Work:
    """The writes that one look leads to; a refusal of one keeps none of the others from being tried."""

    def __init__(self, services: Services, place: Place, wanted: Plan, left_alone: dict[str, tuple[str, str]]) -> None:
        self._services = services
        self._cluster = services.cluster
        self._place = place
        self._wanted = wanted
        self._left_alone = left_alone
        self.failures: list[str] = []
        self.changed = False
        self.gone: State | None = None

    def run(self) -> None:
        for step in (self._label, self._binding, self._quota, self._strangers):
            try:
                step()
            except (ApplyForbiddenError, ApplyRejectedError) as exc:
                self.failures.append(str(exc))
            if self.gone is not None:
                return

    def _label(self) -> None:
        label, owner = self._place.label, self._wanted.owner
        if label == owner:
            self._left_alone.pop(self._place.name, None)
            return
        found = self._cluster.get(NAMESPACE, self._place.name)
        if found is None or found.deleting:
            self.gone = State.MISSING if found is None else State.TERMINATING
            return
        label = found.labels.get(LABEL)
        alone = owner is None and label is not None and self._left_alone.get(found.name) == (found.uid, label)
        if label == owner or alone:
            return
        after = self._cluster.apply(label_manifest(found, owner), manager=_MANAGER)
        if after.labels.get(LABEL) == owner:
            self.changed = True
        elif label is not None:
            # Somebody else wrote this value, and nobody's it is not to us.
            self._left_alone[found.name] = (found.uid, label)

    def _binding(self) -> None:
        namespace, owner = self._place.name, self._wanted.owner
        if owner is None:
            # The controller of sets takes the right back, once nobody needs it and nothing is left.
            if self._place.label is not None or self._place.quotas:
                self._services.wake(cleanup_key(namespace))
            return
        settings = self._services.settings
        wanted = binding_manifest(
            namespace=namespace, service_account=settings.service_account, operator_namespace=settings.namespace
        )
        seen = self._services.store.get(ROLE_BINDING, BINDING, namespace)
        if seen is not None and binding_problem(seen, wanted) is None:
            return
        result = bind(self._services, namespace)
        if isinstance(result, Failure):
            self.failures.append(result.message)
        else:
            self.changed = self.changed or result

    def _quota(self) -> None:
        owner = self._wanted.owner
        if owner is None or not self._wanted.hard:
            return
        wanted = quota_manifest(tenant=owner, namespace=self._place.name, hard=self._wanted.hard)
        seen = next((one for one in self._place.quotas if one.name == quota_name(owner)), None)
        if seen is not None and quota_fits(seen, wanted):
            return
        found = self._cluster.get(RESOURCE_QUOTA, quota_name(owner), namespace=self._place.name)
        if found is None:
            self._cluster.create(wanted)
            self.changed = True
        elif not quota_fits(found, wanted):
            self._correct(found, wanted)
            self.changed = True

    def _correct(self, found: Resource, wanted: Mapping[str, Any]) -> None:
        """Repair a quota; one that cannot become what is wanted makes way, for its name belongs to the operator here."""
        metadata = {**wanted["metadata"], "resourceVersion": found.resource_version}
        try:
            found = self._cluster.apply({**wanted, "metadata": metadata}, manager=_MANAGER)
        except ApplyRejectedError:
            pass  # its scopes never change
        else:
            if quota_fits(found, wanted):
                return
        self._delete(found)
        self._cluster.create(wanted)

    def _strangers(self) -> None:
        """Delete every quota of ours that nobody wants here: of another tenant, or of limits that are no more."""
        kept = quota_name(self._wanted.owner) if self._wanted.owner is not None and self._wanted.hard else None
        for one in self._place.quotas:
            if one.name != kept:
                found = self._cluster.get(RESOURCE_QUOTA, one.name, namespace=one.namespace)
                if found is not None and found.uid == one.uid:
                    self._delete(found)
                    self.changed = True

    def _delete(self, quota: Resource) -> None:
        self._cluster.delete(RESOURCE_QUOTA, quota.name, namespace=quota.namespace, uid=quota.uid, version=quota.resource_version)
