"""What to do about the webhook's certificate next. Pure: what is kept and published goes in, one step comes out.

A change reaches every API server before any replica makes use of it: the new authority is published beside the old one first, and
only after a grace time the replicas get what it signed. Steps are decided anew each time from what is there, so that a process
that ends in between is followed by one that goes on.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from mcpg_operator.serving import Kept
from mcpg_operator.serving.authority import issue, life_of, still_valid, trusts, united

if TYPE_CHECKING:
    from datetime import datetime

__all__ = ["Rest", "Seen", "Step", "Store", "decide"]

_LONGEST_GRACE: Final = timedelta(seconds=60)
"""API servers hear of a changed configuration within moments; of several that a load balancer hides one may be slow."""
_GRACE_PART: Final = 20
"""Certificates that live shorter than twenty minutes have a shorter grace time: this part of their life."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """How things stand."""

    kept: Kept | None
    """None: no Secret, or none of this form."""
    published: bytes | None
    """Whom the configuration makes every API server trust, in all of its webhooks; None: there is no configuration."""
    since: datetime | None
    """Since when at least the configuration has trusted all that is kept; None: it does not, or that is not known."""
    names: tuple[str, ...]
    lifetime: timedelta
    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Store:
    """Publish these authorities, then keep this."""

    kept: Kept
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Rest:
    """Only see to it that what is kept is published, and look again at this moment."""

    until: datetime


Step = Store | Rest


def decide(seen: Seen) -> Step:
    """Choose the next step."""
    kept = seen.kept
    life = None if kept is None else life_of(kept.pair)
    if kept is None or life is None or life.ends <= seen.now or not trusts(kept.authorities, kept.pair):
        return _new(seen)
    if kept.following is not None:
        return _follow(seen, kept)
    if life.due <= seen.now or life.names != seen.names:
        made = issue(seen.names, now=seen.now, lifetime=seen.lifetime)
        authorities = united(made.authority, still_valid(kept.authorities, seen.now))
        return Store(kept=replace(kept, authorities=authorities, following=made.pair), why="renewal is prepared")
    current = united(still_valid(kept.authorities, seen.now))
    if current != kept.authorities:
        return Store(kept=replace(kept, authorities=current), why="an authority has ended")
    return Rest(until=life.due)


def _new(seen: Seen) -> Store:
    """Start over; whatever is trusted already stays trusted, because replicas may still present what it signed."""
    made = issue(seen.names, now=seen.now, lifetime=seen.lifetime)
    trusted = still_valid(seen.published or b"", seen.now)
    return Store(kept=Kept(pair=made.pair, authorities=united(made.authority, trusted)), why="there was no usable certificate")


def _follow(seen: Seen, kept: Kept) -> Step:
    following = kept.following
    life = None if following is None else life_of(following)
    if following is None or life is None or life.ends <= seen.now or not trusts(kept.authorities, following):
        return Store(kept=replace(kept, following=None), why="what was prepared cannot be used")
    grace = min(_LONGEST_GRACE, (life.ends - life.begins) / _GRACE_PART)
    if seen.published is None or seen.since is None:
        return Rest(until=seen.now + grace)
    if seen.now < seen.since + grace:
        return Rest(until=seen.since + grace)
    return Store(kept=replace(kept, pair=following, following=None), why="the certificate is renewed")
