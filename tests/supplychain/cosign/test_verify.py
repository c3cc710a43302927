import json
from dataclasses import replace

import pytest

from supplychain.artifact import EvidenceForm, EvidenceSet, Material
from supplychain.cosign import CosignPolicy, verify_image_signature
from supplychain.digest import ManifestDigest
from supplychain.errors import (
    BundleInvalidError,
    CertificateError,
    CosignSignatureInvalidError,
    CosignSignatureMissingError,
    EnvelopeInvalidError,
    EvidenceLimitError,
    EvidenceUnsupportedError,
    IdentityMismatchError,
    InvalidPolicyError,
    SignedDigestMismatchError,
)
from supplychain.evidence import verify_envelope
from supplychain.identity_pattern import IdentityPattern
from supplychain.limits import Limits
from supplychain.trust_root import parse_trust_root
from tests.support.sigstore.legacy import layer_annotations
from tests.support.virtual_sigstore import GITHUB_ISSUER, Identity, VirtualSigstore, github_identity, image_signature

PROVING = "supplychain.cosign.verify.verify_envelope"
SIGSTORE = VirtualSigstore()
ROOT = parse_trust_root(SIGSTORE.trusted_root(), name="virtual")
DIGEST = ManifestDigest.of(b"manifest")
OTHER = ManifestDigest.of(b"other")
POLICY = CosignPolicy(
    identity=IdentityPattern.parse(r"^https://github\.com/acme/plugins/\.github/workflows/release\.yml@refs/tags/v1\.2\.3$"),
    issuer=GITHUB_ISSUER,
)
GOOD = SIGSTORE.sign_statement(image_signature(DIGEST))
OTHER_DIGEST = SIGSTORE.sign_statement(image_signature(OTHER))
OTHER_SIGNER = SIGSTORE.sign_statement(image_signature(DIGEST), identity=github_identity("mallory/plugins"))
OTHER_AUTHORITY = SIGSTORE.sign_statement(image_signature(DIGEST), ca=VirtualSigstore(seed=b"another").ca)
ATTESTATION = SIGSTORE.sign_statement(image_signature(DIGEST, predicate_type="https://slsa.dev/provenance/v1"))


def bundles(*data, form=EvidenceForm.BUNDLE, **options):
    found = tuple(Material(form=form, data=one, where=f"referrer {number}") for number, one in enumerate(data))
    return EvidenceSet(materials=found, **options)


def verify(evidence, *, policy=POLICY, **options):
    return verify_image_signature(evidence, digest=DIGEST, policy=policy, root=ROOT, **{"second_opinion": False, **options})


def refusal(evidence, **options):
    with pytest.raises(Exception) as caught:
        verify(evidence, **options)
    return caught.value


@pytest.mark.parametrize("log", ["rekor1", "rekor2"])
def test_a_good_signature_counts(log):
    found = verify(bundles(SIGSTORE.sign_statement(image_signature(DIGEST), log=log)))
    assert found.where == "referrer 0"
    assert found.proven.signer.issuer == GITHUB_ISSUER
    assert found.rejected == ()
    assert found.warnings == ()


def test_both_verifiers_are_asked():
    assert verify(bundles(GOOD), second_opinion=True).proven.judged_by == ("supplychain", "sigstore-python")
    assert verify(bundles(GOOD), second_opinion=False).proven.judged_by == ("supplychain",)


def test_the_patterns_warnings_are_handed_on():
    policy = replace(POLICY, identity=IdentityPattern.parse(r"^https://github\.com/.*$"))
    assert verify(bundles(GOOD), policy=policy).warnings == policy.identity.warnings != ()


@pytest.mark.parametrize("position", [0, 1, 2])
def test_one_good_signature_is_enough_wherever_it_stands(position):
    others = [b"{", OTHER_SIGNER]
    others.insert(position, GOOD)
    found = verify(bundles(*others))
    assert found.where == f"referrer {position}"
    assert [one.where for one in found.rejected] == [f"referrer {number}" for number in range(position)]


def test_nothing_attached_is_missing():
    assert isinstance(refusal(EvidenceSet()), CosignSignatureMissingError)


def test_what_is_attached_but_no_evidence_is_listed():
    error = refusal(EvidenceSet(skipped=(("referrer 7", "an SBOM"),)))
    assert isinstance(error, CosignSignatureMissingError)
    (candidate,) = error.candidates
    assert (candidate.where, candidate.error.what) == ("referrer 7", "an SBOM")


