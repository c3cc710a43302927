"""`--save DIR`: the files of a verified plugin, under the names that a gateway looks for."""

from __future__ import annotations

import contextlib
import secrets
import shutil
import threading
from typing import TYPE_CHECKING

from supplychain.errors import OutputError
from supplychain.files import write_atomically

if TYPE_CHECKING:
    from pathlib import Path

    from typing_extensions import Buffer

    from supplychain.spool import Spool
    from supplychain.verifier import VerifiedPlugin

__all__ = ["Shelf", "save"]


class Shelf:
    """Where the verified plugins of one call go: one into the directory itself, several into a folder each. Threads share it."""

    def __init__(self, directory: Path, *, several: bool) -> None:
        self._directory = directory
        self._several = several
        self._taken: set[str] = set()
        self._lock = threading.Lock()

    def save(self, plugin: VerifiedPlugin) -> tuple[Path, ...]:
        """Write one plugin.

        Raises:
            OutputError: it cannot be written, or another one of the same id was.
        """
        if not self._several:
            return save(plugin, self._directory)
        name = plugin.package.descriptor.id  # reverse DNS, so no path can hide in it
        with self._lock:
            if name in self._taken:
                raise OutputError(
                    f"two targets are plugin `{name}`, and only the first one was saved",
                    where=f"`{self._directory / name}`",
                    hint="save them in calls of their own",
                )
            self._taken.add(name)
        return save(plugin, self._directory / name)


def save(plugin: VerifiedPlugin, directory: Path) -> tuple[Path, ...]:
    """Write library, signature and descriptor into `directory` and return their paths.

    A directory that is new or empty appears with all files at once. In one that holds something, each file is replaced in
    one step, the library last.

    Raises:
        OutputError: the directory or a file cannot be written; no file of a failed attempt is left behind in a new directory.
    """
    package = plugin.package
    name = package.artifact_name
    files: dict[str, Buffer | Spool] = {
        f"{name}.plugin.yaml": package.descriptor_bytes,
        f"{name}.sig": package.signature or b"",
        name: package.artifact,
    }
    parent = directory.parent
    staging = parent / f".{directory.name[:32]}.{secrets.token_hex(8)}"
    try:
        parent.mkdir(parents=True, exist_ok=True)
        occupied = directory.exists() and (not directory.is_dir() or any(directory.iterdir()))
        target = directory if occupied else staging
        if occupied and not directory.is_dir():
            raise OutputError("cannot save", expected="a directory", got="a file", where=f"`{directory}`")
        if not occupied:
            staging.mkdir(mode=0o755)
        for file, data in files.items():
            write_atomically(target / file, data)
        if not occupied:
            staging.rename(directory)  # POSIX: an empty directory is replaced, any other is an error
    except OSError as exc:
        raise OutputError("cannot save", got=exc.strerror or type(exc).__name__, where=f"`{directory}`") from exc
    finally:
        with contextlib.suppress(OSError):
            shutil.rmtree(staging)
    return tuple(directory / file for file in files)
