"""Capabilities as a gateway reads them, and the rights that a set grants.

A set grants kinds by name. A kind that takes arguments stands for exactly those that the verified descriptor asks for, so a set
can never grant more than the publisher wanted, nor a part of it. What is required and not granted stops a gateway from starting.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

    from supplychain.descriptor import Capability

__all__ = ["Grants", "expand", "render_capability"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Grants:
    """What a list of kinds comes to for one plugin."""

    granted: tuple[Capability, ...]
    """In the descriptor's order, each once: the order in which a person grants things means nothing."""
    excess: tuple[str, ...]
    """Granted kinds that the descriptor does not require."""
    missing: tuple[str, ...]
    """Required kinds that are not granted."""


def expand(kinds: Iterable[str], required: Iterable[Capability]) -> Grants:
    """Compare granted kinds with what a descriptor requires, and fill in the arguments."""
    wanted = dict.fromkeys(kinds)
    known = tuple(dict.fromkeys(required))
    names = dict.fromkeys(one.kind for one in known)
    return Grants(
        granted=tuple(one for one in known if one.kind in wanted),
        excess=tuple(kind for kind in wanted if kind not in names),
        missing=tuple(name for name in names if name not in wanted),
    )


def render_capability(capability: Capability) -> str | dict[str, Any]:
    """Write a capability as descriptors do: the bare kind, or an object with `type` and the argument list."""
    if capability.argument is None:
        return capability.kind
    return {"type": capability.kind, capability.argument: list(capability.arguments)}
