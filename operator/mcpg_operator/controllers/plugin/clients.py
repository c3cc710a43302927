"""Registry clients, shared by all pulls with the same credentials, and the sources that a request asks for."""

from __future__ import annotations

import threading
from collections import OrderedDict
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from supplychain.mirror.credentials import ANONYMOUS, parse_pull_secret
from supplychain.mirror.registry import RegistrySource
from supplychain.mirror.transport import RegistryClient

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from mcpg_operator.settings import Settings
    from supplychain.limits import Limits
    from supplychain.manifests import ManifestRequest
    from supplychain.mirror.download import Progress

__all__ = ["Clients"]

_IDLE: Final = 16
"""Clients that are kept although nobody uses them; credentials change, and their old clients must not pile up."""


@dataclass(slots=True)
class _Shared:
    client: RegistryClient
    users: int = 0


class Clients:
    """Opens sources; threads may share it."""

    def __init__(self, settings: Settings, *, limits: Limits, connect: Callable[..., RegistryClient] = RegistryClient) -> None:
        self._settings = settings
        self._limits = limits
        self._connect = connect
        self._lock = threading.Lock()
        self._clients: OrderedDict[tuple[bytes | None, frozenset[str]], _Shared] = OrderedDict()

    @contextmanager
    def source(self, request: ManifestRequest, *, progress: Progress | None = None) -> Iterator[RegistrySource]:
        """Open the place that the request names; with a mirror, the upstream host gets no packet.

        Raises:
            InvalidCredentialsError: the pull Secret holds no usable Docker config.
            UnreadableFileError: the file with private certificates cannot be used.
        """
        mirrored = request.location != request.upstream
        avoid = frozenset({request.upstream.registry}) - {request.location.registry} if mirrored else frozenset()
        insecure = frozenset(self._settings.insecure_registries)
        if request.insecure:
            insecure |= {request.location.registry}
        secret = request.pull_secret
        key = (None if secret is None else secret.data, insecure)
        shared = self._borrow(key, where="" if secret is None else secret.where)
        try:
            yield RegistrySource(request.location, client=shared.client, limits=self._limits, avoid=avoid, progress=progress)
        finally:
            self._give_back(shared)

    def close(self) -> None:
        """Close every client."""
        with self._lock:
            while self._clients:
                self._clients.popitem()[1].client.close()

    def _borrow(self, key: tuple[bytes | None, frozenset[str]], *, where: str) -> _Shared:
        with self._lock:
            shared = self._clients.get(key)
            if shared is None:
                data, insecure = key
                credentials = ANONYMOUS if data is None else parse_pull_secret(data, where=where)
                client = self._connect(
                    credentials=credentials,
                    limits=self._limits,
                    insecure=insecure,
                    ca_file=self._settings.ca_file,
                )
                shared = self._clients[key] = _Shared(client)
            self._clients.move_to_end(key)
            shared.users += 1
            return shared

    def _give_back(self, shared: _Shared) -> None:
        with self._lock:
            shared.users -= 1
            idle = [key for key, one in self._clients.items() if not one.users]
            for key in idle[: max(0, len(idle) - _IDLE)]:
                self._clients.pop(key).client.close()
