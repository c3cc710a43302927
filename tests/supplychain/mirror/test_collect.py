from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from supplychain.artifact import EvidenceForm
from supplychain.digest import LayerDigest, ManifestDigest
from supplychain.errors import DigestMismatchError, NotFoundError, RegistryUnavailableError
from supplychain.limits import Limits
from supplychain.mirror.collect import EvidenceCollector
from tests.support.fake_registry import BUNDLE, EMPTY, INDEX, MANIFEST, SIMPLE_SIGNING, bundle_manifest, descriptor, render

if TYPE_CHECKING:
    from supplychain.mirror.manifests import OciDescriptor

SUBJECT = b"the plugin's manifest"
DIGEST = ManifestDigest.of(SUBJECT)
ABOUT = descriptor(SUBJECT, MANIFEST)
LIMITS = Limits(candidates=3, evidence=10_000)


class Store:
    def __init__(self, limits: Limits = LIMITS) -> None:
        self.objects: dict[str, bytes | Exception] = {}
        self.opened: list[str] = []
        self.collector = EvidenceCollector(DIGEST, limits=limits, manifest=self.get, blob=self.get)

    def get(self, pointer: OciDescriptor) -> bytes:
        self.opened.append(pointer.sha256)
        found = self.objects.get(pointer.sha256, NotFoundError("not there"))
        if isinstance(found, Exception):
            raise found
        return found

    def put(self, data: bytes) -> bytes:
        self.objects[LayerDigest.of(data).hex] = data
        return data

    def referrer(self, bundle: bytes, *, entry: dict[str, Any] | None = None, **changes: Any) -> dict[str, Any]:
        self.put(bundle)
        data = self.put(render(bundle_manifest(bundle, ABOUT, **changes)))
        return descriptor(data, MANIFEST, **({"artifactType": BUNDLE} if entry is None else entry))

    def foreign(self, name: str, **entry: Any) -> dict[str, Any]:
        manifest = bundle_manifest(b"x", ABOUT, artifactType="application/spdx", layers=[descriptor(name.encode(), "text/spdx")])
        return descriptor(self.put(render(manifest)), MANIFEST, **entry)


def test_a_bundle_is_found_whatever_its_descriptor_says() -> None:
    store = Store()
    entries = [
        store.referrer(b"one", entry={"artifactType": BUNDLE}),
        store.referrer(b"two", entry={"artifactType": EMPTY, "annotations": {"dev.sigstore.bundle.content": "dsse-envelope"}}),
        store.referrer(b"three", entry={}),
    ]
    store.collector.referrers(entries, where="list")
    evidence = store.collector.finish()
    assert [material.data for material in evidence.materials] == [b"one", b"two", b"three"]
    assert {material.form for material in evidence.materials} == {EvidenceForm.BUNDLE}
    assert evidence.materials[0].where == f"referrer {entries[0]['digest']}"
    assert evidence.materials[0].annotations["dev.sigstore.bundle.content"] == "dsse-envelope"
    assert (evidence.skipped, evidence.truncated) == ((), False)


def test_likely_objects_are_opened_first_so_that_others_cannot_hide_them() -> None:
    store = Store()
    junk = [store.foreign(f"sbom {number}") for number in range(20)]
    noted = store.referrer(b"noted", entry={"annotations": {"dev.sigstore.bundle.content": "x"}})
    typed = store.referrer(b"typed")
    store.collector.enlist(junk, where="page 1")
    store.collector.enlist([noted, typed], where="page 2")
    store.collector.open()
    evidence = store.collector.finish()
    assert [material.data for material in evidence.materials] == [b"typed", b"noted"]
    assert evidence.truncated


def test_the_number_of_opened_objects_and_of_listed_ones_is_bounded() -> None:
    store = Store()
    store.collector.referrers([store.foreign(str(number)) for number in range(10_000)], where="list")
    evidence = store.collector.finish()
    assert len(store.opened) == 3
    assert evidence.truncated
    assert len(evidence.skipped) == 2 * 3 + 1
    assert evidence.skipped[-1] == ("9994 more", "not listed one by one")


