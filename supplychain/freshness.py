"""How old what a verdict rests on may be: trust roots, revocation lists, and verdicts themselves (pure).

Nothing becomes wrong by its age. But an old trust root knows of no key that was taken back since, and an old list of nothing
that was revoked since, so that silence of theirs proves less every day. A budget says for how long it counts. What is past it
could not be looked at: nothing new is let in by it, and nothing is called bad by it either. A root or a list that does not say
how old it is is past every budget.

A day stands for its last moment, because nobody knows at which time of it a thing was confirmed; a time counts as it is.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Final, TypeAlias

from supplychain.errors import InvalidPolicyError, TrustRootUnavailableError, VerificationExpiredError
from supplychain.revocation import Outdated, RevocationSet
from supplychain.trust_root_age import STALE_AFTER_DAYS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from supplychain.report import Fact
    from supplychain.revocation import RevocationList
    from supplychain.trust_root import TrustRoot

__all__ = [
    "Budget",
    "Dated",
    "Freshness",
    "State",
    "Subject",
    "age_lists",
    "check_root",
    "check_verdict",
    "dated_list",
    "dated_root",
    "judge",
    "parse_duration",
    "say_duration",
]

Moment: TypeAlias = datetime | date

_DURATION = re.compile(r"([0-9]{1,6})([smhdw])", re.ASCII)
_UNITS: Final = {
    "s": timedelta(seconds=1),
    "m": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
    "w": timedelta(weeks=1),
}
_LONGEST: Final = timedelta(days=100_000)
_DAY: Final = _UNITS["d"]
_SKEW: Final = timedelta(minutes=5)
"""What the clocks of two machines may differ by."""
_STALE_FROM: Final = 0.75
"""Of the budget: from then on it is time to renew."""


class Subject(StrEnum):
    """What can be old."""

    TRUST_ROOT = "trust-root"
    REVOCATIONS = "revocations"
    VERIFICATION = "verification"


class State(StrEnum):
    """How old it is by its budget."""

    FRESH = "Fresh"
    STALE = "Stale"
    """It still counts, but the last quarter of its time has begun; without a budget: a trust root of more than 90 days."""
    EXPIRED = "Expired"
    """It counts no more."""
    UNKNOWN = "Unknown"
    """It does not say its age, or says a time that is still to come; by a budget it does not count."""


_UNLIMITED: Final = {Subject.TRUST_ROOT: timedelta(days=STALE_AFTER_DAYS)}
"""From which age on a thing is called stale where no budget says anything."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """The greatest ages; None: any."""

    trust_root: timedelta | None = None
    revocations: timedelta | None = None
    verification: timedelta | None = None

    def of(self, subject: Subject) -> timedelta | None:
        """The greatest age of one subject."""
        ages = {Subject.TRUST_ROOT: self.trust_root, Subject.REVOCATIONS: self.revocations}
        return ages.get(subject, self.verification)

    @property
    def limited(self) -> bool:
        """Whether anything has a greatest age."""
        return any(self.of(subject) is not None for subject in Subject)


@dataclass(frozen=True, slots=True, kw_only=True)
class Dated:
    """A thing with its own word on how old it is."""

    subject: Subject
    name: str
    as_of: Moment | None
    """When it was confirmed last; None where it does not say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Freshness:
    """How a thing stands to its budget at one time."""

    subject: Subject
    name: str
    as_of: Moment | None
    expires_at: datetime | None
    """The first moment at which it does not count; None where no budget says one, or its age is unknown."""
    state: State
    limit: timedelta | None = None

    @property
    def counts(self) -> bool:
        """Whether it may be judged by."""
        return self.limit is None or self.state in {State.FRESH, State.STALE}

    def as_facts(self) -> Mapping[str, Fact]:
        """Describe it for a report."""
        return {
            "kind": self.subject.value,
            "name": self.name,
            "state": self.state.value,
            "asOf": None if self.as_of is None else _said(self.as_of),
            "expires": None if self.expires_at is None else _said(self.expires_at),
            "maxAge": None if self.limit is None else say_duration(self.limit),
        }

    @property
    def expected(self) -> str:
        """What it would have to be, without an age that changes while nothing else does."""
        return "any age" if self.limit is None else f"at most {say_duration(self.limit)} old"

    @property
    def got(self) -> str:
        """What it is."""
        if self.as_of is None:
            return "an unknown age"
        if self.state is State.UNKNOWN:
            return f"as of {_said(self.as_of)}, which is still to come"
        return f"as of {_said(self.as_of)}" + (f", good until {_said(self.expires_at)}" if self.expires_at is not None else "")


def judge(things: Iterable[Dated], *, budget: Budget, at: datetime) -> tuple[Freshness, ...]:
    """Say of each thing whether it still counts at `at`, and until when."""
    return tuple(_judged(one, limit=budget.of(one.subject), at=at) for one in things)


