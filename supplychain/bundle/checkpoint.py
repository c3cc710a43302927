"""Checkpoints: a log's signed statement of its size and root hash.

Follows C2SP signed-note and tlog-checkpoint. A Rekor v2 log signs under its own host name, and that name is the origin line; the
origin of a Rekor v1 log (`host - tree id`) is bound to nothing, so only its key counts. Signatures of others (witnesses) are
skipped.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from supplychain.errors import LogEntryError
from supplychain.wire import MalformedError, decode_base64, translating

if TYPE_CHECKING:
    from supplychain.trust_root import Log

__all__ = ["Checkpoint", "verify_checkpoint"]

_HINT: Final = 4
_MAX_SIGNATURES: Final = 32
_SIZE = re.compile(r"0|[1-9][0-9]{0,18}")
_SIGNATURE = re.compile(r"— (\S+) (\S+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """What a log has signed."""

    origin: str
    tree_size: int
    root_hash: bytes


def verify_checkpoint(note: str, *, log: Log) -> Checkpoint:
    """Read a signed note and verify that `log` signed it.

    Raises:
        LogEntryError: malformed, not signed by this log, or under another log's name.
    """
    with translating(LogEntryError, "the checkpoint is unusable"):
        # The last blank line divides text and signatures: the text may hold blank lines itself (signed-note, "Format").
        body, _, signatures = note.rpartition("\n\n")
        if not signatures.endswith("\n"):
            raise MalformedError("no signed note")
        text = body + "\n"
        checkpoint = _parse(text)
        if log.is_v2 and checkpoint.origin != log.name:
            raise LogEntryError("the checkpoint has another origin", expected=f"`{log.name}`", got=f"`{checkpoint.origin[:100]}`")
        own = [
            signature
            for name, hint, signature in _signatures(signatures)
            if hint == log.checkpoint_id[:_HINT] and (not log.is_v2 or name == log.name)
        ]
        if not any(log.key.verifies(signature, text.encode()) for signature in own):
            raise LogEntryError("no signature under the checkpoint is the log's own", expected=f"one by `{log.name}`")
        return checkpoint


def _parse(text: str) -> Checkpoint:
    lines = text.split("\n")
    if len(lines) < 4 or not lines[0] or _SIZE.fullmatch(lines[1]) is None:  # noqa: PLR2004 — three lines and the end
        raise MalformedError("no checkpoint: origin, size and root hash must stand in the first three lines")
    return Checkpoint(origin=lines[0], tree_size=int(lines[1]), root_hash=decode_base64(lines[2]))


def _signatures(block: str) -> list[tuple[str, bytes, bytes]]:
    lines = block.removesuffix("\n").split("\n")
    if len(lines) > _MAX_SIGNATURES:
        raise MalformedError(f"more than {_MAX_SIGNATURES} signature lines")
    found = []
    for line in lines:
        match = _SIGNATURE.fullmatch(line)
        if match is None:
            raise MalformedError("a signature line is malformed")
        blob = decode_base64(match[2])
        found.append((match[1], blob[:_HINT], blob[_HINT:]))
    return found
