"""Trusted keys: every encoding, and every refusal."""

from __future__ import annotations

import base64
import hashlib

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed448, rsa, x25519
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from supplychain.ed25519 import PublicKey, parse_keys
from supplychain.errors import InvalidKeyError
from tests.support.builders import TEST_SEED, VECTOR_PUBLIC, public_key

RAW = bytes.fromhex(VECTOR_PUBLIC)
OTHER = public_key(seed=b"\x01" * 32)
DER = bytes.fromhex("302a300506032b6570032100") + RAW
STANDARD = b"A6EHv/POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg="
URL = b"A6EHv_POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg"
SPKI = b"MCowBQYDK2VwAyEAA6EHv/POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg="
PEM = b"-----BEGIN PUBLIC KEY-----\n" + SPKI + b"\n-----END PUBLIC KEY-----\n"
OTHER_PEM = PublicKey(raw=OTHER, name="x").pem.encode()
PRIVATE = Ed25519PrivateKey.from_private_bytes(TEST_SEED)
SMALL_ORDER = (
    "00" * 32,
    "00" * 31 + "80",
    "01" + "00" * 31,
    "ec" + "ff" * 30 + "7f",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
)
_P = 2**255 - 19


def refused(data: bytes) -> InvalidKeyError:
    with pytest.raises(InvalidKeyError) as caught:
        parse_keys(data, name="release.pub")
    assert "release.pub" in str(caught.value.where)
    return caught.value


def spki(key: object) -> bytes:
    assert isinstance(key, rsa.RSAPublicKey | ec.EllipticCurvePublicKey | x25519.X25519PublicKey | ed448.Ed448PublicKey)
    return key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(RAW, id="raw"),
        pytest.param(DER, id="der"),
        pytest.param(PEM, id="pem"),
        pytest.param(b"\r\n " + PEM.replace(b"\n", b"\r\n") + b"\n\n", id="pem-with-other-line-ends"),
        pytest.param(PEM.replace(b"\n", b" "), id="pem-on-one-line"),
        pytest.param(STANDARD, id="base64"),
        pytest.param(STANDARD + b"\n", id="base64-with-line-end"),
        pytest.param(STANDARD.rstrip(b"="), id="base64-unpadded"),
        pytest.param(URL, id="base64url-unpadded"),
        pytest.param(b" \t" + URL + b"=\r\n", id="base64url-padded"),
        pytest.param(SPKI, id="base64-of-der"),
        pytest.param(VECTOR_PUBLIC.encode(), id="hex"),
        pytest.param(VECTOR_PUBLIC.upper().encode() + b"\n", id="hex-upper-case"),
        pytest.param(b"0x" + VECTOR_PUBLIC.encode(), id="hex-0x"),
        pytest.param(b"0X" + VECTOR_PUBLIC.encode() + b" \v\f", id="hex-0X"),
    ],
)
def test_every_encoding_gives_the_same_key(data: bytes) -> None:
    assert parse_keys(data, name="release.pub") == (PublicKey(raw=RAW, name="release.pub"),)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(PEM + OTHER_PEM, id="pem"),
        pytest.param(PEM + b"\n \n" + OTHER_PEM + PEM, id="pem-with-a-repetition"),
        pytest.param(STANDARD + b"\n\n  " + OTHER.hex().encode() + b"\r\n", id="lines"),
        pytest.param(b"\n".join([URL, base64.b64encode(OTHER), STANDARD]), id="lines-with-a-repetition"),
    ],
)
def test_several_keys_are_read_in_order_and_once(data: bytes) -> None:
    assert [key.raw for key in parse_keys(data, name="x")] == [RAW, OTHER]


@pytest.mark.parametrize("encoded", SMALL_ORDER)
def test_a_small_order_key_is_refused_in_every_encoding(encoded: str) -> None:
    raw = bytes.fromhex(encoded)
    for data in (raw, encoded.encode(), base64.b64encode(raw), DER[:12] + raw):
        assert refused(data).got == "a point of small order"


@pytest.mark.parametrize("y", [_P, _P + 1, _P + 2, 2**255 - 1])
@pytest.mark.parametrize("sign", [0, 1])
def test_a_non_canonical_key_is_refused(y: int, sign: int) -> None:
    assert refused((y | sign << 255).to_bytes(32, "little")).got == "a non-canonical encoding"


