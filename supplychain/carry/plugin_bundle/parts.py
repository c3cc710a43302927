"""A bundle as files: one, or parts of a size that fits a medium.

`NAME.001`, `NAME.002` and so on each begin with 512 bytes that say what they are: the set (SHA-256 of the whole bundle), their
number, the count of parts, and size and SHA-256 of what follows. Cut off these heads, the parts are the bundle. A head has one
form of its bytes; the number must be the one in the file's name, so a part that was renamed is found like one that was changed.
"""

from __future__ import annotations

import hashlib
import os
import re
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO, Final, Self

from supplychain.carry.plugin_bundle.compression import MAGIC
from supplychain.errors import (
    BundleFileInvalidError,
    BundlePartMismatchError,
    BundlePartMissingError,
    UnreadableFileError,
)
from supplychain.files import open_regular
from supplychain.wire import Fields, MalformedError, parse_json, translating

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from types import TracebackType

__all__ = ["HEAD_SIZE", "MAX_PARTS", "SMALLEST_PART", "PartHead", "Volume"]

HEAD_SIZE: Final = 512
MAX_PARTS: Final = 999
SMALLEST_PART: Final = 64 * 1024
"""Bytes of a part, its head included."""
_PIECE: Final = 1024 * 1024
_NUMBERED: Final = re.compile(r"(.+)\.([0-9]{3})", re.DOTALL)
_DIGEST: Final = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class PartHead:
    """What a part says about itself."""

    set: str
    """SHA-256 of the whole bundle, hex."""
    number: int
    """From 1."""
    count: int
    size: int
    """Bytes after the head."""
    sha256: str
    """Of them, hex."""

    def render(self) -> bytes:
        """Write the head, filled up with spaces."""
        text = (
            f'{{"mcpgBundlePart":1,"count":{self.count},"number":{self.number},"set":"{self.set}","sha256":"{self.sha256}",'
            f'"size":{self.size}}}'
        )
        return text.encode().ljust(HEAD_SIZE - 1) + b"\n"

    @classmethod
    def parse(cls, data: bytes, *, where: str) -> Self:
        """Read a head.

        Raises:
            BundleFileInvalidError: these are not the bytes of one.
        """
        with translating(BundleFileInvalidError, "no bundle and no part of one", where=where):
            fields = Fields(parse_json(data), "head")
            head = cls(
                set=fields.text("set"),
                number=fields.integer("number"),
                count=fields.integer("count"),
                size=fields.integer("size"),
                sha256=fields.text("sha256"),
            )
            if head.render() != data or not _DIGEST.fullmatch(head.set) or not 0 < head.number <= head.count <= MAX_PARTS:
                raise MalformedError("not as it is written")
        return head


class Volume:
    """The bundle at `path`: one file, or the parts of which `path` names the first, any other, or all by the name without number.

    Raises:
        UnreadableFileError: there is no such file.
        BundlePartMissingError: some parts are not there.
        BundlePartMismatchError: a part is of another bundle, or has another name than number.
        BundleFileInvalidError: it is neither bundle nor part.
    """

    def __init__(self, path: Path) -> None:
        self._open = ExitStack()
        self.path = path
        self.sha256: str | None = None
        """Of the whole bundle, hex; None before `chunks` was read to its end once."""
        try:
            self._files = self._find(path)
        except BaseException:
            self._open.close()
            raise

    @property
    def parts(self) -> int | None:
        """The count of parts; None where the bundle is one file."""
        return None if self._files[0].head is None else len(self._files)

    @property
    def size(self) -> int:
        """Bytes of the bundle, without heads of parts."""
        return sum(one.size for one in self._files)

    def close(self) -> None:
        """Close the files."""
        self._open.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def chunks(self) -> Iterator[bytes]:
        """Read the bundle from its beginning; may be asked again, but not twice at the same time.

        Raises:
            BundlePartMismatchError: a part has other bytes than it says, or all together are not the set.
            UnreadableFileError: a file cannot be read to its end.
        """
        whole = hashlib.sha256()
        for one in self._files:
            for piece in one.pieces():
                whole.update(piece)
                yield piece
        head = self._files[0].head
        if head is not None and whole.hexdigest() != head.set:
            raise BundlePartMismatchError(
                "the parts are not the bundle that they name", expected=f"`{head.set}`", got=f"`{whole.hexdigest()}`"
            )
        self.sha256 = whole.hexdigest()

    def _find(self, path: Path) -> list[_File]:
        first = path.parent / f"{path.name}.001"
        if not os.path.exists(path) and os.path.exists(first):  # noqa: PTH110 — a path may be anything, and `Path` would raise
            path = first
        one = self._file(path)
        if one.head is None:
            return [one]
        numbered = _NUMBERED.fullmatch(path.name)
        if numbered is None or int(numbered[2]) != one.head.number:
            raise BundlePartMismatchError("a part under another name", expected=f"part {one.head.number}", where=f"`{path}`")
        names = [path.with_name(f"{numbered[1]}.{number:03}") for number in range(1, one.head.count + 1)]
        missing = [name.name for name in names if not name.exists()]
        if missing:
            raise BundlePartMissingError(
                "parts of the bundle are not there",
                expected=f"{len(names)} parts",
                got=f"{len(missing)} missing: " + ", ".join(f"`{name}`" for name in missing[:8]),
                where=f"`{path.parent}`",
            )
        return [self._part(name, number=number, known=one.head) for number, name in enumerate(names, start=1)]

    def _part(self, path: Path, *, number: int, known: PartHead) -> _File:
        one = self._file(path)
        where = f"`{path}`"
        if one.head is None:
            raise BundlePartMismatchError("no part of a bundle", where=where)
        if (one.head.set, one.head.count) != (known.set, known.count):
            raise BundlePartMismatchError(
                "a part of another bundle", expected=f"set `{known.set}`", got=f"`{one.head.set}`", where=where
            )
        if one.head.number != number:
            raise BundlePartMismatchError(
                "a part under another name", expected=f"part {number}", got=f"part {one.head.number}", where=where
            )
        return one

    def _file(self, path: Path) -> _File:
        return _File(self._open.enter_context(open_regular(path)), path=path)


class _File:
    """One file of a volume."""

    def __init__(self, file: BinaryIO, *, path: Path) -> None:
        self._file = file
        self._where = f"`{path}`"
        start = self._read(HEAD_SIZE)
        self.head = None if start.startswith(MAGIC) else PartHead.parse(start, where=self._where)
        length = os.fstat(file.fileno()).st_size
        self.size = length if self.head is None else self.head.size
        if self.head is not None and length != HEAD_SIZE + self.size:
            raise BundlePartMismatchError(
                "a part has another size than it says",
                expected=f"{HEAD_SIZE + self.size} bytes",
                got=f"{length} bytes",
                where=self._where,
            )

    def pieces(self) -> Iterator[bytes]:
        self._file.seek(0 if self.head is None else HEAD_SIZE)
        digest = hashlib.sha256()
        while piece := self._read(_PIECE):
            digest.update(piece)
            yield piece
        if self.head is not None and digest.hexdigest() != self.head.sha256:
            raise BundlePartMismatchError(
                "a part has other bytes than it says",
                expected=f"`{self.head.sha256}`",
                got=f"`{digest.hexdigest()}`",
                where=self._where,
            )

    def _read(self, size: int) -> bytes:
        try:
            return self._file.read(size)
        except OSError as exc:
            raise UnreadableFileError("cannot read file", got=exc.strerror or str(exc), where=self._where) from exc
