"""Bundles that other projects made, with the verdicts of their own tests: sigstore-conformance and sigstore-go."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from supplychain.artifact import EvidenceForm, Material
from supplychain.bundle import parse_bundle
from supplychain.errors import SupplyChainError, VerifiersDisagreeError
from supplychain.evidence import verify_envelope, verify_message
from supplychain.identity import SignerIdentity
from supplychain.trust_root import TrustRoot, embedded, parse_trust_root
from supplychain.verification_key import parse_trusted_keys
from tests.support.components import evidence_directory

if TYPE_CHECKING:
    from pathlib import Path

    from supplychain.proof import ProvenEnvelope, ProvenMessage

SETS = ("sigstore", "sigstore-go")
ONE_VERIFIER = {
    "sigstore/intoto-with-custom-trust-root": "`intoto` log entries",
    "sigstore-go/othername": "cannot use this trust root",
    "sigstore/managed-key-and-trusted-root": "signed by a key",
}


@pytest.fixture(scope="module")
def directory() -> Path:
    return evidence_directory()


@pytest.fixture(scope="module")
def entries(directory: Path) -> list[dict[str, Any]]:
    return [entry for entry in json.loads((directory / "MANIFEST.json").read_bytes()) if entry["set"] in SETS]


def root_of(entry: dict[str, Any], directory: Path) -> TrustRoot:
    name = entry["files"].get("trusted_root")
    return parse_trust_root((directory / name).read_bytes(), name=name) if name else embedded()


def prove(entry: dict[str, Any], directory: Path, *, by_digest: bool, second: bool) -> ProvenEnvelope | ProvenMessage:
    """Judge as a caller would: signature first, then the identity that was asked for."""
    files, request = entry["files"], entry["request"]
    root = root_of(entry, directory)
    material = Material(form=EvidenceForm.BUNDLE, data=(directory / files["bundle"]).read_bytes(), where=entry["id"])
    keys = parse_trusted_keys((directory / files["key"]).read_bytes(), name="key") if "key" in files else ()
    proven: ProvenEnvelope | ProvenMessage
    if parse_bundle(material.data).envelope is not None:
        proven = verify_envelope(material, root=root, keys=keys, second_opinion=second)
    elif by_digest or "artifact" not in files:
        digest = bytes.fromhex(files.get("artifact_sha256") or "00" * 32)
        proven = verify_message(material, root=root, digest=digest, keys=keys, second_opinion=second)
    else:
        message = (directory / files["artifact"]).read_bytes()
        proven = verify_message(material, root=root, message=message, keys=keys, second_opinion=second)
    if isinstance(proven.signer, SignerIdentity):
        assert request.get("identity") in (None, proven.signer.subject), "another identity"
        assert request.get("issuer") in (None, proven.signer.issuer), "another issuer"
    else:
        assert "key" in request, "signed by a key"
    return proven


@pytest.mark.parametrize("second", [False, True], ids=["core", "both"])
@pytest.mark.parametrize("by_digest", [False, True], ids=["by file", "by digest"])
def test_every_verdict_is_upstreams(entries: list[dict[str, Any]], directory: Path, by_digest: bool, second: bool) -> None:
    wrong = []
    for entry in entries:
        try:
            proven = prove(entry, directory, by_digest=by_digest, second=second)
        except (SupplyChainError, AssertionError) as error:
            if entry["expected"] == "trusted" or isinstance(error, VerifiersDisagreeError):
                wrong.append((entry["id"], str(error)))
            continue
        judges = 1 if not second or entry["id"] in ONE_VERIFIER else 2
        if entry["expected"] != "trusted" or len(proven.judged_by) != judges:
            wrong.append((entry["id"], f"accepted by {proven.judged_by}: {proven.notes}"))
        if second and judges == 1 and ONE_VERIFIER[entry["id"]] not in proven.notes[-1]:
            wrong.append((entry["id"], f"alone for another reason: {proven.notes}"))
    assert wrong == []


def test_the_sets_are_not_empty(entries: list[dict[str, Any]]) -> None:
    assert {entry["set"] for entry in entries} == set(SETS)
    assert sum(entry["expected"] == "trusted" for entry in entries) >= 9
    assert sum(entry["expected"] == "refused" for entry in entries) >= 15
