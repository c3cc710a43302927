"""A file put in the place of the one that was read, unless somebody changed that meanwhile."""

from __future__ import annotations

import fcntl
import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING

from supplychain.errors import OutputError, UnreadableFileError
from supplychain.files import open_regular, read_bounded, write_atomically

if TYPE_CHECKING:
    from supplychain.files import StrPath

__all__ = ["replace_file"]


def replace_file(path: StrPath, *, before: bytes, after: bytes) -> None:
    """Write `after` in one step over a file that still holds `before`; its permissions stay, and a link leads to the new one.

    Whoever does the same at the same time waits, and then finds that the file has changed.

    Raises:
        UnreadableFileError: it is gone, or no regular file.
        OutputError: it is read-only, was changed, or cannot be written; it is as it was.
    """
    shown = f"`{os.fspath(path)}`"
    with open_regular(path) as file:
        mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
        if not mode & (stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH):
            raise OutputError("the file is read-only", where=shown, hint="make it writable if it is yours to change")
        fcntl.flock(file, fcntl.LOCK_EX)
        if not _holds(path, before):
            raise OutputError("the file changed while it was looked at", where=shown, hint="run the command again")
        target = Path(path).resolve()
        write_atomically(target, after, mode=mode)
        target.chmod(mode)


def _holds(path: StrPath, before: bytes) -> bool:
    try:
        return read_bounded(path, limit=len(before)) == before
    except UnreadableFileError:  # longer, or gone
        return False
