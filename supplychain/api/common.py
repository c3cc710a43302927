"""What the kinds share: strictness, wire names, and how a field's error reaches the reader.

Models forbid unknown fields (a misspelt `cosignIdentity` must not become "no cosign wanted") and take no value of another type.
Wire names are camelCase. Validators raise our own errors; `parse_spec` adds the place to them.
"""

from __future__ import annotations

from typing import Annotated, Final, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, ValidationInfo, field_validator
from pydantic.alias_generators import to_camel

from supplychain.api.problems import FieldProblem, translated
from supplychain.api.refusal import checked, refuse
from supplychain.api.shape import DATA_KEY, LABEL, SUBDOMAIN, Cel, Shape
from supplychain.errors import InputError, InvalidManifestError, RejectedCandidate

__all__ = ["API_VERSION", "NOT_BLANK", "DataKey", "Label", "Model", "Name", "ObjectName", "Text", "parse_spec"]

API_VERSION: Final = "mcpg.dev/v1alpha2"

_FIELDS_SHOWN: Final = 4

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


NOT_BLANK: Final = (checked(_not_blank), Cel("self.trim() != ''", "the field is blank"))
"""Annotations of a text that says something."""
Text = Annotated[str, Field(max_length=1024), *NOT_BLANK]
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
        found = translated(exc)
        placed = [_placed(one, where=where) for one in found]
        if len(placed) == 1:
            raise placed[0] from exc
        first = "; ".join(f"field `{one.path}`: {one.what}" for one in found[:_FIELDS_SHOWN])
        raise InvalidManifestError(
            f"{len(found)} fields are wrong",
            got=first + (f"; and {len(found) - _FIELDS_SHOWN} more" if len(found) > _FIELDS_SHOWN else ""),
            where=where,
            candidates=tuple(RejectedCandidate(where=str(one.where), error=one) for one in placed),
        ) from exc


def _placed(problem: FieldProblem, *, where: str) -> InputError:
    error = problem.error
    place = f"{where}, field `{problem.path}`"
    return type(error)(
        error.what, expected=error.expected, got=error.got, where=place, hint=error.hint, candidates=error.candidates
    )
