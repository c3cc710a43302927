import base64
import json
from dataclasses import replace

import pytest

from supplychain.artifact import EvidenceForm, Material
from supplychain.digest import ArtifactHash, ManifestDigest
from supplychain.errors import (
    BuilderMismatchError,
    BundleInvalidError,
    CertificateError,
    EnvelopeInvalidError,
    EvidenceError,
    EvidenceLimitError,
    EvidenceUnsupportedError,
    ProvenanceInvalidError,
    ProvenanceMissingError,
    SourceMismatchError,
    StatementInvalidError,
    SubjectMismatchError,
    TransparencyLogUnavailableError,
    WorkflowInputMismatchError,
)
from supplychain.evidence import verify_envelope
from supplychain.limits import Limits
from supplychain.ports import FoundEntry
from supplychain.slsa import SlsaPolicy, verify_provenance
from supplychain.trust_root import parse_trust_root
from supplychain.verification_key import parse_trusted_keys
from tests.support.sigstore.keys import public_key_pem
from tests.support.sigstore.legacy import bare_envelope, layer_annotations, served_entry
from tests.support.virtual_sigstore import (
    GITHUB_ISSUER,
    Identity,
    VirtualSigstore,
    generator_identity,
    github_identity,
    github_provenance,
    image_signature,
    slsa_provenance,
)

PROVING = "supplychain.slsa.verify.verify_envelope"
SIGSTORE = VirtualSigstore()
ROOT = parse_trust_root(SIGSTORE.trusted_root(), name="virtual")
HASH = ArtifactHash.of(b"library")
OTHER = ArtifactHash.of(b"other")
POLICY = SlsaPolicy(source_uri="git+https://github.com/acme/plugins", source_tag="v1.2.3")
OWN = "https://github.com/acme/plugins/.github/workflows/release.yml"
NAMED = replace(POLICY, builder_ids=(OWN,))
GENERATED = slsa_provenance(HASH)
SHARED = "https://github.com/acme/shared/.github/workflows/build.yml@refs/tags/v3.0.0"


def sign(statement=GENERATED, *, identity=None, **options):
    return SIGSTORE.sign_statement(statement, identity=identity or generator_identity(), log="rekor1", **options)


GOOD = sign()
ABOUT_ANOTHER = sign(slsa_provenance(OTHER))
FROM_ELSEWHERE = sign(
    slsa_provenance(HASH, source_uri="git+https://github.com/acme/other"), identity=generator_identity("acme/other")
)
SIGNATURE = SIGSTORE.sign_statement(image_signature(ManifestDigest.of(b"manifest")))


def materials(*data, form=EvidenceForm.BUNDLE):
    return tuple(Material(form=form, data=one, where=f"line {number}") for number, one in enumerate(data))


def bare(statement=GENERATED):
    payload = base64.b64encode(json.dumps(statement).encode()).decode()
    value = {"payloadType": "application/vnd.in-toto+json", "payload": payload, "signatures": [{"sig": "AA==", "cert": "x"}]}
    return json.dumps(value).encode()


def bare_material(statement=GENERATED):
    return replace(materials(bare(statement), form=EvidenceForm.ENVELOPE)[0], where="bare")


def verify(*found, policy=POLICY, **options):
    given = found[0] if found and isinstance(found[0], tuple) else materials(*found)
    return verify_provenance(given, artifact_hash=HASH, policy=policy, root=ROOT, **{"second_opinion": False, **options})


def refusal(*found, **options):
    with pytest.raises(Exception) as caught:
        verify(*found, **options)
    return caught.value


def test_a_generators_provenance_counts():
    found = verify(GOOD)
    assert found.where == "line 0"
    assert found.warnings == ()
    assert found.rejected == ()
    assert found.proven.signer.subject == generator_identity().subject
    assert found.facts.as_facts() == {
        "signed": True,
        "subject": "plugin.so",
        "predicateType": "https://slsa.dev/provenance/v0.2",
        "buildType": "https://github.com/slsa-framework/slsa-github-generator/generic@v1",
        "builderId": generator_identity().subject,
        "builderKind": "generator",
        "sourceUri": "https://github.com/acme/plugins",
        "sourceRef": "refs/tags/v1.2.3",
        "sourceCommit": "4d329c75e7ec1725f7c9ce917a8799d408d06be3",
        "workflow": None,
        "event": "push",
        "invocation": "https://github.com/acme/plugins/actions/runs/13531731005/attempts/1",
    }


