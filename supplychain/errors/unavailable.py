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
    "RevocationListStaleError",
    "SignatureSourceMissingError",
    "StorageUnavailableError",
    "TransparencyLogUnavailableError",
    "TrustRootUnavailableError",
]


class RegistryUnavailableError(UnavailableError):
    reason = "RegistryUnavailable"
    meaning = "A registry did not answer, answered with an error, or broke off."
    why = (
        "An attacker on the wire can always make a registry look dead. If that let a plugin through, cutting the connection "
        "would be enough."
    )
    default_hint = "try again; if it stays, check the network and the registry's health"


class RegistryAuthError(UnavailableError):
    reason = "RegistryAuthFailed"
    meaning = "A registry refused the credentials, or asks for some."
    why = (
        "Credentials go to exactly the registry that they are for. Sending them to whoever asks would hand them to the first "
        "look-alike host."
    )
    default_hint = "log in to exactly this registry, or give `--registry-config FILE`"


class NotFoundError(UnavailableError):
    reason = "NotFound"
    meaning = "A registry or layout does not have what was asked for."
    why = (
        "A missing object proves nothing: it may never have been published, not be mirrored yet, or have been hidden on purpose."
    )
    default_hint = "check repository, tag and digest; a mirror must have been synchronised first"


class TrustRootUnavailableError(UnavailableError):
    reason = "TrustRootUnavailable"
    meaning = "No usable trust root could be had."
    why = (
        "Without a trust root every certificate is as good as any other. A root that cannot be refreshed any more must not stay "
        "in use for ever, because a key may have been taken out of it since."
    )
    default_hint = "give one with `--trust-root FILE`, or use the embedded one with `--offline`"


class TransparencyLogUnavailableError(UnavailableError):
    reason = "TransparencyLogUnavailable"
    meaning = "A transparency log was to be asked for an entry, and gave no answer or none that helps."
    why = (
        "A log that is silent, or does not find an entry, has not said that there is none: its search is an extra that promises "
        "nothing. Without the entry nobody knows who signed, or when, so the evidence does not count; but it is not bad either."
    )
    default_hint = "try again, or give the entry by `--rekor-entry FILE`; a Sigstore bundle carries it inside"


class EvidenceUnsupportedError(UnavailableError):
    reason = "EvidenceUnsupported"
    meaning = "Evidence of a form that this version cannot judge."
    why = (
        "Old and foreign forms bind less than they seem to. What this version cannot prove to the end it does not take on trust, "
        "and does not call bad either."
    )
    default_hint = "ask the publisher for a Sigstore bundle of version 0.3, as cosign 3 writes by default"


class EvidenceLimitError(UnavailableError):
    reason = "EvidenceLimit"
    meaning = "There is more evidence than is looked at, and none of what was looked at counted."
    why = (
        "Anybody who may push can attach ten thousand objects. Without a limit looking at them would take for ever; with one, "
        "the good signature may stand behind it, so this is no proof of anything bad."
    )
    default_hint = "remove foreign referrers from the repository, or raise `--limit-candidates` or `--limit-evidence`"


class RevocationListInvalidError(UnavailableError):
    reason = "RevocationListInvalid"
    meaning = "A revocation list is partly or wholly unusable, so absence from it proves nothing."
    why = (
        "Whoever can damage one entry of a list could bring a revoked plugin back. An artifact that a list might name where it "
        "cannot be read is therefore not cleared."
    )
    default_hint = "mend the listed entries; the valid ones are enforced meanwhile"


class RevocationListStaleError(UnavailableError):
    reason = "RevocationListStale"
    meaning = "A revocation list is older than it may be, so absence from it proves nothing."
    why = (
        "Whoever can keep a new list from arriving keeps everything usable that was revoked since. What such a list names stays "
        "revoked; what it does not name is let in by a list of today only."
    )
    default_hint = "fetch a newer list, or have its keeper confirm it by a new `issuedAt`; else raise `--max-age`"


class SignatureSourceMissingError(UnavailableError):
    reason = "SignatureSourceMissing"
    meaning = "The target has no manifest, so image signatures cannot belong to it."
    why = (
        "Image signatures are about a manifest's digest. Taking one from elsewhere for a bare file would vouch for a library "
        "that it never saw."
    )
    default_hint = "verify the OCI reference or an OCI layout instead of the bare package"


class StorageUnavailableError(UnavailableError):
    reason = "StorageUnavailable"
    meaning = "There is no room for the bytes while they are examined."
    why = (
        "The digest can be proven only of all bytes, and they may be far larger than the memory. Without room for them there is "
        "nothing to judge, and a full disk is no verdict."
    )
    default_hint = "make room in the folder for temporary files, or name another one with `TMPDIR`"
