"""The file in which stamps are kept: JSON, one a line, added as plugins arrive, so that a run that breaks off loses nothing.

Only what this user alone can write counts, and one process uses it at a time. A line that cannot be read counts for nothing, and
its plugin is carried as if it were new; so is everything if the file is lost.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import stat
import threading
from typing import TYPE_CHECKING, Final, Self

from supplychain import strict_json
from supplychain.carry.stamp import Stamp
from supplychain.errors import OutputError, StorageUnavailableError, UnreadableFileError
from supplychain.files import write_atomically
from supplychain.mirror.artifact_form import canonical

if TYPE_CHECKING:
    from types import TracebackType

    from supplychain.files import StrPath

__all__ = ["StampFile"]

_HEAD: Final = {"schema": "mcpg.dev/supplychain-sync-state/v1"}
_LARGEST: Final = 256 * 1024 * 1024
_LONGEST_LINE: Final = 64 * 1024


class StampFile:
    """The stamps of one file, which is made where there is none; threads may share it. Close it after use.

    Raises:
        UnreadableFileError: it cannot be read, is no such file, or others may write it.
        StorageUnavailableError: another process uses it.
    """

    def __init__(self, path: StrPath) -> None:
        self._path = path
        self._where = f"`{os.fspath(path)}`"
        self._lock = threading.Lock()
        self._stamps: dict[tuple[str, str, str], Stamp] = {}
        self._stale = False
        self._closed = False
        try:
            self._file = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK, 0o600)
        except (OSError, ValueError) as exc:  # ValueError: a NUL in the path
            raise UnreadableFileError("cannot open the state", got=_cause(exc), where=self._where) from exc
        try:
            self._begin()
        except BaseException:
            os.close(self._file)
            raise

    def find(self, place: tuple[str, str, str]) -> Stamp | None:
        """Return the last stamp of a plugin, by its `Stamp.place`."""
        with self._lock:
            return self._stamps.get(place)

    def record(self, stamp: Stamp) -> None:
        """Add a stamp; it is on its way to the disk when this returns.

        Raises:
            OutputError: the file does not take it.
        """
        with self._lock:
            self._stale = self._stale or stamp.place in self._stamps
            self._stamps[stamp.place] = stamp
            self._append(canonical(stamp.as_json()))

    def close(self) -> None:
        """Leave one line for each plugin, and let others use the file; the second time nothing happens.

        Raises:
            OutputError: the file cannot be written.
        """
        stale, self._stale = self._stale, False
        try:
            if stale:
                lines = [canonical(_HEAD), *(canonical(self._stamps[key].as_json()) for key in sorted(self._stamps))]
                write_atomically(self._path, b"".join(line + b"\n" for line in lines), mode=0o600)
        finally:
            if not self._closed:
                self._closed = True
                os.close(self._file)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def _begin(self) -> None:
        state = os.fstat(self._file)
        if not stat.S_ISREG(state.st_mode):
            raise UnreadableFileError("the state is no regular file", where=self._where)
        if state.st_uid != os.geteuid() or state.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
            hint = "give it to the user who runs this, and take the right to write from all others: `chmod go-w`"
            raise UnreadableFileError("others may write the state", where=self._where, hint=hint)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as exc:
            if exc.errno not in {errno.EAGAIN, errno.EACCES}:
                raise UnreadableFileError("cannot lock the state", got=_cause(exc), where=self._where) from exc
            raise StorageUnavailableError(
                "another run uses the state", where=self._where, hint="try again when it is over"
            ) from exc
        self._read(state.st_size)

    def _read(self, size: int) -> None:
        if size > _LARGEST:
            raise UnreadableFileError("the state is too large", expected=f"at most {_LARGEST} bytes", where=self._where)
        if size == 0:
            self._append(canonical(_HEAD))
            return
        with os.fdopen(os.dup(self._file), "rb") as file:
            head, *lines = file.read(_LARGEST).split(b"\n")
        if _loaded(head) != _HEAD:
            raise UnreadableFileError("this is no state of `mirror sync`", where=self._where, hint="name another file")
        if lines and lines[-1]:  # broken off: what comes next must not be glued to it
            self._append(b"")
        for line in lines:
            stamp = Stamp.parse(_loaded(line))
            if stamp is not None:
                self._stale = self._stale or stamp.place in self._stamps
                self._stamps[stamp.place] = stamp

    def _append(self, line: bytes) -> None:
        data = memoryview(line + b"\n")
        try:
            while data:
                data = data[os.write(self._file, data) :]
        except OSError as exc:
            raise OutputError("cannot write the state", got=_cause(exc), where=self._where) from exc


def _loaded(line: bytes) -> object:
    with contextlib.suppress(strict_json.StrictJsonError):
        return strict_json.loads(line, limit=_LONGEST_LINE)
    return None


def _cause(exc: OSError | ValueError) -> str:
    return (exc.strerror if isinstance(exc, OSError) else None) or str(exc)
