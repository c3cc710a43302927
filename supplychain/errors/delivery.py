"""Why what is stored for a gateway is refused."""

from __future__ import annotations

from supplychain.errors.base import VerificationError

__all__ = ["DeliveryError", "DeliveryInvalidError", "ShardMismatchError", "ShardMissingError"]


class DeliveryError(VerificationError):
    reason = "DeliveryRefused"
    meaning = "Verified bytes that were stored for a gateway could not be put together again."
    why = (
        "Between the verification and the gateway the bytes lie in objects that others may be able to write. What was verified "
        "once is therefore proven again where it is used."
    )


class DeliveryInvalidError(DeliveryError):
    reason = "DeliveryInvalid"
    meaning = "The stored files of a plugin, their index, or the evidence about them contradict each other or the stored format."
    why = (
        "The index says which pieces are the library and how large it may become. An edited one could leave pieces out, put "
        "others in their place, or let a few bytes grow until the disk is full. Edited evidence could pair the signed manifest "
        "of one release with the library of another."
    )
    default_hint = "delete the Secret of that name; the operator writes it again from what it verified"
    default_change = "the files as the operator stored them"


class ShardMissingError(DeliveryError):
    reason = "ShardMissing"
    meaning = "A piece of the library that the index names is not there."
    why = (
        "A library with a hole must never be loaded, and only the index says that there is one. Whoever can delete a Secret "
        "could otherwise choose what the gateway runs."
    )
    default_hint = "mount every shard that the index names; the operator writes a lost one again"
    default_change = "all shards that the index names"


class ShardMismatchError(DeliveryError):
    reason = "ShardMismatch"
    meaning = "A piece of the library is not the one that the index names."
    why = (
        "Swapped, cut, longer, or taken from another plugin: each piece has its own digest, so that the bad one is known before "
        "anything is made of it."
    )
    default_hint = "delete the shard; the operator writes it again from what it verified"
    default_change = "the shard as the operator stored it"
