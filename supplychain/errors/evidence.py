"""Why Sigstore evidence, an image signature or provenance is refused."""

from __future__ import annotations

from supplychain.errors.base import VerificationError

__all__ = [
    "BuilderMismatchError",
    "BundleInvalidError",
    "CertificateError",
    "CosignError",
    "CosignSignatureInvalidError",
    "CosignSignatureMissingError",
    "EnvelopeInvalidError",
    "EvidenceError",
    "IdentityMismatchError",
    "LogEntryError",
    "ProvenanceError",
    "ProvenanceInvalidError",
    "ProvenanceMissingError",
    "SignedDigestMismatchError",
    "SourceMismatchError",
    "StatementInvalidError",
    "SubjectMismatchError",
    "TrustedTimeError",
    "VerifiersDisagreeError",
    "WorkflowInputMismatchError",
]


class EvidenceError(VerificationError):
    """A Sigstore bundle was examined and refused."""

    reason = "EvidenceRefused"


class BundleInvalidError(EvidenceError):
    """A bundle is malformed or incomplete."""

    reason = "BundleInvalid"
    default_hint = "sign again with cosign 3, which writes complete bundles"


class EnvelopeInvalidError(EvidenceError):
    """A DSSE envelope is malformed or its signature does not verify."""

    reason = "EnvelopeInvalid"
    default_hint = "the signed statement was changed or signed by another key; fetch the evidence again from its source"


class CertificateError(EvidenceError):
    """A signing certificate does not chain to the trust root, is out of its time, or breaks the profile."""

    reason = "CertificateInvalid"
    default_hint = "check that the trust root belongs to the Sigstore instance that signed"


class LogEntryError(EvidenceError):
    """A transparency log entry is missing, unproven, or about something else."""

    reason = "LogEntryInvalid"
    default_hint = "the entry must be proven by a log of the trust root and bind exactly this signature"


class TrustedTimeError(EvidenceError):
    """No trusted source proves when the signature was made."""

    reason = "TrustedTimeMissing"
    default_hint = "sign with a log or a timestamp authority that the trust root names"


class VerifiersDisagreeError(EvidenceError):
    """The two independent verifiers came to different verdicts on the same bundle."""

    reason = "VerifiersDisagree"
    default_hint = "treat the bundle as hostile until explained, and report it; both answers are shown"


class CosignError(VerificationError):
    """The image signature layer refused."""

    reason = "CosignFailed"


class CosignSignatureMissingError(CosignError):
    """No image signature is attached to the manifest."""

    reason = "CosignSignatureMissing"
    default_hint = "sign the manifest digest with `cosign sign`, and copy signatures along when mirroring"


class CosignSignatureInvalidError(CosignError):
    """Image signatures were found, but none of them counts."""

    reason = "CosignSignatureInvalid"
    default_hint = "each candidate below says why it did not count"


class IdentityMismatchError(CosignError):
    """The signer is proven but is not the one the policy trusts."""

    reason = "IdentityMismatch"
    default_hint = "check that workflow, repository and tag of the release are the ones the policy names"


class SignedDigestMismatchError(CosignError):
    """The signature is about another manifest."""

    reason = "SignedDigestMismatch"
    default_hint = "a signature was attached to an image it was not made for; sign this digest"


class ProvenanceError(VerificationError):
    """The provenance layer refused."""

    reason = "ProvenanceFailed"


class ProvenanceMissingError(ProvenanceError):
    """No provenance was found where the policy says it is."""

    reason = "ProvenanceMissing"
    default_hint = "give the builder's attestation with `--provenance FILE` or attach it to the manifest"


class ProvenanceInvalidError(ProvenanceError):
    """Provenance was found, but none of it counts."""

    reason = "ProvenanceInvalid"
    default_hint = "each candidate below says why it did not count"


class StatementInvalidError(ProvenanceError):
    """A payload is no in-toto statement with SLSA provenance of a known version."""

    reason = "StatementInvalid"
    default_hint = "provenance is an in-toto Statement v0.1 or v1 with SLSA provenance v0.2 or v1"


class SubjectMismatchError(ProvenanceError):
    """The provenance is about another artifact."""

    reason = "SubjectMismatch"
    default_hint = "use the provenance that was made together with this very file"


class SourceMismatchError(ProvenanceError):
    """The provenance names another source repository, tag or branch."""

    reason = "SourceMismatch"
    default_hint = "check `sourceUri` and `sourceTag` against the release you mean"


class BuilderMismatchError(ProvenanceError):
    """The builder is not on the allowlist or contradicts its certificate."""

    reason = "BuilderMismatch"
    default_hint = "build with a trusted builder at a release tag, or allow the builder by `--builder-id`"


class WorkflowInputMismatchError(ProvenanceError):
    """A workflow input differs from the wanted value."""

    reason = "WorkflowInputMismatch"
    default_hint = "compare the inputs of the build with the ones you asked for"
