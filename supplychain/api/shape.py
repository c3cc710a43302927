r"""Rules of a field that a cluster can hold by itself: each stands beside the check in Python that it repeats.

A rule is an annotation that adds one `x-kubernetes-validations` item (CEL; "Validation rules" of a CustomResourceDefinition) to
the JSON Schema of its field; the definitions of the kinds are made from that schema. Regular expressions here are of the small
language that Python and RE2 read alike: no look-around, no `\s`, no `\d`, whole texts only.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from pydantic_core import core_schema

from supplychain.api.refusal import refuse

if TYPE_CHECKING:
    from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
    from pydantic.json_schema import JsonSchemaValue

__all__ = [
    "COMPONENTS",
    "DATA_KEY",
    "DOTTED",
    "HOST",
    "LABEL",
    "LOWER_HOST",
    "SUBDOMAIN",
    "VALIDATIONS",
    "Cel",
    "Shape",
    "validation",
]

VALIDATIONS: Final = "x-kubernetes-validations"

LABEL: Final = r"[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?"
"""A DNS label, RFC 1123: what a Service or a namespace is called."""
SUBDOMAIN: Final = r"[a-z0-9](?:[-a-z0-9]*[a-z0-9])?(?:\.[a-z0-9](?:[-a-z0-9]*[a-z0-9])?)*"
"""A DNS subdomain, RFC 1123: what other objects are called. Its length has a bound of its own."""
DATA_KEY: Final = r"[-._a-zA-Z0-9]+"
"""A key of a Secret or ConfigMap."""
DOTTED: Final = "(?s:.*[.].*)"
"""Anything with a dot."""

_PORT: Final = (
    r"(?:0{0,4}[1-9]|0{0,3}[1-9][0-9]|0{0,2}[1-9][0-9]{2}|0?[1-9][0-9]{3}|[1-5][0-9]{4}"
    r"|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])"
)


def _host(letters: str, hexadecimal: str, *words: str) -> str:
    """A registry host that shows what it is: by a dot, by a port, or as one of the words."""
    part = rf"[{letters}0-9](?:[-{letters}0-9]*[{letters}0-9])?"
    shown = "|".join([rf"{part}(?:\.{part})+", rf"\[[{hexadecimal}]*[:.][{hexadecimal}:.]*\]", *words])
    return rf"(?:(?:{shown})(?::{_PORT})?|(?:{part}|\[[{hexadecimal}]+\]):{_PORT})"


HOST: Final = _host("a-zA-Z", "0-9a-fA-F", "localhost")
"""The registry of a reference."""
LOWER_HOST: Final = _host("a-z", "0-9a-f")
"""The registry of a mirror's upstream."""
_COMPONENT: Final = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
COMPONENTS: Final = rf"{_COMPONENT}(?:/{_COMPONENT})*"
"""A repository path of the distribution specification."""


def validation(rule: str, message: str) -> dict[str, Any]:
    """Write one item of `x-kubernetes-validations`: a CEL expression over `self`, and what is wrong where it is false."""
    return {"rule": rule, "message": message}


@dataclass(frozen=True, slots=True)
class Cel:
    """A rule for the cluster alone; what it repeats in Python is checked elsewhere on the same field."""

    rule: str
    message: str

    def __get_pydantic_json_schema__(self, core: core_schema.CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """Add the rule to what the schema of the field has already."""
        schema = handler(core)
        return {**schema, VALIDATIONS: [*schema.get(VALIDATIONS, []), validation(self.rule, self.message)]}


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """A regular expression that a text must fit as a whole, here and in the cluster."""

    regex: str
    what: str
    """What is wrong where it does not fit."""
    expected: str

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        """Check after the field's own type was checked."""
        return core_schema.no_info_after_validator_function(self._fitting, handler(source))

    def __get_pydantic_json_schema__(self, core: core_schema.CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """Say the same in CEL, where a message can be said as well."""
        rule = Cel(rf"self.matches(r'^(?:{self.regex})$')", f"{self.what}: expected {self.expected}")
        return rule.__get_pydantic_json_schema__(core, handler)

    def _fitting(self, text: str) -> str:
        if re.fullmatch(self.regex, text) is None:
            refuse(self.what, expected=self.expected, got=f"`{text[:80]}`")
        return text
