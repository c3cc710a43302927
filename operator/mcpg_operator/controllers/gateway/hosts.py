"""Hosts that several gateways ask for: which of them an Ingress controller serves is up to it, so the younger ones say so."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mcpg_operator.indexes import gateways_of_host, hosts_asked
from supplychain.rules.reading import at, items

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mcpg_operator.resources import Resource
    from mcpg_operator.services import Services

__all__ = ["contested"]


def contested(services: Services, gateway: Resource) -> tuple[str, ...]:
    """Name the hosts and paths that an older gateway asks for as well; a gateway of another namespace is not named."""
    wanted, found = set(_asked(gateway.spec)), set()
    for other in (one for host in hosts_asked(gateway) for one in gateways_of_host(services.store, host)):
        if _age(other) < _age(gateway):
            whose = f"MCPGGateway `{other.name}`" if other.namespace == gateway.namespace else "a gateway of another namespace"
            found |= {
                f"`{host}{path}` is asked for by {whose}, which is older" for host, path in wanted & set(_asked(other.spec))
            }
    return tuple(sorted(found))


def _asked(spec: Any) -> Iterator[tuple[str, str]]:
    for host in items(at(spec, "ingress.hosts")):
        for path in items(at(host, "paths")):
            yield str(at(host, "host")).lower(), str(at(path, "path"))


def _age(gateway: Resource) -> tuple[str, str, str]:
    return str(gateway.metadata.get("creationTimestamp") or ""), gateway.namespace or "", gateway.name