def test_an_attested_image_is_not_a_signed_image():
    error = refusal(bundles(ATTESTATION))
    assert isinstance(error, CosignSignatureMissingError)
    assert "attestation is no image signature" in error.candidates[0].error.what


def test_a_signature_of_another_manifest_is_refused():
    error = refusal(bundles(OTHER_DIGEST))
    assert isinstance(error, SignedDigestMismatchError)
    assert error.expected == f"`{DIGEST}`"
    assert error.got == f"`{OTHER.hex}`"
    assert [one.where for one in error.candidates] == ["referrer 0"]


def test_another_signer_is_refused():
    error = refusal(bundles(OTHER_SIGNER))
    assert isinstance(error, IdentityMismatchError)
    assert error.got == "`https://github.com/mallory/plugins/.github/workflows/release.yml@refs/tags/v1.2.3`"
    assert error.expected == f"a match of `{POLICY.identity.text}`"


@pytest.mark.parametrize("issuer", [GITHUB_ISSUER.upper(), GITHUB_ISSUER + "/", "https://accounts.google.com"])
def test_another_issuer_is_refused(issuer):
    error = refusal(bundles(GOOD), policy=replace(POLICY, issuer=issuer))
    assert isinstance(error, IdentityMismatchError)
    assert (error.expected, error.got) == (f"`{issuer}`", f"`{GITHUB_ISSUER}`")


def test_the_same_subject_under_another_issuer_is_refused():
    forged = SIGSTORE.sign_statement(image_signature(DIGEST), identity=Identity(issuer="https://issuer.attacker.example"))
    assert isinstance(refusal(bundles(forged)), IdentityMismatchError)


def test_an_unproven_signature_is_refused():
    assert isinstance(refusal(bundles(OTHER_AUTHORITY)), CertificateError)


def test_a_changed_payload_is_refused():
    bundle = json.loads(OTHER_DIGEST)
    bundle["dsseEnvelope"]["payload"] = json.loads(GOOD)["dsseEnvelope"]["payload"]
    assert isinstance(refusal(bundles(json.dumps(bundle).encode())), EnvelopeInvalidError)


def test_what_counts_is_the_proven_payload_and_not_the_claimed_one(monkeypatch):
    """The sorting-out reads the bundle by itself; were it to read something else, the proof must decide."""
    other = bundles(OTHER_DIGEST).materials[0]
    monkeypatch.setattr(PROVING, lambda material, **options: verify_envelope(other, **options))
    assert isinstance(refusal(bundles(GOOD)), SignedDigestMismatchError)


def test_another_proven_payload_type_is_refused(monkeypatch):
    monkeypatch.setattr(
        PROVING, lambda material, **options: replace(verify_envelope(material, **options), payload_type="text/plain")
    )
    assert isinstance(refusal(bundles(GOOD)), CosignSignatureInvalidError)


def test_a_signature_of_a_bare_message_is_refused():
    error = refusal(bundles(SIGSTORE.sign_message(b"manifest")))
    assert isinstance(error, BundleInvalidError)


def test_a_payload_that_is_no_statement_is_refused():
    error = refusal(bundles(SIGSTORE.sign_statement(b'{"hello": 1}')))
    assert isinstance(error, CosignSignatureInvalidError)


def test_of_several_misses_the_nearest_is_named():
    error = refusal(bundles(OTHER_DIGEST, b"{", OTHER_SIGNER, OTHER_AUTHORITY, ATTESTATION))
    assert isinstance(error, CosignSignatureInvalidError)
    assert error.what.startswith("none of 4 image signatures counts; nearest miss: the signer is not the trusted one")
    assert error.where == "referrer 2"
    assert [one.where for one in error.candidates] == [f"referrer {number}" for number in (0, 1, 2, 3, 4)]


def simple_signing(digest=DIGEST, **critical):
    """The document that cosign before version 3 signs."""
    body = {"type": "cosign container image signature", "image": {"docker-manifest-digest": str(digest)}, **critical}
    return json.dumps({"critical": body, "optional": None}).encode()


def older(payload=None, *, where="tag x.sig, layer 0", **plan):
    payload = simple_signing() if payload is None else payload
    bundle = SIGSTORE.sign_message(payload, log="rekor1", **plan)
    return Material(form=EvidenceForm.LEGACY_SIGNATURE, data=payload, where=where, annotations=layer_annotations(bundle))


