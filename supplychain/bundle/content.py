"""What was signed, and whether a key signed it: a DSSE envelope or a message, seen by the checks of a bundle."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from supplychain.errors import BundleInvalidError, EnvelopeInvalidError, EvidenceUnsupportedError

if TYPE_CHECKING:
    from supplychain.bundle.model import MessageSignature
    from supplychain.dsse import Envelope
    from supplychain.verification_key import VerificationKey

__all__ = ["EnvelopeContent", "MessageContent", "SignedContent"]


@dataclass(frozen=True, slots=True)
class EnvelopeContent:
    """A DSSE envelope with its one signature."""

    envelope: Envelope

    @property
    def signature(self) -> bytes:
        """The bytes of the signature."""
        return self.envelope.signatures[0].sig

    def digest(self, algorithm: str) -> bytes | None:
        """Digest of the bytes that were signed."""
        return hashlib.new(algorithm, self.envelope.signed_bytes).digest()

    def require_signed_by(self, keys: tuple[VerificationKey, ...]) -> VerificationKey:
        """Return the one of `keys` that signed (DSSE protocol.md): by its own hash, or SHA-256, which some signers always use.

        Raises:
            EnvelopeInvalidError: none did.
        """
        signed = self.envelope.signed_bytes
        for key in keys:
            if key.verifies(self.signature, signed):
                return key
            if key.hash_name not in (None, "sha256") and key.verifies(self.signature, signed, hash_name="sha256"):
                return key
        raise EnvelopeInvalidError("the envelope's signature does not verify under the signer's key", expected=_named(keys))


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageContent:
    """A message, given as its SHA-256 `given` or itself, and what a bundle claims about it."""

    claim: MessageSignature
    given: bytes | None
    message: bytes | None

    def __post_init__(self) -> None:
        if (self.given is None) == (self.message is None):
            raise TypeError("give either the message or its digest")

    @property
    def signature(self) -> bytes:
        """The bytes of the signature."""
        return self.claim.signature

    def digest(self, algorithm: str) -> bytes | None:
        """Digest of the message; None where only another algorithm's is known."""
        if self.message is not None:
            return hashlib.new(algorithm, self.message).digest()
        return self.given if algorithm == "sha256" else None

    def signed_digest(self, key: VerificationKey) -> tuple[str, bytes]:
        """Name and value of the digest that a signature by `key` is over.

        Raises:
            EvidenceUnsupportedError: it cannot be computed from the digest that was given.
        """
        algorithm = key.hash_name or "sha512"
        digest = self.digest(algorithm)
        if digest is None:
            raise EvidenceUnsupportedError(
                "the signature cannot be checked by this digest",
                expected=f"the message itself, for a key of kind `{key.kind}`",
                got="its SHA-256 digest",
            )
        return algorithm, digest

    def require_signed_by(self, keys: tuple[VerificationKey, ...]) -> VerificationKey:
        """Return the one of `keys` that signed. The digest beside the signature is a hint, but must not lie.

        Raises:
            BundleInvalidError: none did, or the hint is another message's.
            EvidenceUnsupportedError: none that could be tried, and for another one only a message itself could tell.
        """
        unsupported: EvidenceUnsupportedError | None = None
        for key in keys:
            try:
                _, digest = self.signed_digest(key)
            except EvidenceUnsupportedError as exc:
                unsupported = exc
                continue
            if self.claim.algorithm is not None and self.digest(self.claim.algorithm) != self.claim.digest:
                raise BundleInvalidError("the bundle names the digest of another message")
            if key.hash_name is None:
                if key.verifies(self.signature, self.message or b""):
                    return key
            elif key.verifies_digest(self.signature, digest):
                return key
        if unsupported is not None:
            raise unsupported
        raise BundleInvalidError("the message's signature does not verify under the signer's key", expected=_named(keys))


SignedContent = EnvelopeContent | MessageContent


def _named(keys: tuple[VerificationKey, ...]) -> str:
    return ", ".join(f"`sha256:{key.fingerprint.hex()}`" for key in keys)
