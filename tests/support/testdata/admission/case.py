"""One object, and what the API server and the model must each say about it."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["ABSENT", "NAME", "Case", "accepted", "changed", "differing", "named", "null", "refused"]

ABSENT: Final = ...
"""Takes a field away."""
NAME: Final = "metadata.name"
"""The one field that is not below `spec`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """What each says is None where it accepts the object."""

    kind: str
    title: str
    spec: Any
    why: str
    schema: str | None
    """A part of the API server's message."""
    model: tuple[str, str] | None
    """Reason and field of the model's error."""
    difference: str | None = None
    """Why the two differ, where they do."""
    apply: str | None = None
    """A part of the message with which server-side apply refuses what creation accepts."""
    object_name: str = "example"
    """What the object is called; where that is what is wrong, the field of `model` is `metadata.name`."""

    @property
    def name(self) -> str:
        """The name of the folder, which ends as the API server decides."""
        words = "".join(letter if letter.isalnum() else " " for letter in self.title.lower()).split()
        return "_".join([self.kind.removeprefix("MCPG").lower(), *words, "accepted" if self.schema is None else "refused"])


def accepted(kind: str, title: str, spec: Any, *, why: str) -> Case:
    """Both accept it."""
    return Case(kind=kind, title=title, spec=spec, why=why, schema=None, model=None)


def refused(kind: str, title: str, spec: Any, *, why: str, schema: str, field: str, reason: str = "InvalidManifest") -> Case:
    """Both refuse it; `field` is below `spec`, empty for the spec itself."""
    return Case(kind=kind, title=title, spec=spec, why=why, schema=schema, model=(reason, field))


def differing(
    kind: str, title: str, spec: Any, *, why: str, difference: str, field: str, reason: str = "InvalidManifest"
) -> Case:
    """The API server accepts it and the model does not; the other way round must not be."""
    return Case(kind=kind, title=title, spec=spec, why=why, schema=None, model=(reason, field), difference=difference)


def named(kind: str, title: str, spec: Any, *, name: str, why: str, schema: str | None) -> Case:
    """An object of a certain name; both judge it alike."""
    model = None if schema is None else ("InvalidManifest", NAME)
    return Case(kind=kind, title=title, spec=spec, why=why, schema=schema, model=model, object_name=name)


def null(kind: str, base: Mapping[str, Any], field: str, *, at: str | None = None, apply: str | None) -> Case:
    """A field that is null: creation drops it, and what it was to say with it."""
    outcome = "stores the default" if apply is None else "stores an object without it, unless it is applied on the server side"
    return Case(
        kind=kind,
        title=f"{field.rpartition('.')[2]} that is null",
        spec=changed(base, {field: None}),
        why="A template that came out empty.",
        schema=None,
        model=("InvalidManifest", field if at is None else at),
        difference=f"the API server drops a null and {outcome}",
        apply=apply,
    )


def changed(base: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Copy a spec with fields replaced by dotted path; mappings on the way are made where there are none."""
    document = copy.deepcopy(dict(base))
    for path, value in changes.items():
        *parents, last = path.split(".")
        node: Any = document
        for parent in parents:
            node = node[int(parent)] if isinstance(node, list) else node.setdefault(parent, {})
        if value is ABSENT:
            del node[last]
        else:
            node[last] = value
    return document
