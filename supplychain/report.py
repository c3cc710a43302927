"""The verdict on one plugin: what each layer found, and why.

`Outcome` has five words and no bool. A report is trusted only when every mandatory layer passed and every other layer passed or
was not configured; an empty report is not trusted, and a report refuses to be used as a truth value.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Final, NoReturn, TypeAlias

if TYPE_CHECKING:
    from datetime import datetime

    from supplychain.errors import Remedy

__all__ = ["MANDATORY", "Candidate", "Fact", "Layer", "LayerResult", "Outcome", "Problem", "Verdict", "VerificationReport"]

Fact: TypeAlias = str | int | bool | tuple["Fact", ...] | Mapping[str, "Fact"] | None
"""A value a report can carry: what JSON can say, immutable."""


class Layer(StrEnum):
    """The steps of a verification, in their order."""

    PULL = "pull"
    DESCRIPTOR = "descriptor"
    ED25519 = "ed25519"
    REVOCATION = "revocation"
    COSIGN = "cosign"
    SLSA = "slsa"


MANDATORY: Final = frozenset({Layer.PULL, Layer.DESCRIPTOR, Layer.ED25519})
"""Layers without which nothing is ever trusted."""


class Outcome(StrEnum):
    """What one layer, or one candidate within it, came to."""

    PASSED = "Passed"
    REFUSED = "Refused"
    """Looked, and it is bad."""
    UNAVAILABLE = "Unavailable"
    """Could not look."""
    NOT_CONFIGURED = "NotConfigured"
    NOT_REACHED = "NotReached"
    """An earlier layer did not pass."""


class Verdict(StrEnum):
    """The report in one word; exit codes follow it."""

    TRUSTED = "Trusted"
    REFUSED = "Refused"
    INVALID = "Invalid"
    """The request was wrong."""
    UNAVAILABLE = "Unavailable"


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """Why something did not pass, in the same words everywhere: CLI, JSON, status, event, log."""

    reason: str
    message: str
    expected: str | None = None
    got: str | None = None
    where: str | None = None
    hint: str | None = None
    remedies: tuple[Remedy, ...] = ()
    """The changes that would make this check pass, those that weaken nothing first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """One signature or provenance object that was looked at."""

    where: str
    outcome: Outcome
    problem: Problem | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerResult:
    """What one layer found; `facts` holds only what was proven or read by that layer."""

    layer: Layer
    outcome: Outcome
    problem: Problem | None = None
    facts: Mapping[str, Fact] = field(default_factory=dict)
    candidates: tuple[Candidate, ...] = ()
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class VerificationReport:
    """Everything that is known about one target at one time."""

    target: str
    at: datetime
    layers: tuple[LayerResult, ...]
    inputs: Mapping[str, Fact] = field(default_factory=dict)
    """Digests and names of what the verdict rests on: trust root, keys, lists, policy."""
    error: Problem | None = None
    """Set when the request itself was wrong; no layer was judged to its end then."""

    @property
    def trusted(self) -> bool:
        """Whether a `VerifiedPlugin` may be made from this."""
        passed = {result.layer for result in self.layers if result.outcome is Outcome.PASSED}
        acceptable = {Outcome.PASSED, Outcome.NOT_CONFIGURED}
        return (
            self.error is None
            and passed >= MANDATORY
            and {result.layer for result in self.layers} == set(Layer)
            and all(result.outcome in acceptable for result in self.layers)
        )

    @property
    def verdict(self) -> Verdict:
        """The one word for the whole report."""
        if self.error is not None:
            return Verdict.INVALID
        if self.trusted:
            return Verdict.TRUSTED
        refused = any(result.outcome is Outcome.REFUSED for result in self.layers)
        return Verdict.REFUSED if refused else Verdict.UNAVAILABLE

    def __bool__(self) -> NoReturn:
        raise TypeError("a report is no truth value; ask for `.trusted` or `.verdict`")
