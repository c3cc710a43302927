"""Evidence records, the shelf, and payload hashes."""

import base64
import json
import random
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from mcpg_operator.keeping import Asked, KeptPlugin, Shelf, payload_hash
from mcpg_operator.keeping.evidence import EvidenceUnreadableError, decode, encode
from mcpg_operator.keeping.intern import Packages
from mcpg_operator.keeping.source import KeptSource
from mcpg_operator.ledger import Stored
from supplychain.artifact import EvidenceForm, EvidenceSet, Material, Platform, PluginPackage
from supplychain.delivery import content_name
from supplychain.delivery.zstd import compress, decompress
from supplychain.digest import ArtifactHash, LayerDigest, ManifestDigest
from supplychain.errors import ArtifactTooLargeError, NotFoundError
from supplychain.spool import Spool

AT = datetime(2026, 1, 31, 12, tzinfo=UTC)


def kept(evidence: EvidenceSet | None = None) -> KeptPlugin:
    return KeptPlugin(
        plugin="echo",
        uid="u",
        asked=Asked(image="i", mirror=None, location="l", platform="linux/amd64"),
        version="1.2.3",
        source="s",
        manifest_digest=ManifestDigest.of(b"m"),
        manifest=b"m",
        index_digest=ManifestDigest.of(b"i"),
        index=b"i",
        layer_digest=LayerDigest.of(b"l"),
        platform=Platform(libc="gnu"),
        pulled_at=AT,
        confirmed_at=AT,
        descriptor=b"\x00\xff",
        signature=b"sig",
        artifact_name="plugin.so",
        artifact_hash=ArtifactHash.of(b"a"),
        stored=Stored(secret="s", digests={"s": "0" * 64}, size=3, package=((f"mcpg-shard-{'a' * 32}", "1" * 64),)),
        evidence=evidence,
    )


def material(data: bytes = b"{}", where: str = "w") -> Material:
    return Material(
        form=EvidenceForm.LEGACY_SIGNATURE, data=data, where=where, annotations={"a": "b"}, log_entries=(b"one", b"\x00")
    )


@pytest.mark.parametrize(
    "whole",
    [
        kept(),
        kept(EvidenceSet(materials=(material(),), skipped=(("x", "y"),), truncated=True, complete=False)),
        replace(kept(), index_digest=None, index=None, platform=None, signature=None, artifact_name="plugin.wasm"),
    ],
)
def test_a_record_reads_back_as_it_was(whole):
    assert decode(encode(whole)) == whole


def test_evidence_that_is_too_much_for_a_secret_is_cut_but_never_what_the_verdict_rests_on():
    noise = random.Random(1)
    many = tuple(material(noise.randbytes(300_000), f"w{number}") for number in range(8))
    data = encode(kept(EvidenceSet(materials=many)), needed=frozenset({"w7"}))
    assert sum(map(len, data.values())) <= 1_000_100
    evidence = decode(data).evidence
    assert evidence is not None
    assert evidence.materials[0].where == "w7"
    assert (evidence.truncated, evidence.complete) == (True, False)
    assert len(evidence.materials) < 8


def changed(**changes: object) -> dict[str, bytes]:
    data = encode(kept())
    document = json.loads(b"".join(decompress([data["evidence.json.zst"]], size=int(data["size"]))))
    return packed(json.dumps({**document, **changes}).encode())


def twice() -> dict[str, bytes]:
    """A record that is whole, but for one key that two readers could read differently."""
    data = encode(kept())
    text = b"".join(decompress([data["evidence.json.zst"]], size=int(data["size"])))
    return packed(text.replace(b'"uid":', b'"uid":"another","uid":', 1))


def test_a_kept_source_gives_no_evidence_about_another_manifest():
    record = kept(EvidenceSet(materials=(material(),)))
    source = KeptSource(kept=record, proof=lambda _: None, library=lambda: Spool.of(b""), tag=None)
    assert source.evidence(record.manifest_digest) == record.evidence
    with pytest.raises(NotFoundError):
        source.evidence(ManifestDigest.of(b"another"))


