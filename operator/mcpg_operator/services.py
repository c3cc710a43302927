"""What every controller is given, and what a controller is."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

from mcpg_operator.renderings import Renderings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime

    from mcpg_operator.cluster import Cluster
    from mcpg_operator.events import Recorder
    from mcpg_operator.ledger import Ledger
    from mcpg_operator.resources import Key, Kind, Resource
    from mcpg_operator.runtime.store import Store
    from mcpg_operator.settings import Settings
    from mcpg_operator.telemetry import Metrics

__all__ = ["Outcome", "Reconciler", "Result", "Services", "Watch"]


class Outcome(StrEnum):
    """How one pass ended; the values of the metric label `outcome`."""

    SUCCESS = "success"
    TRANSIENT_ERROR = "transient_error"
    PERMANENT_ERROR = "permanent_error"
    DEPENDENCY_PENDING = "dependency_pending"


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What one pass came to."""

    outcome: Outcome = Outcome.SUCCESS
    after: float | None = None
    """Seconds until the next pass; None: only when something changes. Jitter is added by the runtime."""
    backoff: bool = False
    """Wait as after an error, longer each time; `after` is then the least."""
    changed: bool = False
    """Whether the pass wrote anything; such a pass is logged at level info."""


class Watch(Protocol):
    """Says which of a controller's keys a changed object concerns.

    Both sides are given: an object that names another mirror than before concerns the old one and the new one. A watch whose
    attribute `urgent` is true has its keys taken before all that is not urgent.
    """

    @property
    def kind(self) -> Kind:
        """The kind that is watched."""
        ...

    def keys(self, old: Resource | None, new: Resource | None) -> Iterable[Key]:
        """Map one change; `None` stands for an object that was not there, or is no more."""
        ...


class Reconciler(Protocol):
    """One controller: brings one object after the other to the state that was decided."""

    @property
    def name(self) -> str:
        """Value of the metric label `controller`, and part of the field manager."""
        ...

    @property
    def watches(self) -> tuple[Watch, ...]:
        """What wakes it, its own kind included."""
        ...

    def reconcile(self, key: Key) -> Result:
        """Make one pass over one object, level-triggered: what is there now counts, not what happened.

        Raises:
            SupplyChainError: something failed that the object's status cannot tell; the runtime logs it and backs off.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """The outside world, as controllers see it."""

    cluster: Cluster
    store: Store
    ledger: Ledger
    recorder: Recorder
    settings: Settings
    metrics: Metrics
    now: Callable[[], datetime]
    wake: Callable[[Key], None]
    """Puts a key on the queue of the controller that owns its kind."""
    hurry: Callable[[Key], None] | None = None
    """The same, before all that is not urgent; None: there is no such order."""
    renderings: Renderings = field(default_factory=Renderings)
    """Which routes the gateways carry."""

    def urge(self, key: Key) -> None:
        """Put a key on that queue before all that is not urgent: something must not be used any longer."""
        (self.wake if self.hurry is None else self.hurry)(key)
