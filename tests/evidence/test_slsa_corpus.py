"""Every request of the sets `slsa` and `github` of the foreign evidence, with the verdict that its own project's tests state."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

import pytest

from supplychain.artifact import EvidenceForm, Material
from supplychain.digest import ArtifactHash
from supplychain.errors import EvidenceUnsupportedError, SupplyChainError, VerificationError
from supplychain.evidence import verify_envelope
from supplychain.identity import SignerIdentity
from supplychain.in_toto import claimed_envelope
from supplychain.slsa import GITHUB_ISSUER, Provenance, SlsaPolicy, parse_provenance_file, verify_provenance
from supplychain.slsa.source import Source
from supplychain.slsa.statement import read_statement
from supplychain.trust_root import TrustRoot, embedded, parse_trust_root
from supplychain.wire import MalformedError
from tests.support.components import evidence_directory

try:
    EVIDENCE = evidence_directory()
except pytest.skip.Exception as exc:
    pytest.skip(str(exc), allow_module_level=True)

ENTRIES = [entry for entry in json.loads((EVIDENCE / "MANIFEST.json").read_text()) if entry["set"] in ("slsa", "github")]

MET = {"public-good-root"}
"""What a trusted verdict may need and we have."""

IGNORED_NEEDS = {"npm-registry-key"}
"""The key is for the publish attestation beside the provenance; the provenance needs none."""

OTHERWISE = {
    "github/sigstore-js-v0.1": "refused by that client's own rule alone; the bundle itself is sound and is judged like any other",
}
"""Entries whose expectation is no statement about provenance."""


@dataclass(frozen=True)
class Case:
    """One request, put into our words."""

    materials: tuple[Material, ...]
    artifact: ArtifactHash
    sha512: str | None
    root: TrustRoot
    policy: SlsaPolicy

    def verify(self) -> Provenance:
        return verify_provenance(
            self.materials, artifact_hash=self.artifact, sha512=self.sha512, policy=self.policy, root=self.root
        )


class RefusedByRequestError(Exception):
    """The request asks for something that is checked before any provenance is."""


def root_of(files: dict[str, str]) -> TrustRoot:
    if "trusted_root" not in files:
        return embedded()
    return parse_trust_root((EVIDENCE / files["trusted_root"]).read_bytes(), name="given")


def materials_of(files: dict[str, str]) -> tuple[Material, ...]:
    data = (EVIDENCE / (files.get("provenance") or files["bundle"])).read_bytes()
    if "attestation_manifest" in files:
        layer = json.loads((EVIDENCE / files["attestation_manifest"]).read_text())["layers"][0]
        return (Material(form=EvidenceForm.LEGACY_ATTESTATION, data=data, where="layer", annotations=layer["annotations"]),)
    return parse_provenance_file(data, where="file")


def signer_policy(materials: tuple[Material, ...], request: dict[str, Any], root: TrustRoot) -> dict[str, Any]:
    """Turn a request for an identity, which is another client's way, into a builder that a policy names.

    The signer that is proven becomes the one builder of the policy if the request's identity and issuer are its own.
    """
    try:
        proven = verify_envelope(materials[0], root=root)
    except SupplyChainError:
        return {}  # it is refused below, by our own question
    assert isinstance(proven.signer, SignerIdentity)
    subject = proven.signer.subject
    if "identity" in request and request["identity"] != subject:
        raise RefusedByRequestError(subject)
    if "identity_regexp" in request and re.search(request["identity_regexp"], subject) is None:
        raise RefusedByRequestError(subject)
    if request.get("issuer", proven.signer.issuer) != proven.signer.issuer:
        raise RefusedByRequestError(proven.signer.issuer)
    return {"builder_ids": (subject,), "issuer": proven.signer.issuer}


def claimed_source(materials: tuple[Material, ...]) -> str:
    """The source of a request that names none: whatever the statement says."""
    envelope = claimed_envelope(materials[0])
    predicate = read_statement(envelope.payload_type, envelope.payload, where="file").predicate
    return str(predicate["buildDefinition"]["externalParameters"]["workflow"]["repository"])


def case_of(entry: dict[str, Any]) -> Case:
    files, request = entry["files"], entry["request"]
    materials = materials_of(files)
    root = root_of(files)
    options: dict[str, Any] = {"issuer": GITHUB_ISSUER}
    if "builder_id" in request:
        options["builder_ids"] = (request["builder_id"],)
    elif entry["set"] == "github":
        options |= signer_policy(materials, request, root)
    source = request.get("source_uri") or ("github.com/any/source" if entry["set"] == "slsa" else claimed_source(materials))
    owner = request.get("source_owner")
    if owner is not None and Source.parse(source).repository.rpartition("/")[0] != owner:
        raise RefusedByRequestError(owner)
    return Case(
        materials=materials,
        artifact=ArtifactHash(files["artifact_sha256"]),
        sha512=files.get("artifact_sha512"),
        root=root,
        policy=SlsaPolicy(
            source_uri=source,
            source_tag=request.get("source_tag"),
            source_versioned_tag=request.get("source_versioned_tag"),
            source_branch=request.get("source_branch"),
            workflow_inputs=request.get("inputs", {}),
            **options,
        ),
    )


def outcome(entry: dict[str, Any]) -> Provenance | Exception:
    try:
        return case_of(entry).verify()
    except (SupplyChainError, RefusedByRequestError, MalformedError) as error:
        return error


def named(entries: list[dict[str, Any]]) -> list[Any]:
    return [pytest.param(entry, id=entry["id"]) for entry in entries]


def asks_for_provenance(entry: dict[str, Any]) -> bool:
    """The folder `slsa/bundle` holds requests for a bundle alone, without source or builder."""
    return "source_uri" in entry["request"] or entry["set"] == "github"


REFUSED = [entry for entry in ENTRIES if entry["expected"] == "refused" and entry["id"] not in OTHERWISE]
TRUSTED = [entry for entry in ENTRIES if entry["expected"] == "trusted"]
MISSING = {entry["id"]: set(entry.get("needs", ())) - MET - IGNORED_NEEDS for entry in ENTRIES}


@pytest.mark.parametrize("entry", named([one for one in TRUSTED if asks_for_provenance(one) and not MISSING[one["id"]]]))
def test_what_its_project_trusts_is_trusted(entry):
    verdict = outcome(entry)
    assert isinstance(verdict, Provenance), f"{verdict} {getattr(verdict, 'candidates', ())}"
    assert verdict.proven is not None


@pytest.mark.parametrize("entry", named([one for one in TRUSTED if not asks_for_provenance(one)]))
def test_a_sound_bundle_is_proven(entry):
    proven = verify_envelope(materials_of(entry["files"])[0], root=root_of(entry["files"]))
    assert isinstance(proven.signer, SignerIdentity)
    assert re.search(entry["request"]["identity_regexp"], proven.signer.subject)
    assert proven.signer.issuer == entry["request"]["issuer"]


@pytest.mark.parametrize("entry", named([one for one in REFUSED if asks_for_provenance(one)]))
def test_what_its_project_refuses_is_refused(entry):
    verdict = outcome(entry)
    assert isinstance(verdict, VerificationError | RefusedByRequestError), verdict


@pytest.mark.parametrize("entry", named([one for one in REFUSED if not asks_for_provenance(one)]))
def test_an_unsound_bundle_is_refused(entry):
    with pytest.raises(VerificationError):
        verify_envelope(materials_of(entry["files"])[0], root=root_of(entry["files"]))


@pytest.mark.parametrize("entry", named([one for one in ENTRIES if "rekor-lookup" in one.get("needs", ())]))
def test_evidence_without_log_proof_is_not_accepted_offline(entry):
    verdict = outcome(entry)
    if "testing-mode" in entry["needs"]:
        assert isinstance(verdict, VerificationError)
    else:
        assert isinstance(verdict, EvidenceUnsupportedError)


@pytest.mark.parametrize("entry", named([one for one in TRUSTED if MISSING[one["id"]] - {"rekor-lookup", "testing-mode"}]))
def test_what_needs_more_than_the_files_is_not_accepted(entry):
    assert isinstance(outcome(entry), SupplyChainError)


@pytest.mark.parametrize("entry", named([one for one in ENTRIES if one["id"] in OTHERWISE]))
def test_another_clients_own_rule_is_not_ours(entry):
    assert isinstance(outcome(entry), Provenance), OTHERWISE[entry["id"]]
