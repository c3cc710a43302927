"""Where files appear: all or none, old ones untouched, nothing left behind."""

from __future__ import annotations

import errno
import os
import shutil
import stat
from io import FileIO
from pathlib import Path

import pytest

from supplychain.delivery.target import Target
from supplychain.errors import OutputError, StorageUnavailableError


def stage(target, **files):
    for name, data in files.items():
        with target.create(name) as file:
            target.append(file, data)


def open_files():
    return len(list(Path("/proc/self/fd").iterdir()))


def found(directory):
    return {path.name: path.read_bytes() for path in directory.iterdir()}


@pytest.fixture
def deny(monkeypatch):
    """Let one call of `os` fail."""

    def denied(name, number):
        def fail(*args, **options):
            raise OSError(number, os.strerror(number))

        monkeypatch.setattr(f"supplychain.delivery.target.os.{name}", fail)

    return denied


def test_files_appear_with_the_commit_and_not_before(tmp_path):
    directory = tmp_path / "deep" / "plugin"
    with Target(directory, mode=0o440) as target:
        stage(target, one=b"1", two=b"2")
        assert sorted(found(directory).values()) == [b"1", b"2"]
        assert not {"one", "two"} & set(found(directory))
        assert target.commit() == ("one", "two")
    assert found(directory) == {"one": b"1", "two": b"2"}


def test_without_a_commit_nothing_is_left_and_what_was_there_stays(tmp_path):
    (tmp_path / "one").write_bytes(b"old")
    with Target(tmp_path, mode=0o440) as target:
        stage(target, one=b"new", two=b"2")
    assert found(tmp_path) == {"one": b"old"}
    with pytest.raises(TypeError), Target(tmp_path, mode=0o440) as target:
        stage(target, one=b"new", two=None)
    assert found(tmp_path) == {"one": b"old"}


@pytest.mark.parametrize("mode", [0o440, 0o444, 0o400, 0o755, 0o666])
def test_the_mode_is_exact_whatever_the_umask(tmp_path, mode):
    before = os.umask(0o077)
    try:
        with Target(tmp_path, mode=mode) as target:
            stage(target, one=b"1")
            target.commit()
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "one").stat().st_mode) == mode


def test_files_that_may_not_be_written_are_replaced(tmp_path):
    for data in (b"old", b"new"):
        with Target(tmp_path, mode=0o400) as target:
            stage(target, one=data)
            target.commit()
    assert found(tmp_path) == {"one": b"new"}


def test_what_a_killed_process_left_is_removed_and_nothing_else(tmp_path):
    (tmp_path / ".materialise-0123456789abcdef").write_bytes(b"half")
    keep = [".materialise-0123456789abcde", ".materialise-0123456789abcdef0", ".hidden", "plugin.so"]
    for name in keep:
        (tmp_path / name).touch()
    with Target(tmp_path, mode=0o440):
        assert sorted(found(tmp_path)) == sorted(keep)


def test_staged_names_are_those_that_the_next_process_removes(tmp_path):
    left = tmp_path / "left"
    with Target(tmp_path / "target", mode=0o440) as target:
        stage(target, one=b"1", two=b"2")
        shutil.copytree(tmp_path / "target", left)
    assert len(found(left)) == 2
    with Target(left, mode=0o440):
        assert found(left) == {}


def test_a_staged_file_that_somebody_removed_is_no_error(tmp_path):
    with Target(tmp_path, mode=0o440) as target:
        stage(target, one=b"1", two=b"2")
        next(tmp_path.iterdir()).unlink()
    assert found(tmp_path) == {}


def test_a_name_that_is_taken_is_never_written_through(tmp_path, monkeypatch):
    monkeypatch.setattr("supplychain.delivery.target.secrets.token_hex", lambda size: "0" * 2 * size)
    with Target(tmp_path, mode=0o440) as target:
        stage(target, one=b"1")
        with pytest.raises(OutputError, match="File exists"):
            target.create("two")
        for path in tmp_path.iterdir():
            path.unlink()
        (tmp_path / f".materialise-{'0' * 16}").symlink_to(tmp_path / "elsewhere")
        with pytest.raises(OutputError, match="File exists"):
            target.create("three")
    assert not (tmp_path / "elsewhere").exists()


def test_a_file_is_its_owners_alone_until_it_has_its_mode(tmp_path, deny):
    before = os.umask(0)
    try:
        with Target(tmp_path, mode=0o666) as target:
            deny("fchmod", errno.EACCES)
            with pytest.raises(OutputError):
                target.create("one")
            assert [stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()] == [0o600]
    finally:
        os.umask(before)


