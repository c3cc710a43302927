"""The pipeline: order, gates, and what becomes of each kind of raise."""

import base64
import json
from dataclasses import replace
from typing import Any

import pytest

from supplychain.artifact import EvidenceForm, Material
from supplychain.digest import ArtifactHash, ManifestDigest
from supplychain.errors import (
    InvalidTrustRootError,
    NotTrustedError,
    RegistryUnavailableError,
    TrustRootUnavailableError,
)
from supplychain.ports import FoundEntry
from supplychain.report import Layer, Outcome, Problem, Verdict
from supplychain.revocation import RevocationSet, parse_revocation_list
from supplychain.slsa import SlsaPolicy
from supplychain.verifier import PluginVerifier, Verification
from tests.support import scenario
from tests.support.builders import build_descriptor, build_elf, build_package, sign
from tests.support.scenario import AT, LIBRARY, MemorySource, policy, request
from tests.support.sigstore.legacy import bare_envelope, served_entry
from tests.support.virtual_sigstore import github_identity, slsa_provenance

ALL = tuple(Layer)


def verifier(**overrides):
    return PluginVerifier(root=scenario.trust_root, second_opinion=False, **overrides)


def judge(source=None, *, ask=None, by=None) -> Verification:
    return (by or verifier(revocations=revocations())).verify(source or MemorySource(), request=ask or request(), at=AT)


def revocations(*hashes: ArtifactHash) -> RevocationSet:
    entries = ",".join(f'{{"artifact_sha256": "{one}", "reason": "CVE-2025-0001"}}' for one in hashes)
    document = f'{{"version": 1, "revocations": [{entries}]}}'.encode()
    return RevocationSet(lists=(parse_revocation_list(document, name="cluster-default"),))


def outcomes(verification: Verification) -> dict[Layer, Outcome]:
    return {result.layer: result.outcome for result in verification.report.layers}


def result(verification: Verification, layer: Layer) -> Any:
    return next(one for one in verification.report.layers if one.layer is layer)


def problem_of_the_request(verification: Verification) -> Problem:
    assert verification.report.error is not None
    return verification.report.error


def closed_after(layer: Layer, outcome: Outcome) -> dict[Layer, Outcome]:
    position = ALL.index(layer)
    return {
        one: Outcome.PASSED if number < position else outcome if number == position else Outcome.NOT_REACHED
        for number, one in enumerate(ALL)
    }


def test_a_plugin_with_all_evidence_passes_every_layer_in_order():
    with judge() as verification:
        assert outcomes(verification) == dict.fromkeys(ALL, Outcome.PASSED)
        assert [one.layer for one in verification.report.layers] == list(ALL)
        assert verification.report.verdict is Verdict.TRUSTED
        assert bytes(memoryview(verification.verified().package.artifact.view)) == LIBRARY


def test_both_verifiers_judge_unless_one_is_turned_off():
    with judge(by=PluginVerifier(root=scenario.trust_root)) as verification:
        assert result(verification, Layer.COSIGN).facts["judgedBy"] == ("supplychain", "sigstore-python")
    with judge() as verification:
        assert result(verification, Layer.COSIGN).facts["judgedBy"] == ("supplychain",)


def test_an_unreachable_registry_is_unavailable_and_reaches_nothing():
    with judge(MemorySource(pull_error=RegistryUnavailableError("no answer"))) as verification:
        assert outcomes(verification) == closed_after(Layer.PULL, Outcome.UNAVAILABLE)
        assert verification.report.verdict is Verdict.UNAVAILABLE
        with pytest.raises(NotTrustedError):
            verification.verified()


