"""Plain JSON trees: copied with a bound on their depth, and changed at a path without losing what stands in the way."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from supplychain.errors import InvalidManifestError

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["MAX_DEPTH", "at", "copied", "rewritten", "section"]

MAX_DEPTH: Final = 64
"""Mappings and lists inside each other; readers of YAML give up soon after, and so would this process."""


def copied(value: Any, *, where: str) -> Any:
    """Copy a JSON value.

    Raises:
        InvalidManifestError: it is nested too deeply, or holds what JSON does not have.
    """
    return _copied(value, where=where, depth=0)


def _copied(value: Any, *, where: str, depth: int) -> Any:
    if depth > MAX_DEPTH:
        raise InvalidManifestError("the configuration is nested too deeply", expected=f"at most {MAX_DEPTH} levels", where=where)
    if isinstance(value, dict):
        return {str(key): _copied(inner, where=where, depth=depth + 1) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_copied(inner, where=where, depth=depth + 1) for inner in value]
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise InvalidManifestError("the configuration holds no plain value", got=type(value).__name__, where=where)


def at(value: Any, *path: str) -> Any:
    """Follow a path through mappings; None where it ends early."""
    for key in path:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def section(config: dict[str, Any], *path: str) -> dict[str, Any]:
    """Give the mapping at a path, made where nothing stands.

    Raises:
        InvalidManifestError: something else stands there. It is not replaced: its author would lose it and not know.
    """
    found = config
    for depth, key in enumerate(path, start=1):
        inner = found.get(key)
        if inner is None:
            inner = found[key] = {}
        if not isinstance(inner, dict):
            where = f"field `spec.config.{'.'.join(path[:depth])}`"
            raise InvalidManifestError("the operator has to write into this section", expected="a mapping", where=where)
        found = inner
    return found


def rewritten(value: Any, change: Callable[[str], str]) -> Any:
    """Copy a JSON value with every text in it changed; keys stay."""
    if isinstance(value, dict):
        return {key: rewritten(inner, change) for key, inner in value.items()}
    if isinstance(value, list):
        return [rewritten(inner, change) for inner in value]
    return change(value) if isinstance(value, str) else value
