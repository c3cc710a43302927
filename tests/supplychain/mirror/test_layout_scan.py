"""Evidence in an image layout, in every way that tools leave it there, and among everything else that may be there."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from supplychain.artifact import EvidenceForm, EvidenceSet
from supplychain.digest import ManifestDigest
from supplychain.errors import ManifestInvalidError, UnreadableFileError
from supplychain.limits import Limits
from supplychain.mirror import layout_scan
from supplychain.mirror.blobs import BlobStore
from supplychain.mirror.layout import LayoutSource
from tests.support.oci import Stored

if TYPE_CHECKING:
    from pathlib import Path

    from supplychain.mirror.manifests import OciDescriptor

BUNDLE = b'{"mediaType":"application/vnd.dev.sigstore.bundle.v0.3+json"}'
REF_NAME = "org.opencontainers.image.ref.name"
SIGNATURE_TYPE = "application/vnd.dev.cosign.simplesigning.v1+json"
ATTESTATION_TYPE = "application/vnd.dsse.envelope.v1+json"


@pytest.fixture
def stored() -> Stored:
    return Stored()


@pytest.fixture
def subject(stored: Stored) -> dict[str, Any]:
    return stored.plugin(b"package", config={}, tag="1.2.3")


def collect(stored: Stored, path: Path, subject: dict[str, Any], *, limits: Limits | None = None) -> EvidenceSet:
    stored.write(path)
    with LayoutSource(path, limits=limits) as source:
        return source.evidence(ManifestDigest.parse(subject["digest"]))


def attach(stored: Stored, subject: dict[str, Any], data: bytes = BUNDLE, **edit: Any) -> dict[str, Any]:
    return stored.attach(data, subject=subject, predicate_type="https://sigstore.dev/cosign/sign/v1", edit=edit)


def fallback(subject: dict[str, Any], suffix: str = "") -> str:
    return str(subject["digest"]).replace(":", "-") + suffix


def legacy(stored: Stored, layer_type: str, data: bytes = b"payload") -> dict[str, Any]:
    config = stored.blob(b"{}", "application/vnd.oci.image.config.v1+json")
    layer = {**stored.blob(data, layer_type), "annotations": {"dev.cosignproject.cosign/signature": "c2ln"}}
    return {"schemaVersion": 2, "config": config, "layers": [layer]}


def test_a_referrer_that_the_layout_lists_is_found(stored: Stored, subject: dict[str, Any], tmp_path: Path) -> None:
    entry = attach(stored, subject)
    found = collect(stored, tmp_path, subject)
    (material,) = found.materials
    assert (material.form, material.data) == (EvidenceForm.BUNDLE, BUNDLE)
    assert material.where == f"referrer {entry['digest']}"
    assert material.annotations["dev.sigstore.bundle.content"] == "dsse-envelope"
    assert (found.skipped, found.truncated) == ((), False)


def test_a_referrer_is_found_by_its_subject_and_not_by_what_the_listing_says(
    stored: Stored, subject: dict[str, Any], tmp_path: Path
) -> None:
    attach(stored, subject)
    stored.listed[-1] = {key: stored.listed[-1][key] for key in ("mediaType", "digest", "size")}
    assert len(collect(stored, tmp_path, subject).materials) == 1


def test_a_referrer_in_the_fallback_tag_is_found(stored: Stored, subject: dict[str, Any], tmp_path: Path) -> None:
    entry = attach(stored, subject)
    stored.listed.pop()
    stored.index(entry, tag=fallback(subject))
    assert [one.data for one in collect(stored, tmp_path, subject).materials] == [BUNDLE]


def test_a_referrer_in_any_nested_index_is_found_once(stored: Stored, subject: dict[str, Any], tmp_path: Path) -> None:
    entry = attach(stored, subject)
    for _ in range(3):
        entry = stored.index(entry)
    assert [one.data for one in collect(stored, tmp_path, subject).materials] == [BUNDLE]


def test_indexes_nested_too_deep_are_not_followed_and_that_is_said(
    stored: Stored, subject: dict[str, Any], tmp_path: Path
) -> None:
    entry = attach(stored, subject)
    stored.listed.pop()
    for _ in range(5):
        entry = stored.index(entry)
        stored.listed.pop()
    stored.listed.append(entry)
    found = collect(stored, tmp_path, subject)
    assert (found.materials, found.truncated) == ((), True)
    assert "too many nested indexes" in found.skipped[0][1]


def test_evidence_about_another_manifest_is_not_taken(stored: Stored, subject: dict[str, Any], tmp_path: Path) -> None:
    other = stored.plugin(b"another", config={}, tag="1.2.4")
    attach(stored, other)
    stored.manifest(legacy(stored, SIGNATURE_TYPE), tag=fallback(other, ".sig"))
    assert collect(stored, tmp_path, subject) == EvidenceSet()


def test_the_subject_and_its_children_are_no_evidence(stored: Stored, subject: dict[str, Any], tmp_path: Path) -> None:
    index = stored.index({**subject, "platform": {"os": "linux", "architecture": "amd64"}}, tag="1")
    assert collect(stored, tmp_path, index) == EvidenceSet()


SIGNATURE = (EvidenceForm.LEGACY_SIGNATURE, ".sig", "dev.cosignproject.cosign/sigs", SIGNATURE_TYPE)
ATTESTATION = (EvidenceForm.LEGACY_ATTESTATION, ".att", "dev.cosignproject.cosign/atts", ATTESTATION_TYPE)


@pytest.mark.parametrize("older", [SIGNATURE, ATTESTATION])
def test_older_objects_are_found_by_their_tag(
    stored: Stored, subject: dict[str, Any], tmp_path: Path, older: tuple[EvidenceForm, str, str, str]
) -> None:
    form, suffix, _, layer_type = older
    stored.manifest(legacy(stored, layer_type), tag=fallback(subject, suffix))
    (material,) = collect(stored, tmp_path, subject).materials
    assert (material.form, material.data) == (form, b"payload")
    assert material.where == f"tag {fallback(subject, suffix)}, layer 0"
    assert material.annotations == {"dev.cosignproject.cosign/signature": "c2ln"}


@pytest.mark.parametrize("older", [SIGNATURE, ATTESTATION])
def test_older_objects_are_found_as_cosign_saves_them(
    stored: Stored, subject: dict[str, Any], tmp_path: Path, older: tuple[EvidenceForm, str, str, str]
) -> None:
    form, suffix, kind, layer_type = older
    stored.manifest(legacy(stored, layer_type))
    stored.listed[-1]["annotations"] = {"kind": kind}
    (material,) = collect(stored, tmp_path, subject).materials
    assert (material.form, material.where) == (form, f"tag {fallback(subject, suffix)}, layer 0")


def test_an_older_object_that_is_not_what_it_is_listed_as_is_skipped(
    stored: Stored, subject: dict[str, Any], tmp_path: Path
) -> None:
    entry = stored.manifest(legacy(stored, SIGNATURE_TYPE), tag=fallback(subject, ".sig"))
    stored.blobs[entry["digest"]] = b"{}"
    attach(stored, subject)
    found = collect(stored, tmp_path, subject)
    assert len(found.materials) == 1
    assert [where for where, _ in found.skipped] == [f"tag {fallback(subject, '.sig')}"]
    assert "another size" in found.skipped[0][1]


def test_broken_objects_beside_the_evidence_do_no_harm(stored: Stored, subject: dict[str, Any], tmp_path: Path) -> None:
    broken = attach(stored, subject, b"changed later")
    stored.blobs[broken["digest"]] = stored.blobs[broken["digest"]][:-1] + b" "
    missing = attach(stored, subject, b"never copied")
    del stored.blobs[missing["digest"]]
    stored.listed.append({"mediaType": "no descriptor"})
    stored.listed.append({"mediaType": "text/plain", "digest": "sha256:" + "0" * 64, "size": 1})
    attach(stored, subject)
    found = collect(stored, tmp_path, subject)
    assert [one.data for one in found.materials] == [BUNDLE]
    reasons = " | ".join(why for _, why in found.skipped)
    assert len(found.skipped) == 3
    assert "another digest" in reasons
    assert "lacks a blob" in reasons
    assert "unusable media type" in reasons


def test_a_layer_of_other_bytes_is_skipped(stored: Stored, subject: dict[str, Any], tmp_path: Path) -> None:
    attach(stored, subject)
    digest = next(digest for digest, data in stored.blobs.items() if data == BUNDLE)
    stored.blobs[digest] = BUNDLE[::-1]
    found = collect(stored, tmp_path, subject)
    assert found.materials == ()
    assert "another digest" in found.skipped[0][1]


def test_likely_entries_are_looked_at_before_others(
    stored: Stored, subject: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(5):
        stored.plugin(b"%d" % number, config={})
        del stored.listed[-1]["artifactType"]
    attach(stored, subject)
    entry = attach(stored, subject, b"in the fallback index")
    stored.listed.pop()
    stored.index(entry, tag=fallback(subject))
    monkeypatch.setattr(layout_scan, "MAX_ENTRIES", 3)
    found = collect(stored, tmp_path, subject)
    assert sorted(one.data for one in found.materials) == sorted([BUNDLE, b"in the fallback index"])
    assert found.truncated
    assert "more than 3 entries" in found.skipped[-1][1]


def test_ten_thousand_referrers_are_the_most_that_is_looked_at(stored: Stored, subject: dict[str, Any], tmp_path: Path) -> None:
    kind = "application/vnd.oci.image.manifest.v1+json"
    stored.listed += [{"mediaType": kind, "digest": f"sha256:{number:064x}", "size": 500} for number in range(10_001)]
    attach(stored, subject)
    found = collect(stored, tmp_path, subject, limits=Limits())
    assert [one.data for one in found.materials] == [BUNDLE]
    assert found.truncated
    assert len(found.skipped) < 100


def test_no_more_than_64_mib_of_manifests_are_read(
    stored: Stored, subject: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    attach(stored, subject)
    stored.plugin(b"another", config={})
    del stored.listed[-1]["artifactType"]
    assert layout_scan.MAX_SCANNED == 64 * 1024 * 1024
    monkeypatch.setattr(layout_scan, "MAX_SCANNED", 1200)
    found = collect(stored, tmp_path, subject)
    assert (len(found.materials), found.truncated) == (1, True)


def test_a_claim_of_a_huge_manifest_uses_nothing_up(stored: Stored, subject: dict[str, Any], tmp_path: Path) -> None:
    huge = dict(stored.plugin(b"another", config={}))
    stored.listed[-1] = {**huge, "size": 2**62, "artifactType": "application/vnd.dev.sigstore.bundle.v0.3+json"}
    attach(stored, subject)
    found = collect(stored, tmp_path, subject)
    assert (len(found.materials), found.truncated) == (1, False)
    assert "too large" in found.skipped[0][1]


def test_candidates_and_bytes_are_limited(stored: Stored, subject: dict[str, Any], tmp_path: Path) -> None:
    for number in range(4):
        attach(stored, subject, b"%d" % number)
    found = collect(stored, tmp_path / "a", subject, limits=Limits(candidates=3))
    assert (len(found.materials), found.truncated) == (3, True)
    found = collect(stored, tmp_path / "b", subject, limits=Limits(evidence=2000))
    assert found.truncated
    assert 0 < len(found.materials) < 4


def test_a_layout_that_cannot_be_read_is_an_error_and_not_an_empty_answer(
    stored: Stored, subject: dict[str, Any], tmp_path: Path
) -> None:
    stored.write(tmp_path)
    (tmp_path / "index.json").write_bytes(b"{")
    with LayoutSource(tmp_path) as source, pytest.raises(ManifestInvalidError):
        source.evidence(ManifestDigest.parse(subject["digest"]))
    (tmp_path / "index.json").unlink()
    with LayoutSource(tmp_path) as source, pytest.raises(UnreadableFileError):
        source.evidence(ManifestDigest.parse(subject["digest"]))


def test_the_listing_is_believed_in_nothing(stored: Stored, subject: dict[str, Any], tmp_path: Path) -> None:
    """An entry may claim any annotation and type: only the opened manifest's `subject` makes it a referrer."""
    other = stored.plugin(b"another", config={})
    stored.listed[-1] = {**other, "artifactType": "application/vnd.dev.sigstore.bundle.v0.3+json", "annotations": {REF_NAME: "x"}}
    found = collect(stored, tmp_path, subject)
    assert found == EvidenceSet()
    assert json.loads((tmp_path / "index.json").read_text())["manifests"][-1]["annotations"] == {REF_NAME: "x"}