def packed(text: bytes) -> dict[str, bytes]:
    return {"evidence.json.zst": b"".join(compress(text)), "size": str(len(text)).encode()}


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"size": b"1"},
        {**encode(kept()), "size": b"x"},
        {**encode(kept()), "size": b"\xff"},
        {**encode(kept()), "size": b"0"},
        {**encode(kept()), "size": b"7"},
        {**encode(kept()), "size": b"99999999999999"},
        {**encode(kept()), "more": b""},
        {**encode(kept()), "evidence.json.zst": b"rubbish"},
        packed(b"[]"),
        packed(b"{} {}"),
        packed(b'{"version": 1, "version": 1}'),
        twice(),
        changed(version=1),
        changed(manifest="%"),
        changed(layerDigest=None),
        changed(stored={"secret": "s", "digests": {}, "size": 3}),
        changed(stored={"secret": "s", "digests": {}, "size": 3, "package": [["release-key", "0"]]}),
        changed(stored={"secret": "s", "digests": {}, "size": 3, "package": [[f"../mcpg-shard-{'a' * 32}", "0"]]}),
        changed(stored={"secret": "s", "digests": {}, "size": 3, "package": [[f"mcpg-shard-{'a' * 32}\n", "0"]]}),
        changed(unknown=1),
        changed(uid=7),
        changed(manifestDigest="short"),
        changed(descriptor="%"),
        changed(artifactName="plugin.exe"),
        changed(pulledAt="2026-01-31T12:00:00"),
        changed(pulledAt="yesterday"),
        changed(stored={"secret": "s", "digests": {}, "size": "3"}),
        changed(evidence={"materials": [{"form": "nonsense"}], "skipped": [], "truncated": False, "complete": True}),
    ],
)
def test_anything_else_is_no_record(data):
    with pytest.raises(EvidenceUnreadableError):
        decode(data)


def test_the_payload_hash_begins_with_the_content_name():
    data = {"b": b"2", "a": b"1"}
    assert payload_hash(data)[:32] == content_name(data)
    assert payload_hash({"ab": b""}) != payload_hash({"a": b"b"})
    assert payload_hash({}) != payload_hash({"": b""})


def test_the_shelf_lends_what_it_holds_and_throws_out_what_was_unused_longest():
    shelf = Shelf(capacity=10)
    spools = [Spool.of(bytes([number]) * 4) for number in range(3)]
    hashes = [ArtifactHash(one.sha256) for one in spools]
    for artifact, spool in zip(hashes[:2], spools[:2], strict=True):
        shelf.put(artifact, spool)
    lent = shelf.lend(hashes[0])
    assert lent is not None
    shelf.put(hashes[2], spools[2])
    assert shelf.lend(hashes[1]) is None
    assert shelf.size == 8
    for spool in spools:
        spool.close()
    again = shelf.lend(hashes[2])
    assert again is not None
    assert bytes(memoryview(again.view)) == b"\x02" * 4
    assert bytes(memoryview(lent.view)) == b"\x00" * 4
    for one in (lent, again):
        one.close()
    shelf.close()
    assert shelf.size == 0


def test_the_shelf_takes_nothing_that_is_too_large_or_called_by_another_hash():
    shelf = Shelf(capacity=3)
    with Spool.of(b"1234") as spool:
        shelf.put(ArtifactHash(spool.sha256), spool)
    with Spool.of(b"12") as spool:
        shelf.put(ArtifactHash.of(b"other"), spool)
    assert shelf.size == 0


def test_what_is_not_on_the_shelf_or_not_usable_is_made():
    shelf = Shelf()
    made = []

    def make() -> Spool:
        made.append(1)
        return Spool.of(b"x")

    for _ in range(3):
        shelf.lend_or_make(ArtifactHash.of(b"x"), make, usable=lambda: True).close()
    assert len(made) == 1
    shelf.lend_or_make(ArtifactHash.of(b"x"), make, usable=lambda: False).close()
    assert len(made) == 2
    shelf.close()


def test_equal_packages_are_held_once():
    from supplychain.descriptor import parse_descriptor
    from tests.support.builders import build_descriptor

    with Spool.of(b"x") as spool:
        one, two = (
            PluginPackage(
                descriptor=parse_descriptor(build_descriptor()),
                descriptor_bytes=build_descriptor(),
                artifact=spool,
                artifact_hash=ArtifactHash.of(b"x"),
                artifact_name="plugin.so",
                signature=base64.b64encode(b"s"),
            )
            for _ in range(2)
        )
    packages = Packages()
    assert packages.one(one) is packages.one(two)
    assert packages.one(replace(one, signature=None)) is not one


NOISE = random.Random(1).randbytes(1_100_000)


@pytest.mark.parametrize(
    "change", [{"manifest": NOISE}, {"index": NOISE}, {"descriptor": NOISE}], ids=["manifest", "index", "descriptor"]
)
def test_a_record_that_is_too_large_without_any_evidence_is_refused_with_both_sizes(change):
    with pytest.raises(ArtifactTooLargeError) as caught:
        encode(replace(kept(EvidenceSet(materials=(material(),))), **change))
    assert "at most 1000000 bytes" in str(caught.value.expected)
    assert str(caught.value.got).split()[0].isdecimal()


def test_a_record_that_is_small_only_while_it_is_compressed_is_refused_before_it_could_not_be_read():
    with pytest.raises(ArtifactTooLargeError, match="of 16777216"):
        encode(replace(kept(), manifest=bytes(13 * 1024 * 1024)))
