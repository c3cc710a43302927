"""A good plugin with everything that makes it trusted, held in memory; each test spoils one part."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from supplychain.artifact import EvidenceForm, EvidenceSet, Material, PulledArtifact
from supplychain.cosign import CosignPolicy
from supplychain.digest import ArtifactHash, LayerDigest, ManifestDigest
from supplychain.ed25519 import parse_keys
from supplychain.identity_pattern import IdentityPattern
from supplychain.policy import TrustPolicy, VerificationRequest
from supplychain.slsa import SlsaPolicy
from supplychain.spool import Spool
from supplychain.trust_root import TrustRoot, parse_trust_root
from tests.support.builders import build_elf, build_package, public_key
from tests.support.virtual_sigstore import GITHUB_ISSUER, VirtualSigstore, generator_identity, image_signature, slsa_provenance

if TYPE_CHECKING:
    from supplychain.artifact import Platform

AT = datetime(2025, 7, 1, 9, 30, tzinfo=UTC)
TAG = "1.2.3-linux-amd64"
LIBRARY = build_elf()
MANIFEST = ManifestDigest.of(b"the manifest")
SIGSTORE = VirtualSigstore()


@dataclass
class MemorySource:
    """A `PluginSource` whose content a test can replace; errors set here are raised instead."""

    package: bytes = field(default_factory=lambda: build_package(artifact=LIBRARY))
    tag: str | None = TAG
    manifest_digest: ManifestDigest | None = MANIFEST
    attached: EvidenceSet = field(default_factory=lambda: evidence(signature_bundle(), provenance_bundle()))
    pull_error: BaseException | None = None
    evidence_error: Exception | None = None
    spools: list[Spool] = field(default_factory=list)
    evidence_calls: int = 0

    def pull(self, *, platform: Platform) -> PulledArtifact:
        if self.pull_error is not None:
            raise self.pull_error
        spool = Spool.of(self.package)
        self.spools.append(spool)
        return PulledArtifact(
            source="memory",
            package=spool,
            layer_digest=LayerDigest(spool.sha256),
            manifest_digest=self.manifest_digest,
            tag=self.tag,
        )

    def evidence(self, digest: ManifestDigest, *, thorough: bool = False) -> EvidenceSet:
        self.evidence_calls += 1
        if self.evidence_error is not None:
            raise self.evidence_error
        return self.attached


def evidence(*bundles: bytes) -> EvidenceSet:
    return EvidenceSet(materials=materials(*bundles))


def materials(*bundles: bytes) -> tuple[Material, ...]:
    return tuple(Material(form=EvidenceForm.BUNDLE, data=data, where=f"bundle {number}") for number, data in enumerate(bundles))


def signature_bundle(digest: ManifestDigest = MANIFEST, **options: object) -> bytes:
    return SIGSTORE.sign_statement(image_signature(digest), **options)  # type: ignore[arg-type]


def provenance_bundle(subject: ArtifactHash | None = None, **options: object) -> bytes:
    statement = slsa_provenance(subject or ArtifactHash.of(LIBRARY))
    return SIGSTORE.sign_statement(statement, **{"identity": generator_identity(), "log": "rekor1", **options})  # type: ignore[arg-type]


def trust_root() -> TrustRoot:
    return parse_trust_root(SIGSTORE.trusted_root(), name="virtual")


def policy(**overrides: object) -> TrustPolicy:
    whole = TrustPolicy(
        keys=parse_keys(public_key(), name="release.pub"),
        plugin_id="dev.mcpg.example.echo",
        version="1.2.3",
        plugin_class="tool_gate",
        cosign=CosignPolicy(
            identity=IdentityPattern.parse(
                r"^https://github\.com/acme/plugins/\.github/workflows/release\.yml@refs/tags/v1\.2\.3$"
            ),
            issuer=GITHUB_ISSUER,
        ),
        slsa=SlsaPolicy(source_uri="git+https://github.com/acme/plugins", source_tag="v1.2.3"),
    )
    return replace(whole, **overrides)  # type: ignore[arg-type]


def request(**overrides: object) -> VerificationRequest:
    return replace(VerificationRequest(target="memory", policy=policy()), **overrides)  # type: ignore[arg-type]
