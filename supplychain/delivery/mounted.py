"""A stored plugin as Kubernetes mounts it: every key a file, every shard as `shards/<name of its Secret>`.

Mounts are full of symbolic links (`..data`), which are followed. What an index says is never part of a path but for a shard's
name, which `open_delivery` has made from a digest. A file is opened once and read with a bound.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

from supplychain.archive import ARTIFACTS
from supplychain.delivery.assemble import StoredPlugin, open_delivery
from supplychain.delivery.index import DESCRIPTOR_KEY, INDEX_KEY, LARGEST_PAYLOAD, LARGEST_SHARD, SIGNATURE_KEY
from supplychain.errors import DeliveryInvalidError, UnreadableFileError
from supplychain.files import open_regular

if TYPE_CHECKING:
    from pathlib import Path

    from supplychain.limits import Limits

__all__ = ["SHARDS", "open_mounted"]

SHARDS: Final = "shards"
"""The folder of the shards inside a mounted plugin."""


def open_mounted(directory: Path, *, limits: Limits) -> StoredPlugin:
    """Open the plugin that is mounted at `directory`; other files in it do not matter.

    Raises:
        UnreadableFileError: there is no such directory, or a file in it may not be read; the shards' while the library is read.
        DeliveryInvalidError, ArtifactTooLargeError: as `open_delivery`.
    """
    if not directory.is_dir():
        raise UnreadableFileError("cannot read directory", expected="a mounted plugin", got="none", where=f"`{directory}`")
    payload: dict[str, bytes] = {}
    for name in (*ARTIFACTS, INDEX_KEY, DESCRIPTOR_KEY, SIGNATURE_KEY):
        data = _read(directory / name, limit=LARGEST_PAYLOAD)
        if data is not None and len(data) > LARGEST_PAYLOAD:
            expected = f"at most {LARGEST_PAYLOAD} bytes"
            raise DeliveryInvalidError(
                "a file is larger than any Secret", expected=expected, got="more", where=f"`{directory / name}`"
            )
        if data is not None:
            payload[name] = data
    return open_delivery(payload, shard=lambda name: _read(directory / SHARDS / name, limit=LARGEST_SHARD), limits=limits)


def _read(path: Path, *, limit: int) -> bytes | None:
    """Read up to `limit` bytes, and one more where there is more, which shows that it is too long; None where nothing is."""
    if not os.path.exists(path):  # noqa: PTH110 — unlike `Path.exists`, never an error
        return None
    pieces: list[bytes] = []
    left = limit + 1
    with open_regular(path) as file:
        try:
            while piece := file.read(left):  # nothing is left to read where `left` is 0
                pieces.append(piece)
                left -= len(piece)
        except OSError as exc:
            raise UnreadableFileError("cannot read file", got=exc.strerror or type(exc).__name__, where=f"`{path}`") from exc
    return b"".join(pieces)
