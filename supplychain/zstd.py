"""Where zstd (RFC 8878) comes from: the standard library from Python 3.14 on, and its backport before."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from backports import zstd
else:
    zstd = import_module("compression.zstd" if sys.version_info >= (3, 14) else "backports.zstd")

__all__ = ["zstd"]
