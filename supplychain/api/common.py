"""What the kinds share: strictness, wire names, and how a field's error reaches the reader.

Models forbid unknown fields (a misspelt `cosignIdentity` must not become "no cosign wanted") and take no value of another type.
Wire names are camelCase. Validators raise our own errors; `parse_spec` adds the place to them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final, NoReturn, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from supplychain.errors import InputError, InvalidManifestError, RejectedCandidate

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["API_VERSION", "Model", "ObjectName", "Text", "checked", "parse_spec", "refuse"]

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

SpecT = TypeVar("SpecT", bound="Model")
T = TypeVar("T")


class Model(BaseModel):
    """The base of every spec: frozen, strict, closed, camelCase on the wire, and silent about values it was given."""

    model_config = ConfigDict(
        strict=True,
        frozen=True,
        extra="forbid",
        alias_generator=to_camel,
        hide_input_in_errors=True,
    )


class _FieldError(ValueError):
    """Carries one of our errors through pydantic, which translates nothing but ValueError."""

    def __init__(self, error: InputError) -> None:
        super().__init__(str(error))
        self.error = error


def refuse(what: str, *, expected: str | None = None, got: str | None = None) -> NoReturn:
    """Refuse the value of the field that is being validated; the field's name is added later."""
    raise _FieldError(InvalidManifestError(what, expected=expected, got=got))


def checked(check: Callable[[T], object]) -> AfterValidator:
    """Make a validator of a function that raises `InputError` for a bad value; the value itself stays as it was written."""

    def validate(value: T) -> T:
        try:
            check(value)
        except InputError as exc:
            raise _FieldError(exc) from exc
        return value

    return AfterValidator(validate)


def _not_blank(text: str) -> None:
    if not text.strip():
        refuse("the field is blank")


Text = Annotated[str, checked(_not_blank)]
"""Text that says something."""


class ObjectName(Model):
    """A reference to another object by its name alone."""

    name: Text = Field(description="Name of the object.")


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
    carried = problem.get("ctx", {}).get("error")
    if isinstance(carried, _FieldError):
        error = carried.error
        return type(error)(
            error.what, expected=error.expected, got=error.got, where=place, hint=error.hint, candidates=error.candidates
        )
    match problem["type"]:
        case "missing":
            return InvalidManifestError("a required field is missing", where=place)
        case "extra_forbidden":
            return InvalidManifestError("unknown field", where=place, hint="check its spelling; unknown fields are never ignored")
        case kind if kind in _DUE:
            got = _shown(problem["input"])
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
