"""What the gateway's container asks for and may use; never a pair that the API server refuses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from supplychain.api.values import amount

if TYPE_CHECKING:
    from collections.abc import Mapping

    from supplychain.api.gateway_pod import GatewayResources

__all__ = ["render_resources"]

_REQUESTS: Final = {"cpu": "200m", "memory": "256Mi"}
_LIMITS: Final = {"cpu": "1", "memory": "1Gi"}


def render_resources(given: GatewayResources | None) -> dict[str, dict[str, str]]:
    """Fill in what the author left out: usual requests where there are none, usual limits where there are none.

    A usual value that contradicts the author's gives way to it, and what cannot be overcommitted gets a limit like its request.
    """
    requests = _texts(given.requests) if given is not None else {}
    limits = _texts(given.limits) if given is not None else {}
    if not requests:
        requests = {key: _smaller(value, limits.get(key, value)) for key, value in _REQUESTS.items()}
    if not limits:
        limits = {key: _larger(value, requests.get(key, value)) for key, value in _LIMITS.items()}
    for key, value in requests.items():
        if "/" in key or key.startswith("hugepages-"):
            limits.setdefault(key, value)
    return {"limits": dict(sorted(limits.items())), "requests": dict(sorted(requests.items()))}


def _texts(quantities: Mapping[str, int | str]) -> dict[str, str]:
    return {key: str(value) for key, value in quantities.items()}


def _smaller(one: str, other: str) -> str:
    return other if amount(other) < amount(one) else one


def _larger(one: str, other: str) -> str:
    return other if amount(other) > amount(one) else one
