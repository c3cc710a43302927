"""Reads members of plain JSON documents that may have any shape: other objects were perhaps stored before a rule existed."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, TypeAlias

__all__ = ["Document", "annotation", "at", "condition", "items", "mapping", "name_of", "namespace_of", "spec_of", "texts"]

Document: TypeAlias = Mapping[str, Any]
"""One object as plain JSON. Nothing of it is trusted to have the right type."""


def at(value: Any, path: str) -> Any:
    """Follow a dotted path through mappings; None where it ends early."""
    for key in _keys(path):
        # The type first: asking an abstract class costs more than everything else here, and thousands of objects may be asked.
        if type(value) is not dict and not isinstance(value, Mapping):
            return None
        value = value.get(key)
    return value


@lru_cache(maxsize=256)
def _keys(path: str) -> tuple[str, ...]:
    return tuple(path.split("."))


def mapping(value: Any) -> Mapping[str, Any]:
    """The value if it is a mapping, else an empty one."""
    return value if type(value) is dict or isinstance(value, Mapping) else {}


def items(value: Any) -> list[Any]:
    """The value if it is a list, else an empty one."""
    return value if isinstance(value, list) else []


def texts(value: Any) -> tuple[str, ...]:
    """The texts of a list; anything else in it is left out."""
    return tuple(one for one in items(value) if isinstance(one, str))


def name_of(document: Document) -> str:
    """`metadata.name`, empty where it is missing."""
    name = at(document, "metadata.name")
    return name if isinstance(name, str) else ""


def namespace_of(document: Document) -> str:
    """`metadata.namespace`, or where a client would put the object."""
    namespace = at(document, "metadata.namespace")
    return namespace if isinstance(namespace, str) and namespace else "default"


def spec_of(document: Document | None) -> Mapping[str, Any]:
    """`spec`, empty where it is missing."""
    return mapping(at(document, "spec"))


def annotation(document: Document | None, key: str) -> str | None:
    """One annotation, None where it is missing."""
    value = mapping(at(document, "metadata.annotations")).get(key)
    return value if isinstance(value, str) else None


def condition(document: Document, kind: str) -> Mapping[str, Any] | None:
    """One condition of the status, None where it was never written."""
    found = items(at(document, "status.conditions"))
    return next((one for one in found if isinstance(one, Mapping) and one.get("type") == kind), None)
