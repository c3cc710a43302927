"""Layouts as they are written: readable by others, never half there, and careful with what is there already."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

import pytest

from supplychain.artifact import Platform
from supplychain.digest import ManifestDigest
from supplychain.errors import (
    BundleInvalidError,
    InvalidReferenceError,
    ManifestInvalidError,
    MemberMissingError,
    NotFoundError,
    OutputError,
    PackageError,
    UnreadableFileError,
)
from supplychain.files import write_atomically
from supplychain.mirror import layout_writer
from supplychain.mirror.layout import LayoutSource
from supplychain.mirror.layout_writer import attach_to_layout, write_layout
from supplychain.spool import Spool
from tests.support.builders import build_package
from tests.support.oci import Stored

if TYPE_CHECKING:
    from pathlib import Path

BUNDLE = b'{"mediaType":"application/vnd.dev.sigstore.bundle.v0.3+json"}'
PACKAGE = build_package()
OTHER = build_package(signature=None)


@pytest.fixture
def package(tmp_path: Path) -> Path:
    path = tmp_path / "echo.zip"
    path.write_bytes(PACKAGE)
    return path


@pytest.fixture
def layout(tmp_path: Path) -> Path:
    return tmp_path / "layout"


def write(path: Path, data: bytes = PACKAGE, *, tag: str = "1.2.3") -> ManifestDigest:
    with Spool.of(data) as spool:
        return write_layout(path, package=spool, tag=tag)


def pull(path: Path, **target: Any) -> tuple[bytes, ManifestDigest | None]:
    with LayoutSource(path, **target) as source:
        pulled = source.pull(platform=Platform())
    with pulled.package as spool:
        return bytes(spool.view), pulled.manifest_digest


def listed(path: Path) -> list[dict[str, Any]]:
    entries: list[dict[str, Any]] = json.loads((path / "index.json").read_bytes())["manifests"]
    return entries


def everything(path: Path) -> dict[str, bytes]:
    return {str(one.relative_to(path)): one.read_bytes() for one in sorted(path.rglob("*")) if one.is_file()}


def test_a_written_layout_gives_the_package_back(package: Path, layout: Path) -> None:
    digest = write_layout(layout, package=package, tag="1.2.3-linux-amd64")
    assert pull(layout, tag="1.2.3-linux-amd64") == pull(layout, digest=digest) == pull(layout) == (PACKAGE, digest)
    assert (layout / "oci-layout").read_bytes() == b'{"imageLayoutVersion":"1.0.0"}'
    assert len(list((layout / "blobs/sha256").iterdir())) == 3


def test_equal_input_gives_equal_layouts(tmp_path: Path) -> None:
    assert write(tmp_path / "a") == write(tmp_path / "b")
    assert everything(tmp_path / "a") == everything(tmp_path / "b")


def test_the_mode_is_what_the_umask_leaves(layout: Path) -> None:
    before = os.umask(0o027)
    try:
        write(layout)
    finally:
        os.umask(before)
    assert (layout.stat().st_mode & 0o777, (layout / "index.json").stat().st_mode & 0o777) == (0o750, 0o640)


def test_further_packages_join_a_layout(layout: Path) -> None:
    first, second = write(layout, tag="1"), write(layout, OTHER, tag="2")
    assert pull(layout, tag="1") == (PACKAGE, first)
    assert pull(layout, tag="2") == (OTHER, second)
    assert [one["annotations"] for one in listed(layout)] == [
        {"org.opencontainers.image.ref.name": "1"},
        {"org.opencontainers.image.ref.name": "2"},
    ]


def test_a_tag_moves(layout: Path) -> None:
    write(layout, tag="1")
    second = write(layout, OTHER, tag="1")
    assert pull(layout) == (OTHER, second)
    assert len(listed(layout)) == 1


def test_writing_again_changes_nothing(layout: Path) -> None:
    digest = write(layout)
    attach_to_layout(layout, subject=digest, bundle=BUNDLE)
    before = everything(layout)
    write(layout)
    attach_to_layout(layout, subject=digest, bundle=BUNDLE)
    after = everything(layout)
    assert sorted(before) == sorted(after)
    assert len(listed(layout)) == 2


def test_an_empty_directory_becomes_a_layout(layout: Path) -> None:
    layout.mkdir()
    digest = write(layout)
    assert pull(layout) == (PACKAGE, digest)


def test_foreign_entries_of_a_layout_stay(layout: Path) -> None:
    stored = Stored()
    stored.plugin(b"foreign", config={}, tag="foreign")
    stored.listed += [{"mediaType": "odd"}, "odder", {"annotations": 7}]  # type: ignore[list-item]
    stored.write(layout)
    write(layout)
    assert pull(layout, tag="foreign")[0] == b"foreign"
    assert listed(layout)[1:4] == [{"mediaType": "odd"}, "odder", {"annotations": 7}]


def test_a_bundle_is_attached_to_a_manifest_and_found(layout: Path) -> None:
    subject = write(layout)
    referrer = attach_to_layout(layout, subject=subject, bundle=BUNDLE)
    with LayoutSource(layout) as source:
        evidence = source.evidence(subject)
        assert source.evidence(referrer).materials == ()
    assert [(one.data, one.where) for one in evidence.materials] == [(BUNDLE, f"referrer {referrer}")]
    assert pull(layout) == (PACKAGE, subject)
    assert listed(layout)[1]["artifactType"] == "application/vnd.dev.sigstore.bundle.v0.3+json"


def test_several_bundles_stand_side_by_side(layout: Path) -> None:
    subject = write(layout)
    bundles = [BUNDLE, BUNDLE.replace(b"}", b',"a":1}')]
    for bundle in bundles:
        attach_to_layout(layout, subject=subject, bundle=bundle)
    with LayoutSource(layout) as source:
        assert [one.data for one in source.evidence(subject).materials] == bundles


def test_a_bundle_is_attached_to_an_index(layout: Path) -> None:
    stored = Stored()
    plugin = stored.plugin(PACKAGE, config={})
    index = stored.index({**plugin, "platform": {"os": "linux", "architecture": "amd64"}})
    stored.write(layout)
    referrer = attach_to_layout(layout, subject=ManifestDigest.parse(index["digest"]), bundle=BUNDLE)
    manifest = json.loads((layout / "blobs/sha256" / referrer.hex).read_bytes())
    assert manifest["subject"] == {key: index[key] for key in ("mediaType", "digest", "size")}


@pytest.mark.parametrize("bundle", [b"", b"{}"])
def test_nothing_but_a_bundle_is_attached(layout: Path, bundle: bytes) -> None:
    subject = write(layout)
    before = everything(layout)
    with pytest.raises(BundleInvalidError):
        attach_to_layout(layout, subject=subject, bundle=bundle)
    assert everything(layout) == before


def test_nothing_is_attached_to_what_is_not_there(layout: Path) -> None:
    with pytest.raises(UnreadableFileError):
        attach_to_layout(layout, subject=ManifestDigest.of(b""), bundle=BUNDLE)
    write(layout)
    with pytest.raises(NotFoundError):
        attach_to_layout(layout, subject=ManifestDigest.of(b""), bundle=BUNDLE)


def test_a_package_that_is_none_leaves_nothing_behind(tmp_path: Path, layout: Path) -> None:
    for data, error in ((b"no zip", PackageError), (build_package(descriptor=None), MemberMissingError)):
        with pytest.raises(error):
            write(layout, data)
    with pytest.raises(UnreadableFileError):
        write_layout(layout, package=tmp_path / "missing.zip", tag="1")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("tag", ["", "a b", "x" * 129, "-1", "a/b", "1@sha256:" + "0" * 64])
def test_a_text_that_is_no_tag_is_refused(layout: Path, tag: str) -> None:
    with pytest.raises(InvalidReferenceError):
        write(layout, tag=tag)
    assert not layout.exists()


def test_a_directory_of_other_things_is_not_touched(layout: Path) -> None:
    layout.mkdir()
    (layout / "precious").write_bytes(b"")
    with pytest.raises(OutputError, match="something other than an image layout"):
        write(layout)
    assert [one.name for one in layout.iterdir()] == ["precious"]


def test_a_broken_layout_is_not_touched(layout: Path) -> None:
    write(layout)
    (layout / "index.json").write_bytes(b"{")
    before = everything(layout)
    with pytest.raises(ManifestInvalidError):
        write(layout, OTHER, tag="2")
    assert everything(layout) == before


@pytest.mark.parametrize("name", ["file", "missing/layout", "file/layout", "nul\0"])
def test_a_place_that_cannot_be_written_is_said(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(OutputError):
        write(tmp_path / name)
    assert [one.name for one in tmp_path.iterdir()] == ["file"]


def test_a_new_layout_appears_whole_or_not_at_all(tmp_path: Path, layout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    writing = write_atomically

    def fail_at_the_end(path: Path, data: Any) -> None:
        assert not layout.exists()
        if path.name == "index.json":
            raise OutputError("cannot write file", got="No space left on device")
        writing(path, data)

    monkeypatch.setattr(layout_writer, "write_atomically", fail_at_the_end)
    with pytest.raises(OutputError, match="No space left"):
        write(layout)
    assert list(tmp_path.iterdir()) == []


def test_a_layout_that_cannot_be_added_to_reads_as_before(layout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    digest = write(layout)
    writing = write_atomically

    def fail_at_the_end(path: Path, data: Any) -> None:
        if path.name == "index.json":
            raise OutputError("cannot write file", got="No space left on device")
        writing(path, data)

    monkeypatch.setattr(layout_writer, "write_atomically", fail_at_the_end)
    with pytest.raises(OutputError, match="No space left"):
        write(layout, OTHER, tag="1.2.3")
    assert pull(layout) == (PACKAGE, digest)
