"""The controller of mirrors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mcpg_operator.controllers.pace import Pace
from mcpg_operator.controllers.plugin_mirror.decide import decide
from mcpg_operator.controllers.plugin_mirror.enact import enact
from mcpg_operator.controllers.plugin_mirror.observe import Observer, named_mirror, named_secret
from mcpg_operator.controllers.watches import Dependants, Own, References
from mcpg_operator.resources import PLUGIN, PLUGIN_MIRROR, SECRET, Key
from mcpg_operator.services import Result
from mcpg_operator.status import StatusWriter
from supplychain.mirror.probe import Probe, Target, probe

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from mcpg_operator.resources import Resource
    from mcpg_operator.services import Services, Watch

__all__ = ["PluginMirrorReconciler"]

_PAUSE: Final = 1.0
"""Seconds between two passes over an unchanged mirror: a thousand new plugins that name it are counted a few times, not each."""


class PluginMirrorReconciler:
    """Brings the status of mirrors up to date.

    Args:
        services: the outside world.
        ask: replaces the probe, for tests.
    """

    name = "plugin-mirror"

    def __init__(self, services: Services, *, ask: Callable[[Target], Probe] = probe) -> None:
        self._services = services
        self._observer = Observer(services, ask=ask)
        self._writer = StatusWriter(services, self.name, PLUGIN_MIRROR)
        self._pace = Pace(services.now, seconds=_PAUSE)
        self.watches: tuple[Watch, ...] = (
            Own(kind=PLUGIN_MIRROR),
            References(kind=PLUGIN, named=_mirrors_of),
            Dependants(kind=SECRET, of=self._users),
        )

    def reconcile(self, key: Key) -> Result:
        """Make one pass over one mirror.

        Raises:
            SupplyChainError: nothing could be observed, or the status could not be written.
        """
        resource = self._services.store.get(PLUGIN_MIRROR, key.name)
        if resource is None:
            self._observer.forget(key.name)
            self._pace.forget(key)
            self._writer.forget(key)
            return Result()
        if not self._pace.due(resource):
            return Result(after=_PAUSE)
        decision = decide(self._observer.observe(resource))
        result = enact(resource, decision, writer=self._writer, services=self._services, controller=self.name)
        self._pace.done(resource)
        return result

    def _users(self, secret: Resource) -> Iterable[Key]:
        if secret.namespace != self._services.settings.namespace:
            return ()
        return [one.key for one in self._services.store.list(PLUGIN_MIRROR) if named_secret(one) == secret.name]


def _mirrors_of(plugin: Resource) -> Iterable[Key]:
    name = named_mirror(plugin)
    return () if name is None else (Key(PLUGIN_MIRROR, name),)
