"""The signing certificate: its profile, and its path to an authority of the trust root at every proven time.

Follows RFC 5280, 6 as far as Sigstore needs it, and Fulcio's certificate profile (fulcio/docs/certificate-specification.md): no
name constraints, no policies, no revocation (certificates live for minutes). Built by hand on `cryptography`'s verified
signatures; the reasons stand in docs/decisions/0002-certificate-paths.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final, TypeVar, cast

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.x509.oid import ExtendedKeyUsageOID, ExtensionOID

from supplychain.errors import CertificateError, SupplyChainError
from supplychain.verification_key import HASHES, VerificationKey
from supplychain.wire import translating

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from supplychain.trust_root import CertificateAuthority, TrustRoot

__all__ = ["CertificatePath", "Leaf", "extension_of", "load_certificate", "load_leaf", "verify_path"]

_UNDERSTOOD: Final = {
    ExtensionOID.BASIC_CONSTRAINTS,
    ExtensionOID.KEY_USAGE,
    ExtensionOID.EXTENDED_KEY_USAGE,
    ExtensionOID.SUBJECT_ALTERNATIVE_NAME,
    ExtensionOID.SUBJECT_KEY_IDENTIFIER,
    ExtensionOID.AUTHORITY_KEY_IDENTIFIER,
}
"""Extensions that may be critical, because everything they say is looked at here or says nothing about validity."""
_MAX_PATH: Final = 8
_Kind = TypeVar("_Kind", bound=x509.ExtensionType)


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaf:
    """A signing certificate whose profile is right; who issued it is still open."""

    certificate: x509.Certificate
    der: bytes
    key: VerificationKey


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificatePath:
    """A proven path: the leaf's issuer first, the trust anchor last."""

    authority: CertificateAuthority
    issuers: tuple[x509.Certificate, ...]


def load_certificate(der: bytes) -> x509.Certificate:
    """Read a DER certificate with an acceptable key.

    Raises:
        CertificateError: unreadable, or with a weak key.
    """
    with translating(CertificateError, "a certificate in the bundle cannot be used"):
        certificate = x509.load_der_x509_certificate(der)
        _ = certificate.extensions  # parsed now, so that garbage surfaces here
        VerificationKey.of(certificate.public_key())
        return certificate


def load_leaf(der: bytes) -> Leaf:
    """Read the signing certificate and check that it may sign code.

    Raises:
        CertificateError: unreadable, a certificate authority, or without digital signature and code signing among its uses.
    """
    certificate = load_certificate(der)
    _refuse_unknown_critical(certificate)
    usage = extension_of(certificate, x509.KeyUsage)
    if usage is None or not usage.digital_signature:
        raise CertificateError("the signing certificate is not for digital signatures")
    purposes = extension_of(certificate, x509.ExtendedKeyUsage)
    if purposes is None or ExtendedKeyUsageOID.CODE_SIGNING not in purposes:
        raise CertificateError("the signing certificate is not for code signing")
    basic = extension_of(certificate, x509.BasicConstraints)
    if (basic is not None and basic.ca) or usage.key_cert_sign:
        raise CertificateError("the signing certificate is a certificate authority")
    return Leaf(certificate=certificate, der=der, key=VerificationKey.of(certificate.public_key()))


def verify_path(leaf: Leaf, pool: Sequence[x509.Certificate], *, root: TrustRoot, times: Sequence[datetime]) -> CertificatePath:
    """Find the authority that issued `leaf` and verify the whole path at each of `times`.

    `pool` holds intermediates of the bundle: they can bridge a gap, but trust comes from the root's own certificates only. Every
    certificate up to and including the anchor must be valid at each time, and each time must lie in the authority's window.

    Raises:
        CertificateError: no authority issued it, or the one that did was not entitled to at one of the times.
    """
    failure: SupplyChainError | None = None
    for authority in root.authorities:
        issuers = _issuers(leaf.certificate, pool, authority)
        if issuers is None:
            continue
        try:
            _check_authorities(issuers)
            for at in times:
                _check_time((leaf.certificate, *issuers), authority, at)
        except CertificateError as exc:
            failure = exc
        else:
            return CertificatePath(authority=authority, issuers=issuers)
    if failure is not None:
        raise failure
    raise CertificateError("no authority of the trust root issued the signing certificate", where=f"trust root `{root.name}`")


