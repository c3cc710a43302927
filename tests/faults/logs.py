"""Log entries, inclusion proofs, checkpoints, promises and times (RFC 6962, RFC 9162, signed-note, RFC 3161)."""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from supplychain.errors import LogEntryError, TrustedTimeError
from tests.faults.table import AT, OTHER, SIGSTORE, Envelope, Fault, put
from tests.support.sigstore.certificates import CODE_SIGNING, TIME_STAMPING, extended_key_usage, key_usage
from tests.support.sigstore.keys import Seed, sign
from tests.support.sigstore.timestamps import TimestampAuthority
from tests.support.sigstore.transparency import Proof, Rekor, b64

if TYPE_CHECKING:
    from collections.abc import Callable

    from supplychain.errors import SupplyChainError

__all__ = ["ROWS"]

SECOND = timedelta(seconds=1)
START, END = AT - timedelta(days=400), AT + timedelta(days=4000)
V1: dict[str, Any] = {"log": "rekor1"}
ENTRY = ("verificationMaterial", "tlogEntries", 0)
PROOF = (*ENTRY, "inclusionProof")
NO_LOG = "exactly one log entry"


def _row(
    name: str,
    text: str,
    bad: dict[str, Any],
    good: dict[str, Any] | None = None,
    *,
    error: type[SupplyChainError] = LogEntryError,
    alone: str = "",
    **root: Any,
) -> Fault:
    return Fault(
        name=name,
        error=error,
        text=text,
        bad=Envelope(plan=bad, root=root),
        good=Envelope(plan=good or {}, root=root),
        alone=alone,
    )


def _each(name: str, text: str, fault: dict[str, Any]) -> tuple[Fault, Fault]:
    """The same fault in an entry of either kind of log."""
    return (
        _row(f"{name}, rekor1", text, {**V1, **fault}, V1),
        _row(f"{name}, rekor2", text, fault),
    )


# --- inclusion ----------------------------------------------------------------------------------------------------------------


def _hashes(change: Callable[[list[str]], list[str]]) -> Callable[[dict[str, Any]], None]:
    def edit(value: dict[str, Any]) -> None:
        proof = value["verificationMaterial"]["tlogEntries"][0]["inclusionProof"]
        proof["hashes"] = change(proof["hashes"])

    return edit


def _flipped(text: str) -> str:
    data = base64.b64decode(text)
    return b64(bytes([data[0] ^ 1]) + data[1:])


BROKEN = "does not lead from the entry to its root hash"


def _other_body(value: dict[str, Any]) -> None:
    """Another body about the same signature: only the Merkle path can tell."""
    entry = value["verificationMaterial"]["tlogEntries"][0]
    body = base64.b64decode(entry["canonicalizedBody"]).replace(
        b'"envelopeHash":{"algorithm":"sha256"', b'"envelopeHash":{"algorithm":"sha257"'
    )
    entry["canonicalizedBody"] = b64(body)


def _measured(*, index: int, size: int, hashes: list[bytes], root: Callable[[bytes], bytes]) -> dict[str, Any]:
    """A path of the log's own making, under a checkpoint that it signs: only the rules of the path itself can tell."""

    def edit(value: dict[str, Any]) -> None:
        entry = value["verificationMaterial"]["tlogEntries"][0]
        leaf = hashlib.sha256(b"\x00" + base64.b64decode(entry["canonicalizedBody"])).digest()
        proof = Proof(index=index, size=size, root=root(leaf), hashes=tuple(hashes))
        entry["inclusionProof"] = {
            "logIndex": str(index),
            "treeSize": str(size),
            "rootHash": b64(proof.root),
            "hashes": [b64(one) for one in hashes],
            "checkpoint": {"envelope": SIGSTORE.rekor1.checkpoint(proof)},
        }

    return {**V1, "edit": edit}


def _node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


