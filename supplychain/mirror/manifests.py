"""OCI manifests and indexes as values: what they must look like.

Pure: bytes in, frozen values out; nothing here fetches, and no digest is checked here, because only the reader knows under which
digest it asked. Follows the OCI image specification 1.1 (manifest.md, image-index.md, descriptor.md) and the form of plugin
artifacts. The registry client and the image layout reader share these rules.

A document that is both a manifest and an index is refused, because two readers would see different things in it.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from supplychain import strict_json
from supplychain.artifact import Platform
from supplychain.digest import LayerDigest, ManifestDigest
from supplychain.errors import ManifestInvalidError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "INDEX_TYPES",
    "MANIFEST_TYPES",
    "PLUGIN_ARTIFACT_TYPE",
    "PLUGIN_CONFIG_TYPE",
    "PLUGIN_LAYER_TYPE",
    "Index",
    "Manifest",
    "OciDescriptor",
    "libc_of",
    "parse_document",
    "parse_index",
    "parse_json",
    "parse_manifest",
    "parse_oci_descriptor",
    "platform_of",
]

PLUGIN_ARTIFACT_TYPE: Final = "application/vnd.mcpg.plugin.v1"
PLUGIN_CONFIG_TYPE: Final = "application/vnd.mcpg.plugin.config.v1+json"
PLUGIN_LAYER_TYPE: Final = "application/vnd.mcpg.plugin.package.v1+zip"
MANIFEST_TYPES: Final = frozenset(
    {"application/vnd.oci.image.manifest.v1+json", "application/vnd.docker.distribution.manifest.v2+json"}
)
INDEX_TYPES: Final = frozenset(
    {"application/vnd.oci.image.index.v1+json", "application/vnd.docker.distribution.manifest.list.v2+json"}
)

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_MEDIA_TYPE = re.compile(r"[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,126}/[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,126}(?:;[!-~ ]{0,128})?")
_LARGEST = 2**63 - 1
_LIBC_WORDS: Final = {"musl": "musl", "gnu": "gnu", "glibc": "gnu"}
_REF_NAME = "org.opencontainers.image.ref.name"


@dataclass(frozen=True, slots=True, kw_only=True)
class OciDescriptor:
    """A pointer to a blob or manifest: type, SHA-256, size in bytes."""

    media_type: str
    sha256: str
    """Hex."""
    size: int
    artifact_type: str | None = None
    annotations: Mapping[str, str] = field(default_factory=dict)
    platform: Platform | None = None
    """As an index names it; its C library only where `libc_of` can tell."""

    @property
    def layer_digest(self) -> LayerDigest:
        """The digest of what this points to, read as a layer."""
        return LayerDigest(self.sha256)

    @property
    def manifest_digest(self) -> ManifestDigest:
        """The digest of what this points to, read as a manifest or index."""
        return ManifestDigest(self.sha256)


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """An image manifest; `subject` is None where it has none."""

    config: OciDescriptor
    layers: tuple[OciDescriptor, ...]
    artifact_type: str | None = None
    annotations: Mapping[str, str] = field(default_factory=dict)
    subject: OciDescriptor | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Index:
    """An image index. Entries stay unparsed: one bad entry among foreign ones is no reason to refuse the good ones."""

    entries: tuple[object, ...]
    annotations: Mapping[str, str] = field(default_factory=dict)


def parse_json(data: bytes, *, where: str) -> dict[str, Any]:
    """Read one strict JSON object; the caller has bounded `data`.

    Raises:
        ManifestInvalidError: JSON that is broken, ambiguous or too deep, or no object.
    """
    try:
        document = strict_json.loads(data, limit=len(data))
    except strict_json.StrictJsonError as exc:
        raise ManifestInvalidError("not readable as JSON", got=str(exc), where=where) from exc
    if not isinstance(document, dict):
        raise ManifestInvalidError("no JSON object", got=f"`{type(document).__name__}`", where=where)
    return document


def parse_document(data: bytes, *, where: str, declared: str | None = None) -> Manifest | Index:
    """Read an image manifest or an image index.

    Args:
        data: the bytes, already checked against their digest.
        where: a name for people, used in errors.
        declared: the media type that the Content-Type header or the pointing descriptor gave. A type that is neither a manifest's
            nor an index's says nothing and is ignored; one that contradicts the document refuses it.

    Raises:
        ManifestInvalidError: the document breaks the specification.
    """
    document = parse_json(data, where=where)
    is_index = _is_index(document, where=where)
    known = INDEX_TYPES if is_index else MANIFEST_TYPES
    inner = _text(document, "mediaType", where=where)
    if inner is not None and inner not in known:
        raise ManifestInvalidError(
            "`mediaType` contradicts the document", expected=f"`{min(known, key=len)}`", got=f"`{inner[:128]}`", where=where
        )
    outer = (declared or "").partition(";")[0].strip().lower()
    if outer in (MANIFEST_TYPES | INDEX_TYPES) - known or (inner is not None and outer in known and outer != inner):
        raise ManifestInvalidError("served under another media type than the document has", got=f"`{outer}`", where=where)
    annotations = _annotations(document, where=where)
    if is_index:
        return Index(entries=tuple(_list(document, "manifests", where=where)), annotations=annotations)
    subject = document.get("subject")
    return Manifest(
        config=parse_oci_descriptor(document.get("config"), where=f"{where}, `config`"),
        layers=tuple(
            parse_oci_descriptor(layer, where=f"{where}, `layers[{position}]`")
            for position, layer in enumerate(_list(document, "layers", where=where))
        ),
        artifact_type=_text(document, "artifactType", where=where),
        annotations=annotations,
        subject=None if subject is None else parse_oci_descriptor(subject, where=f"{where}, `subject`"),
    )


def _is_index(document: Mapping[str, object], *, where: str) -> bool:
    if type(document.get("schemaVersion")) is not int or document["schemaVersion"] != 2:  # noqa: PLR2004 — the specification's
        got = f"`{json.dumps(document.get('schemaVersion'))[:40]}`"
        raise ManifestInvalidError("unknown manifest schema", expected="`schemaVersion` 2", got=got, where=where)
    is_index, is_manifest = "manifests" in document, "layers" in document or "config" in document
    if is_index == is_manifest:
        what = "both a manifest and an index" if is_index else "neither a manifest nor an index"
        raise ManifestInvalidError(f"the document is {what}", where=where)
    return is_index


def parse_manifest(data: bytes, *, where: str, declared: str | None = None) -> Manifest:
    """Read what must be an image manifest; see `parse_document`."""
    document = parse_document(data, where=where, declared=declared)
    if not isinstance(document, Manifest):
        raise ManifestInvalidError("an image index where an image manifest must stand", where=where)
    return document


def parse_index(data: bytes, *, where: str, declared: str | None = None) -> Index:
    """Read what must be an image index; see `parse_document`."""
    document = parse_document(data, where=where, declared=declared)
    if not isinstance(document, Index):
        raise ManifestInvalidError("an image manifest where an image index must stand", where=where)
    return document


def parse_oci_descriptor(value: object, *, where: str) -> OciDescriptor:
    """Read one descriptor; type, SHA-256 digest and size must be there, `urls` and `data` are never followed.

    Raises:
        ManifestInvalidError: a field is missing or breaks the specification.
    """
    if not isinstance(value, dict):
        raise ManifestInvalidError("no descriptor", expected="an object", got=f"`{type(value).__name__}`", where=where)
    media_type = _text(value, "mediaType", where=where)
    if media_type is None or _MEDIA_TYPE.fullmatch(media_type) is None:
        raise ManifestInvalidError("unusable media type", got=f"`{str(media_type)[:128]}`", where=where)
    digest = _text(value, "digest", where=where)
    if digest is None or _DIGEST.fullmatch(digest) is None:
        expected = "`sha256:` and 64 lower-case hex characters"
        raise ManifestInvalidError("unusable digest", expected=expected, got=f"`{str(digest)[:128]}`", where=where)
    size = value.get("size")
    if type(size) is not int or not 0 <= size <= _LARGEST:
        raise ManifestInvalidError("unusable size", expected="a number of bytes", got=f"`{str(size)[:40]}`", where=where)
    annotations = _annotations(value, where=where)
    return OciDescriptor(
        media_type=media_type,
        sha256=digest.removeprefix("sha256:"),
        size=size,
        artifact_type=_text(value, "artifactType", where=where),
        annotations=annotations,
        platform=platform_of(value.get("platform"), annotations=annotations),
    )


def platform_of(value: object, *, annotations: Mapping[str, str]) -> Platform | None:
    """Read the `platform` object of an index entry; None where it does not name an os and an architecture."""
    if not isinstance(value, dict):
        return None
    os_name, architecture = value.get("os"), value.get("architecture")
    if not (isinstance(os_name, str) and isinstance(architecture, str) and os_name and architecture):
        return None
    return Platform(os=os_name, architecture=architecture, libc=libc_of(value, annotations=annotations))


def libc_of(platform: Mapping[str, object], *, annotations: Mapping[str, str]) -> str | None:
    """Say which C library an index entry is for: `gnu`, `musl`, or None where it does not say.

    OCI has no field for it. Three places are read, the first that speaks counts: a word of `os.features`, `variant`, and the
    tag in the annotation `org.opencontainers.image.ref.name`, where the plugin tag convention writes `…-linux-musl-amd64`.
    """
    features = platform.get("os.features")
    variant = platform.get("variant")
    words: list[object] = [*(features if isinstance(features, list) else ()), variant]
    words += annotations.get(_REF_NAME, "").split("-")
    return next((_LIBC_WORDS[word] for word in words if isinstance(word, str) and word in _LIBC_WORDS), None)


def _text(document: Mapping[str, object], key: str, *, where: str) -> str | None:
    value = document.get(key)
    if value is not None and not isinstance(value, str):
        raise ManifestInvalidError(f"`{key}` is no text", got=f"`{type(value).__name__}`", where=where)
    return value or None


def _list(document: Mapping[str, object], key: str, *, where: str) -> list[object]:
    value = document.get(key)
    if not isinstance(value, list):
        raise ManifestInvalidError(f"`{key}` is no list", got=f"`{type(value).__name__}`", where=where)
    return value


def _annotations(document: Mapping[str, object], *, where: str) -> dict[str, str]:
    value = document.get("annotations")
    if value is None:
        return {}
    if not isinstance(value, dict) or not all(isinstance(text, str) for text in value.values()):
        raise ManifestInvalidError("`annotations` are no texts", where=where)
    return value
