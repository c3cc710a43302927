"""Verified plugins as the data of Kubernetes Secrets, and back: library, descriptor and signature, of any size.

`plan_delivery` turns a `VerifiedPlugin` into one payload, or into content-addressed shards with an index; `open_delivery` puts
them together again and proves each step. Neither knows Kubernetes: a payload is a mapping from key to bytes, a shard is asked for
by the name of its Secret. Neither holds a large library, or more than one shard, in memory. docs/delivery.md has the format.
"""

from __future__ import annotations

from supplychain.delivery.assemble import StoredPlugin, open_delivery
from supplychain.delivery.index import (
    DESCRIPTOR_KEY,
    INDEX_KEY,
    LARGEST_PAYLOAD,
    LARGEST_SHARD,
    SHARD_KEY,
    SIGNATURE_KEY,
    Shard,
    content_name,
)
from supplychain.delivery.plan import Delivery, compressed, cut, plan_delivery

__all__ = [
    "DESCRIPTOR_KEY",
    "INDEX_KEY",
    "LARGEST_PAYLOAD",
    "LARGEST_SHARD",
    "SHARD_KEY",
    "SIGNATURE_KEY",
    "Delivery",
    "Shard",
    "StoredPlugin",
    "compressed",
    "content_name",
    "cut",
    "open_delivery",
    "plan_delivery",
]
