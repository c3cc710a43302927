"""A time-stamping authority in pure Python: RFC 3161 tokens as CMS SignedData (RFC 5652) with ESSCertIDv2 (RFC 5816)."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.support.sigstore import der
from tests.support.sigstore.certificates import (
    TIME_STAMPING,
    Authority,
    Extension,
    Template,
    extended_key_usage,
    key_usage,
    name_of,
)
from tests.support.sigstore.keys import PrivateKey, Seed, algorithm_of, sign, spki

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

__all__ = ["TimestampAuthority"]

_SHA256 = der.sequence(der.object_id("2.16.840.1.101.3.4.2.1"), der.null())
_SIGNED_DATA = der.object_id("1.2.840.113549.1.7.2")
_TST_INFO = der.object_id("1.2.840.113549.1.9.16.1.4")
_CONTENT_TYPE = der.object_id("1.2.840.113549.1.9.3")
_MESSAGE_DIGEST = der.object_id("1.2.840.113549.1.9.4")
_SIGNING_CERTIFICATE_V2 = der.object_id("1.2.840.113549.1.9.16.2.47")
_POLICY = der.object_id("1.3.6.1.4.1.57264.2")
_SERIAL = 0x7E57


@dataclass(frozen=True, slots=True, kw_only=True)
class TimestampAuthority:
    """`certificate` signs tokens; `issuer` is the authority above it."""

    key: PrivateKey
    certificate: bytes
    issuer: Authority
    serial: int = _SERIAL
    base_url: str = "https://tsa.sigstore.example/api/v1/timestamp"

    @classmethod
    def of(
        cls, seed: Seed, *, not_before: datetime, not_after: datetime, extensions: Sequence[Extension] | None = None
    ) -> TimestampAuthority:
        top = Authority.root("test-tsa-root", key=seed.p384("tsa root"), not_before=not_before, not_after=not_after)
        key = seed.p256("tsa")
        if extensions is None:
            extensions = (
                key_usage(digital_signature=True),
                extended_key_usage(TIME_STAMPING, critical=True),
                top.authority_key_id,
            )
        template = Template(
            public_key=spki(key),
            not_before=not_before,
            not_after=not_after,
            extensions=extensions,
            serial=_SERIAL,
            subject=name_of("test-tsa"),
        )
        return cls(key=key, certificate=top.issue(template), issuer=top)

    @property
    def chain(self) -> tuple[bytes, ...]:
        """From the signing certificate to the root."""
        return (self.certificate, *self.issuer.chain)

    def timestamp(self, message: bytes, *, at: datetime, embed: bool = True, imprint: bytes | None = None) -> bytes:
        """A granted `TimeStampResp` over the SHA-256 of `message`, or over `imprint` instead.

        `embed` puts the signing certificate into the token, as Sigstore's authority does.
        """
        digest = hashlib.sha256(message).digest() if imprint is None else imprint
        info = der.sequence(
            der.integer(1),
            _POLICY,
            der.sequence(_SHA256, der.octet_string(digest)),
            der.integer(int.from_bytes(hashlib.sha256(message).digest()[:8], "big") | 1),
            der.time(at, generalized=True),
            der.sequence(der.integer(1)),
        )
        attributes = (
            der.sequence(_CONTENT_TYPE, der.set_of(_TST_INFO)),
            der.sequence(_MESSAGE_DIGEST, der.set_of(der.octet_string(hashlib.sha256(info).digest()))),
            der.sequence(_SIGNING_CERTIFICATE_V2, der.set_of(self._certificate_reference())),
        )
        signer = der.sequence(
            der.integer(1),
            der.sequence(self.issuer.name, der.integer(self.serial)),
            _SHA256,
            der.constructed(0, *sorted(attributes)),
            algorithm_of(self.key),
            der.octet_string(sign(self.key, der.set_of(*attributes))),
        )
        signed = der.sequence(
            der.integer(3),
            der.set_of(_SHA256),
            der.sequence(_TST_INFO, der.constructed(0, der.octet_string(info))),
            *([der.constructed(0, self.certificate)] if embed else []),
            der.set_of(signer),
        )
        return der.sequence(der.sequence(der.integer(0)), der.sequence(_SIGNED_DATA, der.constructed(0, signed)))

    def _certificate_reference(self) -> bytes:
        digest = der.octet_string(hashlib.sha256(self.certificate).digest())
        return der.sequence(der.sequence(der.sequence(digest)))
