"""Finds objects by something that they say, a reference for example, without looking at all others of their kind."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from mcpg_operator.resources import Key, Resource

__all__ = ["Index"]


class Index:
    """Keys by value. Not safe for several threads by itself: the store that feeds it holds its lock."""

    def __init__(self, of: Callable[[Resource], Iterable[str]]) -> None:
        """Make an empty one; `of` gives the values under which an object is to be found and copes with anything in it."""
        self._of = of
        self._values: dict[Key, frozenset[str]] = {}
        self._keys: dict[str, set[Key]] = {}

    def enter(self, key: Key, resource: Resource | None) -> None:
        """Enter an object as it now is; None takes it out."""
        before = self._values.pop(key, frozenset())
        after = frozenset() if resource is None else frozenset(self._of(resource))
        if after:
            self._values[key] = after
        for value in before - after:
            known = self._keys[value]
            known.discard(key)
            if not known:
                del self._keys[value]
        for value in after - before:
            self._keys.setdefault(value, set()).add(key)

    def keys(self, value: str) -> tuple[Key, ...]:
        """Give the keys of the objects that say so, by namespace and name."""
        return tuple(sorted(self._keys.get(value, ()), key=lambda one: (one.namespace or "", one.name)))

    def count(self, value: str) -> int:
        """Say how many those are."""
        return len(self._keys.get(value, ()))

    def values(self) -> tuple[str, ...]:
        """Give everything that some object says."""
        return tuple(self._keys)
