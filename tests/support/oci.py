"""A plugin and its signatures as OCI objects, byte for byte as cosign and the packer write them, in a layout or a registry."""

from __future__ import annotations

import hashlib
import json
import ssl
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import httpx

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

__all__ = ["BUNDLE_TYPE", "PLUGIN_TYPE", "Stored", "canonical"]

PLUGIN_TYPE = "application/vnd.mcpg.plugin.v1"
BUNDLE_TYPE = "application/vnd.dev.sigstore.bundle.v0.3+json"
_CONFIG = "application/vnd.mcpg.plugin.config.v1+json"
_PACKAGE = "application/vnd.mcpg.plugin.package.v1+zip"
_EMPTY = "application/vnd.oci.empty.v1+json"
_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
_INDEX = "application/vnd.oci.image.index.v1+json"
_REFERENCE_NAME = "org.opencontainers.image.ref.name"


def canonical(value: Any) -> bytes:
    """Keys sorted, no white space: the form in which the reference packer pushes manifests."""
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


@dataclass(slots=True)
class Stored:
    """Content by digest, and what a layout's `index.json` lists. Descriptors are plain dictionaries, so any can be a lie."""

    blobs: dict[str, bytes] = field(default_factory=dict)
    listed: list[dict[str, Any]] = field(default_factory=list)

    @classmethod
    def read(cls, directory: Path) -> Stored:
        """Read a layout that `write` has written."""
        blobs = {f"sha256:{path.name}": path.read_bytes() for path in sorted((directory / "blobs" / "sha256").iterdir())}
        return cls(blobs=blobs, listed=json.loads((directory / "index.json").read_bytes())["manifests"])

    def blob(self, data: bytes, media_type: str) -> dict[str, Any]:
        """Keep bytes and return their descriptor."""
        digest = f"sha256:{hashlib.sha256(data).hexdigest()}"
        self.blobs[digest] = data
        return {"mediaType": media_type, "digest": digest, "size": len(data)}

    def manifest(self, manifest: Mapping[str, Any], *, tag: str | None = None) -> dict[str, Any]:
        """Keep a manifest or index, list it, and return its descriptor."""
        descriptor = self.blob(canonical(manifest), str(manifest.get("mediaType", _MANIFEST)))
        listed = dict(descriptor)
        if "artifactType" in manifest:
            listed["artifactType"] = manifest["artifactType"]
        if "annotations" in manifest:
            listed["annotations"] = dict(manifest["annotations"])
        if tag is not None:
            listed["annotations"] = {**listed.get("annotations", {}), _REFERENCE_NAME: tag}
        self.listed.append(listed)
        return descriptor

    def plugin(
        self,
        package: bytes,
        *,
        config: Mapping[str, Any],
        tag: str | None = None,
        edit: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        """One package as the packer pushes it; `edit` replaces top-level keys of the manifest."""
        manifest = {
            "schemaVersion": 2,
            "artifactType": PLUGIN_TYPE,
            "config": self.blob(canonical(config), _CONFIG),
            "layers": [self.blob(package, _PACKAGE)],
            **(edit or {}),
        }
        return self.manifest(manifest, tag=tag)

    def index(self, *entries: Mapping[str, Any], tag: str | None = None) -> dict[str, Any]:
        """An image index over manifests."""
        return self.manifest({"schemaVersion": 2, "mediaType": _INDEX, "manifests": list(entries)}, tag=tag)

    def attach(
        self,
        bundle: bytes,
        *,
        subject: Mapping[str, Any],
        predicate_type: str,
        edit: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        """One Sigstore bundle as cosign 3 attaches it."""
        layer = self.blob(bundle, BUNDLE_TYPE)
        manifest = {
            "schemaVersion": 2,
            "mediaType": _MANIFEST,
            "artifactType": BUNDLE_TYPE,
            "config": {**self.blob(b"{}", _EMPTY), "artifactType": BUNDLE_TYPE},
            "layers": [layer],
            "subject": {key: subject[key] for key in ("mediaType", "digest", "size")},
            "annotations": {
                "dev.sigstore.bundle.content": "dsse-envelope",
                "dev.sigstore.bundle.predicateType": predicate_type,
                "org.opencontainers.image.created": "2025-06-02T12:00:00Z",
            },
            **(edit or {}),
        }
        return self.manifest(manifest)

    def write(self, directory: Path) -> None:
        """Write an OCI image layout (image-spec, image-layout.md)."""
        for digest, data in self.blobs.items():
            path = directory / "blobs" / digest.replace(":", "/")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        (directory / "oci-layout").write_bytes(b'{"imageLayoutVersion":"1.0.0"}\n')
        index = {"schemaVersion": 2, "mediaType": _INDEX, "manifests": self.listed}
        (directory / "index.json").write_text(json.dumps(index, indent=2) + "\n", encoding="utf-8")

    def push(self, registry: str, repository: str, *, authorization: str = "", ca_file: Path | None = None) -> None:
        """Copy everything into a registry on loopback, manifests last and subjects before their referrers; with `ca_file` over TLS."""
        origin = f"{'https' if ca_file else 'http'}://{registry}"
        base = f"{origin}/v2/{repository}"
        manifests = {entry["digest"] for entry in self.listed}
        headers = {"Authorization": authorization} if authorization else {}
        trust = True if ca_file is None else ssl.create_default_context(cafile=str(ca_file))
        with httpx.Client(trust_env=False, headers=headers, verify=trust) as client:
            for digest, data in self.blobs.items():
                if digest in manifests:
                    continue
                started = client.post(f"{base}/blobs/uploads/").raise_for_status()
                location = httpx.URL(origin).join(started.headers["Location"])
                client.put(location.copy_merge_params({"digest": digest}), content=data).raise_for_status()
            for entry in self.listed:
                tag = entry.get("annotations", {}).get(_REFERENCE_NAME)
                for name in filter(None, (entry["digest"], tag)):
                    kind = {"Content-Type": entry["mediaType"]}
                    client.put(f"{base}/manifests/{name}", content=self.blobs[entry["digest"]], headers=kind).raise_for_status()
