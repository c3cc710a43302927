"""A plugin as a bare package file, outside of any registry or layout."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final, Self

from supplychain.artifact import PulledArtifact
from supplychain.digest import LayerDigest
from supplychain.errors import ArtifactTooLargeError, SignatureSourceMissingError, UnreadableFileError
from supplychain.files import open_regular
from supplychain.limits import Limits
from supplychain.spool import Spool, SpoolWriter

if TYPE_CHECKING:
    from types import TracebackType

    from supplychain.artifact import EvidenceSet, Platform
    from supplychain.digest import ManifestDigest

__all__ = ["PackageFileSource", "spool_file"]

_PIECE: Final = 1024 * 1024


class PackageFileSource:
    """The package `path`. It has no manifest, so nothing can be attached to it."""

    def __init__(self, path: str | Path, *, limits: Limits | None = None) -> None:
        self._path = Path(path)
        self._limits = limits if limits is not None else Limits()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Nothing is held open between calls."""

    def pull(self, *, platform: Platform) -> PulledArtifact:  # noqa: ARG002 — a file is for whatever platform it is for
        """Copy the file into a spool; the caller closes it.

        Raises:
            UnreadableFileError: it cannot be read, or is no regular file.
            ArtifactTooLargeError: it is longer than `limits.package`.
            StorageUnavailableError: the temporary directory has no room.
        """
        spool = spool_file(self._path, limit=self._limits.package)
        return PulledArtifact(source=str(self._path), package=spool, layer_digest=LayerDigest(spool.sha256))

    def evidence(self, digest: ManifestDigest, *, thorough: bool = False) -> EvidenceSet:  # noqa: ARG002 — there is none
        """There is none.

        Raises:
            SignatureSourceMissingError: always.
        """
        raise SignatureSourceMissingError("a package file has no manifest", expected=f"`{digest}`", where=f"`{self._path}`")


def spool_file(path: Path, *, limit: int) -> Spool:
    """Copy a regular file of at most `limit` bytes into a spool, hashing on the way.

    Raises:
        UnreadableFileError: it cannot be read, or is no regular file.
        ArtifactTooLargeError: it is longer than `limit`.
        StorageUnavailableError: the temporary directory has no room.
    """
    with open_regular(path) as file, SpoolWriter() as writer:
        while piece := _read(file, path=path):
            if writer.size + len(piece) > limit:
                raise ArtifactTooLargeError(
                    "the package is too large", expected=f"at most {limit} bytes", got="more", where=f"`{path}`"
                )
            writer.write(piece)
        return writer.finish()


def _read(file: BinaryIO, *, path: Path) -> bytes:
    try:
        return file.read(_PIECE)
    except OSError as exc:
        raise UnreadableFileError("cannot read file", got=exc.strerror or str(exc), where=f"`{path}`") from exc
