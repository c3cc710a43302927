"""Carrying between real registries."""

import errno
import json
import os
from dataclasses import replace

import pytest

from supplychain.carry.content import collect
from supplychain.carry.fetched import FetchedClosure, FetchedSource
from supplychain.carry.sync import Arrival
from supplychain.digest import ManifestDigest
from supplychain.errors import DigestMismatchError, InvalidCredentialsError, NotFoundError, RegistryUnavailableError
from supplychain.limits import Limits
from supplychain.policy import TrustPolicy
from supplychain.report import Verdict
from tests.support.builders import build_descriptor, build_package, build_wasm
from tests.support.carrying import ARM, Hall, MemoryDestination, MemoryRepository, plugin, plugin_index
from tests.support.oci import BUNDLE_TYPE, Stored
from tests.support.scenario import LIBRARY, TAG, request, signature_bundle


def reasons(carried):
    return [one.cause and (one.cause.reason, one.cause.message, one.cause.got) for one in carried.judgements]


def test_a_signed_plugin_arrives_and_is_judged_on_both_sides(hall):
    stored, _ = plugin()
    hall.publish(stored)
    carried = hall.carry()
    assert [one.verdict for one in carried.judgements] == [Verdict.TRUSTED] * 2, reasons(carried)
    assert [one.target for one in carried.judgements] == ["echo (upstream)", "echo (mirror)"]
    assert carried.arrival is Arrival.COPIED
    assert carried.tags == 1


def test_the_second_time_nothing_is_sent(hall):
    stored, _ = plugin()
    hall.publish(stored)
    hall.carry()
    carried = hall.carry()
    assert (carried.arrival, carried.blobs, carried.documents, carried.tags, carried.sent) == (Arrival.PRESENT, 0, 0, 0, 0)


def test_an_index_comes_whole_and_each_child_is_judged_for_its_own_platform(hall):
    stored, _ = plugin_index()
    hall.publish(stored)
    carried = hall.carry()
    assert [one.verdict for one in carried.judgements] == [Verdict.TRUSTED] * 4, reasons(carried)
    assert [one.target for one in carried.judgements][:2] == ["echo linux/amd64 (upstream)", "echo linux/arm64 (upstream)"]


WASM = build_package(artifact=build_wasm(), artifact_name="plugin.wasm", descriptor=build_descriptor(runtime="wasi-v1"))


class Memory:
    """Both sides in memory."""

    def __init__(self, stored):
        self.source = MemoryRepository.of(stored)
        self.mirror = MemoryRepository(stored=Stored())
        self.desk = MemoryDestination(self.mirror)
        self.hall = Hall(upstream="upstream.example", mirror="mirror.example", repository="acme/echo")

    def carry(self, suffix=f":{TAG}", **options):
        order = options.pop("order", None) or self.hall.order(suffix)
        carrier = self.hall.carrier(**options)
        return carrier.carry(order, source=self.source, destination=self.desk, mirror=self.mirror)


def verdicts(carried):
    return [one.verdict for one in carried.judgements]


def test_nothing_is_written_for_an_unsigned_plugin():
    memory = Memory(plugin(signed=False)[0])
    carried = memory.carry()
    assert (carried.arrival, verdicts(carried)) == (Arrival.FAILED, [Verdict.REFUSED])
    assert memory.mirror.stored.blobs == {}


def test_nothing_is_written_of_an_index_of_which_one_child_is_bad():
    stored, _ = plugin_index(arm=LIBRARY)  # the second child is for another processor than the index says
    memory = Memory(stored)
    carried = memory.carry()
    assert verdicts(carried) == [Verdict.TRUSTED, Verdict.REFUSED]
    assert memory.mirror.stored.blobs == {}


def test_a_child_without_a_platform_cannot_be_judged():
    stored, descriptor = plugin(tag=None)
    stored.index(descriptor, tag=TAG)
    carried = Memory(stored).carry()
    assert [one.cause.reason for one in carried.judgements] == ["PlatformMissing"]


