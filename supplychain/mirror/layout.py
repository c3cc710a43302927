"""A plugin in an OCI image layout directory (OCI image specification 1.1, image-layout.md).

The target is an entry of `index.json` by its annotation `org.opencontainers.image.ref.name`, any blob by digest, or, when neither
is said, the one plugin that is there. Nothing in the layout is believed: `blobs` checks every byte that is used, `layout_scan`
finds the evidence.
"""

from __future__ import annotations

import re
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self

from supplychain.artifact import PulledArtifact
from supplychain.errors import InvalidReferenceError, ManifestInvalidError, NotAPluginError, NotFoundError, VerificationError
from supplychain.limits import Limits
from supplychain.mirror.blobs import BlobStore
from supplychain.mirror.layout_scan import MAX_ENTRIES, MAX_SCANNED, REF_NAME, LayoutScan, is_evidence, parse_entries
from supplychain.mirror.manifests import (
    PLUGIN_ARTIFACT_TYPE,
    PLUGIN_CONFIG_TYPE,
    Index,
    Manifest,
    OciDescriptor,
)
from supplychain.mirror.plugin_manifest import find_plugin

if TYPE_CHECKING:
    from types import TracebackType

    from supplychain.artifact import EvidenceSet, Platform
    from supplychain.digest import ManifestDigest

__all__ = ["LayoutSource"]

_UNKNOWN_TYPE: Final = "application/octet-stream"
_TAG: Final = re.compile(r"[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}")
_SHOWN: Final = 16
_NAME_IT: Final = "add `:TAG` or `@sha256:…` to the path"


