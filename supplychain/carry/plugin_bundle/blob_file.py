"""Blobs that wait to be written into a bundle, in one nameless file, so that neither memory nor open files grow with them."""

from __future__ import annotations

import os
import tempfile
from typing import TYPE_CHECKING, Final, Self

from supplychain.errors import StorageUnavailableError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType

    from typing_extensions import Buffer

__all__ = ["BlobFile"]

_PIECE: Final = 1024 * 1024


class BlobFile:
    """Blobs by SHA-256, hex, each once. Whoever stores one has checked that it has that digest."""

    def __init__(self) -> None:
        try:
            self._file = tempfile.TemporaryFile(prefix="supplychain-", buffering=0)  # noqa: SIM115 — closed by `close`
        except OSError as exc:
            raise _no_room(exc) from exc
        self._places: dict[str, tuple[int, int]] = {}
        self._end = 0

    def put(self, sha256: str, data: Buffer) -> None:
        """Store a blob; one that is there already is left as it is.

        Raises:
            StorageUnavailableError: the disk is full.
        """
        if sha256 in self._places:
            return
        view = memoryview(data).cast("B")
        start = self._end
        try:
            while view:
                written = os.pwrite(self._file.fileno(), view[:_PIECE], self._end)
                self._end += written
                view = view[written:]
        except OSError as exc:
            self._end = start
            raise _no_room(exc) from exc
        self._places[sha256] = (start, self._end - start)

    def size(self, sha256: str) -> int:
        """Return the size of a blob in bytes."""
        return self._places[sha256][1]

    def pieces(self, sha256: str) -> Iterator[bytes]:
        """Give a blob in pieces of at most 1 MiB."""
        start, size = self._places[sha256]
        for at in range(start, start + size, _PIECE):
            yield os.pread(self._file.fileno(), min(_PIECE, start + size - at), at)

    def close(self) -> None:
        """Give the disk space back."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()


def _no_room(exc: OSError) -> StorageUnavailableError:
    return StorageUnavailableError("cannot keep a copy of the bytes", got=exc.strerror or type(exc).__name__)