def test_both_verifiers_are_asked():
    assert verify(GOOD, second_opinion=True).proven.judged_by == ("supplychain", "sigstore-python")
    assert verify(GOOD, second_opinion=False).proven.judged_by == ("supplychain",)


def test_a_reusable_workflow_that_the_policy_names_counts():
    bundle = sign(github_provenance(HASH, builder=SHARED), identity=github_identity(signer=SHARED))
    found = verify(bundle, policy=replace(POLICY, builder_ids=(SHARED.partition("@")[0],)), second_opinion=True)
    assert (found.facts.builder_kind, found.facts.builder_id, found.warnings) == ("workflow", SHARED, ())
    assert isinstance(refusal(bundle), BuilderMismatchError)


def test_the_sources_own_workflow_counts_with_a_warning():
    (warning,) = verify(sign(github_provenance(HASH), identity=github_identity()), policy=NAMED).warnings
    assert "SLSA build level 2" in warning


def test_the_second_opinion_is_asked_about_the_statement_too():
    statement = github_provenance(HASH)
    statement["subject"][0]["uri"] = 7
    bundle = sign(statement, identity=github_identity())
    assert verify(bundle, policy=NAMED, second_opinion=False)
    error = refusal(bundle, policy=NAMED, second_opinion=True)
    assert isinstance(error, StatementInvalidError)
    assert "in-toto-attestation" in error.what


@pytest.mark.parametrize("position", [0, 1, 2])
def test_one_good_statement_is_enough_wherever_it_stands(position):
    others = [b"{broken", ABOUT_ANOTHER]
    others.insert(position, GOOD)
    found = verify(*others)
    assert found.where == f"line {position}"
    assert [one.where for one in found.rejected] == [f"line {number}" for number in range(position)]


def test_nothing_at_all_is_missing():
    assert isinstance(refusal(), ProvenanceMissingError)


def test_other_attestations_are_listed_and_do_not_count():
    error = refusal(SIGNATURE)
    assert isinstance(error, ProvenanceMissingError)
    assert error.candidates[0].error.got == "predicate type `https://sigstore.dev/cosign/sign/v1`"
    assert len(verify(SIGNATURE, GOOD).rejected) == 1


@pytest.mark.parametrize(
    ("bundle", "error"),
    [
        pytest.param(b"{broken", BundleInvalidError, id="no JSON"),
        pytest.param(SIGSTORE.sign_message(b"library"), BundleInvalidError, id="a bare message"),
        pytest.param(sign(b'{"hello": 1}'), StatementInvalidError, id="no statement"),
        pytest.param(sign(payload_type="text/plain"), StatementInvalidError, id="another payload type"),
        pytest.param(sign(ca=VirtualSigstore(seed=b"another").ca), CertificateError, id="another authority"),
        pytest.param(ABOUT_ANOTHER, SubjectMismatchError, id="another artifact"),
        pytest.param(FROM_ELSEWHERE, SourceMismatchError, id="another repository"),
        pytest.param(
            sign(slsa_provenance(HASH, ref="refs/tags/v1.2.2"), identity=generator_identity(ref="refs/tags/v1.2.2")),
            SourceMismatchError,
            id="another tag",
        ),
        pytest.param(
            sign(identity=generator_identity("acme/other")), SourceMismatchError, id="certificate of another repository"
        ),
        pytest.param(
            sign(identity=generator_identity(ref="refs/heads/main")), SourceMismatchError, id="certificate of another ref"
        ),
        pytest.param(sign(identity=generator_identity(commit="0" * 40)), SourceMismatchError, id="certificate of another commit"),
        pytest.param(
            sign(identity=generator_identity(trigger="schedule")), BuilderMismatchError, id="certificate of another event"
        ),
        pytest.param(sign(identity=generator_identity(runner="self-hosted")), BuilderMismatchError, id="a machine of its own"),
        pytest.param(
            sign(identity=generator_identity(generator_ref="refs/tags/v2.0.0")), BuilderMismatchError, id="other builder"
        ),
        pytest.param(sign(identity=github_identity()), BuilderMismatchError, id="the caller instead of the generator"),
        pytest.param(sign(identity=Identity(email="release@acme.example")), BuilderMismatchError, id="a person"),
        pytest.param(
            sign(identity=replace(generator_identity(), issuer="https://issuer.attacker.example")),
            BuilderMismatchError,
            id="issuer",
        ),
        pytest.param(
            sign(identity=replace(generator_identity(), claims=generator_identity().claims | {5: "acme/other"})),  # type: ignore[operator]
            CertificateError,
            id="a certificate that contradicts itself",
        ),
        pytest.param(sign(slsa_provenance(HASH, build_type="x")), StatementInvalidError, id="an unknown build type"),
    ],
)
def test_one_fault_is_refused_for_what_it_is(bundle, error):
    raised = refusal(bundle)
    assert type(raised) is error, raised
    assert len(raised.candidates) == 1
    assert raised.where is not None


