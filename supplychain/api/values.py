"""Values of pods and of what stands around them, as Kubernetes writes them: labels, annotations, quantities, counts.

What the API server would refuse in an object that is made from a spec is refused in the spec, where its author sees it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any, Final

from pydantic import AfterValidator, Field
from pydantic_core import core_schema

from supplychain.api.refusal import checked, refuse
from supplychain.api.shape import Cel, Shape

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
    from pydantic.json_schema import JsonSchemaValue

__all__ = [
    "LABEL_KEY",
    "ONE_LINE",
    "Annotations",
    "Count",
    "FreeObject",
    "IntOrPercent",
    "Labels",
    "Natural",
    "Port",
    "Positive",
    "Quantities",
    "Quantity",
    "WebPath",
    "amount",
]

_INT32: Final = 2**31 - 1
_EXACT: Final = 2**53 - 1
"""The largest whole number that every reader of JSON takes as it is; it stands for the 64 bits of the wire."""
_MAX_PAIRS: Final = 128
_MAX_RESOURCES: Final = 32
_MAX_ANNOTATION: Final = 65_536
_MAX_ANNOTATIONS: Final = 262_144
"""Bytes of all annotations of one object, keys included."""
_MAX_PREFIX: Final = 253
_MAX_NUMBER: Final = 64

_DNS: Final = r"[{0}0-9](?:[-{0}0-9]*[{0}0-9])?(?:\.[{0}0-9](?:[-{0}0-9]*[{0}0-9])?)*"
_NAME: Final = r"[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?"
LABEL_KEY: Final = f"(?:{_DNS.format('a-z')}/)?{_NAME}"
"""The key of a label; what stands before the slash has a bound of its own."""
_ANNOTATION_KEY: Final = f"(?:{_DNS.format('a-zA-Z')}/)?{_NAME}"
_QUANTITY: Final = r"[+]?(?:[0-9]+[.]?[0-9]*|[.][0-9]+)(?:[KMGTPE]i|[numkMGTPE]|[eE][-+]?[0-9]{1,2})?"
_PERCENT: Final = "(?:100|[0-9]{1,2})%"
_UNITS: Final = {
    **{unit: Decimal(1000) ** power for power, unit in enumerate("num", start=-3)},
    **{unit: Decimal(1000) ** power for power, unit in enumerate("kMGTPE", start=1)},
    **{f"{unit}i": Decimal(1024) ** power for power, unit in enumerate("KMGTPE", start=1)},
}


def amount(quantity: int | str) -> Decimal:
    """Read a Kubernetes quantity that fits its shape, such as `500m`, `1Gi` or `2`."""
    text = str(quantity)
    unit = next((unit for unit in _UNITS if text.endswith(unit)), "")
    return Decimal(text.removesuffix(unit)) * _UNITS.get(unit, Decimal(1))


@dataclass(frozen=True, slots=True, kw_only=True)
class _NumberOrText:
    """A field that may be written as a whole number or as a text, such as a quantity; it stays as it was written."""

    number: str
    """What the digits of a number must fit."""
    text: str
    what: str
    expected: str

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        """Check before pydantic does, which would complain once for each of the two types."""
        return core_schema.no_info_before_validator_function(self._fitting, handler(source))

    def __get_pydantic_json_schema__(self, core: core_schema.CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """Say the same in CEL."""
        shape = f"type(self) == int ? string(self).matches(r'^(?:{self.number})$') : string(self).matches(r'^(?:{self.text})$')"
        rule = Cel(shape, f"{self.what}: expected {self.expected}")
        return {**rule.__get_pydantic_json_schema__(core, handler), "maxLength": _MAX_NUMBER}

    def _fitting(self, value: object) -> object:
        if isinstance(value, bool) or not isinstance(value, int | str):
            got = "nothing" if value is None else f"a {type(value).__name__}"
            refuse("the field has another type", expected="a whole number or text", got=got)
        text = str(value)
        regex = self.number if isinstance(value, int) else self.text
        if len(text) > _MAX_NUMBER or re.fullmatch(regex, text) is None:
            refuse(self.what, expected=self.expected, got=f"`{text[:80]}`")
        return value


Quantity = Annotated[
    int | str,
    _NumberOrText(number="[0-9]{1,18}", text=_QUANTITY, what="no quantity", expected="such as `500m`, `1Gi` or `2`"),
]
"""How much of a resource; never negative."""
IntOrPercent = Annotated[
    int | str,
    _NumberOrText(
        number="[0-9]{1,9}", text=_PERCENT, what="neither a number nor a percentage", expected="a whole number, or such as `50%`"
    ),
]
"""How many pods of all."""


def _keys(regex: str, what: str) -> tuple[AfterValidator, Cel, Cel]:
    """Demand of every key of a map that it fits, up to the bound of what stands before its slash."""
    expected = "a name of up to 63 letters, digits, `-`, `_` and `.`, after a DNS name and a slash if need be"

    def check(pairs: Mapping[str, object]) -> None:
        for key in pairs:
            if key.find("/") > _MAX_PREFIX or re.fullmatch(regex, key) is None:
                refuse(what, expected=expected, got=f"`{key[:80]}`")

    return (
        checked(check),
        Cel(rf"self.all(key, key.matches(r'^(?:{regex})$'))", f"{what}: expected {expected}"),
        Cel(
            f"self.all(key, key.indexOf('/') <= {_MAX_PREFIX})",
            f"{what}: expected at most {_MAX_PREFIX} characters before the slash",
        ),
    )


def _size(pairs: Mapping[str, str]) -> None:
    size = sum(len(key.encode()) + len(value.encode()) for key, value in pairs.items())
    if size > _MAX_ANNOTATIONS:
        refuse("the annotations are too long", expected=f"at most {_MAX_ANNOTATIONS} bytes", got=str(size))


_LabelValue = Annotated[
    str,
    Field(max_length=63),
    Shape(regex=f"(?:{_NAME})?", what="no label value", expected="up to 63 letters, digits, `-`, `_` and `.`"),
]
_AnnotationValue = Annotated[str, Field(max_length=_MAX_ANNOTATION)]
Labels = Annotated[dict[str, _LabelValue], Field(max_length=_MAX_PAIRS), *_keys(LABEL_KEY, "no label key")]
Annotations = Annotated[
    dict[str, _AnnotationValue],
    Field(max_length=_MAX_PAIRS),
    *_keys(_ANNOTATION_KEY, "no annotation key"),
    checked(_size),
    Cel(f"self.map(key, key.size() + self[key].size()).sum() <= {_MAX_ANNOTATIONS}", "the annotations are too long"),
]
Quantities = Annotated[dict[str, Quantity], Field(max_length=_MAX_RESOURCES), *_keys(LABEL_KEY, "no resource name")]
"""Quantities by the names of resources."""
ONE_LINE: Final = Shape(
    regex=r"[^\x00-\x1f\x7f-\x9f]*",
    what="a control character",
    expected="text of one line, since it becomes part of a policy",
)
FreeObject = dict[str, Any]
"""What is passed on as it is."""
Port = Annotated[int, Field(ge=1, le=65535)]
Positive = Annotated[int, Field(ge=1, le=_INT32)]
Natural = Annotated[int, Field(ge=0, le=_INT32)]
Count = Annotated[int, Field(ge=0, le=_EXACT)]
WebPath = Annotated[
    str,
    Field(max_length=1024),
    Shape(regex="/[!-~]*", what="no path", expected="`/` at its start, and no spaces"),
]