@pytest.mark.parametrize(
    ("overrides", "reason"),
    [
        pytest.param({"plugin_id": "dev.mcpg.example.other"}, "PluginIdMismatch", id="id"),
        pytest.param({"version": "1.2.4"}, "VersionMismatch", id="version"),
        pytest.param({"plugin_class": "audit_sink"}, "PluginClassMismatch", id="class"),
    ],
)
def test_another_plugin_than_the_one_asked_for_is_refused_first(overrides, reason):
    with judge(ask=request(policy=policy(**overrides))) as verification:
        assert outcomes(verification) == closed_after(Layer.DESCRIPTOR, Outcome.REFUSED)
        assert result(verification, Layer.DESCRIPTOR).problem.reason == reason


def test_a_runtime_that_does_not_fit_the_member_is_refused():
    source = MemorySource(package=build_package(artifact=LIBRARY, descriptor=build_descriptor(runtime="wasi-v1")))
    with judge(source) as verification:
        assert result(verification, Layer.DESCRIPTOR).problem.reason == "RuntimeMismatch"


def test_a_library_for_another_machine_is_refused():
    with judge(MemorySource(package=build_package(artifact=build_elf(architecture="arm64")))) as verification:
        assert result(verification, Layer.DESCRIPTOR).problem.reason == "PlatformMismatch"


def test_a_wasm_component_has_no_platform_to_check():
    library = b"\0asm\x0d\0\x01\0"
    package = build_package(artifact=library, artifact_name="plugin.wasm", descriptor=build_descriptor(runtime="wasi-v1"))
    with judge(MemorySource(package=package), ask=request(policy=policy(cosign=None, slsa=None))) as verification:
        assert verification.report.trusted


def test_an_unsigned_package_is_refused_before_anything_else_is_asked():
    source = MemorySource(package=build_package(artifact=LIBRARY, signature=None))
    with judge(source) as verification:
        assert outcomes(verification) == closed_after(Layer.ED25519, Outcome.REFUSED)
        assert result(verification, Layer.ED25519).problem.reason == "SignatureMissing"
        assert source.evidence_calls == 0


def test_a_changed_library_is_refused_by_its_signature():
    source = MemorySource(package=build_package(artifact=LIBRARY + b"\0", signature=sign(LIBRARY)))
    with judge(source) as verification:
        assert result(verification, Layer.ED25519).problem.reason == "SignatureInvalid"


def test_a_revoked_library_is_refused_although_it_is_signed():
    with judge(by=verifier(revocations=revocations(ArtifactHash.of(LIBRARY)))) as verification:
        assert outcomes(verification) == closed_after(Layer.REVOCATION, Outcome.REFUSED)
        assert "CVE-2025-0001" in str(result(verification, Layer.REVOCATION).problem)


def test_an_unusable_revocation_list_is_not_an_empty_one():
    bad = parse_revocation_list(b'{"version": 1, "revocations": [{"artifact_sha256": "zz", "reason": "x"}]}', name="list")
    with judge(by=verifier(revocations=RevocationSet(lists=(bad,)))) as verification:
        assert outcomes(verification) == closed_after(Layer.REVOCATION, Outcome.UNAVAILABLE)
        assert result(verification, Layer.REVOCATION).problem.reason == "RevocationListInvalid"


def test_layers_that_nobody_configured_are_said_to_be_so():
    with judge(by=verifier(), ask=request(policy=policy(cosign=None, slsa=None))) as verification:
        assert [outcomes(verification)[one] for one in (Layer.REVOCATION, Layer.COSIGN, Layer.SLSA)] == [
            Outcome.NOT_CONFIGURED
        ] * 3
        assert verification.report.trusted


def test_an_image_signature_for_another_manifest_is_refused():
    attached = scenario.evidence(scenario.signature_bundle(ManifestDigest.of(b"another")), scenario.provenance_bundle())
    with judge(MemorySource(attached=attached)) as verification:
        assert outcomes(verification) == closed_after(Layer.COSIGN, Outcome.REFUSED)
        assert result(verification, Layer.COSIGN).problem.reason == "SignedDigestMismatch"


def test_an_image_signature_by_somebody_else_is_refused():
    foreign = scenario.signature_bundle(identity=github_identity("mallory/plugins"))
    with judge(MemorySource(attached=scenario.evidence(foreign, scenario.provenance_bundle()))) as verification:
        assert result(verification, Layer.COSIGN).problem.reason == "IdentityMismatch"


