"""Memory of a process with some forty threads: one heap for all of them."""

from __future__ import annotations

import ctypes
from typing import Final

__all__ = ["share_one_heap"]

_ARENA_MAX: Final = -8
"""`M_ARENA_MAX` of glibc's `malloc.h`."""


def share_one_heap() -> bool:
    """Keep glibc from giving threads heaps of their own, which grow with the largest thing that each ever held; says whether.

    To be called before there are threads. Python lets one thread run at a time, so that hardly any waits for another here.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)  # other C libraries have no such thing, and no such heaps
    return mallopt is not None and mallopt(_ARENA_MAX, 1) == 1
