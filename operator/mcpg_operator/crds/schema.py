"""A pydantic model as a structural OpenAPI v3 schema, which is what a CustomResourceDefinition may hold.

JSON Schema as pydantic writes it is not structural: it refers to definitions, unites an optional field with null, and closes
objects. All of that is resolved here, and whatever has no structural form is refused with its path, so that nothing is dropped in
silence ("Specifying a structural schema", Kubernetes documentation of CustomResourceDefinitions). Pure.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pydantic import BaseModel

__all__ = ["UnstructuralError", "structural"]

_OPEN: Final = "x-kubernetes-preserve-unknown-fields"
_INT_OR_STRING: Final = "x-kubernetes-int-or-string"
_LIST_TYPE: Final = "x-kubernetes-list-type"
_VALIDATIONS: Final = "x-kubernetes-validations"
_DROPPED: Final = frozenset({"$defs", "examples", "title"})
_KEPT: Final = frozenset({
    "default", "description", "enum", "format", "maxItems", "maxLength", "maxProperties", "maximum", "minItems", "minLength",
    "minProperties", "minimum", "multipleOf", "pattern", "type",
})  # fmt: skip
_BELOW: Final = frozenset({"additionalProperties", "items", "properties", "required", "uniqueItems"})
"""What is converted by the type of the node."""
_EXCLUSIVE: Final = {"exclusiveMaximum": "maximum", "exclusiveMinimum": "minimum"}
"""Bounds that are numbers in JSON Schema, and flags beside the bound here."""
_SCALARS: Final = frozenset({"boolean", "integer", "number", "string"})
_SILENT_DEFAULTS: Final[tuple[Any, ...]] = (None, "", [], {})
"""They would write into each object what its absence says as well."""


class UnstructuralError(TypeError):
    """A model says something that a structural schema cannot say; a defect of the model, named by its path."""

    def __init__(self, path: str, what: str) -> None:
        super().__init__(f"{what}, at `{path}`")


def structural(model: type[BaseModel], *, path: str) -> dict[str, Any]:
    """Write the schema of a model.

    Args:
        model: names on the wire are its aliases.
        path: where the model stands in the object, for errors.

    Raises:
        UnstructuralError: recursion, a union, a tuple of fixed length, or a keyword with no structural form.
    """
    document = model.model_json_schema(by_alias=True)
    return _Conversion(document.get("$defs", {})).node(document, path=path, within=())


class _Conversion:
    """One document, with the definitions that its nodes refer to."""

    def __init__(self, definitions: Mapping[str, Any]) -> None:
        self._definitions = definitions

    def node(self, given: Mapping[str, Any], *, path: str, within: tuple[str, ...]) -> dict[str, Any]:
        """Convert one node and everything below it; `within` names the models that it is part of."""
        found, within = self._resolved(given, path=path, within=within)
        written = _keywords(found, path=path)
        if written.get(_INT_OR_STRING):
            return written
        match written.get("type"):
            case "object":
                return {**written, **self._object(found, path=path, within=within)}
            case "array":
                return {**written, **self._array(found, path=path, within=within)}
            case kind if kind in _SCALARS:
                return written
            case None if written.keys() <= {"description"}:
                return {**written, _OPEN: True}
            case kind:
                raise UnstructuralError(path, f"no single type but `{kind}`")

    def _resolved(
        self, given: Mapping[str, Any], *, path: str, within: tuple[str, ...]
    ) -> tuple[Mapping[str, Any], tuple[str, ...]]:
        """Put what a node refers to in its place, until it stands by itself."""
        found = given
        while True:
            rest = {key: value for key, value in found.items() if key not in {"$ref", "allOf", "anyOf"}}
            if "$ref" in found:
                name = str(found["$ref"]).removeprefix("#/$defs/")
                if name in within:
                    raise UnstructuralError(path, f"`{name}` contains itself")
                found, within = _merged(self._definitions[name], rest), (*within, name)
            elif "allOf" in found or "anyOf" in found:
                found = _merged(_only(found.get("allOf") or found["anyOf"], path=path), rest)
            else:
                return found, within

    def _object(self, found: Mapping[str, Any], *, path: str, within: tuple[str, ...]) -> dict[str, Any]:
        properties = found.get("properties", {})
        others = found.get("additionalProperties", False)
        written: dict[str, Any] = {}
        if properties:
            written["properties"] = {
                name: self.node(node, path=f"{path}.{name}", within=within) for name, node in properties.items()
            }
        if found.get("required"):
            written["required"] = sorted(found["required"])
        if others is True or others == {}:
            written[_OPEN] = True
        elif others is not False and properties:
            raise UnstructuralError(path, "named members beside a map")
        elif others is not False:
            written["additionalProperties"] = self.node(others, path=f"{path}.*", within=within)
        return written

    def _array(self, found: Mapping[str, Any], *, path: str, within: tuple[str, ...]) -> dict[str, Any]:
        if "items" not in found:
            raise UnstructuralError(path, "a list of nothing known")
        written = {"items": self.node(found["items"], path=f"{path}[]", within=within)}
        return {**written, _LIST_TYPE: "set"} if found.get("uniqueItems") else written


def _keywords(found: Mapping[str, Any], *, path: str) -> dict[str, Any]:
    """Copy what belongs to the node itself, in the words of OpenAPI v3."""
    written: dict[str, Any] = {}
    for keyword, value in found.items():
        if keyword in _DROPPED | _BELOW or (keyword == "default" and value in _SILENT_DEFAULTS):
            continue
        if keyword in _KEPT or keyword.startswith("x-kubernetes-"):
            written[keyword] = value
        elif keyword == "const":
            written["enum"] = [value]
        elif keyword in _EXCLUSIVE:
            written |= {_EXCLUSIVE[keyword]: value, keyword: True}
        else:
            raise UnstructuralError(path, f"`{keyword}` has no structural form")
    return written


def _only(members: Iterable[Mapping[str, Any]], *, path: str) -> Mapping[str, Any]:
    """Give the one member of a union that is not null: in a cluster, a field that may be null is one that may be absent."""
    real = [member for member in members if member.get("type") != "null"]
    if sorted(str(member.get("type")) for member in real) == ["integer", "string"] and all(len(member) == 1 for member in real):
        return {_INT_OR_STRING: True}
    if len(real) != 1:
        raise UnstructuralError(path, "a union")
    return real[0]


def _merged(target: Mapping[str, Any], beside: Mapping[str, Any]) -> dict[str, Any]:
    """Lay what stands beside a reference over what it refers to; rules add up."""
    rules = [*target.get(_VALIDATIONS, ()), *beside.get(_VALIDATIONS, ())]
    return {**target, **beside, **({_VALIDATIONS: rules} if rules else {})}