def test_an_object_that_is_listed_twice_is_opened_once() -> None:
    store = Store()
    entry = store.referrer(b"one")
    store.collector.referrers([entry, entry], where="list")
    store.collector.referrers([entry], where="tag")
    assert len(store.collector.finish().materials) == 1
    assert len(store.opened) == 2


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        pytest.param({"subject": descriptor(b"other", MANIFEST)}, "attached to something else", id="another subject"),
        pytest.param({"subject": None}, "got no subject", id="no subject"),
        pytest.param({"layers": []}, "got no layer", id="no layer"),
        pytest.param(
            {"layers": [descriptor(b"a", BUNDLE), descriptor(b"b", BUNDLE)]}, "no evidence of a known form", id="two layers"
        ),
        pytest.param({"layers": [descriptor(b"a", SIMPLE_SIGNING), descriptor(b"b", BUNDLE)]}, "simplesigning", id="mixed forms"),
        pytest.param({"schemaVersion": 1}, "schema", id="broken"),
        pytest.param({"layers": [descriptor(b"missing", BUNDLE)]}, "not there", id="no blob"),
    ],
)
def test_what_is_no_evidence_is_skipped_with_the_reason_and_harms_nobody(changes: dict[str, Any], why: str) -> None:
    store = Store()
    bad = store.referrer(b"bad", **changes)
    store.collector.referrers([bad, store.referrer(b"good")], where="list")
    evidence = store.collector.finish()
    assert [material.data for material in evidence.materials] == [b"good"]
    ((where, reason),) = evidence.skipped
    assert where == f"referrer {bad['digest']}"
    assert why in reason
    assert where not in reason


def test_an_index_among_the_referrers_is_skipped() -> None:
    store = Store()
    data = store.put(render({"schemaVersion": 2, "manifests": []}))
    store.collector.referrers([descriptor(data, INDEX)], where="list")
    assert "index where an image manifest" in store.collector.finish().skipped[0][1]


def test_a_broken_entry_of_the_list_is_skipped() -> None:
    store = Store()
    store.collector.referrers(["x", store.referrer(b"good")], where="list")
    evidence = store.collector.finish()
    assert len(evidence.materials) == 1
    assert evidence.skipped[0][0] == "list, entry 0"


def test_an_object_with_other_bytes_is_skipped_but_an_unreachable_one_is_an_error() -> None:
    store = Store()
    entry = store.referrer(b"one")
    store.objects[LayerDigest.of(b"one").hex] = DigestMismatchError("other bytes")
    store.collector.referrers([entry], where="list")
    assert store.collector.finish().skipped == ((f"referrer {entry['digest']}", "other bytes"),)
    other = store.referrer(b"two")
    store.objects[LayerDigest.of(b"two").hex] = RegistryUnavailableError("down")
    with pytest.raises(RegistryUnavailableError):
        store.collector.referrers([other], where="list")


def test_manifests_and_blobs_together_stay_within_the_bytes_of_evidence() -> None:
    size = len(render(bundle_manifest(b"x" * 100, ABOUT))) + 100
    for limit, found in ((size, 1), (size - 1, 0), (99, 0)):
        store = Store(Limits(evidence=limit))
        store.collector.referrers([store.referrer(b"x" * 100)], where="list")
        evidence = store.collector.finish()
        assert len(evidence.materials) == found
        assert evidence.truncated is (found == 0)


@pytest.mark.parametrize(
    ("predicates", "signature"),
    [
        ([], False),
        (["https://slsa.dev/provenance/v1"], False),
        (["https://slsa.dev/provenance/v1", "https://sigstore.dev/cosign/sign/v1"], True),
        ([None], True),
    ],
)
def test_whether_a_signature_was_found_follows_the_annotations(predicates: list[str | None], signature: bool) -> None:
    store = Store()
    for number, predicate in enumerate(predicates):
        store.collector.referrers([store.referrer(b"%d" % number, predicate=predicate)], where="list")
    assert store.collector.has_signature is signature
    assert store.collector.has_bundle is bool(predicates)


def test_layers_of_an_older_object_are_taken_with_their_annotations() -> None:
    store = Store()
    layers = [descriptor(store.put(b"a"), SIMPLE_SIGNING, annotations={"n": "1"}), descriptor(b"b", "text/plain")]
    manifest = {"schemaVersion": 2, "config": descriptor(b"{}", EMPTY), "layers": layers}
    store.collector.legacy(render(manifest), tag="t.sig", form=EvidenceForm.LEGACY_SIGNATURE)
    evidence = store.collector.finish()
    (material,) = evidence.materials
    assert (material.form, material.data, material.where) == (EvidenceForm.LEGACY_SIGNATURE, b"a", "tag t.sig, layer 0")
    assert material.annotations == {"n": "1"}
    assert evidence.skipped[0][0] == "tag t.sig, layer 1"


