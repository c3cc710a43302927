"""What a rule has to say about an object: one problem with its field, or one warning."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

__all__ = ["MAX_WARNING", "Family", "Problem", "Severity"]

MAX_WARNING: Final = 256
"""Characters of one admission warning; what is longer is cut by clients ("Dynamic Admission Control", Response)."""

_CONTROL: Final = {code: f"\\x{code:02x}" for code in (*range(32), *range(127, 160))} | {
    ord("\n"): "\\n",
    ord("\r"): "\\r",
    ord("\t"): "\\t",
    0x2028: "\\u2028",
    0x2029: "\\u2029",
}


class Severity(StrEnum):
    """Whether an object may be stored all the same."""

    ERROR = "Error"
    WARNING = "Warning"


class Family(StrEnum):
    """Who can do something about it; decides the status code of a denial."""

    SPEC = "Spec"
    """The author: the object has to change. 422."""
    TENANT = "Tenant"
    """Whoever runs the cluster: the object asks for more than its namespace may have. 403."""
    LOOKUP = "Lookup"
    """Nobody yet: something could not be looked up; the same request may pass later. 503."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One rule that an object breaks. No text in it holds a secret: no URL of a coordinator, no value of a free-form key."""

    rule: str
    """Stable CamelCase word."""
    field: str
    """JSON path from the object's root, such as `spec.entries[2].id`."""
    what: str
    """One clause without full stop, literals in backticks."""
    expected: str | None = None
    got: str | None = None
    hint: str | None = None
    severity: Severity = Severity.ERROR
    family: Family = Family.SPEC

    @property
    def message(self) -> str:
        """What is wrong and what would be right, in one line and without the field."""
        text = self.what
        sides = [f"expected {self.expected}" if self.expected else "", f"got {self.got}" if self.got else ""]
        if any(sides):
            text += ": " + ", ".join(side for side in sides if side)
        return (f"{text}; {self.hint}" if self.hint else text).translate(_CONTROL)

    @property
    def text(self) -> str:
        """The same with the field in front."""
        return f"{self.field.translate(_CONTROL)}: {self.message}"

    @property
    def warning(self) -> str:
        """`text`, short enough for an admission warning."""
        return self.text if len(self.text) <= MAX_WARNING else self.text[: MAX_WARNING - 1] + "…"
