"""Both verifiers on one piece of evidence: the project's own core first, then sigstore-python where it can judge.

The core judges everything. What it refuses is refused, and nobody else is asked. What it accepts must be accepted by the second
verifier too, with the same content, unless that one cannot judge this form; who judged stands in the result.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final, TypeVar

from supplychain.artifact import EvidenceForm
from supplychain.bundle import NAME as CORE
from supplychain.bundle import verify_dsse_bundle, verify_message_bundle
from supplychain.errors import EvidenceUnsupportedError, VerifiersDisagreeError
from supplychain.proof import ProvenEnvelope, ProvenMessage

if TYPE_CHECKING:
    from supplychain.artifact import Material
    from supplychain.second_opinion import Opinion
    from supplychain.trust_root import TrustRoot

__all__ = ["verify_envelope", "verify_message"]

_Proven = TypeVar("_Proven", ProvenEnvelope, ProvenMessage)

_UNSUPPORTED: Final = {
    EvidenceForm.ENVELOPE: (
        "a bare DSSE envelope shows neither who signed it nor when, because certificate and log entry are not in it",
        "give the Sigstore bundle that was made with it; slsa-github-generator writes bundles since version 2.1",
    ),
    EvidenceForm.LEGACY_SIGNATURE: (
        "a signature in cosign's older `.sig` form cannot be judged yet",
        "sign again with cosign 3, which attaches a Sigstore bundle by default",
    ),
    EvidenceForm.LEGACY_ATTESTATION: (
        "an attestation in cosign's older `.att` form cannot be judged yet",
        "attest again with cosign 3, which attaches a Sigstore bundle by default",
    ),
}


def verify_envelope(material: Material, *, root: TrustRoot, second_opinion: bool = True) -> ProvenEnvelope:
    """Prove who signed the DSSE envelope in `material`, when, and that it was logged. The payload is not parsed.

    Raises:
        EvidenceError: refused; `VerifiersDisagreeError` where the second verifier refuses what the core accepts.
        EvidenceUnsupportedError: a form that cannot be judged.
    """
    _require_bundle(material)
    proven = verify_dsse_bundle(material.data, root=root)
    if not second_opinion:
        return _judged_alone(proven, "it was not asked")
    from supplychain.second_opinion import Verdict, envelope_opinion  # noqa: PLC0415 — costs nothing where nobody asks

    opinion = envelope_opinion(material.data, root=root, times=proven.times)
    if opinion.verdict is Verdict.ACCEPTED and opinion.content != (proven.payload_type, proven.payload):
        raise _disagreement("accepts other content", material)
    return _combine(proven, opinion, material)


def verify_message(
    material: Material, *, root: TrustRoot, digest: bytes | None = None, message: bytes | None = None, second_opinion: bool = True
) -> ProvenMessage:
    """Prove who signed a message, given as its SHA-256 `digest` or itself, when, and that it was logged.

    Raises:
        EvidenceError: refused; `VerifiersDisagreeError` where the second verifier refuses what the core accepts.
        EvidenceUnsupportedError: a form that cannot be judged, or a key that signs another digest than the given one.
    """
    _require_bundle(material)
    proven = verify_message_bundle(material.data, root=root, digest=digest, message=message)
    if not second_opinion:
        return _judged_alone(proven, "it was not asked")
    from supplychain.second_opinion import message_opinion  # noqa: PLC0415 — costs nothing where nobody asks

    return _combine(proven, message_opinion(material.data, digest=proven.digest, root=root, times=proven.times), material)


def _require_bundle(material: Material) -> None:
    if material.form in _UNSUPPORTED:
        what, hint = _UNSUPPORTED[material.form]
        raise EvidenceUnsupportedError(what, where=material.where, hint=hint)


def _combine(proven: _Proven, opinion: Opinion, material: Material) -> _Proven:
    from supplychain.second_opinion import NAME, Verdict  # noqa: PLC0415 — see above

    if opinion.verdict is Verdict.ACCEPTED:
        return replace(proven, judged_by=(*proven.judged_by, NAME))
    if opinion.verdict is Verdict.CANNOT_JUDGE:
        return _judged_alone(proven, opinion.reason)
    raise _disagreement(f"refuses ({opinion.reason})", material)


def _judged_alone(proven: _Proven, reason: str) -> _Proven:
    return replace(proven, notes=(*proven.notes, f"judged by one verifier; the second: {reason}"))


def _disagreement(answer: str, material: Material) -> VerifiersDisagreeError:
    from supplychain.second_opinion import NAME  # noqa: PLC0415 — see above

    return VerifiersDisagreeError(
        "the two verifiers disagree", expected=f"`{CORE}` accepts", got=f"`{NAME}` {answer}", where=material.where
    )