@pytest.mark.parametrize(
    ("policy", "error"),
    [
        ({"source_uri": "github.com/acme/other"}, SourceMismatchError),
        ({"source_tag": "v1.2.4"}, SourceMismatchError),
        ({"source_branch": "release"}, SourceMismatchError),
        ({"source_tag": None, "source_versioned_tag": "v2"}, SourceMismatchError),
        ({"builder_ids": (OWN,)}, BuilderMismatchError),
        ({"issuer": GITHUB_ISSUER + "/acme"}, BuilderMismatchError),
        ({"workflow_inputs": {"a": "b"}}, WorkflowInputMismatchError),
    ],
)
def test_another_question_is_refused(policy, error):
    assert type(refusal(GOOD, policy=replace(POLICY, **policy))) is error


def test_a_changed_payload_is_refused():
    bundle = json.loads(ABOUT_ANOTHER)
    bundle["dsseEnvelope"]["payload"] = json.loads(GOOD)["dsseEnvelope"]["payload"]
    assert isinstance(refusal(json.dumps(bundle).encode()), EnvelopeInvalidError)


@pytest.mark.parametrize("proven", [ABOUT_ANOTHER, FROM_ELSEWHERE, SIGNATURE])
def test_what_counts_is_the_proven_payload_and_not_the_claimed_one(monkeypatch, proven):
    """The sorting-out reads the bundle by itself; were it to read something else, the proof must decide."""
    other = materials(proven)[0]
    monkeypatch.setattr(PROVING, lambda _material, **options: verify_envelope(other, **options))
    assert refusal(GOOD).candidates


def test_of_several_misses_the_nearest_is_named():
    error = refusal(ABOUT_ANOTHER, b"{broken", FROM_ELSEWHERE, SIGNATURE, sign(identity=github_identity()))
    assert isinstance(error, ProvenanceInvalidError)
    assert error.what == "none of 4 statements counts; nearest miss: built from another repository"
    assert error.where == "line 2"
    assert len(error.candidates) == 5


def test_a_sha512_subject_counts_where_the_caller_knows_it():
    statement = slsa_provenance(HASH) | {"subject": [{"name": "x", "digest": {"sha512": "ef" * 64}}]}
    assert verify(sign(statement), sha512="ef" * 64).facts.subject == "x"
    assert isinstance(refusal(sign(statement)), SubjectMismatchError)


def test_a_digest_that_the_caller_does_not_know_is_not_compared():
    both = {"sha256": HASH.hex, "sha512": "ef" * 64}
    assert verify(sign(slsa_provenance(HASH) | {"subject": [{"name": "x", "digest": both}]})).facts.subject == "x"


def test_nothing_is_proven_about_other_artifacts(monkeypatch):
    def prove(*_given, **_options):
        raise AssertionError("cryptography for a statement that cannot count")

    monkeypatch.setattr(PROVING, prove)
    assert isinstance(refusal(ABOUT_ANOTHER), SubjectMismatchError)


def test_as_many_as_the_limit_are_all_looked_at():
    assert isinstance(refusal(*[ABOUT_ANOTHER] * 64), ProvenanceInvalidError)


def test_a_bare_envelope_is_unavailable():
    error = refusal((bare_material(),))
    assert isinstance(error, EvidenceUnsupportedError)
    assert "2.1" in error.hint
    assert error.where == "bare"


@pytest.mark.parametrize(
    ("statement", "error"),
    [
        (slsa_provenance(OTHER), SubjectMismatchError),
        (slsa_provenance(HASH, ref="refs/tags/v9.9.9"), SourceMismatchError),
        (slsa_provenance(HASH, builder=f"{OWN}@refs/tags/v1.2.3"), BuilderMismatchError),
        (slsa_provenance(HASH, build_type="x"), StatementInvalidError),
    ],
)
@pytest.mark.parametrize("allow_unsigned", [False, True])
def test_a_bare_envelope_that_claims_something_else_is_refused(statement, error, allow_unsigned):
    assert type(refusal((bare_material(statement),), policy=replace(POLICY, allow_unsigned=allow_unsigned))) is error


