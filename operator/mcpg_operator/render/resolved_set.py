"""The resolved document of a set, `plugins.json`: what gateways render their configuration and volumes from.

The document is the whole interface between sets and gateways. Its text is a function of its content alone, so the SHA-256 of the
text changes with every entry, configuration, grant and `enforce`, and with nothing else. An entry is kept as the JSON that it was
written as: one that stays because its plugin has a bad minute stays to the letter, also when a newer operator writes others.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from mcpg_operator.render.grants import render_capability
from supplychain.ed25519 import PublicKey

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from supplychain.descriptor import Capability, Descriptor
    from supplychain.digest import ArtifactHash

__all__ = ["Entry", "Part", "ResolvedSet", "parse_resolved_set", "render_entry"]

_VERSION: Final = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One Secret that a gateway has to project: the index or whole of a plugin, or a shard."""

    name: str
    sha256: str
    """Of the payload, hex; see `mcpg_operator.keeping.payload_hash`."""
    size: int
    """Bytes of all values."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry as the document holds it."""

    body: Mapping[str, Any]

    @property
    def id(self) -> str:
        """The plugin's id."""
        return str(self.body["id"])

    @property
    def plugin(self) -> str:
        """Name of the MCPGPlugin."""
        return str(self.body["pluginName"])

    @property
    def digest(self) -> str:
        """Artifact hash, lower-case hex."""
        return str(self.body["resolvedDigest"])

    @property
    def plugin_class(self) -> str:
        """The descriptor's own word."""
        return str(self.body["pluginClass"])

    @property
    def secret(self) -> str:
        """Name of the Secret that holds the plugin, or the index of its shards."""
        return str(self.body["artefactSecretName"])

    @property
    def artifact_name(self) -> str:
        """`plugin.so` or `plugin.wasm`."""
        return str(self.body.get("artifactName", "plugin.so"))

    @property
    def artifact_size(self) -> int | None:
        """Bytes of the library; None in documents that do not say it."""
        size = self.body.get("artifactSize")
        return size if type(size) is int else None

    @property
    def config(self) -> Any:
        """Configuration of the plugin; None where there is none."""
        return self.body.get("config")

    @property
    def enforce(self) -> bool:
        """Whether its decisions count."""
        return self.body.get("enforce") is not False

    @property
    def keys(self) -> tuple[tuple[str, str], ...]:
        """Fingerprint and PEM of every key that may have signed."""
        return tuple((one["id"], one["pem"]) for one in self.body["signingKeys"])

    @property
    def grants(self) -> tuple[Any, ...]:
        """Granted capabilities as descriptors write them."""
        return tuple(self.body["capabilityGrants"])

    @property
    def required(self) -> tuple[Any, ...]:
        """Required capabilities as descriptors write them."""
        return tuple(self.body["requiredCapabilities"])

    @property
    def parts(self) -> tuple[Part, ...]:
        """Every Secret of the plugin."""
        return tuple(Part(name=one["name"], sha256=one["sha256"], size=one["size"]) for one in self.body["secrets"])


@dataclass(frozen=True, slots=True, kw_only=True)
class ResolvedSet:
    """The document."""

    entries: tuple[Entry, ...]
    """Enabled ones, in the order of the set."""
    complete: bool
    """Whether every enabled entry of the set is here; a gateway must not serve without one that is missing."""

    @property
    def text(self) -> str:
        """`plugins.json`: sorted keys, two spaces, ASCII, LF at the end."""
        return json.dumps(self._document(), indent=2, sort_keys=True, allow_nan=False) + "\n"

    @property
    def line(self) -> str:
        """The same without white space: equal for two documents exactly when their texts are, and much cheaper to come by."""
        return json.dumps(self._document(), separators=(",", ":"), sort_keys=True, allow_nan=False)

    @property
    def hash(self) -> str:
        """SHA-256 of the text, hex: `resolvedHash`."""
        return _hash(self.line)

    def _document(self) -> dict[str, Any]:
        return {"version": _VERSION, "complete": self.complete, "entries": [one.body for one in self.entries]}

    def find(self, entry_id: str) -> Entry | None:
        """The entry of this id."""
        return next((one for one in self.entries if one.id == entry_id), None)


def render_entry(
    *,
    entry_id: str,
    plugin: str,
    version: str,
    descriptor: Descriptor,
    artifact_hash: ArtifactHash,
    artifact_name: str,
    artifact_size: int,
    secret: str,
    parts: Iterable[Part],
    keys: Iterable[bytes],
    grants: Iterable[Capability],
    config: Mapping[str, Any] | None,
    enforce: bool,
) -> Entry:
    """Write one entry.

    `version` is that of the verified spec, the class the descriptor's own word, `artifact_hash` what a gateway pins. `parts` are
    all Secrets, `secret` among them; `keys` are raw Ed25519 keys, any of which may have signed; without `enforce` it is a shadow.
    """
    return Entry(
        {
            "id": entry_id,
            "pluginName": plugin,
            "pluginVersion": version,
            "pluginClass": descriptor.plugin_class,
            "artefactSecretName": secret,
            "resolvedDigest": artifact_hash.hex,
            "artifactName": artifact_name,
            "artifactSize": artifact_size,
            "config": None if config is None else dict(config),
            "capabilityGrants": [render_capability(one) for one in grants],
            "requiredCapabilities": [render_capability(one) for one in dict.fromkeys(descriptor.required_capabilities)],
            "enforce": enforce,
            "signingKeys": [{"id": one, "pem": pem} for one, pem in sorted(_written_key(raw) for raw in set(keys))],
            "secrets": [_written_part(one) for one in sorted(parts, key=lambda one: one.name)],
        }
    )


def _written_part(part: Part) -> dict[str, Any]:
    return {"name": part.name, "sha256": part.sha256, "size": part.size}


@lru_cache(maxsize=16)
def _hash(line: str) -> str:
    """Hash the text of a document that is given by its line: writing the text is slow, and many gateways share one document."""
    text = json.dumps(json.loads(line), indent=2, sort_keys=True, allow_nan=False) + "\n"
    return hashlib.sha256(text.encode("ascii")).hexdigest()


@lru_cache(maxsize=1024)
def _written_key(raw: bytes) -> tuple[str, str]:
    """Give fingerprint and PEM; examining a key is arithmetic on large numbers, and every idle pass would do it."""
    key = PublicKey(raw=raw, name="signing key")
    return key.fingerprint, key.pem


def parse_resolved_set(text: str) -> ResolvedSet | None:
    """Read a document that this operator wrote; None where it is none. Who wrote it is not looked at here."""
    try:
        document = json.loads(text)
        if document["version"] != _VERSION:
            return None
        entries = tuple(Entry(dict(one)) for one in document["entries"])
        for one in entries:
            _ = (one.id, one.plugin, one.plugin_class, one.digest, one.secret, one.parts, one.keys, one.grants, one.required)
        return ResolvedSet(entries=entries, complete=document["complete"] is True)
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
