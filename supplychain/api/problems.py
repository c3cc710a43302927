"""What is wrong with a document: every field at once, in words of YAML, and no more of a value than its author may see again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from pydantic import ValidationError

from supplychain.api.refusal import FieldError
from supplychain.errors import InputError, InvalidManifestError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pydantic import BaseModel

__all__ = ["FieldProblem", "problems_of", "translated"]

_SHOWN: Final = 80
_KEY: Final = "[key]"
"""How pydantic marks that the key of a map is wrong, and not the value under it."""
_DUE: Final = {
    "bool_type": "`true` or `false`",
    "dict_type": "a mapping",
    "int_type": "a whole number",
    "list_type": "a list",
    "model_type": "a mapping",
    "string_type": "text; quote it where YAML would read a number or a truth value",
    "string_unicode": "text of whole characters",
    "tuple_type": "a list",
}
"""What a field must be, for those of pydantic's complaints that speak of Python."""
_SECTIONS: Final = frozenset({"a mapping", "a list"})
_BOUNDS: Final = {
    "greater_than_equal": ("the number is too small", "at least {ge}"),
    "less_than_equal": ("the number is too large", "at most {le}"),
    "string_too_long": ("the text is too long", "at most {max_length} characters"),
    "too_long": ("there are too many", "at most {max_length}"),
}
"""What is wrong with a number or a length, and what it must be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldProblem:
    """One field that is wrong."""

    path: str
    """From the object's root, such as `spec.entries[2].id`; just `spec` where the whole of it is missing or wrong."""
    error: InputError
    """What is wrong; its `where` is empty."""

    @property
    def what(self) -> str:
        """What is wrong, one clause without full stop."""
        return self.error.what

    @property
    def expected(self) -> str | None:
        """What would be right."""
        return self.error.expected

    @property
    def got(self) -> str | None:
        """What is there; never the inside of a free-form section."""
        return self.error.got

    @property
    def hint(self) -> str | None:
        """What to do about it."""
        return self.error.hint

    @property
    def reason(self) -> str:
        """Stable word for programs."""
        return self.error.reason


def problems_of(document: Mapping[str, Any], model: type[BaseModel]) -> tuple[FieldProblem, ...]:
    """Judge the `spec` of a whole manifest; nothing is empty, and the order is that of the fields.

    A rule about several fields at once is asked only where each of them is right by itself.
    """
    spec = document.get("spec")
    if spec is None:
        return (FieldProblem(path="spec", error=InvalidManifestError("the document has no `spec`")),)
    try:
        model.model_validate(spec)
    except ValidationError as exc:
        return translated(exc)
    return ()


def translated(refusal: ValidationError) -> tuple[FieldProblem, ...]:
    """Write what pydantic found in words of the document."""
    return tuple(_translate(problem) for problem in refusal.errors(include_url=False))


def _translate(problem: Mapping[str, Any]) -> FieldProblem:
    bounds = problem.get("ctx", {})
    carried = bounds.get("error")
    error = carried.error if isinstance(carried, FieldError) else _error(problem, bounds)
    return FieldProblem(path=_path(problem["loc"]), error=error)


def _error(problem: Mapping[str, Any], bounds: Mapping[str, Any]) -> InputError:
    value = problem["input"]
    match problem["type"]:
        case "missing":
            return InvalidManifestError("a required field is missing")
        case "extra_forbidden":
            return InvalidManifestError("unknown field", hint="check its spelling; unknown fields are never ignored")
        case "literal_error":
            expected = str(bounds["expected"]).replace("'", "`")
            return InvalidManifestError("unknown word", expected=expected, got=_shown(value))
        case kind if kind in _BOUNDS:
            what, due = _BOUNDS[kind]
            got = _shown(value) if isinstance(value, int) else str(len(value))
            return InvalidManifestError(what, expected=due.format_map(bounds), got=got)
        case kind if kind in _DUE:
            # A text in place of a whole section may be anything, a configuration with its passwords for example.
            secret = _DUE[kind] in _SECTIONS and isinstance(value, str)
            return InvalidManifestError(
                "the field has another type", expected=_DUE[kind], got="a text" if secret else _shown(value)
            )
        case _:
            return InvalidManifestError(problem["msg"], got=_shown(value))


def _path(parts: Iterable[int | str]) -> str:
    return "spec" + "".join(f"[{part}]" if isinstance(part, int) else f".{_key(part)}" for part in parts if part != _KEY)


def _key(part: str) -> str:
    text = part if part.isprintable() else repr(part)[1:-1]
    return f"{text[:_SHOWN]}…" if len(text) > _SHOWN else text


def _shown(value: object) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, dict | list):
        return "a mapping" if isinstance(value, dict) else "a list"
    text = repr(value)
    return f"`{text[:_SHOWN]}…`" if len(text) > _SHOWN else f"`{text}`"
