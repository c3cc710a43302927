"""Signed certificate timestamps: the CT log's word that it has seen the signing certificate.

Follows RFC 6962, 3.2 for embedded timestamps of precertificates, with the extension bytes as static-CT logs use them.
"""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.certificate_transparency import SignatureAlgorithm

from supplychain.bundle.certificate import extension_of
from supplychain.errors import CertificateError
from supplychain.wire import translating

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cryptography.x509.certificate_transparency import SignedCertificateTimestamp

    from supplychain.trust_root import Log, TrustRoot

__all__ = ["verify_timestamps"]

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_KINDS: Final = {
    "ecdsa-p256": SignatureAlgorithm.ECDSA,
    "ecdsa-p384": SignatureAlgorithm.ECDSA,
    "ecdsa-p521": SignatureAlgorithm.ECDSA,
    "rsa": SignatureAlgorithm.RSA,
}


def verify_timestamps(
    certificate: x509.Certificate, issuer: x509.Certificate, *, root: TrustRoot, times: Sequence[datetime]
) -> None:
    """Verify every timestamp embedded in `certificate`, at its own time and at all of `times`.

    A root that names no CT log at all (GitHub's own instance) asks for none.

    Raises:
        CertificateError: there is none, or one is by an unknown log, does not verify, or lies outside the log's window.
    """
    with translating(CertificateError, "the certificate transparency timestamps cannot be read"):
        embedded = list(extension_of(certificate, x509.PrecertificateSignedCertificateTimestamps) or ())
    if not embedded and root.ct_logs:
        raise CertificateError("the signing certificate carries no certificate transparency timestamp")
    for timestamp in embedded:
        log = next((log for log in root.ct_logs if log.id == timestamp.log_id), None)
        if log is None:
            raise CertificateError(
                "a certificate transparency timestamp is by a log that the trust root does not name",
                got=f"log id {timestamp.log_id.hex()}",
            )
        with translating(CertificateError, "a certificate transparency timestamp cannot be judged"):
            verified = _verifies(timestamp, certificate, issuer, log)
        if not verified:
            raise CertificateError("a certificate transparency timestamp does not verify", where=f"log `{log.name}`")
        for at in (timestamp.timestamp.replace(tzinfo=UTC), *times):
            if not log.window.contains(at):
                raise CertificateError(
                    "outside the CT log's time in the trust root",
                    expected=str(log.window),
                    got=at.isoformat(),
                    where=f"log `{log.name}`",
                )


def _verifies(timestamp: SignedCertificateTimestamp, certificate: x509.Certificate, issuer: x509.Certificate, log: Log) -> bool:
    # `cryptography` reads version 1 only, and an embedded timestamp is always one of a precertificate.
    if timestamp.signature_hash_algorithm.name != "sha256" or timestamp.signature_algorithm is not _KINDS.get(log.key.kind):
        return False
    tbs = certificate.tbs_precertificate_bytes
    issuer_key = issuer.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    since_epoch = timestamp.timestamp.replace(tzinfo=UTC) - _EPOCH
    milliseconds = since_epoch.days * 86_400_000 + since_epoch.seconds * 1000 + since_epoch.microseconds // 1000
    signed = b"".join(
        (
            b"\x00\x00",  # version 1, certificate_timestamp
            milliseconds.to_bytes(8),
            b"\x00\x01",  # precert_entry
            hashlib.sha256(issuer_key).digest(),
            len(tbs).to_bytes(3),
            tbs,
            len(timestamp.extension_bytes).to_bytes(2),
            timestamp.extension_bytes,
        )
    )
    return log.key.verifies(timestamp.signature, signed, hash_name="sha256")
