"""Files that a user names: read with a bound, written whole or not at all.

Reading never blocks (a FIFO is refused) and never follows a name twice: the file is opened once, looked at through its
descriptor, and read. Writing goes to a hidden neighbour first and replaces the target in one step, so nobody sees half a file.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import stat
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, TypeAlias

from supplychain.errors import OutputError, UnreadableFileError
from supplychain.spool import Spool

if TYPE_CHECKING:
    from typing_extensions import Buffer

__all__ = ["StrPath", "open_regular", "read_bounded", "refuse_special", "write_atomically"]

StrPath: TypeAlias = "str | os.PathLike[str]"

_PIECE = 1024 * 1024


def open_regular(path: StrPath) -> BinaryIO:
    """Open a regular file for reading, unbuffered; the caller closes it.

    Raises:
        UnreadableFileError: there is none, it is no regular file, or it may not be read.
    """
    shown = f"`{os.fspath(path)}`"
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except (OSError, ValueError) as exc:  # ValueError: a NUL byte in the path
        raise UnreadableFileError("cannot read file", got=_cause(exc), where=shown) from exc
    mode = os.fstat(descriptor).st_mode
    if not stat.S_ISREG(mode):
        os.close(descriptor)
        raise UnreadableFileError("cannot read file", expected="a regular file", got=_kind(mode), where=shown)
    return os.fdopen(descriptor, "rb", buffering=0)


def read_bounded(path: StrPath, *, limit: int) -> bytes:
    """Read a whole regular file of at most `limit` bytes.

    Raises:
        UnreadableFileError: it cannot be read, is no regular file, or is longer.
    """
    shown = f"`{os.fspath(path)}`"
    pieces: list[bytes] = []
    left = limit + 1
    with open_regular(path) as file:
        try:
            while left > 0 and (piece := file.read(min(left, _PIECE))):
                pieces.append(piece)
                left -= len(piece)
        except OSError as exc:
            raise UnreadableFileError("cannot read file", got=_cause(exc), where=shown) from exc
    if left == 0:
        raise UnreadableFileError("file is too large", expected=f"at most {limit} bytes", got="more", where=shown)
    return b"".join(pieces)


def write_atomically(path: StrPath, data: Buffer | Spool, *, mode: int = 0o644) -> None:
    """Write `data` to `path`, replacing a regular file that is there; `mode` is narrowed by the umask.

    Raises:
        OutputError: it cannot be written; the old file, if any, is untouched and nothing new is left behind.
    """
    target = Path(path)
    shown = f"`{os.fspath(path)}`"
    refuse_special(target)
    # the neighbour's name stays short, or a target of the longest allowed name could not be written
    neighbour = target.with_name(f".{target.name[:32]}.{secrets.token_hex(8)}")
    try:
        descriptor = os.open(neighbour, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, mode)
    except OSError as exc:
        raise OutputError("cannot write file", got=_cause(exc), where=shown) from exc
    try:
        with os.fdopen(descriptor, "wb", buffering=0) as file:
            _write_all(file, data.view if isinstance(data, Spool) else data)
        neighbour.replace(target)
    except BaseException as exc:
        with contextlib.suppress(OSError):
            neighbour.unlink()
        if isinstance(exc, OSError):
            raise OutputError("cannot write file", got=_cause(exc), where=shown) from exc
        raise


def refuse_special(target: Path) -> None:
    """Refuse to put a file where a device, a pipe or a folder stands: replacing it would take it away.

    Raises:
        OutputError: there is one, or nobody can say.
    """
    shown = f"`{target}`"
    try:
        mode = target.stat().st_mode
    except FileNotFoundError:
        mode = stat.S_IFREG
    except (OSError, ValueError) as exc:  # ValueError: a NUL byte in the path
        raise OutputError("cannot write file", got=_cause(exc), where=shown) from exc
    if not stat.S_ISREG(mode):
        raise OutputError("cannot write file", expected="a path that is free or a regular file", got=_kind(mode), where=shown)


def _write_all(file: BinaryIO, data: Buffer) -> None:
    view = memoryview(data).cast("B")
    for start in range(0, len(view), _PIECE):
        piece = view[start : start + _PIECE]
        while piece:
            piece = piece[file.write(piece) :]


def _kind(mode: int) -> str:
    kinds = {stat.S_IFDIR: "a directory", stat.S_IFIFO: "a pipe", stat.S_IFSOCK: "a socket"}
    return kinds.get(stat.S_IFMT(mode), "a device")


def _cause(exc: OSError | ValueError) -> str:
    return (exc.strerror if isinstance(exc, OSError) else None) or type(exc).__name__
