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
    reason = "EvidenceRefused"
    meaning = "A Sigstore bundle was examined and refused."
    why = (
        "A bundle is written by whoever attaches it to the image. Only what keys of the trust root prove in it says anything at "
        "all."
    )


class BundleInvalidError(EvidenceError):
    reason = "BundleInvalid"
    meaning = "A bundle is malformed or incomplete."
    why = (
        "Half a bundle can look signed to a lenient reader: with a field twice, with a part that is left out, with content of "
        "two kinds. What cannot be read in exactly one way is not evidence."
    )
    default_hint = "sign again with cosign 3, which writes complete bundles"
    default_change = "a complete bundle of the same signature"


class EnvelopeInvalidError(EvidenceError):
    reason = "EnvelopeInvalid"
    meaning = "A DSSE envelope is malformed or its signature does not verify."
    why = (
        "The signature is what ties the statement to the certificate. Without this check an attacker would copy a publisher's "
        "public certificate and log entry and put a statement of his own beside them."
    )
    default_hint = "the signed statement was changed or signed by another key; fetch the evidence again from its source"
    default_change = "the statement as it was signed, or a new signature of it"


class CertificateError(EvidenceError):
    reason = "CertificateInvalid"
    meaning = "A signing certificate does not chain to the trust root, is out of its time, or breaks the profile."
    why = (
        "Anybody can issue a certificate that names the publisher's workflow; only the certificate authority of the trust root "
        "checks who asks. Keyless certificates live ten minutes, so that a stolen signing key is worthless afterwards."
    )
    default_hint = "check that the trust root belongs to the Sigstore instance that signed"
    default_change = "a new signature, with a certificate that the trust root's authority issued and within its validity"


class LogEntryError(EvidenceError):
    reason = "LogEntryInvalid"
    meaning = "A transparency log entry is missing, unproven, or about something else."
    why = (
        "The log is how a publisher finds out that somebody signed in his name. A signature that is kept out of the log, or that "
        "shows the entry of another one, could be made in secret and used for years."
    )
    default_hint = "the entry must be proven by a log of the trust root and bind exactly this signature"
    default_change = "a new signature that is entered in a log of the trust root"


class TrustedTimeError(EvidenceError):
    reason = "TrustedTimeMissing"
    meaning = "No trusted source proves when the signature was made."
    why = (
        "Keyless certificates expire within minutes, so everything rests on the time of signing. If the signer's own clock "
        "counted, a key that leaks years later could sign with a date of today."
    )
    default_hint = "sign with a log or a timestamp authority that the trust root names"
    default_change = "a new signature with a time from a log or timestamp authority of the trust root"


class VerifiersDisagreeError(EvidenceError):
    reason = "VerifiersDisagree"
    meaning = "The two independent verifiers came to different verdicts on the same bundle."
    why = (
        "Evidence that one sound verifier takes and the other does not is either a mistake in one of them or was made to exploit "
        "one. Guessing which would give the attacker the choice of the weaker one."
    )
    default_hint = "treat the bundle as hostile until explained, and report it; both answers are shown"
    default_change = "a new signature that both verifiers take"


class CosignError(VerificationError):
    reason = "CosignFailed"
    meaning = "The image signature layer refused."
    why = (
        "This layer ties the whole manifest, descriptor included, to one identity. The detached signature covers the library "
        "alone."
    )


class CosignSignatureMissingError(CosignError):
    reason = "CosignSignatureMissing"
    meaning = "No image signature is attached to the manifest."
    why = (
        "Whoever can delete from the registry could take the signature away. The policy asks for one, so nothing attached is a "
        "refusal and never a reason to skip the layer."
    )
    default_hint = "sign the manifest digest with `cosign sign`, and copy signatures along when mirroring"
    default_change = "an image signature of this digest by the trusted identity, attached by `cosign sign`"


class CosignSignatureInvalidError(CosignError):
    reason = "CosignSignatureInvalid"
    meaning = "Image signatures were found, but none of them counts."
    why = (
        "Anybody who may push can attach signatures. They only count when one of them holds by itself; many halves do not add up "
        "to a whole."
    )
    default_hint = "each candidate below says why it did not count"
    default_change = "an image signature of this digest by the trusted identity"


