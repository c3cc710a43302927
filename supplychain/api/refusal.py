"""How a check refuses the value of a field: with one of our errors, which pydantic would otherwise not let through."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn, TypeVar

from pydantic import AfterValidator

from supplychain.errors import InputError, InvalidManifestError

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["FieldError", "checked", "refuse"]

T = TypeVar("T")


class FieldError(ValueError):
    """Carries one of our errors through pydantic, which translates nothing but ValueError."""

    def __init__(self, error: InputError) -> None:
        super().__init__(str(error))
        self.error = error


def refuse(what: str, *, expected: str | None = None, got: str | None = None) -> NoReturn:
    """Refuse the value of the field that is being validated; the field's name is added later."""
    raise FieldError(InvalidManifestError(what, expected=expected, got=got))


def checked(check: Callable[[T], object]) -> AfterValidator:
    """Make a validator of a function that raises `InputError` for a bad value; the value itself stays as it was written."""

    def validate(value: T) -> T:
        try:
            check(value)
        except InputError as exc:
            raise FieldError(exc) from exc
        return value

    return AfterValidator(validate)
