"""Keys from seeds, and deterministic signatures (RFC 6979), so that test data rebuild byte for byte."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TypeAlias

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa

from tests.support.sigstore import der

__all__ = ["PrivateKey", "Seed", "algorithm_of", "digest_of", "key_details", "pem", "public_key_pem", "sign", "spki"]

PrivateKey: TypeAlias = ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey

_HASHES: dict[str, tuple[str, hashes.HashAlgorithm, str, str]] = {
    "secp256r1": ("sha256", hashes.SHA256(), "1.2.840.10045.4.3.2", "PKIX_ECDSA_P256_SHA_256"),
    "secp384r1": ("sha384", hashes.SHA384(), "1.2.840.10045.4.3.3", "PKIX_ECDSA_P384_SHA_384"),
    "secp521r1": ("sha512", hashes.SHA512(), "1.2.840.10045.4.3.4", "PKIX_ECDSA_P521_SHA_512"),
}


@dataclass(frozen=True, slots=True)
class Seed:
    """Where keys come from; equal seed and name give the equal key."""

    secret: bytes

    def stream(self, name: str, size: int) -> bytes:
        return hashlib.shake_256(len(self.secret).to_bytes(4, "big") + self.secret + name.encode()).digest(size)

    def p256(self, name: str) -> ec.EllipticCurvePrivateKey:
        return ec.derive_private_key(int.from_bytes(self.stream(name, 31), "big") + 1, ec.SECP256R1())

    def p384(self, name: str) -> ec.EllipticCurvePrivateKey:
        return ec.derive_private_key(int.from_bytes(self.stream(name, 47), "big") + 1, ec.SECP384R1())

    def p521(self, name: str) -> ec.EllipticCurvePrivateKey:
        return ec.derive_private_key(int.from_bytes(self.stream(name, 64), "big") + 1, ec.SECP521R1())

    def ed25519(self, name: str) -> ed25519.Ed25519PrivateKey:
        return ed25519.Ed25519PrivateKey.from_private_bytes(self.stream(name, 32))


def public_key_pem(key: PrivateKey) -> bytes:
    """The public half as cosign writes it to `cosign.pub`."""
    return key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


def sign(key: PrivateKey, message: bytes) -> bytes:
    """Sign with the hash that belongs to the curve; RSA is PKCS #1 v1.5 with SHA-256."""
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return key.sign(message)
    if isinstance(key, rsa.RSAPrivateKey):
        return key.sign(message, padding.PKCS1v15(), hashes.SHA256())
    return key.sign(message, ec.ECDSA(_HASHES[key.curve.name][1], deterministic_signing=True))


def digest_of(key: PrivateKey, message: bytes) -> tuple[str, bytes]:
    """The hash that belongs to the key, by its `hashlib` name, over the message."""
    name = _HASHES[key.curve.name][0] if isinstance(key, ec.EllipticCurvePrivateKey) else "sha256"
    return name, hashlib.new(name, message).digest()


def algorithm_of(key: PrivateKey) -> bytes:
    """The X.509 AlgorithmIdentifier of `sign`."""
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return der.sequence(der.object_id("1.3.101.112"))
    if isinstance(key, rsa.RSAPrivateKey):
        return der.sequence(der.object_id("1.2.840.113549.1.1.11"), der.null())
    return der.sequence(der.object_id(_HASHES[key.curve.name][2]))


def key_details(key: PrivateKey) -> str:
    """Sigstore's word for the key's kind (protobuf-specs, PublicKeyDetails)."""
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return "PKIX_ED25519"
    if isinstance(key, rsa.RSAPrivateKey):
        return f"PKIX_RSA_PKCS1V15_{key.key_size}_SHA256"
    return _HASHES[key.curve.name][3]


def spki(key: PrivateKey) -> bytes:
    """The public half as DER SubjectPublicKeyInfo."""
    return key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)


def pem(key: PrivateKey) -> bytes:
    """The public half as PEM."""
    return key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