@pytest.mark.parametrize("y", [1, _P - 1])
def test_the_sign_of_a_zero_is_refused(y: int) -> None:
    assert refused((y | 1 << 255).to_bytes(32, "little")).got == "a point of small order"


def test_bytes_that_are_no_point_are_refused() -> None:
    assert refused((2).to_bytes(32, "little")).got == "bytes that are no point of the curve"


def test_a_weak_key_cannot_be_made_by_hand_either() -> None:
    with pytest.raises(InvalidKeyError):
        PublicKey(raw=bytes(32), name="x")
    with pytest.raises(InvalidKeyError) as caught:
        PublicKey(raw=RAW + b"\n", name="x")
    assert (caught.value.expected, caught.value.got) == ("32 bytes", "33 bytes")


@pytest.mark.parametrize(
    ("data", "got"),
    [
        pytest.param(b"", "an empty file", id="empty"),
        pytest.param(b" \r\n\t", "an empty file", id="white-space"),
        pytest.param(RAW + b"\n", "33 bytes, perhaps a raw key with a line end", id="raw-with-line-end"),
        pytest.param(RAW[:31], "31 bytes", id="short"),
        pytest.param(RAW + RAW, "64 bytes, the size of a signature or a private key", id="64-bytes"),
        pytest.param(bytes(range(256)) * 300, "76800 bytes", id="huge"),
        pytest.param(b"aAbBcCdDeEfFgGhHiIjJkKlLmMnNoOpP", "32 printable characters", id="32-characters"),
        pytest.param(RAW.hex().encode()[:63], "63 characters that are neither", id="63-hex-digits"),
        pytest.param(b"hello world", "11 characters that are neither base64 nor 64 hex digits", id="text"),
        pytest.param(STANDARD[:-1] + b"==", "45 characters that are neither base64 nor 64 hex digits", id="too-much-padding"),
        pytest.param(STANDARD[:-2] + b"h=", "44 characters that are neither base64 nor 64 hex digits", id="dangling-bits"),
        pytest.param(b"A", "1 characters that are neither base64 nor 64 hex digits", id="impossible-length"),
        pytest.param(
            b"A6EHv/POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZB_VMbg=", "44 characters that are neither base64 nor", id="both-alphabets"
        ),
        pytest.param(b"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAA me@here", "an OpenSSH public key", id="openssh"),
        pytest.param(base64.b64encode(bytes(64)), "base64 of 64 bytes", id="base64-of-64-bytes"),
        pytest.param(b"\x30\x03\x02\x01\xff", "5 bytes of DER", id="der-of-a-number"),
        pytest.param(DER + b"\xff", "45 bytes of DER", id="der-with-trailing-byte"),
        pytest.param(b"\xef\xbb\xbf" + STANDARD, "47 bytes", id="byte-order-mark"),
    ],
)
def test_what_is_no_key_is_refused_by_kind_and_length(data: bytes, got: str) -> None:
    assert str(refused(data).got).startswith(got)


@pytest.mark.parametrize(
    ("key", "got"),
    [
        pytest.param(rsa.generate_private_key(65537, 2048).public_key(), "an RSA public key of 2048 bits", id="rsa"),
        pytest.param(
            ec.generate_private_key(ec.SECP256R1()).public_key(), "an elliptic-curve public key on secp256r1", id="cosign-key"
        ),
        pytest.param(
            x25519.X25519PrivateKey.generate().public_key(), "another kind of public key (X25519PublicKey)", id="x25519"
        ),
        pytest.param(ed448.Ed448PrivateKey.generate().public_key(), "another kind of public key (Ed448PublicKey)", id="ed448"),
    ],
)
def test_a_key_of_another_kind_is_refused_by_its_name(key: object, got: str) -> None:
    der = spki(key)
    pem = b"-----BEGIN PUBLIC KEY-----\n" + base64.encodebytes(der) + b"-----END PUBLIC KEY-----\n"
    for data in (der, pem, base64.b64encode(der)):
        assert refused(data).got == got


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(
            PRIVATE.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()),
            id="pem",
        ),
        pytest.param(
            PRIVATE.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, serialization.NoEncryption()),
            id="openssh",
        ),
        pytest.param(
            PRIVATE.private_bytes(serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()),
            id="der",
        ),
        pytest.param(
            base64.b64encode(
                PRIVATE.private_bytes(serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
            ),
            id="base64",
        ),
        pytest.param(
            PEM + b"-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\nAAAA\n-----END RSA PRIVATE KEY-----\n", id="mixed"
        ),
    ],
)
def test_a_private_key_is_refused_and_never_shown(data: bytes) -> None:
    error = refused(data)
    text = f"{error} {error.hint}"
    assert "private key" in text
    for secret in (TEST_SEED.hex(), base64.b64encode(TEST_SEED).decode(), data.decode("latin-1")[5:40]):
        assert secret not in text


