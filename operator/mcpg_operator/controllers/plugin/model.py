"""The values that a pass over one plugin works with: what is seen, what was concluded, what is decided."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum, auto
from typing import TYPE_CHECKING, TypeVar

from mcpg_operator.ledger import Standing

if TYPE_CHECKING:
    from datetime import datetime

    from mcpg_operator.controllers.plugin.fetch import Arrival
    from mcpg_operator.keeping import Asked, KeptPlugin
    from mcpg_operator.ledger import Stored
    from mcpg_operator.resources import Resource
    from supplychain.artifact import PluginPackage
    from supplychain.digest import ArtifactHash, ManifestDigest
    from supplychain.errors import SupplyChainError
    from supplychain.manifests import ManifestRequest
    from supplychain.report import Layer, Problem
    from supplychain.revocation import RevocationSet

__all__ = ["Conclusion", "Decision", "Facts", "Failure", "Memory", "Observation", "Running", "Step", "sure"]


T = TypeVar("T")


def sure(value: T | None) -> T:
    """Give a value that the rules have looked for; that it is missing is a defect."""
    if value is None:
        raise AssertionError("a step was taken without what it needs")
    return value


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What the status says about layers and digests; None: not evaluated, or not configured."""

    artifact_hash: ArtifactHash | None = None
    manifest_digest: ManifestDigest | None = None
    signature_valid: bool | None = None
    cosign_verified: bool | None = None
    slsa_verified: bool | None = None
    revoked: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Conclusion:
    """How a plugin was judged last, and on what grounds."""

    uid: str
    terms: str
    """Fingerprint of everything but the artifact that the verdict rests on."""
    asked: Asked
    standing: Standing
    facts: Facts
    layer: Layer | None = None
    """The one that did not pass; None where all did, or where it did not come to layers."""
    problem: Problem | None = None
    top: ManifestDigest | None = None
    """What the reference named: the index where there is one."""
    from_kept: bool = False
    """Judged from kept evidence, not from what a registry just served."""
    proof: str = ""
    """In words, what was proven."""
    origin: str = ""
    """In words, where the bytes came from."""
    examined: ArtifactHash | None = None
    """The artifact that the publisher's key signed, good or bad otherwise."""
    package: PluginPackage | None = field(default=None, repr=False)
    """Of a verified plugin; its artifact is closed."""
    stored: Stored | None = None
    pulled_at: datetime | None = None
    judged_at: datetime | None = None

    @property
    def verified(self) -> bool:
        """Whether everything that is asked for is proven, and the bytes are stored."""
        return self.standing is Standing.VERIFIED


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """A look at the registry that came to nothing."""

    problem: Problem
    at: datetime
    count: int
    """How many in a row."""
    attempt: str
    """What was tried, so that something else is tried at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """What this process knows about one plugin from its earlier passes; nothing of it outlives the process."""

    past: Conclusion | None = None
    looked_at: datetime | None = None
    """When a registry last said what the reference names."""
    checked_at: datetime | None = None
    """When the stored Secrets were last found to be sound."""
    failure: Failure | None = None
    kept_broken: Problem | None = None
    """Why what is kept cannot be opened."""
    lost: tuple[str, ...] = ()
    """Secrets that have to be written again."""
    stale_since: datetime | None = None
    """Since when nobody can look."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """A look or pull that is under way."""

    attempt: str
    seconds: float
    waiting: bool = False
    """It has not begun; when it does, the plugin is woken."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """One plugin and everything that its verdict depends on."""

    plugin: Resource
    now: datetime
    asked: Asked | None
    """None where the spec is unusable."""
    request: ManifestRequest | None
    error: SupplyChainError | None = None
    """Why nothing can be judged."""
    place_error: SupplyChainError | None = None
    """Why nothing can be pulled, although the policy is known."""
    terms: str = ""
    attempt: str = ""
    """Fingerprint of what a pull would try: place, credentials, and what is asked."""
    version: str = ""
    allowed_rollback: str | None = None
    revocations: RevocationSet | None = None
    root_error: SupplyChainError | None = None
    """Why the trust root that the policy needs lets nothing new in, although there is one: it is too old."""
    kept: KeptPlugin | None = None
    memory: Memory = field(default_factory=Memory)
    arrival: Arrival | None = None
    running: Running | None = None


class Step(Enum):
    """What a pass does next; the loop goes on after those that `more` says."""

    WAIT = auto()
    """Write nothing; what is needed for a verdict is not known yet."""
    REFUSE = auto()
    """Conclude without judging: the request is wrong, or not allowed."""
    DISCARD = auto()
    """Throw away what arrived: it answers another question than is asked now."""
    TAKE = auto()
    """Conclude from what arrived."""
    REVOKE = auto()
    """Conclude from the revocation list alone."""
    JUDGE = auto()
    """Judge what is kept, and write it again where it is broken."""
    CHECK = auto()
    """Look whether the stored Secrets are sound."""
    EXPIRE = auto()
    """Conclude that the last good look is too long ago."""
    HOLD = auto()
    """Conclude that nothing can be looked at, with the reason."""
    LOOK = auto()
    """Ask the registry what the reference names, and pull if that is news."""
    PULL = auto()
    """Pull, whatever is known."""
    REST = auto()
    """Nothing to do until something changes or time has passed."""

    @property
    def final(self) -> bool:
        """Whether the pass ends with it."""
        return self in {Step.WAIT, Step.REFUSE, Step.HOLD, Step.REST}


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """The next step, its reason where it has one, and when the next pass is due."""

    step: Step
    error: SupplyChainError | None = None
    after: float | None = None
    """Seconds; for final steps only."""
