"""Kept evidence of one release beside the library of another one, both of the same publisher's key: never verified.

Whoever may write Secrets in the operator's namespace writes these; nobody can sign. The registry is away while they are judged.
"""

from __future__ import annotations

import base64
import json
import random
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from mcpg_operator.keeping.evidence import decode, encode
from mcpg_operator.ledger import Standing
from mcpg_operator.resources import SECRET, Key
from supplychain.delivery.zstd import compress, decompress
from supplychain.errors import ClusterUnavailableError
from supplychain.mirror.registry import RegistrySource
from supplychain.package import unpack
from tests.operators.plugin.world import (
    HOST,
    KEYLESS,
    LIBRARY,
    REPOSITORY,
    TAG,
    big_library,
    build_package,
    operator,
)
from tests.operators.world import NAMESPACE
from tests.support.builders import public_key

if TYPE_CHECKING:
    from collections.abc import Callable

    from mcpg_operator.keeping import KeptPlugin
    from supplychain.artifact import Platform, PluginPackage, PulledArtifact
    from supplychain.limits import Limits
    from supplychain.spool import Spool
    from tests.operators.plugin.world import Operator

COSIGN = {"cosignIdentity": KEYLESS["cosignIdentity"]}
OLD, NEW = build_package(artifact=LIBRARY + b"old"), build_package(artifact=LIBRARY + b"new")
ELSEWHERE = build_package(artifact=LIBRARY + b"arm")
AMD, ARM = {"os": "linux", "architecture": "amd64"}, {"os": "linux", "architecture": "arm64"}


def kept(op: Operator, name: str = "echo") -> KeptPlugin:
    return decode(op.data(f"mcpg-evidence-{name}"))


def forge(op: Operator, record: KeptPlugin) -> None:
    written = {key: base64.b64encode(value).decode() for key, value in encode(record).items()}
    key = Key(SECRET, f"mcpg-evidence-{record.plugin}", NAMESPACE)
    op.world.cluster.edit(key, lambda found: found.update(data=written))


def two_releases(*, index: bool = False) -> tuple[Operator, KeptPlugin, KeptPlugin]:
    """Both were verified one after the other, so everything of both lies in the namespace."""
    op = operator(retain_digests=5)
    records = []
    for package in (OLD, NEW):
        digest = op.publish(package)
        if index:
            op.registry.add_index(REPOSITORY, {digest: AMD, op.registry.add_plugin(REPOSITORY, ELSEWHERE): ARM}, TAG)
        op.apply(trust=COSIGN).resync()
        assert op.ready() == ("True", "Reconciled")
        records.append(kept(op))
    return op, records[0], records[1]


def refused(op: Operator, *, name: str = "echo") -> tuple[Operator, str]:
    """Judged by a new process that can ask nobody: neither verified nor blamed, and the reason is told with both sides."""
    again = op.away().restart()
    assert again.errors == []
    assert again.ready(name) == ("False", "PullFailed")
    assert again.entry(name).standing is Standing.UNAVAILABLE
    assert (again.entry(name).package, again.entry(name).stored) == (None, None)
    assert "artefactSecretName" not in again.status(name)
    assert again.conditions(name)["Pulled"] == ("False", "RegistryUnavailable")
    assert again.conditions(name)["Verified"] == ("Unknown", "DeliveryInvalid")
    message = again.message("Verified", name)
    assert "expected `" in message
    assert ", got `" in message
    return again, message


def recovered(again: Operator) -> None:
    """With the registry back, everything is as if nobody had touched anything."""
    again.back().resync()
    assert again.ready() == ("True", "Reconciled")
    assert again.conditions()["Verified"] == ("True", "Reconciled")
    assert again.library() == LIBRARY + b"new"
    again.away()
    assert again.restart().ready() == ("True", "Reconciled")


def library_of(record: KeptPlugin, other: KeptPlugin) -> KeptPlugin:
    """Everything about the library from `other`, everything about the manifest from `record`."""
    delivered = replace(other.stored, package=record.stored.package)
    return replace(
        record, descriptor=other.descriptor, signature=other.signature, artifact_hash=other.artifact_hash, stored=delivered
    )