def test_layers_of_older_objects_count_as_candidates() -> None:
    store = Store()
    layers = [descriptor(store.put(b"%d" % number), SIMPLE_SIGNING) for number in range(5)]
    manifest = {"schemaVersion": 2, "config": descriptor(b"{}", EMPTY), "layers": layers}
    store.collector.legacy(render(manifest), tag="t.sig", form=EvidenceForm.LEGACY_SIGNATURE)
    evidence = store.collector.finish()
    assert len(evidence.materials) == len(store.opened) == 3
    assert evidence.truncated


@pytest.mark.parametrize("data", [b"garbage", render({"schemaVersion": 2, "manifests": []})])
def test_an_older_object_that_is_no_manifest_is_skipped(data: bytes) -> None:
    store = Store()
    store.collector.legacy(data, tag="t.sig", form=EvidenceForm.LEGACY_SIGNATURE)
    assert [where for where, _ in store.collector.finish().skipped] == ["tag t.sig"]


def older(store: Store, *layers: bytes, media_type: str = SIMPLE_SIGNING, **changes: Any) -> dict[str, Any]:
    """An object of cosign's experimental OCI 1.1 mode: the layers of a `.sig` or `.att` object, attached as a referrer."""
    notes = {"dev.cosignproject.cosign/signature": "AA=="}
    listed = [descriptor(store.put(layer), media_type, annotations=notes) for layer in layers]
    manifest = bundle_manifest(
        b"x", ABOUT, artifactType="application/vnd.dev.cosign.artifact.sig.v1+json", layers=listed, **changes
    )
    return descriptor(store.put(render(manifest)), MANIFEST)


@pytest.mark.parametrize(
    ("media_type", "form", "is_signature"),
    [
        (SIMPLE_SIGNING, EvidenceForm.LEGACY_SIGNATURE, True),
        ("application/vnd.dsse.envelope.v1+json", EvidenceForm.LEGACY_ATTESTATION, False),
    ],
)
def test_every_layer_of_an_older_object_that_is_attached_is_a_candidate(
    media_type: str, form: EvidenceForm, is_signature: bool
) -> None:
    store = Store()
    entry = older(store, b"one", b"two", media_type=media_type)
    store.collector.referrers([entry], where="list")
    evidence = store.collector.finish()
    assert [material.data for material in evidence.materials] == [b"one", b"two"]
    assert {material.form for material in evidence.materials} == {form}
    assert evidence.materials[1].where == f"referrer {entry['digest']}, layer 1"
    assert evidence.materials[0].annotations["dev.cosignproject.cosign/signature"] == "AA=="
    assert store.collector.has_signature == is_signature


def test_an_older_object_about_something_else_is_skipped() -> None:
    store = Store()
    entry = older(store, b"one", subject=descriptor(b"other", MANIFEST))
    store.collector.referrers([entry], where="list")
    evidence = store.collector.finish()
    assert evidence.materials == ()
    assert "attached to something else" in evidence.skipped[0][1]


def test_the_layers_of_older_objects_count_against_the_limit_each() -> None:
    store = Store(Limits(candidates=2, evidence=10_000))
    store.collector.referrers([older(store, b"one", b"two")], where="list")
    evidence = store.collector.finish()
    assert [material.data for material in evidence.materials] == [b"one"]
    assert evidence.truncated


def test_a_layer_of_another_type_is_no_evidence_though_its_bytes_are_there() -> None:
    store = Store()
    layers = [descriptor(store.put(b"b"), "text/plain"), descriptor(store.put(b"a"), SIMPLE_SIGNING)]
    manifest = {"schemaVersion": 2, "config": descriptor(b"{}", EMPTY), "layers": layers}
    store.collector.legacy(render(manifest), tag="t.sig", form=EvidenceForm.LEGACY_SIGNATURE)
    evidence = store.collector.finish()
    assert [material.data for material in evidence.materials] == [b"a"]
    assert "no evidence of a known form" in evidence.skipped[0][1]


def test_a_referrer_that_is_listed_as_an_index_is_skipped() -> None:
    store = Store()
    store.collector.referrers([store.referrer(b"one") | {"mediaType": INDEX}], where="list")
    evidence = store.collector.finish()
    assert evidence.materials == ()
    assert "served under another media type" in evidence.skipped[0][1]
