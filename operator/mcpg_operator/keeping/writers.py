"""Which Secrets are being written, and which were since a sweep began: a sweep leaves them alone, whatever its listing shows."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["Writers"]


class Writers:
    """Who writes what; threads may share it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._touched: dict[str, int] = {}
        """Names that are being written, with how many writers."""
        self._written: set[str] = set()
        """Names that were being written at some moment since the last sweep began."""

    @contextmanager
    def writing(self, *names: str) -> Iterator[None]:
        """Hold the names from before the first of them is written until something that lasts refers to all of them."""
        with self._lock:
            for name in names:
                self._touched[name] = self._touched.get(name, 0) + 1
            self._written.update(names)
        try:
            yield
        finally:
            with self._lock:
                for name in names:
                    self._touched[name] -= 1
                    if not self._touched[name]:
                        del self._touched[name]

    def begin_sweep(self) -> None:
        """From now on, remember every name that is written; what is half way now counts, too: a listing may show half of it."""
        with self._lock:
            self._written = set(self._touched)

    def unless_written(self, name: str, act: Callable[[], bool]) -> bool:
        """Act on a name that nobody has come to need since the sweep began; says whether something was done.

        Writers that come to need it meanwhile wait for the end of it, and write it anew.
        """
        with self._lock:
            return name not in self._written and act()
