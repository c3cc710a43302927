"""What can be wrong with a request."""

from __future__ import annotations

from supplychain.errors.base import InputError

__all__ = [
    "InvalidCredentialsError",
    "InvalidIdentityPatternError",
    "InvalidKeyError",
    "InvalidManifestError",
    "InvalidPolicyError",
    "InvalidReferenceError",
    "InvalidTrustRootError",
    "MirrorUnresolvedError",
    "OutputError",
    "SigningKeyMissingError",
    "UnreadableFileError",
]


class InvalidReferenceError(InputError):
    """A text is no OCI reference, layout target or package file."""

    reason = "InvalidReference"
    default_hint = "write `host/repository:tag`, `host/repository@sha256:…`, `oci-layout:PATH[:TAG|@DIGEST]` or a `.zip` file"


class InvalidPolicyError(InputError):
    """A policy contradicts itself, or lacks something that a verdict needs."""

    reason = "InvalidPolicy"
    default_hint = "see `supplychain verify --help` for the fields a policy needs"


class InvalidIdentityPatternError(InputError):
    """A certificate identity pattern is not proved to be safe."""

    reason = "InvalidIdentityPattern"
    default_hint = "anchor the pattern with `^` and `$` and name host, owner and repository literally"


class InvalidManifestError(InputError):
    """A Kubernetes manifest cannot be read as one of the kinds used here."""

    reason = "InvalidManifest"
    default_hint = "compare the document with the field table in docs/manifests.md"


class InvalidKeyError(InputError):
    """A key is unreadable, of another kind, weak, or readable in two ways."""

    reason = "SigningKeyInvalid"
    default_hint = "give an Ed25519 public key: raw 32 bytes, PEM or DER SubjectPublicKeyInfo, base64 or hex"


class SigningKeyMissingError(InputError):
    """No signing key was given, although the detached signature is mandatory."""

    reason = "SigningKeyMissing"
    default_hint = "give the publisher's key with `--key FILE`, or the Secret that `signingKeyRef` names with `-f`"


class InvalidTrustRootError(InputError):
    """A trust root file is no usable Sigstore trusted root."""

    reason = "InvalidTrustRoot"
    default_hint = "give a `trusted_root.json` of media type `application/vnd.dev.sigstore.trustedroot+json;version=0.1`"


class InvalidCredentialsError(InputError):
    """A credential source was named but is missing, unreadable or malformed."""

    reason = "PullSecretInvalid"
    default_hint = "check the Docker config or the pull Secret; a key must name exactly the registry it is for"


class MirrorUnresolvedError(InputError):
    """A mirror was asked for that does not exist or does not cover the reference."""

    reason = "MirrorUnresolved"
    default_hint = "check `mirrorRef` and the mirror's `upstream`; the upstream registry is never used instead"


class UnreadableFileError(InputError):
    """A file given by the user cannot be read."""

    reason = "UnreadableFile"
    default_hint = "check the path, that it is a regular file, and its permissions"


class OutputError(InputError):
    """A result cannot be written where the user asked for it."""

    reason = "OutputFailed"
    default_hint = "check that the directory exists, is writable and has room"