def test_a_bare_package_cannot_carry_an_image_signature():
    with judge(MemorySource(manifest_digest=None)) as verification:
        assert outcomes(verification) == closed_after(Layer.COSIGN, Outcome.UNAVAILABLE)
        assert result(verification, Layer.COSIGN).problem.reason == "SignatureSourceMissing"


def test_provenance_for_another_artifact_is_refused():
    other = scenario.provenance_bundle(ArtifactHash.of(b"another"))
    with judge(MemorySource(attached=scenario.evidence(scenario.signature_bundle(), other))) as verification:
        assert outcomes(verification) == closed_after(Layer.SLSA, Outcome.REFUSED)
        assert result(verification, Layer.SLSA).problem.reason == "SubjectMismatch"


def test_provenance_that_is_given_replaces_what_is_attached():
    given = (Material(form=EvidenceForm.BUNDLE, data=scenario.provenance_bundle(ArtifactHash.of(b"another")), where="file"),)
    with judge(ask=request(provenance=given)) as verification:
        assert result(verification, Layer.SLSA).problem.reason == "SubjectMismatch"
    with judge(ask=request(provenance=())) as verification:
        assert result(verification, Layer.SLSA).problem.reason == "ProvenanceMissing"


def test_attached_evidence_is_collected_once():
    source = MemorySource()
    judge(source).close()
    assert source.evidence_calls == 1


def test_evidence_that_cannot_be_collected_is_unavailable():
    with judge(MemorySource(evidence_error=RegistryUnavailableError("no answer"))) as verification:
        assert outcomes(verification) == closed_after(Layer.COSIGN, Outcome.UNAVAILABLE)


def test_an_unreachable_trust_root_fails_only_layers_that_need_it():
    def unreachable():
        raise TrustRootUnavailableError("no network")

    without_root = PluginVerifier(root=unreachable)
    with judge(by=without_root, ask=request(policy=policy(cosign=None, slsa=None))) as verification:
        assert verification.report.trusted
    with judge(by=without_root) as verification:
        assert result(verification, Layer.COSIGN).problem.reason == "TrustRootUnavailable"
        assert verification.report.verdict is Verdict.UNAVAILABLE


def test_the_trust_root_is_asked_for_once_and_named_in_the_report():
    calls = []

    def root():
        calls.append(1)
        return scenario.trust_root()

    with judge(by=PluginVerifier(root=root, second_opinion=False)) as verification:
        assert calls == [1]
        assert verification.report.inputs["trustRoots"] == ({"name": "virtual", "sha256": scenario.trust_root().sha256},)


def test_a_wrong_request_ends_the_run_as_invalid():
    def wrong():
        raise InvalidTrustRootError("no trust root")

    with judge(by=PluginVerifier(root=wrong)) as verification:
        assert verification.report.verdict is Verdict.INVALID
        assert problem_of_the_request(verification).reason == "InvalidTrustRoot"
        assert outcomes(verification)[Layer.COSIGN] is Outcome.NOT_REACHED
        with pytest.raises(NotTrustedError):
            verification.verified()


def test_a_key_is_mandatory():
    with judge(ask=request(policy=policy(keys=()))) as verification:
        assert problem_of_the_request(verification).reason == "SigningKeyMissing"


def test_a_defect_propagates_and_leaves_no_spool_open():
    source = MemorySource()

    def broken():
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        judge(source, by=PluginVerifier(root=broken))
    assert source.spools[0].file.closed


def test_closing_gives_the_bytes_back():
    source = MemorySource()
    with judge(source) as verification:
        artifact = verification.verified().package.artifact
    assert source.spools[0].file.closed
    assert artifact.file.closed


def test_warnings_of_the_request_are_shown():
    with judge(ask=replace(request(), warnings=("taken from a draft",))) as verification:
        assert result(verification, Layer.PULL).warnings == ("taken from a draft",)


