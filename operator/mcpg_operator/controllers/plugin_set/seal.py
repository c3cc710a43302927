"""Proves that a resolved document was written by this installation, across restarts.

The document lies in a namespace whose people may write Secrets. What it says of an entry that fails is kept, so it must not be
believed just because it is there: a person could put any artifact into it while a plugin has a bad minute. A keyed hash over
place and text, made with a key that only the operator's namespace holds, tells the own words from others.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import threading
from typing import TYPE_CHECKING, Final

from mcpg_operator.names import COMPONENT, MANAGER
from mcpg_operator.resources import SECRET
from supplychain.errors import ConflictError

if TYPE_CHECKING:
    from mcpg_operator.resources import Resource
    from mcpg_operator.services import Services

__all__ = ["KEY_SECRET", "Sealer"]

KEY_SECRET: Final = "mcpg-operator-set-seal"  # noqa: S105 — a name
_KEY: Final = "key"
_SIZE: Final = 32


class Sealer:
    """Makes and checks seals; the key is made on first use and read once."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._lock = threading.Lock()
        self._key: bytes | None = None

    def seal(self, *, namespace: str, name: str, text: str) -> str:
        """Seal the text of one document: 64 hex characters.

        Raises:
            ClusterUnavailableError, ConflictError, ApplyForbiddenError, ApplyRejectedError: the key cannot be had.
        """
        return self._seal(self._secret_key(), namespace=namespace, name=name, text=text)

    def holds(self, seal: str, *, namespace: str, name: str, text: str) -> bool:
        """Whether the seal is ours and of exactly this text in this place; raises as `seal`."""
        return hmac.compare_digest(seal.encode(), self.seal(namespace=namespace, name=name, text=text).encode())

    @staticmethod
    def _seal(key: bytes, *, namespace: str, name: str, text: str) -> str:
        mac = hmac.new(key, digestmod=hashlib.sha256)
        for part in (namespace, name, text):
            data = part.encode("utf-8", "surrogatepass")
            mac.update(len(data).to_bytes(8) + data)
        return mac.hexdigest()

    def _secret_key(self) -> bytes:
        with self._lock:
            if self._key is None:
                self._key = self._load()
            return self._key

    def _load(self) -> bytes:
        services = self._services
        namespace = services.settings.namespace
        found = services.cluster.get(SECRET, KEY_SECRET, namespace=namespace)
        if found is None:
            found = services.cluster.create(_manifest(namespace, secrets.token_bytes(_SIZE)))
        elif _key_of(found) is None:
            # Whatever it was, it sealed nothing that could be told from a forgery.
            services.cluster.delete(SECRET, KEY_SECRET, namespace=namespace, uid=found.uid)
            found = services.cluster.create(_manifest(namespace, secrets.token_bytes(_SIZE)))
        key = _key_of(found)
        if key is None:
            raise ConflictError("the key of the operator's seals was changed while it was stored", where=f"`{found.key}`")
        return key


def _key_of(secret: Resource) -> bytes | None:
    key = (secret.data() or {}).get(_KEY, b"")
    return key if len(key) == _SIZE else None


def _manifest(namespace: str, key: bytes) -> dict[str, object]:
    return {
        "apiVersion": SECRET.api_version,
        "kind": SECRET.name,
        "metadata": {"name": KEY_SECRET, "namespace": namespace, "labels": {**MANAGER, COMPONENT: "seal"}},
        "type": "mcpg.dev/seal-key",
        "immutable": True,
        "data": {_KEY: base64.b64encode(key).decode("ascii")},
    }
