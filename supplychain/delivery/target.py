"""Where verified files appear: staged beside their final names, and renamed when all of them are good."""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import secrets
import stat
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, BinaryIO, Final

from supplychain.errors import OutputError, StorageUnavailableError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from types import TracebackType
    from typing import Self

    from typing_extensions import Buffer

__all__ = ["Target"]

_STAGED: Final = re.compile(r"\.materialise-[0-9a-f]{16}")


class Target:
    """A directory that gets new files all at once, or none; it is made where it is missing.

    One process at a time writes to it, and removes what a killed one left. Until `commit` nothing of what was there is touched.
    """

    def __init__(self, directory: Path, *, mode: int) -> None:
        self._directory = directory
        self._mode = mode
        self._folder: int
        self._staged: dict[str, str] = {}

    def __enter__(self) -> Self:
        with self._translating():
            self._directory.mkdir(parents=True, exist_ok=True)
            self._folder = os.open(self._directory, os.O_RDONLY)
        try:
            self._take()
        except BaseException:
            os.close(self._folder)
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        for staged in self._staged.values():
            with contextlib.suppress(OSError):
                os.unlink(staged, dir_fd=self._folder)
        os.close(self._folder)

    def create(self, name: str) -> BinaryIO:
        """Stage a file that `commit` will call `name`, open for writing and reading; the caller closes it."""
        staged = f".materialise-{secrets.token_hex(8)}"
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL  # which follows no link
        with self._translating():
            descriptor = os.open(staged, flags, 0o600, dir_fd=self._folder)
            self._staged[name] = staged
            with ExitStack() as opened:
                file = opened.enter_context(os.fdopen(descriptor, "w+b", buffering=0))
                os.fchmod(descriptor, self._mode)  # exactly: no umask narrows it
                opened.pop_all()
        return file

    def append(self, file: BinaryIO, data: Buffer) -> None:
        """Write all of `data`.

        Raises:
            StorageUnavailableError: there is no room.
        """
        view = memoryview(data).cast("B")
        try:
            while view:
                view = view[file.write(view) :]
        except OSError as exc:
            got = exc.strerror or type(exc).__name__
            raise StorageUnavailableError("cannot write the plugin", got=got, where=f"`{self._directory}`", hint=_HINT) from exc

    def commit(self) -> tuple[str, ...]:
        """Give the staged files their names, in the order of their creation, and return these.

        Raises:
            OutputError: one of the names is taken by something that is no file; no file has appeared then.
        """
        for name in self._staged:
            self._expect_replaceable(name)
        names = tuple(self._staged)
        with self._translating():
            for name in names:
                os.rename(self._staged[name], name, src_dir_fd=self._folder, dst_dir_fd=self._folder)
                del self._staged[name]
        return names

    def _take(self) -> None:
        """Keep other processes out until the folder is closed, which the end of this process does as well."""
        try:
            fcntl.flock(self._folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as exc:
            got = "another process that writes there" if isinstance(exc, BlockingIOError) else exc.strerror or type(exc).__name__
            raise OutputError("cannot use directory", got=got, where=f"`{self._directory}`") from exc
        with self._translating():
            for name in os.listdir(self._folder):  # noqa: PTH208 — the folder that is locked, whatever its path means by now
                if _STAGED.fullmatch(name) is not None:
                    os.unlink(name, dir_fd=self._folder)

    def _expect_replaceable(self, name: str) -> None:
        try:
            mode = os.stat(name, dir_fd=self._folder, follow_symlinks=False).st_mode
        except FileNotFoundError:
            return
        if not stat.S_ISREG(mode):
            expected = "a name that is free or a regular file"
            raise OutputError("cannot write file", expected=expected, got="something else", where=f"`{self._directory / name}`")

    @contextmanager
    def _translating(self) -> Iterator[None]:
        try:
            yield
        except OSError as exc:
            got = exc.strerror or type(exc).__name__
            raise OutputError("cannot write to directory", got=got, where=f"`{self._directory}`") from exc


_HINT: Final = "give the volume of the target more room"