SIBLING = bytes(range(32))
OF_ONE = _measured(index=0, size=1, hashes=[], root=lambda leaf: leaf)
OF_TWO = _measured(index=0, size=2, hashes=[SIBLING], root=lambda leaf: _node(leaf, SIBLING))
MEASURED = (
    _row("Merkle: an index beyond a tree of one", BROKEN, _measured(index=1, size=1, hashes=[], root=lambda leaf: leaf), OF_ONE),
    _row("Merkle: an index in an empty tree", BROKEN, _measured(index=0, size=0, hashes=[], root=lambda leaf: leaf), OF_ONE),
    _row(
        "Merkle: a path longer than the tree is deep",
        BROKEN,
        _measured(index=0, size=1, hashes=[SIBLING], root=lambda leaf: _node(SIBLING, leaf)),
        OF_TWO,
    ),
    _row(
        "Merkle: a path shorter than the tree is deep",
        BROKEN,
        _measured(index=0, size=4, hashes=[SIBLING], root=lambda leaf: _node(leaf, SIBLING)),
        OF_TWO,
    ),
    _row(
        "Merkle: a sibling that is no hash",
        BROKEN,
        _measured(index=0, size=2, hashes=[SIBLING[:31]], root=lambda leaf: _node(leaf, SIBLING[:31])),
        OF_TWO,
    ),
)

INCLUSION = (
    _row("entry: none where the root names logs", "there is no transparency log entry", {"log": "none"}),
    _row("entry: none, and no timestamp either", "there is no transparency log entry", {"log": "none", "tsa": None}),
    *(
        _row(f"entry: none, where a log was in force at the {end} of its time", "there is no transparency log entry",
             {"log": "none"}, {"log": "rekor2"}, rekor_window=window)
        for end, window in (("start", (AT, None)), ("end", (START, AT)))
    ),
    Fault(
        name="entry: none, and the logs of the root are all of another time",
        error=LogEntryError,
        text="there is no transparency log entry",
        bad=Envelope(plan={"log": "none"}, root={"rekor_window": (START, AT)}),
        good=Envelope(plan={"log": "none"}, root={"rekor_window": (START, AT - SECOND)}),
        alone=NO_LOG,
    ),
    *(_row(f"entry: by a log that the root does not name, {name}", "by a log that the trust root does not name", {"log": name, "rekor": getattr(OTHER, name)}, {"log": name})
      for name in ("rekor1", "rekor2")),
    *_each("Merkle: another hash", BROKEN, {"edit": _hashes(lambda given: [_flipped(given[0]), *given[1:]])}),
    *_each("Merkle: last hash changed", BROKEN, {"edit": _hashes(lambda given: [*given[:-1], _flipped(given[-1])])}),
    *_each("Merkle: one hash less", BROKEN, {"edit": _hashes(lambda given: given[:-1])}),
    *_each("Merkle: one hash more", BROKEN, {"edit": _hashes(lambda given: [*given, given[0]])}),
    *_each("Merkle: a short hash", BROKEN, {"edit": _hashes(lambda given: [b64(base64.b64decode(given[0])[:31]), *given[1:]])}),
    _row("Merkle: another index", BROKEN, {**V1, "edit": put(*PROOF, "logIndex", "0")}, V1),
    _row("Merkle: index beyond the tree", BROKEN, {**V1, "edit": put(*PROOF, "logIndex", "900")}, V1),
    _row("Merkle: another entry", BROKEN, {**V1, "promise": False, "tsa": SIGSTORE.tsa, "edit": _other_body},
         {**V1, "promise": False, "tsa": SIGSTORE.tsa}),
    _row("Rekor v2: the entry's index is not its proof's", "index differs from its proof's", {"edit": put(*ENTRY, "logIndex", "424242")}),
    *(
        _row(f"entry: the {name} of two", BROKEN, {**V1, "entries": 2, "edit": put(*ENTRY[:2], number, "inclusionProof", "hashes", [])},
             {**V1, "entries": 2}, alone=NO_LOG)
        for name, number in (("first", 0), ("second", 1))
    ),
)  # fmt: skip


# --- checkpoints --------------------------------------------------------------------------------------------------------------


def _line(number: int, change: Callable[[str], str]) -> Callable[[str], str]:
    def edit(text: str) -> str:
        lines = text.split("\n")
        lines[number] = change(lines[number])
        return "\n".join(lines)

    return edit


def _note(change: Callable[[str], str]) -> Callable[[dict[str, Any]], None]:
    def edit(value: dict[str, Any]) -> None:
        checkpoint = value["verificationMaterial"]["tlogEntries"][0]["inclusionProof"]["checkpoint"]
        checkpoint["envelope"] = change(checkpoint["envelope"])

    return edit


