"""What a gateway depends on, as far as conditions tell of it."""

from __future__ import annotations

from dataclasses import dataclass

from mcpg_operator.conditions import Condition, Truth

__all__ = ["Dependency", "Fault", "Refused"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Dependency:
    """One object that the gateway names, and whether it can be used."""

    type: str
    """Of the condition that tells of it."""
    kind: str
    """Of the object; value of a metric label."""
    reason: str
    message: str
    ready: bool = True
    usable: bool = True
    """Whether a rendering can be made with it. What is not ready may be usable, with what was known of it before."""
    missing: bool = False
    """Whether there is no such object."""

    @property
    def condition(self) -> Condition:
        """Write it as a condition."""
        return Condition(type=self.type, status=Truth.of(self.ready), reason=self.reason, message=self.message)


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """A child that could not be brought about."""

    reason: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """Why a gateway is not Ready, or degraded."""

    reason: str
    message: str
