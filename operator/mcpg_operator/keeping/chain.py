"""That all that is kept about a plugin belongs together: each link from the index to the library is held to the one before.

Index and manifest are read by the very functions that a pull goes by, and the package is opened by the one that opens what was
pulled. A signature of the manifest therefore speaks of the library, whoever wrote the evidence.
"""

from __future__ import annotations

import hashlib
from functools import partial
from typing import TYPE_CHECKING

from mcpg_operator.keeping.kept import disagreement
from supplychain.delivery import LARGEST_SHARD
from supplychain.digest import ManifestDigest
from supplychain.mirror.plugin_manifest import find_plugin
from supplychain.package import unpack

if TYPE_CHECKING:
    from mcpg_operator.keeping.kept import KeptPlugin
    from supplychain.artifact import Platform
    from supplychain.limits import Limits
    from supplychain.mirror.manifests import OciDescriptor
    from supplychain.spool import Spool

__all__ = ["check_package", "fingerprint", "package_layer"]


def fingerprint(kept: KeptPlugin, *, platform: Platform) -> bytes:
    """Stand for everything that the links are made of; the text of plain values, lengths and quotes included, leaves no doubt."""
    documents = (kept.index_digest, kept.index, kept.manifest_digest, kept.manifest, kept.platform, platform)
    contents = (kept.artifact_name, kept.artifact_hash, kept.descriptor, kept.signature)
    return hashlib.sha256(repr((documents, kept.layer_digest, kept.stored.package, contents)).encode()).digest()


def package_layer(kept: KeptPlugin, *, platform: Platform, limits: Limits) -> OciDescriptor:
    """Go from what the reference named to the package's layer, as a pull for `platform` does.

    Raises:
        DeliveryInvalidError: a document is another one than the evidence, or the document before it, says.
        ManifestError, ArtifactTooLargeError: a document that no pull would have accepted.
    """
    found = find_plugin(
        kept.manifest if kept.index is None else kept.index,
        child=partial(_child, kept),
        platform=platform,
        limits=limits,
        where=lambda digest: f"kept manifest {digest}",
    )
    _expect(kept, "the kept index is another one than the evidence says", kept.index_digest, got=found.index_digest)
    _expect(kept, "the kept manifest is another one than the evidence says", kept.manifest_digest, got=found.manifest_digest)
    _expect(kept, "the kept index notes another platform than the evidence", kept.platform, got=found.platform)
    _expect(kept, "the kept manifest names another package than is kept", found.layer.layer_digest, got=kept.layer_digest)
    secrets, most = len(kept.stored.package), -(-limits.delivery // LARGEST_SHARD)
    if not 0 < secrets <= most:
        what = "the package lies in more Secrets than any may, or in none"
        raise disagreement(kept, what, expected=f"1 to {most} Secrets", got=f"{secrets}")
    return found.layer


def check_package(kept: KeptPlugin, package: Spool, *, layer: OciDescriptor, limits: Limits) -> None:
    """Hold the package to its layer, and what is in it to what is kept; `package` stays open.

    Raises:
        DeliveryInvalidError: it is another package, or holds something else than is kept.
        PackageError, ArtifactTooLargeError: a package that no pull would have accepted.
        StorageUnavailableError: there is no room to open it.
    """
    _expect(kept, "the kept package is another one than the manifest names", layer.sha256, got=package.sha256)
    _expect(kept, "the kept package has another size than the manifest says", layer.size, got=package.size)
    opened = unpack(package, limits=limits)
    with opened.artifact:
        _expect(kept, "the package holds another library than is kept", opened.artifact_hash, got=kept.artifact_hash)
        _expect(kept, "the package calls its library otherwise", opened.artifact_name, got=kept.artifact_name)
    descriptor, signature = _hash(opened.descriptor_bytes), _hash(opened.signature)
    _expect(kept, "the package holds another descriptor than is kept", descriptor, got=_hash(kept.descriptor))
    _expect(kept, "the package holds another signature than is kept", signature, got=_hash(kept.signature))


def _child(kept: KeptPlugin, entry: OciDescriptor) -> bytes:
    digest = ManifestDigest.of(kept.manifest)
    _expect(kept, "the kept index names another manifest for the platform than is kept", entry.manifest_digest, got=digest)
    _expect(kept, "the kept manifest has another size than the index says", entry.size, got=len(kept.manifest))
    return kept.manifest


def _hash(data: bytes | None) -> str | None:
    return None if data is None else hashlib.sha256(data).hexdigest()


def _expect(kept: KeptPlugin, what: str, expected: object, *, got: object) -> None:
    if expected != got:
        raise disagreement(kept, what, expected=_shown(expected), got=_shown(got))


def _shown(value: object) -> str:
    return "none" if value is None else f"`{value}`"