def _issuers(
    leaf: x509.Certificate, pool: Sequence[x509.Certificate], authority: CertificateAuthority
) -> tuple[x509.Certificate, ...] | None:
    """Climb from `leaf` to the authority's anchor, the authority's own certificates first; None where no path leads there."""
    path: list[x509.Certificate] = []
    current = leaf
    for _ in range(_MAX_PATH):
        candidates = [*authority.certificates, *pool]
        parent = next((one for one in candidates if _issued(current, one)), None)
        if parent is None:
            return None
        path.append(parent)
        if parent == authority.certificates[-1]:
            return tuple(path)
        current = parent
    return None


@lru_cache(maxsize=256)
def _issued(child: x509.Certificate, parent: x509.Certificate) -> bool:
    """Tell whether `parent`'s name and key issued `child`, with a hash that is not broken. Pure, hence the cache."""
    try:
        algorithm = child.signature_hash_algorithm
        if algorithm is not None and algorithm.name not in HASHES:
            return False
        child.verify_directly_issued_by(parent)
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
        return False
    return True


def _check_authorities(issuers: Sequence[x509.Certificate]) -> None:
    """Check that every issuer may issue (RFC 5280, 6.1.4 k to o) and that its purposes allow code signing."""
    for below, issuer in enumerate(issuers):
        _refuse_unknown_critical(issuer)
        basic = extension_of(issuer, x509.BasicConstraints)
        if basic is None or not basic.ca:
            raise CertificateError("an issuing certificate is no certificate authority")
        if basic.path_length is not None and basic.path_length < below:
            raise CertificateError(
                "the certificate path is longer than an authority allows", expected=str(basic.path_length), got=str(below)
            )
        usage = extension_of(issuer, x509.KeyUsage)
        if usage is not None and not usage.key_cert_sign:
            raise CertificateError("an issuing certificate may not sign certificates")
        purposes = extension_of(issuer, x509.ExtendedKeyUsage)
        if purposes is not None and ExtendedKeyUsageOID.CODE_SIGNING not in purposes:
            raise CertificateError("an issuing certificate is not for code signing")
        if extension_of(issuer, x509.NameConstraints) is not None:
            raise CertificateError("an issuing certificate has name constraints, which are not evaluated here")


def _check_time(path: Sequence[x509.Certificate], authority: CertificateAuthority, at: datetime) -> None:
    if not authority.window.contains(at):
        raise CertificateError(
            "the signature lies outside the authority's time in the trust root",
            expected=str(authority.window),
            got=at.isoformat(),
            where=f"`{authority.name}`",
        )
    for position, certificate in enumerate(path):
        if not certificate.not_valid_before_utc <= at <= certificate.not_valid_after_utc:
            name = "an issuing certificate" if position else "the signing certificate"
            raise CertificateError(
                f"{name} was not valid when the signature was made",
                expected=f"{certificate.not_valid_before_utc.isoformat()} to {certificate.not_valid_after_utc.isoformat()}",
                got=at.isoformat(),
            )


def _refuse_unknown_critical(certificate: x509.Certificate) -> None:
    for extension in certificate.extensions:
        if extension.critical and extension.oid not in _UNDERSTOOD:
            oid = extension.oid.dotted_string
            raise CertificateError("a certificate has a critical extension that is not understood", got=f"`{oid}`")


def extension_of(certificate: x509.Certificate, kind: type[_Kind]) -> _Kind | None:
    """Return the certificate's extension of this kind; no certificate has two (RFC 5280, 4.2)."""
    try:
        return cast("_Kind", certificate.extensions.get_extension_for_oid(kind.oid).value)
    except x509.ExtensionNotFound:
        return None
