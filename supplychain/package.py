"""Opens a plugin package: ZIP bytes under limits become descriptor, artifact and signature.

Proves that the archive can be read in one way only (`archive`), that it holds one artifact, and that its descriptor is
well-formed (`descriptor`). Whether that is the wanted plugin, and who made it, is for the layers to say.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from supplychain.archive import ARTIFACTS, DESCRIPTOR, LICENCE, SIGNATURE, read_directory
from supplychain.artifact import PluginPackage
from supplychain.descriptor import parse_descriptor
from supplychain.digest import ArtifactHash
from supplychain.errors import AmbiguousArtifactError, ArtifactTooLargeError, MemberMissingError
from supplychain.inflate import inflate
from supplychain.spool import SpoolWriter

if TYPE_CHECKING:
    from supplychain.archive import Entry
    from supplychain.artifact import PulledArtifact
    from supplychain.limits import Limits
    from supplychain.spool import Spool

__all__ = ["open_package", "unpack"]


def open_package(pulled: PulledArtifact, *, limits: Limits) -> PluginPackage:
    """Open what was pulled, as `unpack` does; what comes opened is handed on as it is."""
    return pulled.opened if pulled.opened is not None else unpack(pulled.package, limits=limits)


def unpack(pulled: Spool, *, limits: Limits) -> PluginPackage:
    """Open a package. The whole directory is checked before the first member is read, and the artifact is read last.

    The caller keeps `pulled` and owns the returned `artifact`, a spool that has to be closed. After an error nothing is left.

    Raises:
        PackageError: the archive, its members or its descriptor were refused.
        ArtifactTooLargeError: the package or a member exceeds its limit.
        StorageUnavailableError: there is no room to spool the artifact.
    """
    if pulled.size > limits.package:
        raise ArtifactTooLargeError(
            "the package is too large", expected=f"at most {limits.package} bytes", got=f"{pulled.size} bytes"
        )
    entries = read_directory(pulled, limits=limits)
    descriptor_entry = entries.get(DESCRIPTOR)
    if descriptor_entry is None:
        raise MemberMissingError("the package has no descriptor", expected=f"`{DESCRIPTOR}`", got=_names(entries))
    artifact_entry = _only_artifact(entries)
    descriptor_bytes = _read(pulled, entry=descriptor_entry)
    descriptor = parse_descriptor(descriptor_bytes, limit=limits.descriptor)
    signature = _read_optional(pulled, entry=entries.get(SIGNATURE))
    licence = _read_optional(pulled, entry=entries.get(LICENCE))
    artifact = _spool(pulled, entry=artifact_entry)
    return PluginPackage(
        descriptor=descriptor,
        descriptor_bytes=descriptor_bytes,
        artifact=artifact,
        artifact_hash=ArtifactHash(artifact.sha256),
        artifact_name=artifact_entry.name,
        signature=signature,
        licence=licence,
    )


def _only_artifact(entries: dict[str, Entry]) -> Entry:
    match [entries[name] for name in ARTIFACTS if name in entries]:
        case [artifact]:
            return artifact
        case []:
            expected = " or ".join(f"`{name}`" for name in ARTIFACTS)
            raise MemberMissingError("the package has no artifact", expected=expected, got=_names(entries))
        case _:
            raise AmbiguousArtifactError("the package has two artifacts", expected="one", got=_names(entries))


def _names(entries: dict[str, Entry]) -> str:
    return ", ".join(f"`{name}`" for name in entries) or "no member"


def _read(pulled: Spool, *, entry: Entry) -> bytes:
    return b"".join(inflate(pulled, entry=entry))


def _read_optional(pulled: Spool, *, entry: Entry | None) -> bytes | None:
    return None if entry is None else _read(pulled, entry=entry)


def _spool(pulled: Spool, *, entry: Entry) -> Spool:
    with SpoolWriter() as writer:
        for piece in inflate(pulled, entry=entry):
            writer.write(piece)
        return writer.finish()