def test_a_bare_envelope_counts_where_that_is_allowed_and_says_so():
    found = verify((bare_material(),), policy=replace(POLICY, allow_unsigned=True))
    assert found.proven is None
    assert found.facts.signed is False
    assert found.where == "bare"
    (warning,) = found.warnings
    assert "not signed by anybody" in warning


@pytest.mark.parametrize("first", [0, 1])
def test_a_signed_statement_is_preferred_to_an_unsigned_one(first):
    both = (bare_material(), *materials(GOOD))
    found = verify(both[::-1] if first else both, policy=replace(POLICY, allow_unsigned=True))
    assert found.proven is not None
    assert found.facts.signed


def test_of_several_unsigned_ones_the_first_counts_and_the_refused_are_listed():
    several = (*materials(ABOUT_ANOTHER), bare_material(), replace(bare_material(), where="again"))
    found = verify(several, policy=replace(POLICY, allow_unsigned=True))
    assert (found.where, [one.where for one in found.rejected]) == ("bare", ["line 0"])


def test_allowing_unsigned_statements_does_not_allow_bad_signatures():
    bundle = json.loads(ABOUT_ANOTHER)
    bundle["dsseEnvelope"]["payload"] = json.loads(GOOD)["dsseEnvelope"]["payload"]
    assert isinstance(refusal(json.dumps(bundle).encode(), policy=replace(POLICY, allow_unsigned=True)), EnvelopeInvalidError)


def test_allowing_unsigned_statements_is_about_bare_envelopes_alone():
    layer = materials(bare(), form=EvidenceForm.LEGACY_ATTESTATION)
    assert isinstance(refusal(layer, policy=replace(POLICY, allow_unsigned=True)), EvidenceError | EvidenceUnsupportedError)


def test_more_than_the_limit_is_not_looked_at():
    many = materials(*[ABOUT_ANOTHER] * 64, GOOD)
    error = refusal(many)
    assert isinstance(error, EvidenceLimitError)
    assert len(error.candidates) == 64
    assert verify(many, limits=Limits(statements=65)).where == "line 64"


def test_what_the_source_left_out_might_have_counted():
    assert isinstance(refusal(truncated=True), EvidenceLimitError)
    assert isinstance(refusal(ABOUT_ANOTHER, truncated=True), EvidenceLimitError)
    assert verify(GOOD, truncated=True)


RELEASE_KEY = SIGSTORE.seed.p256("a release key")
KEYS = parse_trusted_keys(public_key_pem(RELEASE_KEY), name="release.pub")
BY_KEY = replace(POLICY, keys=KEYS)


@pytest.mark.parametrize("form", [EvidenceForm.BUNDLE, EvidenceForm.ENVELOPE])
def test_provenance_signed_by_a_configured_key_counts_and_says_so(form):
    raw = sign(keyed=True, leaf_key=RELEASE_KEY)
    found = verify(materials(raw if form is EvidenceForm.BUNDLE else bare_envelope(raw), form=form), policy=BY_KEY)
    assert found.proven.signer.name == "release.pub"
    assert found.facts.signed
    assert "signed by a configured key" in found.warnings[0]


def test_where_keys_are_configured_nothing_else_counts():
    assert isinstance(refusal(GOOD, policy=BY_KEY), BundleInvalidError)
    assert isinstance(refusal((bare_material(),), policy=BY_KEY), EnvelopeInvalidError)
    assert isinstance(refusal(sign(keyed=True, leaf_key=RELEASE_KEY)), EvidenceUnsupportedError)


def test_a_configured_key_does_not_stand_for_another_builder_or_source():
    keyed = {"keyed": True, "leaf_key": RELEASE_KEY}
    elsewhere = slsa_provenance(HASH, source_uri="git+https://github.com/acme/other")
    assert isinstance(refusal(sign(elsewhere, **keyed), policy=BY_KEY), SourceMismatchError)
    assert isinstance(refusal(sign(slsa_provenance(OTHER), **keyed), policy=BY_KEY), SubjectMismatchError)
    assert isinstance(refusal(sign(**keyed), policy=replace(BY_KEY, builder_ids=(OWN,))), BuilderMismatchError)


def test_a_layer_of_an_older_object_and_a_bare_envelope_with_its_log_entry_count():
    layer = Material(
        form=EvidenceForm.LEGACY_ATTESTATION, data=bare_envelope(GOOD), where="layer 0", annotations=layer_annotations(GOOD)
    )
    logged = replace(bare_material(), data=bare_envelope(GOOD), log_entries=(json.dumps(served_entry(GOOD)).encode(),))
    for material in (layer, logged):
        assert verify((material,)).proven.log[0].kind == "dsse/0.0.1"


