"""RFC 3161 timestamps: an authority's word that a signature existed.

`rfc3161-client` verifies the CMS signature, the chain at the token's time, the extended key usage and the imprint. What it leaves
out stands here: the authority's window, the exact time (it drops fractions of a second) and one authority at a time. A token's
bytes are malleable (its version and algorithm fields are not signed), so they never identify anything.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from supplychain.errors import TrustedTimeError
from supplychain.proof import ProvenTime
from supplychain.wire import MalformedError, read_der, translating

if TYPE_CHECKING:
    from datetime import datetime

    from rfc3161_client import TimeStampResponse

    from supplychain.trust_root import CertificateAuthority, TrustRoot

__all__ = ["verify_timestamp"]

_PATH_TO_TIME: Final = (1, 1, 0, 2, 1, 0, 0, 4)
"""Positions from TimeStampResp to its token, content, SignedData, encapContentInfo, content, octets, TSTInfo and genTime."""
_TIME = re.compile(rb"([0-9]{14})(?:\.([0-9]*[1-9]))?Z")


def verify_timestamp(token: bytes, *, signature: bytes, root: TrustRoot) -> ProvenTime:
    """Verify that an authority of `root` saw `signature`, and return when.

    Raises:
        TrustedTimeError: malformed, about something else, by nobody whom the root trusts, or outside that one's window.
    """
    from rfc3161_client import decode_timestamp_response  # noqa: PLC0415 — a sixth of the start-up time, and many bundles need none

    with translating(TrustedTimeError, "the timestamp cannot be read"):
        response = decode_timestamp_response(token)
        at = _exact_time(token, response.tst_info.gen_time)
    outside: CertificateAuthority | None = None
    for authority in root.timestamp_authorities:
        if not _signed_by(authority, response, signature):
            continue
        if authority.window.contains(at):
            return ProvenTime(at=at, source=f"timestamp-authority {authority.name}")
        outside = authority
    if outside is not None:
        raise TrustedTimeError(
            "the timestamp lies outside its authority's time",
            expected=str(outside.window),
            got=at.isoformat(),
            where=f"`{outside.name}`",
        )
    raise TrustedTimeError(
        "the timestamp is over another signature, or by no authority of the trust root",
        got=at.isoformat(),
        hint="give the trust root of the instance that signed; for a private GitHub repository that is one of "
        "`gh attestation trusted-root`",
    )


def _signed_by(authority: CertificateAuthority, response: TimeStampResponse, signature: bytes) -> bool:
    from rfc3161_client import VerificationError, VerifierBuilder  # noqa: PLC0415 — see above

    leaf, *between = authority.certificates[:-1] or (None,)
    # OpenSSL counts a certificate's last second as past, so that a fraction of a second can never reach beyond its end.
    verifier = VerifierBuilder(tsa_certificate=leaf, intermediates=between, roots=[authority.certificates[-1]]).build()
    with translating(TrustedTimeError, "the timestamp cannot be verified"):
        try:
            return verifier.verify_message(response, signature)
        except VerificationError:
            return False


def _exact_time(token: bytes, whole: datetime) -> datetime:
    """Read `genTime` with its fraction of a second from the very bytes whose seconds the library has read."""
    _, content, _ = read_der(token)
    for position in _PATH_TO_TIME:
        offset = 0
        for _ in range(position):
            _, _, offset = read_der(content, offset)
        _, content, _ = read_der(content, offset)
    match = _TIME.fullmatch(content)
    if match is None or match[1].decode() != whole.strftime("%Y%m%d%H%M%S"):
        raise MalformedError("`genTime` is no UTC time")
    return whole.replace(microsecond=int((match[2] or b"")[:6].ljust(6, b"0")))
