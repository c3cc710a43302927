"""The verdict on a manifest's signatures: one that is proven, by the trusted identity, of exactly this digest.

What a candidate claims is read first, but only to sort out what need not be proven. Every check that lets a candidate count is
made on the proven payload.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from supplychain.artifact import EvidenceForm
from supplychain.candidates import Candidates
from supplychain.cosign.payload import SIGNATURE_TYPE, check_signature_statement, check_simple_signing
from supplychain.errors import (
    CertificateError,
    CosignSignatureInvalidError,
    CosignSignatureMissingError,
    EnvelopeInvalidError,
    EvidenceUnsupportedError,
    IdentityMismatchError,
    InvalidPolicyError,
    LogEntryError,
    SignedDigestMismatchError,
    TrustedTimeError,
    UnavailableError,
    VerificationError,
    VerifiersDisagreeError,
)
from supplychain.evidence import verify_envelope, verify_message
from supplychain.identity import SignerIdentity
from supplychain.in_toto import claimed_envelope, parse_statement
from supplychain.limits import Limits

if TYPE_CHECKING:
    from supplychain.artifact import EvidenceSet, Material
    from supplychain.digest import ManifestDigest
    from supplychain.errors import RejectedCandidate
    from supplychain.identity_pattern import IdentityPattern
    from supplychain.proof import ProvenEnvelope, ProvenMessage
    from supplychain.trust_root import AnyTrustRoot

__all__ = ["CosignPolicy", "ImageSignature", "verify_image_signature"]

_LIMITS: Final = Limits()
_NEAREST: Final = (
    IdentityMismatchError,
    CertificateError,
    TrustedTimeError,
    LogEntryError,
    VerifiersDisagreeError,
    EnvelopeInvalidError,
    SignedDigestMismatchError,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class CosignPolicy:
    """Who must have signed: the certificate's identity, and the issuer that vouched for it, equal to the letter."""

    identity: IdentityPattern
    issuer: str

    def __post_init__(self) -> None:
        if not self.issuer or self.issuer != self.issuer.strip():
            raise InvalidPolicyError("the certificate issuer is empty or has white space around it", got=f"`{self.issuer}`")


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageSignature:
    """The signature that counted, and what was looked at before it."""

    proven: ProvenEnvelope | ProvenMessage
    where: str
    rejected: tuple[RejectedCandidate, ...] = ()
    warnings: tuple[str, ...] = ()


def verify_image_signature(
    evidence: EvidenceSet,
    *,
    digest: ManifestDigest,
    policy: CosignPolicy,
    root: AnyTrustRoot,
    second_opinion: bool = True,
    limits: Limits = _LIMITS,
) -> ImageSignature:
    """Find one signature of `digest` by the policy's signer.

    Raises:
        CosignError, EvidenceError: there is none; the error says why, or names the nearest miss.
        EvidenceLimitError: there is more evidence than the limits allow to look at, and nothing in it counted.
        EvidenceUnsupportedError: there are only signatures of a form that cannot be judged.
    """
    missing = CosignSignatureMissingError("no image signature is attached", where=f"`{digest}`")
    candidates = Candidates("image signatures", missing=missing, invalid=CosignSignatureInvalidError, nearest=_NEAREST)
    for where, why in evidence.skipped:
        candidates.pass_over(where, EvidenceUnsupportedError(why, where=where))
    looked_at, truncated = _within(evidence, limits)
    for material in looked_at:
        if not _is_promising(material, digest=digest, candidates=candidates):
            continue
        try:
            proven = _prove(material, digest=digest, policy=policy, root=root, second_opinion=second_opinion)
        except (VerificationError, UnavailableError) as error:
            candidates.reject(material.where, error)
            continue
        return ImageSignature(
            proven=proven, where=material.where, rejected=candidates.rejected, warnings=policy.identity.warnings
        )
    raise candidates.conclude(truncated=truncated)


def _within(evidence: EvidenceSet, limits: Limits) -> tuple[list[Material], bool]:
    """Take candidates in their order as long as number and total size stay within the limits."""
    taken: list[Material] = []
    room = limits.evidence
    for material in evidence.materials[: limits.candidates]:
        room -= len(material.data)
        if room < 0:
            break
        taken.append(material)
    return taken, evidence.truncated or len(taken) < len(evidence.materials)


def _is_promising(material: Material, *, digest: ManifestDigest, candidates: Candidates) -> bool:
    """Sort out, by what it claims, what cannot be a signature of `digest`; forms that cannot be read stay."""
    if material.form is EvidenceForm.LEGACY_SIGNATURE:
        return True
    try:
        envelope = claimed_envelope(material)
        statement = parse_statement(
            envelope.payload_type, envelope.payload, error=CosignSignatureInvalidError, where=material.where
        )
    except VerificationError as error:
        candidates.reject(material.where, error)
        return False
    try:
        check_signature_statement(statement, digest=digest, where=material.where)
    except VerificationError as error:
        record = candidates.reject if statement.predicate_type == SIGNATURE_TYPE else candidates.pass_over
        record(material.where, error)
        return False
    return True


def _prove(
    material: Material, *, digest: ManifestDigest, policy: CosignPolicy, root: AnyTrustRoot, second_opinion: bool
) -> ProvenEnvelope | ProvenMessage:
    proven = _prove_signature(material, digest=digest, root=root, second_opinion=second_opinion)
    signer = proven.signer
    assert isinstance(signer, SignerIdentity)  # noqa: S101 — no keys were given, so only a certificate can stand for the signer
    if signer.issuer != policy.issuer or not policy.identity.matches(signer.subject):
        from supplychain.cosign.nearest import signer_mismatch  # noqa: PLC0415 — only for a refusal

        raise signer_mismatch(signer, identity=policy.identity, issuer=policy.issuer, where=material.where)
    return proven


def _prove_signature(
    material: Material, *, digest: ManifestDigest, root: AnyTrustRoot, second_opinion: bool
) -> ProvenEnvelope | ProvenMessage:
    """Prove that somebody signed `digest`, in whichever form it was written down."""
    if material.form is EvidenceForm.LEGACY_SIGNATURE:
        signed = verify_message(material, root=root, message=material.data, second_opinion=second_opinion)
        check_simple_signing(material.data, digest=digest, where=material.where)
        return signed
    proven = verify_envelope(material, root=root, second_opinion=second_opinion)
    statement = parse_statement(proven.payload_type, proven.payload, error=CosignSignatureInvalidError, where=material.where)
    check_signature_statement(statement, digest=digest, where=material.where)
    return proven