def test_the_same_package_for_two_platforms_is_judged_for_both():
    stored = Stored()
    descriptor = stored.plugin(WASM, config={"id": "x"})
    other = stored.plugin(WASM, config={"id": "x"}, edit={"annotations": {"a": "b"}})
    entries = [
        {**one, "platform": {"os": system, "architecture": "wasm"}} for one, system in ((descriptor, "wasi"), (other, "linux"))
    ]
    stored.index(*entries, tag=TAG)
    policy = TrustPolicy(keys=request().policy.keys)
    memory = Memory(stored)
    carried = memory.carry(order=memory.hall.order(policy=policy))
    assert verdicts(carried) == [Verdict.TRUSTED] * 4, reasons(carried)


def test_a_dry_run_says_what_would_be_written_and_writes_nothing():
    memory = Memory(plugin()[0])
    carried = memory.carry(dry_run=True)
    assert (carried.arrival, carried.documents, carried.tags) == (Arrival.PLANNED, 3, 0)
    assert carried.blobs > 2
    assert memory.mirror.stored.blobs == {}


def test_without_a_tag_no_tag_is_written():
    stored, descriptor = plugin(tag=None)
    memory = Memory(stored)
    order = memory.hall.order(f"@{descriptor['digest']}")
    carried = memory.carry(
        order=replace(order, request=replace(order.request, policy=replace(order.request.policy, version=None)))
    )
    assert carried.arrival is Arrival.COPIED, reasons(carried)
    assert memory.mirror.tags == {}


def test_the_tag_does_not_move_where_the_mirror_serves_other_bytes(monkeypatch):
    stored, _ = plugin()
    memory = Memory(stored)
    monkeypatch.setattr(
        memory.mirror, "check", lambda _: (_ for _ in ()).throw(DigestMismatchError("the registry serves other bytes"))
    )
    carried = memory.carry()
    assert verdicts(carried) == [Verdict.TRUSTED, Verdict.REFUSED]
    assert carried.judgements[1].target == "echo (mirror)"
    assert memory.mirror.tags == {}
    assert memory.desk.settled == 0


def test_the_tag_does_not_move_where_the_mirror_hides_what_was_written():
    stored, _ = plugin()
    memory = Memory(stored)
    memory.desk.deaf = {"attach"}
    carried = memory.carry()
    assert [one.cause and one.cause.reason for one in carried.judgements] == [None, "NotFound"]
    assert memory.mirror.tags == {}


def test_the_tag_does_not_move_where_the_evidence_on_the_mirror_is_not_good(monkeypatch):
    stored, _ = plugin()
    memory = Memory(stored)

    def read(blob):
        data = stored.blobs[f"sha256:{blob.sha256}"]
        return data.replace(b"dsseEnvelope", b"dsseEnvelopf")

    monkeypatch.setattr(memory.mirror, "read", read)
    carried = memory.carry()
    assert verdicts(carried) == [Verdict.TRUSTED, Verdict.REFUSED]
    assert memory.mirror.tags == {}


def test_a_tag_that_leads_elsewhere_after_it_was_written_is_refused():
    stored, _ = plugin()
    memory = Memory(stored)
    memory.desk.deaf = {TAG}
    carried = memory.carry()
    assert carried.arrival is Arrival.FAILED
    assert carried.judgements[-1].cause.got == "nothing"
    other, _ = plugin(signed=False, library=ARM)
    memory.mirror.stored.blobs.update(other.blobs)
    memory.mirror.tags[TAG] = other.listed[0]["digest"]
    assert memory.carry().judgements[-1].cause.reason == "DigestMismatch"


def test_older_objects_get_their_tags_before_the_plugin_gets_its_own():
    stored, descriptor = plugin()
    tag = descriptor["digest"].replace(":", "-") + ".sig"
    layer = stored.blob(b"{}", "application/vnd.dev.cosign.simplesigning.v1+json")
    stored.manifest({"schemaVersion": 2, "config": stored.blob(b"{}", "application/json"), "layers": [layer]}, tag=tag)
    memory = Memory(stored)
    carried = memory.carry()
    assert (list(memory.mirror.tags), carried.tags) == ([tag, TAG], 2)


