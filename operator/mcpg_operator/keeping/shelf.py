"""Libraries and packages at hand: read once, lent to whoever judges them, and thrown out when they take too much room."""

from __future__ import annotations

import os
import threading
from collections import OrderedDict
from typing import TYPE_CHECKING, Final

from supplychain.errors import StorageUnavailableError
from supplychain.spool import Spool

if TYPE_CHECKING:
    from collections.abc import Callable

    from supplychain.digest import ArtifactHash, LayerDigest

__all__ = ["Shelf"]

_DEFAULT: Final = 256 * 1024 * 1024
_LOCKS: Final = 64


class Shelf:
    """Nameless files by what they hash to, at most `capacity` bytes together, the longest unused one thrown out first.

    Every loan is a spool of its own on the same file, so that lenders and borrowers close theirs without asking each other.
    """

    def __init__(self, *, capacity: int = _DEFAULT) -> None:
        self._capacity = capacity
        self._lock = threading.Lock()
        self._spools: OrderedDict[ArtifactHash | LayerDigest, Spool] = OrderedDict()
        self._making = tuple(threading.Lock() for _ in range(_LOCKS))
        """One content is made by one thread while others of its kind wait for it; unequal ones seldom share a lock."""

    @property
    def size(self) -> int:
        """Bytes on it."""
        with self._lock:
            return sum(one.size for one in self._spools.values())

    def put(self, content: ArtifactHash | LayerDigest, spool: Spool) -> None:
        """Keep a copy's worth of `spool`, which the caller goes on to own; what is too large for the shelf is not kept."""
        if spool.size > self._capacity or spool.sha256 != content.hex:
            return
        with self._lock:
            if content not in self._spools:
                self._spools[content] = _twin(spool)
            self._spools.move_to_end(content)
            while sum(one.size for one in self._spools.values()) > self._capacity:
                self._spools.popitem(last=False)[1].close()

    def lend(self, content: ArtifactHash | LayerDigest) -> Spool | None:
        """Give a spool of the content, which the caller closes; None where it is not on the shelf."""
        with self._lock:
            found = self._spools.get(content)
            if found is None:
                return None
            self._spools.move_to_end(content)
            return _twin(found)

    def lend_or_make(
        self, content: ArtifactHash | LayerDigest, make: Callable[[], Spool], *, usable: Callable[[], bool]
    ) -> Spool:
        """Give a spool of the content, made where it is not on the shelf; one thread makes it while others wait.

        Where what is on the shelf is not `usable`, because making it proves more than the content, it is made anew.
        """
        with self._making[hash(content) % _LOCKS]:
            found = self.lend(content) if usable() else None
            if found is None:
                found = make()
                self.put(content, found)
            return found

    def close(self) -> None:
        """Throw everything out."""
        with self._lock:
            while self._spools:
                self._spools.popitem()[1].close()


def _twin(spool: Spool) -> Spool:
    try:
        file = os.fdopen(os.dup(spool.file.fileno()), "rb", buffering=0)
    except OSError as exc:
        raise StorageUnavailableError("cannot keep a copy of the bytes", got=exc.strerror or type(exc).__name__) from exc
    return Spool(file, size=spool.size, sha256=spool.sha256)
