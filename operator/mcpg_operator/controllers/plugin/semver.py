"""The order of versions (Semantic Versioning 2.0.0, section 11)."""

from __future__ import annotations

import re
from typing import Final

__all__ = ["older"]

_VERSION: Final = re.compile(
    r"v?(?P<core>\d{1,18}\.\d{1,18}\.\d{1,18})(?:-(?P<pre>[0-9A-Za-z.-]{1,128}))?(?:\+[0-9A-Za-z.-]{1,128})?", re.ASCII
)


def older(version: str, than: str) -> bool:
    """Say whether `version` comes before `than`; where one of them is no version, neither is older."""
    left, right = _key(version), _key(than)
    return left is not None and right is not None and left < right


def _key(text: str) -> tuple[object, ...] | None:
    match = _VERSION.fullmatch(text)
    if match is None:
        return None
    core = tuple(int(part) for part in match["core"].split("."))
    if match["pre"] is None:
        return (core, 1)  # a release comes after everything before it
    parts = tuple((0, int(part), "") if part.isdigit() else (1, 0, part) for part in match["pre"].split("."))
    return (core, 0, parts)