@pytest.mark.parametrize(
    ("error", "verdict"),
    [
        (RegistryUnavailableError("down"), Verdict.UNAVAILABLE),
        (InvalidCredentialsError("bad"), Verdict.INVALID),
        (DigestMismatchError("other"), Verdict.REFUSED),
    ],
)
def test_what_ends_the_work_on_a_plugin_becomes_its_judgement(error, verdict, monkeypatch):
    memory = Memory(plugin()[0])
    monkeypatch.setattr(memory.source, "document", lambda _: (_ for _ in ()).throw(error))
    carried = memory.carry()
    assert verdicts(carried) == [verdict]
    assert carried.judgements[0].target == "echo (upstream)"


def test_a_plugin_whose_package_is_not_there_is_unavailable():
    stored, descriptor = plugin()
    memory = Memory(stored)
    [layer] = json.loads(stored.blobs[descriptor["digest"]])["layers"]
    del stored.blobs[layer["digest"]]
    assert verdicts(memory.carry()) == [Verdict.UNAVAILABLE]


def test_a_package_above_64_kib_is_spooled_and_one_far_above_many_small_blobs_too(monkeypatch):
    monkeypatch.setattr("supplychain.carry.fetched._IN_MEMORY", 0)
    memory = Memory(plugin()[0])
    assert memory.carry().arrival is Arrival.COPIED


def test_a_blob_that_is_called_by_two_sizes_is_no_evidence():
    stored, descriptor = plugin(signed=False)
    digest = ManifestDigest.parse(descriptor["digest"])
    bundle = signature_bundle(digest)
    stored.attach(b"{}", subject=descriptor, predicate_type="x", edit={"layers": [stored.blob(bundle, BUNDLE_TYPE)]})
    wrong = {**stored.blob(bundle, BUNDLE_TYPE), "size": 3}
    stored.attach(b"[]", subject=descriptor, predicate_type="x", edit={"layers": [wrong], "annotations": {}})
    memory = Memory(stored)
    closure = collect(memory.source, reference=memory.hall.order().upstream, limits=Limits())
    with FetchedClosure(closure).load(memory.source) as fetched:
        [(document, platform)] = closure.plugins
        found = FetchedSource(fetched=fetched, plugin=document, platform=platform, limits=Limits()).evidence(digest)
    assert len(found.materials) == 1
    assert "another size" in found.skipped[0][1]


def test_a_cargo_hands_out_nothing_that_it_does_not_hold():
    stored, _ = plugin()
    memory = Memory(stored)
    closure = collect(memory.source, reference=memory.hall.order().upstream, limits=Limits())
    with FetchedClosure(closure) as fetched, pytest.raises(NotFoundError):
        fetched.blob(closure.blobs[0].sha256)


def test_a_process_without_file_descriptors_left_cannot_look(monkeypatch):
    monkeypatch.setattr("supplychain.carry.fetched._IN_MEMORY", 0)
    memory = Memory(plugin()[0])

    def dup(_):
        raise OSError(errno.EMFILE, "too many open files")

    monkeypatch.setattr(os, "dup", dup)
    [judgement] = memory.carry().judgements
    assert judgement.cause.reason == "StorageUnavailable"


def test_what_was_written_before_a_run_broke_off_is_not_sent_again(monkeypatch):
    memory = Memory(plugin()[0])
    honest = memory.desk.put_document

    def busy(*_, **__):
        raise RegistryUnavailableError("busy")

    monkeypatch.setattr(memory.desk, "put_document", busy)
    assert verdicts(memory.carry()) == [Verdict.TRUSTED, Verdict.UNAVAILABLE]
    monkeypatch.setattr(memory.desk, "put_document", honest)
    carried = memory.carry()
    assert (carried.arrival, carried.blobs, carried.documents) == (Arrival.COPIED, 0, 3)


def test_a_mirror_that_claims_to_hold_what_it_lacks_gets_no_tag():
    memory = Memory(plugin()[0])
    memory.desk.pretends = True
    carried = memory.carry()
    assert verdicts(carried) == [Verdict.TRUSTED, Verdict.UNAVAILABLE]
    assert memory.mirror.tags == {}


def test_lists_of_referrers_are_looked_at_again_before_the_tag_moves():
    memory = Memory(plugin()[0])
    tags = []
    memory.desk.when_settled = lambda: tags.append(dict(memory.mirror.tags))
    assert memory.carry().arrival is Arrival.COPIED
    assert (memory.desk.settled, tags) == (1, [{}])
