"""How a route binds to a gateway: whom it names, whether it is accepted, which tools it claims and for whom.

One place for admission, controllers and renderers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from supplychain.rules.reading import at, items, mapping, namespace_of, spec_of, texts
from supplychain.rules.tenancy import TENANT_ATTRIBUTE

if TYPE_CHECKING:
    from supplychain.rules.reading import Document

__all__ = ["CHAINS", "accepts", "target_of", "tenant_of", "tool_ids"]

CHAINS: Final = ("identityChain", "policyChain", "auditChain")
"""The fields of a route that name plugins."""


def target_of(route: Document) -> tuple[str, str] | None:
    """Namespace and name of the gateway that a route names; None where it names none."""
    name, namespace = at(route, "spec.gatewayRef.name"), at(route, "spec.gatewayRef.namespace")
    if not isinstance(name, str):
        return None
    return (namespace if isinstance(namespace, str) and namespace else namespace_of(route), name)


def accepts(gateway: Document, namespace: str) -> bool:
    """Whether a gateway takes routes from a namespace: its own, and those that it lists by their exact names."""
    return namespace == namespace_of(gateway) or namespace in texts(spec_of(gateway).get("acceptedRouteNamespaces"))


def tenant_of(route: Document) -> str | None:
    """The tenant whose callers a route is for; None where it names none."""
    value = mapping(spec_of(route).get("attributes")).get(TENANT_ATTRIBUTE)
    return value if isinstance(value, str) else None


def tool_ids(route: Document) -> tuple[str, ...]:
    """The ids of the tools that a route names, in order."""
    found = (mapping(one).get("id") for one in items(at(route, "spec.match.tools")))
    return tuple(one if isinstance(one, str) else "" for one in found)
