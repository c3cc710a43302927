"""The file with the stamps."""

import errno
import fcntl
import os
from dataclasses import replace
from datetime import timedelta

import pytest

from supplychain.carry.stamp_file import StampFile
from supplychain.errors import OutputError, StorageUnavailableError, UnreadableFileError
from tests.supplychain.carry.test_stamp import STAMP

LATER = replace(STAMP, at=STAMP.at + timedelta(days=1))
OTHER = replace(STAMP, mirror="mirror.example/other:1")


def find(path, stamp=STAMP):
    with StampFile(path) as stamps:
        return stamps.find(stamp.place)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "state"


def test_what_was_recorded_is_found_by_the_next_run(path):
    with StampFile(path) as stamps:
        assert stamps.find(STAMP.place) is None
        stamps.record(STAMP)
        assert stamps.find(STAMP.place) == STAMP
    assert find(path) == STAMP
    assert path.stat().st_mode & 0o777 == 0o600


def test_the_last_stamp_counts_and_the_file_is_tidied(path):
    with StampFile(path) as stamps:
        for stamp in (STAMP, OTHER, LATER):
            stamps.record(stamp)
    assert len(path.read_bytes().splitlines()) == 3
    assert find(path) == LATER
    assert find(path, OTHER) == OTHER


def test_what_was_recorded_before_the_process_was_killed_is_not_lost(path):
    stamps = StampFile(path)
    stamps.record(STAMP)
    stamps.record(LATER)
    os.close(stamps._file)  # as a kill does: nothing is tidied
    assert find(path) == LATER
    assert len(path.read_bytes().splitlines()) == 2


def test_a_line_that_broke_off_counts_for_nothing_and_harms_no_other(path):
    with StampFile(path) as stamps:
        stamps.record(STAMP)
        stamps.record(OTHER)
    path.write_bytes(path.read_bytes()[:-40])
    with StampFile(path) as stamps:
        assert stamps.find(OTHER.place) is None
        stamps.record(OTHER)
    assert find(path) == STAMP
    assert find(path, OTHER) == OTHER


def test_a_file_that_is_something_else_is_left_alone(path):
    path.write_text("a letter\n")
    path.chmod(0o600)
    with pytest.raises(UnreadableFileError, match="no state"):
        StampFile(path)
    assert path.read_text() == "a letter\n"


def test_a_file_that_others_may_write_does_not_count(path):
    with StampFile(path) as stamps:
        stamps.record(STAMP)
    for mode in (0o620, 0o602):
        path.chmod(mode)
        with pytest.raises(UnreadableFileError, match="others may write"):
            StampFile(path)


def test_a_file_of_somebody_else_does_not_count(path, monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    with pytest.raises(UnreadableFileError, match="others may write"):
        StampFile(path)


def test_one_process_uses_it_at_a_time(path):
    with StampFile(path), pytest.raises(StorageUnavailableError, match="another run"):
        StampFile(path)
    find(path)


def test_a_file_system_without_locks_is_told_apart(path, monkeypatch):
    def flock(*_):
        raise OSError(errno.ENOLCK, "no locks available")

    monkeypatch.setattr(fcntl, "flock", flock)
    with pytest.raises(UnreadableFileError, match="cannot lock"):
        StampFile(path)


@pytest.mark.parametrize("name", ["missing/state", ".", "a\0b"])
def test_a_place_where_no_file_can_be_is_refused(tmp_path, name):
    with pytest.raises(UnreadableFileError, match="cannot open"):
        StampFile(f"{tmp_path}/{name}")


def test_a_link_and_a_pipe_are_refused(tmp_path):
    (tmp_path / "link").symlink_to(tmp_path / "state")
    with pytest.raises(UnreadableFileError, match="cannot open"):
        StampFile(tmp_path / "link")
    os.mkfifo(tmp_path / "pipe", 0o600)
    with pytest.raises(UnreadableFileError):
        StampFile(tmp_path / "pipe")


def test_a_file_that_nobody_would_read_to_its_end_is_refused(path, monkeypatch):
    with StampFile(path) as stamps:
        stamps.record(STAMP)
    monkeypatch.setattr("supplychain.carry.stamp_file._LARGEST", 10)
    with pytest.raises(UnreadableFileError, match="too large"):
        StampFile(path)


def test_a_disk_that_is_full_is_said(path, monkeypatch):
    stamps = StampFile(path)

    def write(*_):
        raise OSError(errno.ENOSPC, "no space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", write)
        with pytest.raises(OutputError, match="cannot write the state"):
            stamps.record(STAMP)
    stamps.close()


def test_what_cannot_be_tidied_is_said_once(path, monkeypatch):
    stamps = StampFile(path)
    stamps.record(STAMP)
    stamps.record(LATER)

    def write(*_, **__):
        raise OutputError("cannot write file")

    monkeypatch.setattr("supplychain.carry.stamp_file.write_atomically", write)
    with pytest.raises(OutputError):
        stamps.close()
    stamps.close()
    monkeypatch.undo()
    assert find(path) == LATER
