"""Images of the SLSA container generator as `cosign save` leaves them on disk, judged by the command as a user would."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

from supplychain.cli.main import main
from tests.support.components import evidence_directory

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

KIND = "kind"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"


def entries() -> list[dict[str, Any]]:
    listed = json.loads((evidence_directory() / "MANIFEST.json").read_bytes())
    return [entry for entry in listed if "attestation_manifest" in entry["files"]]


def save(entry: dict[str, Any], folder: Path) -> None:
    """Write what `cosign save` writes: the image by its digest, and its attestations as a second entry of the index."""
    directory, files = evidence_directory(), entry["files"]
    blobs = folder / "blobs" / "sha256"
    blobs.mkdir(parents=True)
    attached = []
    for name in ("provenance", "attestation_manifest"):
        data = (directory / files[name]).read_bytes()
        digest = hashlib.sha256(data).hexdigest()
        (blobs / digest).write_bytes(data)
        attached.append({"mediaType": MANIFEST, "digest": f"sha256:{digest}", "size": len(data)})
    image = {"mediaType": MANIFEST, "digest": f"sha256:{files['artifact_sha256']}", "size": 1000}
    listed = [
        {**image, "annotations": {KIND: "dev.cosignproject.cosign/image"}},
        {**attached[1], "annotations": {KIND: "dev.cosignproject.cosign/atts"}},
    ]
    (folder / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')
    (folder / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": listed}))


def words(entry: dict[str, Any], folder: Path, **changes: str) -> list[str]:
    request = {**entry["request"], **changes}
    flags = [part for name, value in request.items() for part in (f"--{name.replace('_', '-')}", value)]
    return ["check", "provenance", f"oci-layout:{folder}", "--offline", "--output", "json", *flags]


def test_every_layout_gets_its_projects_verdict(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    listed = entries()
    for number, entry in enumerate(listed):
        folder = tmp_path / str(number)
        save(entry, folder)
        trusted = entry["expected"] == "trusted"
        assert main(words(entry, folder)) == (0 if trusted else 1), entry["id"]
        (report,) = json.loads(capsys.readouterr().out)["reports"]
        if trusted:
            assert report["layers"][0]["facts"]["judgedBy"] == ["supplychain"]
            assert report["inputs"]["artifactHash"] == entry["files"]["artifact_sha256"]
    assert {entry["expected"] for entry in listed} == {"trusted", "refused"}


def test_another_source_or_another_image_is_refused(tmp_path: Path) -> None:
    entry = next(entry for entry in entries() if entry["expected"] == "trusted")
    save(entry, tmp_path)
    assert main(words(entry, tmp_path)) == 0
    assert main(words(entry, tmp_path, source_uri="github.com/slsa-framework/another")) == 1
    index = json.loads((tmp_path / "index.json").read_text())
    index["manifests"][0]["digest"] = f"sha256:{'0' * 64}"
    (tmp_path / "index.json").write_text(json.dumps(index))
    assert main(words(entry, tmp_path)) == 1
