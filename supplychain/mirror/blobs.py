"""Reading the files of an OCI image layout without trusting the directory (OCI image specification 1.1, image-layout.md).

Every name is opened relative to the directory that was opened before it, and no symbolic link is followed below the layout's own
path, so nothing outside of it is ever read. Only regular files count; a pipe does not block. A blob has the size and the SHA-256
under which it was asked for, or it is refused.
"""

from __future__ import annotations

import errno
import hashlib
import os
import stat
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, BinaryIO, Final

from supplychain.errors import (
    ArtifactTooLargeError,
    DigestMismatchError,
    ManifestInvalidError,
    NotFoundError,
    UnreadableFileError,
)
from supplychain.mirror.manifests import Index, Manifest, OciDescriptor, parse_document, parse_index, parse_json
from supplychain.spool import Spool, SpoolWriter

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["INDEX_FILE", "LAYOUT_FILE", "LAYOUT_VERSION", "BlobStore"]

LAYOUT_FILE: Final = "oci-layout"
LAYOUT_VERSION: Final = "1.0.0"
INDEX_FILE: Final = "index.json"
_MARKER_LIMIT: Final = 64 * 1024
_PIECE: Final = 1024 * 1024
_NOT_REGULAR: Final = frozenset({errno.ELOOP, errno.ENOTDIR, errno.ENXIO})
"""What opening a symbolic link, something in place of a directory, or a socket comes to."""
_NOT_A_LAYOUT: Final = "give the directory that holds `oci-layout`, `index.json` and `blobs`"


