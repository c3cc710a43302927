"""Immutable, file-backed buffers, so that large artifacts never live in anonymous memory.

A spool is a nameless file: written once with a running SHA-256, then read through a shared map. Nobody can open it by path, so
the bytes that are hashed, verified and saved are the same bytes (one open file, never a path twice).
"""

from __future__ import annotations

import contextlib
import hashlib
import mmap
import tempfile
from contextlib import contextmanager
from queue import Queue
from threading import Thread
from typing import TYPE_CHECKING, BinaryIO, Self

from supplychain.errors import StorageUnavailableError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType

    from typing_extensions import Buffer

__all__ = ["Spool", "SpoolWriter"]

_ALONE_UP_TO = 4 * 1024 * 1024
_PIECES_AHEAD = 8


class Spool:
    """Finished bytes: `size` in bytes, `sha256` as lower-case hex, `view` without copying."""

    def __init__(self, file: BinaryIO, *, size: int, sha256: str) -> None:
        self._file = file
        self.size = size
        self.sha256 = sha256
        self._map = mmap.mmap(file.fileno(), size, access=mmap.ACCESS_READ) if size else None

    @classmethod
    def of(cls, data: Buffer) -> Spool:
        """Spool bytes that are already in memory."""
        with SpoolWriter() as writer:
            writer.write(data)
            return writer.finish()

    @property
    def view(self) -> Buffer:
        """All bytes, backed by the file."""
        return self._map if self._map is not None else b""

    @property
    def file(self) -> BinaryIO:
        """The open file, for readers that seek; share it with nobody else at the same time."""
        return self._file

    def close(self) -> None:
        """Give the disk space back; the spool is unusable afterwards."""
        if self._map is not None:
            # A traceback in flight may still hold a slice of the map; the map then goes when the slice does.
            with contextlib.suppress(BufferError):
                self._map.close()
            self._map = None
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()


class SpoolWriter:
    """Takes bytes in order and hashes them on the way; an unfinished one vanishes when its `with` block ends.

    Beyond the first 4 MiB a second thread hashes and writes, while the caller already produces what comes next (SHA-256, `write`
    and inflating all release the interpreter lock). At most 8 pieces wait, so memory stays bounded by the size of the pieces.
    """

    def __init__(self) -> None:
        # Unbuffered, and open beyond this call: `finish` hands it on, `__exit__` closes it.
        with _translating():
            self._file: BinaryIO | None = tempfile.TemporaryFile(prefix="supplychain-", buffering=0)  # noqa: SIM115
        self._sink = _Sink(self._file)
        self._worker: _Worker | None = None
        self.size = 0

    def write(self, data: Buffer) -> None:
        """Append `data`.

        Raises:
            StorageUnavailableError: the disk is full; may come one call late.
        """
        if self._file is None:
            raise ValueError("the spool is finished")
        view = memoryview(data).cast("B")
        self.size += len(view)
        if self._worker is not None:
            # Only `bytes` are sure to stay as they are until the other thread has read them.
            self._worker.put(data if type(data) is bytes else bytes(view))
            return
        self._sink.append(view)
        if self.size > _ALONE_UP_TO:
            self._worker = _Worker(self._sink)

    def finish(self) -> Spool:
        """Freeze what was written; the caller owns the spool and closes it."""
        if self._file is None:
            raise ValueError("the spool is finished")
        if self._worker is not None:
            self._worker.finish()
        with _translating():
            spool = Spool(self._file, size=self.size, sha256=self._sink.hash.hexdigest())
        self._file = None
        return spool

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.discard()

    def discard(self) -> None:
        """Forget an unfinished spool; a finished one is the caller's and stays."""
        if self._file is None:
            return
        if self._worker is not None:
            self._worker.abandon()
        self._file.close()
        self._file = None


class _Sink:
    """Where pieces end: in the hash and in the file. One thread at a time."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.hash = hashlib.sha256()

    def append(self, view: memoryview) -> None:
        self.hash.update(view)
        with _translating():
            while view:
                view = view[self._file.write(view) :]


class _Worker:
    """The second thread of a writer. It takes every piece it is given, and keeps its first error for the other side."""

    def __init__(self, sink: _Sink) -> None:
        self._sink = sink
        self._pieces: Queue[bytes | None] = Queue(_PIECES_AHEAD)
        self._error: BaseException | None = None
        self._abandoned = False
        self._thread = Thread(target=self._run, name="spool", daemon=True)
        self._thread.start()

    def put(self, piece: bytes) -> None:
        if self._error is not None:
            raise self._error
        self._pieces.put(piece)

    def finish(self) -> None:
        self._stop()
        if self._error is not None:
            raise self._error

    def abandon(self) -> None:
        self._abandoned = True
        self._stop()

    def _stop(self) -> None:
        if self._thread.is_alive():
            self._pieces.put(None)
            self._thread.join()

    def _run(self) -> None:
        while (piece := self._pieces.get()) is not None:
            if self._abandoned or self._error is not None:
                continue
            try:
                self._sink.append(memoryview(piece))
            except BaseException as exc:  # noqa: BLE001 — carried to the other thread, which raises it
                self._error = exc


@contextmanager
def _translating() -> Iterator[None]:
    try:
        yield
    except OSError as exc:
        raise StorageUnavailableError("cannot keep a copy of the bytes", got=exc.strerror or type(exc).__name__) from exc
