"""What this process has proven about each plugin, in memory, and who wants to know when that changes.

The ledger is filled by judging, never by reading: after a start it is empty until kept evidence has been judged again, so that
nobody who can write a status can make something verified. Kept evidence is proven again link by link, from what the image
reference named down to the library. A plugin without an entry is not judged yet, and a set that wants it holds still.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from supplychain.artifact import PluginPackage
    from supplychain.digest import ArtifactHash, ManifestDigest

__all__ = ["Ledger", "Standing", "Stored", "Verified"]


class Standing(StrEnum):
    """How a plugin stands."""

    VERIFIED = "Verified"
    """Everything its policy asks for is proven, and its bytes are stored."""
    REVOKED = "Revoked"
    """A revocation list names its artifact."""
    REFUSED = "Refused"
    """Looked, and it is bad; or the request is wrong."""
    UNAVAILABLE = "Unavailable"
    """Could not look, and nothing proven earlier still counts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """Where verified bytes lie in the operator's namespace."""

    secret: str
    """The Secret that holds all of them, or the index."""
    digests: Mapping[str, str]
    """Hex SHA-256 of every payload by Secret name, the index among them; see `mcpg_operator.keeping.payload_hash`."""
    size: int
    """Bytes of the library."""
    package: tuple[tuple[str, str], ...] = ()
    """Secrets with the package that it came in, in the order of its bytes: name, and hex SHA-256 of the payload."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """One plugin as it was judged last."""

    name: str
    """Of the MCPGPlugin."""
    uid: str
    generation: int
    """Of the spec that was judged."""
    standing: Standing
    reason: str
    message: str
    at: datetime
    plugin_id: str = ""
    version: str = ""
    plugin_class: str = ""
    artifact_hash: ArtifactHash | None = None
    """What was judged; None where it did not come so far."""
    manifest_digest: ManifestDigest | None = None
    package: PluginPackage | None = field(default=None, repr=False)
    """Descriptor and signature of a verified plugin; its artifact spool may be closed."""
    stored: Stored | None = None
    keys: tuple[bytes, ...] = ()
    """The raw Ed25519 keys that may sign it."""


class Ledger:
    """Standings by plugin name; every method may be called from any thread."""

    def __init__(self) -> None:
        self._entries: dict[str, Verified] = {}
        self._lock = threading.Lock()
        self._listeners: list[Callable[[str], None]] = []

    def get(self, name: str) -> Verified | None:
        """How a plugin stands; None while it has not been judged since the start, or where it is gone."""
        with self._lock:
            return self._entries.get(name)

    def all(self) -> tuple[Verified, ...]:
        """Every entry, by name."""
        with self._lock:
            return tuple(self._entries[name] for name in sorted(self._entries))

    def put(self, entry: Verified) -> None:
        """Enter how a plugin stands, and tell the listeners if that is news."""
        with self._lock:
            before = self._entries.get(entry.name)
            self._entries[entry.name] = entry
        if before is None or _news(before) != _news(entry):
            self._tell(entry.name)

    def drop(self, name: str) -> None:
        """Forget a plugin that is gone."""
        with self._lock:
            known = self._entries.pop(name, None)
        if known is not None:
            self._tell(name)

    def listen(self, listener: Callable[[str], None]) -> None:
        """Call `listener` with a plugin's name after every change, on the thread that made it."""
        self._listeners.append(listener)

    def _tell(self, name: str) -> None:
        for listener in self._listeners:
            listener(name)


def _news(entry: Verified) -> tuple[object, ...]:
    hashes = (entry.artifact_hash, entry.manifest_digest, entry.stored and entry.stored.secret)
    return (entry.uid, entry.generation, entry.standing, entry.reason, entry.plugin_id, entry.version, entry.keys, *hashes)
