"""Writing a bundle as one file or as parts; nothing appears under its name before all of it is written."""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
from typing import TYPE_CHECKING, BinaryIO, Self

from supplychain.carry.plugin_bundle.parts import HEAD_SIZE, MAX_PARTS, SMALLEST_PART, PartHead
from supplychain.errors import InvalidPolicyError, OutputError
from supplychain.files import refuse_special

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from types import TracebackType

__all__ = ["VolumeWriter"]


class VolumeWriter:
    """Writes a bundle to `path`, or to parts of at most `part_size` bytes beside it; nothing appears before `commit`.

    Raises:
        InvalidPolicyError: the parts would be too small, or too many.
        OutputError: a file cannot be written; what was begun is removed.
    """

    def __init__(self, path: Path, *, part_size: int | None = None) -> None:
        if part_size is not None and part_size < SMALLEST_PART:
            raise InvalidPolicyError("parts are too small", expected=f"at least {SMALLEST_PART} bytes", got=f"{part_size} bytes")
        refuse_special(path)
        self._path = path
        self._room = None if part_size is None else part_size - HEAD_SIZE
        self._whole = hashlib.sha256()
        self._parts: list[_Begun] = []
        self._placed: list[Path] = []
        self._committed = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        for part in self._parts:
            part.file.close()
        for path in () if self._committed else (*self._placed, *(part.path for part in self._parts)):
            with contextlib.suppress(OSError):
                path.unlink()

    def write(self, data: bytes) -> None:
        """Append `data`."""
        self._whole.update(data)
        view = memoryview(data)
        while view:
            if not self._parts or self._parts[-1].size == self._room:
                self._begin()
            part = self._parts[-1]
            taken = len(view) if self._room is None else min(len(view), self._room - part.size)
            with _writing(self._path):
                part.append(view[:taken])
            view = view[taken:]

    def commit(self) -> tuple[str, tuple[Path, ...]]:
        """Put the files in their places; return the SHA-256 of the bundle, hex, and the files."""
        whole = self._whole.hexdigest()
        numbers = range(1, len(self._parts) + 1)
        targets = [self._path if self._room is None else self._path.with_name(f"{self._path.name}.{one:03}") for one in numbers]
        for target in targets:
            refuse_special(target)
        for number, part, target in zip(numbers, self._parts, targets, strict=True):
            with _writing(target):
                if self._room is not None:
                    head = PartHead(
                        set=whole, number=number, count=len(self._parts), size=part.size, sha256=part.hash.hexdigest()
                    )
                    part.file.seek(0)
                    part.file.write(head.render())
                part.file.close()
                part.path.replace(target)
            self._placed.append(target)
        self._committed = True
        return whole, tuple(self._placed)

    def _begin(self) -> None:
        if len(self._parts) == MAX_PARTS:
            raise InvalidPolicyError("too many parts", expected=f"at most {MAX_PARTS}", hint="give a larger `--part-size`")
        hidden = self._path.with_name(f".{self._path.name[:32]}.{secrets.token_hex(8)}")
        with _writing(self._path):
            descriptor = os.open(hidden, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o644)
            self._parts.append(_Begun(hidden, os.fdopen(descriptor, "wb", buffering=0)))
            if self._room is not None:
                self._parts[-1].file.write(bytes(HEAD_SIZE))


class _Begun:
    """One file that is being written."""

    def __init__(self, path: Path, file: BinaryIO) -> None:
        self.path = path
        self.file = file
        self.size = 0
        self.hash = hashlib.sha256()

    def append(self, view: memoryview) -> None:
        self.hash.update(view)
        self.size += len(view)
        while view:
            view = view[self.file.write(view) :]


@contextlib.contextmanager
def _writing(path: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, ValueError) as exc:  # ValueError: a NUL in the path
        cause = (exc.strerror if isinstance(exc, OSError) else None) or type(exc).__name__
        raise OutputError("cannot write file", got=cause, where=f"`{path}`") from exc
