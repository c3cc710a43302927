"""Values and errors of the layers, put into the words of the report (pure).

Only what a layer proved or read itself becomes a fact. Keys are camelCase, because they are JSON names; times are RFC 3339, UTC.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from supplychain.descriptor import tag_version
from supplychain.errors import UnavailableError
from supplychain.identity import KeyHolder
from supplychain.report import Candidate, LayerResult, Outcome, Problem

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from supplychain.artifact import PluginPackage, PulledArtifact
    from supplychain.cosign import ImageSignature
    from supplychain.ed25519 import PublicKey
    from supplychain.errors import RejectedCandidate, SupplyChainError
    from supplychain.identity import SignerIdentity
    from supplychain.policy import TrustPolicy
    from supplychain.proof import ProvenEnvelope, ProvenMessage
    from supplychain.report import Fact, Layer
    from supplychain.revocation import RevocationSet
    from supplychain.slsa import Provenance
    from supplychain.trust_root import AnyTrustRoot

__all__ = [
    "Finding",
    "built",
    "described",
    "failed",
    "image_signed",
    "inputs",
    "not_revoked",
    "passed",
    "problem",
    "pulled",
    "signed",
    "utc",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What a layer that passed has to show."""

    facts: Mapping[str, Fact] = field(default_factory=dict)
    candidates: tuple[Candidate, ...] = ()
    warnings: tuple[str, ...] = ()


def utc(at: datetime) -> str:
    """Write a UTC time as RFC 3339 with `Z`, with fractions only where there are some."""
    return at.isoformat().replace("+00:00", "Z")


def problem(error: SupplyChainError) -> Problem:
    """Carry an error over, field by field."""
    return Problem(
        reason=error.reason,
        message=error.what,
        expected=error.expected,
        got=error.got,
        where=error.where,
        hint=error.hint or None,
        remedies=error.remedies,
    )


def failed(layer: Layer, outcome: Outcome, error: SupplyChainError) -> LayerResult:
    """Record a layer that refused or could not look."""
    return LayerResult(layer=layer, outcome=outcome, problem=problem(error), candidates=_rejected(error.candidates))


def passed(layer: Layer, finding: Finding) -> LayerResult:
    """Record a layer that passed."""
    return LayerResult(
        layer=layer,
        outcome=Outcome.PASSED,
        facts=finding.facts,
        candidates=finding.candidates,
        warnings=finding.warnings,
    )


def pulled(artifact: PulledArtifact, *, warnings: tuple[str, ...]) -> Finding:
    """Say where the package came from and under which digests."""
    return Finding(
        facts={
            "source": artifact.source,
            "indexDigest": _text(artifact.index_digest),
            "manifestDigest": _text(artifact.manifest_digest),
            "layerDigest": _text(artifact.layer_digest),
            "packageSize": artifact.package.size if artifact.opened is None else None,
        },
        warnings=warnings,
    )


def described(package: PluginPackage, *, policy: TrustPolicy, tag: str | None) -> Finding:
    """Say what the package holds, and what nobody asked about."""
    descriptor = package.descriptor
    unasked = [
        name
        for name, wanted in (("id", policy.plugin_id), ("version", policy.version), ("class", policy.plugin_class))
        if wanted is None
    ]
    warnings = [f"unknown key `{key}` in `plugin.yaml`" for key in descriptor.unknown_keys]
    if unasked:
        warnings.append(f"the policy does not say which {', '.join(unasked)} it wants; any was accepted")
    if policy.version is not None and (tag is None or tag_version(tag) is None):
        found = "there is no tag" if tag is None else f"the tag `{tag}` is no version"
        warnings.append(f"nothing shows that this is version `{policy.version}`: {found}, and a package does not say its own")
    return Finding(
        facts={
            "id": descriptor.id,
            "name": descriptor.name,
            "class": descriptor.plugin_class,
            "runtime": descriptor.runtime,
            "protocolVersion": descriptor.protocol_version,
            "tagVersion": tag_version(tag) if tag is not None else None,
            "artifact": package.artifact_name,
            "artifactHash": str(package.artifact_hash),
            "artifactSize": package.artifact.size,
        },
        warnings=tuple(warnings),
    )


def signed(key: PublicKey) -> Finding:
    """Name the key that verified."""
    return Finding(facts={"key": key.name, "keyFingerprint": key.fingerprint})


def not_revoked(lists: RevocationSet) -> Finding:
    """Name the lists in which the artifact hash does not stand."""
    return Finding(
        facts={
            "lists": tuple(
                {"name": one.name, "sha256": one.sha256, "entries": len(one.entries), "issuedAt": one.issued_at}
                for one in lists.lists
            )
        }
    )


def image_signed(signature: ImageSignature) -> Finding:
    """Say who signed the manifest, when, and what proves it."""
    return Finding(
        facts=_proof(signature.proven),
        candidates=(Candidate(where=signature.where, outcome=Outcome.PASSED), *_rejected(signature.rejected)),
        warnings=signature.warnings,
    )


def built(provenance: Provenance) -> Finding:
    """Say who built the artifact, from what, and what proves it."""
    facts: dict[str, Fact] = {**provenance.facts.as_facts()}
    if provenance.proven is not None:
        facts |= _proof(provenance.proven)
    return Finding(
        facts=facts,
        candidates=(Candidate(where=provenance.where, outcome=Outcome.PASSED), *_rejected(provenance.rejected)),
        warnings=provenance.warnings,
    )


def inputs(policy: TrustPolicy, *, root: AnyTrustRoot | None, revocations: RevocationSet | None) -> Mapping[str, Fact]:
    """List what the verdict rests on besides the artifact."""
    lists = revocations.lists if revocations is not None else ()
    return {
        "keys": tuple({"name": key.name, "fingerprint": key.fingerprint} for key in policy.keys),
        "trustRoots": tuple({"name": one.name, "sha256": one.sha256} for one in (() if root is None else root.each)),
        "revocationLists": tuple({"name": one.name, "sha256": one.sha256} for one in lists),
    }


def _proof(proven: ProvenEnvelope | ProvenMessage) -> dict[str, Fact]:
    return {
        **_signer(proven.signer),
        "certificateSha256": proven.certificate_sha256,
        "times": tuple({"at": utc(time.at), "source": time.source} for time in proven.times),
        "log": tuple(
            {"logId": entry.log_id, "index": entry.index, "kind": entry.kind, "origin": entry.origin} for entry in proven.log
        ),
        "trustRoot": None if proven.trust_root is None else {"name": proven.trust_root.name, "sha256": proven.trust_root.sha256},
        "judgedBy": proven.judged_by,
        "notes": proven.notes,
    }


def _signer(signer: SignerIdentity | KeyHolder) -> dict[str, Fact]:
    if isinstance(signer, KeyHolder):
        return {"identity": signer.name, "identityKind": "key", "issuer": None, "keyFingerprint": signer.fingerprint}
    return {"identity": signer.subject, "identityKind": signer.subject_kind, "issuer": signer.issuer}


def _rejected(candidates: tuple[RejectedCandidate, ...]) -> tuple[Candidate, ...]:
    return tuple(
        Candidate(
            where=one.where,
            outcome=Outcome.UNAVAILABLE if isinstance(one.error, UnavailableError) else Outcome.REFUSED,
            problem=problem(one.error),
        )
        for one in candidates
    )


def _text(value: object | None) -> str | None:
    return None if value is None else str(value)
