"""Lists of referrers under fallback tags, merged so that writers who know nothing of each other lose nothing (pure).

A registry without referrers API has no way to change a tag only if it is still what was read. Whoever adds an entry therefore
reads the list, writes it with the entry, and reads it again: at once, and once more after a pause that is several times longer
than reading and writing take. Whatever was ever seen in the list and is missing now was lost to a writer who had read before; it
is merged in again. So an entry can get lost only to somebody who holds a list back for longer than that pause.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from supplychain.mirror.artifact_form import INDEX_TYPE, canonical
from supplychain.mirror.manifests import parse_index, parse_json

if TYPE_CHECKING:
    from supplychain.mirror.manifests import OciDescriptor

__all__ = ["ReferrersList", "as_entry"]


@dataclass(slots=True)
class ReferrersList:
    """What is known of one list: every entry that was ever seen in it, and those that were added here."""

    where: str
    """For people: repository and tag."""
    _known: dict[str, dict[str, Any]] = field(default_factory=dict)

    def add(self, entry: OciDescriptor) -> None:
        """Want `entry` in the list."""
        self._known.setdefault(f"sha256:{entry.sha256}", as_entry(entry))

    def merge(self, data: bytes | None) -> bytes | None:
        """Compare what stands there now; return what must be written in its place, or None where nothing is missing.

        Entries of others stay as they are, in their order, with fields that nobody here knows.

        Raises:
            ManifestInvalidError: what stands there is no image index.
        """
        document: dict[str, Any] = {"manifests": [], "mediaType": INDEX_TYPE, "schemaVersion": 2}
        if data is not None:
            parse_index(data, where=self.where)
            document = parse_json(data, where=self.where)
        there: list[Any] = document["manifests"]
        digests = {entry.get("digest") for entry in there if isinstance(entry, dict)}
        missing = [entry for digest, entry in self._known.items() if digest not in digests]
        for entry in there:
            if isinstance(entry, dict) and isinstance(entry.get("digest"), str):
                self._known.setdefault(entry["digest"], entry)
        return canonical({**document, "manifests": [*there, *missing]}) if missing else None


def as_entry(descriptor: OciDescriptor) -> dict[str, Any]:
    """Write a descriptor as an entry of a list of referrers."""
    entry: dict[str, Any] = {
        "digest": str(descriptor.manifest_digest),
        "mediaType": descriptor.media_type,
        "size": descriptor.size,
    }
    if descriptor.artifact_type is not None:
        entry["artifactType"] = descriptor.artifact_type
    if descriptor.annotations:
        entry["annotations"] = dict(descriptor.annotations)
    return entry