def package_of(record: KeptPlugin, other: KeptPlugin) -> KeptPlugin:
    """The package, too, from `other`."""
    whole = library_of(record, other)
    return replace(whole, stored=other.stored)


def layer_of(record: KeptPlugin, other: KeptPlugin) -> KeptPlugin:
    """And its digest; only manifest and signatures are from `record`."""
    return replace(package_of(record, other), layer_digest=other.layer_digest)


def digest_of(record: KeptPlugin, other: KeptPlugin) -> KeptPlugin:
    """All from `other` but the digest that the signatures are about."""
    return replace(other, manifest_digest=record.manifest_digest, evidence=record.evidence)


def index_of(record: KeptPlugin, other: KeptPlugin) -> KeptPlugin:
    """All from `other` but the index that the image may be pinned to."""
    return replace(other, index=record.index, index_digest=record.index_digest)


MIXES = {
    library_of: "the package holds another library than is kept",
    package_of: "the kept package is another one than the manifest names",
    layer_of: "the kept manifest names another package than is kept",
    digest_of: "the kept manifest is another one than the evidence says",
}


@pytest.mark.parametrize("way", [0, 1], ids=["old bytes, new manifest", "new bytes, old manifest"])
@pytest.mark.parametrize(
    ("mix", "said", "index"),
    [
        *((mix, said, index) for mix, said in MIXES.items() for index in (False, True)),
        (index_of, "the kept index names another manifest for the platform than is kept", True),
    ],
)
def test_evidence_of_one_release_beside_the_bytes_of_another_is_refused(mix, said, index, way):
    op, *records = two_releases(index=index)
    forge(op, mix(records[1 - way], records[way]))
    again, message = refused(op)
    assert said in message
    recovered(again)


@pytest.mark.parametrize("index", [False, True])
def test_an_image_that_is_pinned_to_the_new_release_is_not_met_by_the_old_one(index):
    op, old, new = two_releases(index=index)
    op.apply(trust=COSIGN, oci={"image": f"{HOST}/{REPOSITORY}:{TAG}@{new.top}"}).settle()
    assert op.ready() == ("True", "Reconciled")
    forge(op, index_of(new, old) if index else digest_of(new, old))
    again, _ = refused(op)
    again.back().resync()
    assert again.library() == LIBRARY + b"new"


def test_without_a_policy_that_needs_the_manifest_the_mix_is_refused_all_the_same():
    op = operator(retain_digests=5)
    records = []
    for package in (OLD, NEW):
        op.publish(package)
        op.apply().resync()
        records.append(kept(op))
    forge(op, layer_of(records[1], records[0]))
    refused(op)


def test_a_mix_that_is_written_while_the_operator_runs_is_put_right_by_what_it_knows():
    op, old, new = two_releases()
    forge(op, layer_of(new, old))
    op.away().resync()
    assert kept(op) == new
    assert op.restart().library() == LIBRARY + b"new"


def test_the_proof_of_one_plugin_is_none_for_a_neighbour_with_mixed_evidence():
    op = operator(retain_digests=5)
    op.publish(OLD, "1.2.3")
    op.publish(NEW)
    image = f"{HOST}/{REPOSITORY}:"
    op.apply("one", oci={"image": f"{image}1.2.3"}, trust=COSIGN).apply("two", trust=COSIGN).settle()
    one, two = kept(op, "one"), kept(op, "two")
    op.apply("three", trust=COSIGN).settle()
    three = kept(op, "three")
    assert three.artifact_hash == two.artifact_hash
    forge(op, replace(layer_of(three, one), stored=replace(three.stored, package=one.stored.package)))
    again, _ = refused(op, name="three")
    assert {again.ready("one"), again.ready("two")} == {("True", "Reconciled")}


# --- what it costs, and what may be lost


def reads(op: Operator) -> Counter[str]:
    """How often each Secret was read since the last time."""
    found = Counter(one[2] for one in op.world.cluster.reads if one[0] == "get" and one[1] == SECRET)
    op.world.cluster.reads.clear()
    return found


def packages(op: Operator, name: str = "echo") -> list[str]:
    """Secrets with the package of a plugin."""
    return [secret for secret, _ in kept(op, name).stored.package]


