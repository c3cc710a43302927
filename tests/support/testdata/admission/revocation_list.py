"""Cases of `MCPGRevocationList`."""

from __future__ import annotations

from typing import Any, Final

from tests.support.testdata.admission.case import ABSENT, Case, accepted, changed, differing, null, refused

__all__ = ["CASES"]

_KIND: Final = "MCPGRevocationList"
_HASH: Final = "ab" * 32
_ENTRY: Final = {"artifactSha256": _HASH, "reason": "leaked signing key"}
_BASE: Final = {"revocations": [_ENTRY]}


def _yes(title: str, spec: dict[str, Any], *, why: str) -> Case:
    return accepted(_KIND, title, spec, why=why)


def _no(title: str, field: str, value: Any, *, why: str, schema: str) -> Case:
    return refused(_KIND, title, changed(_BASE, {field: value}), why=why, schema=schema, field=field)


def _entry(title: str, change: dict[str, Any], *, why: str, schema: str) -> Case:
    spec = {"revocations": [_ENTRY | {"artifactSha256": "cd" * 32}, changed(_ENTRY, change)]}
    return refused(_KIND, title, spec, why=why, schema=schema, field=f"revocations[1].{next(iter(change))}")


def _twice(title: str, second: str, *, why: str) -> Case:
    spec = {"revocations": [_ENTRY, {"artifactSha256": second, "reason": "again"}]}
    difference = "comparing 5,000 entries with each other costs more than a rule of the schema may"
    return differing(_KIND, title, spec, why=why, difference=difference, field="revocations")


CASES: Final = (
    _yes("smallest", {}, why="An empty list is valid: nothing is revoked yet."),
    _yes("no entries", {"version": 1, "revocations": []}, why="The same, written out."),
    _yes(
        "every field",
        {
            "version": 1,
            "issuedAt": "2026-01-31T08:00:00Z",
            "revocations": [{**_ENTRY, "revokedAt": "2026-01-31t08:00:00.123456789+01:00"}],
        },
        why="All that can be there.",
    ),
    _yes(
        "hash in upper case with blanks", {"revocations": [{**_ENTRY, "artifactSha256": f" {_HASH.upper()}\n"}]},
        why="Copied from somewhere; it must not stop a revocation.",
    ),
    _yes("time on a leap day", {"issuedAt": "2028-02-29T23:59:59-12:00"}, why="The day exists."),
    _yes("reason at its bound", {"revocations": [{**_ENTRY, "reason": "ü" * 1024}]}, why="Counted in characters."),
    _no("version 2", "version", 2, why="Nobody knows what it would mean.", schema="unknown list version"),
    _no("version 0", "version", 0, why="Nobody knows what it would mean.", schema="unknown list version"),
    _no("version as text", "version", "1", why="Another type.", schema="must be of type integer"),
    _no("entries as a mapping", "revocations", {}, why="Another type.", schema="must be of type array"),
    _no("issued in words", "issuedAt", "yesterday", why="No time.", schema="issuedAt"),
    _no("issued on a day", "issuedAt", "2026-01-31", why="No time of day.", schema="issuedAt"),
    _no("issued without a zone", "issuedAt", "2026-01-31T08:00:00", why="Which one?", schema="issuedAt"),
    _no("issued with a space", "issuedAt", "2026-01-31 08:00:00Z", why="Not as RFC 3339 demands it here.", schema="issuedAt"),
    _no("issued on a day that is none", "issuedAt", "2026-02-31T08:00:00Z", why="February has none.", schema="issuedAt"),
    _no("issued in the year 0", "issuedAt", "0000-01-01T00:00:00Z", why="No calendar has it.", schema="issuedAt"),
    _no("issued at hour 24", "issuedAt", "2026-01-31T24:00:00Z", why="The next day's hour 0.", schema="issuedAt"),
    _no("issued in a leap second", "issuedAt", "2026-12-31T23:59:60Z", why="No library here can hold it.", schema="issuedAt"),
    _no("issued with a comma", "issuedAt", "2026-01-31T08:00:00,5Z", why="RFC 3339 has a point.", schema="issuedAt"),
    _no("issued in a zone that is none", "issuedAt", "2026-01-31T08:00:00+24:00", why="A day off.", schema="issuedAt"),
    _no("field that is misspelt", "revocation", [], why="A list that revokes nothing would be stored.", schema="unknown field"),
    _entry("hash of 63 characters", {"artifactSha256": _HASH[:-1]}, why="One was lost on the way.", schema="no artifact hash"),
    _entry("hash of 65 characters", {"artifactSha256": _HASH + "a"}, why="One was added on the way.", schema="no artifact hash"),
    _entry("hash that is no hex", {"artifactSha256": "g" * 64}, why="It revokes nothing.", schema="no artifact hash"),
    _entry("hash with its algorithm", {"artifactSha256": f"sha256:{_HASH}"}, why="That is how manifests are named.", schema="no artifact hash"),
    _entry("hash with a blank inside", {"artifactSha256": _HASH[:32] + " " + _HASH[32:]}, why="No one text.", schema="no artifact hash"),
    _entry("hash with many blanks", {"artifactSha256": _HASH + " " * 17}, why="Longer than any copy.", schema="Too long"),
    _entry("no hash", {"artifactSha256": ABSENT}, why="It revokes nothing.", schema="artifactSha256: Required"),
    _entry("no reason", {"reason": ABSENT}, why="Nobody could judge it later.", schema="reason: Required"),
    _entry("blank reason", {"reason": " \n"}, why="Nobody could judge it later.", schema="the field is blank"),
    _entry("reason of 1025 characters", {"reason": "a" * 1025}, why="The list must stay small.", schema="Too long"),
    _entry("revoked in words", {"revokedAt": "today"}, why="No time.", schema="revokedAt"),
    _entry("entry with an unknown field", {"until": "2027-01-01T00:00:00Z"}, why="Revocations do not end.", schema="unknown field"),
    _twice("hash twice", _HASH, why="One of the two would be overlooked when it is taken out."),
    _twice("hash twice in another case", _HASH.upper(), why="The same artifact."),
    null(_KIND, _BASE, "version", apply=None),
    null(_KIND, _BASE, "revocations", apply='must be of type array: "null"'),
    null(_KIND, _BASE, "issuedAt", apply='must be of type string: "null"'),
)  # fmt: skip
