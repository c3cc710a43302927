"""Which routes stand in what a gateway was last given, as this process rendered it.

A route is Ready when its gateway carries it. The gateway's status says that routes were applied, not which ones; whoever renders
says so here. Nothing is known after a start until the gateway was rendered again, and nothing here decides what anybody may do.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from mcpg_operator.resources import Key, Resource

__all__ = ["Renderings"]


class Renderings:
    """Thread-safe; listeners are called without a lock held."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._routes: dict[Key, dict[Key, tuple[str, int]]] = {}
        self._listeners: list[Callable[[Key], None]] = []

    def note(self, gateway: Key, routes: Iterable[Resource]) -> None:
        """Enter the routes of a rendering that was applied; listeners hear of each one that is news."""
        after = {one.key: (one.uid, one.generation) for one in routes}
        with self._lock:
            before = self._routes.get(gateway, {})
            self._routes[gateway] = after
            listeners = tuple(self._listeners)
        news = [key for key in before.keys() | after.keys() if before.get(key) != after.get(key)]
        for key in news:
            for listener in listeners:
                listener(key)

    def holds(self, gateway: Key, route: Resource) -> bool | None:
        """Whether the last rendering holds the route as it now is; None where no rendering is known."""
        with self._lock:
            known = self._routes.get(gateway)
            return None if known is None else known.get(route.key) == (route.uid, route.generation)

    def forget(self, gateway: Key) -> None:
        """Drop a gateway that is gone."""
        with self._lock:
            self._routes.pop(gateway, None)

    def listen(self, listener: Callable[[Key], None]) -> None:
        """Call `listener(route)` whenever a route came into a rendering, changed there, or left it."""
        with self._lock:
            self._listeners.append(listener)
