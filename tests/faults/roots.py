"""Trust roots: a part that cannot be used refuses the whole, because nobody can tell what its author meant by it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cryptography.hazmat.primitives.asymmetric import ec, ed448, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from supplychain.errors import InvalidTrustRootError
from tests.faults.table import OTHER, SIGSTORE, Fault, Root, drop, put
from tests.support.sigstore.certificates import Template, basic_constraints
from tests.support.sigstore.transparency import b64

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["ROWS"]

CA, TSA, LOG, CT = ("certificateAuthorities", 0), ("timestampAuthorities", 0), ("tlogs", 0), ("ctlogs", 0)


def _row(name: str, text: str, edit: Any = None, *, good: Any = None, data: Callable[[bytes], bytes] | None = None) -> Fault:
    return Fault(
        name=f"root: {name}", error=InvalidTrustRootError, text=text, bad=Root(edit=edit, data=data), good=Root(edit=good)
    )


def _spki(key: Any) -> bytes:
    encoded: bytes = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return encoded


def _weak_authority() -> bytes:
    template = Template(
        public_key=_spki(ec.generate_private_key(ec.SECP224R1())),
        not_before=SIGSTORE.at,
        not_after=SIGSTORE.at,
        extensions=(basic_constraints(ca=True),),
        serial=7,
        subject=SIGSTORE.ca.name,
    )
    return SIGSTORE.ca.issue(template)


def _twins(part: str) -> Callable[[dict[str, Any]], None]:
    def edit(value: dict[str, Any]) -> None:
        value[part] = [value[part][0], value[part][0]]

    return edit


def _nothing(value: dict[str, Any]) -> None:
    value.update(certificateAuthorities=[], tlogs=[])


def _many(part: str, count: int) -> Callable[[dict[str, Any]], None]:
    def edit(value: dict[str, Any]) -> None:
        value[part] = [value[part][0]] * count

    return edit


ROWS = (
    _row("another media type", "mediaType` is", put("mediaType", "application/json")),
    _row("neither authority nor log", "neither certificate authorities nor logs", _nothing, good=put("certificateAuthorities", [])),
    *(
        row
        for kind, place in (("authority", CA), ("timestamp authority", TSA))
        for row in (
            _row(f"{kind} without start", "start` is missing", drop(*place, "validFor", "start")),
            _row(f"{kind} without window", "validFor` is missing", drop(*place, "validFor")),
            _row(f"{kind} that ends before it starts", "ends before it starts", put(*place, "validFor", "end", "2023-12-31T23:59:59Z"),
                 good=put(*place, "validFor", "end", "2024-01-01T00:00:00Z")),
            _row(f"{kind} with a time that is none", "is no UTC time", put(*place, "validFor", "start", "2024-13-01T00:00:00Z")),
            _row(f"{kind} with a time of another zone", "is no UTC time", put(*place, "validFor", "start", "2024-01-01T00:00:00+02:00")),
            _row(f"{kind} without certificates", "certificates` is empty", put(*place, "certChain", "certificates", [])),
            _row(f"{kind} with a certificate that is none", "no readable certificate", put(*place, "certChain", "certificates", 0, "rawBytes", b64(b"garbage"))),
            _row(f"{kind} with a weak key", "not accepted", put(*place, "certChain", "certificates", 0, "rawBytes", b64(_weak_authority())),
                 good=put(*place, "certChain", "certificates", 0, "rawBytes", b64(OTHER.ca.chain[0]))),
            _row(f"{kind} with an unknown field", "has the unknown field", put(*place, "unknown", 1)),
            _row(f"{kind} with an unknown field at its name", "has the unknown field", put(*place, "subject", "unknown", 1)),
            _row(f"{kind} with an unknown field in its chain", "has the unknown field", put(*place, "certChain", "unknown", 1)),
            _row(f"{kind} with an unknown field in its window", "has the unknown field", put(*place, "validFor", "unknown", 1)),
            _row(f"{kind} with an unknown field at a certificate", "has the unknown field", put(*place, "certChain", "certificates", 0, "unknown", 1)),
        )
    ),
    *(
        row
        for kind, place in (("log", LOG), ("CT log", CT))
        for row in (
            _row(f"{kind} without start", "start` is missing", drop(*place, "publicKey", "validFor", "start")),
            _row(f"{kind} that ends before it starts", "ends before it starts", put(*place, "publicKey", "validFor", "end", "2023-12-31T23:59:59Z")),
            _row(f"{kind} with another hash", "hashAlgorithm` is not", put(*place, "hashAlgorithm", "SHA2_512")),
            _row(f"{kind} whose key is of another kind than it says", "for a key of kind", put(*place, "publicKey", "keyDetails", "PKIX_ED25519")),
            _row(f"{kind} whose kind of key is not known", "for a key of kind", put(*place, "publicKey", "keyDetails", "PKIX_ECDSA_P256_HMAC_SHA_256")),
            _row(f"{kind} with garbage for a key", "not a readable public key", put(*place, "publicKey", "rawBytes", b64(b"garbage"))),
            _row(f"{kind} with an empty id", "is empty", put(*place, "logId", "keyId", "")),
            _row(f"{kind} with an unknown field", "has the unknown field", put(*place, "unknown", 1)),
            _row(f"{kind} with an unknown field at its key", "has the unknown field", put(*place, "publicKey", "unknown", 1)),
            _row(f"{kind} with an unknown field at its id", "has the unknown field", put(*place, "logId", "unknown", 1)),
            _row(f"{kind} with an address that is none", "is no URL", put(*place, "baseUrl", "https://[x")),
            _row(f"{kind} twice", "two logs have the same id", _twins(place[0])),
        )
    ),
    *(
        _row(f"log with {name}", "not accepted", put(*LOG, "publicKey", "rawBytes", b64(_spki(key))))
        for name, key in {
            "RSA of 1024 bits": rsa.generate_private_key(65537, 1024),
            "RSA with exponent 3": rsa.generate_private_key(3, 2048),
            "a key on P-224": ec.generate_private_key(ec.SECP224R1()),
            "a key on secp256k1": ec.generate_private_key(ec.SECP256K1()),
            "an Ed448 key": ed448.Ed448PrivateKey.generate(),
        }.items()
    ),
    _row("an unknown field", "has the unknown field", put("unknown", 1)),
    _row("sixty-five authorities", "more than 64", _many("certificateAuthorities", 65), good=_many("certificateAuthorities", 64)),
    _row("a name twice", "twice", data=lambda raw: raw.replace(b'"mediaType"', b'"mediaType":"x","mediaType"', 1)),
    _row("base64 with a line feed", "base64", data=lambda raw: raw.replace(b'"keyId": "', b'"keyId": "\\n', 1)),
    _row("no JSON", "no strict JSON", data=lambda raw: raw[:-3]),
)  # fmt: skip
