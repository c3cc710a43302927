"""Which of several trust roots a piece of evidence was probably made for. It explains a refusal and lets nothing count."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.exceptions import InvalidSignature

if TYPE_CHECKING:
    from supplychain.bundle.model import Bundle
    from supplychain.trust_root import TrustRoot

__all__ = ["nearness"]


def nearness(bundle: Bundle, root: TrustRoot) -> tuple[bool, int]:
    """Say whether an authority of `root` issued the signing certificate, and how many of the entries' logs the root names."""
    ids = {log.id for log in root.logs}
    return _issued(bundle, root), sum(entry.log_id in ids for entry in bundle.entries)


def _issued(bundle: Bundle, root: TrustRoot) -> bool:
    if not bundle.certificates:
        return False
    try:
        leaf = x509.load_der_x509_certificate(bundle.certificates[0])
    except Exception:  # noqa: BLE001 — InvalidVersion and whatever else hostile bytes bring out
        return False
    return any(_directly(leaf, one) for authority in root.authorities for one in authority.certificates)


def _directly(leaf: x509.Certificate, issuer: x509.Certificate) -> bool:
    try:
        leaf.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True
