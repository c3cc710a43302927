"""That a signature was logged, and when it was made: log entries and timestamps against the trust root."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from supplychain.bundle.checkpoint import verify_checkpoint
from supplychain.bundle.merkle import proves_inclusion
from supplychain.bundle.promise import verify_promise
from supplychain.bundle.timestamp import verify_timestamp
from supplychain.errors import LogEntryError, TrustedTimeError
from supplychain.proof import LogProof, ProvenTime

if TYPE_CHECKING:
    from supplychain.bundle.model import Bundle, LogEntry
    from supplychain.trust_root import Log, TrustRoot

__all__ = ["Transparency", "prove_transparency"]

_TIMELESS: Final = "nothing proves when the signature was made; the key that was configured for it has no end"
_BARE_PROOF: Final = "an inclusion proof without checkpoint was ignored; the signed entry timestamp stands in for it"


@dataclass(frozen=True, slots=True, kw_only=True)
class Transparency:
    """Proven entries and times. What the entries are about is another question."""

    times: tuple[ProvenTime, ...]
    log: tuple[LogProof, ...]
    notes: tuple[str, ...]


def prove_transparency(bundle: Bundle, *, signature: bytes, root: TrustRoot) -> Transparency:
    """Verify every entry and every timestamp, and demand an entry wherever the root names a log of that time.

    A certificate needs a proven time, because it is valid for minutes. A configured key does not; its entry then needs a log that
    the root names without an end.

    Raises:
        LogEntryError: an entry is missing or unproven, or its log was not in force.
        TrustedTimeError: a timestamp is refused, or nothing proves a time.
    """
    notes: list[str] = []
    # Every log entry is in a log of the root; a promise proves a time.
    if not bundle.entries and not bundle.timestamps and root.logs:
        raise LogEntryError("there is no transparency log entry", expected=f"one by a log of `{root.name}`")
    logs = [_log_of(entry, root) for entry in bundle.entries]
    found = [_prove_entry(entry, log, notes) for entry, log in zip(bundle.entries, logs, strict=True)]
    # Every timestamp is by an authority of the root over this signature; without any proven time there is no verdict.
    times = [time for _, time in found if time is not None]
    times += [verify_timestamp(token, signature=signature, root=root) for token in bundle.timestamps]
    if times:
        _check_windows(logs, times)
        if not bundle.entries:
            _refuse_unlogged(root, times)
    elif bundle.certificates or any(log.window.end is not None for log in logs):
        raise TrustedTimeError("nothing proves when the signature was made")
    else:
        notes.append(_TIMELESS)
    return Transparency(times=tuple(times), log=tuple(proof for proof, _ in found), notes=tuple(notes))


def _check_windows(logs: list[Log], times: list[ProvenTime]) -> None:
    for log in logs:
        for time in times:
            if not log.window.contains(time.at):
                raise LogEntryError(
                    "outside the log's time in the trust root",
                    expected=str(log.window),
                    got=time.at.isoformat(),
                    where=f"log `{log.name}`",
                )


def _refuse_unlogged(root: TrustRoot, times: list[ProvenTime]) -> None:
    """A timestamp alone is enough only where the root names no log that was in force then."""
    log = next((log for log in root.logs for time in times if log.window.contains(time.at)), None)
    if log is not None:
        expected = f"one by log `{log.name}`, which `{root.name}` names for that time"
        raise LogEntryError("there is no transparency log entry", expected=expected)


def _log_of(entry: LogEntry, root: TrustRoot) -> Log:
    log = next((log for log in root.logs if log.id == entry.log_id), None)
    if log is None:
        raise LogEntryError(
            "the log entry is by a log that the trust root does not name", got=f"log id {entry.log_id.hex()[:64]}"
        )
    return log


def _prove_entry(entry: LogEntry, log: Log, notes: list[str]) -> tuple[LogProof, ProvenTime | None]:
    """Verify whatever shows that `entry` is in `log`; parsing has seen to it that something does."""
    origin = None
    if entry.proof is not None:
        if not proves_inclusion(entry.proof, entry.body):
            raise LogEntryError("the inclusion proof does not lead from the entry to its root hash", where=f"log `{log.name}`")
        if log.is_v2 and entry.index != entry.proof.index:
            raise LogEntryError(
                "the entry's index differs from its proof's", expected=str(entry.proof.index), got=str(entry.index)
            )
        if entry.proof.checkpoint is None:
            notes.append(_BARE_PROOF)
        else:
            checkpoint = verify_checkpoint(entry.proof.checkpoint, log=log)
            if (checkpoint.tree_size, checkpoint.root_hash) != (entry.proof.tree_size, entry.proof.root_hash):
                raise LogEntryError("the checkpoint is of another tree than the inclusion proof", where=f"log `{log.name}`")
            origin = checkpoint.origin
    time = None
    if entry.promise is not None:
        time = ProvenTime(at=verify_promise(entry.promise, entry=entry, log=log), source=f"log {log.name}")
    return (
        LogProof(
            log_id=entry.log_id.hex(),
            index=entry.index if log.is_v2 or entry.promise is not None else None,
            kind=f"{entry.kind}/{entry.version}",
            origin=origin,
        ),
        time,
    )
