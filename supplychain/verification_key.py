"""Public keys that verify Sigstore signatures, each with the one scheme that goes with its kind.

Kinds and schemes follow the Sigstore algorithm registry (sigstore/architecture-docs, algorithm-registry.md): ECDSA on P-256,
P-384 and P-521 with SHA-256, SHA-384 and SHA-512; RSA PKCS#1 v1.5 of 2048 to 4096 bits with SHA-256; Ed25519 without a hash.
Other and weaker keys are refused. Publisher keys of the detached signature are another matter and have their own module.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_der_public_key

from supplychain.errors import InvalidKeyError
from supplychain.wire import MalformedError, decode_base64

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes

__all__ = ["HASHES", "KEY_DETAILS", "TrustedKey", "VerificationKey", "parse_trusted_keys"]

HASHES: Final = {"sha256": hashes.SHA256(), "sha384": hashes.SHA384(), "sha512": hashes.SHA512()}
KEY_DETAILS: Final = {
    "PKIX_ECDSA_P256_SHA_256": "ecdsa-p256",
    "PKIX_ECDSA_P384_SHA_384": "ecdsa-p384",
    "PKIX_ECDSA_P521_SHA_512": "ecdsa-p521",
    "PKIX_ED25519": "ed25519",
    "PKCS1_RSA_PKCS1V5": "rsa",
    "PKIX_RSA_PKCS1V5": "rsa",
    "PKIX_RSA_PKCS1V15_2048_SHA256": "rsa",
    "PKIX_RSA_PKCS1V15_3072_SHA256": "rsa",
    "PKIX_RSA_PKCS1V15_4096_SHA256": "rsa",
}
"""What protobuf-specs calls `PublicKeyDetails`, and the kind of key that it must go with."""
_CURVES: Final = {
    "secp256r1": ("ecdsa-p256", "sha256"),
    "secp384r1": ("ecdsa-p384", "sha384"),
    "secp521r1": ("ecdsa-p521", "sha512"),
}
_PEM = re.compile(rb"-----BEGIN ([A-Z ]{1,40})-----([A-Za-z0-9+/=\s]{1,8192})-----END \1-----")
_RSA_BITS: Final = (2048, 4096)
_RSA_EXPONENT: Final = 65537


@dataclass(frozen=True, slots=True, kw_only=True)
class VerificationKey:
    """A key whose kind and strength are known to be acceptable."""

    key: ec.EllipticCurvePublicKey | rsa.RSAPublicKey | ed25519.Ed25519PublicKey
    kind: str
    """`ecdsa-p256`, `ecdsa-p384`, `ecdsa-p521`, `rsa` or `ed25519`."""
    hash_name: str | None
    """The hash that the registry joins with this kind; None for Ed25519."""
    spki: bytes
    """DER SubjectPublicKeyInfo."""

    @classmethod
    def load(cls, der: bytes) -> VerificationKey:
        """Read a DER SubjectPublicKeyInfo, or a bare PKCS#1 RSA key as old trust roots have it.

        Raises:
            MalformedError: unreadable, of another kind, or weak.
        """
        try:
            key = load_der_public_key(der)
        except Exception as exc:  # UnsupportedAlgorithm, TypeError and more, by the library's version
            raise MalformedError("not a readable public key") from exc
        return cls.of(key)

    @classmethod
    def of(cls, key: PublicKeyTypes) -> VerificationKey:
        """Judge a key that a library has read already.

        Raises:
            MalformedError: of another kind, or weak.
        """
        match key:
            case ec.EllipticCurvePublicKey() if key.curve.name in _CURVES:
                kind, hash_name = _CURVES[key.curve.name]
                return cls(key=key, kind=kind, hash_name=hash_name, spki=_spki(key))
            case rsa.RSAPublicKey() if _RSA_BITS[0] <= key.key_size <= _RSA_BITS[1] and key.public_numbers().e >= _RSA_EXPONENT:
                return cls(key=key, kind="rsa", hash_name="sha256", spki=_spki(key))
            case ed25519.Ed25519PublicKey():
                return cls(key=key, kind="ed25519", hash_name=None, spki=_spki(key))
        raise MalformedError("a key kind or strength that is not accepted")

    @property
    def fingerprint(self) -> bytes:
        """SHA-256 of the SubjectPublicKeyInfo: the id of a CT log (RFC 6962, 3.2) and of a Rekor v1 log."""
        return hashlib.sha256(self.spki).digest()

    def verifies(self, signature: bytes, data: bytes, *, hash_name: str | None = None) -> bool:
        """Tell whether `signature` is this key's over `data`; `hash_name` overrides the registry's hash, not for Ed25519."""
        algorithm = HASHES[hash_name or self.hash_name or "sha256"]
        try:
            match self.key:
                case ec.EllipticCurvePublicKey():
                    self.key.verify(signature, data, ec.ECDSA(algorithm))
                case rsa.RSAPublicKey():
                    self.key.verify(signature, data, padding.PKCS1v15(), algorithm)
                case _:
                    self.key.verify(signature, data)
        except InvalidSignature:
            return False
        return True

    def verifies_digest(self, signature: bytes, digest: bytes) -> bool:
        """Tell whether `signature` is this key's over a message with this digest, made with `hash_name`.

        Raises:
            MalformedError: an Ed25519 key, which signs messages and never digests, or a digest of another length.
        """
        if self.hash_name is None:
            raise MalformedError("an Ed25519 signature cannot be checked by digest")
        algorithm = Prehashed(HASHES[self.hash_name])
        try:
            if isinstance(self.key, ec.EllipticCurvePublicKey):
                self.key.verify(signature, digest, ec.ECDSA(algorithm))
            else:
                assert isinstance(self.key, rsa.RSAPublicKey)  # noqa: S101 — the only other kind with a hash
                self.key.verify(signature, digest, padding.PKCS1v15(), algorithm)
        except InvalidSignature:
            return False
        return True


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustedKey:
    """A key that somebody configured, with the name it was configured under."""

    key: VerificationKey
    name: str

    @property
    def fingerprint(self) -> str:
        """`sha256:` and hex over the DER SubjectPublicKeyInfo."""
        return f"sha256:{self.key.fingerprint.hex()}"


def parse_trusted_keys(data: bytes, *, name: str) -> tuple[TrustedKey, ...]:
    """Read one DER SubjectPublicKeyInfo, or any number of them as PEM, one after another.

    Raises:
        InvalidKeyError: nothing readable, another kind of PEM, or a weak key.
    """
    try:
        keys = [VerificationKey.load(der) for der in _public_keys(data)]
    except MalformedError as exc:
        hint = "give ECDSA, RSA or Ed25519 public keys as PEM, such as the `cosign.pub` that `cosign generate-key-pair` writes"
        raise InvalidKeyError("no usable public key", got=str(exc), where=f"`{name}`", hint=hint) from exc
    return tuple(TrustedKey(key=key, name=name) for key in keys)


def _public_keys(data: bytes) -> list[bytes]:
    blocks = _PEM.findall(data)
    if blocks and _PEM.sub(b"", data).strip():
        raise MalformedError("text between or around the PEM blocks")
    return [_der(*block) for block in blocks] or [data]


def _der(label: bytes, body: bytes) -> bytes:
    if label != b"PUBLIC KEY":
        raise MalformedError(f"a PEM block `{label.decode()}` instead of `PUBLIC KEY`")
    return decode_base64(b"".join(body.split()).decode())


def _spki(key: PublicKeyTypes) -> bytes:
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
