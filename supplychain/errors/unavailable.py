"""Why something could not be examined."""

from __future__ import annotations

from supplychain.errors.base import UnavailableError

__all__ = [
    "EvidenceLimitError",
    "EvidenceUnsupportedError",
    "NotFoundError",
    "RegistryAuthError",
    "RegistryUnavailableError",
    "RevocationListInvalidError",
    "SignatureSourceMissingError",
    "StorageUnavailableError",
    "TrustRootUnavailableError",
]


class RegistryUnavailableError(UnavailableError):
    """A registry did not answer, answered with an error, or broke off."""

    reason = "RegistryUnavailable"
    default_hint = "try again; if it stays, check the network and the registry's health"


class RegistryAuthError(UnavailableError):
    """A registry refused the credentials, or asks for some."""

    reason = "RegistryAuthFailed"
    default_hint = "log in to exactly this registry, or give `--registry-config FILE`"


class NotFoundError(UnavailableError):
    """A registry or layout does not have what was asked for."""

    reason = "NotFound"
    default_hint = "check repository, tag and digest; a mirror must have been synchronised first"


class TrustRootUnavailableError(UnavailableError):
    """No usable trust root could be had."""

    reason = "TrustRootUnavailable"
    default_hint = "give one with `--trust-root FILE`, or use the embedded one with `--offline`"


class EvidenceUnsupportedError(UnavailableError):
    """Evidence of a form that this version cannot judge."""

    reason = "EvidenceUnsupported"
    default_hint = "ask the publisher for a Sigstore bundle of version 0.3, as cosign 3 writes by default"


class EvidenceLimitError(UnavailableError):
    """There is more evidence than is looked at, and none of what was looked at counted."""

    reason = "EvidenceLimit"
    default_hint = "remove foreign referrers from the repository, or raise `--limit-candidates` or `--limit-evidence`"


class RevocationListInvalidError(UnavailableError):
    """A revocation list is partly or wholly unusable, so absence from it proves nothing."""

    reason = "RevocationListInvalid"
    default_hint = "mend the listed entries; the valid ones are enforced meanwhile"


class SignatureSourceMissingError(UnavailableError):
    """The target has no manifest, so image signatures cannot belong to it."""

    reason = "SignatureSourceMissing"
    default_hint = "verify the OCI reference or an OCI layout instead of the bare package"


class StorageUnavailableError(UnavailableError):
    """There is no room for the bytes while they are examined."""

    reason = "StorageUnavailable"
    default_hint = "make room in the folder for temporary files, or name another one with `TMPDIR`"
