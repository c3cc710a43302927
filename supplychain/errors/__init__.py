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
│   └── ApplyRejectedError          NameConflictError
├── VerificationError
│   ├── DigestMismatchError · ArtifactTooLargeError
│   ├── ManifestError               ManifestInvalidError · NotAPluginError · PlatformMissingError
│   ├── PackageError                ArchiveInvalidError · MemberNotAllowedError · DuplicateMemberError · MemberMissingError
│   │                               AmbiguousArtifactError · DescriptorInvalidError
│   ├── DeliveryError               DeliveryInvalidError · ShardMissingError · ShardMismatchError
│   ├── BundleFileError             BundleFileInvalidError · BundlePartMismatchError · SummaryMissingError · SummaryMismatchError
│   ├── RequestMismatchError        PluginIdMismatchError · PluginClassMismatchError · VersionMismatchError
│   │                               RuntimeMismatchError · PlatformMismatchError · ProtocolUnsupportedError
│   ├── SignatureMissingError · SignatureInvalidError
│   ├── RevokedError · VersionRollbackError
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
│   ├── RevocationListInvalidError · RevocationListStaleError · SignatureSourceMissingError · StorageUnavailableError
│   ├── ClusterUnavailableError · ConflictError · LookupFailedError · ApplyForbiddenError
│   └── VerificationExpiredError · MaterialiseFailedError · BundlePartMissingError
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
from supplychain.errors.bundle_file import (
    BundleFileError,
    BundleFileInvalidError,
    BundlePartMismatchError,
    BundlePartMissingError,
    SummaryMismatchError,
    SummaryMissingError,
)
from supplychain.errors.cluster import (
    ApplyForbiddenError,
    ApplyRejectedError,
    ClusterUnavailableError,
    ConflictError,
    LookupFailedError,
    MaterialiseFailedError,
    NameConflictError,
    VerificationExpiredError,
    VersionRollbackError,
)
from supplychain.errors.delivery import DeliveryError, DeliveryInvalidError, ShardMismatchError, ShardMissingError
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
    RevocationListStaleError,
    SignatureSourceMissingError,
    StorageUnavailableError,
    TransparencyLogUnavailableError,
    TrustRootUnavailableError,
)

__all__ = [
    "AmbiguousArtifactError",
    "ApplyForbiddenError",
    "ApplyRejectedError",
    "ArchiveInvalidError",
    "ArtifactTooLargeError",
    "BuilderMismatchError",
    "BundleFileError",
    "BundleFileInvalidError",
    "BundleInvalidError",
    "BundlePartMismatchError",
    "BundlePartMissingError",
    "CertificateError",
    "ClusterUnavailableError",
    "ConflictError",
    "CosignError",
    "CosignSignatureInvalidError",
    "CosignSignatureMissingError",
    "DeliveryError",
    "DeliveryInvalidError",
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
    "LookupFailedError",
    "ManifestError",
    "ManifestInvalidError",
    "MaterialiseFailedError",
    "MemberMissingError",
    "MemberNotAllowedError",
    "MirrorUnresolvedError",
    "NameConflictError",
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
    "RevocationListStaleError",
    "RevokedError",
    "RuntimeMismatchError",
    "ShardMismatchError",
    "ShardMissingError",
    "SignatureInvalidError",
    "SignatureMissingError",
    "SignatureSourceMissingError",
    "SignedDigestMismatchError",
    "SigningKeyMissingError",
    "SourceMismatchError",
    "StatementInvalidError",
    "StorageUnavailableError",
    "SubjectMismatchError",
    "SummaryMismatchError",
    "SummaryMissingError",
    "SupplyChainError",
    "TransparencyLogUnavailableError",
    "TrustRootUnavailableError",
    "TrustedTimeError",
    "UnavailableError",
    "UnreadableFileError",
    "VerificationError",
    "VerificationExpiredError",
    "VerifiersDisagreeError",
    "VersionMismatchError",
    "VersionRollbackError",
    "WorkflowInputMismatchError",
]
