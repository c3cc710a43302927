"""Objects of the kind of which there may be ten thousand, as compressed JSON: a fraction of the memory that dictionaries take.

They are compressed by what the first of them looked like, because all look much the same. Opening one costs some ten
microseconds, and every reader gets a body of its own.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import msgspec

from mcpg_operator.resources import PLUGIN, Resource

if TYPE_CHECKING:
    from mcpg_operator.resources import Kind

__all__ = ["Held", "Packed", "Packer", "unpack"]

_MANY: Final = frozenset({PLUGIN})
_LEVEL: Final = 6
_DECODER: Final = msgspec.json.Decoder(dict[str, Any])


@dataclass(frozen=True, slots=True, kw_only=True)
class Packed:
    """One object; what tells one version of it from the next lies open."""

    kind: Kind
    uid: str
    resource_version: str
    data: bytes
    model: bytes
    """The text by which it was compressed."""


Held: TypeAlias = Resource | Packed
"""How the store holds an object."""


class Packer:
    """Packs objects; threads may share it."""

    def __init__(self) -> None:
        self._model = b""

    def pack(self, resource: Resource) -> Held:
        """Pack an object if it is of such a kind; others stay as they are, and so do bodies that are no JSON."""
        if resource.kind not in _MANY:
            return resource
        try:
            text = msgspec.json.encode(resource.body)
        except (TypeError, ValueError, RecursionError):
            return resource
        model = self._model
        if not model and resource.status:  # one without a status would show only half of what is to come
            self._model = text
        packer = zlib.compressobj(_LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS, zdict=model)
        return Packed(
            kind=resource.kind,
            uid=resource.uid,
            resource_version=resource.resource_version,
            data=packer.compress(text) + packer.flush(),
            model=model,
        )


def unpack(held: Held) -> Resource:
    """Give the object."""
    if isinstance(held, Resource):
        return held
    unpacker = zlib.decompressobj(-zlib.MAX_WBITS, zdict=held.model)
    return Resource(held.kind, _DECODER.decode(unpacker.decompress(held.data)))
