"""Revocation lists: which artifact hashes were taken back, from the file form or from the resource form.

A hash that can be read always counts, whatever else is wrong with its list. What cannot be read becomes a problem with its
place, and a list with problems proves nothing by silence: an artifact that is not on it is then neither revoked nor cleared.
Several lists form a union; none can take away what another one says. Times decide nothing, unless a budget says how old a list
may be (`supplychain.freshness`).

File form: `version`, `issued_at`, `revocations[]` with `artifact_sha256`, `reason`, `revoked_at`. Resource form: the `spec` of an
`MCPGRevocationList`, the same in camelCase, where an absent version is 1.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from supplychain.digest import ArtifactHash
from supplychain.errors import InvalidReferenceError, RevocationListInvalidError, RevocationListStaleError, RevokedError
from supplychain.limits import Limits
from supplychain.strict_json import StrictJsonError, loads

if TYPE_CHECKING:
    from collections.abc import Iterable
    from collections.abc import Set as AbstractSet

__all__ = [
    "Outdated",
    "Revocation",
    "RevocationList",
    "RevocationSet",
    "from_spec",
    "parse_revocation_list",
    "render_revocation_list",
]

VERSION: Final = 1
_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]+)?(?:[Zz]|[+-][0-9]{2}:[0-9]{2})")
_NO_REASON = "no reason given"
_LONGEST_SHOWN = 256
_PROBLEMS_SHOWN = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Revocation:
    """One artifact that must not be used any more."""

    hash: ArtifactHash
    reason: str
    """The publisher's or operator's own words: escape them before a terminal sees them."""
    revoked_at: str | None = None
    """RFC 3339 in UTC, unproven."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outdated:
    """Why a list says nothing by silence any more: how old it may be, and how old it is, in words."""

    expected: str
    got: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RevocationList:
    """One list as far as it could be read. `entries` is keyed by the bare hex hash; `problems` names what could not be read."""

    name: str
    entries: Mapping[str, Revocation]
    problems: tuple[str, ...]
    """Reasons why absence from this list proves nothing, each with its index where it has one."""
    warnings: tuple[str, ...] = ()
    """Things that are wrong but change no verdict: unusable times, unknown fields of the file form."""
    sha256: str
    """Hex. File form: over the file. Resource form: over the canonical rendering of what could be read."""
    issued_at: str | None = None
    """RFC 3339 in UTC, unproven."""
    outdated: Outdated | None = None
    """Set where it is older than it may be."""

    def render(self) -> bytes:
        """Write what could be read in the canonical file form."""
        return render_revocation_list(self.entries.values(), issued_at=self.issued_at)


@dataclass(frozen=True, slots=True)
class RevocationSet:
    """The union of several lists."""

    lists: tuple[RevocationList, ...]

    def find(self, artifact_hash: ArtifactHash) -> tuple[RevocationList, Revocation] | None:
        """The first list that names the artifact, with its entry."""
        for one in self.lists:
            if (entry := one.entries.get(artifact_hash.hex)) is not None:
                return one, entry
        return None

    def check(self, artifact_hash: ArtifactHash) -> None:
        """Refuse an artifact that any list names, and one that a list might name where it cannot be read.

        Raises:
            RevokedError: a list names it.
            RevocationListInvalidError: no list names it, but one has problems.
            RevocationListStaleError: no list names it, but one is older than it may be.
        """
        if (hit := self.find(artifact_hash)) is not None:
            revoked_by, entry = hit
            since = f" since {entry.revoked_at}" if entry.revoked_at else ""
            raise RevokedError(
                f"artifact `{artifact_hash}` is revoked{since}: {_show(entry.reason)}",
                where=f"revocation list `{revoked_by.name}`",
            )
        for one in self.lists:
            if one.problems:
                more = len(one.problems) - _PROBLEMS_SHOWN
                got = "; ".join(one.problems[:_PROBLEMS_SHOWN]) + (f"; and {more} more" if more > 0 else "")
                raise RevocationListInvalidError("a revocation list cannot be read in full", got=got, where=f"`{one.name}`")
        for one in self.lists:
            if (old := one.outdated) is not None:
                what = "a revocation list is too old to say that nothing was revoked since"
                raise RevocationListStaleError(what, expected=old.expected, got=old.got, where=f"`{one.name}`")


def parse_revocation_list(data: bytes, *, name: str, limit: int = Limits().document) -> RevocationList:
    """Read the file form. Never raises: an unreadable file is a list with a problem and without entries."""
    sha256 = hashlib.sha256(data).hexdigest()
    try:
        document = loads(data, limit=limit)
    except StrictJsonError as exc:
        return RevocationList(name=name, entries={}, problems=(f"no usable JSON: {exc}",), sha256=sha256)
    return _Reading(_FILE).read(document, name=name, sha256=sha256)


def from_spec(spec: Mapping[str, Any], *, name: str) -> RevocationList:
    """Read the resource form, the `spec` of an `MCPGRevocationList`. Never raises, as above."""
    return _Reading(_RESOURCE).read(spec, name=name, sha256=None)