class BlobStore:
    """One image layout directory, held open; close it after use.

    Raises:
        UnreadableFileError: the path is no directory that can be read, or no image layout.
    """

    def __init__(self, path: Path) -> None:
        self.where = f"layout `{path}`"
        self._open = ExitStack()
        try:
            self._root = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except (OSError, ValueError) as exc:  # ValueError: a NUL in the path
            raise UnreadableFileError("cannot open the layout", got=_cause(exc), where=self.where, hint=_NOT_A_LAYOUT) from exc
        self._open.callback(os.close, self._root)
        self._blobs: int | None = None

    def close(self) -> None:
        """Give the directory back."""
        self._open.close()

    def index(self, *, limit: int) -> Index:
        """Check the marker file and read `index.json`.

        Raises:
            UnreadableFileError: this is no image layout.
            ManifestInvalidError: it is one, but a broken one.
            ArtifactTooLargeError: `index.json` is longer than `limit` bytes.
        """
        where = f"{self.where}, `{LAYOUT_FILE}`"
        version = parse_json(self._small(LAYOUT_FILE, limit=_MARKER_LIMIT), where=where).get("imageLayoutVersion")
        if version != LAYOUT_VERSION:
            raise ManifestInvalidError(
                "unknown layout version", expected=f"`{LAYOUT_VERSION}`", got=f"`{str(version)[:40]}`", where=where
            )
        where = f"{self.where}, `{INDEX_FILE}`"
        return parse_index(self._small(INDEX_FILE, limit=limit), where=where)

    def document(self, descriptor: OciDescriptor, *, limit: int) -> Manifest | Index:
        """Read and parse the manifest or index that `descriptor` points to; errors as those of `read` and `parse_document`."""
        where = f"{self.where}, manifest {descriptor.manifest_digest}"
        return parse_document(self.read(descriptor, limit=limit), where=where, declared=descriptor.media_type)

    def size(self, sha256: str) -> int:
        """Return the size of a blob in bytes, for those who know it by its digest alone.

        Raises:
            NotFoundError: the layout does not hold it.
            ManifestInvalidError: it is no regular file.
        """
        with self._blob(sha256) as file:
            return os.fstat(file.fileno()).st_size

    def read(self, descriptor: OciDescriptor, *, limit: int) -> bytes:
        """Read a blob of at most `limit` bytes.

        Raises:
            NotFoundError: the layout does not hold it.
            ManifestInvalidError: it is no regular file, or not below the layout.
            ArtifactTooLargeError: it is longer than `limit`.
            DigestMismatchError: size or digest differ from the descriptor's.
        """
        data = b"".join(self._pieces(descriptor, limit=limit))
        self._expect(descriptor, sha256=hashlib.sha256(data).hexdigest())
        return data

    def spool(self, descriptor: OciDescriptor, *, limit: int) -> Spool:
        """Copy a blob into a spool, hashing on the way; the caller closes it.

        Raises:
            StorageUnavailableError: the temporary directory has no room;
            and all that `read` raises.
        """
        with SpoolWriter() as writer:
            for piece in self._pieces(descriptor, limit=limit):
                writer.write(piece)
            spool = writer.finish()
        try:
            self._expect(descriptor, sha256=spool.sha256)
        except DigestMismatchError:
            spool.close()
            raise
        return spool

    def _pieces(self, descriptor: OciDescriptor, *, limit: int) -> Iterator[bytes]:
        where = f"{self.where}, blob {descriptor.layer_digest}"
        if descriptor.size > limit:
            raise ArtifactTooLargeError(
                "a blob is too large", expected=f"at most {limit} bytes", got=f"{descriptor.size} bytes", where=where
            )
        left = descriptor.size
        with self._blob(descriptor.sha256) as file:
            while piece := file.read(min(left + 1, _PIECE)):
                left -= len(piece)
                if left < 0:
                    break
                yield piece
        if left:
            got = "more" if left < 0 else f"{descriptor.size - left} bytes"
            raise DigestMismatchError("a blob has another size", expected=f"{descriptor.size} bytes", got=got, where=where)

    def _expect(self, descriptor: OciDescriptor, *, sha256: str) -> None:
        if sha256 != descriptor.sha256:
            raise DigestMismatchError(
                "a blob has another digest", expected=f"`sha256:{descriptor.sha256}`", got=f"`sha256:{sha256}`", where=self.where
            )

    def _small(self, name: str, *, limit: int) -> bytes:
        try:
            with _open_regular(name, parent=self._root) as file:
                data = file.read(limit + 1)
        except FileNotFoundError as exc:
            hint = _NOT_A_LAYOUT
            raise UnreadableFileError(
                "the directory is no image layout", got=f"no `{name}`", where=self.where, hint=hint
            ) from exc
        except OSError as exc:
            raise self._unreadable(name, exc) from exc
        if len(data) > limit:
            raise ArtifactTooLargeError(f"`{name}` is too large", expected=f"at most {limit} bytes", got="more", where=self.where)
        return data

    @contextmanager
    def _blob(self, sha256: str) -> Iterator[BinaryIO]:
        name = f"blobs/sha256/{sha256}"
        try:
            if self._blobs is None:
                self._blobs = self._directory("sha256", parent=self._directory("blobs", parent=self._root))
            with _open_regular(sha256, parent=self._blobs) as file:
                yield file
        except FileNotFoundError as exc:
            raise NotFoundError("the layout lacks a blob", expected=f"`{name}`", where=self.where) from exc
        except OSError as exc:
            raise self._unreadable(name, exc) from exc

    def _directory(self, name: str, *, parent: int) -> int:
        descriptor = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=parent)
        self._open.callback(os.close, descriptor)
        return descriptor

    def _unreadable(self, name: str, exc: OSError) -> ManifestInvalidError | UnreadableFileError:
        if exc.errno in _NOT_REGULAR:
            return ManifestInvalidError(f"`{name}` is no regular file of the layout", got=_cause(exc), where=self.where)
        return UnreadableFileError(f"cannot read `{name}`", got=_cause(exc), where=self.where)


def _open_regular(name: str, *, parent: int) -> BinaryIO:
    descriptor = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=parent)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.ENOTDIR, "not a regular file")
    return os.fdopen(descriptor, "rb")


def _cause(exc: OSError | ValueError) -> str:
    return (exc.strerror if isinstance(exc, OSError) else None) or str(exc)
