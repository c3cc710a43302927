"""What a registry serves: manifests and indexes."""

from __future__ import annotations

import json
from typing import Any

from supplychain.artifact import Platform
from supplychain.limits import Limits
from supplychain.mirror.manifests import Index, parse_document
from supplychain.mirror.plugin_manifest import plugin_layer, select_child
from tests.fuzz.seeds import shipped
from tests.fuzz.target import Shape, Target

__all__ = ["TARGETS"]

_LIMITS = Limits()


def _documents() -> dict[str, bytes]:
    """Every manifest and index in the layouts of the good cases that a plugin can be found by."""
    found = shipped("layout/index.json") | shipped("layout/blobs/sha256/*")
    manifests = {name: data for name, data in found.items() if data[:1] == b"{" and b'"schemaVersion"' in data}
    return {name: data for name, data in manifests.items() if _is_plugins(json.loads(data))}


def _is_plugins(document: Any) -> bool:
    if "layers" in document:
        return document.get("artifactType") == "application/vnd.mcpg.plugin.v1"
    return any(one.get("platform", {}).get("architecture") == "amd64" for one in document["manifests"])


def _judge(data: bytes) -> None:
    document = parse_document(data, where="fuzzed")
    other = json.loads(data)
    if isinstance(document, Index):
        child = select_child(document, platform=Platform(os="linux", architecture="amd64"), where="fuzzed")
        assert any(entry["digest"] == str(child.manifest_digest) for entry in other["manifests"])
        assert child.size >= 0
        return
    layer = plugin_layer(document, limits=_LIMITS, where="fuzzed")
    assert [str(one.layer_digest) for one in document.layers] == [one["digest"] for one in other["layers"]]
    assert layer in document.layers
    assert 0 <= layer.size <= _LIMITS.package


_TOKENS = ("mediaType", "artifactType", "subject", "config", "layers", "manifests", "platform", "annotations", "data", "urls", "size", "digest",
           "application/vnd.oci.image.index.v1+json", "application/vnd.oci.image.manifest.v1+json", "sha512:" + "0" * 128)  # fmt: skip
TARGETS = (Target(name="oci", shape=Shape.JSON, good=_documents, judge=_judge, tokens=_TOKENS),)
