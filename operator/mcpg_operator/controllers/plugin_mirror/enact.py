"""Writes what was decided about a mirror, and says when to look again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcpg_operator.controllers.plugin_mirror.observe import least_pause
from mcpg_operator.services import Outcome, Result
from mcpg_operator.status import Announcement, StatusWriter

if TYPE_CHECKING:
    from mcpg_operator.controllers.plugin_mirror.decide import Decision
    from mcpg_operator.resources import Resource
    from mcpg_operator.services import Services

__all__ = ["enact"]

_READY = {"Ready": Announcement(action="Resolve")}


def enact(resource: Resource, decision: Decision, *, writer: StatusWriter, services: Services, controller: str) -> Result:
    """Write the status.

    Raises:
        ClusterUnavailableError, ConflictError, ApplyForbiddenError, ApplyRejectedError: the status could not be written.
    """
    changed = writer.write(resource, decision.fields, [decision.ready], announce=_READY)
    if decision.outcome is Outcome.SUCCESS or decision.outcome is Outcome.PERMANENT_ERROR:
        return Result(outcome=decision.outcome, after=services.settings.resync_interval, changed=changed)
    services.metrics.dependency_unresolved(controller, "Service", decision.ready.reason)
    return Result(outcome=decision.outcome, after=least_pause(services.settings), backoff=True, changed=changed)
