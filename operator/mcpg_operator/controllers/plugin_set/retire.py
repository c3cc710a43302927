"""Takes away copies that nobody needs any more, late and carefully.

A pod of an older revision may be started again at any time and must find its volumes. A copy therefore goes only when no set
needs it, that has been so for a while, and no workload of the namespace mentions it. Until then its last set owns it.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from mcpg_operator.conditions import timestamp
from mcpg_operator.controllers.plugin_set.deliver import other_owners, set_owners
from mcpg_operator.controllers.plugin_set.references import used_secrets
from mcpg_operator.render.plugin_set import UNUSED_SINCE, owner
from mcpg_operator.resources import DEPLOYMENT, PLUGIN_SET, POD, REPLICA_SET, SECRET
from supplychain.errors import ApplyForbiddenError, ApplyRejectedError

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet

    from mcpg_operator.controllers.plugin_set.deliver import Delivery
    from mcpg_operator.resources import Resource
    from mcpg_operator.services import Services

__all__ = ["expired", "retire", "unused_since", "workload_secrets"]

_LOG = logging.getLogger(__name__)


def retire(delivery: Delivery, needed: AbstractSet[str]) -> None:
    """Step back from the copies that the set does not need; delete what is due.

    A failure here is logged and changes nothing for the set: it has all that it needs.

    Raises:
        ClusterUnavailableError, ConflictError: try again.
    """
    unneeded = [one for name, one in delivery.children.items() if name not in needed]
    if not unneeded:
        return
    try:
        sets = _sets(delivery)
        due = [one for one in unneeded if _step_back(delivery, one, sets=sets)]
        if due:
            _delete(delivery, due)
    except (ApplyForbiddenError, ApplyRejectedError) as exc:
        _LOG.warning("copies that set %s needs no more stay: %s", delivery.plugin_set.key, exc)


def expired(copy: Resource, services: Services) -> bool:
    """Whether nobody has needed a copy for as long as the settings say; a mark that cannot be read is none."""
    since = unused_since(copy)
    return since is not None and services.now() - since >= timedelta(seconds=services.settings.unused_copy_grace)


def workload_secrets(services: Services, namespace: str) -> frozenset[str]:
    """Name the Secrets that the workloads of a namespace mention; raises as `Cluster.list`."""
    kinds = (POD, REPLICA_SET, DEPLOYMENT)
    return used_secrets(one for kind in kinds for one in services.cluster.list(kind, namespace=namespace))


def unused_since(copy: Resource) -> datetime | None:
    """Since when nobody needs a copy; None where it is not marked."""
    try:
        since = datetime.fromisoformat(copy.annotations.get(UNUSED_SINCE) or "")
    except (ValueError, TypeError):
        return None
    return since if since.tzinfo is not None else None


def _step_back(delivery: Delivery, copy: Resource, *, sets: AbstractSet[str]) -> bool:
    """Leave a copy to those who still need it, or mark it as unneeded; say whether it is due."""
    others = other_owners(copy, delivery.plugin_set)
    if any(one.get("uid") in sets for one in others):
        if len(others) != len(set_owners(copy)):
            delivery.own(copy, others)
        return False
    if unused_since(copy) is None:
        delivery.own(copy, [*others, owner(delivery.plugin_set)], unused_since=timestamp(delivery.services.now()))
        return False
    return expired(copy, delivery.services)


def _sets(delivery: Delivery) -> frozenset[str]:
    """The uids of the sets of the namespace."""
    sets = delivery.services.store.list(PLUGIN_SET)
    return frozenset(one.uid for one in sets if one.namespace == delivery.namespace and not one.deleting)


def _delete(delivery: Delivery, due: list[Resource]) -> None:
    used = workload_secrets(delivery.services, delivery.namespace)
    for copy in due:
        if copy.name in used:
            continue
        delivery.services.cluster.delete(
            SECRET, copy.name, namespace=delivery.namespace, uid=copy.uid, version=copy.resource_version
        )
        delivery.children.pop(copy.name, None)
        delivery.changed = True
