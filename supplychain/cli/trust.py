"""Which trust root judges Sigstore evidence: loaded on the first use, once, whatever the number of targets."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse
    from datetime import datetime

    from supplychain.report import Fact
    from supplychain.trust_root import TrustRoot

__all__ = ["TrustRootChoice"]


class TrustRootChoice:
    """Callable that gives the trust root the flags ask for. Threads share it."""

    def __init__(self, args: argparse.Namespace, *, limit: int) -> None:
        self._file: str | None = args.trust_root
        self._offline: bool = args.offline
        self._limit = limit
        self._lock = threading.Lock()
        self._root: TrustRoot | None = None
        self._stale: str | None = None

    def __call__(self) -> TrustRoot:
        """Load the root.

        Raises:
            InputError: the file given is unreadable or no trust root.
            TrustRootUnavailableError: the online root cannot be had.
        """
        with self._lock:
            if self._root is None:
                self._root = self._load()
            return self._root

    def facts(self, at: datetime) -> Fact:
        """Describe the root that was used, with its age where that is known; None where none was."""
        root = self._root
        if root is None:
            return None
        age = None if root.as_of is None else (at.date() - root.as_of).days
        as_of = None if root.as_of is None else root.as_of.isoformat()
        return {"name": root.name, "sha256": root.sha256, "asOf": as_of, "ageDays": age}

    def warnings(self) -> tuple[str, ...]:
        """What is worth knowing about how the root was had."""
        return (
            () if self._stale is None else (f"the trust root comes from the cache, because it was not confirmed: {self._stale}",)
        )

    def _load(self) -> TrustRoot:
        if self._file is not None:
            from supplychain.files import read_bounded
            from supplychain.trust_root import parse_trust_root

            return parse_trust_root(read_bounded(self._file, limit=self._limit), name=self._file)
        if self._offline:
            from supplychain.trust_root import embedded

            return embedded()
        from supplychain.tuf_root import fetch_trust_root

        online = fetch_trust_root()
        self._stale = None if online.current else online.problem or "no reason given"
        return online.root
