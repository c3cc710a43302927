"""The OCI documents that are written: a plugin's config and manifest, and the manifest that attaches a bundle to it. Pure.

All of them are JSON in one canonical form, keys sorted and no white space, so that equal input gives equal digests. The plugin
manifest is that of the artifact format (media types, one layer, no annotations, no `mediaType` of its own); the referrer manifest
is what cosign 3 writes beside an image it signs.
"""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any, Final

from supplychain import strict_json
from supplychain.digest import ConfigDigest
from supplychain.errors import BundleInvalidError
from supplychain.mirror.collect import BUNDLE_PREFIX
from supplychain.mirror.manifests import PLUGIN_ARTIFACT_TYPE, PLUGIN_CONFIG_TYPE, PLUGIN_LAYER_TYPE

if TYPE_CHECKING:
    from datetime import datetime

    from supplychain.artifact import PluginPackage
    from supplychain.digest import LayerDigest, ManifestDigest

__all__ = ["EMPTY_CONFIG", "INDEX_TYPE", "MANIFEST_TYPE", "bundle_manifest", "canonical", "plugin_config", "plugin_manifest"]

MANIFEST_TYPE: Final = "application/vnd.oci.image.manifest.v1+json"
INDEX_TYPE: Final = "application/vnd.oci.image.index.v1+json"
EMPTY_CONFIG: Final = b"{}"
_EMPTY_TYPE: Final = "application/vnd.oci.empty.v1+json"
_LARGEST_BUNDLE: Final = 8 * 1024 * 1024


def canonical(value: object) -> bytes:
    """Write JSON with sorted keys and no white space, in UTF-8."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def plugin_config(package: PluginPackage) -> bytes:
    """Write the config blob: what the descriptor says, and whether the package holds a signature."""
    descriptor = package.descriptor
    return canonical(
        {
            "class": descriptor.plugin_class,
            "has_signature": package.signature is not None,
            "id": descriptor.id,
            "name": descriptor.name,
            "protocol_version": descriptor.protocol_version,
            "runtime": descriptor.runtime,
            "schema": descriptor.schema,
        }
    )


def plugin_manifest(*, layer: LayerDigest, size: int, config: bytes) -> bytes:
    """Write the manifest of a package of `size` bytes."""
    return canonical(
        {
            "artifactType": PLUGIN_ARTIFACT_TYPE,
            "config": {"digest": str(ConfigDigest.of(config)), "mediaType": PLUGIN_CONFIG_TYPE, "size": len(config)},
            "layers": [{"digest": str(layer), "mediaType": PLUGIN_LAYER_TYPE, "size": size}],
            "schemaVersion": 2,
        }
    )


def bundle_manifest(bundle: bytes, *, subject: ManifestDigest, size: int, media_type: str, created: datetime | None) -> bytes:
    """Write the manifest that attaches `bundle` to the manifest or index `subject` of `size` bytes and type `media_type`.

    Raises:
        BundleInvalidError: the bytes are no Sigstore bundle, so nobody would find what they are.
    """
    document = _bundle(bundle)
    kind = document["mediaType"]
    annotations = {"dev.sigstore.bundle.content": "dsse-envelope" if "dsseEnvelope" in document else "message-signature"}
    predicate = _predicate_type(document)
    if predicate is not None:
        annotations["dev.sigstore.bundle.predicateType"] = predicate
    if created is not None:
        annotations["org.opencontainers.image.created"] = created.strftime("%Y-%m-%dT%H:%M:%SZ")
    return canonical(
        {
            "annotations": annotations,
            "artifactType": kind,
            "config": {
                "artifactType": kind,
                "digest": str(ConfigDigest.of(EMPTY_CONFIG)),
                "mediaType": _EMPTY_TYPE,
                "size": len(EMPTY_CONFIG),
            },
            "layers": [{"digest": str(ConfigDigest.of(bundle)), "mediaType": kind, "size": len(bundle)}],
            "mediaType": MANIFEST_TYPE,
            "schemaVersion": 2,
            "subject": {"digest": str(subject), "mediaType": media_type, "size": size},
        }
    )


def _bundle(data: bytes) -> dict[str, Any]:
    try:
        document = strict_json.loads(data, limit=_LARGEST_BUNDLE)
    except strict_json.StrictJsonError as exc:
        raise BundleInvalidError("not readable as JSON", got=str(exc)) from exc
    fields: dict[str, Any] = document if isinstance(document, dict) else {}
    media_type = fields.get("mediaType")
    if not isinstance(media_type, str) or not media_type.startswith(BUNDLE_PREFIX):
        expected = f"`mediaType` `{BUNDLE_PREFIX}…`"
        raise BundleInvalidError("no Sigstore bundle", expected=expected, got=f"`{str(media_type)[:128]}`")
    return fields


def _predicate_type(document: dict[str, Any]) -> str | None:
    """Look into the signed statement; None where there is none that can be read."""
    envelope = document.get("dsseEnvelope")
    payload = envelope.get("payload") if isinstance(envelope, dict) else None
    try:
        statement = strict_json.loads(base64.b64decode(payload or ""), limit=_LARGEST_BUNDLE)
    except (ValueError, TypeError):
        return None
    predicate = statement.get("predicateType") if isinstance(statement, dict) else None
    return predicate if isinstance(predicate, str) else None
