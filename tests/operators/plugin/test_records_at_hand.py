"""Records stay at hand as they would be read, share what a release has in common, and make room for others."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from mcpg_operator.keeping.records import Records
from supplychain.artifact import EvidenceForm, EvidenceSet, Material
from supplychain.digest import ArtifactHash, LayerDigest, ManifestDigest
from tests.operators.plugin.test_records import kept

if TYPE_CHECKING:
    from mcpg_operator.keeping import KeptPlugin

KIB = 1024


def evidence(**changes: Any) -> EvidenceSet:
    material = Material(form=EvidenceForm.BUNDLE, data=bytes(8 * KIB), where="a referrer", annotations={"a": "b"})
    return EvidenceSet(materials=(replace(material, **changes),))


def test_records_of_one_release_share_its_evidence_and_nothing_that_is_their_own():
    records = Records()
    alone = records.put("a", replace(kept(evidence()), plugin="a", uid="1"), digest="one")
    size = records.size
    other = records.put("b", replace(kept(evidence()), plugin="b", uid="2"), digest="two")
    assert other.evidence is alone.evidence
    assert (other.plugin, other.uid, alone.plugin, alone.uid) == ("b", "2", "a", "1")
    assert records.size - size < 4 * KIB < size
    found = records.get("b")
    assert found is not None
    assert (found.kept, found.digest) == (other, "two")


def test_records_of_one_release_share_its_documents_and_the_names_of_its_package():
    def read(name: str) -> KeptPlugin:
        """As it comes out of a Secret: every value made anew."""
        stored = replace(kept().stored, package=tuple((f"mcpg-shard-{one * 32}", one * 64) for one in "ab"))
        return replace(kept(), plugin=name, manifest=bytes(bytearray(8 * KIB)), index=bytes(bytearray(8 * KIB)), stored=stored)

    records = Records()
    alone, size = records.put("a", read("a"), digest=""), records.size
    other = records.put("b", read("b"), digest="")
    assert other.manifest is alone.manifest
    assert other.index is alone.index
    assert other.stored.package is alone.stored.package
    assert size > 16 * KIB
    assert records.size - size < 4 * KIB


@pytest.mark.parametrize(
    "other",
    [
        evidence(data=bytes(8 * KIB - 1) + b"1"),
        evidence(where="another referrer"),
        evidence(annotations={"a": "c"}),
        evidence(log_entries=(b"",)),
        evidence(form=EvidenceForm.ENVELOPE),
        replace(evidence(), truncated=True),
        replace(evidence(), complete=False),
        replace(evidence(), skipped=(("x", "y"),)),
        EvidenceSet(),
        None,
    ],
)
def test_other_evidence_is_never_taken_for_the_same(other):
    records = Records()
    records.put("a", kept(evidence()), digest="")
    assert records.put("b", kept(other), digest="").evidence == other


@pytest.mark.parametrize(
    "change",
    [
        {"descriptor": b"other"},
        {"signature": None},
        {"source": "elsewhere"},
        {"manifest_digest": ManifestDigest.of(b"other")},
        {"index_digest": None},
        {"layer_digest": LayerDigest.of(b"other")},
        {"manifest": b"other"},
        {"index": None},
        {"stored": replace(kept().stored, package=())},
        {"artifact_hash": ArtifactHash.of(b"other")},
    ],
)
def test_other_parts_that_are_shared_tell_records_apart(change):
    records = Records()
    records.put("a", kept(evidence()), digest="")
    changed = replace(kept(evidence()), **change)
    assert records.put("b", changed, digest="") == changed


def test_another_question_tells_records_apart():
    records = Records()
    records.put("a", kept(), digest="")
    changed = replace(kept(), asked=replace(kept().asked, mirror="another"))
    assert records.put("b", changed, digest="") == changed


def test_the_longest_unused_make_room_and_what_nobody_shares_any_more_goes_with_them():
    records = Records(capacity=28 * KIB)
    for name in ("a", "b"):
        records.put(name, kept(evidence(data=name.encode() * 8 * KIB)), digest="")
    assert records.get("a") is not None  # used last
    records.put("c", kept(evidence(data=b"c" * 8 * KIB)), digest="")
    assert [records.get(name) is not None for name in "abc"] == [True, False, True]
    assert records.size < 28 * KIB
    for name in "abc":
        records.drop(name)
    assert records.size == 0


def test_a_record_that_is_put_again_counts_once():
    records = Records()
    records.put("a", kept(evidence()), digest="one")
    size = records.size
    records.put("a", kept(evidence()), digest="two")
    found = records.get("a")
    assert found is not None
    assert (records.size, found.digest) == (size, "two")
    records.drop("a")
    records.drop("a")
    assert (records.size, records.get("a")) == (0, None)
