"""One bundle file, opened: read once from front to back, with at most one package on disk at a time.

The order of the archive makes that possible: `oci-layout`, `index.json`, the small blobs in the order of their digests, then
the packages in the order of theirs. `index.json` says how many small ones there are, the documents among them say which
packages must follow. Another order, a package too many or too few, and anything after the end is refused. Small blobs lie in
one nameless file.

`packages` gives the rest of the file in one pass to its very end. `spool` is for those who want one package by digest: in the
order of the file that is one pass, too; out of order it starts again.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Final, Self

from supplychain.carry.plugin_bundle.archive import INDEX_NAME, LAYOUT_NAME, read_archive
from supplychain.carry.plugin_bundle.compression import decompress
from supplychain.carry.plugin_bundle.index import small_count
from supplychain.carry.plugin_bundle.inventory import LAYOUT, Inventory
from supplychain.carry.plugin_bundle.parts import Volume
from supplychain.carry.plugin_bundle.small_blobs import SmallBlobs, checked, in_order
from supplychain.errors import ArtifactTooLargeError, BundleFileInvalidError, NotFoundError, VerificationError
from supplychain.limits import Limits
from supplychain.mirror.manifests import parse_index
from supplychain.spool import Spool, SpoolWriter

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from types import TracebackType

    from supplychain.carry.plugin_bundle.archive import Member

__all__ = ["MAX_SMALL", "Bundle"]

MAX_SMALL: Final = 256 * 1024 * 1024
"""Bytes of one blob that is no package."""


class Bundle:
    """The bundle at `path`, or in the parts that it names. Everything but the packages is read and checked here.

    Raises:
        UnreadableFileError: there is no such file.
        BundleFileError, BundlePartMissingError: it is refused, or incomplete.
        ArtifactTooLargeError: something in it is larger than `limits` allow.
    """

    def __init__(self, path: Path, *, limits: Limits | None = None) -> None:
        self.limits = limits if limits is not None else Limits()
        self._lock = threading.Lock()
        self._volume = Volume(path)
        self._shelf: SmallBlobs | None = None
        try:
            self._rest: Iterator[Member] | None = self._members()
            self.inventory = self._front(self._rest)
            self._check_packages()
        except BaseException:
            self.close()
            raise
        self._last = ""

    @property
    def volume(self) -> Volume:
        """The file, or its parts."""
        return self._volume

    @property
    def where(self) -> str:
        """The bundle's name for people."""
        return f"bundle:{self._volume.path}"

    def packages(self) -> Iterator[Spool]:
        """Give every package in the order of the file and close each before the next; then read the file to its end.

        Raises:
            BundleFileError: a package, or the end, is not as it must be; nothing that was said before counts then.
            StorageUnavailableError: the temporary directory has no room.
        """
        with self._lock:
            members = self._from_start()
            for member in members:
                with self._taken(member) as spool:
                    yield spool
            if self._last != max(self.inventory.packages, default=""):
                raise BundleFileInvalidError("the bundle lacks packages that its documents name")

    def spool(self, sha256: str) -> Spool:
        """Read one package by its digest; the caller closes it.

        Raises:
            NotFoundError: the bundle's documents name no such package.
            BundleFileError: it is not there, or not as it must be.
        """
        if sha256 not in self.inventory.packages:
            raise NotFoundError("the bundle lacks a blob", expected=f"`sha256:{sha256}`", where=self.where)
        with self._lock:
            members = self._rest if self._rest is not None and self._last < sha256 else self._from_start()
            for member in members:
                if member.sha256 == sha256:
                    return self._taken(member)
                self._placed(member)
            raise BundleFileInvalidError("the bundle lacks a package that its documents name", expected=f"`sha256:{sha256}`")

    def close(self) -> None:
        """Close the files and give the disk space back."""
        self._volume.close()
        if self._shelf is not None:
            self._shelf.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def _members(self) -> Iterator[Member]:
        return read_archive(decompress(self._volume.chunks(), ratio=self.limits.inflate_ratio))

    def _front(self, members: Iterator[Member]) -> Inventory:
        layout = _whole(members, name=LAYOUT_NAME, limit=len(LAYOUT))
        if layout != LAYOUT:
            raise BundleFileInvalidError("no OCI image layout of version 1.0.0", where=f"`{LAYOUT_NAME}`")
        data = _whole(members, name=INDEX_NAME, limit=self.limits.document)
        try:
            count = small_count(parse_index(data, where=f"`{INDEX_NAME}`"))
        except BundleFileInvalidError:
            raise
        except VerificationError as exc:
            raise BundleFileInvalidError("the bundle's index is unusable", got=str(exc)) from exc
        self._shelf = SmallBlobs.fill(_some(members, count=count), limit=MAX_SMALL)
        return Inventory.of(data, small_blobs=self._shelf)

    def _check_packages(self) -> None:
        for sha256, size in self.inventory.packages.items():
            if size > self.limits.package:
                raise ArtifactTooLargeError(
                    "a package is too large",
                    expected=f"at most {self.limits.package} bytes",
                    got=f"{size} bytes",
                    where=f"`sha256:{sha256}`",
                )

    def _from_start(self) -> Iterator[Member]:
        """Stand before the first package, by reading the file anew unless nobody read on since it was opened."""
        if self._rest is None or self._last:
            self._rest = self._members()
            for _ in _some(self._rest, count=2 + len(list(self.inventory.small_blobs))):
                pass  # whoever reads on skips it
        self._last = ""
        return self._rest

    def _placed(self, member: Member) -> str:
        sha256 = in_order(member, after=self._last)
        if self.inventory.packages.get(sha256) != member.size:
            raise BundleFileInvalidError("a blob that no document names, or of another size", got=f"`{member.name}`")
        self._last = sha256
        return sha256

    def _taken(self, member: Member) -> Spool:
        self._placed(member)
        with SpoolWriter() as writer:
            for piece in checked(member):
                writer.write(piece)
            return writer.finish()


def _whole(members: Iterator[Member], *, name: str, limit: int) -> bytes:
    member = next(members, None)
    if member is None or member.name != name:
        got = "nothing" if member is None else f"`{member.name}`"
        raise BundleFileInvalidError("the bundle is out of order", expected=f"`{name}`", got=got)
    if member.size > limit:
        raise ArtifactTooLargeError(
            "a file of the bundle is too large", expected=f"at most {limit} bytes", got=f"{member.size} bytes", where=f"`{name}`"
        )
    return b"".join(member.pieces)


def _some(members: Iterator[Member], *, count: int) -> Iterator[Member]:
    for _ in range(count):
        member = next(members, None)
        if member is None:
            raise BundleFileInvalidError("the bundle has fewer blobs than its index says", expected=str(count))
        yield member
