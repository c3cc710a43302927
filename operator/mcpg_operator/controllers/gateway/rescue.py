"""Ends pods that load what is revoked when a pass cannot do anything better, because something else is wrong.

A spec that cannot be read, a child that is refused, a Secret that cannot be looked at: none of them may keep a revoked plugin
running. Only the Deployment and what is known of the lists without asking are needed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcpg_operator.controllers.gateway.children import owned_by
from mcpg_operator.controllers.gateway.dependencies import Fault
from mcpg_operator.controllers.gateway.running import unserviceable, without_pods
from mcpg_operator.controllers.gateway.sets import REVOKED
from mcpg_operator.render.gateway.names import names_of
from mcpg_operator.resources import DEPLOYMENT
from supplychain.errors import ApplyForbiddenError, ApplyRejectedError

if TYPE_CHECKING:
    from collections.abc import Collection

    from mcpg_operator.controllers.gateway.children import Children
    from mcpg_operator.controllers.gateway.observe import Tools
    from mcpg_operator.resources import Resource

__all__ = ["end_revoked"]


def end_revoked(tools: Tools, children: Children, gateway: Resource, *, withdrawn: Collection[str] = ()) -> Fault | None:
    """Take the pods away if they load what is revoked or withdrawn, and say so; None where there is nothing to say.

    Raises:
        ClusterUnavailableError, ConflictError: try again.
    """
    lists = tools.lists.counted(gateway)
    name, services = names_of(gateway.name).workload, tools.services
    known = services.store.get(DEPLOYMENT, name, gateway.namespace)
    if known is not None and not unserviceable(known, lists, withdrawn=withdrawn):
        return None
    try:
        live = services.cluster.get(DEPLOYMENT, name, namespace=gateway.namespace)
        found = [] if live is None or not owned_by(live, gateway) else unserviceable(live, lists, withdrawn=withdrawn)
        if live is None or not found:
            return None
        said = ", ".join(f"`{one or '?'}`" for one in found)
        text = f"no pod runs with {said}, which must not be served"
        children.change(live, without_pods)
    except (ApplyForbiddenError, ApplyRejectedError) as exc:
        text = f"pods run with what must not be served, and cannot be ended: {exc}"
    return Fault(reason=REVOKED, message=text)
