"""The trust root of the process: a file that is read again when it changes, or the public-good root, refreshed daily.

Nothing is loaded before somebody asks, and nobody asks unless a plugin wants a keyless layer. A root that was good once stays in
force when its file or its repository goes bad; `warning` says so.
"""

from __future__ import annotations

import hashlib
import threading
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Final

from supplychain.errors import SupplyChainError, TrustRootUnavailableError
from supplychain.files import read_bounded
from supplychain.freshness import Budget, check_root, dated_root, judge
from supplychain.limits import Limits
from supplychain.trust_root import TrustRoots, parse_trust_roots

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from mcpg_operator.settings import Settings
    from supplychain.freshness import Freshness
    from supplychain.trust_root import TrustRoot

__all__ = ["Trust"]

_DAILY: Final = timedelta(hours=24)
_AGAIN: Final = timedelta(seconds=60)
"""After a failure nobody asks the repository for that long, however many plugins wait."""
_LOOK: Final = 15.0
"""Seconds between two looks at the file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Loaded:
    roots: TrustRoots
    fingerprint: str
    source: str
    """What tells that there is news: the digest of the file, or of the root."""


class Trust:
    """Callable that gives the trust roots in force; threads may share it.

    Args:
        path: `trusted_root.json`, one or several documents; None: the public-good root by TUF.
        now: the clock.
        fetch: gets the online root; may take half a minute.
        budget: how old a root may be.
    """

    def __init__(
        self,
        *,
        path: Path | None,
        now: Callable[[], datetime],
        fetch: Callable[[], TrustRoot] | None = None,
        budget: Budget | None = None,
    ) -> None:
        self._path = path
        self._budget = budget or Budget()
        self._now = now
        self._fetch = fetch or _online
        self._lock = threading.Lock()
        self._loaded: _Loaded | None = None
        self._error: SupplyChainError | None = None
        self._tried_at: datetime | None = None
        self._closed = False
        """Whether the last refresh found a root that is too old."""

    @classmethod
    def of(cls, settings: Settings, *, now: Callable[[], datetime]) -> Trust:
        """Take the root that the settings name."""
        cache = None if settings.work_dir is None else settings.work_dir / "tuf"
        return cls(path=settings.trust_root, now=now, fetch=partial(_online, cache), budget=settings.budget)

    def __call__(self) -> TrustRoots:
        """Give the roots, to let something in by them.

        Raises:
            TrustRootUnavailableError: none was ever good, or one is older than it may be.
        """
        roots = self.whatever_age()
        for root in roots.each:
            check_root(root, budget=self._budget, at=self._now())
        return roots

    def whatever_age(self) -> TrustRoots:
        """Give the roots, to judge again what was let in by them.

        Raises:
            TrustRootUnavailableError: none was ever good.
        """
        loaded = self._ensure()
        if loaded is None:
            raise self._unavailable()
        return loaded.roots

    @property
    def outdated(self) -> TrustRootUnavailableError | None:
        """Why nothing new may be let in, where a root is in force that is older than it may be; loads the roots. Never raises."""
        loaded = None if self._budget.trust_root is None else self._ensure()
        for root in () if loaded is None else loaded.roots.each:
            try:
                check_root(root, budget=self._budget, at=self._now())
            except TrustRootUnavailableError as exc:
                return exc
        return None

    @property
    def freshness(self) -> Freshness | None:
        """How old the root in force is that ends first; None before there is one. Loads nothing."""
        loaded = self._loaded
        dated = [] if loaded is None else [dated_root(root) for root in loaded.roots.each]
        found = judge(dated, budget=self._budget, at=self._now())
        return min(found, key=lambda one: (one.as_of is not None, one.as_of or date.min), default=None)

    @property
    def fingerprint(self) -> str:
        """Stand for the roots in force, so that a verdict by other ones is known to be old; loads them. Never raises."""
        loaded = self._ensure()
        return "none" if loaded is None else loaded.fingerprint

    @property
    def wanted(self) -> bool:
        """Whether anybody asked so far."""
        return self._tried_at is not None

    @property
    def pause(self) -> float:
        """Seconds after which `refresh` is worth a call."""
        if self._path is not None:
            return _LOOK
        return (_AGAIN if self._loaded is None or self._error is not None else _DAILY).total_seconds()

    @property
    def warning(self) -> str | None:
        """Why the root in force is not the newest one, where that is so."""
        error = self._error
        return None if error is None or self._loaded is None else f"the last good trust root stays in force: {error}"

    def refresh(self) -> bool:
        """Look for a newer root, and say whether the one in force changed, or became too old, or is not too old any more.

        Never raises; does nothing before anybody asked.
        """
        if not self.wanted:
            return False
        closed = self._closed
        with self._lock:
            before = self._loaded
            self._load()
            after = self._loaded
        self._closed = self.outdated is not None
        return (before and before.fingerprint) != (after and after.fingerprint) or closed != self._closed

    def _ensure(self) -> _Loaded | None:
        with self._lock:
            if self._loaded is None and (self._tried_at is None or self._now() - self._tried_at >= self._due()):
                self._load()
            return self._loaded

    def _due(self) -> timedelta:
        return timedelta(seconds=_LOOK) if self._path is not None else _AGAIN

    def _load(self) -> None:
        self._tried_at = self._now()
        try:
            found = self._read_file(self._path) if self._path is not None else self._read_online()
        except SupplyChainError as exc:
            self._error = exc
        else:
            self._error = None
            self._loaded = found

    def _read_file(self, path: Path) -> _Loaded:
        data = read_bounded(path, limit=Limits().document)
        source = hashlib.sha256(data).hexdigest()
        written = _written_on(path)
        if self._loaded is not None and self._loaded.source == source:
            return _confirmed(self._loaded, as_of=written)
        return _loaded(TrustRoots(tuple(parse_trust_roots(data, name=path.name, as_of=written))), source=source)

    def _read_online(self) -> _Loaded:
        root = self._fetch()
        if self._loaded is not None and self._loaded.source == root.sha256:
            return _confirmed(self._loaded, as_of=root.as_of)
        return _loaded(TrustRoots((root,)), source=root.sha256)

    def _unavailable(self) -> TrustRootUnavailableError:
        error = self._error
        if error is None:
            return TrustRootUnavailableError("no trust root is known yet")
        # A file that cannot be used says nothing about any plugin: it could not be looked at.
        return TrustRootUnavailableError(error.what, expected=error.expected, got=error.got, where=error.where, hint=error.hint)


def _loaded(roots: TrustRoots, *, source: str) -> _Loaded:
    return _Loaded(roots=roots, fingerprint=",".join(one.sha256 for one in roots.each), source=source)


def _confirmed(loaded: _Loaded, *, as_of: date | None) -> _Loaded:
    """The same roots, confirmed on another day."""
    if all(one.as_of == as_of for one in loaded.roots.each):
        return loaded
    return replace(loaded, roots=TrustRoots(tuple(replace(one, as_of=as_of) for one in loaded.roots.each)))


def _written_on(path: Path) -> date | None:
    """The day on which a file was written: the only word on its age that a root in a file has."""
    try:
        return datetime.fromtimestamp(path.stat().st_mtime, UTC).date()
    except (OSError, ValueError, OverflowError):  # it is gone again, or its time is beyond all calendars
        return None


def _online(cache: Path | None = None) -> TrustRoot:
    from supplychain.tuf_root import fetch_trust_root  # noqa: PLC0415 — only who has no file pays for TUF

    return fetch_trust_root(cache=cache).root