OWN = "no signature under the checkpoint is the log's own"
V1_LOG, V2_LOG = SIGSTORE.rekor1, SIGSTORE.rekor2


def _signed_by(rekor: Rekor, **changes: Any) -> Callable[[dict[str, Any]], None]:
    """The checkpoint signed again by a log that differs in one thing."""
    other = replace(rekor, **changes)

    def again(note: str) -> str:
        text = note.rpartition("\n\n")[0] + "\n"
        return f"{text}\n{other.note_line(text.encode())}"

    return _note(again)


CHECKPOINTS = (
    *_each("checkpoint: another size", "of another tree", {"edit_checkpoint": _line(1, lambda size: str(int(size) + 1))}),
    *_each("checkpoint: another root hash", "of another tree", {"edit_checkpoint": _line(2, _flipped)}),
    *_each("checkpoint: text changed after signing", OWN, {"edit": _note(lambda note: note.replace("\n\n", "\nother data\n\n", 1))}),
    _row("checkpoint: another origin, rekor2", "another origin", {"edit_checkpoint": _line(0, lambda _: "log.example")}),
    *(
        fault
        for log, rekor, other in (("rekor1", V1_LOG, OTHER.rekor1), ("rekor2", V2_LOG, OTHER.rekor2))
        for fault in (
            _row(f"checkpoint: another key, {log}", OWN, {"log": log, "edit": _signed_by(rekor, key=other.key)}, {"log": log, "edit": _signed_by(rekor)}),
            _row(f"checkpoint: another key hint, {log}", OWN, {"log": log, "edit": _signed_by(rekor, log_id=bytes(32))}, {"log": log, "edit": _signed_by(rekor)}),
        )
    ),
    _row("checkpoint: under another name, rekor2", OWN, {"edit": _signed_by(V2_LOG, note_name="witness.example")}),
    *_each("checkpoint: no signature", "unusable", {"edit": _note(lambda note: note.rpartition("\n\n")[0] + "\n\n")}),
    *_each("checkpoint: a line that is no signature", "a signature line is malformed", {"edit": _note(lambda note: note + "a line\n")}),
    *_each("checkpoint: no line feed at the end", "unusable", {"edit": _note(lambda note: note[:-1])}),
    *_each("checkpoint: no origin", "no checkpoint: origin", {"edit_checkpoint": _line(0, lambda _: "")}),
    *_each("checkpoint: no root hash", "no checkpoint: origin", {"edit_checkpoint": lambda text: "\n".join(text.split("\n")[:2]) + "\n"}),
    *_each("checkpoint: a leading zero", "unusable", {"edit_checkpoint": _line(1, lambda size: f"0{size}")}),
    _row("checkpoint: more signatures than any log has", "unusable", {"edit": _note(lambda note: note + note.splitlines(keepends=True)[-1] * 32)},
         {"edit": _note(lambda note: note + note.splitlines(keepends=True)[-1] * 31)}),
)  # fmt: skip


# --- promises -----------------------------------------------------------------------------------------------------------------

PROMISE = (*ENTRY, "inclusionPromise", "signedEntryTimestamp")
WRONG = "the signed entry timestamp does not verify"


class _FarRekor(Rekor):
    """Promises a second beyond the calendar."""

    __slots__ = ()

    def promise(self, *, body: bytes, integrated_time: int, log_index: int) -> bytes:
        return Rekor.promise(self, body=body, integrated_time=2**40, log_index=log_index)


def _like(rekor: Rekor, kind: type[Rekor]) -> Rekor:
    names = ("api", "key", "log_id", "base_url", "origin", "note_name", "index_offset")
    return kind(**{name: getattr(rekor, name) for name in names})


def _borrow(value: dict[str, Any]) -> None:
    other = json.loads(SIGSTORE.sign_statement({}, log="rekor1"))
    entry = value["verificationMaterial"]["tlogEntries"][0]
    entry["inclusionPromise"] = other["verificationMaterial"]["tlogEntries"][0]["inclusionPromise"]


