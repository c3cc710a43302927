"""Keys of the registry's kinds verify with their own scheme; all others are refused."""

import hashlib

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, rsa, x25519
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from supplychain.errors import InvalidKeyError
from supplychain.verification_key import VerificationKey, parse_trusted_keys
from supplychain.wire import MalformedError
from tests.support.sigstore.keys import PrivateKey, Seed, public_key_pem, sign, spki

SEED = Seed(b"x")
RSA = rsa.generate_private_key(65537, 2048)
KEYS: dict[str, PrivateKey] = {
    "ecdsa-p256": SEED.p256("a"),
    "ecdsa-p384": SEED.p384("a"),
    "ecdsa-p521": SEED.p521("a"),
    "ed25519": SEED.ed25519("a"),
    "rsa": RSA,
}


@pytest.mark.parametrize("kind", KEYS)
def test_a_key_verifies_its_own_signature_and_no_other(kind: str) -> None:
    private = KEYS[kind]
    key = VerificationKey.load(spki(private))
    signature = sign(private, b"data")
    assert key.kind == kind
    assert key.verifies(signature, b"data")
    assert not key.verifies(signature, b"other")
    assert not key.verifies(b"", b"data")
    assert key.fingerprint == hashlib.sha256(spki(private)).digest()


@pytest.mark.parametrize("kind", ["ecdsa-p256", "ecdsa-p384", "ecdsa-p521", "rsa"])
def test_a_key_verifies_by_digest(kind: str) -> None:
    private = KEYS[kind]
    key = VerificationKey.load(spki(private))
    assert key.hash_name is not None
    digest = hashlib.new(key.hash_name, b"data").digest()
    assert key.verifies_digest(sign(private, b"data"), digest)
    assert not key.verifies_digest(sign(private, b"other"), digest)


def test_an_ed25519_key_verifies_no_digest() -> None:
    with pytest.raises(MalformedError, match="by digest"):
        VerificationKey.load(spki(KEYS["ed25519"])).verifies_digest(b"", bytes(32))


def test_another_hash_can_be_named() -> None:
    private = SEED.p384("a")
    signature = private.sign(b"data", ec.ECDSA(hashes.SHA256()))
    key = VerificationKey.load(spki(private))
    assert key.verifies(signature, b"data", hash_name="sha256")
    assert not key.verifies(signature, b"data")


def test_a_bare_rsa_key_is_read() -> None:
    der = RSA.public_key().public_bytes(Encoding.DER, PublicFormat.PKCS1)
    assert VerificationKey.load(der).spki == spki(RSA)


@pytest.mark.parametrize(
    "public",
    [
        pytest.param(ec.generate_private_key(ec.SECP256K1()).public_key(), id="another curve"),
        pytest.param(rsa.generate_private_key(65537, 1024).public_key(), id="short RSA"),
        pytest.param(rsa.generate_private_key(3, 2048).public_key(), id="small exponent"),
        pytest.param(ed448.Ed448PrivateKey.generate().public_key(), id="Ed448"),
        pytest.param(x25519.X25519PrivateKey.generate().public_key(), id="no signing key"),
        pytest.param(dsa.generate_private_key(1024).public_key(), id="DSA"),
    ],
)
def test_other_kinds_and_weak_keys_are_refused(public: object) -> None:
    with pytest.raises(MalformedError, match="kind or strength"):
        VerificationKey.of(public)  # type: ignore[arg-type]


@pytest.mark.parametrize("der", [b"", b"x", bytes(100), spki(RSA)[:-1]])
def test_what_is_no_key_is_refused(der: bytes) -> None:
    with pytest.raises(MalformedError, match="not a readable public key"):
        VerificationKey.load(der)


PEM = public_key_pem(SEED.p256("a")), public_key_pem(SEED.ed25519("b"))


def test_several_keys_are_read_from_one_file_and_named_by_fingerprint() -> None:
    keys = parse_trusted_keys(b"\n".join(PEM) + b"\n", name="keys.pem")
    assert [key.key.kind for key in keys] == ["ecdsa-p256", "ed25519"]
    assert {key.name for key in keys} == {"keys.pem"}
    assert keys[0].fingerprint == f"sha256:{hashlib.sha256(spki(SEED.p256('a'))).hexdigest()}"
    assert parse_trusted_keys(spki(SEED.p256("a")), name="key.der")[0].key == keys[0].key


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"", "not a readable public key"),
        (b"a comment\n" + PEM[0], "text between or around"),
        (PEM[0].replace(b"PUBLIC KEY", b"CERTIFICATE"), "a PEM block `CERTIFICATE` instead"),
        (PEM[0].replace(b"MFk", b"MFl"), "not a readable public key"),
        (public_key_pem(rsa.generate_private_key(65537, 1024)), "kind or strength"),
        (PEM[0].replace(b"PUBLIC", b"SECRET", 1), "not a readable public key"),
    ],
)
def test_unusable_key_files_are_refused_with_their_name(data: bytes, text: str) -> None:
    with pytest.raises(InvalidKeyError, match=text) as caught:
        parse_trusted_keys(data, name="keys.pem")
    assert caught.value.where == "`keys.pem`"
    assert "cosign.pub" in caught.value.hint


@pytest.mark.parametrize(("bits", "fits"), [(2047, False), (2048, True), (4096, True), (4097, False)])
def test_rsa_keys_are_bounded_at_both_ends(bits: int, fits: bool) -> None:
    public = rsa.RSAPublicNumbers(e=65537, n=2 ** (bits - 1) + 1).public_key()
    if fits:
        assert VerificationKey.of(public).kind == "rsa"
    else:
        with pytest.raises(MalformedError, match="kind or strength"):
            VerificationKey.of(public)
