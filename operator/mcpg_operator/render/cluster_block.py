"""The block that tells a gateway which coordinator it shares with its other replicas, and its hash."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

from supplychain.rules.coordinator import SINGLE_NODE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from supplychain.api.cluster import ClusterSpec

__all__ = ["block_hash", "cluster_block"]


def cluster_block(spec: ClusterSpec) -> dict[str, Any]:
    """Write the block: the author's configuration as it stands, and the backend, which no key of the configuration can change."""
    return {"kind": SINGLE_NODE} if spec.backend == SINGLE_NODE else {**spec.config, "kind": spec.backend}


def block_hash(block: Mapping[str, Any]) -> str:
    """Hash a block: 64 hex characters of SHA-256 over compact JSON with sorted keys, in UTF-8 without escapes."""
    text = json.dumps(block, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
