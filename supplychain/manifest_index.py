"""Kubernetes documents from files: found by kind and name, with the place of each for messages.

Read like the input of `kubectl apply -f`: YAML of several documents or JSON, lists expanded. Kinds that nothing here needs are
noted and left aside. What an API server would refuse, such as a misspelt kind, version or name of ours, is refused here too,
because dropping a revocation list would fail open.
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from supplychain.errors import InvalidManifestError
from supplychain.strict_json import StrictJsonError, loads

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

__all__ = ["Document", "ManifestIndex", "read_index"]

_API: Final = "mcpg.dev/v1alpha2"
_KINDS: Final[Mapping[str, str]] = {
    "ConfigMap": "v1",
    "MCPGPlugin": _API,
    "MCPGPluginMirror": _API,
    "MCPGRevocationList": _API,
    "Secret": "v1",
}
_OURS: Final = frozenset({kind for kind, version in _KINDS.items() if version == _API})
_ASIDE: Final = frozenset({"MCPGCluster", "MCPGGateway", "MCPGPluginSet", "MCPGRoute", "MCPGTenant"})
"""The kinds of the same version that nothing here needs."""
_LISTS: Final = {f"{kind}List": kind for kind in _KINDS.keys() | _ASIDE} | {"List": None}
_TOP_LEVEL: Final = frozenset({"apiVersion", "kind", "metadata", "spec", "status"})
_MAX_DOCUMENTS: Final = 10_000
_LONGEST_NAME: Final = 253
_NAME = re.compile(r"[a-z0-9](?:[-a-z0-9.]*[a-z0-9])?", re.ASCII)
"""What an API server takes as a name, and a little more: two dots in a row."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """One object of a file."""

    file: str
    number: int
    """Position in the file, from 1, lists counted as one."""
    kind: str
    name: str
    namespace: str | None
    body: Mapping[str, Any]

    @property
    def place(self) -> str:
        """File, document and object, for messages."""
        return f"`{self.file}`, document {self.number} ({self.kind} `{self.name}`)"

    def spec(self) -> Mapping[str, Any]:
        """Give what stands under `spec`.

        Raises:
            InvalidManifestError: it is missing, or no mapping.
        """
        spec = self.body.get("spec")
        if not isinstance(spec, dict):
            raise InvalidManifestError("the field is no mapping", where=f"{self.place}, field `spec`")
        return spec

    def payload(self, key: str) -> bytes | None:
        """Read one data key of a Secret or ConfigMap; None where there is none.

        Raises:
            InvalidManifestError: the value is no text, or no base64 where base64 is due.
        """
        plain, encoded = ("stringData", "data") if self.kind == "Secret" else ("data", "binaryData")
        for section in (plain, encoded):  # the API server lets `stringData` win
            values = self.body.get(section)
            if values is None:
                continue
            if not isinstance(values, dict):
                raise InvalidManifestError("the field is no mapping", where=f"{self.place}, field `{section}`")
            if key not in values:
                continue
            value = values[key]
            place = f"{self.place}, field `{section}[{key}]`"
            if not isinstance(value, str):
                raise InvalidManifestError("the value is no text", where=place, hint="quote it, or use a `|` block")
            return value.encode() if section == plain else _base64(value, place=place)
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class ManifestIndex:
    """All documents, in order, and `notes` on what was left aside."""

    documents: tuple[Document, ...]
    notes: tuple[str, ...] = ()

    def of_kind(self, kind: str) -> tuple[Document, ...]:
        """Every document of one kind."""
        return tuple(one for one in self.documents if one.kind == kind)

    def find(self, kind: str, name: str, *, namespace: str | None = None) -> Document | None:
        """Look one object up; `namespace` chooses where several have the name.

        Raises:
            InvalidManifestError: several namespaces hold the name, and none was chosen.
        """
        found = [one for one in self.of_kind(kind) if one.name == name]
        if namespace is not None:
            found = [one for one in found if one.namespace in {namespace, None}]
        if len(found) > 1:
            raise InvalidManifestError(
                f"several documents are called {kind} `{name}`",
                got=" and ".join(one.place for one in found[:4]),
                hint="choose the operator's namespace with `--namespace`",
            )
        return found[0] if found else None


def read_index(files: Iterable[tuple[str, bytes]]) -> ManifestIndex:
    """Read the files, given as name and bytes.

    Raises:
        InvalidManifestError: a file is no YAML or JSON, a document is no object, or two documents are the same object.
    """
    documents: list[Document] = []
    notes: list[str] = []
    seen: dict[tuple[str, str | None, str], Document] = {}
    for file, data in files:
        for document, note in _documents(file, data):
            if note is not None:
                notes.append(note)
                continue
            identity = (document.kind, document.namespace, document.name)
            if identity in seen:
                raise InvalidManifestError("the same object twice", got=f"{seen[identity].place} and {document.place}")
            seen[identity] = document
            documents.append(document)
    return ManifestIndex(documents=tuple(documents), notes=tuple(notes))


def _documents(file: str, data: bytes) -> Iterator[tuple[Document, str | None]]:
    count = 0
    for number, value in enumerate(_values(file, data), start=1):
        for body in _expanded(value, place=f"`{file}`, document {number}"):
            count += 1
            if count > _MAX_DOCUMENTS:
                raise InvalidManifestError(f"more than {_MAX_DOCUMENTS} documents", where=f"`{file}`")
            yield _document(body, file=file, number=number)


def _values(file: str, data: bytes) -> Iterator[Any]:
    if data.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{"):
        try:
            yield loads(data, limit=len(data))
        except StrictJsonError as exc:
            # several JSON documents, or a YAML flow mapping: YAML reads both, and its message is about what was written
            if "Extra data" not in str(exc) and "Expecting" not in str(exc) and "BOM" not in str(exc):
                raise InvalidManifestError("the file cannot be used", got=str(exc), where=f"`{file}`") from exc
        else:
            return
    # PyYAML costs 25 ms of start-up
    from supplychain.yaml_documents import parse_documents  # noqa: PLC0415

    for document in parse_documents(data, where=f"`{file}`"):
        yield document.value


def _expanded(value: Any, *, place: str) -> Iterator[tuple[dict[str, Any], str]]:
    if not isinstance(value, dict):
        raise InvalidManifestError("the document is no Kubernetes object", expected="a mapping", where=place)
    kind = value.get("kind")
    if not (isinstance(kind, str) and kind in _LISTS):
        yield value, place
        return
    items = value.get("items")
    if not isinstance(items, list):
        raise InvalidManifestError("the field is no list", where=f"{place}, field `items`")
    for index, item in enumerate(items):
        at = f"{place}, field `items[{index}]`"
        if not isinstance(item, dict):
            raise InvalidManifestError("the item is no Kubernetes object", expected="a mapping", where=at)
        implied = {"apiVersion": value.get("apiVersion"), "kind": _LISTS[kind]} if _LISTS[kind] is not None else {}
        yield from _expanded({**implied, **item}, place=at)


def _document(found: tuple[dict[str, Any], str], *, file: str, number: int) -> tuple[Document, str | None]:
    body, place = found
    kind = _text(body, "kind", place=place)
    version = _text(body, "apiVersion", place=place)
    metadata = body.get("metadata")
    name = metadata.get("name") if isinstance(metadata, dict) else None
    namespace = metadata.get("namespace") if isinstance(metadata, dict) else None
    if _KINDS.get(kind) != version:
        _refuse_misspelt(kind, version=version, place=place)
        note = f"{place}: {kind} is not used here" + (f" (`{name}`)" if isinstance(name, str) else "")
        return Document(file=file, number=number, kind=kind, name="", namespace=None, body=body), note
    if not isinstance(name, str) or not name.strip():
        raise InvalidManifestError("the object has no name", where=f"{place}, field `metadata.name`")
    if _NAME.fullmatch(name) is None or len(name) > _LONGEST_NAME:
        raise InvalidManifestError(
            "no name that an object can have",
            expected="lower-case letters, digits, `-` and `.`",
            got=f"`{name[:80]}`",
            where=f"{place}, field `metadata.name`",
        )
    if namespace is not None and not isinstance(namespace, str):
        raise InvalidManifestError("the namespace is no text", where=f"{place}, field `metadata.namespace`")
    if version == _API:
        namespace = None  # cluster-scoped
        for key in body.keys() - _TOP_LEVEL:
            raise InvalidManifestError("unknown field", where=f"{place}, field `{key}`", hint="is it indented too little?")
    return Document(file=file, number=number, kind=kind, name=name, namespace=namespace, body=body), None


def _refuse_misspelt(kind: str, *, version: str, place: str) -> None:
    """Refuse what is meant to be of ours and is not; a cluster would not take it either."""
    if kind in _OURS | _ASIDE and version != _API:
        raise InvalidManifestError("unknown version of the kind", expected=f"`{_API}`", got=f"`{version}`", where=place)
    meant = kind.lower().startswith("mcpg") or "mcpg.dev" in version.lower() or not kind.isascii()
    if meant and kind not in _ASIDE:
        known = ", ".join(f"`{one}`" for one in sorted(_OURS | _ASIDE))
        raise InvalidManifestError("unknown kind", expected=known, got=f"`{kind[:80]}`", where=place)


def _text(body: Mapping[str, Any], key: str, *, place: str) -> str:
    value = body.get(key)
    if not isinstance(value, str) or not value:
        raise InvalidManifestError("the document is no Kubernetes object", expected=f"a text under `{key}`", where=place)
    return value


def _base64(text: str, *, place: str) -> bytes:
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError) as exc:  # ValueError: a character outside ASCII
        raise InvalidManifestError("the value is no base64", where=place, hint="plain text belongs under `stringData`") from exc
