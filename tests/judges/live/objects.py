"""The evidence that is attached to an image, as values that a case can change, and back into registry objects.

    {"bundles": [{"content": {…the bundle…}, "manifest": {…what differs from cosign's own manifest…}}],
     "sig": [{"payload": "…", "type": "…", "notes": {"signature": "…", "certificate": "…", "log": {…}}}], "att": […]}

Annotations are called by short names, and those that hold JSON stand here as JSON. What is written back unchanged is what was read, byte for byte, but for the
manifest around it.
"""

from __future__ import annotations

import copy
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import httpx

from tests.support.oci import BUNDLE_TYPE, Stored, canonical

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Attached", "push_attached", "read_attached"]

_BUNDLE_NOTE = "dev.sigstore.bundle."
_CONFIG_TYPE = "application/vnd.oci.image.config.v1+json"
_NOTES = {
    "signature": "dev.cosignproject.cosign/signature",
    "certificate": "dev.sigstore.cosign/certificate",
    "chain": "dev.sigstore.cosign/chain",
    "log": "dev.sigstore.cosign/bundle",
    "timestamp": "dev.sigstore.cosign/rfc3161timestamp",
    "predicate type": "predicateType",
}
"""Annotations of a layer, by what they are called here."""
_JSON_NOTES = ("log", "timestamp")


@dataclass(slots=True)
class Attached:
    """What hangs on one image."""

    tree: dict[str, list[Any]] = field(default_factory=lambda: {"bundles": [], "sig": [], "att": []})

    @classmethod
    def of_bundle(cls, content: dict[str, Any]) -> Attached:
        """One bundle, attached as cosign attaches signatures."""
        return cls({"bundles": [{"content": content, "manifest": {}}], "sig": [], "att": []})

    def copy(self) -> Attached:
        """A copy to change."""
        return Attached(copy.deepcopy(self.tree))

    def add(self, other: Attached) -> None:
        """Attach what hangs on another one as well."""
        for kind, objects in other.copy().tree.items():
            self.tree[kind] += objects


def read_attached(reference: str) -> Attached:
    """Read what cosign attached to an image; `reference` names it by digest."""
    name, _, digest = reference.partition("@")
    host, _, repository = name.partition("/")
    attached = Attached()
    accept = "application/vnd.oci.image.manifest.v1+json, application/vnd.oci.image.index.v1+json"
    base = f"http://{host}/v2/{repository}/"
    with httpx.Client(trust_env=False, base_url=base, headers={"Accept": accept}) as client:
        for manifest in _referrers(client, digest):
            if manifest["layers"][0]["mediaType"].startswith("application/vnd.dev.sigstore.bundle"):
                content = client.get(f"blobs/{manifest['layers'][0]['digest']}").raise_for_status().json()
                kept = {"annotations": manifest["annotations"]}
                attached.tree["bundles"].append({"content": content, "manifest": kept})
        for kind in ("sig", "att"):
            answer = client.get(f"manifests/{digest.replace(':', '-')}.{kind}")
            layers = answer.json()["layers"] if answer.is_success else []
            attached.tree[kind] = [_read_layer(client, layer) for layer in layers]
    return attached


def _referrers(client: httpx.Client, digest: str) -> list[Any]:
    answer = client.get(f"referrers/{digest}")
    if not answer.is_success:
        answer = client.get(f"manifests/{digest.replace(':', '-')}")
    entries = answer.json()["manifests"] if answer.is_success else []
    return [client.get(f"manifests/{entry['digest']}").raise_for_status().json() for entry in entries]


def _read_layer(client: httpx.Client, layer: Mapping[str, Any]) -> dict[str, Any]:
    found = {name: layer["annotations"][key] for name, key in _NOTES.items() if key in layer["annotations"]}
    notes = {name: json.loads(text) if name in _JSON_NOTES else text for name, text in found.items()}
    payload = client.get(f"blobs/{layer['digest']}").raise_for_status().text
    return {"payload": payload, "type": layer["mediaType"], "notes": notes}


def push_attached(
    attached: Attached, *, image: Stored, subject: Mapping[str, Any], host: str, repository: str, fallback: bool = False
) -> None:
    """Push an image with what hangs on it; with `fallback`, its referrers are listed under the tag that is made of its digest."""
    stored = Stored(blobs=dict(image.blobs), listed=list(image.listed))
    tag = str(subject["digest"]).replace(":", "-")
    referrers = [_attach(stored, bundle, subject=subject) for bundle in attached.tree["bundles"]]
    if fallback:
        stored.index(*referrers, tag=tag)
    for kind in ("sig", "att"):
        if attached.tree[kind]:
            stored.manifest(_legacy_manifest(stored, attached.tree[kind]), tag=f"{tag}.{kind}")
    stored.push(host, repository)


def _attach(stored: Stored, bundle: Mapping[str, Any], *, subject: Mapping[str, Any]) -> dict[str, Any]:
    edit = dict(bundle["manifest"])
    content = json.dumps(bundle["content"], separators=(",", ":")).encode()
    layer = stored.blob(content, edit.pop("layer type", BUNDLE_TYPE))
    edit["layers"] = [layer] * edit.pop("copies", 1)
    return stored.attach(content, subject=subject, predicate_type="", edit=edit)


def _legacy_manifest(stored: Stored, layers: list[Any]) -> dict[str, Any]:
    described = []
    for layer in layers:
        notes = {_NOTES[name]: note if isinstance(note, str) else json.dumps(note) for name, note in layer["notes"].items()}
        described.append({**stored.blob(layer["payload"].encode(), layer["type"]), "annotations": notes})
    config = {
        "architecture": "",
        "created": "0001-01-01T00:00:00Z",
        "os": "",
        "rootfs": {"type": "layers", "diff_ids": [one["digest"] for one in described]},
        "config": {},
    }
    return {
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": stored.blob(canonical(config), _CONFIG_TYPE),
        "layers": described,
    }