@pytest.mark.parametrize(
    ("data", "what"),
    [
        pytest.param(PEM.replace(b"PUBLIC KEY", b"CERTIFICATE"), "not an Ed25519 public key", id="certificate"),
        pytest.param(PEM.replace(b"END PUBLIC", b"END OTHER"), "broken PEM", id="labels-differ"),
        pytest.param(PEM[:60], "broken PEM", id="cut-off"),
        pytest.param(PEM + b"trailing", "broken PEM", id="text-besides"),
        pytest.param(STANDARD + b"\n" + PEM, "broken PEM", id="line-and-block"),
        pytest.param(PEM.replace(b"A6EH", b"A6E="), "broken PEM", id="body-no-base64"),
        pytest.param(PEM.replace(SPKI, b""), "broken PEM", id="empty-body"),
        pytest.param(b"-----BEGIN-----", "broken PEM", id="begin-alone"),
        pytest.param(STANDARD + b"\nnonsense!\n", "not an Ed25519 public key", id="second-line-broken"),
    ],
)
def test_a_file_with_anything_else_in_it_is_refused(data: bytes, what: str) -> None:
    assert refused(data).what == what


def test_a_refused_line_is_named_by_its_number() -> None:
    assert refused(STANDARD + b"\n\nnonsense!\n").where == "`release.pub` line 3"


def test_a_file_of_more_than_64_kibibytes_is_refused_unread() -> None:
    assert refused(STANDARD + b"\n" * 65536).expected == "at most 65536 bytes"
    assert parse_keys(STANDARD + b"\n" * (65536 - len(STANDARD)), name="x")


def test_more_than_64_keys_are_refused() -> None:
    lines = b"\n".join([STANDARD] * 64)
    assert len(parse_keys(lines, name="x")) == 1
    assert refused(lines + b"\n" + STANDARD).got == "65"


def test_fingerprint_der_and_pem_follow_the_published_key() -> None:
    key = PublicKey(raw=RAW, name="x")
    assert key.der == DER
    assert key.pem.encode() == PEM
    assert key.fingerprint == f"sha256:{hashlib.sha256(DER).hexdigest()}"


def test_the_official_release_key_is_accepted() -> None:
    assert parse_keys(b"MCowBQYDK2VwAyEA384qk+n6Hn7NBNYS+uMdoQ0CMxvdl79sxEHvfiVhSPc=", name="x")


@settings(max_examples=50, deadline=None)
@given(st.binary(min_size=32, max_size=32))
def test_every_real_key_is_accepted_in_every_encoding(seed: bytes) -> None:
    raw = public_key(seed=seed)
    key = PublicKey(raw=raw, name="x")
    for data in (
        raw,
        key.der,
        key.pem.encode(),
        raw.hex().encode(),
        base64.b64encode(raw),
        base64.urlsafe_b64encode(raw).rstrip(b"="),
    ):
        assert parse_keys(data, name="x") == (key,)


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=100))
def test_garbage_gives_our_error_or_a_key(data: bytes) -> None:
    try:
        keys = parse_keys(data, name="x")
    except InvalidKeyError:
        return
    assert keys


@pytest.mark.parametrize("kind", ["ssh-rsa", "ecdsa-sha2-nistp256", "sk-ssh-ed25519@openssh.com"])
def test_every_openssh_key_is_called_one(kind: str) -> None:
    assert refused(f"{kind} AAAAE2VjZHNh me@here".encode()).got == "an OpenSSH public key"