def render_revocation_list(revocations: Iterable[Revocation], *, issued_at: str | None = None) -> bytes:
    """Write the canonical file form: sorted keys, two spaces, UTF-8, LF, no final newline, absent times left out."""
    document: dict[str, Any] = {"version": VERSION, "revocations": [_rendered(one) for one in revocations]}
    if issued_at is not None:
        document["issued_at"] = issued_at
    return json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False).encode("utf-8")


def _rendered(one: Revocation) -> dict[str, str]:
    entry = {"artifact_sha256": one.hash.hex, "reason": one.reason}
    return entry if one.revoked_at is None else {**entry, "revoked_at": one.revoked_at}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Form:
    """The names of one form."""

    issued_at: str
    hash: str
    revoked_at: str
    default_version: int | None
    closed: bool
    """Whether an unknown field is a problem, as in a cluster, or worth a warning only, as the gateway ignores it in its file."""


_FILE = _Form(issued_at="issued_at", hash="artifact_sha256", revoked_at="revoked_at", default_version=None, closed=False)
_RESOURCE = _Form(issued_at="issuedAt", hash="artifactSha256", revoked_at="revokedAt", default_version=VERSION, closed=True)


@dataclass(slots=True)
class _Reading:
    """Collects what can be read from one list, and what cannot."""

    form: _Form
    entries: dict[str, Revocation] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def read(self, document: Any, *, name: str, sha256: str | None) -> RevocationList:
        issued_at: str | None = None
        if isinstance(document, Mapping):
            version = document.get("version", self.form.default_version)
            if type(version) is not int or version != VERSION:
                self.problems.append(f"`version` is not {VERSION}")
            issued_at = self._time(document.get(self.form.issued_at), place=self.form.issued_at)
            # Without `revocations`, another field may be meant to be it, and absence would prove nothing.
            strict = self.form.closed or "revocations" not in document
            known = {"version", self.form.issued_at, "revocations"}
            self._note_unknown(document, known=known, place="", notes=self.problems if strict else self.warnings)
            self._read_entries(document.get("revocations", []))
        else:
            self.problems.append("not a mapping")
        entries = MappingProxyType(self.entries)
        if sha256 is None:
            sha256 = hashlib.sha256(render_revocation_list(entries.values(), issued_at=issued_at)).hexdigest()
        return RevocationList(
            name=name,
            entries=entries,
            problems=tuple(self.problems),
            warnings=tuple(self.warnings),
            sha256=sha256,
            issued_at=issued_at,
        )

    def _read_entries(self, revocations: Any) -> None:
        if not isinstance(revocations, list):
            self.problems.append("`revocations` is not a list")
            return
        for index, item in enumerate(revocations):
            place = f"revocations[{index}]"
            if isinstance(item, Mapping):
                self._read_entry(item, place=place)
            else:
                self.problems.append(f"`{place}` is not a mapping")

    def _note_unknown(self, found: Mapping[str, Any], *, known: AbstractSet[str], place: str, notes: list[str]) -> None:
        unknown = [key for key in found if key not in known]
        notes.extend(f"unknown field `{place}{_show(str(key))}`" for key in unknown[:_PROBLEMS_SHOWN])

    def _read_entry(self, item: Mapping[str, Any], *, place: str) -> None:
        text = item.get(self.form.hash)
        artifact_hash = _hash(text) if isinstance(text, str) else None
        if artifact_hash is None:
            self.problems.append(f"`{place}` has no usable `{self.form.hash}`")
            return
        if self.form.closed:
            known = {self.form.hash, "reason", self.form.revoked_at}
            self._note_unknown(item, known=known, place=f"{place}.", notes=self.problems)
        if artifact_hash.hex in self.entries:
            self.problems.append(f"`{place}` repeats an earlier hash")
            return
        reason = item.get("reason")
        if not isinstance(reason, str) or not reason.strip() or not _is_text(reason):
            self.problems.append(f"`{place}` has no usable `reason`")
            reason = _NO_REASON
        revoked_at = self._time(item.get(self.form.revoked_at), place=f"{place}.{self.form.revoked_at}")
        self.entries[artifact_hash.hex] = Revocation(hash=artifact_hash, reason=reason, revoked_at=revoked_at)

    def _time(self, value: Any, *, place: str) -> str | None:
        """Bring an RFC 3339 time to UTC with `Z`; anything else is left out with a warning."""
        if value is None:
            return None
        text = value.isoformat() if isinstance(value, datetime) else value
        if isinstance(text, str) and _TIME.fullmatch(text) is not None:
            with contextlib.suppress(ValueError, OverflowError):
                return datetime.fromisoformat(text.upper()).astimezone(UTC).isoformat().replace("+00:00", "Z")
        self.warnings.append(f"`{place}` is no RFC 3339 time")
        return None


def _is_text(reason: str) -> bool:
    """Whether a text can be written as UTF-8; a lone surrogate in foreign JSON cannot."""
    return not any("\ud800" <= character <= "\udfff" for character in reason)


def _hash(text: str) -> ArtifactHash | None:
    try:
        return ArtifactHash(text.strip().lower())
    except InvalidReferenceError:
        return None


def _show(text: str) -> str:
    return text[:_LONGEST_SHOWN].encode("unicode_escape").decode("ascii")
