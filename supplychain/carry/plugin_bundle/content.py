"""A bundle as a source of content: one repository of those that it carries, by the protocol that registries have, too."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from supplychain.digest import ManifestDigest
from supplychain.errors import InvalidReferenceError, NotFoundError
from supplychain.mirror.manifests import PLUGIN_LAYER_TYPE
from supplychain.reference import OciReference
from supplychain.spool import Spool

if TYPE_CHECKING:
    from supplychain.carry.plugin_bundle.inventory import Carried
    from supplychain.carry.plugin_bundle.opened import Bundle
    from supplychain.carry.protocols import Document
    from supplychain.mirror.manifests import OciDescriptor

__all__ = ["BundleContent", "find_plugin_in"]

_SHOWN = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class BundleContent:
    """The repository `name` (`registry/path`) as the bundle carries it; digests are those of the whole bundle."""

    bundle: Bundle
    name: str

    def document(self, lookup: str) -> Document | None:
        """Find a manifest or index by tag or digest; None where there is none."""
        inventory = self.bundle.inventory
        digest = ManifestDigest.parse(lookup) if lookup.startswith("sha256:") else inventory.tags.get((self.name, lookup))
        return None if digest is None else inventory.documents.get(digest)

    def referrers(self, subject: ManifestDigest) -> tuple[OciDescriptor, ...]:
        """List what is attached to `subject`."""
        return tuple(self.bundle.inventory.referrers.get(subject, ()))

    def spool(self, descriptor: OciDescriptor) -> Spool:
        """Read a blob; the caller closes it.

        Raises:
            NotFoundError: the bundle does not carry it.
        """
        if descriptor.media_type == PLUGIN_LAYER_TYPE:
            return self.bundle.spool(descriptor.sha256)
        return Spool.of(self.read(descriptor))

    def read(self, descriptor: OciDescriptor) -> bytes:
        """Read a blob whole; errors as those of `spool`."""
        if descriptor.media_type == PLUGIN_LAYER_TYPE:
            with self.bundle.spool(descriptor.sha256) as spool:
                return bytes(spool.view)
        if descriptor.sha256 not in self.bundle.inventory.small_blobs:
            raise NotFoundError("the bundle lacks a blob", expected=f"`sha256:{descriptor.sha256}`", where=self.bundle.where)
        return self.bundle.inventory.read(descriptor.sha256)


def find_plugin_in(bundle: Bundle, wanted: str | None) -> Carried:
    """Find the plugin that a target names: by its reference, by its digest, by repository with tag or digest, or as the only one.

    Raises:
        InvalidReferenceError: none is named and there are several.
        NotFoundError: the bundle does not carry it.
    """
    plugins = bundle.inventory.plugins
    if wanted is None:
        chosen = plugins
    elif wanted.startswith("sha256:"):
        chosen = [one for one in plugins if one.digest == ManifestDigest.parse(wanted)][:1]
    else:
        reference = OciReference.parse(wanted)
        same = [one for one in plugins if one.reference.name == reference.name]
        chosen = [
            one
            for one in same
            if (reference.tag is None or one.reference.tag == reference.tag) and reference.digest in {None, one.digest}
        ][: None if reference.tag is None and reference.digest is None else 1]
    names = ", ".join(f"`{one.reference}`" for one in plugins[:_SHOWN]) + (" and more" if len(plugins) > _SHOWN else "")
    if len(chosen) == 1:
        return chosen[0]
    if chosen:
        raise InvalidReferenceError(
            "the bundle carries several plugins and none is named", got=names, where=bundle.where, hint="add `:REFERENCE`"
        )
    raise NotFoundError(
        "the bundle does not carry the plugin", expected=f"`{wanted}`", got=names or "no plugin", where=bundle.where
    )
