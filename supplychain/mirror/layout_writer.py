"""Writing plugins and their evidence into OCI image layouts.

A new layout is built beside its place and moved there in one step. In a layout that is there already, blobs come first and
`index.json` is replaced last, so that a reader sees the state before or the state after, and never half of it.
"""

from __future__ import annotations

import secrets
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from supplychain.digest import ConfigDigest, LayerDigest, ManifestDigest
from supplychain.errors import InvalidReferenceError, OutputError
from supplychain.files import read_bounded, write_atomically
from supplychain.limits import Limits
from supplychain.mirror.artifact_form import (
    EMPTY_CONFIG,
    INDEX_TYPE,
    MANIFEST_TYPE,
    bundle_manifest,
    canonical,
    plugin_config,
    plugin_manifest,
)
from supplychain.mirror.blobs import INDEX_FILE, LAYOUT_FILE, LAYOUT_VERSION, BlobStore
from supplychain.mirror.files import spool_file
from supplychain.mirror.layout_scan import REF_NAME
from supplychain.mirror.manifests import Index, OciDescriptor, parse_json
from supplychain.package import unpack
from supplychain.reference import OciReference

if TYPE_CHECKING:
    from datetime import datetime

    from typing_extensions import Buffer

    from supplychain.spool import Spool

__all__ = ["attach_to_layout", "write_layout"]

_BLOBS: Final = Path("blobs", "sha256")


def write_layout(path: Path, *, package: Path | Spool, tag: str, limits: Limits | None = None) -> ManifestDigest:
    """Add a package to the image layout `path` under `tag`, and make the layout where there is none.

    A tag that stands already is moved. The documents are the same as those that `push` sends.

    Raises:
        InvalidReferenceError: `tag` is none.
        UnreadableFileError: the package or the layout cannot be read.
        OutputError: the layout cannot be written, or the directory holds something else.
        VerificationError: the package is refused.
    """
    limits = limits if limits is not None else Limits()
    if OciReference.parse(f"layout.invalid/plugin:{tag}").tag != tag:
        raise InvalidReferenceError("unusable tag", got=f"`{tag[:140]}`")
    if isinstance(package, Path):
        with spool_file(package, limit=limits.package) as spool:
            return write_layout(path, package=spool, tag=tag, limits=limits)
    opened = unpack(package, limits=limits)
    with opened.artifact:
        config = plugin_config(opened)
    manifest = plugin_manifest(layer=LayerDigest(package.sha256), size=package.size, config=config)
    entry = _entry(manifest, annotations={REF_NAME: tag})
    blobs: dict[str, Buffer | Spool] = {
        package.sha256: package,
        ConfigDigest.of(config).hex: config,
        ManifestDigest.of(manifest).hex: manifest,
    }
    _add(path, blobs=blobs, entry=entry, limits=limits)
    return ManifestDigest.of(manifest)


def attach_to_layout(
    path: Path, *, subject: ManifestDigest, bundle: bytes, created: datetime | None = None, limits: Limits | None = None
) -> ManifestDigest:
    """Attach a Sigstore bundle to `subject`, which the layout `path` holds, in the form that cosign 3 writes.

    Args:
        path: the layout.
        subject: a manifest or index.
        bundle: JSON; it is not judged.
        created: UTC, for the annotation that cosign writes; none is written without it.
        limits: bounds for what is read.

    Returns:
        The digest of the new manifest.

    Raises:
        BundleInvalidError: the bytes are no Sigstore bundle.
        UnreadableFileError: there is no layout.
        NotFoundError: the layout lacks `subject`.
        VerificationError: the layout is refused.
        OutputError: the layout cannot be written.
    """
    limits = limits if limits is not None else Limits()
    store = BlobStore(path)
    try:
        store.index(limit=limits.manifest)
        size = store.size(subject.hex)
        descriptor = OciDescriptor(media_type="application/octet-stream", sha256=subject.hex, size=size)
        is_index = isinstance(store.document(descriptor, limit=limits.manifest), Index)
    finally:
        store.close()
    manifest = bundle_manifest(
        bundle, subject=subject, size=size, media_type=INDEX_TYPE if is_index else MANIFEST_TYPE, created=created
    )
    fields = parse_json(manifest, where="the new manifest")
    entry = {**_entry(manifest, annotations=fields["annotations"]), "artifactType": fields["artifactType"]}
    blobs: dict[str, Buffer | Spool] = {ConfigDigest.of(data).hex: data for data in (EMPTY_CONFIG, bundle, manifest)}
    _add(path, blobs=blobs, entry=entry, limits=limits)
    return ManifestDigest.of(manifest)


def _entry(manifest: bytes, *, annotations: dict[str, str]) -> dict[str, Any]:
    return {
        "annotations": annotations,
        "digest": str(ManifestDigest.of(manifest)),
        "mediaType": MANIFEST_TYPE,
        "size": len(manifest),
    }


def _add(path: Path, *, blobs: dict[str, Buffer | Spool], entry: dict[str, Any], limits: Limits) -> None:
    try:
        if path.exists():
            _fill(path, blobs=blobs, entry=entry, limits=limits)
            return
        stage = path.with_name(f".{path.name[:32]}.{secrets.token_hex(8)}")
        stage.mkdir()
        try:
            _fill(stage, blobs=blobs, entry=entry, limits=limits)
            stage.rename(path)
        except BaseException:
            shutil.rmtree(stage, ignore_errors=True)
            raise
    except (OSError, ValueError) as exc:  # ValueError: a NUL in the path
        cause = (exc.strerror if isinstance(exc, OSError) else None) or str(exc)
        raise OutputError("cannot write the layout", got=cause, where=f"`{path}`") from exc


def _fill(path: Path, *, blobs: dict[str, Buffer | Spool], entry: dict[str, Any], limits: Limits) -> None:
    if not (path / LAYOUT_FILE).exists() and any(path.iterdir()):
        raise OutputError("the directory holds something other than an image layout", where=f"`{path}`")
    index = _index(path, limits=limits)
    (path / _BLOBS).mkdir(parents=True, exist_ok=True)
    for sha256, data in blobs.items():
        write_atomically(path / _BLOBS / sha256, data)
    write_atomically(path / LAYOUT_FILE, canonical({"imageLayoutVersion": LAYOUT_VERSION}))
    index["manifests"] = [other for other in index["manifests"] if not _replaces(entry, other)] + [entry]
    write_atomically(path / INDEX_FILE, canonical(index))


def _index(path: Path, *, limits: Limits) -> dict[str, Any]:
    if not (path / INDEX_FILE).exists():
        return {"manifests": [], "mediaType": INDEX_TYPE, "schemaVersion": 2}
    store = BlobStore(path)
    try:
        store.index(limit=limits.manifest)
    finally:
        store.close()
    return parse_json(read_bounded(path / INDEX_FILE, limit=limits.manifest), where=f"`{path / INDEX_FILE}`")


def _replaces(entry: dict[str, Any], other: Any) -> bool:
    """Whether `other` is the same entry, or holds the tag that `entry` takes."""
    if not isinstance(other, dict):
        return False
    annotations = other.get("annotations")
    name = annotations.get(REF_NAME) if isinstance(annotations, dict) else None
    return name == entry["annotations"].get(REF_NAME) and (name is not None or other.get("digest") == entry["digest"])