def test_a_signature_in_the_older_form_counts_and_is_judged_by_one():
    found = verify(EvidenceSet(materials=(older(),)), second_opinion=True)
    assert found.where == "tag x.sig, layer 0"
    assert found.proven.judged_by == ("supplychain",)
    assert "reads bundles only" in found.proven.notes[-1]


@pytest.mark.parametrize(
    ("material", "error"),
    [
        (older(simple_signing(OTHER)), SignedDigestMismatchError),
        (older(simple_signing(type="atomic container signature")), CosignSignatureInvalidError),
        (older(simple_signing(image={})), CosignSignatureInvalidError),
        (older(b"[]"), CosignSignatureInvalidError),
        (older(identity=github_identity("mallory/plugins")), IdentityMismatchError),
        (older(ca=VirtualSigstore(seed=b"another").ca), CertificateError),
        (replace(older(), data=simple_signing(optional=1)), BundleInvalidError),
        (replace(older(), annotations={}), BundleInvalidError),
        (older(keyed=True), EvidenceUnsupportedError),
    ],
    ids=["re-tagged", "another type", "no digest", "no object", "signer", "authority", "payload", "no annotations", "by a key"],
)
def test_a_signature_in_the_older_form_is_held_to_the_same_questions(material, error):
    assert type(refusal(EvidenceSet(materials=(material,)))) is error


def test_every_layer_of_an_older_object_is_a_candidate():
    layers = (older(simple_signing(OTHER), where="layer 0"), older(where="layer 1"))
    assert verify(EvidenceSet(materials=layers)).where == "layer 1"


def test_an_older_form_beside_a_refused_one_does_not_hide_it():
    old = bundles(b"{}", form=EvidenceForm.LEGACY_SIGNATURE).materials
    assert isinstance(refusal(EvidenceSet(materials=old + bundles(OTHER_SIGNER).materials)), CosignSignatureInvalidError)


def test_an_older_form_does_not_stop_a_good_one():
    old = bundles(b"{}", form=EvidenceForm.LEGACY_SIGNATURE).materials
    assert len(verify(EvidenceSet(materials=old + bundles(GOOD).materials)).rejected) == 1


def test_more_than_the_limit_is_not_looked_at():
    evidence = bundles(*[OTHER_DIGEST] * 32, GOOD)
    error = refusal(evidence)
    assert isinstance(error, EvidenceLimitError)
    assert len(error.candidates) == 32
    assert verify(evidence, limits=Limits(candidates=33)).where == "referrer 32"


def test_a_good_one_within_the_limit_is_enough():
    assert verify(bundles(*[OTHER_DIGEST] * 31, GOOD, b"{")).where == "referrer 31"
    assert verify(bundles(GOOD, truncated=True)).where == "referrer 0"


def test_the_total_size_is_limited():
    limits = Limits(evidence=len(OTHER_DIGEST) + len(GOOD) - 1)
    error = refusal(bundles(OTHER_DIGEST, GOOD), limits=limits)
    assert isinstance(error, EvidenceLimitError)
    assert len(error.candidates) == 1
    assert verify(bundles(OTHER_DIGEST, GOOD), limits=Limits(evidence=len(OTHER_DIGEST) + len(GOOD))).where == "referrer 1"


@pytest.mark.parametrize("evidence", [EvidenceSet(truncated=True), bundles(OTHER_DIGEST, truncated=True)])
def test_what_the_source_left_out_might_have_counted(evidence):
    assert isinstance(refusal(evidence), EvidenceLimitError)


@pytest.mark.parametrize("issuer", ["", " https://x", "https://x\n"])
def test_a_policy_without_a_clean_issuer_is_refused(issuer):
    with pytest.raises(InvalidPolicyError):
        replace(POLICY, issuer=issuer)


def test_both_verifiers_are_asked_unless_somebody_says_otherwise():
    found = verify_image_signature(bundles(GOOD), digest=DIGEST, policy=POLICY, root=ROOT)
    assert found.proven.judged_by == ("supplychain", "sigstore-python")


def test_everything_that_was_passed_over_is_listed():
    error = refusal(EvidenceSet(skipped=(("referrer 7", "an SBOM"), ("referrer 8", "a chart"))))
    assert [candidate.where for candidate in error.candidates] == ["referrer 7", "referrer 8"]
