"""Which child of an index, and which layer of a manifest, is the plugin: the rules of the artifact format (pure)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from supplychain.digest import ManifestDigest
from supplychain.errors import ArtifactTooLargeError, ManifestInvalidError, NotAPluginError, PlatformMissingError
from supplychain.mirror.manifests import (
    MANIFEST_TYPES,
    PLUGIN_ARTIFACT_TYPE,
    PLUGIN_CONFIG_TYPE,
    PLUGIN_LAYER_TYPE,
    Index,
    parse_document,
    parse_manifest,
    parse_oci_descriptor,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from supplychain.artifact import Platform
    from supplychain.limits import Limits
    from supplychain.mirror.manifests import Manifest, OciDescriptor

__all__ = ["PluginManifest", "find_plugin", "plugin_layer", "select_child"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PluginManifest:
    """The manifest of one plugin as it was read, and the index that it was chosen from; digests are over these bytes."""

    manifest: bytes = field(repr=False)
    manifest_digest: ManifestDigest
    config: OciDescriptor
    layer: OciDescriptor
    """The package."""
    index: bytes | None = field(default=None, repr=False)
    """None where the manifest was named itself; so are the two below."""
    index_digest: ManifestDigest | None = None
    platform: Platform | None = None
    """As the index names it; None also where it does not."""


def find_plugin(
    data: bytes,
    *,
    child: Callable[[OciDescriptor], bytes],
    platform: Platform,
    limits: Limits,
    where: Callable[[ManifestDigest], str],
    declared: str | None = None,
) -> PluginManifest:
    """Go from what a reference names, a manifest or an index, to the package of the plugin for `platform`.

    `child` reads the manifest that an entry of an index points to, and holds it to its digest. `where` says what a person would
    call the document of a digest, `declared` is the media type that `data` came with.

    Raises:
        ManifestError: not one plugin package, or none for the platform.
        ArtifactTooLargeError: as `plugin_layer`; and all that `child` raises.
    """
    top = digest = ManifestDigest.of(data)
    document = parse_document(data, where=where(top), declared=declared)
    chosen = None
    manifest = data
    if isinstance(document, Index):
        chosen = select_child(document, platform=platform, where=where(top))
        digest = chosen.manifest_digest
        manifest = child(chosen)
        document = parse_manifest(manifest, where=where(digest), declared=chosen.media_type)
    return PluginManifest(
        manifest=manifest,
        manifest_digest=digest,
        config=document.config,
        layer=plugin_layer(document, limits=limits, where=where(digest)),
        index=None if chosen is None else data,
        index_digest=None if chosen is None else top,
        platform=None if chosen is None else chosen.platform,
    )


def select_child(index: Index, *, platform: Platform, where: str) -> OciDescriptor:
    """Choose the one manifest of an index that is for `platform`.

    Os and architecture must be equal. Where `platform` names a C library, an entry for the other one never counts, and an entry
    that says it is for this one wins over entries that say nothing. Whatever is left must be one manifest: nothing is guessed.

    Raises:
        ManifestInvalidError: an entry is no descriptor, or the chosen one is no manifest.
        PlatformMissingError: no entry fits, or several do.
    """
    entries = [
        parse_oci_descriptor(entry, where=f"{where}, `manifests[{position}]`") for position, entry in enumerate(index.entries)
    ]
    fitting = [
        entry
        for entry in entries
        if entry.platform is not None
        and (entry.platform.os, entry.platform.architecture) == (platform.os, platform.architecture)
        and (platform.libc is None or entry.platform.libc in {None, platform.libc})
    ]
    if platform.libc is not None:
        declared = [entry for entry in fitting if entry.platform is not None and entry.platform.libc == platform.libc]
        fitting = declared or fitting
    if len({entry.sha256 for entry in fitting}) != 1:
        found = sorted({str(entry.platform) for entry in fitting or entries if entry.platform is not None})
        raise PlatformMissingError(
            "several manifests of the index fit the platform" if fitting else "the index has no manifest for the platform",
            expected=f"`{platform}`",
            got=", ".join(f"`{name[:80]}`" for name in found[:16]) or "no platform at all",
            where=where,
        )
    if fitting[0].media_type not in MANIFEST_TYPES:
        raise ManifestInvalidError("an index entry is no image manifest", got=f"`{fitting[0].media_type}`", where=where)
    return fitting[0]


def plugin_layer(manifest: Manifest, *, limits: Limits, where: str) -> OciDescriptor:
    """Return the one layer of a plugin manifest: the package.

    The artifact type or the config's media type must be the plugin's; registries that do not know `artifactType` drop it, and
    tools that know it leave the config empty.

    Raises:
        NotAPluginError: something other than one plugin package.
        ArtifactTooLargeError: the layer's declared size is above `limits.package`.
    """
    if manifest.artifact_type != PLUGIN_ARTIFACT_TYPE and manifest.config.media_type != PLUGIN_CONFIG_TYPE:
        got = manifest.artifact_type or manifest.config.media_type
        raise NotAPluginError("another kind of artifact", expected=f"`{PLUGIN_ARTIFACT_TYPE}`", got=f"`{got[:128]}`", where=where)
    if len(manifest.layers) != 1:
        raise NotAPluginError("not one package layer", expected="1 layer", got=f"{len(manifest.layers)} layers", where=where)
    layer = manifest.layers[0]
    if layer.media_type != PLUGIN_LAYER_TYPE:
        raise NotAPluginError(
            "another kind of layer", expected=f"`{PLUGIN_LAYER_TYPE}`", got=f"`{layer.media_type}`", where=where
        )
    if layer.size > limits.package:
        raise ArtifactTooLargeError(
            "the package is too large", expected=f"at most {limits.package} bytes", got=f"{layer.size} bytes", where=where
        )
    return layer
