"""The operator's right on the Secrets of a namespace: given before the first Secret, taken back after the last.

The right to bind the role does not restrict subjects, so a binding of this name that says anything else is never used and never
changed: somebody made it, or added to it, and must be told.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcpg_operator.controllers.plugin_set.decide import APPLY_FAILED, NAME_CONFLICT, Failure
from mcpg_operator.render.plugin_set import BINDING, BINDING_LABELS, binding_manifest, binding_problem
from mcpg_operator.resources import ROLE_BINDING
from supplychain.errors import ApplyForbiddenError, ApplyRejectedError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mcpg_operator.resources import Resource
    from mcpg_operator.services import Services

__all__ = ["bind", "bound_namespaces", "found_binding", "unbind"]


def bind(services: Services, namespace: str) -> Failure | bool:
    """See to it that the operator has its right; say whether it was given just now, or why it cannot be used.

    In the operator's own namespace the right comes with the installation.

    Raises:
        ClusterUnavailableError, ConflictError: try again.
    """
    if namespace == services.settings.namespace:
        return False
    place = f"RoleBinding `{namespace}/{BINDING}`"
    try:
        found = services.cluster.get(ROLE_BINDING, BINDING, namespace=namespace)
        if found is None:
            services.cluster.create(_wanted(services, namespace))
            return True
    except (ApplyForbiddenError, ApplyRejectedError) as exc:
        return Failure(reason=APPLY_FAILED, message=f"{place}: {exc}")
    problem = binding_problem(found, _wanted(services, namespace))
    return False if problem is None else Failure(reason=NAME_CONFLICT, message=f"{place} is not used: {problem}")


def found_binding(services: Services, namespace: str) -> Resource | None:
    """Read the binding of a namespace, if it is ours to the letter."""
    if namespace == services.settings.namespace:
        return None
    found = services.cluster.get(ROLE_BINDING, BINDING, namespace=namespace)
    if found is None or not BINDING_LABELS.items() <= found.labels.items():
        return None
    return found if binding_problem(found, _wanted(services, namespace)) is None else None


def unbind(services: Services, binding: Resource) -> None:
    """Give the right back."""
    services.cluster.delete(
        ROLE_BINDING, binding.name, namespace=binding.namespace, uid=binding.uid, version=binding.resource_version
    )


def bound_namespaces(services: Services) -> Iterable[str]:
    """Name every namespace in which a binding bears our labels."""
    bindings = services.cluster.list(ROLE_BINDING, namespace=services.settings.watch_namespace, labels=BINDING_LABELS)
    return {str(one.namespace) for one in bindings}


def _wanted(services: Services, namespace: str) -> dict[str, object]:
    settings = services.settings
    return binding_manifest(namespace=namespace, service_account=settings.service_account, operator_namespace=settings.namespace)
