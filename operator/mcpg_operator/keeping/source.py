"""A kept plugin as a source of the verification: judged by the same verifier as what comes from a registry."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from mcpg_operator.keeping.kept import disagreement
from mcpg_operator.keeping.secrets import plugin_secret_name
from supplychain.artifact import EvidenceSet, PluginPackage, PulledArtifact
from supplychain.descriptor import parse_descriptor
from supplychain.errors import NotFoundError

if TYPE_CHECKING:
    from collections.abc import Callable

    from mcpg_operator.keeping.kept import KeptPlugin
    from supplychain.artifact import Platform
    from supplychain.delivery import StoredPlugin
    from supplychain.digest import ManifestDigest
    from supplychain.errors import DeliveryInvalidError
    from supplychain.spool import Spool

__all__ = ["KeptSource", "compare", "description"]

_NAME_DIGITS: Final = 32
"""How much of a payload's hash its Secret's name ends in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptSource:
    """Opens what is kept; `tag` is that of the reference that is asked for now, because a tag is a name and no content."""

    kept: KeptPlugin
    proof: Callable[[Platform], None]
    """Raises unless all that is kept belongs together, as a pull for the platform would find it."""
    library: Callable[[], Spool]
    """Gives the library, put together and closed by the verification."""
    tag: str | None

    def pull(self, *, platform: Platform) -> PulledArtifact:
        """Prove that the library came out of the package that the manifest names, and hand both out.

        Raises:
            VerificationError: what is kept does not belong together, is missing, or is other than was stored.
            UnavailableError: it could not be read.
        """
        kept = self.kept
        self.proof(platform)
        descriptor = parse_descriptor(kept.descriptor)
        spool = self.library()
        if spool.sha256 != kept.artifact_hash.hex:
            spool.close()
            raise disagreement(
                kept,
                "another library is stored than the one that was verified",
                expected=f"`{kept.artifact_hash}`",
                got=f"`{spool.sha256}`",
            )
        package = PluginPackage(
            descriptor=descriptor,
            descriptor_bytes=kept.descriptor,
            artifact=spool,
            artifact_hash=kept.artifact_hash,
            artifact_name=kept.artifact_name,
            signature=kept.signature,
        )
        return PulledArtifact(
            source=kept.source,
            package=spool,
            opened=package,
            layer_digest=kept.layer_digest,
            manifest_digest=kept.manifest_digest,
            index_digest=kept.index_digest,
            tag=self.tag,
            platform=kept.platform,
            manifest=kept.manifest,
            index=kept.index,
        )

    def evidence(self, digest: ManifestDigest, *, thorough: bool = False) -> EvidenceSet:
        """Give the evidence as it was found; looking again finds no more.

        Raises:
            NotFoundError: none was asked for when the plugin was pulled, or it was about another manifest.
        """
        del thorough
        if self.kept.evidence is None or digest != self.kept.manifest_digest:
            raise NotFoundError("no evidence is kept about this manifest", where=f"`{digest}`")
        return self.kept.evidence


def description(kept: KeptPlugin) -> tuple[object, ...]:
    """Give all that evidence says about the stored bytes, but for the one name that follows from the plugin's.

    Raises:
        DeliveryInvalidError: that name does not follow from plugin and content. Whoever may edit evidence could name any Secret.
    """
    stored = kept.stored
    digest = stored.digests.get(stored.secret, "")
    wanted = plugin_secret_name(kept.plugin, digest[:_NAME_DIGITS])
    if stored.secret != wanted:
        raise _invalid(kept, expected=f"Secret `{wanted}`", got=f"`{stored.secret[:253]}`")
    shards = frozenset(one for one in stored.digests.items() if one[0] != stored.secret)
    return digest, shards, stored.size, kept.artifact_hash, kept.artifact_name, kept.descriptor, kept.signature


def compare(kept: KeptPlugin, opened: StoredPlugin) -> None:
    """Hold what is stored to what evidence says of it: descriptor and signature are handed out with the library.

    Raises:
        DeliveryInvalidError: another descriptor, signature or library is stored, or other Secrets are named than hold it.
    """
    names = {kept.stored.secret, *(one.name for one in opened.shards)}
    if names != kept.stored.digests.keys():
        raise _invalid(kept, expected=f"{len(names)} Secrets with the plugin", got=f"{len(kept.stored.digests)} that are named")
    wanted = (kept.artifact_hash.hex, kept.artifact_name, kept.stored.size, kept.descriptor, kept.signature)
    if (opened.sha256, opened.artifact_name, opened.size, opened.descriptor, opened.signature) != wanted:
        raise _invalid(kept, expected="the library, descriptor and signature of the evidence", got="others")


def _invalid(kept: KeptPlugin, *, expected: str, got: str) -> DeliveryInvalidError:
    return disagreement(kept, "the kept evidence does not speak of what is stored", expected=expected, got=got)
