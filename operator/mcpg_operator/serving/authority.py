"""Certificates that the operator makes for itself: an authority for one certificate, whose key nobody keeps.

Each renewal has an authority of its own, so what could sign another certificate never leaves this process, and forgetting an
authority is all that it takes to end the trust in what it signed. Times are those of RFC 5280, in whole seconds.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from mcpg_operator.serving.certificate import Pair

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Issued", "Life", "issue", "life_of", "still_valid", "trusts", "united"]

_EARLY: Final = timedelta(minutes=5)
"""Clocks of other machines may be behind by so much."""
_NAME: Final = "mcpg-operator webhook"


@dataclass(frozen=True, slots=True, kw_only=True)
class Issued:
    """A certificate and whom to trust for it."""

    authority: bytes
    """PEM."""
    pair: Pair


@dataclass(frozen=True, slots=True, kw_only=True)
class Life:
    """What is to be known of a certificate that is in use."""

    begins: datetime
    ends: datetime
    names: tuple[str, ...]
    """DNS names, in their order."""

    @property
    def due(self) -> datetime:
        """When two thirds of it are over."""
        return self.begins + (self.ends - self.begins) * 2 / 3


def issue(names: Sequence[str], *, now: datetime, lifetime: timedelta) -> Issued:
    """Make an authority and a certificate for these DNS names that is valid for `lifetime` from now on."""
    authority_key, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    issuer = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"{_NAME} authority")])
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, _NAME)])

    def builder(name: x509.Name, public: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
        made = x509.CertificateBuilder().subject_name(name).issuer_name(issuer).public_key(public)
        made = made.serial_number(x509.random_serial_number()).not_valid_before(now - _EARLY).not_valid_after(now + lifetime)
        return made.add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)

    authority = (
        builder(issuer, authority_key.public_key())
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signing=True), critical=True)
        .sign(authority_key, hashes.SHA256())
    )
    certificate = (
        builder(subject, key.public_key())
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signing=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(one) for one in names]), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key()), critical=False)
        .sign(authority_key, hashes.SHA256())
    )
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return Issued(authority=_pem(authority), pair=Pair(certificate=_pem(certificate), key=private))


def life_of(pair: Pair) -> Life | None:
    """Read a pair; None where it is none: no certificate, no key, or a key of another certificate."""
    try:
        certificate = x509.load_pem_x509_certificate(pair.certificate)
        key = serialization.load_pem_private_key(pair.key, password=None)
        if key.public_key() != certificate.public_key():
            return None
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (ValueError, TypeError, x509.ExtensionNotFound):
        return None
    return Life(
        begins=certificate.not_valid_before_utc,
        ends=certificate.not_valid_after_utc,
        names=tuple(names.get_values_for_type(x509.DNSName)),
    )


def trusts(authorities: bytes, pair: Pair) -> bool:
    """Whether one of the authorities signed the certificate."""
    certificate = x509.load_pem_x509_certificate(pair.certificate)
    return any(_signed(certificate, one) for one in _read(authorities))


def still_valid(authorities: bytes, now: datetime) -> bytes:
    """Leave out whoever's time is over, and whatever is no certificate."""
    return b"".join(_pem(one) for one in _read(authorities) if one.not_valid_after_utc > now)


def united(*authorities: bytes) -> bytes:
    """Put several together, each one once, in a fixed order: the youngest first."""
    found = {_pem(one): one.not_valid_before_utc for part in authorities for one in _read(part)}
    return b"".join(pem for pem, _ in sorted(found.items(), key=lambda one: (one[1], one[0]), reverse=True))


def _read(authorities: bytes) -> list[x509.Certificate]:
    try:
        return x509.load_pem_x509_certificates(authorities) if authorities else []
    except ValueError:
        return []


def _signed(certificate: x509.Certificate, authority: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(authority)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _usage(*, signing: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signing,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signing,
        crl_sign=signing,
        encipher_only=False,
        decipher_only=False,
    )
