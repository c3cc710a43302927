"""`index.json` of a bundle: which plugins, tags and attached objects it has, in the one form of its bytes (pure).

Entries: the manifest of the bundle itself; plugins in the order of their references; tags of attached objects in the order of
their names; attached objects in the order of their digests. Whoever reads one writes it anew from what was understood and
compares, so that nothing stands in it that somebody else could understand differently.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from supplychain.errors import BundleFileInvalidError
from supplychain.mirror.artifact_form import INDEX_TYPE, canonical
from supplychain.mirror.layout_scan import REF_NAME

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from supplychain.carry.protocols import Document
    from supplychain.mirror.manifests import Index
    from supplychain.reference import OciReference

__all__ = ["BUNDLE_TYPE", "COUNT_NOTE", "PLUGIN_NOTE", "render_index", "small_count"]

BUNDLE_TYPE: Final = "application/vnd.mcpg.bundle.v1+json"
COUNT_NOTE: Final = "dev.mcpg.bundle.small-blobs"
"""Annotation of the index: how many blobs come before the packages."""
PLUGIN_NOTE: Final = "dev.mcpg.bundle.plugin"
"""Annotation of an entry: the reference of the plugin that it is."""


def small_count(index: Index) -> int:
    """Say how many small blobs follow the index.

    Raises:
        BundleFileInvalidError: the index does not say.
    """
    text = index.annotations.get(COUNT_NOTE, "")
    if not text.isascii() or not text.isdigit() or len(text) > 6:  # noqa: PLR2004 — more than an archive may have
        raise BundleFileInvalidError("the index does not say how many blobs there are", expected=f"`{COUNT_NOTE}`")
    return int(text)


def render_index(
    *,
    own: Document,
    plugins: Iterable[tuple[OciReference, Document]],
    tags: Mapping[str, Document],
    attached: Iterable[Document],
    small: int,
) -> bytes:
    """Write the index.

    Args:
        own: the manifest of the bundle itself.
        plugins: every plugin with what its reference leads to.
        tags: everything else that has a name, by `registry/repository:tag`.
        attached: every document with a `subject`.
        small: how many blobs are no packages.
    """
    entries = [{**_entry(own), "artifactType": BUNDLE_TYPE}]
    for reference, document in sorted(plugins, key=lambda one: str(one[0])):
        notes = {PLUGIN_NOTE: str(reference)}
        if reference.tag is not None:
            notes[REF_NAME] = f"{reference.name}:{reference.tag}"
        entries.append({**_entry(document), "annotations": notes})
    entries += [{**_entry(document), "annotations": {REF_NAME: name}} for name, document in sorted(tags.items())]
    entries += [_entry(one) for _, one in sorted({one.digest: one for one in attached}.items())]
    return canonical({"annotations": {COUNT_NOTE: str(small)}, "manifests": entries, "mediaType": INDEX_TYPE, "schemaVersion": 2})


def _entry(document: Document) -> dict[str, object]:
    return {"digest": str(document.digest), "mediaType": document.media_type, "size": len(document.data)}