def test_fields_that_nobody_asked_about_are_named():
    with judge(ask=request(policy=policy(plugin_id=None, version=None, plugin_class=None))) as verification:
        assert "id, version, class" in result(verification, Layer.DESCRIPTOR).warnings[-1]


def test_rejected_candidates_are_listed_beside_the_one_that_counts():
    foreign = scenario.signature_bundle(identity=github_identity("mallory/plugins"))
    attached = scenario.evidence(foreign, scenario.signature_bundle(), scenario.provenance_bundle(), b"{")
    with judge(MemorySource(attached=attached)) as verification:
        candidates = result(verification, Layer.COSIGN).candidates
        assert verification.report.trusted
        assert candidates[0].outcome is Outcome.PASSED
        assert {one.problem.reason for one in candidates[1:]} >= {"IdentityMismatch"}


def test_unsigned_provenance_counts_only_where_the_policy_says_so_and_shows():
    payload = json.dumps(slsa_provenance(ArtifactHash.of(LIBRARY))).encode()
    envelope: dict[str, Any] = {"payload": base64.b64encode(payload).decode(), "payloadType": "application/vnd.in-toto+json"}
    envelope["signatures"] = [{"sig": base64.b64encode(b"made up").decode()}]
    given = (Material(form=EvidenceForm.ENVELOPE, data=json.dumps(envelope).encode(), where="file"),)
    with judge(ask=request(provenance=given)) as verification:
        assert not verification.report.trusted
    unsigned = SlsaPolicy(source_uri="github.com/acme/plugins", source_tag="v1.2.3", allow_unsigned=True)
    with judge(ask=request(provenance=given, policy=policy(slsa=unsigned))) as verification:
        assert verification.report.trusted
        assert result(verification, Layer.SLSA).facts["signed"] is False
        assert result(verification, Layer.SLSA).warnings


def test_more_evidence_than_is_looked_at_is_not_an_absence_of_provenance():
    attached = replace(scenario.evidence(scenario.signature_bundle()), truncated=True)
    with judge(MemorySource(attached=attached)) as verification:
        assert result(verification, Layer.SLSA).problem.reason == "EvidenceLimit"


def test_a_report_says_what_was_judged_when_and_by_which_lists():
    with judge() as verification:
        report = verification.report
        assert (report.target, report.at) == ("memory", AT)
        lists: Any = report.inputs["revocationLists"]
        assert [one["name"] for one in lists] == ["cluster-default"]
        assert verification.verified().report is report
        assert result(verification, Layer.DESCRIPTOR).facts["tagVersion"] == "1.2.3"


def test_both_verifiers_judge_the_provenance_as_well():
    with judge(by=PluginVerifier(root=scenario.trust_root)) as verification:
        assert result(verification, Layer.SLSA).facts["judgedBy"] == ("supplychain", "sigstore-python")


def test_the_platform_that_was_asked_for_is_pulled():
    asked = []

    class Asked(MemorySource):
        def pull(self, *, platform):
            asked.append(platform)
            return super().pull(platform=platform)

    with judge(Asked()):
        assert asked == [request().platform]


def test_the_log_entry_that_a_given_envelope_lacks_is_looked_up():
    raw = scenario.provenance_bundle()

    def lookup(_envelope, *, logs, artifact):
        assert artifact == ArtifactHash.of(LIBRARY).hex
        yield FoundEntry(document=json.dumps(served_entry(raw)).encode(), log=logs[0])

    given = (Material(form=EvidenceForm.ENVELOPE, data=bare_envelope(raw), where="given"),)
    with judge(ask=request(provenance=given), by=verifier(lookup=lookup)) as verification:
        assert outcomes(verification)[Layer.SLSA] is Outcome.PASSED
    with judge(ask=request(provenance=given), by=verifier()) as verification:
        assert outcomes(verification)[Layer.SLSA] is Outcome.UNAVAILABLE
