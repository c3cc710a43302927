"""Inclusion proofs over every position of every small tree, and nothing but them."""

import hashlib

import pytest

from supplychain.bundle.merkle import proves_inclusion
from supplychain.bundle.model import InclusionProof

ENTRIES = [bytes([number]) for number in range(17)]


def tree_hash(leaves: list[bytes]) -> bytes:
    if len(leaves) == 1:
        return hashlib.sha256(b"\x00" + leaves[0]).digest()
    split = 1 << (len(leaves) - 1).bit_length() - 1
    return hashlib.sha256(b"\x01" + tree_hash(leaves[:split]) + tree_hash(leaves[split:])).digest()


def path(index: int, leaves: list[bytes]) -> list[bytes]:
    if len(leaves) == 1:
        return []
    split = 1 << (len(leaves) - 1).bit_length() - 1
    if index < split:
        return [*path(index, leaves[:split]), tree_hash(leaves[split:])]
    return [*path(index - split, leaves[split:]), tree_hash(leaves[:split])]


def proof(position: int, size: int, **changes: object) -> InclusionProof:
    values: dict[str, object] = {
        "index": position,
        "root_hash": tree_hash(ENTRIES[:size]),
        "tree_size": size,
        "hashes": tuple(path(position, ENTRIES[:size])),
        "checkpoint": None,
    }
    return InclusionProof(**(values | changes))  # type: ignore[arg-type]


@pytest.mark.parametrize("size", range(1, 18))
def test_every_position_is_proven_and_no_other(size: int) -> None:
    for index in range(size):
        assert proves_inclusion(proof(index, size), ENTRIES[index])
        assert not proves_inclusion(proof(index, size), b"another")
        for other in range(size + 2):
            if other != index:
                assert not proves_inclusion(proof(index, size, index=other), ENTRIES[index])


@pytest.mark.parametrize(("index", "size"), [(0, 1), (3, 7), (6, 7), (15, 16), (16, 17)])
def test_a_path_that_is_too_long_too_short_or_wrong_proves_nothing(index: int, size: int) -> None:
    good = proof(index, size)
    assert not proves_inclusion(proof(index, size, hashes=(*good.hashes, bytes(32))), ENTRIES[index])
    assert not proves_inclusion(proof(index, size, root_hash=bytes(32)), ENTRIES[index])
    if good.hashes:
        assert not proves_inclusion(proof(index, size, hashes=good.hashes[:-1]), ENTRIES[index])
        assert not proves_inclusion(proof(index, size, hashes=(good.hashes[0][:-1], *good.hashes[1:])), ENTRIES[index])


def test_an_inner_node_passed_off_as_an_entry_proves_nothing() -> None:
    left, right = (hashlib.sha256(b"\x00" + entry).digest() for entry in ENTRIES[:2])
    inner = proof(0, 4, hashes=(tree_hash(ENTRIES[2:4]),), tree_size=2)
    assert not proves_inclusion(inner, left + right)


def test_a_root_made_to_measure_does_not_save_a_path_of_another_length() -> None:
    leaf = hashlib.sha256(b"\x00" + ENTRIES[0]).digest()
    beyond = proof(0, 1, hashes=(bytes(32),), root_hash=hashlib.sha256(b"\x01" + bytes(32) + leaf).digest())
    assert not proves_inclusion(beyond, ENTRIES[0])
    short = proof(0, 2, hashes=(bytes(31),), root_hash=hashlib.sha256(b"\x01" + leaf + bytes(31)).digest())
    assert not proves_inclusion(short, ENTRIES[0])


def test_nothing_is_in_an_empty_tree() -> None:
    assert not proves_inclusion(proof(0, 1, tree_size=0), ENTRIES[0])
