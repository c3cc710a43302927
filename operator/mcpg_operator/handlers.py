"""kopf wiring and nothing else: list, watch and resume by kopf, every event into the store.

One kopf operator for each scope: cluster-wide for our kinds, one namespace for Secrets and ConfigMaps, because no right to read
them elsewhere exists. kopf writes nothing: no finalizers, no annotations, no events, no peering.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any, Final

import kopf

from mcpg_operator.kube import credentials
from mcpg_operator.resources import Resource

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from mcpg_operator.resources import Key, Kind
    from mcpg_operator.runtime.watching import Watched

__all__ = ["build_registry", "build_settings", "login", "quiet", "watch"]

_PAGE: Final = 200
_IDLE: Final = 0.1
"""Seconds for which kopf keeps a task for an object that nothing happens to."""


def build_registry(
    targets: Sequence[Watched], *, put: Callable[[Resource], None], remove: Callable[[Key], None], listed: Callable[[Kind], None]
) -> kopf.OperatorRegistry:
    """Register one event handler for each kind, on a registry of its own.

    Args:
        targets: what to handle
        put: is told of every object that exists
        remove: is told of every object that went
        listed: is told the kind of every object that came out of a fresh list
    """
    registry = kopf.OperatorRegistry()
    kopf.on.login(registry=registry)(login)
    for target in targets:
        kind = target.kind
        handler = _handler(kind, put=put, remove=remove, listed=listed)
        kopf.on.event(kind.group, kind.version, kind.plural, id=kind.plural, registry=registry)(handler)
    return registry


def build_settings(targets: Sequence[Watched]) -> kopf.OperatorSettings:
    """Turn off whatever kopf would write or look up by itself."""
    settings = kopf.OperatorSettings()
    settings.posting.enabled = False
    settings.peering.standalone = True
    settings.scanning.disabled = True
    settings.watching.chunk_size = _PAGE
    settings.watching.connect_timeout = 5
    settings.networking.connect_timeout = 5
    settings.networking.request_timeout = 60
    settings.queueing.idle_timeout = _IDLE
    settings.process.ultimate_exiting_timeout = None
    settings.persistence.diffbase_storage = _NoComparison()
    for target in targets:
        if target.fields:
            settings.watching.field_selectors[target.kind.plural] = target.fields
        if target.labels:
            settings.watching.label_selectors[target.kind.plural] = ",".join(
                f"{key}={value}" for key, value in target.labels.items()
            )
    return settings


def login(**_context: Any) -> kopf.ConnectionInfo:
    """Give kopf the credentials of the other client, read anew: it asks again when the API server no longer takes them."""
    found = credentials()
    scheme, _, token = (found.authorization or "").partition(" ")
    return kopf.ConnectionInfo(
        server=found.server,
        ca_path=found.ca_file,
        ca_data=found.ca_data,
        insecure=found.insecure,
        scheme=scheme or None,
        token=token or None,
        certificate_path=found.certificate_file,
        private_key_path=found.key_file,
        certificate_data=found.certificate_data,
        private_key_data=found.key_data,
        default_namespace=found.namespace,
    )


async def watch(
    targets: Sequence[Watched],
    ends: asyncio.Event,
    *,
    put: Callable[[Resource], None],
    remove: Callable[[Key], None],
    listed: Callable[[Kind], None],
) -> None:
    """Run all kopf operators until `ends` is set or one of them ends; then end the others too."""
    scopes = {target.namespace: [one for one in targets if one.namespace == target.namespace] for target in targets}

    async def operate(namespace: str | None, scoped: Sequence[Watched]) -> None:
        try:
            await kopf.operator(
                registry=build_registry(scoped, put=put, remove=remove, listed=listed),
                settings=build_settings(scoped),
                clusterwide=namespace is None,
                namespaces=[] if namespace is None else [namespace],
                stop_flag=ends,
            )
        finally:
            ends.set()

    await asyncio.gather(*(operate(namespace, scoped) for namespace, scoped in scopes.items()))


def quiet() -> None:
    """Silence kopf: it tells every step of every object, and of what it does not understand the whole, which may be a Secret.

    What matters is told elsewhere: that the watch ended and why, and that lists fail.
    """
    logging.getLogger("kopf").setLevel(logging.CRITICAL)


class _NoComparison(kopf.DiffBaseStorage):
    """Nothing to compare an object with: kopf copies every object twice for that, and no handler here asks what changed."""

    def build(self, **_: Any) -> kopf.BodyEssence:
        return kopf.BodyEssence()

    def fetch(self, **_: Any) -> None:
        return None

    def store(self, **_: Any) -> None:
        """Keep nothing."""


def _handler(
    kind: Kind, *, put: Callable[[Resource], None], remove: Callable[[Key], None], listed: Callable[[Kind], None]
) -> Callable[..., Any]:
    async def take(event: Any, **_: Any) -> None:
        resource = Resource(kind, event["object"])
        if event["type"] == "DELETED":
            remove(resource.key)
            return
        put(resource)
        if event["type"] is None:
            listed(kind)

    return take