def looked_up(*bundles, asked, end=None):
    def lookup(envelope, *, logs, artifact):
        asked.append(artifact)
        for one in bundles:
            yield FoundEntry(document=json.dumps(served_entry(one)).encode(), log="rekor.example")
        if end is not None:
            raise end

    return lookup


def test_the_entry_that_a_bare_envelope_lacks_is_looked_up_where_that_is_asked_for():
    asked: list[str] = []
    found = verify((replace(bare_material(), data=bare_envelope(GOOD)),), lookup=looked_up(GOOD, asked=asked))
    assert found.proven.log[0].kind == "dsse/0.0.1"
    assert found.proven.notes[-1] == "the log entry was looked up at `rekor.example`"
    assert asked == [HASH.hex]


def test_nothing_is_looked_up_for_what_needs_it_not():
    asked: list[str] = []
    about_another = replace(bare_material(), data=bare_envelope(ABOUT_ANOTHER))
    logged = replace(bare_material(), data=bare_envelope(GOOD), log_entries=(json.dumps(served_entry(GOOD)).encode(),))
    lookup = looked_up(asked=asked)
    assert verify((about_another, logged), lookup=lookup)
    assert verify(GOOD, lookup=lookup)
    assert not verify((bare_material(),), policy=replace(POLICY, allow_unsigned=True), lookup=lookup).facts.signed
    assert asked == []


def test_a_log_that_does_not_help_leaves_a_bare_envelope_unavailable_unless_its_claims_are_wrong_already():
    down = TransparencyLogUnavailableError("down")
    envelope = replace(bare_material(), data=bare_envelope(GOOD))
    assert refusal((envelope,), lookup=looked_up(asked=[], end=down)).what == "down"
    assert isinstance(refusal((envelope,), lookup=looked_up(asked=[])), TransparencyLogUnavailableError)
    elsewhere = replace(bare_material(), data=bare_envelope(FROM_ELSEWHERE))
    assert isinstance(refusal((elsewhere,), lookup=looked_up(asked=[], end=down)), SourceMismatchError)
    assert isinstance(refusal((elsewhere,), lookup=looked_up(FROM_ELSEWHERE, asked=[])), SourceMismatchError)


def test_one_envelope_that_could_not_be_looked_up_does_not_hide_a_good_bundle():
    down = TransparencyLogUnavailableError("down")
    found = verify((bare_material(), *materials(GOOD)), lookup=looked_up(asked=[], end=down))
    assert [one.error.reason for one in found.rejected] == ["TransparencyLogUnavailable"]


def test_both_verifiers_are_asked_unless_somebody_says_otherwise():
    found = verify_provenance(materials(GOOD), artifact_hash=HASH, policy=POLICY, root=ROOT)
    assert found.proven is not None
    assert found.proven.judged_by == ("supplychain", "sigstore-python")


def test_the_workflow_that_was_started_is_reported():
    assert (
        verify(sign(github_provenance(HASH), identity=github_identity()), policy=NAMED).facts.workflow
        == f"{OWN}@refs/tags/v1.2.3"
    )


def test_a_bare_envelope_by_the_sources_own_workflow_counts_at_any_ref_that_was_built():
    ref = "refs/tags/v1.2.3-rc.1"
    statement = github_provenance(HASH, ref=ref, builder=f"{OWN}@{ref}")
    policy = replace(NAMED, source_tag="v1.2.3-rc.1", allow_unsigned=True)
    found = verify((bare_material(statement),), policy=policy)
    assert (found.facts.builder_id, found.facts.subject) == (f"{OWN}@{ref}", "plugin.so")


def test_what_was_looked_up_is_held_to_the_configured_keys_and_says_who_judged():
    keyed = sign(keyed=True, leaf_key=RELEASE_KEY)
    envelope = replace(bare_material(), data=bare_envelope(keyed))
    found = verify((envelope,), policy=BY_KEY, lookup=looked_up(keyed, asked=[]))
    assert found.proven.signer.name == "release.pub"
    good = replace(bare_material(), data=bare_envelope(GOOD))
    for second_opinion in (False, True):
        notes = verify((good,), lookup=looked_up(GOOD, asked=[]), second_opinion=second_opinion).proven.notes
        assert any("it reads bundles only" in note for note in notes) is second_opinion