class LayoutSource:
    """The plugin at `path`, chosen by `tag` or `digest`, or by being the only one.

    Raises:
        InvalidReferenceError: both a tag and a digest.
        UnreadableFileError: the path is no directory that can be read.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        tag: str | None = None,
        digest: ManifestDigest | None = None,
        limits: Limits | None = None,
    ) -> None:
        if tag is not None and digest is not None:
            raise InvalidReferenceError("a layout target has a tag or a digest, not both", got=f"`{tag[:140]}` and `{digest}`")
        self._path = Path(path)
        self._tag = tag
        self._digest = digest
        self._limits = limits if limits is not None else Limits()
        self._store = BlobStore(self._path)

    def close(self) -> None:
        """Give the directory back."""
        self._store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def resolve(self) -> ManifestDigest:
        """Say which manifest or index the target names, whatever it holds; unnamed, the only one that is no evidence.

        Raises:
            InputError: no image layout, or it has several images and none is named.
            VerificationError: `index.json` is refused.
            NotFoundError: the layout lacks what was asked for.
        """
        if self._digest is not None:
            return self._digest
        where = f"{self._store.where}, `index.json`"
        listed, _ = parse_entries(self._store.index(limit=self._limits.manifest), where=where)
        named = [entry for entry in listed if entry.annotations.get(REF_NAME) == self._tag]
        chosen = named if self._tag is not None else [entry for entry in listed if not is_evidence(entry)]
        return self._one(chosen, listed=listed).manifest_digest

    def pull(self, *, platform: Platform) -> PulledArtifact:
        """Read the package; the caller closes its spool.

        Raises:
            InputError: no image layout, or it has several plugins and none is named.
            VerificationError: the layout, a digest, or what it holds is refused.
            NotFoundError: the layout lacks what was asked for.
        """
        entry, tag = self._target()
        read = partial(self._store.read, limit=self._limits.manifest)
        found = find_plugin(
            read(entry),
            child=read,
            platform=platform,
            limits=self._limits,
            where=lambda digest: f"{self._store.where}, manifest {digest}",
            declared=entry.media_type,
        )
        # nothing is decided by the config, so it may be absent; one that is there must be the one that was promised
        with suppress(NotFoundError):
            self._store.read(found.config, limit=self._limits.config)
        return PulledArtifact(
            source=f"oci-layout:{self._path}@{found.manifest_digest}",
            package=self._store.spool(found.layer, limit=self._limits.package),
            layer_digest=found.layer.layer_digest,
            manifest_digest=found.manifest_digest,
            index_digest=found.index_digest,
            tag=tag,
            platform=entry.platform if found.index is None else found.platform,
            manifest=found.manifest,
            index=found.index,
        )

    def evidence(self, digest: ManifestDigest, *, thorough: bool = False) -> EvidenceSet:  # noqa: ARG002 — nothing costs requests
        """Collect what the layout holds about `digest`.

        Raises:
            UnreadableFileError: no image layout, or a file of it cannot be read.
            VerificationError: `index.json` is refused; any other broken object is only skipped.
        """
        return LayoutScan(store=self._store, subject=digest, limits=self._limits).collect()

    def _target(self) -> tuple[OciDescriptor, str | None]:
        index = self._store.index(limit=self._limits.manifest)
        if self._digest is not None:
            size = self._store.size(self._digest.hex)
            return OciDescriptor(media_type=_UNKNOWN_TYPE, sha256=self._digest.hex, size=size), None
        listed, broken = parse_entries(index, where=f"{self._store.where}, `index.json`")
        if self._tag is None:
            chosen = self._plugins(listed)
        else:
            chosen = [entry for entry in listed if entry.annotations.get(REF_NAME) == self._tag]
        if broken and not chosen:
            raise broken[0]
        target = self._one(chosen, listed=listed)
        name = target.annotations.get(REF_NAME, "")
        return target, name if _TAG.fullmatch(name) else None

    def _plugins(self, listed: list[OciDescriptor]) -> list[OciDescriptor]:
        """Find the entries that may be the plugin meant; one that cannot be read may be, so that pulling it says why."""
        if len(listed) > MAX_ENTRIES or sum(entry.size for entry in listed) > MAX_SCANNED:
            raise InvalidReferenceError(
                "the layout is too large to look for its only plugin", where=self._store.where, hint=_NAME_IT
            )
        choices: list[OciDescriptor] = []
        children: set[object] = set()
        for entry in listed:
            if is_evidence(entry):
                continue
            try:
                document = self._document(entry)
            except (VerificationError, NotFoundError):
                choices.append(entry)
                continue
            if isinstance(document, Index):
                children.update(child.get("digest") for child in document.entries if isinstance(child, dict))
                choices.append(entry)
            elif document.subject is None and _is_plugin(document):
                choices.append(entry)
        return [entry for entry in choices if str(entry.manifest_digest) not in children]

    def _one(self, chosen: list[OciDescriptor], *, listed: list[OciDescriptor]) -> OciDescriptor:
        where, names = self._store.where, _names(chosen or listed)
        if len({entry.sha256 for entry in chosen}) == 1:
            return chosen[0]
        if chosen and self._tag is None:
            raise InvalidReferenceError(
                "the layout holds several images and none is named", got=names, where=where, hint=_NAME_IT
            )
        if chosen:
            raise ManifestInvalidError(f"the tag `{self._tag}` stands at several manifests", got=names, where=where)
        if not listed:
            raise NotFoundError("the layout is empty", where=where)
        if self._tag is None:
            raise NotAPluginError("the layout holds no plugin", expected=f"`{PLUGIN_ARTIFACT_TYPE}`", got=names, where=where)
        raise NotFoundError("the layout lacks the tag", expected=f"`{self._tag}`", got=names, where=where)

    def _document(self, descriptor: OciDescriptor) -> Manifest | Index:
        return self._store.document(descriptor, limit=self._limits.manifest)


def _is_plugin(manifest: Manifest) -> bool:
    return manifest.artifact_type == PLUGIN_ARTIFACT_TYPE or manifest.config.media_type == PLUGIN_CONFIG_TYPE


def _names(entries: list[OciDescriptor]) -> str:
    """Name entries by tag where they have one; two of the same tag by their digests."""
    tags = [entry.annotations.get(REF_NAME, "") for entry in entries]
    shown = [
        f"`{tag[:80]}`" if tag and tags.count(tag) == 1 else f"`{entry.manifest_digest}`"
        for tag, entry in zip(tags[:_SHOWN], entries, strict=False)
    ]
    return ", ".join(shown) + (f" and {len(entries) - _SHOWN} more" if len(entries) > _SHOWN else "")
