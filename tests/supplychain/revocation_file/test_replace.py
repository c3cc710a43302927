"""A file is replaced whole, and only while it is what was read."""

from __future__ import annotations

import stat
import threading
from typing import TYPE_CHECKING

import pytest

from supplychain.errors import OutputError, UnreadableFileError
from supplychain.revocation_file import replace
from supplychain.revocation_file.replace import replace_file

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def path(tmp_path: Path) -> Path:
    found = tmp_path / "list.yaml"
    found.write_bytes(b"old")
    return found


@pytest.mark.parametrize("mode", [0o644, 0o600, 0o664, 0o777])
def test_the_new_text_takes_the_place_of_the_old_with_its_permissions(path: Path, mode: int) -> None:
    path.chmod(mode)
    replace_file(path, before=b"old", after=b"new")
    assert (path.read_bytes(), stat.S_IMODE(path.stat().st_mode)) == (b"new", mode)
    assert [one.name for one in path.parent.iterdir()] == ["list.yaml"]


@pytest.mark.parametrize("now", [b"", b"olD", b"old and longer"])
def test_a_file_that_changed_meanwhile_stays_as_it_is(path: Path, now: bytes) -> None:
    path.write_bytes(now)
    with pytest.raises(OutputError, match="changed while it was looked at"):
        replace_file(path, before=b"old", after=b"new")
    assert path.read_bytes() == now


@pytest.mark.parametrize("mode", [0o444, 0o400, 0o555])
def test_a_read_only_file_stays_as_it_is(path: Path, mode: int) -> None:
    path.chmod(mode)
    with pytest.raises(OutputError, match="read-only"):
        replace_file(path, before=b"old", after=b"new")
    assert path.read_bytes() == b"old"


def test_a_link_leads_to_the_new_text(path: Path) -> None:
    link = path.with_name("link")
    link.symlink_to("list.yaml")
    replace_file(link, before=b"old", after=b"new")
    assert link.is_symlink()
    assert path.read_bytes() == b"new"


@pytest.mark.parametrize("name", ["missing", ".", "pipe"])
def test_what_is_no_file_is_not_replaced(path: Path, name: str) -> None:
    import os

    os.mkfifo(path.with_name("pipe"))
    with pytest.raises(UnreadableFileError):
        replace_file(path.parent / name, before=b"", after=b"new")


def test_a_failure_to_write_leaves_the_old_file(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OutputError("cannot write file", got="No space left on device")

    monkeypatch.setattr(replace, "write_atomically", full)
    with pytest.raises(OutputError, match="No space left"):
        replace_file(path, before=b"old", after=b"new")
    assert path.read_bytes() == b"old"


def test_of_two_who_write_at_the_same_time_one_is_told_so(path: Path) -> None:
    outcomes: list[str] = []
    start = threading.Barrier(8)

    def work(number: int) -> None:
        start.wait(20)
        try:
            replace_file(path, before=b"old", after=b"by %d" % number)
        except OutputError:
            outcomes.append("told")
        else:
            outcomes.append("written")

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for one in threads:
        one.start()
    for one in threads:
        one.join(20)
    assert sorted(outcomes) == ["told"] * 7 + ["written"]
