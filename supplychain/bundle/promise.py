"""Signed entry timestamps: Rekor v1's promise to include an entry, and its word on when.

The log signs the RFC 8785 form of `body`, `integratedTime`, `logID` and `logIndex` (sigstore/rekor, "Signed Entry Timestamp").
All values are ASCII text or small integers, for which sorted keys without spaces are that form.
"""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from supplychain.errors import LogEntryError

if TYPE_CHECKING:
    from supplychain.bundle.model import LogEntry
    from supplychain.trust_root import Log

__all__ = ["verify_promise"]


def verify_promise(promise: bytes, *, entry: LogEntry, log: Log) -> datetime:
    """Verify that `log` promised to include `entry`, and return the time that this proves.

    Raises:
        LogEntryError: the promise is not this log's over this entry, or the log is one that makes no promises.
    """
    if log.is_v2:
        raise LogEntryError("a signed entry timestamp from a Rekor v2 log, which makes none", where=f"log `{log.name}`")
    payload = {
        "body": base64.b64encode(entry.body).decode(),
        "integratedTime": entry.integrated_time,
        "logID": entry.log_id.hex(),
        "logIndex": entry.index,
    }
    signed = json.dumps(payload, sort_keys=True, separators=(",", ":")).encode()
    if not log.key.verifies(promise, signed):
        raise LogEntryError("the signed entry timestamp does not verify", where=f"log `{log.name}`")
    try:
        return datetime.fromtimestamp(entry.integrated_time, tz=UTC)
    except (OverflowError, ValueError, OSError) as exc:
        raise LogEntryError("the integrated time is no time") from exc
