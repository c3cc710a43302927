"""Every error of the verification, in one tree.

Three families decide what a caller does next:

* `InputError`: the request is wrong. Retrying cannot help; somebody has to change the request.
* `VerificationError`: the evidence was examined and refused. Same bytes, same answer.
* `UnavailableError`: the evidence could not be examined. A later try may succeed.

`reason` is a stable CamelCase word and part of the public contract (conditions, metrics, JSON). Facts are fields; `str(error)` is
built from them in one place. Nothing here carries secrets: no credential, no URL query, no response body.

```text
SupplyChainError
├── InputError
│   ├── InvalidReferenceError · InvalidPolicyError · InvalidIdentityPatternError · InvalidManifestError
│   ├── InvalidKeyError · SigningKeyMissingError · InvalidTrustRootError · InvalidCredentialsError
│   ├── MirrorUnresolvedError · UnreadableFileError · OutputError
├── VerificationError
│   ├── DigestMismatchError · ArtifactTooLargeError
│   ├── ManifestError               ManifestInvalidError · NotAPluginError · PlatformMissingError
│   ├── PackageError                ArchiveInvalidError · MemberNotAllowedError · DuplicateMemberError · MemberMissingError
│   │                               AmbiguousArtifactError · DescriptorInvalidError
│   ├── RequestMismatchError        PluginIdMismatchError · PluginClassMismatchError · VersionMismatchError
│   │                               RuntimeMismatchError · PlatformMismatchError · ProtocolUnsupportedError
│   ├── SignatureMissingError · SignatureInvalidError
│   ├── RevokedError
│   ├── EvidenceError               BundleInvalidError · EnvelopeInvalidError · CertificateError · LogEntryError
│   │                               TrustedTimeError · VerifiersDisagreeError
│   ├── CosignError                 CosignSignatureMissingError · CosignSignatureInvalidError · IdentityMismatchError
│   │                               SignedDigestMismatchError
│   └── ProvenanceError             ProvenanceMissingError · ProvenanceInvalidError · StatementInvalidError · SubjectMismatchError
│                                   SourceMismatchError · BuilderMismatchError · WorkflowInputMismatchError
├── UnavailableError                .retry_after
│   ├── RegistryUnavailableError · RegistryAuthError · NotFoundError
│   ├── TrustRootUnavailableError · TransparencyLogUnavailableError
│   ├── EvidenceUnsupportedError · EvidenceLimitError
│   └── RevocationListInvalidError · SignatureSourceMissingError · StorageUnavailableError
└── NotTrustedError
```
"""

from __future__ import annotations

from supplychain.errors.artifact import (
    AmbiguousArtifactError,
    ArchiveInvalidError,
    ArtifactTooLargeError,
    DescriptorInvalidError,
    DigestMismatchError,
    DuplicateMemberError,
    ManifestError,
    ManifestInvalidError,
    MemberMissingError,
    MemberNotAllowedError,
    NotAPluginError,
    PackageError,
    PlatformMismatchError,
    PlatformMissingError,
    PluginClassMismatchError,
    PluginIdMismatchError,
    ProtocolUnsupportedError,
    RequestMismatchError,
    RevokedError,
    RuntimeMismatchError,
    SignatureInvalidError,
    SignatureMissingError,
    VersionMismatchError,
)
from supplychain.errors.base import (
    InputError,
    NotTrustedError,
    RejectedCandidate,
    Remedy,
    SupplyChainError,
    UnavailableError,
    VerificationError,
)
from supplychain.errors.evidence import (
    BuilderMismatchError,
    BundleInvalidError,
    CertificateError,
    CosignError,
    CosignSignatureInvalidError,
    CosignSignatureMissingError,
    EnvelopeInvalidError,
    EvidenceError,
    IdentityMismatchError,
    LogEntryError,
    ProvenanceError,
    ProvenanceInvalidError,
    ProvenanceMissingError,
    SignedDigestMismatchError,
    SourceMismatchError,
    StatementInvalidError,
    SubjectMismatchError,
    TrustedTimeError,
    VerifiersDisagreeError,
    WorkflowInputMismatchError,
)
from supplychain.errors.request import (
    InvalidCredentialsError,
    InvalidIdentityPatternError,
    InvalidKeyError,
    InvalidManifestError,
    InvalidPolicyError,
    InvalidReferenceError,
    InvalidTrustRootError,
    MirrorUnresolvedError,
    OutputError,
    SigningKeyMissingError,
    UnreadableFileError,
)
from supplychain.errors.unavailable import (
    EvidenceLimitError,
    EvidenceUnsupportedError,
    NotFoundError,
    RegistryAuthError,
    RegistryUnavailableError,
    RevocationListInvalidError,
    SignatureSourceMissingError,
    StorageUnavailableError,
    TransparencyLogUnavailableError,
    TrustRootUnavailableError,
)

__all__ = [
    "AmbiguousArtifactError",
    "ArchiveInvalidError",
    "ArtifactTooLargeError",
    "BuilderMismatchError",
    "BundleInvalidError",
    "CertificateError",
    "CosignError",
    "CosignSignatureInvalidError",
    "CosignSignatureMissingError",
    "DescriptorInvalidError",
    "DigestMismatchError",
    "DuplicateMemberError",
    "EnvelopeInvalidError",
    "EvidenceError",
    "EvidenceLimitError",
    "EvidenceUnsupportedError",
    "IdentityMismatchError",
    "InputError",
    "InvalidCredentialsError",
    "InvalidIdentityPatternError",
    "InvalidKeyError",
    "InvalidManifestError",
    "InvalidPolicyError",
    "InvalidReferenceError",
    "InvalidTrustRootError",
    "LogEntryError",
    "ManifestError",
    "ManifestInvalidError",
    "MemberMissingError",
    "MemberNotAllowedError",
    "MirrorUnresolvedError",
    "NotAPluginError",
    "NotFoundError",
    "NotTrustedError",
    "OutputError",
    "PackageError",
    "PlatformMismatchError",
    "PlatformMissingError",
    "PluginClassMismatchError",
    "PluginIdMismatchError",
    "ProtocolUnsupportedError",
    "ProvenanceError",
    "ProvenanceInvalidError",
    "ProvenanceMissingError",
    "RegistryAuthError",
    "RegistryUnavailableError",
    "RejectedCandidate",
    "Remedy",
    "RequestMismatchError",
    "RevocationListInvalidError",
    "RevokedError",
    "RuntimeMismatchError",
    "SignatureInvalidError",
    "SignatureMissingError",
    "SignatureSourceMissingError",
    "SignedDigestMismatchError",
    "SigningKeyMissingError",
    "SourceMismatchError",
    "StatementInvalidError",
    "StorageUnavailableError",
    "SubjectMismatchError",
    "SupplyChainError",
    "TransparencyLogUnavailableError",
    "TrustRootUnavailableError",
    "TrustedTimeError",
    "UnavailableError",
    "UnreadableFileError",
    "VerificationError",
    "VerifiersDisagreeError",
    "VersionMismatchError",
    "WorkflowInputMismatchError",
]
