"""From a model to a structural schema: what is converted, and what is refused because it has no structural form."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Union

import pytest
from pydantic import BaseModel, Field

from mcpg_operator.crds.schema import UnstructuralError, structural
from supplychain.api.shape import VALIDATIONS, Cel


class Part(BaseModel):
    """A part."""

    name: Annotated[str, Cel("self != ''", "empty")]


class Node(BaseModel):
    next: Node | None = None


def without_items(schema: dict[str, Any]) -> None:
    del schema["items"]


def field(annotation: Any, default: Any = ..., /) -> dict[str, Any]:
    """The schema of one field."""
    model = type("Sample", (BaseModel,), {"__annotations__": {"it": annotation}, **({} if default is ... else {"it": default})})
    return structural(model, path="spec")["properties"]["it"]


def test_a_reference_is_replaced_by_what_it_refers_to():
    assert field(Part) == {
        "type": "object",
        "description": "A part.",
        "properties": {"name": {"type": "string", VALIDATIONS: [{"rule": "self != ''", "message": "empty"}]}},
        "required": ["name"],
    }


def test_the_description_of_a_field_counts_more_than_that_of_its_model():
    assert field(Part, Field(description="This part."))["description"] == "This part."


def test_rules_of_a_field_are_added_to_those_of_its_model():
    class Ruled(BaseModel):
        model_config = {"json_schema_extra": {VALIDATIONS: [{"rule": "a", "message": "a"}]}}

    found = field(Annotated[Ruled, Cel("b", "b")])
    assert [rule["rule"] for rule in found[VALIDATIONS]] == ["a", "b"]


@pytest.mark.parametrize(
    ("annotation", "default", "expected"),
    [
        pytest.param(str | None, None, {"type": "string"}, id="an optional field is one that may be absent"),
        pytest.param(str, "", {"type": "string"}, id="an empty default says nothing"),
        pytest.param(list[str], [], {"type": "array", "items": {"type": "string"}}, id="an empty list says nothing"),
        pytest.param(str, "x", {"type": "string", "default": "x"}, id="a default is kept"),
        pytest.param(bool, False, {"type": "boolean", "default": False}, id="false is a default"),
        pytest.param(int, 0, {"type": "integer", "default": 0}, id="zero is a default"),
    ],
)
def test_defaults(annotation, default, expected):
    assert field(annotation, default) == expected


@pytest.mark.parametrize(
    ("annotation", "expected"),
    [
        pytest.param(int | str, {"x-kubernetes-int-or-string": True}, id="int or string"),
        pytest.param(Literal["a"], {"type": "string", "enum": ["a"]}, id="one word"),
        pytest.param(Literal["a", "b"], {"type": "string", "enum": ["a", "b"]}, id="two words"),
        pytest.param(Annotated[int, Field(gt=0)], {"type": "integer", "minimum": 0, "exclusiveMinimum": True}, id="above"),
        pytest.param(Annotated[float, Field(lt=1)], {"type": "number", "maximum": 1, "exclusiveMaximum": True}, id="below"),
        pytest.param(set[str], {"type": "array", "items": {"type": "string"}, "x-kubernetes-list-type": "set"}, id="set"),
        pytest.param(tuple[str, ...], {"type": "array", "items": {"type": "string"}}, id="tuple of any length"),
        pytest.param(dict[str, int], {"type": "object", "additionalProperties": {"type": "integer"}}, id="map"),
        pytest.param(dict[str, Any], {"type": "object", "x-kubernetes-preserve-unknown-fields": True}, id="open object"),
        pytest.param(Any, {"x-kubernetes-preserve-unknown-fields": True}, id="anything"),
        pytest.param(
            Annotated[str, Field(title="T", examples=["x"], max_length=3)], {"type": "string", "maxLength": 3}, id="bounds"
        ),
        pytest.param(
            Annotated[str, Field(json_schema_extra={"allOf": [{"type": "string"}]})], {"type": "string"}, id="one member of all"
        ),
        pytest.param(
            Annotated[list[str], Field(json_schema_extra={"x-kubernetes-list-type": "atomic"})],
            {"type": "array", "items": {"type": "string"}, "x-kubernetes-list-type": "atomic"},
            id="words of Kubernetes",
        ),
    ],
)
def test_what_has_a_structural_form(annotation, expected):
    assert field(annotation) == expected


def test_a_closed_model_needs_no_word_for_it():
    class Closed(BaseModel, extra="forbid"):
        it: int

    assert structural(Closed, path="spec") == {"type": "object", "properties": {"it": {"type": "integer"}}, "required": ["it"]}


def test_an_open_model_keeps_what_it_does_not_know():
    class Open(BaseModel, extra="allow"):
        it: int

    assert structural(Open, path="spec")["x-kubernetes-preserve-unknown-fields"] is True


def test_a_model_without_fields_is_an_object():
    class Empty(BaseModel):
        pass

    assert structural(Empty, path="spec") == {"type": "object"}


def test_a_model_that_is_used_twice_is_not_recursive():
    class Pair(BaseModel):
        first: Part
        second: Part

    found = structural(Pair, path="spec")["properties"]
    assert found["first"] == found["second"]


@pytest.mark.parametrize(
    ("annotation", "message"),
    [
        pytest.param(Node, "`Node` contains itself, at `spec.it.next`", id="recursion"),
        pytest.param(Part | str, "a union, at `spec.it`", id="union"),
        pytest.param(Union[int, str, None, bool], "a union, at `spec.it`", id="union of three"),  # noqa: UP007 — the older form
        pytest.param(None, "no single type but `null`, at `spec.it`", id="null alone"),
        pytest.param(tuple[int, str], "`prefixItems` has no structural form, at `spec.it`", id="tuple of fixed length"),
        pytest.param(list[Part | str], "a union, at `spec.it[]`", id="union in a list"),
        pytest.param(dict[str, Part | str], "a union, at `spec.it.*`", id="union in a map"),
        pytest.param(
            Annotated[int, Field(json_schema_extra={"not": {}})], "`not` has no structural form, at `spec.it`", id="negation"
        ),
        pytest.param(
            Annotated[list[str], Field(json_schema_extra=without_items)],
            "a list of nothing known, at `spec.it`",
            id="list without items",
        ),
        pytest.param(
            Annotated[Any, Field(json_schema_extra={"enum": [1, "a"]})],
            "no single type but `None`, at `spec.it`",
            id="enum of two types",
        ),
    ],
)
def test_what_has_no_structural_form_is_refused_with_its_path(annotation, message):
    with pytest.raises(UnstructuralError) as caught:
        field(annotation)
    assert str(caught.value) == message


def test_named_members_beside_a_map_are_refused():
    class Mixed(BaseModel):
        model_config = {"json_schema_extra": {"additionalProperties": {"type": "string"}}}
        it: int

    with pytest.raises(UnstructuralError, match="named members beside a map, at `spec`"):
        structural(Mixed, path="spec")