def test_two_processes_do_not_write_to_one_directory_at_once(tmp_path):
    with Target(tmp_path, mode=0o440) as first:
        stage(first, one=b"1")
        with pytest.raises(OutputError, match="cannot use directory: got another process that writes there"):
            Target(tmp_path, mode=0o440).__enter__()
        first.commit()
    with Target(tmp_path, mode=0o440):
        assert found(tmp_path) == {"one": b"1"}


@pytest.mark.parametrize("kind", ["folder", "link", "pipe"])
def test_a_name_that_is_taken_by_no_file_keeps_all_files_away(tmp_path, kind):
    {
        "folder": (tmp_path / "two").mkdir,
        "link": lambda: (tmp_path / "two").symlink_to("elsewhere"),
        "pipe": lambda: os.mkfifo(tmp_path / "two"),
    }[kind]()
    with Target(tmp_path, mode=0o440) as target:
        stage(target, one=b"1", two=b"2")
        with pytest.raises(OutputError, match="expected a name that is free or a regular file"):
            target.commit()
    assert [path.name for path in tmp_path.iterdir()] == ["two"]


def test_a_place_that_cannot_be_a_directory_is_a_wrong_request(tmp_path):
    (tmp_path / "file").touch()
    for place in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(OutputError, match="cannot write to directory"):
            Target(place, mode=0o440).__enter__()


def test_a_file_system_without_locks_is_said(tmp_path, monkeypatch):
    def fail(*args):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr("supplychain.delivery.target.fcntl.flock", fail)
    opened = open_files()
    with pytest.raises(OutputError, match="cannot use directory: got No locks available"):
        Target(tmp_path, mode=0o440).__enter__()
    assert open_files() == opened


def test_a_leftover_that_cannot_be_removed_is_said(tmp_path, deny):
    (tmp_path / ".materialise-0123456789abcdef").touch()
    deny("unlink", errno.EPERM)
    opened = open_files()
    with pytest.raises(OutputError, match="cannot write to directory: got Operation not permitted"):
        Target(tmp_path, mode=0o440).__enter__()
    assert open_files() == opened


def test_a_full_disk_is_unavailable_and_leaves_nothing(tmp_path, monkeypatch):
    class Full(FileIO):
        error = OSError(errno.ENOSPC, "No space left on device")

        def write(self, view):
            raise self.error

    with Target(tmp_path, mode=0o440) as target:
        with (
            Full(tmp_path / "full", "x") as full,
            pytest.raises(StorageUnavailableError, match="No space left on device") as caught,
        ):
            target.append(full, b"1")
        assert caught.value.hint == "give the volume of the target more room"
        monkeypatch.setattr(Full, "error", OSError("odd"))
        with Full(tmp_path / "full", "w") as full, pytest.raises(StorageUnavailableError, match="got OSError"):
            target.append(full, b"1")
    assert found(tmp_path) == {"full": b""}


def test_a_file_that_takes_bytes_one_by_one_gets_all(tmp_path):
    class Slow(FileIO):
        def write(self, view):
            return super().write(memoryview(view)[:1])

    with Target(tmp_path, mode=0o440) as target, Slow(tmp_path / "slow", "x") as slow:
        target.append(slow, b"abc")
    assert found(tmp_path) == {"slow": b"abc"}


@pytest.mark.parametrize("call", ["open", "fchmod"])
def test_a_file_that_cannot_be_staged_is_said(tmp_path, deny, call):
    with Target(tmp_path, mode=0o440) as target:
        deny(call, errno.EACCES)
        with pytest.raises(OutputError, match="cannot write to directory: got Permission denied"):
            target.create("one")
    assert found(tmp_path) == {}


def test_a_rename_that_fails_leaves_no_staged_file(tmp_path, deny):
    with Target(tmp_path, mode=0o440) as target:
        stage(target, one=b"1", two=b"2")
        deny("rename", errno.EIO)
        with pytest.raises(OutputError, match="Input/output error"):
            target.commit()
    assert found(tmp_path) == {}


def test_a_directory_that_is_renamed_meanwhile_still_gets_the_files(tmp_path):
    before, after = tmp_path / "before", tmp_path / "after"
    with Target(before, mode=0o440) as target:
        stage(target, one=b"1")
        before.rename(after)
        target.commit()
    assert found(after) == {"one": b"1"}


def test_a_relative_place_is_where_the_process_is(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with Target(Path("here"), mode=0o440) as target:
        stage(target, one=b"1")
        target.commit()
    assert found(tmp_path / "here") == {"one": b"1"}
