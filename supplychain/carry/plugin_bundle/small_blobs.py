"""The small blobs of a bundle: read once from the stream, kept in one nameless file, given out by digest."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final, Protocol, Self

from supplychain.errors import ArtifactTooLargeError, BundleFileInvalidError
from supplychain.spool import Spool, SpoolWriter

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from supplychain.carry.plugin_bundle.archive import Member

__all__ = ["MAX_SHELF", "Blobs", "SmallBlobs"]

MAX_SHELF: Final = 2 * 1024**3
"""Bytes of all small blobs."""


class Blobs(Protocol):
    """Small blobs by SHA-256, hex, wherever they lie."""

    def __contains__(self, sha256: str) -> bool: ...

    def __iter__(self) -> Iterator[str]: ...

    def size(self, sha256: str) -> int:
        """Return the size of a blob in bytes; it must be there."""
        ...

    def read(self, sha256: str) -> bytes:
        """Read a blob."""
        ...


class SmallBlobs:
    """All small blobs of a bundle, by SHA-256, hex. Close it to give their disk space back."""

    def __init__(self, spool: Spool, places: dict[str, tuple[int, int]]) -> None:
        self._spool = spool
        self._places = places

    @classmethod
    def fill(cls, members: Iterable[Member], *, limit: int) -> Self:
        """Take the blobs as they come, in the order of their digests; each of at most `limit` bytes.

        Raises:
            BundleFileInvalidError: one has other bytes than its name says, comes twice, or out of order.
            ArtifactTooLargeError: one, or all together, are too large.
        """
        places: dict[str, tuple[int, int]] = {}
        last = ""
        with SpoolWriter() as writer:
            for member in members:
                sha256 = in_order(member, after=last)
                if member.size > limit or writer.size + member.size > MAX_SHELF:
                    raise ArtifactTooLargeError(
                        "a blob of the bundle is too large", expected=f"at most {limit} bytes, {MAX_SHELF} of all together",
                        got=f"{member.size} bytes", where=f"`{member.name}`",
                    )  # fmt: skip
                places[sha256] = (writer.size, member.size)
                for piece in checked(member):
                    writer.write(piece)
                last = sha256
            return cls(writer.finish(), places)

    def __contains__(self, sha256: str) -> bool:
        return sha256 in self._places

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def size(self, sha256: str) -> int:
        """Return the size of a blob in bytes; it must be there."""
        return self._places[sha256][1]

    def read(self, sha256: str) -> bytes:
        """Read a blob.

        Raises:
            BundleFileInvalidError: it is not there.
        """
        if sha256 not in self._places:
            raise BundleFileInvalidError("the bundle lacks a blob", expected=f"`sha256:{sha256[:64]}`")
        start, size = self._places[sha256]
        return bytes(memoryview(self._spool.view)[start : start + size])

    def close(self) -> None:
        """Give the disk space back."""
        self._spool.close()


def in_order(member: Member, *, after: str) -> str:
    """Return the digest of a blob that must stand behind `after`.

    Raises:
        BundleFileInvalidError: it is no blob, or out of order; what comes twice is out of order.
    """
    if member.sha256 is None or member.sha256 <= after:
        raise BundleFileInvalidError(
            "the bundle is out of order", expected="blobs in the order of their digests, each once", got=f"`{member.name}`"
        )
    return member.sha256


def checked(member: Member) -> Iterator[bytes]:
    """Give the bytes of a blob, and refuse it at its end if they are not what its name says."""
    digest = hashlib.sha256()
    for piece in member.pieces:
        digest.update(piece)
        yield piece
    if digest.hexdigest() != member.sha256:
        raise BundleFileInvalidError(
            "a blob has other bytes than its name says", expected=f"`{member.sha256}`", got=f"`{digest.hexdigest()}`"
        )
