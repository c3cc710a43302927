"""Who a signing certificate names: one subject alternative name, the issuer, Fulcio's claims.

Follows fulcio/docs/oid-info.md: the claims 1.3.6.1.4.1.57264.1.1 to .6 are raw text, those from .8 on are DER UTF8Strings, and a
user name stands in an otherName of type 1.3.6.1.4.1.57264.1.7. Whether that signer is wanted is for a policy to say.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from cryptography import x509

from supplychain.bundle.certificate import extension_of
from supplychain.errors import CertificateError
from supplychain.identity import SignerIdentity
from supplychain.wire import MalformedError, read_der, translating

if TYPE_CHECKING:
    from supplychain.bundle.certificate import Leaf

__all__ = ["read_signer"]

_ARC: Final = "1.3.6.1.4.1.57264.1."
_USER_NAME: Final = 7
_RAW: Final = range(1, 7)
_OLD_ISSUER: Final = 1
_ISSUER: Final = 8
_LAST_TEXT: Final = 24
"""Claims up to this one are specified as text; what comes later may be anything and is left out where it is no text."""
_UTF8_STRING: Final = 0x0C


def read_signer(leaf: Leaf) -> SignerIdentity:
    """Read the identity of a signing certificate.

    Raises:
        CertificateError: not exactly one identity, an unknown kind of name, no issuer, or two issuers that differ.
    """
    with translating(CertificateError, "the identity in the signing certificate is unusable"):
        kind, subject = _subject(leaf.certificate)
        claims = _claims(leaf.certificate)
    old, new = claims.get(_OLD_ISSUER), claims.get(_ISSUER)
    if old is not None and new is not None and old != new:
        raise CertificateError("the certificate's two issuer claims differ", expected=f"`{new[:200]}`", got=f"`{old[:200]}`")
    issuer = new or old
    if not issuer:
        raise CertificateError("the signing certificate names no issuer of its identity")
    return SignerIdentity(subject=subject, subject_kind=kind, issuer=issuer, claims=claims)


def _subject(certificate: x509.Certificate) -> tuple[str, str]:
    names = list(extension_of(certificate, x509.SubjectAlternativeName) or ())
    match names:
        case [x509.UniformResourceIdentifier() as uri]:
            kind, text = "uri", uri.value
        case [x509.RFC822Name() as email]:
            kind, text = "email", email.value
        case [x509.OtherName() as other] if other.type_id.dotted_string == f"{_ARC}{_USER_NAME}":
            kind, text = "other-name", _utf8_string(other.value)
        case [_]:
            raise MalformedError("the one subject alternative name is no URI, e-mail address or user name")
        case _:
            raise MalformedError(f"{len(names)} subject alternative names instead of one")
    if not text or not text.isprintable():
        raise MalformedError("the subject alternative name is empty or has control characters")
    return kind, text


def _claims(certificate: x509.Certificate) -> dict[int, str]:
    claims = {}
    for extension in certificate.extensions:
        arc = extension.oid.dotted_string.removeprefix(_ARC)
        if not arc.isdecimal():
            continue
        assert isinstance(extension.value, x509.UnrecognizedExtension)  # noqa: S101 — the library knows no extension of this arc
        number, value = int(arc), extension.value.value
        try:
            claims[number] = value.decode() if number in _RAW else _utf8_string(value)
        except ValueError as exc:
            if number <= _LAST_TEXT:
                raise MalformedError(f"claim {number} is no text") from exc
    return claims


def _utf8_string(der: bytes) -> str:
    tag, content, end = read_der(der)
    if tag != _UTF8_STRING or end != len(der):
        raise MalformedError("not a DER UTF8String")
    return content.decode()
