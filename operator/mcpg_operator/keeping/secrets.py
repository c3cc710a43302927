"""How the Secrets look in which verified plugins and their evidence are kept (pure).

Names follow from content where the content never changes: the Secret of a plugin ends in 32 hex characters over its data, a shard
is called after its own. Labels only find; the exact text stands in annotations. No owner reference and no finalizer: the first
would let the garbage collector delete verified bytes after a restore, the second would outlive an operator that is gone.
"""

from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING, Any, Final

from mcpg_operator.names import COMPONENT, EVIDENCE_TYPE, MANAGER, PLUGIN_TYPE, SHARD_TYPE, digest_label, label_value, object_name
from mcpg_operator.resources import SECRET

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = [
    "OBJECT",
    "PLUGIN_ID",
    "SHARDS",
    "STORED",
    "evidence_name",
    "evidence_secret",
    "payload_hash",
    "plugin_secret",
    "plugin_secret_name",
    "shard_secret",
]

OBJECT: Final = "mcpg.dev/plugin-object"
"""Label: the MCPGPlugin's name as far as it fits; the annotation of the same key holds all of it."""
PLUGIN_ID: Final = "mcpg.dev/plugin"
"""Annotation: the plugin's id."""
SHARDS: Final = "mcpg.dev/shards"
"""Annotation of an index or of evidence: names of the shards that it needs, by commas."""
STORED: Final = "mcpg.dev/stored"
"""Annotation of evidence: the Secret with the bytes that it is about."""


def payload_hash(data: Mapping[str, bytes]) -> str:
    """Give the hex SHA-256 over keys and values in the order of the keys, each with its length before it (8 bytes, big-endian).

    Its first 32 characters are the content name of a delivery.
    """
    digest = hashlib.sha256()
    for key in sorted(data):
        for part in (key.encode(), data[key]):
            digest.update(len(part).to_bytes(8))
            digest.update(part)
    return digest.hexdigest()


def evidence_name(plugin: str) -> str:
    """Name the Secret with the evidence about an MCPGPlugin."""
    return object_name("mcpg-evidence", plugin)


def plugin_secret_name(plugin: str, suffix: str) -> str:
    """Name the Secret with the bytes; `suffix` is the content name of the delivery."""
    return object_name("mcpg-plugin", plugin, suffix=suffix)


def plugin_secret(
    plugin: str,
    *,
    namespace: str,
    suffix: str,
    data: Mapping[str, bytes],
    shards: tuple[str, ...],
    texts: Mapping[str, str],
) -> dict[str, Any]:
    """Render the Secret that stands for one verified plugin.

    Args:
        plugin: name of the MCPGPlugin
        namespace: the operator's
        suffix: content name of `data`
        data: the files, or the index in place of the library
        shards: names of the shards that the index needs
        texts: `plugin`, `version`, `digest` (artifact hash) and `manifest-digest`, as annotations and, as far as they fit, labels
    """
    labels = {
        OBJECT: label_value(plugin),
        "mcpg.dev/plugin": label_value(texts["plugin"].replace(".", "-")),
        "mcpg.dev/version": label_value(texts["version"]),
        "mcpg.dev/digest": digest_label(texts["digest"]),
        "mcpg.dev/manifest-digest": digest_label(texts["manifest-digest"].removeprefix("sha256:")),
    }
    annotations = {OBJECT: plugin, **{f"mcpg.dev/{key}": text for key, text in texts.items()}}
    if shards:
        annotations[SHARDS] = ",".join(shards)
    return _secret(
        plugin_secret_name(plugin, suffix),
        namespace=namespace,
        kind=PLUGIN_TYPE,
        component="plugin",
        labels=labels,
        annotations=annotations,
        data=data,
    )


def shard_secret(name: str, *, namespace: str, data: Mapping[str, bytes]) -> dict[str, Any]:
    """Render one shard; plugins with the same piece share it, so nothing on it names a plugin."""
    return _secret(name, namespace=namespace, kind=SHARD_TYPE, component="plugin-shard", labels={}, annotations={}, data=data)


def evidence_secret(
    plugin: str, *, namespace: str, stored: str, shards: Iterable[str], data: Mapping[str, bytes]
) -> dict[str, Any]:
    """Render the Secret with the evidence; it changes with every pull, so it is not immutable.

    `stored` names the bytes that it is about, `shards` what holds the package that they came in.
    """
    manifest = _secret(
        evidence_name(plugin),
        namespace=namespace,
        kind=EVIDENCE_TYPE,
        component="plugin-evidence",
        labels={OBJECT: label_value(plugin)},
        annotations={OBJECT: plugin, STORED: stored, SHARDS: ",".join(dict.fromkeys(shards))},
        data=data,
    )
    del manifest["immutable"]
    return manifest


def _secret(
    name: str,
    *,
    namespace: str,
    kind: str,
    component: str,
    labels: Mapping[str, str],
    annotations: Mapping[str, str],
    data: Mapping[str, bytes],
) -> dict[str, Any]:
    return {
        "apiVersion": SECRET.api_version,
        "kind": SECRET.name,
        "metadata": {
            "name": name,
            "namespace": namespace,
            "labels": {**MANAGER, COMPONENT: component, **labels},
            "annotations": dict(annotations),
        },
        "type": kind,
        "immutable": True,
        "data": {key: base64.b64encode(value).decode("ascii") for key, value in data.items()},
    }
