"""The tar inside a bundle: one form of its bytes, written and read as a stream.

Decision: no `tarfile`. A bundle needs one kind of member, a regular file under one of three names, and `tarfile` reads ten
dialects of which each is a way to show two readers two contents (PAX records that rename, GNU long names, sparse maps, links).
So a member is accepted only if its 512 bytes of header are exactly those that are written here for its name and size:
POSIX.1-1988 `ustar`, type `0`, mode 0644, time, owner and group zero. What is not that, is refused without being understood;
`_strangeness` only says what it was. The archive ends with two blocks of zeros and nothing after. Every `tar` reads the result.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from supplychain.errors import BundleFileInvalidError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from typing_extensions import Buffer

__all__ = [
    "INDEX_NAME",
    "LAYOUT_NAME",
    "MAX_MEMBERS",
    "Member",
    "blob_name",
    "header",
    "read_archive",
    "tar_size",
    "write_archive",
]

LAYOUT_NAME: Final = "oci-layout"
INDEX_NAME: Final = "index.json"
MAX_MEMBERS: Final = 100_000
_BLOCK: Final = 512
_END: Final = bytes(2 * _BLOCK)
_LARGEST: Final = 8**11 - 1
"""What eleven octal digits hold, in bytes."""
_NAME: Final = re.compile(rb"(oci-layout|index\.json|blobs/sha256/[0-9a-f]{64})\0+")
_SIZE: Final = re.compile(rb"([0-7]{11})\0")
_KINDS: Final = {
    b"\0": "a member of the old form", b"1": "a hard link", b"2": "a symbolic link", b"3": "a device", b"4": "a device",
    b"5": "a directory", b"6": "a pipe", b"L": "a GNU long name", b"K": "a GNU long name", b"S": "a sparse file",
    b"g": "a PAX header", b"x": "a PAX header",
}  # fmt: skip


def blob_name(sha256: str) -> str:
    """Return the member's name of a blob."""
    return f"blobs/sha256/{sha256}"


def header(name: str, size: int) -> bytes:
    """Write the one header that a member of this name and size (in bytes, at most 8 GiB) has."""
    if not 0 <= size <= _LARGEST:
        raise ValueError("no tar member has that size")
    fields = (
        (name.encode(), 100), (b"0000644", 8), (b"0000000", 8), (b"0000000", 8), (b"%011o" % size, 12), (b"00000000000", 12),
        (b" " * 8, 8), (b"0", 1), (b"", 100), (b"ustar", 6), (b"00", 2), (b"", 64), (b"0000000", 8), (b"0000000", 8), (b"", 167),
    )  # fmt: skip
    block = b"".join(text.ljust(width, b"\0") for text, width in fields)
    return block[:148] + b"%06o\0 " % sum(block) + block[156:]


def tar_size(sizes: Iterable[int]) -> int:
    """Count the bytes of an archive of members of these sizes."""
    return sum(_BLOCK + size + -size % _BLOCK for size in sizes) + len(_END)


def write_archive(members: Iterable[tuple[str, int, Iterable[Buffer]]]) -> Iterator[Buffer]:
    """Write members of name, size and content, in the order given, as pieces of the archive."""
    for name, size, pieces in members:
        yield header(name, size)
        left = size
        for piece in pieces:
            left -= memoryview(piece).nbytes
            yield piece
        if left:
            raise ValueError(f"`{name}` has another size than was said")
        yield bytes(-size % _BLOCK)
    yield _END


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One file of an archive; read `pieces` to its end before the next member is asked for, or not at all."""

    name: str
    size: int
    pieces: Iterator[bytes]

    @property
    def sha256(self) -> str | None:
        """The digest that the name says, as hex; None for the two files that have none."""
        return self.name.rpartition("/")[2] if "/" in self.name else None


def read_archive(pieces: Iterator[bytes]) -> Iterator[Member]:
    """Read an archive once, from its first byte to its last; what a caller leaves of a member is skipped.

    Raises:
        BundleFileInvalidError: it has not the one form of its bytes, is cut off, or has too many members.
    """
    feed = _Feed(pieces)
    number = 0
    while any(block := feed.exactly(_BLOCK)):
        if number == MAX_MEMBERS:
            raise BundleFileInvalidError("the bundle has too many members", expected=f"at most {MAX_MEMBERS}", got="more")
        number += 1
        name, size = _parsed(block, number=number)
        content = feed.up_to(size)
        yield Member(name=name, size=size, pieces=content)
        for _ in content:
            pass
        if any(feed.exactly(-size % _BLOCK)):
            raise BundleFileInvalidError("bytes between two members", where=f"`{name}`")
    if any(feed.exactly(_BLOCK)):
        raise BundleFileInvalidError("a member after the end of the bundle")
    if feed.more():
        raise BundleFileInvalidError("bytes after the end of the bundle")


def _parsed(block: bytes, *, number: int) -> tuple[str, int]:
    name, size = _NAME.fullmatch(block[:100]), _SIZE.fullmatch(block[124:136])
    if name is not None and size is not None:
        text, length = name[1].decode(), int(size[1], 8)
        if block == header(text, length):
            return text, length
    raise BundleFileInvalidError(
        "a member that no bundle has",
        expected=f"`{LAYOUT_NAME}`, `{INDEX_NAME}` or a blob, as a plain file",
        got=_strangeness(block, named=name is not None),
        where=f"member {number}",
    )


def _strangeness(block: bytes, *, named: bool) -> str:
    if block[257:262] != b"ustar":
        return "no tar header"
    kind = _KINDS.get(block[156:157])
    shown = block[:100].partition(b"\0")[0].decode("ascii", "replace")
    if kind is not None:
        return f"{kind} called `{shown}`"
    return "a header with other owner, mode, time or checksum" if named else f"the name `{shown}`"


class _Feed:
    """Bytes in the portions that are asked for, out of pieces as they come."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._rest = memoryview(b"")

    def exactly(self, size: int) -> bytes:
        return b"".join(self.up_to(size))

    def up_to(self, size: int) -> Iterator[bytes]:
        """Give `size` bytes in pieces.

        Raises:
            BundleFileInvalidError: there are not so many left.
        """
        while size:
            if not self.more():
                raise BundleFileInvalidError("the bundle is cut off", got=f"{size} bytes less than it says")
            piece, self._rest = self._rest[:size], self._rest[size:]
            size -= len(piece)
            yield bytes(piece)

    def more(self) -> bool:
        """Tell whether any byte is left."""
        while not self._rest:
            piece = next(self._pieces, None)
            if piece is None:
                return False
            self._rest = memoryview(piece)
        return True