def test_an_older_object_that_is_listed_many_times_is_read_once(
    stored: Stored, subject: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed = stored.manifest(legacy(stored, SIGNATURE_TYPE))
    stored.listed[-1:] = [{**listed, "annotations": {"kind": "dev.cosignproject.cosign/sigs"}}] * 5000
    opened: list[str] = []
    read = BlobStore.read

    def watched(store: BlobStore, entry: OciDescriptor, *, limit: int) -> bytes:
        opened.append(str(entry.manifest_digest))
        return read(store, entry, limit=limit)

    monkeypatch.setattr(BlobStore, "read", watched)
    assert len(collect(stored, tmp_path, subject).materials) == 1
    assert opened.count(listed["digest"]) == 1


def test_older_objects_count_as_manifests_that_are_read(
    stored: Stored, subject: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(3):
        stored.manifest(legacy(stored, SIGNATURE_TYPE, b"%d" % number))
        stored.listed[-1]["annotations"] = {"kind": "dev.cosignproject.cosign/sigs"}
    monkeypatch.setattr(layout_scan, "MAX_SCANNED", sum(entry["size"] for entry in stored.listed[:3]))
    found = collect(stored, tmp_path, subject)
    assert ([material.data for material in found.materials], found.truncated) == ([b"0", b"1"], True)
    assert "bytes of manifests" in found.skipped[-1][1]
