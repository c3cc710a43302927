"""Reading and writing the user's files: bounded, atomic, never blocked."""

from __future__ import annotations

import os
import socket
from typing import TYPE_CHECKING, Any, Self

import pytest

from supplychain import files
from supplychain.errors import OutputError, UnreadableFileError
from supplychain.files import open_regular, read_bounded, write_atomically
from supplychain.spool import Spool

if TYPE_CHECKING:
    from pathlib import Path


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_file_is_read_up_to_its_limit(tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.write_bytes(b"0123456789")
    assert read_bounded(path, limit=10) == b"0123456789"
    assert read_bounded(str(path), limit=11) == b"0123456789"


def test_a_file_of_several_pieces_is_read_whole(tmp_path: Path) -> None:
    path = tmp_path / "large"
    path.write_bytes(b"x" * 2_500_000)
    assert len(read_bounded(path, limit=3_000_000)) == 2_500_000


def test_a_file_over_its_limit_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.write_bytes(b"0123456789")
    with pytest.raises(UnreadableFileError) as caught:
        read_bounded(path, limit=9)
    assert caught.value.expected == "at most 9 bytes"


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFileError) as caught:
        read_bounded(tmp_path / "absent", limit=9)
    assert caught.value.got == "No such file or directory"
    assert str(tmp_path / "absent") in str(caught.value.where)


def test_a_path_with_a_nul_byte_is_refused() -> None:
    with pytest.raises(UnreadableFileError):
        read_bounded("a\0b", limit=9)


def test_a_directory_where_a_file_is_expected_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFileError) as caught:
        read_bounded(tmp_path, limit=9)
    assert (caught.value.expected, caught.value.got) == ("a regular file", "a directory")


def test_a_pipe_is_refused_and_never_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    with pytest.raises(UnreadableFileError) as caught:
        read_bounded(path, limit=9)
    assert caught.value.got == "a pipe"


def test_a_device_is_refused() -> None:
    with pytest.raises(UnreadableFileError) as caught:
        read_bounded("/dev/zero", limit=9)
    assert caught.value.got == "a device"


def test_a_file_that_breaks_off_while_reading_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "key"
    path.write_bytes(b"x")

    class Broken:
        def __enter__(self) -> Self:
            return self

        def __exit__(self, *_: object) -> None:
            return None

        def read(self, _: int) -> bytes:
            raise OSError(5, "Input/output error")

    monkeypatch.setattr(files, "open_regular", lambda _: Broken())
    with pytest.raises(UnreadableFileError) as caught:
        read_bounded(path, limit=9)
    assert caught.value.got == "Input/output error"


def test_an_open_file_is_unbuffered_and_the_callers(tmp_path: Path) -> None:
    path = tmp_path / "artifact"
    path.write_bytes(b"abc")
    with open_regular(path) as file:
        assert file.read() == b"abc"


def test_bytes_and_spools_are_written_with_their_mode(tmp_path: Path) -> None:
    umask = os.umask(0o022)
    try:
        write_atomically(tmp_path / "a", b"abc")
        with Spool.of(b"x" * 2_500_000) as spool:
            write_atomically(tmp_path / "b", spool, mode=0o755)
        write_atomically(str(tmp_path / "c"), b"", mode=0o600)
    finally:
        os.umask(umask)
    assert (tmp_path / "a").read_bytes() == b"abc"
    assert (tmp_path / "b").stat().st_size == 2_500_000
    assert [(tmp_path / name).stat().st_mode & 0o777 for name in "abc"] == [0o644, 0o755, 0o600]
    assert names(tmp_path) == ["a", "b", "c"]


def test_a_file_that_is_there_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"old")
    write_atomically(tmp_path / "a", b"new")
    assert (tmp_path / "a").read_bytes() == b"new"


def test_a_name_of_the_greatest_length_can_be_written(tmp_path: Path) -> None:
    write_atomically(tmp_path / ("n" * 255), b"x")
    assert names(tmp_path) == ["n" * 255]


@pytest.mark.parametrize("kind", ["directory", "pipe", "socket", "device"])
def test_nothing_but_a_regular_file_is_replaced(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "x"
    if kind == "directory":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)
    elif kind == "socket":
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(str(path))
    else:
        path.symlink_to("/dev/null")
    with pytest.raises(OutputError) as caught:
        write_atomically(path, b"x")
    assert caught.value.got == f"a {kind}"
    assert names(tmp_path) == ["x"]


@pytest.mark.parametrize("path", ["absent/x", "file/x", "a\0b", ""])
def test_a_place_that_cannot_be_written_is_refused(tmp_path: Path, path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(OutputError):
        write_atomically(path, b"x")
    assert names(tmp_path) == ["file"]


def test_a_disk_that_fills_up_leaves_the_old_file_and_nothing_new(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a").write_bytes(b"old")

    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files, "_write_all", full)
    with pytest.raises(OutputError) as caught:
        write_atomically(tmp_path / "a", b"new")
    assert caught.value.got == "No space left on device"
    assert names(tmp_path) == ["a"]
    assert (tmp_path / "a").read_bytes() == b"old"


def test_an_interruption_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(files, "_write_all", interrupt)
    with pytest.raises(KeyboardInterrupt):
        write_atomically(tmp_path / "a", b"new")
    assert names(tmp_path) == []
