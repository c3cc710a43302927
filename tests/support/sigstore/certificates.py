"""Certificates from raw parts, and the two kinds of authority: Fulcio's code signing and a time-stamping one (RFC 5280)."""

from __future__ import annotations

import base64
import hashlib
import textwrap
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from tests.support.sigstore import der
from tests.support.sigstore.keys import PrivateKey, Seed, algorithm_of, sign, spki

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = [
    "CODE_SIGNING",
    "TIME_STAMPING",
    "Authority",
    "Extension",
    "Template",
    "basic_constraints",
    "certificate_pem",
    "email_name",
    "extended_key_usage",
    "fulcio",
    "key_usage",
    "name_of",
    "other_name",
    "subject_alternative_name",
    "uri_name",
]

CODE_SIGNING = "1.3.6.1.5.5.7.3.3"
TIME_STAMPING = "1.3.6.1.5.5.7.3.8"


@dataclass(frozen=True, slots=True)
class Extension:
    oid: str
    value: bytes
    critical: bool = False

    def encode(self) -> bytes:
        critical = [der.boolean(value=True)] if self.critical else []
        return der.sequence(der.object_id(self.oid), *critical, der.octet_string(self.value))


def basic_constraints(*, ca: bool, path_length: int | None = None, critical: bool = True) -> Extension:
    parts = [der.boolean(value=True)] if ca else []
    if path_length is not None:
        parts.append(der.integer(path_length))
    return Extension("2.5.29.19", der.sequence(*parts), critical)


def key_usage(*, digital_signature: bool = False, sign_certificates: bool = False) -> Extension:
    bits = 0x80 * digital_signature | 0x06 * sign_certificates
    return Extension("2.5.29.15", der.bit_string(bytes([bits]), unused=1 if sign_certificates else 7), critical=True)


def extended_key_usage(*purposes: str, critical: bool = False) -> Extension:
    return Extension("2.5.29.37", der.sequence(*map(der.object_id, purposes)), critical)


def subject_alternative_name(names: Sequence[bytes], *, critical: bool = True) -> Extension:
    return Extension("2.5.29.17", der.sequence(*names), critical)


def uri_name(uri: str) -> bytes:
    return der.primitive(6, uri.encode())


def email_name(address: str) -> bytes:
    return der.primitive(1, address.encode())


def other_name(text: str, *, oid: str = "1.3.6.1.4.1.57264.1.7") -> bytes:
    """Fulcio's name for issuers whose subjects are neither URI nor mail address."""
    return der.constructed(0, der.object_id(oid), der.constructed(0, der.utf8(text)))


def name_of(common_name: str, organization: str = "TEST Sigstore, never trust") -> bytes:
    attributes = (("2.5.4.10", organization), ("2.5.4.3", common_name))
    return der.sequence(*(der.set_of(der.sequence(der.object_id(oid), der.utf8(text))) for oid, text in attributes))


def _key_id(public_key: bytes) -> bytes:
    return hashlib.sha1(public_key, usedforsecurity=False).digest()


def _subject_key_id(public_key: bytes) -> Extension:
    return Extension("2.5.29.14", der.octet_string(_key_id(public_key)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """All of a certificate but issuer and signature."""

    public_key: bytes
    not_before: datetime
    not_after: datetime
    extensions: Sequence[Extension]
    serial: int
    subject: bytes = der.sequence()


@dataclass(frozen=True, slots=True, kw_only=True)
class Authority:
    """A key that signs certificates, with the chain above it; `chain` runs from its own certificate to the root."""

    name: bytes
    key: PrivateKey
    chain: tuple[bytes, ...]

    @classmethod
    def root(cls, common_name: str, *, key: PrivateKey, not_before: datetime, not_after: datetime) -> Authority:
        name = name_of(common_name)
        bare = cls(name=name, key=key, chain=())
        extensions = (key_usage(sign_certificates=True), basic_constraints(ca=True, path_length=1), _subject_key_id(spki(key)))
        template = Template(
            public_key=spki(key),
            not_before=not_before,
            not_after=not_after,
            extensions=extensions,
            serial=_serial(name),
            subject=name,
        )
        return cls(name=name, key=key, chain=(bare.issue(template),))

    def intermediate(
        self,
        common_name: str,
        *,
        key: PrivateKey,
        not_before: datetime,
        not_after: datetime,
        extensions: Sequence[Extension] | None = None,
    ) -> Authority:
        name = name_of(common_name)
        if extensions is None:
            extensions = (
                key_usage(sign_certificates=True),
                extended_key_usage(CODE_SIGNING),
                basic_constraints(ca=True, path_length=0),
                _subject_key_id(spki(key)),
                self.authority_key_id,
            )
        template = Template(
            public_key=spki(key),
            not_before=not_before,
            not_after=not_after,
            extensions=extensions,
            serial=_serial(name),
            subject=name,
        )
        return Authority(name=name, key=key, chain=(self.issue(template), *self.chain))

    @property
    def authority_key_id(self) -> Extension:
        return Extension("2.5.29.35", der.sequence(der.primitive(0, _key_id(spki(self.key)))))

    @property
    def key_hash(self) -> bytes:
        """What a certificate transparency log signs to name the issuer (RFC 6962 3.2)."""
        return hashlib.sha256(spki(self.key)).digest()

    def tbs(self, template: Template) -> bytes:
        """The part that is signed; with an SCT-free template also what a precertificate log signs."""
        return der.sequence(
            der.constructed(0, der.integer(2)),
            der.integer(template.serial),
            algorithm_of(self.key),
            self.name,
            der.sequence(der.time(template.not_before), der.time(template.not_after)),
            template.subject,
            template.public_key,
            der.constructed(3, der.sequence(*(extension.encode() for extension in template.extensions))),
        )

    def issue(self, template: Template) -> bytes:
        tbs = self.tbs(template)
        return der.sequence(tbs, algorithm_of(self.key), der.bit_string(sign(self.key, tbs)))


def _serial(*parts: bytes) -> int:
    return int.from_bytes(hashlib.sha256(b"".join(parts)).digest()[:19], "big") | 1


def certificate_pem(certificate: bytes) -> bytes:
    body = "\n".join(textwrap.wrap(base64.b64encode(certificate).decode(), 64))
    return f"-----BEGIN CERTIFICATE-----\n{body}\n-----END CERTIFICATE-----\n".encode()


def fulcio(seed: Seed, *, not_before: datetime | None = None, not_after: datetime | None = None) -> Authority:
    """An intermediate under a root, both P-384, as Fulcio has them."""
    start, end = not_before or datetime(2024, 1, 1, tzinfo=UTC), not_after or datetime(2044, 1, 1, tzinfo=UTC)
    top = Authority.root("test-fulcio-root", key=seed.p384("fulcio root"), not_before=start, not_after=end)
    return top.intermediate("test-fulcio-intermediate", key=seed.p384("fulcio intermediate"), not_before=start, not_after=end)
