"""From a report to a conclusion: standing, the three-valued fields, and what is said about them (pure)."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Final, TypeVar

from mcpg_operator.controllers.plugin.model import Conclusion, Facts
from mcpg_operator.controllers.plugin.words import origin, proof
from mcpg_operator.keeping import Asked
from mcpg_operator.ledger import Standing
from supplychain.digest import ArtifactHash, ManifestDigest
from supplychain.errors import InvalidReferenceError, RevokedError
from supplychain.findings import problem as problem_of
from supplychain.report import Layer, Outcome, Problem

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mcpg_operator.controllers.plugin.model import Observation
    from supplychain.artifact import PulledArtifact
    from supplychain.errors import SupplyChainError
    from supplychain.report import LayerResult, VerificationReport

__all__ = ["NOWHERE", "conclude", "last_facts", "needed", "refusal", "revoked"]

_Digest = TypeVar("_Digest", ArtifactHash, ManifestDigest)

NOWHERE: Final = Asked(image="", mirror=None, location=None, platform="")
"""Stands for the question of a request that is wrong."""


def conclude(
    report: VerificationReport,
    *,
    seen: Observation,
    asked: Asked,
    pulled: PulledArtifact | None,
    from_kept: bool,
) -> Conclusion:
    """Draw the conclusion; a trusted report is VERIFIED only once its bytes are stored, which the caller adds."""
    results = {one.layer: one for one in report.layers}
    layer = next((one.layer for one in report.layers if one.outcome in {Outcome.REFUSED, Outcome.UNAVAILABLE}), None)
    found = report.error if layer is None else results[layer].problem
    signed = results[Layer.ED25519].outcome is Outcome.PASSED
    artifact = results[Layer.DESCRIPTOR].facts.get("artifactHash")
    examined = ArtifactHash(artifact) if signed and isinstance(artifact, str) else None
    standing = _standing(report, layer=layer, found=found, results=results)
    return Conclusion(
        uid=seen.plugin.uid,
        terms=seen.terms,
        asked=asked,
        standing=standing,
        facts=_facts(results, layer=layer, standing=standing, examined=examined, pulled=pulled, last=last_facts(seen)),
        layer=layer,
        problem=found,
        top=None if pulled is None else pulled.index_digest or pulled.manifest_digest,
        from_kept=from_kept,
        # The same words for all plugins of a release, thousands of which may be remembered.
        proof=sys.intern(proof(report) if report.trusted else ""),
        origin=sys.intern("" if pulled is None else origin(pulled)),
        examined=examined,
        judged_at=seen.now,
    )


def refusal(
    problem: Problem, *, seen: Observation, standing: Standing = Standing.UNAVAILABLE, layer: Layer | None = None
) -> Conclusion:
    """Conclude without evidence: nothing can be looked at, or the request is wrong (REFUSED), which holds while it is."""
    return Conclusion(
        uid=seen.plugin.uid,
        terms="" if standing is Standing.REFUSED else seen.terms,
        asked=seen.asked or NOWHERE,
        standing=standing,
        facts=last_facts(seen) if standing is Standing.UNAVAILABLE else Facts(),
        layer=layer,
        problem=problem,
        judged_at=seen.now,
    )


def revoked(past: Conclusion, error: SupplyChainError, *, seen: Observation) -> Conclusion:
    """Conclude from the list alone; what was proven beyond the publisher's signature counts no more."""
    return replace(
        past,
        standing=Standing.REVOKED,
        facts=Facts(artifact_hash=past.examined, manifest_digest=past.facts.manifest_digest, signature_valid=True, revoked=True),
        layer=Layer.REVOCATION,
        problem=problem_of(error),
        package=None,
        judged_at=seen.now,
    )


def needed(report: VerificationReport) -> frozenset[str]:
    """Name the places of the evidence that passed."""
    return frozenset(one.where for result in report.layers for one in result.candidates if one.outcome is Outcome.PASSED)


def last_facts(seen: Observation) -> Facts:
    """Give what was known about the same question on the same terms; after a restart the status remembers it.

    Only fields of the status are ever made of this, never a verdict.
    """
    past = seen.memory.past
    if past is not None:
        same = past.terms == seen.terms and seen.asked is not None and past.asked.image == seen.asked.image
        return past.facts if same and past.uid == seen.plugin.uid else Facts()
    status = seen.plugin.status
    if status.get("observedGeneration") != seen.plugin.generation:
        return Facts()
    return Facts(
        artifact_hash=_parsed(ArtifactHash, status.get("resolvedDigest")),
        manifest_digest=_parsed(ManifestDigest, status.get("manifestDigest")),
        signature_valid=_truth(status.get("signatureValid")),
        cosign_verified=_truth(status.get("cosignVerified")),
        slsa_verified=_truth(status.get("slsaVerified")),
        revoked=_truth(status.get("revokedBySha")),
    )


def _standing(
    report: VerificationReport,
    *,
    layer: Layer | None,
    found: Problem | None,
    results: Mapping[Layer, LayerResult],
) -> Standing:
    if report.trusted:
        return Standing.VERIFIED
    if layer is None or found is None:
        return Standing.REFUSED
    if layer is Layer.REVOCATION and found.reason == RevokedError.reason:
        return Standing.REVOKED
    return Standing.REFUSED if results[layer].outcome is Outcome.REFUSED else Standing.UNAVAILABLE


def _facts(
    results: Mapping[Layer, LayerResult],
    *,
    layer: Layer | None,
    standing: Standing,
    examined: ArtifactHash | None,
    pulled: PulledArtifact | None,
    last: Facts,
) -> Facts:
    manifest = last.manifest_digest if pulled is None else pulled.manifest_digest
    if manifest != last.manifest_digest:
        last = Facts()
    blind = standing is Standing.UNAVAILABLE

    def value(of: Layer, before: bool | None) -> bool | None:  # noqa: FBT001 — a value, not a switch
        outcome = results[of].outcome
        if outcome in {Outcome.PASSED, Outcome.REFUSED}:
            return outcome is Outcome.PASSED
        return before if blind and outcome in {Outcome.UNAVAILABLE, Outcome.NOT_REACHED} else None

    revoked_now = value(Layer.REVOCATION, last.revoked)
    if results[Layer.REVOCATION].outcome in {Outcome.PASSED, Outcome.REFUSED}:
        revoked_now = standing is Standing.REVOKED
    certain = standing in {Standing.VERIFIED, Standing.REVOKED}
    return Facts(
        artifact_hash=examined if certain else last.artifact_hash if blind and layer is not None else None,
        manifest_digest=manifest,
        signature_valid=value(Layer.ED25519, last.signature_valid),
        cosign_verified=value(Layer.COSIGN, last.cosign_verified),
        slsa_verified=value(Layer.SLSA, last.slsa_verified),
        revoked=revoked_now,
    )


def _parsed(kind: type[_Digest], text: object) -> _Digest | None:
    try:
        return kind.parse(text) if isinstance(text, str) else None
    except InvalidReferenceError:
        return None


def _truth(value: object) -> bool | None:
    return value if isinstance(value, bool) else None
