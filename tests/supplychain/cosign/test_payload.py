import json

import pytest

from supplychain.cosign.payload import check_signature_statement
from supplychain.digest import ManifestDigest
from supplychain.errors import CosignSignatureInvalidError, SignedDigestMismatchError
from supplychain.in_toto import PAYLOAD_TYPE, parse_statement
from tests.support.virtual_sigstore import image_signature

DIGEST = ManifestDigest.of(b"manifest")


def check(statement):
    parsed = parse_statement(PAYLOAD_TYPE, json.dumps(statement).encode(), error=CosignSignatureInvalidError, where="here")
    check_signature_statement(parsed, digest=DIGEST, where="here")


def test_a_signature_of_this_digest_passes():
    check(image_signature(DIGEST))


@pytest.mark.parametrize("predicate_type", ["https://slsa.dev/provenance/v1", "https://sigstore.dev/cosign/sign/v2", ""])
def test_an_attestation_is_no_signature(predicate_type):
    with pytest.raises(CosignSignatureInvalidError, match="an attestation is no image signature"):
        check(image_signature(DIGEST, predicate_type=predicate_type))


def test_a_signature_of_another_digest_is_refused():
    with pytest.raises(SignedDigestMismatchError) as caught:
        check(image_signature(ManifestDigest.of(b"other")))
    assert caught.value.expected == f"`{DIGEST}`"


@pytest.mark.parametrize("digests", [{"sha512": DIGEST.hex}, {"sha256": DIGEST.hex.upper()}, {"sha256": DIGEST.hex + "0"}])
def test_only_the_exact_sha256_counts(digests):
    with pytest.raises(SignedDigestMismatchError):
        check(image_signature(DIGEST) | {"subject": [{"digest": digests}]})


def test_a_second_subject_is_refused():
    statement = image_signature(DIGEST)
    with pytest.raises(CosignSignatureInvalidError, match="a statement that cosign does not write"):
        check(statement | {"subject": statement["subject"] * 2})


def test_an_older_statement_is_refused():
    with pytest.raises(CosignSignatureInvalidError, match="a statement that cosign does not write"):
        check(image_signature(DIGEST) | {"_type": "https://in-toto.io/Statement/v0.1"})
