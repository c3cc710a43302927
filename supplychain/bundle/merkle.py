"""Inclusion in a Merkle tree: RFC 6962, 2.1.1, with the verification algorithm of RFC 9162, 2.1.3.2."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from supplychain.bundle.model import InclusionProof

__all__ = ["proves_inclusion"]


def proves_inclusion(proof: InclusionProof, leaf: bytes) -> bool:
    """Tell whether `proof` leads from the entry `leaf` to its root hash; who vouches for that root is another question."""
    if proof.index >= proof.tree_size:
        return False
    position, last = proof.index, proof.tree_size - 1
    current = hashlib.sha256(b"\x00" + leaf).digest()
    for sibling in proof.hashes:
        if len(sibling) != len(current) or last == 0:
            return False
        if position & 1 or position == last:
            current = _node(sibling, current)
            while not position & 1:  # ends, because `position` is not 0 here
                position, last = position >> 1, last >> 1
        else:
            current = _node(current, sibling)
        position, last = position >> 1, last >> 1
    return last == 0 and current == proof.root_hash


def _node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()
