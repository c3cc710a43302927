"""Sigstore trusted roots: which authorities and logs may prove what, and when.

Follows `TrustedRoot` of sigstore/protobuf-specs (sigstore_trustroot.proto), JSON mapping, version 0.1. A root is refused as a
whole when any part of it is unusable: a missing `validFor.start`, an unreadable or weak key, or a field that is not known here,
because a field that we do not understand may narrow what the root's author trusts. Windows are closed at both ends.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from typing import TYPE_CHECKING, Final, TypeAlias
from urllib.parse import urlsplit

from cryptography import x509

from supplychain.errors import InvalidTrustRootError
from supplychain.verification_key import KEY_DETAILS, VerificationKey
from supplychain.wire import Fields, MalformedError, parse_json, parse_time, translating

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = [
    "AnyTrustRoot",
    "CertificateAuthority",
    "Log",
    "TrustRoot",
    "TrustRoots",
    "Window",
    "embedded",
    "parse_trust_root",
    "parse_trust_roots",
]

EMBEDDED_NAME: Final = "sigstore public good (embedded)"
EMBEDDED_AS_OF: Final = date(2026, 11, 21)
"""When the embedded file was taken; its origin stands in `supplychain/data/README.md`."""
MEDIA_TYPES: Final = (
    "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
    "application/vnd.dev.sigstore.trustedroot.v0.1+json",
)
_MAX_INSTANCES: Final = 64
_MAX_CHAIN: Final = 8
_MAX_ROOTS: Final = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """When a key or authority counts: from `start` to `end`, both included; no `end` means until further notice."""

    start: datetime
    end: datetime | None = None

    def contains(self, at: datetime) -> bool:
        """Tell whether `at` lies inside."""
        return self.start <= at and (self.end is None or at <= self.end)

    def __str__(self) -> str:
        return f"{self.start.isoformat()} to {self.end.isoformat() if self.end else 'now'}"


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateAuthority:
    """A Fulcio or timestamp authority: its chain as the root gives it, the trust anchor last."""

    name: str
    certificates: tuple[x509.Certificate, ...]
    window: Window


@dataclass(frozen=True, slots=True, kw_only=True)
class Log:
    """A transparency log or CT log."""

    name: str
    """Host of its URL without port: the origin of a Rekor v2 checkpoint."""
    url: str
    """Its base URL as the root writes it; nothing about it is checked."""
    id: bytes
    checkpoint_id: bytes
    """Its first four bytes are the hint of the log's own signature under a checkpoint."""
    key: VerificationKey
    window: Window

    @property
    def is_v2(self) -> bool:
        """Whether this is a Rekor v2 log: its id hashes name and key (C2SP signed-note), not the key alone."""
        return self.id != self.key.fingerprint


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TrustRoot:
    """Everything that a verdict on Sigstore evidence rests on."""

    name: str
    """How people call it."""
    sha256: str
    """Hex over `document`: the fingerprint in reports."""
    document: bytes
    """The JSON as it was read, for the second verifier."""
    authorities: tuple[CertificateAuthority, ...]
    logs: tuple[Log, ...]
    ct_logs: tuple[Log, ...]
    timestamp_authorities: tuple[CertificateAuthority, ...]
    as_of: date | None = None
    """When it was taken from its source; None where nobody knows."""

    @property
    def each(self) -> tuple[TrustRoot, ...]:
        """This one alone, so that one root can stand where several may."""
        return (self,)


@dataclass(frozen=True, slots=True, eq=False)
class TrustRoots:
    """Several roots for one verdict. Evidence counts by one of them as a whole; no root lends a part of itself to another."""

    each: tuple[TrustRoot, ...]
    """In the order in which they are asked."""

    def __post_init__(self) -> None:
        names = [root.name for root in self.each]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise InvalidTrustRootError(
                "two trust roots have the same name",
                got=f"`{twice}`",
                hint="give each a name of its own with `--trust-root NAME=FILE`",
            )
        if not names:
            raise InvalidTrustRootError("there is no trust root")


AnyTrustRoot: TypeAlias = TrustRoot | TrustRoots
"""What evidence can be judged by: anything with `each`."""


def parse_trust_root(data: bytes, *, name: str, as_of: date | None = None) -> TrustRoot:
    """Read a `trusted_root.json`.

    Raises:
        InvalidTrustRootError: not readable, of another media type, incomplete, or with a part that cannot be used.
    """
    with translating(InvalidTrustRootError, "not a usable trust root", where=f"`{name}`"):
        fields = Fields(parse_json(data), "root")
        media_type = fields.text("mediaType")
        if media_type not in MEDIA_TYPES:
            raise MalformedError(f"`root.mediaType` is `{media_type[:100]}`")
        root = TrustRoot(
            name=name,
            sha256=hashlib.sha256(data).hexdigest(),
            document=data,
            authorities=_authorities(fields, "certificateAuthorities"),
            logs=_logs(fields, "tlogs"),
            ct_logs=_logs(fields, "ctlogs"),
            timestamp_authorities=_authorities(fields, "timestampAuthorities"),
            as_of=as_of,
        )
        fields.done()
        if not root.authorities and not root.logs:  # one with logs alone is enough for what a configured key signed
            raise MalformedError("it names neither certificate authorities nor logs")
        return root


