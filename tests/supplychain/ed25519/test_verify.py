"""The detached signature: the published vector, every changed bit, and made-up signatures."""

from __future__ import annotations

import hashlib

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from supplychain.ed25519 import PublicKey, verify_detached
from supplychain.errors import SignatureInvalidError, SignatureMissingError, SigningKeyMissingError
from supplychain.spool import Spool
from tests.support.builders import VECTOR_HASH, VECTOR_MESSAGE, VECTOR_PUBLIC, VECTOR_SIGNATURE, public_key, sign

KEY = PublicKey(raw=bytes.fromhex(VECTOR_PUBLIC), name="release.pub")
OTHER = PublicKey(raw=public_key(seed=b"\x01" * 32), name="old.pub")
SIGNATURE = bytes.fromhex(VECTOR_SIGNATURE)
_L = 2**252 + 27742317777372353535851937790883648493


def refused(signature: bytes, *, artifact: bytes = VECTOR_MESSAGE, keys: tuple[PublicKey, ...] = (KEY,)) -> SignatureInvalidError:
    with pytest.raises(SignatureInvalidError) as caught:
        verify_detached(artifact, signature=signature, keys=keys)
    return caught.value


def test_the_published_vector_verifies() -> None:
    assert hashlib.sha256(VECTOR_MESSAGE).hexdigest() == VECTOR_HASH
    assert verify_detached(VECTOR_MESSAGE, signature=SIGNATURE, keys=(KEY,)) == KEY


def test_a_spool_is_verified_without_copying() -> None:
    with Spool.of(VECTOR_MESSAGE) as spool:
        assert verify_detached(spool.view, signature=SIGNATURE, keys=(KEY,)) == KEY


def test_an_empty_artifact_can_be_signed() -> None:
    with Spool.of(b"") as spool:
        assert verify_detached(spool.view, signature=sign(b""), keys=(KEY,)) == KEY


def test_the_key_that_verified_is_named() -> None:
    assert verify_detached(VECTOR_MESSAGE, signature=SIGNATURE, keys=(OTHER, KEY)) == KEY


def test_no_key_never_verifies() -> None:
    with pytest.raises(SigningKeyMissingError):
        verify_detached(VECTOR_MESSAGE, signature=SIGNATURE, keys=())


def test_no_signature_never_verifies() -> None:
    with pytest.raises(SignatureMissingError):
        verify_detached(VECTOR_MESSAGE, signature=None, keys=(KEY,))


@pytest.mark.parametrize(
    "signature",
    [
        pytest.param(b"", id="empty"),
        pytest.param(SIGNATURE[:-1], id="short"),
        pytest.param(SIGNATURE + b"\n", id="with-line-end"),
        pytest.param(VECTOR_SIGNATURE.encode(), id="hex"),
    ],
)
def test_a_signature_of_another_length_is_refused(signature: bytes) -> None:
    error = refused(signature)
    assert (error.expected, error.got) == ("64 raw bytes", f"{len(signature)} bytes")


def test_a_signature_by_another_key_is_refused_with_everything_one_needs() -> None:
    text = str(refused(SIGNATURE, keys=(OTHER,)))
    assert "`old.pub`" in text
    assert OTHER.fingerprint in text
    assert VECTOR_HASH in text


def test_a_signature_for_another_artifact_is_refused() -> None:
    refused(SIGNATURE, artifact=VECTOR_MESSAGE + b"\n")


@pytest.mark.parametrize("bit", range(0, 512, 7))
def test_a_changed_bit_in_the_signature_is_refused(bit: int) -> None:
    changed = bytearray(SIGNATURE)
    changed[bit // 8] ^= 1 << bit % 8
    refused(bytes(changed))


@pytest.mark.parametrize("bit", range(0, len(VECTOR_MESSAGE) * 8, 7))
def test_a_changed_bit_in_the_artifact_is_refused(bit: int) -> None:
    changed = bytearray(VECTOR_MESSAGE)
    changed[bit // 8] ^= 1 << bit % 8
    refused(SIGNATURE, artifact=bytes(changed))


def test_a_number_that_is_not_reduced_is_refused() -> None:
    number = int.from_bytes(SIGNATURE[32:], "little") + _L
    error = refused(SIGNATURE[:32] + number.to_bytes(32, "little"))
    assert error.got == "a number S that is not reduced"


@pytest.mark.parametrize(
    ("point", "got"),
    [
        pytest.param(bytes(32), "a point of small order", id="small-order"),
        pytest.param(b"\xff" * 32, "a non-canonical encoding", id="non-canonical"),
        pytest.param((2).to_bytes(32, "little"), "bytes that are no point", id="no-point"),
    ],
)
def test_an_unsound_point_is_refused(point: bytes, got: str) -> None:
    assert got in str(refused(point + SIGNATURE[32:]).got)


def test_a_signature_that_anybody_can_make_for_a_weak_key_has_no_key_to_verify_under() -> None:
    identity = b"\x01" + bytes(31)
    made_up = identity + bytes(32)
    Ed25519PublicKey.from_public_bytes(identity).verify(made_up, VECTOR_MESSAGE)  # the library accepts it
    refused(made_up)


def test_a_signature_by_another_key_says_whose_would_do_and_that_another_key_weakens() -> None:
    evidence, policy = refused(SIGNATURE, keys=(OTHER, KEY), artifact=b"x").remedies
    assert OTHER.fingerprint in evidence.change
    assert KEY.fingerprint in evidence.change
    assert (evidence.weakens, policy.weakens) == (False, True)
    assert policy.change.startswith("--key ")


def test_the_first_number_that_is_not_reduced_is_the_groups_order() -> None:
    assert refused(SIGNATURE[:32] + _L.to_bytes(32, "little")).got == "a number S that is not reduced"
    assert "does not verify" in refused(SIGNATURE[:32] + (_L - 1).to_bytes(32, "little")).what
