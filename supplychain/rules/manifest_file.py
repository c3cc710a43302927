"""Manifest files as their author sees them: every object with its file, and every field with its line.

Unlike `supplychain.manifest_index`, which wants to use what it reads, this goes on after something is wrong and says where.
"""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, Self

from supplychain.errors import InvalidManifestError
from supplychain.rules.problem import Problem
from supplychain.rules.reading import name_of, namespace_of
from supplychain.rules.schema import CLUSTER_SCOPED, MODELS, SCHEMA
from supplychain.strict_json import StrictJsonError, loads
from supplychain.yaml_documents import parse_documents

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from supplychain.rules.reading import Document

__all__ = ["NOT_READABLE", "Located", "Misplaced", "read_manifests"]

NOT_READABLE: Final = "NotReadable"
"""The rule word of a file that is no YAML, or YAML that could be read in two ways."""

_LISTS: Final = {f"{kind}List": kind for kind in MODELS} | {"List": None}
_LINE = re.compile(r"line ([0-9]+)$")
_PARENT = re.compile(r"(?:\.[^.\[\]]*|\[[^\[\]]*\])$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Located:
    """One object of a file."""

    file: str
    line: int
    """Where it begins, from 1."""
    body: Document
    lines: Mapping[str, int]
    """Of the whole document."""
    prefix: str = ""
    """Where in the document the object stands: `items[3]` in a list, else nothing."""

    @property
    def ours(self) -> bool:
        """Whether it is of one of the kinds that have rules, or is meant to be."""
        kind, version = str(self.body.get("kind")), str(self.body.get("apiVersion"))
        return kind in MODELS or kind.lower().startswith("mcpg") or "mcpg.dev" in version.lower() or not kind.isascii()

    @property
    def identity(self) -> tuple[str, str, str]:
        """Kind, namespace and name."""
        kind = str(self.body.get("kind"))
        return kind, "" if kind in CLUSTER_SCOPED else namespace_of(self.body), name_of(self.body)

    def within(self, namespace: str) -> Self:
        """The same, as a client writes it that puts objects without a namespace into this one."""
        metadata = self.body.get("metadata")
        if self.body.get("kind") in CLUSTER_SCOPED or not isinstance(metadata, dict) or metadata.get("namespace") is not None:
            return self
        return replace(self, body={**self.body, "metadata": {**metadata, "namespace": namespace}})

    def line_of(self, field: str) -> int:
        """The line of a field, or of the nearest one around it that was written."""
        path = f"{self.prefix}.{field}" if self.prefix else field
        while path and path not in self.lines:
            shorter = _PARENT.sub("", path)
            path = shorter if shorter != path else ""
        return self.lines.get(path, self.line)


@dataclass(frozen=True, slots=True, kw_only=True)
class Misplaced:
    """Something in a file that is no object."""

    file: str
    line: int
    problem: Problem


def read_manifests(file: str, data: bytes) -> Iterator[Located | Misplaced]:
    """Read a file of YAML documents or JSON, lists expanded. Never raises: what cannot be read is said."""
    try:
        documents = parse_documents(_unambiguous(data), where=file, placed=True)
    except InvalidManifestError as error:
        found = _LINE.search(str(error.where))
        problem = Problem(rule=NOT_READABLE, field="", what=error.what, got=error.got)
        yield Misplaced(file=file, line=int(found[1]) if found else 1, problem=problem)
        return
    for document in documents:
        whole = Located(file=file, line=document.line, body={}, lines=document.lines)
        yield from _expanded(document.value, at=whole)


def _unambiguous(data: bytes) -> bytes:
    """JSON as text that YAML reads alike: without tabs between its values."""
    text = data.removeprefix(codecs.BOM_UTF8)
    try:
        loads(text, limit=len(text))
    except StrictJsonError:
        return data
    return text.replace(b"\t", b" ")  # strict JSON has no tab within a text


def _expanded(value: Any, *, at: Located) -> Iterator[Located | Misplaced]:
    if not isinstance(value, dict) or not isinstance(value.get("kind"), str):
        expected = "a mapping with `apiVersion` and `kind`"
        problem = Problem(rule=SCHEMA, field=at.prefix, what="this is no Kubernetes object", expected=expected)
        yield Misplaced(file=at.file, line=at.line_of(""), problem=problem)
        return
    kind = value["kind"]
    if kind not in _LISTS:
        line = at.lines.get(at.prefix, at.line)
        yield Located(file=at.file, line=line, body=value, lines=at.lines, prefix=at.prefix)
        return
    items = value.get("items")
    field = f"{at.prefix}.items" if at.prefix else "items"
    if not isinstance(items, list):
        problem = Problem(rule=SCHEMA, field=field, what="the field is no list")
        yield Misplaced(file=at.file, line=at.line_of("items"), problem=problem)
        return
    implied = {"apiVersion": value.get("apiVersion"), "kind": _LISTS[kind]} if _LISTS[kind] is not None else {}
    for index, item in enumerate(items):
        place = Located(file=at.file, line=at.line, body={}, lines=at.lines, prefix=f"{field}[{index}]")
        yield from _expanded({**implied, **item} if isinstance(item, dict) else item, at=place)
