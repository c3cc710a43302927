"""What the kinds share: strictness, wire names, and how a field's error reaches the reader.

Models forbid unknown fields (a misspelt `cosignIdentity` must not become "no cosign wanted") and take no value of another type.
Wire names are camelCase. Validators raise our own errors; `parse_spec` adds the place to them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, ValidationInfo, field_validator
from pydantic.alias_generators import to_camel

from supplychain.api.refusal import FieldError, checked, refuse
from supplychain.api.shape import DATA_KEY, LABEL, SUBDOMAIN, Cel, Shape
from supplychain.errors import InputError, InvalidManifestError, RejectedCandidate

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["API_VERSION", "DataKey", "Label", "Model", "Name", "ObjectName", "Text", "parse_spec"]

API_VERSION: Final = "mcpg.dev/v1alpha2"

_SHOWN: Final = 80
_FIELDS_SHOWN: Final = 4
_DUE: Final = {
    "bool_type": "`true` or `false`",
    "dict_type": "a mapping",
    "int_type": "a whole number",
    "list_type": "a list",
    "model_type": "a mapping",
    "string_type": "text; quote it where YAML would read a number or a truth value",
    "tuple_type": "a list",
}
"""What a field must be, for those of pydantic's complaints that speak of Python."""

_SECTIONS: Final = frozenset({"a mapping", "a list"})
_BOUNDS: Final = {
    "string_too_long": ("the text is too long", "at most {max_length} characters"),
    "too_long": ("there are too many", "at most {max_length}"),
}
"""What is wrong with a length, and what it must be."""

SpecT = TypeVar("SpecT", bound="Model")


class Model(BaseModel):
    """The base of every spec: frozen, strict, closed, camelCase on the wire, and silent about values it was given."""

    model_config = ConfigDict(
        strict=True,
        frozen=True,
        extra="forbid",
        alias_generator=to_camel,
        hide_input_in_errors=True,
    )

    @field_validator("*", mode="before")
    @classmethod
    def _absent_rather_than_null(cls, value: object, info: ValidationInfo) -> object:
        """Refuse a null where None stands for an absent field; a cluster refuses it too, since no field is nullable."""
        if value is None and cls.model_fields[str(info.field_name)].default is None:
            refuse("the field has another type", expected="a value; leave the field out where there is none", got="nothing")
        return value


def _not_blank(text: str) -> None:
    if not text.strip():
        refuse("the field is blank")


Text = Annotated[str, Field(max_length=1024), checked(_not_blank), Cel("self.trim() != ''", "the field is blank")]
"""Text that says something."""
Name = Annotated[
    str,
    Field(max_length=253),
    checked(_not_blank),
    Shape(
        regex=SUBDOMAIN, what="no name that an object can have", expected="lower-case letters, digits, `-` and `.` between them"
    ),
]
"""What an object is called. Nothing else gets into the path of a request for it."""
Label = Annotated[
    str,
    Field(max_length=63),
    checked(_not_blank),
    Shape(regex=LABEL, what="no DNS label", expected="up to 63 lower-case letters, digits and `-` between them"),
]
"""What a Service or a namespace is called; it becomes part of a host name."""
DataKey = Annotated[
    str,
    Field(max_length=253),
    checked(_not_blank),
    Shape(regex=DATA_KEY, what="no key that a Secret can have", expected="letters, digits, `-`, `_` and `.`"),
]
"""A key of a Secret."""


class ObjectName(Model):
    """A reference to another object by its name alone."""

    name: Name = Field(description="Name of the object.")


def parse_spec(model: type[SpecT], spec: object, *, where: str) -> SpecT:
    """Read the `spec` of one document.

    Args:
        model: the kind's spec model.
        spec: what stands under `spec`, as plain JSON values.
        where: file and document, for messages.

    Raises:
        InputError: a field is wrong; `where` names it. Several come as `InvalidManifestError` with one candidate each.
    """
    if spec is None:
        raise InvalidManifestError("the document has no `spec`", where=where)
    try:
        return model.model_validate(spec)
    except ValidationError as exc:
        found = [_translate(problem, where=where) for problem in exc.errors(include_url=False)]
        if len(found) == 1:
            raise found[0] from exc
        first = "; ".join(f"{str(one.where).removeprefix(where + ', ')}: {one.what}" for one in found[:_FIELDS_SHOWN])
        raise InvalidManifestError(
            f"{len(found)} fields are wrong",
            got=first + (f"; and {len(found) - _FIELDS_SHOWN} more" if len(found) > _FIELDS_SHOWN else ""),
            where=where,
            candidates=tuple(RejectedCandidate(where=str(one.where), error=one) for one in found),
        ) from exc


def _translate(problem: Mapping[str, Any], *, where: str) -> InputError:
    path = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in problem["loc"])
    place = f"{where}, field `spec{path}`"
    bounds = problem.get("ctx", {})
    carried = bounds.get("error")
    if isinstance(carried, FieldError):
        error = carried.error
        return type(error)(
            error.what, expected=error.expected, got=error.got, where=place, hint=error.hint, candidates=error.candidates
        )
    match problem["type"]:
        case "missing":
            return InvalidManifestError("a required field is missing", where=place)
        case "extra_forbidden":
            return InvalidManifestError("unknown field", where=place, hint="check its spelling; unknown fields are never ignored")
        case kind if kind in _BOUNDS:
            what, due = _BOUNDS[kind]
            got = str(len(problem["input"]))
            return InvalidManifestError(what, expected=due.format_map(bounds), got=got, where=place)
        case kind if kind in _DUE:
            # A text in place of a whole section may be anything, a configuration with its passwords for example.
            secret = _DUE[kind] in _SECTIONS and isinstance(problem["input"], str)
            got = "a text" if secret else _shown(problem["input"])
            return InvalidManifestError("the field has another type", expected=_DUE[kind], got=got, where=place)
        case _:
            return InvalidManifestError(problem["msg"], got=_shown(problem["input"]), where=place)


def _shown(value: object) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, dict | list):
        return "a mapping" if isinstance(value, dict) else "a list"
    text = repr(value)
    return f"`{text[:_SHOWN]}…`" if len(text) > _SHOWN else f"`{text}`"
