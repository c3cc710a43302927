"""Who signed: the holder of a certificate that the trust root vouches for, or of a key that was configured."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm

from supplychain.bundle.certificate import load_certificate, load_leaf, verify_path
from supplychain.bundle.sct import verify_timestamps
from supplychain.bundle.signer import read_signer
from supplychain.errors import BundleInvalidError, EvidenceUnsupportedError
from supplychain.identity import KeyHolder

if TYPE_CHECKING:
    from datetime import datetime

    from cryptography import x509

    from supplychain.bundle.content import SignedContent
    from supplychain.bundle.model import Bundle
    from supplychain.identity import SignerIdentity
    from supplychain.trust_root import TrustRoot
    from supplychain.verification_key import TrustedKey, VerificationKey

__all__ = ["Signatory", "certified_signatory", "configured_signatory"]

_ROOT_IN_CHAIN: Final = "a self-signed certificate in the bundle's chain was ignored; trust comes from the trust root alone"


@dataclass(frozen=True, slots=True, kw_only=True)
class Signatory:
    """A key that is proven to be somebody's, and that has signed the content."""

    key: VerificationKey
    certificate: bytes | None
    """DER of the signing certificate; None for a configured key."""
    identity: SignerIdentity | KeyHolder
    notes: tuple[str, ...] = ()


def certified_signatory(bundle: Bundle, *, content: SignedContent, root: TrustRoot, times: list[datetime]) -> Signatory:
    """Prove the holder of the bundle's certificate at each of `times`, and that its key signed `content`.

    Raises:
        EvidenceError: the certificate, its path, its publication or the signature is refused.
    """
    # The certificate's profile, and its path to an authority at every proven time.
    leaf = load_leaf(bundle.certificates[0])
    pool: list[x509.Certificate] = []
    notes: tuple[str, ...] = ()
    for certificate in map(load_certificate, bundle.certificates[1:]):
        if _self_signed(certificate):
            notes = (_ROOT_IN_CHAIN,)
        else:
            pool.append(certificate)
    path = verify_path(leaf, pool, root=root, times=times)
    # The certificate was made public (RFC 6962).
    verify_timestamps(leaf.certificate, path.issuers[0], root=root, times=times)
    # Who that is, and the signature.
    identity = read_signer(leaf)
    content.require_signed_by((leaf.key,))
    return Signatory(key=leaf.key, certificate=leaf.der, identity=identity, notes=notes)


def configured_signatory(bundle: Bundle, *, content: SignedContent, keys: tuple[TrustedKey, ...]) -> Signatory:
    """Find the configured key that signed `content`.

    Raises:
        EvidenceError: none did, or the evidence carries a certificate, whose holder nobody trusts here.
        EvidenceUnsupportedError: no key was configured.
    """
    if not keys:
        raise EvidenceUnsupportedError(
            "signed by a key without certificate, and no key is configured",
            hint="give the signer's public key, or ask for a keyless signature, whose certificate says who signed",
        )
    if bundle.certificates:
        expected = ", ".join(f"`{key.fingerprint}`" for key in keys)
        raise BundleInvalidError("signed with a certificate, where only configured keys are trusted", expected=expected)
    signed = content.require_signed_by(tuple(key.key for key in keys))
    trusted = next(key for key in keys if key.key is signed)
    return Signatory(key=signed, certificate=None, identity=KeyHolder(name=trusted.name, fingerprint=trusted.fingerprint))


def _self_signed(certificate: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(certificate)
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
        return False
    return True
