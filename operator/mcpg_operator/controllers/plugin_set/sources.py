"""The verified bytes in the operator's namespace, hashed before they are used, and not read again while nobody touched them."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from mcpg_operator.keeping.secrets import payload_hash
from mcpg_operator.names import COMPONENT
from mcpg_operator.resources import SECRET

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from mcpg_operator.resources import Resource
    from mcpg_operator.services import Services

__all__ = ["Payload", "Sources", "read_payload"]

_COMPONENTS: Final = ("plugin", "plugin-shard")
_FRESH: Final = timedelta(seconds=60)
"""How long one listing of the operator's Secrets serves all sets. What is missing in it is looked up by name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Payload:
    """The bytes of one Secret, and what it is."""

    secret_type: str
    data: Mapping[str, bytes]
    digest: str

    @property
    def size(self) -> int:
        """Bytes of all values."""
        return sum(map(len, self.data.values()))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Seen:
    version: tuple[str, str]
    digest: str
    size: int


def read_payload(secret: Resource) -> Payload | None:
    """Read and hash a Secret's bytes; None where it has no usable payload."""
    data = secret.data()
    if data is None:
        return None
    return Payload(secret_type=str(secret.body.get("type") or ""), data=data, digest=payload_hash(data))


class Sources:
    """Source Secrets by name; threads may share it."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._lock = threading.Lock()
        self._seen: dict[str, _Seen] = {}
        self._listed: dict[str, tuple[str, str]] = {}
        self._listed_at: datetime | None = None

    def size(self, name: str, digest: str) -> int | None:
        """Bytes of a Secret whose payload has this hash; None where it is missing or holds something else.

        Raises:
            ClusterUnavailableError, ApplyForbiddenError: it could not be looked at, which proves nothing.
        """
        with self._lock:
            seen = self._seen.get(name)
        if seen is not None and seen.digest == digest and self._versions().get(name) == seen.version:
            return seen.size
        payload = self.payload(name, digest)
        return None if payload is None else payload.size

    def payload(self, name: str, digest: str) -> Payload | None:
        """Read a Secret whose payload has this hash; None and errors as above."""
        secret = self._services.cluster.get(SECRET, name, namespace=self._services.settings.namespace)
        payload = None if secret is None else read_payload(secret)
        with self._lock:
            if secret is None or payload is None:
                self._seen.pop(name, None)
                return None
            version = (secret.uid, secret.resource_version)
            self._seen[name] = _Seen(version=version, digest=payload.digest, size=payload.size)
            self._listed[name] = version
        return payload if payload.digest == digest else None

    def _versions(self) -> Mapping[str, tuple[str, str]]:
        now = self._services.now()
        with self._lock:
            if self._listed_at is not None and now - self._listed_at < _FRESH:
                return self._listed
            listing = [one for component in _COMPONENTS for one in self._list(component)]
            self._listed = {one.name: (one.uid, one.resource_version) for one in listing}
            self._listed_at = now
            self._seen = {name: one for name, one in self._seen.items() if name in self._listed}
            return self._listed

    def _list(self, component: str) -> Iterable[Resource]:
        namespace = self._services.settings.namespace
        return self._services.cluster.list_metadata(SECRET, namespace=namespace, labels={COMPONENT: component})
