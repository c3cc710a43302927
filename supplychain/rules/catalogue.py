"""Every rule word with what it is about: for `supplychain explain` and docs/rules.md."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from supplychain.rules.check import RULES
from supplychain.rules.manifest_file import NOT_READABLE
from supplychain.rules.problem import Family, Severity
from supplychain.rules.schema import SCHEMA, UNKNOWN_KIND, UNKNOWN_VERSION

__all__ = ["DUPLICATE_OBJECT", "Entry", "entries", "find_rule"]

DUPLICATE_OBJECT: Final = "DuplicateObject"
"""The rule word of an object that several files, or one file twice, define."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One rule word."""

    name: str
    kind: str | None
    """The kind whose rule it is; None for words of every kind."""
    about: str
    severity: Severity = Severity.ERROR
    family: Family = Family.SPEC


_GENERAL: Final = (
    Entry(
        name=SCHEMA,
        kind=None,
        about="A field is missing, unknown, of another type, out of its bounds, or against a rule of its definition.",
    ),
    Entry(name=UNKNOWN_KIND, kind=None, about="The kind is none of the eight."),
    Entry(name=UNKNOWN_VERSION, kind=None, about="The version is not the one that is served."),
    Entry(name=NOT_READABLE, kind=None, about="`lint` only: the file is no YAML or JSON, or can be read in two ways."),
    Entry(name=DUPLICATE_OBJECT, kind=None, about="`lint` only: the same object is defined twice."),
)


def entries() -> tuple[Entry, ...]:
    """Every rule word, those of every kind first; reasons of the models stand in docs/reasons.md."""
    found = [
        Entry(name=rule.name, kind=kind, about=rule.about, severity=rule.severity, family=rule.family)
        for kind, rules in RULES.items()
        for rule in rules
    ]
    return (*_GENERAL, *found)


def find_rule(word: str) -> Entry | None:
    """Look a rule up, in any case of letters."""
    return next((one for one in entries() if one.name.casefold() == word.strip().casefold()), None)
