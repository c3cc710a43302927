"""DSSE envelopes: bytes in, bytes out; nothing is verified here.

Follows the DSSE envelope specification 1.0 (secure-systems-lab/dsse, envelope.md and protocol.md). Base64 may be standard or
URL-safe there; both are read, each only in its canonical padded spelling. The payload is never parsed: what was signed is its
bytes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from supplychain.errors import EnvelopeInvalidError
from supplychain.wire import Fields, MalformedError, decode_base64, parse_json, translating

__all__ = ["Envelope", "Signature", "parse_envelope", "pre_authentication_encoding"]

MAX_SIGNATURES: Final = 16


class Signature(NamedTuple):
    """One signature of an envelope. `keyid` is a hint that nobody authenticates; never decide by it."""

    keyid: str
    sig: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """A parsed envelope. Its payload is what somebody claims to have signed."""

    payload_type: str
    payload: bytes
    signatures: tuple[Signature, ...]

    @property
    def signed_bytes(self) -> bytes:
        """What the signatures are over."""
        return pre_authentication_encoding(self.payload_type, self.payload)


def parse_envelope(data: bytes | Mapping[str, Any], *, strict: bool = False) -> Envelope:
    """Read an envelope from JSON bytes, or from the object that a bundle holds.

    Fields that the specification does not name are ignored, as it demands, because generators add their own (`cert`). `strict`
    refuses them, as bundles do.

    Raises:
        EnvelopeInvalidError: not JSON, a field missing or of another type, base64 not canonical, no signature or too many.
    """
    with translating(EnvelopeInvalidError, "not a readable DSSE envelope"):
        fields = Fields(dict(data) if isinstance(data, Mapping) else parse_json(data), "envelope")
        payload_type = fields.text("payloadType")
        if not payload_type:
            raise MalformedError("`envelope.payloadType` is empty")
        payload = _octets(fields.text("payload"))
        items = fields.objects("signatures", limit=MAX_SIGNATURES)
        signatures = tuple(Signature(sig=_octets(item.text("sig")), keyid=item.text("keyid", "")) for item in items)
        envelope = Envelope(payload_type=payload_type, payload=payload, signatures=signatures)
        for part in (fields, *items) if strict else ():
            part.done()
        if not envelope.signatures or not all(signature.sig for signature in envelope.signatures):
            raise MalformedError("there is no signature, or an empty one")
        return envelope


def pre_authentication_encoding(payload_type: str, payload: bytes) -> bytes:
    """Build `DSSEv1 <length> <type> <length> <payload>`; lengths count bytes (protocol.md, "Signature Definition")."""
    encoded = payload_type.encode()
    return b"DSSEv1 %d %b %d %b" % (len(encoded), encoded, len(payload), payload)


def _octets(text: str) -> bytes:
    try:
        return decode_base64(text, url_safe="-" in text or "_" in text)
    except MalformedError as exc:
        raise MalformedError("base64 that is not canonical") from exc