class IdentityMismatchError(CosignError):
    reason = "IdentityMismatch"
    meaning = "The signer is proven but is not the one the policy trusts."
    why = (
        "Keyless signing is open to everybody: with a free account an attacker gets a valid certificate, a valid log entry and a "
        "valid signature. Only the identity inside tells his signature from the publisher's."
    )
    default_hint = "check that workflow, repository and tag of the release are the ones the policy names"
    default_change = "an image signature by the identity that the policy names"


class SignedDigestMismatchError(CosignError):
    reason = "SignedDigestMismatch"
    meaning = "The signature is about another manifest."
    why = (
        "Signatures are public and can be attached anywhere. Without this check the genuine signature of a good image, copied to "
        "a bad one, would make that one pass."
    )
    default_hint = "a signature was attached to an image it was not made for; sign this digest"
    default_change = "an image signature that was made for this digest"


class ProvenanceError(VerificationError):
    reason = "ProvenanceFailed"
    meaning = "The provenance layer refused."
    why = (
        "A signature says who published the library, not what it was built from. Provenance is what shows a library that was "
        "built on a laptop, or from a changed source."
    )


class ProvenanceMissingError(ProvenanceError):
    reason = "ProvenanceMissing"
    meaning = "No provenance was found where the policy says it is."
    why = (
        "A library that was built by hand has no provenance. Going on without it would make the whole layer optional for exactly "
        "those whom it should stop."
    )
    default_hint = "give the builder's attestation with `--provenance FILE` or attach it to the manifest"
    default_change = "the builder's attestation, given with `--provenance FILE` or attached to the manifest"


class ProvenanceInvalidError(ProvenanceError):
    reason = "ProvenanceInvalid"
    meaning = "Provenance was found, but none of it counts."
    why = "A file of provenance can hold any number of statements, by anybody. One of them has to satisfy every demand by itself."
    default_hint = "each candidate below says why it did not count"
    default_change = "provenance of this library by a trusted builder"


class StatementInvalidError(ProvenanceError):
    reason = "StatementInvalid"
    meaning = "A payload is no in-toto statement with SLSA provenance of a known version."
    why = (
        "Where source and builder stand in a statement depends on its build type. Read by the rules of another one, a field that "
        "the attacker filled in would be taken for the builder's word."
    )
    default_hint = "provenance is an in-toto Statement v0.1 or v1 with SLSA provenance v0.2 or v1"
    default_change = "provenance of a known form, by a known builder"


class SubjectMismatchError(ProvenanceError):
    reason = "SubjectMismatch"
    meaning = "The provenance is about another artifact."
    why = (
        "Provenance is public. Without this check the genuine provenance of the last release would vouch for a library that "
        "nobody ever built from source."
    )
    default_hint = "use the provenance that was made together with this very file"
    default_change = "the provenance that was made together with this very file"


class SourceMismatchError(ProvenanceError):
    reason = "SourceMismatch"
    meaning = "The provenance names another source repository, tag or branch."
    why = (
        "A trusted builder builds whatever anybody asks it to. An attacker would build a fork, or an old tag with a known hole, "
        "and get perfectly genuine provenance for it."
    )
    default_hint = "check `sourceUri` and `sourceTag` against the release you mean"
    default_change = "provenance of a build from the source that the policy names"


class BuilderMismatchError(ProvenanceError):
    reason = "BuilderMismatch"
    meaning = "The builder is not on the allowlist or contradicts its certificate."
    why = (
        "Provenance is worth as much as whoever wrote it. An ordinary workflow of the attacker's can claim any source; a trusted "
        "builder at a release tag cannot be changed by those who use it."
    )
    default_hint = "build with a trusted builder at a release tag, or allow the builder by `--builder-id`"
    default_change = "provenance by a trusted builder at a release tag"


class WorkflowInputMismatchError(ProvenanceError):
    reason = "WorkflowInputMismatch"
    meaning = "A workflow input differs from the wanted value."
    why = (
        "A workflow that is started by hand builds what its inputs say: a debug build, another branch, no hardening. Source and "
        "builder look right all the same."
    )
    default_hint = "compare the inputs of the build with the ones you asked for"
    default_change = "provenance of a build with the wanted inputs"
