"""A bare package file: read once, bounded, and nothing can be attached to it."""

from __future__ import annotations

import hashlib
import os
from typing import TYPE_CHECKING, Self

import pytest

from supplychain.artifact import Platform
from supplychain.digest import ManifestDigest
from supplychain.errors import ArtifactTooLargeError, SignatureSourceMissingError, UnreadableFileError
from supplychain.limits import Limits
from supplychain.mirror import files
from supplychain.mirror.files import PackageFileSource

if TYPE_CHECKING:
    from pathlib import Path

    from supplychain.artifact import PulledArtifact


def pull(path: Path, *, limits: Limits | None = None) -> PulledArtifact:
    with PackageFileSource(path, limits=limits) as source:
        return source.pull(platform=Platform())


def test_a_file_is_pulled_as_it_is(tmp_path: Path) -> None:
    data = os.urandom(3 * 1024 * 1024 + 5)
    (tmp_path / "echo.zip").write_bytes(data)
    pulled = pull(tmp_path / "echo.zip")
    with pulled.package as spool:
        assert bytes(spool.view) == data
        assert spool.sha256 == hashlib.sha256(data).hexdigest()
        assert str(pulled.layer_digest) == f"sha256:{spool.sha256}"
    assert pulled.source == str(tmp_path / "echo.zip")
    assert (pulled.manifest_digest, pulled.index_digest, pulled.tag, pulled.platform) == (None, None, None, None)


def test_a_change_after_the_pull_changes_nothing(tmp_path: Path) -> None:
    (tmp_path / "echo.zip").write_bytes(b"before")
    pulled = pull(tmp_path / "echo.zip")
    (tmp_path / "echo.zip").write_bytes(b"after!")
    with pulled.package as spool:
        assert bytes(spool.view) == b"before"


def test_the_limit_is_the_largest_size_that_is_taken(tmp_path: Path) -> None:
    (tmp_path / "echo.zip").write_bytes(b"12345")
    pull(tmp_path / "echo.zip", limits=Limits(package=5)).package.close()
    with pytest.raises(ArtifactTooLargeError, match="expected at most 4 bytes"):
        pull(tmp_path / "echo.zip", limits=Limits(package=4))


@pytest.mark.parametrize("kind", ["missing", "directory", "pipe", "dangling link"])
def test_what_is_no_readable_file_is_the_requests_fault(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "echo.zip"
    if kind == "directory":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)
    elif kind == "dangling link":
        path.symlink_to(tmp_path / "nowhere")
    with pytest.raises(UnreadableFileError) as caught:
        pull(path)
    assert str(path) in str(caught.value)


def test_an_empty_file_is_pulled_for_the_package_reader_to_refuse(tmp_path: Path) -> None:
    (tmp_path / "echo.zip").touch()
    pulled = pull(tmp_path / "echo.zip")
    with pulled.package as spool:
        assert spool.size == 0


def test_a_file_has_no_evidence_to_ask_for(tmp_path: Path) -> None:
    with pytest.raises(SignatureSourceMissingError, match="a package file has no manifest"):
        PackageFileSource(str(tmp_path / "echo.zip")).evidence(ManifestDigest.of(b""))


def test_a_file_that_breaks_off_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Broken:
        def __enter__(self) -> Self:
            return self

        def __exit__(self, *_: object) -> None: ...

        def read(self, _size: int) -> bytes:
            raise OSError(5, "Input/output error")

    monkeypatch.setattr(files, "open_regular", lambda _path: Broken())
    with pytest.raises(UnreadableFileError, match="Input/output error"):
        pull(tmp_path / "echo.zip")
