"""Packages in shards: written once, read in bounds, proven once, and doubted when somebody touched them."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from mcpg_operator.keeping import Shelf
from mcpg_operator.keeping import layers as layers_module
from mcpg_operator.keeping.chain import check_package
from mcpg_operator.keeping.layers import Layers
from mcpg_operator.keeping.objects import Objects
from mcpg_operator.resources import SECRET, Key
from supplychain.delivery import compressed
from supplychain.digest import LayerDigest
from supplychain.errors import (
    ArtifactTooLargeError,
    DeliveryInvalidError,
    ShardMismatchError,
    ShardMissingError,
)
from supplychain.limits import Limits
from supplychain.spool import Spool
from tests.operators.keeping.releases import HERE, named, release, shards_of
from tests.operators.world import NAMESPACE, World

if TYPE_CHECKING:
    from mcpg_operator.keeping import KeptPlugin
    from tests.operators.keeping.releases import Release

A, B = release(b"A"), release(b"B")
MADE_BY = A.package.index(b"PK\x01\x02") + 5
TWIN = A.package[:MADE_BY] + bytes([A.package[MADE_BY] ^ 1]) + A.package[MADE_BY + 1 :]
"""As long, and with the very same files in it."""
LARGE = release(random.Random(5).randbytes(1_000_000))


class Room:
    """One process with its shelf, on a cluster that others outlive."""

    def __init__(self, world: World | None = None, *, limits: Limits | None = None) -> None:
        self.world = world or World()
        self.shelf = Shelf()
        self.layers = Layers(
            Objects(self.world.services()), self.shelf, limits=limits or Limits(), namespace=self.world.settings.namespace
        )

    def keep(self, *releases: Release) -> Room:
        for one in releases:
            with Spool.of(one.package) as package:
                assert self.layers.plan(package) == one.kept.stored.package
                self.layers.write(package)
        return self

    def next(self) -> Room:
        self.shelf.close()
        self.world.cluster.reads.clear()
        return Room(self.world)

    def prove(self, kept: KeptPlugin) -> None:
        self.layers.prove(kept, platform=HERE)

    def reads(self) -> int:
        found = sum(one[0] == "get" and one[1] == SECRET for one in self.world.cluster.reads)
        self.world.cluster.reads.clear()
        return found


@pytest.fixture
def room() -> Any:
    made = [Room().keep(A, B, LARGE).next()]
    yield made[0]
    made[0].shelf.close()


def key_of(kept: KeptPlugin, number: int = 0) -> Key:
    return Key(SECRET, kept.stored.package[number][0], NAMESPACE)


def test_a_package_lies_in_immutable_shards_that_are_called_by_their_content(room):
    found = {one.name: one for one in room.world.cluster.objects(SECRET)}
    assert {name: one.data() for name, one in found.items()} == {**A.shards, **B.shards, **LARGE.shards}
    assert len(LARGE.shards) == 2
    for one in found.values():
        assert (one.body["type"], one.body["immutable"]) == ("mcpg.dev/plugin-shard", True)
        assert one.labels["app.kubernetes.io/component"] == "plugin-shard"


def test_what_is_there_is_not_written_again(room):
    room.world.writes()
    room.keep(A, LARGE)
    assert room.world.writes() == []


def test_what_is_there_is_not_compressed_again_and_what_is_gone_is_written(room, monkeypatch):
    room.keep(A, LARGE)
    done: list[str] = []

    def counted(data: Spool, **more: Any) -> Spool:
        done.append(data.sha256)
        return compressed(data, **more)

    monkeypatch.setattr(layers_module, "compressed", counted)
    room.world.cluster.reads.clear()
    room.keep(A, LARGE)
    assert (done, room.reads()) == ([], 0)
    before = {one.name: one.data() for one in room.world.cluster.objects(SECRET)}
    room.world.cluster.remove(key_of(LARGE.kept, 1))
    room.world.later(600)
    room.keep(A, LARGE)
    assert done == [LARGE.kept.layer_digest.hex]
    assert {one.name: one.data() for one in room.world.cluster.objects(SECRET)} == before


def test_only_so_many_plans_are_remembered(room, monkeypatch):
    monkeypatch.setattr(layers_module, "_PLANNED", 1)
    room.keep(A, B)
    assert list(room.layers._planned) == [B.kept.layer_digest.hex]


def test_what_belongs_together_is_read_and_proven_once(room):
    room.prove(LARGE.kept)
    assert room.reads() == 2
    for plugin in ("echo", "another"):
        room.prove(replace(LARGE.kept, plugin=plugin, uid=plugin))
    room.shelf.close()
    room.prove(LARGE.kept)
    assert room.reads() == 0


def test_a_refusal_is_not_remembered_as_a_proof(room):
    mixed = A.but(artifact_hash=B.kept.artifact_hash)
    for _ in range(2):
        with pytest.raises(DeliveryInvalidError, match="another library"):
            room.prove(mixed)
    room.prove(A.kept)
    with pytest.raises(DeliveryInvalidError, match="another library"):
        room.prove(mixed)
    assert room.shelf.size == len(A.package)  # of the good one


def test_a_package_at_hand_is_no_reason_to_believe_another_record(room):
    room.prove(A.kept)
    with Spool.of(TWIN) as package:
        room.layers.write(package)
    with pytest.raises(DeliveryInvalidError, match="another one than the manifest names"):
        room.prove(A.but(stored=replace(A.kept.stored, package=named(shards_of(TWIN)))))


@pytest.mark.parametrize("package", [LARGE.kept.stored.package, LARGE.kept.stored.package[:1], LARGE.kept.stored.package * 2])
def test_secrets_that_are_another_package_together_or_a_part_of_one_are_refused(room, package):
    with pytest.raises(DeliveryInvalidError, match="not the kept package") as caught:
        room.prove(A.but(stored=replace(A.kept.stored, package=package)))
    assert caught.value.expected == f"{len(A.package)} bytes, compressed"
    assert caught.value.where == "evidence about MCPGPlugin `echo`"


def test_manifests_are_judged_before_a_package_is_read(room):
    with pytest.raises(DeliveryInvalidError):
        room.prove(A.but(manifest_digest=B.kept.manifest_digest))
    assert room.reads() == 0


@pytest.mark.parametrize("change", [{"shard": "AAAA"}, {"more": "AAAA"}, {}])
def test_a_shard_that_was_edited_is_refused_where_the_package_is_not_at_hand(room, change):
    room.world.cluster.edit(key_of(LARGE.kept, 1), lambda found: found.update(data=change))
    with pytest.raises(ShardMismatchError):
        room.prove(LARGE.kept)
    with pytest.raises(ShardMismatchError):
        room.layers.lend(LARGE.kept, platform=HERE)


def test_a_secret_without_a_shard_is_no_part_of_a_package(room):
    """Its hash is what the evidence says, for whoever writes the one may write the other."""
    from mcpg_operator.keeping import payload_hash

    room.world.cluster.edit(key_of(A.kept), lambda found: found.update(data={"other": "AAAA"}))
    name = A.kept.stored.package[0][0]
    stored = replace(A.kept.stored, package=((name, payload_hash({"other": b"\0\0\0"})),))
    with pytest.raises(DeliveryInvalidError, match="not the kept package"):
        room.prove(A.but(stored=stored))


def test_a_package_that_is_lent_is_the_one_that_was_verified(room):
    with Spool.of(TWIN) as package:
        room.layers.write(package)
    twin = A.but(stored=replace(A.kept.stored, package=named(shards_of(TWIN))))
    with pytest.raises(DeliveryInvalidError, match="another package is stored") as caught:
        room.layers.lend(twin, platform=HERE)
    assert (caught.value.expected, caught.value.got) == (f"`{A.kept.layer_digest}`", f"`{LayerDigest.of(TWIN)}`")


def test_a_shard_that_is_gone_is_told(room):
    room.world.cluster.remove(key_of(A.kept))
    with pytest.raises(ShardMissingError):
        room.prove(A.kept)


def test_what_somebody_touched_is_proven_again_by_what_is_at_hand_or_not_at_all(room):
    room.prove(A.kept)
    room.world.cluster.remove(key_of(A.kept))
    room.prove(A.kept)
    room.layers.doubt(B.kept)
    room.reads()
    room.prove(A.kept)
    assert room.reads() == 0  # nobody touched anything of this release
    room.layers.doubt(A.kept)
    room.prove(A.kept)
    assert room.reads() == 1
    with room.layers.lend(A.kept, platform=HERE) as found:
        assert bytes(memoryview(found.view)) == A.package
    room.layers.doubt(A.kept)
    room.shelf.close()
    with pytest.raises(ShardMissingError):
        room.prove(A.kept)


def test_a_package_is_lent_from_the_shards_where_it_is_not_at_hand(room):
    with room.layers.lend(LARGE.kept, platform=HERE) as found:
        assert bytes(memoryview(found.view)) == LARGE.package
    assert room.reads() == 2


def test_what_is_accepted_is_proven_once_and_then_at_hand():
    room = Room()
    with Spool.of(A.package) as package:
        room.layers.accept(A.kept, package, platform=HERE)
        with pytest.raises(DeliveryInvalidError):
            room.layers.accept(A.but(artifact_hash=B.kept.artifact_hash), package, platform=HERE)
    with Spool.of(B.package) as package, pytest.raises(DeliveryInvalidError, match="another one than the manifest names"):
        room.layers.accept(A.but(signature=b"another"), package, platform=HERE)
    room.prove(A.kept)  # although nothing was ever written
    assert room.shelf.size == len(A.package)
    room.shelf.close()


def test_a_package_above_the_limit_of_what_is_stored_is_refused_with_both_numbers():
    size = sum(len(data["shard"]) for data in A.shards.values())
    limits = Limits(delivery=size)
    with Spool.of(A.package) as package:
        assert Room(limits=limits).layers.plan(package) == A.kept.stored.package
    room = Room(limits=replace(limits, delivery=size - 1))
    with (
        Spool.of(A.package) as package,
        pytest.raises(ArtifactTooLargeError, match=f"the package of {len(A.package)} bytes") as caught,
    ):
        room.layers.plan(package)
    assert (caught.value.expected, caught.value.got) == (f"at most {size - 1} bytes", f"{size} bytes")


def test_only_so_many_proofs_are_remembered_and_the_oldest_go_first(room, monkeypatch):
    monkeypatch.setattr(layers_module, "_REMEMBERED", 1)
    room.prove(A.kept)
    room.prove(B.kept)
    room.reads()
    room.prove(B.kept)
    assert room.reads() == 0
    room.prove(A.kept)
    assert room.reads() == 1


INDEXED = release(b"A", index=True)
ELSEWHERE = replace(HERE, architecture="arm64")


def test_a_proof_for_one_platform_is_none_for_another(room):
    room.prove(INDEXED.kept)
    with pytest.raises(DeliveryInvalidError, match="for the platform"):
        room.layers.prove(INDEXED.kept, platform=ELSEWHERE)
    with Spool.of(INDEXED.package) as package:
        room.layers.accept(INDEXED.kept, package, platform=HERE)
        with pytest.raises(DeliveryInvalidError, match="for the platform"):
            room.layers.accept(INDEXED.kept, package, platform=ELSEWHERE)
    room.shelf.close()
    with room.layers.lend(INDEXED.kept, platform=HERE) as found:
        assert found.sha256 == INDEXED.kept.layer_digest.hex


def test_of_one_package_every_proof_is_made_once_and_every_one_is_doubted(room, monkeypatch):
    assert INDEXED.kept.layer_digest == A.kept.layer_digest
    made: list[str] = []

    def counted(kept: KeptPlugin, package: Spool, **more: Any) -> None:
        made.append("with an index" if kept.index else "without")
        check_package(kept, package, **more)

    monkeypatch.setattr(layers_module, "check_package", counted)
    for _ in range(2):
        with Spool.of(A.package) as package:
            room.layers.accept(A.kept, package, platform=HERE)
        room.prove(A.kept)
        room.prove(INDEXED.kept)
    assert made == ["without", "with an index"]
    room.layers.doubt(A.kept)
    room.prove(A.kept)
    room.prove(INDEXED.kept)
    assert made == ["without", "with an index"] * 2


def test_a_package_of_many_shards_is_the_same_when_it_is_read():
    huge = release(random.Random(6).randbytes(2_000_000))
    assert len(huge.shards) > 2
    room = Room().keep(huge)
    with room.layers.lend(huge.kept, platform=HERE) as found:
        assert bytes(memoryview(found.view)) == huge.package
    room.shelf.close()