def parse_trust_roots(data: bytes, *, name: str, as_of: date | None = None) -> tuple[TrustRoot, ...]:
    """Read a file with one root, or with one root a line (`gh attestation trusted-root`); then line 2 is called `name:2`.

    Raises:
        InvalidTrustRootError: one of them cannot be used; the others do not count then either.
    """
    lines = [(number, line.strip()) for number, line in enumerate(data.split(b"\n"), start=1) if line.strip()]
    # No JSON document has two lines that both begin and end with a brace of an object: a comma would stand between them.
    if len(lines) < 2 or not all(line.startswith(b"{") and line.endswith(b"}") for _, line in lines):  # noqa: PLR2004
        return (parse_trust_root(data, name=name, as_of=as_of),)
    if len(lines) > _MAX_ROOTS:
        raise InvalidTrustRootError(
            "too many trust roots", expected=f"at most {_MAX_ROOTS}", got=str(len(lines)), where=f"`{name}`"
        )
    return tuple(parse_trust_root(line, name=f"{name}:{number}", as_of=as_of) for number, line in lines)


@cache
def embedded() -> TrustRoot:
    """Load the public-good root that ships with this package."""
    # `importlib.resources` would cost more than the whole verification.
    with open(os.path.join(os.path.dirname(__file__), "data", "trusted_root.json"), "rb") as file:  # noqa: PTH118, PTH120, PTH123
        return parse_trust_root(file.read(), name=EMBEDDED_NAME, as_of=EMBEDDED_AS_OF)


def _authorities(fields: Fields, name: str) -> tuple[CertificateAuthority, ...]:
    return tuple(_authority(item) for item in fields.objects(name, limit=_MAX_INSTANCES))


def _authority(fields: Fields) -> CertificateAuthority:
    subject = fields.optional("subject")
    organisation = subject.text("organization", "") if subject else ""
    common_name = subject.text("commonName", "") if subject else ""
    if subject:
        subject.done()
    uri = fields.text("uri", "")
    fields.text("operator", "")  # for people
    chain = fields.fields("certChain")
    certificates = tuple(_certificate(item) for item in chain.objects("certificates", limit=_MAX_CHAIN))
    chain.done()
    if not certificates:
        raise MalformedError(f"`{chain.where}.certificates` is empty")
    authority = CertificateAuthority(
        name=uri or " ".join(filter(None, (organisation, common_name))), certificates=certificates, window=_window(fields)
    )
    fields.done()
    return authority


def _certificate(fields: Fields) -> x509.Certificate:
    der = fields.octets("rawBytes")
    fields.done()
    try:
        certificate = x509.load_der_x509_certificate(der)
        VerificationKey.of(certificate.public_key())
    except MalformedError:
        raise
    except Exception as exc:  # InvalidVersion, UnsupportedAlgorithm, deprecation warnings turned into errors
        raise MalformedError(f"`{fields.where}` is no readable certificate") from exc
    return certificate


def _logs(fields: Fields, name: str) -> tuple[Log, ...]:
    logs = tuple(_log(item) for item in fields.objects(name, limit=_MAX_INSTANCES))
    _refuse_twins(log.id for log in logs)
    return logs


def _log(fields: Fields) -> Log:
    url = fields.text("baseUrl")
    fields.text("operator", "")  # for people
    if fields.text("hashAlgorithm") != "SHA2_256":
        raise MalformedError(f"`{fields.where}.hashAlgorithm` is not `SHA2_256`")
    public_key = fields.fields("publicKey")
    key = VerificationKey.load(public_key.octets("rawBytes"))
    details = public_key.text("keyDetails")
    if KEY_DETAILS.get(details) != key.kind:
        raise MalformedError(f"`{public_key.where}.keyDetails` is `{details[:60]}` for a key of kind `{key.kind}`")
    window = _window(public_key)
    public_key.done()
    log_id = _log_id(fields, "logId") or key.fingerprint
    checkpoint_id = _log_id(fields, "checkpointKeyId") or log_id
    fields.done()
    return Log(name=_host(url), url=url, id=log_id, checkpoint_id=checkpoint_id, key=key, window=window)


def _log_id(fields: Fields, name: str) -> bytes | None:
    holder = fields.optional(name)
    if holder is None:
        return None
    log_id = holder.octets("keyId")
    holder.done()
    return log_id


def _host(url: str) -> str:
    try:
        return urlsplit(url if "//" in url else f"//{url}").hostname or url
    except ValueError as exc:  # brackets that are no address
        raise MalformedError("a `baseUrl` is no URL") from exc


def _window(fields: Fields) -> Window:
    valid = fields.fields("validFor")
    start = parse_time(valid.text("start"))
    end = parse_time(valid.text("end")) if "end" in valid else None
    valid.done()
    if end is not None and end < start:
        raise MalformedError(f"`{valid.where}` ends before it starts")
    return Window(start=start, end=end)


def _refuse_twins(ids: Iterable[bytes]) -> None:
    known = list(ids)
    if len(set(known)) != len(known):
        raise MalformedError("two logs have the same id")