PROMISES = (
    _row("promise: another index", WRONG, {**V1, "edit": put(*ENTRY, "logIndex", "7")}, V1),
    _row("promise: another time", WRONG, {**V1, "edit": put(*ENTRY, "integratedTime", str(int(AT.timestamp()) + 1))}, V1),
    _row("promise: another key", WRONG, {**V1, "edit": put(*PROMISE, b64(sign(OTHER.rekor1.key, b"x")))}, V1),
    _row("promise: another entry's", WRONG, {**V1, "edit": _borrow}, V1),
    _row("promise: bad beside a good timestamp", WRONG, {**V1, "tsa": SIGSTORE.tsa, "edit": put(*PROMISE, b64(b"x"))}, {**V1, "tsa": SIGSTORE.tsa}),
    _row("promise: by a log that makes none", "Rekor v2 log, which makes none", {"edit": put(*ENTRY, "inclusionPromise", {"signedEntryTimestamp": b64(b"x")})}),
    _row(
        "promise: a second beyond the calendar",
        "the integrated time is no time",
        {**V1, "rekor": _like(V1_LOG, _FarRekor), "edit": put(*ENTRY, "integratedTime", str(2**40))},
        {**V1, "rekor": _like(V1_LOG, Rekor)},
    ),
)  # fmt: skip


# --- windows of logs ----------------------------------------------------------------------------------------------------------

TWICE = {**V1, "tsa": SIGSTORE.tsa, "timestamp_at": AT + 5 * SECOND}
WINDOWS = (
    *(
        Fault(
            name=f"window: log, {end}, {log}",
            error=LogEntryError,
            text="outside the log's time",
            bad=Envelope(plan={"log": log}, root={"rekor_window": bad}),
            good=Envelope(plan={"log": log}, root={"rekor_window": good}),
        )
        for log in ("rekor1", "rekor2")
        for end, bad, good in (("start", (AT + SECOND, None), (AT, None)), ("end", (START, AT - SECOND), (START, AT)))
    ),
    Fault(
        name="window: log at the second of two proven times",
        error=LogEntryError,
        text="outside the log's time",
        bad=Envelope(plan=TWICE, root={"rekor_window": (START, AT + 4 * SECOND)}),
        good=Envelope(plan=TWICE, root={"rekor_window": (START, AT + 5 * SECOND)}),
    ),
)


# --- times --------------------------------------------------------------------------------------------------------------------


class Written(datetime):
    """A time that an authority writes in its own way."""

    text: str

    def strftime(self, _format: str) -> str:
        return self.text


def _written(text: str) -> Written:
    at = Written(AT.year, AT.month, AT.day, AT.hour, tzinfo=UTC)
    at.text = text
    return at


def _tsa(**changes: Any) -> tuple[TimestampAuthority, Callable[[dict[str, Any]], None]]:
    tsa = TimestampAuthority.of(
        Seed(b"one fault each"),
        not_before=changes.get("since", START),
        not_after=changes.get("until", END),
        extensions=changes.get("extensions"),
    )

    def trust(value: dict[str, Any]) -> None:
        value["timestampAuthorities"][0]["certChain"]["certificates"] = [{"rawBytes": b64(one)} for one in tsa.chain]

    return tsa, trust


def _time(name: str, text: str, bad: dict[str, Any], good: dict[str, Any] | None = None, **root: Any) -> Fault:
    return _row(f"timestamp: {name}", text, bad, good, error=TrustedTimeError, **root)


def _authority(name: str, text: str, bad: dict[str, Any], good: dict[str, Any], **plan: Any) -> Fault:
    halves = []
    for changes in (bad, good):
        tsa, trust = _tsa(**changes)
        halves.append(Envelope(plan={"tsa": tsa, **plan}, root={"edit": trust}))
    return Fault(name=f"timestamp: authority {name}", error=TrustedTimeError, text=text, bad=halves[0], good=halves[1])


STAMPING, SIGNING = extended_key_usage(TIME_STAMPING, critical=True), key_usage(digital_signature=True)
NOBODYS = "over another signature, or by no authority"
TOKEN = ("verificationMaterial", "timestampVerificationData", "rfc3161Timestamps", 0, "signedTimestamp")


def _token(change: Callable[[bytes], bytes]) -> Callable[[dict[str, Any]], None]:
    def edit(value: dict[str, Any]) -> None:
        holder = value["verificationMaterial"]["timestampVerificationData"]["rfc3161Timestamps"][0]
        holder["signedTimestamp"] = b64(change(base64.b64decode(holder["signedTimestamp"])))

    return edit


