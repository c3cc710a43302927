"""Trusted public keys: every encoding that publishers use, read in one way only or refused.

Accepted: raw 32 bytes; DER SubjectPublicKeyInfo (RFC 8410); PEM `PUBLIC KEY`, several one after the other; and line by line,
with blank lines ignored: standard or URL-safe base64 of either, padded or not, and hex with or without `0x`. White space around
textual forms is trimmed. The lengths of all forms differ, so a key is never read in two ways. Weak keys cannot become a
`PublicKey`. A refusal names what was found by kind and length, never by content: people hand over private keys by mistake.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from supplychain.errors import InvalidKeyError

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["MOST_KEYS", "PublicKey", "parse_keys"]

MOST_KEYS: Final = 64
"""Keys in one file; one is usual, two while a key is being replaced."""

_LONGEST_FILE = 64 * 1024
_RAW_SIZE = 32
_SPKI_PREFIX = bytes.fromhex("302a300506032b6570032100")
_PEM = re.compile(r"-----BEGIN ([A-Z0-9 ]{1,40})-----([A-Za-z0-9+/=\s]*)-----END \1-----")
_HEX = re.compile(r"(?:0[xX])?([0-9a-fA-F]{64})")
_BASE64 = re.compile(r"([A-Za-z0-9+/]+|[A-Za-z0-9_-]+)={0,2}")
_TEXT = frozenset(b" \t\r\n\v\f") | frozenset(range(0x21, 0x7F))
_SPACE = " \t\r\n\v\f"

# Edwards25519 (RFC 8032, section 5.1): field prime, curve constant, and the points whose order divides 8.
_P: Final = 2**255 - 19
_D: Final = -121665 * pow(121666, -1, _P) % _P
_SMALL_ORDER_Y: Final = frozenset(
    {
        0,
        1,
        _P - 1,
        int.from_bytes(bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"), "little"),
        int.from_bytes(bytes.fromhex("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"), "little"),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicKey:
    """A point that is worth trusting: canonical, on the curve, and not of small order. `name` says where it came from."""

    raw: bytes
    name: str

    def __post_init__(self) -> None:
        if len(self.raw) != _RAW_SIZE:
            raise InvalidKeyError(
                "not an Ed25519 public key", expected="32 bytes", got=f"{len(self.raw)} bytes", where=f"`{self.name}`"
            )
        if (weakness := point_weakness(self.raw)) is not None:
            raise InvalidKeyError(
                "unusable Ed25519 public key",
                got=weakness,
                where=f"`{self.name}`",
                hint="anyone can make signatures for such a key, or nobody; get the right one from the publisher",
            )

    @property
    def der(self) -> bytes:
        """The key as DER SubjectPublicKeyInfo, 44 bytes."""
        return _SPKI_PREFIX + self.raw

    @property
    def pem(self) -> str:
        """The key as PEM, as gateways want it."""
        return f"-----BEGIN PUBLIC KEY-----\n{base64.b64encode(self.der).decode('ascii')}\n-----END PUBLIC KEY-----\n"

    @property
    def fingerprint(self) -> str:
        """`sha256:` and the hex hash of `der`."""
        return f"sha256:{hashlib.sha256(self.der).hexdigest()}"


def parse_keys(data: bytes, *, name: str) -> tuple[PublicKey, ...]:
    """Read the trusted keys in one file or Secret value, at least one; equal keys count once.

    Raises:
        InvalidKeyError: there is none, one is of another kind, weak, or can be read in two ways.
    """
    where = f"`{name}`"
    if not data.strip(_SPACE.encode()):
        raise InvalidKeyError("no key", got="an empty file", where=where)
    if len(data) > _LONGEST_FILE:
        raise InvalidKeyError("no key", expected=f"at most {_LONGEST_FILE} bytes", got=f"{len(data)} bytes", where=where)
    if len(data) == _RAW_SIZE:
        return (PublicKey(raw=_raw(data, where=where), name=name),)
    if data[:1] == b"\x30" and not _is_text(data):
        return (PublicKey(raw=_from_der(data, where=where), name=name),)
    if not _is_text(data):
        raise InvalidKeyError("not an Ed25519 public key", expected="32 raw bytes, or text", got=_binary_kind(data), where=where)
    text = str(data, "ascii").strip(_SPACE)
    raws = _from_pem(text, where=where) if "-----BEGIN" in text else _from_lines(text, where=where)
    if len(raws) > MOST_KEYS:
        raise InvalidKeyError("too many keys", expected=f"at most {MOST_KEYS}", got=str(len(raws)), where=where)
    return tuple(PublicKey(raw=raw, name=name) for raw in dict.fromkeys(raws))


def point_weakness(raw: bytes) -> str | None:
    """Say why 32 bytes are no encoding of a point that proves anything; None for a sound one."""
    y = int.from_bytes(raw, "little") & (2**255 - 1)
    if y >= _P:
        return "a non-canonical encoding"
    if y in _SMALL_ORDER_Y:
        return "a point of small order"
    x_squared = (y * y - 1) * pow(_D * y * y + 1, -1, _P) % _P
    return None if pow(x_squared, (_P - 1) // 2, _P) == 1 else "bytes that are no point of the curve"


def _is_text(data: bytes) -> bool:
    return _TEXT.issuperset(data)


def _raw(data: bytes, *, where: str) -> bytes:
    # The lengths of all textual forms differ from 32, so this is the one case that two readers could take differently.
    if _is_text(data):
        raise InvalidKeyError(
            "neither clearly text nor clearly a raw key",
            expected="32 raw bytes, or a textual form",
            got="32 printable characters",
            where=where,
        )
    return data


def _from_pem(text: str, *, where: str) -> list[bytes]:
    raws = []
    for label, body in _PEM.findall(text):
        if "PRIVATE" in label:
            raise _private(where=where)
        if label != "PUBLIC KEY":
            raise InvalidKeyError("not an Ed25519 public key", expected="PEM `PUBLIC KEY`", got=f"PEM `{label}`", where=where)
        der = _from_base64("".join(body.split()))
        if der is None:
            raise InvalidKeyError("broken PEM", got="a body that is no base64", where=where)
        raws.append(_from_der(der, where=where))
    if _PEM.sub("", text).strip(_SPACE):
        if "PRIVATE" in text:
            raise _private(where=where)
        raise InvalidKeyError("broken PEM", expected="whole blocks and nothing else", got="other text besides", where=where)
    return raws


def _from_lines(text: str, *, where: str) -> list[bytes]:
    raws = []
    for number, line in enumerate(text.splitlines(), 1):
        if key := line.strip(_SPACE):
            raws.append(_from_line(key, where=f"{where} line {number}"))
    return raws


def _from_line(text: str, *, where: str) -> bytes:
    if (hexadecimal := _HEX.fullmatch(text)) is not None:
        return bytes.fromhex(hexadecimal[1])
    decoded = _from_base64(text)
    if decoded is not None and len(decoded) == _RAW_SIZE:
        return decoded
    if decoded is not None and decoded.startswith(b"\x30"):
        return _from_der(decoded, where=where)
    if text.startswith(("ssh-", "ecdsa-", "sk-")):
        got = "an OpenSSH public key"
    elif decoded is not None:
        got = f"base64 of {len(decoded)} bytes"
    else:
        got = f"{len(text)} characters that are neither base64 nor 64 hex digits"
    raise InvalidKeyError("not an Ed25519 public key", expected="32 bytes in base64 or hex", got=got, where=where)


def _from_base64(text: str) -> bytes | None:
    """Decode one canonical base64 text of either alphabet; None for anything else."""
    match = _BASE64.fullmatch(text)
    if match is None:
        return None
    bare = match[1].replace("-", "+").replace("_", "/")
    padded = bare + "=" * (-len(bare) % 4)
    if len(text) not in {len(bare), len(padded)}:
        return None
    try:
        decoded = base64.b64decode(padded, validate=True)
    except binascii.Error:
        return None
    return decoded if base64.b64encode(decoded).decode("ascii") == padded else None


def _from_der(data: bytes, *, where: str) -> bytes:
    if len(data) == len(_SPKI_PREFIX) + _RAW_SIZE and data.startswith(_SPKI_PREFIX):
        return data[len(_SPKI_PREFIX) :]
    raise InvalidKeyError("not an Ed25519 public key", expected="Ed25519 SubjectPublicKeyInfo", got=_der_kind(data), where=where)


def _der_kind(data: bytes) -> str:
    """Name the kind of key in a DER structure, for the refusal only."""
    from cryptography.hazmat.primitives.asymmetric import ec, rsa  # noqa: PLC0415 — not paid by keys that are accepted
    from cryptography.hazmat.primitives.serialization import load_der_private_key, load_der_public_key  # noqa: PLC0415

    match _attempt(lambda: load_der_public_key(data)):
        case None:
            return "a private key" if _attempt(lambda: load_der_private_key(data, password=None)) else f"{len(data)} bytes of DER"
        case rsa.RSAPublicKey() as key:
            return f"an RSA public key of {key.key_size} bits"
        case ec.EllipticCurvePublicKey() as key:
            return f"an elliptic-curve public key on {key.curve.name}"
        case other:
            return f"another kind of public key ({type(other).__name__})"


def _attempt(load: Callable[[], object]) -> object | None:
    try:
        return load()
    except Exception:  # noqa: BLE001 — the edge of a library; whatever it says, the bytes are not what was tried
        return None


def _binary_kind(data: bytes) -> str:
    likely = {33: ", perhaps a raw key with a line end", 64: ", the size of a signature or a private key"}
    return f"{len(data)} bytes{likely.get(len(data), '')}"


def _private(*, where: str) -> InvalidKeyError:
    return InvalidKeyError(
        "a private key where a public one belongs",
        expected="PEM `PUBLIC KEY`",
        where=where,
        hint="give the public key, and treat the private key as exposed if it left its place",
    )
