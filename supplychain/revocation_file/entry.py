"""One entry put into the text of a revocation list, with every other character of the file left as it is.

The place is found by parsing, the text is put there, and the result is parsed again: unless it says exactly what the file said
before and the new entry behind it, nothing comes of it. JSON in the list's own form, and `MCPGRevocationList` as YAML or JSON,
alone or among other documents. Pure: bytes in, bytes out.
"""

from __future__ import annotations

import copy
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from supplychain.errors import InvalidManifestError, InvalidPolicyError
from supplychain.manifest_index import read_index
from supplychain.revocation import RevocationList, from_spec, parse_revocation_list
from supplychain.revocation_file.json_places import find_array
from supplychain.revocation_file.yaml_places import find_sequence
from supplychain.strict_json import StrictJsonError, loads
from supplychain.yaml_documents import parse_documents

if TYPE_CHECKING:
    from collections.abc import Iterator

    from supplychain.revocation import Revocation

__all__ = ["ListFile", "find_list", "insert"]

Path: TypeAlias = tuple[str | int, ...]

_KIND: Final = "MCPGRevocationList"
_MOST: Final = 5_000
"""Entries that a cluster takes in one list."""
_BOM: Final = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True, kw_only=True)
class ListFile:
    """A revocation list with its place in a file."""

    file: str
    data: bytes
    revocations: RevocationList
    document: int
    """Which document of the file, from 0."""
    path: Path
    """From the document to the entries."""
    json: bool
    resource: bool
    """Whether it is an `MCPGRevocationList`, whose fields are in camelCase."""

    documents: tuple[Any, ...] = field(repr=False)
    """Every document of the file as plain values."""


def find_list(data: bytes, *, file: str, name: str | None = None) -> ListFile:
    """Find the list in a file; `name` chooses where there are several `MCPGRevocationList`s.

    Raises:
        InvalidManifestError: there is none, several and no name, or it has no place for entries.
    """
    is_json = data.removeprefix(_BOM).lstrip().startswith((b"{", b"["))
    documents = _documents(data, json=is_json, file=file)
    if is_json and isinstance(documents[0], dict) and "apiVersion" not in documents[0]:
        revocations = parse_revocation_list(data.removeprefix(_BOM), name=file, limit=len(data))
        number, resource = 0, False
        path: Path = ("revocations",)
    else:
        read_index([(file, data)])  # whatever a cluster would refuse in the file is refused before anything is changed
        number, above, body = _chosen(documents, file=file, name=name)
        revocations = from_spec(body.get("spec", {}), name=body["metadata"]["name"])
        path, resource = (*above, "spec", "revocations"), True
    return _checked(
        ListFile(
            file=file,
            data=data,
            revocations=revocations,
            document=number,
            path=path,
            json=is_json,
            resource=resource,
            documents=documents,
        )
    )


def _chosen(documents: tuple[Any, ...], *, file: str, name: str | None) -> tuple[int, Path, dict[str, Any]]:
    found = [one for number, value in enumerate(documents) for one in _lists(value, number=number, path=())]
    named = [one for one in found if name is None or one[2]["metadata"]["name"] == name]
    if len(named) != 1:
        raise InvalidManifestError(
            "the file does not say which revocation list is meant",
            expected="one `MCPGRevocationList`" + ("" if name is None else f" that is called `{name}`"),
            got=", ".join(f"`{one[2]['metadata']['name']}`" for one in found) or "none",
            where=f"`{file}`",
            hint="name one of them with `--list-name NAME`",
        )
    return named[0]


def insert(found: ListFile, entry: Revocation) -> bytes:
    """Give the file with the entry behind all others.

    Raises:
        InvalidPolicyError: the list names the artifact already, or is full.
        InvalidManifestError: the text is laid out in a way that this cannot add to.
    """
    if entry.hash.hex in found.revocations.entries:
        raise InvalidPolicyError(f"the list names `{entry.hash}` already", where=f"`{found.file}`")
    if found.resource and len(_at(found.documents[found.document], found.path)) >= _MOST:
        raise InvalidPolicyError(f"the list has {_MOST} entries, and a cluster takes no more", where=f"`{found.file}`")
    item = _item(entry, resource=found.resource)
    bom = _BOM if found.data.startswith(_BOM) else b""
    text = found.data.removeprefix(_BOM).decode("utf-8")
    place = find_array(text, found.path) if found.json else find_sequence(text, document=found.document, path=found.path)
    changed = bom + (text if place is None else place.put(text, item)).encode()
    _prove(found, changed, item=item, entry=entry)
    return changed


def _prove(found: ListFile, changed: bytes, *, item: dict[str, str], entry: Revocation) -> None:
    """Say no unless the new text means the old one and the entry, and nothing else."""
    wanted = copy.deepcopy(found.documents)
    _at(wanted[found.document], found.path).append(item)
    try:
        documents = _documents(changed, json=found.json, file=found.file)
    except InvalidManifestError:
        documents = ()
    old = found.revocations
    entries = {**old.entries, entry.hash.hex: entry}
    new = _read(found, changed, documents) if documents == wanted else None
    if new is None or (dict(new.entries), new.problems) != (entries, old.problems):
        raise InvalidManifestError(
            "the entry cannot be put into the file without disturbing the rest of it",
            where=f"`{found.file}`",
            hint=f"write it there by hand: {json.dumps(item, ensure_ascii=False)}",
        )


def _read(found: ListFile, changed: bytes, documents: tuple[Any, ...]) -> RevocationList:
    if found.resource:
        return from_spec(_at(documents[found.document], found.path[:-1]), name=found.revocations.name)
    return parse_revocation_list(changed.removeprefix(_BOM), name=found.file, limit=len(changed))


def _checked(found: ListFile) -> ListFile:
    value = _at(found.documents[found.document], found.path)
    if not isinstance(value, list):
        raise InvalidManifestError(
            "the revocation list has no entries that one could be added to",
            expected="a list, if only `[]`",
            got="nothing" if value is None else type(value).__name__,
            where=f"`{found.file}`, field `{'.'.join(map(str, found.path))}`",
        )
    return found


def _documents(data: bytes, *, json: bool, file: str) -> tuple[Any, ...]:
    if not json:
        return tuple(one.value for one in parse_documents(data, where=f"`{file}`"))
    try:
        return (loads(data.removeprefix(_BOM), limit=len(data)),)
    except StrictJsonError as exc:
        raise InvalidManifestError("the file cannot be used", got=str(exc), where=f"`{file}`") from exc


def _lists(value: Any, *, number: int, path: Path) -> Iterator[tuple[int, Path, dict[str, Any]]]:
    """Every revocation list of a document, lists of objects expanded; what the objects are is checked before."""
    kind = value.get("kind")
    if kind == _KIND:
        yield number, path, value
    elif kind in {"List", f"{_KIND}List"}:
        for index, item in enumerate(value.get("items", [])):
            yield from _lists({"kind": _KIND, **item} if kind != "List" else item, number=number, path=(*path, "items", index))


def _at(value: Any, path: Path) -> Any:
    for key in path:
        if isinstance(key, str) and not isinstance(value, dict):
            return None
        value = value.get(key) if isinstance(key, str) else value[key]
    return value


def _item(entry: Revocation, *, resource: bool) -> dict[str, str]:
    names = ("artifactSha256", "reason", "revokedAt") if resource else ("artifact_sha256", "reason", "revoked_at")
    values = (entry.hash.hex, entry.reason, entry.revoked_at)
    return {name: value for name, value in zip(names, values, strict=True) if value is not None}
