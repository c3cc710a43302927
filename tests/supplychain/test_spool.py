"""Spools: what goes in comes out, hashed, and an unfinished one vanishes."""

from __future__ import annotations

import errno
import hashlib
import threading
from pathlib import Path
from typing import Any

import pytest

from supplychain.errors import StorageUnavailableError
from supplychain.spool import Spool, SpoolWriter

PIECE = bytes(range(256)) * 4096  # 1 MiB


def spool_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "spool"]


def break_file(writer: SpoolWriter, monkeypatch: pytest.MonkeyPatch) -> None:
    """From now on the disk is full."""

    class Full:
        def write(self, view: Any) -> int:
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(writer._sink, "_file", Full())


def write_often(writer: SpoolWriter) -> None:
    for _ in range(100):
        writer.write(PIECE)


def test_a_spool_has_the_size_the_hash_and_the_bytes_of_what_was_written() -> None:
    with SpoolWriter() as writer:
        writer.write(b"abc")
        writer.write(bytearray(b"def"))
        writer.write(memoryview(b"ghi"))
        spool = writer.finish()
    with spool:
        assert spool.size == 9
        assert spool.sha256 == hashlib.sha256(b"abcdefghi").hexdigest()
        assert bytes(memoryview(spool.view)) == b"abcdefghi"
        spool.file.seek(3)
        assert spool.file.read(3) == b"def"


def test_an_empty_spool_has_an_empty_view() -> None:
    with Spool.of(b"") as spool:
        assert (spool.size, spool.view) == (0, b"")
        assert spool.sha256 == hashlib.sha256().hexdigest()


def test_a_large_spool_is_written_by_a_second_thread_in_order() -> None:
    expected = hashlib.sha256()
    with SpoolWriter() as writer:
        for index in range(24):
            piece: bytes | bytearray = index.to_bytes(2, "big") + PIECE
            expected.update(piece)
            if index % 2:
                piece = bytearray(piece)
            writer.write(piece)
            if isinstance(piece, bytearray):
                piece[:] = bytes(len(piece))  # the writer must have taken its own copy
        assert len(spool_threads()) == 1
        spool = writer.finish()
    with spool:
        assert spool.sha256 == expected.hexdigest() == hashlib.sha256(spool.view).hexdigest()
        assert spool.size == 24 * (len(PIECE) + 2)
    assert spool_threads() == []


def test_a_spool_that_was_finished_takes_no_more() -> None:
    with SpoolWriter() as writer:
        spool = writer.finish()
        with pytest.raises(ValueError, match="finished"):
            writer.write(b"x")
        with pytest.raises(ValueError, match="finished"):
            writer.finish()
    spool.close()


@pytest.mark.parametrize("pieces", [1, 12])
def test_an_unfinished_spool_vanishes(pieces: int) -> None:
    before = len(list(Path("/proc/self/fd").iterdir()))
    with SpoolWriter() as writer:
        for _ in range(pieces):
            writer.write(PIECE)
    assert len(list(Path("/proc/self/fd").iterdir())) == before
    assert spool_threads() == []


def test_a_spool_can_be_closed_while_a_slice_is_still_held() -> None:
    spool = Spool.of(b"abcdef")
    held = memoryview(spool.view)[2:4]
    spool.close()
    spool.close()
    assert bytes(held) == b"cd"


def test_a_full_disk_is_reported_at_once_by_a_small_spool(monkeypatch: pytest.MonkeyPatch) -> None:
    with SpoolWriter() as writer:
        break_file(writer, monkeypatch)
        with pytest.raises(StorageUnavailableError, match="No space left"):
            writer.write(b"x")


def test_a_full_disk_is_reported_by_the_next_write_or_by_the_end_of_a_large_spool(monkeypatch: pytest.MonkeyPatch) -> None:
    with SpoolWriter() as writer:
        for _ in range(5):
            writer.write(PIECE)
        break_file(writer, monkeypatch)
        with pytest.raises(StorageUnavailableError, match="No space left"):
            write_often(writer)
        with pytest.raises(StorageUnavailableError, match="No space left"):
            writer.finish()
    assert spool_threads() == []


def test_an_error_that_only_the_last_piece_meets_is_reported_by_finish(monkeypatch: pytest.MonkeyPatch) -> None:
    with SpoolWriter() as writer:
        for _ in range(5):
            writer.write(PIECE)
        break_file(writer, monkeypatch)
        writer.write(b"last")
        with pytest.raises(StorageUnavailableError, match="No space left"):
            writer.finish()


def test_a_temporary_directory_that_cannot_be_used_is_no_defect(monkeypatch: pytest.MonkeyPatch) -> None:
    def unusable(**_: Any) -> None:
        raise FileNotFoundError(errno.ENOENT, "No usable temporary directory found")

    monkeypatch.setattr("tempfile.TemporaryFile", unusable)
    with pytest.raises(StorageUnavailableError, match="No usable temporary directory"):
        SpoolWriter()


def test_an_abandoned_large_spool_does_not_write_what_still_waits() -> None:
    gate = threading.Event()
    written: list[int] = []
    with SpoolWriter() as writer:
        for _ in range(5):
            writer.write(PIECE)

        class Slow:
            def write(self, view: memoryview) -> int:
                gate.wait(10)
                written.append(len(view))
                return len(view)

        writer._sink._file = Slow()  # type: ignore[assignment]
        for _ in range(5):
            writer.write(PIECE)
        assert writer._worker is not None
        writer._worker._abandoned = True
        gate.set()
    assert len(written) <= 1


def test_short_writes_are_completed(monkeypatch: pytest.MonkeyPatch) -> None:
    taken = bytearray()

    class Narrow:
        def write(self, view: memoryview) -> int:
            taken.extend(view[:3])
            return min(3, len(view))

    with SpoolWriter() as writer:
        monkeypatch.setattr(writer._sink, "_file", Narrow())
        writer.write(b"0123456789")
    assert taken == b"0123456789"
