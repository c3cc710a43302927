"""sigstore-python, as it is, accepts what the virtual Sigstore signs, and refuses each fault made in it."""

import base64
import hashlib
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sigstore.hashes import Hashed
from sigstore.models import Bundle, TrustedRoot
from sigstore.verify import Verifier
from sigstore.verify.policy import Identity as ExactIdentity
from sigstore_models.common.v1 import HashAlgorithm
from sigstore_models.trustroot.v1 import TrustedRoot as RootModel

from tests.support.sigstore.certificates import uri_name
from tests.support.virtual_sigstore import (
    GITHUB_ISSUER,
    VirtualSigstore,
    generator_identity,
    github_identity,
    github_provenance,
    image_signature,
    slsa_provenance,
)

SIGSTORE = VirtualSigstore()
OTHER = VirtualSigstore(seed=b"somebody else")
DIGEST = "sha256:" + "a" * 64


def verifier(root: bytes | None = None) -> Verifier:
    return Verifier(trusted_root=TrustedRoot(RootModel.from_json(root or SIGSTORE.trusted_root())))


def policy(subject: str) -> ExactIdentity:
    return ExactIdentity(identity=subject, issuer=GITHUB_ISSUER)


@pytest.mark.parametrize("log", ["rekor1", "rekor2"])
@pytest.mark.parametrize(
    ("statement", "identity"),
    [
        pytest.param(image_signature(DIGEST), github_identity(), id="image signature"),
        pytest.param(slsa_provenance("b" * 64), generator_identity(), id="generator provenance"),
        pytest.param(github_provenance("b" * 64), github_identity(), id="github provenance"),
    ],
)
def test_an_honest_statement_is_accepted(statement, identity, log):
    bundle = Bundle.from_json(SIGSTORE.sign_statement(statement, identity=identity, log=log))
    _, payload = verifier().verify_dsse(bundle, policy(identity.subject))
    assert json.loads(payload) == statement


@pytest.mark.parametrize("log", ["rekor1", "rekor2"])
def test_an_honest_message_is_accepted(log):
    bundle = Bundle.from_json(SIGSTORE.sign_message(b"message", log=log))
    digest = Hashed(algorithm=HashAlgorithm.SHA2_256, digest=hashlib.sha256(b"message").digest())
    verifier().verify_artifact(digest, bundle, policy(github_identity().subject))


def test_equal_calls_give_equal_bytes():
    again = VirtualSigstore()
    statement = image_signature(DIGEST)
    assert again.sign_statement(statement, log="rekor2") == SIGSTORE.sign_statement(statement, log="rekor2")
    assert again.trusted_root() == SIGSTORE.trusted_root()
    assert OTHER.trusted_root() != SIGSTORE.trusted_root()


def _flip_root_hash(bundle):
    proof = bundle["verificationMaterial"]["tlogEntries"][0]["inclusionProof"]
    proof["rootHash"] = base64.b64encode(bytes(32)).decode()


def _other_payload(bundle):
    bundle["dsseEnvelope"]["payload"] = base64.b64encode(json.dumps(image_signature("b" * 64)).encode()).decode()


def _other_root(text):
    # It does not compare the checkpoint's size with the proof's, only the root.
    origin, size, _ = text.splitlines()
    return f"{origin}\n{size}\n{base64.b64encode(bytes(32)).decode()}\n"


LATE = SIGSTORE.at + timedelta(hours=1)
BOTH = ("rekor1", "rekor2")
FAULTS = [
    pytest.param(BOTH, {"ca": OTHER.ca}, id="another root"),
    pytest.param(BOTH, {"ca": replace(SIGSTORE.ca, key=OTHER.ca.key)}, id="certificate signed by another key"),
    pytest.param(BOTH, {"ct_log": OTHER.ct_log}, id="SCT of an unknown log"),
    pytest.param(BOTH, {"ct_log": replace(SIGSTORE.ct_log, key=OTHER.ct_log.key)}, id="SCT signed by another key"),
    pytest.param(BOTH, {"scts": 0}, id="no SCT"),
    pytest.param(BOTH, {"extended_key_usage": ()}, id="no key usage for code signing"),
    pytest.param(BOTH, {"names": (uri_name("https://example.test/else"),)}, id="another subject"),
    pytest.param(BOTH, {"not_before": LATE, "sct_at": SIGSTORE.at}, id="certificate of a later hour"),
    pytest.param(BOTH, {"signed_message": b"something else"}, id="signature over something else"),
    pytest.param(BOTH, {"edit": _other_payload}, id="other payload"),
    pytest.param(BOTH, {"edit_body": lambda body: body["spec"].clear()}, id="entry about nothing"),
    pytest.param(BOTH, {"proof": False}, id="no inclusion proof"),
    pytest.param(BOTH, {"edit": _flip_root_hash}, id="wrong root hash"),
    pytest.param(BOTH, {"edit_checkpoint": _other_root}, id="checkpoint over another root"),
    pytest.param(("rekor1",), {"rekor": OTHER.rekor1}, id="unknown log"),
    pytest.param(("rekor1",), {"rekor": replace(SIGSTORE.rekor1, key=OTHER.rekor1.key)}, id="log entry by another key"),
    pytest.param(("rekor1",), {"promise": False}, id="no promise and so no time"),
    pytest.param(("rekor1",), {"integrated_at": LATE}, id="logged after expiry"),
    pytest.param(("rekor2",), {"rekor": OTHER.rekor2}, id="unknown log"),
    pytest.param(("rekor2",), {"rekor": replace(SIGSTORE.rekor2, key=OTHER.rekor2.key)}, id="log entry by another key"),
    pytest.param(("rekor2",), {"tsa": None}, id="no timestamp"),
    pytest.param(("rekor2",), {"tsa": OTHER.tsa}, id="unknown timestamp authority"),
    pytest.param(("rekor2",), {"tsa": replace(SIGSTORE.tsa, key=OTHER.tsa.key)}, id="timestamp by another key"),
    pytest.param(("rekor2",), {"timestamped": b"something else"}, id="timestamp over something else"),
    pytest.param(("rekor2",), {"timestamp_at": LATE}, id="time-stamped after expiry"),
]


@pytest.mark.parametrize(("log", "faults"), [
    pytest.param(log, case.values[1], id=f"{log}: {case.id}") for case in FAULTS for log in BOTH if log in str(case.values[0])
])  # fmt: skip
def test_each_fault_is_refused(log, faults):
    raw = SIGSTORE.sign_statement(image_signature(DIGEST), log=log, **faults)
    with pytest.raises(Exception, match=r"."):  # it raises what it likes; that it raises is the point
        verifier().verify_dsse(Bundle.from_json(raw), policy(github_identity().subject))


def test_a_root_without_the_authority_is_refused():
    root = SIGSTORE.trusted_root(edit=lambda value: value["timestampAuthorities"].clear())
    bundle = Bundle.from_json(SIGSTORE.sign_statement(image_signature(DIGEST), log="rekor2"))
    with pytest.raises(Exception, match="timestamp"):
        verifier(root).verify_dsse(bundle, policy(github_identity().subject))


def test_windows_stand_in_the_root():
    end = datetime(2025, 1, 1, tzinfo=UTC)
    root = json.loads(SIGSTORE.trusted_root(tsa_window=(None, end), rekor_window=(end, None)))
    assert root["timestampAuthorities"][0]["validFor"] == {"end": "2025-01-01T00:00:00Z"}
    assert root["tlogs"][1]["publicKey"]["validFor"] == {"start": "2025-01-01T00:00:00Z"}
