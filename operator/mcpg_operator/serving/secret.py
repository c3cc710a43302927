"""The Secret in which the operator keeps the certificate that it made for itself, as every replica reads it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from mcpg_operator.resources import SECRET
from mcpg_operator.serving.certificate import Pair

if TYPE_CHECKING:
    from collections.abc import Callable

    from mcpg_operator.resources import Resource
    from mcpg_operator.runtime.store import Store
    from mcpg_operator.settings import Settings

__all__ = ["Kept", "from_store", "read_kept"]

_CERTIFICATE: Final = "tls.crt"
_KEY: Final = "tls.key"
_AUTHORITIES: Final = "ca.crt"
_NEXT: Final = "next-"


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """The contents of the Secret."""

    pair: Pair
    """What replicas present."""
    authorities: bytes
    """PEM of everyone that an API server must trust at this moment."""
    following: Pair | None = None
    """What they will present once everybody trusts it."""

    def data(self) -> dict[str, bytes]:
        """Write it as the payload of a Secret of type `kubernetes.io/tls`, with more keys than that asks for."""
        found = {_CERTIFICATE: self.pair.certificate, _KEY: self.pair.key, _AUTHORITIES: self.authorities}
        if self.following is not None:
            found |= {_NEXT + _CERTIFICATE: self.following.certificate, _NEXT + _KEY: self.following.key}
        return found


def read_kept(secret: Resource | None) -> Kept | None:
    """Read the Secret; None where it is none of this form."""
    data = (secret.data() if secret is not None else None) or {}
    pair = _pair(data, "")
    return None if pair is None else Kept(pair=pair, authorities=data.get(_AUTHORITIES, b""), following=_pair(data, _NEXT))


def from_store(store: Store, settings: Settings) -> Callable[[], Pair | None]:
    """Read the pair as this replica saw it last; None where there is none."""

    def read() -> Pair | None:
        found = read_kept(store.get(SECRET, settings.tls_secret, settings.namespace))
        return None if found is None else found.pair

    return read


def _pair(data: dict[str, bytes], prefix: str) -> Pair | None:
    certificate, key = data.get(prefix + _CERTIFICATE), data.get(prefix + _KEY)
    return Pair(certificate=certificate, key=key) if certificate and key else None
