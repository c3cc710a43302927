"""The trust root of the process: a file that is read again when it changes, or the public-good root, refreshed daily.

Nothing is loaded before somebody asks, and nobody asks unless a plugin wants a keyless layer. A root that was good once stays in
force when its file or its repository goes bad; `warning` says so.
"""

from __future__ import annotations

import hashlib
import threading
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Final

from supplychain.errors import SupplyChainError, TrustRootUnavailableError
from supplychain.files import read_bounded
from supplychain.limits import Limits
from supplychain.trust_root import TrustRoots, parse_trust_roots

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from pathlib import Path

    from mcpg_operator.settings import Settings
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
    """

    def __init__(self, *, path: Path | None, now: Callable[[], datetime], fetch: Callable[[], TrustRoot] | None = None) -> None:
        self._path = path
        self._now = now
        self._fetch = fetch or _online
        self._lock = threading.Lock()
        self._loaded: _Loaded | None = None
        self._error: SupplyChainError | None = None
        self._tried_at: datetime | None = None

    @classmethod
    def of(cls, settings: Settings, *, now: Callable[[], datetime]) -> Trust:
        """Take the root that the settings name."""
        cache = None if settings.work_dir is None else settings.work_dir / "tuf"
        return cls(path=settings.trust_root, now=now, fetch=partial(_online, cache))

    def __call__(self) -> TrustRoots:
        """Give the roots.

        Raises:
            TrustRootUnavailableError: none was ever good.
        """
        loaded = self._ensure()
        if loaded is None:
            raise self._unavailable()
        return loaded.roots

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
        """Look for a newer root, and say whether the one in force changed. Never raises; does nothing before anybody asked."""
        if not self.wanted:
            return False
        with self._lock:
            before = self._loaded
            self._load()
            after = self._loaded
        return (before and before.fingerprint) != (after and after.fingerprint)

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
        if self._loaded is not None and self._loaded.source == source:
            return self._loaded
        return _loaded(TrustRoots(tuple(parse_trust_roots(data, name=path.name))), source=source)

    def _read_online(self) -> _Loaded:
        root = self._fetch()
        if self._loaded is not None and self._loaded.source == root.sha256:
            return self._loaded
        return _loaded(TrustRoots((root,)), source=root.sha256)

    def _unavailable(self) -> TrustRootUnavailableError:
        error = self._error
        if error is None:
            return TrustRootUnavailableError("no trust root is known yet")
        # A file that cannot be used says nothing about any plugin: it could not be looked at.
        return TrustRootUnavailableError(error.what, expected=error.expected, got=error.got, where=error.where, hint=error.hint)


def _loaded(roots: TrustRoots, *, source: str) -> _Loaded:
    return _Loaded(roots=roots, fingerprint=",".join(one.sha256 for one in roots.each), source=source)


def _online(cache: Path | None = None) -> TrustRoot:
    from supplychain.tuf_root import fetch_trust_root  # noqa: PLC0415 — only who has no file pays for TUF

    return fetch_trust_root(cache=cache).root
