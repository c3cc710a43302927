"""Layouts that crane and cosign write from a real registry, read by ours."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

import pytest

from supplychain.artifact import EvidenceForm, Platform
from supplychain.mirror.layout import LayoutSource
from supplychain.mirror.publish import push
from supplychain.reference import OciReference
from tests.support.builders import build_package
from tests.support.components import component

if TYPE_CHECKING:
    from pathlib import Path

    from supplychain.digest import ManifestDigest
    from tests.support.registries import RunningRegistries

PACKAGE = build_package()


@pytest.fixture
def pushed(registries: RunningRegistries, tmp_path: Path) -> tuple[str, ManifestDigest]:
    (tmp_path / "echo.zip").write_bytes(PACKAGE)
    reference = OciReference.parse(f"{registries.distribution.host}/layouts/echo:1.2.3")
    return reference.name, push(tmp_path / "echo.zip", reference=reference)


def run(program: str, *arguments: str, home: Path) -> None:
    """Go sends nothing for loopback to the proxy, and everything else to a port where nobody is."""
    environment = {"HOME": str(home), "PATH": os.environ["PATH"], "HTTPS_PROXY": "http://127.0.0.1:1", "COSIGN_PASSWORD": ""}
    subprocess.run([component(program), *arguments], env=environment, cwd=home, capture_output=True, check=True, timeout=60)


def pull(path: Path, **target: str) -> tuple[bytes, ManifestDigest | None]:
    with LayoutSource(path, **target) as source:  # type: ignore[arg-type]
        pulled = source.pull(platform=Platform())
    with pulled.package as spool:
        return bytes(spool.view), pulled.manifest_digest


def test_a_layout_that_crane_pulled(pushed: tuple[str, ManifestDigest], tmp_path: Path) -> None:
    name, digest = pushed
    run("crane", "pull", "--format=oci", "--annotate-ref", f"{name}:1.2.3", "layout", home=tmp_path)
    assert pull(tmp_path / "layout") == (PACKAGE, digest)


def test_a_layout_that_cosign_saved_with_its_signature(pushed: tuple[str, ManifestDigest], tmp_path: Path) -> None:
    name, digest = pushed
    run("cosign", "generate-key-pair", home=tmp_path)
    options = ["--tlog-upload=false", "--new-bundle-format=false", "--use-signing-config=false", "--yes"]
    run("cosign", "sign", "--key=cosign.key", *options, f"{name}@{digest}", home=tmp_path)
    run("cosign", "save", "--dir=layout", f"{name}@{digest}", home=tmp_path)
    assert pull(tmp_path / "layout") == (PACKAGE, digest)
    with LayoutSource(tmp_path / "layout") as source:
        (material,) = source.evidence(digest).materials
    assert material.form is EvidenceForm.LEGACY_SIGNATURE
    assert str(digest).encode() in material.data
    assert material.annotations["dev.cosignproject.cosign/signature"]