TIMES = (
    _time("none, in a log that proves no time", "nothing proves when", {"tsa": None}),
    _time("none, and no promise", "nothing proves when", {**V1, "promise": False}, {**V1, "promise": False, "tsa": SIGSTORE.tsa}),
    _time("over another signature", NOBODYS, {"timestamped": b"another"}),
    _time("over another signature, beside a good promise", NOBODYS, {**V1, "tsa": SIGSTORE.tsa, "timestamped": b"another"}, {**V1, "tsa": SIGSTORE.tsa}),
    _time("by another authority", NOBODYS, {"tsa": OTHER.tsa}),
    _time("by another authority, beside a good promise", NOBODYS, {**V1, "tsa": OTHER.tsa}, {**V1, "tsa": SIGSTORE.tsa}),
    _time("by another key under the authority's certificate", NOBODYS, {"tsa": replace(SIGSTORE.tsa, key=OTHER.tsa.key)}),
    _time("garbage", "the timestamp cannot be read", {"edit": put(*TOKEN, b64(b"garbage!!"))}),
    _time("garbage beside a good promise", "the timestamp cannot be read", {**V1, "tsa": SIGSTORE.tsa, "edit": put(*TOKEN, b64(b"garbage!!"))}, {**V1, "tsa": SIGSTORE.tsa}),
    _time("bytes behind it", "the timestamp cannot be read", {"edit": _token(lambda token: token + b"\x00")}),
    _time("not granted", NOBODYS, {"edit": _token(lambda token: token.replace(b"\x30\x03\x02\x01\x00", b"\x30\x03\x02\x01\x02", 1))}),
    _authority("without time stamping among its purposes", NOBODYS, {"extensions": (SIGNING,)}, {"extensions": (SIGNING, STAMPING)}),
    _authority("for another purpose", NOBODYS, {"extensions": (SIGNING, extended_key_usage(CODE_SIGNING, critical=True))}, {"extensions": (SIGNING, STAMPING)}),
    _authority("whose purpose is not critical", NOBODYS, {"extensions": (SIGNING, extended_key_usage(TIME_STAMPING))}, {"extensions": (SIGNING, STAMPING)}),
    _authority("whose certificate expired", NOBODYS, {"until": AT - SECOND}, {"until": AT + SECOND}),
    _authority("whose certificate is not yet valid", NOBODYS, {"since": AT + SECOND}, {"since": AT}),
    Fault(
        name="timestamp: half a second beyond the authority's time",
        error=TrustedTimeError,
        text="outside its authority's time",
        bad=Envelope(plan={"timestamp_at": _written(AT.strftime("%Y%m%d%H%M%S.5Z"))}, root={"tsa_window": (START, AT)}),
        good=Envelope(plan={"timestamp_at": _written(AT.strftime("%Y%m%d%H%M%S.5Z"))}, root={"tsa_window": (START, AT + SECOND)}),
    ),
    Fault(
        name="timestamp: before the authority's time",
        error=TrustedTimeError,
        text="outside its authority's time",
        bad=Envelope(root={"tsa_window": (AT + SECOND, None)}),
        good=Envelope(root={"tsa_window": (AT, None)}),
    ),
    Fault(
        name="timestamp: after the authority's time",
        error=TrustedTimeError,
        text="outside its authority's time",
        bad=Envelope(root={"tsa_window": (START, AT - SECOND)}),
        good=Envelope(root={"tsa_window": (START, AT)}),
        alone="last second as outside",
    ),
    _time("no UTC time", "the timestamp cannot be read", {"timestamp_at": _written("20250602120000+0200")}, {"timestamp_at": _written("20250602120000Z")}),
    _time("digits that DER forbids", "the timestamp cannot be read", {"timestamp_at": _written("20250602120000.50Z")}, {"timestamp_at": _written("20250602120000.5Z")}),
    Fault(
        name="timestamp: the second of two",
        error=TrustedTimeError,
        text="cannot be read",
        bad=Envelope(plan={"timestamps": 2, "edit": put(*TOKEN[:3], 1, "signedTimestamp", b64(b"garbage!!"))}),
        good=Envelope(plan={"timestamps": 2}),
        alone="no timestamp twice",
    ),
)  # fmt: skip

ROWS = (*INCLUSION, *MEASURED, *CHECKPOINTS, *PROMISES, *WINDOWS, *TIMES)