def dated_root(root: TrustRoot) -> Dated:
    """Date a trust root: by the day on which it was confirmed last."""
    return Dated(subject=Subject.TRUST_ROOT, name=root.name, as_of=root.as_of)


def dated_list(revocations: RevocationList) -> Dated:
    """Date a revocation list: by its own `issuedAt`, which whoever keeps the list writes."""
    issued = revocations.issued_at
    return Dated(
        subject=Subject.REVOCATIONS, name=revocations.name, as_of=None if issued is None else datetime.fromisoformat(issued)
    )


def check_root(root: TrustRoot, *, budget: Budget, at: datetime) -> None:
    """Refuse to judge by a root that is past its budget.

    Raises:
        TrustRootUnavailableError: it is.
    """
    (found,) = judge([dated_root(root)], budget=budget, at=at)
    if not found.counts:
        raise TrustRootUnavailableError(
            "the trust root is too old",
            expected=found.expected,
            got=found.got,
            where=f"`{root.name}`",
            hint="write a fresh one with `supplychain trust-root update --out FILE`, or raise `--max-age`",
        )


def check_verdict(name: str, *, as_of: datetime, budget: Budget, at: datetime) -> None:
    """Refuse to rely on a verdict of somebody else that is past its budget.

    Raises:
        VerificationExpiredError: it is.
    """
    (found,) = judge([Dated(subject=Subject.VERIFICATION, name=name, as_of=as_of)], budget=budget, at=at)
    if not found.counts:
        raise VerificationExpiredError(
            "the verdict is too old",
            expected=found.expected,
            got=found.got,
            where=f"`{name}`",
            hint="have it verified anew, or raise `--max-age`",
        )


def age_lists(lists: RevocationSet | None, *, budget: Budget, at: datetime) -> RevocationSet | None:
    """Mark the lists that are past their budget: what they name stays revoked, what they do not name is not cleared any more."""
    if lists is None or budget.revocations is None:
        return lists
    return RevocationSet(tuple(_aged(one, budget=budget, at=at) for one in lists.lists))


def _aged(one: RevocationList, *, budget: Budget, at: datetime) -> RevocationList:
    (found,) = judge([dated_list(one)], budget=budget, at=at)
    return one if found.counts else replace(one, outdated=Outdated(expected=found.expected, got=found.got))


def parse_duration(text: str) -> timedelta:
    """Read a duration such as `90d`, `12h`, `30m`, `45s` or `2w`.

    Raises:
        InvalidPolicyError: it is none.
    """
    found = _DURATION.fullmatch(text)
    length = int(found[1]) * _UNITS[found[2]] if found is not None else None
    if length is None or length > _LONGEST:
        raise InvalidPolicyError("no duration", expected="such as `90d`, `12h`, `30m`, `45s` or `2w`", got=f"`{text[:80]}`")
    return length


def say_duration(length: timedelta) -> str:
    """Write a duration as it is read, in the largest unit that fits."""
    seconds = int(length.total_seconds())
    unit = next((unit for unit in "dhm" if seconds % (size := int(_UNITS[unit].total_seconds())) == 0 and seconds >= size), "s")
    return f"{seconds // int(_UNITS[unit].total_seconds())}{unit}"


def _judged(one: Dated, *, limit: timedelta | None, at: datetime) -> Freshness:
    since = _since(one.as_of, at=at)
    expires = None if since is None or limit is None else _later(since, limit)
    return Freshness(
        subject=one.subject,
        name=one.name,
        as_of=one.as_of,
        expires_at=expires,
        state=State.UNKNOWN if since is None else _state(one.subject, since, limit=limit, at=at),
        limit=limit,
    )


def _state(subject: Subject, since: datetime, *, limit: timedelta | None, at: datetime) -> State:
    if limit is not None and at >= _later(since, limit):
        return State.EXPIRED
    warned = _UNLIMITED.get(subject) if limit is None else limit * _STALE_FROM
    return State.STALE if warned is not None and at >= _later(since, warned) else State.FRESH


def _since(as_of: Moment | None, *, at: datetime) -> datetime | None:
    """The moment from which the age is counted, None where nobody can know it.

    Tomorrow counts as today, for the clocks that differ; what is later still would never grow old.
    """
    if as_of is None or isinstance(as_of, datetime):
        return as_of if as_of is not None and as_of <= _later(at, _SKEW) else None
    if as_of > _later(at, _DAY).date():
        return None
    return _later(datetime.combine(min(as_of, at.date()), time(), UTC), _DAY)


def _later(since: datetime, length: timedelta) -> datetime:
    try:
        return since + length
    except OverflowError:
        return datetime.max.replace(tzinfo=UTC)


def _said(moment: Moment) -> str:
    return moment.isoformat().replace("+00:00", "Z")
