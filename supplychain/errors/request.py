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
    reason = "InvalidReference"
    meaning = "A text is no OCI reference, layout target or package file."
    why = (
        "Tools complete short names with a default registry. A name that is not written out could be answered by a registry that "
        "an attacker may publish to."
    )
    default_hint = "write `host/repository:tag`, `host/repository@sha256:…`, `oci-layout:PATH[:TAG|@DIGEST]` or a `.zip` file"


class InvalidPolicyError(InputError):
    reason = "InvalidPolicy"
    meaning = "A policy contradicts itself, or lacks something that a verdict needs."
    why = (
        "A policy that is half understood is a policy that is half enforced. A flag that is dropped in silence, or an identity "
        "without its issuer, would let in what its author meant to keep out."
    )
    default_hint = "see `supplychain verify --help` for the fields a policy needs"


class InvalidIdentityPatternError(InputError):
    reason = "InvalidIdentityPattern"
    meaning = "A certificate identity pattern is not proved to be safe."
    why = (
        "One dot without a backslash lets `githubXcom` in, and one missing `^` lets in any workflow that carries the publisher's "
        "name in its path. Attackers register such names and wait; `supplychain explain pattern` shows one that would match."
    )
    default_hint = "anchor the pattern with `^` and `$` and name host, owner and repository literally"
    example: str | None = None
    """A subject that an attacker could use and that the pattern matches, where one could be built."""


class InvalidManifestError(InputError):
    reason = "InvalidManifest"
    meaning = "A Kubernetes manifest cannot be read as one of the kinds used here."
    why = (
        "A misspelt field name drops a demand without a word. With `cosignIdenttiy` ignored, a plugin that nobody signed would "
        "pass."
    )
    default_hint = "compare the document with the field table in docs/manifests.md"


class InvalidKeyError(InputError):
    reason = "SigningKeyInvalid"
    meaning = "A key is unreadable, of another kind, weak, or readable in two ways."
    why = (
        "For some weak keys a signature can be made up that holds for every message. And a text that is both hex and base64 of "
        "something could trust a key that its author never saw."
    )
    default_hint = "give an Ed25519 public key: raw 32 bytes, PEM or DER SubjectPublicKeyInfo, base64 or hex"


class SigningKeyMissingError(InputError):
    reason = "SigningKeyMissing"
    meaning = "No signing key was given, although the detached signature is mandatory."
    why = (
        "A signature that is checked against no key proves nothing. An empty Secret must stop the rollout and not switch the "
        "check off."
    )
    default_hint = "give the publisher's key with `--key FILE`, or the Secret that `signingKeyRef` names with `-f`"


class InvalidTrustRootError(InputError):
    reason = "InvalidTrustRoot"
    meaning = "A trust root file is no usable Sigstore trusted root."
    why = (
        "The trust root decides which authorities and logs count. A damaged one that is read halfway could lose the end of a "
        "key's validity and bring a retired key back."
    )
    default_hint = "give a `trusted_root.json` of media type `application/vnd.dev.sigstore.trustedroot+json;version=0.1`"


class InvalidCredentialsError(InputError):
    reason = "PullSecretInvalid"
    meaning = "A credential source was named but is missing, unreadable or malformed."
    why = (
        "Going on without credentials would ask another question than the one that was meant, and guessing which registry they "
        "are for could send a password to a stranger."
    )
    default_hint = "check the Docker config or the pull Secret; a key must name exactly the registry it is for"


class MirrorUnresolvedError(InputError):
    reason = "MirrorUnresolved"
    meaning = "A mirror was asked for that does not exist or does not cover the reference."
    why = (
        "Whoever names a mirror does not want upstream to be asked: it is out of reach, or must not learn what runs here. "
        "Falling back in silence would break both."
    )
    default_hint = "check `mirrorRef` and the mirror's `upstream`; the upstream registry is never used instead"


class UnreadableFileError(InputError):
    reason = "UnreadableFile"
    meaning = "A file given by the user cannot be read."
    why = (
        "A key, a policy or a revocation list that could not be read must not count as an empty one: an empty list revokes "
        "nothing."
    )
    default_hint = "check the path, that it is a regular file, and its permissions"


class OutputError(InputError):
    reason = "OutputFailed"
    meaning = "A result cannot be written where the user asked for it."
    why = (
        "Half a library beside an exit code of 0 would be loaded by the next step. What was verified is written whole or not at "
        "all."
    )
    default_hint = "check that the directory exists, is writable and has room"