def test_the_package_is_read_once_in_a_process_however_many_plugins_share_it(monkeypatch):
    op = operator()
    op.publish(build_package(artifact=big_library()))
    names = [f"p{number}" for number in range(12)]
    for name in names:
        op.apply(name)
    op.settle().away()
    shared = packages(op, "p0")
    assert len(shared) == 4
    assert {tuple(packages(op, name)) for name in names} == {tuple(shared)}
    opened = _counted(monkeypatch)
    again = op.restart()
    found = reads(again)
    assert [found[one] for one in shared] == [1, 1, 1, 1]
    again.key(public_key(seed=b"k" * 32)).settle()
    again.key().settle()
    assert {again.ready(name) for name in names} == {("True", "Reconciled")}
    assert [reads(again)[one] for one in shared] == [0, 0, 0, 0]
    assert len(opened) == 1


def _counted(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every package that is opened to prove what is kept."""
    opened: list[str] = []

    def counted(package: Spool, *, limits: Limits) -> PluginPackage:
        opened.append(package.sha256)
        return unpack(package, limits=limits)

    monkeypatch.setattr("mcpg_operator.keeping.chain.unpack", counted)
    return opened


@pytest.mark.parametrize("touched", ["package", "evidence"])
def test_the_proof_is_made_again_when_somebody_touched_what_it_was_made_by(monkeypatch, touched):
    op = operator()
    op.publish()
    op.apply().settle().away()
    opened = _counted(monkeypatch)
    op.resync()
    assert opened == []
    (package,) = packages(op)
    before = {one.name: one.data() for one in op.secrets()}
    name = package if touched == "package" else "mcpg-evidence-echo"
    op.world.cluster.edit(Key(SECRET, name, NAMESPACE), lambda found: found.update(data={"shard": "ZXZpbA=="}))
    op.resync()
    assert len(opened) == 1
    assert {one.name: one.data() for one in op.secrets()} == before


def test_what_was_verified_stays_ready_when_its_package_is_lost_with_the_registry_away():
    """The bytes that are handed out are whole; only the next process cannot judge them."""
    op = operator()
    op.publish()
    op.apply().settle().away()
    op.reconciler.keeper.shelf.close()
    for name in packages(op):
        op.world.cluster.remove(Key(SECRET, name, NAMESPACE))
    for _ in range(3):
        op.resync()
        assert op.ready() == ("True", "Reconciled")
        assert op.library() == LIBRARY
    again = op.restart()
    assert again.ready() == ("False", "PullFailed")
    assert again.conditions()["Verified"] == ("Unknown", "ShardMissing")
    again.back().resync()
    assert again.ready() == ("True", "Reconciled")
    assert packages(again)[0] in {one.name for one in again.secrets("plugin-shard")}


def test_a_package_that_is_lost_is_pulled_again_while_the_registry_answers():
    op = operator()
    op.publish()
    op.apply().settle()
    op.reconciler.keeper.shelf.close()
    for name in packages(op):
        op.world.cluster.remove(Key(SECRET, name, NAMESPACE))
    op.resync()
    assert op.ready() == ("True", "Reconciled")
    assert {*packages(op)} <= {one.name for one in op.secrets("plugin-shard")}
    op.away()
    assert op.restart().ready() == ("True", "Reconciled")


def test_a_library_is_restored_although_the_package_has_to_be_read_for_it():
    op = operator()
    op.publish()
    op.apply().settle().away()
    again = op.restart()
    again.resync()
    (package,) = packages(again)
    for one in again.secrets("plugin"):
        again.world.cluster.remove(one.key)
    again.reconciler.keeper.shelf._spools.pop(kept(again).layer_digest).close()
    reads(again)
    again.resync()
    assert again.library() == LIBRARY
    assert reads(again)[package] == 1


def test_a_package_that_goes_between_proof_and_restoration_leaves_the_plugin_unready(monkeypatch):
    op = operator()
    op.publish()
    op.apply().settle().away()
    keeper = op.reconciler.keeper
    for one in op.secrets("plugin"):
        op.world.cluster.remove(one.key)
    keeper.shelf._spools.pop(kept(op).layer_digest).close()
    data = dict(op.data(packages(op)[0]))
    monkeypatch.setattr(keeper.objects, "held", lambda _name, _digest: {**data, "shard": b"another"})
    op.resync()
    assert op.ready() == ("False", "MaterialiseFailed")
    assert "the Secrets together are not the kept package" in op.message("Ready")


def test_an_api_server_that_is_away_while_the_package_is_read_is_waited_for(monkeypatch):
    op = operator()
    op.publish()
    op.apply().settle().away()
    (package,) = packages(op)
    get = op.world.cluster.get
    gone = True

    def away(kind: Any, name: str, **more: Any) -> Any:
        if gone and name == package:
            raise ClusterUnavailableError("away")
        return get(kind, name, **more)

    monkeypatch.setattr(op.world.cluster, "get", away)
    again = op.restart()
    assert again.entry() is None
    assert [type(one) for one in again.errors] == [ClusterUnavailableError]
    gone = False
    again.settle()
    assert again.ready() == ("True", "Reconciled")


def test_a_package_above_the_limit_is_refused_with_both_sizes_and_nothing_is_written():
    op = operator(limit_delivery=50_000)
    op.publish(build_package(artifact=LIBRARY, licence=random.Random(2).randbytes(60_000)))
    op.apply().settle()
    assert op.ready() == ("False", "ArtefactTooLarge")
    assert "the package of 6" in op.message("Ready")
    assert "at most 50000 bytes, got 6" in op.message("Ready")
    assert op.secrets() == []
    assert op.entry().standing is Standing.REFUSED


def test_evidence_that_is_too_large_for_a_secret_is_refused_before_anything_is_written():
    op = operator()
    noise = base64.b64encode(random.Random(3).randbytes(1_200_000)).decode()
    digest = op.registry.add_plugin(REPOSITORY, build_package(artifact=LIBRARY), TAG, annotations={"noise": noise})
    assert digest
    op.apply().settle()
    assert op.ready() == ("False", "ArtefactTooLarge")
    assert "at most 1000000 bytes" in op.message("Ready")
    assert op.secrets() == []


def pulling(monkeypatch: pytest.MonkeyPatch, **changes: Any) -> Operator:
    """A plugin whose source gives other documents than it read."""
    pull = RegistrySource.pull

    def changed(self: RegistrySource, *, platform: Platform) -> PulledArtifact:
        return replace(pull(self, platform=platform), **changes)

    monkeypatch.setattr(RegistrySource, "pull", changed)
    op = operator()
    op.publish()
    return op.apply().settle()


@pytest.mark.parametrize("part", ["manifest", "layer_digest"])
def test_a_source_that_gives_no_manifest_is_not_kept(monkeypatch, part):
    op = pulling(monkeypatch, **{part: None})
    assert op.ready() == ("False", "MaterialiseFailed")
    assert "without a manifest" in op.message("Ready")
    assert op.secrets() == []


def test_nothing_is_kept_that_could_not_be_proven_again(monkeypatch):
    op = pulling(monkeypatch, manifest=b'{"schemaVersion": 2}')
    assert op.ready() == ("False", "MaterialiseFailed")
    assert "neither a manifest nor an index" in op.message("Ready")
    assert op.secrets() == []


# --- sweeping, and other versions


def test_the_package_of_a_superseded_release_goes_and_that_of_the_present_one_stays():
    op, old, new = two_releases()
    present = {name for name, _ in new.stored.package}
    assert present.isdisjoint(packages_of(old))
    op.sweep()
    assert {one.name for one in op.secrets("plugin-shard")} == present
    assert len(op.secrets("plugin")) == 2  # retained, as before
    op.away()
    assert op.restart().library() == LIBRARY + b"new"


def packages_of(record: KeptPlugin) -> set[str]:
    return {name for name, _ in record.stored.package}


def test_the_package_of_a_plugin_that_was_not_judged_yet_stays_and_goes_with_its_last_plugin():
    op = operator()
    op.publish()
    op.apply("one").apply("two").settle()
    shards = {one.name for one in op.secrets("plugin-shard")}
    assert shards == set(packages(op, "one"))
    for name in ("one", "two"):
        op.world.ledger.drop(name)
    op.world.woken.clear()
    op.reconciler._sweeper.sweep()
    assert {one.name for one in op.secrets("plugin-shard")} == shards
    op.resync()
    op.delete("one").settle()
    assert {one.name for one in op.secrets("plugin-shard")} == shards
    op.delete("two").settle()
    assert op.secrets() == []


def test_the_package_of_a_judged_plugin_stays_although_its_evidence_does_not_name_it():
    op = operator()
    op.publish()
    op.apply().settle()
    shards = {one.name for one in op.secrets("plugin-shard")}
    key = Key(SECRET, "mcpg-evidence-echo", NAMESPACE)
    op.world.cluster.edit(key, lambda found: found["metadata"]["annotations"].pop("mcpg.dev/shards"))
    op.sweep()
    assert {one.name for one in op.secrets("plugin-shard")} == shards != set()


def older(data: dict[str, bytes]) -> dict[str, bytes]:
    """The record as the first version of the form had it."""
    document = json.loads(b"".join(decompress([data["evidence.json.zst"]], size=int(data["size"]))))
    for name in ("manifest", "index"):
        del document[name]
    del document["stored"]["package"]
    text = json.dumps({**document, "version": 1}).encode()
    return {"evidence.json.zst": b"".join(compress(text)), "size": str(len(text)).encode()}


def test_a_record_of_the_first_version_is_no_evidence_and_costs_nobody_any_bytes(caplog):
    op = operator()
    op.publish()
    op.apply(trust=COSIGN).settle().away()
    before = {one.name for one in op.secrets("plugin")}
    written = {key: base64.b64encode(value).decode() for key, value in older(op.data("mcpg-evidence-echo")).items()}
    op.world.cluster.edit(Key(SECRET, "mcpg-evidence-echo", NAMESPACE), lambda found: found.update(data=written))
    again = op.restart()
    assert again.ready() == ("False", "PullFailed")
    assert again.conditions()["Pulled"] == ("False", "RegistryUnavailable")
    assert again.conditions()["Verified"][0] == "Unknown"  # nobody could look
    assert again.entry().standing is Standing.UNAVAILABLE
    assert "another version than 2" in caplog.text
    again.sweep()
    assert {one.name for one in again.secrets("plugin")} == before
    again.back().resync()
    assert again.ready() == ("True", "Reconciled")
    again.away()
    assert again.restart().ready() == ("True", "Reconciled")


@pytest.mark.parametrize("cut", [lambda op: op.secrets("plugin-shard"), lambda op: op.secrets("plugin")])
def test_a_write_that_fails_half_way_leaves_no_evidence_of_what_is_not_there(monkeypatch, cut: Callable[[Operator], Any]):
    """Package, library, evidence, in this order: whoever is killed in between leaves only what nothing refers to."""
    op = operator()
    op.publish(build_package(artifact=big_library()))
    create = op.world.cluster.create

    def cut_off(manifest: Any) -> Any:
        if cut(op):
            raise ClusterUnavailableError("away")
        return create(manifest)

    monkeypatch.setattr(op.world.cluster, "create", cut_off)
    op.apply().settle()
    assert op.secrets("plugin-evidence") == []
    assert op.status().get("artefactSecretName") is None
    monkeypatch.undo()
    op.settle()
    assert op.ready() == ("True", "Reconciled")
    op.sweep().away()
    assert op.restart().library() == big_library()


@pytest.mark.parametrize("kind", ["plugin", "plugin-evidence"])
def test_a_sweep_in_the_middle_of_a_store_takes_nothing_that_the_evidence_will_name(monkeypatch, kind):
    op = operator()
    op.publish(build_package(artifact=big_library()))
    create = op.world.cluster.create
    swept: list[int] = []

    def overtaken(manifest: Any) -> Any:
        if manifest.get("type") == f"mcpg.dev/{kind}":
            swept.append(op.reconciler._sweeper.sweep())
        return create(manifest)

    monkeypatch.setattr(op.world.cluster, "create", overtaken)
    op.apply().settle()
    assert swept == [0]
    assert op.ready() == ("True", "Reconciled")
    assert {*packages(op), *kept(op).stored.digests} <= {one.name for one in op.secrets()}
    op.away()
    assert op.restart().library() == big_library()
